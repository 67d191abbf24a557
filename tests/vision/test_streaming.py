"""Only what is watched is encoded, at a steady pace, and ends when it is asked to."""

from __future__ import annotations

import itertools
import threading
import time
from datetime import UTC
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from tests.vision.test_overlay import LEFT, tracked
from vision.clock_strip import read_strip
from vision.encode import FPS, Encoder
from vision.errors import EncodeError
from vision.overlay import TrackLabel
from vision.stream_parts import Drawing, Fragment, Still, StreamHead, StreamPart, StreamWanted
from vision.streaming import MOST_STILL_BYTES, Streams, small_jpeg

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_S = 20.0
VIDEO = StreamWanted("cam-01")
STILL = StreamWanted("cam-01", "still")


class Taken:
    """All parts that were sent."""

    def __init__(self) -> None:
        self.parts: list[StreamPart] = []
        self.news = threading.Condition()

    def take(self, part: StreamPart) -> None:
        with self.news:
            self.parts.append(part)
            self.news.notify_all()

    def wait_for(self, kind: type[StreamPart], count: int) -> None:
        with self.news:
            assert self.news.wait_for(lambda: len(self.of(kind)) >= count, WAIT_S)

    def of(self, kind: type[StreamPart]) -> list[StreamPart]:
        return [part for part in self.parts if isinstance(part, kind)]


@pytest.fixture
def taken() -> Taken:
    return Taken()


@pytest.fixture
def streams(taken: Taken) -> Iterator[Streams]:
    made = Streams(taken.take, {"cam-01": "Hall"}, UTC)
    yield made
    made.close()


def test_nothing_is_encoded_before_somebody_watches_or_after(
    streams: Streams, taken: Taken
) -> None:
    streams.offer(tracked(LEFT))
    assert streams.cameras == frozenset()
    streams.show(frozenset({VIDEO}), Drawing())
    assert taken.parts == []  # and what was offered before is not kept
    streams.offer(tracked(LEFT, at_s=time.time()))
    taken.wait_for(Fragment, 3)
    streams.show(frozenset(), Drawing())
    sent = len(taken.parts)
    streams.offer(tracked(LEFT, at_s=time.time()))
    time.sleep(3 / FPS)
    assert len(taken.parts) == sent


def test_the_last_picture_is_repeated_with_its_own_clock(streams: Streams, taken: Taken) -> None:
    streams.show(frozenset({VIDEO}), Drawing())
    at_s = time.time()
    streams.offer(tracked(LEFT, at_s=at_s))
    taken.wait_for(Fragment, 10)
    assert {part.captured_at_s for part in taken.of(Fragment) if isinstance(part, Fragment)} == {
        at_s
    }
    assert isinstance(taken.parts[0], StreamHead)


def test_pictures_come_at_a_steady_pace(streams: Streams, taken: Taken) -> None:
    streams.show(frozenset({VIDEO}), Drawing())
    streams.offer(tracked(LEFT, at_s=time.time()))
    taken.wait_for(Fragment, 1)
    began = time.monotonic()
    taken.wait_for(Fragment, 1 + 2 * FPS)
    assert time.monotonic() - began > 1.7  # no faster than it is played


def test_a_camera_of_another_size_gets_a_new_head(streams: Streams, taken: Taken) -> None:
    streams.show(frozenset({VIDEO}), Drawing())
    streams.offer(tracked(LEFT, at_s=time.time()))
    taken.wait_for(Fragment, 2)
    wide = tracked(LEFT, at_s=time.time())
    image = np.zeros((540, 960, 3), np.uint8)
    object.__setattr__(wide.frame, "picture", image)
    streams.offer(wide)
    taken.wait_for(StreamHead, 2)
    first, second = (part for part in taken.parts if isinstance(part, StreamHead))
    assert second.epoch > first.epoch
    assert second.size_px == (960, 580)


def test_other_ways_of_drawing_begin_streams_anew(streams: Streams, taken: Taken) -> None:
    streams.show(frozenset({VIDEO}), Drawing("pixelate-others"))
    streams.offer(tracked(LEFT, at_s=time.time()))
    taken.wait_for(Fragment, 1)
    streams.show(frozenset({VIDEO}), Drawing("pixelate-all"))
    streams.offer(tracked(LEFT, at_s=time.time()))
    taken.wait_for(StreamHead, 2)


def test_a_camera_whose_encoder_fails_is_encoded_anew(
    streams: Streams, taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = Encoder.encode
    calls = itertools.count(1)

    def failing(encoder: Encoder, *picture: Any) -> list[Fragment]:
        if next(calls) == 3:
            raise EncodeError("the GPU is gone")
        return encode(encoder, *picture)

    monkeypatch.setattr(Encoder, "encode", failing)
    streams.show(frozenset({VIDEO}), Drawing())
    streams.offer(tracked(LEFT, at_s=time.time()))
    taken.wait_for(StreamHead, 2)
    taken.wait_for(Fragment, 4)


def test_labels_and_cameras_that_nobody_watches_are_ignored(streams: Streams) -> None:
    streams.label("cam-01", {1: TrackLabel("S1", "", 0.5, of_interest=True)})
    streams.show(frozenset({StreamWanted("cam-99")}), Drawing())
    assert streams.cameras == frozenset()


def test_a_still_is_small_and_its_clock_can_be_read(streams: Streams, taken: Taken) -> None:
    streams.show(frozenset({STILL}), Drawing())
    at_s = time.time()
    streams.offer(tracked(LEFT, at_s=at_s))
    taken.wait_for(Still, 2)
    [still, *_] = taken.parts
    assert isinstance(still, Still)
    assert len(still.jpeg) <= 3 * MOST_STILL_BYTES  # pure noise does not get smaller
    encoded = np.frombuffer(still.jpeg, np.uint8)
    image = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    assert image.shape[1::-1] == still.size_px
    assert read_strip(image, time.time()) == pytest.approx(at_s, abs=1e-3)


def test_a_second_of_stills_of_a_room_stays_under_100_kbit() -> None:
    rng = np.random.default_rng(7)
    room = cv2.resize(rng.integers(0, 256, (12, 20, 3), np.uint8), (480, 300))
    grain = rng.normal(0.0, 6.0, room.shape)
    image = np.clip(room + grain, 0, 255).astype(np.uint8)
    assert len(small_jpeg(image)) <= MOST_STILL_BYTES


def test_the_end_of_who_takes_them_ends_the_streams() -> None:
    def gone(_: StreamPart) -> None:
        raise BrokenPipeError

    streams = Streams(gone, {"cam-01": "Hall"}, UTC)
    streams.show(frozenset({VIDEO}), Drawing())
    streams.offer(tracked(LEFT, at_s=time.time()))
    streams.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "stream-cam-01"]
