"""Heads are covered where they are, for whoever stands or lies, and cannot be seen through."""

from __future__ import annotations

import numpy as np
import pytest

from vision.heads import BLOCKS, HEAD_SHARE, REMEMBERED_S, RecentHeads, head_boxes, pixelate


def box(*edges: float) -> np.ndarray:
    return np.array([edges], np.float32)


def test_who_stands_has_a_head_at_the_top() -> None:
    [[left, top, right, bottom]] = head_boxes(box(100, 50, 140, 250)).tolist()
    assert left < 100
    assert right > 140
    assert top < 50
    assert bottom == pytest.approx(50 + 200 * HEAD_SHARE)


def test_who_lies_may_have_it_at_either_end() -> None:
    west, east = head_boxes(box(100, 50, 300, 120)).tolist()
    assert west[0] < 100 < west[2] < east[0] < 300 < east[2]
    assert (west[1], west[3]) == (50, 120)


def test_nobody_has_no_head() -> None:
    assert head_boxes(np.zeros((0, 4), np.float32)).shape == (0, 4)


def test_a_covered_head_keeps_a_few_colours_and_the_rest_keeps_its_pixels() -> None:
    image = np.random.default_rng(1).integers(0, 256, (120, 160, 3), np.uint8)
    before = image.copy()
    pixelate(image, box(40, 20, 80, 60))
    covered = image[20:60, 40:80].reshape(-1, 3)
    assert len(np.unique(covered, axis=0)) <= BLOCKS**2
    image[20:60, 40:80] = before[20:60, 40:80]
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    "edges",
    [
        pytest.param((-30, -30, 10, 10), id="partly outside"),
        pytest.param((500, 500, 600, 600), id="outside"),
        pytest.param((10, 10, 10, 40), id="no width"),
        pytest.param((10.4, 10.2, 10.9, 10.9), id="less than a pixel"),
    ],
)
def test_boxes_that_leave_the_picture_hurt_nothing(edges: tuple[float, ...]) -> None:
    image = np.random.default_rng(2).integers(0, 256, (60, 80, 3), np.uint8)
    pixelate(image, box(*edges))
    assert image.shape == (60, 80, 3)


def test_a_head_is_covered_for_a_moment_longer_than_it_is_found() -> None:
    recent, nobody = RecentHeads(), np.zeros((0, 4), np.float32)
    head = box(1, 2, 3, 4)
    assert len(recent.with_recent(head, 10.0)) == 1
    assert len(recent.with_recent(head, 10.0)) == 1  # the same frame drawn again
    assert len(recent.with_recent(nobody, 10.0 + REMEMBERED_S)) == 1
    assert len(recent.with_recent(nobody, 10.1 + REMEMBERED_S)) == 0
