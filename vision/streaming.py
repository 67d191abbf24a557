"""Streams of the cameras that somebody watches: a thread for each, at a steady pace.

The pipeline offers every frame that it has looked at; only the newest of a watched camera is kept,
and of others none. Pictures are encoded at a steady pace, so that the stream has one time line for
every player: where nothing new has come the last picture is repeated with the age that it has by
then, which costs little and cannot be taken for live.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from typing import TYPE_CHECKING

import cv2

from .clock_strip import draw_strip
from .encode import FPS, Encoder
from .errors import EncodeError
from .overlay import Caption, Overlay
from .stream_parts import Still, StreamWanted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import tzinfo

    import numpy as np
    from numpy.typing import NDArray

    from .overlay import TrackLabel
    from .pipeline import TrackedFrame
    from .stream_parts import Drawing, StreamKind, StreamPart

    Send = Callable[[StreamPart], None]

STILL_EVERY_S = 1.0

MOST_STILL_BYTES = 11_000
"""A still a second of this size stays under 100 kbit/s with what carries it."""

_STILL_WIDE_PX = 480
_STILL_QUALITIES = (70, 55, 42, 32, 24, 16)
_FIRST_PATIENCE_S = 0.25
_AGAIN_S = 1.0

_log = logging.getLogger(__name__)


class Streams:
    """Encodes what is wanted, no more. Methods may be called from any thread.

    Args:
        send: takes each part; from the threads of this object, one at a time for each camera.
        names: camera names by id; other cameras are not streamed.
        zone: time zone in which clocks are written.
        now: the clock, Unix seconds.
    """

    def __init__(
        self,
        send: Send,
        names: Mapping[str, str],
        zone: tzinfo,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._send = send
        self._names = dict(names)
        self._zone = zone
        self._now = now
        self._epochs = itertools.count(1)
        self._lock = threading.Lock()
        self._running: dict[StreamWanted, _CameraStream] = {}
        self._drawing: Drawing | None = None

    def show(self, wanted: frozenset[StreamWanted], drawing: Drawing) -> None:
        """Encode exactly this from now on.

        Args:
            wanted: cameras and how they are watched.
            drawing: how pictures are drawn; where it changes, streams begin anew.
        """
        with self._lock:
            keep = wanted if drawing == self._drawing else frozenset[StreamWanted]()
            ended = [self._running.pop(one) for one in set(self._running) - keep]
            self._drawing = drawing
            for stream in ended:
                stream.end()
            for one in sorted(wanted - set(self._running)):
                name = self._names.get(one.camera)
                if name is None:
                    continue
                overlay = Overlay(Caption(name, drawing.exercise, self._zone), drawing.heads)
                stream = _CameraStream(one, overlay, self._send, self._epochs, self._now)
                self._running[one] = stream
                stream.start()
        for stream in ended:
            stream.join()

    @property
    def cameras(self) -> frozenset[str]:
        """Ids of the cameras that somebody watches."""
        with self._lock:
            return frozenset(one.camera for one in self._running)

    def offer(self, tracked: TrackedFrame) -> None:
        """Take what a frame showed, if its camera is watched."""
        for stream in self._of(tracked.frame.camera):
            stream.offer(tracked)

    def label(self, camera: str, labels: Mapping[int, TrackLabel]) -> None:
        """Take what is known by now of the tracks of a camera, by track id."""
        for stream in self._of(camera):
            stream.labels = labels

    def close(self) -> None:
        """End all streams; nothing is sent any more when this returns."""
        with self._lock:
            ended = list(self._running.values())
            self._running = {}
        for stream in ended:
            stream.end()
        for stream in ended:
            stream.join()

    def _of(self, camera: str) -> list[_CameraStream]:
        with self._lock:
            kinds: tuple[StreamKind, ...] = ("video", "still")
            found = [self._running.get(StreamWanted(camera, kind)) for kind in kinds]
            return [stream for stream in found if stream is not None]


class _CameraStream:
    """One camera that is watched in one way."""

    def __init__(
        self,
        wanted: StreamWanted,
        overlay: Overlay,
        send: Send,
        epochs: itertools.count[int],
        now: Callable[[], float],
    ) -> None:
        self.labels: Mapping[int, TrackLabel] = {}
        self._wanted = wanted
        self._overlay = overlay
        self._send = send
        self._epochs = epochs
        self._now = now
        self._newest: TrackedFrame | None = None
        self._first = threading.Event()
        self._ended = threading.Event()
        work = self._video if wanted.kind == "video" else self._stills
        self._thread = threading.Thread(
            target=self._run, args=(work,), name=f"stream-{wanted.camera}", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def offer(self, tracked: TrackedFrame) -> None:
        self._newest = tracked
        self._first.set()

    def end(self) -> None:
        self._ended.set()
        self._first.set()

    def join(self) -> None:
        """Wait until its thread has ended; of the thread itself nothing is waited for."""
        if self._thread is not threading.current_thread():
            self._thread.join()
        self._newest = None

    def _run(self, work: Callable[[], None]) -> None:
        try:
            while not self._ended.is_set() and not self._first.wait(_FIRST_PATIENCE_S):
                pass
            while not self._ended.is_set():
                self._work(work)
        except OSError:
            return  # who took the parts is gone

    def _work(self, work: Callable[[], None]) -> None:
        """Work until the end; return after a while where that fails, to begin anew."""
        try:
            work()
        except EncodeError:
            _log.exception("camera %s cannot be streamed", self._wanted.camera)
            self._ended.wait(_AGAIN_S)

    def _video(self) -> None:
        encoder: Encoder | None = None
        size_px = (0, 0)
        interval_s = 1.0 / FPS
        due_s = time.monotonic()
        while not self._ended.is_set():
            image, captured_at_s, now_s = self._drawn()
            if encoder is None or (image.shape[1], image.shape[0]) != size_px:
                size_px = (image.shape[1], image.shape[0])
                encoder = Encoder(self._wanted.camera, next(self._epochs), size_px)
                self._send(encoder.head)
            for fragment in encoder.encode(image, captured_at_s, now_s):
                self._send(fragment)
            # Where it fell behind it does not hurry after: the pictures of then are past.
            due_s = max(due_s + interval_s, time.monotonic() - interval_s)
            self._ended.wait(max(due_s - time.monotonic(), 0.0))

    def _stills(self) -> None:
        while not self._ended.is_set():
            image, captured_at_s, _ = self._drawn()
            scale = min(_STILL_WIDE_PX / image.shape[1], 1.0)
            size_px = (round(image.shape[1] * scale), round(image.shape[0] * scale))
            smaller = cv2.resize(image, size_px, interpolation=cv2.INTER_AREA)
            still = smaller.astype(image.dtype)
            draw_strip(still, captured_at_s)
            jpeg = small_jpeg(still)
            self._send(Still(self._wanted.camera, captured_at_s, size_px, jpeg))
            self._ended.wait(STILL_EVERY_S)

    def _drawn(self) -> tuple[NDArray[np.uint8], float, float]:
        """The newest picture as it is to be seen now, its time of capture, and now."""
        tracked = self._newest
        assert tracked is not None  # noqa: S101 - it is waited for before the work begins
        now_s = self._now()
        return (
            self._overlay.draw(tracked, self.labels, now_s),
            tracked.frame.captured_at_s,
            now_s,
        )


def small_jpeg(image: NDArray[np.uint8]) -> bytes:
    """A picture as JPEG of at most `MOST_STILL_BYTES`, or as small as it still can be judged.

    Args:
        image: `(H, W, 3)` uint8, BGR.
    """
    jpeg = b""
    for quality in _STILL_QUALITIES:
        _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        jpeg = encoded.tobytes()
        if len(jpeg) <= MOST_STILL_BYTES:
            break
    return jpeg
