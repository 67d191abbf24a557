"""Whether a difference between two runs of a drill is more than the luck of its moments.

**Shares and distances** are judged by a paired block bootstrap. A drill's moments are alike to
their neighbours, so they are drawn in blocks of `BLOCK_S` from the circle of all moments (Künsch,
Annals of Statistics 17, 1989; Politis and Romano, 1992: the circular block bootstrap), the same
blocks for both runs, because both saw the same people walk. The difference is computed on each of
`RESAMPLES` such drills; the middle 95 % of it is the interval. It is told apart where zero is not
in the interval. This says what another drill like this one would show. It does not say what the
same drill would show when run again: at full speed that is the same, in real time repeat it.

**Counts** are judged by the exact conditional test of two Poisson counts (Przyborowski and
Wilenski, Biometrika 31, 1940).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.stats import binomtest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

BLOCK_S: Final = 5.0
"""About as long as somebody walks through a room or a camera's view: moments farther apart than
this have little to do with each other."""
RESAMPLES: Final = 2000
LEAST_BLOCKS: Final = 8
"""A drill of fewer blocks is too short to be drawn from."""
LEVEL: Final = 0.05
_SEED: Final = 20260302

Columns = tuple["NDArray[np.float64]", ...]
"""Columns of one run, an entry for each moment, NaN where it does not count."""


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How sure a difference is.

    Attributes:
        low: lower end of the 95 % interval of the difference; None for a count.
        high: its upper end.
        p: probability of counts so far apart or farther by luck; None for the others.
        beyond: whether it is more than luck makes likely.
    """

    low: float | None
    high: float | None
    p: float | None
    beyond: bool


def share(columns: Columns) -> float:
    """The share of flags that are set."""
    return _mean(columns[0])


def mean(columns: Columns) -> float:
    """The mean of numbers."""
    return _mean(columns[0])


def median(columns: Columns) -> float:
    """The median of numbers."""
    return _percentile(columns[0], 50)


def p95(columns: Columns) -> float:
    """The 95th percentile of numbers."""
    return _percentile(columns[0], 95)


def moda(columns: Columns) -> float:
    """1 minus misses and false subjects per visible person, from the three counts."""
    visible, missed, false = (float(np.nansum(column)) for column in columns)
    return 1 - (missed + false) / visible if visible > 0 else float("nan")


def columns_of(timeline: Mapping[str, Any], names: tuple[str, ...]) -> Columns | None:
    """Return columns of a timeline by their path, e.g. `truth.error_m`; None where one is absent.

    An error "now" counts while a camera could see the intruder, as in the figure of that name.
    """
    made = []
    for name in names:
        found: Any = timeline
        for part in name.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if found is None:
            return None
        values = np.array([np.nan if value is None else value for value in found], np.float64)
        if name == "truth.error_now_m":
            visible = np.array(timeline["truth"]["visible"], np.float64)
            values = np.where(visible == 1, values, np.nan)
        made.append(values)
    lengths = {len(values) for values in made}
    return tuple(made) if lengths == {timeline["moments"]} else None


def judged_moments(
    a: Columns, b: Columns, statistic: Callable[[Columns], float], step_s: float
) -> Likelihood | None:
    """Return how sure the difference of a statistic is; None where the drill is too short for it.

    Args:
        a: columns of the first run.
        b: columns of the second, of the same moments.
        statistic: what is compared.
        step_s: time between two moments, seconds.
    """
    count = len(a[0])
    long = max(1, round(BLOCK_S / step_s))
    if count < LEAST_BLOCKS * long:
        return None
    random = np.random.default_rng(_SEED)
    inside = np.arange(long)
    blocks = -(-count // long)
    differences = []
    for _ in range(RESAMPLES):
        begins = random.integers(0, count, blocks)
        rows = ((begins[:, None] + inside).ravel() % count)[:count]
        found = statistic(tuple(c[rows] for c in b)) - statistic(tuple(c[rows] for c in a))
        if np.isfinite(found):
            differences.append(found)
    if len(differences) < RESAMPLES // 2:
        return None
    low, high = np.percentile(differences, [2.5, 97.5]).tolist()
    return Likelihood(low, high, None, beyond=low > 0 or high < 0)


def judged_counts(a: int, b: int, hours_a: float, hours_b: float) -> Likelihood | None:
    """Return how sure two counts differ; None where nothing was watched.

    Args:
        a: count of the first run.
        b: count of the second.
        hours_a: what it was counted over, in any unit.
        hours_b: the same of the second.
    """
    if hours_a <= 0 or hours_b <= 0:
        return None
    if a + b == 0:
        return Likelihood(None, None, 1.0, beyond=False)
    p = float(binomtest(b, a + b, hours_b / (hours_a + hours_b)).pvalue)
    return Likelihood(None, None, p, beyond=p < LEVEL)


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _percentile(values: NDArray[np.float64], share_of_100: float) -> float:
    known = values[~np.isnan(values)]
    return float(np.percentile(known, share_of_100)) if len(known) else float("nan")
