"""A calibrated camera: pixels to places on the floor, and back.

With the pose x_cam = R x + t, the plane z = h is seen through M = [r1 r2 (h r3 + t)]: the
undistorted point (u, v, 1) times its depth equals M (x, y, 1). Its inverse therefore gives
(x, y, 1) / depth (Hartley and Zisserman, "Multiple view geometry", 2nd edition, section 8.1), and
the sign of the third coordinate says whether the place is in front of the camera; behind it lies
what the picture shows above the horizon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from vision.columns import require_column

from .floor_view import floor_in_view, horizon_px
from .pose_error import floor_cov_m2, seen_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from .fisheye import AnyLens
    from .floor_plan import FloorPlan

POSE_ERROR_M: Final = 0.05
"""Calibration error assumed for a pose that comes without a measured one."""

HOMOGRAPHY_ERROR_M: Final = 0.10
"""Calibration error assumed for a homography that comes without a measured one."""

SURVEY_ERROR_M: Final = 0.01
"""Nobody surveys a floor to better than a centimetre."""

VIEW_RANGE_M: Final = 25.0
"""How far a camera is counted on to show a person, where nothing else is said."""

FARTHEST_M: Final = 1000.0
"""Nearer to the horizon than what is so far away, no place is told."""

BORDER_PX: Final = 1.0
"""A box may end on the picture's edge, half a pixel beyond the centre of the last pixel."""


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """Where a camera stands: x_cam = `rotation` x + `translation`.

    Attributes:
        rotation: `(3, 3)` from site metres (z up from the level's floor) to camera axes
            (x right, y down, z forward).
        translation: `(3,)` metres.
    """

    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]

    def __post_init__(self) -> None:
        require_column("rotation", self.rotation, shape=(3, 3), dtype=np.float64)
        require_column("translation", self.translation, shape=(3,), dtype=np.float64)

    @property
    def centre_m(self) -> NDArray[np.float64]:
        """`(3,)` the camera's optical centre, site metres."""
        return -self.rotation.T @ self.translation

    def plane_to_camera(self, height_m: float) -> NDArray[np.float64]:
        """`(3, 3)` M of the module docstring for the plane z = `height_m`."""
        r1, r2, r3 = self.rotation.T
        return np.column_stack([r1, r2, height_m * r3 + self.translation])


class CameraModel:
    """Maps pixels of one camera to its level's floor in site metres, and back.

    Made by `from_pose`, `from_homography` or `landmarks.fit_camera`.
    """

    def __init__(
        self,
        lens: AnyLens,
        *,
        pose: Pose | None,
        floor_to_camera: NDArray[np.float64],
        floor_error_m: float,
        calibration_cov: NDArray[np.float64] | None = None,
    ) -> None:
        """Use the named constructors.

        Args:
            lens: lens of the picture that pixels refer to.
            pose: where the camera stands, None where unknown.
            floor_to_camera: `(3, 3)` M of the module docstring for the floor; its scale is that
                of metres where a pose is given.
            floor_error_m: one standard deviation, per axis, of the calibration on the floor.
            calibration_cov: `(6, 6)` or `(8, 8)` covariance of the numbers of
                `calibration.pose_error`; needs a pose. Without it the calibration errs by
                `floor_error_m` everywhere.
        """
        if calibration_cov is not None and pose is None:
            raise ValueError("calibration_cov: only a camera with a pose has one")
        self.lens = lens
        self.pose = pose
        self.floor_error_m = floor_error_m
        self.calibration_cov = calibration_cov
        self._floor_to_camera = floor_to_camera
        self._to_planes: dict[float, NDArray[np.float64] | None] = {}

    @classmethod
    def from_pose(
        cls,
        lens: AnyLens,
        pose: Pose,
        floor_error_m: float = POSE_ERROR_M,
        calibration_cov: NDArray[np.float64] | None = None,
    ) -> CameraModel:
        """A camera whose place and direction are known; arguments as in `CameraModel`."""
        return cls(
            lens,
            pose=pose,
            floor_to_camera=pose.plane_to_camera(0.0),
            floor_error_m=floor_error_m,
            calibration_cov=calibration_cov,
        )

    @property
    def centre_m(self) -> NDArray[np.float64] | None:
        """`(3,)` the optical centre in site metres, z above the floor; None where unknown."""
        return None if self.pose is None else self.pose.centre_m

    @property
    def size_px(self) -> tuple[int, int]:
        """(width, height) of the picture that pixels refer to."""
        return self.lens.width_px, self.lens.height_px

    def for_picture(self, width_px: int, height_px: int) -> CameraModel:
        """This camera for its picture scaled to another size, e.g. a substream."""
        if (width_px, height_px) == self.size_px:
            return self
        return CameraModel(
            self.lens.scaled(width_px, height_px),
            pose=self.pose,
            floor_to_camera=self._floor_to_camera,
            floor_error_m=self.floor_error_m,
            calibration_cov=self.calibration_cov,
        )

    def to_floor(self, px: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Places on the floor that `(N, 2)` pixels show.

        Returns:
            `(N, 2)` site metres, zero where invalid, and `(N,)` validity: False at and above the
            horizon, outside the picture and where the lens model folds over.
        """
        return self.to_height(px, 0.0)

    def to_height(
        self, px: NDArray[np.float64], height_m: float
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """As `to_floor`, on the plane `height_m` above the floor.

        Without a pose only the floor itself is known and other heights are all invalid.
        """
        _, xyw, valid = self._onto_plane(px, height_m)
        xy_m = xyw[:, :2] / np.where(valid, xyw[:, 2], 1.0)[:, None]
        return np.where(valid[:, None], xy_m, 0.0), valid

    def to_image(self, xyz_m: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Pixels of `(N, 3)` points, site metres, z above the floor.

        Returns:
            `(N, 2)` pixels and `(N,)` validity: False behind the camera and outside the picture
            (where the pixel is still told if the lens model reaches it, else zero). Without a
            pose only points on the floor are valid.
        """
        require_column("xyz_m", xyz_m, shape=(None, 3), dtype=np.float64)
        if self.pose is None:
            known = xyz_m[:, 2] == 0.0
            on_floor = np.column_stack([xyz_m[:, :2], np.ones(len(xyz_m))])
            camera_m = on_floor @ self._floor_to_camera.T
        else:
            known = np.ones(len(xyz_m), dtype=np.bool_)
            camera_m = xyz_m @ self.pose.rotation.T + self.pose.translation
        known = known & np.isfinite(camera_m).all(axis=1)
        ahead = known & (np.where(known, camera_m[:, 2], 0.0) > 0.0)
        depth = np.where(ahead, camera_m[:, 2], 1.0)
        rays = np.where(ahead[:, None], camera_m[:, :2] / depth[:, None], 0.0)
        px, unfolded = self.lens.to_pixels(rays)
        shown = ahead & unfolded
        px = np.where(shown[:, None], px, 0.0)
        return px, shown & self.lens.in_picture(px)

    def floor_jacobian(self, px: NDArray[np.float64], height_m: float = 0.0) -> NDArray[np.float64]:
        """`(N, 2, 2)` derivatives of site metres by pixels at `(N, 2)` pixels; zero if invalid.

        Args:
            px: `(N, 2)` pixels.
            height_m: the plane, as in `to_height`.
        """
        rays, xyw, valid = self._onto_plane(px, height_m)
        jacobian = np.zeros((len(px), 2, 2))
        if not valid.any():
            return jacobian
        to_plane = self.camera_to_plane(height_m)
        assert to_plane is not None  # noqa: S101 - some point was valid
        w = xyw[valid, 2][:, None, None]
        xy_m = (xyw[valid, :2] / xyw[valid, 2][:, None])[:, :, None]
        # Quotient rule on (a / w, b / w) with a, b, w linear in the undistorted point.
        by_ray = (to_plane[:2, :2] - xy_m * to_plane[2, :2]) / w
        jacobian[valid] = by_ray @ np.linalg.inv(self.lens.pixel_jacobian(rays[valid]))
        return jacobian

    def calibration_cov_m2(
        self, px: NDArray[np.float64], height_m: float = 0.0
    ) -> NDArray[np.float64]:
        """`(N, 2, 2)` what the calibration's error means at the places that `(N, 2)` pixels show.

        Grows away from what was surveyed where `calibration_cov` is known, and is the same
        everywhere where it is not. That of invalid pixels means nothing.

        Args:
            px: `(N, 2)` pixels.
            height_m: the plane, as in `to_height`.
        """
        if self.calibration_cov is None:
            return np.tile(np.eye(2) * self.floor_error_m**2, (len(px), 1, 1))
        assert self.pose is not None  # noqa: S101 - checked at construction
        xy_m, valid = self.to_height(px, height_m)
        xyz_m = np.column_stack([xy_m, np.full(len(px), height_m)])
        # An invalid pixel stands for the first place that is in front of the camera.
        camera_m = np.where(valid[:, None], seen_by(self.pose, xyz_m), (0.0, 0.0, 1.0))
        cov_m2 = floor_cov_m2(
            self.lens, camera_m, self.floor_jacobian(px, height_m), self.calibration_cov
        )
        return cov_m2 + np.eye(2) * SURVEY_ERROR_M**2

    def sight(self, px: NDArray[np.float64], height_m: NDArray[np.float64]) -> Sight:
        """What `(N, 2)` pixels show of planes, each of that `height_m`, `(N,)`, above the floor."""
        xy_m, valid = np.zeros((len(px), 2)), np.zeros(len(px), np.bool_)
        for height in np.unique(height_m).tolist():
            rows = height_m == height
            xy_m[rows], valid[rows] = self.to_height(px[rows], height)
        return Sight(self, px, height_m, xy_m, valid)

    def horizon_px(self) -> NDArray[np.float64]:
        """`(N, 2)` pixels along the floor's horizon, in order; none where it is not in the picture.

        Curved where the lens distorts.
        """
        return horizon_px(self.lens, self._floor_to_camera)

    def floor_mask(self, step_px: int = 1, range_m: float = FARTHEST_M) -> NDArray[np.bool_]:
        """Where the picture looks at the floor's plane: `(rows, columns)` cells of `step_px`.

        A cell is True where its middle is below the horizon, inside what the lens model reaches
        (the image circle of a fisheye) and shows a place no farther than `range_m`. Walls are not
        asked: `visible_floor` is.

        Args:
            step_px: side of a cell, pixels of the calibrated picture.
            range_m: along the line of sight.
        """
        width_px, height_px = self.size_px
        x_px = np.arange(0, width_px, step_px) + (step_px - 1) / 2
        y_px = np.arange(0, height_px, step_px) + (step_px - 1) / 2
        px = np.stack(np.meshgrid(x_px, y_px), axis=-1).reshape(-1, 2).astype(np.float64)
        rays, xyw, valid = self._onto_plane(px, 0.0)
        near = valid & (xyw[:, 2] * range_m >= _stretch(rays))
        return near.reshape(len(y_px), len(x_px))

    def visible_floor(
        self, plan: FloorPlan, level: str | None = None, range_m: float = VIEW_RANGE_M
    ) -> BaseGeometry:
        """The walkable floor that the picture shows, site metres: Polygon, MultiPolygon or empty.

        Cut by walls, closed doors and tall fixtures as seen from the camera, and by `range_m`.

        Args:
            plan: the plan.
            level: the camera's level; may be left out where the plan has one level.
            range_m: how far the camera is counted on.

        Raises:
            UnknownLevel: the plan has no such level.
            ValueError: `level` is left out and the plan has several.
        """
        if level is None:
            if len(plan.levels) != 1:
                raise ValueError("the plan has several levels; say which the camera watches")
            level = plan.levels[0].id
        return floor_in_view(
            self.lens, self.pose, self._floor_to_camera, plan=plan, level=level, range_m=range_m
        )

    def camera_to_plane(self, height_m: float) -> NDArray[np.float64] | None:
        """`(3, 3)` inverse of M of the module docstring for the plane z = `height_m`.

        None where the camera lies in that plane, or has no pose and it is not the floor's.
        """
        if height_m not in self._to_planes:
            self._to_planes[height_m] = self._inverse_of_plane(height_m)
        return self._to_planes[height_m]

    def _inverse_of_plane(self, height_m: float) -> NDArray[np.float64] | None:
        if height_m == 0.0:
            to_camera = self._floor_to_camera
        elif self.pose is None:
            return None
        else:
            to_camera = self.pose.plane_to_camera(height_m)
        if abs(np.linalg.det(to_camera)) < 1e-9:  # noqa: PLR2004 - the camera lies in the plane
            return None
        return np.linalg.inv(to_camera).astype(np.float64)

    def _onto_plane(
        self, px: NDArray[np.float64], height_m: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Undistorted points, homogeneous plane points and validity."""
        require_column("px", px, shape=(None, 2), dtype=np.float64)
        rays, valid = self.lens.to_rays(px)
        to_plane = self.camera_to_plane(height_m)
        if to_plane is None:
            return rays, np.zeros((len(px), 3)), np.zeros(len(px), dtype=np.bool_)
        xyw = np.column_stack([rays, np.ones(len(rays))]) @ to_plane.T
        valid = valid & self.lens.in_picture(px, margin_px=BORDER_PX)
        return rays, xyw, valid & (xyw[:, 2] > _stretch(rays) / FARTHEST_M)


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What pixels of one camera show of planes; see `calibration.camera_rows.SightRows`.

    Attributes:
        camera: the camera.
        px: `(N, 2)` pixels.
        height_m: `(N,)` height of the plane above the floor.
        xy_m: `(N, 2)` site metres; zero where invalid.
        valid: `(N,)` whether the pixel shows the plane.
    """

    camera: CameraModel
    px: NDArray[np.float64]
    height_m: NDArray[np.float64]
    xy_m: NDArray[np.float64]
    valid: NDArray[np.bool_]

    def raised(self, height_m: NDArray[np.float64]) -> Sight:
        """What the same pixels show of other planes."""
        return self.camera.sight(self.px, height_m)

    def jacobian(self) -> NDArray[np.float64]:
        """`(N, 2, 2)` derivatives of site metres by pixels; zero where invalid."""
        return self._by_plane(self.camera.floor_jacobian)

    def calibration_cov_m2(self, jacobian: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(N, 2, 2)`, see `CameraModel.calibration_cov_m2`; `jacobian` is not needed here."""
        del jacobian
        return self._by_plane(self.camera.calibration_cov_m2)

    def _by_plane(
        self, work_out: Callable[[NDArray[np.float64], float], NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        found = np.zeros((len(self.px), 2, 2))
        for height in np.unique(self.height_m).tolist():
            rows = self.height_m == height
            found[rows] = work_out(self.px[rows], height)
        return found


def _stretch(rays: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(N,)` length of (u, v, 1): the way along a ray is its depth times this."""
    return np.asarray(np.sqrt(1.0 + (rays**2).sum(axis=1)))
