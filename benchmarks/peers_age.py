"""How fast, and how old: what the moments of results tell. Pure functions of arrays.

**Frame age** is asked of every result: from the moment at which its picture was captured to the
moment at which its tracks were there. A system that works on one frame in ten can have young
results and still tell little, so **age of information** is asked at every moment of every camera:
how old the newest picture is whose tracks are there (Kaul, Yates, Gruteser, INFOCOM 2012).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

EVERY_S = 0.05
"""How often the age of information is asked."""


@dataclass(frozen=True, slots=True, eq=False)
class Timed:
    """The results of one run, in the order in which they came.

    Attributes:
        camera: `(N,)` int64, index of the source.
        stamp: `(N,)` int64, number of the picture, -1 where it could not be read.
        moment_s: `(N,)` float64, when the tracks were there, Unix seconds.
        box_result: `(M,)` int64, result to which each box belongs, never going back.
        boxes: `(M, 6)` float32 left, top, right, bottom, score, class.
    """

    camera: NDArray[np.int64]
    stamp: NDArray[np.int64]
    moment_s: NDArray[np.float64]
    box_result: NDArray[np.int64]
    boxes: NDArray[np.float32]

    @classmethod
    def read(cls, path: Path) -> Timed:
        """What a peer's program wrote."""
        with np.load(path) as columns:
            return cls(*(columns[name] for name in cls.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """When which picture of looped cameras was captured.

    Picture `k` (from 0, counted on over all rounds of the loop) of camera `c` is captured at
    `start_s[c] + k / fps` and carries the number `(k + shift[c]) % loop`.

    Attributes:
        start_s: `(C,)` float64, Unix seconds.
        shift: `(C,)` int64.
        fps: pictures a second.
        loop: pictures after which the loop begins again.
    """

    start_s: NDArray[np.float64]
    shift: NDArray[np.int64]
    fps: float
    loop: int

    def captured_s(
        self, camera: NDArray[np.int64], stamp: NDArray[np.int64], moment_s: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """When each picture was captured, Unix seconds: its latest round before `moment_s`.

        A picture older than a whole loop is taken to be younger by that.
        """
        start_s, shift = self.start_s[camera], self.shift[camera]
        newest = np.floor((moment_s - start_s) * self.fps + 1e-6).astype(np.int64)
        picture = newest - (newest + shift - stamp) % self.loop
        return np.asarray(start_s + picture / self.fps, np.float64)


def rate(moment_s: NDArray[np.float64], warm_up: int) -> tuple[float, float, float]:
    """Results a second after the first `warm_up`, and from when to when that was measured.

    Args:
        moment_s: `(N,)` moments in order of time.
        warm_up: results that do not count; a whole number of batches, at least 1.

    Raises:
        ValueError: there are not more than `warm_up` results.
    """
    if len(moment_s) <= warm_up:
        raise ValueError(f"expected more than {warm_up} results, got {len(moment_s)}")
    began_s, ended_s = float(moment_s[warm_up - 1]), float(moment_s[-1])
    return (len(moment_s) - warm_up) / max(ended_s - began_s, 1e-9), began_s, ended_s


def ages_of_information(
    camera: NDArray[np.int64],
    captured_s: NDArray[np.float64],
    moment_s: NDArray[np.float64],
    cameras: int,
    window_s: tuple[float, float],
    begun_s: float,
) -> NDArray[np.float64]:
    """`(cameras * moments,)` age of the newest information of each camera, seconds.

    A camera of which there is nothing yet is as old as the run.

    Args:
        camera: `(N,)` source of each result.
        captured_s: `(N,)` when its picture was captured.
        moment_s: `(N,)` when it was there.
        cameras: how many sources there are.
        window_s: from when to when it is asked.
        begun_s: when the run began.
    """
    asked_s = np.arange(window_s[0], window_s[1], EVERY_S)
    ages = []
    for one in range(cameras):
        mine = np.flatnonzero(camera == one)
        mine = mine[np.argsort(moment_s[mine], kind="stable")]
        newest_s = np.maximum.accumulate(np.append(begun_s, captured_s[mine]))
        known = np.searchsorted(moment_s[mine], asked_s, side="right")
        ages.append(asked_s - newest_s[known])
    return np.concatenate([np.zeros(0), *ages])


def quantiles_ms(ages_s: NDArray[np.float64]) -> dict[str, float | None]:
    """Median, 95th percentile and most, milliseconds; None where there is nothing."""
    if not len(ages_s):
        return {"p50": None, "p95": None, "max": None}
    told = np.quantile(ages_s, [0.5, 0.95, 1.0]) * 1000.0
    return dict(zip(("p50", "p95", "max"), (round(float(ms), 1) for ms in told), strict=True))
