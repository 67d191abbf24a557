"""The pipeline: batches across cameras, identities within each, evidence on the right track."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.looks import LookRates
from vision.detections import Detections
from vision.frames import BoxFrame, Frame
from vision.pipeline import Pipeline
from vision.weapons import SecondLook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RATES = LookRates(
    np.zeros(0), np.array([0.3]), np.array([[40.0, 60.0]]), np.array([[99.0, 1.0]]), "made up"
)
NAMES = ("person", "firearm")


def boxes(*xyxy: Sequence[float], class_id: Sequence[int] | None = None) -> Detections:
    n = len(xyxy)
    return Detections(
        np.array(xyxy, np.float32).reshape(n, 4),
        np.full(n, 0.9, np.float32),
        np.array(class_id or [0] * n, np.int16),
        NAMES,
    )


class BrightSpots:
    """A detector that finds one person where the picture is bright, for tests with pixels."""

    def __init__(self) -> None:
        self.batch_sizes: list[int] = []

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        self.batch_sizes.append(len(images))
        found = []
        for image in images:
            rows, columns = np.nonzero(image[..., 0] > 128)
            found.append(
                boxes((columns.min(), rows.min(), columns.max(), rows.max()))
                if len(rows)
                else Detections.empty(NAMES)
            )
        return found


def picture(camera: str, index: int, x: int | None) -> Frame:
    image = np.zeros((120, 160, 3), np.uint8)
    if x is not None:
        image[30:90, x : x + 20] = 255
    return Frame(camera, index, 100 + index / 10, "drill", 100.0, image)


def test_cameras_share_a_batch_and_nothing_else() -> None:
    detector = BrightSpots()
    pipeline = Pipeline(detector, RATES, now=lambda: 5.0)
    for i in range(4):
        left, right = pipeline.process(
            [picture("left", i, 10 + 2 * i), picture("right", i, None if i < 2 else 60)]
        )
    assert detector.batch_sizes == [2, 2, 2, 2]
    assert left.tracks.camera == "left"
    assert left.detected_at_s == 5.0
    assert len(left.tracks) == 1
    assert len(right.tracks) == 1


def test_a_person_keeps_the_identity_and_an_armed_one_gains_evidence() -> None:
    pipeline = Pipeline(None, RATES)
    seen = []
    for i in range(12):
        x = 20 + 6 * i
        frame = BoxFrame(
            "cam",
            i,
            100 + 0.2 * i,
            "drill",
            100.0,
            (640, 360),
            boxes((x, 100, x + 60, 300), (x + 20, 160, x + 50, 180), class_id=[0, 1]),
        )
        [tracked] = pipeline.process([frame])
        seen.append(tracked.tracks)
    identities = {int(t) for tracks in seen for t in tracks.track_id}
    assert len(identities) == 1
    assert seen[-1].armed_llr[0] > seen[2].armed_llr[0] > 0


def test_a_frame_from_the_past_has_no_tracks() -> None:
    pipeline = Pipeline(None, RATES)
    for captured_at_s in (10.0, 10.2, 10.4):
        frame = BoxFrame("c", 0, captured_at_s, "drill", 0.0, (640, 360), boxes((10, 10, 60, 200)))
        [tracked] = pipeline.process([frame])
    assert len(tracked.tracks) == 1
    [late] = pipeline.process(
        [BoxFrame("c", 0, 10.3, "drill", 0.0, (640, 360), boxes((10, 10, 60, 200)))]
    )
    assert len(late.tracks) == 0


def test_pixels_need_a_detector() -> None:
    with pytest.raises(ValueError, match="need a detector"):
        Pipeline(None, RATES).process([picture("cam", 0, 10)])


class Lamp:
    """A second look's detector: a firearm in the middle of every square, and how many it saw."""

    def __init__(self) -> None:
        self.looks: list[int] = []

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        self.looks.append(len(images))
        gun = Detections(
            np.array([[60, 60, 100, 80]], np.float32),
            np.array([0.9], np.float32),
            np.zeros(1, np.int16),
            ("firearm",),
        )
        return [gun for _ in images]


def with_second_look() -> tuple[Pipeline, Lamp]:
    lamp = Lamp()
    return Pipeline(BrightSpots(), RATES, SecondLook(lamp, {})), lamp


def test_a_tracked_person_is_looked_at_again_and_again_but_not_in_every_frame() -> None:
    pipeline, lamp = with_second_look()
    tracked = [pipeline.process([picture("cam", i, 10 + 2 * i)])[0] for i in range(12)]
    followed = sum(len(one.tracks) for one in tracked)
    assert 3 <= sum(lamp.looks) < followed
    assert tracked[-1].tracks.armed_llr[0] > 2.0
    assert len(tracked[-1].weapons) == 2  # of the whole frame, and of the second look


def test_a_look_left_out_leaves_the_evidence() -> None:
    pipeline, lamp = with_second_look()
    before, looks = 0.0, 0
    for i in range(12):
        [tracked] = pipeline.process([picture("cam", i, 10 + 2 * i)])
        if len(tracked.tracks) and sum(lamp.looks) == looks:
            assert tracked.tracks.armed_llr[0] == pytest.approx(before)
        if len(tracked.tracks):
            before = float(tracked.tracks.armed_llr[0])
        looks = sum(lamp.looks)


def test_several_frames_of_one_camera_in_a_batch_share_one_look() -> None:
    pipeline, lamp = with_second_look()
    pipeline.process([picture("cam", i, 10 + i) for i in range(3)])
    assert sum(lamp.looks) == 1


def test_recorded_boxes_count_as_they_are_beside_a_second_look() -> None:
    pipeline, lamp = with_second_look()
    for i in range(12):
        gun = ((40, 160, 70, 180),)
        frame = BoxFrame(
            "cam", i, 100 + 0.2 * i, "drill", 100.0, (640, 360),
            boxes((20, 100, 80, 300), *gun, class_id=[0, 1]),
        )  # fmt: skip
        [tracked] = pipeline.process([frame])
    assert tracked.tracks.armed_llr[0] > 2.0
    assert sum(lamp.looks) == 0


def test_a_single_picture_is_looked_at_without_tracks() -> None:
    pipeline, lamp = with_second_look()
    seen = pipeline.glance(picture("cam", 0, 20))
    assert (len(seen.persons), len(seen.tracks)) == (1, 0)
    assert lamp.looks == [1]
    assert [len(part) for part in seen.weapons] == [0, 1]


def test_the_first_clear_look_makes_a_picture_and_equal_ones_none() -> None:
    shown = Pipeline(BrightSpots(), RATES, SecondLook(Lamp(), {"firearm": 0.5}))
    made = [
        pictures
        for i in range(12)
        for pictures in shown.process([picture("cam", i, 10 + 2 * i)])[0].pictures
    ]
    [only] = made
    assert only.camera == "cam"
    assert only.confidence == pytest.approx(0.9)
    sharp, _ = with_second_look()  # no score from which weapons are shown
    assert not [p for i in range(12) for p in sharp.process([picture("cam", i, 10)])[0].pictures]


def test_a_fresh_pipeline_has_seen_nothing() -> None:
    pipeline, _ = with_second_look()
    for i in range(4):
        pipeline.process([picture("cam", i, 10 + 2 * i)])
    [tracked] = pipeline.fresh(10.0).process([picture("cam", 0, 10)])
    assert len(tracked.tracks) == 0


def test_clothes_are_known_where_there_are_pixels_and_travel_with_the_track() -> None:
    pipeline = Pipeline(BrightSpots(), RATES)
    tracked = []
    for i in range(6):
        image = np.full((120, 160, 3), (60, 110, 140), np.uint8)
        image[30:90, 10 + 2 * i : 30 + 2 * i] = (255, 120, 90)
        [seen] = pipeline.process([Frame("cam", i, 100 + i / 10, "drill", 100.0, image)])
        tracked.append(seen.tracks)
    assert tracked[-1].appearance.shape == (1, 64)
    assert np.linalg.norm(tracked[-1].appearance[0]) == pytest.approx(1.0, abs=5e-3)
    for i in range(4):
        frame = BoxFrame(
            "box", i, 100 + 0.2 * i, "drill", 100.0, (640, 360), boxes((20, 100, 80, 300))
        )
        [recorded] = pipeline.process([frame])
    assert recorded.tracks.appearance.shape == (1, 0)
