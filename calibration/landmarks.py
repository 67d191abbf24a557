"""Cameras that are calibrated by surveyed points: places whose pixel is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from vision.columns import require_column

from .camera import CameraModel, Pose
from .errors import DegeneratePoints

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .fisheye import AnyLens

LEAST_LANDMARKS: Final = 4
UNMEASURED_ERROR_M: Final = 0.30
"""Assumed where there are too few landmarks to leave one out."""

_LEAST_HELD_OUT: Final = 3
_LEAST_TO_DROP_ONE: Final = 6
_LEAST_ERROR_M: Final = 0.01
"""Nobody surveys a floor to better than a centimetre."""

_MISREAD: Final = 0.01
"""A landmark farther off than this share of the picture's diagonal was not merely read loosely."""

_LEAST_SPREAD: Final = 0.03
"""Least width of the landmarks across their longest line, as a share of its length."""


@dataclass(frozen=True, slots=True, eq=False)
class CameraFit:
    """A camera found from landmarks and how well they agree.

    Attributes:
        camera: the camera; its `floor_error_m` is the root mean square of `held_out_m` over both
            axes, or `UNMEASURED_ERROR_M` where that could not be measured.
        residual_px: `(N,)` distance between each landmark's pixel and where the camera puts it.
        held_out_m: `(M,)` distances in metres at which single landmarks are placed, at their own
            height, by a camera fitted to all others; infinite where it places one nowhere. Only
            of landmarks whose others fix a camera: none of four.
        measured: whether `held_out_m` has at least three distances, all of them finite.
        dropped: index of a landmark that contradicts all others and was not used, or None.
    """

    camera: CameraModel
    residual_px: NDArray[np.float64]
    held_out_m: NDArray[np.float64]
    measured: bool
    dropped: int | None


def fit_camera(lens: AnyLens, px: NDArray[np.float64], xyz_m: NDArray[np.float64]) -> CameraFit:
    """The camera that sees the places `xyz_m` at the pixels `px`.

    With six landmarks or more, one that was misread is found and left out.

    Args:
        lens: lens of the picture.
        px: `(N, 2)` float64 pixels.
        xyz_m: `(N, 3)` float64 site metres, z above the floor.

    Raises:
        DegeneratePoints: fewer than four landmarks, landmarks on one line, equal landmarks, or
            no camera above the floor that sees them.
    """
    require_column("px", px, shape=(None, 2), dtype=np.float64)
    require_column("xyz_m", xyz_m, shape=(len(px), 3), dtype=np.float64)
    _require_spread(px, xyz_m)
    rays, valid = lens.to_rays(px)
    if not valid.all():
        raise DegeneratePoints(
            f"landmark {np.flatnonzero(~valid)[0] + 1} lies where the lens model folds over; "
            "correct [lens] or choose a point nearer to the middle of the picture"
        )
    survey = _Survey(lens, px, rays, xyz_m)
    pose, dropped = _agreed(survey)
    if pose is None:
        raise DegeneratePoints(
            "no camera above the floor sees these landmarks; check that pixels and metres belong "
            "together and that x is right and y is up on the plan"
        )
    held_out_m = _held_out(survey if dropped is None else survey.without(dropped))
    measured = len(held_out_m) >= _LEAST_HELD_OUT and bool(np.isfinite(held_out_m).all())
    error_m = float(np.sqrt(np.mean(held_out_m**2) / 2)) if measured else UNMEASURED_ERROR_M
    return CameraFit(
        camera=CameraModel.from_pose(lens, pose, max(error_m, _LEAST_ERROR_M)),
        residual_px=survey.residual_px(pose),
        held_out_m=held_out_m,
        measured=measured,
        dropped=dropped,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Survey:
    """Landmarks: `(N, 2)` pixels, their undistorted points and `(N, 3)` places."""

    lens: AnyLens
    px: NDArray[np.float64]
    rays: NDArray[np.float64]
    xyz_m: NDArray[np.float64]

    def without(self, i: int) -> _Survey:
        return _Survey(
            self.lens,
            np.delete(self.px, i, axis=0),
            np.delete(self.rays, i, axis=0),
            np.delete(self.xyz_m, i, axis=0),
        )

    def residual_px(self, pose: Pose) -> NDArray[np.float64]:
        """`(N,)` pixels between each landmark and where the pose puts it; infinite behind it."""
        ahead = _depth_m(pose, self.xyz_m) > 0
        seen_px, unfolded = self.lens.to_pixels(_seen_at(pose, self.xyz_m))
        away_px = np.linalg.norm(seen_px - self.px, axis=1)
        return np.where(ahead & unfolded, away_px, np.inf)


def _agreed(survey: _Survey) -> tuple[Pose | None, int | None]:
    """The pose of all landmarks, or of all but one where that one alone contradicts the rest."""
    pose = _solve(survey)
    limit_px = _MISREAD * math.hypot(survey.lens.width_px, survey.lens.height_px)
    if pose is not None and survey.residual_px(pose).max() <= limit_px:
        return pose, None
    if len(survey.px) < _LEAST_TO_DROP_ONE:
        return pose, None
    best, dropped, least_px = pose, None, limit_px
    for i in range(len(survey.px)):
        others = survey.without(i)
        candidate = _solve(others) if _is_spread(others) else None
        if candidate is None:
            continue
        worst_px = float(others.residual_px(candidate).max())
        if worst_px <= least_px:
            best, dropped, least_px = candidate, i, worst_px
    return best, dropped


def _require_spread(px: NDArray[np.float64], xyz_m: NDArray[np.float64]) -> None:
    n = len(px)
    if n < LEAST_LANDMARKS:
        raise DegeneratePoints(f"{n} landmarks do not fix a camera; survey at least four")
    for name, points in (("metres", xyz_m), ("pixels", px)):
        if len(np.unique(points, axis=0)) < n:
            raise DegeneratePoints(
                f"two landmarks have the same {name}; each must be its own point"
            )
        if _spread(points) < _LEAST_SPREAD:
            raise DegeneratePoints(
                f"all landmarks lie on one line ({name}); survey points to both sides of it"
            )
        for i in range(n):
            if _spread(np.delete(points, i, axis=0)) < _LEAST_SPREAD:
                raise DegeneratePoints(
                    f"all landmarks but number {i + 1} lie on one line ({name}); survey another "
                    "point to the side of it"
                )


def _spread(points: NDArray[np.float64]) -> float:
    """Width of the points across their longest line, as a share of its length; 0 = on a line."""
    sizes = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return float(sizes[1] / sizes[0]) if sizes[0] > 0 else 0.0


def _is_spread(survey: _Survey) -> bool:
    try:
        _require_spread(survey.px, survey.xyz_m)
    except DegeneratePoints:
        return False
    return True


def _solve(survey: _Survey) -> Pose | None:
    """The pose above the floor with the least residual; None where there is none.

    SQPnP (Terzakis and Lourakis 2020) knows no preferred arrangement of points but returns one
    of the two poses that nearly flat arrangements allow; IPPE (Collins and Bartoli 2014) returns
    both for points of one plane. All are refined by Levenberg-Marquardt and compared.
    """
    rays, xyz_m = survey.rays, survey.xyz_m
    best: Pose | None = None
    least = np.inf
    for method in (cv2.SOLVEPNP_SQPNP, cv2.SOLVEPNP_IPPE):
        try:
            _, rotations, translations, _ = cv2.solvePnPGeneric(
                xyz_m, rays, np.eye(3), np.zeros(5), flags=method
            )
        except cv2.error:  # IPPE refuses points that are not of one plane
            continue
        for rotation, translation in zip(rotations, translations, strict=True):
            turn, shift = cv2.solvePnPRefineLM(
                xyz_m, rays, np.eye(3), np.zeros(5), rotation.copy(), translation.copy()
            )
            pose = Pose(
                rotation=np.asarray(cv2.Rodrigues(turn)[0], dtype=np.float64),
                translation=np.asarray(shift, dtype=np.float64).reshape(3),
            )
            if pose.centre_m[2] <= 0 or (_depth_m(pose, xyz_m) <= 0).any():
                continue
            residual = float(np.sum((_seen_at(pose, xyz_m) - rays) ** 2))
            if residual < least:
                best, least = pose, residual
    return best


def _depth_m(pose: Pose, xyz_m: NDArray[np.float64]) -> NDArray[np.float64]:
    depth_m: NDArray[np.float64] = xyz_m @ pose.rotation[2] + pose.translation[2]
    return depth_m


def _seen_at(pose: Pose, xyz_m: NDArray[np.float64]) -> NDArray[np.float64]:
    camera_m = xyz_m @ pose.rotation.T + pose.translation
    rays: NDArray[np.float64] = camera_m[:, :2] / camera_m[:, 2:]
    return rays


def _held_out(survey: _Survey) -> NDArray[np.float64]:
    """`held_out_m` of `CameraFit`."""
    away_m = []
    for i in range(len(survey.px)):
        others = survey.without(i)
        if not _is_spread(others):
            continue
        pose = _solve(others)
        if pose is None:
            away_m.append(np.inf)
            continue
        model = CameraModel.from_pose(survey.lens, pose)
        at_m, valid = model.to_height(survey.px[i : i + 1], survey.xyz_m[i, 2])
        off_m = float(np.linalg.norm(at_m[0] - survey.xyz_m[i, :2]))
        away_m.append(off_m if valid[0] else np.inf)
    return np.array(away_m, dtype=np.float64)
