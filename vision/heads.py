"""Where heads are, and how they are made unrecognisable in pictures that people watch.

The body of whoever is watched matters, and what is in their hands; the faces of bystanders do not.
A head is taken for the upper part of its person's box. Averaging into a few blocks cannot be undone
as a blur can (McPherson, Shokri and Shmatikov, Defeating Image Obfuscation with Deep Learning,
2016, show that fine blocks can be seen through by a machine: so the blocks are coarse).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEAD_SHARE = 0.24
"""The upper share of a standing person's box that is covered. A head is an eighth of a body, and
two boxes in a row can differ by some of that."""

BLOCKS = 4
"""Blocks along the longer side of a covered head."""

REMEMBERED_S = 0.6
"""A head that was there so shortly before is covered once more where its box is missing: a detector
that blinks for a frame must not show a face."""

_LYING = 1.2  # wider than this times their height: nobody stands in such a box
_WIDER = 0.1


def head_boxes(xyxy_px: NDArray[np.float32]) -> NDArray[np.float32]:
    """The parts of person boxes that may hold a head, `(M, 4)` float32, left, top, right, bottom.

    Whoever stands has one, at the top. In a box that is wider than it is high somebody lies or
    crawls, and either end may be the head's: both are given.

    Args:
        xyxy_px: `(N, 4)` float32, boxes of persons, pixels.
    """
    if not len(xyxy_px):
        return np.zeros((0, 4), np.float32)
    left, top, right, bottom = xyxy_px.T
    width, height = right - left, bottom - top
    lies = width > _LYING * height
    pad = _WIDER * width
    standing = np.stack(
        [left - pad, top - 0.02 * height, right + pad, top + HEAD_SHARE * height], axis=1
    )
    ends = 0.35 * width
    west = np.stack([left - pad, top, left + ends, bottom], axis=1)
    east = np.stack([right - ends, top, right + pad, bottom], axis=1)
    return np.concatenate([standing[~lies], west[lies], east[lies]]).astype(np.float32)


def pixelate(image: NDArray[np.uint8], boxes_px: NDArray[np.float32]) -> None:
    """Average parts of a picture into coarse blocks, in place.

    Args:
        image: `(H, W, 3)` uint8.
        boxes_px: `(M, 4)` float32, left, top, right, bottom; what lies outside is left alone.
    """
    height, width = image.shape[:2]
    corners = np.concatenate([np.floor(boxes_px[:, :2]), np.ceil(boxes_px[:, 2:])], axis=1)
    inside = np.clip(corners, 0, [width, height, width, height]).astype(int)
    for left, top, right, bottom in inside.tolist():
        wide, high = right - left, bottom - top
        if wide < 1 or high < 1:
            continue
        longer = max(wide, high)
        blocks = max(1, round(BLOCKS * wide / longer)), max(1, round(BLOCKS * high / longer))
        part = image[top:bottom, left:right]
        coarse = cv2.resize(part, blocks, interpolation=cv2.INTER_AREA)
        image[top:bottom, left:right] = cv2.resize(
            coarse, (wide, high), interpolation=cv2.INTER_NEAREST
        )


class RecentHeads:
    """Remembers for a moment where the heads of one camera were."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, NDArray[np.float32]]] = []

    def with_recent(self, heads_px: NDArray[np.float32], at_s: float) -> NDArray[np.float32]:
        """Those of this frame and those of shortly before, `(M, 4)` float32.

        Args:
            heads_px: `(N, 4)` float32, of the frame captured at `at_s`.
            at_s: Unix seconds; that of the same frame again changes nothing.
        """
        self._seen = [(t, one) for t, one in self._seen if 0.0 < at_s - t <= REMEMBERED_S]
        self._seen.append((at_s, heads_px))
        return np.concatenate([one for _, one in self._seen])
