"""Where following went wrong, one by one: subjects that are nobody, and persons who changed id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import linear_sum_assignment

from .scoring_people import FOUND_M, GATE_M

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calibration.answer import XY, RankedSubject

    from .scoring_people import Scenes
    from .scoring_timeline import Timeline
    from .truth import Truth

SAME_STRETCH_S: Final = 1.0
"""A subject that is nobody again so soon is the same false position."""

_KEPT: Final = 1000.0
_EPS: Final = np.finfo(np.float64).eps


@dataclass(frozen=True, slots=True)
class FalsePosition:
    """A subject in view where nobody was within half a metre.

    Attributes:
        subject: its id.
        t_s: begin, seconds from the start of the drill.
        until_t_s: end.
        level: level id.
        xy_m: place at the begin, site metres.
        space_name: name of the space, "" where unknown.
        cameras: cameras of that sighting.
        nearest_m: how far the nearest visible person was then, metres; None where there was none.
    """

    subject: str
    t_s: float
    until_t_s: float
    level: str
    xy_m: XY
    space_name: str
    cameras: tuple[str, ...]
    nearest_m: float | None


@dataclass(frozen=True, slots=True)
class Switch:
    """A person who went on as another subject.

    Attributes:
        t_s: when, seconds from the start of the drill.
        person: id in the truth.
        role: theirs.
        before: the subject they were.
        after: the one that they became.
        level: level id.
        xy_m: where the new subject is, site metres.
        space_name: name of the space, "" where unknown.
        cameras: cameras of that sighting.
    """

    t_s: float
    person: str
    role: str
    before: str
    after: str
    level: str
    xy_m: XY
    space_name: str
    cameras: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Every visible person beside the subject that stands for them, within a metre: N pairs.

    Attributes:
        t_s: `(N,)` float64, the moment, seconds from the start of the drill.
        level: `(N,)` object, level id.
        true_m: `(N, 2)` float64, where the person was at the time of the sighting, site metres.
        told_m: `(N, 2)` float64, where the subject was put.
    """

    t_s: NDArray[np.float64]
    level: NDArray[np.object_]
    true_m: NDArray[np.float64]
    told_m: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Faults:
    """What went wrong, and how much of it at each of M moments.

    Attributes:
        false_positions: by time.
        switches: by time.
        visible: `(M,)` int64, how many persons a camera could see.
        missed: `(M,)` int64, how many of them no subject stood for.
        false: `(M,)` int64, how many subjects in view were nobody.
        placed: all persons where they were, beside where they were put.
    """

    false_positions: tuple[FalsePosition, ...]
    switches: tuple[Switch, ...]
    visible: NDArray[np.int64]
    missed: NDArray[np.int64]
    false: NDArray[np.int64]
    placed: Placed


def faults_of(timeline: Timeline, truth: Truth, seen: Scenes) -> Faults:
    """Return what `scoring_people.follow` has counted, one by one.

    Args:
        timeline: the moments and the answers in hand.
        truth: all persons.
        seen: who was there and who was told, as that was scored.
    """
    found = _matched(seen, FOUND_M)
    followed = _matched(seen, GATE_M)
    false_at: dict[str, list[int]] = {}
    false = np.zeros(len(timeline.t_s), np.int64)
    missed = np.zeros(len(timeline.t_s), np.int64)
    for moment, pairs in enumerate(found):
        missed[moment] = len(seen.persons[moment]) - len(pairs)
        matched = set(pairs.values())
        for number in seen.subjects[moment].tolist():
            if number not in matched:
                false[moment] += 1
                false_at.setdefault(seen.names[number], []).append(moment)
    return Faults(
        _false_positions(timeline, seen, false_at),
        _switches(timeline, truth, seen, followed),
        np.array([len(persons) for persons in seen.persons], np.int64),
        missed,
        false,
        _placed(timeline, truth, seen, followed),
    )


def _placed(
    timeline: Timeline, truth: Truth, seen: Scenes, followed: list[dict[int, int]]
) -> Placed:
    by_person: dict[int, list[tuple[float, float, float, float]]] = {}
    for moment, pairs in enumerate(followed):
        answer = timeline.answers[moment]
        subjects = {one.subject: one for one in (answer.subjects if answer else ())}
        for person, number in pairs.items():
            subject = subjects[seen.names[number]]
            row = (timeline.t_s[moment], subject.seen_at_s - timeline.start_s, *subject.xy_m)
            by_person.setdefault(person, []).append(row)
    t_s, level, true_m, told_m = [np.zeros(0)], [np.zeros(0, object)], [], []
    for person, rows in by_person.items():
        table = np.array(rows, np.float64)
        there = truth.people[person].at(table[:, 1])
        keep = there.present
        t_s.append(table[keep, 0])
        level.append(there.level[keep])
        true_m.append(there.xy_m[keep])
        told_m.append(table[keep, 2:])
    nowhere = np.zeros((0, 2))
    return Placed(
        np.concatenate(t_s),
        np.concatenate(level),
        np.concatenate([nowhere, *true_m]),
        np.concatenate([nowhere, *told_m]),
    )


def _matched(seen: Scenes, gate_m: float) -> list[dict[int, int]]:
    """By moment, which subject stands for which person, both by number.

    The matching of CLEAR (Bernardin and Stiefelhagen, EURASIP JIVP 2008, section 2.1): a pair of
    the moment before is kept where it still can be, the rest is matched by distance.
    """
    made: list[dict[int, int]] = []
    before: dict[int, int] = {}
    for persons, subjects, close in zip(
        seen.persons, seen.subjects, seen.closeness(gate_m), strict=True
    ):
        pairs: dict[int, int] = {}
        if len(persons) and len(subjects):
            kept = np.array([[before.get(p) == s for s in subjects.tolist()]
                             for p in persons.tolist()])  # fmt: skip
            score = np.where(close < 0.5 - _EPS, 0.0, close + _KEPT * kept)
            rows, columns = linear_sum_assignment(-score)
            for row, column in zip(rows, columns, strict=True):
                if score[row, column] > _EPS:
                    pairs[int(persons[row])] = int(subjects[column])
            before = pairs
        made.append(pairs)
    return made


def _switches(
    timeline: Timeline, truth: Truth, seen: Scenes, followed: list[dict[int, int]]
) -> tuple[Switch, ...]:
    last: dict[int, int] = {}
    made = []
    for moment, pairs in enumerate(followed):
        for person, number in pairs.items():
            if last.get(person, number) != number:
                subject = _subject(timeline, moment, seen.names[number])
                path = truth.people[person]
                made.append(
                    Switch(
                        float(timeline.t_s[moment]),
                        path.person,
                        path.role,
                        seen.names[last[person]],
                        subject.subject,
                        subject.level,
                        subject.xy_m,
                        subject.space_name,
                        subject.cameras,
                    )
                )
            last[person] = number
    return tuple(made)


def _false_positions(
    timeline: Timeline, seen: Scenes, false_at: dict[str, list[int]]
) -> tuple[FalsePosition, ...]:
    made = []
    step_s = float(timeline.t_s[1] - timeline.t_s[0]) if len(timeline.t_s) > 1 else 0.0
    for name, moments in false_at.items():
        times_s = timeline.t_s[moments]
        begins = np.flatnonzero(np.diff(times_s, prepend=-np.inf) > SAME_STRETCH_S)
        ends = [*(begins[1:] - 1).tolist(), len(moments) - 1]
        for begin, end in zip(begins.tolist(), ends, strict=True):
            moment = moments[begin]
            subject = _subject(timeline, moment, name)
            column = seen.subjects[moment].tolist().index(seen.names.index(name))
            away_m = seen.apart_m[moment][:, column].min(initial=np.inf)
            made.append(
                FalsePosition(
                    name,
                    float(times_s[begin]),
                    float(times_s[end]) + step_s,
                    subject.level,
                    subject.xy_m,
                    subject.space_name,
                    subject.cameras,
                    float(away_m) if np.isfinite(away_m) else None,
                )
            )
    return tuple(sorted(made, key=lambda one: one.t_s))


def _subject(timeline: Timeline, moment: int, name: str) -> RankedSubject:
    answer = timeline.answers[moment]
    return next(one for one in (answer.subjects if answer else ()) if one.subject == name)
