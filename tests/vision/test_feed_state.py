"""The feed's states, stepped tick by tick."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from vision.feed_state import FeedMachine, FeedState, FeedTiming
from vision.video_file import StreamInfo

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE_PX = (320, 240)
TIMING = FeedTiming()


def machine(jitter_share: float = 0.0) -> FeedMachine:
    return FeedMachine("cam", 0.0, TIMING, lambda: jitter_share)


def live_machine(until_s: float = 1.0) -> FeedMachine:
    """Connected at 0, then ten frames a second."""
    made = machine()
    made.connect(0.0)
    made.opened(0.0, StreamInfo(codec="h264"))
    for tenth in range(round(until_s * 10) + 1):
        made.frame(tenth / 10, SIZE_PX, "stream")
    return made


def test_from_connecting_to_live() -> None:
    feed = machine()
    assert feed.state(0.0) == FeedState("cam", "connecting", 0.0)
    feed.connect(1.0)
    feed.opened(1.5, StreamInfo(codec="hevc", size_px=SIZE_PX))
    state = feed.state(1.5)
    assert (state.phase, state.since_s, state.attempts, state.codec) == (
        "connecting",
        0.0,
        1,
        "hevc",
    )
    feed.frame(2.0, SIZE_PX, "arrival")
    feed.frame(2.5, SIZE_PX, "stream")
    assert feed.state(2.5) == FeedState(
        "cam", "live", 2.0, "", "hevc", SIZE_PX, 2.0, 0, "stream", 2.5
    )


def test_frame_rate_is_measured_over_the_last_frames() -> None:
    assert live_machine(20.0).state(20.0).fps == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("silent_s", "phase", "given_up"),
    [
        pytest.param(0.0, "live", False, id="just had a frame"),
        pytest.param(2.4, "live", False, id="a slow camera"),
        pytest.param(2.6, "stalled", False, id="stalled within 3 s"),
        pytest.param(9.9, "stalled", False, id="still waiting"),
        pytest.param(10.1, "stalled", True, id="time for a new connection"),
    ],
)
def test_silence(silent_s: float, phase: str, given_up: bool) -> None:
    feed = live_machine()
    now_s = 1.0 + silent_s
    assert feed.state(now_s).phase == phase
    assert feed.given_up(now_s) == given_up


def test_a_stalled_feed_says_since_when_and_comes_back() -> None:
    feed = live_machine()
    state = feed.state(4.0)
    assert (state.phase, state.since_s, state.fps) == ("stalled", 4.0, None)
    assert state.reason == "no frame for 2.5 s"
    assert state.last_frame_at_s == 1.0
    assert feed.state(6.0).since_s == 4.0
    feed.frame(7.0, SIZE_PX, "stream")
    assert feed.state(7.0).phase == "live"
    assert feed.state(7.0).reason == ""


def test_what_is_wrong_with_the_clock_is_told_while_live() -> None:
    feed = live_machine()
    feed.frame(1.1, SIZE_PX, "arrival", "the camera's clock is 2 hours ahead")
    assert feed.state(1.1).reason == "the camera's clock is 2 hours ahead"
    assert feed.state(1.1).since_s == 0.0


def test_a_connection_without_a_first_frame_is_given_up() -> None:
    feed = machine()
    feed.connect(0.0)
    feed.opened(3.0, StreamInfo())
    assert not feed.given_up(12.9)
    assert feed.given_up(13.1)
    assert feed.state(13.1).phase == "connecting"


def failures(feed: FeedMachine, count: int, from_s: float = 0.0) -> list[float]:
    """Fail so often, each time at once; returns the pauses."""
    pauses_s, now_s = [], from_s
    for _ in range(count):
        feed.connect(now_s)
        feed.lost(now_s, "connection failed")
        pauses_s.append(feed.retry_in_s(now_s))
        now_s += pauses_s[-1]
    return pauses_s


def test_pauses_double_up_to_the_longest() -> None:
    feed = machine()
    assert failures(feed, 9) == pytest.approx([0.5, 1, 2, 4, 8, 16, 30, 30, 30])
    assert feed.state(0.0).attempts == 9
    assert feed.state(0.0).reason == "connection failed"


def test_a_thousand_failures_are_no_overflow() -> None:
    assert failures(machine(), 2000)[-1] == pytest.approx(30.0)


def test_jitter_shortens_each_pause_by_up_to_a_quarter() -> None:
    plain = failures(machine(), 9)
    assert failures(machine(1.0), 9) == pytest.approx([0.75 * pause_s for pause_s in plain])


def test_cameras_with_their_own_jitter_come_back_apart() -> None:
    shares = itertools.count()
    feeds = [FeedMachine(str(i), 0.0, TIMING, lambda: next(shares) / 10) for i in range(10)]
    assert len({failures(feed, 1)[0] for feed in feeds}) == 10


def test_the_pause_runs_out() -> None:
    feed = machine()
    feed.connect(0.0)
    feed.lost(5.0, "gone")
    assert feed.retry_in_s(5.2) == pytest.approx(0.3)
    assert feed.retry_in_s(6.0) == 0.0


def test_one_frame_makes_the_pauses_short_again() -> None:
    feed = machine()
    failures(feed, 6)
    feed.connect(100.0)
    feed.frame(101.0, SIZE_PX, "arrival")
    feed.lost(102.0, "gone")
    state = feed.state(102.0)
    assert (state.phase, state.since_s, state.attempts, state.fps) == ("connecting", 102.0, 0, None)
    assert feed.retry_in_s(102.0) == 0.5


def test_a_refused_password_is_not_tried_often() -> None:
    feed = machine()
    feed.connect(0.0)
    feed.refused(1.0, "the camera refuses the user and password")
    assert feed.state(1.0).phase == "refused"
    assert feed.retry_in_s(1.0) == 60.0
    feed.connect(61.0)
    state = feed.state(61.0)
    assert (state.phase, state.attempts) == ("connecting", 2)
    assert state.reason == "the camera refuses the user and password"


def test_nothing_follows_the_end() -> None:
    feed = live_machine()
    feed.stopped(2.0, "end of file")
    events: list[Callable[[], None]] = [
        lambda: feed.frame(3.0, SIZE_PX, "stream"),
        lambda: feed.lost(3.0, "gone"),
        lambda: feed.refused(3.0, "no"),
        lambda: feed.connect(3.0),
        lambda: feed.stopped(3.0, "stopped"),
        lambda: feed.tick(30.0),
    ]
    for event in events:
        event()
        state = feed.state(30.0)
        assert (state.phase, state.since_s, state.reason) == ("stopped", 2.0, "end of file")
