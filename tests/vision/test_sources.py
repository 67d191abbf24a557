"""Recordings played at wall-clock pace, with a clock that only moves when it is waited on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from vision.detections import Detections
from vision.frames import BoxFrame, Frame
from vision.sources import paced

if TYPE_CHECKING:
    from collections.abc import Iterator


class Clock:
    """Time that passes only by waiting or by working."""

    def __init__(self, now_s: float, stop_after_s: float = np.inf) -> None:
        self.now_s = now_s
        self.stop_after_s = stop_after_s

    def now(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> bool:
        assert seconds > 0
        self.now_s += seconds
        return self.now_s > self.stop_after_s


def boxes(times_s: list[float], clock: Clock, work_s: float = 0.0) -> Iterator[BoxFrame]:
    for i, captured_at_s in enumerate(times_s):
        clock.now_s += work_s
        yield BoxFrame("cam", i, captured_at_s, "drill", 0.0, (64, 48), Detections.empty())


def test_frames_come_when_they_were_captured() -> None:
    clock = Clock(100.0)
    frames = [
        (clock.now_s, frame.captured_at_s, frame.decoded_at_s, frame.clock)
        for frame in paced(boxes([100.0, 100.5, 102.0], clock), now=clock.now, wait=clock.wait)
    ]
    assert frames == [(t, t, t, "drill") for t in (100.0, 100.5, 102.0)]


def test_a_recorded_start_is_moved_to_now() -> None:
    clock = Clock(5000.0)
    items = boxes([100.0, 101.0], clock)
    frames = list(paced(items, shift_s=4900.0, now=clock.now, wait=clock.wait))
    assert [frame.captured_at_s for frame in frames] == [5000.0, 5001.0]
    assert clock.now_s == 5001.0


def test_decoding_counts_after_the_capture() -> None:
    """A live camera's frame is captured first and decoded then; 30 ms of work come on top."""
    clock = Clock(100.0)
    items = boxes([100.0, 100.1, 100.2], clock, work_s=0.03)
    frames = list(paced(items, now=clock.now, wait=clock.wait))
    assert [f.decoded_at_s - f.captured_at_s for f in frames] == pytest.approx([0.03] * 3)


def test_what_is_late_is_passed_on_at_once_with_its_true_time() -> None:
    clock = Clock(100.0)
    items = boxes([100.0, 100.1, 100.2], clock, work_s=0.25)
    frames = list(paced(items, now=clock.now, wait=clock.wait))
    assert [f.captured_at_s for f in frames] == [100.0, 100.1, 100.2]
    assert [f.decoded_at_s for f in frames] == pytest.approx([100.25, 100.5, 100.75])


def test_stop_ends_it() -> None:
    clock = Clock(100.0, stop_after_s=101.5)
    items = boxes([100.0, 101.0, 102.0, 103.0], clock)
    assert len(list(paced(items, now=clock.now, wait=clock.wait))) == 2


def test_pictures_stay_as_they_are() -> None:
    image = np.zeros((4, 6, 3), np.uint8)
    clock = Clock(10.0)
    recorded = iter([Frame("cam", 3, 10.0, "drill", 0.0, image)])
    (frame,) = paced(recorded, now=clock.now, wait=clock.wait)
    assert frame.image is image
    assert frame.index == 3
