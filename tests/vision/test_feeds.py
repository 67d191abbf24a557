"""A feed's thread: recordings, sources that fail, and the stop that is always heard."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from vision.address import CameraAddress
from vision.detections import Detections
from vision.errors import FeedLostError, FeedRefusedError
from vision.feeds import Feed, FeedTiming, live_source, stop_feeds
from vision.frames import BoxFrame, Frame
from vision.latest import FrameCounts, LatestFrames
from vision.played_file import play_file
from vision.sources import AnyFrame, Session, Source, played
from vision.video_file import StreamInfo

from .conftest import SIZE_PX

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from .conftest import EncodeClip

QUICK = FeedTiming(first_retry_s=0.01, max_retry_s=0.01, refused_retry_s=0.01)


def box_frame(index: int) -> BoxFrame:
    return BoxFrame(
        "cam", index, 10.0 + index, "stream", 10.0 + index, (64, 48), Detections.empty()
    )


def eventually(what: Callable[[], bool], within_s: float = 10.0) -> bool:
    deadline_s = time.monotonic() + within_s
    while not what():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.005)
    return True


def run_to_its_end(source: Source) -> tuple[Feed, LatestFrames[AnyFrame]]:
    frames = LatestFrames[AnyFrame]()
    feed = Feed("cam", source, frames, timing=QUICK)
    feed.start()
    assert eventually(lambda: feed.state(time.time()).phase == "stopped")
    return feed, frames


def test_a_file_plays_as_if_live_and_ends(encode: EncodeClip) -> None:
    path = encode("clip.mp4", codec="libx265", frames=10, fps=20)
    started_at_s = time.time() + 0.05
    frames = LatestFrames[AnyFrame]()
    feed = Feed("cam", play_file(path, "cam", started_at_s), frames)
    feed.start()
    taken = []
    while feed.state(time.time()).phase != "stopped":
        for frame in frames.take(1, 0.05):
            assert time.time() >= frame.captured_at_s
            taken.append(frame)
    state, counts = feed.state(time.time()), frames.counts("cam")
    assert state.reason == "end of file"
    assert (state.codec, state.size_px, state.clock) == ("hevc", SIZE_PX, "drill")
    assert time.time() - started_at_s >= 9 / 20
    assert counts.received == 10
    assert counts.taken == len(taken)
    for frame in taken:
        assert frame.captured_at_s == pytest.approx(started_at_s + frame.index / 20)
        assert frame.decoded_at_s > frame.captured_at_s
    assert feed.stop()
    assert feed.state(time.time()).reason == "end of file"


def test_recorded_boxes_play_too() -> None:
    feed, frames = run_to_its_end(played(lambda: iter([box_frame(0), box_frame(1)])))
    assert frames.counts("cam") == FrameCounts(received=2, dropped=1, waiting=1)
    assert feed.state(time.time()).size_px == (64, 48)


@pytest.mark.parametrize("address", ["missing.mp4", "empty.mp4", "cut.mp4"])
def test_a_bad_file_stops_the_feed_with_the_reason(
    encode: EncodeClip, tmp_path: Path, address: str
) -> None:
    (tmp_path / "empty.mp4").touch()
    whole = encode("whole.mp4", fps=500, container_options={"movflags": "faststart"}).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 7 // 10])
    source = live_source("cam", CameraAddress(str(tmp_path / address)), time.time())
    feed, frames = run_to_its_end(source)
    reason = feed.state(time.time()).reason
    assert address in reason
    assert ("the end of the file is missing" in reason) == (address == "cut.mp4")
    assert (frames.counts("cam").received > 0) == (address == "cut.mp4")


def test_a_lost_camera_is_tried_again_and_keeps_its_counts() -> None:
    """Three frames, a loss, three more with two that were never decoded between them."""
    first_indices = []

    def source(session: Session) -> Generator[AnyFrame, None, None]:
        first_indices.append(session.first_index)
        session.opened(StreamInfo(codec="h264"))
        if len(first_indices) > 2:
            session.note("odd clock")
            yield box_frame(session.first_index)
            session.stop.wait()
            return
        yield from map(box_frame, (session.first_index, session.first_index + 3))
        raise FeedLostError("the camera ended the stream")

    frames = LatestFrames[AnyFrame]()
    feed = Feed("cam", source, frames, timing=QUICK)
    feed.start()
    assert eventually(lambda: feed.state(time.time()).reason == "odd clock")
    assert first_indices == [0, 4, 8]
    assert frames.counts("cam") == FrameCounts(received=9, dropped=8, waiting=1)
    assert feed.stop()
    assert frames.counts("cam") == FrameCounts(received=9, dropped=9)
    assert feed.state(time.time()).phase == "stopped"


def test_refused_and_lost_are_told_apart() -> None:
    errors = iter([FeedRefusedError("wrong password"), FeedLostError("no route")])
    seen = threading.Event()

    def source(session: Session) -> Generator[AnyFrame, None, None]:
        error = next(errors, None)
        if error is not None:
            raise error
        seen.set()
        session.stop.wait()
        yield from ()

    feed = Feed("cam", source, LatestFrames(), timing=FeedTiming(refused_retry_s=0.3))
    feed.start()
    assert eventually(lambda: feed.state(time.time()).phase == "refused")
    assert feed.state(time.time()).reason == "wrong password"
    assert eventually(lambda: feed.state(time.time()).reason == "no route")
    assert seen.wait(5)
    assert feed.state(time.time()).attempts == 3
    assert feed.stop()


def test_an_unforeseen_error_is_logged_without_its_message_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tries = []
    password = str(time.time_ns())  # not in the code: a traceback shows the line that raises

    def source(session: Session) -> Generator[AnyFrame, None, None]:
        tries.append(session)
        if len(tries) == 1:
            raise KeyError(f"rtsp://admin:{password}@cam")
        yield box_frame(0)

    feed, frames = run_to_its_end(source)
    assert len(tries) == 2
    assert frames.counts("cam").received == 1
    assert "KeyError" in caplog.text
    assert password not in caplog.text
    feed.stop()


def test_after_stop_no_frame_is_put(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    going_on = threading.Event()

    def source(session: Session) -> Generator[AnyFrame, None, None]:
        yield box_frame(0)
        going_on.wait(10)
        yield box_frame(1)

    frames = LatestFrames[AnyFrame]()
    feed = Feed("cam", source, frames)
    feed.start()
    assert eventually(lambda: frames.counts("cam").received == 1)
    assert not feed.stop(0.05)
    going_on.set()
    assert eventually(feed.stop)
    assert frames.counts("cam") == FrameCounts(received=1, dropped=1)


def test_many_feeds_stop_together_while_they_pause() -> None:
    def source(session: Session) -> Generator[AnyFrame, None, None]:
        if session.first_index == 0:
            raise FeedLostError("nobody there")
        yield box_frame(session.first_index)

    feeds = [
        Feed(str(i), source, LatestFrames(), timing=FeedTiming(first_retry_s=60)) for i in range(20)
    ]
    for feed in feeds:
        feed.start()
    began_s = time.monotonic()
    assert stop_feeds(feeds)
    assert time.monotonic() - began_s < 1.0


def test_sources_hear_that_something_moves() -> None:
    """A square runs through the second half of 40 frames; nobody takes any."""
    asked: list[bool] = []

    def source(session: Session) -> Generator[AnyFrame, None, None]:
        for n in range(40):
            picture = np.full((120, 160, 3), 60, np.uint8)
            if n >= 20:
                picture[40:90, 3 * n : 3 * n + 30] = 200
            yield Frame("cam", n, 10.0 + n / 10, "stream", 10.0 + n / 10, picture)
            asked.append(session.moves())

    run_to_its_end(source)
    assert not any(asked[:20])
    assert all(asked[25:])


def test_a_feed_starts_once() -> None:
    feed = Feed("cam", played(lambda: iter([box_frame(0)])), LatestFrames())
    feed.start()
    with pytest.raises(RuntimeError):
        feed.start()
    assert feed.stop()


def test_frames_that_were_never_decoded_count_at_the_end() -> None:
    def source(session: Session) -> Generator[AnyFrame, None, None]:
        yield box_frame(0)
        session.sent(10)

    _, frames = run_to_its_end(source)
    assert frames.counts("cam") == FrameCounts(received=10, dropped=9, waiting=1)
