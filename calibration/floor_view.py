"""The part of the floor that a camera shows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from shapely import MultiPolygon, Point, Polygon

from .visibility import segments_of, visible_area

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from .camera import Pose
    from .fisheye import AnyLens
    from .floor_plan import FloorPlan

TALL_M: Final = 1.8
"""Fixtures at least this tall hide a standing person; lower ones are looked over."""

_SINGULAR: Final = 1e-9
"""Determinant under which the camera lies on the floor itself."""

_HORIZON_POINTS: Final = 721
_BORDER_STEP_PX: Final = 4.0
_FOLD_MARGIN: Final = 0.99
_OFF_WALL_M: Final = 0.1
_NUDGE_M: Final = 0.05
_MOST_NUDGES: Final = 20


def floor_in_view(
    lens: AnyLens,
    pose: Pose | None,
    floor_to_camera: NDArray[np.float64],
    *,
    plan: FloorPlan,
    level: str,
    range_m: float,
) -> BaseGeometry:
    """The walkable floor in the picture and not behind a wall, closed door or tall fixture.

    Without a pose nobody knows where the camera stands, so walls hide nothing.

    Raises:
        UnknownLevel: the plan has no such level.
    """
    walkable = plan.walkable(level)
    shown = _shown_on_floor(lens, floor_to_camera, _farthest_depth_m(pose, range_m))
    if shown.is_empty or pose is None:
        return _areas(shapely.intersection(shown, walkable))
    opaque = opaque_lines(plan, level)
    eye_m = _eye(pose.centre_m[:2], shown, plan, level)
    seen = visible_area(eye_m, segments_of(opaque), range_m)
    return _areas(shapely.intersection(shapely.intersection(shown, _sound(seen)), walkable))


def horizon_px(lens: AnyLens, floor_to_camera: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(N, 2)` pixels along the horizon of the floor, in order; none where the picture has none.

    The horizon is a straight line of the undistorted picture and a curve in a distorted one.
    """
    if abs(np.linalg.det(floor_to_camera)) < _SINGULAR:
        return np.zeros((0, 2))
    row = np.linalg.inv(floor_to_camera)[2].astype(np.float64)
    length = float(np.linalg.norm(row[:2]))
    if length < 1e-9 * abs(row[2]):
        return np.zeros((0, 2))
    normal = row[:2] / length
    foot = -normal * row[2] / length
    aside = np.array([-normal[1], normal[0]]) * math.hypot(1.0, float(np.linalg.norm(foot)))
    turn_rad = np.radians(np.linspace(-89.5, 89.5, _HORIZON_POINTS))
    px, unfolded = lens.to_pixels(foot + np.tan(turn_rad)[:, None] * aside)
    return px[unfolded & lens.in_picture(px)]


def opaque_lines(plan: FloorPlan, level: str) -> BaseGeometry:
    """Walls, doors (taken to be closed) and the outlines of tall fixtures of one level."""
    doors = [o.line for o in plan.openings if o.level == level and o.category == "pedestrian"]
    entrances = [entrance.line for entrance in plan.entrances if entrance.level == level]
    tall = [
        fixture.polygon.boundary
        for fixture in plan.fixtures
        if fixture.level == level and (fixture.height_m or 0.0) >= TALL_M
    ]
    return shapely.union_all([plan.walls(level), *doors, *entrances, *tall])


def _sound(area: BaseGeometry) -> BaseGeometry:
    """`area` as a valid geometry."""
    return _areas(shapely.make_valid(area))


def _areas(geometry: BaseGeometry) -> BaseGeometry:
    """The parts that have an area: Polygon, MultiPolygon, or an empty Polygon."""
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    parts += [
        inner
        for part in shapely.get_parts(geometry)
        if part.geom_type == "MultiPolygon"
        for inner in shapely.get_parts(part)
    ]
    return parts[0] if len(parts) == 1 else MultiPolygon(parts) if parts else Polygon()


def _farthest_depth_m(pose: Pose | None, range_m: float) -> float:
    return range_m if pose is None else math.hypot(range_m, pose.centre_m[2])


def _shown_on_floor(
    lens: AnyLens, floor_to_camera: NDArray[np.float64], farthest_m: float
) -> BaseGeometry:
    """The picture's outline, cut below the horizon and laid on the floor."""
    if abs(np.linalg.det(floor_to_camera)) < _SINGULAR:
        return Polygon()
    to_floor = np.linalg.inv(floor_to_camera).astype(np.float64)
    outline = shapely.segmentize(_usable_picture(lens), _BORDER_STEP_PX)
    rays, valid = lens.to_rays(shapely.get_coordinates(outline))
    if np.count_nonzero(valid) < 4:  # noqa: PLR2004 - a closed ring has four points
        return Polygon()
    picture = _sound(Polygon(rays[valid]))
    ground = shapely.intersection(picture, _below_horizon(to_floor[2], 1.0 / farthest_m))
    return shapely.union_all(
        [_laid_on_floor(part, to_floor) for part in shapely.get_parts(_areas(ground))]
    )


def _laid_on_floor(part: Polygon, to_floor: NDArray[np.float64]) -> BaseGeometry:
    rays = shapely.get_coordinates(part.exterior)
    xyw = np.column_stack([rays, np.ones(len(rays))]) @ to_floor.T
    return _sound(Polygon(xyw[:, :2] / xyw[:, 2:]))


def _usable_picture(lens: AnyLens) -> BaseGeometry:
    """The picture without the corners that lie beyond the fold of the lens model, in pixels."""
    picture = shapely.box(-0.5, -0.5, lens.width_px - 0.5, lens.height_px - 0.5)
    radius = lens.fold_radius * _FOLD_MARGIN
    if math.isinf(radius):
        return picture
    angle_rad = np.linspace(0, 2 * np.pi, 256)
    circle = radius * np.column_stack([np.cos(angle_rad), np.sin(angle_rad)])
    px, _ = lens.to_pixels(circle)
    return shapely.intersection(picture, _sound(Polygon(px)))


def _below_horizon(row: NDArray[np.float64], least: float) -> Polygon:
    """The half of the image plane where `row` (u, v, 1) >= `least`."""
    normal, offset = row[:2], least - row[2]
    length = float(np.linalg.norm(normal))
    huge = 1e4
    if length < 1e-12:  # noqa: PLR2004 - a camera that looks straight down sees no horizon
        return shapely.box(-huge, -huge, huge, huge) if offset <= 0 else Polygon()
    normal = normal / length
    foot = normal * (offset / length)
    aside = np.array([-normal[1], normal[0]]) * huge
    return Polygon(
        [foot - aside, foot + aside, foot + aside + normal * huge, foot - aside + normal * huge]
    )


def _eye(
    centre_m: NDArray[np.float64], shown: BaseGeometry, plan: FloorPlan, level: str
) -> NDArray[np.float64]:
    """The camera's place, moved off the wall on which it hangs towards what it looks at."""
    walls = plan.walls(level)
    rooms = plan.footprint(level)
    shapely.prepare(rooms)
    towards = np.array(shown.centroid.coords[0]) - centre_m
    towards = towards / max(float(np.linalg.norm(towards)), 1e-9)
    for step in range(_MOST_NUDGES):
        eye_m = centre_m + towards * (step * _NUDGE_M)
        place = Point(eye_m)
        if rooms.contains(place) and walls.distance(place) >= _OFF_WALL_M:
            return eye_m
    return centre_m
