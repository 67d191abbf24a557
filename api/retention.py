"""How long what was kept of an incident is kept, and its end: the purge.

A purge destroys the incident's key first: from then on nobody can read what was kept, whatever
becomes of the rows. Then, in one transaction, the audit gets the receipt and the rows go. A crash
between the two leaves rows without a key; the next `purge_due` finds them and finishes the purge.

A legal hold stops a purge, also one that was asked for. Both look at the incident's row while they
hold its lock, so one of the two comes first and the other is refused.

No key is destroyed on the word of a table. That an incident was closed, when, under which terms,
that it is not held and that its purge had begun must be in the audit, and of the audit no entry
since that incident's first may be bent.

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
from .audit_chain import Broken
from .errors import NotPermittedError, StateError
from .retention_due import days_on_record, due_incidents
from .retention_record import on_record, terms_on_record
from .retention_rows import due_at_s, living_key, not_purged, purgeable, tally
from .store_tables import GRANTS, RECORDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from .actors import Actor
    from .agreements import Agreement
    from .audit import Audit
    from .audit_chain import Head
    from .keys import Keys
    from .retention_due import Due
    from .store import Store

__all__ = ["Receipt", "Retention", "due_at_s", "refusal_to_hold"]

_log = logging.getLogger(__name__)

_OF_THE_MACHINE = "command line"  # `Actor.by` of whoever holds the machine, and so the keys
_LOOK_AGAIN_S = 3600.0


def refusal_to_hold(agreement: Agreement | None, actor: Actor) -> str | None:
    """Return why somebody may neither set nor release a legal hold; None where they may.

    Args:
        agreement: what the incident was opened under; None for an exercise without one, and where
            it is not known.
        actor: who asks.
    """
    if actor.role == "auditor" or actor.by == _OF_THE_MACHINE:
        return None
    named = () if agreement is None else agreement.retention.legal_hold_by
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
        whole: tells whether the audit is whole from an entry on, before a key is destroyed.
    """

    def __init__(
        self,
        store: Store,
        keys: Keys,
        audit: Audit,
        *,
        whole: Callable[[int | None], Head | Broken] | None = None,
    ) -> None:
        self._store = store
        self._keys = keys
        self._audit = audit
        self._whole = whole or (lambda _: audit.verify())
        self._told: set[tuple[str, str]] = set()
        self._bent: dict[str, tuple[float, str]] = {}
        self._log_owed = False
        self._emptying = threading.Lock()

    def need_holder(
        self,
        incident: str,
        asked: Literal["hold", "release"],
        why: str | None = None,
        *,
        actor: Actor,
        now_s: float,
    ) -> None:
        """Return if somebody may set and release the hold of an incident.

        Raises:
            NotPermittedError: it is not for them (which is in the audit), or there is no such
                incident.
            AuditError: the audit cannot be read, or the refusal could not be written.
        """
        self._known(incident)
        with self._audit.reading() as connection:
            recorded = on_record(connection, incident)
        agreement = terms_on_record(self._audit, recorded.opened).agreement
        refusal = refusal_to_hold(agreement, actor)
        if refusal is not None:
            facts = {"incident": incident, **_by(actor), "reason": why}
            told = {**facts, "asked": asked, "refusal": refusal}
            self._audit.append("hold-refused", now_s, told)
            raise NotPermittedError(refusal)

    def hold(self, incident: str, why: str, *, actor: Actor, now_s: float) -> None:
        """Keep what was kept of an incident until it is released; another reason replaces one.

        Raises:
            NotPermittedError: it is not for them (which is in the audit), there is no such
                incident, or its purge has begun and its key is gone.
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

        Whether the audit is whole is not looked at.

        Raises:
            AuditError: the database cannot be read.
            StateError: a key cannot be read.
        """
        found = due_incidents(self._audit, self._keys, now_s)
        return tuple(one.incident for one in found if one.refusal is None)

    def purge_due(self, now_s: float) -> tuple[str, ...]:
        """Purge what is due and what was interrupted; return the incidents that were purged.

        What only the table has for due, and the audit not, is logged and told in the audit, once.

        Raises:
            AuditError: the database cannot be read, or a receipt could not be written; its rows
                are there and the next call goes on.
            StoreError: the database cannot be read or written.
            StateError: a key cannot be read, or not destroyed; then all others were purged.
        """
        purged: list[str] = []
        trouble: StateError | None = None
        for incident, why in self._borne_out(now_s):
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
            NotPermittedError: it is open, held or purged, or the audit is bent, which is in the
                audit, or there is no such incident.
            AuditError: the receipt could not be written; `purge_due` goes on with it.
            StateError: the key cannot be destroyed; nothing was purged.
        """
        self._known(incident)
        try:
            with self._store.reading() as connection:
                recorded = purgeable(connection, incident)
            bent = self._bent_since(recorded.since)
            if bent is not None:
                raise NotPermittedError(bent[1])  # noqa: TRY301 - refused like all else
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
        self.need_holder(incident, asked, why, actor=actor, now_s=now_s)

        def change(connection: Connection) -> None:
            row = not_purged(connection, incident)
            recorded = on_record(connection, incident)
            if asked == "release" and row.hold is None and not recorded.held:
                raise NotPermittedError(f"incident {incident} is not on hold")
            begun = row.purging_s is not None and recorded.begun
            if asked == "hold" and begun and living_key(self._keys, incident) is None:
                raise NotPermittedError(f"the purge of incident {incident} has begun")
            held = update(GRANTS).where(GRANTS.c.incident == incident).values(hold=why)
            connection.execute(held)

        action = "hold-set" if asked == "hold" else "hold-released"
        facts = {"incident": incident, **_by(actor), "reason": why}
        self._audit.append(action, now_s, facts, change=change)

    def _purge(self, incident: str, by: str, reason: str, now_s: float) -> Receipt:
        self._begin(incident, by, reason, now_s)
        key: Literal["destroyed", "gone"] = "gone"
        while True:
            with self._store.writing() as connection:  # for the lock; nothing is written here
                recorded = purgeable(connection, incident)
                if self._keys.destroy_incident(incident):
                    key = "destroyed"
            records, size_bytes, sha256 = tally(self._store, incident)
            days = days_on_record(self._audit, recorded)
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
            begun_s = connection.execute(wanted).scalar()
            if begun_s is not None and on_record(connection, incident).begun:
                return

        def change(connection: Connection) -> None:
            purgeable(connection, incident)
            begun = update(GRANTS).where(GRANTS.c.incident == incident)
            connection.execute(begun.values(purging_s=now_s))

        facts = {"incident": incident, "by": by, "reason": reason}
        self._audit.append("purge-begun", now_s, facts, change=change)

    def _borne_out(self, now_s: float) -> list[tuple[str, str]]:
        """Incidents to purge, each with why; of all others it is told once why not."""
        found = due_incidents(self._audit, self._keys, now_s)
        refused = {one: one.refusal for one in found if one.refusal is not None}
        refused |= self._resting_on_bent([one for one in found if one.refusal is None], now_s)
        for one, refusal in refused.items():
            if (one.incident, refusal) not in self._told:
                _log.error("incident %s is not purged: %s", one.incident, refusal)
                facts = {"incident": one.incident, "by": MACHINE.name, "reason": one.why}
                self._audit.append("purge-refused", now_s, {**facts, "refusal": refusal})
                self._told.add((one.incident, refusal))
        return [(one.incident, one.why) for one in found if one not in refused]

    def _resting_on_bent(self, due: list[Due], now_s: float) -> dict[Due, str]:
        """Those whose entries cannot be relied on, each with why.

        That is looked at anew once an hour only: a long look, and nothing mends what is bent.
        """
        lately = {
            incident: (at_s, why)
            for incident, (at_s, why) in self._bent.items()
            if 0.0 <= now_s - at_s < _LOOK_AGAIN_S
        }
        left = [one for one in due if one.incident not in lately]
        while left:
            since = min(one.since for one in left)
            bent = self._bent_since(since)
            if bent is None:
                break
            line, why = bent
            touched = [one for one in left if one.since <= max(line, since)]
            lately.update({one.incident: (now_s, why) for one in touched})
            left = [one for one in left if one not in touched]
        self._bent = lately
        return {one: lately[one.incident][1] for one in due if one.incident in lately}

    def _bent_since(self, since: int) -> tuple[int, str] | None:
        """Where and why the audit cannot be relied on from an entry on; None where it can."""
        found = self._whole(since)
        if not isinstance(found, Broken):
            return None
        bent = f"the audit is bent at entry {found.line} ({found.what})"
        return found.line, f"{bent}, and no key is destroyed on its word"

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
            (patience_ms,) = driver.execute("PRAGMA busy_timeout").fetchone()
            driver.execute("PRAGMA busy_timeout=0")  # it holds writers up while it waits
            try:
                busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                driver.execute(f"PRAGMA busy_timeout={patience_ms}")
            self._log_owed = bool(busy)
        if busy:
            _log.warning("what was purged lies in SQLite's log, unreadable, until the next purge")


def _by(actor: Actor) -> dict[str, object]:
    return {"actor": actor.name, "role": actor.role, "acts_as": actor.acts_as}


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
