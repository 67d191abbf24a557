"""Draws a floor plan: spaces, walls, doors with their numbers, cameras and what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from matplotlib.collections import LineCollection
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from calibration.connectors import LIFT_CATEGORIES, STAIR_CATEGORIES
from calibration.visibility import segments_of

from .plan_labels import LABEL_PT, metres_per_point, write_name
from .underlay_drawing import draw_underlay

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from matplotlib.axes import Axes
    from shapely import Polygon
    from shapely.geometry.base import BaseGeometry

    from calibration.floor_plan import Entrance, FloorPlan, Opening
    from calibration.site import Camera
    from calibration.underlay import Underlay

FLOOR: Final = "#f4f1ea"
CORRIDOR: Final = "#e6e1d3"
SHAFT: Final = "#dce6ef"
CUT_OFF: Final = "#f6d5d2"
MASONRY: Final = "#b5afa3"
SOLID: Final = "#8a857a"
WALL: Final = "#33312d"
DOOR: Final = "#b8893a"
FURNITURE: Final = "#c9c2b2"
WATCHED: Final = "#2f7fc1"
BLIND: Final = "#7a6a4f"
USABLE: Final = "#1b7f3b"
BLOCKED: Final = "#b3261e"
CORRIDORS: Final = frozenset({"walkway", "lobby", "corridor", "hallway"})
SHAFTS: Final = STAIR_CATEGORIES | LIFT_CATEGORIES

_LABEL_PT: Final = LABEL_PT
_OVER_PICTURE: Final = 0.45
_HAIRLINE_M: Final = 0.005
MARGIN_M: Final = 2.5
"""Around a level, for the numbers of its doors."""

_LABEL_OFFSET_M: Final = 1.2
_DOOR_WIDTH_PT: Final = 1.2
_WALL_PT: Final = 0.9
_CAMERA_M: Final = 1.2
_LABEL_AWAY_PT: Final = 5.0
_BESIDE: Final = 0.7


def draw_plan(
    ax: Axes,
    plan: FloorPlan,
    level: str,
    *,
    cameras: Iterable[Camera] = (),
    watched: Mapping[str, BaseGeometry] | None = None,
    names: bool = True,
    underlay: Underlay | None = None,
    unreachable: Collection[str] = (),
    errors: bool = False,
) -> None:
    """Draw one level of `plan` on `ax`, in site metres, with equal scale on both axes.

    Args:
        ax: matplotlib axes; further layers can be drawn on top.
        plan: the plan.
        level: level id.
        cameras: cameras to draw; those of other levels are left out.
        watched: floor that each camera shows, by camera id; computed where not given.
        names: whether to write the spaces' names; those that do not fit are left out.
        underlay: a picture of the level to lay under it.
        unreachable: ids of spaces to mark, as no way leads to them.
        errors: whether to write each camera's calibration error beside it.

    Raises:
        UnknownLevel: the plan has no such level.
        ReportError: the underlay cannot be read.
    """
    if underlay is not None:
        draw_underlay(ax, underlay)
    _draw_spaces(ax, plan, level, 1.0 if underlay is None else _OVER_PICTURE, unreachable)
    own = [camera for camera in cameras if camera.level == level]
    for camera in own:
        seen = camera.visible_floor(plan) if watched is None else watched.get(camera.id)
        if seen is not None:
            fill(ax, seen, facecolor=WATCHED, alpha=0.18, zorder=2)
    _draw_ways(ax, plan, level)
    for camera in own:
        _draw_camera(ax, camera, watched, errors=errors)
    left, bottom, right, top = drawn_bounds(plan, level)
    if names:
        scale = metres_per_point(ax, right - left + 2 * MARGIN_M)
        for space in plan.spaces_on(level):
            write_name(ax, space, scale, BLOCKED if space.id in unreachable else WALL)
    ax.set_xlim(left - MARGIN_M, right + MARGIN_M)
    ax.set_ylim(bottom - MARGIN_M, top + MARGIN_M)
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
        patch = PathPatch(_outline(part), facecolor=facecolor, edgecolor="none")
        patch.set(alpha=alpha, zorder=zorder)
        ax.add_patch(patch)


def hatch(
    ax: Axes, area: BaseGeometry, *, colour: str, pattern: str = "////", zorder: float = 2.5
) -> None:
    """Hatch a Polygon or MultiPolygon in site metres, thinly."""
    for part in shapely.get_parts(area):
        if part.geom_type == "Polygon" and not part.is_empty:
            patch = PathPatch(
                _outline(part), facecolor="none", edgecolor=colour, linewidth=0, hatch=pattern
            )
            patch.set(hatch_linewidth=0.3, alpha=0.55, zorder=zorder)
            ax.add_patch(patch)


def _outline(part: Polygon) -> Outline:
    rings = [shapely.get_coordinates(ring) for ring in (part.exterior, *part.interiors)]
    codes = [
        code
        for ring in rings
        for code in (Outline.MOVETO, *[Outline.LINETO] * (len(ring) - 2), Outline.CLOSEPOLY)
    ]
    return Outline(np.vstack(rings), codes)


def drawn_bounds(plan: FloorPlan, level: str) -> tuple[float, float, float, float]:
    """Left, bottom, right, top of the drawing of a level without its margins, site metres."""
    shapes = [plan.footprint(level), plan.level(level).outline]
    drawn = shapely.union_all([shape for shape in shapes if not shape.is_empty])
    if drawn.is_empty:
        return 0.0, 0.0, 1.0, 1.0
    left, bottom, right, top = drawn.bounds
    return left, bottom, right, top


def _draw_spaces(
    ax: Axes, plan: FloorPlan, level: str, opacity: float, unreachable: Collection[str]
) -> None:
    solid = plan.level(level).outline.difference(plan.footprint(level).buffer(_HAIRLINE_M))
    fill(ax, solid, facecolor=MASONRY, alpha=opacity, zorder=0.8)
    for space in plan.spaces_on(level):
        colour = CORRIDOR if space.category in CORRIDORS else FLOOR
        if space.category in SHAFTS:
            colour = SHAFT
        if not space.walkable:
            colour = SOLID
        if space.id in unreachable:
            colour = CUT_OFF
        fill(ax, space.polygon, facecolor=colour, alpha=opacity, zorder=1)
    for fixture in plan.fixtures:
        if fixture.level == level:
            fill(ax, fixture.polygon, facecolor=FURNITURE, zorder=3)


def _draw_ways(ax: Axes, plan: FloorPlan, level: str) -> None:
    """The walls, and the doors in them."""
    walls = segments_of(plan.walls(level))
    ax.add_collection(LineCollection(list(walls), colors=WALL, linewidths=_WALL_PT, zorder=4))
    for opening in plan.openings:
        if opening.level == level:
            _draw_opening(ax, opening)
    footprint = plan.footprint(level)
    for entrance in plan.entrances:
        if entrance.level == level:
            _draw_entrance(ax, entrance, footprint)


def _draw_opening(ax: Axes, opening: Opening) -> None:
    if opening.category == "open":
        return
    points = shapely.get_coordinates(opening.line)
    colour = BLOCKED if opening.locked else DOOR
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


def _draw_camera(
    ax: Axes, camera: Camera, watched: Mapping[str, BaseGeometry] | None, *, errors: bool
) -> None:
    centre_m = camera.model.centre_m
    if centre_m is None:
        return
    place = np.array(centre_m[:2], dtype=np.float64)
    ahead = np.array([-_BESIDE, -_BESIDE])
    seen = None if watched is None else watched.get(camera.id)
    if seen is not None and not seen.is_empty:
        ahead = np.array(seen.centroid.coords[0]) - place
        ahead /= max(float(np.linalg.norm(ahead)), 1e-9)
        ax.plot(*np.vstack([place, place + _CAMERA_M * ahead]).T, color=WATCHED, lw=1.6, zorder=6)
    ax.plot(*place, marker="o", color=WATCHED, markersize=4, zorder=6)
    error = f" ±{camera.model.floor_error_m:.2f} m" if errors else ""
    aside_pt = -_LABEL_AWAY_PT * ahead  # behind the camera, where it sees nothing
    ax.annotate(
        camera.id + error,
        (float(place[0]), float(place[1])),
        xytext=(float(aside_pt[0]), float(aside_pt[1])),
        textcoords="offset points",
        fontsize=_LABEL_PT,
        color=WATCHED,
        ha="left" if aside_pt[0] >= 0 else "right",
        va="bottom" if aside_pt[1] >= 0 else "top",
        bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "lw": 0, "alpha": 0.7},
        zorder=6.5,
    )
