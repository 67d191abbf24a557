"""The armed alerts of a report, each with the picture that it rests on, and what it really was."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .run_stills import Still
    from .scoring_alarms import Alarm, Look

MOST_PICTURE_BYTES: Final = 6_000_000
"""A report holds pictures of so many bytes at most, those of false alerts first: it must open on a
phone and pass through a mail server."""


def alarms_shown(
    alarms: Sequence[Alarm],
    stills: Sequence[Still],
    *,
    most_bytes: int = MOST_PICTURE_BYTES,
) -> tuple[list[dict[str, Any]], int]:
    """Return the alerts as the page's template takes them, and how many pictures had no room.

    Args:
        alarms: the false ones first.
        stills: pictures of the run, by the number that `Look.still` says.
        most_bytes: how large all pictures may be together.
    """
    left, left_out, shown = most_bytes, 0, []
    for alarm in alarms:
        pictures = []
        for look in alarm.looks:
            jpeg = stills[look.still].jpeg
            if len(jpeg) > left:
                left_out += 1
                continue
            left -= len(jpeg)
            pictures.append(_picture(look, jpeg))
        shown.append({"alarm": alarm, "really": really_in_words(alarm), "pictures": pictures})
    return shown, left_out


def really_in_words(alarm: Alarm) -> str:
    """Return who it really was, as far as the truth knows."""
    if alarm.false is None:
        return "not known: the drill has no truth"
    who = alarm.really
    if who is None:
        return "nobody was on this level"
    armed = "armed" if who.armed else "not armed"
    return f"{who.role} {who.person}, {armed}, {who.away_m:.1f} m from there"


def _picture(look: Look, jpeg: bytes) -> dict[str, Any]:
    left, top, right, bottom = look.weapon_box
    return {
        "look": look,
        "src": f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}",
        "box": (left, top, max(right - left, 0.0), max(bottom - top, 0.0)),
    }
