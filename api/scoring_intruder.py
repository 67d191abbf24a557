"""The top-ranked subject against the intruder: place, room, door, and how soon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from .scoring_figures import NOT_MEASURED, Spread
from .scoring_people import first_moment_near
from .scoring_timeline import spaces_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calibration.entrances import EntranceRoutes
    from calibration.floor_plan import FloorPlan

    from .scoring_timeline import Timeline, TopSubject
    from .truth import TruePath, Truth, Whereabouts

SAME_WALK_M: Final = 0.01
"""Doors whose walking distances differ by no more than this are equally near."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The intruder beside the top-ranked subject at M moments.

    Attributes:
        there: where the intruder was at the moment.
        at_capture: where the intruder was at the time of the sighting that the answer reports;
            not present where there is no answer.
        visible: `(M,)` bool, whether any camera could see the intruder at the moment.
        space: `(M,)` object, id of the intruder's space at the moment; "" outside all.
        space_at_capture: `(M,)` object, the same at the time of the sighting.
        error_m: `(M,)` float64, distance of the published place from the intruder at capture;
            NaN without an answer or a truth, or on another level.
        error_now_m: `(M,)` float64, the same distance from the intruder at the moment.
        error_told_m: `(M,)` float64, the same from the intruder at the moment the answer speaks of.
    """

    there: Whereabouts
    at_capture: Whereabouts
    visible: NDArray[np.bool_]
    space: NDArray[np.object_]
    space_at_capture: NDArray[np.object_]
    error_m: NDArray[np.float64]
    error_now_m: NDArray[np.float64]
    error_told_m: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class IntruderFigures:
    """The figures that need to know where the intruder was; those of `Figures` by name.

    The three times count from `first_visible_s`, which counts from the start of the drill.
    """

    first_visible_s: float | None = None
    first_position_s: float | None = None
    first_correct_room_s: float | None = None
    first_armed_alert_s: float | None = None
    visible_s: float | None = None
    position_error_m: Spread = NOT_MEASURED
    position_error_now_m: Spread = NOT_MEASURED
    ce95_coverage: float | None = None
    room_correct: float | None = None
    room_correct_at_capture: float | None = None
    level_correct: float | None = None
    entrance_correct: float | None = None
    entrance_regret_m: float | None = None


def compare(
    timeline: Timeline,
    top: TopSubject,
    intruder: TruePath,
    visible: NDArray[np.bool_],
    plan: FloorPlan,
) -> Comparison:
    """Return the intruder's whereabouts beside the top-ranked subject.

    Args:
        timeline: the moments and the answers in hand.
        top: the top-ranked subject at those moments.
        intruder: the true path.
        visible: `(M,)` bool, whether any camera could see the intruder.
        plan: floor plan of the site.
    """
    there = intruder.at(timeline.t_s)
    # where there is no answer, a time at which nobody is anywhere
    at_capture = intruder.at(np.nan_to_num(top.seen_t_s, nan=-np.inf))
    told = intruder.at(np.nan_to_num(top.at_t_s, nan=-np.inf))
    return Comparison(
        there=there,
        at_capture=at_capture,
        visible=visible,
        space=spaces_of(plan, there),
        space_at_capture=spaces_of(plan, at_capture),
        error_m=_apart_m(top, at_capture),
        error_now_m=_apart_m(top, there),
        error_told_m=_apart_m(top, told),
    )


def figures_of(
    timeline: Timeline,
    top: TopSubject,
    compared: Comparison,
    truth: Truth,
    routes: EntranceRoutes | None,
) -> IntruderFigures:
    """Return all figures about the intruder.

    - Shares of rooms and levels count moments at which a camera could see the intruder (inside a
      space of the plan, for rooms). A moment without any answer counts as wrong.
    - Position errors count those moments that have an answer on the intruder's level.
    - The 95 % radius is held against the intruder, seen or not, at the moment that the answer
      speaks of; another level is outside.
    - Doors count every moment from the first position on, seen or not. Right is the door with the
      shortest true walk; regret is how much farther the recommended one is.

    Args:
        timeline: the moments and the answers in hand.
        top: the top-ranked subject.
        compared: what `compare` returned for them.
        truth: all persons.
        routes: walking distances; None where the plan has no entrance in use.
    """
    visible = compared.visible
    if not visible.any():
        return IntruderFigures(visible_s=0.0)
    first_visible_s = float(timeline.t_s[np.argmax(visible)])
    person = next(i for i, path in enumerate(truth.people) if path is truth.intruder)
    first_position_s = first_moment_near(timeline, person, truth, not_before_s=first_visible_s)
    first_alert_s = first_moment_near(
        timeline, person, truth, not_before_s=first_visible_s, armed=True
    )
    right_room = (top.space == compared.space) & (compared.space != "") & top.known
    right_room_then = (top.space == compared.space_at_capture) & (top.space != "")
    rooms = visible & (compared.space != "")
    moments = timeline.t_s
    since_visible = np.flatnonzero(right_room & (moments >= first_visible_s))
    correct, regret_m = (
        _doors(doors_of(timeline, top, compared, routes, first_position_s))
        if routes
        else (None, None)
    )
    inside = compared.error_told_m <= top.ce95_m
    return IntruderFigures(
        first_visible_s=first_visible_s,
        first_position_s=_since(first_position_s, first_visible_s),
        first_correct_room_s=(
            _since(float(moments[since_visible[0]]), first_visible_s)
            if len(since_visible)
            else None
        ),
        first_armed_alert_s=_since(first_alert_s, first_visible_s),
        visible_s=float(visible.sum()) * float(moments[1] - moments[0]),
        position_error_m=_spread(compared.error_m[visible]),
        position_error_now_m=_spread(compared.error_now_m[visible]),
        ce95_coverage=_share(inside[compared.there.present & top.known]),
        room_correct=_share(right_room[rooms]),
        room_correct_at_capture=_share(right_room_then[rooms]),
        level_correct=_share((top.level == compared.there.level)[visible]),
        entrance_correct=correct,
        entrance_regret_m=regret_m,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Doors:
    """The recommended door against the nearest one, at M moments.

    Attributes:
        counted: `(M,)` bool, whether the moment counts: the intruder was placed once, and some door
            leads to them.
        right: `(M,)` bool, whether the recommended door is the nearest on foot; False elsewhere.
        regret_m: `(M,)` float64, how much farther it is; infinite without a door, NaN where the
            moment does not count.
        best: `(M,)` object, number of the nearest door; "" where there is none.
    """

    counted: NDArray[np.bool_]
    right: NDArray[np.bool_]
    regret_m: NDArray[np.float64]
    best: NDArray[np.object_]


def doors_of(
    timeline: Timeline,
    top: TopSubject,
    compared: Comparison,
    routes: EntranceRoutes,
    first_position_s: float | None,
) -> Doors:
    """Return the recommended door beside the one with the shortest true walk.

    Args:
        timeline: the moments and the answers in hand.
        top: the top-ranked subject.
        compared: what `compare` returned for them.
        routes: walking distances.
        first_position_s: when the intruder was placed first, seconds from the start of the drill;
            None where never.
    """
    usable = np.array([door.usable for door in routes.entrances], np.bool_)
    numbers = np.array([door.door_number for door in routes.entrances], dtype=object)[usable]
    walks_m = np.full((len(timeline.t_s), len(numbers)), np.inf)
    there = compared.there
    for level in set(there.level[there.present].tolist()):
        rows = np.flatnonzero(there.present & (there.level == level))
        walks_m[rows] = routes.distances_m(level, there.xy_m[rows])[:, usable]
    best_m = walks_m.min(axis=1, initial=np.inf)
    reached = np.isfinite(best_m)
    best = np.array([""] * len(best_m), dtype=object)
    if len(numbers):
        best[reached] = numbers[walks_m[reached].argmin(axis=1)]
    chosen_m = np.where(numbers[None, :] == top.door[:, None], walks_m, np.inf).min(
        axis=1, initial=np.inf
    )
    placed_s = np.inf if first_position_s is None else first_position_s
    counted = (timeline.t_s >= placed_s) & reached
    regret_m = np.full(len(best_m), np.nan)
    regret_m[counted] = chosen_m[counted] - best_m[counted]
    return Doors(counted, counted & (regret_m <= SAME_WALK_M), regret_m, best)


def _doors(doors: Doors) -> tuple[float | None, float | None]:
    """Share of moments with the right door, and the mean metres lost by the wrong ones."""
    regret_m = doors.regret_m[np.isfinite(doors.regret_m)]
    return (
        _share(doors.right[doors.counted]),
        float(regret_m.mean()) if len(regret_m) else None,
    )


def _apart_m(top: TopSubject, there: Whereabouts) -> NDArray[np.float64]:
    comparable = top.known & there.present & (top.level == there.level)
    return np.where(comparable, np.linalg.norm(top.xy_m - there.xy_m, axis=1), np.nan)


def _since(moment_s: float | None, begin_s: float) -> float | None:
    # moments are tenths of a second; a difference of two is one too
    return None if moment_s is None else round(moment_s - begin_s, 3)


def _spread(values_m: NDArray[np.float64]) -> Spread:
    known_m = values_m[~np.isnan(values_m)]
    if not len(known_m):
        return NOT_MEASURED
    median_m, p95_m = np.percentile(known_m, [50, 95]).tolist()
    return Spread(median_m, p95_m)


def _share(flags: NDArray[np.bool_]) -> float | None:
    return float(flags.mean()) if len(flags) else None
