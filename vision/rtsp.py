"""Live cameras over RTSP: reaching them, and their frames with the time of capture.

RTSP runs over TCP: a lost UDP packet smears the picture until the next key frame, and detection
on a smeared picture is worse than a picture that comes 50 ms later.
"""

from __future__ import annotations

import struct
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

import av
import av.error
import av.logging

from .capture_clock import CaptureClock
from .decode_device import PROCESSOR, DecodeDevice
from .decode_live import LiveDecoder
from .decoded_picture import ToBgr
from .errors import FeedLostError, FeedRefusedError
from .frames import Frame
from .rtsp_reach import reach
from .video_file import stream_info

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from av.codec.hwaccel import HWAccel
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from .address import CameraAddress
    from .sources import AnyFrame, Session

_OPEN_TIMEOUT_S: Final = 5.0
_READ_TIMEOUT_S: Final = 0.4
"""FFmpeg comes back from a silent connection this often, so that a stop is heard. It comes back
between two RTP packets, where reading can go on; in the middle of one it reports an error."""

_OPTIONS: Final = {
    "rtsp_transport": "tcp",
    "allowed_media_types": "video",
    "timeout": str(int(_OPEN_TIMEOUT_S * 1e6)),
    # The stream is described by RTSP itself: probing it would only delay the first frame.
    "analyzeduration": "0",
    "probesize": "32",
}


class RtspSource:
    """The frames of one camera; call it for each new connection.

    Args:
        camera: camera id to put on the frames.
        address: where the camera is reached.
        now: the clock for times of arrival, Unix seconds.
        device: decodes them.
    """

    def __init__(
        self,
        camera: str,
        address: CameraAddress,
        now: Callable[[], float] = time.time,
        *,
        device: DecodeDevice = PROCESSOR,
    ) -> None:
        self._camera = camera
        self._address = address
        self._now = now
        self._device = device
        self._clock = CaptureClock()

    def __call__(self, session: Session) -> Generator[AnyFrame, None, None]:
        """Yield frames until `session.stop` is set.

        Raises:
            FeedRefusedError: the camera does not accept user and password.
            FeedLostError: it cannot be reached, sends nothing decodable, or stopped sending.
        """
        reach(self._address, session.stop.is_set, _OPEN_TIMEOUT_S)
        if session.stop.is_set():
            return
        self._clock.restart()
        to_bgr = ToBgr()
        with self._connected() as (container, stream):
            session.opened(stream_info(stream))
            decoder = LiveDecoder(stream, session.first_index)
            for packet in self._counted(decoder, container, stream, session):
                arrived_at_s = self._now()
                late_s = self._clock.arrive(_pts_s(packet), _wall_s(packet), arrived_at_s)
                session.note(self._clock.note)
                pictures = decoder.pictures(
                    packet,
                    now_s=arrived_at_s,
                    late_s=late_s,
                    taken=session.taken(),
                    moves=session.moves(),
                )
                yield from self._frames(pictures, to_bgr)
                if decoder.decoder is not None:
                    session.decoded_by(decoder.decoder)
                if decoder.holding:
                    session.held()

    def _frames(self, pictures: Iterator[tuple[int, VideoFrame]], to_bgr: ToBgr) -> Iterator[Frame]:
        for index, picture in pictures:
            captured_at_s, clock = self._clock.stamp(_pts_s(picture))
            image = to_bgr.later(picture)
            yield Frame(self._camera, index, captured_at_s, clock, self._now(), image)

    @contextmanager
    def _connected(self) -> Iterator[tuple[InputContainer, VideoStream]]:
        """Open the stream; every error of FFmpeg's inside the block becomes a `FeedError`.

        FFmpeg's own messages hold the whole address, so none of them is kept, nor as a cause.
        """
        av.logging.set_level(None)  # FFmpeg's log would print the address
        try:
            with self._device.opened(self._opened) as container:
                yield container, self._picture(container)
        except (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError):
            raise FeedRefusedError("the camera refuses the user and password") from None
        except av.error.HTTPNotFoundError:
            raise FeedLostError("the camera has no stream of that path (404)") from None
        except av.error.ExitError:
            raise FeedLostError(f"no answer within {_OPEN_TIMEOUT_S:g} s") from None
        except av.error.FFmpegError as error:
            why = self._address.scrub(error.strerror or type(error).__name__)
            raise FeedLostError(f"connection failed: {why}") from None

    def _opened(self, accel: HWAccel | None) -> InputContainer:
        return av.open(
            self._address.reveal(),
            "r",
            options=_OPTIONS,
            timeout=(_OPEN_TIMEOUT_S, _READ_TIMEOUT_S),
            metadata_errors="replace",
            hwaccel=accel,
        )

    @staticmethod
    def _picture(container: InputContainer) -> VideoStream:
        if not container.streams.video:
            raise FeedLostError("the camera sends no picture")
        stream = container.streams.video[0]
        # PyAV types it as never None; it is where FFmpeg has no decoder for the codec.
        if cast("VideoCodecContext | None", stream.codec_context) is None:
            raise FeedLostError("the camera's codec cannot be decoded; set it to H.264 or H.265")
        # One thread a camera: cameras run side by side, and more threads would delay each frame.
        stream.codec_context.thread_count = 1
        return stream

    def _counted(
        self,
        decoder: LiveDecoder,
        container: InputContainer,
        stream: VideoStream,
        session: Session,
    ) -> Iterator[Packet[VideoStream]]:
        """The packets; how many there were is told at the end, also where that is a loss."""
        try:
            yield from self._packets(container, stream, session)
        finally:
            session.sent(decoder.end)

    @staticmethod
    def _packets(
        container: InputContainer, stream: VideoStream, session: Session
    ) -> Iterator[Packet[VideoStream]]:
        while not session.stop.is_set():
            try:
                for packet in container.demux(stream):
                    if session.stop.is_set():
                        return
                    if session.given_up():
                        raise FeedLostError("data came, but no picture could be decoded")
                    if packet.size:
                        yield packet
            except av.error.ExitError:
                if session.given_up():
                    raise FeedLostError("the camera fell silent") from None
            else:
                raise FeedLostError("the camera ended the stream")


def _pts_s(timed: Packet[VideoStream] | VideoFrame) -> float | None:
    if timed.pts is None or not timed.time_base:
        return None
    return float(timed.pts * timed.time_base)


def _wall_s(packet: Packet[VideoStream]) -> float | None:
    """The camera's wall clock for the packet, Unix seconds, from RTCP sender reports.

    FFmpeg attaches it as `AVProducerReferenceTime`, whose first member is int64 microseconds.
    """
    if not packet.has_sidedata("prft"):
        return None
    (wall_us,) = struct.unpack_from("=q", bytes(packet.get_sidedata("prft")))
    return float(wall_us) / 1e6
