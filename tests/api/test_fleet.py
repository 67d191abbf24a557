"""The workers of one run, stepped tick by tick: who has which camera, and what is heard of whom."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from api import worker_silence
from api.drill_files import DrillFeed
from api.fleet import MOVES_S, TRUSTS_AGAIN_S, Fleet
from api.fleet_member import TRACKS_A_WORKER
from api.fleet_slots import RESTART_DELAYS_S
from api.runs import CameraStatus
from api.worker_messages import (
    Attend,
    Begin,
    CameraJob,
    Ended,
    Engine,
    Failed,
    Feeds,
    Labels,
    Observed,
    Ready,
    Show,
    Watch,
    WorkerSite,
)
from calibration.answer import StageTimes
from tests.api import scored_drill
from vision.overlay import TrackLabel
from vision.stream_parts import Drawing, StreamWanted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.run_news import CamerasMoved
    from api.worker_messages import FromWorker, ToWorker

START_S = 1_700_000_000.0


class Clock:
    """Unix and monotonic time that a test moves."""

    def __init__(self) -> None:
        self.now_s = START_S

    def __call__(self) -> float:
        return self.now_s

    def monotonic(self) -> float:
        return self.now_s


@dataclass
class FakeWorker:
    """A worker that says what the test lets it say."""

    name: str
    alive: bool = True
    stopped: bool = False
    told: list[ToWorker] = field(default_factory=list)
    says: queue.Queue[FromWorker] = field(default_factory=queue.Queue)
    why_ended: str = "exit code -9"

    def start(self) -> None:
        """Nothing."""

    def take_pictures(self, take: Callable[[Any], None]) -> None:
        """Nothing."""

    def tell(self, message: ToWorker) -> None:
        self.told.append(message)

    def receive(self, timeout_s: float) -> Iterator[FromWorker]:
        try:
            yield self.says.get(timeout=min(timeout_s, 0.01))
            while True:
                yield self.says.get_nowait()
        except queue.Empty:
            return

    def is_alive(self) -> bool:
        return self.alive

    def stop(self) -> None:
        self.stopped = True
        self.alive = False

    @property
    def cameras(self) -> set[str]:
        """What it was told last to watch."""
        orders = [one for one in self.told if isinstance(one, Begin | Watch)]
        return {camera.camera for camera in orders[-1].cameras} if orders else set()


class Stage:
    """A fleet of fakes."""

    def __init__(self, clock: Clock, folder: Path, cameras: str, size: int) -> None:
        self.clock = clock
        self.workers: list[FakeWorker] = []
        self.moves: list[CamerasMoved] = []
        jobs = tuple(
            CameraJob(camera, DrillFeed(camera, folder / camera, False, 10.0, 0.0))
            for camera in cameras
        )
        self.fleet = Fleet(
            self.make,
            Engine(pixels=False),
            WorkerSite.of(scored_drill.site()),
            jobs,
            lambda _: None,
            size=size,
            tell=self.moves.append,
            now=clock,
        )

    def make(self, _: Engine) -> FakeWorker:
        worker = FakeWorker(f"worker {len(self.workers) + 1}")
        self.workers.append(worker)
        return worker

    def hear(self, until: Callable[[], bool]) -> list[Observed]:
        """Let the fleet take in what was said, until something is so."""
        seen: list[Observed] = []
        before_s = time.monotonic() + 5.0
        while not until():
            assert time.monotonic() < before_s, "in vain"
            for message in self.fleet.receive(0.01):
                assert isinstance(message, Observed)
                seen.append(message)
            self.fleet.look_after()
        return seen

    def say(self, worker: int, *messages: FromWorker) -> list[Observed]:
        """Let a worker say something; what the fleet hands on of it."""
        said = self.workers[worker].says
        for message in messages:
            said.put(message)
        mark = Attend({})  # nothing that a worker says; what comes before it has been heard
        said.put(mark)  # type: ignore[arg-type]
        heard: list[bool] = []
        take = self.fleet._take

        def noting(member: Any, message: Any) -> Iterator[Any]:
            if message is mark:
                heard.append(True)
                return iter(())
            return take(member, message)

        self.fleet._take = noting  # type: ignore[method-assign]
        try:
            return self.hear(lambda: bool(heard))
        finally:
            self.fleet._take = take  # type: ignore[method-assign]

    def died(self, count: int) -> None:
        """Let the fleet notice that so many have died so far."""
        self.hear(lambda: self.fleet.restarts == count)

    def ready(self, *workers: int) -> None:
        for worker in workers:
            self.say(worker, Ready("fake"))

    def tick(self, seconds: float, *speaking: int) -> None:
        """Time passes, in which only these say how they are, twice a second."""
        for _ in range(round(seconds * 2)):
            self.clock.now_s += 0.5
            for worker in speaking:
                cameras = sorted(self.workers[worker].cameras)
                self.say(worker, Feeds(tuple(live(camera) for camera in cameras)))
            self.fleet.look_after()

    @property
    def dealt(self) -> list[set[str]]:
        return [worker.cameras for worker in self.workers]


def live(camera: str, used: int = 7) -> CameraStatus:
    return CameraStatus(camera, camera, "live", "", 10.0, used, used, 0, 0.1)


def seen(camera: str, t_s: float, *tracks: int) -> Observed:
    one = scored_drill.observation(t_s)
    positions: dict[str, Any] = {
        "camera": camera,
        "track_id": np.array(tracks, np.int64),
        "xy_m": np.zeros((len(tracks), 2)),
        "cov_m2": np.tile(np.eye(2), (len(tracks), 1, 1)),
        "from_head": np.zeros(len(tracks), np.bool_),
        "confidence": np.ones(len(tracks), np.float32),
        "armed_llr": np.zeros(len(tracks)),
    }
    return Observed(replace(one.positions, **positions), StageTimes(one.times.captured_s))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(worker_silence, "time", clock)
    return clock


@pytest.fixture
def stage(clock: Clock, tmp_path: Path) -> Iterator[Callable[[str, int], Stage]]:
    made: list[Stage] = []

    def make(cameras: str, size: int) -> Stage:
        stage = Stage(clock, tmp_path, cameras, size)
        made.append(stage)
        stage.fleet.start()
        return stage

    yield make
    for one in made:
        one.fleet.stop()


Make = Callable[[str, int], Stage]


def test_the_first_who_is_ready_gets_all_and_the_next_its_share(stage: Make) -> None:
    s = stage("abcd", 2)
    assert s.dealt == [set(), set()]
    s.ready(1)
    assert s.dealt == [set(), set("abcd")]
    s.ready(0)
    assert [len(cameras) for cameras in s.dealt] == [2, 2]
    assert set.union(*s.dealt) == set("abcd")
    (moved,) = s.moves
    assert (moved.before, moved.now, moved.why, moved.after_s) == ("worker 2", "worker 1", "", None)
    assert s.fleet.moved == 2


def test_a_silent_worker_loses_its_cameras_in_time_and_is_not_heard_of_them(stage: Make) -> None:
    s = stage("abcd", 2)
    s.ready(0, 1)
    s.tick(2.0, 0, 1)
    mine = sorted(s.workers[1].cameras)
    s.tick(MOVES_S, 0)
    assert s.dealt[1] == set(mine), "not yet"
    s.tick(0.5, 0)
    assert s.dealt == [set("abcd"), set()]
    moved = s.moves[-1]
    assert moved.cameras == tuple(mine)
    assert moved.why == "said nothing"
    assert moved.after_s is not None
    assert moved.after_s <= 3.0
    assert s.say(1, seen(mine[0], 1.0)) == []
    assert len(s.say(0, seen(mine[0], 2.0))) == 1


def test_a_worker_that_speaks_again_gets_its_share_back_once_it_is_steady(stage: Make) -> None:
    s = stage("abcd", 2)
    s.ready(0, 1)
    s.tick(1.0, 0, 1)
    s.tick(3.0, 0)
    assert s.dealt == [set("abcd"), set()]
    s.tick(TRUSTS_AGAIN_S - 1.0, 0, 1)
    assert s.dealt == [set("abcd"), set()], "it may stutter"
    s.tick(3.0, 0)
    s.tick(TRUSTS_AGAIN_S - 1.0, 0, 1)
    assert s.dealt == [set("abcd"), set()], "it does"
    s.tick(2.0, 0, 1)
    assert [len(cameras) for cameras in s.dealt] == [2, 2]


def test_a_worker_that_stutters_is_better_than_none(stage: Make) -> None:
    s = stage("ab", 2)
    s.ready(0, 1)
    s.tick(1.0, 0, 1)
    s.tick(3.0, 0)
    s.tick(1.0, 0, 1)
    s.workers[0].alive = False
    s.died(1)
    assert s.dealt[1] == set("ab")


def test_what_it_saw_before_it_hung_is_not_heard_after_what_another_saw(stage: Make) -> None:
    s = stage("ab", 2)
    s.ready(0, 1)
    s.tick(1.0, 0, 1)
    (camera,) = s.workers[1].cameras
    assert len(s.say(1, seen(camera, 1.0))) == 1
    s.tick(3.0, 0)
    assert len(s.say(0, seen(camera, 4.0))) == 1
    s.tick(0.5, 0, 1)
    s.workers[0].alive = False
    s.died(1)
    late = s.say(1, seen(camera, 1.1), seen(camera, 4.0), seen(camera, 4.6), seen(camera, 4.7))
    captured = [one.positions.captured_at_s - scored_drill.START_S for one in late]
    assert captured == pytest.approx([4.6, 4.7])


def test_a_camera_whose_clock_steps_back_is_heard_where_nobody_moved_it(stage: Make) -> None:
    s = stage("a", 1)
    s.ready(0)
    assert len(s.say(0, seen("a", 9.0), seen("a", 2.0))) == 2


def test_all_silent_nobody_moves(stage: Make) -> None:
    s = stage("abcd", 2)
    s.ready(0, 1)
    s.tick(1.0, 0, 1)
    before = s.dealt
    s.clock.now_s += MOVES_S + 1.0
    s.fleet.look_after()
    assert s.dealt == before


def test_a_worker_that_dies_leaves_its_cameras_at_once_and_is_replaced(stage: Make) -> None:
    s = stage("abcd", 2)
    s.ready(0, 1)
    s.tick(1.0, 0, 1)
    s.workers[1].says.put(Failed("node-b was lost"))
    s.workers[1].alive = False
    s.died(1)
    assert s.dealt[0] == set("abcd")
    assert s.moves[-1].text.startswith(
        "worker 2 died (node-b was lost); 2 cameras went to worker 1"
    )
    assert s.fleet.troubles() == ("worker 2 died (node-b was lost) and is being started again",)
    s.fleet.look_after()
    assert len(s.workers) == 3, "the first successor comes at once"
    s.ready(2)
    assert s.fleet.troubles() == ()
    assert [len(one) for one in (s.dealt[0], s.dealt[2])] == [2, 2]
    tracked = s.say(2, seen(min(s.workers[2].cameras), 5.0, 0, 3))
    assert tracked[0].positions.track_id.tolist() == [2 * TRACKS_A_WORKER, 2 * TRACKS_A_WORKER + 3]


def test_two_die_at_once(stage: Make) -> None:
    s = stage("abcdef", 3)
    s.ready(0, 1, 2)
    s.tick(1.0, 0, 1, 2)
    s.workers[0].alive = s.workers[2].alive = False
    s.died(2)
    assert s.dealt[1] == set("abcdef")
    assert not s.fleet.given_up


def test_the_only_one_dies_and_its_successor_takes_over(stage: Make) -> None:
    s = stage("ab", 1)
    s.ready(0)
    s.say(0, Feeds((live("a", 5), live("b", 5))))
    assert {state.phase for state in s.fleet.statuses().values()} == {"live"}
    s.workers[0].alive = False
    s.died(1)
    assert {state.phase for state in s.fleet.statuses().values()} == {"stalled"}
    s.clock.now_s += 4.0
    s.fleet.look_after()
    s.ready(1)
    assert s.dealt[1] == set("ab")
    assert s.moves[-1].after_s == pytest.approx(4.0, abs=0.1)
    s.say(1, Feeds((live("a", 2), live("b", 3))))
    assert {id_: one.frames_used for id_, one in s.fleet.statuses().items()} == {"a": 7, "b": 8}


def test_it_is_given_up_when_every_place_is(stage: Make) -> None:
    s = stage("ab", 1)
    for death in range(len(RESTART_DELAYS_S) + 1):
        s.workers[-1].alive = False
        s.died(death + 1)
        s.clock.now_s += 20.0
        s.fleet.look_after()
    assert s.fleet.given_up == len(RESTART_DELAYS_S) + 1
    assert len(s.workers) == len(RESTART_DELAYS_S) + 1


def test_the_end_counts_for_the_newest_order_alone(stage: Make) -> None:
    s = stage("ab", 2)
    s.ready(0)
    s.say(0, Ended(0))
    s.ready(1)
    assert not s.fleet.ended, "worker 1 has other cameras now"
    s.say(0, Ended(1))
    s.say(1, Ended(0))
    assert s.fleet.ended


def test_streams_labels_and_wishes_go_to_whoever_has_the_camera(stage: Make) -> None:
    s = stage("ab", 2)
    s.ready(0, 1)
    for worker in s.workers:
        worker.told.clear()
    s.fleet.show(Show(frozenset({StreamWanted("a"), StreamWanted("b")}), Drawing()))
    label = TrackLabel("S1", "", 0.1, of_interest=False)
    s.fleet.label("a", {3: label, TRACKS_A_WORKER + 4: label})
    s.fleet.attend({"a": 5.0, "b": 2.0})
    holders = {
        camera: at
        for at, worker in enumerate(s.workers)
        for camera in "ab"
        if Attend({camera: 5.0 if camera == "a" else 2.0}) in worker.told
    }
    assert set(holders) == {"a", "b"}
    for camera, at in holders.items():
        shown = [one.wanted for one in s.workers[at].told if isinstance(one, Show)]
        assert shown == [frozenset({StreamWanted(camera)})]
    labels = [one for one in s.workers[holders["a"]].told if isinstance(one, Labels)]
    number = holders["a"]
    expected = {0: {3, TRACKS_A_WORKER + 4}, 1: {4}}[number]
    assert set(labels[0].labels) == expected


def test_stop_ends_all_and_starts_nobody(stage: Make) -> None:
    s = stage("ab", 2)
    s.ready(0)
    s.fleet.stop()
    assert all(worker.stopped for worker in s.workers)
    s.clock.now_s += 60.0
    s.fleet.look_after()
    assert len(s.workers) == 2
