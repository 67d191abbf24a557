"""What was told of one incident beside its pictures, by whom: it numbers what it hands on."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calibration.inputs import DoorEvent, Mark, Unmark
from calibration.marks import Marks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from calibration.inputs import DoorEventKind, MarkKind

    from .actors import Actor


@dataclass(frozen=True, slots=True)
class GivenMark:
    """A mark that was not taken back.

    Attributes:
        mark: the mark.
        by: who gave it, as people call them.
    """

    mark: Mark
    by: str


class Told:
    """Numbers marks and door events, and knows who gave each mark. Safe to use from any thread.

    Args:
        after: number that the first one follows, so that none is given twice where an incident
            goes on in a new process.
    """

    def __init__(self, after: int = 0) -> None:
        self._first = self._last = after
        self._taken_back: set[int] = set()
        self._marks = Marks()
        self._by: dict[int, str] = {}
        self._lock = threading.Lock()

    def see(self, held: Iterable[Mark]) -> None:
        """Take up marks that hold in an answer and were given before this process began.

        Who gave them is in the audit only.
        """
        with self._lock:
            for mark in held:
                if mark.number <= self._first and mark.number not in self._taken_back:
                    self._marks = self._marks.with_mark(mark)

    def number(self) -> int:
        """Return a number that was not given before."""
        with self._lock:
            self._last += 1
            return self._last

    def mark(self, kind: MarkKind, subject: str, actor: Actor, number: int, at_s: float) -> Mark:
        """Return a mark of that number, which stands from now on."""
        # Its role is told to everybody who may see the incident, its name to those who may mark.
        mark = Mark(kind, subject, at_s, number, actor.acts_as.replace("-", " "))
        with self._lock:
            self._marks = self._marks.with_mark(mark)
            self._by[number] = actor.full_name or actor.name
        return mark

    def unmark(self, number: int, at_s: float) -> Unmark:
        """Return the end of a mark, which stands no more from now on."""
        unmark = Unmark(number, at_s)
        with self._lock:
            self._marks = self._marks.without(unmark)
            self._taken_back.add(number)
        return unmark

    def door_event(self, kind: DoorEventKind, door: str, number: int, at_s: float) -> DoorEvent:
        """Return a door event of that number."""
        return DoorEvent(kind, door, at_s, number)

    def newest_mark(self, subjects: Iterable[str]) -> Mark | None:
        """Return the mark that stands and was given last to any of these ids."""
        with self._lock:
            return self._marks.newest_of(subjects)

    def find(self, number: int) -> Mark | None:
        """Return the mark of that number; None where it does not stand."""
        with self._lock:
            return next((mark for mark in self._marks.given if mark.number == number), None)

    def given(self) -> tuple[GivenMark, ...]:
        """Return all marks that stand, in the order in which they were given."""
        with self._lock:
            return tuple(
                GivenMark(mark, self._by.get(mark.number, "")) for mark in self._marks.given
            )
