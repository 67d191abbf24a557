"""Shortest walking distances from some doors to every place of one level.

The doors are added to the level's visibility graph; Dijkstra gives the distance of every corner,
and the distance of a place is the least over the corners that it sees. This is computed once for
all cells of the grid and remembers each cell's last corner: a place between cell centres is then
measured from that corner itself, and the route is the chain of corners.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from scipy.sparse import csr_array, vstack
from scipy.sparse.csgraph import dijkstra
from shapely import Point

from .level_graph import NOTHING
from .nearest_floor import NearestFloor
from .visibility import sight_m

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely import LineString
    from shapely.geometry.base import BaseGeometry

    from .corner_graph import CornerGraph
    from .floor_plan import FloorPlan
    from .level_graph import LevelGraph

_STEP_INSIDE_M: Final = 0.06


class RouteField:
    """Walking distance from each of some doors to everywhere on their level."""

    def __init__(
        self, plan: FloorPlan, level: str, graph: LevelGraph, doors: Sequence[LineString | Point]
    ) -> None:
        """Compute the field.

        Args:
            plan: the plan.
            level: level id.
            graph: the graph of the level.
            doors: where routes start: in the middles of gaps in walls, or at points.
        """
        starts_m = np.array([start_m(d, graph.open_floor) for d in doors]).reshape(-1, 2)
        self._doors_m = shapely.get_coordinates([_middle(door) for door in doors])
        self._nodes_m = np.vstack([starts_m, graph.corner_m])
        sights = [sight_m(place_m, graph.opaque_m) for place_m in starts_m]
        inside_m = np.linalg.norm(starts_m - self._doors_m, axis=1)
        to_node_m, self._before = node_distances(graph, starts_m, sights)
        self._to_node_m = to_node_m + inside_m[:, None]
        self._last_node = self._nearest_nodes(graph, starts_m, sights)
        reached = (self._last_node != NOTHING).any(axis=0)
        self._floor = NearestFloor(plan, level, graph, reached)

    def distances_m(self, xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(N, E)` walking metres from each door to `(N, 2)` places; inf where no way leads.

        A place in furniture or in a wall counts as the nearest reachable place on this side of
        the wall, one outside all spaces as the nearest reachable place of the level.
        """
        nodes = self._last_nodes_at(xy_m)
        straight_m = np.linalg.norm(xy_m[:, None] - self._nodes_m[nodes], axis=2)
        rows = np.arange(self._to_node_m.shape[0])
        distance_m = self._to_node_m[rows, nodes] + straight_m
        return np.where(nodes == NOTHING, np.inf, distance_m)

    def route_m(self, door: int, xy_m: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """`(P, 2)` the shortest way from a door (by its index) to `(2,)` a place.

        None where no way leads there. Its length is what `distances_m` says.
        """
        node = int(self._last_nodes_at(xy_m[None])[0, door])
        if node == NOTHING:
            return None
        chain = [node]
        while chain[-1] != door:
            chain.append(int(self._before[door, chain[-1]]))
        return np.vstack([self._doors_m[door], self._nodes_m[chain[::-1]], xy_m])

    def _nearest_nodes(
        self, graph: LevelGraph, starts_m: NDArray[np.float64], sights: list[NDArray[np.float64]]
    ) -> NDArray[np.int32]:
        """`(E, C)` the node from which each cell is reached soonest, -1 where none is."""
        centre_m = graph.cells.centre_m
        doors, cells = len(starts_m), len(centre_m)
        best = np.full((doors, cells), NOTHING, dtype=np.int32)
        count = np.diff(graph.first_pair)
        some = np.flatnonzero(count)
        cell_of_pair = np.repeat(np.arange(cells), count)
        offset_m = centre_m[cell_of_pair] - graph.corner_m[graph.pair_corner]
        away_m = np.hypot(offset_m[:, 0], offset_m[:, 1])
        for door, (place_m, far_m) in enumerate(zip(starts_m, sights, strict=True)):
            best_m = np.full(cells, np.inf)
            if len(some):
                by_pair_m = self._to_node_m[door, doors + graph.pair_corner] + away_m
                best_m[some] = np.minimum.reduceat(by_pair_m, graph.first_pair[some])
                soonest = np.flatnonzero(
                    (by_pair_m == best_m[cell_of_pair]) & np.isfinite(by_pair_m)
                )
                # Backwards, so that of equals the first stays.
                best[door, cell_of_pair[soonest[::-1]]] = doors + graph.pair_corner[soonest[::-1]]
            seen = graph.cells.in_sight(place_m, far_m)
            direct_m = np.linalg.norm(centre_m[seen] - place_m, axis=1)
            direct_m += self._to_node_m[door, door]
            nearer = direct_m <= best_m[seen]
            best[door, seen[nearer]] = door
        return best

    def _last_nodes_at(self, xy_m: NDArray[np.float64]) -> NDArray[np.int64]:
        """`(N, E)` the last corner (or the door itself) on the way to each place."""
        cell = self._floor.cells(xy_m)
        found = np.full((len(xy_m), len(self._last_node)), NOTHING, dtype=np.int64)
        some = cell != NOTHING
        found[some] = self._last_node[:, cell[some]].T
        return found


def start_m(door: LineString | Point, open_floor: BaseGeometry) -> tuple[float, float]:
    """The place beside the middle of a door that lies on open floor, site metres."""
    middle = _middle(door)
    if open_floor.is_empty:
        return middle.x, middle.y
    ends = shapely.get_coordinates(door)
    length_m = float(np.linalg.norm(ends[-1] - ends[0]))
    along = (ends[-1] - ends[0]) / length_m if length_m else np.zeros(2)
    for side in (1.0, -1.0):
        inside = Point(
            middle.x - side * along[1] * _STEP_INSIDE_M, middle.y + side * along[0] * _STEP_INSIDE_M
        )
        if open_floor.covers(inside):
            return inside.x, inside.y
    nearest = shapely.get_point(shapely.shortest_line(middle, open_floor), 1)
    return nearest.x, nearest.y


def _middle(door: LineString | Point) -> Point:
    return door if isinstance(door, Point) else door.interpolate(0.5, normalized=True)


def node_distances(
    graph: CornerGraph, starts_m: NDArray[np.float64], sights: list[NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """`(E, E + M)` metres from each start to each node, and the node before it on the way.

    Args:
        graph: the graph; its corners are the last M nodes.
        starts_m: `(E, 2)` the starts, which are the first nodes.
        sights: `sight_m` of each start.
    """
    doors, corners = len(starts_m), len(graph.corner_m)
    if not doors:
        return np.zeros((0, corners)), np.zeros((0, corners), dtype=np.int32)
    ends = [graph.corners_seen(*pair) for pair in zip(starts_m, sights, strict=True)]
    lengths = [
        np.linalg.norm(graph.corner_m[seen] - place_m, axis=1)
        for place_m, seen in zip(starts_m, ends, strict=True)
    ]
    first = np.concatenate([[0], np.cumsum([len(seen) for seen in ends])])
    shape = (doors, doors + corners)
    from_doors = csr_array(
        (np.concatenate(lengths), doors + np.concatenate(ends), first), shape=shape
    )
    between = csr_array(
        (graph.edges_m.data, doors + graph.edges_m.indices, graph.edges_m.indptr),
        shape=(corners, doors + corners),
    )
    # Only out of the doors: a way never leads through one and back in.
    distance_m, before = dijkstra(
        csr_array(vstack([from_doors, between])),
        indices=np.arange(doors),
        return_predecessors=True,
    )
    return np.asarray(distance_m), before.astype(np.int32)
