"""Video files as frames."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import av.error

from .decoded_picture import ToBgr
from .frames import Frame
from .video_file import open_video
from .video_reader import Timeline, VideoReader

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


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
        timeline = Timeline(stream, fps)
        reader = VideoReader(container, stream)
        index = 0
        for picture in reader.pictures():
            try:
                image = to_bgr.later(picture)
            except av.error.FFmpegError:
                reader.lost += 1
                continue
            captured_at_s = start_s + offset_s + timeline.seconds(index, picture.pts)
            yield Frame(camera, index, captured_at_s, "drill", now(), image)
            index += 1
        reader.complain(path, index)
