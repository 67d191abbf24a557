"""The visibility graph of one level, on which all walks are measured.

A shortest path past walls is straight except where it bends around their corners (Lee and
Preparata 1984). So the corners, kept a hand's breadth away from the walls, are the nodes of a graph
whose edges join corners that see each other, and a grid of cells remembers which corners each
place sees. An edge is kept only where it can be part of a shortest path: where it runs past a
corner and not into it (the tangent visibility graph: Liu and Arimoto, International Journal of
Robotics Research 11, 1992), which leaves a tenth of the edges and loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from scipy.sparse import csr_array
from shapely import MultiLineString, Polygon

from .visibility import RAYS, sector_of, segments_of, sight_m

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from .floor_plan import FloorPlan

CLEARANCE_M: Final = 0.05
"""Paths bend this far from walls and furniture. A body keeps off farther, but then all walks grow
alike, and the ranking of doors is what counts."""

SIGHT_CLEARANCE_M: Final = 0.025
"""Gaps narrower than twice this are no way. It is less than `CLEARANCE_M`, so that a corner never
lies on a line that hides others from it."""

CELL_M: Final = 0.2
"""Edge of a cell. Accuracy hardly depends on it: a cell only remembers which corners it sees."""

NOTHING: Final = -1
_PER_CELL: Final = 4
_ALONG: Final = 0.02
"""Sine of the angle up to which an edge counts as running along a wall, not into its corner."""


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
            on = _passes(beside_m[None], offset_m, self.cell_m / np.sqrt(2.0))
            near, offset_m = near[on], offset_m[on]
        seen = np.hypot(offset_m[:, 0], offset_m[:, 1]) <= far_m[sector_of(offset_m)]
        visible: NDArray[np.int64] = near[seen]
        return visible


@dataclass(frozen=True, slots=True, eq=False)
class LevelGraph:
    """Corners of one level, which of them see each other, and which each cell sees.

    Attributes:
        open_floor: the floor at least `CLEARANCE_M` off walls and furniture.
        opaque_m: `(S, 2, 2)` segments that end sight between nodes, see `sight_m`.
        opaque: the same as one prepared geometry.
        walls: walls and closed doors, prepared.
        corner_m: `(M, 2)` corners, site metres.
        beside_m: `(M, 2, 2)` unit vectors from each corner along its two sides.
        edges_m: `(M, M)` sparse, metres between corners that see each other.
        cells: the grid.
        first_pair: `(C + 1,)` where each cell's corners begin in `pair_corner`.
        pair_corner: `(P,)` int32, corners around which ways from a cell may bend.
    """

    open_floor: BaseGeometry
    opaque_m: NDArray[np.float64]
    opaque: BaseGeometry
    walls: BaseGeometry
    corner_m: NDArray[np.float64]
    beside_m: NDArray[np.float64]
    edges_m: csr_array
    cells: Cells
    first_pair: NDArray[np.int64]
    pair_corner: NDArray[np.int32]

    def corners_seen(
        self, place_m: NDArray[np.float64], far_m: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """Corners that a place sees and around which ways from it may bend, given its `sight_m`."""
        offset_m = self.corner_m - place_m
        away_m = np.hypot(offset_m[:, 0], offset_m[:, 1])
        seen = np.flatnonzero(away_m <= far_m[sector_of(offset_m)])
        return seen[_passes(self.beside_m[seen], offset_m[seen], _ALONG * away_m[seen])]


class LevelGraphs:
    """The graphs of a plan's levels, each made when first asked for."""

    def __init__(self, plan: FloorPlan, cell_m: float = CELL_M) -> None:
        """Make nothing yet.

        Args:
            plan: the plan.
            cell_m: edge of the grids' cells, metres.
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
        return level_graph(plan.walkable(level), walls, self._cell_m)


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
    corner_m, beside_m = _corners(open_floor)
    cells = _grid(open_floor, walls, cell_m)
    for geometry in (walls, opaque, open_floor):
        shapely.prepare(geometry)
    edges: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
    seen_by: list[NDArray[np.int64]] = []
    for place_m, sides in zip(corner_m, beside_m, strict=True):
        far_m = sight_m(place_m, opaque_m)
        edges.append(_edges_of(place_m, sides, corner_m, beside_m, far_m))
        seen_by.append(cells.in_sight(place_m, far_m, sides))
    first_pair, pair_corner = _by_cell(seen_by, len(cells.centre_m))
    return LevelGraph(
        open_floor=open_floor,
        opaque_m=opaque_m,
        opaque=opaque,
        walls=walls,
        corner_m=corner_m,
        beside_m=beside_m,
        edges_m=_sparse(edges),
        cells=cells,
        first_pair=first_pair,
        pair_corner=pair_corner,
    )


def pieces(open_floor: BaseGeometry) -> list[Polygon]:
    """The pieces of connected floor, in the order in which cells number them."""
    return [
        part for part in shapely.get_parts(open_floor) if isinstance(part, Polygon) and part.area
    ]


def kept_off(walkable: BaseGeometry, walls: BaseGeometry, distance_m: float) -> BaseGeometry:
    """The floor at least `distance_m` away from walls and furniture."""
    inner = shapely.buffer(walkable, -distance_m, join_style="mitre")
    thick = shapely.buffer(walls, distance_m, cap_style="square", join_style="mitre")
    return shapely.difference(inner, thick)


def _corners(open_floor: BaseGeometry) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners around which paths bend: where the floor's outline turns away from it.

    Returns:
        `(C, 2)` corners and `(C, 2, 2)` unit vectors to the outline's corners before and after.
    """
    corners, sides = [np.zeros((0, 2))], [np.zeros((0, 2, 2))]
    for part in pieces(open_floor):
        outline = shapely.orient_polygons(part.simplify(CLEARANCE_M / 10))
        for ring in shapely.get_rings(outline):
            # The floor lies to the left of an oriented ring: at such a corner it turns right.
            points = shapely.get_coordinates(ring)[:-1]
            before = np.roll(points, 1, axis=0) - points
            after = np.roll(points, -1, axis=0) - points
            bends = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0] > 0
            both = np.stack([before, after], axis=1)[bends]
            corners.append(points[bends])
            sides.append(both / np.linalg.norm(both, axis=2, keepdims=True))
    return np.vstack(corners), np.vstack(sides)


def _passes(
    beside_m: NDArray[np.float64],
    offset_m: NDArray[np.float64],
    slack_m: NDArray[np.float64] | float,
) -> NDArray[np.bool_]:
    """Whether lines along `(N, 2)` offsets to or from corners pass them, not into the wall.

    They do where both sides of the corner lie on one side of the line; `slack_m` is how far a
    place may be moved across to make it so.
    """
    x_m, y_m = offset_m[:, 0], offset_m[:, 1]
    before_m = x_m * beside_m[:, 0, 1] - y_m * beside_m[:, 0, 0]
    after_m = x_m * beside_m[:, 1, 1] - y_m * beside_m[:, 1, 0]
    passes: NDArray[np.bool_] = before_m * after_m >= 0
    passes |= np.minimum(np.abs(before_m), np.abs(after_m)) <= slack_m
    return passes


def _edges_of(
    place_m: NDArray[np.float64],
    sides: NDArray[np.float64],
    corner_m: NDArray[np.float64],
    beside_m: NDArray[np.float64],
    far_m: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Corners to which a way may lead on from one corner, and how far they are."""
    offset_m = corner_m - place_m
    away_m = np.hypot(offset_m[:, 0], offset_m[:, 1])
    seen = np.flatnonzero((away_m <= far_m[sector_of(offset_m)]) & (away_m > 0))
    offset_m, slack_m = offset_m[seen], _ALONG * away_m[seen]
    on = _passes(sides[None], offset_m, slack_m) & _passes(beside_m[seen], offset_m, slack_m)
    return seen[on], away_m[seen[on]]


def _sparse(edges: list[tuple[NDArray[np.int64], NDArray[np.float64]]]) -> csr_array:
    """The edges as a symmetric matrix; what either end sees counts."""
    size = len(edges)
    if not size:
        return csr_array((0, 0))
    starts = np.concatenate([[0], np.cumsum([len(ends) for ends, _ in edges])])
    ends = np.concatenate([ends for ends, _ in edges])
    length_m = np.concatenate([length_m for _, length_m in edges])
    one_way = csr_array((length_m, ends, starts), shape=(size, size))
    return csr_array(one_way.maximum(one_way.T))


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
