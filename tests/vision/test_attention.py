"""Who is looked at next, and the bound on how long anybody waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision.attention import (
    FLOOR_SHARE,
    MOST_HALVINGS,
    OPEN_S,
    WANT_LASTS_S,
    Attention,
    staleness_bound_s,
)
from vision.latest import LatestFrames, Waiting, longest_unserved

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vision.latest import Motion


@dataclass(frozen=True)
class Item:
    camera: str
    captured_at_s: float = 0.0


class Worker:
    """Takes batches of cameras that always have a newer frame, at a steady speed."""

    def __init__(
        self, cameras: Iterable[str], attention: Attention | None = None, *, batch: int = 2
    ) -> None:
        self.now_s = 1000.0
        self.attention = attention or Attention(now=lambda: self.now_s)
        self.frames = LatestFrames[Item](sorted(cameras))
        self.motion: dict[str, Motion] = {}
        self.looks: dict[str, list[float]] = {camera: [] for camera in self.frames.cameras}
        self.batch = batch

    def step(self, seconds: float = 0.1) -> str:
        for camera in self.looks:
            self.frames.put(Item(camera, self.now_s), self.motion.get(camera, "still"))
        taken = self.frames.take(self.batch, 0.0, self.attention.choose)
        for one in taken:
            self.looks[one.camera].append(self.now_s)
        self.now_s += seconds
        return "".join(one.camera for one in taken)

    def run(self, steps: int, seconds: float = 0.1) -> dict[str, int]:
        before = {camera: len(looks) for camera, looks in self.looks.items()}
        for _ in range(steps):
            self.step(seconds)
        return {camera: len(looks) - before[camera] for camera, looks in self.looks.items()}


def test_without_wants_cameras_take_turns() -> None:
    worker = Worker("abcdefg")
    assert "".join(worker.step() for _ in range(7)) == "abcdefg" * 2


def test_all_are_taken_where_all_fit() -> None:
    worker = Worker("abc", batch=8)
    worker.attention.attend({"c": 4.0}, worker.now_s)
    assert sorted(worker.step()) == ["a", "b", "c"]
    assert worker.attention.capacity_fps is None
    assert worker.attention.bound_s() is None
    assert worker.attention.starved(worker.now_s + 1.0) == {}


def test_wanted_cameras_get_their_rates_and_the_rest_takes_turns() -> None:
    worker = Worker("abcdefghij")  # 20 frames a second
    for _ in range(10):
        worker.attention.attend({"j": 5.0, "i": 2.0}, worker.now_s)
        worker.run(10)
    per_s = {camera: len(looks) / 10.0 for camera, looks in worker.looks.items()}
    assert per_s["j"] == pytest.approx(5.0, abs=0.4)
    assert per_s["i"] == pytest.approx(2.0, abs=0.3)
    others = [per_s[camera] for camera in "abcdefgh"]
    assert min(others) > 1.4
    assert max(others) - min(others) < 0.3
    assert worker.attention.starved(worker.now_s) == {}


def test_more_than_fits_is_met_to_the_same_share() -> None:
    cameras = [f"c{n:02d}" for n in range(40)]
    worker = Worker(cameras)  # 100 frames a second, 60 beside the floor's share
    rates = {"c00": 30.0, "c01": 30.0, "c02": 15.0, "c03": 15.0}
    for _ in range(10):
        worker.attention.attend(rates, worker.now_s)
        worker.run(50, seconds=0.02)
    got = {camera: len(worker.looks[camera]) / 10.0 for camera in rates}
    assert sum(got.values()) == pytest.approx(60.0, abs=5.0)
    assert got["c00"] / got["c02"] == pytest.approx(2.0, abs=0.35)
    starved = worker.attention.starved(worker.now_s)
    assert set(starved) == set(rates)
    assert starved["c00"].wanted_fps == pytest.approx(30.0, abs=0.5)
    assert starved["c00"].got_fps == pytest.approx(got["c00"], abs=1.5)


def test_capacity_and_bound_are_told_where_not_all_fit() -> None:
    worker = Worker("abcdefghij")
    worker.run(100)
    assert worker.attention.capacity_fps == pytest.approx(20.0, rel=0.01)
    expected_s = staleness_bound_s(10, 20.0, max_frames=2)
    assert expected_s == pytest.approx(1.0 + (11 / FLOOR_SHARE + 4) / 20.0)
    assert worker.attention.bound_s() == pytest.approx(expected_s, rel=0.01)


def test_where_something_begins_to_move_is_looked_at_next() -> None:
    worker = Worker("abcdefghij")
    worker.run(20)
    assert worker.step() == "ab"
    worker.motion = {"i": "stirs"}
    assert "i" in worker.step()
    worker.motion = {}
    assert "i" not in "".join(worker.step() for _ in range(2))


def test_motion_that_was_dropped_is_remembered_until_the_look() -> None:
    frames = LatestFrames[Item]()
    seen: list[tuple[bool, bool]] = []

    def look(waiting: list[Waiting], _most: int) -> list[str]:
        seen.append((waiting[0].moves, waiting[0].stirred))
        return ["a"]

    motions: list[list[Motion]] = [["stirs", "moves"], ["moves"], ["stirs", "still"], ["still"]]
    for motion in motions:
        for one in motion:
            frames.put(Item("a"), one)
        frames.take(1, 0.0, look)  # type: ignore[arg-type]
    assert seen == [(True, True), (True, False), (False, True), (False, False)]
    frames.put(Item("a"), "stirs")
    frames.discard("a")
    frames.put(Item("a"))
    frames.take(1, 0.0, look)  # type: ignore[arg-type]
    assert seen[-1] == (False, False)


def test_what_moves_and_is_nobody_is_worth_less_each_time() -> None:
    def looks_at_j(persons: int) -> int:
        worker = Worker([f"c{n:02d}" for n in range(40)] + ["j"])
        worker.motion = {"j": "stirs"}
        for _ in range(100):
            worker.step()
            if worker.looks["j"] and worker.looks["j"][-1] == worker.now_s - 0.1:
                worker.attention.saw("j", worker.now_s, persons=persons, is_open=False)
        return len(worker.looks["j"])

    assert looks_at_j(persons=1) > 3 * looks_at_j(persons=0)
    assert MOST_HALVINGS > 3


def test_an_open_question_is_looked_into_until_it_is_closed_or_old() -> None:
    worker = Worker([f"c{n:02d}" for n in range(40)])
    worker.attention.saw("c39", worker.now_s, persons=1, is_open=True)
    assert worker.run(10)["c39"] >= 4
    worker.attention.saw("c39", worker.now_s, persons=1, is_open=False)
    assert worker.run(10)["c39"] == 0
    worker.attention.saw("c39", worker.now_s, persons=1, is_open=True)
    worker.now_s += OPEN_S
    assert worker.run(5)["c39"] <= 1


def test_wants_that_are_not_renewed_are_dropped() -> None:
    worker = Worker([f"c{n:02d}" for n in range(40)])
    worker.attention.attend({"c39": 5.0}, worker.now_s)
    assert worker.run(20)["c39"] >= 8
    worker.attention.attend({}, worker.now_s)
    assert worker.run(10)["c39"] == 0
    worker.attention.attend({"c39": 5.0}, worker.now_s)
    worker.now_s += WANT_LASTS_S
    assert worker.run(5)["c39"] <= 1


@pytest.mark.parametrize(("field", "value"), [("floor_fps", 0.0), ("floor_share", 1.5)])
def test_a_floor_that_is_none_is_an_error(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field}: expected"):
        Attention(**{field: value})  # type: ignore[arg-type]


@settings(deadline=None, max_examples=30)
@given(
    cameras=st.integers(3, 25),
    batch=st.integers(1, 6),
    share=st.floats(0.1, 1.0),
    floor_fps=st.floats(0.2, 5.0),
    gaps=st.lists(st.integers(1, 4), min_size=25, max_size=25),
    seed=st.integers(0, 2**16),
)
def test_no_camera_waits_longer_than_the_bound(
    cameras: int, batch: int, share: float, floor_fps: float, gaps: list[int], seed: int
) -> None:
    """Whatever is wanted, wherever it moves, and however seldom each camera sends a frame."""
    rng = np.random.default_rng(seed)
    names = [f"c{n:02d}" for n in range(cameras)]
    batch_s, now = 0.1, [1000.0]
    attention = Attention(floor_fps=floor_fps, floor_share=share, now=lambda: now[0])
    frames = LatestFrames[Item]()
    bound_s = staleness_bound_s(
        cameras,
        batch / batch_s,
        max_frames=batch,
        slowest_fps=1.0 / (batch_s * max(gaps[:cameras])),
        floor_fps=floor_fps,
        floor_share=share,
    )
    looked_s = dict.fromkeys(names, now[0])
    motions: list[Motion] = ["still", "moves", "stirs"]
    for step in range(250):
        if rng.random() < 0.1:
            wanted = rng.choice(names, size=rng.integers(0, cameras), replace=False)
            attention.attend({str(one): float(rng.exponential(10.0)) for one in wanted}, now[0])
        for name, gap in zip(names, gaps, strict=False):
            if step % gap == 0:
                frames.put(Item(name, now[0]), motions[rng.integers(3)])
        for one in frames.take(batch, 0.0, attention.choose):
            looked_s[one.camera] = now[0]
            attention.saw(
                one.camera, now[0], persons=int(rng.integers(2)), is_open=bool(rng.integers(2))
            )
        now[0] += batch_s
        assert now[0] - batch_s - min(looked_s.values()) <= bound_s + 1e-6


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**16), batch=st.integers(1, 5))
def test_the_same_calls_make_the_same_choices_and_idle_nothing(seed: int, batch: int) -> None:
    rng = np.random.default_rng(seed)
    now = [1000.0]
    twins = [Attention(now=lambda: now[0]) for _ in range(2)]
    for turn in range(30):
        chosen = rng.permutation(10)[: rng.integers(1, 10)]
        waiting = [
            Waiting(f"c{n}", now[0], int(rng.integers(turn + 1)), None, bool(rng.integers(2)))
            for n in chosen
        ]
        rates = {f"c{n}": float(n) for n in rng.permutation(10)[:3]}
        choices = []
        for twin in twins:
            twin.attend(rates, now[0])
            choices.append(twin.choose(waiting, batch))
        assert choices[0] == choices[1]
        assert len(choices[0]) == len(set(choices[0])) == min(batch, len(waiting))
        now[0] += 0.1


def test_round_robin_is_what_is_left_without_wants() -> None:
    cameras = [f"c{n:02d}" for n in range(12)]
    worker, plain = Worker(cameras, batch=5), LatestFrames[Item](cameras)
    for _ in range(30):
        for camera in cameras:
            plain.put(Item(camera, worker.now_s))
        turns = "".join(one.camera for one in plain.take(5, 0.0, longest_unserved))
        assert worker.step() == turns
