from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration import kalman

seconds = st.floats(0.0, 20.0)
MEAN = np.array([[1.0, 2.0, 1.2, -0.4]])
COV = np.diag([0.04, 0.02, 0.3, 0.5])[None]


@given(first_s=seconds, second_s=seconds)
def test_two_steps_are_one(first_s: float, second_s: float) -> None:
    once = kalman.predict(MEAN, COV, np.array([first_s + second_s]))
    half = kalman.predict(MEAN, COV, np.array([first_s]))
    twice = kalman.predict(*half, np.array([second_s]))
    np.testing.assert_allclose(twice[0], once[0], atol=1e-9)
    np.testing.assert_allclose(twice[1], once[1], rtol=1e-6, atol=1e-9)


def test_nothing_changes_in_no_time() -> None:
    mean, cov = kalman.predict(MEAN, COV, np.zeros(1))
    np.testing.assert_allclose(mean, MEAN)
    np.testing.assert_allclose(cov, COV)


def test_velocity_spread_stays_that_of_a_walker_however_long_nobody_looks() -> None:
    _, cov = kalman.predict(MEAN, COV, np.array([300.0]))
    assert cov[0, 2, 2] == pytest.approx(kalman.VELOCITY_SIGMA_MPS**2, rel=1e-3)


def test_birth_knows_the_place_and_nothing_of_the_velocity() -> None:
    mean, cov = kalman.birth(np.array([3.0, 4.0]), np.eye(2) * 0.01)
    np.testing.assert_allclose(mean, [3.0, 4.0, 0.0, 0.0])
    np.testing.assert_allclose(np.diag(cov), [0.01, 0.01, 0.64, 0.64])


def test_the_past_place_lies_behind_a_walker() -> None:
    shift_m, cov_m2 = kalman.look_back(MEAN, COV, np.array([0.5]))
    np.testing.assert_allclose(shift_m, [[0.6, -0.2]])
    assert cov_m2[0, 0, 0] > 0.25 * COV[0, 2, 2]
    assert (cov_m2[0, 1, 1] - 0.25 * COV[0, 3, 3]) == pytest.approx(
        cov_m2[0, 0, 0] - 0.25 * COV[0, 2, 2]
    )


def test_no_way_in_no_time() -> None:
    shift_m, cov_m2 = kalman.look_back(MEAN, COV, np.zeros(1))
    np.testing.assert_array_equal(shift_m, np.zeros((1, 2)))
    np.testing.assert_array_equal(cov_m2, np.zeros((1, 2, 2)))


@given(shift_m=st.floats(-3, 3), sigma_m=st.floats(0.05, 2.0), moving_s=seconds)
def test_an_update_sharpens_and_never_overshoots(
    shift_m: float, sigma_m: float, moving_s: float
) -> None:
    before, cov_before = kalman.predict(MEAN, COV, np.array([moving_s]))
    seen_m = before[0, :2] + (shift_m, 0.0)
    after, cov = kalman.update(before[0], cov_before[0], seen_m, np.eye(2) * sigma_m**2)
    moved_m = (after - before[0])[0]
    assert abs(moved_m) <= abs(shift_m) + 1e-9
    assert moved_m * shift_m >= -1e-12
    assert (np.linalg.eigvalsh(cov_before[0] - cov) >= -1e-9).all()
    assert (np.linalg.eigvalsh(cov) > 0).all()


def test_repeated_sightings_teach_the_velocity() -> None:
    mean, cov = kalman.birth(np.zeros(2), np.eye(2) * 0.01)
    for step in range(1, 21):
        predicted, predicted_cov = kalman.predict(mean[None], cov[None], np.array([0.1]))
        place_m = np.array([0.12 * step, 0.0])
        mean, cov = kalman.update(predicted[0], predicted_cov[0], place_m, np.eye(2) * 0.01)
    np.testing.assert_allclose(mean[2:], [1.2, 0.0], atol=0.15)
