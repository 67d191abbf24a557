"""How pixels depend on a calibration, and what an uncertain calibration means on the floor.

A calibration errs in six numbers, or in eight where the lens was fitted, too. They are, in this
order: a turn of the camera about its own x, y and z axes (radians), a shift of it along them
(metres), the logarithm of its focal length, and k1. The camera sees the place x at

    x_cam + cross(turn, x_cam) + shift,  x_cam = R x + t,

so the first six belong to camera axes and stay as they are when the site's axes change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .fisheye import FisheyeLens

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .camera import Pose
    from .fisheye import AnyLens

POSE_NUMBERS: Final = 6
LENS_NUMBERS: Final = 2


def pixel_by_calibration(
    lens: AnyLens, camera_m: NDArray[np.float64], numbers: int = POSE_NUMBERS
) -> NDArray[np.float64]:
    """`(N, 2, numbers)` derivatives of pixels by the calibration.

    Args:
        lens: lens of the camera.
        camera_m: `(N, 3)` places in camera axes, before the lens's fold.
        numbers: 6 for the pose alone, 8 with focal length and k1.
    """
    depth_m = camera_m[:, 2]
    rays = camera_m[:, :2] / depth_m[:, None]
    by_place = np.zeros((len(rays), 2, 3))
    by_place[:, 0, 0] = by_place[:, 1, 1] = 1.0 / depth_m
    by_place[:, :, 2] = -rays / depth_m[:, None]
    by_ray = lens.pixel_jacobian(rays)
    by_shift = by_ray @ by_place
    found = np.zeros((len(rays), 2, numbers))
    # cross(turn, x) is linear in the turn: its columns are cross(e_k, x).
    for k, axis in enumerate(np.eye(3)):
        found[:, :, k] = np.einsum("nij,nj->ni", by_shift, np.cross(axis, camera_m))
    found[:, :, 3:POSE_NUMBERS] = by_shift
    if numbers > POSE_NUMBERS:
        px, _ = lens.to_pixels(rays)
        found[:, :, 6] = px - (lens.cx, lens.cy)
        found[:, :, 7] = _by_k1(lens, rays)
    return found


def _by_k1(lens: AnyLens, rays: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(N, 2)` derivatives of pixels by k1."""
    radius = np.hypot(rays[:, 0], rays[:, 1])
    if isinstance(lens, FisheyeLens):
        stretch = np.arctan(radius) ** 3 / np.maximum(radius, 1e-12)
    else:
        stretch = radius**2
    by_k1: NDArray[np.float64] = rays * stretch[:, None] * (lens.fx, lens.fy)
    return by_k1


def floor_cov_m2(
    lens: AnyLens,
    camera_m: NDArray[np.float64],
    floor_by_pixel: NDArray[np.float64],
    calibration_cov: NDArray[np.float64],
) -> NDArray[np.float64]:
    """`(N, 2, 2)` covariance on a horizontal plane that an uncertain calibration causes.

    The place that a fixed pixel shows moves against the pixel of a fixed place, so it is the
    pixel's derivative carried through that of the place by the pixel.

    Args:
        lens: lens of the camera.
        camera_m: `(N, 3)` the places in camera axes.
        floor_by_pixel: `(N, 2, 2)` derivatives of places by pixels.
        calibration_cov: `(P, P)` covariance of the numbers of the module docstring, P 6 or 8.
    """
    by_calibration = pixel_by_calibration(lens, camera_m, len(calibration_cov))
    moved = floor_by_pixel @ by_calibration
    cov_m2: NDArray[np.float64] = moved @ calibration_cov @ moved.transpose(0, 2, 1)
    return cov_m2


def seen_by(pose: Pose, xyz_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(N, 3)` places in camera axes."""
    return xyz_m @ pose.rotation.T + pose.translation
