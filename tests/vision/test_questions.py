"""What a look leaves open."""

from __future__ import annotations

import numpy as np
import pytest

from vision.detections import Detections
from vision.frames import BoxFrame
from vision.pipeline import TrackedFrame
from vision.questions import leaves_question
from vision.track import NOT_TRACKED
from vision.tracks import Tracks


def shown(confidence: float, track: int, llr: float) -> TrackedFrame:
    box = np.array([[0, 0, 10, 30]], np.float32)
    persons = Detections(
        box, np.array([confidence], np.float32), np.zeros(1, np.int16), ("person",)
    )
    known = np.array([track]) != NOT_TRACKED
    tracks = Tracks(
        "a",
        0,
        0.0,
        (64, 36),
        box[known],
        persons.confidence[known],
        np.array([track], np.int64)[known],
        np.array([llr])[known],
    )
    frame = BoxFrame("a", 0, 0.0, "drill", 0.0, (64, 36), persons)
    return TrackedFrame(frame, persons, (), np.array([track], np.int64), tracks, 0.0)


@pytest.mark.parametrize(
    ("frame", "is_open"),
    [
        pytest.param(shown(0.9, NOT_TRACKED, 0.0), True, id="not confirmed"),
        pytest.param(shown(0.3, NOT_TRACKED, 0.0), False, id="too faint to begin a track"),
        pytest.param(shown(0.9, 1, 0.0), False, id="nothing speaks against them"),
        pytest.param(shown(0.9, 1, 3.0), True, id="undecided"),
        pytest.param(shown(0.9, 1, 6.5), False, id="decided"),
    ],
)
def test_what_leaves_a_question(frame: TrackedFrame, is_open: bool) -> None:
    assert leaves_question(frame) is is_open
