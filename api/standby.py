"""Workers whose engine is warm before anybody asks: an incident that opens is given one of them.

To load an engine takes many seconds, and the first answer is due within two. A worker in waiting
has loaded its engine and nothing else: it has been told of no site, no camera and no incident, and
holds no connection to anything but this process. What it is to watch it learns with `Begin`, which
only the run of a grant says.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .worker_messages import Failed, Prove, Ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vision.stream_parts import StreamPart

    from .worker_messages import Engine, FromWorker, ToWorker
    from .workers import Worker, WorkerMaker

_log = logging.getLogger(__name__)

QUIET_S = 10.0
"""After a worker was handed over no engine is loaded for so long: it would take the processor from
the feeds that connect and the first frames that are looked at."""

PROVE_EVERY_S = 30.0
"""So often a worker in waiting puts a blank picture through its engine. That shows that it works,
and keeps its memory from being swapped out."""

PROVE_PATIENCE_S = 20.0
LOAD_PATIENCE_S = 600.0
"""To load an engine for the first time on a machine may mean to export it."""

RETRY_S = (1.0, 5.0, 30.0, 120.0)
"""Waits before the next worker is started after one, two, … that failed in turn."""

TICK_S = 0.25


@dataclass(slots=True, eq=False)
class _Waiting:
    """A worker in waiting.

    Attributes:
        worker: the worker.
        born_s: when it was started; this and the times below by the clock of `Standby`.
        ready: what it said once its engine was warm; None before.
        proved_s: when it last showed that it works.
        asked_s: when it was asked to show that; None where it has, or was not asked.
        failure: what it said of its failure; "" where it said nothing.
    """

    worker: Worker
    born_s: float
    ready: Ready | None = None
    proved_s: float = 0.0
    asked_s: float | None = None
    failure: str = ""

    def heard(self, message: FromWorker, now_s: float) -> bool:
        """Take in what it says; whether it has become warm with that."""
        match message:
            case Ready():
                became = self.ready is None
                self.ready, self.proved_s, self.asked_s = message, now_s, None
                return became
            case Failed():
                self.failure = message.reason
        return False

    def trouble(self, now_s: float) -> str:
        """Why it is of no use any more; "" where it is."""
        if self.failure:
            return self.failure
        if not self.worker.is_alive():
            return f"it ended ({self.worker.why_ended})"
        if self.ready is None and now_s - self.born_s > LOAD_PATIENCE_S:
            return f"its engine was not loaded after {LOAD_PATIENCE_S:g} s"
        if self.asked_s is not None and now_s - self.asked_s > PROVE_PATIENCE_S:
            return f"its engine did not answer within {PROVE_PATIENCE_S:g} s"
        return ""

    def prove(self, now_s: float) -> None:
        """Ask it to show that it works, if that is due."""
        due = now_s - self.proved_s >= PROVE_EVERY_S
        if self.ready is not None and self.asked_s is None and due:
            self.asked_s = now_s
            self.worker.tell(Prove())


class WarmWorker:
    """A worker that was started before; see `api.workers.Worker`.

    It says `Ready` once, to whoever took it: at once where it has said so before.

    Args:
        worker: what was started.
        ready: what it said; None while it still loads its engine.
    """

    def __init__(self, worker: Worker, ready: Ready | None) -> None:
        self.name = worker.name
        self._worker = worker
        self._first = ready
        self._said = ready is not None

    def start(self) -> None:
        """Do nothing: it runs."""

    def take_pictures(self, take: Callable[[StreamPart], None]) -> None:
        """Hand on the parts of streams until it has ended."""
        self._worker.take_pictures(take)

    def tell(self, message: ToWorker) -> None:
        """Let it be sent a message."""
        self._worker.tell(message)

    def receive(self, timeout_s: float) -> Iterator[FromWorker]:
        """What it says, `Ready` first and only once."""
        first, self._first = self._first, None
        if first is not None:
            yield first
            timeout_s = 0.0
        for message in self._worker.receive(timeout_s):
            if isinstance(message, Ready):
                if self._said:
                    continue  # an answer to `Prove`, asked before it was handed over
                self._said = True
            yield message

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._worker.is_alive()

    @property
    def why_ended(self) -> str:
        """Why it does not run any more."""
        return self._worker.why_ended

    def stop(self) -> None:
        """End it."""
        self._worker.stop()


class Standby:
    """Keeps workers warm and hands them over: a `WorkerMaker`. Safe to use from any thread.

    One engine is loaded at a time, and none right after a worker was handed over. Whoever comes
    while none is warm is given the one that still loads, and where there is none, or another engine
    is asked for, one that was not started yet.

    Args:
        make: makes a worker that was not started yet.
        engine: what those in waiting load.
        count: how many wait.
        quiet_s: see `QUIET_S`.
        now: a clock that only runs forward, seconds.
    """

    def __init__(
        self,
        make: WorkerMaker,
        engine: Engine,
        count: int = 1,
        *,
        quiet_s: float = QUIET_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._engine = engine
        self._count = count
        self._quiet_s = quiet_s
        self._now = now
        self._lock = threading.Lock()  # held for moments only: a grant may wait for it
        self._waiting: list[_Waiting] = []
        self._start_at_s = now()
        self._failures = 0
        self._why_cold = "its engine is being loaded" if count else ""
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="standby", daemon=True)

    def start(self) -> None:
        """Begin to start workers in a thread."""
        if self._count:
            self._thread.start()

    def close(self) -> None:
        """End those in waiting, within a second, and start no more; may be repeated.

        Workers that were handed over belong to whoever took them.
        """
        self._closing.set()
        with self._lock:
            waiting, self._waiting = self._waiting, []
        _stop(waiting)
        if self._thread.is_alive():
            self._thread.join()

    def __call__(self, engine: Engine) -> Worker:
        """The worker that will be ready first."""
        with self._lock:
            self._start_at_s = max(self._start_at_s, self._now() + self._quiet_s)
            if engine == self._engine:
                usable = [one for one in self._waiting if one.worker.is_alive()]
                usable.sort(key=lambda one: (one.ready is None, one.born_s))
                if usable:
                    taken = usable[0]
                    self._waiting.remove(taken)
                    return WarmWorker(taken.worker, taken.ready)
        return self._make(engine)

    @property
    def warm(self) -> int:
        """How many workers wait whose engine is warm."""
        with self._lock:
            return sum(one.ready is not None for one in self._waiting)

    def why_cold(self) -> str:
        """Why an incident would have to wait for its engine, in words; "" where nothing is wrong.

        That a worker was just handed over and the next is not warm yet is nothing wrong: whoever
        takes a server out of service for that does it in an emergency.
        """
        with self._lock:
            return self._why_cold

    # -- looking after -----------------------------------------------------------------------

    def look_after(self) -> None:
        """Hear those in waiting, replace who failed, and start the next where one is due."""
        now_s = self._now()
        with self._lock:
            failed = self._hear(now_s)
            due = self._due(now_s)
        _stop(failed)
        if not due:
            return
        worker = self._make(self._engine)
        worker.start()
        one = _Waiting(worker, now_s)
        with self._lock:
            if not self._closing.is_set():
                self._waiting.append(one)
                return
        _stop([one])

    def _hear(self, now_s: float) -> list[_Waiting]:
        """Take in what they say; those that are of no use any more, and wait no longer."""
        failed = []
        for one in self._waiting:
            # Asked before: what a dead worker had said is still in its pipe.
            trouble = one.trouble(now_s)
            for message in one.worker.receive(0.0):
                if one.heard(message, now_s):
                    _log.info("%s is warm after %.1f s", one.worker.name, now_s - one.born_s)
                    self._failures, self._why_cold = 0, ""
            trouble = one.failure or (trouble and one.trouble(now_s))
            if trouble:
                _log.error("%s, which was kept ready, failed: %s", one.worker.name, trouble)
                failed.append(one)
                wait_s = RETRY_S[min(self._failures, len(RETRY_S) - 1)]
                self._failures += 1
                self._start_at_s = max(self._start_at_s, now_s + wait_s)
                self._why_cold = trouble
            elif now_s >= self._start_at_s:
                one.prove(now_s)
        self._waiting = [one for one in self._waiting if one not in failed]
        return failed

    def _due(self, now_s: float) -> bool:
        """Whether the next one is to be started now."""
        loading = any(one.ready is None for one in self._waiting)
        room = len(self._waiting) < self._count
        return room and not loading and now_s >= self._start_at_s and not self._closing.is_set()

    def _run(self) -> None:
        """Look after those in waiting until closed; the outermost frame of its thread."""
        while not self._closing.is_set():
            try:
                self.look_after()
            except Exception:  # noqa: BLE001 - a thread that just ends would leave nobody warm
                _log.exception("looking after the workers in waiting failed")
                with self._lock:
                    self._why_cold = "no worker can be started"
                    self._start_at_s = self._now() + RETRY_S[-1]
            self._closing.wait(TICK_S)


def _stop(workers: list[_Waiting]) -> None:
    """End them all at the same time."""
    ending = [threading.Thread(target=one.worker.stop) for one in workers]
    for thread in ending:
        thread.start()
    for thread in ending:
        thread.join()
