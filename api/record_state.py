"""How the database and the audit in it are: can a grant be written, is the chain whole?"""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select, text

from .audit_chain import Broken
from .errors import ApiError, StoreError
from .looked_at import LookedAt
from .store_tables import AUDIT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from .record import Record

FRESH_S: Final = 2.0
"""Whoever asks again within this is told the same: to ask costs the disk nothing."""

WHOLE_FRESH_S: Final = 300.0
"""The chain is looked at again after this: what came after the newest checkpoint that we signed."""

LEAST_FREE_BYTES: Final = 64 * 2**20
"""With less on the disk of the state folder no grant is promised: a journal is a few MB a minute,
and SQLite needs room for its log."""


@dataclass(frozen=True, slots=True)
class RecordState:
    """How the record is.

    Attributes:
        trouble: why no audit entry can be written, in words; "" where one can be.
        entries: number of the newest entry of the audit; None where it cannot be read.
        free_bytes: what is free on the disk of the state folder; None where that is not known.
    """

    trouble: str
    entries: int | None
    free_bytes: int | None


class RecordWatch:
    """Looks after a record for those who ask how it is. Safe to use from any thread.

    Args:
        record: the record.
        monotonic: a clock that nobody can set, seconds.
    """

    def __init__(self, record: Record, *, monotonic: Callable[[], float]) -> None:
        self._record = record
        self._folder = record.keys.state
        self._state = LookedAt(self._look, fresh_s=FRESH_S, monotonic=monotonic)
        self._whole = LookedAt(self._verify, fresh_s=WHOLE_FRESH_S, monotonic=monotonic)
        self._seen: int | None = None
        self._actions: Counter[str] = Counter()
        self._counting = threading.Lock()

    def state(self, *, wait_s: float) -> RecordState | None:
        """Return how it is; None where it does not say within `wait_s`."""
        return self._state.now(wait_s=wait_s)

    def bent(self) -> str | None:
        """Return where the audit is bent, in words; "" where it is whole, None while not known."""
        return self._whole.last()

    def actions(self) -> Mapping[str, int]:
        """Return how many audit entries of each action were written since we began to look."""
        with self._counting:
            return dict(self._actions)

    def _look(self) -> RecordState:
        trouble, entries = "", None
        try:
            self._try_to_write()
            entries = self._record.audit.head().seq
            self._count(entries)
        except ApiError as error:
            trouble = str(error)
        free_bytes = _free_bytes(self._folder)
        if not trouble and free_bytes is not None and free_bytes < LEAST_FREE_BYTES:
            trouble = f"the disk of {self._folder} has {free_bytes // 2**20} MiB left; free space"
        return RecordState(trouble, entries, free_bytes)

    def _try_to_write(self) -> None:
        """Take the lock that a writer takes, and let it go; nothing is changed.

        Raises:
            StoreError: there is none to be had, or the database is for reading only.
        """
        with self._record.store.writing() as connection:
            if connection.dialect.name == "postgresql":
                only_read = connection.execute(text("SHOW transaction_read_only")).scalar()
                if only_read == "on":
                    raise StoreError("the database is for reading only; connect to the primary")

    def _count(self, newest: int) -> None:
        """Count the entries that came since the last look, by action."""
        if self._seen is not None and newest > self._seen:
            new = (
                select(AUDIT.c.action, func.count())
                .where(AUDIT.c.seq > self._seen, AUDIT.c.seq <= newest)
                .group_by(AUDIT.c.action)
            )
            with self._record.audit.reading() as connection:
                counted = {str(action): int(n) for action, n in connection.execute(new)}
            with self._counting:
                self._actions.update(counted)
        self._seen = newest

    def _verify(self) -> str | None:
        try:
            found = self._record.whole()
        except ApiError:  # a database that does not answer says nothing of the chain
            return None
        return f"entry {found.line}: {found.what}" if isinstance(found, Broken) else ""


def _free_bytes(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None
