"""An incident that something can be kept of, as the gate would have written it down."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from api import grant_rows
from api.actors import Actor
from api.agreements import Agreement
from api.archive import Archive
from api.record import record_in
from api.retention import Retention
from api.store_tables import AGREEMENTS, GRANTS, RECORDS
from tests.api.agreed import AGREEMENT

if TYPE_CHECKING:
    from pathlib import Path

    from api.audit import Audit
    from api.keys import Keys
    from api.store import Store

START_S = 1_772_442_000.0
DAY_S = 86_400.0
AUDITOR = Actor("ada", "auditor", "auditor", by="session")
PRINCIPAL = Actor("pat", "school-administrator", "principal", by="session")
CHIEF = Actor("kim", "tactical", "chief", by="session")


def terms(days: float = 30.0, hold_by: tuple[str, ...] = ("principal",)) -> Agreement:
    """An agreement that keeps things for so many days, and tells dispatchers and principals so."""
    kept = {"days": days, "legal_hold_by": hold_by}
    return Agreement.model_validate({**tomllib.loads(AGREEMENT), "retention": kept})


@dataclass(frozen=True)
class Kept:
    """All that has to do with what is kept, upon one database."""

    store: Store
    keys: Keys
    audit: Audit
    archive: Archive
    retention: Retention

    def opened(
        self,
        incident: str,
        *,
        retention_days: float | None = 30.0,
        target: str = "north",
        hold_by: tuple[str, ...] = ("principal",),
    ) -> str:
        agreement = None if retention_days is None else terms(retention_days, hold_by)
        sha256 = None if agreement is None else agreement.sha256
        row = {
            "incident": incident,
            "kind": "real",
            "target": target,
            "channel": "911",
            "agreement": sha256,
            "clause": "3.2",
            "from_s": START_S,
            "until_s": START_S + 3600.0,
            "extensions": 0,
            "retention_days": retention_days,
        }
        cited = None if agreement is None else {"sha256": sha256}

        def change(connection: Any) -> None:
            known = select(AGREEMENTS).where(AGREEMENTS.c.sha256 == sha256)
            if agreement is not None and connection.execute(known).first() is None:
                said = agreement.model_dump(mode="json", by_alias=True)
                told = {"sha256": sha256, "terms": said, "first_used_s": START_S}
                connection.execute(insert(AGREEMENTS).values(told))
            connection.execute(insert(GRANTS).values(row))

        facts = {"incident": incident, "target": target, "agreement": cited}
        self.audit.append("grant-opened", START_S, facts, change=change)
        return incident

    def closed(self, incident: str, **more: Any) -> str:
        self.opened(incident, **more)
        self.archive.keep(incident, "sighting", START_S, b'{"text": "Room 104"}')
        self.archive.keep(incident, "confirmation", START_S + 1.0, b'{"by": "ada"}')
        return self.close(incident)

    def close(self, incident: str, at_s: float = START_S + 600.0) -> str:
        facts = {"incident": incident, "closed_by": "dana"}
        self.audit.append("grant-closed", at_s, facts, change=grant_rows.closed(incident, at_s))
        return incident

    def begin_purge(self, incident: str, at_s: float = START_S + 600.0) -> None:
        """A purge that came no further than its first word."""
        facts = {"incident": incident, "by": "lastseen", "reason": "its time was over"}
        self.audit.append("purge-begun", at_s, facts)
        self.set(incident, purging_s=at_s)

    def set(self, incident: str, **values: Any) -> None:
        with self.store.writing() as connection:
            connection.execute(update(GRANTS).where(GRANTS.c.incident == incident).values(values))

    def grant(self, incident: str) -> Any:
        with self.store.reading() as connection:
            return connection.execute(select(GRANTS).where(GRANTS.c.incident == incident)).one()

    def sealed(self, incident: str) -> list[bytes]:
        wanted = select(RECORDS.c.sealed).where(RECORDS.c.incident == incident)
        with self.store.reading() as connection:
            return list(connection.execute(wanted.order_by(RECORDS.c.number)).scalars())

    def told(self, *actions: str) -> list[dict[str, Any]]:
        """The entries, of these actions if any are named, else of all but openings and ends."""
        said = self.audit.entries(actions=actions or None)
        opening = set() if actions else {"grant-opened", "grant-closed"}
        return [entry for entry in said if entry["action"] not in opening]


def kept_in(store: Store, state: Path) -> Kept:
    record = record_in(store, state)
    keys, audit = record.keys, record.audit
    retention = Retention(store, keys, audit, whole=record.whole)
    return Kept(store, keys, audit, Archive(store, keys), retention)
