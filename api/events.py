"""The messages of one incident, numbered, in a ring that any number of readers follow.

A reader is a cursor, the number of the last message it was given, and nothing more. There is
no queue for each reader, so a slow one costs no memory: when it asks again and the ring has
moved on, or it has fallen more than `MAX_LAG` messages behind, it gets one snapshot of the
newest state in place of all it missed. A reader that comes back with the number of its last
message (`Last-Event-ID`) gets everything since, as long as the ring still holds it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

RING_SIZE = 512
"""Messages kept for readers that come back: about a minute of an incident."""

MAX_LAG = 30
"""How far a live reader may fall behind before it is taken to the newest state: about 3 s."""

MAX_EVENT_ID = 2**53 - 1
"""Greatest message number that JavaScript can hold exactly."""


@dataclass(frozen=True, slots=True)
class Event:
    """One message.

    Attributes:
        id: its number in the incident, from 1; None for a heartbeat, which is not numbered.
        name: "snapshot", "last-seen", "cameras", "incident", "closed" or "heartbeat".
        data: the JSON text.
    """

    id: int | None
    name: str
    data: str


class EventLog:
    """Numbers, keeps and hands out the messages of one incident. Safe to use from any thread.

    Args:
        snapshot: makes the data of a snapshot as of message number `sequence`.
        ring_size: how many messages are kept.
        max_lag: see `MAX_LAG`.
        after: number that the first message follows, so that numbers never go back where an
            incident goes on in a new process.
    """

    def __init__(
        self,
        snapshot: Callable[[int], str],
        *,
        ring_size: int = RING_SIZE,
        max_lag: int = MAX_LAG,
        after: int = 0,
    ) -> None:
        self._snapshot = snapshot
        self._max_lag = max_lag
        self._ring: deque[Event] = deque(maxlen=ring_size)
        self._last_id = after
        self._closed = False
        self._lock = threading.RLock()
        self._wakers: set[Callable[[], None]] = set()

    @property
    def last_id(self) -> int:
        """Number of the newest message, 0 before the first."""
        return self._last_id

    @property
    def closed(self) -> bool:
        """Whether the last message has been appended."""
        return self._closed

    def append(self, name: str, make: Callable[[int], str], *, last: bool = False) -> bool:
        """Append the message that `make` builds from its number; False once the log is closed.

        Args:
            name: the event's name.
            make: builds the JSON text; called under the log's lock, so what it records is in
                step with the numbers.
            last: close the log after this message.
        """
        with self._lock:
            if self._closed:
                return False
            event = Event(self._last_id + 1, name, make(self._last_id + 1))
            self._last_id += 1
            self._ring.append(event)
            self._closed = last
            wakers = tuple(self._wakers)
        for wake in wakers:
            wake()
        return True

    def since(self, cursor: int | None, *, live: bool) -> tuple[Event, ...]:
        """Return what a reader at `cursor` gets now, oldest first; empty if it has everything.

        Args:
            cursor: number of the last message it has; None for a new reader.
            live: whether it was given messages on this connection before, so that falling
                behind means it is slow; a reader coming back may have all the ring holds.
        """
        with self._lock:
            if cursor is not None and cursor <= self._last_id:
                missed = self._last_id - cursor
                if missed <= (min(self._max_lag, len(self._ring)) if live else len(self._ring)):
                    return tuple(self._ring)[len(self._ring) - missed :]
            # The newest message stands beside its snapshot only where it ends the stream.
            snapshot = Event(self._last_id, "snapshot", self._snapshot(self._last_id))
            return (snapshot, self._ring[-1]) if self._closed else (snapshot,)

    async def follow(
        self, cursor: int | None, *, heartbeat_s: float, heartbeat: Callable[[], str]
    ) -> AsyncGenerator[Event]:
        """Yield messages from `cursor` on, until the log is closed and read to its end.

        Args:
            cursor: as for `since`.
            heartbeat_s: a heartbeat is yielded after so long without a message.
            heartbeat: makes the data of a heartbeat.
        """
        loop = asyncio.get_running_loop()
        news = asyncio.Event()

        def wake() -> None:
            # The loop may be gone already while a worker's thread still publishes.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(news.set)

        with self._lock:
            self._wakers.add(wake)
        live = False
        try:
            while True:
                news.clear()
                closed = self._closed
                batch = self.since(cursor, live=live)
                live = True
                for event in batch:
                    cursor = event.id
                    yield event
                if batch:
                    continue
                if closed:
                    return
                try:
                    await asyncio.wait_for(news.wait(), heartbeat_s)
                except TimeoutError:
                    yield Event(None, "heartbeat", heartbeat())
        finally:
            with self._lock:
                self._wakers.discard(wake)


def event_cursor(last_event_id: str | None) -> int | None:
    """Return the message number in a `Last-Event-ID` header, None where it holds none of ours."""
    if last_event_id is None or not last_event_id.isascii() or not last_event_id.isdecimal():
        return None
    number = int(last_event_id)
    return number if number <= MAX_EVENT_ID else None
