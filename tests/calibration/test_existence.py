from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.existence import (
    LOOK_S,
    MOST_LLR,
    PRIOR_LLR,
    USUAL_DETECTION,
    Witness,
    existence_llr,
)
from calibration.fusion import DOUBTED_LLR, SURE_LLR


def witness(hits: int, misses: int, detection: float = USUAL_DETECTION) -> Witness:
    """A camera that found a body in so many looks, spread evenly, and missed it in the others."""
    looks = hits + misses
    found = Witness(detection)
    for k in range(looks):
        hit = (k + 1) * hits // looks > k * hits // looks
        found.look(k * LOOK_S, hit=hit, detection=detection)
    return found


@pytest.mark.parametrize(
    ("looks", "told", "what"),
    [
        ({"a": (3, 0, 0.8)}, True, "one camera alone confirms"),
        ({"a": (10, 0, 0.8), "b": (0, 10, 0.8)}, True, "one other may be blind there"),
        ({"a": (60, 0, 0.5), "b": (0, 60, 0.9)}, True, "however far from the one that sees"),
        ({"a": (10, 0, 0.8), "b": (0, 10, 0.8), "c": (0, 10, 0.8)}, False, "two others are not"),
        ({"a": (10, 0, 0.8), "b": (0, 10, 0.8), "c": (0, 10, 0.8), "d": (0, 10, 0.8)}, False,
         "one camera sees and three do not"),
        ({"a": (10, 0, 0.8), "b": (10, 0, 0.8), "c": (0, 10, 0.8), "d": (0, 10, 0.8)}, True,
         "two of four see"),
        ({"a": (10, 0, 0.8), "b": (0, 10, 0.1), "c": (0, 10, 0.1)}, True,
         "two that hardly ever find such a body say little"),
        ({"a": (10, 0, 0.8), "b": (5, 5, 0.8), "c": (0, 10, 0.8)}, True,
         "who finds it in every other look has found it"),
        ({"a": (10, 0, 0.8), "b": (1, 19, 0.8), "c": (0, 10, 0.8)}, False,
         "one box in twenty is a stray one"),
    ],
)  # fmt: skip
def test_who_is_told(looks: dict[str, tuple[int, int, float]], told: bool, what: str) -> None:
    witnesses = {camera: witness(*row) for camera, row in looks.items()}
    llr = existence_llr(witnesses, "a")
    assert (llr >= SURE_LLR) == told, what
    assert (llr >= DOUBTED_LLR) == told, what


def test_one_look_of_each_of_two_others_delays_and_withdraws_nobody() -> None:
    looks = {"a": witness(3, 0), "b": witness(0, 1), "c": witness(0, 1)}
    assert DOUBTED_LLR <= existence_llr(looks, "a") < SURE_LLR


def test_nothing_but_the_prior_without_witnesses() -> None:
    assert existence_llr({}, "a") == PRIOR_LLR == pytest.approx(np.log(4.0), abs=0.15)


def test_a_silent_camera_costs_at_most_three_tenths() -> None:
    silence = [witness(0, n).llr(gave_birth=False) for n in (1, 3, 10, 200)]
    assert silence == sorted(silence, reverse=True)
    assert silence[-1] == pytest.approx(np.log(0.3), abs=0.05)
    assert silence[0] > -0.85


@pytest.mark.parametrize(
    ("detection", "hits", "least", "most"),
    [
        (0.9, 10, 3.0, MOST_LLR),
        (0.1, 10, 1.7, 2.5),
        (0.02, 10, 1.7, 2.5),
        (0.1, 1, 1.3, 2.5),
    ],
    ids=["near", "far", "hopelessly far", "far and once"],
)
def test_hits_of_a_far_camera_count(detection: float, hits: int, least: float, most: float) -> None:
    assert least <= witness(hits, 0, detection).llr(gave_birth=False) <= most


@pytest.mark.parametrize("detection", [0.98, 0.8, 0.72, 0.4, 0.1])
def test_the_birth_camera_neither_confirms_nor_doubts_itself(detection: float) -> None:
    """That there is something to see is given; that it keeps being seen says nothing more."""
    says = [witness(n, 0, detection).llr(gave_birth=True) for n in (1, 20, 500)]
    assert says == pytest.approx([np.log(0.7)] * 3, abs=0.1)


def test_the_same_looks_from_elsewhere_are_proof() -> None:
    assert witness(20, 0).llr(gave_birth=False) > 3.0


def test_a_body_that_its_own_camera_loses_is_not_doubted_for_it() -> None:
    assert existence_llr({"a": witness(3, 3)}, "a") > SURE_LLR


@given(
    hits=st.integers(0, 300), misses=st.integers(0, 300), detection=st.floats(0, 1),
    gave_birth=st.booleans(),
)  # fmt: skip
def test_no_camera_says_more_than_its_most(
    hits: int, misses: int, detection: float, gave_birth: bool
) -> None:
    says = witness(hits, misses, detection).llr(gave_birth=gave_birth)
    assert np.isfinite(says)
    assert abs(says) <= MOST_LLR


def test_the_bound_is_reached_and_held() -> None:
    weak = Witness(0.98, hits=0.0, misses=0.0)
    weak.hits, weak.misses = 0.0, 500.0
    assert weak.llr(gave_birth=True) == MOST_LLR
    weak.hits, weak.misses, weak.detection = 500.0, 300.0, 0.98
    assert abs(weak.llr(gave_birth=True)) <= MOST_LLR


@pytest.mark.parametrize(
    ("times_s", "looks"),
    [
        ([0.0], 1.0),
        ([0.0, 0.3], 2.0),
        ([0.0, 0.15], 1.5),
        ([0.0, LOOK_S / 3, 2 * LOOK_S / 3, LOOK_S], 2.0),
        ([0.0, 60.0], 2.0),
        ([0.0, 0.0], 1.0),
        ([1.0, 1.0 - LOOK_S / 2], 1.5),
    ],
    ids=[
        "first",
        "apart",
        "half as far",
        "close",
        "a minute is one look",
        "twice the same",
        "late",
    ],
)
def test_looks_count_by_the_time_between(times_s: list[float], looks: float) -> None:
    found = Witness(0.8)
    for at_s in times_s:
        found.look(at_s, hit=True, detection=0.8)
    assert found.hits == pytest.approx(looks)
    assert found.misses == 0.0


def test_a_late_look_does_not_turn_back_the_clock() -> None:
    found = Witness(0.8)
    for at_s in (1.0, 0.5, 1.0):
        found.look(at_s, hit=False, detection=0.8)
    assert found.misses == pytest.approx(2.0)


def test_what_a_camera_sees_now_outweighs_what_it_saw_minutes_ago() -> None:
    found = witness(0, 400)
    assert found.hits + found.misses == pytest.approx(20.0)
    seconds = 0
    while found.llr(gave_birth=False) < 0:
        found.look(1000.0 + seconds, hit=True, detection=0.8)
        seconds += 1
    assert 5 <= seconds <= 12


def test_the_expected_rate_is_the_mean_over_the_looks() -> None:
    found = Witness(0.8)
    found.look(0.0, hit=True, detection=0.2)
    assert found.detection == pytest.approx(0.2)
    found.look(1.0, hit=False, detection=0.6)
    assert found.detection == pytest.approx(0.4)
    found.look(1.0, hit=False, detection=0.9)
    assert found.detection == pytest.approx(0.4)
