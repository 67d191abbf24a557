"""The pipeline: batches across cameras, identities within each, evidence on the right track."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.looks import LookRates
from vision.detections import Detections
from vision.frames import BoxFrame, Frame
from vision.pipeline import Pipeline

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
