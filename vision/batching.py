"""How many frames to detect at once, so that the oldest of them is answered in time.

A batch that is too small wastes what a device costs each time it is started; one that is too large
makes all its frames wait for the last. How long a batch takes is learned from the batches that were
done, so nothing has to be set for a machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DEADLINE_S = 0.5
"""From capture to published, for the 95th percentile of frames."""

MEMORY_BATCHES = 50.0
"""So many batches the estimate goes back, roughly: seconds where frames flow."""

LEAST_SHARE = 0.5
"""A batch may always take this share of the deadline. Frames that are late already must not make
batches so small that all frames after them are late, too."""

ENOUGH = 1.05
"""A batch is large enough where its frames cost at most this many times those of the best batch."""

MARGIN_DEVIATIONS = 2.0
"""Mean deviations that are added to a predicted time; of normal errors that is the 95th percentile
(1.6 standard deviations)."""

LONGEST_WAIT_S = 0.005
"""Longest time in which more frames are waited for."""

WORTH_WAITING = 0.25
"""Share of a lone frame's time that starting a batch must cost before waiting for company pays."""

FIRST_FRAMES = 8
"""Frames of the first batches, until it is known how long one takes."""

_PULL = 1e-3
"""Weight of the belief that to start a batch costs nothing; it decides only while all batches had
the same size, from which the two costs cannot be told apart."""


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """What to do now.

    Attributes:
        frames: how many frames to take; 0 where none waits.
        wait_s: for how long to wait for more frames first; 0.0 to begin now.
        expected_s: how long such a batch is expected to take; None before the first one.
        late: whether the oldest frame is expected to be answered after the deadline.
    """

    frames: int
    wait_s: float
    expected_s: float | None
    late: bool


class BatchCost:
    """How long a batch takes: what it costs to start one, and what each frame costs.

    Least squares over the batches done, the newest weighing most. The cost of starting is never
    below 0, nor is that of a frame.
    """

    def __init__(self) -> None:
        self._weight = self._frames = self._seconds = 0.0
        self._frames_frames = self._frames_seconds = 0.0
        self._deviation = 0.0

    def learn(self, frames: int, seconds: float) -> None:
        """Add a batch of so many frames, as computed, that took so many seconds."""
        if self.known:
            off = abs(seconds - self.of(frames)) / max(self.of(frames), 1e-9)
            # The first errors are those of a guess.
            share = 1.0 / min(self._weight + 1.0, MEMORY_BATCHES)
            self._deviation += (min(off, 1.0) - self._deviation) * share
        keep = 1.0 - 1.0 / MEMORY_BATCHES
        self._weight = keep * self._weight + 1.0
        self._frames = keep * self._frames + frames
        self._seconds = keep * self._seconds + seconds
        self._frames_frames = keep * self._frames_frames + frames * frames
        self._frames_seconds = keep * self._frames_seconds + frames * seconds

    @property
    def known(self) -> bool:
        """Whether any batch was learned from."""
        return self._weight > 0.0

    @property
    def start_s(self) -> float:
        """What starting a batch costs, seconds."""
        return self._costs()[0]

    @property
    def frame_s(self) -> float:
        """What each frame of a batch costs, seconds."""
        return self._costs()[1]

    @property
    def deviation(self) -> float:
        """Mean absolute error of the times foretold, as a share of them."""
        return self._deviation

    def of(self, frames: int) -> float:
        """How long a batch of so many frames takes, seconds."""
        start_s, frame_s = self._costs()
        return start_s + frame_s * frames

    def _costs(self) -> tuple[float, float]:
        """The least squares of seconds = start + frame x frames, with `_PULL` on start."""
        if not self.known:
            return 0.0, 0.0
        weight = self._weight * (1.0 + _PULL)
        determinant = weight * self._frames_frames - self._frames * self._frames
        start_s = (
            self._seconds * self._frames_frames - self._frames * self._frames_seconds
        ) / determinant
        frame_s = (weight * self._frames_seconds - self._frames * self._seconds) / determinant
        if start_s < 0.0:
            return 0.0, self._frames_seconds / self._frames_frames
        if frame_s < 0.0:
            return self._seconds / self._weight, 0.0
        return start_s, frame_s


class BatchSizer:
    """Says how many frames to take, and learns from how long they took.

    Args:
        sizes: batches that use the device fully, ascending, `YoloDetector.batches`; one in between
            costs as much as the next of them.
        deadline_s: from capture to answer.
        after_s: what a frame's answer takes beyond the times that `done` is told.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        deadline_s: float = DEADLINE_S,
        after_s: float = 0.0,
    ) -> None:
        if not sizes or list(sizes) != sorted(set(sizes)) or sizes[0] < 1:
            raise ValueError(f"sizes: must be ascending and at least 1, got {list(sizes)}")
        if not 0.0 <= after_s < deadline_s:
            raise ValueError(f"after_s: must be from 0 to below {deadline_s} s, got {after_s}")
        self._sizes = tuple(sizes)
        self._budget_s = deadline_s - after_s
        self.cost = BatchCost()

    @property
    def most(self) -> int:
        """The largest batch there is."""
        return self._sizes[-1]

    def plan(self, waiting: int, oldest_age_s: float) -> BatchPlan:
        """What to do with the frames that wait.

        Args:
            waiting: how many cameras have a frame that waits.
            oldest_age_s: time since the oldest of these was captured.
        """
        if waiting < 1:
            return BatchPlan(0, 0.0, None, late=False)
        if not self.cost.known:
            return BatchPlan(min(waiting, FIRST_FRAMES, self.most), 0.0, None, late=False)
        left_s = self._budget_s - oldest_age_s
        most = min(self._in_time(left_s), self._enough())
        frames = min(waiting, most)
        expected_s = self._expected_s(frames)
        wait_s = 0.0
        if frames < most and self.cost.start_s > WORTH_WAITING * self.cost.of(1):
            spare_s = left_s - self._expected_s(most)
            wait_s = max(0.0, min(LONGEST_WAIT_S, self.cost.start_s, spare_s))
        return BatchPlan(frames, wait_s, expected_s, late=expected_s > left_s)

    def done(self, frames: int, seconds: float) -> None:
        """Learn how long a batch took.

        Args:
            frames: frames of it.
            seconds: from taking them until all were answered; where batches overlap, since the
                answer before, if that was later.
        """
        if frames > 0 and seconds > 0.0:
            self.cost.learn(self._computed(frames), seconds)

    def _in_time(self, left_s: float) -> int:
        """The largest batch that is done in the time left, or in the share it may always take."""
        may_take_s = max(left_s, LEAST_SHARE * self._budget_s)
        fitting = [size for size in self._sizes if self._expected_s(size) <= may_take_s]
        return fitting[-1] if fitting else self._sizes[0]

    def _enough(self) -> int:
        """The smallest batch whose frames cost hardly more than those of the best one."""
        each_s = [self.cost.of(size) / size for size in self._sizes]
        best_s = min(each_s)
        return next(
            size for size, s in zip(self._sizes, each_s, strict=True) if s <= ENOUGH * best_s
        )

    def _expected_s(self, frames: int) -> float:
        margin = 1.0 + MARGIN_DEVIATIONS * self.cost.deviation
        return self.cost.of(self._computed(frames)) * margin

    def _computed(self, frames: int) -> int:
        """Frames that are computed where `frames` are asked for."""
        whole, rest = divmod(frames, self.most)
        fits = next((size for size in self._sizes if size >= rest), 0) if rest else 0
        return whole * self.most + fits
