"""Batches as large as can be answered in time, of the cameras that attention names."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from vision.batch_taking import BatchTaker
from vision.batching import BatchSizer
from vision.latest import LatestFrames, longest_unserved


@dataclass(frozen=True, slots=True)
class Item:
    camera: str
    captured_at_s: float


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def put(latest: LatestFrames[Item], clock: Clock, *cameras: str) -> None:
    for camera in cameras:
        latest.put(Item(camera, clock.now_s))


def taker(latest: LatestFrames[Item], clock: Clock, sizes: tuple[int, ...]) -> BatchTaker[Item]:
    return BatchTaker(
        latest,
        BatchSizer(sizes, deadline_s=0.5),
        longest_unserved,
        now=clock,
        sleep=clock.sleep,
    )


def test_nothing_is_taken_where_nothing_waits() -> None:
    latest: LatestFrames[Item] = LatestFrames()
    assert taker(latest, Clock(), (1, 2)).take(0.0) == []


def test_no_more_than_the_largest_batch() -> None:
    latest: LatestFrames[Item] = LatestFrames()
    clock = Clock()
    batches = taker(latest, clock, (1, 2))
    put(latest, clock, "a", "b", "c")
    assert [item.camera for item in batches.take(0.0)] == ["a", "b"]


@pytest.mark.parametrize(
    ("frame_s", "most"),
    [(0.01, 8), (0.12, 2)],
    ids=["a quick device takes all", "a slow one only what is answered in time"],
)
def test_batches_shrink_to_what_is_answered_in_time(frame_s: float, most: int) -> None:
    latest: LatestFrames[Item] = LatestFrames()
    clock = Clock()
    batches = taker(latest, clock, (1, 2, 4, 8))
    taken = 0
    for _ in range(20):
        put(latest, clock, *"abcdefgh")
        taken = len(batches.take(0.0))
        clock.now_s += frame_s * taken + 0.02 * frame_s * 8
        batches.answered()
    assert 1 <= taken <= most
    if frame_s == 0.01:
        assert taken >= 4


def test_a_batch_that_overlaps_another_costs_the_time_since_that_ones_answer() -> None:
    latest: LatestFrames[Item] = LatestFrames()
    clock = Clock()
    sizer = BatchSizer((1, 2, 4))
    batches = BatchTaker(latest, sizer, longest_unserved, now=clock, sleep=clock.sleep)
    for _ in range(10):  # two under way at all times, one answered every 40 ms
        put(latest, clock, "a", "b")
        batches.take(0.0)
        clock.now_s += 0.04
        put(latest, clock, "c", "d")
        batches.take(0.0)
        batches.answered()
        clock.now_s += 0.04
        batches.answered()
    assert sizer.cost.of(2) == pytest.approx(0.04, rel=0.1)


def test_sizes_are_told_once() -> None:
    latest: LatestFrames[Item] = LatestFrames()
    clock = Clock()
    batches = taker(latest, clock, (1, 2))
    put(latest, clock, "a", "b", "c")
    batches.take(0.0)
    batches.take(0.0)
    assert batches.sizes() == ((1, 1), (2, 1))
    assert batches.sizes() == ()
