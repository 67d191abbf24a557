"""How long what was kept of an incident is kept, and its end: the purge.

A purge destroys the incident's key first: from then on nobody can read what was kept, whatever
becomes of the rows. Then, in one transaction, the audit gets the receipt and the rows go. A crash
between the two leaves rows without a key; the next `purge_due` finds them and finishes the purge.

A legal hold stops a purge, also one that was asked for. Both look at the incident's row while they
hold its lock, so one of the two comes first and the other is refused.

SQLite writes zeros over what it deletes, and its log is emptied. PostgreSQL keeps the sealed bytes
until it vacuums; without their key they are noise.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import delete, select, update

from .actors import MACHINE
from .agreements import Retention as RetentionTerms
from .errors import NotPermittedError, StateError
from .retention_rows import (
    due_at_s,
    not_purged,
    purgeable,
    tally,
    terms_of,
)
from .store_tables import GRANTS, RECORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from .actors import Actor
    from .audit import Audit
    from .keys import Keys
    from .store import Store

__all__ = ["Receipt", "Retention", "due_at_s", "refusal_to_hold"]

_log = logging.getLogger(__name__)

_INTERRUPTED = "a purge before this one did not come to its end"
_OF_THE_MACHINE = "command line"  # `Actor.by` of whoever holds the machine, and so the keys


def refusal_to_hold(terms: Mapping[str, Any] | None, actor: Actor) -> str | None:
    """Return why somebody may neither set nor release a legal hold; None where they may.

    Args:
        terms: the agreement that the incident was opened under, as it is kept; None for an
            exercise without one.
        actor: who asks.
    """
    if actor.role == "auditor" or actor.by == _OF_THE_MACHINE:
        return None
    named: tuple[str, ...] = ()
    if terms is not None:
        named = RetentionTerms.model_validate(terms["retention"]).legal_hold_by
    if actor.acts_as in named:
        return None
    return f"a legal hold is for auditors{''.join(f', {role}' for role in named)} only"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a purge took away; all that stays of what was kept.

    Attributes:
        incident: incident id.
        records: how many records.
        bytes: their size, sealed.
        sha256: hash over the sealed records, one after the other.
        key: what became of the key: "destroyed", or "gone" where there was none any more.
        retention_days: how long the agreement keeps it; None without one.
        by: who asked for the purge.
        reason: why.
    """

    incident: str
    records: int
    bytes: int
    sha256: str
    key: Literal["destroyed", "gone"]
    retention_days: float | None
    by: str
    reason: str


class Retention:
    """Holds, releases and purges. Safe to use from any thread and process.

    Args:
        store: the database.
        keys: the keys of the incidents.
        audit: takes every hold and the receipt of every purge.
    """

    def __init__(self, store: Store, keys: Keys, audit: Audit) -> None:
        self._store = store
        self._keys = keys
        self._audit = audit
        self._log_owed = False
        self._emptying = threading.Lock()

    def hold(self, incident: str, why: str, *, actor: Actor, now_s: float) -> None:
        """Keep what was kept of an incident until it is released; another reason replaces one.

        Raises:
            NotPermittedError: it is not for them (which is in the audit), there is no such
                incident, or its purge has begun.
            AuditError: the entry could not be written; nothing is held.
        """
        self._set_hold("hold", incident, why, actor, now_s)

    def release(self, incident: str, *, actor: Actor, now_s: float) -> None:
        """End the hold of an incident: it is purged when its time is over, or was.

        Raises:
            NotPermittedError: as `hold`, or there is no hold.
            AuditError: the entry could not be written; it is held as before.
        """
        self._set_hold("release", incident, None, actor, now_s)

    def due(self, now_s: float) -> tuple[str, ...]:
        """Return the incidents that `purge_due` would purge, the longest closed first.

        Raises:
            StoreError: the database cannot be read.
            StateError: a key cannot be read.
        """
        return tuple(self._due(now_s))

    def purge_due(self, now_s: float) -> tuple[str, ...]:
        """Purge what is due and what was interrupted; return the incidents that were purged.

        Raises:
            AuditError: a receipt could not be written; its rows are there and the next call goes
                on.
            StoreError: the database cannot be read or written.
            StateError: a key cannot be destroyed; all others were purged.
        """
        purged: list[str] = []
        trouble: StateError | None = None
        for incident, why in self._due(now_s).items():
            try:
                self._purge(incident, MACHINE.name, why, now_s)
            except NotPermittedError:  # held, or purged by another process, since we looked
                continue
            except StateError as error:
                trouble = trouble or error
                continue
            purged.append(incident)
        if purged or self._log_owed:
            self._empty_log()
        if trouble is not None:
            raise trouble
        return tuple(purged)

    def purge(self, incident: str, *, by: str, reason: str, now_s: float) -> Receipt:
        """Purge an incident now, before its time is over; return the receipt.

        Raises:
            NotPermittedError: it is open, held or purged, which is in the audit, or there is no
                such incident.
            AuditError: the receipt could not be written; `purge_due` goes on with it.
            StateError: the key cannot be destroyed; nothing was purged.
        """
        self._known(incident)
        try:
            receipt = self._purge(incident, by, reason, now_s)
        except NotPermittedError as error:
            facts = {"incident": incident, "by": by, "reason": reason, "refusal": str(error)}
            self._audit.append("purge-refused", now_s, facts)
            raise
        self._empty_log()
        return receipt

    def _set_hold(
        self,
        asked: Literal["hold", "release"],
        incident: str,
        why: str | None,
        actor: Actor,
        now_s: float,
    ) -> None:
        facts: dict[str, object] = {
            "incident": incident,
            "actor": actor.name,
            "role": actor.role,
            "acts_as": actor.acts_as,
            "reason": why,
        }
        self._known(incident)
        refusal = refusal_to_hold(terms_of(self._store, incident), actor)
        if refusal is not None:
            told = {**facts, "asked": asked, "refusal": refusal}
            self._audit.append("hold-refused", now_s, told)
            raise NotPermittedError(refusal)

        def change(connection: Connection) -> None:
            row = not_purged(connection, incident)
            if asked == "release" and row.hold is None:
                raise NotPermittedError(f"incident {incident} is not on hold")
            if asked == "hold" and row.purging_s is not None:
                raise NotPermittedError(f"the purge of incident {incident} has begun")
            held = update(GRANTS).where(GRANTS.c.incident == incident).values(hold=why)
            connection.execute(held)

        action = "hold-set" if asked == "hold" else "hold-released"
        self._audit.append(action, now_s, facts, change=change)

    def _purge(self, incident: str, by: str, reason: str, now_s: float) -> Receipt:
        self._begin(incident, by, reason, now_s)
        key: Literal["destroyed", "gone"] = "gone"
        while True:
            with self._store.writing() as connection:  # for the lock; nothing is written here
                row = purgeable(connection, incident)
                if self._keys.destroy_incident(incident):
                    key = "destroyed"
            records, size_bytes, sha256 = tally(self._store, incident)
            days = row.retention_days
            receipt = Receipt(incident, records, size_bytes, sha256, key, days, by, reason)
            try:
                deletion = _deletion(receipt, now_s)
                self._audit.append("purged", now_s, asdict(receipt), change=deletion)
            except _KeptMeanwhileError:
                continue
            return receipt

    def _begin(self, incident: str, by: str, reason: str, now_s: float) -> None:
        """Write down that a purge begins: only this, and no key that is missing, says so later."""
        with self._store.reading() as connection:
            wanted = select(GRANTS.c.purging_s).where(GRANTS.c.incident == incident)
            if connection.execute(wanted).scalar() is not None:
                return

        def change(connection: Connection) -> None:
            purgeable(connection, incident)
            begun = update(GRANTS).where(GRANTS.c.incident == incident)
            connection.execute(begun.values(purging_s=now_s))

        facts = {"incident": incident, "by": by, "reason": reason}
        self._audit.append("purge-begun", now_s, facts, change=change)

    def _due(self, now_s: float) -> dict[str, str]:
        """Incidents to purge, each with why."""
        grants = (
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
        with self._store.reading() as connection:
            rows = connection.execute(grants).all()
        due: dict[str, str] = {}
        for row in rows:
            days = row.retention_days
            if row.purging_s is not None:
                due[row.incident] = _INTERRUPTED
            elif days is not None and due_at_s(row.closed_s, days) <= now_s:
                due[row.incident] = f"it was kept for {days:g} days"
        return due

    def _known(self, incident: str) -> None:
        """Return where there is such an incident; what there is not has no place in the audit."""
        wanted = select(GRANTS.c.incident).where(GRANTS.c.incident == incident)
        with self._store.reading() as connection:
            if connection.execute(wanted).first() is None:
                raise NotPermittedError(f"there is no incident {incident}")

    def _empty_log(self) -> None:
        """Write what SQLite's log holds into the database and empty it, old pages and all."""
        if self._store.dialect != "sqlite":
            return
        with self._emptying, self._store.reading() as connection:
            # By the driver: SQLAlchemy would begin a transaction, in which it cannot be done.
            driver: Any = connection.connection.dbapi_connection
            busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._log_owed = bool(busy)
        if busy:
            _log.warning("what was purged lies in SQLite's log, unreadable, until the next purge")


class _KeptMeanwhileError(Exception):
    """A record was kept between the count and the deletion; count again."""


def _deletion(receipt: Receipt, now_s: float) -> Callable[[Connection], None]:
    def change(connection: Connection) -> None:
        purgeable(connection, receipt.incident)
        gone = connection.execute(delete(RECORDS).where(RECORDS.c.incident == receipt.incident))
        if gone.rowcount != receipt.records:
            raise _KeptMeanwhileError
        done = update(GRANTS).where(GRANTS.c.incident == receipt.incident)
        connection.execute(done.values(purged_s=now_s))

    return change
