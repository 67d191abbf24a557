"""Ranks the numbered entrances by the walk from each to the subject, and says why."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from vision.columns import require_column

from .answer import EntranceOption
from .door_reasons import DoorCase, DoorReasons
from .door_sight import FIRST_M, DoorSight, seen_by
from .entrance_spread import EntranceSpread
from .entrance_ways import EntranceWays, FloorFields
from .level_graph import LevelGraphs
from .outside_ways import OutsideWays
from .route_words import RouteWords
from .walks import Walks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .answer import XY
    from .entrance_spread import Spread
    from .entrance_ways import RoutePart
    from .floor_plan import FloorPlan
    from .walk_grid import WalkGrid

LIKELY_SEEN: Final = 0.2
"""From this probability on, an entrance whose first metres the subject sees is told as such."""

_PLACES_REMEMBERED: Final = 512
_LOOKS_REMEMBERED: Final = 4
_CELLS_LOOKED_AT: Final = 512


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """The way from one entrance to one place.

    Attributes:
        walk_m: metres on foot; inf where no way leads.
        needs_key: whether a locked door inside has to be passed.
        needs_lift: whether no stairs lead there.
        parts: the route, level by level.
        steps: the route in words.
        unseen_m: metres walked before the subject at the place sees it.
    """

    walk_m: float
    needs_key: bool
    needs_lift: bool
    parts: Sequence[RoutePart]
    steps: tuple[str, ...]
    unseen_m: float | None


class EntranceRoutes:
    """Walking distances and routes from every entrance, computed once per site.

    Other levels are reached by stairs; lifts, which officers do not take in an emergency, and
    locked doors inside are gone through only where nothing else leads to a place.
    """

    def __init__(self, plan: FloorPlan, cell_m: float | None = None) -> None:
        """Compute the routes of all levels.

        Args:
            plan: the plan.
            cell_m: edge of the grid's cells, metres, see `LevelGraphs`.
        """
        self.plan = plan
        self.entrances = plan.entrances
        graphs = LevelGraphs(plan, cell_m)
        self.walks = Walks(plan, graphs)
        self._modes = _modes(graphs)
        self._words = RouteWords(plan)
        self._sight = DoorSight(plan)
        self._reasons = DoorReasons(plan)
        self._spread: EntranceSpread | None = None
        self._forget()

    def _forget(self) -> None:
        """Begin with nothing remembered of what was asked."""
        self._ways = lru_cache(_PLACES_REMEMBERED)(self._ways_to)
        self._rank = lru_cache(_PLACES_REMEMBERED)(self._ranked_place)
        self._looks = lru_cache(_LOOKS_REMEMBERED)(self._looks_from)
        self._outside = lru_cache(1)(lambda: OutsideWays(self.plan))
        self._approach = lru_cache(_PLACES_REMEMBERED)(self._approach_from)

    def unasked(self) -> EntranceRoutes:
        """The same routes, measured no second time, which remember nothing of what was asked.

        What is asked tells where people were, and must not outlive an incident.
        """
        fresh = copy(self)
        fresh._reasons = DoorReasons(self.plan)  # noqa: SLF001 - its own
        fresh._forget()  # noqa: SLF001 - its own
        return fresh

    def measure(self, grid: WalkGrid) -> EntranceSpread:
        """The walks to all cells of a grid, measured now or before.

        Args:
            grid: the grid that `rank_weighted` is going to be asked with.
        """
        if self._spread is None or self._spread.grid is not grid:
            self._spread = EntranceSpread(grid, self.distances_m, len(self.entrances))
        return self._spread

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

    def reach(
        self, level: str, xy_m: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """As `distances_m`, and `(N, E)` whether a locked door inside has to be passed."""
        distance_m, mode = self._measured(level, xy_m)
        needs_key = np.array([by_key for by_key, _, _ in self._modes], dtype=np.bool_)
        return distance_m, np.isfinite(distance_m) & needs_key[mode]

    def approach_m(self, arrival_xy_m: XY) -> NDArray[np.float64]:
        """`(E,)` metres around the outside from a place to each entrance; inf where no way leads.

        Args:
            arrival_xy_m: where officers are or arrive, site metres.
        """
        return self._approach(arrival_xy_m)

    def rank(
        self, level: str, xy_m: XY, *, arrival_xy_m: XY | None = None
    ) -> tuple[EntranceOption, ...]:
        """All entrances, the soonest on foot first; those out of service last.

        Args:
            level: level id of the place.
            xy_m: the place to reach, site metres.
            arrival_xy_m: where officers arrive outside; then the way around the building counts.

        Raises:
            UnknownLevel: the plan has no such level.
        """
        self.plan.require_level(level)
        return self._rank(level, xy_m, arrival_xy_m)

    def rank_weighted(
        self,
        level: str,
        xy_m: XY,
        grid: WalkGrid,
        weights: NDArray[np.float32],
        *,
        arrival_xy_m: XY | None = None,
    ) -> tuple[EntranceOption, ...]:
        """As `rank`, by the expected walk to where a subject that nobody sees can be.

        Routes and `walk_m` are to the place where it was last seen, the order is that of the
        expectation over the cells. Cells that an entrance does not lead to count as far away,
        see `entrance_spread.UNREACHED_M`.

        Args:
            level: level id of the place.
            xy_m: where the subject was last seen, site metres.
            grid: the cells.
            weights: `(C,)` float32, how likely the subject is in each; they need not sum to 1.
            arrival_xy_m: where officers arrive outside.

        Raises:
            UnknownLevel: the plan has no such level.
        """
        require_column("weights", weights, shape=(len(grid),), dtype=np.float32)
        self.plan.require_level(level)
        spread = self.measure(grid).of(weights)
        if spread is None:
            return self.rank(level, xy_m, arrival_xy_m=arrival_xy_m)
        seen = self._seen_share(level, xy_m, grid, weights)
        return self._ranked(level, xy_m, arrival_xy_m, spread, seen)

    def _measured(
        self, level: str, xy_m: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """`(N, E)` metres, and by which of the modes they are walked."""
        require_column("xy_m", xy_m, shape=(None, 2), dtype=np.float64)
        self.plan.require_level(level)
        distance_m = np.full((len(xy_m), len(self.entrances)), np.inf)
        mode = np.zeros(distance_m.shape, dtype=np.int64)
        for i, (_, _, ways) in enumerate(self._modes):
            if i and np.isfinite(distance_m).all():
                break
            by_mode_m = ways.distances_m(level, xy_m)
            first = np.isinf(distance_m) & np.isfinite(by_mode_m)
            distance_m[first] = by_mode_m[first]
            mode[first] = i
        return distance_m, mode

    def _ways_to(self, level: str, xy_m: XY) -> tuple[_Way, ...]:
        """The way from each entrance."""
        place_m = np.array(xy_m, dtype=np.float64)
        distance_m, mode = self._measured(level, place_m[None])
        look = self._sight.look(level, place_m)
        found = []
        for i, entrance in enumerate(self.entrances):
            by_key, by_lift, ways = self._modes[mode[0, i]]
            parts = ways.route(i, level, place_m)
            steps = self._words.steps(entrance, parts) if parts else ()
            unseen_m = self._sight.walked_unseen_m(parts, look)
            way = _Way(float(distance_m[0, i]), by_key, by_lift, parts, steps, unseen_m)
            found.append(way)
        return tuple(found)

    def _approach_from(self, arrival_xy_m: XY) -> NDArray[np.float64]:
        return self._outside().distances_m(np.array(arrival_xy_m, dtype=np.float64))

    def _looks_from(self, level: str, xy_m: XY) -> list[list[tuple[str, NDArray[np.float64]]]]:
        """Per entrance, what is seen from the beginning of its route."""
        return [self._sight.looks(way.parts) for way in self._ways(level, xy_m)]

    def _seen_share(
        self, level: str, xy_m: XY, grid: WalkGrid, weights: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """`(E,)` how likely the subject sees the beginning of each entrance's route."""
        likely = np.argsort(-weights, kind="stable")[:_CELLS_LOOKED_AT]
        share = weights[likely] / max(float(weights[likely].sum()), 1e-12)
        levels = np.array([level.id for level in self.plan.levels], dtype=object)
        places_m, at = grid.xy_m[likely], levels[grid.level[likely]]
        return np.array(
            [share[seen_by(looks, at, places_m)].sum() for looks in self._looks(level, xy_m)],
            dtype=np.float64,
        )

    def _ranked_place(
        self, level: str, xy_m: XY, arrival_xy_m: XY | None
    ) -> tuple[EntranceOption, ...]:
        return self._ranked(level, xy_m, arrival_xy_m, None, None)

    def _ranked(
        self,
        level: str,
        xy_m: XY,
        arrival_xy_m: XY | None,
        spread: Spread | None,
        seen: NDArray[np.float64] | None,
    ) -> tuple[EntranceOption, ...]:
        approach_m = None if arrival_xy_m is None else self.approach_m(arrival_xy_m)
        ways = self._ways(level, xy_m)
        cases = []
        for i, (entrance, way) in enumerate(zip(self.entrances, ways, strict=True)):
            case = DoorCase(
                entrance=entrance,
                walk_m=_finite(way.walk_m),
                straight_m=float(np.hypot(*np.subtract(entrance.middle_m, xy_m))),
                needs_key=way.needs_key,
                needs_lift=way.needs_lift,
                expected_m=_finite(way.walk_m if spread is None else spread.expected_m[i]),
                worst_m=_finite(way.walk_m if spread is None else spread.worst_m[i]),
                approach_m=None if approach_m is None else float(approach_m[i]),
                spread=spread is not None,
            )
            cases.append((case, way, None if seen is None else float(seen[i])))
        cases.sort(key=lambda found: _preference(found[0]))
        return tuple(
            self._option(case, cases[0][0], level, xy_m, way, share) for case, way, share in cases
        )

    def _option(
        self,
        case: DoorCase,
        best: DoorCase,
        level: str,
        xy_m: XY,
        way: _Way,
        seen_share: float | None,
    ) -> EntranceOption:
        parts = tuple(
            (part.level, tuple((x, y) for x, y in part.route_m.tolist())) for part in way.parts
        )
        in_sight, words = _in_sight(way, seen_share)
        return EntranceOption(
            door_number=case.entrance.door_number,
            name=case.entrance.name,
            usable=case.entrance.usable,
            walk_m=case.walk_m,
            straight_m=case.straight_m,
            route_m=parts[-1][1] if parts else (),
            steps=(*way.steps, *words),
            why_not=self._reasons.why_not(level, xy_m, case, best),
            locked=case.entrance.locked,
            expected_m=case.expected_m,
            worst_m=case.worst_m,
            approach_m=_finite(case.approach_m),
            in_sight=in_sight,
            route_by_level_m=parts,
        )


def _modes(graphs: LevelGraphs) -> list[tuple[bool, bool, EntranceWays]]:
    """Whether keys and lifts are used, and the ways by these: first those to be preferred."""
    fields = {False: FloorFields(graphs, by_key=False)}
    if any(graphs.has_locked(level.id) for level in graphs.plan.levels):
        fields[True] = FloorFields(graphs, by_key=True, shared=fields[False])
    with_lifts = [False]
    if any(connector.kind == "lift" for connector in fields[False].connectors):
        with_lifts.append(True)
    return [
        (by_key, lifts, EntranceWays(fields[by_key], lifts=lifts))
        for lifts in with_lifts
        for by_key in fields
    ]


def _in_sight(way: _Way, seen_share: float | None) -> tuple[bool, tuple[str, ...]]:
    """Whether the subject sees the beginning of a route, and that in words."""
    if way.unseen_m is None:
        return False, ()
    if seen_share is None:
        if way.unseen_m == 0:
            return True, ("in view from the door on",)
        return way.unseen_m <= FIRST_M, (f"walks into view at {way.unseen_m:.0f} m",)
    if seen_share < LIKELY_SEEN:
        return False, ()
    return True, (f"{seen_share:.0%} in view within {FIRST_M:.0f} m of the door",)


def _finite(length_m: float | None) -> float | None:
    return None if length_m is None or not np.isfinite(length_m) else float(length_m)


def _preference(case: DoorCase) -> tuple[bool, bool, bool, bool, bool, float, float, int, str]:
    """Sort key: usable, reachable, without key or lift, soonest; then by number for equals."""
    number = case.entrance.door_number
    return (
        not case.entrance.usable,
        case.expected_m is None,
        case.needs_key,
        case.needs_lift,
        case.approach_m is not None and not np.isfinite(case.approach_m),
        round(case.cost_m, 6),
        case.straight_m,
        int(number) if number.isdecimal() else 0,
        number,
    )
