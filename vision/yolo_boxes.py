"""From the raw output of a YOLO network to boxes: threshold, then one box per object."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from .detections import Detections

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from .letterbox import Letterbox

SAME_OBJECT_IOU = 0.55
"""Boxes of one class that overlap more are one object; chosen where persons walk abreast."""

MOST_BOXES = 300
"""More boxes than this in one picture are noise."""


class BoxReader:
    """Turns raw outputs into boxes of the picture.

    Args:
        class_names: names of the network's classes.
        confidence: class name → score from which a box is reported; a class without is silent.
    """

    def __init__(self, class_names: Sequence[str], confidence: Mapping[str, float]) -> None:
        self.class_names = tuple(class_names)
        self._threshold = np.array(
            [confidence.get(name, np.inf) for name in self.class_names], np.float64
        )
        self._least = np.float32(np.nextafter(np.float32(self._threshold.min()), np.float32(0)))

    def boxes(self, output: NDArray[np.float32], fit: Letterbox) -> Detections:
        """Return the boxes of one picture, each object once.

        Args:
            output: `(4 + classes, anchors)`: cx, cy, w, h in pixels of the input, class scores;
                not kept.
            fit: where the picture lies in the input.
        """
        # Nearly all of some 5,000 anchors see nothing: what follows is done for the others alone.
        maybe = np.flatnonzero(output[4:].max(axis=0) >= self._least)
        if not len(maybe):
            return Detections.empty(self.class_names)
        seen = output[:, maybe]
        by_class = seen[4:]
        class_id = by_class.argmax(axis=0)
        confidence = by_class.max(axis=0)
        sure = confidence >= self._threshold[class_id]
        if not sure.any():
            return Detections.empty(self.class_names)
        class_id, confidence = class_id[sure], confidence[sure]
        centre, size = seen[:2, sure].T, seen[2:4, sure].T
        left_top = centre - size / 2
        # Lists: OpenCV reads a numpy array of this size half as fast.
        rows = cv2.dnn.NMSBoxesBatched(
            np.hstack([left_top, size]).tolist(),
            confidence.tolist(),
            class_id.tolist(),
            score_threshold=0.0,
            nms_threshold=SAME_OBJECT_IOU,
            top_k=MOST_BOXES,
        )
        kept = np.asarray(rows, np.intp).reshape(-1)
        xyxy_px = np.hstack([left_top[kept], (left_top + size)[kept]]).astype(np.float32)
        return Detections(
            fit.to_source(xyxy_px),
            confidence[kept].astype(np.float32),
            class_id[kept].astype(np.int16),
            self.class_names,
        )
