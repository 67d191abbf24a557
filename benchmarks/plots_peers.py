"""Draws the figures of `peers` for the documentation: docs/images/peers.svg."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

HERE = Path(__file__).parent
FIGURES = HERE / "figures" / "amd-epyc-2-cores" / "0.1.0" / "peers.json"
IMAGE = HERE.parent / "docs" / "images" / "peers.svg"
OURS_COLOUR, THEIRS_COLOUR, LIGHT = "#1f5fa8", "#8a8f98", 0.45


def draw(figures: dict[str, Any], path: Path) -> None:
    """Write two plots side by side: frames a second, and the age of frames under overload.

    Args:
        figures: what `benchmarks.peers.measure` returned.
        path: the picture, `.svg` or `.png`.
    """
    names = list(figures["systems"])[::-1]
    colours = [OURS_COLOUR if name == "ours" else THEIRS_COLOUR for name in names]
    labels = [figures["systems"][name].replace(", ", ",\n") for name in names]
    figure = Figure(figsize=(11, 0.75 * len(names) + 1.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    speed = [figures["throughput"][name]["frames_per_s"] for name in names]
    medians = [one["median"] for one in speed]
    spread = [
        [one["median"] - one["low"] for one in speed],
        [one["high"] - one["median"] for one in speed],
    ]
    left.barh(labels, medians, xerr=spread, color=colours, capsize=3)
    left.set_xlabel("camera-frames a second\n(recordings, every frame counts)")
    ages = figures["overload"]
    places = list(range(len(names)))
    for shift, case, alpha in ((0.2, "own_capacity", 1.0), (-0.2, "capacity_of_ours", LIGHT)):
        rows = [ages.get(name, {}).get(case) for name in names]
        p95_ms = [(row or {"frame_age_ms": {"p95": None}})["frame_age_ms"]["p95"] for row in rows]
        bars = right.barh(
            [place + shift for place in places],
            [value or 0.0 for value in p95_ms],
            height=0.38,
            color=colours,
            alpha=alpha,
        )
        told = [
            "" if row is None else f" {value:,.0f} ms, {row['cameras']} cameras"
            for row, value in zip(rows, p95_ms, strict=True)
        ]
        right.bar_label(bars, told, fontsize=8)
    if ages:
        right.set_xscale("log")
        most_ms = max(
            row["frame_age_ms"]["p95"] or 0.0 for age in ages.values() for row in age.values()
        )
        right.set_xlim(50.0, 10.0 * max(most_ms, 50.0))  # room for the words beside the bars
    right.set_xlabel("frame age p95, ms, at twice the cameras that fit\n(dark: it, light: ours)")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    """Draw the figures in git."""
    draw(json.loads(FIGURES.read_text(encoding="utf-8")), IMAGE)


if __name__ == "__main__":
    main()
