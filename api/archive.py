"""What is kept of an incident: numbered records that only its own key opens.

Each is sealed about its incident, number, kind and time, so one that was changed, swapped or moved
does not open, and a missing number is told. What was cut off at the end cannot be told from what
is left: note `Archive.count` elsewhere, as the audit does at the end of an incident.

Nothing is kept without an agreement that says for how long, and nothing once it was purged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from .errors import NotPermittedError, SealError
from .kept_records import KeptIncident, KeptRecord, LostRecord, NewRecord
from .retention_rows import due_at_s, living_key, locked_grant, purged_at, record_count
from .sealing import seal, unseal
from .store_tables import GRANTS, RECORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Select

    from .kept_records import RecordKind
    from .keys import Keys
    from .store import Store

_READ_AT_ONCE = 100


class Archive:
    """Keeps records, and gives them back in order. Safe to use from any thread and process.

    Args:
        store: the database.
        keys: the keys of the incidents.
    """

    def __init__(self, store: Store, keys: Keys) -> None:
        self._store = store
        self._keys = keys

    def keep(self, incident: str, kind: RecordKind, at_s: float, data: bytes) -> int:
        """Keep one record; return its number once the disk has it.

        Raises:
            NotPermittedError: nothing may be kept of this incident, or not any more.
            StoreError: the database could not keep it.
            StateError: the incident's key cannot be read or made.
        """
        return self.keep_many(incident, (NewRecord(kind, at_s, data),))[0]

    def keep_many(self, incident: str, records: Sequence[NewRecord]) -> range:
        """Keep records in one transaction, all or none; return their numbers.

        Raises:
            NotPermittedError: nothing may be kept of this incident, or not any more.
            StoreError: the database could not keep them.
            StateError: the incident's key cannot be read or made.
        """
        with self._store.writing() as connection:
            key, last = self._open_for_more(connection, incident)
            numbers = range(last + 1, last + 1 + len(records))
            rows = [
                {
                    "incident": incident,
                    "number": number,
                    "kind": record.kind,
                    "at_s": float(record.at_s),
                    "sealed": seal(
                        key, record.data, _about(incident, number, record.kind, record.at_s)
                    ),
                }
                for number, record in zip(numbers, records, strict=True)
            ]
            if rows:
                connection.execute(insert(RECORDS), rows)
        return numbers

    def keeps(self, incident: str) -> bool:
        """Whether anything may be kept of an incident: an agreement says so, it is not purged.

        Raises:
            StoreError: the database cannot be read.
        """
        about = self.about(incident)
        return about is not None and about.retention_days is not None and about.purged_s is None

    def read(self, incident: str, after: int = 0) -> Iterator[KeptRecord | LostRecord]:
        """Yield the records of an incident in order, and what is missing in its place.

        No transaction is open between two of them, so a slow reader is in nobody's way.

        Args:
            incident: incident id.
            after: number of the last record that is not wanted any more.

        Raises:
            StoreError: the database cannot be read.
            StateError: the incident's key cannot be read.
        """
        while True:
            page = (
                select(RECORDS)
                .where(RECORDS.c.incident == incident, RECORDS.c.number > after)
                .order_by(RECORDS.c.number)
                .limit(_READ_AT_ONCE)
            )
            with self._store.reading() as connection:
                rows = connection.execute(page).all()
            if not rows:
                return
            key = living_key(self._keys, incident)
            for row in rows:
                if row.number != after + 1:
                    yield LostRecord(
                        after + 1, row.number - 1, "missing: taken out of the database"
                    )
                after = row.number
                yield _opened(key, incident, row)

    def record(self, incident: str, number: int) -> KeptRecord | LostRecord | None:
        """Return one record; None where there is none of that number.

        Raises:
            StoreError: the database cannot be read.
            StateError: the incident's key cannot be read.
        """
        one = select(RECORDS).where(RECORDS.c.incident == incident, RECORDS.c.number == number)
        with self._store.reading() as connection:
            row = connection.execute(one).first()
        return None if row is None else _opened(living_key(self._keys, incident), incident, row)

    def count(self, incident: str) -> int:
        """Return how many records there are of an incident.

        Raises:
            StoreError: the database cannot be read.
        """
        with self._store.reading() as connection:
            return record_count(connection, incident)

    def size_of(self, incident: str) -> int:
        """Return the size of an incident's records, sealed, bytes.

        Raises:
            StoreError: the database cannot be read.
        """
        about = self.about(incident)
        return 0 if about is None else about.bytes

    def about(self, incident: str) -> KeptIncident | None:
        """Return what there is of one incident; None where it is unknown.

        Raises:
            StoreError: the database cannot be read.
        """
        with self._store.reading() as connection:
            row = connection.execute(_overview().where(GRANTS.c.incident == incident)).first()
        return None if row is None else _kept_incident(row)

    def incidents(self) -> tuple[KeptIncident, ...]:
        """Return all incidents that anything is or was kept of, the newest first.

        Raises:
            StoreError: the database cannot be read.
        """
        wanted = (
            _overview()
            .where(GRANTS.c.retention_days.is_not(None))
            .order_by(GRANTS.c.from_s.desc(), GRANTS.c.incident)
        )
        with self._store.reading() as connection:
            return tuple(_kept_incident(row) for row in connection.execute(wanted))

    def _open_for_more(self, connection: Connection, incident: str) -> tuple[bytes, int]:
        """The key, and the number of the last record, which is the last until this ends."""
        grant = locked_grant(connection, incident)
        if grant is None or grant.retention_days is None:
            why = "there is no such incident" if grant is None else "no agreement says for how long"
            raise NotPermittedError(f"nothing is kept of incident {incident}: {why}")
        if grant.purged_s is not None:
            raise NotPermittedError(
                f"nothing more is kept of incident {incident}: it was purged at "
                f"{purged_at(grant.purged_s)}"
            )
        if grant.purging_s is not None:
            raise NotPermittedError(f"nothing more is kept of incident {incident}: its purge began")
        newest = select(func.max(RECORDS.c.number)).where(RECORDS.c.incident == incident)
        last = connection.execute(newest).scalar() or 0
        key = living_key(self._keys, incident)
        if key is None and last:  # another would hide that they can never be read again
            raise NotPermittedError(
                f"nothing more is kept of incident {incident}: its key is destroyed"
            )
        if key is None:
            self._keys.destroy_incident(incident)  # zeros, where a crash left them
            key = self._keys.make_incident(incident)
        return key, last


def _about(incident: str, number: int, kind: str, at_s: float) -> str:
    return f"{incident} {number} {kind} {float(at_s)!r}"


def _opened(key: bytes | None, incident: str, row: Any) -> KeptRecord | LostRecord:  # noqa: ANN401 - a row
    if key is None:
        return LostRecord(row.number, row.number, "does not open: its key is destroyed")
    try:
        data = unseal(key, row.sealed, _about(incident, row.number, row.kind, row.at_s))
    except SealError:
        return LostRecord(row.number, row.number, "does not open: it was changed or moved")
    return KeptRecord(row.number, row.kind, row.at_s, data)


def _overview() -> Select[Any]:
    """The grants, each with the number and the size of its records."""
    of_it = RECORDS.c.incident == GRANTS.c.incident
    records = select(func.count()).select_from(RECORDS).where(of_it).scalar_subquery()
    size = select(func.sum(func.length(RECORDS.c.sealed))).where(of_it).scalar_subquery()
    return select(GRANTS, records.label("records"), size.label("bytes"))


def _kept_incident(row: Any) -> KeptIncident:  # noqa: ANN401 - a row
    purge_s: float | None = None
    if None not in {row.closed_s, row.retention_days} and row.hold is row.purged_s is None:
        purge_s = due_at_s(row.closed_s, row.retention_days)
    return KeptIncident(
        row.incident,
        row.target,
        row.kind,
        row.from_s,
        row.closed_s,
        row.retention_days,
        purge_s,
        row.hold,
        row.records,
        int(row.bytes or 0),
        row.purged_s,
    )
