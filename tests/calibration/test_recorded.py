"""Recorded boxes and places: cut, compared, hidden, simulated, read from MOT tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.body_sight import visible_shares
from calibration.box_noise import BoxNoise, detected
from calibration.errors import SourceError
from calibration.import_mot import as_probabilities, boxes_of, places_of, read_table
from calibration.recorded import (
    RecordedBoxes,
    RecordedPlaces,
    floor_extent,
    foot_offsets_m,
    nearest_foot_m,
    template_boxes,
)
from calibration.synthetic import mounted_camera

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CAMERA = mounted_camera((0.0, 0.0, 3.0), (6.0, 0.0, 0.0))


def boxes(rows: list[tuple[int, int, float, float, float, float]]) -> RecordedBoxes:
    table = np.array(rows, np.float64).reshape(-1, 6)
    return RecordedBoxes(
        table[:, 0].astype(np.int64),
        table[:, 1].astype(np.int64),
        np.ascontiguousarray(table[:, 2:]),
        np.ones(len(table)),
    )


def places(rows: list[tuple[int, int, float, float]]) -> RecordedPlaces:
    table = np.array(rows, np.float64).reshape(-1, 4)
    return RecordedPlaces(
        table[:, 0].astype(np.int64),
        table[:, 1].astype(np.int64),
        np.ascontiguousarray(table[:, 2:]),
    )


def test_boxes_are_cut_at_the_border_and_left_out_beyond_it() -> None:
    found = boxes(
        [
            (0, 1, -5, -5, 20, 30),
            (0, 2, 90, 40, 130, 70),
            (0, 3, 101, 10, 120, 20),
            (0, 4, 5, 49.8, 9, 80),
        ]
    ).clipped((100, 50))
    assert found.person.tolist() == [1, 2]
    assert found.xyxy_px.tolist() == [[0, 0, 20, 30], [90, 40, 100, 50]]


@pytest.mark.parametrize(
    ("rows", "distance_m", "shares"),
    [
        ([(0, 1, 0, 0, 10, 40)], [5.0], [1.0]),
        # half beyond the left border
        ([(0, 1, -10, 0, 10, 40)], [5.0], [0.5]),
        # the nearer body hides the right half of the farther one
        ([(0, 1, 20, 0, 40, 40), (0, 2, 30, 0, 60, 60)], [9.0, 4.0], [0.5, 1.0]),
        # bodies of other frames hide nothing
        ([(0, 1, 20, 0, 40, 40), (1, 2, 30, 0, 60, 60)], [9.0, 4.0], [1.0, 1.0]),
    ],
)
def test_borders_and_nearer_bodies_hide(
    rows: list[tuple[int, int, float, float, float, float]],
    distance_m: list[float],
    shares: list[float],
) -> None:
    found = visible_shares(boxes(rows), np.array(distance_m), (100, 100))
    assert found.tolist() == pytest.approx(shares)


def test_feet_of_template_boxes_fall_a_shoe_before_the_true_place() -> None:
    truth = places([(0, 1, 6, 0), (0, 2, 8, 1), (1, 1, 6.5, 0), (2, 1, -5, 0)])
    found = template_boxes(CAMERA, truth)
    assert found.frame.tolist() == [0, 0, 1]  # who stands behind the camera has no box
    offset_m = foot_offsets_m(CAMERA, found, truth)
    assert offset_m == pytest.approx(0.2, abs=0.03)
    of_boxes_m, of_people_m = nearest_foot_m(CAMERA, found, truth)
    assert of_boxes_m == pytest.approx(offset_m)
    assert of_people_m == pytest.approx(offset_m)


def test_a_box_where_nobody_is_is_infinitely_far() -> None:
    truth = places([(0, 1, 6, 0)])
    elsewhere = template_boxes(CAMERA, places([(3, 1, 6, 0)]))
    of_boxes_m, of_people_m = nearest_foot_m(CAMERA, elsewhere, truth)
    assert of_boxes_m.tolist() == [np.inf]
    assert of_people_m.tolist() == [np.inf]
    assert len(foot_offsets_m(CAMERA, elsewhere, truth)) == 0


def test_the_floor_holds_feet_and_cameras() -> None:
    floor = floor_extent(np.array([[0.2, 0.2], [4.0, 3.0]]), np.array([[-3.1, 1.0]]))
    assert floor.bounds == (-3.5, -1.0, 5.0, 4.0)


def walk(frames: int) -> tuple[RecordedBoxes, NDArray[np.float64]]:
    truth = places([(i, 1, 5 + 0.02 * (i % 100), 0) for i in range(frames)])
    found = template_boxes(CAMERA, truth)
    return found, np.ones(len(found.frame))


def test_a_perfect_detector_finds_everything_where_it_is() -> None:
    true, shares = walk(50)
    found = detected(
        true,
        shares,
        true,
        BoxNoise(jitter=0.0, miss_rate=0.0, false_per_min=0.0),
        fps=10.0,
        frames=50,
        rng=np.random.default_rng(0),
    )
    assert found.frame.tolist() == list(range(50))
    assert (found.person == -1).all()
    assert np.abs(found.xyxy_px - true.xyxy_px).max() < 6.0  # a pixel of jitter stays


def test_a_body_that_hardly_shows_is_not_found() -> None:
    true, shares = walk(20)
    shares[:10] = 0.4
    noise = BoxNoise(miss_rate=0.0, false_per_min=0.0)
    rng = np.random.default_rng(0)
    found = detected(true, shares, true, noise, fps=10.0, frames=20, rng=rng)
    assert found.frame.tolist() == list(range(10, 20))


@pytest.mark.parametrize("miss_rate", [0.1, 0.4])
def test_misses_are_as_many_and_as_long_as_it_says(miss_rate: float) -> None:
    true, shares = walk(20_000)
    noise = BoxNoise(miss_rate=miss_rate, false_per_min=0.0)
    rng = np.random.default_rng(0)
    found = detected(true, shares, true, noise, fps=10.0, frames=20_000, rng=rng)
    missed = np.ones(20_000, np.bool_)
    missed[found.frame] = False
    starts = missed & ~np.roll(missed, 1)
    assert missed.mean() == pytest.approx(miss_rate, rel=0.15)
    assert missed.sum() / starts.sum() == pytest.approx(4.0, rel=0.1)  # 0.4 s at 10 a second


def test_false_boxes_are_as_many_as_it_says_and_stand_on_the_floor() -> None:
    true, shares = walk(50)
    noise = BoxNoise(miss_rate=0.0, false_per_min=30.0)
    rng = np.random.default_rng(3)
    found = detected(true[np.arange(0)], shares[:0], true, noise, fps=10.0, frames=20_000, rng=rng)
    assert len(found.frame) == pytest.approx(1000 * 10, rel=0.15)  # a second each on average
    assert found.frame.max() < 20_000
    assert (np.diff(found.frame) >= 0).all()
    assert CAMERA.to_floor(found.foot_px)[1].mean() > 0.95


def test_the_same_seed_gives_the_same_boxes() -> None:
    true, shares = walk(100)
    runs = [
        detected(
            true, shares, true, BoxNoise(), fps=10.0, frames=100, rng=np.random.default_rng(seed)
        )
        for seed in (5, 5, 6)
    ]
    assert np.array_equal(runs[0].xyxy_px, runs[1].xyxy_px)
    assert not np.array_equal(runs[0].xyxy_px, runs[2].xyxy_px)


@pytest.mark.parametrize(
    ("field", "value"), [("jitter", -0.1), ("miss_rate", 1.0), ("false_per_min", 601.0)]
)
def test_a_detector_that_cannot_be_is_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field}: must be from 0 to"):
        BoxNoise(**{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["1,7,11,21,30,40,0.5,1.5,2.5,0\n", "1 7 11 21 30 40 .5 1.5 2.5 0"]
)
def test_mot_tables_count_from_one_with_commas_or_blanks(tmp_path: Path, text: str) -> None:
    (tmp_path / "gt.txt").write_text(text)
    table = read_table(tmp_path / "gt.txt")
    found, where = boxes_of(table), places_of(table)
    assert (found.frame.tolist(), found.person.tolist()) == ([0], [7])
    assert found.xyxy_px.tolist() == [[10, 20, 40, 60]]
    assert found.confidence.tolist() == [0.5]
    assert where.xy_m.tolist() == [[1.5, 2.5]]


def test_an_empty_table_has_no_boxes(tmp_path: Path) -> None:
    (tmp_path / "det.txt").write_text("\n")
    assert len(boxes_of(read_table(tmp_path / "det.txt")).frame) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3\n", "line 1: 6 numbers or more are expected, found 3"),
        ("1,2,3,4,5,6\n1,2,3,4,5\n", "line 2: 6 numbers are expected, found '1,2,3,4,5'"),
        ("1,2,3,4,5,x\n", "line 1: 6 numbers are expected"),
        ("0,2,3,4,5,6\n", r"line 1: a frame \(a whole number from 1\)"),
        ("1,2,3,4,5,nan\n", "finite numbers are expected"),
    ],
)
def test_a_damaged_table_is_named_by_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "gt.txt"
    path.write_text(text)
    with pytest.raises(SourceError, match=message) as caught:
        read_table(path)
    assert str(path) in str(caught.value)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_confidences_become_probabilities_and_keep_their_order(told: list[float]) -> None:
    values = np.array(told)
    found = as_probabilities(values)
    assert ((found >= 0) & (found <= 1)).all()
    if not (values == -1).all():
        by_value = np.argsort(values, kind="stable")
        assert (np.diff(found[by_value]) >= 0).all()
