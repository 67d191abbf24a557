"""The figures of two runs side by side: how far apart, and whether that is more than luck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from .compare_likelihood import (
    BLOCK_S,
    LEAST_BLOCKS,
    Likelihood,
    columns_of,
    judged_counts,
    judged_moments,
    mean,
    median,
    moda,
    p95,
    share,
)
from .report_terms import DEFINITIONS, STAGE_LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .compare_likelihood import Columns
    from .compare_runs import ComparedRun

Verdict = Literal["better", "worse", "different", "not told apart", "not judged"]
"""What the second run is beside the first. "different" is neither better nor worse by itself."""

_HONEST: Final = 0.95
_MORE_IS_BETTER: Final = frozenset(
    {"room_correct", "room_correct_at_capture", "level_correct", "entrance_correct"}
    | {"search_area_coverage", "moda", "idf1"}
)
_NEITHER: Final = frozenset({"subjects", "most_in_view", "armed_alerts"})
_MOMENTS: Final[Mapping[str, tuple[tuple[str, ...], Callable[[Columns], float]]]] = {
    "room_correct": (("truth.room_right",), share),
    "room_correct_at_capture": (("truth.room_right_at_capture",), share),
    "level_correct": (("truth.level_right",), share),
    "entrance_correct": (("truth.door_right",), share),
    "ce95_coverage": (("truth.radius_holds",), share),
    "entrance_regret_m": (("truth.regret_m",), mean),
    "position_error_m.median": (("truth.error_m",), median),
    "position_error_m.p95": (("truth.error_m",), p95),
    "position_error_now_m.median": (("truth.error_now_m",), median),
    "position_error_now_m.p95": (("truth.error_now_m",), p95),
    "moda": (("people.visible", "people.missed", "people.false"), moda),
    "latency_ms.mean": (("latency_ms",), mean),
}
_COUNTS: Final = frozenset({"identity_switches", "false_armed_alerts"})
_ONE_MOMENT: Final = "one moment of each run; repeat both to tell"
_NOT_KEPT: Final = "not kept moment by moment"


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure of both runs.

    Attributes:
        key: its key in `report.json`, with the part after a dot.
        label: its name.
        unit: s, m, ms, share or "" for a count.
        a: of the first run; None where it is null there.
        b: of the second.
        difference: b minus a.
        low: lower end of the 95 % interval of the difference, where it was judged by moments.
        high: its upper end.
        p: of the exact test, for counts.
        verdict: what the second is beside the first.
        why: why it is not judged; "" where it is.
    """

    key: str
    label: str
    unit: str
    a: float | None
    b: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    verdict: Verdict
    why: str


def figure_rows(a: ComparedRun, b: ComparedRun, *, unlike: str | None) -> tuple[FigureRow, ...]:
    """Return all figures of both runs.

    Args:
        a: the first run.
        b: the second.
        unlike: why the runs are not of one drill, so that nothing is judged; None where they are.
    """
    rows = []
    for key, term in DEFINITIONS.items():
        parts = ("median", "p95") if key.startswith("position_error") else ("",)
        for part in parts:
            name = f"{key}.{part}" if part else key
            label = f"{term.label}, {part}" if part else term.label
            values = tuple(_value(run.report, key, part) for run in (a, b))
            rows.append(_row(name, label, term.unit, values, (a, b), unlike))
    label = f"{STAGE_LABELS['capture_to_published']}, mean"
    values = tuple(_mean_latency(run.report) for run in (a, b))
    rows.append(_row("latency_ms.mean", label, "ms", values, (a, b), unlike))
    return tuple(row for row in rows if row.a is not None or row.b is not None)


def _row(
    key: str,
    label: str,
    unit: str,
    values: tuple[float | None, ...],
    runs: tuple[ComparedRun, ComparedRun],
    unlike: str | None,
) -> FigureRow:
    a, b = values
    if a is None or b is None:
        return FigureRow(
            key, label, unit, a, b, None, None, None, None, "not judged", "not measured in both"
        )
    difference = b - a
    likely: Likelihood | str
    likely = f"the runs are not of one drill: {unlike}" if unlike else _likelihood(key, a, b, runs)
    if isinstance(likely, str):
        return FigureRow(key, label, unit, a, b, difference, None, None, None, "not judged", likely)
    verdict: Verdict = _verdict(key, a, b) if likely.beyond and difference else "not told apart"
    return FigureRow(
        key, label, unit, a, b, difference, likely.low, likely.high, likely.p, verdict, ""
    )


def _likelihood(
    key: str, a: float, b: float, runs: tuple[ComparedRun, ComparedRun]
) -> Likelihood | str:
    """How sure a difference is, or in words why that cannot be told."""
    first, second = (run.report for run in runs)
    if key in _COUNTS:
        hours = first["camera_hours"], second["camera_hours"]
        return judged_counts(round(a), round(b), *hours) or "nothing was watched"
    if key not in _MOMENTS:
        return _ONE_MOMENT if key.startswith("time_to_first") else _NOT_KEPT
    names, statistic = _MOMENTS[key]
    lines = first["timeline"], second["timeline"]
    if (lines[0]["step_s"], lines[0]["moments"]) != (lines[1]["step_s"], lines[1]["moments"]):
        return "their moments are not the same: one was played in real time, one at full speed"
    columns = tuple(columns_of(line, names) for line in lines)
    if columns[0] is None or columns[1] is None or lines[0]["step_s"] is None:
        return _NOT_KEPT
    found = judged_moments(columns[0], columns[1], statistic, lines[0]["step_s"])
    return found or f"the drill is too short: {LEAST_BLOCKS} blocks of {BLOCK_S:g} s are needed"


def _verdict(key: str, a: float, b: float) -> Verdict:
    figure = key.partition(".")[0]
    if figure in _NEITHER:
        return "different"
    if figure == "ce95_coverage":
        return "better" if abs(b - _HONEST) < abs(a - _HONEST) else "worse"
    return "better" if (b > a) is (figure in _MORE_IS_BETTER) else "worse"


def _value(report: Mapping[str, Any], key: str, part: str) -> float | None:
    value = report.get(key)
    if part:
        value = value.get(part) if isinstance(value, dict) else None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and value is not None else None


def _mean_latency(report: Mapping[str, Any]) -> float | None:
    known = [value for value in report["timeline"]["latency_ms"] if value is not None]
    return sum(known) / len(known) if known else None
