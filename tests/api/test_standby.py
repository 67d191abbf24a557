"""Workers in waiting: kept warm, proved, replaced, handed over, and seeing nobody meanwhile."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import psutil
import pytest

from api.standby import (
    LOAD_PATIENCE_S,
    PROVE_EVERY_S,
    PROVE_PATIENCE_S,
    QUIET_S,
    RETRY_S,
    Standby,
)
from api.worker_messages import Ended, Engine, Failed, Prove, Ready
from api.worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from api.worker_messages import FromWorker, ToWorker
    from vision.stream_parts import StreamPart

PIXELS, BOXES = Engine("cpu"), Engine("cpu", pixels=False)
WING = Path(__file__).parents[2] / "benchmarks" / "drills" / "wing"
LASTSEEN = [sys.executable, "-c", "from api.cli import main; main()", "serve"]
_PATIENCE_S = 90.0


@dataclass
class FakeWorker:
    """A worker that says what a test lets it say."""

    engine: Engine
    name: str = "worker"
    started: bool = False
    stopped: bool = False
    alive: bool = True
    told: list[ToWorker] = field(default_factory=list)
    says: deque[FromWorker] = field(default_factory=deque)
    why_ended: str = "exit code -9"

    def start(self) -> None:
        self.started = True

    def take_pictures(self, take: Callable[[StreamPart], None]) -> None:
        pass

    def tell(self, message: ToWorker) -> None:
        self.told.append(message)

    def receive(self, timeout_s: float) -> Iterator[FromWorker]:  # noqa: ARG002
        while self.says:
            yield self.says.popleft()

    def is_alive(self) -> bool:
        return self.alive

    def stop(self) -> None:
        self.stopped = True


class Desk:
    """A standby, stepped tick by tick, and the workers that it had made."""

    def __init__(self, count: int = 1) -> None:
        self.now_s = 1000.0
        self.made: list[FakeWorker] = []
        self.standby = Standby(self._make, PIXELS, count, now=lambda: self.now_s)

    def _make(self, engine: Engine) -> FakeWorker:
        self.made.append(FakeWorker(engine, f"worker {len(self.made)}"))
        return self.made[-1]

    def tick(self, seconds: float = 0.0) -> None:
        self.now_s += seconds
        self.standby.look_after()

    def warmed(self) -> FakeWorker:
        """The newest worker, once it has said that it is warm."""
        self.tick()
        self.made[-1].says.append(Ready("a backend"))
        self.tick()
        return self.made[-1]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_it_starts_as_many_as_are_to_wait(count: int) -> None:
    desk = Desk(count)
    for _ in range(count + 2):
        desk.tick()
        if desk.made:
            desk.made[-1].says.append(Ready("a backend"))
    assert (len(desk.made), desk.standby.warm) == (count, count)
    assert all(one.started for one in desk.made)


def test_only_one_engine_is_loaded_at_a_time() -> None:
    desk = Desk(2)
    desk.tick()
    desk.tick(60.0)
    assert len(desk.made) == 1
    desk.made[0].says.append(Ready("a backend"))
    desk.tick()
    assert len(desk.made) == 2


def test_a_warm_one_is_handed_over_and_says_ready_once_to_whoever_takes_it() -> None:
    desk = Desk()
    fake = desk.warmed()
    taken = desk.standby(PIXELS)
    taken.start()
    assert (taken.name, desk.standby.warm, len(desk.made)) == ("worker 0", 0, 1)
    fake.says.extend([Ready("asked for by the standby"), Ended(0)])
    assert list(taken.receive(0.0)) == [Ready("a backend"), Ended(0)]
    fake.says.append(Ready("again"))
    assert list(taken.receive(0.0)) == []


def test_one_that_still_loads_is_nearer_than_one_that_was_not_started() -> None:
    desk = Desk()
    desk.tick()
    taken = desk.standby(PIXELS)
    assert (len(desk.made), list(taken.receive(0.0))) == (1, [])
    desk.made[0].says.extend([Ready("a backend"), Ready("again")])
    assert list(taken.receive(0.0)) == [Ready("a backend")]


def test_of_two_the_warm_one_is_handed_over() -> None:
    desk = Desk(2)
    desk.warmed()
    desk.tick()
    assert len(desk.made) == 2, "the second is loading"
    assert desk.standby(PIXELS).name == "worker 0"
    assert desk.standby(PIXELS).name == "worker 1"


@pytest.mark.parametrize(
    ("engine", "before"),
    [
        pytest.param(PIXELS, "nobody waits", id="nobody waits"),
        pytest.param(PIXELS, "dead", id="the one in waiting has died"),
        pytest.param(BOXES, "warm", id="another engine is asked for"),
    ],
)
def test_otherwise_a_new_one_is_made_and_not_started(engine: Engine, before: str) -> None:
    desk = Desk()
    if before != "nobody waits":
        desk.warmed().alive = before == "warm"
    there = len(desk.made)
    taken = desk.standby(engine)
    assert taken is desk.made[there]
    assert not desk.made[there].started
    assert desk.made[there].engine == engine


def test_the_next_is_started_once_it_is_quiet() -> None:
    desk = Desk()
    desk.warmed()
    desk.standby(PIXELS)
    desk.tick(QUIET_S - 0.1)
    assert len(desk.made) == 1
    desk.standby(BOXES).stop()  # another incident opens, and closes again
    desk.tick(QUIET_S - 0.1)
    assert [one.engine for one in desk.made] == [PIXELS, BOXES]
    desk.tick(0.1)
    assert [one.started for one in desk.made] == [True, False, True]
    assert desk.standby.why_cold() == "", "it is nothing wrong that the next is not warm yet"


def test_it_has_them_prove_that_they_work_and_replaces_one_that_does_not_answer() -> None:
    desk = Desk()
    fake = desk.warmed()
    desk.tick(PROVE_EVERY_S)
    desk.tick(PROVE_PATIENCE_S)
    assert fake.told == [Prove()]
    fake.says.append(Ready("a backend"))
    desk.tick(1.0)
    assert (desk.standby.warm, fake.stopped) == (1, False), "it answered late, and works"
    desk.tick(PROVE_EVERY_S)
    assert fake.told == [Prove(), Prove()]
    desk.tick(PROVE_PATIENCE_S + 1.0)
    assert fake.stopped
    assert desk.standby.warm == 0
    assert "did not answer" in desk.standby.why_cold()
    desk.tick(RETRY_S[0])
    assert len(desk.made) == 2


def test_none_proves_anything_while_an_incident_starts() -> None:
    desk = Desk(2)
    desk.warmed()
    fake = desk.warmed()
    assert desk.standby.warm == 2
    desk.now_s += PROVE_EVERY_S
    desk.standby(PIXELS)
    desk.tick(1.0)
    assert fake.told == []


@pytest.mark.parametrize("how", ["dies", "says that it failed", "never becomes warm"])
def test_one_that_fails_is_replaced_and_the_waits_grow(how: str) -> None:
    desk = Desk()
    for wait_s in (*RETRY_S, RETRY_S[-1]):
        desk.tick()
        fake = desk.made[-1]
        if how == "dies":
            fake.alive = False
        elif how == "says that it failed":
            fake.says.append(Failed("the weights are changed"))
        desk.tick(LOAD_PATIENCE_S + 1.0 if how == "never becomes warm" else 0.0)
        assert fake.stopped
        assert desk.standby.why_cold()
        there = len(desk.made)
        desk.tick(wait_s - 0.1)
        assert len(desk.made) == there
        desk.now_s += 0.1
    desk.warmed()
    assert desk.standby.why_cold() == ""


def test_it_says_why_it_is_cold() -> None:
    assert Desk(0).standby.why_cold() == "", "none is to be kept, so none is missing"
    desk = Desk()
    assert desk.standby.why_cold() == "its engine is being loaded"
    desk.tick()
    desk.made[0].says.append(Failed("the weights are changed"))
    desk.tick()
    assert desk.standby.why_cold() == "the weights are changed"


def test_closing_ends_those_in_waiting_and_no_one_else() -> None:
    desk = Desk()
    taken = desk.warmed()
    desk.standby(PIXELS)
    desk.tick(QUIET_S)
    waiting = desk.warmed()
    desk.standby.close()
    desk.standby.close()
    desk.tick(QUIET_S)
    assert (taken.stopped, waiting.stopped, len(desk.made)) == (False, True, 2)


@pytest.mark.parametrize(
    "engine", [BOXES, pytest.param(PIXELS, marks=pytest.mark.slow)], ids=["boxes", "detector"]
)
def test_a_real_worker_in_waiting_sees_nobody(engine: Engine) -> None:
    """No grant, no frame: before `Begin` it has no connection and has opened no recording."""
    made: list[WorkerProcess] = []

    def make(engine: Engine) -> WorkerProcess:
        made.append(WorkerProcess(engine))
        return made[-1]

    here = psutil.Process()
    before = {child.pid for child in here.children(recursive=True)}
    standby = Standby(make, engine)
    standby.start()
    try:
        until_s = time.monotonic() + _PATIENCE_S
        while not standby.warm:
            assert time.monotonic() < until_s, standby.why_cold()
            time.sleep(0.05)
        new = [child for child in here.children(recursive=True) if child.pid not in before]
        [process] = [one for one in new if "spawn_main" in " ".join(one.cmdline())]
        assert process.net_connections("inet") == []
        opened = [file.path for file in process.open_files()]
        assert not [path for path in opened if path.endswith((".mp4", ".mkv", ".ts", ".csv"))]
        taken = standby(engine)
        assert [type(message) for message in taken.receive(1.0)] == [Ready]
    finally:
        standby.close()
        for worker in made:
            worker.stop()
    assert not process.is_running()


def test_a_real_worker_proves_that_it_works() -> None:
    worker = WorkerProcess(BOXES)
    worker.start()
    try:
        for _ in range(3):
            [ready] = worker.receive(_PATIENCE_S)
            assert ready == Ready("recorded boxes")
            worker.tell(Prove())
    finally:
        worker.stop()


@pytest.mark.slow
def test_the_server_keeps_one_and_leaves_none_behind(tmp_path: Path) -> None:
    served = subprocess.Popen(
        [*LASTSEEN, str(WING), "--port", "0", "--state", str(tmp_path / "state")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    server = psutil.Process(served.pid)
    try:
        until_s = time.monotonic() + _PATIENCE_S
        workers: list[psutil.Process] = []
        while not workers:
            assert time.monotonic() < until_s
            assert served.poll() is None
            time.sleep(0.1)
            children = server.children(recursive=True)
            workers = [one for one in children if "spawn_main" in " ".join(one.cmdline())]
        assert served.stdout is not None
        address = served.stdout.readline().split()[-1]
        assert httpx2.get(f"{address}healthz", timeout=_PATIENCE_S).status_code == 200
    finally:
        served.terminate()
        out, _ = served.communicate(timeout=30)
    assert "All incidents are closed." in out
    assert [one for one in workers if one.is_running()] == []
