"""What a worker does with what it is told, without a process around it."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from api.worker import run_worker
from api.worker_messages import (
    Attend,
    Begin,
    CameraJob,
    Engine,
    Feeds,
    FromWorker,
    Observed,
    Prove,
    Ready,
    Show,
    ToWorker,
    Watch,
    WorkerJob,
    WorkerSite,
)
from benchmarks.school import make_school
from models.looks import LookRates
from vision.address import CameraAddress
from vision.detect import Found
from vision.detections import Detections
from vision.frames import Frame
from vision.pipeline import Pipeline
from vision.stream_parts import Drawing, StreamWanted
from vision.video_file import StreamInfo

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from numpy.typing import NDArray

    from vision.sources import AnyFrame, Session, Source

PICTURE = np.zeros((360, 640, 3), np.uint8)
CAMERAS = 12
SOMEBODY = Detections(
    np.array([[300, 100, 340, 220]], np.float32),
    np.ones(1, np.float32),
    np.zeros(1, np.int16),
    ("person",),
)


class Slow:
    """A detector that finds somebody where it is not black, and takes its time."""

    class_names = ("person",)
    batches = (1, 2)

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        time.sleep(0.03 * len(images))
        return [SOMEBODY if image.any() else Detections.empty() for image in images]

    def submit(self, images: Sequence[NDArray[np.uint8]]) -> Found:
        return Found(self.detect(images))


class Run:
    """The run of a worker that works in a thread of this process."""

    def __init__(self) -> None:
        self.said: queue.Queue[FromWorker] = queue.Queue()
        self.told: queue.Queue[ToWorker | None] = queue.Queue()

    def send(self, message: FromWorker) -> None:
        self.said.put(message)

    def receive(self) -> ToWorker:
        message = self.told.get()
        if message is None:
            raise EOFError
        return message

    def waiting(self) -> Iterator[ToWorker]:
        while not self.told.empty():
            yield self.receive()

    def hears(self, kind: type[FromWorker]) -> FromWorker:
        while not isinstance(message := self.said.get(timeout=30.0), kind):
            pass
        return message

    def looks(self, seconds: float) -> Counter[str]:
        """Frames observed within so many seconds, by camera."""
        until_s, seen = time.monotonic() + seconds, Counter[str]()
        while (left_s := until_s - time.monotonic()) > 0:
            try:
                message = self.said.get(timeout=left_s)
            except queue.Empty:
                break
            if isinstance(message, Observed):
                seen[message.positions.camera] += 1
        return seen


LIT: set[str] = set()
"""Cameras that show somebody."""


def still(camera: CameraJob, job: WorkerJob, now_s: float) -> Source:
    """Twenty pictures a second in which nothing moves."""

    def play(session: Session) -> Generator[AnyFrame, None, None]:
        session.opened(StreamInfo("none", (640, 360), 20.0))
        index = session.first_index
        while not session.stop.wait(0.05):
            at_s = time.time()
            picture = PICTURE + np.uint8(camera.camera in LIT)
            yield Frame(camera.camera, index, at_s, "drill", at_s, picture)
            index += 1

    return play


def build(engine: Engine) -> tuple[Pipeline, str]:
    return Pipeline(Slow(), LookRates.silent()), "slow"


@pytest.fixture
def run() -> Iterator[Run]:
    run = Run()

    def work() -> None:
        run_worker(Engine(), run, lambda _: None, build=build, source=still)

    thread = threading.Thread(target=work)
    thread.start()
    yield run
    run.told.put(None)
    thread.join(10.0)
    assert not thread.is_alive()


def begun(run: Run, sub: CameraAddress | None = None) -> tuple[CameraJob, ...]:
    site = make_school(levels=1, cameras=CAMERAS).site
    cameras = tuple(CameraJob(camera, CameraAddress("none"), sub) for camera in site.cameras)
    run.hears(Ready)
    run.told.put(Begin(WorkerJob(WorkerSite.of(site), time.time()), cameras))
    return cameras


def test_a_worker_in_waiting_proves_that_it_works(run: Run) -> None:
    assert run.hears(Ready) == Ready("slow")
    run.told.put(Prove())
    assert run.hears(Ready) == Ready("slow")


def test_what_is_wanted_is_looked_at_more_often_and_nobody_is_forgotten(run: Run) -> None:
    cameras = begun(run)
    wanted = cameras[3].camera
    run.looks(2.0)  # until all feeds are open
    before = run.looks(3.0)
    run.told.put(Attend({wanted: 10.0}))
    run.looks(0.5)
    after = run.looks(3.0)
    others = sorted(count for camera, count in after.items() if camera != wanted)
    assert len(after) == CAMERAS
    assert after[wanted] > 1.5 * before[wanted]
    assert after[wanted] > 1.5 * others[len(others) // 2]


def test_cameras_are_let_go_and_taken_up_as_told(run: Run) -> None:
    cameras = begun(run)
    run.looks(1.5)
    run.told.put(Watch(cameras[:2], watch=1))
    run.looks(1.5)
    assert set(run.looks(1.0)) == {camera.camera for camera in cameras[:2]}
    run.told.put(Watch(cameras[1:4], watch=2))
    run.looks(1.5)
    assert set(run.looks(1.0)) == {camera.camera for camera in cameras[1:4]}


def test_a_worker_tells_how_its_cameras_and_batches_are(run: Run) -> None:
    cameras = begun(run)
    run.looks(2.0)
    feeds = run.hears(Feeds)
    assert isinstance(feeds, Feeds)
    assert {state.id for state in feeds.cameras} == {camera.camera for camera in cameras}
    assert all(state.phase == "live" for state in feeds.cameras)
    assert sum(size * count for size, count in feeds.batches) > 0


def streams(run: Run) -> dict[str, str | None]:
    """Which stream of each camera is read, a moment from now."""
    run.looks(2.0)
    feeds = run.hears(Feeds)
    assert isinstance(feeds, Feeds)
    return {state.id: state.stream for state in feeds.cameras}


def test_the_main_stream_is_read_where_somebody_is_or_is_awaited_or_people_watch(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    cameras = [camera.camera for camera in begun(run, CameraAddress("sub"))]
    assert streams(run) == dict.fromkeys(cameras, "sub")
    monkeypatch.setitem(globals(), "LIT", {cameras[0]})
    run.told.put(Attend({cameras[1]: 5.0, cameras[2]: 1.0}))
    run.told.put(Show(frozenset({StreamWanted(cameras[3], "still")}), Drawing()))
    main = {cameras[0], cameras[1], cameras[3]}
    assert streams(run) == {one: "main" if one in main else "sub" for one in cameras}


def test_a_camera_with_one_stream_says_nothing_of_two(run: Run) -> None:
    begun(run)
    assert set(streams(run).values()) == {None}


def test_who_hangs_up_ends_the_worker(run: Run) -> None:
    begun(run)
    run.looks(0.5)
    run.told.put(None)  # the fixture sees that its thread ends
