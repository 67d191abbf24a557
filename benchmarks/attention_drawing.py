"""The figures of `lastseen bench attention` as a drawing."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS = (
    ("first_found_s", "until the gunman is found, s"),
    ("hand_over_median_s", "from stepping into a picture to its first look, s"),
    ("seen_within_half_a_second", "share of watched time seen in the last 0.5 s"),
)
POLICIES = (
    ("round_robin", "in turn", "#8a8f98"),
    ("attention", "attention", "#1f6feb"),
    ("oracle", "by the truth", "#2da44e"),
)
_WIDTH = 0.26
_SIZE_INCHES = (10.0, 3.2)


def draw(figures: dict[str, Any]) -> bytes:
    """Return an SVG: medians and quarters over all plays, by capacity and who chose.

    Args:
        figures: from `benchmarks.attention.measure`.
    """
    # The same figures give the same bytes.
    with mpl.rc_context({"svg.hashsalt": "attention", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots(1, len(PANELS))
        for axis, (name, title) in zip(axes, PANELS, strict=True):
            _panel(axis, figures["capacities"], name, title)
        figure.legend(
            *axes[0].get_legend_handles_labels(),
            loc="outside lower center",
            ncols=len(POLICIES),
            frameon=False,
        )
        written = io.BytesIO()
        figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()


def _panel(axis: Axes, rows: list[dict[str, Any]], name: str, title: str) -> None:
    for place, (policy, label, colour) in enumerate(POLICIES):
        for k, row in enumerate(rows):
            told = row[policy].get(name)
            if told is None or told["median"] is None:
                continue
            low, high = told["quarter"], told["three_quarters"]
            above = max((told["median"] if high is None else high) - told["median"], 0.0)
            axis.bar(
                k + (place - 1) * _WIDTH,
                told["median"],
                _WIDTH,
                yerr=[[max(told["median"] - low, 0.0)], [above]],
                color=colour,
                ecolor="#57606a",
                label=label if k == 0 else None,
            )
    axis.set_title(title, fontsize=9)
    axis.set_xticks(range(len(rows)), [f"{row['capacity_fps']:.0f}" for row in rows])
    axis.set_xlabel("frames detected a second")
    axis.spines[["top", "right"]].set_visible(False)
