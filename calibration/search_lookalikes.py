"""Bodies in view that may be the one that is searched for.

A camera that shows somebody at a place has not found it empty. If that body came into view after
the searched one was lost, it may be the same, though nothing has proved it yet: the look takes
nothing away there. Bodies that were in view before cannot be it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .continuity import OVERLAP_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from .subject import SubjectState
    from .walk_grid import WalkGrid

BESIDE_M: Final = 1.0
"""So far from where a body is seen it may stand: foot points are that wrong now and then."""


def lookalike_cells(
    grid: WalkGrid, seen_at_s: Sequence[float], subjects: Iterable[SubjectState], at_s: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cells about bodies that may be one of the searched ones: `(N,)` cells and `(N,)` columns.

    Args:
        grid: the grid.
        seen_at_s: when each searched subject was last seen; columns count these.
        subjects: all subjects.
        at_s: the moment, Unix seconds.
    """
    lost_s = np.array(seen_at_s)
    cells, columns = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for body in subjects:
        may_be = np.flatnonzero(lost_s <= body.born_s + OVERLAP_S)
        if not body.in_view or not len(may_be) or body.born_s > at_s:
            continue
        numbers = grid.numbers[grid.level_index(body.level)]
        away_m = np.linalg.norm(grid.xy_m[numbers] - _place_m(body, at_s), axis=1)
        about = numbers[away_m <= BESIDE_M].astype(np.int64)
        cells.append(np.tile(about, len(may_be)))
        columns.append(np.repeat(may_be, len(about)))
    return np.concatenate(cells), np.concatenate(columns)


def _place_m(body: SubjectState, at_s: float) -> NDArray[np.float64]:
    """Where a body in view was at a moment not long ago, `(2,)`."""
    times_s = [*body.trail_s, body.at_s]
    places_m = np.array([*body.trail_m, tuple(body.xy_m)])
    return np.array([np.interp(at_s, times_s, places_m[:, axis]) for axis in (0, 1)])
