"""How much of a body shows in a picture where nearer bodies and the borders cut it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .recorded import RecordedBoxes

_ACROSS: Final = 8
_DOWN: Final = 16


def visible_shares(
    boxes: RecordedBoxes, distance_m: NDArray[np.float64], size_px: tuple[int, int]
) -> NDArray[np.float64]:
    """Return the share, 0..1, of each box that lies in the picture and behind no nearer box.

    A body fills its box only in part, so this counts a little less of a half hidden body than an
    eye would. Shares are counted on a grid of points in each box, hence in steps of 1/128.

    Args:
        boxes: boxes of one camera, not cut at the borders.
        distance_m: `(N,)` float64, from the camera to each body.
        size_px: (width, height) of the picture.
    """
    across, down = np.meshgrid(
        (np.arange(_ACROSS) + 0.5) / _ACROSS, (np.arange(_DOWN) + 0.5) / _DOWN
    )
    grid = np.column_stack([across.ravel(), down.ravel()])
    shares = np.zeros(len(boxes.frame))
    order = np.argsort(boxes.frame, kind="stable")
    starts = np.flatnonzero(np.diff(boxes.frame[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        xyxy_px = boxes.xyxy_px[rows]
        low_px, side_px = xyxy_px[:, :2], xyxy_px[:, 2:] - xyxy_px[:, :2]
        points_px = low_px[:, None] + grid * side_px[:, None]
        shown = ((points_px >= 0) & (points_px <= np.array(size_px))).all(axis=2)
        inside = (
            (points_px[:, :, None] > low_px[None, None])
            & (points_px[:, :, None] < xyxy_px[None, None, :, 2:])
        ).all(axis=3)
        nearer = distance_m[rows][None, :] < distance_m[rows][:, None]
        hidden = (inside & nearer[:, None]).any(axis=2)
        shares[rows] = (shown & ~hidden).mean(axis=1)
    return shares
