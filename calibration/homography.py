"""Cameras that are known by a homography from the undistorted picture to the floor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .camera import HOMOGRAPHY_ERROR_M, CameraModel, Pose
from .errors import DegeneratePoints

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .fisheye import AnyLens

_AXES_DIFFER: Final = 0.15
"""How far the two floor axes of a homography may differ in length, or lean towards each other
(cosine), before its lens is not believed and no camera position is derived from it."""


def camera_from_homography(
    lens: AnyLens, image_to_floor: NDArray[np.float64], floor_error_m: float = HOMOGRAPHY_ERROR_M
) -> CameraModel:
    """A camera from a homography; its position too where homography and lens agree.

    Args:
        lens: lens of the picture.
        image_to_floor: `(3, 3)` from undistorted pixels to site metres on the floor.
        floor_error_m: one standard deviation, per axis, of the homography on the floor.

    Raises:
        DegeneratePoints: the matrix cannot be inverted.
    """
    camera_to_floor = image_to_floor @ lens.matrix
    camera_to_floor = camera_to_floor / np.linalg.norm(camera_to_floor)
    if abs(np.linalg.det(camera_to_floor)) < 1e-12:  # noqa: PLR2004 - singular for doubles
        raise DegeneratePoints("image_to_floor cannot be inverted; its rows must be independent")
    floor_to_camera = np.linalg.inv(camera_to_floor)
    # A homography is known up to a factor, and the factor's sign decides which side of the
    # horizon is floor. For a camera above a floor whose axes are right-handed det(M) is negative:
    # det [r1 r2 t] = r3 . t = -(height of the camera).
    if np.linalg.det(floor_to_camera) > 0:
        floor_to_camera = -floor_to_camera
    lengths = np.linalg.norm(floor_to_camera[:, :2], axis=0)
    floor_to_camera = floor_to_camera / lengths.mean()
    return CameraModel(
        lens,
        pose=_pose(floor_to_camera),
        floor_to_camera=floor_to_camera,
        floor_error_m=floor_error_m,
    )


def _pose(floor_to_camera: NDArray[np.float64]) -> Pose | None:
    """The pose of M = [r1 r2 t] (Zhang 2000, section 3.1); None where r1, r2 are no axes."""
    r1, r2, t = floor_to_camera.T
    lengths = np.linalg.norm([r1, r2], axis=1)
    if abs(lengths[0] - lengths[1]) > _AXES_DIFFER or abs(r1 @ r2) > _AXES_DIFFER:
        return None
    u, _, vt = np.linalg.svd(np.column_stack([r1, r2, np.cross(r1, r2)]))
    return Pose(rotation=u @ vt, translation=np.ascontiguousarray(t))
