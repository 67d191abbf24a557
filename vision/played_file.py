"""A video file played as if a camera sent it now: decoded no further than its frames are used."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import av.error

from .decode_device import PROCESSOR, DecodeDevice
from .decode_live import LiveDecoder
from .decoded_picture import ToBgr
from .frames import Frame
from .video_file import open_video, stream_info
from .video_reader import Timeline, VideoReader

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from .sources import AnyFrame, Session, Source


def play_file(
    path: str | Path,
    camera: str,
    started_at_s: float,
    fps: float | None = None,
    offset_s: float = 0.0,
    *,
    duration_s: float | None = None,
    from_s: float | None = None,
    device: DecodeDevice = PROCESSOR,
    now: Callable[[], float] = time.time,
) -> Source:
    """Return a source that plays a video file at wall-clock pace, once, as a drill does.

    Each packet is read when a live camera would have sent it, and decoded if and when its frame
    is wanted. A machine that is too slow to decode all passes over what is late, with true capture
    times, as with a live camera; to decode every frame of a file use `decode_file`.

    Args:
        path: the file.
        camera: camera id to put on the frames.
        started_at_s: start of the recording, Unix seconds.
        fps: frames a second, in the place of the file's own time stamps.
        offset_s: time from the start to the first frame.
        duration_s: frames later than this after the start are left out; None leaves out none.
        from_s: frames captured before this (Unix) are left out; None leaves out none.
        device: decodes it.
        now: the clock, Unix seconds.

    Raises:
        ValueError: `fps` is not above 0.
    """
    if fps is not None and not fps > 0:
        raise ValueError(f"fps: expected more than 0, got {fps}")
    recording = _Recording(
        path=Path(path),
        camera=camera,
        first_at_s=started_at_s + offset_s,
        fps=fps,
        from_s=-math.inf if from_s is None else from_s,
        until_s=math.inf if duration_s is None else started_at_s + duration_s,
    )

    def source(session: Session) -> Generator[AnyFrame, None, None]:
        with open_video(recording.path, device) as (container, stream):
            stream.codec_context.thread_count = 1
            session.opened(stream_info(stream))
            yield from _Playing(recording, session, container, stream, now).frames()

    return source


@dataclass(frozen=True, slots=True)
class _Recording:
    """What is played: frames captured from `from_s` to `until_s`, the first at `first_at_s`."""

    path: Path
    camera: str
    first_at_s: float
    fps: float | None
    from_s: float
    until_s: float


class _Playing:
    """One recording while it plays."""

    def __init__(
        self,
        recording: _Recording,
        session: Session,
        container: InputContainer,
        stream: VideoStream,
        now: Callable[[], float],
    ) -> None:
        self._recording = recording
        self._session = session
        self._now = now
        self._reader = VideoReader(container, stream)
        self._timeline = Timeline(stream, recording.fps)
        self._decoder = LiveDecoder(stream, session.first_index)
        self._to_bgr = ToBgr()
        self._good = 0

    def frames(self) -> Generator[Frame, None, None]:
        """Yield the frames that are wanted until the end, or until told to stop."""
        try:
            yield from self._frames()
        finally:
            self._session.sent(self._decoder.end)

    def _frames(self) -> Generator[Frame, None, None]:
        recording, session = self._recording, self._session
        for ordinal, packet in enumerate(self._reader.packets()):
            self._timeline.begin(packet.pts)
            due_s = recording.first_at_s + self._timeline.of_packet(ordinal, packet)
            if due_s > recording.until_s:
                yield from self._made(self._decoder.rest())
                return
            if not self._reached(due_s):
                return
            read_at_s = self._now()
            pictures = self._decoder.pictures(
                packet,
                now_s=read_at_s,
                late_s=read_at_s - due_s,
                taken=session.taken(),
                moves=session.moves(),
            )
            yield from self._made(pictures)
            if self._decoder.decoder is not None:
                session.decoded_by(self._decoder.decoder)
            if self._decoder.holding:
                session.held()
        yield from self._made(self._decoder.rest())
        self._reader.lost += self._decoder.lost
        if not session.stop.is_set():
            self._reader.complain(recording.path, self._good)

    def _made(self, pictures: Iterator[tuple[int, VideoFrame]]) -> Iterator[Frame]:
        """The frames of pictures, each no sooner than it was captured."""
        recording = self._recording
        for index, picture in pictures:
            at_s = self._timeline.seconds(index - self._session.first_index, picture.pts)
            captured_at_s = recording.first_at_s + at_s
            self._good += 1
            if not recording.from_s <= captured_at_s <= recording.until_s:
                continue
            try:
                image = self._to_bgr.later(picture)
            except av.error.FFmpegError:
                self._decoder.lost += 1
                self._good -= 1
                continue
            if not self._reached(captured_at_s):
                return
            yield Frame(recording.camera, index, captured_at_s, "drill", self._now(), image)

    def _reached(self, at_s: float) -> bool:
        """Wait until that moment; whether it was reached, and not a stop."""
        return not self._session.stop.wait(max(at_s - self._now(), 0.0))
