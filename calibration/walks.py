"""How far, and how long at least, people walk between any two places of a site."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from scipy.sparse.csgraph import dijkstra, floyd_warshall

from vision.columns import require_column

from .connectors import plan_connectors
from .corner_graph import pieces
from .level_graph import NOTHING, LevelGraphs
from .nearest_floor import NearestFloor
from .route_field import RouteField

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from .connectors import Connector
    from .floor_plan import FloorPlan
    from .level_graph import LevelGraph

_PACES_REMEMBERED: Final = 8
_SAME_PLACE_M: Final = 1e-6
_AT_DOOR_M: Final = 0.3
"""Floor that comes no nearer to any door is a pocket between furniture, where nobody walks."""


class Walks:
    """Walking distances between places, past walls and furniture, and by stairs and lifts.

    All doors inside count as open, locked ones too: somebody may have the key. Distances are exact
    up to the clearance that bodies keep and the size of a grid cell, symmetric, and never shorter
    than the straight line. A place in a wall or in furniture counts as the nearest free place.
    """

    def __init__(self, plan: FloorPlan, graphs: LevelGraphs | None = None) -> None:
        """Prepare; each level is measured when first asked about.

        Args:
            plan: the plan.
            graphs: its graphs, where they are used elsewhere too.
        """
        self._plan = plan
        self._graphs = graphs or LevelGraphs(plan)
        connectors = plan_connectors(plan)
        self._stations = [end for c in connectors for end in _ends(c)]
        self._connectors = connectors
        self._floors = lru_cache(maxsize=None)(self._floor)
        self._fields = lru_cache(maxsize=None)(self._field)
        self._between_stations = lru_cache(_PACES_REMEMBERED)(self._stations_apart)

    def prepare(self) -> None:
        """Measure all levels now; else each when first asked about, a second on large ones."""
        for level in self._plan.levels:
            self._floors(level.id)
            self._fields(level.id)
        self._between_stations(None)

    def walk_m(
        self, level_a: str, a_m: NDArray[np.float64], level_b: str, b_m: NDArray[np.float64]
    ) -> float:
        """Metres on foot between two places `(2,)`; inf where there is no way."""
        return float(self.between_m(level_a, a_m, level_b, b_m[None])[0])

    def between_m(
        self, level_a: str, a_m: NDArray[np.float64], level_b: str, b_m: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """`(N,)` metres on foot from one place to each of N others; inf where there is no way.

        Args:
            level_a: level id of the first place.
            a_m: `(2,)` float64, site metres.
            level_b: level id of the others.
            b_m: `(N, 2)` float64, site metres.

        Raises:
            UnknownLevel: the plan has no such level.
        """
        return self._between(level_a, a_m, level_b, b_m, pace_mps=None)

    def least_seconds(
        self,
        level_a: str,
        a_m: NDArray[np.float64],
        level_b: str,
        b_m: NDArray[np.float64],
        pace_mps: float,
    ) -> NDArray[np.float64]:
        """`(N,)` the least time from one place to each of N others; inf where there is no way.

        Args:
            level_a: level id of the first place.
            a_m: `(2,)` float64, site metres.
            level_b: level id of the others.
            b_m: `(N, 2)` float64, site metres.
            pace_mps: metres a second on the level. Stairs are slower and a lift has its own pace,
                see `Connector.least_seconds`.

        Raises:
            UnknownLevel: the plan has no such level.
        """
        return self._between(level_a, a_m, level_b, b_m, pace_mps=pace_mps)

    def _between(
        self,
        level_a: str,
        a_m: NDArray[np.float64],
        level_b: str,
        b_m: NDArray[np.float64],
        *,
        pace_mps: float | None,
    ) -> NDArray[np.float64]:
        """Metres where no pace is given, else seconds."""
        require_column("a_m", a_m, shape=(2,), dtype=np.float64)
        require_column("b_m", b_m, shape=(None, 2), dtype=np.float64)
        self._plan.require_level(level_a)
        self._plan.require_level(level_b)
        cost = np.full(len(b_m), np.inf)
        per_m = 1.0 if pace_mps is None else 1.0 / pace_mps
        if level_a == level_b:
            cost = self._floors(level_a).between_m(a_m, b_m) * per_m
        here, there = self._stations_on(level_a), self._stations_on(level_b)
        if len(here) and len(there) and len(b_m):
            to_station = self._fields(level_a).distances_m(a_m[None])[0] * per_m
            from_station = self._fields(level_b).distances_m(b_m) * per_m
            ride = self._between_stations(pace_mps)[np.ix_(here, there)]
            changed = (to_station[:, None] + ride).min(axis=0)
            cost = np.minimum(cost, (changed + from_station).min(axis=1))
        return cost

    def _stations_on(self, level: str) -> NDArray[np.int64]:
        return np.array([i for i, (at, _) in enumerate(self._stations) if at == level], np.int64)

    def _stations_apart(self, pace_mps: float | None) -> NDArray[np.float64]:
        """`(K, K)` metres, or seconds at a pace, between the ends of all connectors."""
        apart = np.full((len(self._stations), len(self._stations)), np.inf)
        for level in {at for at, _ in self._stations}:
            here = self._stations_on(level)
            places_m = np.array([self._stations[i][1] for i in here])
            floor_m = self._fields(level).distances_m(places_m)
            # Each of the two directions bends at slightly other places; the shorter is possible.
            floor_m = np.minimum(floor_m, floor_m.T)
            # Two stairs that end at one place are two nodes; a graph has no edges of length 0.
            floor_m = np.maximum(floor_m, _SAME_PLACE_M)
            apart[np.ix_(here, here)] = floor_m if pace_mps is None else floor_m / pace_mps
        for k, connector in enumerate(self._connectors):
            cost = connector.length_m if pace_mps is None else connector.least_seconds(pace_mps)
            apart[2 * k, 2 * k + 1] = apart[2 * k + 1, 2 * k] = cost
        np.fill_diagonal(apart, 0.0)
        return np.asarray(floyd_warshall(apart), dtype=np.float64)

    def _field(self, level: str) -> RouteField:
        places = [shapely.Point(self._stations[i][1]) for i in self._stations_on(level)]
        graph = self._graphs.graph(level, by_key=True)
        return RouteField(self._plan, level, graph, places)

    def _floor(self, level: str) -> _Floor:
        stations = [self._stations[i][1] for i in self._stations_on(level)]
        return _Floor(self._plan, level, self._graphs.graph(level, by_key=True), stations)


def _ends(connector: Connector) -> tuple[tuple[str, tuple[float, float]], ...]:
    return (
        (connector.lower.level, connector.lower_xy_m),
        (connector.upper.level, connector.upper_xy_m),
    )


class _Floor:
    """Walking distances between places of one level."""

    def __init__(
        self,
        plan: FloorPlan,
        level: str,
        graph: LevelGraph,
        stations: Sequence[tuple[float, float]],
    ) -> None:
        self._graph = graph
        self._near = NearestFloor(plan, level, graph, _walked(plan, level, graph, stations))
        # Rows of the matrix of all pairs of corners, as far as they were needed.
        self._from_corner_m: dict[int, NDArray[np.float32]] = {}

    def between_m(self, a_m: NDArray[np.float64], b_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(N,)` metres from a place to each of `(N, 2)` others; inf where there is no way."""
        place_m, cell = self._placed(np.vstack([a_m, b_m]))
        found_m = np.full(len(b_m), np.inf)
        straight_m = np.hypot(*(b_m - a_m).T)
        rows = np.flatnonzero(cell[1:] != NOTHING)
        if cell[0] == NOTHING or not len(rows):
            return found_m
        start_m, goal_m = place_m[0], place_m[1:][rows]
        direct = self._sees(start_m, goal_m)
        walk_m = np.where(direct, np.hypot(*(goal_m - start_m).T), np.inf)
        bent = np.flatnonzero(~direct)
        if len(bent):
            goals = cell[1:][rows[bent]]
            walk_m[bent] = self._around_corners_m(start_m, cell[0], goal_m[bent], goals)
        # Two places may just not see each other past a corner that the middles of their cells pass.
        for i in np.flatnonzero(np.isinf(walk_m)):
            middles_m = self._graph.cells.centre_m[[cell[0], cell[1:][rows[i]]]]
            if self._sees(middles_m[0], middles_m[1:])[0]:
                walk_m[i] = straight_m[rows[i]]
        found_m[rows] = np.maximum(walk_m, straight_m[rows])
        return found_m

    def _placed(self, xy_m: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The free places that count for places, and their cells."""
        cell = self._near.cells(xy_m)
        free = (cell == self._graph.cells.at(xy_m)) & shapely.contains_xy(
            self._graph.open_floor, xy_m[:, 0], xy_m[:, 1]
        )
        place_m = xy_m.copy()
        moved = ~free & (cell != NOTHING)
        place_m[moved] = self._graph.cells.centre_m[cell[moved]]
        return place_m, cell

    def _sees(self, start_m: NDArray[np.float64], goal_m: NDArray[np.float64]) -> NDArray[np.bool_]:
        ends_m = np.stack([np.broadcast_to(start_m, goal_m.shape), goal_m], axis=1)
        blocked = shapely.intersects(self._graph.opaque, shapely.linestrings(ends_m))
        return np.asarray(~blocked, dtype=np.bool_)

    def _around_corners_m(
        self,
        start_m: NDArray[np.float64],
        start_cell: np.int64,
        goal_m: NDArray[np.float64],
        goal_cell: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        graph = self._graph
        first, last = graph.first_pair[goal_cell], graph.first_pair[goal_cell + 1]
        count = last - first
        found_m = np.full(len(goal_m), np.inf)
        out = graph.pair_corner[graph.first_pair[start_cell] : graph.first_pair[start_cell + 1]]
        if not len(out) or not count.any():
            return found_m
        out_m = np.hypot(*(graph.corner_m[out] - start_m).T)
        corner_walk_m = (self._rows_m(out) + out_m[:, None]).min(axis=0)
        begin = np.concatenate([[0], np.cumsum(count)])
        goal = np.repeat(np.arange(len(goal_m)), count)
        corner = graph.pair_corner[np.arange(begin[-1]) - begin[goal] + first[goal]]
        by_corner_m = corner_walk_m[corner] + np.hypot(*(graph.corner_m[corner] - goal_m[goal]).T)
        some = np.flatnonzero(count)
        found_m[some] = np.minimum.reduceat(by_corner_m, begin[some])
        return found_m

    def _rows_m(self, corners: NDArray[np.int32]) -> NDArray[np.float32]:
        """`(K, M)` metres from some corners to all."""
        missing = [corner for corner in corners.tolist() if corner not in self._from_corner_m]
        if missing:
            rows_m = dijkstra(self._graph.edges_m, indices=missing).astype(np.float32)
            self._from_corner_m.update(zip(missing, rows_m, strict=True))
        return np.stack([self._from_corner_m[corner] for corner in corners.tolist()])


def _walked(
    plan: FloorPlan, level: str, graph: LevelGraph, stations: Sequence[tuple[float, float]]
) -> NDArray[np.bool_]:
    """`(C,)` the cells of floor that some door, stair or lift leads to; all where none does."""
    doors: list[BaseGeometry] = [o.line for o in plan.openings if o.level == level]
    doors += [e.line for e in plan.entrances if e.level == level]
    doors += [shapely.Point(place) for place in stations]
    parts = np.array(pieces(graph.open_floor), dtype=object)
    tree = shapely.STRtree(parts)
    used = np.zeros(len(parts), dtype=np.bool_)
    shapes = np.array(doors, dtype=object)
    used[tree.query(shapes, predicate="dwithin", distance=_AT_DOOR_M)[1]] = True
    for space in plan.spaces_on(level):
        # A room that the plan gives no door is all pocket, and still people are seen in it.
        inside = tree.query(space.polygon, predicate="intersects")
        if len(inside) and not used[inside].any():
            used[inside[np.argmax(shapely.area(parts[inside]))]] = True
    return used[graph.cells.part] if len(graph.cells.part) else np.zeros(0, dtype=np.bool_)
