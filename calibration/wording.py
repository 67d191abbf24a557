"""The answer in words: why a subject has its rank, and one line fit to be read out by voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .answer import EntranceOption, RankedSubject
    from .subject import SubjectState

SAID_ARMED = 0.5
"""From this probability on a subject is spoken of as the armed person."""

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
    subject: SubjectState, age_s: float, camera_names: Mapping[str, str] | None
) -> tuple[str, ...]:
    """Why the subject has its rank: what was seen, by which cameras, how long ago.

    Args:
        subject: the subject.
        age_s: since it was last seen, seconds.
        camera_names: names to call cameras by, ids where missing; None names no camera.
    """
    lines = []
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
) -> str:
    """The answer in one line.

    Args:
        ranked: all subjects, ranked.
        first: state of the first of them; None without subjects.
        entrances: entrances for the first subject, best first.
        x_axis_bearing_deg: compass bearing of the plan's x axis, clockwise from true north.
    """
    if not ranked or first is None:
        return "Nobody has been seen yet."
    top = ranked[0]
    place = f"{top.space_name or 'a place without a name'} (±{_metres(top.ce95_m)} m)"
    door = _door(entrances)
    if top.probability < SAID_ARMED:
        people = sum(subject.visibility == "in view" for subject in ranked)
        count = "1 person" if people == 1 else f"{people} people" if people else "nobody"
        seen = "" if top.visibility == "in view" else f"last seen {spoken_duration(top.age_s)} ago "
        return (
            f"No armed person seen yet; {count} in view. First: {top.subject}, {seen}in "
            f"{place}; {door}."
        )
    armed = sum(subject.probability >= SAID_ARMED for subject in ranked)
    several = f"{armed} people may be armed; most likely: " if armed > 1 else ""
    when = (
        "in view now in"
        if top.visibility == "in view"
        else f"last seen {spoken_duration(top.age_s)} ago in"
    )
    line = f"{several}{when} {place}{_heading(first, x_axis_bearing_deg)}; {door}."
    return line[0].upper() + line[1:]


def spoken_duration(seconds: float) -> str:
    """A duration as one would say it: "8 s", "2 min 5 s", "1 h 3 min"."""
    whole = max(int(seconds + 0.5), 0)
    if whole < 60:  # noqa: PLR2004 - seconds in a minute
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004 - minutes in an hour
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


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
            return f"closest: {called}, {option.walk_m:.0f} m on foot"
    return "no entrance reaches it" if entrances else "no entrance is known"


def _metres(distance_m: float) -> str:
    return f"{distance_m:.1f}" if distance_m < 10 else f"{distance_m:.0f}"  # noqa: PLR2004


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
