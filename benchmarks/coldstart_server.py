"""A server whose incidents are timed: when its worker was told, when its first frame came.

It is the server of `lastseen serve` in a process of its own, with a standby or without, with ears
where the stages can be heard: what the worker is told and says, and what is logged.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import secrets
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import httpx2
import uvicorn

from api.app import create_app
from api.input_log import Observation
from api.record import opened_record
from api.run_factory import run_factory
from api.server import Server, listen
from api.standby import Standby
from api.targets import load_targets, prepare_ahead
from api.worker_messages import Begin, Engine
from api.worker_process import WorkerProcess
from calibration.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from api.input_log import Logged
    from api.worker_messages import FromWorker, ToWorker
    from api.workers import Worker
    from vision.detect import Device
    from vision.stream_parts import StreamPart

USER = "watcher"
QUIET_S = 1.0
"""The next worker is loaded sooner than in a real server; every trial waits for it anyway."""

_PATIENCE_S = 180.0


@dataclass(frozen=True, slots=True)
class Stages:
    """When the stages of an incident were reached first, Unix seconds; None where they were not.

    Attributes:
        told: its worker was told what to watch.
        first_frame: a frame that came to be used had been decoded.
        all_frames: so of every camera; None while some have none.
        first_observation: the first frame had been looked at and placed.
        first_position: an answer that names somebody was published.
        cameras: how many had a frame that was used.
    """

    told: float | None = None
    first_frame: float | None = None
    all_frames: float | None = None
    first_observation: float | None = None
    first_position: float | None = None
    cameras: int = 0


@dataclass(slots=True)
class _Ears:
    """Hears one incident after another."""

    expected: int = 0
    stages: Stages = field(default_factory=Stages)
    decoded_s: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def again(self, expected: int) -> None:
        """Forget all; the next incident has so many cameras."""
        with self.lock:
            self.expected, self.stages, self.decoded_s = expected, Stages(), {}

    def told(self) -> None:
        """The worker was told to begin."""
        with self.lock:
            if self.stages.told is None:
                self.stages = replace(self.stages, told=time.time())

    def log(self, entry: Logged) -> None:
        """Hear what goes into the locator, and what comes out."""
        with self.lock:
            if isinstance(entry, Observation):
                self._observed(entry)
            elif isinstance(entry, Answer):
                named = bool(entry.subjects) and self.stages.first_position is None
                if named and self.stages.told is not None:
                    self.stages = replace(self.stages, first_position=time.time())

    def _observed(self, seen: Observation) -> None:
        camera, decoded_s = seen.positions.camera, seen.times.decoded_s
        if camera in self.decoded_s or decoded_s is None:
            return
        self.decoded_s[camera] = decoded_s
        times = self.decoded_s.values()
        first = self.stages.first_observation
        self.stages = replace(
            self.stages,
            first_frame=min(times),
            all_frames=max(times) if len(times) == self.expected else None,
            first_observation=seen.times.placed_s if first is None else first,
            cameras=len(times),
        )


class _Heard:
    """A worker whose orders are heard; see `api.workers.Worker`."""

    def __init__(self, worker: Worker, ears: _Ears) -> None:
        self.name = worker.name
        self._worker = worker
        self._ears = ears

    def start(self) -> None:
        self._worker.start()

    def take_pictures(self, take: Callable[[StreamPart], None]) -> None:
        self._worker.take_pictures(take)

    def tell(self, message: ToWorker) -> None:
        self._worker.tell(message)
        if isinstance(message, Begin):
            self._ears.told()

    def receive(self, timeout_s: float) -> Iterator[FromWorker]:
        return self._worker.receive(timeout_s)

    def is_alive(self) -> bool:
        return self._worker.is_alive()

    @property
    def why_ended(self) -> str:
        return self._worker.why_ended

    def stop(self) -> None:
        self._worker.stop()


@dataclass(frozen=True, slots=True)
class Timed:
    """A server whose incidents are timed.

    Attributes:
        url: where it is.
        token: of somebody who may open and see incidents.
        pid: its process id.
        pipe: to its process.
    """

    url: str
    token: str
    pid: int
    pipe: Connection

    def again(self, expected: int) -> None:
        """Begin to hear the next incident, which has so many cameras."""
        self._ask(("again", expected))

    def stages(self) -> Stages:
        """What was heard since then."""
        told: Stages = self._ask(("stages", 0))
        return told

    def warm(self) -> bool:
        """Whether the engine of the next incident is loaded; not so where none is kept ready."""
        return bool(self._ask(("warm", 0)))

    def _ask(self, question: tuple[str, int]) -> Any:  # noqa: ANN401 - an answer to any question
        self.pipe.send(question)
        if not self.pipe.poll(_PATIENCE_S):
            raise RuntimeError("the server does not answer")
        return self.pipe.recv()


@contextlib.contextmanager
def timed_server(
    sites: Sequence[Path], state: Path, standby: int, device: Device = "auto"
) -> Iterator[Timed]:
    """A server of these sites, whose folders' names are their ids.

    Args:
        sites: folders of sites.
        state: folder for its keys and database.
        standby: how many workers wait.
        device: where the detector runs.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    password = secrets.token_urlsafe(16)
    server = context.Process(  # no daemon: it starts workers of its own
        target=_serve, args=(list(sites), state, password, standby, device, there)
    )
    server.start()
    there.close()
    try:
        if not here.poll(_PATIENCE_S):
            raise RuntimeError("the server did not start")
        try:
            url = here.recv()
        except EOFError:
            raise RuntimeError("the server did not start") from None
        with httpx2.Client(base_url=url, timeout=30.0) as client:
            answer = client.post("/v1/sign-in", json={"name": USER, "password": password})
            answer.raise_for_status()
            yield Timed(url, answer.json()["token"], server.pid or 0, here)
    finally:
        here.close()
        server.join(20)
        if server.is_alive():
            server.kill()
            server.join()


def _serve(
    sites: list[Path], state: Path, password: str, standby: int, device: Device, pipe: Connection
) -> None:
    """Serve until the other end of the pipe is closed; the process of `timed_server`."""
    ears = _Ears()
    targets = load_targets(sites)
    with (
        listen("127.0.0.1", 0) as listener,
        opened_record(state, own=True) as record,
        contextlib.closing(
            Standby(WorkerProcess, Engine(device), standby, quiet_s=QUIET_S)
        ) as workers,
    ):
        workers.start()
        prepare_ahead(targets.values()).join()
        factory = run_factory(
            device, log=ears.log, make_worker=lambda engine: _Heard(workers(engine), ears)
        )
        app = create_app(targets, record=record, run_factory=factory)
        app.state.services.accounts.add(
            USER, role="dispatcher", password=password, second_factor=False, by="benchmark",
            now_s=time.time(),
        )  # fmt: skip
        server = Server(uvicorn.Config(app, log_level="warning", access_log=False), app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        host, port = listener.getsockname()[:2]
        pipe.send(f"http://{host}:{port}")
        with contextlib.suppress(EOFError, OSError):
            while True:
                pipe.send(_answered(pipe.recv(), ears, workers))
        server.should_exit = True
        thread.join()


def _answered(question: tuple[str, int], ears: _Ears, workers: Standby) -> Stages | bool | None:
    match question:
        case ("again", expected):
            ears.again(expected)
            return None
        case ("stages", _):
            return ears.stages
        case _:
            return workers.warm > 0
