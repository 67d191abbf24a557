"""How probable it is that the bottom of a box is not where the feet are.

Two readings of one box are compared by the height of body that it would mean if it stood on the
floor. Standing bodies have the heights of people. If instead something hides the body up to the
height z, the line of sight over that edge meets the floor farther away, at C / (C - z) times the
distance (C the height of the camera), and there the head's line of sight is lower: the body seems
C - (C - S) C / (C - z) tall instead of S. Seen from high above, hidden feet make a body seem short
at once; from the height of its head, never.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .body import STATURE_M, STATURE_SIGMA_M

if TYPE_CHECKING:
    from numpy.typing import NDArray

HIDDEN_PRIOR: Final = 0.07
"""Share of boxes whose feet something hides that nobody drew: unmapped furniture, a door's edge,
somebody who was not detected. In a real room without furniture (CMC, four cameras, 2,600 detected
boxes) others hide the feet of 0.03."""

BEHIND_SOMEBODY_PRIOR: Final = 0.40
"""The same where another box covers the place of the feet."""

SHORT_SHARE: Final = 0.15
SHORT_M: Final = 1.45
SHORT_SIGMA_M: Final = 0.15
"""Share and heights of those who stand shorter than adults: children and people who crouch."""

EDGE_SHARE: Final = 0.04
"""What both edges of a box add to a height, as a share of it, one standard deviation."""

_HIDDEN_UP_TO_M: Final = np.linspace(0.1, 1.3, 13)
"""Heights up to which something hides a body, all taken to be as likely: any furniture, anybody."""

_ABOVE_HEADS_M: Final = 0.05
_COVERED_SHARE: Final = 0.5


def hidden_probability(
    standing_m: NDArray[np.float64],
    behind: NDArray[np.bool_],
    camera_height_m: NDArray[np.float64] | float,
) -> NDArray[np.float64]:
    """`(N,)` probability that feet are hidden.

    Args:
        standing_m: `(N,)` height of the body if its box stands on the floor, metres.
        behind: `(N,)` whether another box covers the place of the feet.
        camera_height_m: height of the camera above the floor, or `(N,)`, of the camera of each.
    """
    prior = np.where(behind, BEHIND_SOMEBODY_PRIOR, HIDDEN_PRIOR)
    sigma_m = float(np.hypot(STATURE_SIGMA_M, EDGE_SHARE * STATURE_M))
    stands = (1 - SHORT_SHARE) * _normal(standing_m, STATURE_M, sigma_m)
    stands += SHORT_SHARE * _normal(standing_m, SHORT_M, SHORT_SIGMA_M)
    above_m = np.maximum(np.reshape(camera_height_m, (-1, 1)), STATURE_M + _ABOVE_HEADS_M)
    seems_m = above_m - (above_m - STATURE_M) * above_m / (above_m - _HIDDEN_UP_TO_M)
    hidden = _normal(standing_m[:, None], seems_m, sigma_m).mean(axis=1)
    share = prior * hidden
    found: NDArray[np.float64] = share / np.maximum(share + (1 - prior) * stands, 1e-12)
    return found


def behind_somebody(
    xyxy_px: NDArray[np.float64], picture: NDArray[np.intp] | None = None
) -> NDArray[np.bool_]:
    """`(N,)` whether another box, of somebody nearer, covers half of a box's bottom edge.

    Args:
        xyxy_px: `(N, 4)` boxes. Who is nearer ends lower in the picture.
        picture: `(N,)` number of the picture that each box is of; one for all if None.
    """
    left, top, right, bottom = xyxy_px.T
    shared = np.minimum(right[:, None], right) - np.maximum(left[:, None], left)
    covers = shared >= _COVERED_SHARE * (right - left)[:, None]
    nearer = (bottom > bottom[:, None]) & (top < bottom[:, None])
    if picture is not None:
        nearer &= picture[:, None] == picture
    return np.asarray((covers & nearer).any(axis=1))


def _normal(
    at: NDArray[np.float64], middle: NDArray[np.float64] | float, sigma: float
) -> NDArray[np.float64]:
    density: NDArray[np.float64] = np.exp(-0.5 * ((at - middle) / sigma) ** 2) / (
        sigma * np.sqrt(2 * np.pi)
    )
    return density
