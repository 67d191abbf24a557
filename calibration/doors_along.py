"""Which doors a route passes: the one it goes through, and how many there are before it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely import LineString, Polygon

    from .floor_plan import FloorPlan, Opening

_BESIDE_M: Final = 0.1
_BEGUN_M: Final = 0.5
"""Doors up to here from the start of a way are beside whoever starts it, not before them."""

_SAME_WALL_M: Final = 1.0
_WORDS: Final = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"
)  # fmt: skip


class DoorsAlong:
    """Finds the doors beside ways on a plan."""

    def __init__(self, plan: FloorPlan) -> None:
        """Prepare; each level is indexed when first asked about."""
        self._plan = plan
        self._indexed = lru_cache(maxsize=None)(self._index)

    def between(
        self, level: str, crossing_m: NDArray[np.float64], before: Polygon, after: Polygon
    ) -> Opening | None:
        """The opening between two spaces through which a route passes at `(2,)` a place."""
        openings, tree = self._indexed(level)
        crossing = shapely.Point(crossing_m)
        near = tree.query(crossing, predicate="dwithin", distance=2 * _BESIDE_M).tolist()
        beside = [
            openings[i]
            for i in sorted(near)
            if openings[i].line.dwithin(before, _BESIDE_M)
            and openings[i].line.dwithin(after, _BESIDE_M)
        ]
        return min(beside, key=lambda opening: opening.line.distance(crossing), default=None)

    def ordinal(
        self, level: str, space: Polygon, way_m: NDArray[np.float64], door: LineString, side: int
    ) -> str:
        """Which door of its side of a space the last one is: "second"; "" for the only one.

        Passages without a leaf count as no doors.

        Args:
            level: level id.
            space: the space.
            way_m: `(P, 2)` the way in the space, up to the door.
            door: the door at its end.
            side: 1 for doors on the left, -1 for those on the right.
        """
        openings, tree = self._indexed(level)
        way = shapely.LineString(way_m)
        near = np.sort(tree.query(space.boundary, predicate="dwithin", distance=_BESIDE_M))
        others_m = np.array(
            [
                openings[i].line.interpolate(0.5, normalized=True).coords[0]
                for i in near.tolist()
                if openings[i].category == "pedestrian" and openings[i].line is not door
            ]
        )
        if not len(others_m) or way.length <= _BEGUN_M:
            return ""
        offset_m, along_m, heading = _beside(way_m, others_m)
        same = (heading[:, 0] * offset_m[:, 1] - heading[:, 1] * offset_m[:, 0]) * side > 0
        # Doors across the end or the beginning of a corridor are on neither side.
        same &= np.abs((heading * offset_m).sum(axis=1)) <= np.linalg.norm(offset_m, axis=1) / 2
        passed = same & (along_m > _BEGUN_M) & (along_m < way.length - _BEGUN_M)
        ahead = _ahead(way_m, others_m, door)
        if not passed.any() and not ahead:
            return ""
        number = int(passed.sum())
        return _WORDS[number] if number < len(_WORDS) else f"{number + 1}th"

    def _index(self, level: str) -> tuple[list[Opening], shapely.STRtree]:
        openings = [o for o in self._plan.openings if o.level == level]
        return openings, shapely.STRtree([o.line for o in openings])


def _beside(
    way_m: NDArray[np.float64], places_m: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Offset `(N, 2)` of places from a way, how far along it, and its direction `(N, 2)` there."""
    start, along = way_m[:-1], np.diff(way_m, axis=0)
    length_m = np.linalg.norm(along, axis=1)
    keep = length_m > 0
    start, along, length_m = start[keep], along[keep], length_m[keep]
    unit = along / length_m[:, None]
    reach = ((places_m[:, None] - start) * unit).sum(axis=2)
    foot_m = start + np.clip(reach, 0.0, length_m)[..., None] * unit
    away_m = np.linalg.norm(places_m[:, None] - foot_m, axis=2)
    piece = away_m.argmin(axis=1)
    rows = np.arange(len(places_m))
    before_m = np.concatenate([[0.0], np.cumsum(length_m)[:-1]])
    on_m = before_m[piece] + np.clip(reach, 0.0, length_m)[rows, piece]
    return places_m - foot_m[rows, piece], on_m, unit[piece]


def door_direction(door: LineString) -> NDArray[np.float64]:
    """Unit vector along a door: between its ends, or along its first piece where these meet."""
    ends_m = shapely.get_coordinates(door)
    along_m = ends_m[-1] - ends_m[0]
    if not along_m.any():
        along_m = ends_m[1] - ends_m[0]
    unit: NDArray[np.float64] = along_m / np.linalg.norm(along_m)
    return unit


def _ahead(way_m: NDArray[np.float64], places_m: NDArray[np.float64], door: LineString) -> bool:
    """Whether a place lies on the wall of a door, farther on in the direction of a way to it."""
    unit = door_direction(door)
    unit = unit if (way_m[-1] - way_m[0]) @ unit >= 0 else -unit
    beyond_m = places_m - np.array(door.interpolate(0.5, normalized=True).coords[0])
    across_m = np.abs(unit[0] * beyond_m[:, 1] - unit[1] * beyond_m[:, 0])
    return bool(((beyond_m @ unit > _BEGUN_M) & (across_m < _SAME_WALL_M)).any())
