"""Takes the next batch: as many frames as can be answered in time, of the cameras that matter."""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Generic, TypeVar

from .latest import Item

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .batching import BatchPlan, BatchSizer
    from .latest import Choose, LatestFrames, Waiting

ItemT = TypeVar("ItemT", bound=Item)


class BatchTaker(Generic[ItemT]):
    """Asks how many frames to take, and attention whose.

    Used from one thread.

    Args:
        latest: the newest frame of each camera.
        sizer: says how many, and learns from how long batches take.
        choose: says whose.
        now: the clock, Unix seconds.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        latest: LatestFrames[ItemT],
        sizer: BatchSizer,
        choose: Choose,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._latest = latest
        self._sizer = sizer
        self._choose = choose
        self._now = now
        self._sleep = sleep
        self._plan: BatchPlan | None = None
        self._sizes: Counter[int] = Counter()
        self._under_way: deque[tuple[int, float]] = deque()
        self._answered_at_s = float("-inf")

    @property
    def late(self) -> bool:
        """Whether the oldest frame of the newest batch was expected to be answered too late."""
        return self._plan is not None and self._plan.late

    def take(self, patience_s: float) -> list[ItemT]:
        """The frames of the next batch; empty where none comes within `patience_s`."""
        frames = self._latest.take(self._sizer.most, patience_s, self._choose_planned)
        plan = self._plan
        if frames and plan is not None and plan.wait_s > 0.0 and not self._under_way:
            self._sleep(plan.wait_s)  # company costs little, and is worth it
            room = self._sizer.most - len(frames)
            frames += self._latest.take(room, 0.0, self._choose) if room else []
        if frames:
            self._under_way.append((len(frames), self._now()))
            self._sizes[len(frames)] += 1
        return frames

    def _choose_planned(self, waiting: Sequence[Waiting], _: int) -> Sequence[str]:
        oldest_s = min(one.captured_at_s for one in waiting)
        self._plan = self._sizer.plan(len(waiting), max(0.0, self._now() - oldest_s))
        return self._choose(waiting, self._plan.frames)

    def answered(self) -> None:
        """The oldest batch that is under way was answered."""
        frames, taken_at_s = self._under_way.popleft()
        now_s = self._now()
        # A batch that began while another was computed cost the time since that one's answer.
        self._sizer.done(frames, now_s - max(taken_at_s, self._answered_at_s))
        self._answered_at_s = now_s

    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Pairs of a size and how many batches were of it, since this was asked last."""
        told = tuple(sorted(self._sizes.items()))
        self._sizes.clear()
        return told
