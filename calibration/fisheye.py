"""A fisheye lens: pixels to straight rays and back (the Kannala-Brandt model).

A point at the angle theta from the optical axis lies at f theta_d from the principal point, with
theta_d = theta (1 + k1 theta^2 + k2 theta^4 + k3 theta^6 + k4 theta^8): Kannala and Brandt, "A
generic camera model and calibration method for conventional, wide-angle, and fish-eye lenses",
IEEE TPAMI 28 (8), 2006, with the parameters of OpenCV's `fisheye` module.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from .lens import Lens, in_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDEST_RAD: Final = math.radians(89.0)
"""Rays farther from the optical axis than this are not used: at 90 degrees a ray no longer meets
the image plane of focal length 1, and a pixel there is metres wide on any floor."""

_NEWTON_STEPS: Final = 60
_SETTLED_RAD: Final = 1e-13
_CENTRE: Final = 1e-9
"""Nearer to the axis than this (radians), the picture is that of a pinhole to double precision."""


@dataclass(frozen=True, slots=True)
class FisheyeLens:
    """Equidistant fisheye with four coefficients (as in OpenCV), in pixels of the picture.

    It has the methods of `calibration.lens.Lens`, and like there a ray is a point (u, v) of the
    undistorted image plane of focal length 1. Pixel (0, 0) is the centre of the top-left pixel.

    Attributes:
        width_px: width of the picture that the parameters belong to.
        height_px: its height.
        fx, fy: pixels per radian at the optical axis, along x and y.
        cx, cy: principal point.
        k1, k2, k3, k4: coefficients of the module docstring.
        model: tells it from a pinhole in a camera's file.
    """

    width_px: int
    height_px: int
    fx: float
    fy: float
    cx: float
    cy: float
    k1: float = 0.0
    k2: float = 0.0
    k3: float = 0.0
    k4: float = 0.0
    model: Literal["fisheye"] = "fisheye"

    @property
    def matrix(self) -> NDArray[np.float64]:
        """`(3, 3)` matrix K of focal lengths and principal point."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1.0]])

    @property
    def widest_rad(self) -> float:
        """Angle from the axis up to which the model is used: `WIDEST_RAD`, or where it folds.

        The polynomial is invertible while it grows; beyond its first maximum two rays fall on one
        pixel.
        """
        return _widest_rad(self.k1, self.k2, self.k3, self.k4)

    @property
    def fold_radius(self) -> float:
        """Radius of the image plane (focal length 1) from which on nothing is known."""
        return math.tan(self.widest_rad)

    def to_rays(self, px: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Undistorted points of `(N, 2)` pixels on the image plane of focal length 1.

        Returns:
            `(N, 2)` points, finite everywhere, and `(N,)` validity: False beyond `widest_rad`
            (so outside the image circle, too) and where the pixel is not finite.
        """
        finite = np.asarray(np.isfinite(px).all(axis=1))
        sound_px = np.where(finite[:, None], px, (self.cx, self.cy))
        bent = (sound_px - (self.cx, self.cy)) / (self.fx, self.fy)
        bent_rad = np.hypot(bent[:, 0], bent[:, 1])
        farthest_rad, _ = self._bend(np.array([self.widest_rad]))
        valid = finite & (bent_rad < farthest_rad)
        theta = self._straightened(np.where(valid, bent_rad, 0.0))
        off_axis = bent_rad > _CENTRE
        stretch = np.where(off_axis, np.tan(theta) / np.where(off_axis, bent_rad, 1.0), 1.0)
        return np.where(valid[:, None], bent * stretch[:, None], 0.0), valid

    def to_pixels(self, rays: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Pixels of `(N, 2)` undistorted points; invalid at and beyond `fold_radius`."""
        radius = np.hypot(rays[:, 0], rays[:, 1])
        unfolded = radius < self.fold_radius
        radius = np.where(unfolded, radius, 0.0)
        bent_rad, _ = self._bend(np.arctan(radius))
        off_axis = radius > _CENTRE
        shrink = np.where(off_axis, bent_rad / np.where(off_axis, radius, 1.0), 1.0)
        bent = np.where(unfolded[:, None], rays, 0.0) * shrink[:, None]
        return bent * (self.fx, self.fy) + (self.cx, self.cy), np.asarray(unfolded, np.bool_)

    def pixel_jacobian(self, rays: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(N, 2, 2)` derivatives of pixels by undistorted points.

        With s(r) = theta_d(atan r) / r the pixel is c + f s(r) (u, v); its derivative is
        f (s I + (u, v)^T (u, v) s' / r), where s' = (theta_d' / (1 + r^2) - s) / r.
        """
        radius = np.hypot(rays[:, 0], rays[:, 1])
        off_axis = radius > _CENTRE
        safe = np.where(off_axis, radius, 1.0)
        bent_rad, slope = self._bend(np.arctan(radius))
        shrink = np.where(off_axis, bent_rad / safe, 1.0)
        bending = np.where(off_axis, (slope / (1 + radius**2) - shrink) / safe**2, 0.0)
        outer = rays[:, :, None] * rays[:, None, :]
        plain = shrink[:, None, None] * np.eye(2) + bending[:, None, None] * outer
        return np.asarray(plain * np.array([[self.fx], [self.fy]]), dtype=np.float64)

    def in_picture(self, px: NDArray[np.float64], margin_px: float = 0.5) -> NDArray[np.bool_]:
        """`(N,)` whether `(N, 2)` pixels lie in the picture; see `Lens.in_picture`."""
        return in_picture(px, self.width_px, self.height_px, margin_px)

    def scaled(self, width_px: int, height_px: int) -> FisheyeLens:
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

    def _bend(self, theta: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """theta_d and its derivative at angles from the axis."""
        square = theta**2
        k1, k2, k3, k4 = self.k1, self.k2, self.k3, self.k4
        bent = theta * (1 + square * (k1 + square * (k2 + square * (k3 + square * k4))))
        slope = 1 + square * (3 * k1 + square * (5 * k2 + square * (7 * k3 + square * 9 * k4)))
        return bent, slope

    def _straightened(self, bent_rad: NDArray[np.float64]) -> NDArray[np.float64]:
        """Angles whose `_bend` is `bent_rad`: Newton's steps, halved where they leave the bracket.

        The bracket [0, widest_rad] holds exactly one solution, so it is found for any lens.
        """
        low, high = np.zeros_like(bent_rad), np.full_like(bent_rad, self.widest_rad)
        theta = np.minimum(bent_rad, self.widest_rad)
        for _ in range(_NEWTON_STEPS):
            found, slope = self._bend(theta)
            too_wide = found > bent_rad
            high, low = np.where(too_wide, theta, high), np.where(too_wide, low, theta)
            step = theta - (found - bent_rad) / np.maximum(slope, 1e-12)
            inside = (step >= low) & (step <= high)
            new = np.where(inside, step, (low + high) / 2)
            settled = np.abs(new - theta).max(initial=0.0) < _SETTLED_RAD
            theta = new
            if settled:
                break
        return theta


AnyLens = Lens | FisheyeLens
"""What a camera may have; both kinds have the same methods."""


@lru_cache
def _widest_rad(k1: float, k2: float, k3: float, k4: float) -> float:
    roots = np.roots([9 * k4, 7 * k3, 5 * k2, 3 * k1, 1.0])
    real = roots[np.abs(roots.imag) < 1e-9].real  # noqa: PLR2004 - rounding of np.roots
    squares = real[real > 0]
    fold_rad = math.sqrt(float(squares.min())) if len(squares) else math.inf
    return min(fold_rad, WIDEST_RAD)
