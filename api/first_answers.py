"""Answers that are given once and repeated after that: each event is carried out one time.

The first answer to an event is kept, and given again to whoever sends it again. Where there was
none (the server failed, or died), the event is carried out anew when it is sent again. Incidents
live in the memory of one process, so which events it is at is known there as well.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, insert, select, update

from .errors import ProblemError, StoreError
from .problems import MEDIA_TYPE
from .store_tables import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement, Connection

    from .store import Store

    Change = Callable[[Connection], None]

WAIT_S = 5.0
"""How long one who sends an event again waits for the answer to the first."""

_REFUSED = 400

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a sender is answered, the same each time.

    Attributes:
        status: HTTP status.
        text: the body, JSON.
    """

    status: int
    text: str

    @property
    def media_type(self) -> str:
        """Media type of the body."""
        return "application/json" if self.status < _REFUSED else MEDIA_TYPE


@dataclass(frozen=True, slots=True)
class EventKey:
    """An event.

    Attributes:
        source: name of the source that sent it.
        event: the id that it gave it.
    """

    source: str
    event: str

    @property
    def here(self) -> ColumnElement[bool]:
        """The condition that finds its row."""
        return and_(EVENTS.c.source == self.source, EVENTS.c.event == self.event)


class FirstAnswers:
    """Keeps the first answer to each event. Safe to use from any thread.

    Args:
        store: the database.
        wait_s: how long one who sends an event again waits for the answer to the first, seconds.
    """

    def __init__(self, store: Store, *, wait_s: float = WAIT_S) -> None:
        self._store = store
        self._wait_s = wait_s
        self._at_work: dict[EventKey, threading.Event] = {}
        self._lock = threading.Lock()

    def once(
        self, key: EventKey, body: bytes, now_s: float, carry_out: Callable[[Change], Answer]
    ) -> Answer:
        """Return the answer to an event, carried out only if it never was.

        Args:
            key: which event.
            body: the event; another one under the same id is refused.
            now_s: Unix seconds.
            carry_out: carries it out; takes the change of tables that must be on the disk before.
                What it raises is raised here, and no answer is kept.

        Raises:
            ProblemError: the id belongs to another event, or it is being carried out right now.
            StoreError: the database does not answer.
        """
        digest = hashlib.sha256(body).hexdigest()
        for _ in range(2):  # as it is, and once more where another failed at it
            known = self._known(key, digest)
            if known is not None:
                return known
            another = self._begin(key)
            if another is None:
                try:
                    # Another may have ended between the look at it and the beginning.
                    known = self._known(key, digest)
                    if known is None:
                        known = carry_out(_beginning(key, digest, now_s))
                        self._keep(key, known)
                    return known
                finally:
                    self._end(key)
            if not another.wait(self._wait_s):
                break
        raise ProblemError(
            409,
            "event-in-progress",
            "This event is being carried out",
            f"event {key.event} came in before and is not answered yet; send it again",
            {"Retry-After": "1"},
        )

    def _known(self, key: EventKey, digest: str) -> Answer | None:
        """The answer that was given before; None where there is none.

        Raises:
            ProblemError: the id belongs to another event.
        """
        with self._store.reading() as connection:
            row = connection.execute(select(EVENTS).where(key.here)).first()
        if row is None:
            return None
        if row.body_sha256 != digest:
            raise ProblemError(
                409,
                "event-id-reused",
                "This id belongs to another event",
                f"event {key.event} came in before with another body; give each event its own id",
            )
        return None if row.status is None else Answer(row.status, row.answer)

    def _begin(self, key: EventKey) -> threading.Event | None:
        """None where the event is ours to carry out now; else what is set when another is done."""
        with self._lock:
            another = self._at_work.get(key)
            if another is None:
                self._at_work[key] = threading.Event()
            return another

    def _end(self, key: EventKey) -> None:
        with self._lock:
            done = self._at_work.pop(key)
        done.set()

    def _keep(self, key: EventKey, answer: Answer) -> None:
        values = {"status": answer.status, "answer": answer.text}
        try:
            with self._store.writing() as connection:
                connection.execute(update(EVENTS).where(key.here).values(values))
        except StoreError:
            # It is done, and whoever sent it must know; sent again, it is carried out again.
            _log.exception("the answer to event %s of %s is not kept", key.event, key.source)


def _beginning(key: EventKey, digest: str, now_s: float) -> Change:
    """The change that notes an event before it is carried out; after a crash it is there."""

    def change(connection: Connection) -> None:
        if connection.execute(select(EVENTS.c.event).where(key.here)).first() is None:
            row = {"source": key.source, "event": key.event, "body_sha256": digest}
            connection.execute(insert(EVENTS).values(received_s=now_s, **row))

    return change
