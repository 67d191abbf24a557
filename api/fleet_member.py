"""One worker of a fleet, and what it said last."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING

from .worker_messages import Begin, Watch
from .worker_silence import Silence

if TYPE_CHECKING:
    from collections.abc import Callable

    from vision.stream_parts import StreamPart

    from .runs import CameraStatus
    from .worker_messages import CameraJob, FromWorker, WorkerJob
    from .workers import Worker

    Inbox = queue.Queue[tuple["Member", FromWorker | None]]

LISTENS_S = 0.25
BREATHES_S = 0.002

TRACKS_A_WORKER = 1_000_000
"""More tracks than a worker makes of one camera in any incident."""


class Member:
    """One worker of a fleet.

    Everything but the listening happens in the fleet's thread.

    Attributes:
        worker: the worker.
        number: how many of this run's workers came before it.
        born_s: when it was started, Unix seconds.
        backend: what its engine runs on; "" until it is ready.
        cameras: what it watches, by id.
        states: what it said last of them.
        bound_s: the longest that any of its cameras goes without a look, as it said; None while
            all their frames fit.
        silence: for how long it has said nothing.
        doubted_until_s: until then others are preferred to it, Unix seconds: it fell silent before.
        failure: what it said of its failure; "" where it said nothing.
        gone: whether it has died and all that it had said was heard.
    """

    def __init__(self, worker: Worker, number: int, born_s: float) -> None:
        self.worker = worker
        self.number = number
        self.born_s = born_s
        self.backend = ""
        self.cameras: frozenset[str] = frozenset()
        self.states: dict[str, CameraStatus] = {}
        self.bound_s: float | None = None
        self.silence = Silence()
        self.doubted_until_s = 0.0
        self.failure = ""
        self.gone = False
        self._watch: int | None = None
        self._ended: int | None = None
        self._deaf = threading.Event()
        self._listening: threading.Thread | None = None

    def start(self, inbox: Inbox, take_pictures: Callable[[StreamPart], None]) -> None:
        """Start the worker, and put what it says into the inbox; None after the last."""
        self.worker.start()
        self.worker.take_pictures(take_pictures)
        self._listening = threading.Thread(
            target=self._listen, args=(inbox,), name=f"listening to {self.worker.name}", daemon=True
        )
        self._listening.start()

    def _listen(self, inbox: Inbox) -> None:
        last = False
        while not last and not self._deaf.is_set():
            # Asked before: what a dead worker had said is still in its pipe.
            last = not self.worker.is_alive()
            began_s = time.monotonic()
            for message in self.worker.receive(0.0 if last else LISTENS_S):
                last = False
                self._hear()
                if not self._put(inbox, message):
                    return
            if not last and time.monotonic() - began_s < BREATHES_S:
                self._deaf.wait(BREATHES_S)  # its pipe has ended, and it has not yet
        self._put(inbox, None)

    def _put(self, inbox: Inbox, message: FromWorker | None) -> bool:
        """Put a message where there is room; a full inbox holds the worker up."""
        while not self._deaf.is_set():
            try:
                inbox.put((self, message), timeout=LISTENS_S)
            except queue.Full:
                self._hear()  # it is held up, and does not hang
                continue
            return True
        return False

    def _hear(self) -> None:
        # A worker that was not told to begin has nothing to say.
        if self.began:
            self.silence.heard()

    @property
    def first_track(self) -> int:
        """Number of this worker's track 0 among those of the run.

        Each counts anew, and its first track is not the first track of another.
        """
        return self.number * TRACKS_A_WORKER

    @property
    def ready(self) -> bool:
        """Whether its engine is warm and it has not died."""
        return bool(self.backend) and not self.gone

    @property
    def began(self) -> bool:
        """Whether it was told what to watch."""
        return self._watch is not None

    @property
    def ended(self) -> bool:
        """Whether all that it was told to watch has come to its end."""
        return not self.cameras or (self._watch is not None and self._ended == self._watch)

    def has_ended(self, watch: int) -> None:
        """It said that all recordings of this order have ended."""
        self._ended = watch

    def watch(self, job: WorkerJob, cameras: tuple[CameraJob, ...]) -> None:
        """Let it watch exactly these cameras."""
        self.cameras = frozenset(camera.camera for camera in cameras)
        self.states = {id_: state for id_, state in self.states.items() if id_ in self.cameras}
        if self._watch is None:
            self._watch = 0
            self.silence.heard()
            self.worker.tell(Begin(job, cameras))
        else:
            self._watch += 1
            self.worker.tell(Watch(cameras, self._watch))

    def stop(self) -> None:
        """End the worker; nothing that it says is put any more."""
        self._deaf.set()
        self.worker.stop()
        if self._listening is not None:
            self._listening.join(1.0)
