"""Numbers for entrances that have none, clockwise around the building as seen on the plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import shapely
from shapely import Point

from .floor_plan import FloorPlan

if TYPE_CHECKING:
    from .floor_plan import Entrance

_WALL_M: Final = 1.0
"""Half of the widest gap between spaces, a wall, that is still taken to be inside the building."""


def main_entrance_of(plan: FloorPlan, level: str) -> Entrance | None:
    """The widest usable entrance of a level, the first of several; None where there is none."""
    usable = [e for e in plan.entrances if e.level == level and e.usable]
    return max(usable, key=lambda entrance: entrance.line.length, default=None)


def numbered_clockwise(plan: FloorPlan, main: Entrance) -> tuple[FloorPlan, int]:
    """The plan with a number for every usable entrance of the main entrance's level.

    Doors are met in this order by who walks around the building clockwise (with the building at
    the right hand), from the main entrance on; doors of inner yards stand where the outer wall
    is nearest. Numbers that doors have stay theirs and are not given twice.

    Args:
        plan: the plan.
        main: where counting starts.

    Returns:
        The plan, and how many numbers were given.
    """
    around = _around(plan, main.level)

    def way_m(entrance: Entrance) -> float:
        from_main_m = around.project(Point(entrance.middle_m)) - around.project(
            Point(main.middle_m)
        )
        return float(from_main_m % around.length) if entrance.id != main.id else 0.0

    taken = {entrance.door_number for entrance in plan.entrances}
    free = (str(n) for n in range(1, len(plan.entrances) + len(taken) + 1) if str(n) not in taken)
    wanting = sorted(
        (e for e in plan.entrances if e.level == main.level and e.usable and not e.door_number),
        key=lambda e: (way_m(e), e.id),
    )
    numbers = {entrance.id: next(free) for entrance in wanting}
    entrances = [replace(e, door_number=numbers.get(e.id, e.door_number)) for e in plan.entrances]
    numbered = FloorPlan(
        plan.levels, plan.spaces, plan.openings, entrances, plan.fixtures, plan.interior_walls
    )
    return numbered, len(numbers)


def _around(plan: FloorPlan, level: str) -> shapely.LinearRing:
    """The way around a level, clockwise: its outer edge, or a hull around several buildings."""
    floor = shapely.union_all([space.polygon for space in plan.spaces_on(level)])
    closed = shapely.buffer(shapely.buffer(floor, _WALL_M), -_WALL_M)
    outer = closed if closed.geom_type == "Polygon" else shapely.convex_hull(closed)
    ring = shapely.LinearRing(shapely.get_coordinates(shapely.get_exterior_ring(outer)))
    return shapely.reverse(ring) if shapely.is_ccw(ring) else ring
