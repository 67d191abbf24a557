from __future__ import annotations

import numpy as np
import pytest

from calibration.association import GATE, KEEP_GATE, RELIABLE_S, assign, squared_distances

NO = np.zeros((2, 2), np.bool_)
ALL = np.ones((2, 2), np.bool_)


def test_squared_distances_are_those_of_the_joint_covariance() -> None:
    xy_m = np.array([[1.0, 0.0]])
    squared, spread = squared_distances(
        xy_m, np.eye(2)[None], np.array([[3.0, 0.0], [1.0, 3.0]]), np.stack([np.eye(2) * 3] * 2)
    )
    np.testing.assert_allclose(squared, [[1.0, 2.25]])
    np.testing.assert_allclose(spread, np.log([[16.0, 16.0]]))


@pytest.mark.parametrize(
    ("squared", "known", "allowed", "expected", "what"),
    [
        ([[1, 99], [99, 1]], NO, ALL, [0, 1], "each to the nearest"),
        ([[1, 2], [1.5, 9]], NO, ALL, [1, 0], "the least total, not the greediest"),
        ([[GATE + 0.1, 99], [99, 99]], NO, ALL, [-1, -1], "nothing within the gate"),
        ([[1, 99], [1.1, 99]], NO, ALL, [0, -1], "one subject never gets two"),
        ([[1, 99], [1, 99]], NO, NO, [-1, -1], "nothing is allowed"),
        ([[5, 0.1], [99, 99]], np.array([[True, False], [False, False]]), ALL, [0, -1],
         "a known track stays although another subject is nearer"),
        ([[20, 99], [99, 99]], np.array([[True, False], [False, False]]), ALL, [0, -1],
         "a known track has a wider gate"),
        ([[KEEP_GATE + 1, 99], [99, 99]], ALL, ALL, [-1, -1], "but not without limit"),
        ([[30, 1], [1, 30]], np.eye(2, dtype=np.bool_), ALL, [1, 0],
         "two tracks that swapped bodies are swapped back"),
    ],
)  # fmt: skip
def test_assign(
    squared: list[list[float]],
    known: np.ndarray,
    allowed: np.ndarray,
    expected: list[int],
    what: str,
) -> None:
    chosen = assign(np.array(squared, np.float64), np.zeros((2, 2)), known, allowed)
    assert chosen.tolist() == expected, what


def test_a_vague_subject_loses_to_a_sharp_one() -> None:
    squared, spread = np.array([[0.1, 1.0]]), np.array([[5.0, 1.0]])
    none, every = np.zeros((1, 2), np.bool_), np.ones((1, 2), np.bool_)
    assert assign(squared, spread, none, every).tolist() == [1]


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_nobody_to_assign(shape: tuple[int, int]) -> None:
    empty = np.zeros(shape)
    none = np.zeros(shape, np.bool_)
    assert assign(empty, empty, none, none).tolist() == [-1] * shape[0]


@pytest.mark.parametrize(
    ("frame_s", "squared", "expected", "what"),
    [
        (0.0, 20.0, 0, "nothing is known of the camera yet: its tracker is believed"),
        (0.1, 20.0, 0, "ten a second"),
        (RELIABLE_S, 24.9, 0, "just often enough"),
        (0.25, 20.0, -1, "at four a second a track is no reason to believe a leap"),
        (0.25, GATE + 3.5, 0, "but a small one"),
        (1.0, GATE + 1.0, -1, "at one a second hardly any"),
        (1.0, GATE - 0.1, 0, "within the gate of everybody it stays"),
    ],
)
def test_how_far_a_track_is_believed(
    frame_s: float, squared: float, expected: int, what: str
) -> None:
    one = np.ones((1, 1), np.bool_)
    chosen = assign(np.array([[squared]]), np.zeros((1, 1)), one, one, frame_s)
    assert chosen.tolist() == [expected], what


@pytest.mark.parametrize(("frame_s", "stays"), [(0.1, True), (0.2, True), (0.3, False)])
def test_a_slow_cameras_track_yields_to_who_stands_nearer(frame_s: float, stays: bool) -> None:
    """The known subject is 4 farther than another: the bonus of 12 falls with the square."""
    squared, known = np.array([[4.5, 0.5]]), np.array([[True, False]])
    chosen = assign(squared, np.zeros((1, 2)), known, np.ones((1, 2), np.bool_), frame_s)
    assert chosen.tolist() == [0 if stays else 1]
