"""The states of one camera's feed, stepped by events and a clock that is passed in.

connecting ──frame──▶ live ──silence──▶ stalled ──frame──▶ live
    ▲                  │                  │
    └──── lost, and after the pause ──────┘      refused: as connecting, with a longer pause
                                                 stopped: the end, from anywhere
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from .decode_device import Decoder
    from .frames import ClockSource
    from .stream_choice import StreamName
    from .video_file import StreamInfo

Phase = Literal["connecting", "live", "stalled", "refused", "stopped"]
"""Where a feed stands; `connecting` includes the pause before the next attempt."""

_RATE_WINDOW: Final = 30
"""Frames over which the frame rate is measured."""


@dataclass(frozen=True, slots=True)
class FeedTiming:
    """How patient a feed is.

    Attributes:
        stall_after_s: a live feed without a frame for this long is stalled.
        reconnect_after_s: a connection without a frame for this long is given up.
        first_retry_s: pause after the first failure; it doubles with each further one.
        max_retry_s: longest pause.
        refused_retry_s: pause after a refused password; cameras lock out whoever guesses.
        jitter: each pause is shortened by a random share of up to this, so that a hundred
            cameras behind one switch do not all come back in the same moment.
    """

    stall_after_s: float = 2.5
    reconnect_after_s: float = 10.0
    first_retry_s: float = 0.5
    max_retry_s: float = 30.0
    refused_retry_s: float = 60.0
    jitter: float = 0.25


@dataclass(frozen=True, slots=True)
class FeedState:
    """What is known of a feed at one moment; safe to show, it holds no user and no password.

    Attributes:
        camera: camera id.
        phase: where the feed stands.
        since_s: when it came to stand there, Unix seconds.
        reason: why, in words; for a live feed what is wrong with it, empty if nothing is.
        codec: name of the codec; None before the first connection and for recorded boxes.
        size_px: (width, height) of the last picture; None before the first.
        fps: frames a second that arrived lately; None while none arrive.
        attempts: connections tried since the last frame.
        clock: where the last frame's capture time came from; None before the first.
        decoder: what makes its pictures; None before the first and for recorded boxes.
        last_frame_at_s: when the last frame arrived, Unix seconds; None before the first.
        stream: which of its two streams is read; None where it has one, and before the first frame.
    """

    camera: str
    phase: Phase
    since_s: float
    reason: str = ""
    codec: str | None = None
    size_px: tuple[int, int] | None = None
    fps: float | None = None
    attempts: int = 0
    clock: ClockSource | None = None
    last_frame_at_s: float | None = None
    decoder: Decoder | None = None
    stream: StreamName | None = None


class FeedMachine:
    """The state machine of one feed; it does nothing by itself and reads no clock.

    Args:
        camera: camera id.
        now_s: the moment it begins, Unix seconds, as all times given to it.
        timing: how patient it is.
        random: gives numbers in 0..1, for the jitter.
    """

    def __init__(
        self, camera: str, now_s: float, timing: FeedTiming, random: Callable[[], float]
    ) -> None:
        self._timing = timing
        self._random = random
        self._state = FeedState(camera, "connecting", now_s)
        self._arrivals_s: deque[float] = deque(maxlen=_RATE_WINDOW)
        self._silent_since_s = now_s
        self._retry_at_s = now_s

    def connect(self, now_s: float) -> None:
        """An attempt to connect begins."""
        self._silent_since_s = now_s
        self._enter("connecting", now_s, self._state.reason)
        self._state = replace(self._state, attempts=self._state.attempts + 1)

    def opened(self, now_s: float, info: StreamInfo) -> None:
        """The stream is open; no frame has come yet."""
        self._silent_since_s = now_s
        self._state = replace(
            self._state, codec=info.codec, size_px=info.size_px or self._state.size_px
        )

    def frame(
        self, now_s: float, size_px: tuple[int, int], clock: ClockSource, note: str = ""
    ) -> None:
        """A frame arrived; `note` says what is wrong with it, if anything is."""
        self._silent_since_s = now_s
        self._arrivals_s.append(now_s)
        self._enter("live", now_s, note)
        self._state = replace(
            self._state, size_px=size_px, clock=clock, attempts=0, last_frame_at_s=now_s
        )

    def decoded_by(self, decoder: Decoder) -> None:
        """It is known what makes the pictures of this connection."""
        self._state = replace(self._state, decoder=decoder)

    def reads(self, stream: StreamName) -> None:
        """The frames are of this one of the camera's two streams from now on."""
        self._state = replace(self._state, stream=stream)

    def held(self, now_s: float) -> None:
        """A frame arrived that nobody needs now, so that it was not decoded."""
        self._silent_since_s = now_s
        self._arrivals_s.append(now_s)
        self._enter("live", now_s, self._state.reason if self._state.phase == "live" else "")
        self._state = replace(self._state, last_frame_at_s=now_s)

    def lost(self, now_s: float, reason: str) -> None:
        """The connection failed or could not be made."""
        self._pause(
            now_s,
            min(
                self._timing.first_retry_s * 2.0 ** min(max(self._state.attempts - 1, 0), 30),
                self._timing.max_retry_s,
            ),
        )
        self._enter("connecting", now_s, reason)

    def refused(self, now_s: float, reason: str) -> None:
        """The camera does not accept user and password."""
        self._pause(now_s, self._timing.refused_retry_s)
        self._enter("refused", now_s, reason)

    def stopped(self, now_s: float, reason: str) -> None:
        """The feed ended for good; later events change nothing."""
        self._enter("stopped", now_s, reason)

    def tick(self, now_s: float) -> None:
        """Let time pass: a live feed that has been silent for too long is stalled."""
        if self._state.phase == "live" and self.silent_s(now_s) > self._timing.stall_after_s:
            self._enter("stalled", now_s, f"no frame for {self._timing.stall_after_s:g} s")

    def silent_s(self, now_s: float) -> float:
        """Seconds since the last frame, or since the connection was opened or tried."""
        return now_s - self._silent_since_s

    def given_up(self, now_s: float) -> bool:
        """Whether the connection has been silent for so long that a new one is better."""
        return self.silent_s(now_s) > self._timing.reconnect_after_s

    def retry_in_s(self, now_s: float) -> float:
        """Seconds until the next attempt to connect."""
        return max(0.0, self._retry_at_s - now_s)

    def state(self, now_s: float) -> FeedState:
        """The state at this moment."""
        self.tick(now_s)
        arrivals = self._arrivals_s
        span_s = arrivals[-1] - arrivals[0] if len(arrivals) > 1 else 0.0
        fps = (len(arrivals) - 1) / span_s if span_s > 0 and self._state.phase == "live" else None
        return replace(self._state, fps=fps)

    def _pause(self, now_s: float, pause_s: float) -> None:
        self._retry_at_s = now_s + pause_s * (1 - self._timing.jitter * self._random())

    def _enter(self, phase: Phase, now_s: float, reason: str) -> None:
        if self._state.phase == "stopped":
            return
        if phase != "live":
            self._arrivals_s.clear()
        since_s = self._state.since_s if phase == self._state.phase else now_s
        self._state = replace(self._state, phase=phase, since_s=since_s, reason=reason)
