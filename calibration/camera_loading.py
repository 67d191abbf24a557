"""Reads `cameras/<id>.toml`: each camera's calibration, checked against the plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from vision.view_features import ReferenceFileError, ViewFeatures, from_bytes

from .camera import HOMOGRAPHY_ERROR_M, POSE_ERROR_M, VIEW_RANGE_M, CameraModel, Pose
from .errors import DegeneratePoints, Problem
from .fisheye import FisheyeLens
from .homography import camera_from_homography
from .landmarks import CameraFit, fit_camera
from .lens import Lens
from .site_files import CameraFile, LandmarkTable, LensTable, PoseTable
from .validation import check, read_toml

if TYPE_CHECKING:
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

    from vision.address import CameraAddress

    from .fisheye import AnyLens
    from .floor_plan import FloorPlan

CAMERA_FOLDER: Final = "cameras"
Calibration = Literal["pose", "homography", "landmarks"]

_POORLY_CALIBRATED_M: Final = 0.5
_ROTATION_TOLERANCE: Final = 1e-3
_NEAR_SPACE_M: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """One camera of a site.

    Attributes:
        id: camera id, the name of its file.
        name: where it hangs, in words.
        level: level id.
        placement: interior cameras are watched on a grant only.
        address: where its stream is; None in a drill.
        model: pixels to metres.
        calibrated_by: what its file gives.
        reference: corners of what it showed when it was calibrated, to notice that it has been
            moved; None where none were saved.
        sub_address: where its stream of a lower resolution is; None where it has none.
    """

    id: str
    name: str
    level: str
    placement: Literal["interior", "exterior"]
    address: CameraAddress | None
    model: CameraModel
    calibrated_by: Calibration
    reference: ViewFeatures | None = None
    sub_address: CameraAddress | None = None

    def visible_floor(self, plan: FloorPlan, range_m: float = VIEW_RANGE_M) -> BaseGeometry:
        """The walkable floor that the camera shows, see `CameraModel.visible_floor`."""
        return self.model.visible_floor(plan, self.level, range_m)


def load_cameras(
    folder: Path,
    levels: frozenset[str] | None,
    plan: FloorPlan | None,
    problems: list[Problem],
) -> dict[str, Camera]:
    """The cameras of `cameras/*.toml`, by id; adds to `problems` what is wrong with them.

    Args:
        folder: the site folder.
        levels: ids of the site's levels, None where they are not known.
        plan: the floor plan, None where it could not be built.
        problems: receives errors and warnings.
    """
    cameras: dict[str, Camera] = {}
    for path in sorted((folder / CAMERA_FOLDER).glob("*.toml")):
        name = f"{CAMERA_FOLDER}/{path.name}"
        table = read_toml(path, name, problems)
        file = None if table is None else check(CameraFile, table, name, problems)
        if file is None:
            continue
        if file.id != path.stem:
            problems.append(
                Problem(name, "id", f"{file.id!r} is not the file's name; write {path.stem!r}")
            )
        if levels is not None and file.level not in levels:
            known = ", ".join(sorted(levels))
            problems.append(
                Problem(name, "level", f"unknown level {file.level!r}; site.toml has {known}")
            )
        model = model_of(file, name, problems)
        if model is None:
            continue
        camera = Camera(
            id=file.id,
            name=file.name,
            level=file.level,
            placement=file.placement,
            address=file.address,
            model=model,
            calibrated_by=_way(file),
            reference=_reference(path.with_name(reference_file(file.id)), model, problems),
            sub_address=file.sub_address,
        )
        cameras[file.id] = camera
        if plan is not None and levels is not None and file.level in levels:
            _check_place(camera, name, plan, problems)
    if not cameras and not any(p.file.startswith(CAMERA_FOLDER) for p in problems):
        problems.append(
            Problem(CAMERA_FOLDER, "", "the site has no camera; add cameras/<id>.toml", "warning")
        )
    return cameras


def model_of(file: CameraFile, name: str, problems: list[Problem]) -> CameraModel | None:
    """The camera of a file; None after adding to `problems`, as `load_cameras` does."""
    lens = lens_of(file.lens)
    try:
        if file.pose is not None:
            return _posed(lens, file.pose, file, name, problems)
        if file.homography is not None:
            matrix = np.array(file.homography.image_to_floor, dtype=np.float64)
            error_m = file.floor_error_m or HOMOGRAPHY_ERROR_M
            return camera_from_homography(lens, matrix, error_m)
        return _surveyed(lens, file.landmarks, file.floor_error_m, name, problems)
    except DegeneratePoints as error:
        problems.append(Problem(name, _way(file), str(error)))
        return None


def reference_file(camera_id: str) -> str:
    """Name of the file beside the camera's that holds what it showed when it was calibrated."""
    return f"{camera_id}.reference.npz"


def _reference(path: Path, model: CameraModel, problems: list[Problem]) -> ViewFeatures | None:
    """The saved corners; None, with a warning, where they cannot be used.

    Without them a camera is held against its first pictures, so no emergency waits for them.
    """
    name = f"{CAMERA_FOLDER}/{path.name}"
    try:
        features = from_bytes(path.read_bytes(), name)
    except FileNotFoundError:
        return None
    except (OSError, ReferenceFileError) as error:
        problems.append(Problem(name, "", str(error).removeprefix(f"{name}: "), "warning"))
        return None
    width_px, height_px = features.size_px
    if abs(width_px * model.size_px[1] - height_px * model.size_px[0]) > max(model.size_px):
        problems.append(
            Problem(
                name,
                "size_px",
                f"is of a picture of {width_px}x{height_px}, the lens of one of "
                f"{model.size_px[0]}x{model.size_px[1]}; make it again with lastseen calibrate "
                "--still",
                "warning",
            )
        )
        return None
    return features


def lens_of(table: LensTable) -> AnyLens:
    """The lens of a camera's file."""
    values = table.model_dump(exclude={"model"})
    if table.model == "fisheye":
        del values["p1"], values["p2"]
        return FisheyeLens(**values)
    del values["k4"]
    return Lens(**values)


def _way(file: CameraFile) -> Calibration:
    if file.pose is not None:
        return "pose"
    return "landmarks" if file.homography is None else "homography"


def _posed(
    lens: AnyLens,
    table: PoseTable,
    file: CameraFile,
    name: str,
    problems: list[Problem],
) -> CameraModel | None:
    rotation = np.array(table.R, dtype=np.float64)
    off = float(np.abs(rotation @ rotation.T - np.eye(3)).max())
    if off > _ROTATION_TOLERANCE:
        problems.append(
            Problem(
                name,
                "pose.R",
                f"is no rotation: its rows must be at right angles and of length 1 (R R^T is off "
                f"by {off:.2g}); write it with at least 6 digits",
            )
        )
        return None
    if np.linalg.det(rotation) < 0:
        problems.append(
            Problem(
                name,
                "pose.R",
                "is a mirror image, not a rotation (its determinant is -1); site axes are x "
                "right, y up on the plan, z up, and camera axes x right, y down, z forward",
            )
        )
        return None
    u, _, vt = np.linalg.svd(rotation)
    pose = Pose(rotation=u @ vt, translation=np.array(table.t, dtype=np.float64))
    if pose.centre_m[2] <= 0:
        problems.append(
            Problem(
                name,
                "pose",
                f"puts the camera {-pose.centre_m[2]:.2f} m below the floor; t must be -R c with "
                "the camera's place c in site metres",
            )
        )
        return None
    cov = None if file.calibration is None else np.array(file.calibration.covariance, np.float64)
    return CameraModel.from_pose(lens, pose, file.floor_error_m or POSE_ERROR_M, cov)


def _surveyed(
    lens: AnyLens,
    landmarks: tuple[LandmarkTable, ...],
    floor_error_m: float | None,
    name: str,
    problems: list[Problem],
) -> CameraModel:
    px = np.array([landmark.pixel for landmark in landmarks], dtype=np.float64)
    xyz_m = np.array([(*landmark.metres, 0.0)[:3] for landmark in landmarks], dtype=np.float64)
    fit = fit_camera(lens, px, xyz_m)
    doubt = _doubt(fit, [landmark.name for landmark in landmarks])
    if doubt:
        problems.append(Problem(name, "landmarks", doubt, "warning"))
    if floor_error_m is None:
        return fit.camera
    pose = fit.camera.pose
    assert pose is not None  # noqa: S101 - a fitted camera has one
    return CameraModel.from_pose(lens, pose, floor_error_m)


def _doubt(fit: CameraFit, names: list[str]) -> str:
    """What speaks against a camera's landmarks; empty where nothing does."""
    if fit.dropped:
        labels = ", ".join(
            f"{names[row] or f'number {row + 1}'} contradicts all others (by "
            f"{fit.residual_px[row]:.0f} px)"
            for row in fit.dropped
        )
        return f"{labels} and is not used; check its pixel and its metres"
    if not len(fit.held_out_m):
        return (
            "four landmarks leave none to measure the error with; "
            f"{fit.camera.floor_error_m} m is assumed until a fifth is added"
        )
    if not fit.measured:
        return (
            "single landmarks hold this calibration, so its error cannot be measured; "
            f"{fit.camera.floor_error_m} m is assumed until more are added"
        )
    if fit.camera.floor_error_m > _POORLY_CALIBRATED_M:
        worst = int(np.argmax(fit.residual_px))
        return (
            "do not agree with each other: each is placed up to "
            f"{fit.held_out_m.max():.2f} m off by the others; check "
            f"{names[worst] or f'number {worst + 1}'} ({fit.residual_px[worst]:.1f} px off) first"
        )
    return ""


def _check_place(camera: Camera, name: str, plan: FloorPlan, problems: list[Problem]) -> None:
    centre_m = camera.model.centre_m
    if centre_m is not None and camera.placement == "interior":
        inside = plan.space_at(camera.level, centre_m[None, :2], within_m=_NEAR_SPACE_M)
        if inside[0] is None:
            place = f"({centre_m[0]:.1f}, {centre_m[1]:.1f})"
            problems.append(
                Problem(
                    name,
                    "pose",
                    f"puts this interior camera at {place}, outside every space of level "
                    f"{camera.level}; check its calibration",
                    "warning",
                )
            )
    if camera.placement == "interior" and camera.visible_floor(plan).is_empty:
        problems.append(
            Problem(
                name, "", "sees no walkable floor of its level; check its calibration", "warning"
            )
        )
