"""Every person against the subject that stands for them: place, room, door, and where unseen.

At each moment the persons that a camera can see are paired with the subjects seen lately, each
placed against where the person was at the time of that sighting, at the least total distance and
within `PAIR_M`. (What a detector misses for a second is still told with its place and room.) A
person who is out of view is held against the subject they were last paired with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import linear_sum_assignment

from .scoring_figures import NOT_MEASURED, EverybodyFigures, Spread
from .scoring_people import distances_m
from .scoring_timeline import spaces_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from calibration.answer import RankedSubject
    from calibration.entrances import EntranceRoutes
    from calibration.floor_plan import FloorPlan

    from .scoring_timeline import Timeline
    from .truth import Truth

PAIR_M: Final = 1.0
"""A subject farther from a person than this does not stand for them."""
LATELY_S: Final = 3.0
"""A subject seen no longer ago may stand for a person that a camera can see."""
SAME_WALK_M: Final = 0.01
"""Doors whose walking distances differ by no more than this are equally near."""

_FAR_M: Final = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class _Paired:
    """One row for each person and moment at which a camera could see them.

    `subject` is None where no subject stood for the person; `moment` and `person` are indices.
    """

    moment: NDArray[np.int64]
    person: NDArray[np.int64]
    subject: list[RankedSubject | None]
    error_m: NDArray[np.float64]


def everybody(
    timeline: Timeline,
    truth: Truth,
    visible: Mapping[str, NDArray[np.bool_]],
    plan: FloorPlan,
    routes: EntranceRoutes | None,
) -> EverybodyFigures:
    """Return the figures of all persons.

    Args:
        timeline: the moments and the answers in hand.
        truth: all persons.
        visible: by person, `(M,)` bool, whether any camera could see them.
        plan: floor plan of the site.
        routes: walking distances; None where the plan has no entrance in use.
    """
    pairs = _pairs(timeline, truth, visible)
    there = [path.at(timeline.t_s) for path in truth.people]
    spaces = np.array([spaces_of(plan, each) for each in there], dtype=object)
    coverage, unseen_s = _search(timeline, truth, pairs, spaces, visible)
    if not len(pairs.moment):
        return EverybodyFigures(search_area_coverage=coverage, unseen_s=unseen_s)
    xy_m = np.array([each.xy_m for each in there])[pairs.person, pairs.moment]
    level = np.array([each.level for each in there], dtype=object)[pairs.person, pairs.moment]
    space = spaces[pairs.person, pairs.moment]
    told_space = np.array([(s.space or "") if s else "" for s in pairs.subject], dtype=object)
    told_level = np.array([s.level if s else "" for s in pairs.subject], dtype=object)
    found = np.array([s is not None for s in pairs.subject], np.bool_)
    right, regret_m = _doors(routes, pairs, level, xy_m)
    return EverybodyFigures(
        position_error_m=_spread(pairs.error_m[found]),
        ce95_coverage=_held(timeline, truth, pairs),
        room_correct=_share((told_space == space)[space != ""]),
        level_correct=_share(told_level == level),
        entrance_correct=right,
        entrance_regret_m=regret_m,
        search_area_coverage=coverage,
        unseen_s=unseen_s,
    )


def _pairs(timeline: Timeline, truth: Truth, visible: Mapping[str, NDArray[np.bool_]]) -> _Paired:
    moments: list[int] = []
    persons: list[int] = []
    subjects: list[RankedSubject | None] = []
    errors_m: list[float] = []
    for moment, answer in enumerate(timeline.answers):
        here = [i for i, path in enumerate(truth.people) if visible[path.person][moment]]
        if not here:
            continue
        seen = [s for s in answer.subjects if s.age_s <= LATELY_S] if answer else []
        apart_m = distances_m(truth, seen, timeline.start_s)[here]
        rows, columns = linear_sum_assignment(np.where(apart_m <= PAIR_M, apart_m, _FAR_M))
        of_row = dict(zip(rows.tolist(), columns.tolist(), strict=True))
        for row, person in enumerate(here):
            column = of_row.get(row, -1)
            close = column >= 0 and apart_m[row, column] <= PAIR_M
            moments.append(moment)
            persons.append(person)
            subjects.append(seen[column] if close else None)
            errors_m.append(float(apart_m[row, column]) if close else np.nan)
    return _Paired(
        np.array(moments, np.int64),
        np.array(persons, np.int64),
        subjects,
        np.array(errors_m, np.float64),
    )


def _held(timeline: Timeline, truth: Truth, pairs: _Paired) -> float | None:
    """Share of pairs whose person was within the 95 % radius when the answer speaks."""
    inside = []
    for moment, person, subject in zip(
        pairs.moment.tolist(), pairs.person.tolist(), pairs.subject, strict=True
    ):
        answer = timeline.answers[moment]
        if subject is None or answer is None:
            continue
        told = truth.people[person].at(np.array([answer.at_s - timeline.start_s]))
        if told.present[0]:
            apart_m = np.linalg.norm(told.xy_m[0] - np.array(subject.xy_m))
            inside.append(bool(apart_m <= subject.ce95_m) and told.level[0] == subject.level)
    return _share(np.array(inside, np.bool_))


def _doors(
    routes: EntranceRoutes | None,
    pairs: _Paired,
    level: NDArray[np.object_],
    xy_m: NDArray[np.float64],
) -> tuple[float | None, float | None]:
    """Share of visible moments with the right door, and the mean metres lost by wrong ones."""
    if routes is None:
        return None, None
    usable = np.array([door.usable for door in routes.entrances], np.bool_)
    found = np.flatnonzero([s is not None for s in pairs.subject])
    told_level = np.array([s.level for s in pairs.subject if s is not None], dtype=object)
    told_m = np.array([s.xy_m for s in pairs.subject if s is not None], np.float64)
    true_m = _walks_m(routes, level, xy_m)[:, usable]
    best_m = true_m.min(axis=1)
    chosen_m = np.full(len(best_m), np.inf)
    if len(found):
        door = _walks_m(routes, told_level, told_m.reshape(-1, 2))[:, usable].argmin(axis=1)
        chosen_m[found] = true_m[found, door]
    counted = np.isfinite(best_m)
    with np.errstate(invalid="ignore"):
        regret_m = (chosen_m - best_m)[counted]
    reachable = np.isfinite(regret_m)
    return (
        _share(regret_m <= SAME_WALK_M),
        float(regret_m[reachable].mean()) if reachable.any() else None,
    )


def _walks_m(
    routes: EntranceRoutes, level: NDArray[np.object_], xy_m: NDArray[np.float64]
) -> NDArray[np.float64]:
    walks_m = np.full((len(xy_m), len(routes.entrances)), np.inf)
    for name in sorted(set(level.tolist())):
        rows = np.flatnonzero(level == name)
        walks_m[rows] = routes.distances_m(name, xy_m[rows])
    return walks_m


def _search(
    timeline: Timeline,
    truth: Truth,
    pairs: _Paired,
    spaces: NDArray[np.object_],
    visible: Mapping[str, NDArray[np.bool_]],
) -> tuple[float | None, float | None]:
    """Share of moments out of view at which the search area reached the person's space."""
    stands_for: dict[int, str] = {}
    paired = {
        (moment, person): subject
        for moment, person, subject in zip(
            pairs.moment.tolist(), pairs.person.tolist(), pairs.subject, strict=True
        )
    }
    held: list[bool] = []
    for moment, answer in enumerate(timeline.answers):
        by_id = {s.subject: s for s in answer.subjects} if answer else {}
        for person, path in enumerate(truth.people):
            if visible[path.person][moment]:
                subject = paired.get((moment, person))
                if subject is not None:
                    stands_for[person] = subject.subject
            elif person in stands_for and spaces[person, moment]:
                mine = by_id.get(stands_for[person])
                held.append(mine is not None and _reaches(mine, spaces[person, moment]))
    if not held:
        return None, None
    step_s = float(timeline.t_s[1] - timeline.t_s[0]) if len(timeline.t_s) > 1 else 0.0
    return _share(np.array(held, np.bool_)), len(held) * step_s


def _reaches(subject: RankedSubject, space: str) -> bool:
    """Whether the subject may be in the space: by its search area, or by its place in view."""
    if subject.search is None:
        return subject.space == space
    return any(share.space == space and share.in_area95 for share in subject.search.spaces)


def _spread(values_m: NDArray[np.float64]) -> Spread:
    if not len(values_m):
        return NOT_MEASURED
    median_m, p95_m = np.percentile(values_m, [50, 95]).tolist()
    return Spread(median_m, p95_m)


def _share(flags: NDArray[np.bool_]) -> float | None:
    return float(flags.mean()) if len(flags) else None
