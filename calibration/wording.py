"""The answer in words: why a subject has its rank, and one line fit to be read out by voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .mark_words import known_reasons, spoken_duration
from .search_words import search_words
from .suspicion import NOTHING_KNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .answer import EntranceOption, RankedSubject
    from .inputs import MarkKind
    from .subject import SubjectState
    from .suspicion import Known

SAID_ARMED = 0.5
"""From this probability on a subject is spoken of as the armed person."""

SEARCHED_S = 5.0
"""Out of view for longer than this, a subject is somewhere else than where it was seen."""

_ALIKE_M = 1.0
_SIGN_LLR = 1.0
_MOVING_MPS = 0.5
_POINTS = (
    "north",
    "north-east",
    "east",
    "south-east",
    "south",
    "south-west",
    "west",
    "north-west",
)


def reasons(
    subject: SubjectState,
    age_s: float,
    camera_names: Mapping[str, str] | None,
    known: Known = NOTHING_KNOWN,
) -> tuple[str, ...]:
    """Why the subject has its rank: what was said and seen, by which cameras, how long ago.

    Args:
        subject: the subject.
        age_s: since it was last seen, seconds.
        camera_names: names to call cameras by, ids where missing; None names no camera.
        known: what is known of it beside what cameras see.
    """
    lines: list[str] = []
    if known is not NOTHING_KNOWN:
        lines += known_reasons(subject, known, subject.seen_at_s + age_s)
    if subject.armed_llr >= _SIGN_LLR and subject.armed_looks and subject.armed_tracks:
        looks = f"{subject.armed_looks} look{'s' if subject.armed_looks > 1 else ''}"
        strongest, _ = subject.armed_tracks[0]
        span = f" over {subject.armed_looks_span_s:.0f} s" if subject.armed_looks > 1 else ""
        at = "" if camera_names is None else camera_names.get(strongest, strongest)
        where = f", strongest at {at}" if at else ""
        lines.append(f"carries what looks like a weapon: {looks}{span}{where}")
    else:
        lines.append("no weapon seen in hand")
    if camera_names is not None:
        cameras = _listed([camera_names.get(camera, camera) for camera in subject.cameras])
        lines.append(f"{'seen' if subject.in_view else 'last seen'} by {cameras}")
    elif subject.in_view:
        lines.append("in view now")
    if not subject.in_view:
        lines.append(f"out of view for {spoken_duration(age_s)}")
    return tuple(lines)


def answer_text(
    ranked: Sequence[RankedSubject],
    first: SubjectState | None,
    entrances: Sequence[EntranceOption],
    x_axis_bearing_deg: float,
    level_names: Mapping[str, str] | None = None,
) -> str:
    """The answer in one line.

    Args:
        ranked: all subjects, those that are ranked first.
        first: state of the first of them; None where nobody is ranked.
        entrances: entrances for the first subject, best first.
        x_axis_bearing_deg: compass bearing of the plan's x axis, clockwise from true north.
        level_names: names of the levels, by id.
    """
    warning = _warning(ranked)
    if not ranked or first is None or ranked[0].status != "ranked":
        return f"{warning}{_nobody_ranked(ranked)}"
    top = ranked[0]
    where = _where(top, first, x_axis_bearing_deg, level_names or {})
    line = f"{_lead(ranked)}{where}; {_door(entrances)}."
    return warning + line[0].upper() + line[1:]


def _lead(ranked: Sequence[RankedSubject]) -> str:
    """How the first subject is spoken of: pointed out, confirmed, armed, or only the likeliest."""
    top = ranked[0]
    said = {mark.kind for mark in top.marks}
    likely = [s for s in ranked if s.status == "ranked" and s.probability >= SAID_ARMED]
    if "designate" in said:
        also = ", confirmed" if "confirm" in said else ""
        others = _marked(ranked, "designate") - 1
        more = f" and {others} more" if others else ""
        return f"Pointed out{also}: {top.subject}{more}, "
    if "confirm" in said:
        confirmed = _marked(ranked, "confirm")
        if confirmed == 1:
            return "Confirmed intruder: "
        return f"{confirmed} confirmed intruders; first: {top.subject}, "
    if top.probability >= SAID_ARMED:
        if len(likely) == 1:
            return ""
        armed = all(s.armed_probability >= SAID_ARMED for s in likely)
        be = "be armed" if armed else "be intruders"
        return f"{len(likely)} people may {be}; most likely: "
    people = sum(s.visibility == "in view" and s.status != "responder" for s in ranked)
    count = "1 person" if people == 1 else f"{people} people" if people else "nobody"
    return f"No armed person seen yet; {count} in view. First: {top.subject}, "


def _where(
    top: RankedSubject,
    first: SubjectState,
    x_axis_bearing_deg: float,
    level_names: Mapping[str, str],
) -> str:
    """Where the first subject is, or can be."""
    place = top.space_name or "a place without a name"
    around = f"{place} (±{_metres(top.ce95_m)} m)"
    known_armed = top.probability >= SAID_ARMED or bool(top.marks)
    if top.visibility == "in view":
        now = f"in view now in {around}" if known_armed else f"in {around}"
        return f"{now}{_heading(first, x_axis_bearing_deg)}" if known_armed else now
    age = spoken_duration(top.age_s)
    if top.search is not None and top.age_s >= SEARCHED_S:
        can_be = search_words(top.search, level_names)
        if can_be:
            return f"not seen for {age}, last in {place}; {can_be}"
    heading = _heading(first, x_axis_bearing_deg) if known_armed else ""
    return f"last seen {age} ago in {around}{heading}"


def _nobody_ranked(ranked: Sequence[RankedSubject]) -> str:
    """That nobody is ranked, and why not."""
    if not ranked:
        return "Nobody has been seen yet."
    responders = sum(subject.status == "responder" for subject in ranked)
    rejected = sum(subject.status == "rejected" for subject in ranked)
    parts = []
    if responders:
        parts.append(f"{responders} responder{'s' if responders > 1 else ''}")
    if rejected:
        parts.append(f"{rejected} ruled out")
    return f"Nobody else has been seen: {' and '.join(parts)}."


def _warning(ranked: Sequence[RankedSubject]) -> str:
    """What contradicts a person's mark and must be looked at again; "" where nothing does."""
    again = [subject.subject for subject in ranked if subject.look_again]
    return f"Look again at {_listed(again)}: ruled out, but seen armed since. " if again else ""


def _marked(ranked: Sequence[RankedSubject], kind: MarkKind) -> int:
    return sum(any(mark.kind == kind for mark in subject.marks) for subject in ranked)


def compass_point(velocity_mps: tuple[float, float], x_axis_bearing_deg: float) -> str:
    """The nearest of the eight compass points to a direction on the plan."""
    anticlockwise_deg = np.degrees(np.arctan2(velocity_mps[1], velocity_mps[0]))
    bearing_deg = (x_axis_bearing_deg - anticlockwise_deg) % 360.0
    return _POINTS[round(bearing_deg / 45.0) % len(_POINTS)]


def _heading(subject: SubjectState, x_axis_bearing_deg: float) -> str:
    vx, vy = subject.velocity_mps.tolist()
    if np.hypot(vx, vy) < _MOVING_MPS:
        return ""
    return f", moving {compass_point((vx, vy), x_axis_bearing_deg)}"


def _door(entrances: Sequence[EntranceOption]) -> str:
    for option in entrances:
        if option.usable and option.walk_m is not None:
            called = f"Door {option.door_number}" if option.door_number else option.name
            locked = " (locked)" if option.locked else ""
            return f"closest: {called}{locked}, {_walk(option, option.walk_m)}"
    return "no entrance reaches it" if entrances else "no entrance is known"


def _walk(option: EntranceOption, walk_m: float) -> str:
    """How far it is: to be expected where nobody knows the place, and around the outside first."""
    expected_m = walk_m if option.expected_m is None else option.expected_m
    about = "about " if abs(expected_m - walk_m) >= _ALIKE_M else ""
    if option.approach_m is None:
        return f"{about}{expected_m:.0f} m on foot"
    return f"{option.approach_m:.0f} m outside and {about}{expected_m:.0f} m inside"


def _metres(distance_m: float) -> str:
    return f"{distance_m:.1f}" if distance_m < 10 else f"{distance_m:.0f}"  # noqa: PLR2004


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
