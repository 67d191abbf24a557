"""The walk from every entrance to where a subject can be, as expectation and as bad luck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from .walk_grid import WalkGrid

UNREACHED_M: Final = 200.0
"""A cell that an entrance does not lead to, though another does, counts as so far from it. Farther
than most walks in a school, so that a door to a part of the building loses, and not so far that a
stray percent decides."""

WORST_SHARE: Final = 0.9
"""The worst-case walk is the one that is not exceeded with this probability."""

_BIN_M: Final = 0.5
_ROWS: Final = 8192


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """The walk from each entrance over all places where a subject can be.

    Attributes:
        expected_m: `(E,)` expectation, metres; inf where an entrance leads to less than half.
        worst_m: `(E,)` not exceeded with `WORST_SHARE`, metres; inf likewise.
    """

    expected_m: NDArray[np.float64]
    worst_m: NDArray[np.float64]


class EntranceSpread:
    """Distances from every entrance to every cell of a grid, measured once."""

    def __init__(
        self,
        grid: WalkGrid,
        distances_m: Callable[[str, NDArray[np.float64]], NDArray[np.float64]],
        entrances: int,
    ) -> None:
        """Measure.

        Args:
            grid: the cells, C of them.
            distances_m: `(N, E)` metres to `(N, 2)` places of a level.
            entrances: E.
        """
        self.grid = grid
        away_m = np.full((entrances, len(grid)), np.inf, dtype=np.float32)
        for index, level in enumerate(grid.plan.levels):
            cells = np.flatnonzero(grid.level == index)
            for start in range(0, len(cells), _ROWS):
                rows = cells[start : start + _ROWS]
                away_m[:, rows] = distances_m(level.id, grid.xy_m[rows]).T
        reached = np.isfinite(away_m)
        self._counts = reached.any(axis=0)
        self._reached = reached.astype(np.float32)
        self._away_m = np.where(reached, away_m, np.float32(UNREACHED_M))
        self._bin = np.minimum(self._away_m / _BIN_M, np.iinfo(np.uint16).max).astype(np.uint16)

    def of(self, weights: NDArray[np.float32]) -> Spread | None:
        """The walks under `(C,)` weights; None where these are nowhere that an entrance leads to.

        Cells to which no entrance leads count for nothing.
        """
        cells = np.flatnonzero((weights > 0) & self._counts)
        total = float(weights[cells].sum(dtype=np.float64))
        if not total > 0:
            return None
        share = (weights[cells] / total).astype(np.float32)
        reached = self._reached[:, cells] @ share
        expected_m = (self._away_m[:, cells] @ share).astype(np.float64)
        worst_m = np.array([_quantile_m(row[cells], share) for row in self._bin]).reshape(-1)
        nowhere = reached < 0.5  # noqa: PLR2004 - less than half
        return Spread(np.where(nowhere, np.inf, expected_m), np.where(nowhere, np.inf, worst_m))


def _quantile_m(bins: NDArray[np.uint16], share: NDArray[np.float32]) -> float:
    """The least distance, to `_BIN_M`, within which `WORST_SHARE` of the subject is."""
    within = np.cumsum(np.bincount(bins, weights=share))
    return float((np.searchsorted(within, WORST_SHARE - 1e-6) + 1) * _BIN_M)
