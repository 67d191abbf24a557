"""Which observation of one frame belongs to which subject: pure functions of arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

if TYPE_CHECKING:
    from numpy.typing import NDArray

GATE = 9.21
"""99 % of a chi-squared variable with two degrees of freedom."""

KEEP_GATE = 25.0
"""A track stays with its subject up to this squared Mahalanobis distance: its identity in the
camera is evidence of its own."""

RELIABLE_S = 0.125
"""A camera's tracker follows people reliably where its frames are no farther apart than this. At
two or four a second it takes one for another now and then: on the detections of CMC and the boxes
of WILDTRACK, half of all wrong subjects came of believing it."""

_KEEP_BONUS = 12.0
_NEWCOMER_COST = GATE + 6.0
_FORBIDDEN = 1e6


def squared_distances(
    xy_m: NDArray[np.float64],
    cov_m2: NDArray[np.float64],
    expected_m: NDArray[np.float64],
    expected_cov_m2: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Squared Mahalanobis distances `(N, S)` of N observations and S subjects, and their spread.

    Args:
        xy_m: `(N, 2)` observed places.
        cov_m2: `(N, 2, 2)` their covariances.
        expected_m: `(S, 2)` expected places.
        expected_cov_m2: `(S, 2, 2)` their covariances.

    Returns:
        The distances, and `(N, S)` how much larger the joint spread is than the observation's own,
        as natural logarithm of the ratio of determinants: a vague subject explains every
        observation a little and none well.
    """
    apart_m = xy_m[:, None] - expected_m[None]
    joint = cov_m2[:, None] + expected_cov_m2[None]
    determinant = joint[..., 0, 0] * joint[..., 1, 1] - joint[..., 0, 1] ** 2
    own = cov_m2[:, 0, 0] * cov_m2[:, 1, 1] - cov_m2[:, 0, 1] ** 2
    x, y = apart_m[..., 0], apart_m[..., 1]
    squared = (
        joint[..., 1, 1] * x**2 - 2 * joint[..., 0, 1] * x * y + joint[..., 0, 0] * y**2
    ) / determinant
    return squared, np.log(determinant / own[:, None])


def assign(
    squared: NDArray[np.float64],
    spread: NDArray[np.float64],
    known: NDArray[np.bool_],
    allowed: NDArray[np.bool_],
    frame_s: float = 0.0,
) -> NDArray[np.intp]:
    """The subject of each observation, `(N,)`, -1 for none; no subject gets two.

    The assignment of least total cost (Kuhn-Munkres), where leaving an observation without a
    subject has a price, too.

    Args:
        squared: `(N, S)` squared Mahalanobis distances.
        spread: `(N, S)` log ratio of determinants, from `squared_distances`.
        known: `(N, S)` where the observation's track already is this subject's.
        allowed: `(N, S)` where the two may be joined at all.
        frame_s: how far the camera's frames are apart, see `RELIABLE_S`.
    """
    n, s = squared.shape
    if not n or not s:
        return np.full(n, -1, np.intp)
    believed = min(RELIABLE_S / max(frame_s, RELIABLE_S), 1.0) ** 2
    cost = squared + spread - np.where(known, believed * _KEEP_BONUS, 0.0)
    keep_gate = GATE + believed * (KEEP_GATE - GATE)
    within = allowed & (squared <= np.where(known, keep_gate, GATE))
    alone = np.full((n, n), _FORBIDDEN)
    np.fill_diagonal(alone, _NEWCOMER_COST)
    _, columns = linear_sum_assignment(
        np.concatenate([np.where(within, cost, _FORBIDDEN), alone], axis=1)
    )
    return np.where(columns < s, columns, -1)
