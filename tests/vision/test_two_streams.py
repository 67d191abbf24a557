"""A feed over two streams: it changes without a gap, and goes on with the one that is left."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from calibration.floor_plan import FloorPlan
from calibration.projection import to_floor_positions
from models.looks import LookRates
from tests.calibration.corridor import LEVEL, corridor_plan, west_camera
from vision.address import CameraAddress
from vision.detections import Detections
from vision.errors import FeedLostError, FeedRefusedError
from vision.feeds import Feed, FeedTiming, live_source
from vision.frames import BoxFrame, Frame
from vision.latest import LatestFrames
from vision.pipeline import Pipeline
from vision.stream_choice import StreamChoice
from vision.stream_fit import UnfitStreamError, require_fit
from vision.two_streams import TwoStreams
from vision.video_file import StreamInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from numpy.typing import NDArray

    from tests.rtsp import Server
    from vision.latest import Motion
    from vision.sources import AnyFrame, Session

MAIN_PX, SUB_PX = (1280, 720), (640, 360)
QUICK = FeedTiming(first_retry_s=0.01, max_retry_s=0.01, refused_retry_s=0.01)


@dataclass
class Stream:
    """A made-up stream: a frame every 10 ms, until it is told to fail."""

    size_px: tuple[int, int]
    behind_s: float = 0.0
    failure: Exception | None = None
    opens_after_s: float = 0.0
    held: bool = False
    opened: int = 0
    open_now: int = 0
    together: list[int] = field(default_factory=list)
    beside: Stream | None = None

    def __call__(self, session: Session) -> Generator[AnyFrame, None, None]:
        self.opened += 1
        if self.failure is not None and self.opens_after_s == 0.0:
            raise self.failure
        if session.stop.wait(self.opens_after_s):
            return
        if self.failure is not None:
            raise self.failure
        self.open_now += 1
        session.opened(StreamInfo(codec="h264", size_px=self.size_px))
        index = session.first_index
        try:
            while not session.stop.wait(0.01):
                if self.failure is not None:
                    raise self.failure
                if self.beside is not None:
                    self.together.append(self.beside.open_now)
                if self.held and index > session.first_index:
                    session.held()
                else:
                    at_s = time.time() - self.behind_s
                    empty = Detections.empty()
                    yield BoxFrame("cam", index, at_s, "stream", time.time(), self.size_px, empty)
                index += 1
        finally:
            self.open_now -= 1
            session.sent(index)


class Recorder(LatestFrames["AnyFrame"]):
    """The slots of a feed that also keep every frame put into them."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[AnyFrame] = []

    def put(self, item: AnyFrame, motion: Motion = "still") -> None:
        self.all.append(item)
        super().put(item, motion)


class Camera:
    """A feed over two made-up streams."""

    def __init__(self, main: Stream, sub: Stream) -> None:
        self.main, self.sub, self.choice, self.frames = main, sub, StreamChoice(), Recorder()
        source = TwoStreams(main, sub, self.choice, MAIN_PX)
        self.feed = Feed("cam", source, self.frames, timing=QUICK)

    @property
    def reads(self) -> str | None:
        return self.feed.state(time.time()).stream

    @property
    def reason(self) -> str:
        return self.feed.state(time.time()).reason

    def until(self, what: Callable[[], bool], within_s: float = 5.0) -> None:
        deadline_s = time.monotonic() + within_s
        while not what():
            assert time.monotonic() < deadline_s, self.feed.state(time.time())
            time.sleep(0.005)


@pytest.fixture
def cameras() -> Iterator[Callable[..., Camera]]:
    made: list[Camera] = []

    def camera(main: Stream | None = None, sub: Stream | None = None) -> Camera:
        made.append(Camera(main or Stream(MAIN_PX), sub or Stream(SUB_PX)))
        made[-1].feed.start()
        return made[-1]

    yield camera
    for one in made:
        assert one.feed.stop(5.0)
        assert one.main.open_now == one.sub.open_now == 0
        counts = one.frames.counts("cam")
        assert counts.received >= len(one.frames.all)
        if len(one.frames.all) > 1:
            assert min(np.diff([frame.captured_at_s for frame in one.frames.all])) > 0
            assert min(np.diff([frame.index for frame in one.frames.all])) > 0
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("opens ")]


@pytest.mark.parametrize("behind_s", [0.0, 0.3, -0.3])
def test_it_changes_to_the_main_stream_and_back_without_a_gap(
    cameras: Callable[..., Camera], behind_s: float
) -> None:
    main = Stream(MAIN_PX, behind_s=behind_s, opens_after_s=0.2)
    one = cameras(main)
    main.beside = one.sub
    one.until(lambda: one.reads == "sub")
    one.choice.watch(watched=True)
    one.until(lambda: one.reads == "main" and len(one.frames.all) > 40)
    assert main.together[0] == 1, "the sub-stream was let go before the main one gave a picture"
    one.choice.watch(watched=False)
    one.until(lambda: one.reads == "sub" and one.frames.all[-1].size_px == SUB_PX)
    sizes = [frame.size_px for frame in one.frames.all]
    assert sizes == sorted(sizes[: sizes.index(MAIN_PX)]) + sizes[sizes.index(MAIN_PX) :]
    assert max(np.diff([frame.decoded_at_s for frame in one.frames.all])) < 0.15
    assert [frame.index for frame in one.frames.all] == list(range(len(one.frames.all)))
    assert (one.main.opened, one.sub.opened, one.reason) == (1, 2, "")


def test_a_stream_in_which_frames_are_held_gives_way_too(cameras: Callable[..., Camera]) -> None:
    one = cameras(sub=Stream(SUB_PX, held=True))
    one.until(lambda: one.reads == "sub")
    time.sleep(0.1)
    one.choice.watch(watched=True)
    one.until(lambda: one.reads == "main")
    assert one.frames.all[1].index > 1, "the frames that were held have numbers"
    counts = one.frames.counts("cam")
    assert counts.received >= one.frames.all[-1].index


LOST, REFUSED = FeedLostError("no answer"), FeedRefusedError("wrong password")


@pytest.mark.parametrize("failure", [LOST, REFUSED, RuntimeError("secret")])
def test_where_the_main_stream_cannot_be_opened_the_sub_stream_stays(
    cameras: Callable[..., Camera], failure: Exception
) -> None:
    one = cameras(Stream(MAIN_PX, failure=failure))
    one.until(lambda: one.reads == "sub")
    one.choice.watch(watched=True)
    one.until(lambda: "main stream: " in one.reason)
    assert one.feed.state(time.time()).phase == "live"
    assert "secret" not in one.reason
    assert (one.main.opened, one.sub.opened, one.reads) == (1, 1, "sub")


@pytest.mark.parametrize("lost", ["sub", "main"])
def test_where_the_stream_that_is_read_fails_the_other_is_read(
    cameras: Callable[..., Camera], lost: str
) -> None:
    one = cameras()
    one.choice.watch(watched=lost == "main")
    one.until(lambda: one.reads == lost)
    getattr(one, lost).failure = LOST
    kept = "main" if lost == "sub" else "sub"
    one.until(lambda: one.reads == kept)
    words = {"sub": "sub-stream", "main": "main stream"}[lost]
    one.until(lambda: one.reason == f"{words}: no answer")
    assert one.feed.state(time.time()).attempts == 0


def test_a_sub_stream_that_fails_while_the_main_one_is_opened_is_waited_for(
    cameras: Callable[..., Camera],
) -> None:
    one = cameras(Stream(MAIN_PX, opens_after_s=0.3))
    one.until(lambda: one.reads == "sub")
    one.choice.watch(watched=True)
    one.until(lambda: one.main.opened == 1)
    one.sub.failure = LOST
    one.until(lambda: one.reads == "main")
    assert one.main.opened == 1


def test_where_both_fail_both_reasons_are_told(cameras: Callable[..., Camera]) -> None:
    one = cameras(Stream(MAIN_PX, failure=LOST), Stream(SUB_PX, failure=REFUSED))
    one.until(lambda: one.reason == "main stream: no answer; sub-stream: wrong password")
    assert one.feed.state(time.time()).phase in {"connecting", "refused"}
    one.main.failure = None
    one.until(lambda: one.reads == "main")


def test_a_feed_that_is_stopped_while_a_stream_is_opened_ends(
    cameras: Callable[..., Camera],
) -> None:
    one = cameras(Stream(MAIN_PX, opens_after_s=60.0))
    one.until(lambda: one.reads == "sub")
    one.choice.watch(watched=True)
    one.until(lambda: one.main.opened == 1)
    assert one.feed.stop(1.0)


@pytest.mark.parametrize(
    ("size_px", "model_px", "why"),
    [
        ((640, 360), (1280, 720), ""),
        ((640, 360), (1920, 1080), ""),
        ((640, 368), (1280, 720), "another shape"),
        ((704, 576), (1280, 720), "another shape"),
        ((720, 406), (1280, 720), ""),
        ((320, 180), (1280, 720), "too small"),
        ((352, 240), (352, 240), ""),
    ],
)
def test_a_sub_stream_of_another_shape_or_too_small_is_refused(
    size_px: tuple[int, int], model_px: tuple[int, int], why: str
) -> None:
    require_fit("main", size_px, model_px)
    if not why:
        return require_fit("sub", size_px, model_px)
    with pytest.raises(UnfitStreamError, match=why):
        require_fit("sub", size_px, model_px)
    return None


def test_a_sub_stream_that_does_not_fit_is_told_and_the_main_one_read(
    cameras: Callable[..., Camera],
) -> None:
    one = cameras(sub=Stream((704, 576)))
    one.until(lambda: one.reads == "main")
    one.until(lambda: one.reason.startswith("sub-stream: its pictures are 704x576"))
    assert {frame.size_px for frame in one.frames.all} == {MAIN_PX}


# ---------------------------------------------------------------------------------------------
# What is made of the frames
# ---------------------------------------------------------------------------------------------

MODEL = west_camera()
EVERYWHERE = FloorPlan(corridor_plan().levels, [])
SILENT = LookRates.silent()


def somebody(size_px: tuple[int, int], x: float) -> Detections:
    width, height = size_px
    box = np.array([[x * width, 0.4 * height, (x + 0.06) * width, 0.8 * height]], np.float32)
    return Detections(box, np.ones(1, np.float32), np.zeros(1, np.int16), ("person",))


def test_somebody_keeps_identity_and_place_over_a_change_of_size() -> None:
    pipeline = Pipeline(None, SILENT)
    seen = []
    for k in range(12):
        size_px = SUB_PX if k < 6 else MAIN_PX
        boxes = somebody(size_px, 0.3 + 0.01 * k)
        frame = BoxFrame("cam", k, 10.0 + 0.1 * k, "stream", 0.0, size_px, boxes)
        seen.append(pipeline.process([frame])[0].tracks)
    assert {int(track) for tracks in seen for track in tracks.track_id} == {
        int(seen[-1].track_id[0])
    }
    placed = [to_floor_positions(tracks, MODEL, "cam", LEVEL, EVERYWHERE) for tracks in seen[2:]]
    steps_m = np.linalg.norm(np.diff([one.xy_m[0] for one in placed], axis=0), axis=1)
    assert steps_m == pytest.approx(steps_m[0], rel=0.3)


# ---------------------------------------------------------------------------------------------
# Real streams
# ---------------------------------------------------------------------------------------------


class GreenBar:
    """A detector that takes the green bar of the test picture for a person."""

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        found = []
        for image in images:
            blue, green, red = np.moveaxis(image[: len(image) // 2].astype(np.int16), 2, 0)
            columns = np.flatnonzero(((green - np.maximum(blue, red)) > 100).mean(axis=0) > 0.5)
            height = len(image)
            box = [[columns[0], 0.3 * height, columns[-1] + 1, 0.85 * height]]
            found.append(
                Detections(
                    np.array(box, np.float32),
                    np.full(1, 0.9, np.float32),
                    np.zeros(1, np.int16),
                    ("person",),
                )
            )
        return found


@pytest.mark.rtsp
def test_real_streams_change_without_a_gap_and_people_stay_where_they_are(
    rtsp_server: Server,
) -> None:
    main, sub = (
        live_source("cam", CameraAddress(f"rtsp://127.0.0.1:{rtsp_server.port}/{path}"), 0.0)
        for path in ("main", "sub")
    )
    choice, frames = StreamChoice(), Recorder()
    feed = Feed("cam", TwoStreams(main, sub, choice, MAIN_PX), frames)
    pipeline = Pipeline(GreenBar(), SILENT)
    seen = []
    feed.start()
    try:
        for watched, stream in ((False, "sub"), (True, "main"), (False, "sub")):
            choice.watch(watched=watched)
            deadline_s, after = time.monotonic() + 20.0, 0
            while after < 25:
                assert time.monotonic() < deadline_s, feed.state(time.time())
                taken = frames.take(1, 0.05)
                seen += [one.tracks for one in pipeline.process(taken)]
                after += len(taken) * (feed.state(time.time()).stream == stream)
    finally:
        assert feed.stop(12.0)
    counts = frames.counts("cam")
    assert counts.received == counts.taken + counts.dropped
    assert {frame.size_px for frame in frames.all if isinstance(frame, Frame)} == {
        (960, 540),
        SUB_PX,
    }
    captured_s = np.diff([frame.captured_at_s for frame in frames.all])
    assert captured_s.min() > 0
    # Two frames' time at 15 a second, and what a busy machine adds.
    assert np.diff([tracks.captured_at_s for tracks in seen]).max() < 0.5
    placed = [to_floor_positions(one, MODEL, "cam", LEVEL, EVERYWHERE) for one in seen if len(one)]
    assert len({int(one.track_id[0]) for one in placed}) == 1
    away_m = np.linalg.norm([one.xy_m[0] - placed[0].xy_m[0] for one in placed], axis=1)
    assert away_m.max() < 0.05
