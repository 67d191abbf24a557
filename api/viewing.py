"""Who may see what an incident says and shows: the gate's other half, for people.

Every handler that tells of an incident takes a `Viewing`, which only `Viewers.admit` makes, so
forgetting to ask is a type error. The first time that somebody is let in, and each picture that is
shown to them, is in the audit before they see it.
"""

from __future__ import annotations

import threading
from dataclasses import InitVar, dataclass
from typing import TYPE_CHECKING

from .errors import NotPermittedError
from .grant_rules import refusal_to_see

if TYPE_CHECKING:
    from .actors import Actor
    from .agreements import Agreement
    from .audit import Audit
    from .gate import Gate, Grant

_SEAL = object()
_AGAIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Viewing:
    """Proof that somebody may see what an incident says and shows; made only by `Viewers`.

    Attributes:
        incident: incident id.
        actor: who may see it.
        cameras_told: whether they may be told which cameras there are, and where.
    """

    incident: str
    actor: Actor
    cameras_told: bool
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("a Viewing is made by api.viewing only")


class Viewers:
    """Admits people to incidents. Safe to use from any thread.

    Args:
        gate: knows which grants are live.
        audit: where it is written who saw what.
    """

    def __init__(self, gate: Gate, audit: Audit) -> None:
        self._gate = gate
        self._audit = audit
        self._admitted: set[tuple[str, str]] = set()
        self._refused: dict[tuple[str, str, str], float] = {}
        self._lock = threading.Lock()

    def admit(
        self,
        grant: Grant,
        *,
        actor: Actor,
        now_s: float,
    ) -> Viewing:
        """Return the proof that somebody may see what an incident says.

        The first time that somebody is let in is in the audit, before they are.

        Args:
            grant: the incident's grant, as it was last; what was published stays readable when it
                is over, to the same people.
            actor: who wants to see it.
            now_s: Unix seconds.

        Raises:
            ForbiddenError: it is not for their role, or not their site.
            NotPermittedError: the agreement does not name them; the refusal is in the audit.
            AuditError: the entry could not be written; nothing is shown.
        """
        incident = grant.permit.incident
        if not _is_for(actor, grant):
            actor.need("watch", grant.activation.target)
        facts = {
            "incident": incident,
            "actor": actor.name,
            "role": actor.role,
            "acts_as": actor.acts_as,
            "agency": actor.agency,
        }
        refusal = refusal_to_see(grant.agreement, grant.activation, actor, now_s)
        if refusal is not None:
            self._tell_refusal({**facts, "refusal": refusal}, now_s)
            raise NotPermittedError(refusal)
        with self._lock:
            known = (incident, actor.name) in self._admitted
        if not known:
            self._audit.append("viewer-admitted", now_s, facts)
            with self._lock:
                self._admitted.add((incident, actor.name))
        return Viewing(incident, actor, told_cameras(grant.agreement, actor), seal=_SEAL)

    def may_see(self, grant: Grant, actor: Actor, now_s: float) -> bool:
        """Whether `admit` would let somebody in; nothing is written down."""
        return (
            _is_for(actor, grant)
            and refusal_to_see(grant.agreement, grant.activation, actor, now_s) is None
        )

    def _tell_refusal(self, facts: dict[str, object], now_s: float) -> None:
        """Write down a refusal, the same one once a minute: whoever asks again fills no disk."""
        key = (str(facts["incident"]), str(facts["actor"]), str(facts["refusal"]))
        with self._lock:
            recent = {one: at for one, at in self._refused.items() if now_s < at + _AGAIN_S}
            known = key in recent
            self._refused = recent if known else {**recent, key: now_s}
        if not known:
            self._audit.append("viewer-refused", now_s, facts)

    def show(self, viewing: Viewing, camera: str, what: str, *, now_s: float) -> None:
        """Return once the audit has that a picture of a camera is shown to somebody.

        Raises:
            NotPermittedError: the grant is over, or does not hold the camera.
            AuditError: the entry could not be written; nothing may be shown.
        """
        grant = self._gate.grant_of(viewing.incident)
        if grant is None or not self._gate.allows(grant.permit, camera, now_s):
            raise NotPermittedError(f"no live grant for camera {camera}")
        facts = {
            "incident": viewing.incident,
            "camera": camera,
            "what": what,
            "actor": viewing.actor.name,
        }
        self._audit.append("picture-shown", now_s, facts)
        if not self._gate.allows(grant.permit, camera, now_s):  # closed while the disk wrote
            raise NotPermittedError(f"no live grant for camera {camera}")


def _is_for(actor: Actor, grant: Grant) -> bool:
    """Whether the role of somebody goes as far as this incident."""
    site = grant.activation.target
    exercise = grant.activation.kind == "exercise"
    return actor.may("watch", site) or (exercise and actor.may("watch-exercise", site))


def told_cameras(agreement: Agreement | None, actor: Actor) -> bool:
    """Whether somebody may be told which cameras there are, and where."""
    return agreement is None or (
        agreement.tells("camera-places", actor.acts_as)
        and agreement.tells("camera-count", actor.acts_as)
    )
