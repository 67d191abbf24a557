"""Ranks the numbered entrances by the walk from each to a place, and says why."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from vision.columns import require_column

from .answer import EntranceOption
from .door_reasons import DoorCase, why_not
from .level_graph import CELL_M, LevelGraphs
from .route_field import RouteField
from .route_words import route_steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .answer import XY
    from .floor_plan import Entrance, FloorPlan

_REMEMBERED: Final = 512


@dataclass(frozen=True, slots=True, eq=False)
class _LevelRoutes:
    """The entrances of one level and the ways from them.

    Attributes:
        columns: which of the plan's entrances they are.
        unlocked: ways that need no key inside the building.
        any_door: ways that may pass locked doors; None where the level has no locked door.
    """

    columns: NDArray[np.int64]
    unlocked: RouteField
    any_door: RouteField | None


class EntranceRoutes:
    """Walking distances and routes from every entrance, computed once per site.

    Locked doors inside are walked through only where no other way leads to a place. Entrances
    serve their own level; from other levels the distance is infinite.
    """

    def __init__(self, plan: FloorPlan, cell_m: float = CELL_M) -> None:
        """Compute the routes of all levels.

        Args:
            plan: the plan.
            cell_m: edge of the grid's cells, metres. Accuracy hardly depends on it: each cell
                only remembers around which corner its places are reached.
        """
        self.plan = plan
        self.entrances = plan.entrances
        graphs = LevelGraphs(plan, cell_m)
        self._levels = {level.id: _level_routes(graphs, level.id) for level in plan.levels}
        self._rank = lru_cache(_REMEMBERED)(self._ranked)

    def distances_m(self, level: str, xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(N, E)` walking metres from each of the plan's entrances to `(N, 2)` places.

        Infinite where no way leads. Out-of-service entrances are measured like all others. A
        place in furniture or in a wall counts as the nearest reachable place beside it.

        Args:
            level: level id of the places.
            xy_m: `(N, 2)` float64, site metres.

        Raises:
            UnknownLevel: the plan has no such level.
        """
        distance_m, _ = self.reach(level, xy_m)
        return distance_m

    def rank(self, level: str, xy_m: XY) -> tuple[EntranceOption, ...]:
        """All entrances, the soonest on foot first; those out of service last.

        Args:
            level: level id of the place.
            xy_m: the place to reach, site metres.

        Raises:
            UnknownLevel: the plan has no such level.
        """
        self.plan.require_level(level)
        return self._rank(level, xy_m)

    def reach(
        self, level: str, xy_m: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """As `distances_m`, and `(N, E)` whether a locked door inside has to be passed."""
        require_column("xy_m", xy_m, shape=(None, 2), dtype=np.float64)
        self.plan.require_level(level)
        routes = self._levels[level]
        distance_m = np.full((len(xy_m), len(self.entrances)), np.inf)
        locked = np.zeros(distance_m.shape, dtype=np.bool_)
        unlocked_m = routes.unlocked.distances_m(xy_m)
        distance_m[:, routes.columns] = unlocked_m
        if routes.any_door is not None:
            by_key_m = routes.any_door.distances_m(xy_m)
            needs_key = np.isinf(unlocked_m) & np.isfinite(by_key_m)
            locked[:, routes.columns] = needs_key
            distance_m[:, routes.columns] = np.where(needs_key, by_key_m, unlocked_m)
        return distance_m, locked

    def _ranked(self, level: str, xy_m: XY) -> tuple[EntranceOption, ...]:
        place_m = np.array(xy_m, dtype=np.float64)
        distance_m, locked = self.reach(level, place_m[None])
        cases = []
        for i, entrance in enumerate(self.entrances):
            reachable = bool(np.isfinite(distance_m[0, i]))
            cases.append(
                DoorCase(
                    entrance=entrance,
                    walk_m=float(distance_m[0, i]) if reachable else None,
                    straight_m=float(np.linalg.norm(place_m - entrance.middle_m)),
                    needs_key=bool(locked[0, i]),
                    route_m=self._route(level, i, place_m, needs_key=bool(locked[0, i])),
                )
            )
        cases.sort(key=_preference)
        return tuple(self._option(case, cases[0], level, xy_m) for case in cases)

    def _route(
        self, level: str, column: int, place_m: NDArray[np.float64], *, needs_key: bool
    ) -> NDArray[np.float64] | None:
        routes = self._levels[level]
        own = np.flatnonzero(routes.columns == column)
        if not len(own):
            return None
        field = routes.any_door if needs_key else routes.unlocked
        return None if field is None else field.route_m(int(own[0]), place_m)

    def _option(self, case: DoorCase, best: DoorCase, level: str, xy_m: XY) -> EntranceOption:
        route = () if case.route_m is None else tuple((x, y) for x, y in case.route_m.tolist())
        entrance = case.entrance
        steps = (
            () if case.route_m is None else route_steps(self.plan, level, entrance, case.route_m)
        )
        return EntranceOption(
            door_number=entrance.door_number,
            name=entrance.name,
            usable=entrance.usable,
            walk_m=case.walk_m,
            straight_m=case.straight_m,
            route_m=route,
            steps=steps,
            why_not=why_not(self.plan, level, xy_m, case, best),
        )


def _level_routes(graphs: LevelGraphs, level: str) -> _LevelRoutes:
    plan = graphs.plan
    columns = [i for i, entrance in enumerate(plan.entrances) if entrance.level == level]
    doors = [plan.entrances[i].line for i in columns]
    unlocked = RouteField(plan, level, graphs.graph(level, by_key=False), doors)
    any_door = (
        RouteField(plan, level, graphs.graph(level, by_key=True), doors)
        if graphs.has_locked(level)
        else None
    )
    return _LevelRoutes(np.array(columns, dtype=np.int64), unlocked, any_door)


def _preference(case: DoorCase) -> tuple[bool, bool, bool, float, float, int, str]:
    """Sort key: usable, reachable, without a key, soonest; then by number for equal walks."""
    entrance: Entrance = case.entrance
    number = entrance.door_number
    return (
        not entrance.usable,
        case.walk_m is None,
        case.needs_key,
        case.walk_m if case.walk_m is not None else case.straight_m,
        case.straight_m,
        int(number) if number.isdecimal() else 0,
        number,
    )
