"""The floor of one level as a visibility graph and a grid of cells, on which walks are measured."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from shapely import MultiLineString

from .corner_graph import (
    CLEARANCE_M,
    SIGHT_CLEARANCE_M,
    CornerGraph,
    corner_graph,
    kept_off,
    passes,
    pieces,
)
from .visibility import RAYS, sector_of, segments_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from .floor_plan import FloorPlan

CELL_M: Final = 0.2
"""Edge of a cell. Accuracy hardly depends on it: a cell only remembers which corners it sees."""

COARSEST_M: Final = 0.4
MOST_CELLS: Final = 250_000
"""Larger levels have larger cells, up to `COARSEST_M`."""

NOTHING: Final = -1
_PER_CELL: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The free floor of a level as a grid.

    Attributes:
        origin_m: `(2,)` lower left corner of the grid, site metres.
        cell_m: edge of a cell.
        number: `(H, W)` int32, each free cell's row in the columns below, else -1.
        centre_m: `(C, 2)` middles of the free cells.
        part: `(C,)` int32, which piece of connected floor each lies on.
        split: `(C,)` bool, whether a wall passes through the cell.
    """

    origin_m: NDArray[np.float64]
    cell_m: float
    number: NDArray[np.int32]
    centre_m: NDArray[np.float64]
    part: NDArray[np.int32]
    split: NDArray[np.bool_]

    def at(self, xy_m: NDArray[np.float64]) -> NDArray[np.int64]:
        """`(N,)` the free cell in which each `(N, 2)` place lies; -1 where none is."""
        column, row = np.floor((xy_m - self.origin_m) / self.cell_m).astype(np.int64).T
        height, width = self.number.shape
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        number = np.full(len(xy_m), NOTHING, dtype=np.int64)
        number[inside] = self.number[row[inside], column[inside]]
        return number

    def within(self, bounds_m: tuple[float, float, float, float]) -> NDArray[np.int64]:
        """Numbers of the free cells that a box (left, bottom, right, top) touches."""
        left, bottom, right, top = bounds_m
        low = np.floor((np.array([left, bottom]) - self.origin_m) / self.cell_m).astype(np.int64)
        high = np.ceil((np.array([right, top]) - self.origin_m) / self.cell_m).astype(np.int64)
        window = self.number[max(low[1], 0) : max(high[1], 0), max(low[0], 0) : max(high[0], 0)]
        near: NDArray[np.int64] = window[window != NOTHING].astype(np.int64)
        return near

    def in_sight(
        self,
        place_m: NDArray[np.float64],
        far_m: NDArray[np.float64],
        beside_m: NDArray[np.float64] | None = None,
    ) -> NDArray[np.int64]:
        """Numbers of the free cells whose middle is seen from a place, given its `sight_m`.

        Where the place is a corner with the sides `beside_m` `(2, 2)`, only cells with some place
        from which a way may bend around it.
        """
        finite = np.isfinite(far_m)
        if not finite.any():
            return np.zeros(0, dtype=np.int64)
        ends_m = place_m + far_m[finite, None] * RAYS[finite]
        near = self.within((*ends_m.min(axis=0).tolist(), *ends_m.max(axis=0).tolist()))
        offset_m = self.centre_m[near] - place_m
        if beside_m is not None:
            on = passes(beside_m[None], offset_m, self.cell_m / np.sqrt(2.0))
            near, offset_m = near[on], offset_m[on]
        seen = np.hypot(offset_m[:, 0], offset_m[:, 1]) <= far_m[sector_of(offset_m)]
        visible: NDArray[np.int64] = near[seen]
        return visible


@dataclass(frozen=True, slots=True, eq=False)
class LevelGraph(CornerGraph):
    """The corners of one level, and which of them each of its cells sees.

    Attributes:
        opaque: the segments that end sight as one prepared geometry.
        walls: walls and closed doors, prepared.
        cells: the grid.
        first_pair: `(C + 1,)` where each cell's corners begin in `pair_corner`.
        pair_corner: `(P,)` int32, corners around which ways from a cell may bend.
    """

    opaque: BaseGeometry
    walls: BaseGeometry
    cells: Cells
    first_pair: NDArray[np.int64]
    pair_corner: NDArray[np.int32]


class LevelGraphs:
    """The graphs of a plan's levels, each made when first asked for."""

    def __init__(self, plan: FloorPlan, cell_m: float | None = None) -> None:
        """Make nothing yet.

        Args:
            plan: the plan.
            cell_m: edge of the grids' cells, metres; by default `CELL_M`, more on large levels.
        """
        self.plan = plan
        self._cell_m = cell_m
        self._made = lru_cache(maxsize=None)(self._make)

    def graph(self, level: str, *, by_key: bool) -> LevelGraph:
        """The graph of a level; where doors are locked, they are passed only `by_key`.

        Raises:
            UnknownLevel: the plan has no such level.
        """
        self.plan.require_level(level)
        return self._made(level, by_key or not self.has_locked(level))

    def has_locked(self, level: str) -> bool:
        """Whether the level has a locked door inside."""
        return any(o.locked for o in self.plan.openings if o.level == level)

    def _make(self, level: str, by_key: bool) -> LevelGraph:
        plan = self.plan
        locked = [o.line for o in plan.openings if o.level == level and o.locked]
        walls = shapely.union_all([plan.walls(level), *([] if by_key else locked)])
        walkable = plan.walkable(level)
        usual_m = float(np.clip(np.sqrt(walkable.area / MOST_CELLS), CELL_M, COARSEST_M))
        return level_graph(walkable, walls, self._cell_m or usual_m)


def level_graph(walkable: BaseGeometry, walls: BaseGeometry, cell_m: float = CELL_M) -> LevelGraph:
    """The graph of a floor.

    Args:
        walkable: the floor without furniture, site metres.
        walls: lines that nobody passes.
        cell_m: edge of the grid's cells, metres.
    """
    open_floor = kept_off(walkable, walls, CLEARANCE_M)
    opaque_m = segments_of(kept_off(walkable, walls, SIGHT_CLEARANCE_M))
    opaque: BaseGeometry = MultiLineString(list(opaque_m))
    cells = _grid(open_floor, walls, cell_m)
    for geometry in (walls, opaque, open_floor):
        shapely.prepare(geometry)
    seen_by: list[NDArray[np.int64]] = []
    corners = corner_graph(
        open_floor, opaque_m, lambda *sight: seen_by.append(cells.in_sight(*sight))
    )
    first_pair, pair_corner = _by_cell(seen_by, len(cells.centre_m))
    return LevelGraph(
        open_floor=open_floor,
        opaque_m=opaque_m,
        corner_m=corners.corner_m,
        beside_m=corners.beside_m,
        edges_m=corners.edges_m,
        opaque=opaque,
        walls=walls,
        cells=cells,
        first_pair=first_pair,
        pair_corner=pair_corner,
    )


def _by_cell(
    seen_by: list[NDArray[np.int64]], cells: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """For each cell its corners, from for each corner its cells."""
    if not seen_by:
        return np.zeros(cells + 1, dtype=np.int64), np.zeros(0, dtype=np.int32)
    cell = np.concatenate(seen_by)
    corner = np.repeat(np.arange(len(seen_by), dtype=np.int32), [len(seen) for seen in seen_by])
    order = np.argsort(cell, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=cells))])
    return first.astype(np.int64), corner[order]


def _grid(open_floor: BaseGeometry, walls: BaseGeometry, cell_m: float) -> Cells:
    parts = pieces(open_floor)
    if not parts:
        nothing = np.zeros(0, dtype=np.int32)
        empty = np.full((1, 1), NOTHING, dtype=np.int32)
        no = np.zeros(0, dtype=np.bool_)
        return Cells(np.zeros(2), cell_m, empty, np.zeros((0, 2)), nothing, no)
    left, bottom, right, top = open_floor.bounds
    x = np.arange(left, right, cell_m) + cell_m / 2
    y = np.arange(bottom, top, cell_m) + cell_m / 2
    part_at = np.full((len(y), len(x)), NOTHING, dtype=np.int32)
    for i, part in enumerate(parts):
        low_x, low_y, high_x, high_y = part.bounds
        rows = slice(*np.searchsorted(y, (low_y, high_y)))
        columns = slice(*np.searchsorted(x, (low_x, high_x)))
        xx, yy = np.meshgrid(x[columns], y[rows])
        shapely.prepare(part)
        part_at[rows, columns][shapely.contains_xy(part, xx, yy)] = i
    free = part_at != NOTHING
    number = np.full(free.shape, NOTHING, dtype=np.int32)
    number[free] = np.arange(np.count_nonzero(free))
    row, column = np.nonzero(free)
    centre_m = np.column_stack([x[column], y[row]])
    cells = Cells(
        np.array([left, bottom]), cell_m, number, centre_m, part_at[free], np.zeros(len(row), bool)
    )
    along_m = shapely.get_coordinates(shapely.segmentize(walls, cell_m / _PER_CELL))
    through = cells.at(along_m)
    cells.split[through[through != NOTHING]] = True
    return cells
