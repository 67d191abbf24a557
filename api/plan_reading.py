"""Reads files that somebody brings to the floor-plan page, apart from the server.

What decodes pictures, pages and archives was written by many hands and meets files from anywhere.
So it runs in a process of its own (`plan_reading_child`), with bounds on its memory and its time: a
file that breaks it ends that process, and whoever watches cameras meanwhile notices nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, Final

from calibration.safe_svg import SvgError, safe_svg, svg_size

from .errors import UploadError

PDF: Final = "application/pdf"
SVG: Final = "image/svg+xml"
PNG: Final = "image/png"
JPEG: Final = "image/jpeg"

_MOST_SVG_BYTES: Final = 16 * 1024 * 1024
_PATIENCE_S: Final = 90.0
_REFUSED: Final = 3
_STARTS: Final = ((b"\x89PNG\r\n\x1a\n", PNG), (b"\xff\xd8\xff", JPEG))
_PDF_WITHIN: Final = 1024
_LOOKED_AT: Final = 4096


@dataclass(frozen=True, slots=True)
class ReadPicture:
    """A picture fit to be laid under a level and to be shown.

    Attributes:
        media_type: of `content`: "image/png", "image/jpeg" or "image/svg+xml".
        content: the picture, made anew; an SVG without scripts and links.
        size_px: width and height; of an SVG in units of its view box.
        page: the page it was made from, from 1.
        pages: pages that the file has; 1 for a picture.
    """

    media_type: str
    content: bytes
    size_px: tuple[float, float]
    page: int = 1
    pages: int = 1


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """A plan as an importer made it, plain data as a draft has it.

    Attributes:
        name: of the site, as the file says.
        anchor: longitude_deg, latitude_deg, x_axis_bearing_deg.
        levels: id, name, ordinal, elevation_m of each.
        features: as `floor_plan.geojson` has them, site metres.
        notes: what was assumed, repaired or not used, in words.
    """

    name: str
    anchor: dict[str, float]
    levels: list[dict[str, Any]]
    features: list[dict[str, Any]]
    notes: tuple[str, ...]


def read_picture(data: bytes, page: int = 1) -> ReadPicture:
    """The picture of a PNG, JPEG, SVG or a page of a PDF.

    Args:
        data: the file.
        page: of a PDF, from 1.

    Raises:
        UploadError: it is none of them, damaged, encrypted, or larger than a plan can be.
    """
    kind = _kind_of(data)
    if kind == SVG:
        return _read_svg(data)
    if kind not in {PNG, JPEG, PDF}:
        raise UploadError(
            f"the file is {_in_words(kind)}; a picture of a plan is a PNG, JPEG, SVG or PDF"
        )
    head, content = _read_apart({"what": "picture", "kind": kind, "page": page}, data)
    width, height = head["size_px"]
    return ReadPicture(
        head["media_type"], content, (float(width), float(height)), head["page"], head["pages"]
    )


def read_plan(data: bytes, *, storey_m: float) -> ReadPlan:
    """The plan of an IMDF archive, of GeoJSON in its manner, or of a WRLD indoor map.

    Args:
        data: the file: a zip, or one GeoJSON file.
        storey_m: height of a storey where the file tells none.

    Raises:
        UploadError: it is none of them, or what it holds makes no plan.
    """
    kind = _kind_of(data)
    if kind not in {"zip", "json"}:
        raise UploadError(
            f"the file is {_in_words(kind)}; a plan is a .zip (IMDF, indoor map) or a .geojson"
        )
    head, content = _read_apart({"what": "plan", "kind": kind, "storey_m": storey_m}, data)
    read = json.loads(content)
    return ReadPlan(
        read["name"], read["anchor"], read["levels"], read["features"], tuple(head["notes"])
    )


def _kind_of(data: bytes) -> str:
    """What a file is, by what stands in it: names and types are the sender's to choose."""
    for start, kind in _STARTS:
        if data.startswith(start):
            return kind
    if b"%PDF-" in data[:_PDF_WITHIN]:
        return PDF
    if data.startswith(b"PK\x03\x04"):
        return "zip"
    text = data[:_LOOKED_AT].removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{"):
        return "json"
    if text.startswith((b"<", b"\xff\xfe<", b"\xfe\xff\x00<")):
        return SVG
    return "empty" if not data else "unknown"


def _in_words(kind: str) -> str:
    known = {
        PNG: "a PNG picture", JPEG: "a JPEG picture", SVG: "an XML file", PDF: "a PDF",
        "zip": "a zip archive", "json": "JSON", "empty": "empty",
    }  # fmt: skip
    return known.get(kind, "of a kind that is not known here")


def _read_svg(data: bytes) -> ReadPicture:
    if len(data) > _MOST_SVG_BYTES:
        raise UploadError(
            f"the drawing is larger than {_MOST_SVG_BYTES // 2**20} MiB; save it simpler, or as PDF"
        )
    try:
        return ReadPicture(SVG, safe_svg(data), svg_size(data))
    except SvgError as error:
        raise UploadError(f"the drawing {error}") from error
    except (RecursionError, MemoryError):
        raise UploadError("the drawing is nested too deeply; save it as PDF") from None


def _read_apart(wanted: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """What the child says of a file: its words, and the bytes after them."""
    # Nothing of the server's environment, which may hold passwords; the wheel lies on the path
    # that the interpreter has of itself.
    clean = {"PATH": os.defpath, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        run = subprocess.run(
            [sys.executable, "-I", "-m", "api.plan_reading_child"],
            input=json.dumps(wanted).encode() + b"\n" + data,
            capture_output=True,
            timeout=_PATIENCE_S,
            check=False,
            env=clean,
        )
    except subprocess.TimeoutExpired:
        raise UploadError(
            f"the file could not be read within {_PATIENCE_S:.0f} s; save it simpler or smaller"
        ) from None
    line, _, content = run.stdout.partition(b"\n")
    if run.returncode == _REFUSED:
        raise UploadError(json.loads(line)["refused"])
    if run.returncode != 0:
        raise UploadError(
            "the file cannot be read: it is damaged, or needs more memory than a plan may; save it "
            "anew, simpler or smaller"
        )
    head: dict[str, Any] = json.loads(line)
    return head, content
