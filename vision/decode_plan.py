"""What of a camera's pictures is worth decoding: rules stepped packet by packet, without a clock.

A machine that is short of time detects in some of the frames that cameras send. Decoding the
others takes that time away. So, for each camera:

- **Rest.** When a frame was taken, the next one is not needed at once. For a share of the usual
  time between two takes, packets are *held*, compressed. Then decoding catches up with the newest
  picture and follows until one is taken again: what is taken is as new as if all had been decoded.
  Packets that a key frame overtakes while they are held are never decoded. Where that will not
  happen there is nothing to save, and no rest.
- **Glimpses.** In a rest, key frames are decoded all the same, each with the picture after it: a
  frame always waits for whoever wants one sooner, and two pictures show whether something moves.
  Without key frames that happens every `STALEST_S`.
- **Motion.** While something moves in a camera's pictures there is no rest: it may be wanted next.
- **First look.** Until a camera was looked at for the first time it is as in a rest.
- **Backlog.** When packets are late (this machine or the network was slow), only key frames are
  decoded until they are in time again.

Sizes of packets were tried as a sign that something moves, and found a fifth to three quarters of
what pictures show, half of their alarms being false.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import Final, Literal

Step = Literal["decode", "hold", "skip"]
"""Decode it and what is held; keep it compressed; or let it go, because it is late."""

STALEST_S: Final = 1.0
"""What waits to be looked at is replaced at least this often; or with every key frame, where these
come at least every `_KEY_FRAMES_S`: they cost least."""
_KEY_FRAMES_S: Final = 2.0
_LATE_KEY_FRAME: Final = 1.25
_GLIMPSE_S: Final = 0.5
"""Key frames that come more often than this are not all decoded in a rest."""
_REST: Final = 0.75
"""Share of the usual time between two takes that is a rest. What is left of it is for takes that
come sooner than those before."""
_INTERVALS: Final = 4
_MEMORY: Final = 0.9
_WORTH: Final = 1.4
"""A rest is worth it from so many times between two key frames on. A shorter one saves little,
because much of what was held has to be decoded after it, and whoever looks sooner than usual finds
a glimpse that is up to a key frame's time old."""


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
        self._packets = _Spacing()
        self._key_frames = _Spacing()
        self._takes = _Takes()
        self._decoded_at_s: float | None = None
        self._glimpsed = False

    def step(
        self,
        now_s: float,
        *,
        key_frame: bool,
        late_s: float,
        taken: int | None,
        moves: bool = False,
    ) -> Step:
        """What to do with a packet.

        Args:
            now_s: when it was read, seconds on any clock.
            key_frame: whether it can be decoded by itself.
            late_s: how much later it came than the quickest.
            taken: frames of the camera that were taken so far; None where nobody counts, so that
                every frame is wanted.
            moves: whether something moved in the last picture.
        """
        if taken is not None:
            # Some time between the last packet and this one: the sooner, the sooner rest is over.
            self._takes.note(taken, now_s if self._packets.at_s is None else self._packets.at_s)
        self._packets.note(now_s)
        if key_frame:
            self._key_frames.note(now_s)
        if self._backlog.passes_over(late_s, key_frame, now_s):
            return "skip"
        resting = taken is not None and not moves and self._rests(now_s)
        if resting and not self._glimpses(now_s, key_frame):
            return "hold"
        self._decoded_at_s = now_s
        return "decode"

    def _rests(self, now_s: float) -> bool:
        if self._decoded_at_s is None:
            return False
        if self._takes.at_s is None:
            return True
        rest_s = _REST * self._takes.usual_s
        group_s = self._key_frames.usual_s
        if group_s is None or rest_s < _WORTH * group_s:
            return False
        return now_s - self._takes.at_s < rest_s

    def _glimpses(self, now_s: float, key_frame: bool) -> bool:
        """Whether to decode in a rest, the second picture of each glimpse included."""
        if self._glimpsed:
            self._glimpsed = False
            return True
        passed_s = now_s - (self._decoded_at_s or 0.0)
        self._glimpsed = (key_frame and passed_s > _GLIMPSE_S) or passed_s > self._stalest_s()
        return self._glimpsed

    def _stalest_s(self) -> float:
        """Seconds after which a glimpse is due, so that none is later than a packet after that."""
        group_s, period_s = self._key_frames.usual_s, self._packets.usual_s or 0.0
        if group_s is None or group_s > _KEY_FRAMES_S:
            return STALEST_S - period_s
        return max(STALEST_S, _LATE_KEY_FRAME * group_s) + period_s


class _Spacing:
    """The usual time between two events of a kind."""

    def __init__(self) -> None:
        self.at_s: float | None = None
        self.usual_s: float | None = None

    def note(self, at_s: float) -> None:
        if self.at_s is not None:
            passed_s = at_s - self.at_s
            before_s = passed_s if self.usual_s is None else self.usual_s
            self.usual_s = _MEMORY * before_s + (1.0 - _MEMORY) * passed_s
        self.at_s = at_s


class _Takes:
    """When frames of a camera are taken, and how soon again."""

    def __init__(self) -> None:
        self._count = 0
        self._intervals_s: deque[float] = deque(maxlen=_INTERVALS)
        self.at_s: float | None = None

    @property
    def usual_s(self) -> float:
        """The shortest of the last times between two takes; 0 while none is known."""
        return min(self._intervals_s, default=0.0)

    def note(self, count: int, at_s: float) -> None:
        """Learn how many were taken so far; those that are new were taken at `at_s`."""
        if count <= self._count:
            return
        if self.at_s is not None:
            passed_s = (at_s - self.at_s) / (count - self._count)
            if passed_s < _REST * self.usual_s:
                self._intervals_s.clear()  # the camera is wanted more now: no rest until it settles
            else:
                self._intervals_s.append(passed_s)
        self._count, self.at_s = count, at_s


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

    @property
    def end(self) -> int:
        """The number after those of all pictures that were sent so far."""
        return self._next + len(self._sent)

    def shown(self, pts: int | None) -> int:
        """Return the number of a picture that was decoded; numbers only grow."""
        passed = 0
        while self._sent and (self._sent[0] <= pts if pts is not None else not passed):
            heapq.heappop(self._sent)
            passed += 1
        index = self._next + max(passed, 1) - 1
        self._next = index + 1
        return index
