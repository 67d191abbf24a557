"""A fit as the calibration page shows it: errors of each point, lines over the picture, advice."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from calibration.comparing import floor_shift
from calibration.error_map import CELL_M, cells, trusted_up_to_m
from calibration.errors import DegeneratePoints
from calibration.floor_lines import grid_m, in_picture, lines_of
from calibration.landmarks import LEAST_FOR_LENS, NEAR_FLOOR_M
from calibration.pose_error import seen_by
from calibration.site_files import LandmarkTable

from . import calibration_schemas as schemas
from .calibration_result import Calibrated, calibrated

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from calibration.camera import CameraModel
    from calibration.fisheye import AnyLens
    from calibration.floor_plan import FloorPlan
    from calibration.site import Camera

GOOD_M: Final = 0.5
"""Expected error up to which a room is told from the next."""

_OUTLYING: Final = 4.0
_LEAST_SUSPECT_M: Final = 0.3
"""A point is suspect where the others place it this much off, and several times as far as most."""

_ENOUGH: Final = 6
_WALL_REACH_M: Final = 0.15
_PICTURE_DETAIL_PX: Final = 0.3
_FLOOR_DETAIL_M: Final = 0.03
_MOST_ARROWS: Final = 60


def lens_with(lens: AnyLens, numbers: schemas.LensNumbers) -> AnyLens:
    """The lens with those numbers that are given."""
    return replace(lens, **numbers.model_dump(exclude_none=True))


def fit_points(
    camera: Camera, plan: FloorPlan, lens: AnyLens, asked: schemas.ClickedPoints
) -> Calibrated:
    """Fit a camera to the points that are used.

    Args:
        camera: the camera as it is in use.
        plan: the floor plan.
        lens: its lens as its file has it.
        asked: the points.

    Raises:
        DegeneratePoints: they do not fix a camera.
    """
    landmarks = [
        LandmarkTable(pixel=point.pixel, metres=point.metres, name=point.name)
        for point in asked.points
        if point.used
    ]
    return calibrated(
        camera.id,
        camera.name,
        camera.level,
        plan,
        lens=lens_with(lens, asked.lens),
        landmarks=landmarks,
        before=camera.model,
        refine_lens=asked.refine_lens,
        way=asked.way,
    )


def answer_of(
    camera: Camera, plan: FloorPlan, lens: AnyLens, asked: schemas.ClickedPoints
) -> schemas.FitAnswer:
    """The fit of points, or why there is none; arguments as of `fit_points`."""
    try:
        done = fit_points(camera, plan, lens, asked)
    except DegeneratePoints as error:
        return schemas.FitAnswer(refusal=_renumbered(str(error), asked), fit=None)
    return schemas.FitAnswer(refusal="", fit=told_fit(done, asked))


def told_fit(done: Calibrated, asked: schemas.ClickedPoints) -> schemas.Fit:
    """A fit in the words of the API."""
    far_m = trusted_up_to_m(done.errors, GOOD_M) if done.bands else math.inf
    points = _points(done, asked)
    return schemas.Fit(
        way=asked.way,
        lens=lens_numbers(done.fit.camera.lens),
        floor_error_m=round(done.fit.camera.floor_error_m, 4),
        measured=done.fit.measured,
        left_out_m=_finite(done.held_out_m),
        trusted_up_to_m=_finite(far_m),
        points=points,
        bands=tuple(
            schemas.Band(
                from_m=band.from_m,
                to_m=band.to_m,
                area_m2=round(band.area_m2, 2),
                median_m=round(band.median_m, 3),
                worst_m=round(band.worst_m, 3),
            )
            for band in done.bands
        ),
        moved=moved(done.before, done.fit.camera, done.floor),
        overlay=overlay_of(done.fit.camera, plan=done.plan, level=done.level, floor=done.floor),
        advice=tuple(_advice(done, points, far_m)),
    )


def lens_numbers(lens: AnyLens) -> dict[str, float]:
    """The numbers of a lens, by their names in a camera's file."""
    keys = ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4")
    return {key: round(float(getattr(lens, key)), 6) for key in keys if hasattr(lens, key)}


def overlay_of(
    camera: CameraModel, *, plan: FloorPlan, level: str, floor: BaseGeometry | None = None
) -> schemas.Overlay:
    """What a calibration says of picture and plan.

    Args:
        camera: the calibrated camera.
        plan: the floor plan.
        level: the camera's level.
        floor: what it shows of it; computed where it is not known yet.
    """
    shown = camera.visible_floor(plan, level) if floor is None else floor
    walls = plan.walls(level).intersection(shown.buffer(_WALL_REACH_M))
    centre_m = camera.centre_m
    simple = shapely.simplify(shown, _FLOOR_DETAIL_M)
    return schemas.Overlay(
        grid_px=_lines(in_picture(camera, grid_m(shown))),
        walls_px=_lines(in_picture(camera, lines_of(walls))),
        horizon_px=_line(camera.horizon_px()),
        floor_m=tuple(
            tuple(_ring(ring) for ring in (polygon.exterior, *polygon.interiors))
            for polygon in shapely.get_parts(simple)
            if polygon.geom_type == "Polygon"
        ),
        camera_m=None if centre_m is None else _place(centre_m),
    )


def moved(
    before: CameraModel | None, after: CameraModel, floor: BaseGeometry
) -> schemas.Moved | None:
    """How the floor that a camera shows moves from one calibration to another."""
    if before is None:
        return None
    shift = floor_shift(before, after, cells(floor, CELL_M))
    moved_m = shift.moved_m
    if not len(moved_m):
        return None
    shown = np.linspace(0, len(moved_m) - 1, min(len(moved_m), _MOST_ARROWS)).astype(np.intp)
    ends = np.column_stack([shift.from_m, shift.to_m])[shown].round(3)
    return schemas.Moved(
        median_m=round(float(np.median(moved_m)), 4),
        p95_m=round(float(np.percentile(moved_m, 95)), 4),
        worst_m=round(float(moved_m.max()), 4),
        arrows_m=tuple((a, b, c, d) for a, b, c, d in ends.tolist()),
    )


def _points(done: Calibrated, asked: schemas.ClickedPoints) -> tuple[schemas.PointError, ...]:
    fit, camera = done.fit, done.fit.camera
    used = np.flatnonzero([point.used for point in asked.points])
    row_of = {int(at): row for row, at in enumerate(used)}
    low = np.array([not one.metres[2:] or one.metres[2] <= NEAR_FLOOR_M for one in done.landmarks])
    known = fit.left_out_m[np.isfinite(fit.left_out_m) & low]
    usual_m = float(np.median(known)) if len(known) else 0.0
    told = []
    for at, point in enumerate(asked.points):
        px = np.array([point.pixel], dtype=np.float64)
        xyz_m = np.array([(*point.metres, 0.0)[:3]], dtype=np.float64)
        seen_px, seen = camera.to_image(xyz_m)
        off_px = float(np.linalg.norm(seen_px[0] - px[0])) if seen[0] else math.inf
        off_m = _off_m(camera, px, xyz_m)
        row = row_of.get(at)
        near_floor = xyz_m[0, 2] <= NEAR_FLOOR_M
        left_out_m = float(fit.left_out_m[row]) if row is not None and near_floor else math.nan
        dropped = row is not None and row in fit.dropped
        told.append(
            schemas.PointError(
                seen_px=_pair(seen_px[0]) if seen[0] else None,
                off_px=_finite(off_px, 2),
                off_m=_finite(off_m),
                left_out_m=_finite(left_out_m),
                believed=row is not None and not dropped,
                suspect=_suspicion(off_px, left_out_m, usual_m, dropped=dropped),
            )
        )
    return tuple(told)


def _off_m(camera: CameraModel, px: NDArray[np.float64], xyz_m: NDArray[np.float64]) -> float:
    """How far a point is from where the camera puts its pixel; infinite where that is nowhere.

    On the floor, that is along the floor. Higher up, where a pixel near the camera's own height is
    metres wide, it is from the line of sight.
    """
    if xyz_m[0, 2] <= NEAR_FLOOR_M or camera.pose is None:
        there_m, valid = camera.to_height(px, float(xyz_m[0, 2]))
        return float(np.linalg.norm(there_m[0] - xyz_m[0, :2])) if valid[0] else math.inf
    rays, valid = camera.lens.to_rays(px)
    sight = np.array([*rays[0], 1.0])
    place = seen_by(camera.pose, xyz_m)[0]
    along = float(place @ sight) / float(sight @ sight)
    return float(np.linalg.norm(place - along * sight)) if valid[0] and along > 0 else math.inf


def _suspicion(off_px: float, left_out_m: float, usual_m: float, *, dropped: bool) -> str:
    if dropped:
        by = f" by {off_px:.0f} px" if math.isfinite(off_px) else ""
        return f"contradicts the others{by} and is not used: look at its pixel and its place"
    if math.isinf(left_out_m):
        return "the others place it nowhere: add points near it"
    if left_out_m > max(_LEAST_SUSPECT_M, _OUTLYING * usual_m):
        return f"the others place it {left_out_m:.2f} m off: look at it, or add points near it"
    return ""


def _advice(done: Calibrated, points: tuple[schemas.PointError, ...], far_m: float) -> list[str]:
    """What would make a fit better."""
    said = []
    count = sum(point.believed for point in points)
    if not done.fit.measured:
        said.append(
            "Its error cannot be measured yet; "
            f"{done.fit.camera.floor_error_m:g} m is assumed. Add points."
        )
    elif count < _ENOUGH:
        said.append(f"{count} points agree; with {_ENOUGH} or more, a misread one is found.")
    if done.fit.measured and math.isfinite(far_m):
        said.append(
            f"From {far_m:.0f} m on, some of the floor has an expected error above {GOOD_M:g} m; "
            "add points out there."
        )
    if done.image_to_floor is None and not any(any(one.metres[2:]) for one in done.landmarks):
        said.append("A point above the floor, such as the top of a door, makes the tilt certain.")
    if not done.refined and count >= LEAST_FOR_LENS and done.fit.sigma_px > _poor_px(done):
        said.append(
            "The points agree less well than clicks do. If the lens is a guess, fit it, too."
        )
    return said


def _poor_px(done: Calibrated) -> float:
    width_px, height_px = done.fit.camera.size_px
    return 0.004 * math.hypot(width_px, height_px)


def _renumbered(refusal: str, asked: schemas.ClickedPoints) -> str:
    """The refusal in the words of the page: landmarks are points, numbered with those set aside."""
    numbers = [str(at + 1) for at, point in enumerate(asked.points) if point.used]

    def of_all(found: re.Match[str]) -> str:
        return f"{found[1]} {numbers[int(found[2]) - 1]}"

    said = refusal.replace("landmark", "point")
    return re.sub(r"\b(number|point) (\d+)", of_all, said) if numbers else said


def _lines(lines: list[NDArray[np.float64]]) -> tuple[schemas.Line, ...]:
    return tuple(_line(line) for line in lines)


def _line(px: NDArray[np.float64]) -> schemas.Line:
    if len(px) < 2:  # noqa: PLR2004 - the ends of a line
        return ()
    simple = shapely.simplify(shapely.LineString(px), _PICTURE_DETAIL_PX)
    return tuple((round(x, 1), round(y, 1)) for x, y in simple.coords)


def _ring(ring: shapely.LinearRing) -> schemas.Line:
    return tuple((round(x, 3), round(y, 3)) for x, y in ring.coords)


def _place(xyz_m: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = xyz_m.round(3).tolist()
    return x, y, z


def _pair(px: NDArray[np.float64]) -> schemas.Pair:
    x, y = px.round(2).tolist()
    return x, y


def _finite(value: float | None, digits: int = 4) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, digits)
