"""The stairs and lifts of a plan: the only ways by which people change the floor."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapely.geometry.base import BaseGeometry

    from .answer import XY
    from .floor_plan import FloorPlan, Space

STAIR_CATEGORIES: Final = frozenset({"escalator", "ramp", "stairs", "steps"})
"""IMDF unit categories by which one walks to another floor."""

LIFT_CATEGORIES: Final = frozenset({"elevator"})

STAIRS_PITCH_DEG: Final = math.degrees(math.atan2(7.0, 11.0))
"""32.5 degrees: the steepest public stair of the International Building Code (2021, section
1011.5.2: risers of at most 7 in on treads of at least 11 in), and what is commonly built."""

RAMP_PITCH_DEG: Final = math.degrees(math.atan2(1.0, 12.0))
"""The steepest ramp of the ADA Standards for Accessible Design (2010, section 405.2)."""

STAIRS_MPS: Final = 0.6
"""Typical pace along a stair's slope: Fruin, Pedestrian Planning and Design (1971), gives about
0.5 m/s upwards and 0.7 m/s downwards on indoor stairs of about this pitch."""

STAIRS_PACE_SHARE: Final = 0.5
"""Pace along a stair as a share of the pace on the level, for any pace from a walk to a run: the
descending figure of the evacuation model Simulex (0.5; ascending 0.35), the faster of the two, as
this is used to ask whether a way can have been made at all."""

LIFT_WAIT_S: Final = 20.0
"""Typical wait for a lift. Judgement; averages of 20 to 30 s are what lifts are planned for."""

LIFT_DOORS_S: Final = 6.0
"""Doors close and open again, 3 s each."""

LIFT_MPS: Final = 1.0
"""The usual rated speed of lifts in buildings of a few storeys."""

LIFT_WALK_M: Final = 2.0
"""Walked for a ride: into the car and out of it."""

_STOREY_M: Final = 3.5
"""Rise where the plan gives two levels the same elevation."""

_LEAST_SHARE: Final = 0.1
"""Units above each other share at least this part of the smaller one; neighbours that are drawn a
hand too wide share less."""

_OFF_WALL_M: Final = 0.1


@dataclass(frozen=True, slots=True)
class Connector:
    """One way between two floors.

    Attributes:
        lower: the unit on the lower floor.
        upper: the unit on the upper floor.
        kind: "stairs" for all that is walked (stairs, steps, ramps, escalators), else "lift".
        lower_xy_m: the middle of the shared footprint on the lower floor, site metres; on floor
            that can be walked on, where there is any.
        upper_xy_m: the same on the upper floor.
        length_m: metres walked between the two middles.
        seconds: typical time for it; with a lift's wait.
        rise_m: from the lower floor to the upper, metres.
    """

    lower: Space
    upper: Space
    kind: Literal["stairs", "lift"]
    lower_xy_m: XY
    upper_xy_m: XY
    length_m: float
    seconds: float
    rise_m: float

    def least_seconds(self, pace_mps: float) -> float:
        """The least time for it, for a body that makes `pace_mps` on the level.

        On stairs `STAIRS_PACE_SHARE` of that pace; in a lift that stands open, the ride.
        """
        if self.kind == "lift":
            return LIFT_DOORS_S / 2 + self.rise_m / LIFT_MPS
        return self.length_m / (STAIRS_PACE_SHARE * pace_mps)


def plan_connectors(plan: FloorPlan) -> tuple[Connector, ...]:
    """All stairs and lifts of a plan, in the order of its units.

    A unit of a stair joins the units of stairs that lie over it on the next level up; a unit of a
    lift joins every unit of a lift that lies over it on any level. Units that do not lie over each
    other are joined where one names the other in `connects`.
    """
    ordinal = {level.id: level.ordinal for level in plan.levels}
    rank = {number: i for i, number in enumerate(sorted(set(ordinal.values())))}
    storey = {level: rank[number] for level, number in ordinal.items()}
    found = []
    for lower, upper in _pairs(plan, storey):
        categories = {lower.category, upper.category}
        lift = categories & LIFT_CATEGORIES and not categories & STAIR_CATEGORIES
        found.append(_connector(plan, lower, upper, "lift" if lift else "stairs"))
    return tuple(found)


def _pairs(plan: FloorPlan, storey: dict[str, int]) -> Iterator[tuple[Space, Space]]:
    """Units that are joined, the lower first, each pair once."""
    known: set[tuple[str, str]] = set()
    for one, other in itertools.chain(_stacked(plan, storey), _named(plan)):
        if storey[one.level] == storey[other.level]:
            continue
        lower, upper = (one, other) if storey[one.level] < storey[other.level] else (other, one)
        if (lower.id, upper.id) not in known:
            known.add((lower.id, upper.id))
            yield lower, upper


def _stacked(plan: FloorPlan, storey: dict[str, int]) -> Iterator[tuple[Space, Space]]:
    for categories, one_up in ((STAIR_CATEGORIES, True), (LIFT_CATEGORIES, False)):
        units = [space for space in plan.spaces if space.category in categories]
        tree = shapely.STRtree([unit.polygon for unit in units])
        for i, lower in enumerate(units):
            for j in sorted(tree.query(lower.polygon, predicate="intersects").tolist()):
                upper = units[j]
                up = storey[upper.level] - storey[lower.level]
                if i != j and up > 0 and (up == 1 or not one_up) and _over(lower, upper):
                    yield lower, upper


def _named(plan: FloorPlan) -> Iterator[tuple[Space, Space]]:
    units = {space.id: space for space in plan.spaces}
    for space in plan.spaces:
        for other in space.connects:
            if other in units:
                yield space, units[other]


def _over(lower: Space, upper: Space) -> bool:
    smaller_m2 = min(lower.polygon.area, upper.polygon.area)
    shared_m2 = shapely.intersection(lower.polygon, upper.polygon).area
    return bool(shared_m2 >= _LEAST_SHARE * smaller_m2)


def _connector(
    plan: FloorPlan, lower: Space, upper: Space, kind: Literal["stairs", "lift"]
) -> Connector:
    rise_m = plan.level(upper.level).elevation_m - plan.level(lower.level).elevation_m
    rise_m = rise_m if rise_m > 0 else _STOREY_M
    shared = shapely.intersection(lower.polygon, upper.polygon)
    over = _over(lower, upper)
    lower_xy_m = _middle(plan, lower, shared if over else lower.polygon)
    upper_xy_m = _middle(plan, upper, shared if over else upper.polygon)
    if kind == "lift":
        length_m, seconds = LIFT_WALK_M, LIFT_WAIT_S + LIFT_DOORS_S + rise_m / LIFT_MPS
    else:
        ramp = "ramp" in {lower.category, upper.category}
        pitch_rad = math.radians(RAMP_PITCH_DEG if ramp else STAIRS_PITCH_DEG)
        apart_m = math.dist(lower_xy_m, upper_xy_m)
        length_m = max(rise_m / math.sin(pitch_rad), math.hypot(rise_m, apart_m))
        seconds = length_m / STAIRS_MPS
    return Connector(lower, upper, kind, lower_xy_m, upper_xy_m, length_m, seconds, rise_m)


def _middle(plan: FloorPlan, space: Space, area: BaseGeometry) -> XY:
    """The middle of an area of a space, moved onto its walkable floor."""
    near = shapely.intersection(plan.walls(space.level), shapely.envelope(space.polygon))
    walls = shapely.buffer(near, _OFF_WALL_M)
    free = shapely.intersection(plan.walkable(space.level), space.polygon).difference(walls)
    middle = shapely.centroid(area)
    for floor in (shapely.intersection(free, area), free):
        if not floor.is_empty:
            nearest = shapely.get_point(shapely.shortest_line(middle, floor), 1)
            return float(nearest.x), float(nearest.y)
    x_m, y_m = np.array(middle.coords[0]).tolist()
    return x_m, y_m
