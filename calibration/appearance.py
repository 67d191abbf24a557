"""How much two looks at clothes speak for one body or for two: pure functions of embeddings.

Two embeddings (`vision.appearance`) are compared by their Hellinger distance, 0 (alike) to 1. For
one body under two cameras that distance is about the same everywhere (`SAME_BODY`). For two bodies
it depends on who is there: among people in their own clothes it is large, among pupils in uniform
it is hardly larger than for one body. So the people of the place itself are taken as the measure
(`crowd`), as speaker recognition does (cohort normalisation: Reynolds, Quatieri, Dunn, Digital
Signal Processing 10, 2000); with few or no people known, `OTHER_BODIES` stands in, which is vague.

The result is a natural-log likelihood ratio that stays between `ln SEEN_OTHERWISE` and
`-ln DRESSED_ALIKE`: clothes alone never join two bodies against walking time, nor part one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRESSED_ALIKE = 0.08
"""Share of pairs of bodies that look like one to the last: no two embeddings say more for one body
than its inverse (12 : 1)."""

SEEN_OTHERWISE = 0.12
"""Share of sightings of one body that look like another's: a jacket taken off, the back of a pack,
light that is not corrected. No two embeddings say more for two bodies than its inverse (8 : 1)."""

GALLERY_LENGTH = 8
"""Embeddings worth keeping of one body, the newest tracks': clothes look different from behind and
in another light, but not in a hundred ways."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A normal distribution of distances."""

    mean: float
    sigma: float


SAME_BODY = Spread(0.30, 0.10)
"""Distances of one body under two cameras: mean and standard deviation on 30 random rendered
buildings; the other 30 gave the same within 0.002, the drills 0.24 and 0.26, MultiviewX 0.28."""

OTHER_BODIES = Spread(0.53, 0.12)
"""Distances of two bodies where nobody is known yet: between MultiviewX (0.45), where many dress
alike, and the rendered buildings (0.61)."""

_PRIOR_BODIES = 4.0
"""The crowd counts as much as `OTHER_BODIES` when it has so many bodies."""


def known(embeddings: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where embeddings `(N, D)` say anything, `(N,)`: an unknown one is all zeros, or D is 0."""
    return np.asarray((embeddings != 0).any(axis=1), np.bool_)


def distances(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Hellinger distances `(N, M)` of embeddings `(N, D)` and `(M, D)`, each of length 1."""
    alike = a.astype(np.float64) @ b.astype(np.float64).T
    return np.asarray(np.sqrt(np.clip(1.0 - alike, 0.0, 1.0)), np.float64)


def other_bodies(crowd: NDArray[np.float32] | None) -> Spread:
    """Distances to expect of two bodies, given the people of the place.

    Args:
        crowd: `(K, D)` one embedding of each of K bodies; unknown ones count for nothing. None or
            fewer than two known: `OTHER_BODIES`.
    """
    bodies = np.zeros((0, 0), np.float32) if crowd is None else crowd[known(crowd)]
    count = len(bodies)
    if count < 2:  # noqa: PLR2004 - a pair
        return OTHER_BODIES
    apart = distances(bodies, bodies)[np.triu_indices(count, 1)]
    share = count / (count + _PRIOR_BODIES)
    between = float(apart.mean()) - OTHER_BODIES.mean
    # Variance of a mixture of the two.
    variance = share * float(apart.var()) + (1.0 - share) * OTHER_BODIES.sigma**2
    variance += share * (1.0 - share) * between**2
    return Spread(OTHER_BODIES.mean + share * between, float(np.sqrt(variance)))


def same_body_llr(
    a: NDArray[np.float32],
    b: NDArray[np.float32],
    crowd: NDArray[np.float32] | None = None,
) -> NDArray[np.float64]:
    """Log-likelihood ratio `(N, M)` of one body against two, -2.1 to 2.5; 0 where unknown.

    Args:
        a: `(N, D)` embeddings, rows of length 1 or all 0; D may be 0 (nothing is known).
        b: `(M, D)` the same.
        crowd: `(K, D)` one embedding of each body that is known at the place, as a measure of how
            unlike people are there; None where nobody is.
    """
    both = known(a)[:, None] & known(b)[None, :]
    if not both.any():
        return np.zeros(both.shape)
    others = other_bodies(crowd)
    if others.mean <= SAME_BODY.mean:
        return np.zeros(both.shape)
    # Between the two means the ratio falls steadily. Beyond them two normal curves may cross once
    # more, which is nothing that anybody has measured: the ends are held.
    apart = np.clip(distances(a, b), SAME_BODY.mean, others.mean)
    ratio = np.exp(_log_density(apart, SAME_BODY) - _log_density(apart, others))
    # Each curve holds a share of the other's sightings; see the two constants.
    one_body = (1.0 - SEEN_OTHERWISE) * ratio + SEEN_OTHERWISE
    two_bodies = (1.0 - DRESSED_ALIKE) + DRESSED_ALIKE * ratio
    return np.where(both, np.log(one_body / two_bodies), 0.0)


def gallery_llr(
    a: NDArray[np.float32],
    b: NDArray[np.float32],
    crowd: NDArray[np.float32] | None = None,
) -> float:
    """Log-likelihood ratio of one body against two from all that was seen of each; 0 if unknown.

    The mean over the pairs of known embeddings, so that more tracks of the same body do not say the
    same thing louder: what makes one of them mislead (a lamp, a jacket) misleads the next. Of mean,
    largest and nearest to the middle, the mean was the one that never claimed too much.

    Args:
        a: `(K, D)` embeddings of the tracks of one subject; may be empty.
        b: `(L, D)` those of another.
        crowd: as in `same_body_llr`.
    """
    a, b = a[known(a)], b[known(b)]
    if not len(a) or not len(b):
        return 0.0
    return float(same_body_llr(a, b, crowd).mean())


def middle(gallery: NDArray[np.float32]) -> NDArray[np.float32]:
    """One embedding `(D,)` for all of a body's `(K, D)`, for the crowd; zeros if none is known."""
    total = gallery.sum(axis=0, dtype=np.float64)
    length = float(np.linalg.norm(total))
    return np.asarray(total / length if length > 0 else total, np.float32)


def _log_density(apart: NDArray[np.float64], spread: Spread) -> NDArray[np.float64]:
    """Log of the normal density, without the constant."""
    sigmas = (apart - spread.mean) / spread.sigma
    return np.asarray(-0.5 * sigmas**2 - np.log(spread.sigma), np.float64)
