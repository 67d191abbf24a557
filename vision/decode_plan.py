"""What of a camera's pictures is worth decoding: rules stepped packet by packet, without a clock.

A machine that is short of time detects in some of the frames that cameras send. Decoding the
others takes that time away. So, for each camera:

- **Rest.** When a frame was taken, the next one is not needed at once. For a share of the usual
  time between two takes, packets are *held*, compressed. Then decoding catches up with the newest
  picture and follows until one is taken again. Packets that a key frame overtakes while they are
  held are never decoded, and no frame that is taken is older than it would have been otherwise.
- **First look.** Until a camera was looked at for the first time its newest key frame waits, and
  no more is decoded, unless what waits grows stale.
- **Stir.** A packet far larger than those before it means that something moves: the rest is over.
- **Backlog.** When packets are late (this machine or the network was slow), only key frames are
  decoded until they are in time again.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

Step = Literal["decode", "hold", "skip"]
"""Decode it and what is held; keep it compressed; or let it go, because it is late."""

STALEST_S: Final = 1.0
"""A frame that waits for a camera's first look is replaced by the newest after this long."""
_REST: Final = 0.6
"""Share of the time between two takes in which nothing is decoded. The rest of it is for takes
that come sooner than those before."""
_INTERVALS: Final = 4
_PERIOD_MEMORY: Final = 0.9
_SIZES: Final = 16
_STIR_RATIO: Final = 2.0
"""A packet this much larger than the largest of the last ones (key frames aside) is a stir. In a
still scene they vary by less; a person who walks in makes them several times larger."""
_RAISED: Final = 1.5


@dataclass(frozen=True, slots=True)
class Demand:
    """What is wanted of a camera at a moment.

    Attributes:
        taken: frames of it that were taken so far; None where nobody counts, so that all are
            decoded.
        wanted_fps: frames a second that are wanted of it now; None where nobody says.
    """

    taken: int | None = None
    wanted_fps: float | None = None


class Backlog:
    """Passes over frames after a delay, so that the picture becomes current again.

    Packets that queued up while this machine or the network was slow are read far quicker than
    they are decoded. While they are late only key frames are decoded, and after that decoding
    goes on at the next key frame, because the frames between need those passed over.

    Args:
        late_s: packets delayed by more than this are passed over.
        patience_s: longest time to wait for a key frame (some streams have none).
    """

    def __init__(self, late_s: float = 1.5, patience_s: float = 5.0) -> None:
        self._late_s = late_s
        self._patience_s = patience_s
        self._since_s: float | None = None

    def passes_over(self, late_s: float, key_frame: bool, now_s: float) -> bool:
        """Whether not to decode this packet."""
        if key_frame:
            self._since_s = None
            return False
        if late_s > self._late_s:
            self._since_s = now_s if self._since_s is None else self._since_s
            return True
        if self._since_s is not None and now_s - self._since_s < self._patience_s:
            return True
        self._since_s = None
        return False


class DecodePlan:
    """Decides for each packet of one camera, in the order they come, what becomes of it.

    Args:
        backlog: what is passed over because it is late.
    """

    def __init__(self, backlog: Backlog | None = None) -> None:
        self._backlog = backlog or Backlog()
        self._sizes: deque[int] = deque(maxlen=_SIZES)
        self._intervals_s: deque[float] = deque(maxlen=_INTERVALS)
        self._taken: int | None = None
        self._taken_at_s: float | None = None
        self._wanted_fps: float | None = None
        self._decoded_at_s: float | None = None
        self._stepped_at_s: float | None = None
        self._period_s: float | None = None

    def step(
        self, now_s: float, *, key_frame: bool, size: int, late_s: float, demand: Demand
    ) -> Step:
        """What to do with a packet.

        Args:
            now_s: when it was read, seconds on any clock.
            key_frame: whether it can be decoded by itself.
            size: bytes.
            late_s: how much later it came than the quickest.
            demand: what is wanted of the camera now.
        """
        stirs = self._stirs(key_frame, size)
        self._note(now_s, demand)
        self._pass_time(now_s)
        if self._backlog.passes_over(late_s, key_frame, now_s):
            return "skip"
        if not stirs and self._rests(now_s, key_frame, demand):
            return "hold"
        self._decoded_at_s = now_s
        return "decode"

    def _rests(self, now_s: float, key_frame: bool, demand: Demand) -> bool:
        if demand.taken is None or self._decoded_at_s is None:
            return False
        if not demand.taken:
            return not key_frame and now_s - self._decoded_at_s < STALEST_S
        return self._taken_at_s is not None and now_s - self._taken_at_s < self._rest_s()

    def _rest_s(self) -> float:
        wanted_s = 1.0 / self._wanted_fps if self._wanted_fps else 0.0
        usual_s = max(wanted_s, min(self._intervals_s, default=0.0))
        # The next packet comes a period later: a rest that ends before that must end now, or a
        # camera of which every other frame was taken would never be seen more often again.
        return _REST * usual_s - (self._period_s or 0.0)

    def _pass_time(self, now_s: float) -> None:
        if self._stepped_at_s is not None:
            passed_s = now_s - self._stepped_at_s
            before_s = passed_s if self._period_s is None else self._period_s
            self._period_s = _PERIOD_MEMORY * before_s + (1.0 - _PERIOD_MEMORY) * passed_s
        self._stepped_at_s = now_s

    def _note(self, now_s: float, demand: Demand) -> None:
        """Learn when frames are taken."""
        fps, before_fps = demand.wanted_fps, self._wanted_fps
        if fps is not None and (before_fps is None or fps > _RAISED * before_fps):
            self._intervals_s.clear()  # they tell how much was wanted before
        self._wanted_fps = fps
        if demand.taken is None or demand.taken == self._taken:
            return
        # Some time between the last packet and this one: the sooner, the sooner the rest is over.
        taken_at_s = now_s if self._stepped_at_s is None else self._stepped_at_s
        if self._taken_at_s is not None:
            frames = max(demand.taken - (self._taken or 0), 1)
            self._intervals_s.append((taken_at_s - self._taken_at_s) / frames)
        if demand.taken:
            self._taken_at_s = taken_at_s
        self._taken = demand.taken

    def _stirs(self, key_frame: bool, size: int) -> bool:
        if key_frame:
            return False
        full = len(self._sizes) == _SIZES
        stirs = full and size > _STIR_RATIO * max(self._sizes)
        self._sizes.append(size)
        return stirs


class Ordinals:
    """Numbers pictures by the order in which they are shown, counting those never decoded.

    Packets come in another order than pictures are shown in where a stream has B-frames.

    Args:
        first: the number of the first picture.
    """

    def __init__(self, first: int = 0) -> None:
        self._next = first
        self._sent: list[int] = []
        self._last_pts = 0

    def sent(self, pts: int | None) -> None:
        """A packet was read; `pts` is when its picture is to be shown, None where it has none."""
        self._last_pts = self._last_pts if pts is None else pts
        heapq.heappush(self._sent, self._last_pts)

    def shown(self, pts: int | None) -> int:
        """Return the number of a picture that was decoded; numbers only grow."""
        passed = 0
        while self._sent and (self._sent[0] <= pts if pts is not None else not passed):
            heapq.heappop(self._sent)
            passed += 1
        index = self._next + max(passed, 1) - 1
        self._next = index + 1
        return index
