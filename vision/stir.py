"""Something begins to move: a cue of some microseconds a frame, long before any detector looks.

The picture is thinned out to a coarse grid of single pixels and held against two backgrounds. One
follows it by at most `FOLLOWS_LEVELS_S` grey levels a second, and each cell learns how far it
strays from it by itself, so that noise, flicker and screens lift their own threshold (after the
sigma-delta background of Manzanera and Richefeu, Pattern Recognition Letters 28(3), 2007). The
other is the average of the last second: what differs from the first alone has come to rest, or is
the shadow that somebody leaves in the first. A common factor of all cells is taken out: that is the
camera's exposure, and so is a picture in which most cells change at once. What is left counts as
motion where several neighbouring cells stand out in two pictures in a row.

It is a hint where to look first, never a reason not to look: people who stand still, or who come
where others move, give no cue.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .latest import Motion

ROWS: Final = 60
"""Rows of the grid, about: somebody 40 pixels high in a picture of 360 then covers 7 x 2 cells."""

LEAST_LEVELS: Final = 14.0
"""A cell stands out from this difference on, grey levels of 0..255."""

STRAYS: Final = 4.0
"""And from so many times the difference that it has on average."""

STRAY_MEMORY_S: Final = 20.0
MOST_LEVELS: Final = 40.0
"""A difference counts as no more than this towards the average."""

CELLS_OF_NINE: Final = 5
"""So many of 3 x 3 cells have to stand out."""

PICTURES: Final = 2
"""In so many pictures in a row."""

FOLLOWS_LEVELS_S: Final = 6.0
RECENT_S: Final = 1.0
"""Time constant of the average of the last pictures."""

QUIET_S: Final = 2.0
"""Motion begins where there was none for so long."""

ALL_CHANGES: Final = 0.4
"""Where a larger share of the cells stands out, the light or the camera has changed."""

LONGEST_STEP_S: Final = 1.0
_FEW: Final = 13
_DARK_LEVELS: Final = np.float32(8.0)
_SIDE: Final = 3


class Stir:
    """Tells, picture by picture of one camera, whether something moves or begins to."""

    def __init__(self) -> None:
        self._background: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self._strays: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self._recent: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self._at_s = -math.inf
        self._moved_s = -math.inf
        self._in_a_row = 0

    def look(self, luma: NDArray[np.uint8], captured_at_s: float) -> Motion:
        """Whether something moves in the next picture.

        Args:
            luma: `(H, W)` uint8, the brightness; another size than before begins anew.
            captured_at_s: capture time, Unix seconds.
        """
        step_px = max(luma.shape[0] // ROWS, 1)
        cells = luma[step_px // 2 :: step_px, step_px // 2 :: step_px].astype(np.float32)
        step_s = min(max(captured_at_s - self._at_s, 0.0), LONGEST_STEP_S)
        self._at_s = captured_at_s
        if cells.shape != self._background.shape:
            self._strays = np.full_like(cells, LEAST_LEVELS / STRAYS / 2)
            return self._begin_anew(cells)
        moved = np.abs(cells - self._recent) > LEAST_LEVELS
        differs = self._background * -_exposure(cells, self._background)
        differs += cells
        away = np.abs(differs)
        out = away > np.maximum(self._strays * STRAYS, LEAST_LEVELS)
        if np.count_nonzero(out) > ALL_CHANGES * out.size:
            return self._begin_anew(cells)
        self._follow(cells, differs, away, step_s)
        out &= moved
        self._in_a_row = self._in_a_row + 1 if _most_of_nine(out) >= CELLS_OF_NINE else 0
        if self._in_a_row < PICTURES:
            return "still"
        begins = captured_at_s - self._moved_s > QUIET_S
        self._moved_s = captured_at_s
        return "stirs" if begins else "moves"

    def _begin_anew(self, cells: NDArray[np.float32]) -> Motion:
        self._background, self._recent, self._in_a_row = cells, cells.copy(), 0
        return "still"

    def _follow(
        self,
        cells: NDArray[np.float32],
        differs: NDArray[np.float32],
        away: NDArray[np.float32],
        step_s: float,
    ) -> None:
        """Move both backgrounds and the averages on; `differs` and `away` are used up."""
        most = np.float32(FOLLOWS_LEVELS_S * step_s)
        self._background += np.clip(differs, -most, most, out=differs)
        np.minimum(away, MOST_LEVELS, out=away)
        away -= self._strays
        away *= np.float32(step_s / STRAY_MEMORY_S)
        self._strays += away
        np.subtract(cells, self._recent, out=away)
        away *= np.float32(1.0 - math.exp(-step_s / RECENT_S))
        self._recent += away


def _exposure(cells: NDArray[np.float32], background: NDArray[np.float32]) -> np.float32:
    """The factor by which the whole picture is brighter than its background."""
    few, before = cells.ravel()[::_FEW], background.ravel()[::_FEW]
    factors = np.maximum(few, _DARK_LEVELS) / np.maximum(before, _DARK_LEVELS)
    return np.float32(np.partition(factors, len(factors) // 2)[len(factors) // 2])


def _most_of_nine(out: NDArray[np.bool_]) -> int:
    """Most cells of any 3 x 3 that stand out."""
    if min(out.shape) < _SIDE:
        return 0
    ones = out.view(np.uint8)
    rows = ones[:-2] + ones[1:-1] + ones[2:]
    return int((rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]).max())
