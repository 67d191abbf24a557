"""The floor of all levels as cells, and the steps that lead from one to the next.

The cells on which the search map keeps its probabilities. A step leads from a cell's place to that
of one of its eight neighbours if the straight line between them meets no wall and no fixture.
Where cells are too coarse for what the plan draws (a narrow door, a thin corridor, a closet), steps
are added so that no opening is lost. Stairs and lifts are chains of cells without floor: as many as
it takes to walk for the time that the way between the two floors takes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from scipy.spatial import KDTree

from vision.columns import require_column

from .connectors import plan_connectors
from .walk_steps import NO_CELL, level_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .connectors import Connector
    from .floor_plan import FloorPlan
    from .walk_steps import LevelSteps

MOST_CELLS: Final = 40_000
FINEST_M: Final = 0.3
USUAL_M: Final = 0.5
COARSEST_M: Final = 1.0

WALK_MPS: Final = 1.4
"""Comfortable walking pace of adults between 20 and 60: 1.3-1.5 m/s (Bohannon, Age and Ageing 26,
1997)."""

_UP_HEADINGS: Final = (7, 0, 1, 2)
_DOWN_HEADINGS: Final = (3, 4, 5, 6)
_MOUTH_M: Final = 1.0
_NEAREST: Final = 16
_REMEMBERED: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class LevelRaster:
    """One level's cells as a picture.

    Attributes:
        origin_m: `(2,)` lower left corner of the first row's first cell, site metres.
        index: `(H, W)` int32, row 0 in the south: number of the cell there, `NO_CELL` where
            nobody can stand.
    """

    origin_m: NDArray[np.float64]
    index: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Flight:
    """One stair or ride as a chain of cells.

    Attributes:
        first: number of its lowest cell; the others follow upwards.
        count: how many they are.
        lower: `(A,)` int32, cells of the lower floor from which it is entered.
        upper: `(B,)` int32, cells of the upper floor from which it is entered.
        is_lift: in a lift nobody gets there sooner by running.
    """

    first: int
    count: int
    lower: NDArray[np.int32]
    upper: NDArray[np.int32]
    is_lift: bool


@dataclass(frozen=True, slots=True, eq=False)
class WalkGrid:
    """Cells of all levels; C of them, of which the last stand for stairs and lifts.

    Attributes:
        plan: the plan.
        cell_m: edge of a cell, metres.
        level: `(C,)` int32, index into `plan.levels`; on stairs that of the nearer floor.
        xy_m: `(C, 2)` float64, the cell's place, site metres: its middle where one can stand
            there.
        space: `(C,)` int32, index into `plan.spaces`, -1 outside all of them.
        area_m2: `(C,)` float32, floor that the cell stands for; 0 on stairs and in lifts.
        neighbour: `(8, C)` int32, the cell that a step in each of `HEADINGS` leads to, `NO_CELL`
            or `OUTSIDE`.
        passes: `(8, C)` int8, what the step passes: `FREE`, `LOCKED` or `EXIT`.
        rasters: the cells of each of the plan's levels as a picture.
        flights: stairs and lifts.
        trees: the cells of each level by place (None without cells), for `cells_at`.
        numbers: numbers of each tree's cells.
    """

    plan: FloorPlan
    cell_m: float
    level: NDArray[np.int32]
    xy_m: NDArray[np.float64]
    space: NDArray[np.int32]
    area_m2: NDArray[np.float32]
    neighbour: NDArray[np.int32]
    passes: NDArray[np.int8]
    rasters: tuple[LevelRaster, ...]
    flights: tuple[Flight, ...]
    trees: tuple[KDTree | None, ...]
    numbers: tuple[NDArray[np.int32], ...]

    def __post_init__(self) -> None:
        cells = len(self.level)
        require_column("level", self.level, shape=(cells,), dtype=np.int32)
        require_column("xy_m", self.xy_m, shape=(cells, 2), dtype=np.float64)
        require_column("space", self.space, shape=(cells,), dtype=np.int32)
        require_column("area_m2", self.area_m2, shape=(cells,), dtype=np.float32)
        require_column("neighbour", self.neighbour, shape=(8, cells), dtype=np.int32)
        require_column("passes", self.passes, shape=(8, cells), dtype=np.int8)

    def __len__(self) -> int:
        return len(self.level)

    @classmethod
    def of(
        cls,
        plan: FloorPlan,
        cell_m: float | None = None,
        connectors: Sequence[Connector] | None = None,
    ) -> WalkGrid:
        """The grid of a plan; remembered for the plans asked for last.

        Args:
            plan: the plan.
            cell_m: edge of a cell, metres; by default 0.5 m, or as much more (up to 1 m) as
                keeps a large site to about 40,000 cells.
            connectors: its stairs and lifts; found in the plan by default.

        Raises:
            ValueError: `cell_m` is not between 0.3 and 1 m.
        """
        if cell_m is not None and not FINEST_M <= cell_m <= COARSEST_M:
            raise ValueError(f"cell_m is {cell_m}; give {FINEST_M} to {COARSEST_M} metres")
        if cell_m is not None or connectors is not None:
            size_m = usual_cell_m(plan) if cell_m is None else cell_m
            return _built(plan, size_m, plan_connectors(plan) if connectors is None else connectors)
        return _usual(plan)

    @property
    def floor_cells(self) -> int:
        """How many cells are floor; the rest are stairs and lifts."""
        return len(self) - sum(flight.count for flight in self.flights)

    def level_index(self, level: str) -> int:
        """Index of a level id into `plan.levels`.

        Raises:
            UnknownLevel: the plan has no such level.
        """
        self.plan.require_level(level)
        return [known.id for known in self.plan.levels].index(level)

    def cells_at(
        self, level: str, xy_m: NDArray[np.float64], within_m: float = COARSEST_M
    ) -> NDArray[np.int32]:
        """`(N,)` the nearest cell to each of `(N, 2)` places that no wall parts from it.

        `NO_CELL` where there is none within `within_m`.

        Raises:
            UnknownLevel: the plan has no such level.
        """
        require_column("xy_m", xy_m, shape=(None, 2), dtype=np.float64)
        index = self.level_index(level)
        found = np.full(len(xy_m), NO_CELL, dtype=np.int32)
        tree, numbers = self.trees[index], self.numbers[index]
        if tree is None or not len(xy_m):
            return found
        asked = np.arange(1, min(_NEAREST, len(numbers)) + 1)
        found_m, rows_found = tree.query(xy_m, k=asked, distance_upper_bound=within_m)
        away_m, near = np.asarray(found_m), np.asarray(rows_found)
        walls = self.plan.walls(level)
        shapely.prepare(walls)
        for rank in asked - 1:
            rows = np.flatnonzero(np.isfinite(away_m[:, rank]) & (found == NO_CELL))
            if not len(rows):
                break
            cells = numbers[near[rows, rank]]
            ways = np.asarray(shapely.linestrings(np.stack([xy_m[rows], self.xy_m[cells]], axis=1)))
            open_way = np.asarray(~shapely.intersects(walls, ways), np.bool_)
            # To touch a wall is not to cross it; telling the two apart is slow and rarely needed.
            open_way[~open_way] = ~shapely.crosses(ways[~open_way], walls)
            found[rows[open_way]] = cells[open_way]
        return found

    def nearest(self, level: str, xy_m: NDArray[np.float64]) -> NDArray[np.int32]:
        """`(N,)` the cell of the raster in which each of `(N, 2)` places lies, else `NO_CELL`.

        As `cells_at`, but quick and without looking for a cell beside the place.
        """
        raster = self.rasters[self.level_index(level)]
        height, width = raster.index.shape
        column, row = np.floor((xy_m - raster.origin_m) / self.cell_m).astype(np.int64).T
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        found = np.full(len(xy_m), NO_CELL, dtype=np.int32)
        found[inside] = raster.index[row[inside], column[inside]]
        return found


@lru_cache(_REMEMBERED)
def _usual(plan: FloorPlan) -> WalkGrid:
    return _built(plan, usual_cell_m(plan), plan_connectors(plan))


def usual_cell_m(plan: FloorPlan) -> float:
    """The edge of a cell with which the plan has no more than about `MOST_CELLS` cells."""
    floor_m2 = sum(plan.walkable(level.id).area for level in plan.levels)
    return float(np.clip(math.sqrt(floor_m2 / MOST_CELLS), USUAL_M, COARSEST_M))


def _built(plan: FloorPlan, cell_m: float, connectors: Sequence[Connector]) -> WalkGrid:
    levels = [level_steps(plan, level.id, cell_m) for level in plan.levels]
    starts = np.cumsum([0, *(len(steps.xy_m) for steps in levels)])
    number = {space.id: i for i, space in enumerate(plan.spaces)}
    xy_m = np.vstack([np.zeros((0, 2)), *(steps.xy_m for steps in levels)])
    level = np.repeat(np.arange(len(levels), dtype=np.int32), np.diff(starts))
    space = np.array(
        [-1 if s is None else number[s] for steps in levels for s in steps.space], dtype=np.int32
    )
    neighbour = np.hstack(
        [np.zeros((8, 0), np.int32)]
        + [
            np.where(steps.neighbour >= 0, steps.neighbour + start, steps.neighbour)
            for steps, start in zip(levels, starts, strict=False)
        ]
    ).astype(np.int32)
    passes = np.hstack([np.zeros((8, 0), np.int8), *(steps.passes for steps in levels)])
    area_m2 = np.concatenate([np.zeros(0), *(steps.area_m2 for steps in levels)])
    chains = _Chains(xy_m, level, space, cell_m)
    for connector in connectors:
        chains.add(connector, number)
    added = sum(flight.count for flight in chains.flights)
    return WalkGrid(
        plan=plan,
        cell_m=cell_m,
        level=np.concatenate([level, *chains.level]).astype(np.int32),
        xy_m=np.vstack([xy_m, *chains.xy_m]),
        space=np.concatenate([space, *chains.space]).astype(np.int32),
        area_m2=np.concatenate([area_m2, np.zeros(added)]).astype(np.float32),
        neighbour=np.hstack([neighbour, *chains.neighbour]).astype(np.int32),
        passes=np.hstack([passes, np.zeros((8, added))]).astype(np.int8),
        rasters=tuple(_raster(steps, start) for steps, start in zip(levels, starts, strict=False)),
        flights=tuple(chains.flights),
        trees=tuple(KDTree(steps.xy_m) if len(steps.xy_m) else None for steps in levels),
        numbers=tuple(
            np.arange(start, start + len(steps.xy_m), dtype=np.int32)
            for steps, start in zip(levels, starts, strict=False)
        ),
    )


def _raster(steps: LevelSteps, start: int) -> LevelRaster:
    index = np.full(steps.shape, NO_CELL, dtype=np.int32)
    drawn = steps.row >= 0
    numbers = np.arange(start, start + len(steps.xy_m), dtype=np.int32)
    index[steps.row[drawn], steps.column[drawn]] = numbers[drawn]
    return LevelRaster(steps.origin_m, index)


class _Chains:
    """Cells of stairs and lifts, added one connector after the other."""

    def __init__(
        self,
        xy_m: NDArray[np.float64],
        level: NDArray[np.int32],
        space: NDArray[np.int32],
        cell_m: float,
    ) -> None:
        self._xy_m, self._level, self._space, self._cell_m = xy_m, level, space, cell_m
        self._next = len(level)
        self.flights: list[Flight] = []
        self.xy_m: list[NDArray[np.float64]] = []
        self.level: list[NDArray[np.int32]] = []
        self.space: list[NDArray[np.int32]] = []
        self.neighbour: list[NDArray[np.int32]] = []

    def add(self, connector: Connector, number: dict[str, int]) -> None:
        """Add one stair or lift; it is left out where one of its floors has no cell."""
        ends = (number[connector.lower.id], number[connector.upper.id])
        mouths = [
            self._mouth(space, np.array(place_m))
            for space, place_m in zip(
                ends, (connector.lower_xy_m, connector.upper_xy_m), strict=True
            )
        ]
        if not all(len(mouth) for mouth in mouths):
            return
        count = max(1, round(connector.seconds * WALK_MPS / self._cell_m))
        cells = self._next + np.arange(count, dtype=np.int32)
        up = np.append(cells[1:], mouths[1][0])
        down = np.append(mouths[0][0], cells[:-1])
        neighbour = np.empty((8, count), dtype=np.int32)
        neighbour[_UP_HEADINGS, :] = up
        neighbour[_DOWN_HEADINGS, :] = down
        share = ((np.arange(count) + 0.5) / count)[:, None]
        low, high = (self._xy_m[mouth[0]] for mouth in mouths)
        upper_half = share[:, 0] >= 0.5  # noqa: PLR2004 - the middle
        levels = [int(self._level[mouth[0]]) for mouth in mouths]
        self.flights.append(
            Flight(self._next, count, mouths[0], mouths[1], connector.kind == "lift")
        )
        self.xy_m.append(low + share * (high - low))
        self.level.append(np.where(upper_half, levels[1], levels[0]).astype(np.int32))
        self.space.append(np.where(upper_half, ends[1], ends[0]).astype(np.int32))
        self.neighbour.append(neighbour)
        self._next += count

    def _mouth(self, space: int, place_m: NDArray[np.float64]) -> NDArray[np.int32]:
        """The space's cells about a place, the nearest first."""
        cells = np.flatnonzero(self._space == space)
        away_m = np.linalg.norm(self._xy_m[cells] - place_m, axis=1)
        order = np.argsort(away_m, kind="stable")
        near = order[: max(1, int(np.count_nonzero(away_m <= _MOUTH_M)))]
        return cells[near].astype(np.int32)
