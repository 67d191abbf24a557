"""A run in a real worker process: begins, publishes, survives a death, is gone when stopped."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.actors import MACHINE
from api.decisions import CameraFacts
from api.drill_files import load_drill
from api.drill_play import exercise_permit, play_at_full_speed, play_realtime
from api.errors import RunError
from api.fleet_member import TRACKS_A_WORKER
from api.gate import Activation, Gate, Terms
from api.incident_run import IncidentRun
from api.input_log import Observation
from api.run_jobs import drill_jobs
from calibration.inputs import Mark, Unmark
from tests.api.box_drill import make_box_drill

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.drill_files import Drill
    from api.drill_play import Progress
    from api.gate import Permit
    from api.input_log import Logged
    from api.record import Record
    from calibration.answer import Answer


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Drill:
    return load_drill(make_box_drill(tmp_path_factory.mktemp("drills") / "walker"))


@pytest.fixture(scope="module")
def long_drill(tmp_path_factory: pytest.TempPathFactory) -> Drill:
    """A drill that goes on while workers die."""
    folder = make_box_drill(tmp_path_factory.mktemp("drills") / "stander", duration_s=60.0)
    return load_drill(folder)


@pytest.fixture
def gate(record: Record) -> Gate:
    return Gate(record.audit)


def permit_for(gate: Gate, cameras: frozenset[str]) -> Permit:
    activation = Activation("exercise", "walker", "a test", "to see it run")
    terms = Terms(None, tuple(CameraFacts(camera, "interior") for camera in cameras))
    grant = gate.open(activation, terms, actor=MACHINE, incident="i-1", now_s=time.time())
    return grant.permit


def wait_for(condition: Callable[[], bool], within_s: float = 30.0) -> None:
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s, "waited in vain"
        time.sleep(0.02)


def quiet(_: Progress) -> None:
    """Nobody looks at the progress."""


def test_a_drill_plays_to_its_end_in_real_time(drill: Drill, gate: Gate) -> None:
    with exercise_permit(drill, gate, time.time) as permit:
        record = play_realtime(drill, permit, quiet)
    assert record.problems == ()
    assert set(record.frames) == {"cam-01", "cam-02"}
    for counts in record.frames.values():
        assert counts.received == counts.used + counts.dropped
        assert counts.received >= 29
    last = record.answers[-1]
    assert last.subjects
    assert last.subjects[0].space_name == "Lobby"
    published = [seen.times.published_s for seen in record.observations]
    assert all(at_s is not None for at_s in published)
    for seen in record.observations:
        times = seen.times
        stages = (
            times.captured_s,
            times.decoded_s,
            times.detected_s,
            times.placed_s,
            times.published_s,
        )
        assert all(
            early is not None and late is not None and early <= late
            for early, late in itertools.pairwise(stages)
        )


def test_full_speed_gives_the_same_answers_each_time(drill: Drill, gate: Gate) -> None:
    records = []
    for _ in range(2):
        with exercise_permit(drill, gate, time.time) as permit:
            records.append(play_at_full_speed(drill, permit, quiet))
    assert records[0].answers == records[1].answers
    assert all(counts.dropped == 0 for counts in records[0].frames.values())
    x, _ = records[0].answers[-1].subjects[0].xy_m
    assert x == pytest.approx(2.0 + 1.3 * 2.95, abs=0.5)


def test_only_permitted_cameras_are_watched(drill: Drill, gate: Gate) -> None:
    permit = permit_for(gate, frozenset({"cam-02"}))
    record = play_at_full_speed(drill, permit, quiet)
    assert set(record.frames) == {"cam-02"}
    run = IncidentRun(permit, drill.site, drill_jobs(drill), lambda _: None, lambda _: None)
    assert [camera.id for camera in run.cameras()] == ["cam-02"]


def test_nothing_to_watch_is_refused(drill: Drill, gate: Gate) -> None:
    permit = permit_for(gate, frozenset({"cam-06"}))
    with pytest.raises(RunError, match="none of the permitted cameras"):
        IncidentRun(permit, drill.site, drill_jobs(drill), lambda _: None, lambda _: None)


class Watched:
    """A run of the drill and what it says."""

    def __init__(self, drill: Drill, gate: Gate, duration_s: float = 60.0) -> None:
        self.answers: list[Answer] = []
        self.tracks: set[int] = set()
        self.ended = threading.Event()
        permit = permit_for(gate, frozenset({"cam-01", "cam-02"}))
        self.run = IncidentRun(
            permit,
            drill.site,
            drill_jobs(drill),
            self.answers.append,
            lambda _: self.ended.set(),
            log=self.note,
            duration_s=duration_s,
        )

    def note(self, entry: Logged) -> None:
        if isinstance(entry, Observation):
            self.tracks.update(entry.positions.track_id.tolist())


def worker_pids() -> set[int]:
    """Children of this process that are workers."""
    children: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that has ended meanwhile
            children |= {int(pid) for pid in (task / "children").read_text().split()}
    return {pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()}


def test_stop_leaves_no_process_within_a_second(long_drill: Drill, gate: Gate) -> None:
    before = worker_pids()
    watched = Watched(long_drill, gate)
    watched.run.start()
    wait_for(lambda: bool(watched.answers))
    began_s = time.monotonic()
    watched.run.stop()
    assert time.monotonic() - began_s < 1.0
    assert worker_pids() <= before
    published = len(watched.answers)
    time.sleep(0.4)
    assert len(watched.answers) == published
    assert all(camera.phase == "stopped" for camera in watched.run.cameras())
    watched.run.stop()


def test_a_worker_that_dies_is_started_again(long_drill: Drill, gate: Gate) -> None:
    before = worker_pids()
    watched = Watched(long_drill, gate)
    watched.run.start()
    try:
        wait_for(lambda: bool(watched.tracks))
        [victim] = worker_pids() - before
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: any("started again" in problem for problem in watched.run.problems()))
        wait_for(lambda: bool(worker_pids() - before - {victim}))
        wait_for(lambda: not watched.run.problems())
        published = len(watched.answers)
        wait_for(lambda: len(watched.answers) > published)
        # Nobody whom the new worker sees is taken for somebody whom the dead one saw.
        wait_for(lambda: any(track >= TRACKS_A_WORKER for track in watched.tracks))
        assert any(track < TRACKS_A_WORKER for track in watched.tracks)
    finally:
        watched.run.stop()


def test_a_mark_is_answered_at_once_and_outlives_a_worker(long_drill: Drill, gate: Gate) -> None:
    before = worker_pids()
    watched = Watched(long_drill, gate)
    watched.run.start()

    def kinds() -> list[str]:
        return [m.kind for s in watched.answers[-1].subjects[:1] for m in s.marks]

    try:
        wait_for(lambda: bool(watched.answers and watched.answers[-1].subjects))
        name = watched.answers[-1].subjects[0].subject
        watched.run.tell(Mark("designate", name, time.time(), 1))
        assert kinds() == ["designate"]  # published before `tell` returns
        [victim] = worker_pids() - before
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: any("started again" in problem for problem in watched.run.problems()))
        watched.run.tell(Mark("confirm", name, time.time(), 2))
        assert kinds() == ["designate", "confirm"]  # also while no worker is there
        wait_for(lambda: not watched.run.problems())
        published = len(watched.answers)
        wait_for(lambda: len(watched.answers) > published + 2)
        assert kinds() == ["designate", "confirm"]
        watched.run.tell(Unmark(1, time.time()))
        assert kinds() == ["confirm"]
    finally:
        watched.run.stop()
    published = len(watched.answers)
    watched.run.tell(Mark("reject", name, time.time(), 3))
    assert len(watched.answers) == published
