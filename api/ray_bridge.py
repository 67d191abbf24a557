"""The process between a run and one of its workers in a Ray cluster.

Ray's client ends the process that it is in when it loses its cluster for long, and some of its
calls wait for a machine that is no more. Neither may happen to the server. So each worker in the
cluster has a process beside the server that is to it what a worker process is: it carries messages
between the pipe and the actor, and ends with either.

Where the cluster cannot be reached, or has no machine left that can work, one of these processes
works itself.
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
import os
import pickle
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from filelock import FileLock, Timeout

from .errors import RayError
from .logs import settings_for
from .ray_cluster import (
    HELLO_S,
    RemoteWorker,
    TakenError,
    UnreachableError,
    connect,
    free_places,
    places,
)
from .worker import run_worker
from .worker_messages import Failed, Ready
from .worker_pipes import PipeToRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

    from vision.stream_parts import StreamPart

    from .worker_messages import Engine, FromWorker, ToWorker
    from .worker_pipes import ToRun
    from .worker_process import Work

_log = logging.getLogger(__name__)

LOOKS_AGAIN_S: Final = 1.0
"""A worker without a place looks for one so often: a node may join, or another run end."""

AVOIDS_S: Final = 60.0
"""A place at which no worker could be started is left alone for so long."""

BROKEN_S: Final = 1.5
"""A worker that Ray cannot reach for so long is taken for dead. Its cameras move without waiting
for that, as soon as it has said nothing for a while; see `api.fleet`."""

SAYS_EVERY_S: Final = 1.0
WAITS_S: Final = 0.25
MOST_AT_ONCE: Final = 64
KILL_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class Cluster:
    """How a worker finds its place.

    Attributes:
        address: `host:port` of the cluster's head.
        round: see `api.ray_places.emptiest_first`.
        alone: file that is locked by the process that works itself.
        work: what the worker does.
        doubted: places, as text, at which a worker was lost just now: Ray may not know it yet.
    """

    address: str
    round: str
    alone: Path
    work: Work = run_worker
    doubted: frozenset[str] = frozenset()


def work_through_ray(
    cluster: Cluster, engine: Engine, run: ToRun, hand_on: Callable[[StreamPart], None]
) -> None:
    """Let a worker in the cluster work for a run, until either ends; as `run_worker`.

    It ends the process that it is called in.

    Args:
        cluster: where.
        engine: what it loads.
        run: the run, at the other end of a pipe.
        hand_on: takes the parts of streams.
    """
    if not isinstance(run, PipeToRun):
        raise TypeError(f"a worker in a cluster is talked to through a pipe, not {type(run)}")
    pipe = BridgePipe(run.connection)
    if logging.getLogger().handlers:
        sys.stdout = sys.stderr = RayTalk()
    try:
        worker = placed(cluster, engine, pipe)
        if worker is None:
            cluster.work(engine, pipe, hand_on)
        else:
            Bridge(worker, pipe, hand_on).carry(cluster.work, engine)
    except RayError as error:
        with contextlib.suppress(OSError):
            pipe.send(Failed(str(error)))
    except (EOFError, OSError):
        pass  # the run has gone
    except Exception:  # noqa: BLE001 - the outermost frame; ended below, without a word
        _log.exception("a process that talks to a cluster met an error")
        os._exit(1)
    os._exit(0)  # Ray's own way out may wait for a cluster that is gone


class RayTalk(io.TextIOBase):
    """What Ray prints in this process goes into its log: pages of it when a machine is lost."""

    def write(self, text: str) -> int:
        """Log it."""
        if text.strip():
            _log.info("Ray: %s", text.strip())
        return len(text)


class BridgePipe(PipeToRun):
    """The run at the other end of a pipe, where it may go before anybody works for it.

    Attributes:
        where: what `Ready` says of where the engine is.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._unread: deque[bytes] = deque()
        self.where = ""

    def look(self, wait_s: float) -> None:
        """Wait for what the run says, and keep it.

        Raises:
            EOFError: the run has gone.
        """
        until_s = time.monotonic() + wait_s
        while self.connection.poll(max(until_s - time.monotonic(), 0.0)):
            self._unread.append(self.connection.recv_bytes())

    def take(self, wait_s: float) -> list[bytes]:
        """What the run has said, pickled; waits up to `wait_s` for the first."""
        if self._unread or self.connection.poll(wait_s):
            self.look(0.0)
        return [self._unread.popleft() for _ in range(min(len(self._unread), MOST_AT_ONCE))]

    def send(self, message: FromWorker) -> None:
        """Say something."""
        super().send(replace(message, where=self.where) if isinstance(message, Ready) else message)

    def receive(self) -> ToWorker:
        """The next message, waited for."""
        if self._unread:
            return self._kept()
        return super().receive()

    def waiting(self) -> Iterator[ToWorker]:
        """All messages that are there."""
        while self._unread:
            yield self._kept()
        yield from super().waiting()

    def _kept(self) -> ToWorker:
        return cast("ToWorker", pickle.loads(self._unread.popleft()))  # noqa: S301 - of this server


def placed(cluster: Cluster, engine: Engine, run: BridgePipe) -> RemoteWorker | None:
    """Return a worker that runs somewhere in the cluster; None where this process is to work.

    Waits for as long as all places are taken.

    Raises:
        EOFError: the run has gone.
    """
    connected = waited = False
    avoided: dict[str, float] = {}
    while True:
        try:
            if not connected:
                connect(cluster.address)
                connected = True
            there = places(gpus=engine.device != "cpu")
            lacks = "" if there else "no machine of the cluster is there to work"
        except RayError as error:
            there, lacks = [], str(error)
        now_s = time.monotonic()
        inviting = [place for place in there if avoided.get(place.key, 0.0) <= now_s]
        free = free_places(inviting, cluster.round) if inviting else []
        for place, name in sorted(free, key=lambda one: str(one[0]) in cluster.doubted):
            try:
                return _started(RemoteWorker(place, name), run)
            except TakenError:
                continue
            except RayError as error:
                _log.warning("no worker at %s: %s", place, error)
                avoided[place.key] = time.monotonic() + AVOIDS_S
        if (lacks or not inviting) and _is_alone(cluster.alone):
            why = lacks or "no machine of the cluster could run a worker"
            _log.error("the server works itself: %s", why)
            run.where = "the server itself"
            return None
        if not waited:
            waited = True
            _log.warning("a worker waits for a place in the cluster%s", f": {lacks}" * bool(lacks))
        run.look(LOOKS_AGAIN_S)


def _started(worker: RemoteWorker, run: BridgePipe) -> RemoteWorker:
    """The worker once it runs and is seen to be of this version; killed where it is not."""
    asked = worker.call("hello")
    until_s = time.monotonic() + HELLO_S
    try:
        theirs = None
        while theirs is None and time.monotonic() < until_s:
            theirs = worker.wait(asked, WAITS_S)
            run.look(0.0)
        worker.check(theirs)
    except (RayError, EOFError, OSError):
        worker.kill()
        raise
    return worker


_locks: list[FileLock] = []


def _is_alone(path: Path) -> bool:
    """Whether this process is the one that works itself, from now on until it ends."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    _locks.append(lock)
    return True


class Bridge:
    """Carries messages between the pipes of this process and a worker in the cluster."""

    def __init__(
        self, worker: RemoteWorker, run: BridgePipe, hand_on: Callable[[StreamPart], None]
    ) -> None:
        self._worker = worker
        self._run = run
        self._hand_on = hand_on

    def carry(self, work: Work, engine: Engine) -> None:
        """Let the worker load its engine, and carry messages until it ends.

        Raises:
            RayError: it died, or cannot be reached.
            OSError: the run has gone.
        """
        place = self._worker.place
        log = settings_for("")
        self._answer(partial(self._worker.call, "start", work, engine, str(place), place.gpu, log))
        threading.Thread(target=self._tell, daemon=True).start()
        threading.Thread(target=self._carry_pictures, daemon=True).start()
        self._fetch("next_messages", self._run.connection.send_bytes)

    def _fetch(self, method: str, send: Callable[[bytes], None]) -> None:
        """Carry over what the worker has, in order, to its last message."""
        ask = partial(self._worker.call, method)
        number, last = 0, False
        asked = ask(number)
        while not last:
            batch, last = self._answer(partial(ask, number), asked)
            number += len(batch)
            asked = None if last else ask(number)
            for message in batch:
                send(message)  # waits while the run does not listen, and so does the worker then

    def _carry_pictures(self) -> None:
        # Whoever fetches messages hears of the end too, and says so.
        with contextlib.suppress(RayError, OSError):
            self._fetch("next_pictures", lambda part: self._hand_on(pickle.loads(part)))  # noqa: S301

    def _tell(self) -> None:
        """Carry over what the run says, and show the worker that it is there."""
        number = 0
        try:
            while True:
                said = self._run.take(SAYS_EVERY_S)
                hear = partial(self._worker.call, "hear", number, said)
                self._answer(hear, meanwhile=lambda: self._run.look(0.0))
                number += len(said)
        except RayError:
            return  # the same
        except (EOFError, OSError):
            killing = threading.Thread(target=self._worker.kill, daemon=True)
            killing.start()
            killing.join(KILL_S)  # where it cannot be, it ends with this process
            os._exit(0)

    def _answer(
        self,
        ask: Callable[[], Any],
        asked: Any = None,  # noqa: ANN401 - of ray
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Any:  # noqa: ANN401 - whatever was asked for
        """The answer to a call that may be made twice, asked for again where the connection broke.

        Raises:
            RayError: the worker died, or cannot be reached.
        """
        asked = ask() if asked is None else asked
        broken_at_s = math.inf
        while True:
            try:
                answer = self._worker.wait(asked, WAITS_S)
                if answer is not None:
                    return answer
            except UnreachableError:
                broken_at_s = min(broken_at_s, time.monotonic())
                asked = ask()
            meanwhile()
            if time.monotonic() - broken_at_s > BROKEN_S:
                raise UnreachableError(f"{self._worker.place} cannot be reached")
