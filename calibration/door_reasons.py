"""Says in words why one entrance is preferred to another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from .answer import XY
    from .floor_plan import Entrance, FloorPlan

LOCKED_M: Final = 20.0
"""A locked entrance is preferred to another only if it is nearer by so much: what officers walk in
the fifteen seconds that it takes to open it with a key at hand. Judgement; forcing it takes
longer."""

_SAME_WALK_M: Final = 0.05
_ROUNDED_FROM_M: Final = 9.95
_BEFORE_WALL_M: Final = 0.05
_REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True, eq=False)
class DoorCase:
    """One entrance weighed as a way to a subject.

    Attributes:
        entrance: the door.
        walk_m: walking distance to where the subject was last seen, metres; None where no way
            leads there.
        straight_m: straight-line distance to it, metres.
        needs_key: whether a locked door inside has to be passed.
        needs_lift: whether no stairs lead there.
        expected_m: walking distance to be expected to where the subject is now; None where no way
            leads there.
        worst_m: the same if one is unlucky.
        approach_m: metres around the outside from where officers arrive; inf where no way leads,
            None where nobody knows where that is.
        spread: whether the subject is out of view, so that `expected_m` differs from `walk_m`.
    """

    entrance: Entrance
    walk_m: float | None
    straight_m: float
    needs_key: bool
    needs_lift: bool
    expected_m: float | None
    worst_m: float | None
    approach_m: float | None
    spread: bool

    @property
    def outside_m(self) -> float:
        """The way around the outside as far as it is known, metres."""
        known = self.approach_m is not None and math.isfinite(self.approach_m)
        return self.approach_m if known and self.approach_m is not None else 0.0

    @property
    def total_m(self) -> float:
        """All that has to be walked, outside and inside, metres."""
        inside_m = self.straight_m if self.expected_m is None else self.expected_m
        return inside_m + self.outside_m

    @property
    def cost_m(self) -> float:
        """By what doors are ranked: `total_m` and what opening a locked one costs."""
        return self.total_m + (LOCKED_M if self.entrance.locked else 0.0)


class DoorReasons:
    """Says why one entrance of a plan is preferred to another."""

    def __init__(self, plan: FloorPlan) -> None:
        """Prepare for a plan."""
        self._plan = plan
        self._closed = lru_cache(maxsize=None)(self._closed_lines)
        self._blocked = lru_cache(_REMEMBERED)(self._blocked_from)

    def why_not(self, level: str, xy_m: XY, case: DoorCase, best: DoorCase) -> str:
        """Why `best` was preferred to `case`; empty for the best itself.

        Args:
            level: level id of the place where the subject was last seen.
            xy_m: that place, site metres.
            case: the entrance to explain.
            best: the first of the ranking.
        """
        never = self._never(level, case)
        if never or case is best or best.expected_m is None:
            return never
        return _barrier(case, best) or self._why_farther(level, xy_m, case, best)

    def _never(self, level: str, case: DoorCase) -> str:
        """Why an entrance is no way at all; empty where it is one."""
        if not case.entrance.usable:
            return "out of service"
        if case.expected_m is not None:
            return ""
        if case.entrance.level != level:
            return f"on another level ({self._plan.level(case.entrance.level).name})"
        return f"no way on foot from {case.entrance.label} to here"

    def _why_farther(self, level: str, xy_m: XY, case: DoorCase, best: DoorCase) -> str:
        assert case.expected_m is not None  # noqa: S101 - the caller has seen to both
        assert best.expected_m is not None  # noqa: S101
        longer_m = case.total_m - best.total_m
        inside_m = case.expected_m - best.expected_m
        than = best.entrance.label
        locked = ", and locked" if case.entrance.locked and not best.entrance.locked else ""
        if abs(longer_m) <= _SAME_WALK_M:
            return f"as far as {than}{locked}"
        if best.entrance.locked and longer_m < 0:
            return f"{length_text(-longer_m)} nearer than {than}"
        if inside_m <= _SAME_WALK_M and longer_m > inside_m:
            shorter = "as far" if inside_m > -_SAME_WALK_M else f"{length_text(-inside_m)} shorter"
            return (
                f"{shorter} inside, but {length_text(longer_m - inside_m)} farther around the "
                f"outside than {than} from where officers arrive{locked}"
            )
        outside = ""
        if longer_m - inside_m > _SAME_WALK_M:
            outside = f", {length_text(longer_m - inside_m)} of it around the outside"
        elif longer_m < inside_m - _SAME_WALK_M:
            outside = f", though {length_text(inside_m - longer_m)} shorter around the outside"
        if case.spread:
            return self._why_farther_unseen(case, best, longer_m, outside) + locked
        same_level = case.entrance.level == level == best.entrance.level
        if same_level and not outside and case.straight_m < best.straight_m:
            blocked = self._blocked(level, xy_m, case.entrance)
            why = f": no way through from {blocked}" if blocked else ""
            return (
                f"{case.entrance.label} is {length_text(case.straight_m)} away in a straight line "
                f"but {length_text(case.expected_m)} on foot{why}{locked}"
            )
        away = ""
        if case.entrance.level != level == best.entrance.level:
            away = f", and on another level ({self._plan.level(case.entrance.level).name})"
        return f"{length_text(longer_m)} longer than {than}{outside}{away}{locked}"

    def _why_farther_unseen(
        self, case: DoorCase, best: DoorCase, longer_m: float, outside: str
    ) -> str:
        than = best.entrance.label
        longer = f"{length_text(longer_m)} longer than {than} to where the subject can be now"
        if case.walk_m is None or best.walk_m is None or case.walk_m >= best.walk_m:
            return f"on average {longer}{outside}"
        nearer = length_text(best.walk_m - case.walk_m)
        return (
            f"{nearer} nearer to where the subject was last seen, but on average {longer}{outside}"
        )

    def _closed_lines(self, level: str) -> BaseGeometry:
        """Walls and locked doors of a level."""
        locked = [o.line for o in self._plan.openings if o.level == level and o.locked]
        return shapely.union_all([self._plan.walls(level), *locked])

    def _blocked_from(self, level: str, xy_m: XY, entrance: Entrance) -> str:
        """Name of the space in which the straight line from the door first meets a wall."""
        door_m = np.array(entrance.middle_m)
        line_m = np.array(xy_m) - door_m
        length_m = float(np.linalg.norm(line_m))
        way = shapely.LineString(np.stack([door_m, np.array(xy_m)]))
        hits = shapely.get_coordinates(shapely.intersection(way, self._closed(level)))
        # The door itself lies between two ends of the outer wall, which the line may graze.
        away_m = np.linalg.norm(hits - door_m, axis=1)
        away_m = away_m[away_m > _BEFORE_WALL_M]
        if not len(away_m):
            return ""
        before_m = door_m + line_m / length_m * (away_m.min() - _BEFORE_WALL_M)
        space = self._plan.space_at(level, before_m[None])[0]
        return "" if space is None else space.name


def _barrier(case: DoorCase, best: DoorCase) -> str:
    """What keeps an entrance behind the best whatever the way; empty where nothing does."""
    assert case.expected_m is not None  # noqa: S101 - the caller has seen to it
    if case.needs_key and not best.needs_key:
        return f"{length_text(case.expected_m)} on foot, and only through a locked door"
    if case.needs_lift and not best.needs_lift:
        return f"{length_text(case.expected_m)} on foot, and only by lift"
    if case.approach_m == math.inf and best.approach_m != math.inf:
        return "no way around the outside from where officers arrive"
    if case.entrance.locked and case.total_m < best.total_m - _SAME_WALK_M:
        nearer = length_text(best.total_m - case.total_m)
        return (
            f"locked, and only {nearer} nearer than {best.entrance.label}: opening it takes about "
            f"as long as {LOCKED_M:.0f} m on foot"
        )
    return ""


def length_text(length_m: float) -> str:
    """A length to be read out: "2.4 m" below ten metres, "41 m" from there."""
    return f"{length_m:.1f} m" if length_m < _ROUNDED_FROM_M else f"{length_m:.0f} m"
