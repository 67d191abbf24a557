"""The charts of a report: what was said over time, and how long each stage took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure

from .report_plan import INK, OTHER, PUBLISHED, QUIET, TRUTH
from .report_terms import STAGE_LABELS
from .scoring_people import ALERT_PROBABILITY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from calibration.floor_plan import FloorPlan

    from .scoring import Series

_WIDTH_INCHES: Final = 11.0
_TINTS: Final = (
    "#8fb4dc", "#f0b46a", "#93c9a1", "#c9a4d8", "#e39a97", "#a8a29a", "#7fc6c9", "#d9cf7b",
    "#b0b7e6", "#e7a9c8", "#9ccf76", "#c2a37d",
)  # fmt: skip
_BINS: Final = 40


def rooms_figure(series: Series, plan: FloorPlan) -> Figure:
    """Return bands over time: visible or not, the intruder's room, the published room and door."""
    t_s = series.timeline.t_s
    names = {space.id: space.name for space in plan.spaces}
    rows: list[tuple[str, NDArray[np.object_]]] = []
    if series.compared is not None:
        visible = np.where(series.compared.visible, "visible", "")
        rows += [
            ("Intruder visible", visible.astype(object)),
            ("Intruder's room", _named(series.compared.space, names)),
        ]
    rows.append(("Published room", _named(series.top.space, names)))
    if any(series.top.door):
        doors = [f"Door {number}" if number else "" for number in series.top.door]
        rows.append(("Published door", np.array(doors, dtype=object)))
    shown = sorted({text for _, texts in rows for text in texts.tolist() if text})
    tints = {text: _TINTS[i % len(_TINTS)] for i, text in enumerate(shown)}
    tints["visible"] = INK
    figure = Figure(figsize=(_WIDTH_INCHES, 0.55 * len(rows) + 0.8))
    axes = figure.subplots()
    for row, (_, texts) in enumerate(rows):
        for begin_s, end_s, text in _stretches(t_s, texts):
            axes.barh(row, end_s - begin_s, left=begin_s, height=0.78, color=tints[text])
            if text != "visible" and end_s - begin_s > (t_s[-1] - t_s[0]) * len(text) / 110:
                axes.text((begin_s + end_s) / 2, row, text, ha="center", va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [label for label, _ in rows])
    axes.invert_yaxis()
    _over_time(axes, t_s)
    figure.subplots_adjust(left=0.13, right=0.985, bottom=0.42 / figure.get_figheight(), top=0.97)
    return figure


def certainty_figure(series: Series) -> Figure:
    """Return the probabilities of the top-ranked subject and, with truth, its error over time."""
    t_s, top, compared = series.timeline.t_s, series.top, series.compared
    count = 2 if compared is not None else 1
    figure = Figure(figsize=(_WIDTH_INCHES, 2.5 * count))
    panels: list[Axes] = list(figure.subplots(count, 1, squeeze=False)[:, 0])
    panels[0].plot(t_s, top.probability, color=TRUTH, linewidth=1.6, label="is the intruder")
    panels[0].plot(t_s, top.armed_probability, color=PUBLISHED, linewidth=1.6, label="is armed")
    panels[0].axhline(ALERT_PROBABILITY, color=QUIET, linewidth=0.8, linestyle=":")
    panels[0].set_ylim(-0.03, 1.03)
    panels[0].set_ylabel("probability")
    _legend_above(panels[0])
    if compared is not None:
        seen = np.where(compared.visible, compared.error_m, np.nan)
        panels[1].plot(t_s, compared.error_now_m, color=QUIET, linewidth=1.0, label="at the moment")
        panels[1].plot(t_s, seen, color=PUBLISHED, linewidth=1.6, label="at capture, visible")
        panels[1].plot(t_s, top.ce95_m, color=OTHER, linewidth=1.0, label="published 95 % radius")
        panels[1].set_ylim(0, _tall_enough(compared.error_now_m, top.ce95_m))
        panels[1].set_ylabel("error, metres")
        _legend_above(panels[1])
    for axes in panels:
        _over_time(axes, t_s)
        axes.grid(axis="y", color="#e4e8ec", linewidth=0.7)
        axes.set_axisbelow(True)
    tall = figure.get_figheight()
    figure.subplots_adjust(
        left=0.07, right=0.985, bottom=0.45 / tall, top=1 - 0.3 / tall, hspace=0.5
    )
    return figure


def latency_figure(spans_ms: Mapping[str, NDArray[np.float64]]) -> Figure | None:
    """Return a histogram for every measured span, None where none was measured."""
    measured = {name: values for name, values in spans_ms.items() if len(values)}
    if not measured:
        return None
    figure = Figure(figsize=(_WIDTH_INCHES, 2.5))
    panels: list[Axes] = list(figure.subplots(1, len(measured), squeeze=False)[0])
    for axes, (name, values) in zip(panels, measured.items(), strict=True):
        reach_ms = max(float(np.percentile(values, 99.5)), 1.0)
        axes.hist(np.minimum(values, reach_ms), bins=_BINS, range=(0, reach_ms), color=OTHER)
        p95_ms = float(np.percentile(values, 95))
        axes.axvline(p95_ms, color=PUBLISHED, linewidth=1.3)
        axes.text(
            p95_ms,
            0.98,
            "p95 ",
            color=PUBLISHED,
            fontsize=8,
            ha="right",
            va="top",
            transform=axes.get_xaxis_transform(),
        )
        axes.set_title(STAGE_LABELS[name], fontsize=9, loc="left")
        axes.set_xlabel("ms", fontsize=8)
        axes.set_yticks([])
        _bare(axes)
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.2, top=0.88, wspace=0.12)
    return figure


def _named(spaces: NDArray[np.object_], names: Mapping[str, str]) -> NDArray[np.object_]:
    return np.array([names.get(space, space) for space in spaces.tolist()], dtype=object)


def _stretches(
    t_s: NDArray[np.float64], texts: NDArray[np.object_]
) -> list[tuple[float, float, str]]:
    """Runs of one text as (begin, end, text), seconds; those of the empty text are left out."""
    if not len(t_s):
        return []
    step_s = float(t_s[1] - t_s[0]) if len(t_s) > 1 else 0.0
    changes = np.flatnonzero(texts[1:] != texts[:-1]) + 1
    begins = [0, *changes.tolist()]
    ends = [*changes.tolist(), len(texts)]
    return [
        (float(t_s[begin]), float(t_s[end - 1]) + step_s, str(texts[begin]))
        for begin, end in zip(begins, ends, strict=True)
        if texts[begin]
    ]


def _tall_enough(*columns: NDArray[np.float64]) -> float:
    """Top of an axis that shows nearly all values, so that one outlier does not flatten it."""
    values = np.concatenate(columns)
    values = values[np.isfinite(values)]
    return max(1.0, 1.15 * float(np.percentile(values, 98))) if len(values) else 1.0


def _legend_above(axes: Axes) -> None:
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.99), frameon=False, fontsize=9, ncols=3)


def _over_time(axes: Axes, t_s: NDArray[np.float64]) -> None:
    axes.set_xlim(0, float(t_s[-1]) if len(t_s) else 1.0)
    axes.set_xlabel("seconds from the start of the drill", fontsize=8, color=INK)
    _bare(axes)


def _bare(axes: Axes) -> None:
    axes.tick_params(labelsize=8, length=2)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(QUIET)
