"""Brings the live detector and the measurements of `models` together."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from models.evaluation import Found, labelled_pictures, measure, read_data_file, run_detector
from vision.detections import Detections
from vision.look_measurement import LabelledPicture
from vision.weapons import load_second_look
from vision.yolo import load_detector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.evaluation import Figures
    from models.labels import Labels
    from vision.detect import Detector, Device

LOWEST_SCORE = 0.003
"""Average precision needs the whole curve; boxes below this no longer change its third digit."""


def figures_of(
    weights: str,
    pictures: Iterable[tuple[NDArray[np.uint8], Labels]],
    classes: Sequence[str],
    device: Device = "auto",
    confidence: Mapping[str, float] | None = None,
    input_px: int | None = None,
) -> tuple[Figures, str]:
    """Return the figures of some weights and the backend they were measured on.

    Args:
        weights: registered name or path of a `.pt` file.
        pictures: pictures with labels numbered by `classes`.
        classes: classes to measure; those that the weights do not know are never found.
        device: where the detector runs.
        confidence: class name → operating point, over the weights' own.
        input_px: long side of the network's input; the one registered for the weights if None.
    """
    checkpoint = load_detector(device, weights).checkpoint
    every_score = {name: LOWEST_SCORE for name in checkpoint.classes if name in classes}
    silent = {name: 1.0 for name in checkpoint.classes if name not in classes}
    detector = load_detector(device, weights, {**every_score, **silent}, input_px)
    told = {**checkpoint.confidence, **(confidence or {})}
    points = {name: told.get(name, 1.0) for name in classes}
    pairs = run_detector(lambda images: _found(detector, images, classes), pictures)
    return measure(pairs, classes, points), detector.backend


def second_look_figures(
    weights: str,
    pictures: Iterable[tuple[NDArray[np.uint8], Labels]],
    classes: Sequence[str],
    device: Device = "auto",
    confidence: Mapping[str, float] | None = None,
) -> tuple[Figures, str]:
    """Return the figures of a second look at the persons that the registered detector finds.

    They are told in whole pictures, so they compare with those of a whole-frame detector: a
    weapon at a person who was not found is missed, and sizes are pixels of the picture.

    Args:
        weights: of the second look: registered name or path of a `.pt` file.
        pictures: pictures with labels numbered by `classes`.
        classes: classes to measure; those that the weights do not know are never found.
        device: where the detectors run.
        confidence: class name → operating point, over the weights' own.
    """
    persons = load_detector(device)
    second_look = load_second_look(device, LOWEST_SCORE, weights)
    points = {name: {**second_look.shown, **(confidence or {})}.get(name, 1.0) for name in classes}

    def look(images: list[NDArray[np.uint8]]) -> list[Found]:
        boxes = [found.persons().xyxy_px for found in persons.detect(images)]
        return [_as_found(weapons, classes) for weapons in second_look.look(images, boxes)]

    return measure(run_detector(look, pictures), classes, points), persons.backend


def figures_as_json(figures: Figures) -> dict[str, Any]:
    """Return the figures as JSON objects."""
    return asdict(figures)


def labelled_looks(data: Path) -> Iterator[LabelledPicture]:
    """Yield the pictures of a YOLO data file as the look measurement wants them.

    Raises:
        DatasetError: for a malformed or missing file.
    """
    read = read_data_file(data)
    names = tuple(read.names[number] for number in sorted(read.names))
    for image, labels in labelled_pictures(read, names):
        truth = Detections(
            labels.xyxy_px.astype(np.float32),
            np.ones(len(labels), np.float32),
            labels.class_id.astype(np.int16),
            names,
        )
        yield LabelledPicture(image, truth)


def _found(
    detector: Detector, images: Sequence[NDArray[np.uint8]], classes: Sequence[str]
) -> list[Found]:
    return [_as_found(boxes, classes) for boxes in detector.detect(images)]


def _as_found(boxes: Detections, classes: Sequence[str]) -> Found:
    number = np.array([_place(name, classes) for name in boxes.class_names], np.int64)
    ours = number[boxes.class_id]
    keep = ours >= 0
    return Found(
        boxes.xyxy_px[keep].astype(np.float64),
        ours[keep],
        boxes.confidence[keep].astype(np.float64),
    )


def _place(name: str, classes: Sequence[str]) -> int:
    return list(classes).index(name) if name in classes else -1
