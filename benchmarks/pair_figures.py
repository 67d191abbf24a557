"""How well a score tells pairs of one body from pairs of two: pure functions of arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def area_under_curve(same: NDArray[np.float64], different: NDArray[np.float64]) -> float:
    """The share of (same, different) pairs in which the same score higher; ties count half."""
    ranks = rankdata(np.concatenate([same, different]))
    least = len(same) * (len(same) + 1) / 2
    return float((ranks[: len(same)].sum() - least) / (len(same) * len(different)))


def equal_error_rate(same: NDArray[np.float64], different: NDArray[np.float64]) -> float:
    """Where as many same are taken for different as different for the same: that share.

    Between two thresholds the curve is taken to be straight.
    """
    thresholds = np.append(np.unique(np.concatenate([same, different])), np.inf)
    missed = np.searchsorted(np.sort(same), thresholds) / len(same)
    false = 1.0 - np.searchsorted(np.sort(different), thresholds) / len(different)
    # From -1, where all are taken for the same, to 1.
    balance = missed - false
    return float(np.interp(0.0, balance, missed))


def ratio_cost(same: NDArray[np.float64], different: NDArray[np.float64]) -> float:
    """What decisions by these log-likelihood ratios cost, bits: 0 perfect, 1 no better than none.

    More than 1 means that it would be better not to listen. Cllr: Brümmer, du Preez, Computer
    Speech and Language 20, 2006.
    """
    missed = np.logaddexp(0.0, -same).mean()
    false = np.logaddexp(0.0, different).mean()
    return float((missed + false) / (2.0 * np.log(2.0)))


def first_is_right(
    score: NDArray[np.float64], query: Sequence[object], found: Sequence[object]
) -> list[bool]:
    """For each query whose body is among those found: whether the highest score is that body's.

    Args:
        score: `(N, M)` scores.
        query: N bodies.
        found: M bodies; at least two of them different, else there is nothing to choose.
    """
    if len(set(found)) < 2:  # noqa: PLR2004 - a choice
        return []
    return [
        found[int(row.argmax())] == body
        for row, body in zip(score, query, strict=True)
        if body in found
    ]
