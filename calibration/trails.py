"""Where a subject was at a moment that is over, from the places that it is remembered by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .subject import SubjectState

LONGEST_GAP_S = 1.5
"""Between two remembered places further apart in time nobody knows the way that was walked."""

_EDGE_S = 0.3


def place_at(subject: SubjectState, at_s: float) -> NDArray[np.float64] | None:
    """The place `(2,)` of a subject at `at_s`, site metres; None where it is not known.

    Args:
        subject: the subject; all its remembered places are taken to be on its level.
        at_s: Unix seconds.
    """
    times_s = np.array([*subject.trail_s, subject.seen_at_s])
    places_m = np.array([*subject.trail_m, subject.seen_xy_m], np.float64)
    if not times_s[0] - _EDGE_S <= at_s <= times_s[-1] + _EDGE_S:
        return None
    after = int(np.clip(np.searchsorted(times_s, at_s), 1, max(len(times_s) - 1, 1)))
    if len(times_s) > 1 and times_s[after] - times_s[after - 1] > LONGEST_GAP_S:
        return None
    return np.array([np.interp(at_s, times_s, places_m[:, axis]) for axis in (0, 1)])
