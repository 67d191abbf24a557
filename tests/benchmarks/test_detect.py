"""The benchmark of the networks: what is timed, in which order, and what is held against what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks import detect
from models.registry import Checkpoint, find_checkpoint
from vision.detect import Found
from vision.detections import Detections

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

PICTURES = [np.zeros((36, 64, 3), np.uint8)] * 20
CHECKPOINT = Checkpoint(
    "w", find_checkpoint().path, "0" * 64, ("person",), {"person": 0.5}, 64, "CC0", None
)


class Counts:
    """Finds one box in each picture, and notes in whose turn how many pictures came."""

    batches: tuple[int, ...] = (1, 2, 4)

    def __init__(self, name: str, turns: list[tuple[str, int]]) -> None:
        self._name, self._turns = name, turns

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        return self.submit(images).result()

    def submit(self, images: Sequence[NDArray[np.uint8]]) -> Found:
        self._turns.append((self._name, len(images)))
        one = Detections(
            np.array([[1, 2, 3, 4]], np.float32),
            np.array([0.9], np.float32),
            np.zeros(1, np.int16),
            ("person",),
        )
        return Found([one] * len(images))


class Scores:
    """A backend that sees one person with a given score in every picture."""

    def __init__(self, score: float) -> None:
        self.name, self._score = "made-up", score

    def scores(self, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
        one = np.array([20, 20, 10, 10, self._score], np.float32).reshape(1, 5, 1)
        return np.repeat(one, len(inputs), axis=0)


def test_all_are_timed_in_turn_on_the_same_pictures() -> None:
    turns: list[tuple[str, int]] = []
    detectors = {name: Counts(name, turns) for name in ("one", "other")}
    told = detect.time_in_turn(detectors, PICTURES, rounds=2, sizes=(2, 16, 32))
    a_turn = [8, 8, 4, 2, 2, 2, 16, 16, 16]
    assert turns == [(name, n) for _ in range(3) for name in detectors for n in a_turn]
    assert list(told) == ["one", "other"]
    for row in told.values():
        assert row["frames_per_s"]["rounds"] == 2
        assert list(row["batch_ms"]) == ["2", "16"]  # 32 are more than there are


def test_every_box_is_counted_though_batches_overlap() -> None:
    assert detect.flow(Counts("one", []), PICTURES) == len(PICTURES)


def test_boxes_are_held_against_single_precision() -> None:
    told = detect.agreements(
        CHECKPOINT, {"f32": Scores(0.9), "half": Scores(0.8), "int8": Scores(0.3)}, PICTURES
    )
    assert [told[name]["score_difference"]["median"] for name in told] == pytest.approx(
        [0.0, 0.1, 0.6]
    )
    assert [told[name]["reported"]["person"] for name in told] == [20, 20, 0]
    assert detect.agreements(CHECKPOINT, {"half": Scores(0.8)}, PICTURES) == {}


@pytest.mark.slow
def test_the_whole_benchmark_on_the_drill(wing_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not list((wing_dir / "video").glob("*.mp4")):
        pytest.skip(f"{wing_dir} has no videos; render it with benchmarks/renderer")
    monkeypatch.setattr(detect, "BATCH_SIZES", (1, 2))
    monkeypatch.setattr(detect, "COMPARED_FRAMES", 8)
    monkeypatch.setattr(detect, "COMPARED_SQUARES", 8)
    figures = detect.measure(wing_dir, rounds=1, frames=8)
    assert set(figures["networks"]) == {"person-firearm", "firearm-close"}
    for row in figures["networks"].values():
        f32 = row["contenders"]["f32"]
        assert f32["frames_per_s"]["median"] > 0
        assert f32["boxes"]["score_difference"]["most"] in (0.0, None)
        assert {"f32", "torch-f32"} <= set(row["contenders"])
