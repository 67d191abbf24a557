"""The one door to the cameras.

The rule: **no**. A camera may be watched only under a live grant; a grant is made only by
`Gate.open`, which asks the agreement and returns only after the audit entry that records the
decision is on the disk. `Gate.resume` takes up again what a process that died had open, from the
audit and for no longer. A grant ends when its time is over or when it is closed, whichever comes
first.

A `Permit` is made here and nowhere else, and whatever opens feeds takes one as an argument, so
forgetting to ask is a type error. Who may see what an incident says and shows is asked of
`api.viewing`, which makes the like of it for people.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import InitVar, dataclass, replace
from typing import TYPE_CHECKING, Any

from . import grant_record, grant_rows
from .actors import MACHINE
from .audit_chain import Broken
from .closings import Closing, Closings
from .errors import AuditError, NotPermittedError
from .grant_rules import (
    Activation,
    Terms,
    answer,
    refusal_to_end,
    refusal_to_extend,
    refusal_to_tell,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .actors import Actor
    from .agreements import Agreement
    from .audit import Audit
    from .audit_chain import Head
    from .decisions import Decision
    from .grant_record import RecordedGrant

__all__ = ["Activation", "Gate", "Grant", "Permit", "Terms"]

_log = logging.getLogger(__name__)

_SEAL = object()


@dataclass(frozen=True, slots=True)
class Permit:
    """Proof that an incident may watch these cameras; made only by the gate.

    A permit does not know whether it was revoked, nor when it ends: ask `Gate.allows` before each
    use that outlives the moment.

    Attributes:
        incident: incident id.
        cameras: camera ids that may be watched.
        from_s: begin, Unix seconds.
    """

    incident: str
    cameras: frozenset[str]
    from_s: float
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("a Permit is made by the gate only")


@dataclass(frozen=True, slots=True)
class Grant:
    """What was granted, on whose request and by which clause.

    Attributes:
        permit: what may be watched.
        activation: who asked for what.
        until_s: end, Unix seconds; not live at this moment any more.
        clause: id of the clause that allowed it; "" for an exercise without an agreement.
        because: the decision in words.
        agreement: the terms it was made under; None for an exercise without an agreement.
        extensions: how often it was extended.
        actor: who asked, as they were recognised.
    """

    permit: Permit
    activation: Activation
    until_s: float
    clause: str
    because: str
    agreement: Agreement | None
    extensions: int = 0
    actor: str = ""


class Gate:
    """Decides, records, and remembers which grants are live. Safe to use from any thread.

    Args:
        audit: where every decision is written first.
        holder: who keeps the grants of this gate: a server's name, or a command. After a crash
            only the same holder takes them up.
        longest_s: longest exercise where there is no agreement, seconds.
        whole: tells whether the audit is whole from an entry on, before grants are taken up
            from it.
    """

    def __init__(
        self,
        audit: Audit,
        *,
        holder: str = "server",
        longest_s: float = 3600.0,
        whole: Callable[[int | None], Head | Broken] | None = None,
    ) -> None:
        self._audit = audit
        self._holder = holder
        self._longest_s = longest_s
        self._whole = whole or (lambda _: audit.verify())
        self._live: dict[str, Grant] = {}
        self._opening: set[str] = set()
        self._closings = Closings(audit)
        self._lock = threading.Lock()

    def decide(self, activation: Activation, terms: Terms, now_s: float) -> Decision:
        """Return what would be answered; nothing is opened and nothing recorded."""
        return answer(activation, terms, now_s, longest_s=self._longest_s)

    def open(
        self,
        activation: Activation,
        terms: Terms,
        *,
        actor: Actor,
        incident: str,
        now_s: float,
    ) -> Grant:
        """Return a new grant, after its audit entry is on the disk.

        Args:
            activation: who asks for what.
            terms: the agreement and the cameras of the site or drill.
            actor: who sends the request, as they were recognised.
            incident: id of the incident, which must be new.
            now_s: Unix seconds.

        Raises:
            NotPermittedError: a rule refuses; the refusal is in the audit.
            AuditError: the entry could not be written; nothing was granted.
        """
        decision = self.decide(activation, terms, now_s)
        cameras = terms.opened_by(decision)
        facts = grant_record.asked(activation, actor, incident, terms, decision)
        refusal = None if decision.allowed else decision.because
        if refusal is None and not cameras:
            refusal = f"{activation.target} has no cameras that may be opened"
        with self._lock:
            if refusal is None and (incident in self._live or incident in self._opening):
                refusal = f"incident {incident} has a live grant already"
            if refusal is None:
                self._opening.add(incident)
        if refusal is not None or decision.longest_s is None:
            self._audit.append("grant-refused", now_s, {**facts, "refusal": refusal})
            raise NotPermittedError(refusal or "refused")
        until_s = now_s + decision.longest_s
        kept = grant_rows.opened(
            activation, incident, terms.agreement, decision.clause, (now_s, until_s)
        )
        more = {"cameras": sorted(cameras), "until_s": until_s, "holder": self._holder}
        try:
            try:
                self._audit.append("grant-opened", now_s, {**facts, **more}, change=kept)
            except AuditError:
                # It may be on the disk all the same, and another process would take it up.
                why = "it is not known whether its opening was recorded"
                self._closings.add(Closing(incident, MACHINE.name, why, now_s))
                raise
            grant = Grant(
                Permit(incident, cameras, now_s, seal=_SEAL),
                activation,
                until_s,
                decision.clause,
                decision.because,
                terms.agreement,
                actor=actor.name,
            )
            with self._lock:
                self._live[incident] = grant
        finally:
            with self._lock:
                self._opening.discard(incident)
        return grant

    def extend(self, incident: str, *, actor: Actor, now_s: float) -> Grant:
        """Return the grant of an incident, extended once as its agreement says.

        Raises:
            NotPermittedError: it is over, or a term refuses; the refusal is in the audit.
            AuditError: the entry could not be written; it is as it was.
        """
        grant = self._live_grant(incident, now_s)
        refusal = refusal_to_extend(grant.agreement, grant.extensions, actor)
        if refusal is not None or grant.agreement is None:
            facts = {"incident": incident, "actor": actor.name, "refusal": refusal}
            self._audit.append("extension-refused", now_s, facts)
            raise NotPermittedError(refusal or "refused")
        more_s = (grant.agreement.grant.extend_min or 0.0) * 60.0
        longer = replace(grant, until_s=grant.until_s + more_s, extensions=grant.extensions + 1)

        def change_if_live(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's connection
            with self._lock:
                if self._live.get(incident) is not grant:
                    raise NotPermittedError(f"incident {incident} was changed meanwhile; ask again")
            grant_rows.extended(longer)(connection)

        told: dict[str, object] = {
            "incident": incident,
            "actor": actor.name,
            "acts_as": actor.acts_as,
            "until_s": longer.until_s,
            "extensions": longer.extensions,
        }
        self._audit.append("grant-extended", now_s, told, change=change_if_live)
        with self._lock:
            if self._live.get(incident) is not grant:  # closed while the disk wrote
                raise NotPermittedError(f"incident {incident} has no live grant any more")
            self._live[incident] = longer
        return longer

    def close(self, incident: str, *, actor: Actor, reason: str, now_s: float) -> None:
        """End the grant of `incident`, and return once that is on record.

        Raises:
            NotPermittedError: the agreement does not let them; the refusal is in the audit.
            AuditError: the entry could not be written; the grant is over all the same.
        """
        if self.revoke(incident, actor=actor, reason=reason, now_s=now_s):
            self.settle()

    def revoke(self, incident: str, *, actor: Actor, reason: str, now_s: float) -> bool:
        """End the grant of `incident` at once, before any disk is waited for; whether it was live.

        `settle` writes it down, which must follow: it may be done while feeds are being stopped.

        Raises:
            NotPermittedError: the agreement does not let them; the refusal is in the audit.
            AuditError: the refusal could not be written; it is refused all the same.
        """
        with self._lock:
            grant = self._live.get(incident)
        if grant is None:
            return False
        refusal = None
        if actor is not MACHINE:
            refusal = refusal_to_end(grant.agreement, grant.activation, grant.actor, actor)
        if refusal is not None:
            facts = {"incident": incident, "actor": actor.name, "refusal": refusal}
            self._audit.append("close-refused", now_s, facts)
            raise NotPermittedError(refusal)
        with self._lock:
            if self._live.pop(incident, None) is None:
                return False
            self._closings.add(Closing(incident, actor.name, reason, now_s))
        return True

    def settle(self) -> None:
        """Write down what was revoked. Until then another process would take those grants up again.

        Raises:
            AuditError: one could not be written; the next call goes on with it.
        """
        self._closings.settle()

    def note(self, action: str, now_s: float, facts: Mapping[str, object]) -> None:
        """Write down what changes no grant, such as a request that waits for a second person.

        Raises:
            AuditError: the entry could not be written.
        """
        self._audit.append(action, now_s, facts)

    def grant_of(self, incident: str) -> Grant | None:
        """Return the grant of an incident that was not closed; None where there is none."""
        with self._lock:
            return self._live.get(incident)

    def allows(self, permit: Permit, camera: str, now_s: float) -> bool:
        """Whether `camera` may be watched under `permit` at `now_s` (Unix seconds)."""
        grant = self.grant_of(permit.incident)
        live = grant is not None and grant.permit is permit
        return (
            live
            and grant is not None
            and permit.from_s <= now_s < grant.until_s
            and camera in permit.cameras
        )

    def respond(
        self, incident: str, agency: str, *, left: bool, actor: Actor, now_s: float
    ) -> bool:
        """Write down that an agency responds or has left; whether all that came have left now.

        Raises:
            NotPermittedError: the grant is over, or it is not theirs to say, which is in the audit.
            AuditError: the entry could not be written.
        """
        grant = self._live_grant(incident, now_s)
        there = grant_rows.agencies_of(self._audit, incident)
        refusal = refusal_to_tell(grant.agreement, agency, there, actor, left=left)
        if refusal is not None:
            facts = {"incident": incident, "agency": agency, "actor": actor.name}
            self._audit.append("agency-refused", now_s, {**facts, "refusal": refusal})
            raise NotPermittedError(refusal)
        if agency in there and (there[agency] is not None) is left:
            return False  # nothing is new
        remaining: list[int] = []
        self._audit.append(
            "agency-left" if left else "agency-responding",
            now_s,
            {"incident": incident, "agency": agency, "actor": actor.name},
            change=grant_rows.responds(incident, agency, now_s if left else None, remaining),
        )
        return left and remaining == [0]

    def resume(self, now_s: float) -> tuple[Grant, ...]:
        """Take up the grants of a process that died: open stays open until its time, no longer.

        The audit says which were opened and not closed, by whom and under which terms. Those whose
        time is over are closed now, whoever held them.

        Args:
            now_s: Unix seconds.

        Raises:
            AuditError: the audit was bent, so nothing in it can be relied on; nothing is live.
        """
        candidates = grant_rows.unclosed(self._audit)
        if not candidates:
            return ()
        # All that is relied on below is verified first, however old it is.
        found = self._whole(grant_record.first_entry(self._audit, candidates))
        if isinstance(found, Broken):
            raise AuditError(
                f"the audit is bent at entry {found.line} ({found.what}); no grant is taken up "
                "from it: look into it with 'lastseen audit verify'"
            )
        resumed = []
        for incident in candidates:
            kept = grant_record.read_grant(self._audit, incident)
            if kept is None:
                continue
            if now_s < kept.until_s:
                if kept.holder != self._holder:
                    continue
                try:
                    terms = grant_rows.terms_of(self._audit, kept.agreement)
                except AuditError as error:
                    said = {"incident": incident}
                    _log.error("incident %s is not taken up: %s", incident, error, extra=said)
                    continue
                grant = _taken_up(kept, terms)
                facts = {"incident": incident, "until_s": kept.until_s}
                self._audit.append("grant-resumed", now_s, facts)
                resumed.append(grant)
            else:
                why = "its time was over while nobody held it"
                self._closings.add(Closing(incident, MACHINE.name, why, now_s))
        self._closings.settle()
        with self._lock:
            self._live |= {grant.permit.incident: grant for grant in resumed}
        return tuple(resumed)

    def _live_grant(self, incident: str, now_s: float) -> Grant:
        grant = self.grant_of(incident)
        if grant is None or now_s >= grant.until_s:
            raise NotPermittedError(f"incident {incident} has no live grant")
        return grant


def _taken_up(kept: RecordedGrant, agreement: Agreement | None) -> Grant:
    permit = Permit(kept.incident, kept.cameras, kept.from_s, seal=_SEAL)
    return Grant(
        permit,
        kept.activation,
        kept.until_s,
        kept.clause,
        kept.because,
        agreement,
        kept.extensions,
        kept.actor,
    )
