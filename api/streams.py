"""The streams of one incident: who watches which camera, and what they are given of it.

A camera is encoded once, only while somebody watches it, and all who watch share what was encoded.
There is no queue for each reader: a reader is a place in what is kept (`api.stream_tape`), so a
slow one costs no memory and holds nobody up. All of it ends at once with the incident.

The run's methods are never called while what is kept is locked: it hands over pictures under that
lock, and may be doing so while it is asked to stop.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from vision.stream_parts import Fragment, Still, StreamHead, StreamWanted

from .stream_tape import Tape
from .wakers import Wakers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from vision.stream_parts import StreamPart

    from .runs import CameraPhase
    from .stream_tape import Segment

    Take = Callable[[StreamPart], None]
    Show = Callable[[frozenset[StreamWanted], Take], None]

LINGER_S = 3.0
"""A camera that nobody watches any more is encoded so long, for whoever comes back to it."""

STALE_S = 2.0
"""A picture older than this is not live."""

STILL_LASTS_S = 3.0
"""A still comes every second and says how old it is; one that came longer ago says so no more."""

_REMIND_S = 1.0
_LONG_S = 3600.0
_HOPE_S = 0.5
"""How soon a reader is told that it waits."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Pictures were left out, because the reader is slow; a keyframe follows.

    Attributes:
        start_s: of that keyframe on the stream's time line, seconds since the head.
    """

    start_s: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """No picture that is newer than `STALE_S` is there.

    Attributes:
        phase: state of the camera's feed.
        reason: in words.
    """

    phase: CameraPhase
    reason: str


@dataclass(frozen=True, slots=True)
class Live:
    """The camera gives pictures again."""


Over = Literal["closed", "stopping"]
"""Why streams are over: the incident was closed, or the server is being stopped."""

Given = StreamHead | Fragment | Skipped | Waiting | Live
"""What a reader of video is given."""


class _Channel:
    """What is kept of one camera, and who waits for more."""

    def __init__(self) -> None:
        self.tape = Tape()
        self.still: tuple[float, Still] | None = None
        self.wakers = Wakers()


class Streams:
    """The streams of one incident. Safe to use from any thread.

    Args:
        cameras: the cameras of its permit.
        clock: Unix seconds now.
        state_of: phase of a camera's feed, and the reason in words; answers at once.
        linger_s: see `LINGER_S`.
    """

    def __init__(
        self,
        cameras: Iterable[str],
        clock: Callable[[], float],
        state_of: Callable[[str], tuple[CameraPhase, str]],
        *,
        linger_s: float = LINGER_S,
    ) -> None:
        self._clock = clock
        self._state_of = state_of
        self._linger_s = linger_s
        self._channels = {camera: _Channel() for camera in cameras}
        self._show: Show | None = None
        self._watchers: dict[StreamWanted, int] = {}
        self._left_s: dict[StreamWanted, float] = {}
        self._shown: frozenset[StreamWanted] = frozenset()
        self._over: Over | None = None
        self._ending = Wakers()
        self._lock = threading.Lock()
        self._showing = threading.Lock()

    @property
    def over(self) -> Over | None:
        """Why they are over; None while they are not."""
        return self._over

    @property
    def shown(self) -> frozenset[StreamWanted]:
        """What is encoded now."""
        return self._shown

    def watchers(self, camera: str) -> int:
        """Return how many watch a camera, one way or another."""
        with self._lock:
            return sum(n for wanted, n in self._watchers.items() if wanted.camera == camera)

    def begin(self, show: Show) -> None:
        """Take what encodes, as `api.runs.Run.show` does, and let it encode what is watched."""
        self._show = show
        self._ask()

    def watch(self, wanted: StreamWanted) -> None:
        """Count somebody who watches, and let the camera be encoded. `leave` must follow.

        May wait for the run: not to be called by an event loop.

        Raises:
            KeyError: the camera is not of the permit.
        """
        if wanted.camera not in self._channels:
            raise KeyError(wanted.camera)
        with self._lock:
            self._watchers[wanted] = self._watchers.get(wanted, 0) + 1
            self._left_s.pop(wanted, None)
        try:
            self._ask()
        except BaseException:
            self.leave(wanted)
            raise

    def leave(self, wanted: StreamWanted) -> None:
        """Count somebody out; the next `tick` that is late enough ends the encoding."""
        with self._lock:
            left = self._watchers.get(wanted, 0) - 1
            if left > 0:
                self._watchers[wanted] = left
            elif self._watchers.pop(wanted, None) is not None:
                self._left_s[wanted] = self._clock()

    def tick(self) -> None:
        """End the encoding of what nobody has watched for a while. May wait for the run."""
        now_s = self._clock()
        with self._lock:
            # A clock that was set back must not keep a camera on.
            cold = {
                wanted
                for wanted, left_s in self._left_s.items()
                if not 0.0 <= now_s - left_s < self._linger_s
            }
            for wanted in cold:
                del self._left_s[wanted]
        if cold:
            self._ask()

    def end(self, reason: Over) -> None:
        """End all of them: nobody is given anything any more. Returns at once; may be repeated."""
        with self._lock:
            if self._over is None:
                self._over = reason
            for channel in self._channels.values():
                channel.tape.wipe()
                channel.still = None
        for channel in self._channels.values():
            channel.wakers.wake()
        self._ending.wake()

    def still(self, camera: str) -> Still | None:
        """Return the newest still of a camera; None where none came lately, and nobody watches."""
        kept = self._channels[camera].still
        if kept is None or not 0.0 <= self._clock() - kept[0] < STILL_LASTS_S:
            return None
        return kept[1]

    async def ended(self) -> None:
        """Return when they are over."""
        while self._over is None:
            stamp = self._ending.stamp
            if self._over is None:
                await self._ending.news(stamp, _LONG_S)

    def take(self, part: StreamPart) -> None:
        """Take a part of the run's; ignored where nobody watches it any more. Never raises."""
        channel = self._channels.get(part.camera)
        if channel is None:
            return
        wanted = StreamWanted(part.camera, "still" if isinstance(part, Still) else "video")
        with self._lock:
            if self._over is not None or wanted not in self._shown:
                return
            match part:
                case StreamHead():
                    channel.tape.add_head(part)
                case Fragment():
                    channel.tape.add(part)
                case Still():
                    channel.still = self._clock(), part
        channel.wakers.wake()

    async def follow(self, camera: str, allowed: Callable[[], bool]) -> AsyncGenerator[Given]:
        """Yield a camera's video from its newest keyframe on, until it is over.

        Args:
            camera: camera id, of the permit.
            allowed: whether the reader may still be given it; asked before everything that is.
        """
        channel = self._channels[camera]
        cursor = None
        head: StreamHead | None = None
        waiting = False
        reminded_s = self._clock() - _REMIND_S + _HOPE_S
        while True:
            stamp = channel.wakers.stamp
            with self._lock:
                found = channel.tape.after(cursor)
                newest = channel.tape.newest
            if self._over is not None or not allowed():
                return
            now_s = self._clock()
            if found is not None:
                cursor = found.cursor
                if found.skipped:
                    yield Skipped(found.fragment.start_s)
                if found.head is not head:
                    head = found.head
                    yield head
                yield found.fragment
            fresh = newest is not None and now_s - newest.captured_at_s < STALE_S
            if fresh and waiting:
                waiting = False
                yield Live()
            elif not fresh and not 0.0 <= now_s - reminded_s < _REMIND_S:
                waiting, reminded_s = True, now_s
                yield Waiting(*self._state_of(camera))
            if found is None:
                await channel.wakers.news(stamp, _HOPE_S)

    async def stills(self, camera: str, allowed: Callable[[], bool]) -> AsyncGenerator[Still]:
        """Yield a camera's stills, newest first and each once, until it is over.

        Args:
            camera: camera id, of the permit.
            allowed: as for `follow`.
        """
        channel = self._channels[camera]
        given: Still | None = None
        while True:
            stamp = channel.wakers.stamp
            still = self.still(camera)
            if self._over is not None or not allowed():
                return
            if still is not None and still is not given:
                given = still
                yield still
            else:
                await channel.wakers.news(stamp, _HOPE_S)

    async def segments(
        self, camera: str, enough: Callable[[tuple[Segment, ...]], bool], within_s: float
    ) -> tuple[Segment, ...]:
        """Return what is kept of a camera as soon as it is enough, or as it is then.

        Args:
            camera: camera id, of the permit.
            enough: tells whether there is what is waited for.
            within_s: how long is waited at most, seconds.
        """
        channel = self._channels[camera]
        until_s = time.monotonic() + within_s
        while True:
            stamp = channel.wakers.stamp
            with self._lock:
                kept = channel.tape.segments()
            left_s = until_s - time.monotonic()
            if self._over is not None or left_s <= 0.0 or enough(kept):
                return kept
            await channel.wakers.news(stamp, left_s)

    def _ask(self) -> None:
        """Tell the run exactly what is watched or was until just now, if that has changed."""
        with self._showing:
            with self._lock:
                if self._show is None or self._over is not None:
                    return
                wanted = frozenset((*self._watchers, *self._left_s))
                if wanted == self._shown:
                    return
                gone = self._shown - wanted
                self._shown = wanted
                for one in gone:
                    channel = self._channels[one.camera]
                    if one.kind == "video":
                        channel.tape.wipe()
                    else:
                        channel.still = None
            self._show(wanted, self.take)
