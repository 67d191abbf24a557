"""The listener of one incident: what of all that is said and seen is kept, and written aside.

A run must never wait for a disk. What it says is put into a bounded queue, and one thread writes it
in batches. Where the disk cannot follow, sightings are dropped before pictures: a sighting is
followed by the next within a second, and a clear look at a weapon may be the only one. What was
dropped is counted and told.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from .errors import NotPermittedError
from .kept_records import KeptPicture, NewRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_log = logging.getLogger(__name__)

SIGHTING_EVERY_S = 1.0
"""How often a sighting is kept while its first subject, space and entrance stay the same."""

CLOSE_WITHIN_S = 2.0
"""How long `Keeper.close` waits for the disk."""

_MOST_WAITING = 256
_MOST_AT_ONCE = 64
_MOST_TRACKS = 4096
_RETRY_AFTER_S = 0.5

_CALLED = {
    "sighting": "sightings",
    "evidence": "pictures",
    "journal": "parts of the journal",
}

_Head = tuple[object, object, object]


class KeepsMany(Protocol):
    """Where records go; `Archive` is one."""

    def keep_many(self, incident: str, records: Sequence[NewRecord]) -> range:
        """Keep records, all or none; return their numbers."""
        ...


class Keeper:
    """Keeps sightings and pictures of one incident. Safe to use from any thread.

    Args:
        archive: where they go.
        incident: incident id.
        clock: Unix seconds now, for telling since when there is trouble.
    """

    def __init__(self, archive: KeepsMany, incident: str, clock: Callable[[], float]) -> None:
        self._archive = archive
        self._incident = incident
        self._clock = clock
        self._waiting: list[NewRecord] = []
        self._changed = threading.Condition()
        self._closing = False
        self._given_up = False
        self._last_kept: tuple[float, _Head] | None = None
        self._best: dict[tuple[str, int], float] = {}
        self._dropped: Counter[str] = Counter()
        self._failing: tuple[float, str] | None = None
        self._refused = ""
        self._writer = threading.Thread(target=self._write_on, name=f"keeper {incident}")
        self._writer.daemon = True  # a disk that hangs keeps no process alive
        self._writer.start()

    def answer(self, text: str, at_s: float) -> None:
        """Take a last-seen message; at most one a second is kept, and each that says new things.

        Returns at once and never raises.

        Args:
            text: the message, JSON.
            at_s: the moment it speaks of, Unix seconds.
        """
        head = _head(text)
        record = NewRecord("sighting", at_s, text.encode(errors="replace"))
        with self._changed:
            if head is None:
                self._drop((record,))
                return
            if self._last_kept is not None:
                last_s, last_head = self._last_kept
                if head == last_head and 0.0 <= at_s - last_s < SIGHTING_EVERY_S:
                    return
            if self._put(record):
                self._last_kept = (at_s, head)

    def picture(
        self, camera: str, track: int, captured_at_s: float, confidence: float, jpeg: bytes
    ) -> None:
        """Take a picture of a track's weapon; each that is clearer than all before is kept.

        Returns at once and never raises.

        Args:
            camera: camera id.
            track: the person's identity in that camera.
            captured_at_s: capture time, Unix seconds.
            confidence: score of the weapon box, 0..1.
            jpeg: the picture as it was filmed.
        """
        with self._changed:
            if not confidence > self._best.get((camera, track), float("-inf")):  # nor where NaN
                return
            kept = KeptPicture(camera, track, captured_at_s, confidence, jpeg)
            if self._put(NewRecord("evidence", captured_at_s, kept.as_data())):
                self._best.pop((camera, track), None)
                self._best[camera, track] = confidence
                if len(self._best) > _MOST_TRACKS:
                    del self._best[next(iter(self._best))]

    def journal(self, at_s: float, part: bytes) -> None:
        """Take a part of the incident's journal.

        Returns at once and never raises.

        Args:
            at_s: the newest moment that it speaks of, Unix seconds.
            part: its bytes, see `journal_parts`.
        """
        with self._changed:
            self._put(NewRecord("journal", at_s, part))

    def problems(self) -> tuple[str, ...]:
        """Return what is not kept as it should be, a sentence each."""
        with self._changed:
            said = []
            if self._refused:
                said.append(self._refused)
            if self._failing is not None:
                since_s, why = self._failing
                since = f"{datetime.fromtimestamp(since_s, UTC):%H:%M:%S} UTC"
                said.append(f"nothing is written to the archive since {since}: {why}")
            for kind, name in _CALLED.items():
                if self._dropped[kind]:
                    said.append(f"{self._dropped[kind]} {name} could not be kept")
            return tuple(said)

    def close(self) -> None:
        """Write what waits, for at most `CLOSE_WITHIN_S`; the rest is dropped. May be repeated."""
        with self._changed:
            if self._given_up:
                return
            self._closing = True
            self._changed.notify_all()
        self._writer.join(CLOSE_WITHIN_S)
        with self._changed:
            self._given_up = True
            self._drop(self._waiting)
            self._waiting = []
            self._changed.notify_all()

    def _put(self, record: NewRecord) -> bool:
        """Put a record into the queue, by the lock; whether it is there."""
        if self._closing or self._refused:
            return False
        if len(self._waiting) >= _MOST_WAITING:
            oldest = next((r for r in self._waiting if r.kind == "sighting"), None)
            self._drop((record if oldest is None else oldest,))
            if oldest is None:
                return False
            self._waiting.remove(oldest)
        self._waiting.append(record)
        self._changed.notify_all()
        return True

    def _drop(self, records: Sequence[NewRecord]) -> None:
        for record in records:
            self._dropped[record.kind] += 1

    def _write_on(self) -> None:
        """Write batches until closed and nothing waits; the outermost frame of the thread."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if not self._waiting or self._given_up:
                    return
                batch = self._waiting[:_MOST_AT_ONCE]
                del self._waiting[:_MOST_AT_ONCE]
            try:
                self._archive.keep_many(self._incident, batch)
            except NotPermittedError as error:
                self._stop_keeping(batch, str(error))
            except Exception as error:  # noqa: BLE001 - a disk may fail in any way, and come back
                self._try_again(batch, error)
            else:
                with self._changed:
                    self._failing = None

    def _stop_keeping(self, batch: list[NewRecord], why: str) -> None:
        _log.warning("%s", why)
        with self._changed:
            self._refused = why
            self._drop([*batch, *self._waiting])
            self._waiting = []

    def _try_again(self, batch: list[NewRecord], error: Exception) -> None:
        """Put a batch back to the front, as much as there is room for, and wait a little."""
        with self._changed:
            if self._failing is None:
                _log.error(
                    "incident %s: nothing is written to the archive: %s", self._incident, error
                )
                self._failing = (self._clock(), str(error) or type(error).__name__)
            waiting = [*batch, *self._waiting]
            if self._given_up:
                self._drop(batch)
                return
            while len(waiting) > _MOST_WAITING:
                oldest = next((r for r in waiting if r.kind == "sighting"), waiting[-1])
                self._drop((oldest,))
                waiting.remove(oldest)
            self._waiting = waiting
        self._pause()

    def _pause(self) -> None:
        ends_s = time.monotonic() + _RETRY_AFTER_S
        with self._changed:
            while not self._given_up and (left_s := ends_s - time.monotonic()) > 0.0:
                self._changed.wait(left_s)


def _head(text: str) -> _Head | None:
    """What a message says first: subject, its space, and the door; None where it is no message."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    subject = space = door = None
    match said:
        case {"subjects": [{"id": subject, **first}, *_]}:
            match first.get("space"):
                case {"id": space}:
                    pass
    match said:
        case {"entrances": [{"door_number": door}, *_]}:
            pass
    return (subject, space, door)
