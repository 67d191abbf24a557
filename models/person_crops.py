"""The square around a person's hands and torso: what the second look sees, in training and live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

LOOK_SIDE_PX = 160
"""Side of the pictures that a second look's network sees. A person some 180 pixels tall comes in
at native resolution, a smaller one enlarged."""

HANDS_REACH_DOWN = 0.75
"""A weapon in a hand lies in this upper share of the person's box; what lies lower (the foot of a
table, a shadow at the shoes) is nobody's weapon."""

ZONE_MARGIN = 0.25
"""A weapon held out reaches beyond the person's box by up to this share of its height."""

_LEAST_SIDE = 0.85
"""Side of the square as a share of the person's height where the box is narrow."""

_LEAST_SIDE_PX = 8.0
_GREY = 114


def zones(persons_xyxy_px: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Where a weapon in each person's hands can be, `(N, 4)` float64 left, top, right, bottom.

    Args:
        persons_xyxy_px: `(N, 4)` person boxes.
    """
    left, top, right, bottom = np.asarray(persons_xyxy_px, np.float64).T
    height = bottom - top
    reach = ZONE_MARGIN * height
    return np.stack([left - reach, top, right + reach, top + HANDS_REACH_DOWN * height], 1)


def look_squares(persons_xyxy_px: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The square to look at for each person, `(N, 4)` float64; it may reach out of the picture.

    Args:
        persons_xyxy_px: `(N, 4)` person boxes.
    """
    boxes = np.asarray(persons_xyxy_px, np.float64)
    zone = zones(boxes)
    height = boxes[:, 3] - boxes[:, 1]
    side = np.maximum(zone[:, 2] - zone[:, 0], _LEAST_SIDE * height)
    side = np.maximum(side, _LEAST_SIDE_PX)
    centre = (zone[:, :2] + zone[:, 2:]) / 2
    return np.hstack([centre - side[:, None] / 2, centre + side[:, None] / 2])


def cut_square(
    image: NDArray[np.uint8], square_px: NDArray[np.floating[Any]]
) -> tuple[NDArray[np.uint8], int, int]:
    """The pixels of a square, grey where it reaches out of the picture, at the picture's scale.

    Args:
        image: `(H, W, 3)` uint8.
        square_px: left, top, right, bottom.

    Returns:
        The `(side, side, 3)` cut and the whole pixels (left, top) at which it begins.
    """
    left, top = (int(np.floor(edge)) for edge in square_px[:2])
    side = max(2, round(float(square_px[2] - square_px[0])))
    height, width = image.shape[:2]
    cut = np.full((side, side, 3), _GREY, np.uint8)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + side, width), min(top + side, height)
    if x1 > x0 and y1 > y0:
        cut[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
    return cut, left, top


def resized(cut: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """The cut at the side that a network looks at."""
    way = cv2.INTER_AREA if cut.shape[0] > side_px else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(cut, (side_px, side_px), interpolation=way), np.uint8)
