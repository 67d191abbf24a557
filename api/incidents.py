"""All incidents of a server: opened through the gate, closed by hand, by time or by the end."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from typing import TYPE_CHECKING

from .actors import MACHINE
from .errors import AuditError, ProblemError
from .incident import Incident
from .locations import utc
from .logs import about
from .side_by_side import at_once, begun
from .telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .actors import Actor
    from .gate import Activation, Gate, Grant
    from .journal import Journal
    from .keeping import Keeper
    from .runs import RunFactory
    from .targets import Target

_log = logging.getLogger(__name__)

_MOST_CLOSED = 20
_END_OF_TIME = "the grant's time is over"
_PATIENCE_S = 0.3
"""How long a tick waits for closings: one that is slow keeps no other open."""

_RECORD_PATIENCE_S = 5.0
"""How long whoever closes is kept waiting for the record; it is written later all the same."""


class Incidents:
    """All incidents of a server. Safe to use from any thread.

    Args:
        targets: what may be opened on, by id.
        gate: the door; nothing is played without a permit of it.
        run_factory: makes the runs.
        clock: Unix seconds now.
        monotonic: a clock that nobody can set, seconds; a grant ends by whichever comes first.
        keeper_of: makes what keeps an incident's record, None where nothing is kept.
        journal_of: makes the journal that goes into such a record.
        agencies_of: which agencies responded to an incident that goes on, and when each left.
        telemetry: looks after what incidents say, for those who run the server.
    """

    def __init__(
        self,
        targets: Mapping[str, Target],
        *,
        gate: Gate,
        run_factory: RunFactory,
        clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
        keeper_of: Callable[[Grant], Keeper | None] = lambda _: None,
        journal_of: Callable[[Grant, Keeper], Journal | None] = lambda _, __: None,
        agencies_of: Callable[[str], Mapping[str, float | None]] = lambda _: {},
        telemetry: Telemetry | None = None,
    ) -> None:
        self.targets = targets
        self._gate = gate
        self._run_factory = run_factory
        self._clock = clock
        self._monotonic = monotonic
        self._keeper_of = keeper_of
        self._journal_of = journal_of
        self._agencies_of = agencies_of
        self._telemetry = telemetry or Telemetry(clock=clock)
        self._incidents: dict[str, Incident] = {}
        self._begun: dict[str, tuple[float, float]] = {}  # monotonic and wall time, seconds
        self._opening = threading.Lock()
        self._extending = threading.Lock()
        self._stopping = False

    @property
    def stopping(self) -> bool:
        """Whether the server is being stopped, so that nothing is opened any more."""
        return self._stopping

    def __iter__(self) -> Iterator[Incident]:
        """Iterate over all, newest first."""
        return reversed(tuple(self._incidents.values()))

    def get(self, incident_id: str) -> Incident | None:
        """Return the incident of that id, None where there is none."""
        return self._incidents.get(incident_id)

    def open_on(self, target_id: str) -> Incident | None:
        """Return the incident with a live grant on a site or drill, None where there is none."""
        now_s = self._clock()
        return next((i for i in self._unclosed(target_id) if self._is_live(i, now_s)), None)

    def replace_target(self, target: Target) -> bool:
        """Let a target take the place of the one of its id, if no incident is open there.

        Returns:
            Whether it did; the next incident is then opened on it.

        Raises:
            KeyError: there is none of its id.
        """
        with self._opening:
            if target.id not in self.targets:
                raise KeyError(target.id)
            if self._unclosed(target.id):
                return False
            # Whoever goes through the targets now goes on with those that there were.
            self.targets = {**self.targets, target.id: target}
        return True

    def open(self, activation: Activation, target: Target, actor: Actor) -> Incident:
        """Open an incident and start its run.

        An exercise that is open there, or standing access, ends where a real emergency is opened.

        Raises:
            ProblemError: one is open on this target already, or the server is being stopped.
            NotPermittedError: the gate says no.
            AuditError: the audit entry cannot be written, so nothing was opened.
            RunError: nothing can be played.
        """
        with self._opening:
            self._refuse_while_stopping()
            target = self.targets.get(target.id, target)  # it may have been loaded again meanwhile
            other = self.open_on(target.id)
            if other is not None and (
                other.grant.activation.kind == "real" or activation.kind != "real"
            ):
                raise ProblemError(
                    409,
                    "incident-already-open",
                    "An incident is open here already",
                    f"incident {other.id} is open on {target.id}; follow it or close it first",
                )
            now_s = self._clock()
            grant = self._gate.open(
                activation,
                target.terms,
                actor=actor,
                incident=f"{utc(now_s):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}",
                now_s=now_s,
            )
            incident: Incident | None = None
            try:
                self._refuse_while_stopping()
                self._make_way(target)
                incident = self._started(target, grant)
                self._refuse_while_stopping()  # `stop_all` may have looked before it was here
            except BaseException:
                self._give_back(grant, "it could not be started")
                if incident is not None:
                    incident.close(closed_by=MACHINE.full_name, reason="the server was stopped")
                raise
            self._forget_oldest()
        return incident

    def extend(self, incident: Incident, actor: Actor) -> None:
        """Extend an incident's grant once, as its agreement says.

        Raises:
            NotPermittedError: it is over, or the agreement does not allow it.
            AuditError: the audit entry cannot be written; it is as it was.
        """
        with self._extending:
            grant = self._gate.extend(incident.id, actor=actor, now_s=self._clock())
            incident.extended(grant)

    def respond(self, incident: Incident, agency: str, *, left: bool, actor: Actor) -> None:
        """Note that an agency responds or has left; close where all that came have left.

        Raises:
            NotPermittedError: the grant is over, or it is not theirs to say.
            AuditError: the audit entry cannot be written.
        """
        now_s = self._clock()
        all_left = self._gate.respond(incident.id, agency, left=left, actor=actor, now_s=now_s)
        incident.responds(agency, now_s if left else None)
        agreement = incident.grant.agreement
        if all_left and agreement is not None and agreement.grant.close_when_all_left:
            self.close(incident, MACHINE, reason="all responding agencies have left")

    def resume(self) -> tuple[Incident, ...]:
        """Go on with the incidents that were open when the process before this one ended.

        A drill cannot be gone on with in its middle: its grant is closed. So is that of a site
        that this server was not started with, and of one whose run cannot be started.

        Raises:
            AuditError: the audit was bent; nothing is resumed.
        """
        resumed = []
        with self._opening:
            for grant in self._gate.resume(self._clock()):
                target = self.targets.get(grant.activation.target)
                if target is None or target.kind == "drill":
                    why = "the server was interrupted" if target else "its site is not served here"
                    self._give_back(grant, why)
                    continue
                try:
                    resumed.append(self._started(target, grant))
                except Exception as error:  # noqa: BLE001 - one that fails keeps no other back
                    named = grant.permit.incident
                    said = {"incident": named}
                    _log.warning("incident %s cannot go on: %s", named, error, extra=said)
                    self._give_back(grant, f"it cannot go on: {type(error).__name__}")
        return tuple(resumed)

    def close(self, incident: Incident, actor: Actor, *, reason: str) -> None:
        """End the grant and the run; nothing of it is left when this returns.

        The grant is over before anything is waited for, and a database that hangs keeps no camera
        open: what cannot be recorded now is recorded later.

        Raises:
            NotPermittedError: the agreement does not let them.
        """
        self._gate.revoke(incident.id, actor=actor, reason=reason, now_s=self._clock())
        settling = begun(self.settle)
        with about(incident=incident.id):
            incident.close(closed_by=actor.full_name or actor.name, reason=reason)
        if settling is not None:
            settling.join(_RECORD_PATIENCE_S)

    def settle(self) -> None:
        """Write down the closings that are not on record yet; what fails is logged, not raised."""
        try:
            self._gate.settle()
        except AuditError as error:
            # Closing must never fail: the grants are over, and this is tried again.
            _log.error("a closing is not on record yet: %s", error)

    def stop_all(self, *, reason: str) -> tuple[Incident, ...]:
        """Stop every run. Drills are closed; what is live stays open for the next process.

        Returns:
            The incidents that stay open until their time.
        """
        self._stopping = True  # what is being opened right now gives its grant back
        still = [incident for incident in self if incident.open]
        live = [incident for incident in still if incident.target.kind == "site"]
        drills = [incident for incident in still if incident.target.kind != "site"]

        def close(drill: Incident) -> None:
            self.close(drill, MACHINE, reason=reason)

        at_once([*((i.suspend, ()) for i in live), *((close, (i,)) for i in drills)])
        settling = begun(self.settle)
        if settling is not None:
            settling.join(_RECORD_PATIENCE_S)
        return tuple(live)

    def tick(self, now_s: float) -> None:
        """Close what is over at `now_s` (Unix seconds), publish the camera states of the rest."""
        over: list[tuple[Incident, str]] = []
        going_on: list[Incident] = []
        for incident in self:
            if not incident.open or incident.stopped:
                continue
            if not self._is_live(incident, now_s):
                over.append((incident, _END_OF_TIME))
            elif incident.run_ended is not None:
                over.append((incident, incident.run_ended))
            else:
                going_on.append(incident)

        def close(incident: Incident, why: str) -> None:
            self.close(incident, MACHINE, reason=why)

        at_once([(close, one) for one in over], wait_s=_PATIENCE_S)
        for incident in going_on:
            with about(incident=incident.id):
                try:
                    incident.poll(now_s)
                except Exception:  # noqa: BLE001 - one that fails keeps no other back
                    _log.exception("incident %s: the camera states cannot be told", incident.id)

    def _unclosed(self, target_id: str) -> list[Incident]:
        return [i for i in self if i.open and i.target.id == target_id]

    def _is_live(self, incident: Incident, now_s: float) -> bool:
        """Whether its grant was not revoked and is not over, by either clock."""
        grant = self._gate.grant_of(incident.id)
        if grant is None:
            return False
        began_mono_s, began_s = self._begun.get(incident.id, (float("inf"), 0.0))
        passed_s = self._monotonic() - began_mono_s
        return now_s < grant.until_s and passed_s < grant.until_s - began_s

    def _started(self, target: Target, grant: Grant) -> Incident:
        """The incident of a grant, playing; closed where it cannot be started."""
        keeper = self._keeper_of(grant)
        incident = Incident(
            target=target,
            grant=grant,
            clock=self._clock,
            telemetry=self._telemetry.of(grant.permit.incident, target.id),
            keeper=keeper,
            agencies=self._agencies_of(grant.permit.incident),
            journal=None if keeper is None else self._journal_of(grant, keeper),
        )
        try:
            incident.start(self._run_factory)
        except BaseException:
            incident.close(closed_by=MACHINE.full_name, reason="it could not be started")
            raise
        # By the time that the grant began or later: a clock that was set back makes none longer.
        began_s = max(self._clock(), grant.permit.from_s)
        self._begun[incident.id] = (self._monotonic(), began_s)
        self._incidents[incident.id] = incident
        return incident

    def _make_way(self, target: Target) -> None:
        """Close what gives way to an emergency, or is ending; wait for it a moment only."""

        def close(before: Incident) -> None:
            self.close(before, MACHINE, reason="a real emergency was opened here")

        at_once([(close, (one,)) for one in self._unclosed(target.id)], wait_s=_PATIENCE_S)

    def _give_back(self, grant: Grant, why: str) -> None:
        """Revoke a grant that has no incident."""
        incident = grant.permit.incident
        self._gate.revoke(incident, actor=MACHINE, reason=why, now_s=self._clock())
        self.settle()

    def _refuse_while_stopping(self) -> None:
        if self._stopping:
            raise ProblemError(
                503,
                "stopping",
                "The server is being stopped",
                "ask again when it has been started again",
                {"Retry-After": "10"},
            )

    def _forget_oldest(self) -> None:
        closed = [incident.id for incident in self._incidents.values() if not incident.open]
        for incident_id in closed[: max(0, len(closed) - _MOST_CLOSED)]:
            del self._incidents[incident_id]
            del self._begun[incident_id]
