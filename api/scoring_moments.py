"""A run moment by moment, in the form in which `report.json` keeps it and pages draw it.

Texts are runs of one value (`[[index of the first moment, text], …]`), flags and numbers are lists
with an entry for each moment, null where there is nothing to say. Lengths are rounded to the
centimetre.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .scoring_people import ALERT_PROBABILITY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .scoring_faults import Faults
    from .scoring_intruder import Comparison, Doors
    from .scoring_timeline import Timeline, TopSubject

MOST_TRACKS: Final = 400
"""So many subjects are told one by one, those that were seen longest."""

_GAP_S: Final = 1.0


def moments_of(
    timeline: Timeline,
    top: TopSubject,
    compared: Comparison | None,
    doors: Doors | None,
    faults: Faults | None,
    latency_ms: NDArray[np.float64],
) -> dict[str, Any]:
    """Return all columns of the timeline.

    Args:
        timeline: the moments and the answers in hand.
        top: the top-ranked subject.
        compared: the intruder beside it; None without truth of one.
        doors: the recommended door beside the nearest; None where there is none to compare.
        faults: misses and false subjects; None without truth.
        latency_ms: `(M,)` mean time from capture to publication of the frames captured since the
            moment before, milliseconds; NaN where unknown.
    """
    t_s = timeline.t_s
    told: dict[str, Any] = {
        "step_s": round(float(t_s[1] - t_s[0]), 6) if len(t_s) > 1 else None,
        "moments": len(t_s),
        "subject": _runs(top.subject),
        "space": _runs(top.space),
        "level": _runs(top.level),
        "door": _runs(top.door),
        "xy_m": _places(top.xy_m, top.known),
        "ce95_m": _numbers(top.ce95_m),
        "probability": _numbers(top.probability, 3),
        "armed_probability": _numbers(top.armed_probability, 3),
        "latency_ms": _numbers(latency_ms, 1),
        "tracks": _tracks(timeline),
    }
    if compared is not None:
        rooms = compared.visible & (compared.space != "")
        right = (top.space == compared.space) & top.known
        right_then = (top.space == compared.space_at_capture) & (top.space != "")
        on_level = (top.level == compared.there.level) & top.known
        present = compared.there.present
        told["truth"] = {
            "visible": _flags(compared.visible, np.ones(len(t_s), np.bool_)),
            "space": _runs(compared.space),
            "level": _runs(compared.there.level),
            "xy_m": _places(compared.there.xy_m, present),
            "room_right": _flags(right, rooms),
            "room_right_at_capture": _flags(right_then, rooms),
            "level_right": _flags(on_level, compared.visible),
            "radius_holds": _flags(compared.error_told_m <= top.ce95_m, present & top.known),
            "error_m": _numbers(np.where(compared.visible, compared.error_m, np.nan)),
            "error_now_m": _numbers(compared.error_now_m),
        }
        if doors is not None:
            told["truth"] |= {
                "door": _runs(doors.best),
                "door_right": _flags(doors.right, doors.counted),
                "regret_m": _numbers(doors.regret_m),
            }
    if faults is not None:
        told["people"] = {
            "visible": faults.visible.tolist(),
            "missed": faults.missed.tolist(),
            "false": faults.false.tolist(),
        }
    return told


def latency_by_moment(
    ends_s: NDArray[np.float64], start_s: float, t_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return `(M,)` the mean capture-to-published time of the frames captured since each moment.

    Args:
        ends_s: `(F, 5)` what `scoring_latency.stage_ends_s` says.
        start_s: Unix seconds of t = 0 of the drill.
        t_s: `(M,)` moments, seconds from the start.
    """
    if not len(t_s):
        return np.zeros(0)
    spans_ms = (ends_s[:, -1] - ends_s[:, 0]) * 1e3
    known = np.isfinite(spans_ms)
    at = np.searchsorted(t_s, ends_s[known, 0] - start_s, side="right") - 1
    at = np.clip(at, 0, len(t_s) - 1)
    count = np.bincount(at, minlength=len(t_s))
    total = np.bincount(at, weights=spans_ms[known], minlength=len(t_s))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _tracks(timeline: Timeline) -> list[dict[str, Any]]:
    """When each subject was in view and when it was called armed, those seen longest first."""
    in_view: dict[str, list[float]] = {}
    armed: dict[str, list[float]] = {}
    for t_s, answer in zip(timeline.t_s.tolist(), timeline.answers, strict=True):
        for subject in answer.subjects if answer is not None else ():
            if subject.visibility == "in view":
                in_view.setdefault(subject.subject, []).append(t_s)
            if subject.armed_probability >= ALERT_PROBABILITY:
                armed.setdefault(subject.subject, []).append(t_s)
    step_s = float(timeline.t_s[1] - timeline.t_s[0]) if len(timeline.t_s) > 1 else 0.0
    names = sorted({*in_view, *armed}, key=lambda name: (-len(in_view.get(name, ())), name))[
        :MOST_TRACKS
    ]
    return [
        {
            "subject": name,
            "in_view": _stretches(in_view.get(name, []), step_s),
            "armed": _stretches(armed.get(name, []), step_s),
        }
        for name in names
    ]


def _stretches(times_s: Sequence[float], step_s: float) -> list[list[float]]:
    """Moments as [begin, end] pairs, pauses shorter than `_GAP_S` bridged."""
    made: list[list[float]] = []
    for t_s in times_s:
        if made and t_s - made[-1][1] < _GAP_S:
            made[-1][1] = t_s + step_s
        else:
            made.append([t_s, t_s + step_s])
    return [[round(begin, 3), round(end, 3)] for begin, end in made]


def _runs(texts: NDArray[np.object_]) -> list[list[int | str]]:
    if not len(texts):
        return []
    changes = [0, *(np.flatnonzero(texts[1:] != texts[:-1]) + 1).tolist()]
    return [[index, str(texts[index])] for index in changes]


def _flags(flags: NDArray[np.bool_], counted: NDArray[np.bool_]) -> list[int | None]:
    return [
        int(flag) if counts else None
        for flag, counts in zip(flags.tolist(), counted.tolist(), strict=True)
    ]


def _numbers(values: NDArray[np.float64], decimals: int = 2) -> list[float | None]:
    return [round(value, decimals) if np.isfinite(value) else None for value in values.tolist()]


def _places(xy_m: NDArray[np.float64], known: NDArray[np.bool_]) -> list[list[float] | None]:
    return [
        [round(x, 2), round(y, 2)] if there else None
        for (x, y), there in zip(xy_m.tolist(), known.tolist(), strict=True)
    ]
