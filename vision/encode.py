"""Pictures of one camera to fragmented H.264, one fragment for each, at once.

Every fragment leaves as soon as its picture is encoded: no B-frames, no look-ahead, and each packet
is put into `moof` and `mdat` boxes by itself (a muxer that is given them in a row holds each back
until the next one comes, to learn its duration). A producer reference time box (`prft`, ISO/IEC
14496-12, 8.16.5) before each says when the picture was captured.
"""

from __future__ import annotations

import contextlib
import functools
import io
import struct
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.codec.context import Flags
from av.error import FFmpegError
from av.video.frame import PictureType
from av.video.stream import VideoStream

from .errors import EncodeError
from .stream_parts import Fragment, StreamHead

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from av.packet import Packet
    from numpy.typing import NDArray

FPS = 15
"""Pictures a second of a stream. Cameras indoors give 5 to 15, detection uses as many as it can:
more would only repeat them."""

KEYFRAME_EVERY = 2 * FPS
"""A player that comes in between begins with the last one, so at most so many pictures back."""

TIMESCALE = 90_000
_TICKS = TIMESCALE // FPS
_NTP_EPOCH_S = 2_208_988_800  # 1900 to 1970, RFC 5905
_CAPTURED = 24  # flags of `prft`: the time is that of capture
_TRACK = 1
_RATE_BITS = 1_500_000

_MUXING = "empty_moov+default_base_moof+frag_discont+skip_trailer+cmaf"

_SETTINGS: dict[str, dict[str, str]] = {
    "h264_nvenc": {
        "preset": "p2",
        "tune": "ull",
        "zerolatency": "1",
        "delay": "0",
        "forced-idr": "1",
        "profile": "baseline",
        "rc": "vbr",
        "cq": "27",
    },
    "libx264": {
        "preset": "superfast",
        "tune": "zerolatency",
        "profile": "baseline",
        "forced-idr": "1",
        "crf": "25",
        "maxrate": str(_RATE_BITS),
        "bufsize": str(_RATE_BITS // 2),
    },
}
"""Encoders in the order in which they are tried, with what makes them answer at once."""


class Encoder:
    """Encodes the pictures of one camera; they are shown one after the other, `FPS` a second.

    Args:
        camera: camera id.
        epoch: see `StreamHead`.
        size_px: (width, height) of the pictures, even numbers.
        codec: name of the encoder; the first that works here if None, or one after it where that
            takes no more streams: a GPU may encode a few at once only.

    Raises:
        EncodeError: there is no such encoder here, or it takes no such pictures.
    """

    def __init__(
        self, camera: str, epoch: int, size_px: tuple[int, int], codec: str | None = None
    ) -> None:
        self._camera, self._epoch = camera, epoch
        self._stream = _first_opened(size_px) if codec is None else _opened(codec, size_px)
        self._codec = self._stream.codec_context
        self._number = 0
        self._times: dict[int, tuple[float, float]] = {}
        extradata = bytes(self._codec.extradata or b"")
        init = _boxes(self._muxed(None, 1), "ftyp", "moov")
        self.head = StreamHead(camera, epoch, _codec_string(extradata), size_px, init)

    def encode(
        self, image: NDArray[np.uint8], captured_at_s: float, now_s: float, *, key: bool = False
    ) -> list[Fragment]:
        """The fragments that are ready: the picture's own, with every encoder that is used here.

        Args:
            image: `(H, W, 3)` uint8, BGR, of the size given.
            captured_at_s: when it was captured, Unix seconds.
            now_s: the moment, Unix seconds.
            key: whether a player must be able to begin with it.

        Raises:
            EncodeError: the encoder does not go on.
        """
        frame = av.VideoFrame.from_ndarray(image, format="bgr24")
        frame.pts = self._number * _TICKS
        frame.time_base = Fraction(1, TIMESCALE)
        if key or self._number % KEYFRAME_EVERY == 0:
            frame.pict_type = PictureType.I
        self._times[frame.pts] = (captured_at_s, now_s)
        self._number += 1
        try:
            return [self._fragment(packet) for packet in self._codec.encode(frame)]
        except FFmpegError as error:
            raise EncodeError(f"{self._codec.name} does not go on: {error}") from error

    def _fragment(self, packet: Packet[VideoStream]) -> Fragment:
        ticks = packet.pts or 0
        captured_at_s, encoded_at_s = self._times.pop(ticks)
        number = ticks // _TICKS
        packet.duration = _TICKS
        packet.time_base = Fraction(1, TIMESCALE)
        keyframe = packet.is_keyframe
        media = _boxes(self._muxed(packet, number + 1), "moof", "mdat")
        return Fragment(
            self._camera,
            self._epoch,
            number,
            keyframe,
            number / FPS,
            1.0 / FPS,
            captured_at_s,
            encoded_at_s,
            _reference_time(captured_at_s, ticks) + media,
        )

    def _muxed(self, packet: Packet[VideoStream] | None, number: int) -> bytes:
        """A whole file that holds one packet, or none."""
        out = io.BytesIO()
        options = {"movflags": _MUXING, "fragment_index": str(number), "use_editlist": "0"}
        with av.open(out, "w", format="mp4", options=options) as container:
            stream = container.add_stream_from_template(self._stream)
            stream.time_base = Fraction(1, TIMESCALE)
            container.start_encoding()
            if packet is not None:
                packet.stream = stream
                container.mux_one(packet)
        return out.getvalue()


@functools.lru_cache(maxsize=1)
def best_codec() -> str:
    """Name of the first encoder that works on this machine: that of a GPU where there is one.

    Raises:
        EncodeError: none does.
    """
    for name in _SETTINGS:
        try:
            _opened(name, (320, 240))
        except EncodeError:
            continue
        return name
    raise EncodeError(f"no H.264 encoder works here; tried {', '.join(_SETTINGS)}")


def _first_opened(size_px: tuple[int, int]) -> VideoStream:
    """As `_opened`, of the best encoder that takes one more stream."""
    names = list(_SETTINGS)
    *before, last = names[names.index(best_codec()) :]
    for name in before:
        with contextlib.suppress(EncodeError):
            return _opened(name, size_px)
    return _opened(last, size_px)


def _opened(name: str, size_px: tuple[int, int]) -> VideoStream:
    """A stream of an output that is never written, with its encoder open."""
    width, height = size_px
    if width % 2 or height % 2:
        raise EncodeError(f"size {width}x{height}: H.264 needs even numbers")
    try:
        output = av.open(io.BytesIO(), "w", format="mp4")
        stream = output.add_stream(name, rate=FPS, options=dict(_SETTINGS.get(name, {})))
        if not isinstance(stream, VideoStream):
            raise EncodeError(f"{name} encodes no video")
        codec = stream.codec_context
        codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
        codec.time_base = Fraction(1, TIMESCALE)
        codec.framerate = Fraction(FPS)
        codec.gop_size = KEYFRAME_EVERY
        codec.max_b_frames = 0
        codec.thread_count = 1
        codec.flags |= Flags.global_header
        codec.open()
        output.start_encoding()  # now the stream has the parameters that others are made from
    except (FFmpegError, ValueError) as error:
        raise EncodeError(f"{name} cannot encode {width}x{height}: {error}") from error
    return stream


def _codec_string(extradata: bytes) -> str:
    """The codecs parameter of RFC 6381: profile, constraints and level of the parameter set."""
    start = extradata.find(b"\x00\x00\x01\x67")
    if start < 0:
        raise EncodeError("the encoder gives no parameter set ahead of its pictures")
    return f"avc1.{extradata[start + 4 : start + 7].hex().upper()}"


def _reference_time(captured_at_s: float, ticks: int) -> bytes:
    """A `prft` box of version 1: NTP time of capture, and the media time that it belongs to."""
    ntp = round((captured_at_s + _NTP_EPOCH_S) * 2**32)
    return struct.pack(">I4sIIQQ", 32, b"prft", 1 << 24 | _CAPTURED, _TRACK, ntp, ticks)


def _boxes(file: bytes, *wanted: str) -> bytes:
    """The top-level boxes of those types, in the order of the file."""
    return b"".join(box for kind, box in _top_level(file) if kind in wanted)


def _top_level(file: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while at + 8 <= len(file):
        size = int.from_bytes(file[at : at + 4], "big")
        if size < 8:  # noqa: PLR2004 - a box is at least its own header
            return
        yield file[at + 4 : at + 8].decode("latin-1"), file[at : at + size]
        at += size
