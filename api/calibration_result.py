"""A camera that was fitted to landmarks, and its file with the new calibration.

What `lastseen calibrate` and the calibration page share.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from calibration.camera import VIEW_RANGE_M
from calibration.camera_writing import Rewritten, rewritten
from calibration.comparing import floor_shift
from calibration.error_map import CELL_M, ErrorBand, ErrorMap, by_distance, cells, error_map
from calibration.homography_fit import fit_homography
from calibration.landmarks import CameraFit, fit_camera

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from calibration.camera import CameraModel
    from calibration.fisheye import AnyLens
    from calibration.floor_plan import FloorPlan
    from calibration.site_files import LandmarkTable

Way = Literal["pose", "homography"]
"""What is fitted: where the camera stands, or only how it shows the floor."""

_DIGITS: Final = 9
_LENS_KEYS: Final = ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4")
_LENS_DIGITS: Final = 6


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """A camera that was fitted, and how sure it is.

    Attributes:
        camera_id: its id.
        name: where it hangs.
        level: its level.
        plan: the site's floor plan.
        landmarks: the survey, in its order.
        fit: the camera and its residuals.
        before: the camera by the pose or homography that its file has now; None without one.
        floor: the walkable floor that it shows, site metres.
        errors: expected error over that floor.
        bands: the same by distance; none where nobody knows where the camera stands.
        refined: whether focal length and k1 were fitted, too.
        image_to_floor: `(3, 3)` the homography that was fitted; None where a pose was.
    """

    camera_id: str
    name: str
    level: str
    plan: FloorPlan
    landmarks: tuple[LandmarkTable, ...]
    fit: CameraFit
    before: CameraModel | None
    floor: BaseGeometry
    errors: ErrorMap
    bands: tuple[ErrorBand, ...]
    refined: bool
    image_to_floor: NDArray[np.float64] | None = None

    @property
    def not_believed(self) -> tuple[str, ...]:
        """Names of the landmarks that contradict the others."""
        return tuple(label(self.landmarks, row) for row in self.fit.dropped)

    @property
    def moved_m(self) -> NDArray[np.float64] | None:
        """`(N,)` how far the new calibration moves the cells of `errors`; None without one now."""
        if self.before is None:
            return None
        return floor_shift(self.before, self.fit.camera, self.errors.xy_m).moved_m

    @property
    def held_out_m(self) -> float | None:
        """Root mean square distance of left-out landmarks; None where it was not measured."""
        held_out_m = self.fit.held_out_m
        return float(np.sqrt(np.mean(held_out_m**2))) if self.fit.measured else None


def calibrated(
    camera_id: str,
    name: str,
    level: str,
    plan: FloorPlan,
    *,
    lens: AnyLens,
    landmarks: Sequence[LandmarkTable],
    before: CameraModel | None,
    refine_lens: bool = False,
    way: Way = "pose",
    range_m: float = VIEW_RANGE_M,
) -> Calibrated:
    """Fit a camera to landmarks.

    Args:
        camera_id: its id.
        name: where it hangs.
        level: its level, one of the plan's.
        plan: the floor plan.
        lens: its lens, or what is known of it.
        landmarks: the survey.
        before: what is known of it now.
        refine_lens: fit focal length and k1, too; not with a homography.
        way: what to fit.
        range_m: how far from the camera the error is told.

    Raises:
        DegeneratePoints: the landmarks do not fix a camera.
    """
    px = np.array([landmark.pixel for landmark in landmarks], dtype=np.float64).reshape(-1, 2)
    xyz_m = np.array([(*one.metres, 0.0)[:3] for one in landmarks], np.float64).reshape(-1, 3)
    matrix = None
    if way == "homography":
        fit, matrix = fit_homography(lens, px, xyz_m)
    else:
        fit = fit_camera(lens, px, xyz_m, refine_lens=refine_lens)
    floor = fit.camera.visible_floor(plan, level, range_m)
    posed = fit.camera.centre_m is not None
    errors = error_map(fit.camera, floor) if posed else _the_same_everywhere(fit.camera, floor)
    return Calibrated(
        camera_id=camera_id,
        name=name,
        level=level,
        plan=plan,
        landmarks=tuple(landmarks),
        fit=fit,
        before=before,
        floor=floor,
        errors=errors,
        bands=by_distance(errors) if posed else (),
        refined=refine_lens and way == "pose",
        image_to_floor=matrix,
    )


def label(landmarks: Sequence[LandmarkTable], row: int) -> str:
    """The landmark's name, or its number where it has none."""
    return landmarks[row].name or f"number {row + 1}"


def new_file(done: Calibrated, text: str, today: dt.date, *, survey: bool) -> Rewritten:
    """The camera's file with the new calibration.

    Where the error could not be measured the file gets the landmarks alone, from which the pose is
    found whenever it is read, with the warning that goes with them.

    Args:
        done: what was found.
        text: the file as it is.
        today: date to note.
        survey: whether the landmarks came from elsewhere and are to be put into the file.
    """
    camera = done.fit.camera
    tables: dict[str, dict[str, Any]] = {}
    landmarks = [_table(landmark) for landmark in done.landmarks] if survey else None
    if done.image_to_floor is not None:
        landmarks = []  # a file has one calibration, and from landmarks a pose would be found
        tables["homography"] = {"image_to_floor": _homography(done.image_to_floor)}
    elif camera.pose is not None and camera.calibration_cov is not None:
        tables["pose"] = {
            "R": _rounded(camera.pose.rotation),
            "t": _rounded(camera.pose.translation),
        }
        tables["calibration"] = {
            "date": today,
            "landmarks": len(done.landmarks) - len(done.fit.dropped),
            "not_believed": list(done.not_believed),
            "sigma_px": round(done.fit.sigma_px, 3),
            "held_out_m": round(done.held_out_m or 0.0, 4),
            "covariance": [
                [float(f"{value:.6e}") for value in row] for row in camera.calibration_cov.tolist()
            ],
        }
    return rewritten(
        text,
        tables=tables,
        top={"floor_error_m": round(camera.floor_error_m, 4)},
        lens=_changed_lens(tomllib.loads(text).get("lens", {}), camera.lens),
        landmarks=landmarks,
    )


def _the_same_everywhere(camera: CameraModel, floor: BaseGeometry) -> ErrorMap:
    xy_m = cells(floor, CELL_M)
    return ErrorMap(
        xy_m=xy_m,
        error_m=np.full(len(xy_m), camera.floor_error_m * np.sqrt(2.0)),
        away_m=np.full(len(xy_m), np.nan),
        cell_m=CELL_M,
    )


def _changed_lens(written: Mapping[str, Any], lens: AnyLens) -> dict[str, float]:
    """The numbers of a lens that a file has otherwise, or not at all."""
    changed = {}
    for key in _LENS_KEYS:
        value = round(float(getattr(lens, key, 0.0)), _LENS_DIGITS)
        if abs(value - float(written.get(key, 0.0))) >= 10.0**-_LENS_DIGITS:
            changed[key] = value
    return changed


def _homography(matrix: NDArray[np.float64]) -> list[list[float]]:
    """Its rows at a scale at which twelve digits say all of it."""
    scaled = matrix / np.abs(matrix).max()
    return [[float(f"{value:.12g}") for value in row] for row in scaled.tolist()]


def _table(landmark: LandmarkTable) -> dict[str, Any]:
    named = {"name": landmark.name} if landmark.name else {}
    return named | {"pixel": list(landmark.pixel), "metres": list(landmark.metres)}


def _rounded(values: NDArray[np.float64]) -> list[Any]:
    rounded: list[Any] = (np.round(values, _DIGITS) + 0.0).tolist()
    return rounded
