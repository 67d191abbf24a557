"""Decoding on a graphics card where there is one, and without it where there is none or it fails.

This machine may have no card: FFmpeg's own way of asking for one then fails as a card does that
is gone, which is what most of these tests need.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import av
import av.error
import pytest
from av.codec.hwaccel import HWAccel

from vision.decode_device import PROCESSOR, DecodeDevice, decode_device, decodes, nvdec
from vision.errors import UnreadableVideoError
from vision.feeds import Feed
from vision.latest import LatestFrames
from vision.played_file import play_file
from vision.video_file import open_video

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.container import InputContainer

    from vision.sources import AnyFrame

    from .conftest import EncodeClip

has_card = nvdec() is not None


class Card:
    """What a probe finds: a card that can be pulled out."""

    def __init__(self) -> None:
        self.there = True
        self.asked = 0

    def __call__(self) -> HWAccel | None:
        self.asked += 1
        return HWAccel("cuda") if self.there else None


def opened(path: Path, accel: HWAccel | None, *, works: bool) -> InputContainer:
    """Open as PyAV does with a card that works, or does not."""
    if accel is not None and not works:
        raise av.error.ExternalError(1, "no CUDA-capable device is detected")
    return av.open(path, "r")


def test_on_the_processor_nothing_is_tried() -> None:
    assert decode_device("cpu") is PROCESSOR
    assert PROCESSOR.name == "the processor"
    assert decode_device("auto") is decode_device("auto")


@pytest.mark.skipif(has_card, reason="there is a card that decodes")
def test_without_a_card_it_is_the_processor(capfd: pytest.CaptureFixture[str]) -> None:
    before = av.logging.get_level()
    assert not decodes(HWAccel("cuda"))
    assert nvdec() is None
    assert DecodeDevice(nvdec).name == "the processor"
    assert av.logging.get_level() == before
    assert capfd.readouterr().err == ""


@pytest.mark.gpu
def test_with_a_card_pictures_come_from_it(encode: EncodeClip) -> None:
    device = DecodeDevice(nvdec)
    assert device.name == "the graphics card (NVDEC)"
    with open_video(encode("clip.mp4"), device) as (container, stream):
        assert next(container.decode(stream)).format.name == "nv12"


def test_a_card_that_works_is_used(encode: EncodeClip) -> None:
    path, card = encode("clip.mp4"), Card()
    device, used = DecodeDevice(card), []

    def open_with(accel: HWAccel | None) -> InputContainer:
        used.append(accel)
        return opened(path, accel, works=True)

    device.opened(open_with).close()
    assert [accel is not None for accel in used] == [True]
    assert card.asked == 1


def test_a_card_that_is_gone_is_given_up_for_all(
    encode: EncodeClip, caplog: pytest.LogCaptureFixture
) -> None:
    path, card = encode("clip.mp4"), Card()
    device = DecodeDevice(card)
    card.there = False
    for _ in range(2):
        device.opened(lambda accel: opened(path, accel, works=False)).close()
    assert device.name == "the processor"
    assert card.asked == 2
    assert [record.message for record in caplog.records] == [
        "the graphics card does not decode any more; the processor does"
    ]


def test_a_video_that_cannot_be_opened_is_not_blamed_on_the_card(tmp_path: Path) -> None:
    (tmp_path / "junk.mp4").write_bytes(b"junk" * 100)
    card = Card()
    device = DecodeDevice(card)
    with pytest.raises(UnreadableVideoError), open_video(tmp_path / "junk.mp4", device):
        pass
    assert device.name == "the graphics card (NVDEC)"


@pytest.fixture
def playing(encode: EncodeClip) -> Iterator[Feed]:
    """A file that plays on a card that fails as soon as it is asked."""
    card = Card()
    device = DecodeDevice(card)
    card.there = has_card
    latest: LatestFrames[AnyFrame] = LatestFrames()
    path = encode("clip.mp4", frames=10, fps=20)
    feed = Feed("cam", play_file(path, "cam", time.time(), device=device), latest)
    feed.start()
    yield feed
    feed.stop()


def test_a_feed_plays_on_without_its_card_and_tells_so(
    playing: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    until_s = time.monotonic() + 10
    while playing.state(time.time()).phase != "stopped":
        assert time.monotonic() < until_s
        time.sleep(0.01)
    state = playing.state(time.time())
    assert state.reason == "end of file"
    assert state.decoder == ("graphics card" if has_card else "processor")
    assert not caplog.records
