"""Pinhole lenses of many cameras at once: each row of points with the lens of its own camera.

What `calibration.lens.Lens` does point by point of one camera is done here for the points of a
whole batch of cameras in the same few array operations. Boxes are few in each picture, so that
nearly all of their cost is that of calling numpy: per batch instead of per camera it is little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .lens import Lens

_NEWTON_STEPS: Final = 8
_SETTLED_PX: Final = 1e-8
"""Newton's steps end where no pixel is farther off than this; twice as many digits come with each
step, so that the one that brings it below is the last that counts."""


@dataclass(frozen=True, slots=True, eq=False)
class LensRows:
    """The lens of each of `N` rows; see `calibration.lens.Lens`.

    Attributes:
        lenses: the different lenses.
        lens_of: `(N,)` which of them each row has.
        focal_px: `(N, 2)` fx, fy.
        middle_px: `(N, 2)` cx, cy.
        bends: `(5, N)` k1, k2, p1, p2, k3.
        fold_radius: `(N,)`.
        far_px: `(N, 2)` centre of the last pixel of the picture.
    """

    lenses: tuple[Lens, ...]
    lens_of: NDArray[np.intp]
    focal_px: NDArray[np.float64]
    middle_px: NDArray[np.float64]
    bends: NDArray[np.float64]
    fold_radius: NDArray[np.float64]
    far_px: NDArray[np.float64]

    @classmethod
    def of(cls, lenses: Sequence[Lens], lens_of: NDArray[np.intp]) -> LensRows:
        """The lens `lenses[lens_of[n]]` for row n."""
        table = np.array([_numbers(lens) for lens in lenses]).reshape(-1, 12)[lens_of]
        return cls(
            tuple(lenses),
            lens_of,
            table[:, 0:2],
            table[:, 2:4],
            table[:, [4, 5, 6, 7, 8]].T,
            table[:, 9],
            table[:, 10:12] - 1.0,
        )

    def only(self, rows: NDArray[np.intp]) -> LensRows:
        """Some of the rows."""
        return LensRows(
            self.lenses,
            self.lens_of[rows],
            self.focal_px[rows],
            self.middle_px[rows],
            self.bends[:, rows],
            self.fold_radius[rows],
            self.far_px[rows],
        )

    def in_picture(self, px: NDArray[np.float64], margin_px: float) -> NDArray[np.bool_]:
        """`(N, ...)` whether `(N, ..., 2)` pixels lie in the picture of their row."""
        far_px = self.far_px.reshape(-1, *(1,) * (px.ndim - 2), 2)
        inside = (px >= -margin_px) & (px <= far_px + margin_px)
        return np.asarray(inside[..., 0] & inside[..., 1])

    def to_pixels(self, rays: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Pixels `(N, M, 2)` of undistorted points `(N, M, 2)`, and whether the lens reaches them.

        Beyond the fold radius the pixel is that of the optical axis.
        """
        unfolded = np.hypot(rays[..., 0], rays[..., 1]) < self.fold_radius[:, None]
        x, y = np.where(unfolded, rays[..., 0], 0.0), np.where(unfolded, rays[..., 1], 0.0)
        bent_x, bent_y, *_ = _bent(x, y, self.bends[:, :, None])
        bent = np.stack([bent_x, bent_y], axis=-1)
        return bent * self.focal_px[:, None] + self.middle_px[:, None], unfolded

    def pixel_jacobian(self, rays: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(N, 2, 2)` derivatives of pixels by the undistorted points `(N, 2)`."""
        _, _, along_x, across, along_y = _bent(rays[:, 0], rays[:, 1], self.bends)
        by_ray = np.stack([along_x, across, across, along_y], axis=1).reshape(-1, 2, 2)
        return by_ray * self.focal_px[:, :, None]

    def to_rays(self, px: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Undistorted points `(N, 2)` of pixels `(N, 2)` and validity, as `Lens.to_rays` has them.

        Newton's method finds them within a few steps. A row where it does not, which is one near
        the fold of its lens or beyond it, is left to the lens itself.
        """
        want = (px - self.middle_px) / self.focal_px
        want_x, want_y = want[:, 0], want[:, 1]
        x, y = want_x.copy(), want_y.copy()
        found = np.zeros(len(px), np.bool_)
        least = _SETTLED_PX / self.focal_px.max(axis=1)
        # Rows that run away are sorted out below.
        with np.errstate(all="ignore"):
            for _ in range(_NEWTON_STEPS):
                bent_x, bent_y, along_x, across, along_y = _bent(x, y, self.bends)
                off_x, off_y = want_x - bent_x, want_y - bent_y
                found = np.maximum(np.abs(off_x), np.abs(off_y)) <= least
                if found.all():
                    break
                # A row that is found stays, so that it does not depend on what goes with it.
                scale = np.where(found, 0.0, 1.0 / (along_x * along_y - across * across))
                x = x + (along_y * off_x - across * off_y) * scale
                y = y + (along_x * off_y - across * off_x) * scale
            found &= np.hypot(x, y) < self.fold_radius
        rays = np.stack([x, y], axis=1)
        for row in np.flatnonzero(~found).tolist():
            alone, valid = self.lenses[self.lens_of[row]].to_rays(px[row : row + 1])
            rays[row], found[row] = alone[0], valid[0]
        return rays, found


def _numbers(lens: Lens) -> tuple[float, ...]:
    middle = (lens.fx, lens.fy, lens.cx, lens.cy)
    bends = (lens.k1, lens.k2, lens.p1, lens.p2, lens.k3)
    return (*middle, *bends, lens.fold_radius, lens.width_px, lens.height_px)


def _bent(
    x: NDArray[np.float64], y: NDArray[np.float64], bends: NDArray[np.float64]
) -> tuple[NDArray[np.float64], ...]:
    """Where undistorted points come to lie by distortion (Brown 1966, as in OpenCV).

    Returns:
        x and y there, then their derivatives: x by x; x by y, which is y by x; and y by y.
    """
    k1, k2, p1, p2, k3 = bends
    x_x, y_y, x_y = x * x, y * y, 2.0 * x * y
    square = x_x + y_y
    radial = 1.0 + square * (k1 + square * (k2 + square * k3))
    # d radial / dx = slope x, and the same for y.
    slope = 2.0 * k1 + square * (4.0 * k2 + square * (6.0 * k3))
    p1_x, p1_y, p2_x, p2_y = p1 * x, p1 * y, p2 * x, p2 * y
    bent_x = x * radial + p1 * x_y + p2 * (square + 2.0 * x_x)
    bent_y = y * radial + p1 * (square + 2.0 * y_y) + p2 * x_y
    along_x = radial + x_x * slope + 2.0 * p1_y + 6.0 * p2_x
    along_y = radial + y_y * slope + 6.0 * p1_y + 2.0 * p2_x
    across = 0.5 * x_y * slope + 2.0 * (p1_x + p2_y)
    return bent_x, bent_y, along_x, across, along_y
