"""From a grant, and what became of it, to the message that tells of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import schemas
from .locations import utc

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .gate import Grant
    from .locations import Envelope
    from .targets import Target


def incident_message(
    target: Target,
    grant: Grant,
    agencies: Mapping[str, float | None],
    closed: tuple[float, str, str] | None,
    envelope: Envelope,
) -> schemas.Incident:
    """Return an incident as a message.

    Args:
        target: the site or drill.
        grant: what was granted, as it was last.
        agencies: agencies that responded, and when each left, Unix seconds.
        closed: when (Unix seconds), by whom and why it was closed; None while it is open.
        envelope: what every message carries.
    """
    closed_at_s, closed_by, closing_reason = closed or (None, None, None)
    asked = grant.activation
    return schemas.Incident(
        sequence=envelope.sequence,
        incident=envelope.incident,
        exercise=envelope.exercise,
        published_at=utc(envelope.published_s),
        state="open" if closed is None else "closed",
        kind=asked.kind,
        target=schemas.Target(id=target.id, kind=target.kind, name=target.name),
        emergency=asked.emergency,
        channel=asked.channel,
        opened_by=asked.opened_by,
        role=asked.role,
        confirmed_by=asked.confirmed_by,
        reason=asked.reason,
        because=grant.because,
        clause=None
        if grant.agreement is None
        else schemas.Clause(
            id=grant.clause,
            agreement=grant.agreement.title,
            version=grant.agreement.version,
            sha256=grant.agreement.sha256,
        ),
        opened_at=utc(grant.permit.from_s),
        until=utc(grant.until_s),
        extensions=grant.extensions,
        agencies=tuple(
            schemas.Agency(name=name, left_at=None if left_s is None else utc(left_s))
            for name, left_s in sorted(agencies.items())
        ),
        closed_at=None if closed_at_s is None else utc(closed_at_s),
        closed_by=closed_by,
        closing_reason=closing_reason,
    )
