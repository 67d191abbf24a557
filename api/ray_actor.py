"""The worker of a node of a Ray cluster: what runs there, and what it is talked to through.

Ray calls the methods of `CameraActor` from several threads, each kind of call one at a time.
Whoever calls asks for what is there (a long poll) and says what has arrived, so that a call that a
broken connection swallowed can be made again and nothing is lost, doubled or out of order.
"""

from __future__ import annotations

import logging
import os
import pickle
import threading
import time
from collections import deque
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from vision.errors import MediaError

from .drill_files import DrillFeed
from .logs import configure
from .worker_messages import Begin, Failed, Ready, Watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vision.stream_parts import StreamPart

    from .logs import LogSettings
    from .worker_messages import Engine, FromWorker, ToWorker
    from .worker_process import Work

_log = logging.getLogger(__name__)

POLL_S: Final = 1.0
"""A call for messages comes back empty after so long."""

BATCH_BYTES: Final = 64 * 1024
"""A call brings so much, or one message. Ray keeps answers below 100 kB out of its object store."""

MOST_WAITING: Final = 128
MOST_WAITING_BYTES: Final = 4 * 1024 * 1024
"""Beyond either, whoever says something waits: the worker is held up, and drops frames."""

LEASE_S: Final = 15.0
"""A worker that nobody has called for so long ends itself: the server is gone, or cannot be reached
any more, and nobody may look through a camera that it cannot close."""


class Outbox:
    """Messages that wait to be fetched, numbered from 0; from one side to the other, in order."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._first = 0
        self._closed = False
        self._changed = threading.Condition()

    def put(self, message: bytes) -> None:
        """Add one; waits while there are too many.

        Raises:
            BrokenPipeError: nobody will fetch it any more.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._has_room())
            if self._closed:
                raise BrokenPipeError("the other end is closed")
            self._waiting.append(message)
            self._bytes += len(message)
            self._changed.notify_all()

    def _has_room(self) -> bool:
        return len(self._waiting) < MOST_WAITING and self._bytes < MOST_WAITING_BYTES

    def fetch(self, number: int, wait_s: float) -> tuple[list[bytes], bool]:
        """The messages from `number` on, and whether none will follow them.

        Those before have arrived, and are let go of. Waits up to `wait_s` for the first.
        """
        with self._changed:
            while self._waiting and self._first < number:
                self._bytes -= len(self._waiting.popleft())
                self._first += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._waiting or self._closed, wait_s)
            batch: list[bytes] = []
            size = 0
            for message in self._waiting:
                if batch and size + len(message) > BATCH_BYTES:
                    break
                batch.append(message)
                size += len(message)
            return batch, self._closed and len(batch) == len(self._waiting)

    def close(self) -> None:
        """Take no more; what is there can still be fetched."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class MailToRun:
    """The run at the other end of the calls to an actor; see `api.worker_pipes.ToRun`.

    Args:
        node: name of the node that this is on.
    """

    def __init__(self, node: str) -> None:
        self._node = node
        self.outbox = Outbox()
        self._inbox: deque[ToWorker] = deque()
        self._heard = threading.Condition()
        self._number = 0

    def hear(self, number: int, messages: Sequence[bytes]) -> None:
        """Take in what the run says, from its message `number` on; those heard before are not."""
        with self._heard:
            # What the run pickled; whoever can call an actor can run any code here anyway.
            new = [pickle.loads(one) for one in messages[self._number - number :]]  # noqa: S301
            self._inbox.extend(new)
            self._number += len(new)
            self._heard.notify()

    def send(self, message: FromWorker) -> None:
        """Say something; waits while the run does not listen."""
        if isinstance(message, Ready):
            message = replace(message, where=self._node)
        self.outbox.put(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))

    def receive(self) -> ToWorker:
        """The next message, waited for."""
        with self._heard:
            self._heard.wait_for(lambda: self._inbox)
            return self._known(self._inbox.popleft())

    def waiting(self) -> Iterator[ToWorker]:
        """All messages that are there."""
        while True:
            with self._heard:
                if not self._inbox:
                    return
                message = self._inbox.popleft()
            yield self._known(message)

    def _known(self, message: ToWorker) -> ToWorker:
        """The message.

        Raises:
            MediaError: it names recordings that are not here.
        """
        if isinstance(message, Begin | Watch):
            sources = [camera.source for camera in message.cameras]
            for source in sources:
                if isinstance(source, DrillFeed) and not source.path.is_file():
                    _log.error("%s: no such file on %s", source.path, self._node)
                    raise MediaError(
                        f"{self._node} does not have the recordings of this drill; its folder must "
                        "be under the same path on every machine of the cluster"
                    )
        return message


class CameraActor:
    """A worker in the cluster, before and while it works."""

    def __init__(self) -> None:
        self._run: MailToRun | None = None
        self._pictures = Outbox()
        self._called_s = time.monotonic()

    def hello(self) -> str:
        """The version of this project that is installed here."""
        return version("lastseen")

    def start(
        self, work: Work, engine: Engine, node: str, gpu: int | None, log: LogSettings | None
    ) -> bool:
        """Let it load its engine and work; a second call changes nothing.

        Args:
            work: what it does.
            engine: what to load.
            node: name of this node.
            gpu: which of the node's GPUs it works on, from 0; None where it has none.
            log: how its log is written.
        """
        if self._run is not None:
            return True
        # Ray says so to everybody who reserves no processors; the networks know better.
        os.environ.pop("OMP_NUM_THREADS", None)
        if gpu is not None:
            seen = os.environ.get("CUDA_VISIBLE_DEVICES", "")
            os.environ["CUDA_VISIBLE_DEVICES"] = seen.split(",")[gpu] if seen else str(gpu)
        if log is not None:
            configure(log)
        self._called_s = time.monotonic()
        run = self._run = MailToRun(node)
        threading.Thread(target=self._work, args=(work, engine, run), daemon=True).start()
        threading.Thread(target=self._end_alone, daemon=True).start()
        return True

    def hear(self, number: int, messages: Sequence[bytes]) -> bool:
        """Take in what the run says; without a message it only shows that the run is there.

        Args:
            number: of the first message, from 0.
            messages: the next ones; it may have heard some of them before.
        """
        self._called_s = time.monotonic()
        self._started.hear(number, messages)
        return True

    def next_messages(self, number: int) -> tuple[list[bytes], bool]:
        """What it says, from message `number` on, and whether that was all; see `Outbox.fetch`."""
        self._called_s = time.monotonic()
        return self._started.outbox.fetch(number, POLL_S)

    def next_pictures(self, number: int) -> tuple[list[bytes], bool]:
        """Parts of streams, from part `number` on, and whether that was all."""
        return self._pictures.fetch(number, POLL_S)

    @property
    def _started(self) -> MailToRun:
        if self._run is None:
            raise RuntimeError("it was not started")
        return self._run

    def _work(self, work: Work, engine: Engine, run: MailToRun) -> None:
        """Work until the end; the outermost frame of its thread."""
        try:
            work(engine, run, self._hand_on)
        except Exception as error:  # noqa: BLE001 - a thread that just ends looks healthy
            _log.exception("the worker met an error")
            run.send(Failed(f"an error in the worker: {type(error).__name__}"))
        run.outbox.close()
        self._pictures.close()

    def _hand_on(self, part: StreamPart) -> None:
        self._pictures.put(pickle.dumps(part, pickle.HIGHEST_PROTOCOL))

    def _end_alone(self) -> None:
        while time.monotonic() - self._called_s < LEASE_S:
            time.sleep(POLL_S)
        _log.error("nobody has asked for %g s: the worker ends", LEASE_S)
        os._exit(1)
