"""Pictures of evidence: whose, how good, and what of the frame they hold."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vision.detections import Detections
from vision.evidence import LEAST_GAIN, MOST_SIDE_PX, BestPictures
from vision.frames import Frame

PERSONS = np.array([[100, 100, 160, 300], [400, 100, 460, 300]], np.float32)
IDS = np.array([7, 8], np.int64)
GUN = (110.0, 160.0, 150.0, 180.0)


def frame(height: int = 360, width: int = 640) -> Frame:
    image = np.full((height, width, 3), 90, np.uint8)
    image[160:180, 110:150] = (0, 0, 255)
    return Frame("cam", 3, 1000.5, "drill", 1000.6, image)


def guns(*found: tuple[tuple[float, float, float, float], float]) -> Detections:
    return Detections(
        np.array([box for box, _ in found], np.float32).reshape(-1, 4),
        np.array([score for _, score in found], np.float32),
        np.ones(len(found), np.int16),
        ("person", "firearm"),
    )


def test_the_picture_shows_the_holder_and_says_where_the_weapon_is() -> None:
    [made] = BestPictures(0.5).better(frame(), IDS, PERSONS, guns((GUN, 0.8)))
    assert (made.camera, made.track_id, made.captured_at_s) == ("cam", 7, 1000.5)
    shown = cv2.imdecode(np.frombuffer(made.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    side = len(shown)
    left, top, right, bottom = (round(edge * side) for edge in made.weapon_box)
    inside = shown[top + 3 : bottom - 3, left + 3 : right - 3]
    assert inside[..., 2].mean() > 200  # red
    assert inside[..., 0].mean() < 60


@pytest.mark.parametrize(
    ("scores", "pictures", "shows"),
    [
        ((0.4,), 0, "too faint to be shown"),
        ((0.6, 0.6 + LEAST_GAIN / 2), 1, "hardly better is not another picture"),
        ((0.6, 0.8), 2, "clearly better is"),
        ((0.8, 0.6, 0.81), 1, "worse is not"),
    ],
)
def test_pictures_are_made_only_when_they_get_better(
    scores: tuple[float, ...], pictures: int, shows: str
) -> None:
    best = BestPictures(0.5)
    made = [p for s in scores for p in best.better(frame(), IDS, PERSONS, guns((GUN, s)))]
    assert len(made) == pictures, shows


def test_each_track_has_its_own_and_a_weapon_of_nobody_makes_none() -> None:
    other = (410.0, 160.0, 450.0, 180.0)
    nobody = (250.0, 160.0, 290.0, 180.0)
    best = BestPictures(0.5)
    made = best.better(frame(), IDS, PERSONS, guns((GUN, 0.6), (other, 0.9), (nobody, 0.9)))
    assert [(p.track_id, round(p.confidence, 1)) for p in made] == [(8, 0.9), (7, 0.6)]


def test_large_squares_are_made_smaller() -> None:
    near = np.array([[100, 20, 400, 700]], np.float32)
    box = (200.0, 300.0, 260.0, 330.0)
    [made] = BestPictures(0.5).better(frame(720, 1280), IDS[:1], near, guns((box, 0.9)))
    shown = cv2.imdecode(np.frombuffer(made.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape[:2] == (MOST_SIDE_PX, MOST_SIDE_PX)
    assert len(made.jpeg) < 60_000


def test_it_says_where_everybody_in_it_is_and_nobody_who_is_not() -> None:
    beside = [150, 120, 200, 310]
    everybody = np.array([*PERSONS.tolist(), beside], np.float32)
    best = BestPictures(0.5)
    # only the holder was looked at, and whoever stands beside them is in the picture all the same
    [made] = best.better(frame(), IDS[:1], PERSONS[:1], guns((GUN, 0.8)), everybody)
    shown = cv2.imdecode(np.frombuffer(made.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert len(made.persons) == 2
    holder = np.array(made.persons[0]) * len(shown)
    weapon = np.array(made.weapon_box) * len(shown)
    offset = np.array(GUN) - PERSONS[0]
    assert np.allclose(weapon - holder, offset, atol=1.0)
