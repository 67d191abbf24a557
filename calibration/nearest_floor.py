"""Moves places that nobody can stand on to the floor beside them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from scipy.ndimage import binary_erosion
from scipy.spatial import KDTree

from .level_graph import NOTHING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .floor_plan import FloorPlan
    from .level_graph import LevelGraph

_MOST_SPACES: Final = 4096
_TRIED: Final = 16
_OFF_LINE: Final = 1e-4


class NearestFloor:
    """Finds the cell that speaks for a place: its own, or the nearest that can be reached."""

    def __init__(
        self, plan: FloorPlan, level: str, graph: LevelGraph, reached: NDArray[np.bool_]
    ) -> None:
        """Prepare for one level.

        Args:
            plan: the plan.
            level: level id.
            graph: the graph of the level.
            reached: `(C,)` the cells that can be reached.
        """
        self._plan = plan
        self._level = level
        self._graph = graph
        self._reached = reached
        self._any = bool(reached.any())
        self._trees = lru_cache(_MOST_SPACES)(self._tree_of)

    def cells(self, xy_m: NDArray[np.float64]) -> NDArray[np.int64]:
        """`(N,)` numbers of the cells that speak for `(N, 2)` places; -1 where none does.

        A place in furniture or in a wall belongs to the nearest reached cell of its own space on
        this side of the wall, one outside all spaces to the nearest reached cell of the level.
        """
        if not self._any:
            return np.full(len(xy_m), NOTHING, dtype=np.int64)
        cell = self._graph.cells.at(xy_m)
        lost = (cell == NOTHING) | ~self._reached[cell]
        split = np.flatnonzero(~lost & self._graph.cells.split[cell])
        if len(split):
            lost[split] = self._behind_wall(xy_m[split], cell[split])
        rows = np.flatnonzero(lost)
        if len(rows):
            cell[rows] = self._nearest(xy_m[rows])
        return cell

    def _behind_wall(self, xy_m: NDArray[np.float64], cell: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether a wall stands between `(N, 2)` places and the middles of N cells."""
        middle_m = self._graph.cells.centre_m[cell]
        # A place on the very line of a wall belongs to both of its sides.
        off_m = xy_m + (middle_m - xy_m) * _OFF_LINE
        ways = shapely.linestrings(np.stack([off_m, middle_m], axis=1))
        return np.asarray(shapely.intersects(self._graph.walls, ways), dtype=np.bool_)

    def _nearest(self, xy_m: NDArray[np.float64]) -> NDArray[np.int64]:
        """The nearest reached cell of each place's space that no wall parts from the place."""
        cell = np.full(len(xy_m), NOTHING, dtype=np.int64)
        for i, space in enumerate(self._plan.space_at(self._level, xy_m)):
            numbers, tree = self._trees(None if space is None else space.id)
            if tree is None:
                continue
            near = numbers[tree.query(xy_m[i], k=np.arange(1, min(_TRIED, len(numbers)) + 1))[1]]
            if space is not None:
                near = near[~self._behind_wall(xy_m[[i] * len(near)], near)]
            if len(near):
                cell[i] = near[0]
        return cell

    def _tree_of(self, space_id: str | None) -> tuple[NDArray[np.int64], KDTree | None]:
        """The reached cells of a space, or of the level's rim, and their tree; None if none."""
        cells = self._graph.cells
        if space_id is None:
            reached = np.zeros(cells.number.shape, dtype=np.bool_)
            reached[cells.number != NOTHING] = self._reached
            # Nothing outside is nearer to an inner cell than to some cell of the rim.
            numbers = cells.number[reached & ~binary_erosion(reached)].astype(np.int64)
        else:
            area = self._plan.space(space_id).polygon
            near = cells.within(area.bounds)
            near = near[self._reached[near]]
            numbers = near[shapely.contains_xy(area, *cells.centre_m[near].T)]
        return numbers, KDTree(cells.centre_m[numbers]) if len(numbers) else None
