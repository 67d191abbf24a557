"""Lays a picture of a plan under a level of a site, by what was measured on it."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from calibration.errors import SiteError
from calibration.site import SITE_FILE, Site, load_site
from calibration.underlay import MEDIA_TYPES, Underlay, north_on_picture_deg, placement_of_points

from .errors import SiteWriteError
from .whole_files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

PICTURES: Final = "plans"
XY = tuple[float, float]

_HEADER = re.compile(r"^\s*\[\[\s*underlays\s*\]\]\s*(?:#.*)?$")
_NEXT = re.compile(r"^\s*\[{1,2}[^\[\],]+\]{1,2}\s*(?:#.*)?$")
_BEARING = re.compile(r"^(\s*x_axis_bearing_deg\s*=\s*)[^\s#]+", re.MULTILINE)
_DIGITS: Final = 4
_NORTH_OFF_DEG: Final = 1.0


@dataclass(frozen=True, slots=True)
class UnderlayRequest:
    """What was measured on a picture. Its scale is given in exactly one way.

    Attributes:
        folder: the site folder.
        picture: the picture; copied into the folder where it lies elsewhere.
        level: id of the level.
        points_px: two points of the picture, or none.
        distance_m: how far apart they are.
        places_m: where they are, site metres, or none.
        metres_per_pixel: the scale, where it is known.
        rotation_deg: of the picture on the plan; None where north or the places tell.
        north_px: a point of the picture and one true north of it, or none.
        origin: a point of the picture and its place in site metres; None for the lower left
            corner at (0, 0).
        set_bearing: whether north tells the site's bearing rather than the picture's rotation.
        replace: whether an underlay that the level has may go.
    """

    folder: Path
    picture: Path
    level: str
    points_px: tuple[XY, XY] | None = None
    distance_m: float | None = None
    places_m: tuple[XY, XY] | None = None
    metres_per_pixel: float | None = None
    rotation_deg: float | None = None
    north_px: tuple[XY, XY] | None = None
    origin: tuple[XY, XY] | None = None
    set_bearing: bool = False
    replace: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class UnderlayResult:
    """The site with its new underlay, and what to know about it."""

    site: Site
    underlay: Underlay
    notes: tuple[str, ...]


def lay_under(request: UnderlayRequest) -> UnderlayResult:
    """Write the underlay into the site folder; the site loads with it, or all stays as it was.

    Raises:
        calibration.errors.SiteError: the site is not sound, or would not be with the underlay.
        SiteWriteError: what was measured does not fit together, or a file cannot be written.
    """
    site = load_site(request.folder)
    site.plan.require_level(request.level)
    path = request.folder / SITE_FILE
    before = path.read_bytes()
    text = before.decode("utf-8")
    written = tomllib.loads(text)
    old = [t for t in written.get("underlays", []) if t["level"] == request.level]
    if old and not request.replace:
        raise SiteWriteError(
            f"{path}: level {request.level!r} has an underlay, {old[0]['file']}; --replace takes "
            "the new one"
        )
    bearing_deg = _bearing(request)
    table, file = _table(request, site)
    if old:
        text = _without(text, request.level, path)
    if bearing_deg is not None:
        text = _BEARING.sub(lambda found: f"{found[1]}{bearing_deg}", text, count=1)
    text = text.rstrip("\n") + "\n\n" + _block(table)
    _require(text, _wanted(written, table, bearing_deg), path)
    target = request.folder / file
    known = target.read_bytes() if target.is_file() else None
    _copy(request, target)
    try:
        _write(path, text.encode("utf-8"))
        loaded = load_site(request.folder)
    except (SiteError, SiteWriteError):
        _write(path, before)
        if known is None:
            target.unlink(missing_ok=True)
        else:
            _write(target, known)
        raise
    underlay = next(u for u in loaded.underlays if u.level == request.level)
    return UnderlayResult(loaded, underlay, tuple(_notes(request, loaded, underlay)))


def _bearing(request: UnderlayRequest) -> float | None:
    """The bearing that the site gets; None where it keeps its own."""
    if not request.set_bearing:
        return None
    if request.north_px is None:
        raise SiteWriteError("--set-bearing needs --north: foot and tip of the north arrow")
    rotation_deg = request.rotation_deg or 0.0
    if request.places_m is not None and request.points_px is not None:
        px, xy_m = (np.array(pair, np.float64) for pair in (request.points_px, request.places_m))
        try:
            rotation_deg = placement_of_points(px, xy_m).rotation_deg
        except ValueError as error:
            raise SiteWriteError(f"--point: {error}") from error
    bearing_deg = (_north(request.north_px) + rotation_deg) % 360.0
    return round(bearing_deg, _DIGITS)


def _north(north_px: tuple[XY, XY]) -> float:
    try:
        return north_on_picture_deg(np.array(north_px, dtype=np.float64))
    except ValueError as error:
        raise SiteWriteError(f"--north: {error}") from error


def _table(request: UnderlayRequest, site: Site) -> tuple[dict[str, Any], str]:
    """The table of `site.toml`, and the picture's file in the folder."""
    if request.picture.suffix.lower() not in MEDIA_TYPES:
        raise SiteWriteError(f"{request.picture}: an underlay is one of {', '.join(MEDIA_TYPES)}")
    folder = request.folder.resolve()
    if request.picture.resolve().is_relative_to(folder):
        file = request.picture.resolve().relative_to(folder).as_posix()
    else:
        file = f"{PICTURES}/{request.picture.name}"
    table: dict[str, Any] = {"level": request.level, "file": file}
    if request.metres_per_pixel is not None:
        table["metres_per_pixel"] = request.metres_per_pixel
    if request.points_px is not None:
        table["pixels"] = [list(point) for point in request.points_px]
    if request.distance_m is not None:
        table["distance_m"] = request.distance_m
    if request.places_m is not None:
        table["metres"] = [list(place) for place in request.places_m]
        return table, file
    rotation_deg = request.rotation_deg
    if rotation_deg is None and request.north_px is not None and not request.set_bearing:
        turn_deg = site.anchor.x_axis_bearing_deg - _north(request.north_px)
        rotation_deg = (turn_deg + 180.0) % 360.0 - 180.0
    if rotation_deg:
        table["rotation_deg"] = round(rotation_deg, _DIGITS)
    if request.origin is not None:
        table["origin_px"], table["origin_m"] = (list(point) for point in request.origin)
    return table, file


def _without(text: str, level: str, path: Path) -> str:
    """The text without the table of a level's underlay."""
    lines = text.splitlines(keepends=True)
    starts = [i for i, line in enumerate(lines) if _HEADER.match(line)]
    tables = tomllib.loads(text)["underlays"]
    if len(starts) != len(tables):
        raise SiteWriteError(f"{path}: write each underlay as a table of its own, [[underlays]]")
    start = starts[next(i for i, table in enumerate(tables) if table["level"] == level)]
    end = next((i for i in range(start + 1, len(lines)) if _NEXT.match(lines[i])), len(lines))
    return "".join(lines[:start] + lines[end:])


def _block(table: dict[str, Any]) -> str:
    """The table as TOML; numbers, lists of them and plain texts are written as in JSON."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    return "[[underlays]]\n" + "\n".join(lines) + "\n"


def _wanted(
    written: dict[str, Any], table: dict[str, Any], bearing_deg: float | None
) -> dict[str, Any]:
    others = [t for t in written.get("underlays", []) if t["level"] != table["level"]]
    wanted = {**written, "underlays": [*others, table]}
    if bearing_deg is not None:
        wanted["anchor"] = {**written["anchor"], "x_axis_bearing_deg": bearing_deg}
    return wanted


def _require(text: str, wanted: dict[str, Any], path: Path) -> None:
    """Refuse a text that does not say what was wanted: the file is written in a way of its own."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        found = None
    if found != wanted:
        block = _block(wanted["underlays"][-1])
        raise SiteWriteError(
            f"{path}: cannot be changed by a program as it is written; add this by hand:\n{block}"
        )


def _copy(request: UnderlayRequest, target: Path) -> None:
    """Copy the picture into the folder, unless it lies there."""
    if target.resolve() == request.picture.resolve():
        return
    if target.exists() and not request.replace:
        raise SiteWriteError(f"{target}: is there already; --replace takes the new one")
    try:
        content = request.picture.read_bytes()
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SiteWriteError(f"{request.picture}: cannot be copied: {error.strerror}") from error
    _write(target, content)


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise SiteWriteError(f"{path}: cannot be written: {error.strerror or error}") from error


def _notes(request: UnderlayRequest, site: Site, underlay: Underlay) -> list[str]:
    notes = []
    if request.north_px is not None:
        picture_deg = _north(request.north_px)
        shown_deg = (picture_deg + underlay.placement.rotation_deg) % 360.0
        off_deg = (shown_deg - site.anchor.x_axis_bearing_deg + 180.0) % 360.0 - 180.0
        if abs(off_deg) > _NORTH_OFF_DEG:
            notes.append(
                f"north on the picture differs by {off_deg:.1f} degrees from site.toml; check "
                "anchor.x_axis_bearing_deg, or let --set-bearing take the picture's"
            )
    floor = site.plan.footprint(underlay.level)
    corners_m = underlay.corners_m()
    left, bottom, right, top = floor.bounds if not floor.is_empty else (0, 0, 0, 0)
    low, high = corners_m.min(axis=0), corners_m.max(axis=0)
    if floor.is_empty or low[0] > right or high[0] < left or low[1] > top or high[1] < bottom:
        notes.append("the picture lies beside the plan; check its origin and its scale")
    return notes
