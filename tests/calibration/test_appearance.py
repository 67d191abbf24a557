"""What clothes say about bodies: bounded, symmetric, silent where nothing is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.appearance import (
    DRESSED_ALIKE,
    OTHER_BODIES,
    SEEN_OTHERWISE,
    gallery_llr,
    known,
    middle,
    other_bodies,
    same_body_llr,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

LENGTH = 12


def clothes(*seeds: int) -> NDArray[np.float32]:
    """One embedding for each seed: roots of shares, as in `vision.appearance`."""
    rows = [np.random.default_rng(seed).dirichlet(np.full(LENGTH, 0.3)) for seed in seeds]
    return np.sqrt(np.array(rows).reshape(-1, LENGTH)).astype(np.float32)


def at_distance(apart: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Two embeddings `(1, D)` of the given Hellinger distance."""
    alike = 1.0 - apart**2
    a = np.zeros((1, LENGTH), np.float32)
    b = np.zeros((1, LENGTH), np.float32)
    a[0, 0] = 1.0
    b[0, :2] = alike, np.sqrt(1.0 - alike**2)
    return a, b


@pytest.mark.parametrize(
    ("apart", "low", "high", "what"),
    [
        (0.0, 1.0, 2.5, "the same clothes speak for one body"),
        (0.30, 1.0, 2.5, "so do clothes as different as one body's are in two lights"),
        (0.42, -0.5, 0.5, "between the two nothing is said"),
        (0.60, -2.2, -1.2, "other clothes speak for two bodies"),
        (0.95, -2.2, -1.2, "however different they are, not more"),
    ],
)
def test_distance_speaks(apart: float, low: float, high: float, what: str) -> None:
    a, b = at_distance(apart)
    assert low <= float(same_body_llr(a, b)[0, 0]) <= high, what


def test_the_ratio_falls_with_the_distance() -> None:
    told = [float(same_body_llr(*at_distance(d))[0, 0]) for d in np.linspace(0.0, 0.99, 100)]
    assert (np.diff(told) <= 1e-9).all()
    assert told[0] > told[-1] + 3.0


def test_the_unknown_say_nothing() -> None:
    a = clothes(1, 2)
    a[0] = 0.0
    b = clothes(2, 3, 4)
    b[2] = 0.0
    llr = same_body_llr(a, b)
    assert llr.shape == (2, 3)
    assert not llr[0].any()
    assert not llr[:, 2].any()
    assert llr[1, 0] > 0
    nothing = np.zeros((3, 0), np.float32)
    assert same_body_llr(nothing, nothing).tolist() == [[0.0] * 3] * 3
    assert not known(nothing).any()
    assert same_body_llr(np.zeros((0, LENGTH), np.float32), b).shape == (0, 3)
    # A camera that replays boxes beside one with pictures.
    assert not same_body_llr(nothing, b, nothing).any()
    assert gallery_llr(nothing, b, nothing) == 0.0


def test_among_people_in_uniform_clothes_say_nothing() -> None:
    uniform = np.repeat(clothes(7), 20, axis=0)
    a, b = at_distance(0.0)
    assert abs(float(same_body_llr(a, b, uniform)[0, 0])) < 0.1
    a, b = at_distance(0.5)
    assert abs(float(same_body_llr(a, b, uniform)[0, 0])) < 0.3


def test_where_people_dress_alike_the_same_distance_says_less() -> None:
    a, b = at_distance(0.36)
    motley = clothes(*range(20))
    alike = np.sqrt(0.8 * clothes(7) ** 2 + 0.2 * clothes(*range(20)) ** 2).astype(np.float32)
    motley_llr, alike_llr = (float(same_body_llr(a, b, c)[0, 0]) for c in (motley, alike))
    assert motley_llr > alike_llr


def test_a_crowd_of_one_or_of_unknown_people_is_none() -> None:
    assert other_bodies(None) == OTHER_BODIES
    assert other_bodies(clothes(1)) == OTHER_BODIES
    assert other_bodies(np.zeros((9, LENGTH), np.float32)) == OTHER_BODIES
    assert other_bodies(np.zeros((9, 0), np.float32)) == OTHER_BODIES


def test_more_tracks_of_a_body_do_not_speak_louder() -> None:
    one, two = clothes(1), clothes(1, 1, 1, 1)
    assert gallery_llr(one, two) == pytest.approx(gallery_llr(one, one))
    assert gallery_llr(one, np.zeros((3, LENGTH), np.float32)) == 0.0
    assert gallery_llr(np.zeros((0, LENGTH), np.float32), one) == 0.0
    half_known = clothes(1, 2)
    half_known[1] = 0.0
    assert gallery_llr(half_known, one) == pytest.approx(gallery_llr(one, one))


def test_the_middle_has_length_one_or_is_unknown() -> None:
    assert np.linalg.norm(middle(clothes(1, 2, 3))) == pytest.approx(1.0)
    assert not middle(np.zeros((2, LENGTH), np.float32)).any()
    assert middle(np.zeros((0, 0), np.float32)).shape == (0,)


@given(
    st.lists(st.integers(0, 10_000), min_size=1, max_size=5),
    st.lists(st.integers(0, 10_000), min_size=1, max_size=5),
    st.lists(st.integers(0, 10_000), max_size=12),
)
def test_whatever_is_worn_the_ratio_is_bounded_and_symmetric(
    first: list[int], second: list[int], others: list[int]
) -> None:
    a, b, crowd = clothes(*first), clothes(*second), clothes(*others)
    llr = same_body_llr(a, b, crowd)
    assert llr.shape == (len(first), len(second))
    assert (llr >= np.log(SEEN_OTHERWISE) - 1e-9).all()
    assert (llr <= -np.log(DRESSED_ALIKE) + 1e-9).all()
    np.testing.assert_allclose(llr, same_body_llr(b, a, crowd).T, atol=1e-9)
