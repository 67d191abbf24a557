"""A camera with two streams read as one feed, without a gap where it changes between them.

The stream that is to take over is opened in a thread of its own, beside the one that is read. Only
when its first picture is there, the other is told to end. Frames are numbered as one row, and their
capture times only increase, also where the clocks of the two streams differ.
"""

from __future__ import annotations

import threading
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from .errors import FeedLostError, FeedRefusedError, VisionError
from .one_stream import OneStream
from .stream_choice import other
from .stream_fit import UnfitStreamError, require_fit

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from .one_stream import Tell
    from .sources import AnyFrame, Session, Source
    from .stream_choice import StreamChoice, StreamName

REFUSED_PAUSE_S: Final = 60.0
"""Cameras lock out whoever guesses passwords."""

UNFIT_PAUSE_S: Final = 600.0
"""A stream of the wrong size is so because the camera is set so."""

_WORDS: Final[dict[StreamName, str]] = {"main": "main stream", "sub": "sub-stream"}
_JOIN_S: Final = 0.5


class TwoStreams:
    """The frames of one camera from whichever of its streams is wanted; a `Source`.

    Args:
        main: makes the frames of its main stream.
        sub: makes the frames of its sub-stream.
        choice: which of them to read.
        size_px: (width, height) of the picture that the camera was calibrated with.
        now: the clock, Unix seconds; that of `choice`.
    """

    def __init__(
        self,
        main: Source,
        sub: Source,
        choice: StreamChoice,
        size_px: tuple[int, int],
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.sources: dict[StreamName, Source] = {"main": main, "sub": sub}
        self.choice = choice
        self.size_px = size_px
        self.now = now
        self.times = _OneTimeLine()
        self.troubles: dict[StreamName, str] = {}

    def __call__(self, session: Session) -> Generator[AnyFrame, None, None]:
        """Yield frames until `session.stop` is set, or a recording is over.

        Raises:
            FeedError: both streams fail.
        """
        with closing(_Reading(self, session)) as reading:
            yield from reading.frames()

    def said(self, note: str = "") -> str:
        """What is wrong: with the frames that are read, and with streams that failed."""
        parts = (note, *(self.troubles[name] for name in sorted(self.troubles)))
        return "; ".join(part for part in parts if part)


class _Reading:
    """Both streams of a camera from when one is opened until both have failed or are over."""

    def __init__(self, two: TwoStreams, session: Session) -> None:
        self._two = two
        self._session = session
        self._next_index = session.first_index
        self._opening: _Opening | None = None
        self._stream = self._made(two.choice.first(two.now()))
        self._stream.take_over(self._next_index)

    def frames(self) -> Generator[AnyFrame, None, None]:
        while True:
            try:
                item = self._next()
            except VisionError as error:
                self._go_on_after(error)
                continue
            except Exception:
                self._two.choice.failed(self._stream.name, self._two.now())
                raise
            if item is None:
                if self._session.stop.is_set():
                    return
                if not self._changed():
                    if self._stream.name == "main":
                        return  # a recording is over
                    self._go_on_after(FeedLostError("it ended"))
                continue
            self._next_index = item.index + 1
            yield replace(item, captured_at_s=self._two.times.after(item, self._stream))
            del item  # a picture is large, and the next one may be long in coming
            self.look_around()

    def look_around(self) -> None:
        """Begin to open the other stream where it is wanted now."""
        opening = self._opening
        if opening is not None:
            if opening.ended and opening.error is not None:
                self._failed(opening.stream.name, opening.error)
                self._opening = None
            return
        wanted = self._two.choice.change(self._stream.name, self._two.now())
        if wanted is not None:
            self._opening = _Opening(self._made(wanted), self._two, self._stream.stop)

    def close(self) -> None:
        """Let go of both."""
        if self._opening is not None:
            self._opening.cancel()
        self._stream.close()

    def _made(self, name: StreamName) -> OneStream:
        tell: Tell = {"packet": self.look_around, "sent": self._sent, "note": self._note}
        return OneStream(name, self._two.sources[name], self._session, tell, self._two.now)

    def _next(self) -> AnyFrame | None:
        """The next frame of the stream that is read; the first one proves that it fits."""
        fresh = self._stream.untried
        item = self._stream.next()
        if item is not None and fresh:
            require_fit(self._stream.name, item.size_px, self._two.size_px)
            self._worked(self._stream.name)
        return item

    def _go_on_after(self, error: VisionError) -> None:
        """Read the other stream after this one failed.

        Raises:
            FeedError: the other cannot be had either; says why of both.
        """
        self._failed(self._stream.name, error)
        if self._changed():
            return
        name = other(self._stream.name)
        if self._session.stop.is_set() or not self._two.choice.may_open(name, self._two.now()):
            refused = isinstance(error, FeedRefusedError)
            raise (FeedRefusedError if refused else FeedLostError)(self._two.said())
        self._stream.close()
        self._take(self._made(name))

    def _changed(self) -> bool:
        """Whether the stream that was being opened, if one was, has taken over."""
        opening, self._opening = self._opening, None
        if opening is None:
            return False
        opening.wait()
        if opening.error is not None:
            self._failed(opening.stream.name, opening.error)
            return False
        if not opening.ended:
            opening.cancel()  # the feed is stopped
            return False
        self._stream.close()
        self._take(opening.stream)
        return True

    def _take(self, stream: OneStream) -> None:
        self._stream = stream
        stream.take_over(self._next_index)

    def _worked(self, name: StreamName) -> None:
        self._two.choice.worked(name)
        self._two.troubles.pop(name, None)
        self._session.reads(name)
        self._note(self._stream.note)

    def _failed(self, name: StreamName, error: VisionError) -> None:
        least_s = 0.0
        if isinstance(error, FeedRefusedError):
            least_s = REFUSED_PAUSE_S
        elif isinstance(error, UnfitStreamError):
            least_s = UNFIT_PAUSE_S
        self._two.choice.failed(name, self._two.now(), least_s)
        self._two.troubles[name] = f"{_WORDS[name]}: {error}"
        self._note(self._stream.note)

    def _note(self, note: str) -> None:
        self._session.note(self._two.said(note))

    def _sent(self, end: int) -> None:
        self._next_index = max(self._next_index, end)
        self._session.sent(end)


class _Opening:
    """A stream that is being opened beside another, in a thread of its own.

    Args:
        stream: the one to open.
        two: the streams of its camera.
        gives_way: set as soon as its first picture is there.
    """

    def __init__(self, stream: OneStream, two: TwoStreams, gives_way: threading.Event) -> None:
        self.stream = stream
        self.error: VisionError | None = None
        self._two = two
        self._gives_way = gives_way
        self._lock = threading.Lock()  # guards who closes the stream
        self._cancelled = False
        self.ended = False
        self._thread = threading.Thread(target=self._open, name=f"opens {stream.name}", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until it is known whether it can be opened, or the feed is stopped."""
        while self._thread.is_alive() and not self.stream.stop.is_set():
            self._thread.join(0.05)

    def cancel(self) -> None:
        """It is not needed any more."""
        self.stream.stop.set()
        self._thread.join(_JOIN_S)
        with self._lock:
            self._cancelled = True
            mine = self.ended
        if mine:
            self.stream.close()

    def _open(self) -> None:
        try:
            size_px = self.stream.peek()
            require_fit(self.stream.name, size_px, self._two.size_px)
        except VisionError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - outermost frame of a thread
            # The message is left out: it may hold the address.
            self.error = FeedLostError(f"internal error ({type(error).__name__})")
        with self._lock:
            self.ended = True
            mine = self._cancelled or self.error is not None
        if mine:
            self.stream.close()
        else:
            self._gives_way.set()


class _OneTimeLine:
    """Capture times that only increase over the frames of two streams."""

    def __init__(self) -> None:
        self._last_s = float("-inf")
        self._theirs_s = float("-inf")
        self._stream: OneStream | None = None

    def after(self, item: AnyFrame, stream: OneStream) -> float:
        """The capture time of the next frame, Unix seconds.

        Where a stream's time is behind that of the one before it, time goes on at half speed until
        they meet, as in `vision.capture_clock`.
        """
        step_s = item.captured_at_s - self._theirs_s if stream is self._stream else 0.0
        self._stream, self._theirs_s = stream, item.captured_at_s
        floor_s = self._last_s + max(0.5 * min(step_s, 1.0), 0.001)
        self._last_s = max(item.captured_at_s, floor_s)
        return self._last_s
