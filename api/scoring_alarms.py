"""Every armed alert of a run: when, where, in which picture, and who it really was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .scoring_people import GATE_M, alerting, distances_m

if TYPE_CHECKING:
    from collections.abc import Sequence

    from calibration.answer import XY, Answer, RankedSubject

    from .run_stills import Still
    from .truth import Truth


@dataclass(frozen=True, slots=True)
class Really:
    """Who stood nearest to the place of an alert, by the truth.

    Attributes:
        person: id in the truth.
        role: intruder, student, staff or responder.
        armed: whether they were armed then.
        away_m: how far they were from the place, metres.
    """

    person: str
    role: str
    armed: bool
    away_m: float


@dataclass(frozen=True, slots=True)
class Look:
    """The clearest look that an alert rests on, as far as the run has kept it.

    Attributes:
        camera: camera id.
        track: identity in that camera.
        t_s: when it was captured, seconds from the start of the drill.
        score: of the weapon box, 0..1; a score, not a probability.
        weapon_box: left, top, right, bottom of it, shares of the picture's sides.
        still: its number among the stills of the run, from 0.
    """

    camera: str
    track: int
    t_s: float
    score: float
    weapon_box: tuple[float, float, float, float]
    still: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """One subject that was called armed.

    Attributes:
        subject: its id.
        t_s: the first sighting at which it was; where the alert is false, the first at which it
            was so called wrongly. Seconds from the start of the drill.
        until_t_s: the last.
        probability: the highest probability of being armed.
        level: level id.
        xy_m: place at `t_s`, site metres.
        space: id of the space.
        space_name: its name, "" where unknown.
        cameras: cameras of that sighting.
        tracks: tracks with evidence of a weapon, the strongest first.
        false: whether no armed person was within a metre of it, once; None without truth.
        really: who stood nearest to it at `t_s`; None where nobody was there, or nothing is known.
        looks: what it was called armed for.
    """

    subject: str
    t_s: float
    until_t_s: float
    probability: float
    level: str
    xy_m: XY
    space: str | None
    space_name: str
    cameras: tuple[str, ...]
    tracks: tuple[tuple[str, int], ...]
    false: bool | None
    really: Really | None
    looks: tuple[Look, ...]


def alarms_of(
    answers: Sequence[Answer], truth: Truth | None, start_s: float, stills: Sequence[Still] = ()
) -> tuple[Alarm, ...]:
    """Return all armed alerts: the false ones first, each kind by time.

    Args:
        answers: as published.
        truth: all persons; None where it is not known.
        start_s: Unix seconds of t = 0 of the drill.
        stills: the pictures that the run has kept.
    """
    by_subject: dict[str, list[RankedSubject]] = {}
    for sighting in sorted(alerting(answers), key=lambda sighting: sighting.seen_at_s):
        by_subject.setdefault(sighting.subject, []).append(sighting)
    numbered = {still.track: (number, still) for number, still in enumerate(stills)}
    made = [_alarm(sightings, truth, start_s, numbered) for sightings in by_subject.values()]
    return tuple(sorted(made, key=lambda alarm: (alarm.false is not True, alarm.t_s)))


def _alarm(
    sightings: list[RankedSubject],
    truth: Truth | None,
    start_s: float,
    numbered: dict[tuple[str, int], tuple[int, Still]],
) -> Alarm:
    shown, false = sightings[0], None
    if truth is not None:
        armed_m = distances_m(truth, sightings, start_s, armed_only=True)
        wrong = ~(armed_m <= GATE_M).any(axis=0)
        false = bool(wrong.any())
        shown = sightings[int(np.argmax(wrong))] if false else shown
    tracks = tuple(dict.fromkeys(t for s in reversed(sightings) for t in s.armed_tracks))
    looks = []
    for track in tracks:
        if track in numbered:
            number, still = numbered[track]
            looks.append(
                Look(
                    still.camera,
                    still.track_id,
                    still.captured_at_s - start_s,
                    still.confidence,
                    still.weapon_box,
                    number,
                )
            )
    return Alarm(
        subject=shown.subject,
        t_s=shown.seen_at_s - start_s,
        until_t_s=sightings[-1].seen_at_s - start_s,
        probability=max(one.armed_probability for one in sightings),
        level=shown.level,
        xy_m=shown.xy_m,
        space=shown.space,
        space_name=shown.space_name,
        cameras=shown.cameras,
        tracks=tracks,
        false=false,
        really=None if truth is None else _nearest(truth, shown, start_s),
        looks=tuple(sorted(looks, key=lambda look: -look.score)),
    )


def _nearest(truth: Truth, subject: RankedSubject, start_s: float) -> Really | None:
    away_m = distances_m(truth, [subject], start_s)[:, 0]
    if not np.isfinite(away_m).any():
        return None
    path = truth.people[int(np.argmin(away_m))]
    there = path.at(np.array([subject.seen_at_s - start_s]))
    return Really(path.person, path.role, bool(there.armed[0]), float(away_m.min()))
