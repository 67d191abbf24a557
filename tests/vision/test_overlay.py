"""What people read in a stream's picture: whose head is covered, how old it is, where it is."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from vision.clock_strip import CELL_PX, read_strip
from vision.detections import Detections
from vision.frames import BoxFrame, Frame
from vision.overlay import MOST_WIDE_PX, STALE_S, Caption, Overlay, TrackLabel, fitted
from vision.pipeline import TrackedFrame
from vision.track import NOT_TRACKED
from vision.tracks import Tracks

if TYPE_CHECKING:
    from vision.stream_parts import HeadPolicy

AT_S = 1_790_000_000.0
SIZE_PX = (640, 360)
LEFT, RIGHT = (100.0, 100.0, 160.0, 300.0), (400.0, 100.0, 460.0, 300.0)
LEFT_HEAD, RIGHT_HEAD = np.s_[104:146, 102:158], np.s_[104:146, 402:458]


def persons(*boxes: tuple[float, float, float, float]) -> Detections:
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(len(boxes), 0.9, np.float32),
        np.zeros(len(boxes), np.int16),
        ("person",),
    )


def tracked(
    *boxes: tuple[float, float, float, float],
    ids: tuple[int, ...] = (1, 2),
    at_s: float = AT_S,
    pixels: bool = True,
) -> TrackedFrame:
    image = np.random.default_rng(5).integers(0, 256, (360, 640, 3), np.uint8)
    found = persons(*boxes)
    frame: Frame | BoxFrame = (
        Frame("cam-01", 0, at_s, "drill", at_s, image)
        if pixels
        else BoxFrame("cam-01", 0, at_s, "drill", at_s, SIZE_PX, found)
    )
    track_id = np.array(ids[: len(boxes)], np.int64)
    tracks = Tracks(
        "cam-01", 0, at_s, SIZE_PX, found.xyxy_px, found.confidence, track_id,
        np.zeros(len(boxes)),
    )  # fmt: skip
    return TrackedFrame(frame, found, (), track_id, tracks, at_s)


def overlay(policy: HeadPolicy = "pixelate-others", *, exercise: bool = True) -> Overlay:
    return Overlay(Caption("Science corridor", exercise, UTC), policy)


def label(*, of_interest: bool) -> TrackLabel:
    return TrackLabel("S1", "Library", 0.98, of_interest)


def roughness(part: np.ndarray) -> float:
    """How much neighbours differ: the noise of the test picture, unless it was averaged away."""
    return float(np.abs(np.diff(part.astype(float), axis=1)).mean())


@pytest.mark.parametrize(
    ("policy", "labels", "left_covered", "right_covered"),
    [
        pytest.param("pixelate-others", {1: True}, False, True, id="all but who is looked for"),
        pytest.param("pixelate-others", {}, True, True, id="nobody is looked for yet"),
        pytest.param("pixelate-others", {1: False}, True, True, id="known, and of no interest"),
        pytest.param("pixelate-all", {1: True}, True, True, id="everybody's"),
        pytest.param("clear", {}, False, False, id="nobody's"),
    ],
)
def test_heads_are_covered_as_the_agreement_says(
    policy: HeadPolicy, labels: dict[int, bool], left_covered: bool, right_covered: bool
) -> None:
    known = {track: label(of_interest=wanted) for track, wanted in labels.items()}
    image = overlay(policy).draw(tracked(LEFT, RIGHT), known, AT_S)
    assert (roughness(image[LEFT_HEAD]) < 20) is left_covered
    assert (roughness(image[RIGHT_HEAD]) < 20) is right_covered
    assert roughness(image[200:290, 110:150]) > 60  # hands are always to be seen


def test_who_has_no_identity_is_covered_too() -> None:
    image = overlay().draw(tracked(LEFT, ids=(NOT_TRACKED,)), {}, AT_S)
    assert roughness(image[LEFT_HEAD]) < 20


def test_a_head_is_still_covered_when_the_detector_blinks() -> None:
    drawn = overlay()
    drawn.draw(tracked(LEFT), {}, AT_S)
    image = drawn.draw(tracked(at_s=AT_S + 0.1), {}, AT_S + 0.1)
    assert roughness(image[LEFT_HEAD]) < 20
    image = drawn.draw(tracked(at_s=AT_S + 2.0), {}, AT_S + 2.0)
    assert roughness(image[LEFT_HEAD]) > 60


def test_an_old_picture_has_no_colours_and_a_young_one_has() -> None:
    drawn, frame = overlay(exercise=False), tracked(LEFT)
    young = drawn.draw(frame, {}, AT_S + STALE_S - 0.1)
    old = drawn.draw(frame, {}, AT_S + STALE_S + 0.1)
    spread = [np.ptp(image[:360].astype(int), axis=2).max() for image in (young, old)]
    assert spread[0] > 100
    assert spread[1] == 0
    assert (old[360:] != young[360:]).any()  # the band says how old it is


def test_the_clock_of_capture_can_be_read_whatever_the_age() -> None:
    drawn, frame = overlay(), tracked(LEFT)
    for now_s in (AT_S + 0.2, AT_S + 60.0):
        assert read_strip(drawn.draw(frame, {}, now_s), now_s) == pytest.approx(AT_S)


def test_an_exercise_is_marked_and_the_picture_keeps_its_pixels() -> None:
    yellow = [
        overlay(exercise=exercise).draw(tracked(), {}, AT_S)[362:390, 2:60]
        for exercise in (True, False)
    ]
    assert (yellow[0] == [0, 196, 245]).all(axis=2).mean() > 0.4
    assert not (yellow[1] == [0, 196, 245]).all(axis=2).any()
    frame = tracked()
    assert isinstance(frame.frame, Frame)
    np.testing.assert_array_equal(overlay().draw(frame, {}, AT_S)[:360], frame.frame.image)


def test_recorded_boxes_have_a_picture_that_says_so() -> None:
    image = overlay().draw(tracked(LEFT, pixels=False), {}, AT_S)
    assert image.shape == (400, 640, 3)
    assert (image[:50] > 100).any()  # the writing
    assert (image[100:300, 100:161] > 150).any()  # the box


def test_who_is_looked_for_has_a_bolder_frame() -> None:
    inked = []
    for wanted in (True, False):
        image = overlay().draw(tracked(LEFT, pixels=False), {1: label(of_interest=wanted)}, AT_S)
        inked.append(int((image[150:290, 90:170] != 48).any(axis=2).sum()))
    assert inked[0] > 1.5 * inked[1]


@pytest.mark.parametrize(
    ("camera_px", "stream_px"),
    [
        ((640, 360), (640, 360)),
        ((1920, 1080), (MOST_WIDE_PX, 540)),
        ((3840, 2160), (MOST_WIDE_PX, 540)),
        ((481, 361), (480, 360)),
        ((160, 120), (320, 240)),
        ((2048, 2048), (960, 960)),
    ],
)
def test_streams_have_sizes_that_can_be_encoded(
    camera_px: tuple[int, int], stream_px: tuple[int, int]
) -> None:
    size_px, scale = fitted(camera_px)
    assert size_px == stream_px
    assert scale == pytest.approx(size_px[0] / camera_px[0])


def test_a_long_name_is_cut_and_names_are_written_in_any_script() -> None:
    for name in ("Korridor Süd", "走廊", "A very long name of a camera that fits nowhere " * 3):
        image = Overlay(Caption(name, exercise=False, zone=UTC), "clear").draw(tracked(), {}, AT_S)
        assert image.shape == (400, 640, 3)
        clock = image[362:390, 420:]
        assert cv2.cvtColor(clock, cv2.COLOR_BGR2GRAY).max() > 200
        assert image.shape[0] - CELL_PX == 392
