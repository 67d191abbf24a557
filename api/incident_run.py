"""One playing incident: workers in front, the locator behind, answers out."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from calibration.inputs import FriendlyReport
from calibration.prepared import PreparedSite

from .attending import Attending
from .errors import RunError
from .fleet import Fleet
from .fleet_member import TRACKS_A_WORKER
from .going_on import go_on
from .input_log import Observation, published_at
from .logs import about
from .run_jobs import has_pixels
from .run_news import BatchesTaken, WorkersFared, unwatched
from .run_pictures import EvidencePictures, RunStreams
from .runs import CameraStatus
from .starved_cameras import starved_problems
from .worker_messages import Engine, Observed, WorkerSite
from .worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from calibration.answer import Answer, TrackKey
    from calibration.inputs import OperatorInput
    from calibration.search_picture import SearchPicture
    from calibration.site import Site
    from vision.detect import Device
    from vision.evidence import EvidencePicture
    from vision.stream_parts import Drawing, StreamPart, StreamWanted

    from .gate import Permit
    from .input_log import Log, Logged
    from .journal import Journal
    from .run_news import RunWatch
    from .worker_messages import CameraJob, Pictured
    from .workers import WorkerMaker

_log = logging.getLogger(__name__)

QUIET_PUBLISH_S = 0.25
"""Without news an answer is still published this often, so that ages and areas grow."""

LEAST_PUBLISH_S = 0.04
"""Answers are not published more often than this."""

TAKES_IN = 0.25
"""After an answer frames are taken in for this share of the time that it took, at least."""

HEAR_EVERY_S = 0.1

MOST_ERRORS = 3
"""So often new workers are started because of an error here, in the process of the run."""


class IncidentRun:
    """Plays the cameras of a permit and publishes answers; see `api.runs.Run`.

    Args:
        permit: which cameras may be watched.
        site: the site they belong to.
        jobs: where the frames of each camera come from.
        publish: takes each new answer.
        on_end: called once when all recordings have ended or the workers are given up.
        log: takes what goes into the locator and what is published, in that order.
        journal: takes the same, and has what the process before this one wrote of it: the run goes
            on with its subjects; None where nothing is kept.
        duration_s: length of a drill, seconds; None for live cameras.
        device: "auto", "cpu" or "cuda".
        now: the clock, Unix seconds.
        prepared: what locators of the site share; made where None is given.
        make_worker: makes what works on the pixels; a process of this machine by default.
        workers: how many of them; no more than there are cameras.
        watch: takes the same as `log`, and how the workers fare, for those who run the server.
    """

    def __init__(
        self,
        permit: Permit,
        site: Site,
        jobs: tuple[CameraJob, ...],
        publish: Callable[[Answer], None],
        on_end: Callable[[str], None],
        *,
        log: Log | None = None,
        journal: Journal | None = None,
        duration_s: float | None = None,
        device: Device = "auto",
        now: Callable[[], float] = time.time,
        prepared: PreparedSite | None = None,
        make_worker: WorkerMaker = WorkerProcess,
        workers: int = 1,
        watch: RunWatch = unwatched,
    ) -> None:
        allowed = tuple(job for job in jobs if job.camera in permit.cameras)
        if not allowed:
            raise RunError("none of the permitted cameras has an address or a recording")
        self._incident = permit.incident
        self._jobs = allowed
        self._engine = Engine(device, any(has_pixels(job) for job in allowed))
        self._make_worker = make_worker
        self._size = min(workers, len(allowed))
        self._duration_s = duration_s
        self._publish = publish
        self._on_end = on_end
        self._logs = [*([log] if log else []), *([journal.log] if journal else []), watch]
        self._watch = watch
        self._fared = WorkersFared("", 0, 0)
        self._journal = journal
        self._site = site
        self._early: list[OperatorInput] | None = None if journal is None else []
        self._now = now
        self._prepared = prepared or PreparedSite(site)
        self._attending = Attending(self._prepared, [job.camera for job in allowed])
        self._newest: Answer | None = None
        self._locator = self._prepared.locator()
        self._pictures = EvidencePictures()
        self._streams = RunStreams()
        self._stopping = threading.Event()
        self._first_worker = 0
        self._started_at_s: float | None = None
        self._backend = ""
        self._trouble: dict[str, str] = {}
        self._worker_troubles: tuple[str, ...] = ()
        self._bound_s: float | None = None
        self._cameras = tuple(
            CameraStatus(
                job.camera, site.cameras[job.camera].name, "connecting", "", None, 0, 0, 0, None
            )
            for job in allowed
        )
        self._names = {camera.id: camera.name for camera in self._cameras}
        self._news = False
        # Frames come in one thread and what people say in others; the log has one order.
        self._locating = threading.Lock()
        self._thread = threading.Thread(target=self._play, name="incident-run", daemon=True)

    @property
    def backend(self) -> str:
        """What the detector runs on; "" until the worker is ready."""
        return self._backend

    @property
    def started_at_s(self) -> float | None:
        """When the feeds were opened, Unix seconds; None before."""
        return self._started_at_s

    @property
    def staleness_bound_s(self) -> float | None:
        """The longest that any camera goes without a look, seconds; None while all frames fit."""
        return self._bound_s

    def start(self) -> None:
        """Begin, and return at once."""
        self._thread.start()

    def stop(self) -> None:
        """End: the workers and their sockets are gone within one second."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)
        self._pictures.clear()

    def cameras(self) -> tuple[CameraStatus, ...]:
        """State of every camera."""
        return self._cameras

    def problems(self) -> tuple[str, ...]:
        """What is degraded now, a sentence each."""
        faults = [
            f"camera {camera.name}: {camera.phase}{': ' + camera.reason if camera.reason else ''}"
            for camera in self._cameras
            if camera.phase in {"stalled", "refused"}
        ]
        views = [
            f"camera {camera.name} {camera.view_trouble}"
            for camera in self._cameras
            if camera.view_trouble
        ]
        return (
            *self._trouble.values(),
            *self._worker_troubles,
            *starved_problems(self._cameras),
            *faults,
            *views,
            *self._locator.problems(),
        )

    def picture(self, track: TrackKey) -> EvidencePicture | None:
        """The clearest picture of the weapon of one track."""
        return self._pictures.get(track)

    def show(
        self,
        wanted: frozenset[StreamWanted],
        take: Callable[[StreamPart], None],
        drawing: Drawing,
    ) -> None:
        """Encode exactly what is wanted from now on."""
        permitted = {job.camera for job in self._jobs}
        self._streams.show(
            frozenset(one for one in wanted if one.camera in permitted), take, drawing
        )

    def search_picture(self, subject: str) -> SearchPicture | None:
        """Where a subject that no camera sees can be, as of the newest answer."""
        if self._stopping.is_set():
            return None
        with self._locating:
            return self._locator.search_picture(subject)

    def tell(self, *told: OperatorInput) -> None:
        """Take in what people or other systems say, and publish the answer with it at once.

        It holds also while a worker is being started again. Positions of units, which come every
        second, are published with the frames.
        """
        if self._stopping.is_set():
            return
        with self._locating:
            if self._early is not None:  # it comes after what was told before the restart
                self._early.extend(told)
                return
            for one in told:
                self._log(one)
                self._locator.tell(one)
            self._news = True
        if not all(isinstance(one, FriendlyReport) for one in told):
            self._publish_answer(self._now())

    def _log(self, entry: Logged) -> None:
        for log in self._logs:
            log(entry)

    def _go_on(self, journal: Journal) -> None:
        """Take up the journal of the process before this one, and what was told meanwhile."""
        begun = go_on(
            self._site,
            self._prepared.locator,
            journal,
            now_s=self._now(),
            stop=self._stopping.is_set,
        )
        if begun.trouble:
            self._trouble["journal"] = begun.trouble
        with self._locating:
            self._locator = begun.locator
            self._first_worker += begun.newest_track // TRACKS_A_WORKER + 1
            early, self._early = self._early or [], None
        if early:
            self.tell(*early)

    def _play(self) -> None:
        """Supervise; the outermost frame of the run's thread."""
        with about(incident=self._incident):
            self._supervise()

    def _supervise(self) -> None:
        """Keep workers alive until the end, the stop, or one death too many."""
        errors = 0
        while not self._stopping.is_set():
            try:
                self._work()
            except Exception:  # noqa: BLE001 - a thread that just ends looks healthy
                _log.exception("the run of the incident met an error")
                errors += 1
                self._trouble["run"] = "an error in this server; the workers were started again"
                if errors > MOST_ERRORS:
                    self._mark_stopped("worker down")
                    self._on_end(f"given up after {errors} errors in this server")
                    return
            else:
                return

    def _work(self) -> None:
        """Run the workers to the end, or until stopped."""
        fleet = Fleet(
            self._make_worker,
            self._engine,
            WorkerSite.of(self._site),
            self._jobs,
            self._streams.hand_on,
            duration_s=self._duration_s,
            size=self._size,
            tell=self._watch,
            started_at_s=self._started_at_s,
            incident=self._incident,
            now=self._now,
        )
        publish_at_s = quiet_at_s = hear_at_s = -1.0
        changes = 0
        try:
            fleet.start()
            if self._journal is not None and self._early is not None:
                self._go_on(self._journal)
            fleet.count_from(self._first_worker)
            self._locator.prepare()  # while the workers load their engines
            while not self._stopping.is_set():
                wait_s = publish_at_s - self._now() if self._news else QUIET_PUBLISH_S
                for message in fleet.receive(min(max(wait_s, 0.0), QUIET_PUBLISH_S)):
                    self._take(message)
                fleet.look_after()
                over = fleet.ended or bool(fleet.given_up)
                now_s = self._now()
                if now_s >= hear_at_s or fleet.changes != changes or over:
                    hear_at_s = now_s + HEAR_EVERY_S
                    self._hear(fleet)
                if fleet.changes != changes:
                    changes = fleet.changes
                    self._streams.serve(fleet)
                due = now_s >= (publish_at_s if self._news else quiet_at_s)
                if self._started_at_s is not None and (due or over):
                    ended_s = self._publish_answer(now_s)
                    publish_at_s = ended_s + max(LEAST_PUBLISH_S, TAKES_IN * (ended_s - now_s))
                    quiet_at_s = ended_s + QUIET_PUBLISH_S
                rates = self._attending.rates(self._newest, now_s)
                if rates is not None:
                    fleet.attend(rates)
                if over:
                    self._end(fleet)
                    return
        finally:
            self._first_worker = fleet.next_number
            self._streams.serve(None)
            fleet.stop()
            if self._journal is not None:
                self._journal.flush()
        self._mark_stopped("closed")

    def _hear(self, fleet: Fleet) -> None:
        """Take over how the workers and their cameras are."""
        self._backend, self._started_at_s = fleet.backend, fleet.started_at_s
        self._worker_troubles, self._bound_s = fleet.troubles(), fleet.staleness_bound_s
        fared = WorkersFared(fleet.backend, fleet.restarts, fleet.moved, self._bound_s)
        if fared != self._fared:
            self._fared = fared
            self._watch(fared)
        if fleet.batches:
            self._watch(BatchesTaken(tuple(sorted(fleet.batches.items()))))
            fleet.batches.clear()
        told = fleet.statuses()
        self._cameras = tuple(
            replace(told[camera.id], name=camera.name) if camera.id in told else camera
            for camera in self._cameras
        )

    def _end(self, fleet: Fleet) -> None:
        if fleet.ended:
            self._on_end("the recordings have played to their end")
            return
        self._mark_stopped("worker down")
        # What a worker says may name a camera's file, and everybody hears why it was closed.
        _log.error("given up after %d failures: %s", fleet.given_up, "; ".join(fleet.troubles()))
        self._on_end(f"the worker was given up after {fleet.given_up} failures")

    def _take(self, message: Observed | Pictured) -> None:
        """Take in what a worker saw."""
        if not isinstance(message, Observed):
            for picture in message.pictures:
                self._pictures.keep(picture)
            return
        seen = Observation(message.positions, message.times)
        with self._locating:
            self._log(seen)
            self._locator.consume(seen.positions, seen.times)
            self._news = True
        self._streams.see(seen.positions.camera, seen.positions.track_id.tolist())

    def _publish_answer(self, now_s: float) -> float:
        """Publish what is known at `now_s`; the moment it was published."""
        with self._locating:
            answer = self._locator.answer(now_s)
            published_s = self._now()
            answer = published_at(answer, published_s)
            self._log(answer)
            self._publish(answer)
            self._newest = answer
            self._news = False
            self._streams.tell(answer, self._locator.subject_of)
        return published_s

    def _mark_stopped(self, reason: str) -> None:
        self._cameras = tuple(
            replace(camera, phase="stopped", reason=reason) for camera in self._cameras
        )
