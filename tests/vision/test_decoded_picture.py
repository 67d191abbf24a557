"""Pictures that are converted when somebody looks at them."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import av
import numpy as np
import pytest

from vision.columns import ColumnError
from vision.decoded_picture import DecodedPicture, ToBgr
from vision.frames import Frame

SIZE_PX = (70, 50)  # no multiple of the decoder's alignment


def picture(pixel_format: str = "yuv420p", grey: int = 120) -> av.VideoFrame:
    ramp = np.tile(np.arange(SIZE_PX[0], dtype=np.uint8) + grey, (SIZE_PX[1], 1))
    bgr = np.repeat(ramp[:, :, None], 3, axis=2)
    return av.VideoFrame.from_ndarray(bgr, format="bgr24").reformat(format=pixel_format)


class Counting(ToBgr):
    """Counts what is converted."""

    def __init__(self) -> None:
        super().__init__()
        self.converted = 0

    def __call__(self, picture: av.VideoFrame) -> np.ndarray:
        self.converted += 1
        return super().__call__(picture)


def test_only_what_is_looked_at_is_converted() -> None:
    to_bgr = Counting()
    first, second, third = (to_bgr.later(picture(grey=grey)) for grey in (90, 100, 110))
    assert to_bgr.converted == 1  # the first of its kind, to know that it can be
    assert second.size_px == SIZE_PX
    image = third.bgr()
    assert third.bgr() is image
    assert (image.shape, image.dtype.name) == ((50, 70, 3), "uint8")
    assert to_bgr.converted == 2
    np.testing.assert_array_equal(first.bgr(), ToBgr()(picture(grey=90)))
    assert to_bgr.converted == 2


def test_a_new_size_or_format_is_tried_at_once() -> None:
    to_bgr = Counting()
    to_bgr.later(picture())
    to_bgr.later(picture("nv12"))
    to_bgr.later(picture("nv12"))
    assert to_bgr.converted == 2


@pytest.mark.parametrize("pixel_format", ["yuv420p", "nv12", "yuv444p", "bgr24"])
@pytest.mark.parametrize("looked_at", [False, True])
def test_brightness_without_converting(pixel_format: str, looked_at: bool) -> None:
    made = DecodedPicture(picture(pixel_format), ToBgr())
    if looked_at:
        made.bgr()
    luma = made.luma()
    assert (luma.shape, luma.dtype.name) == ((50, 70), "uint8")
    expected = np.arange(120, 190)
    # Where the camera's own plane is given, black is 16 and white 235.
    limited = 16 + expected * 219 / 255
    error = min(np.abs(luma[20] - expected).max(), np.abs(luma[20] - limited).max())
    assert error <= 3
    with pytest.raises(ValueError, match="read-only"):
        luma[0, 0] = 0


def test_brightness_outlives_the_picture() -> None:
    made = DecodedPicture(picture(), ToBgr())
    luma = made.luma()
    before = luma.copy()
    made.bgr()
    del made
    np.testing.assert_array_equal(luma, before)


def test_a_frame_looks_the_same_developed_or_not() -> None:
    lazy = Frame("cam", 3, 10.0, "stream", 10.1, DecodedPicture(picture(), ToBgr()))
    image = ToBgr()(picture())
    assert lazy.size_px == Frame("cam", 3, 10.0, "stream", 10.1, image).size_px == SIZE_PX
    later = replace(lazy, captured_at_s=11.0)
    np.testing.assert_array_equal(later.image, image)
    assert later.image is lazy.image


def test_a_frame_travels_to_another_process() -> None:
    lazy = Frame("cam", 3, 10.0, "stream", 10.1, DecodedPicture(picture(), ToBgr()))
    there = pickle.loads(pickle.dumps(lazy))  # noqa: S301 - made here
    np.testing.assert_array_equal(there.image, lazy.image)
    assert there.captured_at_s == 10.0


def test_many_may_look_at_once() -> None:
    to_bgr = ToBgr()
    frames = [to_bgr.later(picture(grey=grey)) for grey in range(20, 80)]
    with ThreadPoolExecutor(4) as threads:
        images = list(threads.map(lambda frame: frame.bgr(), frames * 4))
    for grey, image in enumerate(images[:60], 20):
        np.testing.assert_array_equal(image, ToBgr()(picture(grey=grey)))


def test_an_array_is_still_checked() -> None:
    with pytest.raises(ColumnError, match="image: expected shape"):
        Frame("cam", 0, 0.0, "drill", 0.0, np.zeros((4, 4), np.uint8))


def test_nothing_lies_on_a_device_here() -> None:
    assert DecodedPicture(picture(), ToBgr()).on_device() is None
