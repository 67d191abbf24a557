"""Where pictures are decoded: by an NVIDIA card's own decoder (NVDEC) where there is one.

Whether there is one is tried once, by decoding a picture: a card may be there and its decoder not,
as in a container that was given the card for computing only. Pictures come back into the
machine's memory (as NV12), so all that is done with them is the same on every machine; what
the decoder does not know it leaves to the processor by itself.
"""

from __future__ import annotations

import functools
import logging
import threading
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, Literal

import av
import av.error
import av.logging
from av.codec.hwaccel import HWAccel

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame

    from .detect import Device

_log = logging.getLogger(__name__)

HARDWARE_FORMATS: Final = frozenset({"nv12", "p010le"})
"""How pictures come from the card; the processor's own decoders give planes of their own."""

Decoder = Literal["processor", "graphics card"]
"""What makes pictures of packets."""

_PICTURE_PX: Final = 256
"""No decoder refuses a picture of this size for being too small."""


class DecodeDevice:
    """The decoder of this machine, and whether it can still be relied on.

    Safe to use from any thread.

    Args:
        probe: gives what to open videos with, None for the processor; asked again when videos
            cannot be opened.
    """

    def __init__(self, probe: Callable[[], HWAccel | None]) -> None:
        self._probe = probe
        self._lock = threading.Lock()
        self._accel = probe()

    @property
    def name(self) -> str:
        """What decodes, in words."""
        return "the processor" if self._accel is None else "the graphics card (NVDEC)"

    def opened(self, open_video: Callable[[HWAccel | None], InputContainer]) -> InputContainer:
        """Open a video with this device, or without it where it is the device that fails.

        Args:
            open_video: opens it; may be called twice.

        Raises:
            av.error.FFmpegError: the video cannot be opened either way.
        """
        accel = self._accel
        try:
            return open_video(accel)
        except av.error.FFmpegError:
            if accel is None or self._still_works():
                raise
        return open_video(None)

    def _still_works(self) -> bool:
        with self._lock:
            if self._accel is not None:
                self._accel = self._probe()
                if self._accel is None:
                    _log.warning("the graphics card does not decode any more; the processor does")
            return self._accel is not None


PROCESSOR: Final = DecodeDevice(lambda: None)


@functools.cache
def decode_device(device: Device) -> DecodeDevice:
    """The decoder to use where networks run on `device`; tried once in each process.

    Without a card, or on "cpu", it is the processor.
    """
    if device == "cpu":
        return PROCESSOR
    found = DecodeDevice(nvdec)
    _log.info("videos are decoded by %s", found.name)
    return found


def nvdec() -> HWAccel | None:
    """What to open videos with so that the card decodes them; None where it cannot."""
    # One context of the card for all streams: each of its own would take some 200 MB.
    accel = HWAccel("cuda", allow_software_fallback=True, options={"primary_ctx": "1"})
    return accel if decodes(accel) else None


def decodes(accel: HWAccel) -> bool:
    """Whether a picture decoded this way really comes from the card."""
    quiet = av.logging.get_level()
    av.logging.set_level(None)  # that there is no card is no error
    try:
        decoder = av.CodecContext.create("h264", "r", hwaccel=accel)
        pictures: list[VideoFrame] = []
        for packet in _one_picture():
            pictures += decoder.decode(packet)
        pictures += decoder.decode(None)
    except (av.error.FFmpegError, NotImplementedError):
        return False
    finally:
        av.logging.set_level(quiet)
    return bool(pictures) and pictures[0].format.name in HARDWARE_FORMATS


def _one_picture() -> list[Packet[Any]]:
    """A grey picture as H.264."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width = encoder.height = _PICTURE_PX
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, 10)
    picture = av.VideoFrame(_PICTURE_PX, _PICTURE_PX, "yuv420p")
    for plane in picture.planes:
        plane.update(bytes([128]) * plane.buffer_size)
    return [*encoder.encode(picture), *encoder.encode(None)]
