"""Draws a floor plan: spaces, walls, doors with their numbers, cameras and what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from matplotlib.collections import LineCollection
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from calibration.visibility import segments_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matplotlib.axes import Axes
    from shapely.geometry.base import BaseGeometry

    from calibration.floor_plan import Entrance, FloorPlan, Opening
    from calibration.site import Camera

FLOOR: Final = "#f4f1ea"
CORRIDOR: Final = "#e6e1d3"
SOLID: Final = "#8a857a"
WALL: Final = "#33312d"
FURNITURE: Final = "#c9c2b2"
WATCHED: Final = "#2f7fc1"
USABLE: Final = "#1b7f3b"
BLOCKED: Final = "#b3261e"
CORRIDORS: Final = frozenset({"walkway", "lobby", "corridor", "hallway"})

_LABEL_PT: Final = 6.0
_MARGIN_M: Final = 2.5
_LABEL_OFFSET_M: Final = 1.2
_DOOR_WIDTH_PT: Final = 1.2
_NARROW_M: Final = 4.0


def draw_plan(
    ax: Axes,
    plan: FloorPlan,
    level: str,
    *,
    cameras: Iterable[Camera] = (),
    watched: Mapping[str, BaseGeometry] | None = None,
    names: bool = True,
) -> None:
    """Draw one level of `plan` on `ax`, in site metres, with equal scale on both axes.

    Args:
        ax: matplotlib axes; further layers can be drawn on top.
        plan: the plan.
        level: level id.
        cameras: cameras to draw; those of other levels are left out.
        watched: floor that each camera shows, by camera id; computed where not given.
        names: whether to write the spaces' names.

    Raises:
        UnknownLevel: the plan has no such level.
    """
    _draw_spaces(ax, plan, level)
    own = [camera for camera in cameras if camera.level == level]
    for camera in own:
        seen = camera.visible_floor(plan) if watched is None else watched.get(camera.id)
        if seen is not None:
            fill(ax, seen, facecolor=WATCHED, alpha=0.18, zorder=2)
    walls = segments_of(plan.walls(level))
    ax.add_collection(LineCollection(list(walls), colors=WALL, linewidths=1.4, zorder=4))
    for opening in plan.openings:
        if opening.level == level:
            _draw_opening(ax, opening)
    footprint = plan.footprint(level)
    for entrance in plan.entrances:
        if entrance.level == level:
            _draw_entrance(ax, entrance, footprint)
    for camera in own:
        _draw_camera(ax, camera)
    if names:
        _write_names(ax, plan, level)
    left, bottom, right, top = footprint.bounds if not footprint.is_empty else (0, 0, 1, 1)
    ax.set_xlim(left - _MARGIN_M, right + _MARGIN_M)
    ax.set_ylim(bottom - _MARGIN_M, top + _MARGIN_M)
    ax.set_aspect("equal")
    ax.set_xlabel("x, metres", fontsize=_LABEL_PT + 1)
    ax.set_ylabel("y, metres", fontsize=_LABEL_PT + 1)
    ax.tick_params(labelsize=_LABEL_PT)


def fill(
    ax: Axes, area: BaseGeometry, *, facecolor: str, alpha: float = 1.0, zorder: float = 1.0
) -> None:
    """Fill a Polygon or MultiPolygon in site metres, with its holes left open."""
    for part in shapely.get_parts(area):
        if part.geom_type != "Polygon" or part.is_empty:
            continue
        rings = [shapely.get_coordinates(ring) for ring in (part.exterior, *part.interiors)]
        codes = [
            code
            for ring in rings
            for code in (Outline.MOVETO, *[Outline.LINETO] * (len(ring) - 2), Outline.CLOSEPOLY)
        ]
        outline = Outline(np.vstack(rings), codes)
        ax.add_patch(
            PathPatch(outline, facecolor=facecolor, edgecolor="none", alpha=alpha, zorder=zorder)
        )


def _draw_spaces(ax: Axes, plan: FloorPlan, level: str) -> None:
    for space in plan.spaces_on(level):
        colour = CORRIDOR if space.category in CORRIDORS else FLOOR
        fill(ax, space.polygon, facecolor=colour if space.walkable else SOLID, zorder=1)
    for fixture in plan.fixtures:
        if fixture.level == level:
            fill(ax, fixture.polygon, facecolor=FURNITURE, zorder=3)


def _draw_opening(ax: Axes, opening: Opening) -> None:
    if opening.category == "open":
        return
    points = shapely.get_coordinates(opening.line)
    colour = BLOCKED if opening.locked else FURNITURE
    ax.plot(*points.T, color=colour, linewidth=_DOOR_WIDTH_PT, zorder=4)


def _draw_entrance(ax: Axes, entrance: Entrance, footprint: BaseGeometry) -> None:
    points = shapely.get_coordinates(entrance.line)
    colour = USABLE if entrance.usable else BLOCKED
    ax.plot(*points.T, color=colour, linewidth=4, solid_capstyle="butt", zorder=5)
    along = points[-1] - points[0]
    outward = np.array([along[1], -along[0]]) / np.linalg.norm(along)
    middle = np.array(entrance.middle_m)
    if footprint.covers(shapely.Point(middle + 0.2 * outward)):
        outward = -outward
    place = middle + _LABEL_OFFSET_M * outward
    ax.text(
        place[0],
        place[1],
        (entrance.door_number or "?") + ("" if entrance.usable else " (out)"),
        color="white",
        fontsize=_LABEL_PT + 1,
        fontweight="bold",
        ha="center",
        va="center",
        bbox={"boxstyle": "round,pad=0.25", "facecolor": colour, "edgecolor": "none"},
        zorder=6,
    )


def _draw_camera(ax: Axes, camera: Camera) -> None:
    centre_m = camera.model.centre_m
    if centre_m is None:
        return
    ax.plot(centre_m[0], centre_m[1], marker="o", color=WATCHED, markersize=4, zorder=6)
    ax.annotate(
        camera.id,
        (centre_m[0], centre_m[1]),
        xytext=(3, 3),
        textcoords="offset points",
        fontsize=_LABEL_PT,
        color=WATCHED,
        zorder=6,
    )


def _write_names(ax: Axes, plan: FloorPlan, level: str) -> None:
    for space in plan.spaces_on(level):
        place = space.polygon.centroid
        if not space.polygon.contains(place):
            place = space.polygon.representative_point()
        left, bottom, right, top = space.polygon.bounds
        upright = right - left < _NARROW_M and top - bottom > right - left
        ax.text(
            place.x,
            place.y,
            space.name,
            fontsize=_LABEL_PT,
            color=WALL,
            ha="center",
            va="center",
            rotation=90 if upright else 0,
            zorder=5,
        )
