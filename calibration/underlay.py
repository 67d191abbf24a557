"""A picture of a floor plan, laid under the plan in site metres."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, UnidentifiedImageError

from .errors import Problem
from .safe_svg import SvgError, safe_svg, svg_size

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from .site_files import LevelTable, UnderlayTable

_SVG: Final = "image/svg+xml"
MEDIA_TYPES: Final = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".svg": _SVG,
}
_MOST_PIXELS: Final = 150_000_000
_MOST_BYTES: Final = 64 * 1024 * 1024
_APART_PX: Final = 1.0


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a picture lies on the floor: turned, scaled, not stretched and not mirrored.

    Attributes:
        metres_per_pixel: site metres a pixel (of an SVG: a unit of its view box).
        rotation_deg: direction of the picture's x axis (to the right) in site metres,
            counter-clockwise from the plan's x axis.
        origin_px: a point of the picture (x right, y down).
        origin_m: the same point in site metres.
    """

    metres_per_pixel: float
    rotation_deg: float
    origin_px: tuple[float, float]
    origin_m: tuple[float, float]

    def matrix(self) -> NDArray[np.float64]:
        """`(2, 3)` from (x, y, 1) in pixels to site metres."""
        turn = math.radians(self.rotation_deg)
        cos, sin = math.cos(turn), math.sin(turn)
        # y points down in the picture and up on the plan.
        linear = self.metres_per_pixel * np.array([[cos, sin], [sin, -cos]])
        shift = np.array(self.origin_m) - linear @ np.array(self.origin_px)
        return np.column_stack([linear, shift])

    def to_site(self, px: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(N, 2)` site metres of `(N, 2)` pixels."""
        matrix = self.matrix()
        xy_m: NDArray[np.float64] = px @ matrix[:, :2].T + matrix[:, 2]
        return xy_m

    def to_pixels(self, xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(N, 2)` pixels of `(N, 2)` site metres."""
        matrix = self.matrix()
        px: NDArray[np.float64] = (xy_m - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
        return px


@dataclass(frozen=True, slots=True)
class Underlay:
    """One picture under one level.

    Attributes:
        level: level id.
        file: the picture's file, relative to the site folder.
        path: where it lies.
        media_type: e.g. "image/png".
        size_px: width and height of the picture.
        placement: where it lies on the floor.
    """

    level: str
    file: str
    path: Path
    media_type: str
    size_px: tuple[float, float]
    placement: Placement

    @property
    def is_drawing(self) -> bool:
        """Whether it is an SVG drawing rather than a picture of pixels."""
        return self.media_type == _SVG

    def content(self) -> bytes:
        """The picture's bytes, fit to be shown: an SVG without scripts and without links.

        Raises:
            OSError: the file cannot be read any more.
            SvgError: it is no SVG any more.
        """
        data = self.path.read_bytes()
        return safe_svg(data) if self.is_drawing else data

    def corners_m(self) -> NDArray[np.float64]:
        """`(4, 2)` site metres of its corners, from the top left one on, clockwise."""
        return self.placement.to_site(corners_px(self.size_px, self.media_type))


def corners_px(size_px: tuple[float, float], media_type: str) -> NDArray[np.float64]:
    """`(4, 2)` the corners of a picture, from the top left one on, clockwise.

    The origin is the centre of the top left pixel; of an SVG the top left corner of its view box.
    """
    least = 0.0 if media_type == _SVG else -0.5
    width, height = size_px[0] + least, size_px[1] + least
    return np.array([(least, least), (width, least), (width, height), (least, height)])


def placement_of_points(px: NDArray[np.float64], xy_m: NDArray[np.float64]) -> Placement:
    """The placement that puts two points of a picture onto two places.

    Args:
        px: `(2, 2)` pixels.
        xy_m: `(2, 2)` the places, site metres.

    Raises:
        ValueError: the points or the places are the same.
    """
    step_px, step_m = px[1] - px[0], xy_m[1] - xy_m[0]
    away_px, away_m = float(np.hypot(*step_px)), float(np.hypot(*step_m))
    if away_px < _APART_PX or away_m <= 0:
        raise ValueError("the two points are the same; choose two that lie far apart")
    turn = math.atan2(step_m[1], step_m[0]) - math.atan2(-step_px[1], step_px[0])
    turn_deg = math.degrees(math.remainder(turn, 2 * math.pi))
    return Placement(
        away_m / away_px, turn_deg, (float(px[0][0]), float(px[0][1])),
        (float(xy_m[0][0]), float(xy_m[0][1])),
    )  # fmt: skip


def scale_of_points(px: NDArray[np.float64], distance_m: float) -> float:
    """Metres a pixel, of two points of a picture and their distance.

    Raises:
        ValueError: the points are the same.
    """
    away_px = float(np.hypot(*(px[1] - px[0])))
    if away_px < _APART_PX:
        raise ValueError("the two points are the same; choose two that lie far apart")
    return distance_m / away_px


def north_on_picture_deg(px: NDArray[np.float64]) -> float:
    """Compass bearing of a picture's x axis, of `(2, 2)` a point and one true north of it.

    Raises:
        ValueError: the points are the same.
    """
    step_px = px[1] - px[0]
    if float(np.hypot(*step_px)) < _APART_PX:
        raise ValueError("the two points are the same; give the foot and the tip of a north arrow")
    # The arrow's direction, counter-clockwise from the picture's x axis; x is as far clockwise
    # from north as north is counter-clockwise from x.
    return math.degrees(math.atan2(-step_px[1], step_px[0])) % 360.0


def load_underlays(
    folder: Path,
    tables: tuple[UnderlayTable, ...],
    levels: tuple[LevelTable, ...],
    file: str,
    problems: list[Problem],
) -> tuple[Underlay, ...]:
    """The underlays of a site; those with a problem are left out.

    Args:
        folder: the site folder.
        tables: `[[underlays]]` of `site.toml`.
        levels: its levels.
        file: how problems name `site.toml`.
        problems: receives what is wrong.
    """
    found: list[Underlay] = []
    known = {level.id for level in levels}
    for i, table in enumerate(tables):
        within = f"underlays[{i}]"
        if table.level not in known:
            listed = ", ".join(sorted(known))
            problems.append(
                Problem(
                    file, f"{within}.level", f"unknown level {table.level!r}; there are {listed}"
                )
            )
            continue
        if any(other.level == table.level for other in found):
            problems.append(
                Problem(file, f"{within}.level", f"{table.level!r} has two underlays; keep one")
            )
            continue
        path = folder / table.file
        try:
            media_type, size_px = picture_size(path, folder)
            placement = _placement(table, size_px, media_type)
        except ValueError as error:
            problems.append(Problem(file, within, f"{table.file}: {error}"))
            continue
        found.append(Underlay(table.level, table.file, path, media_type, size_px, placement))
    return tuple(found)


def picture_size(path: Path, folder: Path) -> tuple[str, tuple[float, float]]:
    """Media type, and width and height in pixels, of a picture in a site folder.

    Raises:
        ValueError: it is missing, outside of the folder, too large, or no picture of its ending.
    """
    media_type = MEDIA_TYPES.get(path.suffix.lower())
    if media_type is None:
        raise ValueError(f"an underlay is one of {', '.join(MEDIA_TYPES)}, not {path.suffix!r}")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError("lies outside the site folder; copy it into it")
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"is larger than {_MOST_BYTES // 2**20} MiB; save it smaller")
        if media_type == _SVG:
            return media_type, svg_size(path.read_bytes())
        return media_type, _raster_size(path, media_type)
    except FileNotFoundError:
        raise ValueError("is not there") from None
    except SvgError as error:
        raise ValueError(str(error)) from error
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror or error}") from error


def _raster_size(path: Path, media_type: str) -> tuple[float, float]:
    wanted = "PNG" if media_type == "image/png" else "JPEG"
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # counted below
            with Image.open(file, formats=[wanted]) as picture:
                width, height = picture.size
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        SyntaxError,
        ImportError,  # once ultralytics is loaded, what is no picture is tried as HEIF
    ) as error:
        raise ValueError(f"is no {wanted} picture: {error}") from error
    if width * height > _MOST_PIXELS:
        raise ValueError(f"has {width} x {height} pixels; save it with {_MOST_PIXELS:,} at most")
    return float(width), float(height)


def _placement(table: UnderlayTable, size_px: tuple[float, float], media_type: str) -> Placement:
    """The placement that a table says; by default the picture's lower left corner lies on (0, 0).

    Raises:
        ValueError: its two points are the same.
    """
    px = None if table.pixels is None else np.array(table.pixels, dtype=np.float64)
    if px is not None and table.metres is not None:
        return placement_of_points(px, np.array(table.metres, dtype=np.float64))
    if px is not None and table.distance_m is not None:
        scale = scale_of_points(px, table.distance_m)
    else:
        scale = table.metres_per_pixel or 0.0
    corner = corners_px(size_px, media_type)[3]
    origin_px = table.origin_px or (float(corner[0]), float(corner[1]))
    return Placement(scale, table.rotation_deg, origin_px, table.origin_m)
