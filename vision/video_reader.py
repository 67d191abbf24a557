"""Reading a video file packet by packet: the times of its frames, and what of it is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import av
import av.error

from .errors import DamagedVideoError, TruncatedVideoError, UnreadableVideoError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_INDEX_TAIL: Final = 500
"""Index entries looked at to see whether the file ends early; they lie in order, or nearly so."""
_LEAST_STEP_S: Final = 0.001
_MISSING_S: Final = 1.0
"""A file may end this much before its declared end without being called truncated: headers are
rounded, and the longest of several streams counts in some formats."""


class Timeline:
    """Seconds since the first frame, never going back."""

    def __init__(self, stream: VideoStream, fps: float | None) -> None:
        self._fps = fps
        self._base = stream.time_base
        self._step_s = float(1 / stream.average_rate) if stream.average_rate else 1 / 25
        self._first_pts: int | None = None
        self._first_sent: int | None = None
        self._last_s = -self._step_s

    def begin(self, pts: int | None) -> None:
        """Count from this time stamp: for a reader that may not decode the first frame."""
        if self._first_pts is None:
            self._first_pts = pts

    def of_packet(self, ordinal: int, packet: Packet[VideoStream]) -> float:
        """Return when a live camera would have sent a packet, its place among all being `ordinal`.

        Packets are sent in the order of decoding, so the time of decoding counts.
        """
        if self._fps is not None:
            return ordinal / self._fps
        stamp = packet.pts if packet.dts is None else packet.dts
        if self._first_sent is None:
            self._first_sent = stamp
        if stamp is None or self._base is None or self._first_sent is None:
            return ordinal * self._step_s
        return float((stamp - self._first_sent) * self._base)

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


class VideoReader:
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

    def packets(self) -> Iterator[Packet[VideoStream]]:
        """Yield the packets that hold something, in the order of decoding."""
        packets = self._container.demux(self._stream)
        while (packet := self._next(packets)) is not None:
            if packet.size:
                yield packet

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

    def complain(self, path: Path, frames: int) -> None:
        """Raise if some of the file could not be decoded, after `frames` that could.

        Raises:
            UnreadableVideoError: no frame of it could be decoded.
            TruncatedVideoError: the end of the file is missing.
            DamagedVideoError: some in between could not be decoded.
        """
        if not frames:
            raise UnreadableVideoError(f"{path}: no frame of it can be decoded")
        if self.ends_early():
            raise TruncatedVideoError(
                f"{path}: the end of the file is missing; {frames} frames could be decoded",
                frames=frames,
            )
        if self.lost:
            raise DamagedVideoError(
                f"{path}: damaged; {frames} frames could be decoded, {self.lost} could not",
                frames=frames,
            )

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
