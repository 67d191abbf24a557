"""The worker process of `benchmarks.peers_ours`: the real worker, watched.

Feeds, newest frames, attention, batches, detector, tracks, second look at weapons, evidence,
clothes, view watch and floor positions, as `api.worker` runs them. Two things are added, for
measuring only. Where a tracked frame is handed to the streams, its number and its boxes are noted.
And of files every frame must count, as with the other systems: a camera sends its next frame when
its slot is empty, so that none is replaced by a newer one.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from dataclasses import replace
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from api.worker import run_worker
from api.worker_feeds import source_of
from api.worker_messages import (
    Begin,
    CameraJob,
    Ended,
    Engine,
    Failed,
    Observed,
    Ready,
    WorkerJob,
    WorkerSite,
)
from benchmarks.peers_protocol import (
    BEGIN,
    ENDED,
    FRAME,
    OTHER,
    PERSON,
    READY,
    STOP,
    UNREADABLE,
    WEAPON,
    stamp_of,
)
from calibration.site import load_site
from vision.address import CameraAddress
from vision.decode import decode_file
from vision.latest import LatestFrames
from vision.streaming import Streams
from vision.video_file import probe_file

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from multiprocessing.connection import Connection

    from numpy.typing import NDArray

    from api.worker_feeds import SourceMaker
    from api.worker_messages import FromWorker, ToWorker
    from benchmarks.peers_protocol import Job
    from vision.pipeline import TrackedFrame
    from vision.sources import AnyFrame, Session, Source

WING = Path(__file__).parent / "drills" / "wing"


def run(job: Job, connection: Connection) -> None:
    """Work until the other end says `STOP`, then hand over what was noted."""
    watched = WatchedRun(job, connection)
    watched.listen()
    source = source_of if job.live else as_fast_as_taken()
    run_worker(Engine("cpu"), watched, lambda _part: None, source=source)
    watched.hand_over()


def as_fast_as_taken() -> SourceMaker:
    """Sources that play files as cameras that send a frame whenever their slot is empty.

    A frame counts as captured when it is sent: to the worker each camera is live.
    """
    slots = cast("Any", LatestFrames)
    take = slots.take
    room: dict[str, threading.Semaphore] = defaultdict(threading.Semaphore)

    def releasing_take(*args: Any, **more: Any) -> list[AnyFrame]:  # noqa: ANN401
        taken: list[AnyFrame] = take(*args, **more)
        for frame in taken:
            room[frame.camera].release()
        return taken

    slots.take = releasing_take

    def source_of(camera: CameraJob, _job: WorkerJob, _now_s: float) -> Source:
        path = cast("CameraAddress", camera.source).path

        def frames(session: Session) -> Generator[AnyFrame]:
            session.opened(probe_file(path))
            with contextlib.closing(decode_file(path, camera.camera)) as decoded:
                for frame in decoded:
                    while not room[camera.camera].acquire(timeout=0.2):
                        if session.stop.is_set():
                            return
                    now_s = time.time()
                    yield replace(frame, captured_at_s=now_s, decoded_at_s=now_s)

        return frames

    return source_of


class WatchedRun:
    """The run that the worker talks to (`api.worker_pipes.ToRun`), noting what it is told of.

    Args:
        job: what the peer is to do.
        connection: to this program.
    """

    def __init__(self, job: Job, connection: Connection) -> None:
        self._job = job
        self._connection = connection
        self._tracked: dict[tuple[str, float], TrackedFrame] = {}
        self._noted: list[tuple[int, int, NDArray[np.float32]]] = []

    def listen(self) -> None:
        """Hear of every tracked frame where it is handed to the streams."""
        library = cast("Any", Streams)
        offer = library.offer

        def heard(streams: Any, tracked: TrackedFrame) -> None:  # noqa: ANN401
            self._tracked[tracked.frame.camera, tracked.frame.captured_at_s] = tracked
            offer(streams, tracked)

        library.offer = heard

    def send(self, message: FromWorker) -> None:
        """Send a message on, and note of which picture it tells."""
        match message:
            case Ready():
                self._connection.send_bytes(READY + b" " + message.backend.encode())
            case Failed():
                self._connection.send_bytes(b"failed " + message.reason.encode())
            case Ended():
                self._connection.send_bytes(ENDED)
            case Observed():
                self._note(message)
                self._connection.send_bytes(FRAME + bytes(ForkingPickler.dumps(message)))
            case _:
                self._connection.send_bytes(OTHER + bytes(ForkingPickler.dumps(message)))

    def _note(self, message: Observed) -> None:
        positions = message.positions
        tracked = self._tracked.pop((positions.camera, positions.captured_at_s))
        image = getattr(tracked.frame, "image", None)
        stamp = UNREADABLE if image is None else stamp_of(image)
        number = int(positions.camera.rpartition("-")[2])
        self._noted.append((number, stamp, boxes_of(tracked)))

    def receive(self) -> ToWorker:
        """What to begin with, once it is told to begin."""
        if self._connection.recv_bytes() != BEGIN:
            raise EOFError
        return begin_of(self._job)

    def waiting(self) -> Iterator[ToWorker]:
        """Nothing, until it is told to stop."""
        if self._connection.poll(0.0):
            self._connection.recv_bytes()
            raise EOFError
        return iter(())

    def hand_over(self) -> None:
        """Give what was noted to this program, after the measurement."""
        self._connection.send_bytes(STOP)
        with contextlib.suppress(OSError):
            self._connection.send(self._noted)


def boxes_of(tracked: TrackedFrame) -> NDArray[np.float32]:
    """`(N, 6)` the boxes that the whole-frame detector found, as `Results.add` takes them."""
    rows = [
        np.column_stack([boxes.xyxy_px, boxes.confidence, np.full(len(boxes), kind)])
        for boxes, kind in ((tracked.persons, PERSON), (tracked.weapons[0], WEAPON))
    ]
    return np.concatenate(rows).astype(np.float32)


def begin_of(job: Job) -> Begin:
    """Watch the job's sources with the cameras of the wing drill, again and again."""
    site = load_site(WING)
    models = [site.cameras[name] for name in sorted(site.cameras)]
    cameras = {}
    jobs = []
    for number, source in enumerate(job.sources):
        name = f"camera-{number}"
        cameras[name] = replace(models[number % len(models)], id=name, reference=None)
        jobs.append(CameraJob(name, CameraAddress(source)))
    return Begin(WorkerJob(WorkerSite(site.plan, cameras), time.time()), tuple(jobs))
