"""The process in which files of strangers are read, see `plan_reading`.

Its input is a line of JSON that says what is wanted, and the file; its output a line of JSON that
says what was found, and what was made of it. A file that is refused makes exit status 3.
"""

from __future__ import annotations

import io
import json
import math
import resource
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

if TYPE_CHECKING:
    from PIL import Image

REFUSED: Final = 3

_MOST_MEMORY: Final = 3 * 2**30
_MOST_CPU_S: Final = 75
_MOST_PIXELS: Final = 150_000_000
_SHOWN_PIXELS: Final = 24_000_000
"""A browser keeps four bytes of each; A1 at 180 dots an inch has as many."""

_SHOWN_SIDE_PX: Final = 12_000
_DPI: Final = 200.0
_POINTS_AN_INCH: Final = 72.0
_MOST_PLAN_BYTES: Final = 96 * 2**20
_JPEG_QUALITY: Final = 90
_SIXTEEN_BIT: Final = 256.0


class Refused(Exception):  # noqa: N818 - reads as what it is
    """The file is not used; the message says why and what would do."""


def main(given: BinaryIO, answer: BinaryIO) -> int:
    """Read what is asked for; return the exit status."""
    wanted = json.loads(given.readline())
    data = given.read()
    try:
        if wanted["what"] == "picture":
            head, content = _picture(data, wanted["kind"], wanted["page"])
        else:
            head, content = _plan(data, wanted["kind"], wanted["storey_m"])
    except Refused as refused:
        answer.write(json.dumps({"refused": str(refused)}).encode() + b"\n")
        return REFUSED
    except (MemoryError, RecursionError):
        told = "the file needs more memory than a plan may; save it simpler or smaller"
        answer.write(json.dumps({"refused": told}).encode() + b"\n")
        return REFUSED
    answer.write(json.dumps(head).encode() + b"\n" + content)
    return 0


def bound() -> None:
    """Bound memory and time of this process, and let it leave no dump of itself."""
    for what, most in (
        (resource.RLIMIT_AS, _MOST_MEMORY),
        (resource.RLIMIT_CPU, _MOST_CPU_S),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (least, least))


def _picture(data: bytes, kind: str, page: int) -> tuple[dict[str, Any], bytes]:
    pages = 1
    if kind == "application/pdf":
        picture, pages = _page(data, page)
    elif page != 1:
        raise Refused(f"a picture has one page; there is no page {page}")
    else:
        picture = _raster(data, "PNG" if kind == "image/png" else "JPEG")
    shown = _fitting(_on_white(picture))
    packed = io.BytesIO()
    if kind == "image/jpeg":
        shown.save(packed, "JPEG", quality=_JPEG_QUALITY)
    else:
        shown.save(packed, "PNG")
    head = {
        "media_type": "image/jpeg" if kind == "image/jpeg" else "image/png",
        "size_px": shown.size,
        "page": page,
        "pages": pages,
    }
    return head, packed.getvalue()


def _raster(data: bytes, kind: str) -> Image.Image:
    from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: PLC0415 - bounds come first

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # counted below
            picture = Image.open(io.BytesIO(data), formats=[kind])
        width, height = picture.size
        if width * height > _MOST_PIXELS:
            raise Refused(
                f"the picture has {width} x {height} pixels; save it with {_MOST_PIXELS:,} at most"
            )
        picture.load()
        return ImageOps.exif_transpose(picture)
    except Image.DecompressionBombError:
        raise Refused(f"the picture is larger than {_MOST_PIXELS:,} pixels; save it smaller") from (
            None
        )
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise Refused(f"the {kind} picture is damaged ({error}); save it anew") from error


def _page(data: bytes, page: int) -> tuple[Image.Image, int]:
    import pypdfium2  # type: ignore[import-untyped] # noqa: PLC0415 - bounds come first

    try:
        document = pypdfium2.PdfDocument(data)
        pages = len(document)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise Refused("the PDF is encrypted; save it without a password") from error
        raise Refused(f"the PDF is damaged ({error}); save or print it anew") from error
    if not 1 <= page <= pages:
        raise Refused(f"the PDF has {pages} {'page' if pages == 1 else 'pages'}, no page {page}")
    try:
        drawn = document[page - 1]
        wide, tall = drawn.get_size()
        if not (wide >= 1 and tall >= 1):
            raise Refused(f"page {page} has no size; print it anew")
        most = min(math.sqrt(_SHOWN_PIXELS / (wide * tall)), _SHOWN_SIDE_PX / max(wide, tall))
        drawn_at: Any = min(_DPI / _POINTS_AN_INCH, most)  # a fraction, whatever its hint says
        bitmap = drawn.render(scale=drawn_at, may_draw_forms=False)
        return bitmap.to_pil(), pages
    except pypdfium2.PdfiumError as error:
        raise Refused(f"page {page} of the PDF is damaged ({error}); print it anew") from error


def _on_white(picture: Image.Image) -> Image.Image:
    """The picture without transparency: black lines on nothing vanish on a dark screen."""
    from PIL import Image  # noqa: PLC0415 - bounds come first

    if picture.mode.startswith("I") or picture.mode == "F":
        return picture.point(lambda value: value / _SIXTEEN_BIT).convert("L")
    if picture.mode in {"1", "L"} and "transparency" not in picture.info:
        return picture.convert("L")
    solid = picture.convert("RGBA")
    white = Image.new("RGBA", solid.size, "white")
    white.alpha_composite(solid)
    return white.convert("RGB")


def _fitting(picture: Image.Image) -> Image.Image:
    from PIL import Image  # noqa: PLC0415 - bounds come first

    width, height = picture.size
    least = min(
        1.0,
        math.sqrt(_SHOWN_PIXELS / (width * height)),
        _SHOWN_SIDE_PX / max(width, height),
    )
    if least == 1.0:
        return picture
    smaller = (max(1, round(width * least)), max(1, round(height * least)))
    return picture.resize(smaller, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _plan(data: bytes, kind: str, storey_m: float) -> tuple[dict[str, Any], bytes]:
    from calibration.import_imdf import MANIFEST_FILE, import_imdf  # noqa: PLC0415
    from calibration.import_indoor_map import MAIN_FILE, import_indoor_map  # noqa: PLC0415
    from calibration.imported_plan import PlanSourceError  # noqa: PLC0415
    from calibration.plan_archive import read_archive  # noqa: PLC0415
    from calibration.plan_writing import plan_features, site_table  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        brought = Path(folder) / ("plan.zip" if kind == "zip" else "plan.geojson")
        brought.write_bytes(data)
        try:
            files = read_archive(brought)
            if sum(len(content) for content in files.values()) > _MOST_PLAN_BYTES:
                raise Refused(f"the plan is larger than {_MOST_PLAN_BYTES // 2**20} MiB")
            if MAIN_FILE in files:
                made = import_indoor_map(files, storey_m=storey_m)
            else:
                archive = MANIFEST_FILE in files
                made = import_imdf(files, storey_m=storey_m, archive=archive)
        except PlanSourceError as error:
            raise Refused(str(error).replace(f"{brought}", brought.name)) from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Refused(f"the file is no plan that can be read ({error!r})") from error
    table = site_table(made.name, made.address, made.anchor, made.plan, "")
    plan = {
        "name": made.name,
        "anchor": table["anchor"],
        "levels": table["levels"],
        "features": list(plan_features(made.plan)),
    }
    return {"notes": made.notes}, json.dumps(plan).encode()


if __name__ == "__main__":
    bound()
    sys.exit(main(sys.stdin.buffer, sys.stdout.buffer))
