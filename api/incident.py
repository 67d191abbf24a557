"""One incident: its grant, its run and everything it has said.

One lock orders all that it says: the lock of its event log. What a message records is taken under
it, so the numbers, the ring and the latest state never disagree. Methods of the run are never
called while it is held, because a run that stops may be waiting to publish.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from . import schemas
from .camera_states import phases, state_of
from .cameras_now import CamerasNow
from .confidential import told_less, unnamed, without_cameras
from .event_forms import Form
from .events import EventLog
from .grid_reference import reference_grid
from .incident_message import incident_message
from .locations import Envelope, Places, cameras_message, last_seen_message, utc
from .search_message import search_message
from .streams import Streams
from .timeline import TimelineMaker, door_names, tells_no_camera
from .timeline_schemas import Timeline
from .told import Told
from .watching import drawing_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from calibration.answer import Answer, TrackKey
    from calibration.inputs import OperatorInput
    from vision.evidence import EvidencePicture

    from .gate import Grant
    from .journal import Journal
    from .keeping import Keeper
    from .runs import CameraStatus, Run, RunFactory
    from .search_schemas import SearchMap
    from .targets import Target
    from .telemetry import IncidentTelemetry
    from .telling import Telling
    from .timeline_schemas import TimelineEntry
    from .viewing import Viewing

_log = logging.getLogger(__name__)

CAMERAS_EVERY_S = 1.0
"""How often camera states are published while nothing but their figures changes."""

_MOST_MESSAGES_A_SECOND = 100


class Incident:
    """One incident.

    Args:
        target: the site or drill.
        grant: what the gate granted.
        clock: Unix seconds now.
        telemetry: measures how old what it says is when those who follow have it.
        keeper: keeps what must be kept of it; None where nothing is.
        agencies: agencies that responded, and when each left.
        journal: takes what its locator takes and gives; None where nothing is kept.
    """

    def __init__(
        self,
        *,
        target: Target,
        grant: Grant,
        clock: Callable[[], float],
        telemetry: IncidentTelemetry,
        keeper: Keeper | None = None,
        agencies: Mapping[str, float | None] | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.id = grant.permit.incident
        self.target = target
        self._grant = grant
        self._clock = clock
        self._keeper, self._journal = keeper, journal
        self._telemetry = telemetry
        self._agencies = dict(agencies or {})
        self._places = Places(
            target.site.frame,
            {level.id: level.name for level in target.site.levels},
            {camera.id: camera.name for camera in target.site.cameras.values()},
            reference_grid(target.site.plan),
        )
        self._run: Run | None = None
        self._run_ended: str | None = None
        self._publish_failed = ""
        self._closing = threading.Lock()
        self._closed: tuple[float, str, str] | None = None
        self._stopped = False
        self._last_seen = last_seen_message(None, self._places, self._envelope(0))
        self._cameras = cameras_message((), (), self._envelope(0))
        self._polled_s = float("-inf")
        self._timeline = TimelineMaker(door_names(target.site.plan))
        # A message a centisecond is more than any run publishes: numbers go on above those that
        # a process before this one may have given.
        after = max(0, int((clock() - grant.permit.from_s) * _MOST_MESSAGES_A_SECOND))
        self.events = EventLog(
            self._snapshot_json, less=told_less, after=after, taken=telemetry.delivered
        )
        self.told = Told(after=after)
        self.cameras_now = CamerasNow(target.prepared, grant.permit.cameras)
        self.streams = Streams(
            grant.permit.cameras, clock, lambda camera: state_of(self._cameras, camera)
        )
        self._say_incident()
        self._timeline.news()  # nobody follows yet

    @property
    def open(self) -> bool:
        """Whether it has not been closed."""
        return self._closed is None

    @property
    def grant(self) -> Grant:
        """What was granted, as it was last."""
        return self._grant

    @property
    def stopped(self) -> bool:
        """Whether it was suspended: its run is stopped, and another process goes on with it."""
        return self._stopped

    @property
    def run_ended(self) -> str | None:
        """Why the run ended by itself, None while it plays."""
        return self._run_ended

    def start(self, factory: RunFactory) -> None:
        """Make and start the run.

        Raises:
            RunError: nothing can be played.
        """
        self._run = factory(
            self._grant.permit, self.target, self.publish, self._on_run_end, self._journal
        )
        run = self._run
        run.start()
        self.streams.begin(lambda wanted, take: run.show(wanted, take, drawing_of(self._grant)))
        self.poll(self._clock())

    def publish(self, answer: Answer) -> None:
        """Publish an answer; ignored once closed. Never raises: a run's thread calls it."""
        text = ""
        cameras_now = self.cameras_now.take(answer)
        self.told.see(mark for subject in answer.subjects for mark in subject.marks)

        def make(number: int) -> str:
            nonlocal text
            message = last_seen_message(
                answer, self._places, self._envelope(number), self._find_and_keep, cameras_now
            )
            text = message.model_dump_json()
            self._last_seen = message
            self._timeline.take_answer(message)
            self._telemetry.published(number, answer)
            return text

        try:
            if self.events.append("last-seen", make) and self._keeper is not None:
                self._keeper.answer(text, answer.at_s)
            self._publish_failed = ""
        except ValueError as error:
            # An answer that breaks the contract of the messages is shown as a degraded state
            # and in the log, and the answers after it are heard.
            _log.exception("incident %s: an answer could not be published", self.id)
            self._publish_failed = f"an answer could not be published: {type(error).__name__}"

    def poll(self, now_s: float) -> None:
        """Publish the camera states if they changed or are due at `now_s` (Unix seconds).

        What happened since is told here too: a run's thread has other things to do.
        """
        run = self._run
        if run is None or not self.open or self._stopped:
            return
        self.streams.tick()
        cameras, problems = run.cameras(), run.problems()
        if self._publish_failed:
            problems = (*problems, self._publish_failed)
        if self._keeper is not None:
            problems = (*problems, *self._keeper.problems())
        said = self._cameras
        changed = phases(cameras) != phases(said.cameras) or problems != said.problems
        if changed or now_s - self._polled_s >= CAMERAS_EVERY_S:
            self._polled_s = now_s
            self._publish_cameras(cameras, problems)
            self._timeline.take_cameras(self._cameras)
        self._say_what_happened()

    def extended(self, grant: Grant) -> None:
        """Take the longer grant, and say so."""
        self._grant = grant
        self._say_incident()
        self._say_what_happened()

    def responds(self, agency: str, left_s: float | None) -> None:
        """Take that an agency responds, or when it left, and say so if that is new."""
        if agency in self._agencies and (self._agencies[agency] is None) is (left_s is None):
            return
        self._agencies = {**self._agencies, agency: left_s}
        self._say_incident()
        self._say_what_happened()

    def close(self, *, closed_by: str, reason: str) -> None:
        """Stop the run and say so; everything is gone when this returns. May be repeated.

        Where the run cannot be stopped this raises, and it stays open for the next attempt.
        """
        with self._closing:
            if self._closed is not None:
                return
            self.streams.end("closed")
            self._stop_run()
            self._closed = (self._clock(), closed_by, reason)
            try:
                self._publish_cameras(() if self._run is None else self._run.cameras(), ())
            except ValueError:
                _log.exception("incident %s: its last camera states cannot be told", self.id)
            self.events.append("closed", self._incident_json, last=True)
            if self._keeper is not None:
                self._keeper.close()

    def suspend(self) -> None:
        """Stop the run and end its streams, and leave it open: another process goes on with it."""
        with self._closing:
            if self._closed is not None or self._stopped:
                return
            self.streams.end("stopping")
            self._stop_run()
            self._stopped = True
            self._publish_cameras(() if self._run is None else self._run.cameras(), ())
            self.events.append("incident", self._incident_json, last=True)
            if self._keeper is not None:
                self._keeper.close()

    def tell(self, telling: Telling, *told: OperatorInput) -> None:
        """Hand on what somebody told; the answer with it is published at once."""
        if telling.incident != self.id:
            raise ValueError(f"a telling of {telling.incident} says nothing of {self.id}")
        if self._run is not None and self.open and not self._stopped:
            self._run.tell(*told)
            for word in told:
                self._timeline.take_word(word, telling.actor.acts_as.replace("-", " "))
            self._say_what_happened()

    def message(self) -> schemas.Incident:
        """Return the incident as a message, numbered by the newest event."""
        return self._message(self.events.last_id)

    def last_seen(self, viewing: Viewing) -> schemas.LastSeen:
        """Return the newest answer; stays readable after the incident is closed."""
        self._check(viewing)
        said = self._last_seen
        return said if viewing.cameras_told else without_cameras(said)

    def timeline(self, viewing: Viewing, after: int = 0) -> Timeline:
        """Return what happened above an entry's number; stays readable after it is closed."""
        self._check(viewing)
        entries = self._timeline.entries(after)
        told = entries if viewing.cameras_told else tells_no_camera(entries)
        return self._timeline_message(self.events.last_id, told)

    def picture(self, viewing: Viewing, track: TrackKey) -> EvidencePicture | None:
        """Return the clearest picture of a track's weapon; None without one, and once closed."""
        self._check(viewing)
        return self._find_picture(track) if self.open and viewing.cameras_told else None

    def search_map(self, viewing: Viewing, subject: str) -> SearchMap | None:
        """Return where a subject that no camera sees can be; None for others, and once closed."""
        self._check(viewing)
        if self._run is None or not self.open:
            return None
        picture = self._run.search_picture(subject)
        if picture is None:
            return None
        exercise = self._grant.activation.kind == "exercise"
        return search_message(picture, self._places, incident=self.id, exercise=exercise)

    def cameras(self, viewing: Viewing) -> schemas.Cameras:
        """Return the newest camera states."""
        self._check(viewing)
        said = self._cameras
        return said if viewing.cameras_told else unnamed(said)

    def camera_states(self) -> tuple[CameraStatus, ...]:
        """Return how its cameras are now, for those who run the server; it shows nothing."""
        return () if self._run is None else self._run.cameras()

    def follow(
        self,
        viewing: Viewing,
        cursor: int | None,
        *,
        deltas: bool = False,
        heartbeat_s: float,
    ) -> AsyncGenerator[bytes]:
        """Return its server-sent events from number `cursor` on; see `EventLog.follow`."""
        self._check(viewing)
        form = Form(viewing.cameras_told, deltas)
        return self.events.follow(
            cursor, form, heartbeat_s=heartbeat_s, heartbeat=self._heartbeat_json
        )

    def _check(self, viewing: Viewing) -> None:
        if viewing.incident != self.id:
            raise ValueError(f"a viewing of {viewing.incident} does not show {self.id}")

    def _stop_run(self) -> None:
        if self._run is not None:
            self._run.stop()
        self._telemetry.end()
        if self._journal is not None:
            self._journal.flush()

    def _find_picture(self, track: TrackKey) -> EvidencePicture | None:
        return None if self._run is None else self._run.picture(track)

    def _find_and_keep(self, track: TrackKey) -> EvidencePicture | None:
        picture = self._find_picture(track)
        if picture is not None and self._keeper is not None:
            self._keeper.picture(
                picture.camera,
                picture.track_id,
                picture.captured_at_s,
                picture.confidence,
                picture.jpeg,
            )
        return picture

    def _on_run_end(self, reason: str) -> None:
        self._run_ended = reason

    def _say_incident(self) -> None:
        self.events.append("incident", self._incident_json)

    def _say_what_happened(self) -> None:
        news = self._timeline.news()
        if news:
            self.events.append(
                "timeline", lambda n: self._timeline_message(n, news).model_dump_json()
            )

    def _timeline_message(self, number: int, entries: tuple[TimelineEntry, ...]) -> Timeline:
        said = self._envelope(number)
        return Timeline(
            sequence=number,
            incident=self.id,
            exercise=said.exercise,
            published_at=utc(said.published_s),
            entries=entries,
        )

    def _incident_json(self, number: int) -> str:
        message = self._message(number)
        self._timeline.take_about(message)
        return message.model_dump_json()

    def _publish_cameras(
        self, cameras: tuple[CameraStatus, ...], problems: tuple[str, ...]
    ) -> None:
        def make(number: int) -> str:
            self._cameras = cameras_message(cameras, problems, self._envelope(number))
            return self._cameras.model_dump_json()

        self.events.append("cameras", make)

    def _envelope(self, number: int) -> Envelope:
        exercise = self._grant.activation.kind == "exercise"
        return Envelope(number, self.id, exercise, self._clock())

    def _message(self, number: int) -> schemas.Incident:
        return incident_message(
            self.target, self._grant, self._agencies, self._closed, self._envelope(number)
        )

    def _heartbeat_json(self) -> str:
        return schemas.Heartbeat(
            incident=self.id, published_at=utc(self._clock())
        ).model_dump_json()

    def _snapshot_json(self, number: int) -> str:
        return schemas.Snapshot(
            sequence=number,
            incident=self.id,
            exercise=self._grant.activation.kind == "exercise",
            published_at=utc(self._clock()),
            about=self._message(number),
            last_seen=self._last_seen,
            cameras=self._cameras,
        ).model_dump_json()
