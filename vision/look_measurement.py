"""Counting what single looks at persons yield, armed and not, on labelled pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import supervision as sv
from scipy.optimize import linear_sum_assignment

from models.looks import LookRates

from .armed import assign_weapons

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from .detect import Detector
    from .detections import Detections
    from .weapons import SecondLook

HEIGHT_EDGES_PX = (60.0, 110.0, 180.0)
"""Rows of the table: a weapon in the hands of a person 60 px tall is about 15 px long."""

CONFIDENCE_EDGES = (0.02, 0.05, 0.1, 0.25, 0.5, 0.75)
"""Columns of the table. They begin far below the score at which a box would be shown to anybody:
a faint box says little, but what it says is measured, and it adds up over looks."""

_MATCH_IOU = 0.5
_BATCH = 8


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPicture:
    """A picture with its true boxes, from people who looked or from the renderer.

    Attributes:
        image: `(H, W, 3)` uint8 BGR.
        truth: true persons and weapons.
    """

    image: NDArray[np.uint8]
    truth: Detections


def measure_looks(
    pictures: Iterable[LabelledPicture],
    detector: Detector,
    second_look: SecondLook | None,
    source: str,
) -> LookRates:
    """Count looks at the persons that the detector finds.

    A found person counts where it overlaps a true one (IoU at least 0.5), as armed where a true
    weapon belongs to that person by the rule of `vision.armed.assign_weapons`.

    Args:
        pictures: labelled pictures; all persons in them must be labelled.
        detector: finds persons.
        second_look: finds weapons around them, down to the lowest confidence edge; the detector
            itself if None.
        source: what the pictures are, in words; kept with the rates.
    """
    shape = (len(HEIGHT_EDGES_PX) + 1, len(CONFIDENCE_EDGES) + 1)
    rates = LookRates(
        np.array(HEIGHT_EDGES_PX),
        np.array(CONFIDENCE_EDGES),
        np.zeros(shape),
        np.zeros(shape),
        source,
    )
    batch: list[LabelledPicture] = []
    for picture in pictures:
        batch.append(picture)
        if len(batch) == _BATCH:
            _count(batch, detector, second_look, rates)
            batch = []
    if batch:
        _count(batch, detector, second_look, rates)
    return rates


def _count(
    batch: list[LabelledPicture],
    detector: Detector,
    second_look: SecondLook | None,
    rates: LookRates,
) -> None:
    images = [picture.image for picture in batch]
    found = detector.detect(images)
    weapons = (
        [detections.weapons() for detections in found]
        if second_look is None
        else second_look.look(images, [detections.persons().xyxy_px for detections in found])
    )
    for picture, detections, seen in zip(batch, found, weapons, strict=True):
        persons, true_persons = detections.persons(), picture.truth.persons()
        overlap = sv.box_iou_batch(persons.xyxy_px, true_persons.xyxy_px)
        rows, columns = linear_sum_assignment(overlap, maximize=True)
        matched = overlap[rows, columns] >= _MATCH_IOU
        rows, columns = rows[matched], columns[matched]
        outcome = assign_weapons(persons.xyxy_px, seen)[rows]
        armed = assign_weapons(true_persons.xyxy_px, picture.truth.weapons())[columns] > 0
        boxes = persons.xyxy_px[rows]
        row, column = rates.outcome_bins(boxes[:, 3] - boxes[:, 1], outcome)
        np.add.at(rates.armed, (row[armed], column[armed]), 1)
        np.add.at(rates.unarmed, (row[~armed], column[~armed]), 1)
