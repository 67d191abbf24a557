"""An incident that something can be kept of, as the gate would have written it down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from api.actors import Actor
from api.archive import Archive
from api.audit import Audit
from api.keys import Keys
from api.retention import Retention
from api.store_tables import AGREEMENTS, GRANTS, RECORDS

if TYPE_CHECKING:
    from pathlib import Path

    from api.store import Store

START_S = 1_772_442_000.0
DAY_S = 86_400.0
AUDITOR = Actor("ada", "auditor", "auditor", by="session")
PRINCIPAL = Actor("pat", "school-administrator", "principal", by="session")
CHIEF = Actor("kim", "tactical", "chief", by="session")
TERMS = {"retention": {"days": 30.0, "legal_hold_by": ["principal"]}}
SHA256 = "a" * 64


@dataclass(frozen=True)
class Kept:
    """All that has to do with what is kept, upon one database."""

    store: Store
    keys: Keys
    audit: Audit
    archive: Archive
    retention: Retention

    def opened(
        self, incident: str, *, retention_days: float | None = 30.0, target: str = "north"
    ) -> str:
        row = {
            "incident": incident,
            "kind": "real",
            "target": target,
            "channel": "911",
            "agreement": SHA256,
            "clause": "3.2",
            "from_s": START_S,
            "until_s": START_S + 3600.0,
            "extensions": 0,
            "retention_days": retention_days,
        }
        with self.store.writing() as connection:
            if connection.execute(select(AGREEMENTS)).first() is None:
                terms = {"sha256": SHA256, "terms": TERMS, "first_used_s": START_S}
                connection.execute(insert(AGREEMENTS).values(terms))
            connection.execute(insert(GRANTS).values(row))
        return incident

    def closed(self, incident: str, **more: Any) -> str:
        self.opened(incident, **more)
        self.archive.keep(incident, "sighting", START_S, b'{"text": "Room 104"}')
        self.archive.keep(incident, "confirmation", START_S + 1.0, b'{"by": "ada"}')
        self.set(incident, closed_s=START_S + 600.0)
        return incident

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
        return list(self.audit.entries(actions=actions or None))


def kept_in(store: Store, state: Path) -> Kept:
    keys, audit = Keys(state), Audit(store)
    return Kept(store, keys, audit, Archive(store, keys), Retention(store, keys, audit))
