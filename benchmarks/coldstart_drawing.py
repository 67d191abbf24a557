"""The figures of `lastseen bench coldstart` as a drawing."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES = (
    ("seen", "first position was read", "#1f6feb"),
    ("all_frames", "all cameras have been looked at", "#2da44e"),
    ("first_frame", "first frame was decoded", "#8a8f98"),
)
WAYS = (("standby", "engine in waiting", "#1f6feb"), ("no_standby", "none waits", "#8a8f98"))
_SIZE_INCHES = (10.0, 3.4)


def draw(figures: dict[str, Any]) -> bytes:
    """Return an SVG: growth with the number of feeds, and what an engine in waiting is worth.

    Args:
        figures: from `benchmarks.coldstart.measure`.
    """
    # The same figures give the same bytes.
    with mpl.rc_context({"svg.hashsalt": "coldstart", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
        FigureCanvasSVG(figure)
        left, right = figure.subplots(1, 2)
        _growth(left, figures)
        _ways(right, figures)
        for axis in (left, right):
            axis.spines[["top", "right"]].set_visible(False)
        written = io.BytesIO()
        figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()


def _growth(axis: Axes, figures: dict[str, Any]) -> None:
    rows = {int(feeds): row for feeds, row in figures["growth"].items()}
    for stage, label, colour in LINES:
        sizes = [feeds for feeds, row in rows.items() if stage in row]
        median = [rows[feeds][stage]["p50"] for feeds in sizes]
        high = [rows[feeds][stage]["p95"] for feeds in sizes]
        axis.plot(sizes, median, marker="o", color=colour, label=label)
        axis.fill_between(sizes, median, high, color=colour, alpha=0.15, linewidth=0)
    axis.axhline(figures["goal_p95_s"], color="#cf222e", linewidth=1, linestyle="--")
    axis.set_xscale("log", base=2)
    axis.set_xticks(list(rows), [str(feeds) for feeds in rows])
    axis.set_ylim(bottom=0.0)
    axis.set_xlabel("feeds that start at once")
    axis.set_title("seconds since the request: median, shaded up to 95 %", fontsize=9)
    axis.legend(frameon=False)


def _ways(axis: Axes, figures: dict[str, Any]) -> None:
    stages = ("told", "first_frame", "first_observation", "seen")
    height = 0.36
    for place, (way, label, colour) in enumerate(WAYS):
        rows = [figures[way].get(stage, {"p50": 0.0, "p95": 0.0}) for stage in stages]
        median = [row["p50"] for row in rows]
        axis.barh(
            [k + (place - 0.5) * height for k in range(len(stages))],
            median,
            height,
            xerr=[[0.0] * len(rows), [row["p95"] - row["p50"] for row in rows]],
            color=colour,
            ecolor="#57606a",
            label=label,
        )
    axis.axvline(figures["goal_p95_s"], color="#cf222e", linewidth=1, linestyle="--")
    axis.set_yticks(range(len(stages)), [stage.replace("_", " ") for stage in stages])
    axis.invert_yaxis()
    axis.set_title(f"{figures['feeds']} feeds, seconds: median and 95 %", fontsize=9)
    axis.legend(frameon=False)
