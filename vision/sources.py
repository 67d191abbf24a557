"""Where a feed's frames come from: one callable type, and recordings played as if live."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from .frames import BoxFrame, Frame
from .video_file import StreamInfo

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from .decode_device import Decoder
    from .stream_choice import StreamName

AnyFrame = Frame | BoxFrame
"""What a feed carries."""

AnyFrameT = TypeVar("AnyFrameT", Frame, BoxFrame, Frame | BoxFrame)


def _nothing() -> None:
    """Do nothing."""


def _ignored(_: object) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Session:
    """One connection of a feed, as its source sees it.

    Attributes:
        stop: set when the source should end; it must then end within a second.
        first_index: index of the first frame, so that a new connection counts on.
        opened: to be called with what is known of the stream once it is open.
        note: to be called with what is wrong with the frames from now on; "" if nothing is.
        given_up: whether the feed has been silent for so long that the source should fail.
        taken: how many frames of the camera were taken so far; None where every one is wanted.
        moves: whether something moved in the last frame.
        sent: to be called at the end with the index after that of the last frame that was sent.
        decoded_by: to be called with what makes the pictures, as soon as it is known.
        held: to be called when a picture came that need not be decoded now.
        reads: to be called with which of a camera's two streams the frames are of from now on.
    """

    stop: threading.Event
    first_index: int
    opened: Callable[[StreamInfo], None]
    note: Callable[[str], None]
    given_up: Callable[[], bool]
    taken: Callable[[], int | None] = _nothing
    held: Callable[[], None] = _nothing
    moves: Callable[[], bool] = bool
    sent: Callable[[int], None] = _ignored
    decoded_by: Callable[[Decoder], None] = _ignored
    reads: Callable[[StreamName], None] = _ignored


Source = Callable[[Session], Generator[AnyFrame, None, None]]
"""Makes the frames of one connection. Frames carry the feed's camera and rising indices; a gap
in the indices is frames that were sent and never decoded.

Returning ends the feed (a recording is over), `MediaError` ends it with that reason, `FeedError`
lets it try again later.
"""


def paced(
    items: Iterator[AnyFrameT],
    *,
    shift_s: float = 0.0,
    now: Callable[[], float] = time.time,
    wait: Callable[[float], bool],
) -> Generator[AnyFrameT, None, None]:
    """Yield recorded frames no sooner than a live camera would have delivered them.

    A frame is held until `shift_s` after its capture time and until as much later as making it
    took: a live frame is decoded after it was captured, a recorded one here before that. So
    `decoded_at_s`, stamped anew, is never before the capture time and includes the decoding.
    Frames that are late are passed on at once, with their true capture time.

    Args:
        items: recorded frames in order of time.
        shift_s: added to all capture times; the start of playing minus the recorded start.
        now: the clock, Unix seconds.
        wait: waits for that many seconds and returns whether to stop, as `threading.Event.wait`.
    """
    while True:
        asked_at_s = now()
        item = next(items, None)
        if item is None:
            return
        captured_at_s = item.captured_at_s + shift_s
        ready_at_s = now()
        due_at_s = max(captured_at_s, asked_at_s) + (ready_at_s - asked_at_s)
        if due_at_s > ready_at_s and wait(due_at_s - ready_at_s):
            return
        yield replace(item, captured_at_s=captured_at_s, decoded_at_s=now())


def played(
    open_items: Callable[[], Iterator[AnyFrameT]],
    *,
    shift_s: float = 0.0,
    info: Callable[[], StreamInfo] = StreamInfo,
    now: Callable[[], float] = time.time,
) -> Source:
    """Return a source that plays recorded frames at wall-clock pace, once.

    Args:
        open_items: opens the recording; an iterator with a `close` method is closed at the end.
        shift_s: added to all capture times; the start of playing minus the recorded start.
        info: what to tell the feed about the recording.
        now: the clock, Unix seconds.
    """

    def source(session: Session) -> Generator[AnyFrame, None, None]:
        session.opened(info())
        items = open_items()
        try:
            yield from paced(items, shift_s=shift_s, now=now, wait=session.stop.wait)
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()

    return source
