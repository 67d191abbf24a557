"""What happened in an incident, derived from its messages one after the other.

A page that joins late has the newest answer and no past, and one that was away has missed some of
it. So the past is made here, once, where every message passes: each method takes one message or
word and returns the entries that it adds. Nothing is read but what it is given, and the same
messages give the same entries.

An answer changes ten times a second. What flickers is told only once it has lasted `LASTING_S`, and
coming and going is told only of those who matter: likely intruders, and whom somebody pointed out.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from calibration.inputs import Arrival, DoorEvent, Mark, Unmark

from .timeline_schemas import EntryKind, TimelineEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from calibration.floor_plan import FloorPlan
    from calibration.inputs import MarkKind, OperatorInput

    from . import schemas

LASTING_S = 2.0
"""How long a change must have lasted to be told."""

OUT_OF_VIEW_S = 3.0
"""Age of a sighting from which on its subject counts as out of view."""

LIKELY = 0.5
"""Probability from which on somebody is told of as the likely intruder, or as armed."""

MOST_ENTRIES = 500
_RESUMED_AFTER_S = 5.0

_PASSING: frozenset[EntryKind] = frozenset(
    {"moved", "out-of-view", "in-view", "door", "camera-lost", "camera-back"}
)
"""What is given up first where there is more than can be kept."""

_ABOUT_CAMERAS: frozenset[EntryKind] = frozenset({"camera-lost", "camera-back"})
_LOST = frozenset({"stalled", "refused", "stopped"})

_MARKED: Mapping[MarkKind, str] = {
    "confirm": "confirmed as the intruder",
    "reject": "ruled out",
    "responder": "marked as a responder",
    "designate": "to be followed",
}
_OPENED: Mapping[str, str] = {
    "forced": "was forced open",
    "propped": "is held open",
    "unauthorised": "was opened without a right to",
}


@dataclass(slots=True)
class _Lasting:
    """A value that counts as changed once another has lasted for a while."""

    settled: str | None = None
    wanted: str | None = None
    since_s: float = 0.0

    def take(self, value: str, now_s: float) -> bool:
        """Whether the value that counts has changed to this one."""
        if value == self.settled or value != self.wanted:
            self.wanted, self.since_s = value, now_s
        first = self.settled is None
        if value == self.settled or (not first and now_s - self.since_s < LASTING_S):
            return False
        self.settled = value
        return True


@dataclass(slots=True)
class _Followed:
    """What was told of one subject who matters."""

    where: _Lasting = field(default_factory=_Lasting)
    unseen: bool = False
    armed: bool = False


class TimelineMaker:
    """Makes the entries of one incident. Safe to use from any thread.

    Args:
        doors: what doors are called, by their feature ids.
        most: entries that are kept; beyond that the oldest of the passing ones go first.
    """

    def __init__(self, doors: Mapping[str, str] | None = None, most: int = MOST_ENTRIES) -> None:
        self._doors = doors or {}
        self._most = most
        self._lock = threading.Lock()
        self._entries: list[TimelineEntry] = []
        self._told_to = 0
        self._last = 0
        self._about: schemas.Incident | None = None
        self._anybody = False
        self._followed: dict[str, _Followed] = {}
        self._again: set[str] = set()
        self._marks: dict[int, tuple[MarkKind, str]] = {}
        self._door = _Lasting()
        self._lost: set[str] = set()

    def entries(self, after: int = 0) -> tuple[TimelineEntry, ...]:
        """Return the entries above a number, oldest first."""
        with self._lock:
            return tuple(entry for entry in self._entries if entry.number > after)

    def news(self) -> tuple[TimelineEntry, ...]:
        """Return the entries since this was asked last, oldest first."""
        with self._lock:
            after, self._told_to = self._told_to, self._last
            return tuple(entry for entry in self._entries if entry.number > after)

    def take_about(self, said: schemas.Incident) -> tuple[TimelineEntry, ...]:
        """Take the state of the grant."""
        with self._lock:
            return self._take_about(said)

    def take_answer(self, said: schemas.LastSeen) -> tuple[TimelineEntry, ...]:
        """Take an answer."""
        with self._lock:
            return self._take_answer(said)

    def take_cameras(self, said: schemas.Cameras) -> tuple[TimelineEntry, ...]:
        """Take the states of the cameras; not those of a run that was stopped."""
        with self._lock:
            return self._take_cameras(said)

    def take_word(self, word: OperatorInput, role: str) -> tuple[TimelineEntry, ...]:
        """Take what somebody of a role told."""
        with self._lock:
            return self._take_word(word, role)

    def _take_about(self, said: schemas.Incident) -> tuple[TimelineEntry, ...]:
        before, self._about = self._about, said
        made: list[TimelineEntry] = []
        if before is None:
            made.append(self._add("opened", said.opened_at, _opened(said), role=said.role))
            if (said.published_at - said.opened_at).total_seconds() > _RESUMED_AFTER_S:
                text = "the server was interrupted and went on; the archive has what was before"
                made.append(self._add("resumed", said.published_at, text))
        elif said.until > before.until:
            longer_min = (said.until - before.until).total_seconds() / 60.0
            text = f"extended by {longer_min:.0f} min"
            made.append(self._add("extended", said.published_at, text))
        made += self._agencies(before, said)
        if said.closed_at is not None and (before is None or before.closed_at is None):
            text = f"closed by {said.closed_by}: {said.closing_reason}"
            made.append(self._add("closed", said.closed_at, text))
        return tuple(made)

    def _take_answer(self, said: schemas.LastSeen) -> tuple[TimelineEntry, ...]:
        if said.at is None or not said.subjects:
            return ()
        made: list[TimelineEntry] = []
        if not self._anybody:
            self._anybody = True
            first = said.subjects[0]
            text = f"first sighting: {first.id} {_where(first)}"
            made.append(self._add("first-seen", first.seen_at, text, subject=first.id))
        for subject in said.subjects:
            made += self._held(subject)
            made += self._ruled_out(subject, said.at)
            if subject.status == "ranked" and (subject.id in self._followed or _matters(subject)):
                made += self._follow(subject, said.at)
        best = next((one for one in said.entrances if one.usable and one.walk_m is not None), None)
        if best is not None and self._door.take(best.door_number, said.at.timestamp()):
            text = f"take door {best.door_number}"
            if best.name:
                text += f", {best.name}"
            made.append(self._add("door", said.at, text))
        return tuple(made)

    def _take_cameras(self, said: schemas.Cameras) -> tuple[TimelineEntry, ...]:
        made: list[TimelineEntry] = []
        for camera in said.cameras:
            lost = camera.phase in _LOST
            if lost and camera.id not in self._lost:
                self._lost.add(camera.id)
                why = f": {camera.reason}" if camera.reason else f": {camera.phase}"
                text = f"camera {camera.name or camera.id} lost{why}"
                made.append(self._add("camera-lost", said.published_at, text, camera=camera.id))
            elif camera.phase == "live" and camera.id in self._lost:
                self._lost.discard(camera.id)
                text = f"camera {camera.name or camera.id} is back"
                made.append(self._add("camera-back", said.published_at, text, camera=camera.id))
        return tuple(made)

    def _take_word(self, word: OperatorInput, role: str) -> tuple[TimelineEntry, ...]:
        match word:
            case Mark():
                return (self._marked(word.number, word.kind, word.subject, _at(word.at_s), role),)
            case Unmark(number=number, at_s=at_s):
                kind, subject = self._marks.get(number, (None, None))
                what = f" ({_MARKED[kind]})" if kind is not None else ""
                text = f"mark of {subject or 'somebody'}{what} taken back"
                entry = self._add("mark-taken-back", _at(at_s), text, subject=subject, role=role)
                return (entry,)
            case DoorEvent(kind=event, door=door, at_s=at_s):
                text = f"{self._doors.get(door, f'door {door}')} {_OPENED[event]}"
                return (self._add("door-opened", _at(at_s), text, role=role),)
            case Arrival(xy_m=place, at_s=at_s):
                text = "it was said from where officers come"
                if place is None:
                    text = "it is not known any more from where officers come"
                return (self._add("arrival", _at(at_s), text, role=role),)
            case _:  # positions of units come every second
                return ()

    def _agencies(
        self, before: schemas.Incident | None, said: schemas.Incident
    ) -> list[TimelineEntry]:
        known = {} if before is None else {one.name: one.left_at for one in before.agencies}
        made = []
        for agency in said.agencies:
            if agency.left_at is not None and known.get(agency.name) is None:
                text = f"{agency.name} has left"
                made.append(self._add("agency-left", agency.left_at, text))
            elif agency.left_at is None and known.get(agency.name, said.until) is not None:
                text = f"{agency.name} responds"
                made.append(self._add("agency-responds", said.published_at, text))
        return made

    def _follow(self, subject: schemas.Subject, at: datetime) -> list[TimelineEntry]:
        made: list[TimelineEntry] = []
        known = self._followed.get(subject.id)
        if known is None:
            known = self._followed[subject.id] = _Followed()
            if subject.probability >= LIKELY:
                text = f"{subject.id} is the likely intruder, {_where(subject)}"
                made.append(self._add("suspect", at, text, subject=subject.id))
            known.where.take(_place(subject), at.timestamp())
        if subject.armed_probability >= LIKELY and not known.armed:
            known.armed = True
            text = f"{subject.id} is probably armed, {_where(subject)}"
            made.append(self._add("armed", at, text, subject=subject.id))
        unseen = subject.visibility != "in view" and subject.age_s >= OUT_OF_VIEW_S
        if unseen and not known.unseen:
            known.unseen = True
            text = f"{subject.id} out of view, last seen {_where(subject)}"
            made.append(self._add("out-of-view", subject.seen_at, text, subject=subject.id))
        elif subject.visibility == "in view" and known.unseen:
            known.unseen = False
            text = f"{subject.id} seen again, {_where(subject)}"
            made.append(self._add("in-view", at, text, subject=subject.id))
            known.where = _Lasting(settled=_place(subject))
        if subject.visibility == "in view" and known.where.take(_place(subject), at.timestamp()):
            text = f"{subject.id} now {_where(subject)}"
            made.append(self._add("moved", at, text, subject=subject.id))
        return made

    def _held(self, subject: schemas.Subject) -> list[TimelineEntry]:
        """Marks that were given before this process began, as answers still hold them."""
        return [
            self._marked(held.number, held.mark, subject.id, held.at, held.role)
            for held in subject.marks
            if held.number not in self._marks
        ]

    def _ruled_out(self, subject: schemas.Subject, at: datetime) -> list[TimelineEntry]:
        if not subject.look_again:
            self._again.discard(subject.id)
            return []
        if subject.id in self._again:
            return []
        self._again.add(subject.id)
        text = f"look again: {subject.id} was ruled out, and what looks like a weapon was seen"
        return [self._add("look-again", at, text, subject=subject.id)]

    def _marked(
        self, number: int, kind: MarkKind, subject: str, at: datetime, role: str
    ) -> TimelineEntry:
        self._marks[number] = (kind, subject)
        return self._add("marked", at, f"{subject} {_MARKED[kind]}", subject=subject, role=role)

    def _add(
        self,
        kind: EntryKind,
        at: datetime,
        text: str,
        *,
        subject: str | None = None,
        camera: str | None = None,
        role: str = "",
    ) -> TimelineEntry:
        self._last += 1
        entry = TimelineEntry(
            number=self._last, at=at, kind=kind, text=text, subject=subject, camera=camera,
            role=role,
        )  # fmt: skip
        self._entries.append(entry)
        if len(self._entries) > self._most:
            passing = (i for i, one in enumerate(self._entries) if one.kind in _PASSING)
            del self._entries[next(passing, 0)]
        return entry


def door_names(plan: FloorPlan) -> dict[str, str]:
    """Return what the doors of a plan are called in an entry, by their feature ids."""
    return {one.id: f"door {one.door_number}" for one in plan.entrances if one.door_number}


def tells_no_camera(entries: Iterable[TimelineEntry]) -> tuple[TimelineEntry, ...]:
    """Return the entries that tell nothing of cameras, for whom they are kept from."""
    return tuple(entry for entry in entries if entry.kind not in _ABOUT_CAMERAS)


def _opened(said: schemas.Incident) -> str:
    what = {"exercise": "exercise", "real": "REAL EMERGENCY", "standing": "standing access"}
    second = f", confirmed by {said.confirmed_by}" if said.confirmed_by else ""
    return f"{what[said.kind]} opened by {said.opened_by}{second}: {said.reason}"


def _matters(subject: schemas.Subject) -> bool:
    pointed_out = any(held.mark in {"confirm", "designate"} for held in subject.marks)
    return pointed_out or max(subject.probability, subject.armed_probability) >= LIKELY


def _place(subject: schemas.Subject) -> str:
    return f"{subject.level.id} {'' if subject.space is None else subject.space.id}"


def _where(subject: schemas.Subject) -> str:
    if subject.space is None:
        return f"outside all rooms, {subject.level.name}"
    return f"{subject.space.name}, {subject.level.name}"


def _at(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
