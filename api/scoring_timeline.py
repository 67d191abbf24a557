"""A recorded run and its truth side by side, ten times a second.

A drill played at full speed, whose truth was written down less often, is compared at the truth's
own moments: what lies between two of them is a guess, and nothing there is late.

At each moment stands the answer that a reader had in hand then: the last one published by that
moment. Two comparisons are made with it, and they say different things:

- **at the moment**: the truth now. Whatever the answer is late by counts against it.
- **at capture**: the truth at the time of the sighting that the answer reports (`seen_at_s`). The
  answer says "seen here, so long ago", and this is whether that was so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from .truth import VISIBLE_SHARE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calibration.answer import Answer, RankedSubject
    from calibration.floor_plan import FloorPlan
    from calibration.site import Site

    from .run_record import RunRecord
    from .truth import Truth, Whereabouts

MOMENTS_PER_S: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """What the run said at M moments.

    Attributes:
        t_s: `(M,)` float64, seconds from the start of the drill, evenly spaced.
        answers: `(M,)` the answer in hand, None before the first.
        start_s: Unix seconds of t = 0 of the drill, on the clock of the answers.
    """

    t_s: NDArray[np.float64]
    answers: tuple[Answer | None, ...]
    start_s: float

    @property
    def top(self) -> tuple[RankedSubject | None, ...]:
        """The top-ranked subject at each moment; None without an answer or a subject."""
        return tuple(a.subjects[0] if a is not None and a.subjects else None for a in self.answers)


@dataclass(frozen=True, slots=True, eq=False)
class TopSubject:
    """The top-ranked subject at M moments, in columns; NaN and "" where there is none.

    Attributes:
        known: `(M,)` bool, whether there is one.
        subject: `(M,)` object, its id.
        xy_m: `(M, 2)` float64, last seen place, site metres.
        level: `(M,)` object, level id.
        space: `(M,)` object, id of the space; "" outside every space.
        seen_t_s: `(M,)` float64, time of the sighting, seconds from the start of the drill.
        at_t_s: `(M,)` float64, the moment the answer speaks of, seconds from the start.
        ce95_m: `(M,)` float64, published 95 % radius at that moment, metres.
        probability: `(M,)` float64, of being the intruder.
        armed_probability: `(M,)` float64.
        door: `(M,)` object, number of the recommended door; "" without one.
    """

    known: NDArray[np.bool_]
    subject: NDArray[np.object_]
    xy_m: NDArray[np.float64]
    level: NDArray[np.object_]
    space: NDArray[np.object_]
    seen_t_s: NDArray[np.float64]
    at_t_s: NDArray[np.float64]
    ce95_m: NDArray[np.float64]
    probability: NDArray[np.float64]
    armed_probability: NDArray[np.float64]
    door: NDArray[np.object_]


def published_at_s(answer: Answer, record: RunRecord) -> float:
    """When a reader could have `answer`, Unix seconds.

    At full speed the moment of publishing is wall-clock time and says nothing of the drill, so
    the moment that the answer speaks of is taken.
    """
    published_s = answer.times.published_s if answer.times is not None else None
    if record.speed == "max" or published_s is None:
        return answer.at_s
    return max(answer.at_s, published_s)


def timeline_of(record: RunRecord, truth: Truth | None = None) -> Timeline:
    """Return which answer was in hand at every tenth of a second of the run.

    Args:
        record: the run.
        truth: of the drill, for the moments of a run at full speed.
    """
    per_s = float(MOMENTS_PER_S)
    if truth is not None and record.speed == "max":
        per_s = min(per_s, truth.moments_per_s)
    t_s = np.arange(round(record.duration_s * per_s)) / per_s
    answers = sorted(record.answers, key=lambda answer: published_at_s(answer, record))
    published_t_s = np.array(
        [published_at_s(answer, record) - record.start_s for answer in answers]
    )
    # a hair of tolerance, so that an answer published exactly at a moment is in hand at it
    in_hand = np.searchsorted(published_t_s, t_s + 1e-6, side="right") - 1
    held = tuple(answers[i] if i >= 0 else None for i in in_hand.tolist())
    return Timeline(t_s, held, record.start_s)


def top_subject(timeline: Timeline) -> TopSubject:
    """Return the top-ranked subject of every moment in columns."""
    subjects = timeline.top
    doors = [
        a.entrances[0].door_number if a is not None and a.entrances else ""
        for a in timeline.answers
    ]
    return TopSubject(
        known=np.array([s is not None for s in subjects], np.bool_),
        subject=_texts([s.subject if s else "" for s in subjects]),
        xy_m=np.array([s.xy_m if s else (np.nan, np.nan) for s in subjects]).reshape(-1, 2),
        level=_texts([s.level if s else "" for s in subjects]),
        space=_texts([(s.space or "") if s else "" for s in subjects]),
        seen_t_s=np.array([s.seen_at_s - timeline.start_s if s else np.nan for s in subjects]),
        at_t_s=np.array([a.at_s - timeline.start_s if a else np.nan for a in timeline.answers]),
        ce95_m=np.array([s.ce95_m if s else np.nan for s in subjects]),
        probability=np.array([s.probability if s else np.nan for s in subjects]),
        armed_probability=np.array([s.armed_probability if s else np.nan for s in subjects]),
        door=_texts(doors),
    )


def visible_to_cameras(
    truth: Truth, site: Site, cameras: frozenset[str], t_s: NDArray[np.float64]
) -> dict[str, NDArray[np.bool_]]:
    """Return for each person, at `(M,)` moments, whether any of `cameras` could see them.

    Where the drill knows what a camera saw (`truth/boxes`), at least half of the body has to show;
    for a camera without that, standing on its visible floor has to do, which ignores bodies in the
    way.
    """
    floors = {}
    for camera in sorted(cameras - truth.boxes.keys()):
        level = site.cameras[camera].level
        floors[camera] = level, site.cameras[camera].model.visible_floor(site.plan, level)
    visible = {}
    for path in truth.people:
        there = path.at(t_s)
        seen = np.zeros(len(t_s), np.bool_)
        for camera, boxes in truth.boxes.items():
            if camera in cameras:
                seen |= boxes.shown(path.person, t_s) >= VISIBLE_SHARE
        for level, floor in floors.values():
            on_it = shapely.contains_xy(floor, there.xy_m[:, 0], there.xy_m[:, 1])
            seen |= on_it & (there.level == level)
        visible[path.person] = seen & there.present
    return visible


def spaces_of(plan: FloorPlan, there: Whereabouts) -> NDArray[np.object_]:
    """Return the id of the space at each of `(M,)` whereabouts; "" outside all, or not present."""
    spaces = _texts([""] * len(there.present))
    for level in set(there.level[there.present].tolist()):
        rows = np.flatnonzero(there.present & (there.level == level))
        for row, space in zip(rows, plan.space_at(level, there.xy_m[rows]), strict=True):
            spaces[row] = space.id if space is not None else ""
    return spaces


def _texts(values: list[str]) -> NDArray[np.object_]:
    return np.array(values, dtype=object)
