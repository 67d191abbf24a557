"""Shortest walking distances from some doors to every place of one level.

A shortest path past walls is straight except where it bends around their corners (Lee and
Preparata 1984). So the corners, kept a hand's breadth away from the walls, and the doors are
the nodes of a graph whose edges join nodes that see each other; Dijkstra gives the distance of
every node, and the distance of a place is the least over the nodes that it sees. This is computed
once for all cells of a grid and remembers each cell's last corner: a place between cell centres
is then measured from that corner itself, and the route is the chain of corners.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import KDTree

from .visibility import RAYS, sector_of, segments_of, sight_m

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely import LineString
    from shapely.geometry.base import BaseGeometry

    from .floor_plan import Entrance, FloorPlan

CLEARANCE_M: Final = 0.05
"""Paths bend this far from walls and furniture. A body keeps off farther, but then all walks grow
alike, and the ranking of doors is what counts."""

_SIGHT_CLEARANCE_M: Final = 0.025
"""Gaps narrower than twice this are no way. It is less than `CLEARANCE_M`, so that a corner never
lies on a line that hides others from it."""

_STEP_INSIDE_M: Final = 0.06
_NO_NODE: Final = -1
_MOST_SPACES: Final = 4096
_TRIED: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """The grid: `number` is `(H, W)`, each free cell's row in the columns below, else -1."""

    origin_m: NDArray[np.float64]
    cell_m: float
    number: NDArray[np.int64]
    centre_m: NDArray[np.float64]


class RouteField:
    """Walking distance from each of some entrances to everywhere on their level."""

    def __init__(
        self,
        plan: FloorPlan,
        level: str,
        entrances: Sequence[Entrance],
        *,
        cell_m: float,
        closed: Sequence[LineString] = (),
    ) -> None:
        """Compute the field.

        Args:
            plan: the plan.
            level: level id; all of `entrances` lie on it.
            entrances: where routes start.
            cell_m: edge of a grid cell, metres.
            closed: openings that cannot be walked through, e.g. locked doors.
        """
        self._plan = plan
        self._level = level
        walls = shapely.union_all([plan.walls(level), *closed])
        shapely.prepare(walls)
        self._walls = walls
        walkable = plan.walkable(level)
        open_floor = _kept_off(walkable, walls, CLEARANCE_M)
        hidden_by = segments_of(_kept_off(walkable, walls, _SIGHT_CLEARANCE_M))
        starts_m = np.array([_start(e, open_floor) for e in entrances]).reshape(-1, 2)
        self._doors_m = np.array([e.middle_m for e in entrances]).reshape(-1, 2)
        self._nodes_m = np.vstack([starts_m, _corners(open_floor)])
        sights = [sight_m(node, hidden_by) for node in self._nodes_m]
        inside_m = np.linalg.norm(starts_m - self._doors_m, axis=1)
        self._to_node_m, self._before = _node_distances(self._nodes_m, sights, inside_m)
        self._cells = _grid(open_floor, cell_m)
        self._last_node = self._nearest_nodes(sights)
        self._reached = (self._last_node != _NO_NODE).any(axis=0)
        self._trees = lru_cache(_MOST_SPACES)(self._reached_tree)
        centres = self._cells.centre_m
        number_of = {space.id: i for i, space in enumerate(plan.spaces_on(level))}
        self._space_of_cell = np.array(
            [_NO_NODE if s is None else number_of[s.id] for s in plan.space_at(level, centres)],
            dtype=np.int64,
        )
        self._number_of_space = number_of

    def distances_m(self, xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(N, E)` walking metres from each entrance to `(N, 2)` places; inf where no way leads.

        A place in furniture or in a wall counts as the nearest reachable place on this side of
        the wall, one outside all spaces as the nearest reachable place of the level.
        """
        nodes = self._last_nodes_at(xy_m)
        straight_m = np.linalg.norm(xy_m[:, None] - self._nodes_m[nodes], axis=2)
        rows = np.arange(self._to_node_m.shape[0])
        distance_m = self._to_node_m[rows, nodes] + straight_m
        return np.where(nodes == _NO_NODE, np.inf, distance_m)

    def route_m(self, entrance: int, xy_m: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """`(P, 2)` the shortest way from an entrance (by its index) to `(2,)` a place.

        None where no way leads there. Its length is what `distances_m` says.
        """
        node = int(self._last_nodes_at(xy_m[None])[0, entrance])
        if node == _NO_NODE:
            return None
        chain = [node]
        while chain[-1] != entrance:
            chain.append(int(self._before[entrance, chain[-1]]))
        return np.vstack([self._doors_m[entrance], self._nodes_m[chain[::-1]], xy_m])

    def _nearest_nodes(self, sights: list[NDArray[np.float64]]) -> NDArray[np.int64]:
        """`(E, K)` the node from which each cell is reached soonest, -1 where none is."""
        cells = self._cells
        shape = (len(self._to_node_m), len(cells.centre_m))
        best_m = np.full(shape, np.inf)
        best = np.full(shape, _NO_NODE, dtype=np.int64)
        for node, (place_m, far_m) in enumerate(zip(self._nodes_m, sights, strict=True)):
            known = np.flatnonzero(np.isfinite(self._to_node_m[:, node]))
            if not len(known):
                continue
            seen = _cells_in_sight(cells, place_m, far_m)
            away_m = np.linalg.norm(cells.centre_m[seen] - place_m, axis=1)
            for entrance in known:
                candidate_m = self._to_node_m[entrance, node] + away_m
                better = candidate_m < best_m[entrance, seen]
                best_m[entrance, seen[better]] = candidate_m[better]
                best[entrance, seen[better]] = node
        return best

    def _last_nodes_at(self, xy_m: NDArray[np.float64]) -> NDArray[np.int64]:
        """`(N, E)` the last corner (or the entrance itself) on the way to each place."""
        cell = self._own_cells(xy_m)
        if not self._reached.any():
            return np.full((len(xy_m), len(self._last_node)), _NO_NODE, dtype=np.int64)
        lost = np.flatnonzero((cell == _NO_NODE) | ~self._reached[cell])
        cell[lost] = self._nearest_reached(xy_m[lost])
        return np.where((cell == _NO_NODE)[:, None], _NO_NODE, self._last_node[:, cell].T)

    def _own_cells(self, xy_m: NDArray[np.float64]) -> NDArray[np.int64]:
        cells = self._cells
        column, row = np.floor((xy_m - cells.origin_m) / cells.cell_m).astype(np.int64).T
        height, width = cells.number.shape
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        number = np.full(len(xy_m), _NO_NODE, dtype=np.int64)
        number[inside] = cells.number[row[inside], column[inside]]
        return number

    def _nearest_reached(self, xy_m: NDArray[np.float64]) -> NDArray[np.int64]:
        """The nearest reached cell of each place's space that no wall parts from the place."""
        cell = np.full(len(xy_m), _NO_NODE, dtype=np.int64)
        for i, space in enumerate(self._plan.space_at(self._level, xy_m)):
            numbers, tree = self._trees(None if space is None else space.id)
            if tree is None:
                continue
            near = numbers[tree.query(xy_m[i], k=np.arange(1, min(_TRIED, len(numbers)) + 1))[1]]
            if space is not None:
                starts = np.broadcast_to(xy_m[i], (len(near), 2))
                ways = shapely.linestrings(np.stack([starts, self._cells.centre_m[near]], axis=1))
                near = near[~shapely.crosses(ways, self._walls)]
            if len(near):
                cell[i] = near[0]
        return cell

    def _reached_tree(self, space_id: str | None) -> tuple[NDArray[np.int64], KDTree | None]:
        """The reached cells of a space, or of the level, and their tree; no tree without cells."""
        wanted = self._reached
        if space_id is not None:
            wanted = wanted & (self._space_of_cell == self._number_of_space[space_id])
        numbers = np.flatnonzero(wanted)
        return numbers, KDTree(self._cells.centre_m[numbers]) if len(numbers) else None


def _kept_off(walkable: BaseGeometry, walls: BaseGeometry, distance_m: float) -> BaseGeometry:
    """The floor at least `distance_m` away from walls and furniture."""
    inner = shapely.buffer(walkable, -distance_m, join_style="mitre")
    thick = shapely.buffer(walls, distance_m, cap_style="square", join_style="mitre")
    return shapely.difference(inner, thick)


def _start(entrance: Entrance, open_floor: BaseGeometry) -> tuple[float, float]:
    """The place just inside an entrance."""
    middle = entrance.line.interpolate(0.5, normalized=True)
    if open_floor.is_empty:
        return middle.x, middle.y
    ends = np.array([entrance.line.coords[0], entrance.line.coords[-1]])
    along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    for side in (1.0, -1.0):
        inside = shapely.Point(
            middle.x - side * along[1] * _STEP_INSIDE_M, middle.y + side * along[0] * _STEP_INSIDE_M
        )
        if open_floor.covers(inside):
            return inside.x, inside.y
    nearest = shapely.get_point(shapely.shortest_line(middle, open_floor), 1)
    return nearest.x, nearest.y


def _corners(open_floor: BaseGeometry) -> NDArray[np.float64]:
    """`(C, 2)` corners around which paths bend: where the floor's outline turns away from it."""
    found = []
    for part in shapely.get_parts(open_floor):
        if part.geom_type != "Polygon":
            continue
        outline = shapely.orient_polygons(part.simplify(CLEARANCE_M / 10))
        for ring in (outline.exterior, *outline.interiors):
            # The floor lies to the left of an oriented ring: at such a corner it turns right.
            points = shapely.get_coordinates(ring)[:-1]
            before = points - np.roll(points, 1, axis=0)
            after = np.roll(points, -1, axis=0) - points
            turn = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
            found.append(points[turn < 0])
    return np.vstack(found) if found else np.zeros((0, 2))


def _node_distances(
    nodes_m: NDArray[np.float64], sights: list[NDArray[np.float64]], inside_m: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """`(E, M)` metres from each entrance to each node, and the node before it on the way.

    Args:
        nodes_m: `(M, 2)` nodes; the first E are the places just inside the entrances.
        sights: `sight_m` of each node.
        inside_m: `(E,)` metres from each entrance to its first node.
    """
    entrances = len(inside_m)
    if not entrances:
        return np.zeros((0, len(nodes_m))), np.zeros((0, len(nodes_m)), dtype=np.int64)
    edges_m = np.zeros((len(nodes_m), len(nodes_m)))
    for i, far_m in enumerate(sights):
        offset_m = nodes_m - nodes_m[i]
        away_m = np.linalg.norm(offset_m, axis=1)
        seen = away_m <= far_m[sector_of(offset_m)]
        edges_m[i, seen] = away_m[seen]
    distance_m, before = dijkstra(
        csr_array(edges_m), directed=False, indices=np.arange(entrances), return_predecessors=True
    )
    return distance_m + inside_m[:, None], before.astype(np.int64)


def _grid(open_floor: BaseGeometry, cell_m: float) -> _Cells:
    if open_floor.is_empty:
        return _Cells(np.zeros(2), cell_m, np.zeros((0, 0), np.int64), np.zeros((0, 2)))
    left, bottom, right, top = open_floor.bounds
    x = np.arange(left, right, cell_m) + cell_m / 2
    y = np.arange(bottom, top, cell_m) + cell_m / 2
    xx, yy = np.meshgrid(x, y)
    shapely.prepare(open_floor)
    free = shapely.contains_xy(open_floor, xx, yy)
    number = np.full(free.shape, _NO_NODE, dtype=np.int64)
    number[free] = np.arange(np.count_nonzero(free))
    return _Cells(np.array([left, bottom]), cell_m, number, np.column_stack([xx[free], yy[free]]))


def _cells_in_sight(
    cells: _Cells, place_m: NDArray[np.float64], far_m: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Numbers of the free cells whose centre is seen from a place."""
    finite = np.isfinite(far_m)
    if not finite.any():
        return np.zeros(0, dtype=np.int64)
    ends_m = place_m + far_m[finite, None] * RAYS[finite] - cells.origin_m
    low = np.floor(ends_m.min(axis=0) / cells.cell_m).astype(np.int64)
    high = np.ceil(ends_m.max(axis=0) / cells.cell_m).astype(np.int64)
    window = cells.number[max(low[1], 0) : max(high[1], 0), max(low[0], 0) : max(high[0], 0)]
    near = window[window != _NO_NODE]
    offset_m = cells.centre_m[near] - place_m
    seen = np.linalg.norm(offset_m, axis=1) <= far_m[sector_of(offset_m)]
    return np.asarray(near[seen])
