"""Newest frame wins, and every frame is accounted for."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.latest import FrameCounts, LatestFrames, Waiting, longest_unserved

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Item:
    camera: str
    captured_at_s: float = 0.0


def balanced(counts: FrameCounts) -> bool:
    return counts.received == counts.taken + counts.dropped + counts.waiting


def test_newest_frame_wins() -> None:
    frames = LatestFrames[Item](["a", "b"])
    for t in range(3):
        frames.put(Item("a", float(t)))
    assert frames.counts("a") == FrameCounts(received=3, dropped=2, waiting=1)
    assert frames.take(4, 0.0) == [Item("a", 2.0)]
    assert frames.take(4, 0.0) == []
    assert frames.counts("a") == FrameCounts(received=3, taken=1, dropped=2)
    assert frames.counts("b") == frames.counts("never heard of") == FrameCounts()
    assert frames.cameras == ("a", "b")


def test_cameras_take_turns() -> None:
    frames = LatestFrames[Item]()
    served = []
    for t in range(6):
        for camera in "abc":
            frames.put(Item(camera, float(t)))
        served.append("".join(item.camera for item in frames.take(2, 0.0)))
    assert served == ["ab", "ca", "bc", "ab", "ca", "bc"]


@pytest.mark.parametrize(
    ("waiting", "chosen"),
    [
        pytest.param([Waiting("a", 5.0, 2, 1.0), Waiting("b", 6.0, 1, 1.0)], "ba", id="turns"),
        pytest.param([Waiting("a", 5.0, 2, 1.0), Waiting("b", 6.0, 0, None)], "ba", id="never"),
        pytest.param([Waiting("a", 5.0, 1, 1.0), Waiting("b", 4.0, 1, 1.0)], "ba", id="older"),
        pytest.param([Waiting("b", 5.0, 1, 1.0), Waiting("a", 5.0, 1, 1.0)], "ab", id="by name"),
    ],
)
def test_longest_unserved(waiting: Sequence[Waiting], chosen: str) -> None:
    assert "".join(longest_unserved(waiting, 2)) == chosen
    assert "".join(longest_unserved(waiting, 1)) == chosen[0]


def test_choice_sees_who_waits_and_when_they_were_served() -> None:
    frames = LatestFrames[Item]()
    seen: list[Waiting] = []

    def only_a(waiting: Sequence[Waiting], max_frames: int) -> list[str]:
        seen.extend(waiting)
        assert max_frames == 3
        return ["a"]

    for t in (1.0, 2.0):
        frames.put(Item("a", t))
        frames.put(Item("b", t))
        assert frames.take(3, 0.0, only_a) == [Item("a", t)]
    assert seen == [
        Waiting("a", 1.0, 0, None),
        Waiting("b", 1.0, 0, None),
        Waiting("a", 2.0, 1, 1.0),
        Waiting("b", 2.0, 0, None),
    ]
    assert frames.take(3, 0.0, lambda _waiting, _most: []) == []
    assert frames.counts("b").waiting == 1


@pytest.mark.parametrize(
    "choice",
    [
        pytest.param(["c"], id="nothing waits there"),
        pytest.param(["a", "a"], id="twice"),
        pytest.param(["a", "b"], id="too many"),
    ],
)
def test_a_wrong_choice_is_an_error_and_loses_nothing(choice: list[str]) -> None:
    frames = LatestFrames[Item]()
    frames.put(Item("a"))
    frames.put(Item("b"))
    with pytest.raises(ValueError, match=r"expected up to 1 of \['a', 'b'\], got"):
        frames.take(1, 0.0, lambda _waiting, _most: choice)
    assert len(frames.take(2, 0.0)) == 2


def test_what_waits_at_the_end_counts_as_dropped() -> None:
    frames = LatestFrames[Item]()
    for camera in "abc":
        frames.put(Item(camera))
    frames.pass_over("c", 4)
    frames.discard("a")
    frames.discard("unknown")
    frames.close()
    frames.put(Item("b"))
    assert frames.closed
    assert frames.take(3, None) == []
    assert frames.counts("a") == FrameCounts(received=1, dropped=1)
    assert frames.counts("b") == FrameCounts(received=2, dropped=2)
    assert frames.counts("c") == FrameCounts(received=5, dropped=5)


def test_take_waits_for_a_frame_and_close_ends_the_wait() -> None:
    frames = LatestFrames[Item]()
    taken: list[list[Item]] = []
    taker = threading.Thread(target=lambda: taken.extend(frames.take(1, 20.0) for _ in range(2)))
    began_s = time.monotonic()
    taker.start()
    frames.put(Item("a"))
    while not taken:
        assert time.monotonic() - began_s < 10
    frames.close()
    taker.join(10)
    assert time.monotonic() - began_s < 10
    assert taken == [[Item("a")], []]


@given(st.lists(st.tuples(st.sampled_from("ptdoc"), st.sampled_from("abc")), max_size=60))
def test_received_is_always_taken_and_dropped_and_waiting(steps: list[tuple[str, str]]) -> None:
    frames = LatestFrames[Item]("abc")
    for i, (step, camera) in enumerate(steps):
        match step:
            case "p":
                frames.put(Item(camera, float(i)))
            case "t":
                frames.take(2, 0.0)
            case "d":
                frames.discard(camera)
            case "o":
                frames.pass_over(camera, 2)
            case _:
                frames.close()
        assert all(balanced(frames.counts(c)) for c in "abc")


def test_counts_balance_between_threads() -> None:
    frames = LatestFrames[Item]("abcd")
    unbalanced: list[FrameCounts] = []
    taken: list[Item] = []

    def put_all(camera: str) -> None:
        for i in range(2000):
            frames.put(Item(camera, float(i)))

    putters = [threading.Thread(target=put_all, args=(c,)) for c in "abcd"]

    def take_all() -> None:
        while not frames.closed:
            taken.extend(frames.take(3, 0.01))

    def watch() -> None:
        while not frames.closed:
            unbalanced.extend(n for c in "abcd" if not balanced(n := frames.counts(c)))

    others = [threading.Thread(target=target) for target in (take_all, take_all, watch)]
    for thread in (*putters, *others):
        thread.start()
    for thread in putters:
        thread.join()
    frames.close()
    for thread in others:
        thread.join()

    assert not unbalanced
    totals = [frames.counts(c) for c in "abcd"]
    assert {n.received for n in totals} == {2000}
    assert {n.waiting for n in totals} == {0}
    assert sum(n.taken for n in totals) == len(taken) > 0
    assert len(set(taken)) == len(taken)
