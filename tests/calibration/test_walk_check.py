"""Where somebody is placed who walked on a straight line between marked places."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.walk_check import Track, walk_check

PLACES = np.array([[0.0, 0.0], [8.0, 0.0]])


def walked(
    from_x: float = 0.0, to_x: float = 8.0, *, y: float = 0.0, begin_s: float = 0.0
) -> Track:
    x = np.linspace(from_x, to_x, 60)
    t_s = begin_s + np.arange(60) / 10
    return Track(t_s, np.column_stack([x, np.full(60, y)]))


def test_a_walk_beside_the_line_is_as_far_off_as_it_is() -> None:
    found = walk_check([walked(y=0.25)], PLACES)
    assert found is not None
    assert found.off_m == pytest.approx(0.25)
    assert found.beside_m.mean(axis=0) == pytest.approx([0.0, 0.25])
    assert found.covered == pytest.approx(1.0, abs=0.05)


def test_the_way_back_counts_as_well() -> None:
    found = walk_check([walked(8.0, 0.0, y=-0.1)], PLACES)
    assert found is not None
    assert found.off_m == pytest.approx(0.1)


def test_corners_between_the_places_belong_to_the_line() -> None:
    x, y = np.linspace(0, 4, 40), np.linspace(0, 3, 30)
    xy_m = np.vstack([np.column_stack([x, 0 * x]), np.column_stack([0 * y + 4, y])])
    track = Track(np.arange(70) / 10, xy_m)
    found = walk_check([track], np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 3.0]]))
    assert found is not None
    assert found.off_m.max() < 1e-9


def test_others_who_are_there_are_not_the_walker() -> None:
    stands = Track(np.arange(60) / 10, np.tile([[3.0, 0.5]], (60, 1)))
    crosses = Track(np.arange(60) / 10, np.column_stack([np.full(60, 5.0), np.linspace(-6, 6, 60)]))
    far = walked(y=2.5)
    found = walk_check([stands, crosses, far, walked(y=0.1)], PLACES)
    assert found is not None
    assert found.off_m == pytest.approx(0.1)


def test_a_walk_that_was_lost_in_between_is_put_together() -> None:
    halves = [walked(0.0, 3.8, y=0.1), walked(4.4, 8.0, y=0.3, begin_s=7.0)]
    found = walk_check(halves, PLACES)
    assert found is not None
    assert found.t_s[0] < 4
    assert found.t_s[-1] > 8
    assert (np.diff(found.t_s) > 0).all()
    assert (found.off_m.min(), found.off_m.max()) == pytest.approx((0.1, 0.3))


def test_who_waits_at_the_ends_and_walks_on_is_not_counted_there() -> None:
    waits = np.tile([[-0.1, 0.6]], (30, 1))
    walk = walked(y=0.1).xy_m
    leaves = np.column_stack([np.full(30, 8.2), np.linspace(0, 5, 30)])
    track = Track(np.arange(120) / 10, np.vstack([waits, walk, leaves]))
    found = walk_check([track], PLACES)
    assert found is not None
    assert found.off_m == pytest.approx(0.1)


@pytest.mark.parametrize(
    "tracks",
    [
        [],
        [walked(0.0, 3.0)],  # less than half of the way
        [walked(y=3.0)],  # somewhere else
        [Track(np.array([0.0, 1.0]), np.array([[0.0, 0.0], [8.0, 0.0]]))],  # two glances
    ],
    ids=["nobody", "half a way", "elsewhere", "two glances"],
)
def test_where_nobody_walked_nothing_is_told(tracks: list[Track]) -> None:
    assert walk_check(tracks, PLACES) is None
