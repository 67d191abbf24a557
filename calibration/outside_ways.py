"""Walking distances around the outside of a building, from where officers arrive to its doors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from shapely import MultiLineString

from .corner_graph import CLEARANCE_M, SIGHT_CLEARANCE_M, corner_graph
from .route_field import node_distances, start_m
from .visibility import segments_of, sight_m

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .floor_plan import FloorPlan

_MARGIN_M: Final = 5.0


class OutsideWays:
    """Ways around the buildings of a site; nothing but their walls is in the way.

    What else stands outside (fences, slopes, ponds) is in no plan. A door in a courtyard that
    buildings enclose is not reached from outside.
    """

    def __init__(self, plan: FloorPlan) -> None:
        """Measure the way around the buildings to each entrance, on the storey of each."""
        self._entrances = plan.entrances
        self._storeys = [
            (
                np.array([i for i, e in enumerate(plan.entrances) if e.level in levels]),
                _Around(plan, levels),
            )
            for levels in _storeys(plan)
        ]

    def distances_m(self, arrival_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(E,)` metres from `(2,)` a place outside to each entrance; inf where no way leads.

        A place within a building counts as the nearest place outside.
        """
        found_m = np.full(len(self._entrances), np.inf)
        for entrances, around in self._storeys:
            found_m[entrances] = around.distances_m(arrival_m)
        return found_m


def _storeys(plan: FloorPlan) -> list[frozenset[str]]:
    """Levels of equal ordinal that have an entrance: their buildings stand beside each other."""
    used = {entrance.level for entrance in plan.entrances}
    ordinals = sorted({level.ordinal for level in plan.levels if level.id in used})
    return [
        frozenset(level.id for level in plan.levels if level.ordinal == ordinal)
        for ordinal in ordinals
    ]


class _Around:
    """The outside of one storey."""

    def __init__(self, plan: FloorPlan, levels: frozenset[str]) -> None:
        built = shapely.union_all([plan.footprint(level) for level in sorted(levels)])
        left, bottom, right, top = built.bounds
        ground = shapely.box(
            left - _MARGIN_M, bottom - _MARGIN_M, right + _MARGIN_M, top + _MARGIN_M
        )
        grown = shapely.buffer(built, CLEARANCE_M, join_style="mitre")
        self._open = shapely.difference(ground, grown)
        self._grown = grown
        self._opaque_m = segments_of(shapely.buffer(built, SIGHT_CLEARANCE_M, join_style="mitre"))
        self._graph = corner_graph(self._open, self._opaque_m)
        doors = [entrance for entrance in plan.entrances if entrance.level in levels]
        self._door_m = np.array([start_m(e.line, self._open) for e in doors]).reshape(-1, 2)
        sights = [sight_m(place_m, self._opaque_m) for place_m in self._door_m]
        to_node_m, _ = node_distances(self._graph, self._door_m, sights)
        self._to_corner_m = to_node_m[:, len(doors) :]
        self._walls = MultiLineString(list(self._opaque_m))

    def distances_m(self, arrival_m: NDArray[np.float64]) -> NDArray[np.float64]:
        place = shapely.Point(arrival_m)
        if shapely.intersects(self._grown, place):
            place = shapely.get_point(shapely.shortest_line(place, self._open), 1)
        place_m = np.array([place.x, place.y])
        far_m = sight_m(place_m, self._opaque_m)
        seen = self._graph.corners_seen(place_m, far_m)
        away_m = np.linalg.norm(self._graph.corner_m[seen] - place_m, axis=1)
        by_corner_m = self._to_corner_m[:, seen] + away_m
        bent_m = by_corner_m.min(axis=1, initial=np.inf)
        ways = shapely.linestrings(
            np.stack([self._door_m, np.broadcast_to(place_m, self._door_m.shape)], axis=1)
        )
        straight = ~shapely.intersects(self._walls, ways)
        straight_m = np.linalg.norm(self._door_m - place_m, axis=1)
        return np.asarray(np.where(straight, straight_m, bent_m), dtype=np.float64)
