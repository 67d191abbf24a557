"""Comparing two detectors box by box, and the real export of the shipped weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from vision.agreement import TOLERANCES, Tolerance, compare, live_tolerance
from vision.detections import Detections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.exports import Form

Row = tuple[tuple[float, ...], float, int]
STRICT = Tolerance(score=0.001, iou=0.99, unmatched=0.0)
LEFT, RIGHT = (10, 10, 60, 110), (200, 10, 250, 110)


class Fixed:
    """A detector that finds the same in every picture."""

    def __init__(self, *rows: Row) -> None:
        self._found = Detections(
            np.array([box for box, _, _ in rows], np.float32).reshape(-1, 4),
            np.array([score for _, score, _ in rows], np.float32),
            np.array([number for _, _, number in rows], np.int16),
            ("person", "firearm"),
        )

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        return [self._found for _ in images]


PICTURES = [np.zeros((120, 300, 3), np.uint8)] * 2


def test_the_same_answers_agree() -> None:
    rows: list[Row] = [(LEFT, 0.9, 0), (RIGHT, 0.4, 1)]
    agreement = compare(Fixed(*rows), Fixed(*reversed(rows)), PICTURES)
    assert (agreement.boxes, agreement.unmatched, agreement.score_worst) == (4, 0, 0.0)
    assert agreement.within(STRICT)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param([(LEFT, 0.9, 0)], id="a box is missing"),
        pytest.param([(LEFT, 0.9, 0), (RIGHT, 0.4, 0)], id="another class"),
        pytest.param([(LEFT, 0.7, 0), (RIGHT, 0.3, 1)], id="other scores"),
        pytest.param([((10, 10, 60, 90), 0.9, 0), ((200, 10, 240, 110), 0.4, 1)], id="moved"),
        pytest.param(
            [(LEFT, 0.9, 0), (RIGHT, 0.4, 1), ((100, 10, 150, 110), 0.5, 0)], id="one too many"
        ),
    ],
)
def test_what_differs_is_outside_the_tolerance(other: list[Row]) -> None:
    agreement = compare(Fixed((LEFT, 0.9, 0), (RIGHT, 0.4, 1)), Fixed(*other), PICTURES)
    assert not agreement.within(STRICT)


def test_a_box_near_the_threshold_may_lie_on_its_other_side() -> None:
    agreement = compare(Fixed((LEFT, 0.2505, 0)), Fixed((LEFT, 0.2499, 0)), PICTURES)
    assert (agreement.boxes, agreement.unmatched) == (2, 0)
    assert agreement.within(STRICT)


def test_nothing_to_compare_proves_nothing() -> None:
    agreement = compare(Fixed(), Fixed(), PICTURES)
    assert agreement.boxes == 0
    assert not any(agreement.within(tolerance) for tolerance in TOLERANCES.values())


@pytest.mark.parametrize(
    ("backend", "precision"),
    [
        pytest.param("openvino-cpu-int8-bf16", "openvino-int8", id="the-coarser-of-two"),
        pytest.param("openvino-cpu-f32", "openvino", id="weights-are-stored-in-half-precision"),
        pytest.param("torch-cuda-fp16", "tensorrt", id="half-on-a-gpu"),
        pytest.param("torch-cpu-fp32", "onnx", id="single"),
    ],
)
def test_what_runs_live_is_held_to_its_precision(backend: str, precision: Form) -> None:
    assert live_tolerance(backend) == TOLERANCES[precision]


def test_bfloat16_has_a_tolerance_of_its_own_and_the_unknown_none() -> None:
    assert live_tolerance("openvino-cpu-bf16").unmatched == 0.02
    with pytest.raises(ValueError, match="'quantum-cpu': expected one of int8, bf16"):
        live_tolerance("quantum-cpu")
