"""Playing a drill from its first frame to its record, at wall-clock pace or at full speed."""

from __future__ import annotations

import heapq
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from calibration.answer import Answer, StageTimes
from calibration.locator import Locator
from calibration.projection import batch_to_floor_positions
from vision.errors import MediaError
from vision.overlapped import overlapped

from .actors import MACHINE, at_the_machine
from .audit import machine_user
from .decisions import CameraFacts
from .errors import RunError
from .gate import Activation, Terms
from .incident_run import IncidentRun
from .input_log import Observation, with_publication
from .machine import machine_facts, package_versions
from .recorded_frames import recorded_frames
from .run_jobs import drill_jobs
from .run_news import CamerasMoved
from .run_record import FrameCounts, RunRecord
from .run_stills import StillsOfAlerts
from .worker import build_pipeline, saved_views
from .worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vision.detect import Device
    from vision.sources import AnyFrame

    from .drill_files import Drill, DrillFeed
    from .gate import Gate, Permit
    from .input_log import Logged
    from .run_news import RunNews
    from .runs import CameraStatus
    from .workers import WorkerMaker

BATCH_SPAN_S = 0.05
"""At full speed, frames of different cameras captured within this time go as one batch."""

PROGRESS_EVERY_S = 0.1

ORDERLY_ENDS = frozenset({"end of file", "stopped", "closed"})
"""Reasons of a stopped feed that are no trouble."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a drill has played.

    Attributes:
        t_s: time since the drill's start, seconds.
        duration_s: its length.
        answer: the newest answer; None before the first.
        cameras: state of each camera.
        problems: what is degraded now.
    """

    t_s: float
    duration_s: float
    answer: Answer | None
    cameras: tuple[CameraStatus, ...]
    problems: tuple[str, ...]


class DrillRecorder:
    """Collects what a run of a drill publishes and sees, and makes its record.

    Hand `log` and `watch` to the run.
    """

    def __init__(self, drill: Drill) -> None:
        self._drill = drill
        self._log: list[Logged] = []
        self._newest: Answer | None = None
        self._stills = StillsOfAlerts()
        self._troubles: dict[str, None] = {}
        self._moves: list[CamerasMoved] = []

    def log(self, entry: Logged) -> None:
        """Keep what the run's locator takes and gives, in its order."""
        self._log.append(entry)
        if isinstance(entry, Answer):
            self._newest = entry

    def watch(self, news: RunNews) -> None:
        """Keep which cameras got another worker."""
        if isinstance(news, CamerasMoved):
            self._moves.append(news)
            if news.why:
                self.trouble(news.text)

    def trouble(self, sentence: str) -> None:
        """Keep a sentence about what went wrong; the same one is kept once."""
        self._troubles[sentence] = None

    def progress(self, run: IncidentRun, now_s: float) -> Progress:
        """How far the run has come at `now_s`, Unix seconds."""
        for problem in run.problems():
            self.trouble(problem)
        self._stills.look(self._newest, run.picture)
        started_at_s = run.started_at_s if run.started_at_s is not None else now_s
        return Progress(
            min(now_s - started_at_s, self._drill.duration_s),
            self._drill.duration_s,
            self._newest,
            run.cameras(),
            run.problems(),
        )

    def record(self, run: IncidentRun, now_s: float) -> RunRecord:
        """The record of a run that has ended."""
        for camera in run.cameras():
            if camera.phase == "stopped" and camera.reason not in ORDERLY_ENDS:
                self.trouble(f"camera {camera.name}: {camera.reason}")
        return RunRecord(
            drill=self._drill.name,
            exercise=self._drill.exercise,
            speed="realtime",
            start_s=run.started_at_s if run.started_at_s is not None else now_s,
            duration_s=self._drill.duration_s,
            log=with_publication(self._log),
            frames={
                camera.id: FrameCounts(camera.frames_in, camera.frames_used, camera.frames_dropped)
                for camera in run.cameras()
            },
            machine=machine_facts(detector=run.backend),
            versions=package_versions(),
            problems=tuple(self._troubles),
            stills=self._stills.stills(e for e in self._log if isinstance(e, Answer)),
            moves=tuple(self._moves),
        )


def play_realtime(
    drill: Drill,
    permit: Permit,
    on_progress: Callable[[Progress], None],
    *,
    device: Device = "auto",
    now: Callable[[], float] = time.time,
    make_worker: WorkerMaker = WorkerProcess,
    workers: int = 1,
) -> RunRecord:
    """Play a drill as if live, through the same workers as an incident.

    Args:
        drill: what to play.
        permit: of the exercise.
        on_progress: called a few times a second from this thread; what it raises ends the run.
        device: "auto", "cpu" or "cuda".
        now: the clock, Unix seconds.
        make_worker: makes what works on the pixels.
        workers: how many of them.

    Raises:
        api.errors.RunError: the worker did not come up.
    """
    recorder = DrillRecorder(drill)
    ended = threading.Event()

    def on_end(reason: str) -> None:
        if "given up" in reason:
            recorder.trouble(reason)
        ended.set()

    run = IncidentRun(
        permit,
        drill.site,
        drill_jobs(drill),
        lambda _: None,
        on_end,
        log=recorder.log,
        duration_s=drill.duration_s,
        device=device,
        now=now,
        make_worker=make_worker,
        workers=workers,
        watch=recorder.watch,
    )
    try:
        run.start()
        while not ended.wait(PROGRESS_EVERY_S):
            on_progress(recorder.progress(run, now()))
        recorder.progress(run, now())  # a run that is stopped has no pictures any more
    finally:
        run.stop()
    on_progress(recorder.progress(run, now()))
    record = recorder.record(run, now())
    if not record.observations and record.problems:
        raise RunError(f"{drill.name}: nothing was seen: {'; '.join(record.problems)}")
    return record


@contextmanager
def exercise_permit(drill: Drill, gate: Gate, now: Callable[[], float]) -> Iterator[Permit]:
    """A grant to watch the recordings of a drill, closed at the end.

    Raises:
        api.errors.AuditError: the grant could not be recorded, so nothing was opened.
    """
    incident = f"drill-{drill.folder.resolve().name}-{round(now() * 1000)}"
    cameras = (drill.site.cameras[feed.camera] for feed in drill.feeds)
    # Whoever holds the recordings on this machine can look at them; the audit has that they did.
    terms = Terms(
        None, tuple(CameraFacts(camera.id, camera.placement) for camera in cameras), recorded=True
    )
    grant = gate.open(
        Activation("exercise", drill.name, "lastseen drill run", "replay of a recorded drill"),
        terms,
        actor=at_the_machine(machine_user()),
        incident=incident,
        now_s=now(),
    )
    try:
        yield grant.permit
    finally:
        gate.close(incident, actor=MACHINE, reason="the replay is over", now_s=now())


def play_at_full_speed(
    drill: Drill,
    permit: Permit,
    on_progress: Callable[[Progress], None],
    *,
    device: Device = "auto",
) -> RunRecord:
    """Play a drill frame by frame, none dropped, as fast as the machine can.

    The clock is the drill's own: an answer is given at the capture time of the newest frame, so
    the same drill gives the same answers on every machine with the same detector. What a live
    run would have lost to waiting cannot be measured this way: of the stage times only those
    that were worked, none that were waited, and no capture-to-published time.
    """
    site = drill.site
    pipeline, backend = build_pipeline(device, pixels=any(feed.has_pixels for feed in drill.feeds))
    pipeline.hold_against(saved_views(site.cameras.values()))
    locator = Locator.for_site(site)
    log: list[Logged] = []
    watched = [feed for feed in drill.feeds if feed.camera in permit.cameras]
    counts = {feed.camera: 0 for feed in watched}
    problems: list[str] = []
    stills = StillsOfAlerts()
    feeds = [_until_broken(drill, feed, problems) for feed in watched]
    for seen in overlapped(pipeline, batches_of(feeds)):
        now_s = seen[-1].frame.captured_at_s
        floor = batch_to_floor_positions(
            [(one.tracks, site.cameras[one.frame.camera]) for one in seen], site.plan
        )
        for tracked, positions in zip(seen, floor, strict=True):
            camera = site.cameras[tracked.frame.camera]
            stills.take(tracked.pictures)
            times = StageTimes(tracked.frame.captured_at_s)
            log.append(Observation(positions, times))
            locator.consume(positions, times)
            counts[camera.id] += 1
            trouble = f"camera {camera.name} {tracked.tracks.view.trouble}"
            if tracked.tracks.view.trouble and trouble not in problems:
                problems.append(trouble)
        answer = locator.answer(now_s)
        log.append(answer)
        said = (*problems, *locator.problems())
        on_progress(Progress(now_s - drill.start_s, drill.duration_s, answer, (), said))
    return RunRecord(
        drill=drill.name,
        exercise=drill.exercise,
        speed="max",
        start_s=drill.start_s,
        duration_s=drill.duration_s,
        log=tuple(log),
        frames={camera: FrameCounts(n, n, 0) for camera, n in counts.items()},
        machine=machine_facts(detector=backend),
        versions=package_versions(),
        problems=(*problems, *locator.problems()),
        stills=stills.stills(entry for entry in log if isinstance(entry, Answer)),
    )


def _until_broken(drill: Drill, feed: DrillFeed, problems: list[str]) -> Iterator[AnyFrame]:
    """The frames of one feed; a damaged recording ends there and the others go on."""
    camera = drill.site.cameras[feed.camera]
    try:
        for frame in recorded_frames(feed, camera.model, drill.start_s, drill.duration_s):
            # Only the pace differs from a live run, so the times of the work are the drill's.
            yield replace(frame, decoded_at_s=frame.captured_at_s)
    except MediaError as error:
        problems.append(f"camera {camera.name}: {error}")


def batches_of(feeds: Sequence[Iterator[AnyFrame]]) -> Iterator[list[AnyFrame]]:
    """Groups of frames captured within `BATCH_SPAN_S`, no camera twice, in order of time."""
    batch: list[AnyFrame] = []
    for frame in heapq.merge(*feeds, key=lambda frame: frame.captured_at_s):
        if batch and (
            frame.captured_at_s - batch[0].captured_at_s > BATCH_SPAN_S
            or any(other.camera == frame.camera for other in batch)
        ):
            yield batch
            batch = []
        batch.append(frame)
    if batch:
        yield batch
