"""A route in words, as an officer would be told it."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .floor_plan import Entrance, FloorPlan, Opening, Space

_STRAIGHT_DEG: Final = 35.0
_BACK_DEG: Final = 150.0
_BEND_DEG: Final = 50.0
_LEAST_HEADING_M: Final = 1.5
_SMOOTH_M: Final = 0.5
"""Bends that leave the way by less than this are not worth a word."""

_WORTH_SAYING_M: Final = 1.0
_SAMPLE_M: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class _Leg:
    """The part of a route in one space; `points_m` is `(P, 2)`."""

    space: Space
    points_m: NDArray[np.float64]

    @property
    def length_m(self) -> float:
        return float(np.linalg.norm(np.diff(self.points_m, axis=0), axis=1).sum())


def route_steps(
    plan: FloorPlan, level: str, entrance: Entrance, route_m: NDArray[np.float64]
) -> tuple[str, ...]:
    """The steps from an entrance to a place, one phrase each.

    For example "Enter Door 4 (East)", "straight 6 m through Lobby", "left into Corridor B, 18 m",
    "into Room 104 on the right". Left and right are those of a person who walks the route.

    Args:
        plan: the plan.
        level: level id of the route.
        entrance: where it starts.
        route_m: `(P, 2)` float64 site metres, from the entrance to the place.
    """
    locked = ", locked" if entrance.locked else ""
    steps = [f"Enter {entrance.label}{locked}"]
    legs = _legs(plan, level, route_m)
    if not legs:
        return tuple(steps)
    heading = _into(entrance.line, legs[0])
    for i, leg in enumerate(legs):
        last = i == len(legs) - 1
        if i == 0:
            steps.append(_first_step(leg, heading, last=last))
        else:
            door = _opening_between(plan, level, legs[i - 1], leg)
            normal = heading if door is None else _into(door.line, leg)
            steps.append(_next_step(leg, heading, normal, door, last=last))
        pieces = _smooth(leg.points_m)
        steps.extend(_bends(pieces))
        heading = _heading(pieces[-2:], fallback=heading)
    return tuple(steps)


def _legs(plan: FloorPlan, level: str, route_m: NDArray[np.float64]) -> list[_Leg]:
    """The route cut where it passes from one space into the next.

    A space that the route only grazes (for less than `_SAMPLE_M`) is left out.
    """
    fine = shapely.segmentize(shapely.LineString(route_m), _SAMPLE_M)
    points_m = shapely.get_coordinates(fine)
    middles_m = (points_m[1:] + points_m[:-1]) / 2
    spaces = plan.space_at(level, middles_m)
    legs: list[_Leg] = []
    start = 0
    for i in range(1, len(spaces) + 1):
        if i < len(spaces) and spaces[i] is spaces[start]:
            continue
        space = spaces[start]
        points = points_m[start : i + 1]
        if space is not None:
            if legs and legs[-1].space is space:
                points = np.vstack([legs.pop().points_m, points])
            leg = _Leg(space, points)
            if leg.length_m >= _SAMPLE_M or i == len(spaces):
                legs.append(leg)
        start = i
    return legs


def _first_step(leg: _Leg, heading: NDArray[np.float64], *, last: bool) -> str:
    turn = _turn_deg(heading, _heading(_smooth(leg.points_m)[:2], fallback=heading))
    way = "in" if last else "through"
    return f"{_direction(turn)}{_length(leg)} {way} {leg.space.name}".lstrip()


def _next_step(
    leg: _Leg,
    heading: NDArray[np.float64],
    normal: NDArray[np.float64],
    door: Opening | None,
    *,
    last: bool,
) -> str:
    ahead = _heading(_smooth(leg.points_m)[:2], fallback=normal)
    key = " (locked door)" if door is not None and door.locked else ""
    if last:
        turn = _turn_deg(heading, normal)
        side = {-1: " on the right", 0: "", 1: " on the left"}[_side(turn)]
        return f"into {leg.space.name}{side}{key}"
    # A door beside the way is a turn, even where the shortest way slants through it; so is a
    # corridor that leads off to the side behind a door straight ahead.
    turn = max(_turn_deg(heading, normal), _turn_deg(heading, ahead), key=abs)
    length = f",{_length(leg)}" if _length(leg) else ""
    return f"{_direction(turn)} into {leg.space.name}{length}{key}"


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


def _opening_between(plan: FloorPlan, level: str, before: _Leg, after: _Leg) -> Opening | None:
    crossing = shapely.Point(after.points_m[0])
    beside = [
        opening
        for opening in plan.openings
        if opening.level == level
        and opening.line.dwithin(crossing, 2 * _SAMPLE_M)
        and opening.line.dwithin(before.space.polygon, _SAMPLE_M)
        and opening.line.dwithin(after.space.polygon, _SAMPLE_M)
    ]
    return min(beside, key=lambda opening: opening.line.distance(crossing), default=None)


def _into(door: shapely.LineString, leg: _Leg) -> NDArray[np.float64]:
    """Unit vector across a door into the space of a leg."""
    ends = shapely.get_coordinates(door)
    along = (ends[-1] - ends[0]) / np.linalg.norm(ends[-1] - ends[0])
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
