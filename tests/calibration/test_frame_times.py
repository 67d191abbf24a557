from __future__ import annotations

import numpy as np
import pytest

from calibration.frame_times import UNSEEN_S, FrameTimes
from calibration.matching import LATE_S
from calibration.subject import Subject


def times(**frames_s: list[float]) -> FrameTimes:
    """Frames of cameras by name, told in the order of the cameras."""
    noted = FrameTimes()
    for camera, moments in frames_s.items():
        for at_s in moments:
            noted.note(camera, at_s)
    return noted


def subject(**cameras_s: float) -> Subject:
    """A body last seen by cameras at these times."""
    seen_at_s = max(cameras_s.values())
    body = Subject.born(0, "L1", seen_at_s, np.zeros(2), np.eye(2))
    for camera, at_s in cameras_s.items():
        body.note(camera, at_s)
    return body


def every(step_s: float, stop_s: float) -> list[float]:
    """Times from 0 to stop, included."""
    return [step_s * k for k in range(round(stop_s / step_s) + 1)]


def test_before_the_first_frame() -> None:
    assert FrameTimes().newest_s == -np.inf
    assert FrameTimes().interval_s("a") == 0.0
    assert times(a=[5.0]).interval_s("a") == 0.0


@pytest.mark.parametrize(
    ("frames_s", "interval_s", "what"),
    [
        (every(0.1, 3), 0.1, "even"),
        ([*every(0.1, 3), 60.0], 0.28, "an outage counts as one second, once"),
        ([0.0, 0.5, 0.25, 1.0], 0.5, "a frame out of order is no interval"),
    ],
)
def test_interval(frames_s: list[float], interval_s: float, what: str) -> None:
    assert times(a=frames_s).interval_s("a") == pytest.approx(interval_s, abs=1e-6), what


@pytest.mark.parametrize(
    ("step_s", "blink_s"), [(0.1, UNSEEN_S), (0.2, UNSEEN_S), (0.5, 1.1), (1.0, 2.2), (2.0, 2.2)]
)
def test_slow_cameras_may_blink_for_longer(step_s: float, blink_s: float) -> None:
    noted = times(a=every(step_s, 20), b=every(0.1, 20))
    assert noted.blink_s(subject(a=20.0, b=20.0)) == pytest.approx(blink_s)
    assert noted.blink_s(subject(b=20.0)) == pytest.approx(UNSEEN_S)


@pytest.mark.parametrize(
    ("a_until_s", "b_until_s", "unseen_s", "what"),
    [
        (10.0, 10.0, 0.0, "seen in the newest frame"),
        (10.5, 10.0, 0.5, "its own camera looked again and saw nobody"),
        (10.0, 10.9, 0.0, "a camera whose pictures are late has not looked yet"),
        (10.0, 14.0, 4.0 - LATE_S, "a dead camera does not keep its subject in view"),
        (10.5, 10.3, 0.5, "another camera's frames do not shorten it"),
    ],
)
def test_unseen(a_until_s: float, b_until_s: float, unseen_s: float, what: str) -> None:
    noted = times(a=every(0.1, a_until_s), b=every(0.1, b_until_s))
    assert noted.unseen_s(subject(a=10.0)) == pytest.approx(unseen_s), what
    assert noted.sees(subject(a=10.0)) == (unseen_s <= UNSEEN_S), what


def test_a_camera_of_long_ago_does_not_say_when_it_was_looked_for() -> None:
    noted = times(old=every(0.1, 20), a=every(0.1, 20.2))
    assert noted.unseen_s(subject(old=2.0, a=20.0)) == pytest.approx(0.2)
    assert noted.unseen_s(subject(old=19.5, a=19.6)) == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("later_s", "sees"), [(UNSEEN_S + LATE_S - 0.1, True), (UNSEEN_S + LATE_S + 0.1, False)]
)
def test_frames_that_stop_coming_end_the_view(later_s: float, sees: bool) -> None:
    noted = times(a=every(0.1, 10))
    assert noted.sees_at(subject(a=10.0), 10.0 + later_s) is sees


def test_who_is_out_of_view_stays_so_whenever_asked() -> None:
    noted = times(a=every(0.1, 12))
    assert not noted.sees_at(subject(a=10.0), 10.1)


@pytest.mark.parametrize(
    ("at_s", "fresh"),
    [
        (10.0, True),
        (10.0 - LATE_S, True),
        (10.0 - LATE_S - 0.1, False),
        (10.0 + UNSEEN_S - 0.05, True),
        (10.0 + UNSEEN_S + 0.05, False),
    ],
    ids=["now", "late", "too late", "a blink ahead", "too far ahead"],
)
def test_fresh(at_s: float, fresh: bool) -> None:
    assert times(a=every(0.1, 10)).is_fresh(subject(a=10.0), at_s) is fresh
