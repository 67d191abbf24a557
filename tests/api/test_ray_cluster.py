"""Workers in a real Ray cluster of several nodes on this machine, and nodes of it that are lost."""

from __future__ import annotations

import itertools
import json
import sys
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import psutil
import pytest

from api.drill_files import load_drill
from api.drill_play import exercise_permit, play_realtime
from api.gate import Gate
from api.incident_run import IncidentRun
from api.ray_worker import RayWorker, RayWorkers, look_at
from api.replay import replay
from api.report import write_report
from api.run_jobs import drill_jobs
from api.run_news import CamerasMoved
from api.worker_messages import Begin, Engine, Feeds, Ready, WorkerJob, WorkerSite
from calibration.locator import Locator
from tests.api.box_drill import WING, make_box_drill
from tests.api.ray_nodes import drip, flood, nodes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from api.drill_files import Drill
    from api.drill_play import Progress
    from api.record import Record
    from api.run_news import RunNews
    from api.run_record import RunRecord
    from api.worker_process import Work
    from tests.api.ray_nodes import Nodes

pytest.importorskip("ray", reason="ray is not installed: it comes with lastseen[ray]")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    # Of Ray itself, which starts the nodes from this process.
    pytest.mark.filterwarnings("ignore"),
]

MOVED_S = 3.0
RESUMED_S = 5.0


def tell(what: str) -> None:
    """Tell what was measured, with `pytest -s`."""
    sys.stdout.write(f"\n{what}\n")


@dataclass
class Play:
    """A drill that plays in a cluster, and what is done to the cluster meanwhile.

    Attributes:
        at_s: when, seconds from the start of the feeds.
        do: what.
    """

    at_s: float
    do: Callable[[], float]
    done_s: float | None = None
    progress: list[Progress] = field(default_factory=list)

    def look(self, progress: Progress) -> None:
        self.progress.append(progress)
        begun = all(camera.frames_used for camera in progress.cameras)
        if self.done_s is None and progress.t_s >= self.at_s and begun:
            self.done_s = self.do()


def played(record: Record, drill: Drill, cluster: Nodes, play: Play, size: int = 2) -> RunRecord:
    gate = Gate(record.audit)
    with exercise_permit(drill, gate, time.time) as permit:
        run = play_realtime(
            drill,
            permit,
            play.look,
            make_worker=RayWorkers(cluster.address, size),
            workers=size,
        )
    assert play.done_s is not None, "the drill was over before both workers had begun"
    return run


def in_order(run: RunRecord) -> bool:
    """Whether the frames of each camera came in the order in which they were taken."""
    by_camera: dict[str, list[float]] = {}
    for one in run.observations:
        by_camera.setdefault(one.positions.camera, []).append(one.positions.captured_at_s)
    return all(taken == sorted(taken) for taken in by_camera.values())


def resumed_after_s(run: RunRecord, cameras: set[str], lost_s: float) -> float:
    """From the loss to the first answer that rests on a later frame of every camera it took."""
    first = [
        min(
            one.times.published_s or one.times.captured_s
            for one in run.observations
            if one.positions.camera == camera and one.positions.captured_at_s > lost_s + 0.5
        )
        for camera in cameras
    ]
    return max(first) - lost_s


def answers_paused_s(run: RunRecord) -> float:
    """The longest time without an answer."""
    at_s = [one.at_s for one in run.answers]
    pauses = [(late - early, early - run.start_s) for early, late in itertools.pairwise(at_s)]
    tell(f"longest pauses of answers (how long, when): {sorted(pauses)[-3:]}")
    return max(pauses)[0]


def holds(run: RunRecord, drill: Drill, lost_s: float, folder: Path, what: str) -> None:
    """Assert all that must hold of a run in which the worker of some cameras was lost."""
    told = "; ".join(f"{move.at_s - lost_s:+.2f} s {move.text}" for move in run.moves)
    lost = [move for move in run.moves if move.why and move.at_s > lost_s]
    lost = [
        move for move in lost if move.before == lost[0].before
    ]  # it, and no other that stutters
    cameras = {camera for move in lost for camera in move.cameras}
    assert cameras, run.moves
    moved_s = max(move.at_s for move in lost) - lost_s
    resumed_s = resumed_after_s(run, cameras, lost_s)
    paused_s = answers_paused_s(run)
    tell(
        f"{what}: {len(cameras)} cameras moved after {moved_s:.2f} s, seen again and answered "
        f"after {resumed_s:.2f} s, longest pause of answers {paused_s:.2f} s. All moves: {told}"
    )
    assert moved_s <= MOVED_S
    assert resumed_s <= RESUMED_S
    assert paused_s <= RESUMED_S
    assert in_order(run)
    again = replay(lambda: Locator.for_site(drill.site), run.replayable())
    assert again.difference is None
    assert again.answers == len(run.answers)
    write_report(run, drill.site, None, folder)
    gaps = json.loads((folder / "report.json").read_text())["gaps"]
    shown = {gap["camera"] for gap in gaps if "went to worker" in gap["why"]}
    assert cameras <= shown
    assert lost[0].text in " ".join(run.problems)


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Drill:
    return load_drill(make_box_drill(tmp_path_factory.mktemp("drills") / "walker", 25.0))


def test_a_node_is_killed_in_a_drill_of_boxes(record: Record, drill: Drill, tmp_path: Path) -> None:
    with nodes("node-a", "node-b") as cluster:
        assert [str(place) for place in look_at(cluster.address)] == ["node-a", "node-b"]
        play = Play(4.0, lambda: cluster.kill("node-b"))
        run = played(record, drill, cluster, play)
    assert play.done_s is not None
    holds(run, drill, play.done_s, tmp_path, "node killed, boxes")
    assert " on node-b " in run.moves[-1].text


def test_a_node_is_killed_in_a_drill_of_videos(record: Record, tmp_path: Path) -> None:
    drill = replace(load_drill(WING), duration_s=45.0)
    with nodes("node-a", "node-b") as cluster:
        play = Play(6.0, lambda: cluster.kill("node-b"))
        run = played(record, drill, cluster, play)
    assert play.done_s is not None
    holds(run, drill, play.done_s, tmp_path, "node killed, videos")
    assert run.answers[-1].subjects


def test_a_worker_hangs_and_two_die_at_once(record: Record, drill: Drill, tmp_path: Path) -> None:
    with nodes("node-a", "node-b") as cluster:

        def stop() -> float:
            (actor,) = cluster.actors("node-b")
            actor.suspend()
            return time.time()

        play = Play(4.0, stop)
        run = played(record, drill, cluster, play)
        assert play.done_s is not None
        holds(run, drill, play.done_s, tmp_path, "worker hangs")
        assert any(move.why == "said nothing" for move in run.moves)

        def kill_all() -> float:
            for name in ("node-a", "node-b"):
                for actor in cluster.actors(name):
                    actor.kill()
            return time.time()

        play = Play(4.0, kill_all)
        run = played(record, drill, cluster, play)
        assert play.done_s is not None
        resumed_s = resumed_after_s(run, {"cam-01", "cam-02"}, play.done_s)
        tell(f"both workers killed: seen again and answered after {resumed_s:.2f} s")
        assert in_order(run)
        assert resumed_s <= 15.0, "their successors must load their engines first"


def test_a_node_that_joins_later_takes_cameras_and_nothing_is_left(
    record: Record, drill: Drill
) -> None:
    with nodes("node-a") as cluster:
        gate = Gate(record.audit)
        with exercise_permit(drill, gate, time.time) as permit:
            moved: list[RunNews] = []
            run = IncidentRun(
                permit,
                drill.site,
                drill_jobs(drill),
                lambda _: None,
                lambda _: None,
                make_worker=RayWorkers(cluster.address, 2),
                workers=2,
                watch=moved.append,
            )
            run.start()
            try:
                until(lambda: all(camera.frames_used for camera in run.cameras()))
                assert len(cluster.actors("node-a")) == 1
                cluster.add("node-b")
                until(lambda: bool(cluster.actors("node-b")))
                until(lambda: any("node-b" in name_of(news) for news in moved))
                (joined,) = cluster.actors("node-b")
                (first,) = cluster.actors("node-a")
            finally:
                run.stop()
        until(lambda: not (psutil.pid_exists(joined.pid) or psutil.pid_exists(first.pid)), 1.5)


def test_the_head_is_lost(record: Record, drill: Drill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "4")
    drill = replace(drill, duration_s=60.0)
    with nodes("node-a", "node-b") as cluster:
        gate = Gate(record.audit)
        seen: list[tuple[float, str]] = []
        with exercise_permit(drill, gate, time.time) as permit:
            moved: list[RunNews] = []
            run = IncidentRun(
                permit,
                drill.site,
                drill_jobs(drill),
                lambda _: None,
                lambda reason: seen.append((time.time(), reason)),
                make_worker=RayWorkers(cluster.address, 2),
                workers=2,
                watch=moved.append,
            )
            run.start()
            try:
                until(lambda: all(camera.frames_used for camera in run.cameras()))
                lost_s = cluster.kill_head_service()
                until(lambda: any("the server itself" in name_of(news) for news in moved))
                moved_s = time.time()
                until(lambda: alone(run))
                told = [news.text for news in moved if isinstance(news, CamerasMoved)]
                tell(
                    f"head lost: the server works itself after {moved_s - lost_s:.1f} s, all "
                    f"cameras are seen again after {time.time() - lost_s:.1f} s: {told}"
                )
            finally:
                run.stop()
        assert seen == []


def name_of(news: RunNews) -> str:
    """Who has the cameras now that were moved."""
    return news.now if isinstance(news, CamerasMoved) else ""


def alone(run: IncidentRun) -> bool:
    """Whether all cameras are seen again, by whoever looks now."""
    before = {camera.id: camera.frames_used for camera in run.cameras()}
    time.sleep(1.0)
    return all(
        camera.phase == "live" and camera.frames_used > before[camera.id]
        for camera in run.cameras()
    )


def until(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    end_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.05)


def begun(cluster: Nodes, work: Work, drill: Drill) -> RayWorker:
    make = RayWorkers(cluster.address, 1, work=work)
    worker = make(Engine(pixels=False))
    worker.start()
    until(lambda: any(isinstance(one, Ready) for one in worker.receive(0.1)))
    worker.tell(Begin(WorkerJob(WorkerSite.of(drill.site), time.time()), ()))
    return worker


def test_messages_come_in_order_soon_and_a_slow_run_holds_the_worker_up(
    drill: Drill,
) -> None:
    with nodes("node-a") as cluster:
        worker = begun(cluster, drip, drill)
        numbers, ages_s = [], []
        end_s = time.monotonic() + 8.0
        while time.monotonic() < end_s:
            for one in worker.receive(0.1):
                assert isinstance(one, Feeds)
                numbers.append(one.batches[0][0])
                ages_s.append(time.time() - (one.capacity_fps or 0.0))
        worker.stop()
        assert numbers == list(range(len(numbers)))
        ages_s = sorted(ages_s[2000:])
        median_ms, p95_ms = (1e3 * ages_s[int(len(ages_s) * share)] for share in (0.5, 0.95))
        tell(
            f"{len(numbers) / 8.0:.0f} messages/s through the cluster, from said to heard "
            f"median {median_ms:.1f} ms, p95 {p95_ms:.1f} ms"
        )
        worker = begun(cluster, flood, drill)
        next(iter(worker.receive(5.0)))
        (actor,) = cluster.actors("node-a")
        time.sleep(2.0)
        before = actor.memory_info().rss
        time.sleep(4.0)
        grown = actor.memory_info().rss - before
        waited_s = time.time()
        heard = said(worker, 4.0)
        old = sum(at_s < waited_s - 1.0 for _, at_s in heard)
        tell(f"held up for 6 s: {old} messages had waited, memory grew by {grown / 1e6:.1f} MB")
        worker.stop()
        assert grown < 20e6
        assert 0 < old < 20_000
        first = heard[0][0]
        assert [number for number, _ in heard] == list(range(first, first + len(heard)))


def said(worker: RayWorker, for_s: float) -> list[tuple[int, float]]:
    """Number of each message that came meanwhile, and when it was said."""
    heard = []
    end_s = time.monotonic() + for_s
    while time.monotonic() < end_s:
        for one in worker.receive(0.1):
            assert isinstance(one, Feeds)
            assert one.capacity_fps is not None
            heard.append((one.batches[0][0], one.capacity_fps))
    return heard
