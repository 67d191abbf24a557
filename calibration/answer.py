"""The published answer: ranked subjects, where each was last seen, and the closest entrances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .inputs import Mark  # noqa: TC001 - read where a saved run is read back

XY = tuple[float, float]
"""A point in site metres (x right, y up on the plan)."""

TrackKey = tuple[str, int]
"""(camera id, track id in that camera)."""

Visibility = Literal["in view", "out of view"]

SubjectStatus = Literal["ranked", "rejected", "responder"]
"""Whether a subject is ranked, or why it is not."""


@dataclass(frozen=True, slots=True)
class StageTimes:
    """When each stage of one frame ended, Unix seconds; None where the stage has not run."""

    captured_s: float
    decoded_s: float | None = None
    detected_s: float | None = None
    placed_s: float | None = None
    published_s: float | None = None


@dataclass(frozen=True, slots=True)
class EntranceOption:
    """One numbered entrance as a way to a subject.

    Attributes:
        door_number: the number painted on the door.
        name: name of the entrance.
        usable: False where it is blocked or out of service.
        walk_m: walking distance along the plan to the subject's last seen place, metres;
            None where it cannot be reached.
        straight_m: straight-line distance, metres.
        route_m: polyline to the subject on its level, site metres: from the door, or from the
            stairs where the door is on another level.
        steps: the route in words, and where on it the subject can see who comes.
        why_not: why a better-ranked door was preferred; empty for the first.
        locked: whether the door is kept locked.
        expected_m: walking distance to be expected to where the subject is now, metres: that of
            the search map once it is out of view, before that `walk_m`.
        worst_m: walking distance that is not exceeded with 90 % probability, metres.
        approach_m: metres around the outside from where officers arrive; None where that is not
            known, or no way leads there.
        in_sight: whether the subject probably sees the door or the first 10 m of the route.
        route_by_level_m: the whole route: per part the level id and its polyline.
    """

    door_number: str
    name: str
    usable: bool
    walk_m: float | None
    straight_m: float
    route_m: tuple[XY, ...]
    steps: tuple[str, ...]
    why_not: str
    locked: bool = False
    expected_m: float | None = None
    worst_m: float | None = None
    approach_m: float | None = None
    in_sight: bool = False
    route_by_level_m: tuple[tuple[str, tuple[XY, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class SpaceShare:
    """How likely an unseen subject is in one space now.

    Attributes:
        space: id of the space; None for floor outside every space.
        name: its name, "" where unknown.
        level: level id.
        probability: 0..1.
        in_area95: whether the 95 % area reaches into it.
    """

    space: str | None
    name: str
    level: str | None
    probability: float
    in_area95: bool


@dataclass(frozen=True, slots=True)
class LevelShare:
    """How likely an unseen subject is on one level now, and the area it is searched in there.

    Attributes:
        level: level id.
        probability: 0..1.
        area50_m2: the part of the 50 % area on this level, square metres.
        area95_m2: the same of the 95 % area.
    """

    level: str
    probability: float
    area50_m2: float
    area95_m2: float


@dataclass(frozen=True, slots=True)
class SearchArea:
    """Where a subject that no camera sees can be now.

    Attributes:
        at_s: the moment it speaks of, Unix seconds.
        spaces: all spaces of the 95 % area and those above 1 %, most likely first.
        levels: all levels that hold some of it, most likely first.
        left_building: probability that the subject has left the building, 0..1.
        area50_m2: the smallest area that holds the subject with 50 %, square metres.
        area95_m2: the same with 95 %.
    """

    at_s: float
    spaces: tuple[SpaceShare, ...]
    levels: tuple[LevelShare, ...]
    left_building: float
    area50_m2: float
    area95_m2: float


@dataclass(frozen=True, slots=True)
class RankedSubject:
    """One body on the floor and how likely it is to be the intruder.

    Attributes:
        subject: id, stable for the incident, e.g. "S3".
        rank: place in the list: 1 is the one to go for first, the most likely intruder unless
            somebody pointed out another; those that are not ranked come last.
        probability: probability that this subject is the intruder, 0..1.
        armed_probability: probability of being armed from the looks so far, 0..1.
        level: level id.
        xy_m: last seen place, at `seen_at_s`, site metres.
        cov_m2: ((xx, xy), (yx, yy)) of where the subject is now about `xy_m`, square metres (grown
            while unseen).
        ce95_m: radius that holds the subject with 95 % probability now, metres.
        space: id of the space: in view that of the place predicted for now (never beyond a
            wall), else that of the last seen place; None outside every space.
        space_name: its name, or "" where unknown.
        seen_at_s: capture time of the last sighting, Unix seconds.
        age_s: now minus `seen_at_s`.
        visibility: whether a camera sees the subject now.
        cameras: cameras of the last sighting.
        reasons: the rank in words.
        plain_reasons: the same, naming no camera.
        trail_m: recent places, oldest first, site metres.
        armed_tracks: tracks with evidence of a weapon, the strongest first.
        search: where the subject can be now, while no camera sees it.
        status: whether it is ranked; the others come after all that are, and are seen all the same.
        marks: what people say of it and what holds now, in the order in which it was said.
        unit: id of the friendly unit that it is by its reported positions; "" where none.
        look_again: whether it was ruled out and what looks like a weapon was seen since.
    """

    subject: str
    rank: int
    probability: float
    armed_probability: float
    level: str
    xy_m: XY
    cov_m2: tuple[XY, XY]
    ce95_m: float
    space: str | None
    space_name: str
    seen_at_s: float
    age_s: float
    visibility: Visibility
    cameras: tuple[str, ...]
    reasons: tuple[str, ...]
    trail_m: tuple[XY, ...]
    armed_tracks: tuple[TrackKey, ...] = ()
    plain_reasons: tuple[str, ...] = ()
    search: SearchArea | None = None
    status: SubjectStatus = "ranked"
    marks: tuple[Mark, ...] = ()
    unit: str = ""
    look_again: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What is published: all subjects, ranked, and the doors for the first.

    Attributes:
        at_s: the moment the answer speaks of, Unix seconds.
        subjects: ranked, most likely intruder first.
        entrances: for the first subject, best door first; empty without subjects.
        text: the answer in one line, fit to be read out by voice.
        times: stage times of the newest frame in the answer.
        arrival_m: where officers arrive outside, site metres; None where nobody said.
    """

    at_s: float
    subjects: tuple[RankedSubject, ...]
    entrances: tuple[EntranceOption, ...]
    text: str
    times: StageTimes | None
    arrival_m: XY | None = None
