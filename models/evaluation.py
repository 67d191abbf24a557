"""Measures a detector on labelled pictures: AP, precision, recall by size, false alarms."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import supervision as sv
import yaml
from pydantic import BaseModel, Field, ValidationError
from supervision.metrics import MeanAveragePrecision

from .errors import DatasetError
from .labels import Labels, picture_files, read_labels, read_picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

MATCH_IOU = 0.5
"""Overlap from which a found box counts as the labelled one (PASCAL VOC's)."""

SIZE_EDGES_PX = (12, 16, 24, 32, 64, 128)
"""Edges of the size classes in which recall is told."""

RELIABILITY_BINS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Edges of the confidences in which claims are held against what was right."""

CURVE_POINTS = 201


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a detector found in one picture, from a very low score on.

    Attributes:
        xyxy_px: `(N, 4)` float64.
        class_id: `(N,)` int64, numbered as the labels are.
        confidence: `(N,)` float64 in 0..1.
    """

    xyxy_px: NDArray[np.float64]
    class_id: NDArray[np.int64]
    confidence: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SizeRecall:
    """Recall of the objects whose size lies in from_px ≤ size < to_px (None: no upper end)."""

    from_px: int
    to_px: int | None
    objects: int
    recall: float | None


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Precision and recall of all boxes whose confidence is at least this."""

    confidence: float
    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Boxes whose confidence lies in a bin: what they claimed and how many were right."""

    from_confidence: float
    to_confidence: float
    boxes: int
    mean_confidence: float | None
    right_share: float | None


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Figures of one class; those that need labelled objects are None where there are none.

    `precision`, `recall`, `false_alarms_per_image` and the recalls by size hold at the operating
    point `confidence`; the average precisions and the precision-recall curve run over all scores.
    `calibration_error` is the expected calibration error over `RELIABILITY_BINS` (Guo et al., ICML
    2017), of boxes of at least 0.05: below that nobody reads a score as a probability.
    """

    objects: int
    confidence: float
    ap50: float | None
    ap50_95: float | None
    precision: float | None
    recall: float | None
    false_alarms_per_image: float
    recall_by_height: tuple[SizeRecall, ...]
    recall_by_long_side: tuple[SizeRecall, ...]
    curve: tuple[CurvePoint, ...]
    reliability: tuple[ReliabilityBin, ...]
    calibration_error: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one detector on one set of pictures."""

    pictures: int
    classes: dict[str, ClassFigures]


@dataclass(frozen=True, slots=True)
class DataFile:
    """A YOLO data file: where the pictures are and what the class numbers mean."""

    folders: tuple[Path, ...]
    names: dict[int, str]


class _DataFile(BaseModel):
    path: str = ""
    val: str | list[str]
    names: Annotated[dict[int, str] | list[str], Field(min_length=1)]


def read_data_file(path: Path) -> DataFile:
    """Return the validation pictures that a YOLO `data.yaml` names.

    Raises:
        DatasetError: naming the file and the field.
    """
    try:
        read = _DataFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise DatasetError(f"{path}: not valid YAML: {error}") from error
    except ValidationError as error:
        lines = [
            f"{path}: {'.'.join(map(str, problem['loc'])) or 'file'}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise DatasetError("\n".join(lines)) from error
    base = path.parent / read.path
    parts = [read.val] if isinstance(read.val, str) else read.val
    names = dict(enumerate(read.names)) if isinstance(read.names, list) else read.names
    return DataFile(tuple(base / part for part in parts), names)


def labelled_pictures(
    data: DataFile, classes: Sequence[str]
) -> Iterator[tuple[NDArray[np.uint8], Labels]]:
    """Yield each picture with its labels, numbered by `classes`.

    Raises:
        DatasetError: for a folder without pictures, a malformed file, or a labelled class that
            is not in `classes`.
    """
    strangers = sorted(set(data.names.values()) - set(classes))
    if strangers:
        raise DatasetError(f"names: the weights have no classes {strangers}, only {list(classes)}")
    numbers = {theirs: list(classes).index(name) for theirs, name in data.names.items()}
    for folder in data.folders:
        labels = folder.parent / "labels" if folder.name == "images" else _label_folder(folder)
        for path in picture_files(folder):
            image = read_picture(path)
            size_px = (image.shape[1], image.shape[0])
            yield image, read_labels(labels / f"{path.stem}.txt", size_px, numbers)


def measure(
    pairs: Iterable[tuple[Found, Labels]], classes: Sequence[str], confidence: dict[str, float]
) -> Figures:
    """Return the figures of a detector.

    Args:
        pairs: for each picture, what was found (all scores) and what is labelled.
        classes: class names, in the order of the class numbers.
        confidence: class name → operating point.
    """
    collected = list(pairs)
    average = MeanAveragePrecision()
    average.update(
        [
            sv.Detections(f.xyxy_px, class_id=f.class_id, confidence=f.confidence)
            for f, _ in collected
        ],
        [sv.Detections(t.xyxy_px, class_id=t.class_id) for _, t in collected],
    )
    result = average.compute()
    precisions = dict(zip(result.matched_classes.tolist(), result.ap_per_class, strict=False))
    return Figures(
        len(collected),
        {
            name: _class_figures(
                [
                    (
                        Found(
                            f.xyxy_px[f.class_id == number],
                            f.class_id[f.class_id == number],
                            f.confidence[f.class_id == number],
                        ),
                        t.xyxy_px[t.class_id == number],
                    )
                    for f, t in collected
                ],
                confidence.get(name, 1.0),
                precisions.get(number),
            )
            for number, name in enumerate(classes)
        },
    )


def matched(
    found: Found, truth_px: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which found boxes are right, `(N,)`, and which labelled boxes are found, `(M,)`.

    The surest box takes its best free labelled box first, as in PASCAL VOC.
    """
    right = np.zeros(len(found.xyxy_px), bool)
    hit = np.zeros(len(truth_px), bool)
    if not len(right) or not len(hit):
        return right, hit
    overlap = sv.box_iou_batch(found.xyxy_px, truth_px)
    for row in np.argsort(-found.confidence):
        free = np.where(hit, 0.0, overlap[row])
        best = int(free.argmax())
        if free[best] >= MATCH_IOU:
            right[row] = hit[best] = True
    return right, hit


def _class_figures(
    pairs: list[tuple[Found, NDArray[np.float64]]],
    confidence: float,
    average: NDArray[np.float64] | None,
) -> ClassFigures:
    right_count = wrong_count = 0
    hits: list[NDArray[np.bool_]] = [np.zeros(0, bool)]
    for found, truth_px in pairs:
        sure = found.confidence >= confidence
        right, hit = matched(
            Found(found.xyxy_px[sure], found.class_id[sure], found.confidence[sure]), truth_px
        )
        right_count += int(right.sum())
        wrong_count += int((~right).sum())
        hits.append(hit)
    hit_all = np.concatenate(hits)
    sides = np.concatenate([np.zeros((0, 2)), *(truth[:, 2:] - truth[:, :2] for _, truth in pairs)])
    objects = len(hit_all)
    answered = right_count + wrong_count
    score, right_all = _verdicts(pairs)
    reliability, calibration_error = _reliability(score, right_all)
    return ClassFigures(
        objects=objects,
        confidence=confidence,
        ap50=float(average[0]) if average is not None and objects else None,
        ap50_95=float(average.mean()) if average is not None and objects else None,
        precision=right_count / answered if answered else None,
        recall=float(hit_all.mean()) if objects else None,
        false_alarms_per_image=wrong_count / max(1, len(pairs)),
        recall_by_height=_by_size(sides[:, 1], hit_all),
        recall_by_long_side=_by_size(sides.max(axis=1), hit_all),
        curve=_curve(score, right_all, objects),
        reliability=reliability,
        calibration_error=calibration_error,
    )


def _verdicts(
    pairs: list[tuple[Found, NDArray[np.float64]]],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Confidence of every box of all pictures and whether it is right, surest first."""
    score = np.concatenate([np.zeros(0), *(found.confidence for found, _ in pairs)])
    right = np.concatenate([np.zeros(0, bool), *(matched(*pair)[0] for pair in pairs)])
    order = np.argsort(-score, kind="stable")
    return score[order], right[order]


def _curve(
    score: NDArray[np.float64], right: NDArray[np.bool_], objects: int
) -> tuple[CurvePoint, ...]:
    """The precision-recall curve, at no more than `CURVE_POINTS` of its points."""
    if not objects or not len(score):
        return ()
    hits = np.cumsum(right)
    precision, recall = hits / np.arange(1, len(hits) + 1), hits / objects
    rows = np.unique(np.linspace(0, len(score) - 1, CURVE_POINTS).round().astype(int))
    return tuple(
        CurvePoint(float(score[i]), float(precision[i]), float(recall[i])) for i in rows.tolist()
    )


def _reliability(
    score: NDArray[np.float64], right: NDArray[np.bool_]
) -> tuple[tuple[ReliabilityBin, ...], float | None]:
    bins, gaps, counted = [], 0.0, 0
    for low, high in pairwise(RELIABILITY_BINS):
        inside = (score >= low) & ((score < high) | (high >= 1.0))
        count = int(inside.sum())
        claimed = float(score[inside].mean()) if count else None
        share = float(right[inside].mean()) if count else None
        bins.append(ReliabilityBin(low, high, count, claimed, share))
        if claimed is not None and share is not None:
            gaps += count * abs(claimed - share)
            counted += count
    return tuple(bins), gaps / counted if counted else None


def _by_size(size_px: NDArray[np.float64], hit: NDArray[np.bool_]) -> tuple[SizeRecall, ...]:
    rows = []
    for low, high in zip((0, *SIZE_EDGES_PX), (*SIZE_EDGES_PX, None), strict=True):
        inside = (size_px >= low) & (size_px < (np.inf if high is None else high))
        count = int(inside.sum())
        rows.append(SizeRecall(low, high, count, float(hit[inside].mean()) if count else None))
    return tuple(rows)


def run_detector(
    detect: Callable[[list[NDArray[np.uint8]]], list[Found]],
    pictures: Iterable[tuple[NDArray[np.uint8], Labels]],
    batch: int = 8,
) -> Iterator[tuple[Found, Labels]]:
    """Yield what `detect` finds in each picture beside its labels."""
    waiting: list[tuple[NDArray[np.uint8], Labels]] = []
    for pair in pictures:
        waiting.append(pair)
        if len(waiting) == batch:
            yield from _run(detect, waiting)
            waiting = []
    if waiting:
        yield from _run(detect, waiting)


def _run(
    detect: Callable[[list[NDArray[np.uint8]]], list[Found]],
    pairs: list[tuple[NDArray[np.uint8], Labels]],
) -> Iterator[tuple[Found, Labels]]:
    for found, (_, truth) in zip(detect([image for image, _ in pairs]), pairs, strict=True):
        yield found, truth


def _label_folder(images: Path) -> Path:
    """`images/val` → `labels/val`, the last `images` in the path."""
    parts = list(images.parts)
    places = [i for i, part in enumerate(parts) if part == "images"]
    if not places:
        raise DatasetError(f"{images}: expected a folder below 'images', with labels beside it")
    parts[places[-1]] = "labels"
    return Path(*parts)
