"""What the purge and the archive read of an incident's row, and what its key is worth."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from .errors import NotPermittedError
from .retention_record import on_record
from .sealing import KEY_BYTES
from .store_tables import GRANTS, RECORDS

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from .keys import Keys
    from .retention_record import OnRecord
    from .store import Store

DAY_S = 86_400.0
_READ_AT_ONCE = 100


def due_at_s(closed_s: float, retention_days: float) -> float:
    """Return when what was kept of a closed incident is purged, Unix seconds."""
    return closed_s + retention_days * DAY_S


def living_key(keys: Keys, incident: str) -> bytes | None:
    """Return the key of an incident; None where there is none, or a crash left zeros of it.

    Raises:
        StateError: it cannot be read.
    """
    key = keys.incident(incident)
    return key if key is not None and len(key) == KEY_BYTES and any(key) else None


def locked_grant(connection: Connection, incident: str) -> Row[Any] | None:
    """Return the row of an incident, which nobody else changes until the transaction ends."""
    wanted = select(GRANTS).where(GRANTS.c.incident == incident).with_for_update()
    return connection.execute(wanted).first()


def record_count(connection: Connection, incident: str) -> int:
    """Return how many records there are of an incident."""
    counted = select(func.count()).select_from(RECORDS).where(RECORDS.c.incident == incident)
    return connection.execute(counted).scalar_one()


def purged_at(purged_s: float) -> str:
    """Return when something was purged, as messages say it."""
    return f"{datetime.fromtimestamp(purged_s, UTC):%Y-%m-%d %H:%M:%S} UTC"


def not_purged(connection: Connection, incident: str) -> Row[Any]:
    """Return the row of an incident, locked.

    Raises:
        NotPermittedError: it was purged, or there is none.
    """
    row = locked_grant(connection, incident)
    if row is None:
        raise NotPermittedError(f"there is no incident {incident}")
    if row.purged_s is not None:
        raise NotPermittedError(f"incident {incident} was purged at {purged_at(row.purged_s)}")
    return row


def purgeable(connection: Connection, incident: str) -> OnRecord:
    """Return what the audit says of an incident whose row is locked, if it may be purged.

    Raises:
        NotPermittedError: it is open, held or purged, by its row or by the audit, or there is none.
    """
    row = not_purged(connection, incident)
    if row.closed_s is None:
        raise NotPermittedError(f"incident {incident} is open; close it first")
    if row.hold is not None:
        raise NotPermittedError(f"incident {incident} is on legal hold: {row.hold}")
    recorded = on_record(connection, incident)
    refusal = recorded.refusal_to_purge()
    if refusal is not None:
        raise NotPermittedError(f"incident {incident}: {refusal}")
    return recorded


def tally(store: Store, incident: str) -> tuple[int, int, str]:
    """Return how many records there are, their bytes, and the hash over them."""
    count, size_bytes, digest, last = 0, 0, hashlib.sha256(), 0
    while True:
        page = (
            select(RECORDS.c.number, RECORDS.c.sealed)
            .where(RECORDS.c.incident == incident, RECORDS.c.number > last)
            .order_by(RECORDS.c.number)
            .limit(_READ_AT_ONCE)
        )
        with store.reading() as connection:
            rows = connection.execute(page).all()
        if not rows:
            return count, size_bytes, digest.hexdigest()
        for row in rows:
            digest.update(row.sealed)
            size_bytes += len(row.sealed)
        count += len(rows)
        last = rows[-1].number
