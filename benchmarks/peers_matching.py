"""Do two systems find the same? Their boxes, matched frame by frame: pure functions of arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from benchmarks.peers_age import Timed

SAME_IOU = 0.5

Found = dict[tuple[int, int], "NDArray[np.float32]"]
"""Camera and stamp of a picture → its boxes, `(N, 6)` as in `peers_protocol.Results.add`."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two systems agree on the pictures that both worked on.

    Attributes:
        pictures: how many those are.
        boxes: how many boxes the first found in them.
        other_boxes: how many the second found.
        matched: pairs of one class that overlap by IoU 0.5 or more, one to one.
    """

    pictures: int
    boxes: int
    other_boxes: int
    matched: int

    @property
    def match_rate(self) -> float:
        """The share of all boxes of both that have a partner, 0..1; 1 where neither found any."""
        both = self.boxes + self.other_boxes
        return 2.0 * self.matched / both if both else 1.0

    @property
    def count_difference(self) -> float:
        """How many more boxes the second found, as a share of the first's."""
        return (self.other_boxes - self.boxes) / max(self.boxes, 1)


def overlap(boxes: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """`(N, M)` intersection over union of `(N, 4)` and `(M, 4)` boxes (left, top, right, bottom).

    Boxes without area overlap nothing.
    """
    left_top = np.maximum(boxes[:, None, :2], others[None, :, :2])
    right_bottom = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.prod(np.maximum(right_bottom - left_top, 0.0), axis=2)
    area = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0), axis=1)
    other_area = np.prod(np.maximum(others[:, 2:] - others[:, :2], 0.0), axis=1)
    together = area[:, None] + other_area[None, :] - shared
    return np.asarray(shared / np.maximum(together, 1e-9), np.float32)


def matched_boxes(boxes: NDArray[np.float32], others: NDArray[np.float32]) -> int:
    """How many boxes of one picture have a partner of their class, one to one, the most overlap.

    Args:
        boxes: `(N, 6)` of one system.
        others: `(M, 6)` of the other.
    """
    if not len(boxes) or not len(others):
        return 0
    iou = overlap(boxes[:, :4], others[:, :4])
    iou[boxes[:, None, 5] != others[None, :, 5]] = 0.0
    rows, columns = linear_sum_assignment(-iou)
    return int(np.count_nonzero(iou[rows, columns] >= SAME_IOU))


def agreement(found: Mapping[tuple[int, int], NDArray[np.float32]], others: Found) -> Agreement:
    """How far two systems agree."""
    shared = sorted(found.keys() & others.keys())
    return Agreement(
        pictures=len(shared),
        boxes=sum(len(found[key]) for key in shared),
        other_boxes=sum(len(others[key]) for key in shared),
        matched=sum(matched_boxes(found[key], others[key]) for key in shared),
    )


def by_picture(runs: Iterable[Timed]) -> Found:
    """The boxes of each readable picture of some runs; of one seen twice, the last."""
    found: Found = {}
    for run in runs:
        edges = np.searchsorted(run.box_result, np.arange(len(run.camera) + 1))
        for row, (camera, stamp) in enumerate(zip(run.camera, run.stamp, strict=True)):
            if stamp >= 0:
                found[int(camera), int(stamp)] = run.boxes[edges[row] : edges[row + 1]]
    return found
