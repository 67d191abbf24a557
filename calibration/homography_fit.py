"""A homography of the floor from surveyed points, where the lens is too little known for a pose.

Only points of the floor itself say something about it, and only the floor itself is known after
it: no heads, no horizon of walls. It follows the least squares of the pixels (Hartley and
Zisserman, "Multiple view geometry", 2nd edition, section 4.2.3).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from vision.columns import require_column

from .camera import SURVEY_ERROR_M
from .errors import DegeneratePoints
from .homography import camera_from_homography
from .landmarks import UNMEASURED_ERROR_M, CameraFit, require_extent, require_spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .fisheye import AnyLens

ON_FLOOR_M: Final = 0.02
"""A point higher than this is not of the floor."""

_LEAST: Final = 4
_LEAST_HELD_OUT: Final = 3
_LEAST_TO_DROP_ONE: Final = 6
_LEAST_KEPT: Final = 5
_KEPT_SHARE: Final = 0.6

_MISREAD: Final = 0.01
"""A point farther off than this share of the picture's diagonal was not merely read loosely."""


def fit_homography(
    lens: AnyLens, px: NDArray[np.float64], xyz_m: NDArray[np.float64]
) -> tuple[CameraFit, NDArray[np.float64]]:
    """The camera whose homography sees the places of the floor at the pixels `px`, and that.

    With six points or more, those that were misread are found and left out, up to two in five.

    Args:
        lens: lens of the picture, whose distortion is taken off.
        px: `(N, 2)` float64 pixels.
        xyz_m: `(N, 3)` float64 site metres; all z are zero.

    Returns:
        The camera with its residuals, and `(3, 3)` undistorted pixels to site metres.

    Raises:
        DegeneratePoints: a point above the floor, fewer than four points, points on one line,
            equal points or all near one point, or a floor that is seen from below.
    """
    require_column("px", px, shape=(None, 2), dtype=np.float64)
    require_column("xyz_m", xyz_m, shape=(len(px), 3), dtype=np.float64)
    high = np.flatnonzero(np.abs(xyz_m[:, 2]) > ON_FLOOR_M)
    if len(high):
        raise DegeneratePoints(
            f"point {high[0] + 1} is {xyz_m[high[0], 2]:.2f} m above the floor; a mapping of the "
            "floor alone takes points of the floor only"
        )
    require_spread(px, xyz_m)
    require_extent(px, math.hypot(lens.width_px, lens.height_px))
    rays, valid = lens.to_rays(px)
    if not valid.all():
        raise DegeneratePoints(
            f"point {np.flatnonzero(~valid)[0] + 1} lies where the lens model folds over; correct "
            "[lens] or choose a point nearer to the middle of the picture"
        )
    straight_px = rays * (lens.fx, lens.fy) + (lens.cx, lens.cy)
    xy_m = xyz_m[:, :2]
    kept = _believed(straight_px, xy_m, _MISREAD * math.hypot(lens.width_px, lens.height_px))
    matrix = _floor_of(straight_px[kept], xy_m[kept])
    if matrix is None:
        raise DegeneratePoints(
            "no view from above the floor shows these points like this; check that pixels and "
            "metres belong together and that x is right and y is up on the plan"
        )
    left_out_m = np.full(len(px), np.nan)
    left_out_m[kept] = _left_out_m(straight_px[kept], xy_m[kept])
    held_out_m = left_out_m[~np.isnan(left_out_m)]
    measured = len(held_out_m) >= _LEAST_HELD_OUT and bool(np.isfinite(held_out_m).all())
    error_m = float(np.sqrt(np.mean(held_out_m**2) / 2)) if measured else UNMEASURED_ERROR_M
    camera = camera_from_homography(lens, matrix, max(error_m, SURVEY_ERROR_M))
    seen_px, _ = camera.to_image(xyz_m * (1.0, 1.0, 0.0))
    residual_px = np.linalg.norm(seen_px - px, axis=1)
    spare = max(2 * len(kept) - 8, 1)
    return CameraFit(
        camera=camera,
        residual_px=np.asarray(residual_px),
        held_out_m=held_out_m,
        left_out_m=left_out_m,
        measured=measured,
        dropped=tuple(np.setdiff1d(np.arange(len(px)), kept).tolist()),
        sigma_px=math.sqrt(float((residual_px[kept] ** 2).sum()) / spare),
    ), matrix


def _believed(
    straight_px: NDArray[np.float64], xy_m: NDArray[np.float64], limit_px: float
) -> NDArray[np.intp]:
    """Rows of the points that agree (RANSAC: Fischler and Bolles 1981); all where too few do."""
    everybody = np.arange(len(xy_m))
    if len(xy_m) < _LEAST_TO_DROP_ONE:
        return everybody
    _, agree = cv2.findHomography(xy_m, straight_px, cv2.RANSAC, limit_px)
    kept = np.flatnonzero(agree) if agree is not None else everybody
    if len(kept) < max(_LEAST_KEPT, _KEPT_SHARE * len(xy_m)):
        return everybody
    try:
        require_spread(straight_px[kept], np.column_stack([xy_m[kept], np.zeros(len(kept))]))
    except DegeneratePoints:
        return everybody
    return kept


def _floor_of(
    straight_px: NDArray[np.float64], xy_m: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """`(3, 3)` undistorted pixels to metres; None where some of the points would lie behind."""
    found, _ = cv2.findHomography(xy_m, straight_px, 0)
    if found is None or abs(np.linalg.det(found)) < 1e-12:  # noqa: PLR2004 - singular for doubles
        return None
    to_floor = np.linalg.inv(np.asarray(found, dtype=np.float64)).astype(np.float64)
    depth = np.column_stack([straight_px, np.ones(len(straight_px))]) @ to_floor[2]
    ahead = (depth > 0).all() or (depth < 0).all()
    # Seen from above, a turn to the left on the plan is one to the left in the picture, whose y
    # points down: the mapping of the two turns its sense around.
    from_above = float(np.linalg.det(to_floor)) * float(np.sign(depth[0])) < 0
    return to_floor if ahead and from_above else None


def _left_out_m(straight_px: NDArray[np.float64], xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(N,)` how far the others place each point off; not a number where they fix nothing."""
    count = len(xy_m)
    away_m = np.full(count, np.nan)
    if count <= _LEAST:
        return away_m
    for i in range(count):
        others_px, others_m = np.delete(straight_px, i, axis=0), np.delete(xy_m, i, axis=0)
        try:
            require_spread(others_px, np.column_stack([others_m, np.zeros(count - 1)]))
        except DegeneratePoints:
            continue
        matrix = _floor_of(others_px, others_m)
        if matrix is None:
            away_m[i] = np.inf
            continue
        xyw = matrix @ (*straight_px[i], 1.0)
        ahead = xyw[2] * (matrix @ (*others_px[0], 1.0))[2] > 0
        away_m[i] = np.linalg.norm(xyw[:2] / xyw[2] - xy_m[i]) if ahead else np.inf
    return away_m
