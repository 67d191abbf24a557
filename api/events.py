"""The messages of one incident, numbered, in a ring that any number of readers follow.

A reader is a cursor, the number of the last message it was given, and nothing more. There is
no queue for each reader, so a slow one costs no memory: when it asks again and the ring has
moved on, or it has fallen more than `MAX_LAG` messages behind, it gets one snapshot of the
newest state in place of all it missed. A reader that comes back with the number of its last
message (`Last-Event-ID`) gets everything since, as long as the ring still holds it; one that
wants only what changed gets that if it is cheaper than a snapshot, and the snapshot otherwise.

What goes over the wire is made once for all who read it alike (`api.event_forms`), and those who
wait are woken together (`api.fan_out`).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .event_forms import FULL, EventForms, Form, wire_bytes
from .fan_out import Waiting

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

RING_SIZE = 512
"""Messages kept for readers that come back: about a minute of an incident."""

MAX_LAG = 30
"""How far a live reader may fall behind before it is taken to the newest state: about 3 s."""

_MOST_BYTES_AT_ONCE = 65_536
"""Events are handed out together up to this; what is more waits until the reader took that."""

MAX_EVENT_ID = 2**53 - 1
"""Greatest message number that JavaScript can hold exactly."""


@dataclass(frozen=True, slots=True)
class Event:
    """One message.

    Attributes:
        id: its number in the incident, from 1; None for a heartbeat, which is not numbered.
        name: "snapshot", "last-seen", "cameras", "incident", "timeline", "closed" or
            "heartbeat".
        data: the JSON text.
        before: the JSON text of the event of the same name before it; None for the first.
        made: its bytes in the forms that somebody reads.
    """

    id: int | None
    name: str
    data: str
    before: str | None = None
    made: dict[Form, bytes] = field(default_factory=dict, compare=False, repr=False)


class EventLog:
    """Numbers, keeps and hands out the messages of one incident. Safe to use from any thread.

    Args:
        snapshot: makes the data of a snapshot as of message number `sequence`.
        less: makes the data of an event, by its name, for those who may not be told the cameras.
        ring_size: how many messages are kept.
        max_lag: see `MAX_LAG`.
        after: number that the first message follows, so that numbers never go back where an
            incident goes on in a new process.
        taken: told whenever the connection of a live reader has taken messages: the number before
            the first of them, and that of the last. It is quick.
    """

    def __init__(
        self,
        snapshot: Callable[[int], str],
        *,
        less: Callable[[str, str], str] = lambda _, data: data,
        ring_size: int = RING_SIZE,
        max_lag: int = MAX_LAG,
        after: int = 0,
        taken: Callable[[int, int], None] = lambda _, __: None,
    ) -> None:
        self._make_snapshot = snapshot
        self._taken = taken
        self._max_lag = max_lag
        self._ring: deque[Event] = deque(maxlen=ring_size)
        self._newest: dict[str, str] = {}
        self._snapshot: Event | None = None
        self._last_id = after
        self._closed = False
        self._lock = threading.RLock()
        self._forms = EventForms(less)
        self._waiting: dict[asyncio.AbstractEventLoop, Waiting] = {}

    @property
    def last_id(self) -> int:
        """Number of the newest message, 0 before the first."""
        return self._last_id

    @property
    def closed(self) -> bool:
        """Whether the last message has been appended."""
        return self._closed

    @property
    def readers(self) -> int:
        """How many follow now."""
        with self._lock:
            return sum(waiting.readers for waiting in self._waiting.values())

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
            data = make(self._last_id + 1)
            self._last_id += 1
            self._ring.append(Event(self._last_id, name, data, self._newest.get(name)))
            self._newest[name] = data
            if len(self._ring) > self._max_lag:
                # Few read what is older: they can have it made again.
                self._ring[-self._max_lag - 1].made.clear()
            self._closed = last
            waiting = tuple(self._waiting.values())
        for readers in waiting:
            # The loop may be gone already while a worker's thread still publishes.
            with contextlib.suppress(RuntimeError):
                readers.wake_soon()
        return True

    def since(self, cursor: int | None, *, live: bool, deltas: bool = False) -> tuple[Event, ...]:
        """Return what a reader at `cursor` gets now, oldest first; empty if it has everything.

        Args:
            cursor: number of the last message it has; None for a new reader.
            live: whether it was given messages on this connection before, so that falling
                behind means it is slow; a reader coming back may have all the ring holds.
            deltas: whether it wants what changed. Many changes are more than a snapshot, so that
                one coming back far behind gets that.
        """
        if cursor == self._last_id:
            # Without the lock: under it the next message may be in the making, and most look just
            # to see that there is none. Whoever makes one wakes them after it can be seen here.
            return ()
        with self._lock:
            if cursor is not None and cursor <= self._last_id:
                missed = self._last_id - cursor
                held = len(self._ring)
                if missed <= (min(self._max_lag, held) if live or deltas else held):
                    return tuple(self._ring[i] for i in range(-missed, 0))
            snapshot = self._snapshot
            if snapshot is None or snapshot.id != self._last_id:
                made = self._make_snapshot(self._last_id)
                snapshot = self._snapshot = Event(self._last_id, "snapshot", made)
            # The newest message stands beside its snapshot only where it ends the stream.
            return (snapshot, self._ring[-1]) if self._closed else (snapshot,)

    async def follow(
        self,
        cursor: int | None,
        form: Form = FULL,
        *,
        heartbeat_s: float,
        heartbeat: Callable[[], str],
    ) -> AsyncGenerator[bytes]:
        """Yield server-sent events from `cursor` on, until the log is closed and read to its end.

        Args:
            cursor: as for `since`.
            form: how they are told.
            heartbeat_s: a heartbeat is yielded after so long without a message. This and the next
                hold for all who follow in the same event loop: those of the first.
            heartbeat: makes the data of a heartbeat.
        """
        waiting = self._join(heartbeat_s, heartbeat)
        live = False
        try:
            while True:
                closed = self._closed
                events = self.since(cursor, live=live, deltas=form.deltas)
                if events:
                    was_live, live = live, True
                    for part, last in self._parts(events, form):
                        before, cursor = cursor, last
                        yield part
                        if not was_live:
                            await asyncio.sleep(0)  # whoever comes back keeps nobody waiting
                            continue
                        self._taken(before or 0, last)
                        if last < self._last_id:
                            break  # ask anew: it may have fallen behind while it took this
                elif closed:
                    return
                elif (beat := await waiting.news()) is not None:
                    yield beat
        finally:
            self._leave(waiting)

    def _parts(self, events: Iterable[Event], form: Form) -> Iterable[tuple[bytes, int]]:
        """Yield the bytes of events, some together, and the number of the last in them."""
        part: list[bytes] = []
        size, last = 0, 0
        for event in events:
            made = self._forms.wire(event, form)
            if part and size + len(made) > _MOST_BYTES_AT_ONCE:
                yield b"".join(part), last
                part, size = [], 0
            part.append(made)
            size, last = size + len(made), event.id or 0
        yield (part[0] if len(part) == 1 else b"".join(part)), last

    def _join(self, heartbeat_s: float, heartbeat: Callable[[], str]) -> Waiting:
        """Be among those who wait in this event loop: before looking, so that nothing is missed."""
        loop = asyncio.get_running_loop()

        def beat() -> bytes:
            return wire_bytes("heartbeat", heartbeat().encode(), None)

        with self._lock:
            waiting = self._waiting.get(loop)
            if waiting is None:
                waiting = self._waiting[loop] = Waiting(loop, heartbeat_s, beat)
            waiting.readers += 1
            return waiting

    def _leave(self, waiting: Waiting) -> None:
        with self._lock:
            waiting.readers -= 1
            if waiting.readers == 0:
                self._waiting = {
                    loop: one for loop, one in self._waiting.items() if one is not waiting
                }


def event_cursor(last_event_id: str | None) -> int | None:
    """Return the message number in a `Last-Event-ID` header, None where it holds none of ours."""
    if last_event_id is None or not last_event_id.isascii() or not last_event_id.isdecimal():
        return None
    number = int(last_event_id)
    return number if number <= MAX_EVENT_ID else None
