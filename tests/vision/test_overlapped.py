"""Overlapped work gives what work batch by batch gives, and detects ahead of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.looks import LookRates
from vision.detections import Detections
from vision.frames import BoxFrame, Frame
from vision.overlapped import Overlapped, overlapped
from vision.pipeline import Pipeline, TrackedFrame
from vision.weapons import SecondLook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RATES = LookRates(
    np.zeros(0), np.array([0.3]), np.array([[40.0, 60.0]]), np.array([[99.0, 1.0]]), "made up"
)
PERSON, FIREARM = 0, 1
NAMES = ("person", "firearm")


@dataclass
class Later:
    """A detector that computes when it is asked for the result, and tells when it did what."""

    name: str
    told: list[str]
    class_id: int = PERSON
    begun: int = 0
    batches: tuple[int, ...] = (1, 2, 4, 8)
    faults: set[int] = field(default_factory=set)

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        return self.submit(images).result()

    def submit(self, images: Sequence[NDArray[np.uint8]]) -> Later.Result:
        self.begun += 1
        self.told.append(f"{self.name} {self.begun} begun")
        return Later.Result(self, self.begun, [image.copy() for image in images])

    @dataclass
    class Result:
        detector: Later
        number: int
        images: list[NDArray[np.uint8]]

        def result(self) -> list[Detections]:
            detector = self.detector
            detector.told.append(f"{detector.name} {self.number} read")
            if self.number in detector.faults:
                raise RuntimeError(f"batch {self.number} failed")
            return [bright(image, detector.class_id) for image in self.images]


def bright(image: NDArray[np.uint8], class_id: int) -> Detections:
    rows, columns = np.nonzero(image[..., 0] > 128)
    if not len(rows):
        return Detections.empty(NAMES)
    box = (columns.min(), rows.min(), columns.max(), rows.max())
    return Detections(
        np.array([box], np.float32),
        np.full(1, 0.9, np.float32),
        np.full(1, class_id, np.int16),
        NAMES,
    )


def made(faults: set[int] | None = None) -> tuple[Pipeline, list[str]]:
    told: list[str] = []
    whole = Later("whole", told, faults=faults or set())
    close = Later("close", told, class_id=FIREARM)
    return Pipeline(whole, RATES, SecondLook(close, {"firearm": 0.5}), now=lambda: 5.0), told


def picture(camera: str, index: int, x: int | None) -> Frame:
    image = np.zeros((120, 160, 3), np.uint8)
    if x is not None:
        image[30:90, x : x + 20] = 255
    return Frame(camera, index, 100 + index / 10, "drill", 100.0, image)


def batches(count: int) -> list[list[Frame | BoxFrame]]:
    """A walker in two cameras, recorded boxes in a third, and batches of several frames of one."""
    made: list[list[Frame | BoxFrame]] = []
    for i in range(count):
        boxes = Detections(
            np.array([(20 + 6 * i, 100, 80 + 6 * i, 300)], np.float32),
            np.full(1, 0.9, np.float32),
            np.zeros(1, np.int16),
            NAMES,
        )
        made.append(
            [
                picture("left", 2 * i, 10 + 4 * i),
                picture("right", i, None if i < 3 else 60 + i),
                BoxFrame("boxes", i, 100 + i / 10, "drill", 100.0, (640, 360), boxes),
                picture("left", 2 * i + 1, 12 + 4 * i),
            ]
        )
    return made


def same(one: TrackedFrame, other: TrackedFrame) -> bool:
    assert one.frame is other.frame
    for got, wanted in (
        (one.persons.xyxy_px, other.persons.xyxy_px),
        (one.track_id, other.track_id),
        (one.tracks.armed_llr, other.tracks.armed_llr),
        (one.tracks.appearance, other.tracks.appearance),
    ):
        np.testing.assert_array_equal(got, wanted)
    assert one.tracks.view == other.tracks.view
    assert [p.jpeg for p in one.pictures] == [p.jpeg for p in other.pictures]
    assert [len(w) for w in one.weapons] == [len(w) for w in other.weapons]
    return True


def test_it_gives_what_the_pipeline_gives_batch_by_batch() -> None:
    frames = batches(12)
    by_batch, _ = made()
    wanted = [by_batch.process(batch) for batch in frames]
    ahead, _ = made()
    got = list(overlapped(ahead, frames))

    assert [len(one) for one in got] == [len(batch) for batch in frames]
    assert max(t.tracks.armed_llr.max(initial=0.0) for batch in wanted for t in batch) > 1.0
    assert any(tracked.pictures for batch in wanted for tracked in batch)
    for one, other in zip(got, wanted, strict=True):
        assert all(map(same, one, other))


def test_the_next_batch_is_begun_before_the_one_before_is_read() -> None:
    pipeline, told = made()
    list(overlapped(pipeline, [[picture("cam", i, None)] for i in range(3)]))
    assert told == [
        "whole 1 begun",
        "whole 2 begun",
        "whole 1 read",
        "whole 3 begun",
        "whole 2 read",
        "whole 3 read",
    ]


def test_never_are_more_than_two_batches_under_way() -> None:
    pipeline, told = made()
    stage = Overlapped(pipeline)
    under_way, most = 0, 0
    for i in range(10):
        stage.step([picture("cam", i, 10 + i)])
    for word in told:
        if word.startswith("whole"):
            under_way += 1 if word.endswith("begun") else -1
            most = max(most, under_way)
    assert most == 2


def test_what_is_under_way_comes_back_without_new_frames() -> None:
    pipeline, _ = made()
    stage = Overlapped(pipeline)
    came, busy = [], [stage.busy]
    for frames in ([], [picture("cam", 0, 10)], [], []):
        came.append([tracked.frame.index for tracked in stage.step(frames)])
        busy.append(stage.busy)
    assert came == [[], [], [0], []]
    assert busy == [False, False, True, False, False]


def test_an_error_of_the_detector_comes_to_whoever_steps() -> None:
    pipeline, _ = made(faults={2})
    stage = Overlapped(pipeline)
    stage.step([picture("cam", 0, 10)])
    stage.step([picture("cam", 1, 12)])
    with pytest.raises(RuntimeError, match="batch 2 failed"):
        stage.step([picture("cam", 2, 14)])
    [after] = stage.step([])
    assert after.frame.index == 2, "the batch that was begun with the faulty one is not lost"


def test_pixels_without_a_detector_are_refused_at_once() -> None:
    stage = Overlapped(Pipeline(None, RATES))
    with pytest.raises(ValueError, match="need a detector"):
        stage.step([picture("cam", 0, 10)])
    assert not stage.busy
