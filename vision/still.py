"""One picture, or the pictures of a stretch, out of a recording, without decoding all before it."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import av.error

from .decoded_picture import ToBgr
from .errors import UnreadableVideoError
from .frames import Frame
from .video_file import open_video

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_ROUNDING_S = 1e-4


def frames_between(
    path: Path,
    camera: str,
    from_s: float,
    until_s: float,
    *,
    fps: float | None = None,
    now: Callable[[], float] = time.time,
) -> Generator[Frame, None, None]:
    """Yield the frames of a video file from one moment to another, in order of presentation.

    Decoding begins at the key frame before. Where the recording ends earlier, fewer frames come.

    Args:
        path: the file.
        camera: camera id to put on the frames.
        from_s: first moment, seconds since the first frame of the file.
        until_s: last moment, the same.
        fps: frames a second, in the place of the file's own time stamps.
        now: the clock that `decoded_at_s` is read from, Unix seconds.

    Raises:
        MediaError: the file is missing, no video, or cannot be decoded.
    """
    with open_video(path) as (container, stream):
        stretch = _stretch(stream, fps)
        to_bgr = ToBgr()
        for index, (at_s, picture) in enumerate(_pictures(container, stream, from_s * stretch)):
            t_s = at_s / stretch
            if t_s > until_s + _ROUNDING_S:
                return
            if t_s >= from_s - _ROUNDING_S:
                yield Frame(camera, index, t_s, "drill", now(), to_bgr(picture))


def frame_at(path: Path, camera: str, at_s: float, *, fps: float | None = None) -> Frame:
    """The frame of a video file that was shown at a moment: its last one, beyond its end.

    Arguments as of `frames_between`; `at_s` is seconds since the first frame.

    Raises:
        MediaError: the file is missing, no video, or no frame of it can be decoded.
    """
    with open_video(path) as (container, stream):
        stretch = _stretch(stream, fps)
        shown: tuple[float, VideoFrame] | None = None
        for t_s, picture in _pictures(container, stream, at_s * stretch):
            if shown is not None and t_s > at_s * stretch + _ROUNDING_S:
                break
            shown = t_s, picture
        if shown is None:
            raise UnreadableVideoError(f"{path}: no frame of it can be decoded")
        return Frame(camera, 0, shown[0] / stretch, "drill", time.time(), ToBgr()(shown[1]))


def _stretch(stream: VideoStream, fps: float | None) -> float:
    """Seconds of the file's own time stamps in one second of the recording."""
    return fps / float(stream.average_rate) if fps and stream.average_rate else 1.0


def _pictures(
    container: InputContainer, stream: VideoStream, from_s: float
) -> Generator[tuple[float, VideoFrame], None, None]:
    """Pictures with their time, seconds since the first one, from a key frame before `from_s` on.

    What is damaged is passed over.
    """
    first = stream.start_time or 0
    base = stream.time_base
    if base is None:
        return
    if from_s > 0:
        with suppress(
            av.error.FFmpegError
        ):  # a file that cannot be sought in is read from its begin
            container.seek(first + int(from_s / base), stream=stream, backward=True)
    for packet in container.demux(stream):
        with suppress(av.error.FFmpegError):
            for picture in packet.decode():
                if picture.pts is not None:
                    yield float((picture.pts - first) * base), picture
