"""The clock in the picture is read back from it, and a damaged one is not believed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.clock_strip import CELL_PX, WIDTH_PX, draw_strip, read_strip


def noise(height: int = 64, width: int = 400) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)


@given(st.floats(1.6e9, 2.5e9), st.floats(-1.8e6, 1.8e6))
def test_what_was_drawn_is_read(captured_at_s: float, off_s: float) -> None:
    image = np.zeros((CELL_PX, WIDTH_PX, 3), np.uint8)
    draw_strip(image, captured_at_s)
    read_s = read_strip(image, captured_at_s + off_s)
    assert read_s == pytest.approx(captured_at_s, abs=6e-4)


@pytest.mark.parametrize("quality", [15, 40, 90])
def test_it_survives_compression(quality: int) -> None:
    image = noise()
    draw_strip(image, 1_790_000_000.125)
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    back = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)
    assert read_strip(back, 1_790_000_000.0) == pytest.approx(1_790_000_000.125)


def test_a_damaged_one_is_none() -> None:
    image = noise()
    draw_strip(image, 1_790_000_000.125)
    image[-CELL_PX:, 40:48] = 255 - image[-CELL_PX:, 40:48]
    assert read_strip(image, 1_790_000_000.0) is None


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(np.zeros((64, 400, 3), np.uint8), id="black"),
        pytest.param(np.full((64, 400, 3), 255, np.uint8), id="white"),
        pytest.param(np.zeros((4, 400, 3), np.uint8), id="too low"),
        pytest.param(np.zeros((64, 300, 3), np.uint8), id="too narrow"),
    ],
)
def test_a_picture_without_one_has_none(image: np.ndarray) -> None:
    assert read_strip(image, 1_790_000_000.0) is None


def test_only_the_lowest_rows_are_drawn_over() -> None:
    image = noise()
    before = image.copy()
    draw_strip(image, 1_790_000_000.0)
    np.testing.assert_array_equal(image[:-CELL_PX], before[:-CELL_PX])
