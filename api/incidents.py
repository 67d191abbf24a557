"""All incidents of a server: opened through the gate, closed by hand, by time or by the end."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING

from .actors import MACHINE
from .errors import AuditError, ProblemError, RunError
from .grant_rules import needs_second_person, second_person_words
from .incident import Incident
from .locations import utc
from .pending import Pending, PendingRequests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from .actors import Actor
    from .gate import Activation, Gate, Grant
    from .keeping import Keeper
    from .runs import RunFactory
    from .targets import Target

_log = logging.getLogger(__name__)

_MOST_CLOSED = 20
_END_OF_TIME = "the grant's time is over"
_PATIENCE_S = 1.0


class Incidents:
    """All incidents of a server. Safe to use from any thread.

    Args:
        targets: what may be opened on, by id.
        gate: the door; nothing is played without a permit of it.
        run_factory: makes the runs.
        clock: Unix seconds now.
        monotonic: a clock that nobody can set, seconds; a grant ends by whichever comes first.
        keeper_of: makes what keeps an incident's record, None where nothing is kept.
        agencies_of: which agencies responded to an incident that goes on, and when each left.
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
        agencies_of: Callable[[str], Mapping[str, float | None]] = lambda _: {},
    ) -> None:
        self.targets = targets
        self.pending = PendingRequests()
        self._gate = gate
        self._run_factory = run_factory
        self._clock = clock
        self._monotonic = monotonic
        self._keeper_of = keeper_of
        self._agencies_of = agencies_of
        self._incidents: dict[str, Incident] = {}
        self._ends_mono_s: dict[str, float] = {}
        self._ending: set[str] = set()
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

    def ask(self, activation: Activation, target: Target, actor: Actor) -> Incident | Pending:
        """Open an incident, or note the request where a second person must confirm it.

        Raises:
            As `open`.
        """
        now_s = self._clock()
        decision = self._gate.decide(activation, target.terms, now_s)
        if not needs_second_person(decision):
            return self.open(activation, target, actor)
        waiting = self.pending.note(activation, actor, second_person_words(decision), now_s)
        facts = {"request": waiting.id, "actor": actor.name, **asdict(activation)}
        self._gate.note("request-waits", now_s, facts)
        return waiting

    def confirm(self, request: str, actor: Actor) -> Incident:
        """Open what another person asked for, confirmed by this one.

        Raises:
            ProblemError: there is no such request, it lapsed, or it is their own.
            As `open`.
        """
        pending = self.pending.take(request, actor, self._clock())
        name = f"{actor.full_name} ({actor.name})" if actor.full_name else actor.name
        confirmed = replace(pending.activation, confirmed_by=name)
        facts = {"request": request, "actor": actor.name, "asked_by": pending.actor.name}
        self._gate.note("request-confirmed", self._clock(), facts)
        return self.open(confirmed, self.targets[confirmed.target], pending.actor)

    def open(self, activation: Activation, target: Target, actor: Actor) -> Incident:
        """Open an incident and start its run.

        An exercise that is open there, or standing access, ends where a real emergency is opened.

        Raises:
            ProblemError: one is open on this target already.
            NotPermittedError: the gate says no.
            AuditError: the audit entry cannot be written, so nothing was opened.
            RunError: nothing can be played.
        """
        with self._opening:
            other = self.open_on(target.id)
            gives_way = (
                other is not None
                and other.grant.activation.kind != "real"
                and activation.kind == "real"
            )
            if other is not None and not gives_way:
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
            if other is not None:
                self.close(other, MACHINE, reason="a real emergency was opened here")
            incident = self._made(target, grant)
            try:
                incident.start(self._run_factory)
            except BaseException:
                self.close(incident, MACHINE, reason="it could not be started")
                raise
            self._note(incident)
            self._forget_oldest()
        return incident

    def extend(self, incident: Incident, actor: Actor) -> None:
        """Extend an incident's grant once, as its agreement says.

        Raises:
            NotPermittedError: it is over, or the agreement does not allow it.
            AuditError: the audit entry cannot be written; it is as it was.
        """
        before_s = incident.grant.until_s
        grant = self._gate.extend(incident.id, actor=actor, now_s=self._clock())
        self._ends_mono_s[incident.id] += grant.until_s - before_s
        incident.extended(grant)

    def respond(self, incident: Incident, agency: str, *, left: bool, actor: Actor) -> None:
        """Note that an agency responds or has left; close where all that came have left.

        Raises:
            NotPermittedError: the grant is over.
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
                    self._gate.close(
                        grant.permit.incident, actor=MACHINE, reason=why, now_s=self._clock()
                    )
                    continue
                incident = self._made(target, grant)
                try:
                    incident.start(self._run_factory)
                except RunError as error:
                    _log.warning("incident %s cannot go on: %s", incident.id, error)
                    self.close(incident, MACHINE, reason=f"it cannot go on: {error}")
                    continue
                self._note(incident)
                resumed.append(incident)
        return tuple(resumed)

    def close(self, incident: Incident, actor: Actor, *, reason: str) -> None:
        """End the grant, then the run; nothing of it is left when this returns.

        Raises:
            NotPermittedError: the agreement does not let them.
        """
        self._gate.revoke(incident.id, actor=actor, reason=reason, now_s=self._clock())
        stop = partial(incident.close, closed_by=actor.full_name or actor.name, reason=reason)
        _at_once([stop, self.settle])  # a database that hangs keeps no camera open

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
        with self._opening:
            still = [incident for incident in self if incident.open]
            live = [incident for incident in still if incident.target.kind == "site"]
            drills = [incident for incident in still if incident.target.kind != "site"]
            _at_once([partial(self.close, one, MACHINE, reason=reason) for one in drills])
            _at_once([incident.suspend for incident in live])
        return tuple(live)

    def tick(self, now_s: float) -> None:
        """Close what is over at `now_s` (Unix seconds), publish the camera states of the rest."""
        over = []
        for incident in self:
            if not incident.open or incident.id in self._ending:
                continue
            end_mono_s = self._ends_mono_s.get(incident.id, float("inf"))
            if now_s >= incident.grant.until_s or self._monotonic() >= end_mono_s:
                over.append((incident, _END_OF_TIME))
            elif incident.run_ended is not None:
                over.append((incident, incident.run_ended))
            else:
                incident.poll(now_s)
        self._ending |= {incident.id for incident, _ in over}
        closings = [partial(self.close, one, MACHINE, reason=why) for one, why in over]
        _at_once(closings, wait_s=_PATIENCE_S)  # one that is slow keeps no other open

    def _made(self, target: Target, grant: Grant) -> Incident:
        return Incident(
            target=target,
            grant=grant,
            clock=self._clock,
            keeper=self._keeper_of(grant),
            agencies=self._agencies_of(grant.permit.incident),
        )

    def _note(self, incident: Incident) -> None:
        left_s = incident.grant.until_s - self._clock()
        self._ends_mono_s[incident.id] = self._monotonic() + left_s
        self._incidents[incident.id] = incident

    def _forget_oldest(self) -> None:
        closed = [incident.id for incident in self._incidents.values() if not incident.open]
        for incident_id in closed[: max(0, len(closed) - _MOST_CLOSED)]:
            del self._incidents[incident_id]
            del self._ends_mono_s[incident_id]
            self._ending.discard(incident_id)


def _at_once(acts: Iterable[Callable[[], None]], *, wait_s: float | None = None) -> None:
    """Do all of these, each in a thread of its own: one that is slow keeps no other waiting.

    Args:
        acts: what to do; what one of them raises is logged.
        wait_s: return after so long at the latest, seconds; when all is done where None.
    """
    threads = [threading.Thread(target=_logged, args=(act,), name="closing") for act in acts]
    for thread in threads:
        thread.start()
    until_s = None if wait_s is None else time.monotonic() + wait_s
    for thread in threads:
        thread.join(None if until_s is None else max(0.0, until_s - time.monotonic()))


def _logged(act: Callable[[], None]) -> None:
    try:
        act()
    except Exception:  # noqa: BLE001 - outermost frame of a thread
        _log.exception("something could not be closed")
