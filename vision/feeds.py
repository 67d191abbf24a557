"""One thread for each camera: it connects, delivers frames, and tries again when they stop."""

from __future__ import annotations

import logging
import random as _random
import threading
import time
import traceback
from contextlib import closing
from typing import TYPE_CHECKING

from .decode_device import PROCESSOR, DecodeDevice
from .errors import FeedLostError, FeedRefusedError, MediaError
from .feed_state import FeedMachine, FeedState, FeedTiming, Phase
from .frames import Frame
from .played_file import play_file
from .rtsp import RtspSource
from .sources import AnyFrame, Session, Source
from .stir import Stir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .address import CameraAddress
    from .connect_gate import ConnectGate
    from .decode_device import Decoder
    from .latest import LatestFrames, Motion
    from .stream_choice import StreamName
    from .video_file import StreamInfo

__all__ = ["Feed", "FeedState", "FeedTiming", "Phase", "live_source", "stop_feeds"]

_log = logging.getLogger(__name__)


def live_source(
    camera: str,
    address: CameraAddress,
    started_at_s: float,
    device: DecodeDevice = PROCESSOR,
    *,
    from_s: float | None = None,
) -> Source:
    """Return the source for an address: the camera itself, or a file played as if live.

    Args:
        camera: camera id.
        address: where the camera is reached.
        started_at_s: capture time of the first frame of a file, Unix seconds.
        device: decodes it.
        from_s: frames of a file that are captured before this (Unix) are left out.
    """
    if address.is_file:
        return play_file(address.path, camera, started_at_s, from_s=from_s, device=device)
    return RtspSource(camera, address, device=device)


def stop_feeds(feeds: Iterable[Feed], timeout_s: float = 1.0) -> bool:
    """Stop many feeds together, within `timeout_s` for all; see `Feed.stop`.

    Returns:
        Whether all their threads ended.
    """
    feeds = list(feeds)
    for feed in feeds:
        feed.let_go()
    deadline_s = time.monotonic() + timeout_s
    ended = [feed.stop(max(0.0, deadline_s - time.monotonic())) for feed in feeds]
    return all(ended)


class Feed:
    """The frames of one camera, put into its slot as they come, and the state of the connection.

    A feed is started once and stopped once. It never raises: what goes wrong is in `state`.

    Args:
        camera: camera id.
        source: makes the frames of one connection.
        frames: the slots that frames are put into.
        timing: how patient the feed is.
        gate: where the feed waits for its turn to connect; without one it connects at once.
        now: the clock, Unix seconds.
        random: gives numbers in 0..1 for the jitter of the pauses; seeded by the camera's id
            unless given.
    """

    def __init__(
        self,
        camera: str,
        source: Source,
        frames: LatestFrames[AnyFrame],
        *,
        timing: FeedTiming | None = None,
        gate: ConnectGate | None = None,
        now: Callable[[], float] = time.time,
        random: Callable[[], float] | None = None,
    ) -> None:
        self.camera = camera
        self._source = source
        self._frames = frames
        self._gate = gate
        self._now = now
        self._machine = FeedMachine(
            camera, now(), timing or FeedTiming(), random or _random.Random(camera).random
        )
        self._lock = threading.Lock()  # guards the machine, the note and the last put
        self._note = ""
        self._next_index = 0
        self._decoder: Decoder | None = None
        self._stir = Stir()
        self._moves = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"feed {camera}", daemon=True)

    def start(self) -> None:
        """Begin to connect.

        Raises:
            RuntimeError: the feed was started before.
        """
        self._thread.start()

    def let_go(self) -> None:
        """Tell the feed to end, without waiting: from now on no frame of it is put."""
        with self._lock:
            self._stop.set()
            self._machine.stopped(self._now(), "stopped")
        if self._gate is not None:
            self._gate.withdraw(self.camera)

    def stop(self, timeout_s: float = 1.0) -> bool:
        """End the feed; after this returns no frame of it is put, and none of it waits.

        Returns:
            Whether the thread ended within `timeout_s`. It does not where FFmpeg waits for a
            server that answered at first and then fell silent during the opening; it then ends
            by itself, at the latest 10 s later, without reading or delivering a frame.
        """
        self.let_go()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        self._frames.discard(self.camera)
        return not self._thread.is_alive()

    def state(self, now_s: float) -> FeedState:
        """The state of the feed at `now_s`, Unix seconds."""
        with self._lock:
            return self._machine.state(now_s)

    def _run(self) -> None:
        again = False
        while self._may_connect(again=again):
            again = True
            with self._lock:
                self._machine.connect(self._now())
            try:
                self._play()
            except FeedRefusedError as error:
                self._failed(self._machine.refused, str(error))
            except FeedLostError as error:
                self._failed(self._machine.lost, str(error))
            except MediaError as error:
                return self._failed(self._machine.stopped, str(error))
            except Exception as error:  # noqa: BLE001 - outermost frame of a thread
                # The message is left out: it may hold the address.
                where = "".join(traceback.format_tb(error.__traceback__))
                _log.error(
                    "camera %s: %s in its feed\n%s",
                    self.camera,
                    type(error).__name__,
                    where,
                    extra={"camera": self.camera},
                )
                self._failed(self._machine.lost, f"internal error ({type(error).__name__})")
            else:
                return self._failed(self._machine.stopped, "end of file")
            with self._lock:
                pause_s = self._machine.retry_in_s(self._now())
            self._stop.wait(pause_s)
        return None

    def _may_connect(self, *, again: bool) -> bool:
        if self._gate is not None and not self._gate.enter(
            self.camera, again=again, stopped=self._stop.is_set
        ):
            return False
        return not self._stop.is_set()

    def _connecting_is_over(self) -> None:
        if self._gate is not None:
            self._gate.leave(self.camera)

    def _play(self) -> None:
        """Deliver the frames of one connection."""
        session = Session(
            self._stop,
            self._next_index,
            self._on_opened,
            self._on_note,
            self._given_up,
            self._taken,
            self._on_held,
            lambda: self._moves,
            self._on_sent,
            self._on_decoded_by,
            self._on_reads,
        )
        with closing(self._source(session)) as items:
            for item in items:
                if not self._deliver(item):
                    return
                del item  # a picture is large, and the next one may be long in coming

    def _deliver(self, item: AnyFrame) -> bool:
        """Put the frame into its slot, unless the feed was stopped."""
        motion: Motion = "still"  # recorded boxes show none
        if isinstance(item, Frame):
            motion = self._stir.look(item.luma(), item.captured_at_s)
        self._moves = motion != "still"
        with self._lock:
            if self._stop.is_set():
                return False
            if item.index > self._next_index:
                self._frames.pass_over(self.camera, item.index - self._next_index)
            self._next_index = item.index + 1
            self._machine.frame(self._now(), item.size_px, item.clock, self._note)
            self._frames.put(item, motion)
            return True

    def _failed(self, event: Callable[[float, str], None], reason: str) -> None:
        self._connecting_is_over()
        with self._lock:
            event(self._now(), reason)
            state = self._machine.state(self._now())
        said = (self.camera, state.phase, state.reason)
        _log.info("camera %s: %s: %s", *said, extra={"camera": self.camera})

    def _on_opened(self, info: StreamInfo) -> None:
        self._connecting_is_over()
        with self._lock:
            self._machine.opened(self._now(), info)

    def _on_note(self, note: str) -> None:
        with self._lock:
            self._note = note

    def _given_up(self) -> bool:
        with self._lock:
            return self._machine.given_up(self._now())

    def _taken(self) -> int:
        return self._frames.counts(self.camera).taken

    def _on_sent(self, end: int) -> None:
        with self._lock:
            if not self._stop.is_set() and end > self._next_index:
                self._frames.pass_over(self.camera, end - self._next_index)
                self._next_index = end

    def _on_decoded_by(self, decoder: Decoder) -> None:
        if decoder != self._decoder:  # told with every packet
            self._decoder = decoder
            with self._lock:
                self._machine.decoded_by(decoder)

    def _on_reads(self, stream: StreamName) -> None:
        with self._lock:
            self._machine.reads(stream)

    def _on_held(self) -> None:
        with self._lock:
            self._machine.held(self._now())
