"""Identity within one camera: walkers, gaps, and irregular frame times."""

from __future__ import annotations

import numpy as np
import pytest

from vision.detections import Detections
from vision.track import NOT_TRACKED, CameraTracker


def person(x: float, confidence: float = 0.9) -> list[float]:
    return [x, 100, x + 60, 300, confidence]


def persons(*rows: list[float]) -> Detections:
    table = np.array(rows, np.float32).reshape(len(rows), 5)
    return Detections(table[:, :4], table[:, 4], np.zeros(len(rows), np.int16), ("person",))


@pytest.mark.parametrize(
    ("step_px", "every_s", "shows"),
    [
        (4.0, 0.1, "a walker at ten frames a second"),
        (20.0, 0.25, "a walker at four frames a second"),
        (45.0, 0.25, "a runner at four frames a second"),
    ],
)
def test_a_walker_keeps_one_identity(step_px: float, every_s: float, shows: str) -> None:
    tracker = CameraTracker()
    identities = [
        int(tracker.identify(persons(person(10 + step_px * i)), 100 + every_s * i)[0])
        for i in range(12)
    ]
    assert len(set(identities[1:])) == 1, shows
    assert identities[1] != NOT_TRACKED


def test_identities_follow_the_order_of_the_boxes() -> None:
    tracker = CameraTracker()
    for i in range(3):
        ids = tracker.identify(persons(person(10), person(400)), i * 0.1)
    swapped = tracker.identify(persons(person(400), person(10)), 0.3)
    assert swapped.tolist() == ids[::-1].tolist()


@pytest.mark.parametrize(
    ("gap_s", "same", "shows"),
    [(0.6, True, "hidden by a passer-by"), (3.0, False, "gone for three seconds")],
)
def test_a_gap_keeps_or_ends_a_track(gap_s: float, same: bool, shows: str) -> None:
    tracker = CameraTracker()
    for i in range(5):
        before = int(tracker.identify(persons(person(100)), i * 0.1)[0])
    for i in range(int(gap_s * 10)):
        tracker.identify(persons(), 0.5 + i * 0.1)
    after = [
        int(tracker.identify(persons(person(100)), 0.5 + gap_s + i * 0.1)[0]) for i in range(3)
    ]
    assert (after[-1] == before) is same, shows


def test_a_weak_box_begins_no_track_but_continues_one() -> None:
    tracker = CameraTracker(track_confidence=0.5)
    weak = [int(tracker.identify(persons(person(10, 0.2)), i * 0.1)[0]) for i in range(4)]
    assert weak == [NOT_TRACKED] * 4
    for i in range(4, 8):
        strong = int(tracker.identify(persons(person(10)), i * 0.1)[0])
    assert int(tracker.identify(persons(person(10, 0.2)), 0.8)[0]) == strong


def test_reset_forgets() -> None:
    tracker = CameraTracker()
    for i in range(3):
        tracker.identify(persons(person(10)), i * 0.1)
    tracker.reset()
    assert tracker.identify(persons(person(10)), 0.1)[0] == NOT_TRACKED
