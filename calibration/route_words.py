"""A route in words, as an officer would be told it."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from .connectors import LIFT_CATEGORIES, STAIR_CATEGORIES
from .doors_along import DoorsAlong, door_direction

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from .entrance_ways import RoutePart
    from .floor_plan import Entrance, FloorPlan, Opening, Space

_STRAIGHT_DEG: Final = 35.0
_BACK_DEG: Final = 150.0
_BEND_DEG: Final = 50.0
_LEAST_HEADING_M: Final = 1.5
_SMOOTH_M: Final = 0.5
"""Bends that leave the way by less than this are not worth a word."""

_WORTH_SAYING_M: Final = 1.0
_PASSAGES: Final = frozenset({"corridor", "foyer", "lobby", "walkway"})
"""Where it is told how far and which way to go, even if the route ends there."""

_LANDING_M: Final = 3.0
"""Stairs that go on so near to where others end are one way up."""

_SAMPLE_M: Final = 0.1
_COARSE_M: Final = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class _Leg:
    """The part of a route in one space; `points_m` is `(P, 2)`."""

    space: Space
    points_m: NDArray[np.float64]

    @property
    def length_m(self) -> float:
        return _length_m(self.points_m)


class RouteWords:
    """Tells routes on one plan in words."""

    def __init__(self, plan: FloorPlan) -> None:
        """Prepare to tell routes on a plan."""
        self._plan = plan
        self._doors = DoorsAlong(plan)

    def steps(self, entrance: Entrance, parts: Sequence[RoutePart]) -> tuple[str, ...]:
        """The steps from an entrance to a place, one phrase each.

        For example "Enter Door 4 (East)", "straight 6 m through Lobby", "left into Corridor B,
        18 m", "into Room 104, second door on the right"; with stairs "up Stair 2 to First floor".
        Left and right are those of a person who walks the route.

        Args:
            entrance: where the route starts.
            parts: its parts, level by level.
        """
        locked = ", locked" if entrance.locked else ""
        steps = [f"Enter {entrance.label}{locked}"]
        climbed: str | None = None
        for i, part in enumerate(parts):
            if part.by is not None:
                climbed = self._ride(part, climbed)
            if i < len(parts) - 1 and i > 0 and _length_m(part.route_m) < _LANDING_M:
                continue
            if climbed is not None:
                steps.append(f"{climbed} to {self._plan.level(part.level).name}")
                climbed = None
            legs = _legs(self._plan, part.level, part.route_m)
            steps.extend(self._part_steps(entrance, part, legs))
        return tuple(steps)

    def _ride(self, part: RoutePart, climbed: str | None) -> str:
        """How a level is reached: "up Stair 2", or as before where the stairs only go on."""
        ride = part.by
        assert ride is not None  # noqa: S101 - the caller has seen to it
        up = part.level == ride.upper.level
        below = ride.lower if up else ride.upper
        way = "up" if up else "down"
        return climbed or (
            f"by {below.name} {way}" if ride.kind == "lift" else f"{way} {below.name}"
        )

    def _part_steps(self, entrance: Entrance, part: RoutePart, legs: list[_Leg]) -> Iterator[str]:
        """The steps on one level."""
        if not legs:
            return
        ride = part.by
        landing = ride is not None and legs[0].space.category in STAIR_CATEGORIES | LIFT_CATEGORIES
        heading = _heading(_smooth(legs[0].points_m)[:2], fallback=np.array([1.0, 0.0]))
        if ride is None:
            heading = _into(entrance.line, legs[0])
        for i, leg in enumerate(legs):
            last = i == len(legs) - 1
            pieces = _smooth(leg.points_m)
            if i == 0 and not landing:
                yield _first_step(leg, heading, last=last)
            elif i > 0:
                before = legs[i - 1]
                door = self._doors.between(
                    part.level, leg.points_m[0], before.space.polygon, leg.space.polygon
                )
                normal = heading if door is None else _into(door.line, leg)
                if landing and i == 1:
                    # Whoever leaves a stair faces its door, however they turned on it.
                    heading = normal
                if last:
                    yield self._last_step(part.level, before, leg, heading, normal, door)
                else:
                    yield _next_step(leg, heading, normal, door)
            if i > 0 or not landing:
                yield from _bends(pieces)
            heading = _heading(pieces[-2:], fallback=heading)

    def _last_step(
        self,
        level: str,
        before: _Leg,
        leg: _Leg,
        heading: NDArray[np.float64],
        normal: NDArray[np.float64],
        door: Opening | None,
    ) -> str:
        """Into the space where the part ends."""
        if leg.space.category in _PASSAGES and _length(leg):
            return _next_step(leg, heading, normal, door)
        side = _side(_turn_deg(heading, normal))
        where = {-1: " on the right", 0: "", 1: " on the left"}[side]
        if side and door is not None and door.category == "pedestrian":
            nth = self._doors.ordinal(level, before.space.polygon, before.points_m, door.line, side)
            where = f", {nth} door{where}" if nth else where
        return f"into {leg.space.name}{where}{_key(door)}"


def _length_m(route_m: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(np.diff(route_m, axis=0), axis=1).sum())


def _key(door: Opening | None) -> str:
    return " (locked door)" if door is not None and door.locked else ""


def _legs(plan: FloorPlan, level: str, route_m: NDArray[np.float64]) -> list[_Leg]:
    """The route cut where it passes from one space into the next.

    A space that the route only grazes (for less than `_SAMPLE_M`) is left out.
    """
    points_m, corner = _sampled(route_m, np.full(len(route_m) - 1, _COARSE_M))
    spaces = _spaces_of(plan, level, points_m)
    # Only where the space changes, the route is looked at closely.
    changes = np.array([a is not b for a, b in itertools.pairwise(spaces)], dtype=np.bool_)
    near = np.concatenate([changes, [False]]) | np.concatenate([[False], changes])
    points_m, fine = _sampled(points_m, np.where(near, _SAMPLE_M, _COARSE_M))
    fine[fine] = corner
    corner, spaces = fine, _spaces_of(plan, level, points_m)
    legs: list[_Leg] = []
    start = 0
    for i in range(1, len(spaces) + 1):
        if i < len(spaces) and spaces[i] is spaces[start]:
            continue
        space = spaces[start]
        kept = corner[start : i + 1].copy()
        kept[[0, -1]] = True
        points = points_m[start : i + 1][kept]
        if space is not None:
            if legs and legs[-1].space is space:
                points = np.vstack([legs.pop().points_m, points])
            leg = _Leg(space, points)
            if leg.length_m >= _SAMPLE_M or i == len(spaces):
                legs.append(leg)
        start = i
    return legs


def _spaces_of(plan: FloorPlan, level: str, points_m: NDArray[np.float64]) -> list[Space | None]:
    return plan.space_at(level, (points_m[1:] + points_m[:-1]) / 2)


def _sampled(
    route_m: NDArray[np.float64], each_m: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Points along a route, no farther apart than told for each of its pieces.

    Returns:
        `(Q, 2)` points, and `(Q,)` which of them are the route's own.
    """
    length_m = np.linalg.norm(np.diff(route_m, axis=0), axis=1)
    pieces = np.maximum(np.ceil(length_m / each_m), 1).astype(np.int64)
    begin = np.concatenate([[0], np.cumsum(pieces)])
    points_m = np.column_stack(
        [np.interp(np.arange(begin[-1] + 1), begin, route_m[:, axis]) for axis in (0, 1)]
    )
    own = np.zeros(len(points_m), dtype=np.bool_)
    own[begin] = True
    return points_m, own


def _first_step(leg: _Leg, heading: NDArray[np.float64], *, last: bool) -> str:
    turn = _turn_deg(heading, _heading(_smooth(leg.points_m)[:2], fallback=heading))
    way = "in" if last else "through"
    return f"{_direction(turn)}{_length(leg)} {way} {leg.space.name}".lstrip()


def _next_step(
    leg: _Leg,
    heading: NDArray[np.float64],
    normal: NDArray[np.float64],
    door: Opening | None,
) -> str:
    ahead = _heading(_smooth(leg.points_m)[:2], fallback=normal)
    # A door beside the way is a turn, even where the shortest way slants through it; so is a
    # corridor that leads off to the side behind a door straight ahead.
    turn = max(_turn_deg(heading, normal), _turn_deg(heading, ahead), key=abs)
    length = f",{_length(leg)}" if _length(leg) else ""
    return f"{_direction(turn)} into {leg.space.name}{length}{_key(door)}"


def _bends(pieces: NDArray[np.float64]) -> list[str]:
    """Turns within one space that are worth a word."""
    along = np.diff(pieces, axis=0)
    words = []
    for before, after in itertools.pairwise(along):
        length_m = float(np.linalg.norm(after))
        turn = _turn_deg(before, after)
        if abs(turn) >= _BEND_DEG and length_m >= _LEAST_HEADING_M:
            words.append(f"{_direction(turn)} {length_m:.0f} m")
    return words


def _into(door: shapely.LineString, leg: _Leg) -> NDArray[np.float64]:
    """Unit vector across a door into the space of a leg."""
    along = door_direction(door)
    across = np.array([-along[1], along[0]])
    middle = np.array(door.interpolate(0.5, normalized=True).coords[0])
    inside = leg.space.polygon.covers(shapely.Point(middle + across * _SAMPLE_M))
    return across if inside else -across


def _smooth(points_m: NDArray[np.float64]) -> NDArray[np.float64]:
    return shapely.get_coordinates(shapely.simplify(shapely.LineString(points_m), _SMOOTH_M))


def _heading(piece_m: NDArray[np.float64], fallback: NDArray[np.float64]) -> NDArray[np.float64]:
    """Direction of a straight piece; the fallback where it is too short to have one."""
    along = piece_m[-1] - piece_m[0]
    return along if np.linalg.norm(along) >= _LEAST_HEADING_M else fallback


def _turn_deg(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """Turn from one direction to another, degrees; left is positive."""
    cross = before[0] * after[1] - before[1] * after[0]
    return math.degrees(math.atan2(cross, before @ after))


def _side(turn_deg: float) -> int:
    return 0 if abs(turn_deg) < _STRAIGHT_DEG else 1 if turn_deg > 0 else -1


def _direction(turn_deg: float) -> str:
    if abs(turn_deg) >= _BACK_DEG:
        return "back"
    return {-1: "right", 0: "straight", 1: "left"}[_side(turn_deg)]


def _length(leg: _Leg) -> str:
    return f" {leg.length_m:.0f} m" if leg.length_m >= _WORTH_SAYING_M else ""
