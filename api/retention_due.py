"""Which incidents are to be purged now: by their rows, if the audit bears them out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from .retention_record import OnRecord, on_record, terms_on_record
from .retention_rows import due_at_s, living_key
from .store_tables import GRANTS

if TYPE_CHECKING:
    from sqlalchemy import Row

    from .audit import Audit
    from .keys import Keys

    _Row = Row[Any, Any, Any, Any]

_INTERRUPTED = "a purge before this one did not come to its end"
_ROUNDING_S = 1.0


@dataclass(frozen=True, slots=True)
class Due:
    """An incident whose row says that it is to be purged.

    Attributes:
        incident: incident id.
        why: why it is to be purged.
        refusal: why the audit does not bear that out; None where it does.
        since: number of the earliest entry that this was read from.
    """

    incident: str
    why: str
    refusal: str | None
    since: int


def due_incidents(audit: Audit, keys: Keys, now_s: float) -> tuple[Due, ...]:
    """Return what is to be purged, the longest closed first.

    A purge is taken for interrupted only where its key is gone: there is nothing left to destroy.

    Raises:
        AuditError: the database cannot be read.
        StateError: a key cannot be read.
    """
    wanted = (
        select(
            GRANTS.c.incident,
            GRANTS.c.closed_s,
            GRANTS.c.retention_days,
            GRANTS.c.purging_s,
        )
        .where(GRANTS.c.closed_s.is_not(None))
        .where(GRANTS.c.purged_s.is_(None))
        .where(GRANTS.c.hold.is_(None))
        .order_by(GRANTS.c.closed_s, GRANTS.c.incident)
    )
    with audit.reading() as connection:
        rows = [row for row in connection.execute(wanted).all() if _is_due(row, now_s)]
        recorded = [on_record(connection, row.incident) for row in rows]
    return tuple(
        _held_against(audit, keys, row, said, now_s)
        for row, said in zip(rows, recorded, strict=True)
    )


def days_on_record(audit: Audit, recorded: OnRecord) -> float | None:
    """Return how long the agreement of a grant keeps what was kept; None where that is not known.

    Raises:
        AuditError: the database cannot be read.
    """
    agreement = terms_on_record(audit, recorded.opened).agreement
    return None if agreement is None else agreement.retention.days


def _is_due(row: _Row, now_s: float) -> bool:
    days = row.retention_days
    over = days is not None and due_at_s(row.closed_s, days) <= now_s
    return over or row.purging_s is not None


def _held_against(audit: Audit, keys: Keys, row: _Row, recorded: OnRecord, now_s: float) -> Due:
    since = recorded.since
    refusal = recorded.refusal_to_purge()
    begun = row.purging_s is not None and recorded.begun
    if begun and living_key(keys, row.incident) is None:
        return Due(row.incident, _INTERRUPTED, refusal, since)
    why = f"it was kept for {row.retention_days or 0:g} days"
    if refusal is None:
        refusal = _not_due(audit, recorded, now_s)
    return Due(row.incident, why, refusal, since)


def _not_due(audit: Audit, recorded: OnRecord, now_s: float) -> str | None:
    """Why the time of what was kept is not over, by the audit; None where it is."""
    days = days_on_record(audit, recorded)
    if days is None:
        return "its time is not known: the terms that its grant names are not those that are kept"
    due_s = due_at_s(recorded.closed_s or 0.0, days)
    if due_s > now_s + _ROUNDING_S:
        return f"its time is not over: by the audit it is due at {_moment(due_s)}"
    return None


def _moment(at_s: float) -> str:
    try:
        return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return "no time at all"
