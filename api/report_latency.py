"""Histograms of how long each stage took, on one axis of time, of one run or of two."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from .report_terms import STAGE_LABELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WIDE: Final = 1000.0
_HIGH: Final = 110.0
_FOOT: Final = 24.0
_HEAD: Final = 34.0
_PER_DECADE: Final = 20
_SECOND_MS: Final = 1000.0
_WHOLE_MS: Final = 10.0
_CROWDED: Final = 92.0
"""Marks closer than this write their labels on another line."""


def latency_pictures(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
    """Return for every stage that was measured its label and its drawing.

    Args:
        runs: one or two `report.json`; the second is drawn as an outline over the first.
    """
    measured = [stage for stage in STAGE_LABELS if any(stage in _counts(run) for run in runs)]
    if not measured:
        return []
    edges_ms = next(run["latency_histograms"]["edges_ms"] for run in runs if _counts(run))
    used = [
        index
        for run in runs
        for counts in _counts(run).values()
        for index, count in enumerate(counts)
        if count
    ]
    first = min(used) // _PER_DECADE * _PER_DECADE
    last = min(-(-(max(used) + 1) // _PER_DECADE) * _PER_DECADE, len(edges_ms) - 1)
    return [
        {
            "stage": stage,
            "label": STAGE_LABELS[stage],
            "svg": _picture(stage, runs, edges_ms, first, last),
        }
        for stage in measured
    ]


def _counts(run: Mapping[str, Any]) -> Mapping[str, Sequence[int]]:
    counts: Mapping[str, Sequence[int]] = run.get("latency_histograms", {}).get("counts", {})
    return counts


def _picture(
    stage: str, runs: Sequence[Mapping[str, Any]], edges_ms: Sequence[float], first: int, last: int
) -> Markup:
    step = _WIDE / (last - first)
    parts = []
    for index in range(first, last + 1, _PER_DECADE):
        x = (index - first) * step
        anchor = "start" if index == first else "end" if index == last else "middle"
        parts.append(
            f'<path class="tick" d="M{x:.1f} {_HEAD:g}V{_HEAD + _HIGH:g}"/>'
            f'<text class="axis" x="{x:.1f}" y="{_HEAD + _HIGH + 17:g}" text-anchor="{anchor}">'
            f"{_shown(edges_ms[index])}</text>"
        )
    told = []
    for number, run in enumerate(runs):
        counts = _counts(run).get(stage)
        if counts is None:
            continue
        shares = [count / sum(counts) for count in counts[first:last]]
        tallest = max(
            max(other[first:last], default=0) / max(sum(other), 1)
            for other in (_counts(one).get(stage, (0,) * len(counts)) for one in runs)
        )
        parts.append(_outline(shares, tallest, step, number))
        marks = run["latency_ms"][stage]
        taken: list[float] = []
        for name in ("p50", "p95", "p99"):
            value_ms = marks[name]
            if value_ms is None:
                continue
            x = _place(value_ms, edges_ms, first, last) * step
            parts.append(_mark(x, f"{name} {_shown(value_ms)}", number, taken, len(runs)))
            told.append(f"{name} {_shown(value_ms)}")
    label = f"{STAGE_LABELS[stage]}: {', '.join(told)}"
    return Markup(  # noqa: S704 - numbers and fixed words only
        f'<svg class="histogram" role="img" aria-label="{label}" '
        f'viewBox="0 0 {_WIDE:g} {_HEAD + _HIGH + _FOOT:g}">{"".join(parts)}</svg>'
    )


def _outline(shares: Sequence[float], tallest: float, step: float, number: int) -> str:
    """The histogram as one path; the second run's is not filled."""
    floor = _HEAD + _HIGH
    d = f"M0 {floor:g}"
    for index, share in enumerate(shares):
        y = floor - _HIGH * (share / tallest if tallest else 0.0)
        d += f"V{y:.1f}H{(index + 1) * step:.1f}"
    return f'<path class="bars run{number}" d="{d}V{floor:g}Z"/>'


def _mark(x: float, label: str, number: int, taken: list[float], runs: int) -> str:
    """The line of a percentile. With two runs the labels are in the table, which has room."""
    line = f'<path class="mark run{number}" d="M{x:.1f} {_HEAD:g}V{_HEAD + _HIGH:g}"/>'
    if runs > 1:
        return line
    level = sum(abs(x - other) < _CROWDED for other in taken)
    taken.append(x)
    anchor = "end" if x > _WIDE - _CROWDED else "start"
    return (
        f'{line}<text class="mark-text" x="{x + (-4 if anchor == "end" else 4):.1f}" '
        f'y="{_HEAD - 4 - 14 * (1 - min(level, 1)):g}" text-anchor="{anchor}">{label}</text>'
    )


def _place(value_ms: float, edges_ms: Sequence[float], first: int, last: int) -> float:
    """Where a time lies among the bins, evenly in log within one."""
    value_ms = min(max(value_ms, edges_ms[first]), edges_ms[last])
    return min(max(log10(value_ms / edges_ms[first]) * _PER_DECADE, 0.0), float(last - first))


def _shown(value_ms: float) -> str:
    if value_ms >= _SECOND_MS:
        return f"{value_ms / _SECOND_MS:.3g} s"
    return f"{value_ms:.0f} ms" if value_ms >= _WHOLE_MS else f"{value_ms:.2g} ms"
