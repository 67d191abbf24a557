"""One playing incident: a worker process in front, the locator behind, answers out."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from calibration.inputs import FriendlyReport
from calibration.prepared import PreparedSite

from .drill_files import load_drill
from .errors import RunError
from .going_on import go_on
from .input_log import Observation, published_at
from .run_jobs import drill_jobs, site_jobs
from .run_pictures import EvidencePictures, RunStreams
from .runs import CameraStatus
from .worker_messages import Ended, Failed, Feeds, Observed, Pictured, Ready, WorkerJob, WorkerSite
from .worker_process import WorkerProcess
from .worker_silence import HANGS_S, QUIET_S, Silence, not_live

if TYPE_CHECKING:
    from collections.abc import Callable

    from calibration.answer import Answer, TrackKey
    from calibration.inputs import OperatorInput
    from calibration.locator import Locator
    from calibration.search_picture import SearchPicture
    from calibration.site import Site
    from vision.detect import Device
    from vision.evidence import EvidencePicture
    from vision.stream_parts import Drawing, StreamPart, StreamWanted

    from .gate import Permit
    from .input_log import Log, Logged
    from .journal import Journal
    from .runs import RunFactory
    from .targets import Target
    from .worker_messages import CameraJob, FromWorker

_log = logging.getLogger(__name__)

QUIET_PUBLISH_S = 0.25
"""Without news an answer is still published this often, so that ages and areas grow."""

RESTART_DELAYS_S = (0.0, 1.0, 3.0, 10.0)
"""A worker that died is started again after these waits; one that dies more often stays down."""

STEADY_S = 60.0
"""A worker that worked this long before it died starts again from the shortest wait."""

TRACKS_A_WORKER = 1_000_000
"""More tracks than a worker makes of one camera in any incident."""


class IncidentRun:
    """Plays the cameras of a permit and publishes answers; see `api.runs.Run`.

    Args:
        permit: which cameras may be watched.
        site: the site they belong to.
        jobs: where the frames of each camera come from.
        publish: takes each new answer.
        on_end: called once when all recordings have ended or the worker is given up.
        log: takes what goes into the locator and what is published, in that order.
        journal: takes the same, and has what the process before this one wrote of it: the run goes
            on with its subjects; None where nothing is kept.
        duration_s: length of a drill, seconds; None for live cameras.
        device: "auto", "cpu" or "cuda".
        now: the clock, Unix seconds.
        fresh: makes a locator of the site that has consumed nothing.
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
        fresh: Callable[[], Locator] | None = None,
    ) -> None:
        allowed = tuple(job for job in jobs if job.camera in permit.cameras)
        if not allowed:
            raise RunError("none of the permitted cameras has an address or a recording")
        self._job = WorkerJob(WorkerSite.of(site), allowed, device, duration_s)
        self._publish = publish
        self._on_end = on_end
        self._logs = [*([log] if log else []), *([journal.log] if journal else [])]
        self._journal = journal
        self._site = site
        self._early: list[OperatorInput] | None = None if journal is None else []
        self._now = now
        self._fresh = fresh or PreparedSite(site).locator
        self._locator = self._fresh()
        self._pictures = EvidencePictures()
        self._streams = RunStreams()
        self._stopping = threading.Event()
        self._begun = threading.Event()
        self._workers = 0
        self._started_at_s: float | None = None
        self._backend = ""
        self._trouble: dict[str, str] = {}
        self._cameras = tuple(
            CameraStatus(
                job.camera, site.cameras[job.camera].name, "connecting", "", None, 0, 0, 0, None
            )
            for job in allowed
        )
        self._names = {camera.id: camera.name for camera in self._cameras}
        self._news = False
        self._silence = Silence()
        # Frames come in one thread and what people say in others; the log has one order.
        self._locating = threading.Lock()
        self._thread = threading.Thread(target=self._supervise, name="incident-run", daemon=True)

    @property
    def backend(self) -> str:
        """What the detector runs on; "" until the worker is ready."""
        return self._backend

    @property
    def started_at_s(self) -> float | None:
        """When the feeds were opened, Unix seconds; None before."""
        return self._started_at_s

    def start(self) -> None:
        """Begin, and return at once."""
        self._thread.start()

    def stop(self) -> None:
        """End: the worker process and its sockets are gone within one second."""
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
        return (*self._trouble.values(), *faults, *views, *self._locator.problems())

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
        permitted = {job.camera for job in self._job.cameras}
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
            self._fresh,
            journal,
            now_s=self._now(),
            stop=self._stopping.is_set,
        )
        if begun.trouble:
            self._trouble["journal"] = begun.trouble
        with self._locating:
            self._locator = begun.locator
            self._workers += begun.newest_track // TRACKS_A_WORKER + 1
            early, self._early = self._early or [], None
        if early:
            self.tell(*early)

    def _supervise(self) -> None:
        """Keep a worker alive until the end, the stop, or one death too many."""
        deaths = 0
        while not self._stopping.is_set():
            born_s = self._now()
            try:
                end = self._work()
            except Exception as error:  # noqa: BLE001 - a thread that just ends looks healthy
                _log.exception("the worker's supervisor met an error")
                end = f"{type(error).__name__} while supervising it"
            if end is None:
                return
            if self._now() - born_s > STEADY_S:
                deaths = 0
            if end == "ended":
                self._on_end("the recordings have played to their end")
                return
            if deaths >= len(RESTART_DELAYS_S):
                self._trouble["worker"] = f"the worker was given up: {end}"
                self._mark_stopped("worker down")
                # What it says may name a camera's file, and everybody hears why it was closed.
                _log.error("the worker was given up after %d failures: %s", deaths + 1, end)
                self._on_end(f"the worker was given up after {deaths + 1} failures")
                return
            self._trouble["worker"] = f"the worker died ({end}) and is being started again"
            self._stopping.wait(RESTART_DELAYS_S[deaths])
            deaths += 1

    def _work(self) -> str | None:
        """Run one worker; why it ended: "ended", a reason in words, or None when stopped."""
        worker = WorkerProcess(self._job)
        self._workers += 1
        published_s = -1.0
        self._silence = Silence()
        try:
            worker.start()
            worker.take_pictures(self._streams.hand_on)
            if self._journal is not None and self._early is not None:
                self._go_on(self._journal)
            self._locator.prepare()  # while the worker loads its engine
            while not self._stopping.is_set():
                alive = worker.is_alive()
                for message in worker.receive(timeout_s=QUIET_PUBLISH_S):
                    end = self._take(message, worker)
                    if end is not None:
                        self._publish_answer(self._now())
                        return end
                now_s = self._now()
                due = self._news or now_s - published_s >= QUIET_PUBLISH_S
                if self._begun.is_set() and due:
                    published_s = self._publish_answer(now_s)
                if self._silence.lasts(QUIET_S):
                    self._cameras = not_live(self._cameras)
                if not alive or self._silence.lasts(HANGS_S):
                    return "it hangs" if alive else f"exit code {worker.exit_code}"
        finally:
            self._streams.serve(None)
            worker.stop()
            if self._journal is not None:
                self._journal.flush()
        self._mark_stopped("closed")
        return None

    def _take(self, message: FromWorker, worker: WorkerProcess) -> str | None:
        """Act on one message; the reason if the worker has ended with it."""
        match message:
            case Ready():
                self._backend = message.backend
                self._trouble.pop("worker", None)
                if self._started_at_s is None:
                    self._started_at_s = self._now()
                worker.begin(self._started_at_s)
                self._streams.serve(worker)
                self._silence.heard()
                self._begun.set()
            case Observed():
                positions = message.positions
                shifted = positions.track_id + self._first_track
                seen = Observation(replace(positions, track_id=shifted), message.times)
                with self._locating:
                    self._log(seen)
                    self._locator.consume(seen.positions, seen.times)
                    self._news = True
                self._streams.see(positions.camera, shifted.tolist())
            case Pictured():
                for picture in message.pictures:
                    track = picture.track_id + self._first_track
                    self._pictures.keep(replace(picture, track_id=track))
            case Feeds():
                self._silence.heard()
                self._cameras = tuple(
                    replace(camera, name=self._names[camera.id]) for camera in message.cameras
                )
            case Ended():
                return "ended"
            case Failed():
                return message.reason
        return None

    @property
    def _first_track(self) -> int:
        """Number of this worker's track 0.

        It counts anew, and its first track is not the first track of the one that died.
        """
        return (self._workers - 1) * TRACKS_A_WORKER

    def _publish_answer(self, now_s: float) -> float:
        """Publish what is known at `now_s`; the moment it was published."""
        with self._locating:
            answer = self._locator.answer(now_s)
            published_s = self._now()
            answer = published_at(answer, published_s)
            self._log(answer)
            self._publish(answer)
            self._news = False
            self._streams.tell(answer, self._locator.subject_of, self._first_track)
        return published_s

    def _mark_stopped(self, reason: str) -> None:
        self._cameras = tuple(
            replace(camera, phase="stopped", reason=reason) for camera in self._cameras
        )


def run_factory(
    device: Device = "auto",
    *,
    log: Log | None = None,
    on_made: Callable[[IncidentRun], None] | None = None,
) -> RunFactory:
    """What the location API makes its runs with; see `api.runs.RunFactory`.

    Args:
        device: "auto", "cpu" or "cuda".
        log: takes what goes into the locator of each run, and what is published.
        on_made: takes each run as it is made.
    """

    def make(
        permit: Permit,
        target: Target,
        publish: Callable[[Answer], None],
        on_end: Callable[[str], None],
        journal: Journal | None = None,
    ) -> IncidentRun:
        drill = load_drill(target.folder) if target.kind == "drill" else None
        run = IncidentRun(
            permit,
            target.site,
            drill_jobs(drill) if drill else site_jobs(target.site),
            publish,
            on_end,
            log=log,
            journal=journal,
            duration_s=drill.duration_s if drill else None,
            device=device,
            fresh=target.prepared.locator,
        )
        if on_made is not None:
            on_made(run)
        return run

    return make
