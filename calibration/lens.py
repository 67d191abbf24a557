"""A lens: pixels to straight rays and back (pinhole with Brown-Conrady distortion)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNDISTORT_STEPS: Final = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 200, 1e-12)
_NEWTON_STEPS: Final = 3
_ROUND_TRIP_PX: Final = 1e-4
_STRAIGHT = np.zeros(3)


@dataclass(frozen=True, slots=True)
class Lens:
    """Pinhole and distortion (Brown 1966; parameters as in OpenCV), in pixels of the picture.

    Pixel (0, 0) is the centre of the top-left pixel, x right, y down.

    Attributes:
        width_px: width of the picture that the parameters belong to.
        height_px: its height.
        fx, fy: focal lengths.
        cx, cy: principal point.
        k1, k2, k3: radial distortion.
        p1, p2: tangential distortion.
    """

    width_px: int
    height_px: int
    fx: float
    fy: float
    cx: float
    cy: float
    k1: float = 0.0
    k2: float = 0.0
    p1: float = 0.0
    p2: float = 0.0
    k3: float = 0.0

    @property
    def matrix(self) -> NDArray[np.float64]:
        """`(3, 3)` pinhole matrix K."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1.0]])

    @property
    def distortion(self) -> NDArray[np.float64]:
        """`(5,)` k1, k2, p1, p2, k3."""
        return np.array([self.k1, self.k2, self.p1, self.p2, self.k3])

    @property
    def fold_radius(self) -> float:
        """Radius of the undistorted image plane (focal length 1) where the lens folds over.

        The radial model r (1 + k1 r^2 + k2 r^4 + k3 r^6) is invertible while its derivative is
        positive; beyond the smallest positive root, two rays fall on one pixel and the model
        says nothing about the world. Infinite for a model that never folds.
        """
        return _fold_radius(self.k1, self.k2, self.k3)

    def to_rays(self, px: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Undistorted points of `(N, 2)` pixels on the image plane of focal length 1.

        Returns:
            `(N, 2)` points, finite everywhere, and `(N,)` validity: False beyond the fold radius
            of the distortion and where the pixel is not finite.
        """
        finite = np.asarray(np.isfinite(px).all(axis=1))
        if not len(px):
            return np.zeros((0, 2)), finite
        sound_px = np.where(finite[:, None], px, (self.cx, self.cy))
        found = cv2.undistortPoints(
            np.ascontiguousarray(sound_px[:, None]),
            self.matrix,
            self.distortion,
            criteria=_UNDISTORT_STEPS,
        )
        rays = np.asarray(found, dtype=np.float64)[:, 0]
        settled = np.asarray(np.isfinite(rays).all(axis=1))
        rays = self._polished(np.where(settled[:, None], rays, 0.0), sound_px)
        back_px, unfolded = self.to_pixels(rays)
        settled &= unfolded & (np.abs(back_px - sound_px).max(axis=1) < _ROUND_TRIP_PX)
        return np.where(settled[:, None], rays, 0.0), finite & settled

    def to_pixels(self, rays: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Pixels of `(N, 2)` undistorted points; invalid at and beyond the fold radius."""
        unfolded = np.hypot(rays[:, 0], rays[:, 1]) < self.fold_radius
        px, _ = self._project(np.where(unfolded[:, None], rays, 0.0))
        return px, unfolded

    def pixel_jacobian(self, rays: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(N, 2, 2)` derivatives of pixels by undistorted points."""
        _, jacobian = self._project(rays)
        return jacobian

    def in_picture(self, px: NDArray[np.float64], margin_px: float = 0.5) -> NDArray[np.bool_]:
        """`(N,)` whether the pixels lie in the picture.

        Args:
            px: `(N, 2)` pixels.
            margin_px: how far beyond the centres of the border pixels still counts; half a pixel
                is the picture's edge.
        """
        return in_picture(px, self.width_px, self.height_px, margin_px)

    def scaled(self, width_px: int, height_px: int) -> Lens:
        """The same lens for its picture scaled to another size."""
        by_x, by_y = width_px / self.width_px, height_px / self.height_px
        return replace(
            self,
            width_px=width_px,
            height_px=height_px,
            fx=self.fx * by_x,
            fy=self.fy * by_y,
            cx=(self.cx + 0.5) * by_x - 0.5,
            cy=(self.cy + 0.5) * by_y - 0.5,
        )

    def _polished(self, rays: NDArray[np.float64], px: NDArray[np.float64]) -> NDArray[np.float64]:
        """`rays` after Newton steps: OpenCV's own iteration stops early near the fold."""
        for _ in range(_NEWTON_STEPS):
            back_px, unfolded = self.to_pixels(rays)
            jacobian = self.pixel_jacobian(np.where(unfolded[:, None], rays, 0.0))
            steep = unfolded & (np.abs(np.linalg.det(jacobian)) > 1e-6 * self.fx * self.fy)
            jacobian[~steep] = np.eye(2)
            step = np.linalg.solve(jacobian, (px - back_px)[:, :, None])[:, :, 0]
            rays = np.where(steep[:, None], rays + step, rays)
        return rays

    def _project(
        self, rays: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Pixels and, per point, their derivative by the undistorted point."""
        n = len(rays)
        if not n:
            return np.zeros((0, 2)), np.zeros((0, 2, 2))
        points = np.column_stack([rays, np.ones(n)])
        px, by_parameter = cv2.projectPoints(
            points, _STRAIGHT, _STRAIGHT, self.matrix, self.distortion
        )
        # Columns 3 and 4 are the derivatives by a shift along x and y at depth 1.
        jacobian = np.asarray(by_parameter, dtype=np.float64)[:, 3:5].reshape(n, 2, 2)
        return np.asarray(px, dtype=np.float64).reshape(n, 2), jacobian


def in_picture(
    px: NDArray[np.float64], width_px: int, height_px: int, margin_px: float
) -> NDArray[np.bool_]:
    """`(N,)` whether `(N, 2)` pixels lie in a picture, or up to `margin_px` beyond its borders."""
    far = np.array([width_px - 1.0, height_px - 1.0]) + margin_px
    return np.asarray(((px >= -margin_px) & (px <= far)).all(axis=1))


@lru_cache
def _fold_radius(k1: float, k2: float, k3: float) -> float:
    roots = np.roots([7 * k3, 5 * k2, 3 * k1, 1.0])
    real = roots[np.abs(roots.imag) < 1e-9].real  # noqa: PLR2004 - rounding of np.roots
    positive = real[real > 0]
    return math.sqrt(float(positive.min())) if len(positive) else math.inf
