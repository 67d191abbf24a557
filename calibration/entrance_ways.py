"""Ways from the entrances to places on any level, by stairs and lifts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse.csgraph import dijkstra
from shapely import Point

from .connectors import plan_connectors
from .route_field import RouteField

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from shapely import LineString

    from .connectors import Connector
    from .level_graph import LevelGraphs

_SAME_PLACE_M: Final = 1e-6
"""Two stairs that end at one place are still two nodes, and a graph has no edges of length 0."""


@dataclass(frozen=True, slots=True, eq=False)
class RoutePart:
    """The part of a way on one level.

    Attributes:
        level: level id.
        route_m: `(P, 2)` polyline, site metres.
        by: the stair or lift by which the level is reached; None on the level of the entrance.
    """

    level: str
    route_m: NDArray[np.float64]
    by: Connector | None


class FloorFields:
    """Walking distances on each level from its entrances and from the ends of its stairs."""

    def __init__(
        self, graphs: LevelGraphs, *, by_key: bool, shared: FloorFields | None = None
    ) -> None:
        """Compute them.

        Args:
            graphs: the graphs of the plan.
            by_key: whether locked doors inside are passed.
            shared: fields of the same plan without keys; levels without locked doors are the same.
        """
        plan = graphs.plan
        self.plan = plan
        self.connectors = plan_connectors(plan)
        ends: list[tuple[str, LineString | Point]] = [(e.level, e.line) for e in plan.entrances]
        for c in self.connectors:
            ends.append((c.lower.level, Point(c.lower_xy_m)))
            ends.append((c.upper.level, Point(c.upper_xy_m)))
        self.ends_m = np.array(
            [
                *(entrance.middle_m for entrance in plan.entrances),
                *(xy_m for c in self.connectors for xy_m in (c.lower_xy_m, c.upper_xy_m)),
            ]
        ).reshape(-1, 2)
        self.level_of = [level for level, _ in ends]
        self.fields: dict[str, RouteField] = {}
        self.columns: dict[str, NDArray[np.int64]] = {}
        for level in plan.levels:
            here = [i for i, at in enumerate(self.level_of) if at == level.id]
            self.columns[level.id] = np.array(here, dtype=np.int64)
            if shared is not None and not graphs.has_locked(level.id):
                self.fields[level.id] = shared.fields[level.id]
            else:
                graph = graphs.graph(level.id, by_key=by_key)
                doors = [ends[i][1] for i in here]
                self.fields[level.id] = RouteField(plan, level.id, graph, doors)


class EntranceWays:
    """Ways from all entrances of a plan to all places, by some of its stairs and lifts."""

    def __init__(self, fields: FloorFields, *, lifts: bool) -> None:
        """Find which stairs lead from each entrance to each level soonest.

        Args:
            fields: distances on each level.
            lifts: whether lifts are taken.
        """
        self._fields = fields
        self._entrances = len(fields.plan.entrances)
        self._lifts = lifts
        self._rides: Mapping[tuple[int, int], Connector] = dict(self._usable())
        self._to_end_m, self._before = self._from_entrances()

    def distances_m(self, level: str, xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(N, E)` metres on foot from each entrance to `(N, 2)` places; inf where no way leads.

        Other levels are gone through only where no way leads there on the place's own.
        """
        own, changed, _ = self._measured(level, xy_m)
        return np.where(np.isfinite(own), own, changed)

    def route(self, entrance: int, level: str, xy_m: NDArray[np.float64]) -> list[RoutePart]:
        """The parts of the way from an entrance to `(2,)` a place; none where no way leads.

        Their lengths and those of the stairs between add up to what `distances_m` says.
        """
        own, changed, last = self._measured(level, xy_m[None])
        if np.isfinite(own[0, entrance]):
            return [self._part(entrance, xy_m, level, None)]
        if np.isinf(changed[0, entrance]):
            return []
        end = int(last[0, entrance])
        chain = [end]
        while chain[-1] != entrance:
            chain.append(int(self._before[entrance, chain[-1]]))
        chain.reverse()
        parts, ride = [], None
        start = entrance
        for here, after in zip(chain, [*chain[1:], None], strict=True):
            if after is not None and (here, after) in self._rides:
                if start != here:
                    where = self._fields.level_of[start]
                    parts.append(self._part(start, self._fields.ends_m[here], where, ride))
                else:
                    point_m = self._fields.ends_m[[here, here]]
                    parts.append(RoutePart(self._fields.level_of[here], point_m, ride))
                ride, start = self._rides[here, after], after
        return [*parts, self._part(start, xy_m, level, ride)]

    def _part(
        self, start: int, goal_m: NDArray[np.float64], level: str, by: Connector | None
    ) -> RoutePart:
        column = int(np.flatnonzero(self._fields.columns[level] == start)[0])
        route_m = self._fields.fields[level].route_m(column, goal_m)
        assert route_m is not None  # noqa: S101 - its length was finite
        return RoutePart(level, route_m, by)

    def _measured(
        self, level: str, xy_m: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """`(N, E)` metres on the level itself, by way of others, and the last end of these."""
        columns = self._fields.columns[level]
        floor_m = self._fields.fields[level].distances_m(xy_m)
        own = np.full((len(xy_m), self._entrances), np.inf)
        here = columns < self._entrances
        own[:, columns[here]] = floor_m[:, here]
        changed = np.full(own.shape, np.inf)
        last = np.full(own.shape, -1, dtype=np.int64)
        for column in np.flatnonzero(~here):
            end = columns[column]
            by_end = self._to_end_m[:, end] + floor_m[:, column, None]
            nearer = by_end < changed
            changed[nearer] = by_end[nearer]
            last[nearer] = end
        return own, changed, last

    def _usable(self) -> list[tuple[tuple[int, int], Connector]]:
        found = []
        for k, connector in enumerate(self._fields.connectors):
            if connector.kind == "lift" and not self._lifts:
                continue
            lower = self._entrances + 2 * k
            found += [((lower, lower + 1), connector), ((lower + 1, lower), connector)]
        return found

    def _from_entrances(self) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """`(E, E + K)` metres from each entrance to the ends of all stairs, and the end before."""
        ends = len(self._fields.ends_m)
        if not self._entrances:
            return np.zeros((0, ends)), np.zeros((0, ends), dtype=np.int32)
        apart = np.full((ends, ends), np.inf)
        for level, columns in self._fields.columns.items():
            goals = columns[columns >= self._entrances]
            if len(goals):
                floor_m = self._fields.fields[level].distances_m(self._fields.ends_m[goals])
                apart[np.ix_(columns, goals)] = np.maximum(floor_m.T, _SAME_PLACE_M)
        for (start, end), connector in self._rides.items():
            apart[start, end] = connector.length_m
        np.fill_diagonal(apart, np.inf)
        apart_m, before = dijkstra(
            apart, indices=np.arange(self._entrances), return_predecessors=True
        )
        return np.asarray(apart_m), before.astype(np.int32)
