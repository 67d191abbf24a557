"""When a live frame was captured: the camera's own clock where it can be believed.

Two clocks are kept. A camera that sends RTCP sender reports ties its RTP time stamps to its wall
clock (RFC 3550 section 6.4.1): that is the time of capture, as good as the camera's clock. Before
the first report, or where that clock is plainly wrong (many cameras count from their last start),
the time of arrival is used, smoothed: the time stamps give the spacing and the least delayed
frame gives the zero, so that network jitter does not become movement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .frames import ClockSource


@dataclass(frozen=True, slots=True)
class ClockRules:
    """What is believed of a camera's clock.

    Attributes:
        max_ahead_s: a camera's clock may be this much ahead of ours; its times are then cut to
            the time of arrival, because nothing arrives before it was captured.
        max_behind_s: a report this much behind is a wrong clock, not a slow network.
        patience_s: frames that stay late for this long mean that the clock moved, not that
            a delayed burst is still coming in.
        late_s: packets delayed this much more than the quickest count as late; a change of the
            camera's clock by this much is a step.
        creep: the zero of the smoothed arrival time may grow by this fraction of the time
            passed, so that it follows a camera whose clock runs slow.
    """

    max_ahead_s: float = 0.5
    max_behind_s: float = 5.0
    patience_s: float = 10.0
    late_s: float = 2.0
    creep: float = 0.002


class _Lasting:
    """Whether a condition has held without a break for long enough."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._since_s: float | None = None

    def holds(self, condition: bool, now_s: float) -> bool:
        if not condition:
            self._since_s = None
            return False
        self._since_s = now_s if self._since_s is None else self._since_s
        return now_s - self._since_s > self._patience_s


class CaptureClock:
    """Stamps the frames of one camera; times only ever increase, also over reconnections.

    All times are Unix seconds of this machine, `pts_s` are seconds on the stream's own scale.
    """

    def __init__(self, rules: ClockRules | None = None) -> None:
        self._rules = rules or ClockRules()
        self._last_s = float("-inf")
        self.restart()

    def restart(self) -> None:
        """Forget the stream's time scale, for a new connection; times still only increase."""
        self._wall_offset_s: float | None = None
        self._arrival_offset_s: float | None = None
        self._arrived_at_s = float("-inf")
        self._late = _Lasting(self._rules.patience_s)
        self._behind = _Lasting(self._rules.patience_s)
        self._last_pts_s: float | None = None
        self._note = ""

    @property
    def note(self) -> str:
        """What is wrong with the camera's clock, in words; empty while nothing is known to be."""
        return self._note

    def arrive(self, pts_s: float | None, wall_s: float | None, arrived_at_s: float) -> float:
        """Learn from a packet and return how long it was delayed beyond the quickest, seconds.

        Args:
            pts_s: its time stamp; None if it has none.
            wall_s: the camera's wall clock for it; None without a sender report.
            arrived_at_s: when it arrived.
        """
        passed_s = max(0.0, arrived_at_s - self._arrived_at_s)
        self._arrived_at_s = arrived_at_s
        if pts_s is None:
            return 0.0
        if wall_s is not None:
            self._report(pts_s, wall_s, arrived_at_s)
        offset_s = arrived_at_s - pts_s
        if self._arrival_offset_s is None:
            self._arrival_offset_s = offset_s
        crept_s = self._arrival_offset_s + self._rules.creep * passed_s
        self._arrival_offset_s = min(offset_s, crept_s)
        late_s = offset_s - self._arrival_offset_s
        if self._late.holds(late_s > self._rules.late_s, arrived_at_s):
            self._arrival_offset_s, late_s = offset_s, 0.0
        return late_s

    def stamp(self, pts_s: float | None) -> tuple[float, ClockSource]:
        """Return the capture time of a frame of the packets learnt from so far, and its source."""
        clock: ClockSource = "arrival" if self._wall_offset_s is None else "stream"
        step_s = 0.0
        if pts_s is None or self._arrival_offset_s is None:
            captured_at_s, clock = self._arrived_at_s, "arrival"
        else:
            captured_at_s = min(pts_s + self._offset_s(), self._arrived_at_s)
            if self._last_pts_s is not None:
                step_s = max(0.0, pts_s - self._last_pts_s)
            self._last_pts_s = pts_s
        # Where a better clock is earlier than the one before it, time goes on at half speed until
        # they meet: a tracker fed with a jump back would see people run.
        floor_s = self._last_s + max(0.5 * min(step_s, 1.0), 0.001)
        self._last_s = max(captured_at_s, floor_s)
        return self._last_s, clock

    def _offset_s(self) -> float:
        if self._wall_offset_s is not None:
            return self._wall_offset_s
        return self._arrival_offset_s or 0.0

    def _report(self, pts_s: float, wall_s: float, arrived_at_s: float) -> None:
        rules = self._rules
        offset_s, behind_s = wall_s - pts_s, arrived_at_s - wall_s
        same = (
            self._wall_offset_s is not None and abs(offset_s - self._wall_offset_s) < rules.late_s
        )
        too_old = self._behind.holds(behind_s > rules.max_behind_s, arrived_at_s)
        if behind_s < -rules.max_ahead_s:
            self._doubt(f"{_words(-behind_s)} ahead")
        elif behind_s <= rules.max_behind_s or (same and not too_old):
            # The second case is a delayed burst, stamped by a clock that was right before it.
            self._wall_offset_s, self._note = offset_s, ""
        else:
            self._doubt(f"{_words(behind_s)} behind")

    def _doubt(self, how: str) -> None:
        self._wall_offset_s = None
        self._note = f"the camera's clock is {how}; using arrival time"


def _words(seconds: float) -> str:
    for unit, length_s in (("years", 31_557_600), ("days", 86_400), ("hours", 3600), ("min", 60)):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return f"{seconds:.1f} s"
