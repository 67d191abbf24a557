"""The picture of the plan: where the intruder went, and where the answers said so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from matplotlib.figure import Figure

from .plan_drawing import draw_plan, fill

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from calibration.answer import Answer
    from calibration.floor_plan import FloorPlan
    from calibration.site import Site

    from .run_record import RunRecord
    from .scoring import Series

INK: Final = "#1d2733"
QUIET: Final = "#8a94a0"
TRUTH: Final = "#1d2733"
PUBLISHED: Final = "#d1462f"
OTHER: Final = "#3d52b0"
ROUTE: Final = "#1c8a4c"
_INCHES: Final = 11.0
_LOWEST_INCHES: Final = 4.0
_TALLEST_INCHES: Final = 22.0
_BREAK_M: Final = 1.5
"""A line of places is broken where it jumps farther than this within a tenth of a second: the
answer changed its mind, nobody ran there."""


def plan_figure(record: RunRecord, site: Site, series: Series) -> Figure:
    """Return one panel per level with the true path, the published path and all subjects."""
    plan = site.plan
    levels = [level.id for level in plan.levels]
    tall = min(_INCHES * sum(_tallness(plan, level) for level in levels), _TALLEST_INCHES)
    figure = Figure(figsize=(_INCHES, max(tall, _LOWEST_INCHES)))
    panels = figure.subplots(len(levels), 1, squeeze=False)[:, 0]
    final = max(record.answers, key=lambda answer: answer.at_s, default=None)
    underlays = {underlay.level: underlay for underlay in site.underlays}
    cameras = [camera for camera in site.cameras.values() if camera.id in record.frames]
    for axes, level in zip(panels, levels, strict=True):
        draw_plan(axes, plan, level, cameras=cameras, underlay=underlays.get(level))
        _draw_paths(axes, series, level)
        _draw_final(axes, plan, final, level)
        for side in axes.spines.values():
            side.set_visible(False)
        if len(levels) > 1:
            axes.set_title(plan.level(level).name, loc="left")
    handles, labels = panels[0].get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(
        unique.values(), unique.keys(), loc="upper center", ncols=4, frameon=False, fontsize=9
    )
    tall = figure.get_figheight()
    figure.subplots_adjust(left=0.04, right=0.99, bottom=0.5 / tall, top=1 - 0.6 / tall)
    return figure


def _tallness(plan: FloorPlan, level: str) -> float:
    """Height over width of a level's spaces."""
    footprint = plan.footprint(level)
    if footprint.is_empty:
        return 1.0
    left, bottom, right, top = footprint.bounds
    return float((top - bottom) / (right - left))


def _draw_paths(axes: Axes, series: Series, level: str) -> None:
    for xy_m in _tracks_of_others(series, level).values():
        axes.plot(
            *_broken(xy_m).T,
            color=OTHER,
            linewidth=1.0,
            alpha=0.55,
            zorder=7,
            label="other subjects",
        )
    if series.compared is not None:
        there = series.compared.there
        on_level = there.present & (there.level == level)
        for seen, style, label in (
            (True, "-", "intruder (truth), visible"),
            (False, ":", "intruder (truth), not visible"),
        ):
            keep = on_level & (series.compared.visible == seen)
            xy_m = np.where(keep[:, None], there.xy_m, np.nan)
            if keep.any():
                axes.plot(
                    *xy_m.T,
                    color=TRUTH,
                    linewidth=5.0,
                    linestyle=style,
                    alpha=0.35,
                    label=label,
                    zorder=8,
                )
    top = series.top
    keep = top.known & (top.level == level)
    if keep.any():
        xy_m = np.where(keep[:, None], top.xy_m, np.nan)
        axes.plot(
            *_broken(xy_m).T,
            color=PUBLISHED,
            linewidth=1.5,
            zorder=9,
            label="top-ranked subject (published)",
        )


def _draw_final(axes: Axes, plan: FloorPlan, final: Answer | None, level: str) -> None:
    if final is None or not final.subjects or final.subjects[0].level != level:
        return
    subject = final.subjects[0]
    if final.entrances and final.entrances[0].route_m:
        route_m = np.array(final.entrances[0].route_m)
        axes.plot(
            *route_m.T,
            color=ROUTE,
            linewidth=2.2,
            linestyle=(0, (4, 2)),
            zorder=10,
            label="way from the recommended door",
        )
    within = shapely.Point(subject.xy_m).buffer(subject.ce95_m)
    inside = shapely.intersection(within, plan.footprint(level))
    fill(axes, inside, facecolor=PUBLISHED, alpha=0.15, zorder=5)
    axes.plot(
        *subject.xy_m,
        marker="o",
        markersize=9,
        color=PUBLISHED,
        markeredgecolor="white",
        linestyle="none",
        zorder=13,
        label="last seen, with 95 % radius",
    )


def _tracks_of_others(series: Series, level: str) -> dict[str, NDArray[np.float64]]:
    """Places in view of every subject while it was not the top-ranked, `(M, 2)`, NaN elsewhere."""
    tracks: dict[str, NDArray[np.float64]] = {}
    for moment, answer in enumerate(series.timeline.answers):
        for subject in answer.subjects[1:] if answer is not None else ():
            if subject.level == level and subject.visibility == "in view":
                track = tracks.setdefault(
                    subject.subject, np.full((len(series.timeline.t_s), 2), np.nan)
                )
                track[moment] = subject.xy_m
    return tracks


def _broken(xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(M, 2)` places with NaN put in where the line would jump."""
    steps_m = np.linalg.norm(np.diff(xy_m, axis=0), axis=1)
    jumps = np.flatnonzero(steps_m > _BREAK_M) + 1
    return np.insert(xy_m, jumps, np.nan, axis=0)
