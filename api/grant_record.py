"""A grant as the audit has it: how a request is written down, and read back after a crash."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from .grant_rules import Activation
from .store_tables import AUDIT

if TYPE_CHECKING:
    from collections.abc import Collection

    from .actors import Actor
    from .audit import Audit
    from .decisions import Decision
    from .grant_rules import Terms


@dataclass(frozen=True, slots=True)
class RecordedGrant:
    """What the entries of an incident say of its grant.

    Attributes:
        incident: incident id.
        holder: who keeps it: a server's name, or a command.
        activation: who asked for what.
        cameras: what may be watched.
        from_s: begin, Unix seconds.
        until_s: end, Unix seconds, with its extensions.
        clause: id of the clause that allowed it.
        because: the decision in words.
        actor: who asked, as they were recognised.
        agreement: hash of the terms it was made under; None where there were none.
        extensions: how often it was extended.
    """

    incident: str
    holder: str
    activation: Activation
    cameras: frozenset[str]
    from_s: float
    until_s: float
    clause: str
    because: str
    actor: str
    agreement: str | None
    extensions: int = 0


def asked(
    activation: Activation, actor: Actor, incident: str, terms: Terms, decision: Decision
) -> dict[str, object]:
    """Return the facts of a request and its decision, as its entry has them."""
    agreement = terms.agreement
    return {
        "incident": incident,
        **asdict(activation),
        "actor": actor.name,
        "actor_name": actor.full_name,
        "actor_role": actor.role,
        "actor_by": actor.by,
        "clause": decision.clause,
        "because": decision.because,
        "agreement": None
        if agreement is None
        else {
            "title": agreement.title,
            "version": agreement.version,
            "sha256": agreement.sha256,
        },
    }


def first_entry(audit: Audit, incidents: Collection[str]) -> int | None:
    """Return the number of the first entry that opened one of these; None where there is none.

    Raises:
        AuditError: the audit cannot be read.
    """
    opened = (AUDIT.c.action == "grant-opened", AUDIT.c.incident.in_(incidents))
    with audit.reading() as connection:
        return connection.execute(select(func.min(AUDIT.c.seq)).where(*opened)).scalar()


def read_grant(audit: Audit, incident: str) -> RecordedGrant | None:
    """Return the grant of an incident as the audit has it; None where it was closed, or never was.

    Raises:
        AuditError: the audit cannot be read.
    """
    grant: RecordedGrant | None = None
    actions = ("grant-opened", "grant-extended", "grant-closed")
    for entry in audit.entries(incident, actions=actions):
        match entry["action"]:
            case "grant-opened":
                grant = _opened(entry)
            case "grant-extended" if grant is not None:
                extensions = int(entry["extensions"])
                grant = replace(grant, until_s=entry["until_s"], extensions=extensions)
            case "grant-closed":
                return None
    return grant


def _opened(entry: dict[str, Any]) -> RecordedGrant:
    names = [field.name for field in fields(Activation)]
    agreement = entry["agreement"]
    return RecordedGrant(
        incident=entry["incident"],
        holder=str(entry.get("holder", "")),
        activation=Activation(**{name: entry[name] for name in names if name in entry}),
        cameras=frozenset(entry["cameras"]),
        from_s=datetime.fromisoformat(entry["at"]).astimezone(UTC).timestamp(),
        until_s=entry["until_s"],
        clause=entry["clause"],
        because=entry["because"],
        actor=entry["actor"],
        agreement=None if agreement is None else agreement["sha256"],
    )
