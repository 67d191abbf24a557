"""From where on a route the subject can see those who come.

Walls alone hide; doors are taken to be open, so that nobody is told that they come unseen who does
not.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from .visibility import sector_of, segments_of, sight_m

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .entrance_ways import RoutePart
    from .floor_plan import FloorPlan

FIRST_M: Final = 10.0
"""So much of a route counts as its beginning: a few seconds after the door."""

_STEP_M: Final = 0.5
_LOOK_EACH_M: Final = 2.0
_INSIDE_M: Final = 0.1
"""The door itself lies in the wall; whoever stands in it is a step inside."""


class DoorSight:
    """Lines of sight between subjects and routes on one plan."""

    def __init__(self, plan: FloorPlan) -> None:
        """Prepare; each level's walls are taken apart when first needed."""
        self._plan = plan
        self._segments = lru_cache(maxsize=None)(self._segments_of)

    def look(self, level: str, place_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """What is seen from `(2,)` a place, `(2 + D,)`: the place, and its `sight_m`."""
        return np.concatenate([place_m, sight_m(place_m, self._segments(level))])

    def walked_unseen_m(
        self, parts: Sequence[RoutePart], look: NDArray[np.float64]
    ) -> float | None:
        """Metres that can be walked on a route before the subject at its end sees it.

        To half a metre; 0 where the door itself is in sight, None where the route has no parts.

        Args:
            parts: the route to the place.
            look: what is seen from the place.
        """
        if not parts:
            return None
        before_m = sum(_length_m(part.route_m) for part in parts[:-1])
        before_m += sum(part.by.length_m for part in parts if part.by is not None)
        along_m, points_m = _sampled(parts[-1].route_m, _STEP_M)
        seen = _in_look(look, points_m)
        first_m = along_m[np.argmax(seen)] if seen.any() else along_m[-1]
        # The first sample lies just inside the door.
        return float(before_m + (first_m if first_m > _INSIDE_M else 0.0))

    def looks(self, parts: Sequence[RoutePart]) -> list[tuple[str, NDArray[np.float64]]]:
        """What is seen from the beginning of a route: levels and what `look` says there."""
        if not parts:
            return []
        along_m, points_m = _sampled(parts[0].route_m, _LOOK_EACH_M)
        level = parts[0].level
        return [(level, self.look(level, point_m)) for point_m in points_m[along_m <= FIRST_M]]

    def _segments_of(self, level: str) -> NDArray[np.float64]:
        return segments_of(self._plan.walls(level))


def seen_by(
    looks: Sequence[tuple[str, NDArray[np.float64]]],
    levels: NDArray[np.object_],
    xy_m: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """`(N,)` whether places are in sight of some of `DoorSight.looks`.

    Args:
        looks: the looks.
        levels: `(N,)` level ids of the places.
        xy_m: `(N, 2)` the places, site metres.
    """
    seen = np.zeros(len(xy_m), dtype=np.bool_)
    for level, look in looks:
        seen |= (levels == level) & _in_look(look, xy_m)
    return seen


def _in_look(look: NDArray[np.float64], xy_m: NDArray[np.float64]) -> NDArray[np.bool_]:
    offset_m = xy_m - look[:2]
    away_m = np.hypot(offset_m[:, 0], offset_m[:, 1])
    return np.asarray(away_m <= look[2:][sector_of(offset_m)], dtype=np.bool_)


def _length_m(route_m: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(np.diff(route_m, axis=0), axis=1).sum())


def _sampled(
    route_m: NDArray[np.float64], each_m: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places along a route and how far along it they are; the first lies just inside."""
    ends_m = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(route_m, axis=0), axis=1))])
    along_m = np.append(np.arange(0.0, ends_m[-1], each_m), ends_m[-1])
    along_m[0] = min(_INSIDE_M, float(ends_m[-1]))
    points_m = np.column_stack([np.interp(along_m, ends_m, route_m[:, i]) for i in (0, 1)])
    return along_m, points_m
