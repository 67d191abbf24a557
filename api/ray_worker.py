"""Workers on other GPUs and machines: one for each GPU of a Ray cluster."""

from __future__ import annotations

import multiprocessing
import tempfile
import threading
import time
import uuid
import weakref
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .errors import RayError
from .ray_bridge import Cluster, work_through_ray
from .worker import run_worker
from .worker_messages import Failed, Ready
from .worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

    from vision.detect import Device

    from .ray_places import Place
    from .worker_messages import Engine, FromWorker
    from .worker_process import Work

LOOK_S: Final = 60.0

DOUBTS_S: Final = 30.0
"""A place at which a worker was lost is the last to be tried for so long."""


class RayWorker(WorkerProcess):
    """A worker in the cluster, behind a process that talks to it; see `api.workers.Worker`.

    Args:
        engine: what it loads.
        cluster: how it finds its place.
        lost: takes the place at which it failed.
    """

    def __init__(self, engine: Engine, cluster: Cluster, lost: Callable[[str], None]) -> None:
        super().__init__(engine, partial(work_through_ray, cluster))
        self.round = cluster.round
        self.over = False
        self.place = ""
        self._lost = lost

    def receive(self, timeout_s: float) -> Iterator[FromWorker]:
        """All messages that are there; the first says where it is, and so does its name then."""
        for message in super().receive(timeout_s):
            if isinstance(message, Ready) and message.where and not self.place:
                self.place = message.where
                self.name = f"{self.name} on {message.where}"
            if isinstance(message, Failed):
                self._lost(self.place)
            yield message

    @property
    def why_ended(self) -> str:
        """Why it ended where it could not say so itself."""
        return f"its connection to the cluster ended ({super().why_ended})"

    def stop(self) -> None:
        """End it."""
        self.over = True
        super().stop()


class RayWorkers:
    """Makes workers in a cluster: a `WorkerMaker`. Safe to use from any thread.

    The workers that one run has at a time get places apart from each other, and share them with
    those of other runs. Where one of them is lost and all places left have another, its successor
    waits for a machine to join.

    Args:
        address: `host:port` of the cluster's head.
        count: how many workers a run has.
        places: where they can be now, to be told to people.
        work: what they do.
    """

    def __init__(
        self,
        address: str,
        count: int,
        *,
        places: tuple[Place, ...] = (),
        work: Work = run_worker,
    ) -> None:
        self.count = count
        self.places = places
        self._address = address
        self._work = work
        self._server = uuid.uuid4().hex[:12]
        self._lock = threading.Lock()
        self._made: list[weakref.ref[RayWorker]] = []
        self._lost: dict[str, float] = {}

    def __call__(self, engine: Engine) -> RayWorker:
        """A worker that was not started yet."""
        with self._lock:
            now_s = time.monotonic()
            lost = tuple(self._lost.items())
            doubted = frozenset(place for place, at_s in lost if now_s - at_s < DOUBTS_S)
            there = [one for ref in self._made if (one := ref()) is not None and not one.over]
            rounds = [one.round for one in there]
            number = 0
            while rounds.count(round_ := f"{self._server}.{number}") >= self.count:
                number += 1
            alone = Path(tempfile.gettempdir()) / f"lastseen-{self._server}.lock"
            cluster = Cluster(self._address, round_, alone, self._work, doubted)
            worker = RayWorker(engine, cluster, self._note_lost)
            self._made = [weakref.ref(one) for one in [*there, worker]]
        return worker

    def _note_lost(self, place: str) -> None:
        self._lost[place] = time.monotonic()


def workers_in(address: str, count: int | None, device: Device) -> RayWorkers:
    """Return what makes workers in a cluster, after a look at it.

    Args:
        address: `host:port` of the cluster's head.
        count: how many workers a run has; None for one at each place that there is now.
        device: "auto", "cpu" or "cuda".

    Raises:
        RayError: the cluster cannot be used.
    """
    found = look_at(address, gpus=device != "cpu")
    usable = [place for place in found if place.gpu is not None] if device == "cuda" else found
    if not usable:
        raise RayError(
            f"the Ray cluster at {address} has no machine to work on: start one with "
            f"'ray start --address={address}', with {'--num-gpus' if found else '--num-cpus'} "
            "above 0"
        )
    return RayWorkers(address, count or len(usable), places=tuple(usable))


def look_at(address: str, *, gpus: bool = True) -> tuple[Place, ...]:
    """Return the places of a cluster at which a worker can be now, those of the right version.

    It is looked at from a process of its own, as whatever has to do with Ray is.

    Args:
        address: `host:port` of the cluster's head.
        gpus: False where workers are to work on processors.

    Raises:
        RayError: the cluster cannot be used, or a machine of it has another version.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_look, args=(address, theirs, gpus), daemon=True)
    process.start()
    theirs.close()
    try:
        said = ours.recv() if ours.poll(LOOK_S) else f"{address} did not answer in {LOOK_S:g} s"
    except EOFError:
        process.join()
        said = f"the look at {address} ended with exit code {process.exitcode}"
    finally:
        process.kill()
        process.join()
    if isinstance(said, str):
        raise RayError(said)
    return tuple(said)


def _look(address: str, theirs: Connection, gpus: bool) -> None:
    """Say what there is; the entry point of the process."""
    from .ray_cluster import HELLO_S, RemoteWorker, connect, places  # noqa: PLC0415 - of this process only

    try:
        connect(address)
        found = places(gpus=gpus)
        nodes = {place.node_id: place for place in found}.values()
        workers = [RemoteWorker(node, f"look/{uuid.uuid4().hex}") for node in nodes]
        for worker, asked in [(worker, worker.call("hello")) for worker in workers]:
            worker.check(worker.wait(asked, HELLO_S))
            worker.kill()
        theirs.send(found)
    except RayError as error:
        theirs.send(str(error))
