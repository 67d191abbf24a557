"""What outlives the process, opened together: the database, the keys and the audit in it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .audit import Audit
from .checkpoints import Checkpoints, resting, verify_since_checkpoint
from .keys import Keys
from .settings import read_settings
from .store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .audit_chain import Broken, Head
    from .store import Store


@dataclass(frozen=True, slots=True)
class Record:
    """The database, the keys and the audit of one state folder.

    Attributes:
        store: the database.
        keys: the secret keys.
        audit: the record of what was asked for, allowed, shown and ended.
        checkpoints: its signed checkpoints.
    """

    store: Store
    keys: Keys
    audit: Audit
    checkpoints: Checkpoints

    def whole(self, since: int | None = None) -> Head | Broken:
        """Return the end of the audit, or where it is bent.

        Looked at is what comes after the newest checkpoint before `since` that we signed, so that
        all that will be relied on was verified.

        Args:
            since: number of the earliest entry that will be relied on; None for what is new only.

        Raises:
            AuditError: the audit cannot be read.
            StateError: the signing key, or what was signed here last, cannot be read.
        """
        return verify_since_checkpoint(self.audit, self.checkpoints, since, each=resting())


def record_in(store: Store, state: Path) -> Record:
    """Return the record that is kept in a database, with the keys of a state folder."""
    keys = Keys(state)
    audit = Audit(store)
    return Record(store, keys, audit, Checkpoints(store, keys, audit))


@contextmanager
def opened_record(state: Path | None = None, *, own: bool = False) -> Iterator[Record]:
    """The record of a state folder, closed at the end.

    Args:
        state: the state folder; that of the settings where None.
        own: use the database in the state folder, whatever the settings say.

    Raises:
        StoreError: the database cannot be opened.
    """
    settings = read_settings()
    folder = state or settings.state
    store = open_store(folder) if own else settings.open_store(folder)
    try:
        yield record_in(store, folder)
    finally:
        store.close()
