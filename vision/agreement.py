"""Does an exported network answer as its checkpoint does? Box by box, on the same pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import supervision as sv
from scipy.optimize import linear_sum_assignment

from .backend_library import LibraryBackend
from .backend_openvino import OpenVinoBackend
from .backend_torch import TorchBackend
from .yolo import YoloDetector

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.exports import Form
    from models.registry import Checkpoint

    from .backend import FlowingBackend
    from .detect import Detector
    from .detections import Detections

COMPARED_FROM = 0.25
"""Boxes of the checkpoint at least this sure must be there in the export's answer, too."""

_FAINT_SHARE = 0.5
"""The other side may score a box this much lower before it counts as missing."""

_MATCH_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far an export may be from its checkpoint.

    Attributes:
        score: largest median difference of the scores of one box.
        iou: smallest median overlap of the two boxes.
        unmatched: largest share of boxes that only one of the two finds.
    """

    score: float
    iou: float
    unmatched: float


TOLERANCES: dict[Form, Tolerance] = {
    "onnx": Tolerance(score=0.001, iou=0.995, unmatched=0.0),
    "openvino": Tolerance(score=0.01, iou=0.98, unmatched=0.005),
    "openvino-int8": Tolerance(score=0.05, iou=0.9, unmatched=0.05),
    "tensorrt": Tolerance(score=0.01, iou=0.98, unmatched=0.005),
}
"""Single precision differs by rounding alone, half precision in the third digit of a score, eight
bits visibly: what such a network is worth is then said by its own evaluation."""


LIVE_TOLERANCES: dict[str, Tolerance] = {
    "int8": TOLERANCES["openvino-int8"],
    "bf16": Tolerance(score=0.01, iou=0.98, unmatched=0.02),
    "fp16": TOLERANCES["tensorrt"],
    "f32": TOLERANCES["openvino"],
    "fp32": TOLERANCES["onnx"],
}
"""By what a backend's name says it computes in, the coarsest first. bfloat16 keeps eight bits of a
number, float16 eleven: more often a box at the edge of being found is found by one alone."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two detectors compared.

    Attributes:
        pictures: how many pictures both have seen.
        boxes: boxes that either is sure of.
        unmatched: of these, boxes that the other does not have at all.
        score_median, score_worst: differences of the scores of matched boxes.
        iou_median, iou_worst: overlaps of matched boxes.
    """

    pictures: int
    boxes: int
    unmatched: int
    score_median: float
    score_worst: float
    iou_median: float
    iou_worst: float

    def within(self, tolerance: Tolerance) -> bool:
        """Whether enough boxes were compared and all lie within the tolerance."""
        return (
            self.boxes > 0
            and self.unmatched <= tolerance.unmatched * self.boxes
            and self.score_median <= tolerance.score
            and self.iou_median >= tolerance.iou
        )


def compare(
    one: Detector,
    other: Detector,
    images: Sequence[NDArray[np.uint8]],
    *,
    sure_from: float = COMPARED_FROM,
) -> Agreement:
    """Compare what two detectors find in the same pictures, class by class.

    Args:
        one: reports boxes from `sure_from` / 2 on.
        other: the same.
        images: `(H, W, 3)` uint8 BGR pictures.
        sure_from: score from which a box of either must have a partner in the other.
    """
    boxes = unmatched = 0
    scores, ious = [np.zeros(0)], [np.zeros(0)]
    for ours, theirs in zip(one.detect(images), other.detect(images), strict=True):
        overlap = _overlap(ours, theirs)
        rows, columns = linear_sum_assignment(overlap, maximize=True)
        hit = overlap[rows, columns] >= _MATCH_IOU
        rows, columns = rows[hit], columns[hit]
        a, b = ours.confidence[rows], theirs.confidence[columns]
        sure = np.maximum(a, b) >= sure_from
        alone = [
            int((np.delete(found.confidence, taken) >= sure_from).sum())
            for found, taken in ((ours, rows), (theirs, columns))
        ]
        unmatched += sum(alone)
        boxes += int(sure.sum()) + sum(alone)
        scores.append(np.abs(a - b)[sure].astype(np.float64))
        ious.append(overlap[rows, columns][sure])
    score, iou = np.concatenate(scores), np.concatenate(ious)
    nothing = not len(score)
    return Agreement(
        len(images),
        boxes,
        unmatched,
        float("nan") if nothing else float(np.median(score)),
        float("nan") if nothing else float(score.max()),
        float("nan") if nothing else float(np.median(iou)),
        float("nan") if nothing else float(iou.min()),
    )


def _overlap(ours: Detections, theirs: Detections) -> NDArray[np.float64]:
    """Intersection over union, 0 between classes, `(N, M)`."""
    overlap = sv.box_iou_batch(ours.xyxy_px, theirs.xyxy_px).astype(np.float64)
    same: NDArray[np.bool_] = ours.class_id[:, None] == theirs.class_id[None, :]
    return np.where(same, overlap, 0.0)


def checkpoint_and_export(
    checkpoint: Checkpoint, exported: Path, sure_from: float = COMPARED_FROM
) -> tuple[YoloDetector, YoloDetector]:
    """The checkpoint in torch, single precision, and its export, ready to be compared.

    Args:
        checkpoint: the weights.
        exported: what `models.exports.export_as` returned.
        sure_from: see `compare`.
    """
    faint = dict.fromkeys(checkpoint.classes, sure_from * _FAINT_SHARE)
    backend = (
        OpenVinoBackend(exported / "model.xml", "f32")
        if exported.is_dir()
        else LibraryBackend(exported)
    )
    return (
        YoloDetector(checkpoint, TorchBackend(checkpoint, "cpu"), faint),
        YoloDetector(checkpoint, backend, faint),
    )


def checkpoint_and_live(
    checkpoint: Checkpoint, backend: FlowingBackend, sure_from: float = COMPARED_FROM
) -> tuple[YoloDetector, YoloDetector]:
    """The checkpoint in torch, single precision, and as a backend runs it live.

    Args:
        checkpoint: the weights.
        backend: what `vision.backend_choice.load_backend` returned.
        sure_from: see `compare`.
    """
    faint = dict.fromkeys(checkpoint.classes, sure_from * _FAINT_SHARE)
    return (
        YoloDetector(checkpoint, TorchBackend(checkpoint, "cpu"), faint),
        YoloDetector(checkpoint, backend, faint),
    )


def live_tolerance(backend_name: str) -> Tolerance:
    """Return how far a backend may be from single precision, by what its name says.

    Raises:
        ValueError: if the name tells no precision.
    """
    parts = backend_name.split("-")
    for precision, tolerance in LIVE_TOLERANCES.items():
        if precision in parts:
            return tolerance
    raise ValueError(f"{backend_name!r}: expected one of {', '.join(LIVE_TOLERANCES)} in the name")
