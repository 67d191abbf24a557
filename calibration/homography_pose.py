"""A camera's pose out of its homography of the floor, where pixels are square and centred.

With K = diag(f, f, 1) around the middle of the picture, the floor is seen through
G = K [r1 r2 t] up to scale. That r1 and r2 are at right angles and equally long gives two linear
equations for 1 / f^2 (Zhang, "A flexible new technique for camera calibration", IEEE TPAMI 22(11),
2000, section 2.4), one more than there are unknowns.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from .camera import CameraModel, Pose
from .errors import DegeneratePoints
from .lens import Lens

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST: Final = 1e-12
_SINGULAR: Final = 1e12


def camera_with_pose(
    image_to_floor: NDArray[np.float64], size_px: tuple[int, int], floor_error_m: float
) -> CameraModel:
    """Return the camera, above the floor, that sees it as the homography says.

    Args:
        image_to_floor: `(3, 3)` undistorted pixels to site metres.
        size_px: (width, height) of the picture.
        floor_error_m: one standard deviation per axis of the homography on the floor.

    Raises:
        DegeneratePoints: where no camera with square pixels and a centred lens does so.
    """
    middle_px = ((size_px[0] - 1) / 2, (size_px[1] - 1) / 2)
    if not np.linalg.cond(image_to_floor) < _SINGULAR:
        raise DegeneratePoints("the homography has no inverse")
    to_middle = np.array([[1.0, 0.0, -middle_px[0]], [0.0, 1.0, -middle_px[1]], [0.0, 0.0, 1.0]])
    g1, g2, g3 = (to_middle @ np.linalg.inv(image_to_floor)).T
    scale = math.sqrt(float(np.linalg.norm(g1) * np.linalg.norm(g2)))
    g1, g2, g3 = g1 / scale, g2 / scale, g3 / scale
    # x y parts times 1 / f^2 plus z parts is zero
    across = np.array([g1[:2] @ g2[:2], g1[:2] @ g1[:2] - g2[:2] @ g2[:2]])
    along = np.array([g1[2] * g2[2], g1[2] ** 2 - g2[2] ** 2])
    inverse_square = -float(across @ along) / max(float(across @ across), _LEAST)
    if inverse_square <= 0:
        raise DegeneratePoints(
            "no camera with square pixels and its lens in the middle has this homography"
        )
    focal_px = 1.0 / math.sqrt(inverse_square)
    flat = np.array([1.0 / focal_px, 1.0 / focal_px, 1.0])
    a1, a2, a3 = g1 * flat, g2 * flat, g3 * flat
    size = (np.linalg.norm(a1) + np.linalg.norm(a2)) / 2
    pose = _upright(a1 / size, a2 / size, a3 / size)
    lens = Lens(*size_px, fx=focal_px, fy=focal_px, cx=middle_px[0], cy=middle_px[1])
    return CameraModel.from_pose(lens, pose, floor_error_m)


def _upright(r1: NDArray[np.float64], r2: NDArray[np.float64], t: NDArray[np.float64]) -> Pose:
    """The one of two mirror poses (the scale's sign is unknown) that stands above the floor."""
    for sign in (1.0, -1.0):
        columns = np.column_stack([sign * r1, sign * r2, np.cross(r1, r2)])
        u, _, vt = np.linalg.svd(columns)
        rotation = u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt
        pose = Pose(rotation, sign * t)
        if pose.centre_m[2] > 0:
            return pose
    raise DegeneratePoints("the homography puts the camera into the floor")
