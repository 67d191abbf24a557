"""Draws a calibration: its error over the floor plan, and its landmarks in the picture."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from calibration.floor_lines import GRID_M, grid_m, in_picture

from .errors import ReportError
from .plan_drawing import draw_plan
from .whole_files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from .calibration_result import Calibrated

SUFFIXES: Final = (".png", ".svg")
LIMITS_M: Final = (0.1, 0.2, 0.35, 0.5, 1.0, 2.0)
"""Expected errors at which the picture draws a line."""

EXAGGERATED: Final = 10.0
"""How much longer than it is the residual of a landmark is drawn."""

_BELIEVED: Final = "#1b7f3b"
_MISREAD: Final = "#b3261e"
_GRID: Final = "#2f7fc1"
_MARGIN_M: Final = 2.0
_COLOURED_UP_TO_M: Final = (0.2, 2.0)
_DPI: Final = 150


def write_calibration_map(path: Path, done: Calibrated, still: NDArray[np.uint8] | None) -> None:
    """Write the drawing: left the plan with lines of equal error, right the picture.

    Args:
        path: ends in one of `SUFFIXES`.
        done: the calibration.
        still: picture of the camera, BGR, to draw over; None draws over nothing.

    Raises:
        ReportError: another ending, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ReportError(
            f"{path}: a drawing ends in {' or '.join(SUFFIXES)}, not {suffix or 'nothing'}"
        )
    figure = Figure(figsize=(14.0, 6.5), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    plan_ax, picture_ax = figure.subplots(1, 2)
    _draw_floor(figure, plan_ax, done)
    _draw_picture(picture_ax, done, still)
    drawn = io.BytesIO()
    figure.savefig(drawn, format=suffix[1:])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, drawn.getvalue())
    except OSError as error:
        raise ReportError(f"{path}: the drawing cannot be written: {error.strerror}") from error


def _draw_floor(figure: Figure, ax: Axes, done: Calibrated) -> None:
    draw_plan(ax, done.plan, done.level, names=False)
    errors = done.errors
    if len(errors):
        left, bottom = errors.xy_m.min(axis=0).tolist()
        column = np.round((errors.xy_m[:, 0] - left) / errors.cell_m).astype(np.intp)
        row = np.round((errors.xy_m[:, 1] - bottom) / errors.cell_m).astype(np.intp)
        grid = np.full((row.max() + 1, column.max() + 1), np.nan)
        grid[row, column] = errors.error_m
        x_m = left + errors.cell_m * np.arange(column.max() + 1)
        y_m = bottom + errors.cell_m * np.arange(row.max() + 1)
        most_m = float(np.clip(np.nanmax(grid), *_COLOURED_UP_TO_M))
        shown = ax.pcolormesh(
            x_m, y_m, grid, cmap="viridis_r", vmin=0.0, vmax=most_m, alpha=0.75, zorder=2
        )
        figure.colorbar(shown, ax=ax, label="expected error, m", extend="max", shrink=0.7)
        within = [limit for limit in LIMITS_M if np.nanmin(grid) < limit < np.nanmax(grid)]
        if within and min(grid.shape) > 1:
            lines = ax.contour(x_m, y_m, grid, levels=within, colors="black", linewidths=0.7)
            ax.clabel(lines, fmt=lambda limit: f"{limit:g} m", fontsize=7)
    places_m = np.array([landmark.metres[:2] for landmark in done.landmarks])
    wrong = np.isin(np.arange(len(places_m)), done.fit.dropped)
    ax.plot(*places_m[~wrong].T, "o", color=_BELIEVED, markersize=4, zorder=5)
    ax.plot(*places_m[wrong].T, "x", color=_MISREAD, markersize=7, zorder=5)
    pose = done.fit.camera.pose
    assert pose is not None  # noqa: S101 - a fitted camera has one
    centre_m = pose.centre_m[None, :2]
    ax.plot(*centre_m.T, "^", color="black", markersize=7, zorder=5)
    drawn_m = np.concatenate([places_m, errors.xy_m, centre_m])
    low_m, high_m = drawn_m.min(axis=0) - _MARGIN_M, drawn_m.max(axis=0) + _MARGIN_M
    ax.set_xlim(low_m[0], high_m[0])
    ax.set_ylim(low_m[1], high_m[1])
    ax.set_title(f"{done.name}: where the calibration's error grows", fontsize=9)


def _draw_picture(ax: Axes, done: Calibrated, still: NDArray[np.uint8] | None) -> None:
    camera = done.fit.camera
    width_px, height_px = camera.size_px
    if still is not None:
        ax.imshow(
            cv2.cvtColor(still, cv2.COLOR_BGR2RGB),
            extent=(-0.5, width_px - 0.5, height_px - 0.5, -0.5),
        )
    for line_px in in_picture(camera, grid_m(done.floor)):
        ax.plot(*line_px.T, color=_GRID, linewidth=0.5, alpha=0.7)
    horizon_px = camera.horizon_px()
    if len(horizon_px):
        ax.plot(*horizon_px.T, color="black", linewidth=1.0, linestyle="--")
    pixel = np.array([landmark.pixel for landmark in done.landmarks])
    xyz_m = np.array([(*landmark.metres, 0.0)[:3] for landmark in done.landmarks])
    seen_px, _ = camera.to_image(xyz_m)
    for row, landmark in enumerate(done.landmarks):
        colour = _MISREAD if row in done.fit.dropped else _BELIEVED
        longer = 1.0 if row in done.fit.dropped else EXAGGERATED
        end_px = pixel[row] + longer * (seen_px[row] - pixel[row])
        ax.plot(*np.stack([pixel[row], end_px]).T, color=colour, linewidth=1.2)
        ax.plot(*pixel[row], "o", color=colour, markersize=4)
        ax.annotate(
            landmark.name or str(row + 1), pixel[row], fontsize=6, color=colour,
            xytext=(3, 3), textcoords="offset points",
        )  # fmt: skip
    ax.set_xlim(-0.5, width_px - 0.5)
    ax.set_ylim(height_px - 0.5, -0.5)
    ax.set_aspect("equal")
    ax.set_title(
        f"landmarks, with how far they are off drawn {EXAGGERATED:.0f} times as long; floor in "
        f"squares of {GRID_M:g} m; dashed: the horizon",
        fontsize=8,
    )
