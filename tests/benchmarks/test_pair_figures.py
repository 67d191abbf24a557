"""Figures of pairs on tiny tables whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.pair_figures import (
    area_under_curve,
    equal_error_rate,
    first_is_right,
    ratio_cost,
)


@pytest.mark.parametrize(
    ("same", "different", "area", "error"),
    [
        ([3.0, 4.0], [1.0, 2.0], 1.0, 0.0),
        ([1.0, 2.0], [3.0, 4.0], 0.0, 1.0),
        ([1.0, 3.0], [2.0, 2.0, 2.0, 2.0], 0.5, 0.5),
        ([1.0, 1.0], [1.0, 1.0], 0.5, 0.5),
        ([1.0, 3.0, 3.0, 3.0], [0.0, 0.0, 0.0, 2.0], 15 / 16, 0.25),
    ],
)
def test_area_and_equal_error(
    same: list[float], different: list[float], area: float, error: float
) -> None:
    assert area_under_curve(np.array(same), np.array(different)) == pytest.approx(area)
    assert equal_error_rate(np.array(same), np.array(different)) == pytest.approx(error)


@pytest.mark.parametrize(
    ("same", "different", "low", "high", "what"),
    [
        ([0.0, 0.0], [0.0], 1.0, 1.0, "who says nothing costs one bit"),
        ([9.0, 9.0], [-9.0], 0.0, 0.01, "who knows costs nothing"),
        ([-9.0], [9.0], 5.0, 20.0, "who is sure and wrong costs more than silence"),
    ],
)
def test_ratio_cost(
    same: list[float], different: list[float], low: float, high: float, what: str
) -> None:
    cost = ratio_cost(np.array(same), np.array(different))
    assert low - 1e-9 <= cost <= high + 1e-9, what


def test_only_who_is_there_can_be_found_first() -> None:
    score = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.4]])
    assert first_is_right(score, ["a", "b", "c"], ["a", "b"]) == [True, False]
    assert first_is_right(score[:, :1], ["a", "b", "c"], ["a"]) == []
