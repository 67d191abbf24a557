"""How far the cameras' clocks are apart, from the walkers whom several of them show.

For each two cameras that show the same floor a recursive least-squares estimate of three unknowns:
how much later the one's times are, and by how much their places differ (two metres of the plan).
Walkers of one direction alone cannot tell the two apart and leave the time vague; walkers both ways
can. Large deviations count less (Huber, "Robust Estimation of a Location Parameter", 1964), what is
long ago is forgotten, and frames a moment apart count as one. The differences of all pairs are
then brought into one offset per camera. Only differences can be seen, so the median camera of
those that overlap, directly or through others, is taken to be right.

Nothing here reads a clock: times are those of the frames.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .clock_samples import STRIDE_S, clock_samples, strides

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from .answer import TrackKey
    from .clock_samples import ClockSample
    from .positions import FloorPositions

PRIOR_S: Final = 0.3
"""How far a camera's times are off, before anything is known: one standard deviation."""

PRIOR_APART_M: Final = 0.2
"""By how much the places of two cameras differ along each axis, one standard deviation."""

MOST_S: Final = 1.0
"""Larger offsets are told and not corrected: something is broken that a person has to look at."""

WORTH_S: Final = 0.15
"""Smaller ones are left alone: a walker is 0.2 m off by then, as by the survey of a camera."""

SURE_S: Final = 0.1
SURE_SIGMAS: Final = 2.0
LEAST_WALKS: Final = 4
"""An offset counts only if its standard deviation is less than the first, it is more than so many
of them, and so many walkers at least have shown it."""

LEAST_SIGMA_S: Final = 0.03
"""No offset is known better: in crowds some pairs are two people, and how a camera stands to a walk
decides whether feet are seen ahead or behind."""

_STEP_S, _SOLVE_S = 0.8, 4.0
_CORRELATION_S: Final = 2.0
_WAIT_S: Final = 2.5
"""Strides are judged when so old: by then the late frames of all cameras have come."""

_FORGET_S: Final = 240.0
_HUBER_SIGMAS: Final = 1.5
_SLEW: Final = 0.1
_STEADY_S: Final = 0.07


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """How much later than it should be a camera's time is.

    Attributes:
        camera: camera id.
        offset_s: seconds by which the camera's capture times are too late; negative: too early.
        sigma_s: its standard deviation.
        applied: whether the camera's frames are corrected by it.
        is_sure: whether it is large and sure enough to be told.
    """

    camera: str
    offset_s: float
    sigma_s: float
    applied: bool
    is_sure: bool

    def sentence(self, name: str) -> str:
        """What to tell of a sure offset, of a camera of that name."""
        side = "ahead of" if self.offset_s > 0 else "behind"
        if self.applied:
            done = "corrected"
        elif abs(self.offset_s) > MOST_S:
            done = "too far to be corrected; set the camera's clock"
        else:
            done = "not corrected"
        return f"camera {name}: its clock is {abs(self.offset_s):.1f} s {side} the others; {done}"


@dataclass(slots=True)
class _Pair:
    """Least squares of one pair: information about (time in s, place in m, place in m)."""

    information: NDArray[np.float64] = field(default_factory=lambda: np.zeros((3, 3)))
    weighed: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    misfit: float = 0.0
    count: float = 0.0
    at_s: float = -np.inf
    walks: int = 0
    recent_s: dict[tuple[TrackKey, TrackKey], float] = field(default_factory=dict)

    def take(self, sample: ClockSample, at_s: float) -> None:
        """Take in a sample of that time."""
        kept = float(np.exp(min(self.at_s - at_s, 0.0) / _FORGET_S)) if self.count else 1.0
        self.information *= kept
        self.weighed *= kept
        self.misfit *= kept
        self.count *= kept
        self.at_s = at_s
        key = (sample.first, sample.second)
        self.walks += key not in self.recent_s
        self.recent_s.pop(key, None)
        self.recent_s[key] = at_s
        while at_s - self.recent_s[oldest := next(iter(self.recent_s))] > _FORGET_S:
            del self.recent_s[oldest]
        design = np.column_stack([-sample.velocity_mps, np.eye(2)])
        mean, cov = self._solved(PRIOR_S**2 * 2)
        left_m = sample.apart_m - design @ mean
        spread_m2 = sample.cov_m2 + design @ cov @ design.T
        away = float(np.sqrt(left_m @ np.linalg.solve(spread_m2, left_m)))
        weight = min(_STEP_S / _CORRELATION_S, 1.0) * min(_HUBER_SIGMAS / max(away, 1e-9), 1.0)
        inverse = np.linalg.inv(sample.cov_m2)
        self.information += weight * design.T @ inverse @ design
        self.weighed += weight * design.T @ inverse @ sample.apart_m
        self.misfit += weight * away**2
        self.count += 2.0 * weight

    def offset(self) -> tuple[float, float]:
        """How much later the first camera's times are, seconds, and the variance."""
        mean, cov = self._solved(1e2)
        # Samples that fit worse than their covariances say are worth less.
        return float(mean[0]), float(cov[0, 0]) * max(self.misfit / max(self.count, 1e-9), 1.0)

    def _solved(self, time_var_s2: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        prior = np.diag([1.0 / time_var_s2, PRIOR_APART_M**-2, PRIOR_APART_M**-2])
        cov = np.asarray(np.linalg.inv(self.information + prior), np.float64)
        return cov @ self.weighed, cov


class ClockOffsets:
    """Estimates the cameras' offsets and corrects the times of their frames.

    Args:
        owner_of: the subject of a track, by serial; None without one.
        corrects: whether frames are corrected; else offsets are only told.
    """

    def __init__(
        self, owner_of: Callable[[TrackKey], int | None] = lambda _: None, *, corrects: bool = True
    ) -> None:
        self._owner_of = owner_of
        self._corrects = corrects
        self._frames: dict[str, deque[FloorPositions]] = {}
        self._newest_s = -np.inf
        self._next_s = -np.inf
        self._solved_s = -np.inf
        self._news = False
        self._pairs: dict[tuple[str, str], _Pair] = {}
        self._told: tuple[ClockOffset, ...] = ()
        self._aim_s: dict[str, float] = {}
        self._shift_s: dict[str, tuple[float, float]] = {}

    @property
    def told(self) -> tuple[ClockOffset, ...]:
        """What is known now of each camera that shares floor with another, by id."""
        return self._told

    def corrected(self, positions: FloorPositions) -> FloorPositions:
        """The frame at the time at which it was taken, as far as that is known.

        The correction sets in and ends gradually, by a tenth of the time that passes, so that the
        frames of a camera stay in order and nobody seems to jump.
        """
        aim_s = self._aim_s.get(positions.camera)
        if aim_s is None:
            return positions
        at_s = positions.captured_at_s
        shift_s, last_s = self._shift_s.get(positions.camera, (0.0, at_s))
        most_s = _SLEW * max(at_s - last_s, 0.0)
        shift_s += float(np.clip(aim_s - shift_s, -most_s, most_s))
        self._shift_s[positions.camera] = (shift_s, max(at_s, last_s))
        return replace(positions, captured_at_s=at_s - shift_s) if shift_s else positions

    def note(self, positions: FloorPositions) -> None:
        """Take in a frame as the camera gave it, not corrected."""
        if not len(positions):
            return
        at_s = positions.captured_at_s
        self._frames.setdefault(positions.level, deque()).append(positions)
        self._newest_s = max(self._newest_s, at_s)
        if self._next_s == -np.inf:
            self._next_s = at_s + _WAIT_S + STRIDE_S
        if self._newest_s < self._next_s:
            return
        end_s = self._newest_s - _WAIT_S
        self._next_s = self._newest_s + _STEP_S
        self._news |= self._sample(end_s)
        if self._news and end_s - self._solved_s >= _SOLVE_S:
            self._solved_s, self._news = end_s, False
            self._solve()

    def _sample(self, end_s: float) -> bool:
        """Take the samples of the stretch that ends at `end_s`; whether there were any."""
        taken = False
        for frames in self._frames.values():
            begin_s = end_s - STRIDE_S
            while frames and frames[0].captured_at_s < begin_s - _WAIT_S:
                frames.popleft()
            here = [f for f in frames if begin_s <= f.captured_at_s <= end_s]
            walked = strides(here, end_s - STRIDE_S / 2)
            for sample in clock_samples(walked, self._owner_of):
                pair = (sample.first[0], sample.second[0])
                self._pairs.setdefault(pair, _Pair()).take(sample, end_s)
                taken = True
        return taken

    def _solve(self) -> None:
        differences = {pair: one.offset() for pair, one in self._pairs.items()}
        walks: dict[str, int] = {}
        for pair, one in self._pairs.items():
            for camera in pair:
                walks[camera] = walks.get(camera, 0) + one.walks
        before = {one.camera: one for one in self._told}
        self._told = tuple(
            self._judged(camera, offset_s, sigma_s, walks[camera], before.get(camera))
            for camera, (offset_s, sigma_s) in sorted(camera_offsets(differences).items())
        )
        for told in self._told:
            if told.applied:
                self._aim_s[told.camera] = told.offset_s
            elif told.camera in self._aim_s:
                self._aim_s[told.camera] = 0.0

    def _judged(
        self, camera: str, offset_s: float, sigma_s: float, walks: int, was: ClockOffset | None
    ) -> ClockOffset:
        """An estimate as it is told: it changes only when something has changed."""
        held = was is not None and was.is_sure
        least_s, sigmas, sure_s = (
            (WORTH_S / 2, SURE_SIGMAS / 2, 1.5 * SURE_S) if held else (WORTH_S, SURE_SIGMAS, SURE_S)
        )
        is_sure = (
            sigma_s < sure_s
            and abs(offset_s) > max(least_s, sigmas * sigma_s)
            and walks >= LEAST_WALKS
        )
        if was is not None and is_sure and held and abs(offset_s - was.offset_s) < _STEADY_S:
            offset_s = was.offset_s
        within = abs(offset_s) <= MOST_S
        return ClockOffset(
            camera, offset_s, sigma_s, self._corrects and is_sure and within, is_sure
        )


def camera_offsets(
    differences: Mapping[tuple[str, str], tuple[float, float]],
) -> dict[str, tuple[float, float]]:
    """Return each camera's offset against the median of those it is tied to, and its sigma.

    Args:
        differences: for each two cameras how much later the first one's times are, seconds, and
            the variance.
    """
    names = sorted({camera for pair in differences for camera in pair})
    place = {camera: k for k, camera in enumerate(names)}
    ends = np.array([[place[a], place[b]] for a, b in differences], np.intp).reshape(-1, 2)
    differ_s, pair_s2 = np.array(list(differences.values())).reshape(-1, 2).T
    links = coo_array((np.ones(len(ends)), ends.T), shape=(len(names), len(names)))
    count, group = connected_components(links, directed=False)
    found: dict[str, tuple[float, float]] = {}
    for k in range(count):
        members = np.flatnonzero(group == k)
        within = group[ends[:, 0]] == k
        first, second = np.searchsorted(members, ends[within]).T
        n, weight = len(members), 1 / pair_s2[within]
        information = np.eye(n) * PRIOR_S**-2
        weighed = np.zeros(n)
        for i, j, sign in ((first, second, 1.0), (second, first, -1.0)):
            np.add.at(information, (i, i), weight)
            np.add.at(information, (i, j), -weight)
            np.add.at(weighed, i, sign * weight * differ_s[within])
        cov = np.linalg.inv(information)
        offset_s = cov @ weighed
        offset_s -= np.median(offset_s)
        # Variance of each one less the mean of the others.
        share = 1 / (n - 1)
        variance_s2 = (1 + share) ** 2 * np.diagonal(cov) + share**2 * cov.sum()
        variance_s2 = variance_s2 - 2 * (1 + share) * share * cov.sum(axis=1)
        sigma_s = np.sqrt(variance_s2 + LEAST_SIGMA_S**2)
        told = zip(members.tolist(), offset_s.tolist(), sigma_s.tolist(), strict=True)
        found |= {names[m]: (offset, sigma) for m, offset, sigma in told}
    return found
