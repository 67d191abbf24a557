"""How far it is on foot from any place of a site into the view of each camera, measured ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from vision.columns import require_column

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .search_ground import SearchGround
    from .walk_grid import WalkGrid

FARTHEST_M: Final = 60.0
"""A view that is farther away than this is not walked into soon, not even at a run."""

PATCH_M: Final = 5.0
"""Floor is summed up in squares of this edge, each within one space of one level."""

EMPTY_LOOK: Final = 0.1
"""What a camera shows and finds empty counts for so much less than blind floor beside it."""


@dataclass(frozen=True, slots=True, eq=False)
class CameraReach:
    """Walking distances into the views of K cameras, for C cells and P patches of floor.

    It depends on the plan and the cameras only and holds nothing of people.

    Attributes:
        grid: the cells.
        cameras: camera ids, sorted.
        away_m: `(C, K)` float32, metres on foot from each cell to the nearest floor that each
            camera shows, 0 within it; inf beyond `FARTHEST_M`. A step on stairs counts as long as
            the floor that is walked in its time. Inner doors count as open, locked ones too:
            somebody may have the key.
        patch_space: `(P,)` int32, index into the plan's spaces; -1 outside all of them.
        patch_level: `(P,)` int32, index into the plan's levels.
        patch_m: `(P, 2)` float64, middle of each patch, site metres.
        patch_weight: `(P,)` float64, floor of each patch, square metres; what a camera shows
            counts `EMPTY_LOOK` of it.
        patch_away_m: `(P, K)` float64, `away_m` of the patch's floor on average by that weight,
            inf where none of it is near.
        patch_in_view: `(P, K)` float64, share of that weight which each camera shows, 0..1.
    """

    grid: WalkGrid
    cameras: tuple[str, ...]
    away_m: NDArray[np.float32]
    patch_space: NDArray[np.int32]
    patch_level: NDArray[np.int32]
    patch_m: NDArray[np.float64]
    patch_weight: NDArray[np.float64]
    patch_away_m: NDArray[np.float64]
    patch_in_view: NDArray[np.float64]

    def __post_init__(self) -> None:
        cameras, patches = len(self.cameras), len(self.patch_space)
        require_column("away_m", self.away_m, shape=(len(self.grid), cameras), dtype=np.float32)
        require_column("patch_m", self.patch_m, shape=(patches, 2), dtype=np.float64)
        require_column("patch_weight", self.patch_weight, shape=(patches,), dtype=np.float64)
        for name in ("patch_away_m", "patch_in_view"):
            column = getattr(self, name)
            require_column(name, column, shape=(patches, cameras), dtype=np.float64)

    @classmethod
    def of(cls, ground: SearchGround) -> CameraReach:
        """Measure it: some ten milliseconds a camera on a large site.

        Args:
            ground: the cells of the site, and what its cameras show of them.
        """
        grid, cameras = ground.grid, tuple(sorted(ground.views))
        steps = _steps(grid)
        away_m = np.full((len(grid), len(cameras)), np.inf, np.float32)
        shown = np.zeros((len(grid), len(cameras)), np.bool_)
        for k, camera in enumerate(cameras):
            cells = ground.views[camera].cells
            if len(cells):
                away_m[:, k] = dijkstra(steps, indices=cells, min_only=True, limit=FARTHEST_M)
                shown[cells, k] = True
        return cls(grid, cameras, away_m, *_patches(grid, away_m, shown))

    def from_place(self, level: str, xy_m: tuple[float, float]) -> NDArray[np.float64]:
        """`(K,)` metres on foot from a place to the view of each camera; inf beyond `FARTHEST_M`.

        Args:
            level: level id.
            xy_m: site metres; a place in a wall or in furniture counts as the nearest free one.

        Raises:
            UnknownLevel: the plan has no such level.
        """
        index = self.grid.level_index(level)
        tree = self.grid.trees[index]
        if tree is None:
            return np.full(len(self.cameras), np.inf)
        _, row = tree.query(np.asarray(xy_m, np.float64))
        return self.away_m[self.grid.numbers[index][row]].astype(np.float64)


def _steps(grid: WalkGrid) -> csr_array:
    """`(C, C)` metres of each step from one cell to the next, as symmetric as walking is."""
    cells = np.arange(len(grid))
    heading, start = np.nonzero(grid.neighbour >= 0)
    goal = grid.neighbour[heading, start]
    starts, goals = [start], [goal]
    for flight in grid.flights:  # its own steps lead out of it, these lead in
        for mouth, cell in (
            (flight.lower, flight.first),
            (flight.upper, flight.first + flight.count - 1),
        ):
            starts.append(cells[mouth])
            goals.append(np.full(len(mouth), cell))
    start, goal = np.concatenate(starts), np.concatenate(goals)
    length_m = np.linalg.norm(grid.xy_m[goal] - grid.xy_m[start], axis=1)
    on_stairs = (start >= grid.floor_cells) | (goal >= grid.floor_cells)
    length_m = np.where(on_stairs, grid.cell_m, length_m)
    # Walked from the views outwards; every step can be taken back.
    both = np.concatenate([start, goal]), np.concatenate([goal, start])
    ends, first = np.unique(np.stack(both), axis=1, return_index=True)
    return csr_array(
        (np.concatenate([length_m, length_m])[first], (ends[0], ends[1])),
        shape=(len(grid), len(grid)),
    )


def _patches(
    grid: WalkGrid, away_m: NDArray[np.float32], shown: NDArray[np.bool_]
) -> tuple[
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
]:
    """The columns of all patches, in the order of `CameraReach`."""
    square = np.floor(grid.xy_m / PATCH_M).astype(np.int64)
    keys = np.column_stack([grid.level, grid.space, square])
    patches, of = np.unique(keys, axis=0, return_inverse=True)
    of = of.reshape(-1)
    floor_m2 = np.where(grid.area_m2 > 0, grid.area_m2, grid.cell_m**2).astype(np.float64)
    weight = np.where(shown.any(axis=1), EMPTY_LOOK, 1.0) * floor_m2
    total = np.bincount(of, weight, len(patches))
    middle_m = np.column_stack(
        [np.bincount(of, weight * grid.xy_m[:, axis], len(patches)) / total for axis in (0, 1)]
    )
    mean_m = np.full((len(patches), away_m.shape[1]), np.inf)
    in_view = np.zeros_like(mean_m)
    for k in range(away_m.shape[1]):
        near = np.isfinite(away_m[:, k])
        near_weight = np.bincount(of[near], weight[near], len(patches))
        sum_m = np.bincount(of[near], weight[near] * away_m[near, k], len(patches))
        some = near_weight > 0
        mean_m[some, k] = sum_m[some] / near_weight[some]
        rows = shown[:, k]
        in_view[:, k] = np.bincount(of[rows], weight[rows], len(patches)) / total
    return (
        patches[:, 1].astype(np.int32),
        patches[:, 0].astype(np.int32),
        middle_m,
        np.asarray(total, np.float64),
        mean_m,
        in_view,
    )
