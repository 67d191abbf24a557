"""Counting looks: who counts as armed, what the detector made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.looks import read_look_rates, write_look_rates
from vision.detections import Detections
from vision.look_measurement import LabelledPicture, measure_looks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

NAMES = ("person", "firearm")
ARMED, HARMLESS = [100.0, 50, 160, 250], [300.0, 50, 360, 250]
GUN = [120.0, 110, 150, 130]
PICTURE = np.zeros((360, 640, 3), np.uint8)


def boxes(rows: Sequence[tuple[Sequence[float], float, int]]) -> Detections:
    return Detections(
        np.array([box for box, _, _ in rows], np.float32).reshape(-1, 4),
        np.array([confidence for _, confidence, _ in rows], np.float32),
        np.array([label for _, _, label in rows], np.int16),
        NAMES,
    )


class Always:
    """A detector that finds the same in every picture."""

    def __init__(self, found: Detections) -> None:
        self._found = found

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        return [self._found for _ in images]


TRUTH = boxes([(ARMED, 1, 0), (HARMLESS, 1, 0), (GUN, 1, 1)])


def test_outcomes_are_counted_by_who_is_armed() -> None:
    # Fires on the armed one at 0.6, on nobody else; also finds a ghost that is nobody.
    found = boxes(
        [(ARMED, 0.9, 0), (HARMLESS, 0.9, 0), ([500, 50, 560, 250], 0.9, 0), (GUN, 0.6, 1)]
    )
    rates = measure_looks([LabelledPicture(PICTURE, TRUTH)] * 3, Always(found), None, "made up")
    assert rates.armed.sum() == 3
    assert rates.unarmed.sum() == 3
    row = np.flatnonzero(rates.armed.sum(axis=1))
    assert rates.armed[row[0], -2] == 3  # 0.5 to 0.75
    assert rates.unarmed[row[0], 0] == 3  # no weapon box


def test_persons_not_found_are_not_looked_at() -> None:
    rates = measure_looks(
        [LabelledPicture(PICTURE, TRUTH)], Always(boxes([(HARMLESS, 0.9, 0)])), None, "made up"
    )
    assert rates.armed.sum() == 0
    assert rates.unarmed.sum() == 1


def test_rates_survive_their_file(tmp_path: Path) -> None:
    rates = measure_looks([LabelledPicture(PICTURE, TRUTH)] * 9, Always(TRUTH), None, "made up")
    write_look_rates(rates, "some", tmp_path)
    again = read_look_rates("some", tmp_path)
    np.testing.assert_array_equal(again.armed, rates.armed)
    np.testing.assert_array_equal(again.unarmed, rates.unarmed)
    assert again.source == "made up"
