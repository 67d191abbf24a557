"""The cells of one level and the steps between them that no wall and no fixture bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from .visibility import segments_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely import LineString

    from .floor_plan import FloorPlan

HEADINGS: Final = np.array(
    [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)], dtype=np.int64
)
"""`(8, 2)` columns and rows of a step: east, north-east, north and so on, counterclockwise."""

NO_CELL: Final = -1
OUTSIDE: Final = -2
"""Where a step through an entrance leads if the plan draws no floor beyond it."""

FREE, LOCKED, EXIT = 0, 1, 2
"""What a step passes: nothing, or an open door; a locked door; an entrance, to the outside."""

_UNITS: Final = HEADINGS / np.linalg.norm(HEADINGS, axis=1)[:, None]
_OFF_WALL_M: Final = 0.03
_TRIED: Final = np.array(
    [(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1)]
)
_TRIED_SHARE: Final = 0.3
_REACH_CELLS: Final = 3.0
_CANDIDATES: Final = 24
_BESIDE_DOOR_M: Final = 0.05


@dataclass(slots=True, eq=False)
class LevelSteps:
    """One level's cells, numbered from 0; K of them.

    Attributes:
        origin_m: `(2,)` lower left corner of the raster, site metres.
        shape: rows and columns of the raster.
        row: `(K,)` row of each cell, -1 for one that the raster has no place for.
        column: `(K,)` its column.
        xy_m: `(K, 2)` its place, site metres.
        area_m2: `(K,)` walkable floor of it.
        space: id of its space, None outside all.
        neighbour: `(8, K)` int32, as in `WalkGrid`, numbers of this level.
        passes: `(8, K)` int8, as in `WalkGrid`.
    """

    origin_m: NDArray[np.float64]
    shape: tuple[int, int]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    xy_m: NDArray[np.float64]
    area_m2: NDArray[np.float64]
    space: list[str | None]
    neighbour: NDArray[np.int32]
    passes: NDArray[np.int8]


def level_steps(plan: FloorPlan, level: str, cell_m: float) -> LevelSteps:
    """The cells of a level and the steps between them.

    Args:
        plan: the plan.
        level: level id.
        cell_m: edge of a cell, metres.
    """
    bars = _Bars(plan, level)
    steps = _cells(plan, level, cell_m, bars)
    for heading in range(4):
        _join_neighbours(steps, heading, bars)
    _cut_corners(steps)
    linker = _Linker(steps, bars, cell_m)
    linker.join_parts()
    for opening in plan.openings:
        if opening.level == level:
            linker.lead_through(opening.line, LOCKED if opening.locked else FREE)
    for entrance in plan.entrances:
        if entrance.level == level:
            shut = entrance.locked or not entrance.usable
            floor_beyond = linker.lead_through(entrance.line, LOCKED if shut else FREE)
            if entrance.usable and not floor_beyond:
                linker.lead_outside(entrance.line)
    return steps


class _Bars:
    """What no step passes on one level: walls and fixtures."""

    def __init__(self, plan: FloorPlan, level: str) -> None:
        walls = shapely.linestrings(segments_of(plan.walls(level)))
        fixtures = [fixture.polygon for fixture in plan.fixtures if fixture.level == level]
        self.walls = np.asarray(walls, object)
        self._all = shapely.STRtree([*self.walls, *fixtures])
        self._wall_tree = shapely.STRtree(self.walls)

    def blocks(self, from_m: NDArray[np.float64], to_m: NDArray[np.float64]) -> NDArray[np.bool_]:
        """`(N,)` whether each straight way meets a wall or a fixture."""
        ways = shapely.linestrings(np.stack([from_m, to_m], axis=1))
        blocked = np.zeros(len(from_m), dtype=np.bool_)
        blocked[self._all.query(ways, predicate="intersects")[0]] = True
        return blocked

    def walls_block(
        self, from_m: NDArray[np.float64], to_m: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """`(N,)` whether each straight way meets a wall; furniture is walked around."""
        ways = shapely.linestrings(np.stack([from_m, to_m], axis=1))
        blocked = np.zeros(len(from_m), dtype=np.bool_)
        blocked[self._wall_tree.query(ways, predicate="intersects")[0]] = True
        return blocked

    def touches(self, xy_m: NDArray[np.float64]) -> NDArray[np.bool_]:
        """`(N,)` whether each place lies on a wall."""
        near = np.zeros(len(xy_m), dtype=np.bool_)
        found = self._wall_tree.query(
            shapely.points(xy_m), predicate="dwithin", distance=_OFF_WALL_M
        )
        near[found[0]] = True
        return near


def _cells(plan: FloorPlan, level: str, cell_m: float, bars: _Bars) -> LevelSteps:
    """The cells, without steps: wherever the middle, or a place near it, can be stood on."""
    walkable = plan.walkable(level)
    if walkable.is_empty:
        empty = np.zeros(0, dtype=np.int64)
        nowhere = np.zeros((0, 2))
        none = np.zeros((8, 0), dtype=np.int32)
        return LevelSteps(
            np.zeros(2), (0, 0), empty, empty, nowhere, np.zeros(0), [], none, none.astype(np.int8)
        )
    bounds_m = np.array(walkable.bounds)
    low = np.floor(bounds_m[:2] / cell_m).astype(np.int64)
    high = np.ceil(bounds_m[2:] / cell_m).astype(np.int64)
    width, height = np.maximum(high - low, 1).tolist()
    column, row = (axis.ravel() for axis in np.meshgrid(np.arange(width), np.arange(height)))
    middle_m = np.asarray((np.column_stack([column, row]) + low + 0.5) * cell_m, np.float64)
    place_m = np.full(middle_m.shape, np.nan)
    share = np.zeros(len(middle_m))
    for offset in _TRIED * (_TRIED_SHARE * cell_m):
        tried_m = middle_m + offset
        free = shapely.contains_xy(walkable, tried_m)
        share += free / len(_TRIED)
        rows = np.flatnonzero(free & np.isnan(place_m[:, 0]))
        rows = rows[~bars.touches(tried_m[rows])]
        place_m[rows] = tried_m[rows]
    kept = np.isfinite(place_m[:, 0])
    place_m, column, row = place_m[kept], column[kept], row[kept]
    area_m2 = share[kept] * cell_m**2
    space = [None if s is None else s.id for s in plan.space_at(level, place_m)]
    missed = [s for s in plan.spaces_on(level) if s.walkable and s.id not in set(space)]
    for closet in missed:
        floor = shapely.intersection(closet.polygon, walkable)
        if floor.area > 0:
            spot = floor.representative_point()
            place_m = np.vstack([place_m, [(spot.x, spot.y)]])
            area_m2 = np.append(area_m2, floor.area)
            column, row = np.append(column, NO_CELL), np.append(row, NO_CELL)
            space.append(closet.id)
    return LevelSteps(
        origin_m=low * np.float64(cell_m),
        shape=(height, width),
        row=row,
        column=column,
        xy_m=place_m,
        area_m2=area_m2,
        space=space,
        neighbour=np.full((8, len(place_m)), NO_CELL, dtype=np.int32),
        passes=np.full((8, len(place_m)), FREE, dtype=np.int8),
    )


def _join_neighbours(steps: LevelSteps, heading: int, bars: _Bars) -> None:
    """Add the steps in one heading and their reverse where the straight way is free."""
    index = np.full((steps.shape[0] + 2, steps.shape[1] + 2), NO_CELL, dtype=np.int32)
    drawn = np.flatnonzero(steps.row >= 0)
    index[steps.row[drawn] + 1, steps.column[drawn] + 1] = drawn
    right, up = HEADINGS[heading]
    beyond = index[steps.row[drawn] + 1 + up, steps.column[drawn] + 1 + right]
    here, there = drawn[beyond >= 0], beyond[beyond >= 0]
    free = ~bars.blocks(steps.xy_m[here], steps.xy_m[there])
    steps.neighbour[heading, here[free]] = there[free]
    steps.neighbour[heading + 4, there[free]] = here[free]


def _cut_corners(steps: LevelSteps) -> None:
    """Drop diagonal steps that squeeze past a corner: one must also get there by two others."""
    straight = steps.neighbour[::2]
    for diagonal in (1, 3):
        one, other = diagonal - 1, (diagonal + 1) % 8
        target = steps.neighbour[diagonal]
        around = np.zeros(len(target), dtype=np.bool_)
        for first, second in ((one, other), (other, one)):
            middle = straight[first // 2]
            reached = np.where(middle >= 0, straight[second // 2][middle], NO_CELL)
            around |= reached == target
        dropped = np.flatnonzero((target >= 0) & ~around)
        steps.neighbour[diagonal + 4, target[dropped]] = NO_CELL
        steps.neighbour[diagonal, dropped] = NO_CELL


def _crossing(steps: LevelSteps, line: LineString) -> NDArray[np.int64]:
    """`(N, 2)` steps (heading, cell) that pass a line."""
    near = _near(steps, line)
    heading, at = np.nonzero(steps.neighbour[:, near] >= 0)
    cell = near[at]
    ends_m = np.stack([steps.xy_m[cell], steps.xy_m[steps.neighbour[heading, cell]]], axis=1)
    passing = shapely.intersects(shapely.linestrings(ends_m), line)
    return np.column_stack([heading, cell])[passing]


def _near(steps: LevelSteps, line: LineString) -> NDArray[np.int64]:
    """Cells about a line, as far as steps and added links can reach."""
    reach_m = 2.0 * _REACH_CELLS
    low = np.array(line.bounds[:2]) - reach_m
    high = np.array(line.bounds[2:]) + reach_m
    return np.flatnonzero(((steps.xy_m >= low) & (steps.xy_m <= high)).all(axis=1))


class _Linker:
    """Adds the steps that cells of this size would miss."""

    def __init__(self, steps: LevelSteps, bars: _Bars, cell_m: float) -> None:
        self._steps, self._bars, self._cell_m = steps, bars, cell_m

    def lead_through(self, line: LineString, passes: int) -> bool:
        """Whether steps pass an opening: some do already, or both sides have a cell to join."""
        heading, cell = _crossing(self._steps, line).T
        if not len(cell):
            sides = [self._beside(line, side) for side in (1.0, -1.0)]
            if min(sides) == NO_CELL:
                return False
            heading, cell = np.array(self._link(sides[0], sides[1])).T
        self._steps.passes[heading, cell] = passes
        return True

    def lead_outside(self, line: LineString) -> None:
        """Let steps over an entrance lead outside."""
        steps = self._steps
        near = _near(steps, line)
        found = False
        for heading, offset in enumerate(HEADINGS * self._cell_m):
            cells = near[steps.neighbour[heading, near] == NO_CELL]
            from_m = steps.xy_m[cells]
            ways = shapely.linestrings(np.stack([from_m, from_m + offset], axis=1))
            cells = cells[shapely.intersects(ways, line)]
            free = ~self._bars.blocks(steps.xy_m[cells], steps.xy_m[cells] + offset)
            self._open(heading, cells[free])
            found |= bool(free.any())
        if found:
            return
        for side in (1.0, -1.0):
            cell = self._beside(line, side)
            if cell >= 0:
                middle = line.interpolate(0.5, normalized=True)
                outward = np.array([middle.x, middle.y]) - steps.xy_m[cell]
                self._open(self._free_heading(cell, outward), np.array([cell]))

    def join_parts(self) -> None:
        """Join parts of one space that the cells part but the plan does not."""
        steps = self._steps
        names = np.array([space or "" for space in steps.space], dtype=object)
        label = _parts(steps, names)
        for name in sorted(set(names.tolist()) - {""}):
            cells = np.flatnonzero(names == name)
            parts = np.unique(label[cells])
            if len(parts) > 1:
                by_size = sorted(parts, key=lambda part: int(np.count_nonzero(label == part)))
                for part in by_size[:-1]:
                    self._join(cells, label, int(part))

    def _join(self, cells: NDArray[np.int64], label: NDArray[np.int32], part: int) -> None:
        """Link one part of a space with the nearest cell of another that it sees."""
        steps = self._steps
        own, others = cells[label[cells] == part], cells[label[cells] != part]
        reach_m = _REACH_CELLS * self._cell_m
        found_m, found = KDTree(steps.xy_m[others]).query(
            steps.xy_m[own], k=[1, 2, 3, 4], distance_upper_bound=reach_m
        )
        away_m, nearest = np.asarray(found_m), np.asarray(found)
        order = np.argsort(away_m, axis=None, kind="stable")
        near = order[np.isfinite(away_m.ravel()[order])][:_CANDIDATES]
        pairs = [(int(own[flat // 4]), int(others[nearest.ravel()[flat]])) for flat in near]
        # A nook behind a table is reached around it, by a bend that cells of this size do not have.
        for blocks in (self._bars.blocks, self._bars.walls_block):
            for one, other in pairs:
                if not blocks(steps.xy_m[[one]], steps.xy_m[[other]])[0]:
                    self._link(one, other)
                    label[label == part] = label[other]
                    return

    def _beside(self, line: LineString, side: float) -> int:
        """The nearest cell on one side of an opening that sees its middle; -1 without one."""
        steps = self._steps
        ends_m = np.array([line.coords[0], line.coords[-1]])
        along = (ends_m[1] - ends_m[0]) / max(float(np.linalg.norm(ends_m[1] - ends_m[0])), 1e-9)
        normal = side * np.array([-along[1], along[0]])
        middle = line.interpolate(0.5, normalized=True)
        middle_m = np.array([middle.x, middle.y])
        near = _near(steps, line)
        offset_m = steps.xy_m[near] - middle_m
        away_m = np.linalg.norm(offset_m, axis=1)
        fit = (offset_m @ normal > 0) & (away_m <= _REACH_CELLS * max(self._cell_m, line.length))
        near, away_m = near[fit], away_m[fit]
        near = near[np.argsort(away_m, kind="stable")][:_CANDIDATES]
        door_m = np.broadcast_to(middle_m + normal * _BESIDE_DOOR_M, (len(near), 2))
        seen = near[~self._bars.blocks(steps.xy_m[near], door_m)]
        return int(seen[0]) if len(seen) else NO_CELL

    def _free_heading(self, cell: int, towards: NDArray[np.float64]) -> int:
        """The heading nearest to a direction in which no step leads yet."""
        likeness = _UNITS @ towards
        taken = self._steps.neighbour[:, cell] != NO_CELL
        return int(np.argmax(likeness - np.where(taken, 1e6, 0.0)))

    def _link(self, one: int, other: int) -> list[tuple[int, int]]:
        """Join two cells; the steps (heading, cell) that do."""
        along = self._steps.xy_m[other] - self._steps.xy_m[one]
        there = (self._free_heading(one, along), one)
        back = (self._free_heading(other, -along), other)
        self._steps.neighbour[there] = other
        self._steps.neighbour[back] = one
        return [there, back]

    def _open(self, heading: int, cells: NDArray[np.int64]) -> None:
        self._steps.neighbour[heading, cells] = OUTSIDE
        self._steps.passes[heading, cells] = EXIT


def _parts(steps: LevelSteps, names: NDArray[np.object_]) -> NDArray[np.int32]:
    """`(K,)` number of the connected part of its own space that each cell belongs to."""
    _, cell = np.nonzero(steps.neighbour >= 0)
    target = steps.neighbour[steps.neighbour >= 0]
    inside = names[cell] == names[target]
    graph = coo_array(
        (np.ones(np.count_nonzero(inside), np.int8), (cell[inside], target[inside])),
        shape=(len(names), len(names)),
    )
    label: NDArray[np.int32] = connected_components(graph.tocsr(), directed=False)[1]
    return label
