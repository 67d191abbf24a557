"""Doors that were opened as they should not be, as evidence of who came in through them.

An access-control system tells that a door was forced, held open, or opened without a right to.
Two kinds of subjects are then likelier than others to be the intruder: whoever a camera saw at the
door in that moment, and whoever is first seen afterwards as far from it as can be walked since. How
much likelier is a judgement, `EVENT_ODDS`; nothing is known that it could be measured by. It is
shared among all whom the event fits, because one of them opened the door: behind a crowd that
pours in it says little of each. It never speaks against anybody: not to have been near a door says
nothing.

From which side somebody comes, and that they walk in while others walk out, is no evidence here:
in the minutes in which it would matter, those who walk inwards against the stream are officers.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from .continuity import BRISK_MPS, PLACE_MARGIN_M, RUN_MPS
from .marks import subject_now
from .trails import place_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from .entrances import EntranceRoutes
    from .floor_plan import FloorPlan
    from .inputs import DoorEvent, DoorEventKind
    from .subject import SubjectState

    DoorDistance = Callable[[str, str, NDArray[np.float64]], NDArray[np.float64]]
    """Walking metres `(N,)` from a door, by feature id, to `(N, 2)` places of one level; infinite
    where no way is known."""

EVENT_ODDS: Final[Mapping[DoorEventKind, float]] = {
    "forced": 20.0,
    "unauthorised": 10.0,
    "propped": 3.0,
}
"""How much likelier than anybody else the one person is whom a door event fits. Judgement: doors
are hardly broken open but by force; cards are borrowed; doors are held open by anybody."""

BEFORE_S: Final[Mapping[DoorEventKind, float]] = {
    "forced": 0.0,
    "unauthorised": 0.0,
    "propped": 30.0,
}
"""So long before it was told the door may have been open: held doors are told after a patience."""

SLACK_S = 15.0
"""Evidence fades to a third with every so many seconds more than the walk from the door needs."""

CLOCKS_S = 2.0
"""The clocks of cameras and of access control may differ by so much."""

AT_DOOR_M = 2.0
"""Who is so close to a door in the moment of the event is at it."""

LEAST_SHARE = 0.05
MOST_EVENTS = 256

_WORDS: Final[Mapping[DoorEventKind, str]] = {
    "forced": "was forced open",
    "unauthorised": "was opened without a right to",
    "propped": "was held open",
}


@dataclass(frozen=True, slots=True)
class DoorEvidence:
    """What a door event says of one subject.

    Attributes:
        llr: natural-log likelihood ratio of intruder against somebody else; never negative.
        words: why, in a line.
    """

    llr: float
    words: str


class DoorEvents:
    """Remembers door events and who was at the door.

    Args:
        plan: floor plan, for the names of doors.
        distance_m: walking distances from doors.
    """

    def __init__(self, plan: FloorPlan, distance_m: DoorDistance) -> None:
        self._names = door_names(plan)
        self._places_m = door_places_m(plan)
        self._distance_m = distance_m
        self._events: deque[DoorEvent] = deque(maxlen=MOST_EVENTS)
        self._unseen: list[DoorEvent] = []
        self._at_door: dict[int, frozenset[str]] = {}

    def __bool__(self) -> bool:
        """Whether any door event was told."""
        return bool(self._events)

    def take(self, event: DoorEvent) -> None:
        """Take in an event; one of a door that the plan does not have is left out."""
        if event.door in self._names and all(event.number != e.number for e in self._events):
            self._events.append(event)
            self._unseen.append(event)

    def waits_for(self, newest_s: float) -> bool:
        """Whether cameras have come so far that `look` can say who was at a door."""
        return any(newest_s >= event.at_s for event in self._unseen)

    def look(self, subjects: Sequence[SubjectState], newest_s: float) -> None:
        """Note who was at the doors of new events, once the cameras have come so far.

        Args:
            subjects: the subjects as known at `newest_s`.
            newest_s: capture time of the newest frame.
        """
        for event in [e for e in self._unseen if newest_s >= e.at_s]:
            self._unseen.remove(event)
            level, door_m = self._places_m[event.door]
            self._at_door[event.number] = frozenset(
                s.id
                for s in subjects
                if s.level == level
                and (place := place_at(s, event.at_s)) is not None
                and float(np.hypot(*(place - door_m))) <= AT_DOOR_M
            )

    def evidence(
        self, subjects: Sequence[SubjectState], merged_into: Mapping[str, str]
    ) -> dict[str, DoorEvidence]:
        """What the events say of subjects, by id; the strongest event of each.

        One entry makes several alarms (forced, then held open), so they are not added up.

        Args:
            subjects: the subjects.
            merged_into: the subject that each subject was joined with, by id.
        """
        found: dict[str, DoorEvidence] = {}
        for event in self._events:
            there = {
                subject_now(s, merged_into) for s in self._at_door.get(event.number, frozenset())
            }
            walk_m = self._walks_m(event, subjects)
            fits = np.array(
                [
                    1.0 if s.id in there else _fit(event, s.born_s, float(walk_m[i]))
                    for i, s in enumerate(subjects)
                ]
            )
            shares = fits / max(float(fits.sum()), 1.0)
            for i in np.flatnonzero(shares >= LEAST_SHARE).tolist():
                odds = 1.0 + (EVENT_ODDS[event.kind] - 1.0) * float(shares[i])
                subject = subjects[i]
                words = self._words(event, subject, there, float(walk_m[i]), odds)
                one = DoorEvidence(float(np.log(odds)), words)
                if one.llr > found.get(subject.id, DoorEvidence(0.0, "")).llr:
                    found[subject.id] = one
        return found

    def _walks_m(self, event: DoorEvent, subjects: Sequence[SubjectState]) -> NDArray[np.float64]:
        """`(N,)` walking metres from the door to where each subject was first seen."""
        walk_m = np.full(len(subjects), np.inf)
        for level in {s.born_level for s in subjects}:
            rows = [i for i, s in enumerate(subjects) if s.born_level == level]
            born_m = np.array([subjects[i].born_xy_m for i in rows], np.float64)
            walk_m[rows] = self._distance_m(event.door, level, born_m)
        return walk_m

    def _words(
        self, event: DoorEvent, subject: SubjectState, there: set[str], walk_m: float, odds: float
    ) -> str:
        door = f"{self._names[event.door]} {_WORDS[event.kind]}"
        ratio = f"({odds:.0f} : 1)"
        if subject.id in there:
            return f"at the door when {door} {ratio}"
        since_s = subject.born_s - event.at_s
        when = f"{since_s:.0f} s after" if since_s >= 1.0 else "as"
        return f"first seen {when} {door}, {walk_m:.0f} m from it {ratio}"


def door_names(plan: FloorPlan) -> dict[str, str]:
    """What people call the doors of a plan, entrances and doors inside, by feature id."""
    names = {opening.id: opening.name or opening.id for opening in plan.openings}
    return names | {entrance.id: entrance.label for entrance in plan.entrances}


def door_places_m(plan: FloorPlan) -> dict[str, tuple[str, NDArray[np.float64]]]:
    """Level id and middle `(2,)` of the doors of a plan, site metres, by feature id."""
    doors = [(o.id, o.level, o.line) for o in plan.openings]
    doors += [(e.id, e.level, e.line) for e in plan.entrances]
    return {
        door: (level, np.array(line.interpolate(0.5, normalized=True).coords[0][:2]))
        for door, level, line in doors
    }


def door_distance(plan: FloorPlan, routes: EntranceRoutes) -> DoorDistance:
    """Walking metres from the doors of a plan.

    From doors inside it is the straight line on their own level, the least that any way can be,
    and infinite on others.
    """
    column = {entrance.id: i for i, entrance in enumerate(routes.entrances)}
    places_m = door_places_m(plan)

    def distance_m(door: str, level: str, xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
        if door in column:
            walk_m: NDArray[np.float64] = routes.distances_m(level, xy_m)[:, column[door]]
            return walk_m
        door_level, door_m = places_m[door]
        if door_level != level:
            return np.full(len(xy_m), np.inf)
        straight_m: NDArray[np.float64] = np.linalg.norm(xy_m - door_m, axis=1)
        return straight_m

    return distance_m


def _fit(event: DoorEvent, born_s: float, walk_m: float) -> float:
    """How well somebody first seen at `born_s`, `walk_m` from the door, fits its event: 0..1."""
    since_s = born_s - (event.at_s - BEFORE_S[event.kind]) + CLOCKS_S
    if walk_m > RUN_MPS * max(since_s, 0.0) + PLACE_MARGIN_M or since_s < 0.0:
        return 0.0
    late_s = born_s - event.at_s - walk_m / BRISK_MPS - CLOCKS_S
    return float(np.exp(-max(late_s, 0.0) / SLACK_S))
