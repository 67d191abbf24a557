"""Says in words why one entrance is preferred to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .answer import XY
    from .floor_plan import Entrance, FloorPlan

_SAME_WALK_M: Final = 0.05
_ROUNDED_FROM_M: Final = 9.95
_BEFORE_WALL_M: Final = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class DoorCase:
    """One entrance weighed as a way to a place.

    Attributes:
        entrance: the door.
        walk_m: walking distance, metres; None where no way leads there.
        straight_m: straight-line distance, metres.
        needs_key: whether a locked door inside has to be passed.
        route_m: `(P, 2)` the way, site metres; None where there is none.
    """

    entrance: Entrance
    walk_m: float | None
    straight_m: float
    needs_key: bool
    route_m: NDArray[np.float64] | None


def why_not(plan: FloorPlan, level: str, xy_m: XY, case: DoorCase, best: DoorCase) -> str:
    """Why `best` was preferred to `case` for a place; empty for the best itself.

    Args:
        plan: the plan.
        level: level id of the place.
        xy_m: the place, site metres.
        case: the entrance to explain.
        best: the first of the ranking.
    """
    if not case.entrance.usable:
        return "out of service"
    if case.walk_m is None:
        if case.entrance.level != level:
            return f"on another level ({plan.level(case.entrance.level).name})"
        return f"no way on foot from {case.entrance.label} to here"
    if case is best or best.walk_m is None:
        return ""
    if case.needs_key and not best.needs_key:
        return f"{length_text(case.walk_m)} on foot, and only through a locked door"
    return _why_farther(plan, level, xy_m, case, best)


def _why_farther(plan: FloorPlan, level: str, xy_m: XY, case: DoorCase, best: DoorCase) -> str:
    assert case.walk_m is not None  # noqa: S101 - the caller has seen to both
    assert best.walk_m is not None  # noqa: S101
    longer_m = case.walk_m - best.walk_m
    if longer_m <= _SAME_WALK_M:
        return f"as far as {best.entrance.label}"
    if case.straight_m >= best.straight_m:
        return f"{length_text(longer_m)} longer than {best.entrance.label}"
    blocked = _blocked_from(plan, level, xy_m, case.entrance)
    why = f": no way through from {blocked}" if blocked else ""
    return (
        f"{case.entrance.label} is {length_text(case.straight_m)} away in a straight line but "
        f"{length_text(case.walk_m)} on foot{why}"
    )


def length_text(length_m: float) -> str:
    """A length to be read out: "2.4 m" below ten metres, "41 m" from there."""
    return f"{length_m:.1f} m" if length_m < _ROUNDED_FROM_M else f"{length_m:.0f} m"


def _blocked_from(plan: FloorPlan, level: str, xy_m: XY, entrance: Entrance) -> str:
    """Name of the space in which the straight line from the door first meets a wall."""
    door_m = np.array(entrance.middle_m)
    line_m = np.array(xy_m) - door_m
    length_m = float(np.linalg.norm(line_m))
    locked = [o.line for o in plan.openings if o.level == level and o.locked]
    walls = shapely.union_all([plan.walls(level), *locked])
    hits = shapely.get_coordinates(
        shapely.intersection(shapely.LineString(np.stack([door_m, np.array(xy_m)])), walls)
    )
    # The door itself lies between two ends of the outer wall, which the line may graze.
    away_m = np.linalg.norm(hits - door_m, axis=1)
    away_m = away_m[away_m > _BEFORE_WALL_M]
    if not len(away_m):
        return ""
    before_m = door_m + line_m / length_m * (away_m.min() - _BEFORE_WALL_M)
    space = plan.space_at(level, before_m[None])[0]
    return "" if space is None else space.name
