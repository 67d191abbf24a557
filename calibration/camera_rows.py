"""Boxes of many cameras at once: each row of pixels with the model of its own camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from .camera import BORDER_PX, FARTHEST_M, SURVEY_ERROR_M
from .lens import Lens
from .lens_rows import LensRows
from .pose_error import LENS_NUMBERS, POSE_NUMBERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .camera import CameraModel

_NUMBERS: Final = POSE_NUMBERS + LENS_NUMBERS


def has_rows(camera: CameraModel) -> bool:
    """Whether a camera can be among those of a `CameraRows`: a pinhole whose place is known."""
    return camera.pose is not None and isinstance(camera.lens, Lens)


@dataclass(frozen=True, slots=True, eq=False)
class CameraRows:
    """The camera of each of `N` rows; see `calibration.camera.CameraModel`.

    Attributes:
        cameras: the different cameras, of which `has_rows` is true.
        camera_of: `(N,)` which of them each row has.
        lens: the lens of each row.
        rotation: `(N, 3, 3)` from site metres to camera axes.
        translation: `(N, 3)` metres.
    """

    cameras: tuple[CameraModel, ...]
    camera_of: NDArray[np.intp]
    lens: LensRows
    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]

    @classmethod
    def of(cls, cameras: Sequence[CameraModel], camera_of: NDArray[np.intp]) -> CameraRows:
        """The camera `cameras[camera_of[n]]` for row n.

        Raises:
            ValueError: one of the cameras has no pose or is no pinhole.
        """
        lenses = [one.lens for one in cameras if isinstance(one.lens, Lens)]
        poses = [one.pose for one in cameras if one.pose is not None]
        if len(lenses) < len(cameras) or len(poses) < len(cameras):
            raise ValueError("cameras: expected pinholes with a pose")
        return cls(
            tuple(cameras),
            camera_of,
            LensRows.of(lenses, camera_of),
            np.array([pose.rotation for pose in poses]).reshape(-1, 3, 3)[camera_of],
            np.array([pose.translation for pose in poses]).reshape(-1, 3)[camera_of],
        )

    def only(self, rows: NDArray[np.intp]) -> CameraRows:
        """Some of the rows."""
        return CameraRows(
            self.cameras,
            self.camera_of[rows],
            self.lens.only(rows),
            self.rotation[rows],
            self.translation[rows],
        )

    def to_image(self, xyz_m: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Pixels `(N * M, 2)` of `(N * M, 3)` points, M for each row, and validity.

        As `CameraModel.to_image`.
        """
        points_m = xyz_m.reshape(len(self.camera_of), -1, 3)
        camera_m = points_m @ self.rotation.transpose(0, 2, 1) + self.translation[:, None]
        known = np.asarray(np.isfinite(camera_m).all(axis=2))
        ahead = known & (np.where(known, camera_m[..., 2], 0.0) > 0.0)
        depth = np.where(ahead, camera_m[..., 2], 1.0)
        rays = np.where(ahead[..., None], camera_m[..., :2] / depth[..., None], 0.0)
        px, unfolded = self.lens.to_pixels(rays)
        shown = ahead & unfolded
        px = np.where(shown[..., None], px, 0.0)
        inside = shown & self.lens.in_picture(px, 0.5)
        return px.reshape(-1, 2), inside.reshape(-1)

    def sight(self, px: NDArray[np.float64], height_m: NDArray[np.float64]) -> SightRows:
        """What `(N, 2)` pixels show of planes, each of that `height_m`, `(N,)`, above the floor."""
        finite = np.asarray(np.isfinite(px).all(axis=1))
        rays, reached = self.lens.to_rays(np.where(finite[:, None], px, self.lens.middle_px))
        reached &= finite & self.lens.in_picture(px, BORDER_PX)
        return self.onto_plane(np.where(reached[:, None], rays, 0.0), reached, height_m)

    def onto_plane(
        self,
        rays: NDArray[np.float64],
        reached: NDArray[np.bool_],
        height_m: NDArray[np.float64],
    ) -> SightRows:
        """As `sight`, of undistorted points `(N, 2)` where there are any, `reached`."""
        heights_m, plane_of = np.unique(height_m, return_inverse=True)
        planes = [
            camera.camera_to_plane(height)
            for height in heights_m.tolist()
            for camera in self.cameras
        ]
        known = np.array([np.zeros((3, 3)) if one is None else one for one in planes])
        to_plane = known.reshape(-1, 3, 3)[plane_of * len(self.cameras) + self.camera_of]
        xyw = (to_plane[:, :, :2] @ rays[:, :, None])[:, :, 0] + to_plane[:, :, 2]
        valid = reached & (xyw[:, 2] > np.sqrt(1.0 + (rays**2).sum(axis=1)) / FARTHEST_M)
        per_depth = np.where(valid, xyw[:, 2], 1.0)[:, None]
        xy_m = np.where(valid[:, None], xyw[:, :2] / per_depth, 0.0)
        return SightRows(self, height_m, rays, reached, xy_m, valid, per_depth, to_plane)


@dataclass(frozen=True, slots=True, eq=False)
class SightRows:
    """What pixels show of a plane, row by row.

    Attributes:
        cameras: the camera of each row.
        height_m: `(N,)` height of the plane above the floor.
        rays: `(N, 2)` undistorted points of the pixels; zero where there are none.
        reached: `(N,)` whether the pixels are in their pictures and have such a point.
        xy_m: `(N, 2)` site metres; zero where invalid.
        valid: `(N,)` whether the pixel shows the plane.
        per_depth: `(N, 1)` inverse of the depth; 1 where invalid.
        to_plane: `(N, 3, 3)` from camera axes to the plane's homogeneous points.
    """

    cameras: CameraRows
    height_m: NDArray[np.float64]
    rays: NDArray[np.float64]
    reached: NDArray[np.bool_]
    xy_m: NDArray[np.float64]
    valid: NDArray[np.bool_]
    per_depth: NDArray[np.float64]
    to_plane: NDArray[np.float64]

    def raised(self, height_m: NDArray[np.float64]) -> SightRows:
        """What the same pixels show of other planes."""
        return self.cameras.onto_plane(self.rays, self.reached, height_m)

    def jacobian(self) -> NDArray[np.float64]:
        """`(N, 2, 2)` derivatives of site metres by pixels; zero where invalid."""
        last = self.to_plane[:, None, 2, :2]
        by_ray = self.to_plane[:, :2, :2] - self.xy_m[:, :, None] * last
        by_ray = by_ray / self.per_depth[:, :, None]
        px_by_ray = self.cameras.lens.pixel_jacobian(self.rays)
        return np.where(self.valid[:, None, None], by_ray @ _inverse(px_by_ray), 0.0)

    def calibration_cov_m2(self, jacobian: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(N, 2, 2)` what the errors of the calibrations mean; see `CameraModel`.

        Args:
            jacobian: `(N, 2, 2)` from `jacobian`.
        """
        cameras = self.cameras.cameras
        same = np.array([one.floor_error_m**2 for one in cameras])[self.cameras.camera_of]
        found = same[:, None, None] * np.eye(2)
        fitted = np.array([one.calibration_cov is not None for one in cameras], np.bool_)
        rows = np.flatnonzero(fitted[self.cameras.camera_of])
        if len(rows):
            found[rows] = self._fitted_cov_m2(rows, jacobian[rows])
        return found

    def _fitted_cov_m2(
        self, rows: NDArray[np.intp], jacobian: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """`calibration_cov_m2` of rows whose camera was fitted; see `calibration.pose_error`."""
        cameras = self.cameras.only(rows)
        covs = np.zeros((len(cameras.cameras), _NUMBERS, _NUMBERS))
        for cov, camera in zip(covs, cameras.cameras, strict=True):
            if camera.calibration_cov is not None:
                numbers = len(camera.calibration_cov)
                cov[:numbers, :numbers] = camera.calibration_cov
        xy_m, valid = self.xy_m[rows], self.valid[rows]
        xyz_m = np.column_stack([xy_m, self.height_m[rows]])
        camera_m = (cameras.rotation @ xyz_m[:, :, None])[:, :, 0] + cameras.translation
        # An invalid pixel stands for the first place that is in front of the camera.
        camera_m = np.where(valid[:, None], camera_m, (0.0, 0.0, 1.0))
        moved = jacobian @ _by_calibration(cameras.lens, camera_m)
        cov_m2 = moved @ covs[cameras.camera_of] @ moved.transpose(0, 2, 1)
        return cov_m2 + np.eye(2) * SURVEY_ERROR_M**2


def _by_calibration(lens: LensRows, camera_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(N, 2, 8)` derivatives of pixels by all numbers of `calibration.pose_error`."""
    x, y, z = camera_m.T
    rays = camera_m[:, :2] / camera_m[:, 2:]
    by_place = np.zeros((len(rays), 2, 3))
    by_place[:, 0, 0] = by_place[:, 1, 1] = 1.0 / z
    by_place[:, :, 2] = -rays / camera_m[:, 2:]
    by_shift = lens.pixel_jacobian(rays) @ by_place
    # The columns are cross(e_k, x) for the three axes e_k.
    nothing = np.zeros_like(x)
    by_turn = np.stack([nothing, z, -y, -z, nothing, x, y, -x, nothing], axis=1)
    found = np.empty((len(rays), 2, _NUMBERS))
    found[:, :, :3] = by_shift @ by_turn.reshape(-1, 3, 3)
    found[:, :, 3:POSE_NUMBERS] = by_shift
    px, _ = lens.to_pixels(rays[:, None])
    found[:, :, 6] = px[:, 0] - lens.middle_px
    found[:, :, 7] = rays * (rays**2).sum(axis=1)[:, None] * lens.focal_px
    return found


def _inverse(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverses of `(N, 2, 2)` matrices."""
    a, b, c, d = matrices.reshape(-1, 4).T
    adjugate = np.stack([d, -b, -c, a], axis=1).reshape(-1, 2, 2)
    inverse: NDArray[np.float64] = adjugate / (a * d - b * c)[:, None, None]
    return inverse
