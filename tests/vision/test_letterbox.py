"""Pictures fit into few shapes, and boxes come back to where they were."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vision.letterbox import Letterbox


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param((640, 360), (640, 384), id="school-camera"),
        pytest.param((1920, 1080), (640, 384), id="same-aspect-same-shape"),
        pytest.param((768, 576), (640, 480), id="four-to-three"),
        pytest.param((416, 416), (640, 640), id="square-grows"),
        pytest.param((360, 640), (384, 640), id="upright"),
        pytest.param((1, 1000), (32, 640), id="sliver"),
    ],
)
def test_shapes(source: tuple[int, int], expected: tuple[int, int]) -> None:
    fit = Letterbox.of(source, 640)
    assert fit.input_px == expected
    filled = fit.fill(np.zeros((source[1], source[0], 3), np.uint8))
    assert filled.shape == (expected[1], expected[0], 3)


@pytest.mark.parametrize("source", [(640, 360), (1920, 1080), (768, 576), (417, 301)])
def test_a_mark_is_found_where_it_was(source: tuple[int, int]) -> None:
    width, height = source
    image = np.zeros((height, width, 3), np.uint8)
    box = np.array([width * 0.25, height * 0.5, width * 0.5, height * 0.75]).round().astype(int)
    image[box[1] : box[3], box[0] : box[2]] = (255, 0, 0)
    fit = Letterbox.of(source, 640)
    rows, columns = np.nonzero(fit.fill(image)[..., 0] > 200)
    found = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], np.float32)
    # Half a pixel of the larger of the two grids, for the rounding on the way there and back.
    np.testing.assert_allclose(fit.to_source(found)[0], box, atol=0.5 + max(width / 640, 1))


def test_a_picture_of_the_right_size_is_not_resampled() -> None:
    image = np.random.default_rng(0).integers(0, 256, (360, 640, 3), np.uint8)
    assert np.array_equal(Letterbox.of((640, 360), 640).fill(image)[12:372], image)


def test_boxes_are_cut_at_the_picture() -> None:
    fit = Letterbox.of((640, 360), 640)
    cut = fit.to_source(np.array([[-5, 0, 700, 384]], np.float32))
    assert cut.tolist() == [[0.0, 0.0, 640.0, 360.0]]


@pytest.mark.parametrize("source", [(640, 360), (1920, 1080), (720, 1280), (100, 70)])
def test_an_input_is_written_in_place_as_it_would_be_anew(source: tuple[int, int]) -> None:
    """Also where rows are shorter than the input, into which OpenCV must write without a copy."""
    chance = np.random.default_rng(1)
    first, second = chance.integers(0, 256, (2, source[1], source[0], 3), np.uint8)
    fit = Letterbox.of(source, 640)
    width, height = fit.scaled_px
    left, top = fit.left_top_px
    wanted = np.full((fit.input_px[1], fit.input_px[0], 3), 114, np.uint8)
    wanted[top : top + height, left : left + width] = cv2.resize(second, fit.scaled_px)
    canvas = chance.integers(0, 256, wanted.shape, np.uint8)
    fit.fill_into(canvas, first)
    fit.fill_into(canvas, second, framed=True)
    np.testing.assert_array_equal(canvas, wanted)
