"""Streams of a run in a real worker process: encoded for who watches, gone when stopped."""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from api.actors import MACHINE
from api.decisions import CameraFacts
from api.drill_files import load_drill
from api.gate import Activation, Gate, Terms
from api.incident_run import IncidentRun
from api.run_jobs import drill_jobs
from api.run_pictures import labels_of
from tests.api.box_drill import make_box_drill
from tests.api.replayed import answer, subject
from vision.clock_strip import read_strip
from vision.stream_parts import Drawing, Fragment, Still, StreamHead, StreamPart, StreamWanted

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.drill_files import Drill
    from api.record import Record

WAIT_S = 30.0


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Drill:
    return load_drill(make_box_drill(tmp_path_factory.mktemp("drills") / "walker", 60.0))


class Viewer:
    """Takes parts of streams and lets a test wait for them."""

    def __init__(self) -> None:
        self.parts: list[StreamPart] = []
        self.news = threading.Condition()

    def take(self, part: StreamPart) -> None:
        with self.news:
            self.parts.append(part)
            self.news.notify_all()

    def of(self, camera: str) -> list[StreamPart]:
        return [part for part in self.parts if part.camera == camera]

    def wait(self, camera: str, kind: type[StreamPart], count: int) -> None:
        def there() -> bool:
            return sum(isinstance(part, kind) for part in self.of(camera)) >= count

        with self.news:
            assert self.news.wait_for(there, WAIT_S), f"no {count} {kind.__name__} of {camera}"


@pytest.fixture
def run(drill: Drill, record: Record) -> IncidentRun:
    cameras = frozenset({"cam-01"})
    terms = Terms(None, tuple(CameraFacts(camera, "interior") for camera in cameras))
    grant = Gate(record.audit).open(
        Activation("exercise", "walker", "a test", "to see it run"),
        terms,
        actor=MACHINE,
        incident="i-1",
        now_s=time.time(),
    )
    return IncidentRun(
        grant.permit, drill.site, drill_jobs(drill), lambda _: None, lambda _: None,
        duration_s=None,
    )  # fmt: skip


def test_a_watched_camera_is_encoded_once_and_its_pictures_say_when_they_were_taken(
    run: IncidentRun,
) -> None:
    viewer = Viewer()
    both = frozenset({StreamWanted("cam-01"), StreamWanted("cam-01", "still")})
    run.show(both, viewer.take, Drawing(exercise=True))
    run.start()
    try:
        viewer.wait("cam-01", Fragment, 20)
        viewer.wait("cam-01", Still, 1)
    finally:
        run.stop()
    told = len(viewer.parts)
    parts = viewer.of("cam-01")
    [head] = [part for part in parts if isinstance(part, StreamHead)]
    fragments = [part for part in parts if isinstance(part, Fragment)]
    assert [one.number for one in fragments] == list(range(len(fragments)))
    assert fragments[0].keyframe
    video = io.BytesIO(head.init + b"".join(one.data for one in fragments))
    with av.open(video, "r") as container:
        pictures = [
            np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            for frame in container.decode(video=0)
        ]
    assert len(pictures) == len(fragments)
    assert pictures[0].shape[1::-1] == head.size_px
    for picture, fragment in zip(pictures, fragments, strict=True):
        assert read_strip(picture, time.time()) == pytest.approx(fragment.captured_at_s, abs=1e-3)
    still = next(part for part in parts if isinstance(part, Still))
    assert still.jpeg.startswith(b"\xff\xd8")
    time.sleep(0.3)
    assert len(viewer.parts) == told  # nothing comes after the end


def test_only_what_is_watched_and_permitted_is_encoded(run: IncidentRun) -> None:
    viewer = Viewer()
    run.start()
    run.show(frozenset({StreamWanted("cam-01"), StreamWanted("cam-02")}), viewer.take, Drawing())
    viewer.wait("cam-01", Fragment, 3)
    run.show(frozenset(), viewer.take, Drawing())
    time.sleep(1.0)
    seen = len(viewer.parts)
    time.sleep(0.7)
    assert len(viewer.parts) == seen
    run.show(frozenset({StreamWanted("cam-01")}), viewer.take, Drawing())
    viewer.wait("cam-01", StreamHead, 2)  # it begins anew
    run.stop()
    assert viewer.of("cam-02") == []  # the permit does not hold it


def test_a_worker_that_hangs_keeps_nobody_waiting_and_is_gone_when_stopped(
    run: IncidentRun,
) -> None:
    viewer = Viewer()
    watched, nothing = frozenset({StreamWanted("cam-01")}), frozenset[StreamWanted]()
    before = set(multiprocessing.active_children())
    run.show(watched, viewer.take, Drawing())
    run.start()
    viewer.wait("cam-01", Fragment, 1)
    [worker] = set(multiprocessing.active_children()) - before
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGSTOP)

    def come_and_go() -> None:
        for number in range(1000):  # more than the pipe to the worker holds
            run.show(nothing if number % 2 else watched, viewer.take, Drawing())

    coming = threading.Thread(target=come_and_go, daemon=True)
    coming.start()
    coming.join(5.0)
    waits = coming.is_alive()
    began_s = time.monotonic()
    run.stop()
    took_s = time.monotonic() - began_s
    left = worker.is_alive()
    worker.kill()  # so that one that is left keeps no other test waiting
    assert not waits
    assert not left
    assert took_s < 2.0


def test_cameras_of_a_worker_that_hangs_are_not_called_live_and_it_is_started_again(
    run: IncidentRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.fleet.QUIET_S", 1.0)
    monkeypatch.setattr("api.fleet.HANGS_S", 2.0)
    viewer = Viewer()
    before = set(multiprocessing.active_children())

    def phase() -> str:
        return run.cameras()[0].phase

    def wait_for(true: Callable[[], object]) -> None:
        ends_s = time.monotonic() + WAIT_S
        while not true():
            assert time.monotonic() < ends_s
            time.sleep(0.02)

    run.show(frozenset({StreamWanted("cam-01")}), viewer.take, Drawing())
    run.start()
    try:
        viewer.wait("cam-01", StreamHead, 1)
        wait_for(lambda: phase() == "live")
        [worker] = set(multiprocessing.active_children()) - before
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGSTOP)
        wait_for(lambda: phase() == "stalled")
        assert run.cameras()[0].reason == "its worker says nothing"
        wait_for(lambda: not worker.is_alive())
        viewer.wait("cam-01", StreamHead, 2)
    finally:
        run.stop()


@pytest.mark.parametrize(
    ("probability", "status", "of_interest", "note"),
    [
        (0.9, "ranked", True, ""),
        (0.2, "ranked", False, ""),
        (0.9, "responder", False, "responder"),
        (0.9, "rejected", False, "ruled out"),
    ],
)
def test_labels_say_who_is_of_interest(
    probability: float, status: str, of_interest: bool, note: str
) -> None:
    said = answer(
        1000.0,
        subject("S1", at_s=1000.0, probability=probability, status=status, space_name="Library"),
        text="",
    )
    [label] = labels_of(said, {4: "S1", 5: None, 6: "S9"}).values()
    assert (label.of_interest, label.note, label.place) == (of_interest, note, "Library")
