"""Video files as frames."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import av
import av.error
import numpy as np
from av.video.reformatter import VideoReformatter

from .errors import (
    DamagedVideoError,
    TruncatedVideoError,
    UnreadableVideoError,
)
from .frames import Frame
from .video_file import open_video

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

_INDEX_TAIL: Final = 500
"""Index entries looked at to see whether the file ends early; they lie in order, or nearly so."""
_LEAST_STEP_S: Final = 0.001
_MISSING_S: Final = 1.0
"""A file may end this much before its declared end without being called truncated: headers are
rounded, and the longest of several streams counts in some formats."""


class ToBgr:
    """Converts the pictures of one stream; keeps the conversion's set-up between frames."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def __call__(self, picture: VideoFrame) -> NDArray[np.uint8]:
        """Return the picture as `(H, W, 3)` uint8 BGR."""
        # One thread: many cameras are decoded at once, each on its own.
        bgr = self._reformatter.reformat(picture, format="bgr24", threads=1)
        return np.asarray(bgr.to_ndarray(), np.uint8)


def decode_file(
    path: str | Path,
    camera: str,
    start_s: float = 0.0,
    fps: float | None = None,
    offset_s: float = 0.0,
    *,
    threads: int = 1,
    now: Callable[[], float] = time.time,
) -> Generator[Frame, None, None]:
    """Yield the frames of a video file in order of presentation, as fast as they are asked for.

    The first frame was captured at `start_s + offset_s`, the others as much later as their time
    stamps say. The file is open until the iterator is exhausted or closed
    (`contextlib.closing`). A damaged or truncated file yields every good frame and raises after
    the last one, so a caller can write what there is, then say what is missing.

    Args:
        path: the file.
        camera: camera id to put on the frames.
        start_s: start of the recording, Unix seconds.
        fps: frames a second, in the place of the file's own time stamps.
        offset_s: time from `start_s` to the first frame.
        threads: decoder threads; one where many files are decoded at once, 0 for one per core.
        now: the clock that `decoded_at_s` is read from, Unix seconds.

    Raises:
        MissingVideoError: there is no such file.
        UnreadableVideoError: empty, not a video, cut off before its index, or no frame decodes.
        NoPictureError: only sound or data.
        UndecodableCodecError: a codec this build cannot decode.
        TruncatedVideoError: after the last good frame; the end of the file is missing.
        DamagedVideoError: after the last good frame; some in between could not be decoded.
        ValueError: `fps` is not above 0.
    """
    if fps is not None and not fps > 0:
        raise ValueError(f"fps: expected more than 0, got {fps}")
    path = Path(path)
    with open_video(path) as (container, stream):
        stream.codec_context.thread_count = threads
        if threads != 1:
            stream.thread_type = "AUTO"
        to_bgr = ToBgr()
        timeline = _Timeline(stream, fps)
        reader = _Reader(container, stream)
        index = 0
        for picture in reader.pictures():
            try:
                image = to_bgr(picture)
            except av.error.FFmpegError:
                reader.lost += 1
                continue
            captured_at_s = start_s + offset_s + timeline.seconds(index, picture.pts)
            yield Frame(camera, index, captured_at_s, "drill", now(), image)
            index += 1
        if not index:
            raise UnreadableVideoError(f"{path}: no frame of it can be decoded")
        if reader.ends_early():
            raise TruncatedVideoError(
                f"{path}: the end of the file is missing; {index} frames could be decoded",
                frames=index,
            )
        if reader.lost:
            raise DamagedVideoError(
                f"{path}: damaged; {index} frames could be decoded, {reader.lost} could not",
                frames=index,
            )


class _Timeline:
    """Seconds since the first frame, never going back."""

    def __init__(self, stream: VideoStream, fps: float | None) -> None:
        self._fps = fps
        self._base = stream.time_base
        self._step_s = float(1 / stream.average_rate) if stream.average_rate else 1 / 25
        self._first_pts: int | None = None
        self._last_s = -self._step_s

    def seconds(self, index: int, pts: int | None) -> float:
        """Return the time of frame `index`.

        A frame without a stamp comes one mean step after the one before it. One whose stamp is
        older (pictures come out of order after damage) comes right after it.
        """
        if self._fps is not None:
            return index / self._fps
        seconds = self._last_s + self._step_s
        if pts is not None and self._base is not None:
            if self._first_pts is None:
                self._first_pts = pts - round(seconds / self._base)
            stamped_s = float((pts - self._first_pts) * self._base)
            seconds = max(stamped_s, self._last_s + _LEAST_STEP_S)
        self._last_s = seconds
        return seconds


class _Reader:
    """Decodes what can be decoded and remembers what could not.

    Attributes:
        lost: packets that could not be decoded.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._container = container
        self._stream = stream
        self._end = 0
        self._broken_off = False
        self.lost = 0

    def pictures(self) -> Iterator[VideoFrame]:
        """Yield the pictures; packets that do not decode are counted and passed over."""
        packets = self._container.demux(self._stream)
        while (packet := self._next(packets)) is not None:
            try:
                pictures = packet.decode()
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                self.lost += 1
                continue
            yield from pictures

    def _next(self, packets: Iterator[Packet[VideoStream]]) -> Packet[VideoStream] | None:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            self._broken_off = True
            return None
        if packet is not None and packet.pts is not None:
            self._end = max(self._end, packet.pts + (packet.duration or 0))
        return packet

    def ends_early(self) -> bool:
        """Whether the container declares more than there was."""
        if self._broken_off:
            return True
        entries = self._stream.index_entries
        tail = entries[max(0, len(entries) - _INDEX_TAIL) :]
        if tail and max(entry.pos + entry.size for entry in tail) > self._container.size:
            return True
        declared_s = self._declared_s()
        if declared_s is None or self._stream.time_base is None:
            return False
        start = self._stream.start_time or 0
        return float((self._end - start) * self._stream.time_base) < declared_s - _MISSING_S

    def _declared_s(self) -> float | None:
        """Length of the picture by the header; None where a format only estimates it."""
        name = self._container.format.name
        stream = self._stream
        if name == "avi" and stream.duration and stream.time_base:
            return float(stream.duration * stream.time_base)
        if name.startswith("matroska"):
            tag = stream.metadata.get("DURATION", "")
            hours, _, rest = tag.partition(":")
            minutes, _, seconds = rest.partition(":")
            try:
                return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
            except ValueError:
                length = self._container.duration
                alone = len(self._container.streams) == 1
                return length / av.time_base if alone and length else None
        return None
