"""Who may tell an incident what its cameras cannot see: marks, units, doors, where officers come.

The gate's third part, beside what is watched and who sees it. Whatever takes such a word takes a
`Telling`, which only `Tellers.admit` makes, after the audit entry is written, so forgetting to ask
is a type error. The rule is **no**, unless all of this holds:

1. the role has the ability, on this site: `mark` to say what a subject is and from where officers
   come, `report` to hand on what other systems know (units' positions, doors);
2. the agreement names whoever asks, as it must for them to see the incident;
3. the grant is live: nothing is said of an incident that is over.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from typing import TYPE_CHECKING, Literal

from .errors import NotPermittedError
from .grant_rules import refusal_to_see
from .repeats import Repeats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .actors import Actor
    from .audit import Audit
    from .gate import Gate, Grant

_SEAL = object()

TellingAbility = Literal["mark", "report"]


@dataclass(frozen=True, slots=True)
class Telling:
    """Proof that somebody may tell an incident something now; made only by `Tellers`.

    Attributes:
        incident: incident id.
        actor: who tells it.
        ability: by which of their abilities.
    """

    incident: str
    actor: Actor
    ability: TellingAbility
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("a Telling is made by api.telling only")


class Tellers:
    """Lets people and systems tell incidents something. Safe to use from any thread.

    Args:
        gate: knows which grants are live.
        audit: where it is written who told what.
    """

    def __init__(self, gate: Gate, audit: Audit) -> None:
        self._gate = gate
        self._audit = audit
        self._refused = Repeats()
        self._told = Repeats()

    def admit(
        self,
        grant: Grant,
        ability: TellingAbility,
        *,
        actor: Actor,
        now_s: float,
        action: str,
        facts: Mapping[str, object],
        once: str | None = None,
    ) -> Telling:
        """Return the proof that somebody may tell an incident something, once that is on record.

        Args:
            grant: the incident's grant.
            ability: what of their role it takes.
            actor: who wants to tell it.
            now_s: Unix seconds.
            action: what it is called in the audit.
            facts: what is told, for the audit.
            once: for what comes every second: the entry is written once a minute for each of these
                words; None writes one each time.

        Raises:
            ForbiddenError: it is not for their role, or not their site.
            NotPermittedError: the agreement does not name them, or the grant is over; the refusal
                is in the audit, the same one once a minute.
            AuditError: the entry could not be written; nothing is told.
        """
        incident = grant.permit.incident
        actor.need(ability, grant.activation.target)
        who = {
            "incident": incident,
            "actor": actor.name,
            "role": actor.role,
            "acts_as": actor.acts_as,
        }
        refusal = self._refusal(grant, actor, now_s)
        if refusal is not None:
            if self._refused.is_new((incident, actor.name, action, refusal), now_s):
                self._audit.append("telling-refused", now_s, {**who, "refusal": refusal})
            raise NotPermittedError(refusal)
        key = (incident, actor.name, action, once)
        if once is None or self._told.is_new(key, now_s):
            try:
                self._audit.append(action, now_s, {**who, **facts})
            except BaseException:
                self._told.forget(key)
                raise
        return Telling(incident, actor, ability, seal=_SEAL)

    def _refusal(self, grant: Grant, actor: Actor, now_s: float) -> str | None:
        refusal = refusal_to_see(grant.agreement, grant.activation, actor, now_s)
        if refusal is not None:
            return refusal
        live = self._gate.grant_of(grant.permit.incident)
        if live is None or now_s >= live.until_s:
            return f"incident {grant.permit.incident} is over, so nothing more is told of it"
        return None
