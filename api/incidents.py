"""Incidents: opened through the gate, played by a run, closed by hand, by time or by the end.

One lock orders all that an incident says: the lock of its event log. What a message records is
taken under it, so the numbers, the ring and the latest state never disagree. Methods of the run
are never called while it is held, because a run that stops may be waiting to publish.
"""

from __future__ import annotations

import logging
import secrets
import threading
from typing import TYPE_CHECKING

from . import schemas
from .errors import AuditError, ProblemError, RunError
from .events import EventLog
from .gate import LOCATION_API
from .locations import Envelope, Places, cameras_message, last_seen_message, utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from calibration.answer import Answer, TrackKey
    from vision.evidence import EvidencePicture

    from .gate import Activation, Gate, Permit
    from .runs import CameraStatus, Run, RunFactory
    from .targets import Target

_log = logging.getLogger(__name__)

CAMERAS_EVERY_S = 1.0
"""How often camera states are published while nothing but their figures changes."""

_MOST_CLOSED = 20
_MOST_MESSAGES_A_SECOND = 100
_END_OF_TIME = "the grant's time is over"


class Incident:
    """One incident: its grant, its run and everything it has said.

    Args:
        incident_id: its id.
        target: the site or drill.
        activation: who asked for what.
        permit: what the gate allowed.
        clock: Unix seconds now.
    """

    def __init__(
        self,
        incident_id: str,
        *,
        target: Target,
        activation: Activation,
        permit: Permit,
        clock: Callable[[], float],
    ) -> None:
        self.id = incident_id
        self.target = target
        self.permit = permit
        self._activation = activation
        self._clock = clock
        self._places = Places(
            target.site.frame, {level.id: level.name for level in target.site.levels}
        )
        self._run: Run | None = None
        self._run_ended: str | None = None
        self._publish_failed = ""
        self._closing = threading.Lock()
        self._closed: tuple[float, str, str] | None = None
        self._last_seen = last_seen_message(None, self._places, self._envelope(0))
        self._cameras = cameras_message((), (), self._envelope(0))
        self._polled_s = float("-inf")
        # A message a centisecond is more than any run publishes: numbers go on above those that
        # a process before this one may have given.
        after = max(0, int((clock() - permit.from_s) * _MOST_MESSAGES_A_SECOND))
        self.events = EventLog(self._snapshot_json, after=after)
        self.events.append("incident", lambda n: self._message(n).model_dump_json())

    @property
    def open(self) -> bool:
        """Whether it has not been closed."""
        return self._closed is None

    @property
    def run_ended(self) -> str | None:
        """Why the run ended by itself, None while it plays."""
        return self._run_ended

    def start(self, factory: RunFactory) -> None:
        """Make and start the run.

        Raises:
            RunError: nothing can be played.
        """
        self._run = factory(self.permit, self.target, self.publish, self._on_run_end)
        self._run.start()
        self.poll(self._clock())

    def publish(self, answer: Answer) -> None:
        """Publish an answer; ignored once closed. Never raises: a run's thread calls it."""

        def make(number: int) -> str:
            message = last_seen_message(
                answer, self._places, self._envelope(number), self._find_picture
            )
            text = message.model_dump_json()
            self._last_seen = message
            return text

        try:
            self.events.append("last-seen", make)
            self._publish_failed = ""
        except ValueError as error:
            # An answer that breaks the contract of the messages is shown as a degraded state
            # and in the log, and the answers after it are heard.
            _log.exception("incident %s: an answer could not be published", self.id)
            self._publish_failed = f"an answer could not be published: {type(error).__name__}"

    def poll(self, now_s: float) -> None:
        """Publish the camera states if they changed or are due at `now_s` (Unix seconds)."""
        run = self._run
        if run is None or not self.open:
            return
        cameras, problems = run.cameras(), run.problems()
        if self._publish_failed:
            problems = (*problems, self._publish_failed)
        said = self._cameras
        changed = _phases(cameras) != _phases(said.cameras) or problems != said.problems
        if changed or now_s - self._polled_s >= CAMERAS_EVERY_S:
            self._polled_s = now_s
            self._publish_cameras(cameras, problems)

    def close(self, *, closed_by: str, reason: str) -> None:
        """Stop the run and say so; everything is gone when this returns. May be repeated."""
        with self._closing:
            if self._closed is not None:
                return
            if self._run is not None:
                self._run.stop()
                self._publish_cameras(self._run.cameras(), ())
            self._closed = (self._clock(), closed_by, reason)
            self.events.append("closed", lambda n: self._message(n).model_dump_json(), last=True)

    def message(self) -> schemas.Incident:
        """Return the incident as a message, numbered by the newest event."""
        return self._message(self.events.last_id)

    def last_seen(self) -> schemas.LastSeen:
        """Return the newest answer; stays readable after the incident is closed."""
        return self._last_seen

    def picture(self, track: TrackKey) -> EvidencePicture | None:
        """Return the clearest picture of a track's weapon; None without one, and once closed."""
        return self._find_picture(track) if self.open else None

    def cameras(self) -> schemas.Cameras:
        """Return the newest camera states."""
        return self._cameras

    def _find_picture(self, track: TrackKey) -> EvidencePicture | None:
        return None if self._run is None else self._run.picture(track)

    def _on_run_end(self, reason: str) -> None:
        self._run_ended = reason

    def _publish_cameras(
        self, cameras: tuple[CameraStatus, ...], problems: tuple[str, ...]
    ) -> None:
        def make(number: int) -> str:
            self._cameras = cameras_message(cameras, problems, self._envelope(number))
            return self._cameras.model_dump_json()

        self.events.append("cameras", make)

    def _envelope(self, number: int) -> Envelope:
        exercise = self._activation.kind == "exercise"
        return Envelope(number, self.id, exercise, self._clock())

    def _message(self, number: int) -> schemas.Incident:
        closed_at_s, closed_by, closing_reason = self._closed or (None, None, None)
        envelope = self._envelope(number)
        return schemas.Incident(
            sequence=envelope.sequence,
            incident=self.id,
            exercise=envelope.exercise,
            published_at=utc(envelope.published_s),
            state="open" if self._closed is None else "closed",
            kind="exercise",
            target=schemas.Target(id=self.target.id, kind=self.target.kind, name=self.target.name),
            opened_by=self._activation.opened_by,
            reason=self._activation.reason,
            opened_at=utc(self.permit.from_s),
            until=utc(self.permit.until_s),
            closed_at=None if closed_at_s is None else utc(closed_at_s),
            closed_by=closed_by,
            closing_reason=closing_reason,
        )

    def _snapshot_json(self, number: int) -> str:
        return schemas.Snapshot(
            sequence=number,
            incident=self.id,
            exercise=self._activation.kind == "exercise",
            published_at=utc(self._clock()),
            about=self._message(number),
            last_seen=self.last_seen(),
            cameras=self.cameras(),
        ).model_dump_json()


class Incidents:
    """All incidents of a server. Safe to use from any thread.

    Args:
        targets: what may be opened on, by id.
        gate: the door; nothing is played without a permit of it.
        run_factory: makes the runs.
        clock: Unix seconds now.
    """

    def __init__(
        self,
        targets: Mapping[str, Target],
        *,
        gate: Gate,
        run_factory: RunFactory,
        clock: Callable[[], float],
    ) -> None:
        self.targets = targets
        self._gate = gate
        self._run_factory = run_factory
        self._clock = clock
        self._incidents: dict[str, Incident] = {}
        self._opening = threading.Lock()

    def __iter__(self) -> Iterator[Incident]:
        """Iterate over all, newest first."""
        return reversed(tuple(self._incidents.values()))

    def get(self, incident_id: str) -> Incident | None:
        """Return the incident of that id, None where there is none."""
        return self._incidents.get(incident_id)

    def open_on(self, target_id: str) -> Incident | None:
        """Return the open incident on a site or drill, None where there is none."""
        return next((i for i in self if i.open and i.target.id == target_id), None)

    def open(self, activation: Activation, target: Target) -> Incident:
        """Open an incident and start its run.

        Raises:
            ProblemError: one is open on this target already.
            NotPermittedError: the gate says no.
            AuditError: the audit entry cannot be written, so nothing was opened.
            RunError: nothing can be played.
        """
        with self._opening:
            other = self.open_on(target.id)
            if other is not None:
                raise ProblemError(
                    409,
                    "incident-already-open",
                    "An incident is open here already",
                    f"incident {other.id} is open on {target.id}; follow it or close it first",
                )
            now_s = self._clock()
            incident_id = f"{utc(now_s):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
            permit = self._gate.open(
                activation,
                incident=incident_id,
                cameras=frozenset(target.site.cameras),
                now_s=now_s,
            )
            incident = self._made(target, activation, permit)
            try:
                incident.start(self._run_factory)
            except BaseException:
                self.close(incident, closed_by="server", reason="it could not be started")
                raise
            self._incidents[incident_id] = incident
            self._forget_oldest()
        return incident

    def resume(self) -> tuple[Incident, ...]:
        """Go on with the incidents that were open when the process before this one died.

        A drill cannot be gone on with in its middle: its grant is closed. So is that of a site
        that this server was not started with, and of one whose run cannot be started.

        Raises:
            AuditError: the audit was bent; nothing is resumed.
        """
        resumed = []
        with self._opening:
            for activation, permit in self._gate.resume(LOCATION_API, self._clock()):
                target = self.targets.get(activation.target)
                if target is None or target.kind == "drill":
                    why = "the server was interrupted" if target else "its site is not served here"
                    self._gate.close(
                        permit.incident, closed_by="server", reason=why, now_s=self._clock()
                    )
                    continue
                incident = self._made(target, activation, permit)
                try:
                    incident.start(self._run_factory)
                except RunError as error:
                    _log.warning("incident %s cannot go on: %s", incident.id, error)
                    self.close(incident, closed_by="server", reason=f"it cannot go on: {error}")
                    continue
                self._incidents[incident.id] = incident
                resumed.append(incident)
        return tuple(resumed)

    def show_picture(self, incident: Incident, track: TrackKey) -> EvidencePicture | None:
        """Return the clearest picture of a track's weapon, after the audit has that it is shown.

        Raises:
            NotPermittedError: the grant is over, or does not hold the camera.
            AuditError: the entry could not be written; nothing is shown.
        """
        picture = incident.picture(track)
        if picture is not None:
            self._gate.show(
                incident.permit,
                picture.camera,
                f"evidence of track {picture.track_id} at {picture.captured_at_s:.3f}",
                now_s=self._clock(),
            )
        return picture

    def close(self, incident: Incident, *, closed_by: str, reason: str) -> None:
        """End the grant, then the run; nothing of it is left when this returns."""
        try:
            self._gate.close(incident.id, closed_by=closed_by, reason=reason, now_s=self._clock())
        except AuditError:
            # Closing must never fail: the grant is over, and the lack of the entry is logged.
            _log.exception("incident %s is closed without an audit entry", incident.id)
        incident.close(closed_by=closed_by, reason=reason)

    def close_all(self, *, closed_by: str, reason: str) -> None:
        """Close every open incident."""
        with self._opening:
            for incident in self:
                if incident.open:
                    self.close(incident, closed_by=closed_by, reason=reason)

    def tick(self, now_s: float) -> None:
        """Close what is over at `now_s` (Unix seconds), publish the camera states of the rest."""
        for incident in self:
            if not incident.open:
                continue
            if now_s >= incident.permit.until_s:
                self.close(incident, closed_by="gate", reason=_END_OF_TIME)
            elif incident.run_ended is not None:
                self.close(incident, closed_by="run", reason=incident.run_ended)
            else:
                incident.poll(now_s)

    def _made(self, target: Target, activation: Activation, permit: Permit) -> Incident:
        return Incident(
            permit.incident,
            target=target,
            activation=activation,
            permit=permit,
            clock=self._clock,
        )

    def _forget_oldest(self) -> None:
        closed = [incident.id for incident in self._incidents.values() if not incident.open]
        for incident_id in closed[: max(0, len(closed) - _MOST_CLOSED)]:
            del self._incidents[incident_id]


def _phases(
    cameras: tuple[CameraStatus, ...] | tuple[schemas.Camera, ...],
) -> tuple[tuple[str, str, str], ...]:
    return tuple((camera.id, camera.phase, camera.reason) for camera in cameras)
