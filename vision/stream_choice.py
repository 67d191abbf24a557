"""Which of a camera's two streams to read: rules stepped by what is seen, without a clock.

The sub-stream costs a fraction of the main stream to send and to decode, and shows as well that
nobody is there. As soon as somebody is found, somebody outside wants more than a look a second, or
people watch the camera, the main stream is wanted, and until `QUIET_S` after the last such reason.

A stream that fails is not tried again for a while; the other one is read in its place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from .attention import FLOOR_FPS

StreamName = Literal["main", "sub"]

QUIET_S: Final = 15.0
"""The main stream is read for so long after the last reason to. Somebody who turns back at a door
comes again within it; changing costs a connection and up to a key frame's time."""

FIRST_PAUSE_S: Final = 2.0
MOST_PAUSE_S: Final = 60.0

_OTHER: Final[dict[StreamName, StreamName]] = {"main": "sub", "sub": "main"}


def other(stream: StreamName) -> StreamName:
    """The one that is not `stream`."""
    return _OTHER[stream]


@dataclass(slots=True)
class _Pause:
    until_s: float = -math.inf
    failures: int = 0


class StreamChoice:
    """What is wanted of one camera's streams, and which of them can be had.

    What is seen may be told from one thread while another asks. All times are seconds on one clock.
    """

    def __init__(self) -> None:
        self._wanted_until_s = -math.inf
        self._watched = False
        self._pauses: dict[StreamName, _Pause] = {"main": _Pause(), "sub": _Pause()}

    def saw(self, persons: int, now_s: float) -> None:
        """The last look at the camera showed so many persons."""
        if persons:
            self._wanted_until_s = max(self._wanted_until_s, now_s + QUIET_S)

    def attend(self, fps: float, now_s: float) -> None:
        """So many looks a second are wanted of the camera from outside."""
        if fps > FLOOR_FPS:
            self._wanted_until_s = max(self._wanted_until_s, now_s + QUIET_S)

    def watch(self, *, watched: bool) -> None:
        """Whether people watch the camera's pictures from now on."""
        self._watched = watched

    def failed(self, stream: StreamName, now_s: float, least_s: float = 0.0) -> None:
        """A stream could not be opened, or was lost.

        Args:
            stream: which one.
            now_s: the moment.
            least_s: it is not tried again for so long at least.
        """
        pause = self._pauses[stream]
        doubled_s = FIRST_PAUSE_S * 2.0 ** min(pause.failures, 10)
        pause.until_s = now_s + max(min(doubled_s, MOST_PAUSE_S), least_s)
        pause.failures += 1

    def worked(self, stream: StreamName) -> None:
        """A stream gave a picture."""
        self._pauses[stream] = _Pause()

    def may_open(self, stream: StreamName, now_s: float) -> bool:
        """Whether a stream has not failed of late."""
        return now_s >= self._pauses[stream].until_s

    def wanted(self, now_s: float) -> StreamName:
        """The stream to read if both can be had."""
        return "main" if self._watched or now_s < self._wanted_until_s else "sub"

    def first(self, now_s: float) -> StreamName:
        """The stream to open where none is read.

        Where both have failed of late, it is the one whose pause ends first.
        """
        wanted = self.wanted(now_s)
        if self.may_open(wanted, now_s):
            return wanted
        return min((wanted, other(wanted)), key=lambda name: self._pauses[name].until_s)

    def change(self, reads: StreamName, now_s: float) -> StreamName | None:
        """The stream to open beside the one that is read, to take its place; None where none."""
        wanted = self.wanted(now_s)
        return wanted if wanted != reads and self.may_open(wanted, now_s) else None
