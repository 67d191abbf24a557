"""Whether the bottom of a box is where the feet are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.body import STATURE_M
from calibration.hidden_feet import behind_somebody, hidden_probability


def probability(standing_m: float, *, behind: bool = False, camera_m: float = 2.7) -> float:
    return float(hidden_probability(np.array([standing_m]), np.array([behind]), camera_m)[0])


@pytest.mark.parametrize(
    ("standing_m", "behind", "least", "most"),
    [
        pytest.param(1.70, False, 0.0, 0.03, id="an adult"),
        pytest.param(1.55, False, 0.0, 0.06, id="a short adult"),
        pytest.param(1.45, False, 0.0, 0.15, id="a child"),
        pytest.param(1.10, False, 0.4, 1.0, id="hardly anybody is so short"),
        pytest.param(0.80, False, 0.9, 1.0, id="nobody is"),
        pytest.param(1.70, True, 0.0, 0.3, id="an adult behind somebody, feet seen past them"),
        pytest.param(1.40, True, 0.4, 1.0, id="short, and somebody stands before"),
        pytest.param(1.90, True, 0.0, 0.1, id="tall: hidden feet never make taller"),
    ],
)
def test_how_probable_hidden_feet_are(
    standing_m: float, behind: bool, least: float, most: float
) -> None:
    assert least <= probability(standing_m, behind=behind) <= most


def test_from_the_height_of_heads_nothing_can_be_told() -> None:
    """A line of sight that is level meets every body at the same height, cut or not."""
    told = [probability(standing_m, camera_m=STATURE_M) for standing_m in (1.65, 1.70, 1.75)]

    assert max(told) < 0.1


@given(standing_m=st.floats(0.0, 3.0), behind=st.booleans(), camera_m=st.floats(0.5, 8.0))
def test_it_is_a_probability(standing_m: float, behind: bool, camera_m: float) -> None:
    assert 0.0 <= probability(standing_m, behind=behind, camera_m=camera_m) <= 1.0


@pytest.mark.parametrize(
    ("other", "hidden", "shows"),
    [
        pytest.param((102, 150, 148, 300), True, "in front, over the feet", id="in front"),
        pytest.param((140, 150, 200, 300), False, "in front, beside", id="beside"),
        pytest.param((102, 20, 148, 190), False, "farther away", id="behind"),
        pytest.param((102, 210, 148, 400), False, "far in front, below", id="below"),
    ],
)
def test_who_stands_before_whom(other: tuple[float, ...], hidden: bool, shows: str) -> None:
    boxes_px = np.array([(100.0, 50.0, 150.0, 200.0), other])

    assert behind_somebody(boxes_px)[0] == hidden, shows


def test_nobody_stands_before_themselves() -> None:
    assert not behind_somebody(np.array([(100.0, 50.0, 150.0, 200.0)])).any()
    assert behind_somebody(np.zeros((0, 4))).shape == (0,)
