"""Names that fit into the rooms they name, on a drawn plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import shapely
from shapely import LineString, Point

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

    from calibration.floor_plan import Space

LABEL_PT: Final = 6.0
_LEAST_PT: Final = 3.2
_STEP_PT: Final = 0.4
_GLYPH_EM: Final = 0.62
"""Width of a letter as a share of the letters' size; DejaVu Sans is a wide face."""

_LINE_EM: Final = 1.25
_NEAR_M: Final = 1e-6
_INCH_PT: Final = 72.0
_AXES_SHARE: Final = 0.9
"""Part of a figure's width that its axes take up, about."""


def metres_per_point(ax: Axes, wide_m: float) -> float:
    """How many site metres a typographic point is on axes that show `wide_m` metres."""
    figure = ax.get_figure(root=True)
    assert figure is not None  # noqa: S101 - axes that are drawn on belong to a figure
    return wide_m / (_AXES_SHARE * figure.get_figwidth() * _INCH_PT)


def write_name(ax: Axes, space: Space, metres_a_point: float, colour: str) -> bool:
    """Write a space's name into it, as large as fits; returns whether any form of it fits.

    Args:
        ax: axes in site metres.
        space: the space.
        metres_a_point: see `metres_per_point`.
        colour: of the letters.
    """
    place = _middle(space)
    left, bottom, right, top = space.polygon.bounds
    across_m = _chord_m(space, LineString([(left - 1, place.y), (right + 1, place.y)]), place)
    along_m = _chord_m(space, LineString([(place.x, bottom - 1), (place.x, top + 1)]), place)
    for text in _forms(space.name):
        for upright in (False, True):
            wide_m, high_m = (along_m, across_m) if upright else (across_m, along_m)
            size_pt = _largest_pt(text, wide_m, high_m, metres_a_point)
            if size_pt is not None:
                ax.text(
                    place.x,
                    place.y,
                    text,
                    fontsize=size_pt,
                    color=colour,
                    ha="center",
                    va="center",
                    rotation=90 if upright else 0,
                    zorder=5,
                )
                return True
    return False


def _forms(name: str) -> Iterator[str]:
    """The name, and shorter forms: on two lines, its number alone."""
    yield name
    words = name.split()
    if len(words) > 1:
        middle = (len(words) + 1) // 2
        yield " ".join(words[:middle]) + "\n" + " ".join(words[middle:])
        if any(c.isdigit() for c in words[-1]):
            yield words[-1]


def _largest_pt(text: str, wide_m: float, high_m: float, metres_a_point: float) -> float | None:
    lines = text.split("\n")
    longest = max(len(line) for line in lines)
    by_width_pt = wide_m / (metres_a_point * _GLYPH_EM * longest) if longest else LABEL_PT
    by_height_pt = high_m / (metres_a_point * _LINE_EM * len(lines))
    size_pt = min(LABEL_PT, by_width_pt, by_height_pt)
    if size_pt < _LEAST_PT or (size_pt < LABEL_PT - _STEP_PT and len(lines) == 1 < longest // 14):
        return None
    return size_pt


def _middle(space: Space) -> Point:
    """The middle of the space where that lies in it, else of its widest part."""
    middle = space.polygon.centroid
    if space.polygon.contains(middle):
        return middle
    radius = shapely.maximum_inscribed_circle(space.polygon, tolerance=0.1)
    return Point(shapely.get_coordinates(radius)[0])


def _chord_m(space: Space, line: LineString, place: Point) -> float:
    """How far one can go through `place` along a line without leaving the space, metres."""
    parts = shapely.get_parts(shapely.intersection(line, space.polygon))
    return max((part.length for part in parts if part.distance(place) < _NEAR_M), default=0.0)
