"""Opening video files: what is in them, and why not where they cannot be opened."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av
import av.error
from av.stream import Disposition

from .decode_device import PROCESSOR, DecodeDevice
from .errors import (
    MissingVideoError,
    NoPictureError,
    UndecodableCodecError,
    UnreadableVideoError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What is known of a video before its first frame; None where the container is silent.

    Attributes:
        codec: name of the codec, e.g. `h264`, `hevc`.
        size_px: (width, height).
        fps: mean frames a second.
        frames: number of frames.
        duration_s: length.
    """

    codec: str | None = None
    size_px: tuple[int, int] | None = None
    fps: float | None = None
    frames: int | None = None
    duration_s: float | None = None


def probe_file(path: str | Path) -> StreamInfo:
    """Return what the file's header says, without decoding a frame.

    Raises:
        MediaError: the file is missing, not a video, without picture, or not decodable.
    """
    with open_video(Path(path)) as (_, stream):
        return stream_info(stream)


def stream_info(stream: VideoStream) -> StreamInfo:
    """Return what the container says of its video stream."""
    context = stream.codec_context
    rate, base = stream.average_rate, stream.time_base
    return StreamInfo(
        codec=context.name,
        size_px=(context.width, context.height) if context.width and context.height else None,
        fps=float(rate) if rate else None,
        frames=stream.frames or None,
        duration_s=float(stream.duration * base) if stream.duration and base else None,
    )


@contextmanager
def open_video(
    path: Path, device: DecodeDevice = PROCESSOR
) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file for the length of a `with` block; gives the container and its picture stream.

    Args:
        path: the file.
        device: decodes it.

    Raises:
        MissingVideoError: there is no such file.
        UnreadableVideoError: empty, not a video, or cut off before its index.
        NoPictureError: only sound or data.
        UndecodableCodecError: a codec this build cannot decode.
    """
    if not path.exists():
        raise MissingVideoError(f"{path}: no such file")
    if path.is_dir():
        raise UnreadableVideoError(f"{path}: is a folder, expected a video file")
    if not path.stat().st_size:
        raise UnreadableVideoError(f"{path}: the file is empty")
    try:
        container = device.opened(
            lambda accel: av.open(path, "r", metadata_errors="replace", hwaccel=accel)
        )
    except PermissionError:
        raise UnreadableVideoError(f"{path}: this user may not read it") from None
    except av.error.FFmpegError as error:
        raise UnreadableVideoError(
            f"{path}: not a video, or cut off before its index ({error.strerror})"
        ) from None
    with container:
        yield container, _picture_stream(container, path)


def _picture_stream(container: InputContainer, path: Path) -> VideoStream:
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        kinds = ", ".join(sorted({s.type for s in container.streams}))
        if "audio" not in kinds:
            raise UnreadableVideoError(
                f"{path}: not a video, or cut off before its index (found: {kinds or 'nothing'})"
            )
        raise NoPictureError(f"{path}: has no picture, only {kinds}; expected a video")
    # PyAV types it as never None; it is where FFmpeg has no decoder for the codec.
    if cast("VideoCodecContext | None", streams[0].codec_context) is None:
        raise UndecodableCodecError(
            f"{path}: its codec cannot be decoded by this build (FFmpeg {av.ffmpeg_version_info});"
            " convert it to H.264, for example"
        )
    return streams[0]
