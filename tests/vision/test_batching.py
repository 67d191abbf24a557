"""Batches under a deadline: what is learned of their cost, and what is planned from it."""

from __future__ import annotations

import random

import pytest

from vision.batching import FIRST_FRAMES, LONGEST_WAIT_S, BatchCost, BatchSizer

GPU_SIZES = (1, 2, 4, 8, 16, 32, 64)
TWO_CORES = (2, 4, 6, 8, 10, 12, 14, 16)


def taught(
    sizes: tuple[int, ...], start_s: float, frame_s: float, deadline_s: float = 0.5
) -> BatchSizer:
    """A sizer that has seen batches of all sizes on a machine of such costs."""
    sizer = BatchSizer(sizes, deadline_s)
    for _ in range(10):
        for size in sizes:
            sizer.done(size, start_s + frame_s * size)
    return sizer


@pytest.mark.parametrize(
    ("batches", "start_s", "frame_s"),
    [
        pytest.param([(1, 3.0), (2, 4.0), (4, 6.0)], 2.0, 1.0, id="both-costs"),
        pytest.param([(8, 4.0)] * 5, 0.0, 0.5, id="one-size-alone-says-nothing-of-the-start"),
        pytest.param([(1, 1.0), (2, 4.0), (4, 12.0)], 0.0, 2.714, id="start-is-never-negative"),
        pytest.param([(1, 2.0), (64, 2.0)] * 3, 2.0, 0.0, id="frames-for-nothing"),
        pytest.param([(1, 2.5), (64, 1.9)] * 3, 2.2, 0.0, id="frames-are-never-negative"),
    ],
)
def test_what_a_batch_costs(
    batches: list[tuple[int, float]], start_s: float, frame_s: float
) -> None:
    cost = BatchCost()
    for frames, seconds in batches:
        cost.learn(frames, seconds)
    assert cost.start_s == pytest.approx(start_s, abs=0.03)
    assert cost.frame_s == pytest.approx(frame_s, abs=0.03)


def test_a_machine_that_slows_down_is_learned_anew() -> None:
    cost = BatchCost()
    for seconds_a_frame in (0.01, 0.03):
        for number in range(200):
            frames = 1 + number % 8
            cost.learn(frames, seconds_a_frame * frames)
    assert cost.of(4) == pytest.approx(0.12, rel=0.03)


@pytest.mark.parametrize(
    ("sizer", "waiting", "oldest_age_s", "frames", "waits", "late"),
    [
        pytest.param(taught(TWO_CORES, 0.0, 0.01), 0, 0.0, 0, False, False, id="nobody-waits"),
        pytest.param(
            taught(TWO_CORES, 0.0, 0.01), 40, 0.1, 2, False, False, id="a-cpu-gains-nothing-by-more"
        ),
        pytest.param(
            taught(TWO_CORES, 0.0, 0.01), 1, 0.1, 1, False, False, id="nor-by-waiting-for-more"
        ),
        pytest.param(
            taught(TWO_CORES, 0.02, 0.01), 40, 0.1, 12, False, False, id="costly-starts-are-shared"
        ),
        pytest.param(
            taught(GPU_SIZES, 0.002, 0.0001), 400, 0.1, 64, False, False, id="a-gpu-takes-many"
        ),
        pytest.param(
            taught(GPU_SIZES, 0.002, 0.0001), 3, 0.1, 3, True, False, id="and-waits-for-company"
        ),
        pytest.param(
            taught(GPU_SIZES, 0.002, 0.0001), 3, 0.4975, 3, False, False, id="unless-time-is-up"
        ),
        pytest.param(
            taught(GPU_SIZES, 0.1, 0.01),
            400,
            0.1,
            16,
            False,
            False,
            id="64-would-miss-the-deadline",
        ),
        pytest.param(
            taught(GPU_SIZES, 0.1, 0.01), 400, 0.45, 8, False, True, id="late-yet-half-a-deadline"
        ),
        pytest.param(
            taught(GPU_SIZES, 2.0, 0.01), 400, 0.0, 1, False, True, id="too-slow-for-anything"
        ),
    ],
)
def test_how_many_to_take(
    sizer: BatchSizer, waiting: int, oldest_age_s: float, frames: int, waits: bool, late: bool
) -> None:
    plan = sizer.plan(waiting, oldest_age_s)
    assert plan.frames == frames
    assert (plan.wait_s > 0) == waits
    assert plan.wait_s <= LONGEST_WAIT_S
    assert plan.late == late


def test_a_batch_in_between_costs_as_much_as_the_next() -> None:
    sizer = BatchSizer(GPU_SIZES)
    sizer.done(5, 0.8)
    assert sizer.cost.of(8) == pytest.approx(0.8, rel=0.01)
    assert taught(GPU_SIZES, 0.1, 0.01).plan(5, 0.0).expected_s == pytest.approx(0.18, rel=0.01)


def test_before_anything_is_known() -> None:
    assert BatchSizer(GPU_SIZES).plan(100, 0.0).frames == FIRST_FRAMES
    assert BatchSizer((1, 2, 4)).plan(100, 0.0).frames == 4
    assert BatchSizer(GPU_SIZES).plan(3, 0.0).frames == 3


def test_times_that_scatter_make_batches_smaller() -> None:
    steady, unsteady = BatchSizer(GPU_SIZES, 0.3), BatchSizer(GPU_SIZES, 0.3)
    chance = random.Random(5)
    for number in range(100):
        size = GPU_SIZES[number % len(GPU_SIZES)]
        seconds = 0.05 + 0.004 * size
        steady.done(size, seconds)
        unsteady.done(size, seconds * chance.uniform(0.6, 1.4))
    assert steady.cost.deviation < 0.02 < unsteady.cost.deviation
    assert unsteady.plan(64, 0.1).frames < steady.plan(64, 0.1).frames


def test_it_finds_its_size_by_itself() -> None:
    """On a device that it knows nothing of, fed more than it can take, from the first batch on."""
    sizer = BatchSizer(GPU_SIZES)
    for _ in range(60):
        frames = sizer.plan(200, 0.05).frames
        sizer.done(frames, 0.004 + 0.0002 * frames)
    assert sizer.plan(200, 0.05).frames == 64


@pytest.mark.parametrize(
    ("sizes", "after_s", "says"),
    [
        pytest.param((), 0.0, "sizes", id="none"),
        pytest.param((4, 2), 0.0, "sizes", id="unsorted"),
        pytest.param((0, 2), 0.0, "sizes", id="empty-batches"),
        pytest.param((1, 2), 0.5, "after_s", id="no-time-left"),
    ],
)
def test_what_cannot_be(sizes: tuple[int, ...], after_s: float, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        BatchSizer(sizes, 0.5, after_s)
