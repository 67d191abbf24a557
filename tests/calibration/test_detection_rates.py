from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.detection_rates import (
    MOST,
    UNKNOWN_HEIGHT,
    DetectionRates,
    expected_rates,
    recall,
)
from calibration.homography import camera_from_homography
from calibration.lens import Lens
from calibration.synthetic import mounted_camera

ONE = np.array([0.8], np.float32)


@pytest.mark.parametrize(
    ("height_px", "low", "high"),
    [(8, 0.0, 0.0), (28, 0.05, 0.1), (48, 0.75, 0.8), (90, 0.85, 0.9), (400, 0.88, 0.9)],
    ids=["a speck", "far", "card: 32-64", "card: 64-128", "near"],
)
def test_recall_by_the_height_of_a_body(height_px: float, low: float, high: float) -> None:
    assert low <= float(recall(np.array([float(height_px)]))[0]) <= high


@given(st.lists(st.floats(0, 1000), min_size=2))
def test_a_larger_body_is_not_found_less_often(heights_px: list[float]) -> None:
    rates = recall(np.sort(np.array(heights_px)))
    assert (np.diff(rates) >= 0).all()
    assert (rates <= MOST).all()


def test_far_bodies_and_bodies_cut_by_the_picture_are_found_less() -> None:
    camera = mounted_camera((0, 0, 2.8), (8, 0, 1.0), hfov_deg=85)
    near, far, farthest, below = expected_rates(
        camera, np.array([[6.0, 0.0], [25.0, 0.0], [80.0, 0.0], [0.9, 0.0]])
    )
    assert near > 0.8
    assert 0 < far < near
    assert farthest == 0.0
    assert below == 0.0


def test_a_larger_picture_is_shrunk_to_the_detectors() -> None:
    place_m = np.array([[14.0, 0.0]])
    small = mounted_camera((0, 0, 2.8), (8, 0, 1.0), size_px=(640, 360))
    large = mounted_camera((0, 0, 2.8), (8, 0, 1.0), size_px=(1920, 1080))
    assert expected_rates(large, place_m) == pytest.approx(expected_rates(small, place_m), abs=0.02)


def test_a_camera_that_is_known_by_its_floor_alone() -> None:
    lens = Lens(640, 360, 320.0, 320.0, 319.5, 179.5)
    to_floor = np.array([[0.01, 0.006, 0.0], [0.0, -0.02, 7.2], [0.0, 0.0, 1.0]])
    camera = camera_from_homography(lens, to_floor, 0.1)
    assert camera.pose is None
    rates = expected_rates(camera, np.array([[3.0, 1.5]]))
    assert rates.tolist() == [UNKNOWN_HEIGHT]


def test_without_trials_the_card_counts() -> None:
    assert DetectionRates().corrected("a", ONE) == pytest.approx([0.8])
    assert DetectionRates().corrected("a", np.array([0.99], np.float32)) == pytest.approx([MOST])


@pytest.mark.parametrize(
    ("hits", "trials", "rate"),
    [
        (0, 10, 0.4),
        (0, 90, 0.08),
        (10, 10, 0.9),
        (1000, 1000, MOST),
        (8, 10, 0.8),
        (800, 1000, 0.8),
    ],
    ids=["blind", "blind for long", "sharp", "sharp for long", "as promised", "and for long"],
)
def test_trials_correct_the_card(hits: int, trials: int, rate: float) -> None:
    rates = DetectionRates()
    for i in range(trials):
        rates.learn("a", 0.8, hit=i < hits)
    assert rates.trials("a") == trials
    assert rates.corrected("a", ONE) == pytest.approx([rate], abs=0.01)
    assert rates.corrected("b", ONE) == pytest.approx([0.8])


def test_half_a_trial_counts_half() -> None:
    whole, halves = DetectionRates(), DetectionRates()
    for hit in (True, False, False):
        whole.learn("a", 0.6, hit=hit)
        for _ in range(2):
            halves.learn("a", 0.6, hit=hit, weight=0.5)
    assert whole.corrected("a", ONE) == pytest.approx(halves.corrected("a", ONE))
