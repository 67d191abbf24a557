"""The append-only record of what was asked for, allowed, shown and ended: a chain of hashes.

An entry is acknowledged only once the database has it on the disk. Whatever it tells of changes in
the same transaction (`change`), so neither can be there without the other. Writers hold the chain's
lock while they read its end and append, so neither threads nor processes ever fork it.

The line of an entry is the record. Its action and incident stand in columns, too, so that they can
be looked for; `Audit.verify` holds the two against each other.

Entries that wait while another is being written go into the next transaction together: a disk that
waits 2 ms for each transaction still takes thousands of entries a second.
"""

from __future__ import annotations

import getpass
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, text

from .audit_batch import Waiting, incident_of, link_all
from .audit_chain import Broken, Head, head_of, read_entry, verify
from .errors import AuditError, StoreError
from .store_tables import AUDIT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sqlalchemy import Connection, Executable

    from .audit_batch import Change
    from .audit_chain import Check
    from .store import Store

_CHAIN_LOCK = 0x6175646974  # "audit"; any number that nothing else locks
_MOST_AT_ONCE = 512
_READ_AT_ONCE = 1000
_LAST = select(AUDIT.c.seq, AUDIT.c.line).order_by(AUDIT.c.seq.desc()).limit(1)


class Audit:
    """Appends entries durably, and reads them back. Safe to use from any thread and process.

    Args:
        store: the database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[Waiting] = []
        self._adding = threading.Lock()
        self._writing = threading.Lock()

    @property
    def name(self) -> str:
        """Where it is kept."""
        return self._store.name

    def append(
        self,
        action: str,
        at_s: float,
        facts: Mapping[str, object],
        *,
        change: Change | None = None,
    ) -> Head:
        """Write one entry; return the end of the chain with it once the disk has it.

        Args:
            action: what happened, e.g. "grant-opened".
            at_s: when, Unix seconds.
            facts: JSON-serialisable details, no secrets; `incident` names what it belongs to.
            change: what else changes with it, in the same transaction. What it raises is raised
                here, and neither it nor the entry is written; where it is the database that
                fails, an `AuditError` is.

        Raises:
            AuditError: the entry is not known to be on the disk.
        """
        at = datetime.fromtimestamp(at_s, UTC).isoformat()
        ours = Waiting(action, at, facts, change)
        with self._adding:
            self._waiting.append(ours)
        with self._writing:
            # Whoever comes first writes for all that wait; the others find it done.
            while ours.head is None and ours.error is None:
                with self._adding:
                    batch = self._waiting[:_MOST_AT_ONCE]
                    del self._waiting[:_MOST_AT_ONCE]
                if not batch:  # whoever took it was interrupted before the transaction
                    break
                self._write(batch)
        if ours.head is None or ours.error is not None:
            raise ours.error or AuditError("the audit entry was not written")
        return ours.head

    def head(self) -> Head:
        """Return the end of the chain.

        Raises:
            AuditError: it cannot be read, or the last entry was changed.
        """
        with self.reading() as connection:
            return self._end(connection)

    def head_at(self, seq: int) -> Head | None:
        """Return the chain's end as it was with entry `seq`, its hash made anew from what it says.

        None where there is no such entry, or it was changed.

        Raises:
            AuditError: the audit cannot be read.
        """
        with self.reading() as connection:
            line = connection.execute(select(AUDIT.c.line).where(AUDIT.c.seq == seq)).scalar()
        try:
            head = None if line is None else head_of(_as_line(line))
        except ValueError:
            return None
        return head if head is not None and head.seq == seq else None

    def verify(
        self,
        noted: str | None = None,
        *,
        after: Head | None = None,
        check: Check | None = None,
    ) -> Head | Broken:
        """Return the end of the chain, or the first entry that breaks it.

        Args:
            noted: hash of an entry, noted elsewhere, that must be in the chain: whoever made the
                chain anew, or cut off its end, cannot have it in there.
            after: a place of the chain that is known to be good; what comes after it is looked at.
            check: asked about each entry that fits; what it finds wrong breaks the chain there.

        Raises:
            AuditError: the audit cannot be read.
        """
        row: Any = None

        def lines() -> Iterator[bytes]:
            nonlocal row
            for row in self._rows(_after(0 if after is None else after.seq)):
                yield _as_line(row.line)

        def columns_fit(entry: Mapping[str, Any]) -> str | None:
            said = (entry["seq"], entry["action"], incident_of(entry))
            if (row.seq, row.action, row.incident) != said:
                return f"the columns beside entry {entry['seq']} were changed: they say otherwise"
            return None if check is None else check(entry)

        return verify(lines(), after, noted=noted, check=columns_fit)

    def lines(self, after: int = 0) -> Iterator[bytes]:
        """Yield all entries after number `after` as lines of JSON, as `audit export` writes them.

        Raises:
            AuditError: the audit cannot be read.
        """
        for row in self._rows(_after(after)):
            yield _as_line(row.line)

    def entries(
        self,
        incident: str | None = None,
        *,
        actions: Collection[str] | None = None,
        last: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield the entries that can be read, bent ones too; see `verify`.

        Args:
            incident: only those of an incident.
            actions: only those.
            last: only the newest so many of them, the oldest of those first.

        Raises:
            AuditError: the audit cannot be read.
        """
        wanted = select(*AUDIT.c)
        if incident is not None:
            wanted = wanted.where(AUDIT.c.incident == incident)
        if actions is not None:
            wanted = wanted.where(AUDIT.c.action.in_(actions))
        if last is not None:
            newest = wanted.order_by(AUDIT.c.seq.desc()).limit(last).subquery()
            wanted = select(*newest.c).order_by(newest.c.seq)
        else:
            wanted = wanted.order_by(AUDIT.c.seq)
        for row in self._rows(wanted):
            entry = read_entry(_as_line(row.line))
            if entry is not None:
                yield entry

    def incidents(self, most: int) -> tuple[str, ...]:
        """Return the ids of the incidents that it speaks of last, the latest first.

        Raises:
            AuditError: the audit cannot be read.
        """
        newest = (
            select(AUDIT.c.incident)
            .where(AUDIT.c.incident.is_not(None))
            .group_by(AUDIT.c.incident)
            .order_by(func.max(AUDIT.c.seq).desc())
            .limit(most)
        )
        with self.reading() as connection:
            return tuple(connection.execute(newest).scalars())

    def _write(self, batch: list[Waiting]) -> None:
        """Write a batch in one transaction; every one of it has its head or its error then."""
        try:
            with self._store.writing() as connection:
                if connection.dialect.name == "postgresql":
                    lock = text("SELECT pg_advisory_xact_lock(:key)")
                    connection.execute(lock, {"key": _CHAIN_LOCK})
                rows = link_all(connection, batch, self._end(connection))
                if rows:
                    connection.execute(insert(AUDIT), rows)
        except BaseException as error:
            told = error if isinstance(error, (StoreError, AuditError)) else repr(error)
            for one in batch:
                one.error = one.error or AuditError(
                    f"cannot write the audit entry ({told}); free space or repair the database"
                )
            if not isinstance(error, (StoreError, AuditError)):
                raise

    def _end(self, connection: Connection) -> Head:
        """The end of the chain.

        Raises:
            AuditError: what stands there is no entry of the chain.
        """
        last = connection.execute(_LAST).first()
        if last is None:
            return Head()
        try:
            head = head_of(_as_line(last.line))
            if head.seq != last.seq:
                raise ValueError(f"row {last.seq} holds entry {head.seq}")  # noqa: TRY301
        except ValueError as error:
            raise AuditError(
                f"the last entry of the audit cannot be built upon ({error}); keep a copy of the "
                "database for whoever looks into it, and start with a new one"
            ) from error
        return head

    def _rows(self, wanted: Executable) -> Iterator[Any]:
        """The rows of a query, a few at a time: an audit of years is never in memory whole."""
        with self.reading() as connection:
            read = connection.execution_options(yield_per=_READ_AT_ONCE).execute(wanted)
            with read:  # whoever asked may stop half-way
                yield from read

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to the same database to read by.

        Raises:
            AuditError: it cannot be read.
        """
        try:
            with self._store.reading() as connection:
                yield connection
        except StoreError as error:
            raise AuditError(f"the audit cannot be read ({error})") from error


def machine_user() -> str:
    """Return the name of whoever runs this command, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _after(seq: int) -> Executable:
    """The rows of all entries after one."""
    return select(*AUDIT.c).where(AUDIT.c.seq > seq).order_by(AUDIT.c.seq)


def _as_line(value: str | bytes) -> bytes:
    """The line of a row; SQLite lets whoever bends it make bytes of a text."""
    return (value if isinstance(value, bytes) else value.encode()) + b"\n"
