"""One of a camera's two streams, seen by its source as if it were alone."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypedDict

from .errors import FeedLostError
from .sources import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from .decode_device import Decoder
    from .sources import AnyFrame, Source
    from .stream_choice import StreamName
    from .video_file import StreamInfo

OPENING_S: Final = 10.0
"""A stream that gives no picture for so long after it was begun to be opened is given up."""

_STEP_S: Final = 0.05


class Tell(TypedDict):
    """What a stream tells while it is read, to the one who reads both.

    `packet` once for every picture that came, decoded or not; `sent` the number after that of the
    last picture sent; `note` what is wrong with its frames.
    """

    packet: Callable[[], None]
    sent: Callable[[int], None]
    note: Callable[[str], None]


class OneStream:
    """A connection to one stream; what it learns is told to the feed only while it is read.

    It may be begun in one thread (`peek`) and read in another, one after the other.

    Args:
        name: which of the two.
        source: makes its frames.
        session: the feed's.
        tell: whom to tell while it is read.
        now: the clock, Unix seconds.
    """

    def __init__(
        self,
        name: StreamName,
        source: Source,
        session: Session,
        tell: Tell,
        now: Callable[[], float],
    ) -> None:
        self.name: StreamName = name
        self.stop: threading.Event = _EitherStop(session.stop)
        self.note = ""
        self.untried = True
        self._session = session
        self._tell = tell
        self._now = now
        self._began_s = now()
        self._is_read = False
        self._info: StreamInfo | None = None
        self._decoder: Decoder | None = None
        self._kept: AnyFrame | None = None
        self._shift = 0
        self._frames = source(
            Session(
                self.stop,
                0,
                self._on_opened,
                self._on_note,
                self._given_up,
                self._taken,
                self._on_held,
                session.moves,
                self._on_sent,
                self._on_decoded_by,
            )
        )

    def peek(self) -> tuple[int, int]:
        """Wait for the first frame, keep it for `next`, and return its (width, height).

        Raises:
            VisionError: there is none.
        """
        self._kept = next(self._frames, None)
        if self._kept is None:
            raise FeedLostError("it ended before its first picture")
        return self._kept.size_px

    def take_over(self, first_index: int) -> None:
        """From now on it is the one that is read.

        Args:
            first_index: number of its next frame in the feed.
        """
        self._shift = first_index - (0 if self._kept is None else self._kept.index)
        self._is_read = True
        if self._info is not None:
            self._session.opened(self._info)
        if self._decoder is not None:
            self._session.decoded_by(self._decoder)

    def next(self) -> AnyFrame | None:
        """The next frame, numbered as the feed's; None at the end.

        Raises:
            VisionError: the stream failed.
        """
        item, self._kept = self._kept, None
        if item is None:
            item = next(self._frames, None)
        if item is None:
            return None
        self.untried = False
        return replace(item, index=item.index + self._shift)

    def close(self) -> None:
        """Let go of it."""
        self.stop.set()
        self._frames.close()
        self._kept = None

    def _on_opened(self, info: StreamInfo) -> None:
        self._info = info
        if self._is_read:
            self._session.opened(info)

    def _on_note(self, note: str) -> None:
        self.note = note
        if self._is_read:
            self._tell["note"](note)

    def _given_up(self) -> bool:
        if self._is_read:
            return self._session.given_up()
        return self._now() - self._began_s > OPENING_S

    def _taken(self) -> int | None:
        return self._session.taken() if self._is_read else None

    def _on_held(self) -> None:
        if self._is_read:
            self._session.held()
            self._tell["packet"]()

    def _on_sent(self, end: int) -> None:
        if self._is_read:
            self._tell["sent"](end + self._shift)

    def _on_decoded_by(self, decoder: Decoder) -> None:
        self._decoder = decoder
        if self._is_read:
            self._session.decoded_by(decoder)


class _EitherStop(threading.Event):
    """An event that is also set where another one is."""

    def __init__(self, feed: threading.Event) -> None:
        super().__init__()
        self._feed = feed

    def is_set(self) -> bool:
        return super().is_set() or self._feed.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        until_s = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left_s = _STEP_S if until_s is None else until_s - time.monotonic()
            if left_s <= 0:
                return False
            super().wait(min(left_s, _STEP_S))
        return True
