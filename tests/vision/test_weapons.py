"""The second look: squares around persons, boxes back in the picture, the most urgent first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.person_crops import LOOK_SIDE_PX
from vision.armed import STRONGEST_LLR, WEAKEST_LLR
from vision.detections import Detections
from vision.weapons import (
    CHECK_EVERY_S,
    LEAST_HEIGHT_PX,
    LOOK_EVERY_S,
    SETTLED_EVERY_S,
    SecondLook,
    most_urgent,
    urgency,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NAMES = ("firearm",)


class RedThings:
    """Finds the bounding box of what is red (BGR) in each square."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        self.seen += [image.shape for image in images]
        found = []
        for image in images:
            rows, columns = np.nonzero((image[..., 2] > 200) & (image[..., 0] < 50))
            box = (
                [[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]]
                if len(rows)
                else np.zeros((0, 4))
            )
            n = len(box)
            found.append(
                Detections(
                    np.array(box, np.float32).reshape(-1, 4),
                    np.full(n, 0.7, np.float32),
                    np.zeros(n, np.int16),
                    NAMES,
                )
            )
        return found


def picture(*red: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    image = np.full((360, 640, 3), 255, np.uint8)
    for left, top, right, bottom in red:
        image[top:bottom, left:right] = (0, 0, 255)
    return image


def persons(*boxes: tuple[float, float, float, float]) -> NDArray[np.float32]:
    return np.array(boxes, np.float32).reshape(-1, 4)


@pytest.mark.parametrize(
    "person",
    [(300, 100, 340, 200), (300, 100, 420, 350), (300, 100, 320, 150)],
    ids=["one to one", "shrunk", "grown"],
)
def test_a_box_comes_back_where_it_is_in_the_picture(
    person: tuple[float, float, float, float],
) -> None:
    left, top, _, bottom = person
    height = bottom - top
    gun = (
        int(left + 4),
        int(top + 0.3 * height),
        int(left + 4 + 0.3 * height),
        int(top + 0.4 * height),
    )
    [found] = SecondLook(RedThings(), {}).look([picture(gun)], [persons(person)])
    np.testing.assert_allclose(found.xyxy_px, [gun], atol=2.5)
    assert found.class_names == NAMES


def test_every_square_has_the_side_of_the_network() -> None:
    detector = RedThings()
    SecondLook(detector, {}).look(
        [picture(), picture()],
        [persons((0, 0, 30, 90), (600, 200, 660, 380)), persons((100, 0, 300, 400))],
    )
    assert detector.seen == [(LOOK_SIDE_PX, LOOK_SIDE_PX, 3)] * 3


def test_pictures_without_persons_to_look_at_show_no_weapon() -> None:
    found = SecondLook(RedThings(), {}).look(
        [picture((10, 10, 60, 60)), picture()], [persons(), persons()]
    )
    assert [len(boxes) for boxes in found] == [0, 0]


def test_a_weapon_in_two_squares_is_one_weapon() -> None:
    gun = (300, 140, 330, 150)
    [found] = SecondLook(RedThings(), {}).look(
        [picture(gun)], [persons((260, 100, 310, 220), (315, 100, 365, 220))]
    )
    assert len(found) == 1


def test_a_square_at_the_edge_gives_no_box_outside_the_picture() -> None:
    [found] = SecondLook(RedThings(), {}).look(
        [picture((0, 40, 20, 60))], [persons((-5, 0, 30, 120))]
    )
    assert (found.xyxy_px >= 0).all()


def test_the_undecided_are_looked_at_more_often_and_new_tracks_at_once() -> None:
    llr = np.array([0.0, 3.0, 3.0, -2.0, 7.0, 1.0])
    since_s = np.array([np.inf, LOOK_EVERY_S, LOOK_EVERY_S / 2, LOOK_EVERY_S, CHECK_EVERY_S, 9.0])
    height_px = np.array([100, 100, 100, 100, 100, LEAST_HEIGHT_PX - 1.0])
    due = urgency(llr, since_s, height_px) >= 1
    assert due.tolist() == [True, True, False, False, False, False]
    assert (urgency(np.array([6.5, -2.9]), np.full(2, CHECK_EVERY_S), height_px[:2]) >= 1).all()


@pytest.mark.parametrize("llr", [STRONGEST_LLR, WEAKEST_LLR])
def test_who_has_all_the_evidence_there_can_be_is_looked_at_less_often(llr: float) -> None:
    since_s = np.array([CHECK_EVERY_S, SETTLED_EVERY_S])
    due = urgency(np.full(2, llr), since_s, np.full(2, 100.0)) >= 1
    assert due.tolist() == [False, True]


def test_the_budget_goes_to_the_most_urgent_of_the_whole_batch() -> None:
    overdue = [np.array([0.5, 1.2, np.inf]), np.zeros(0), np.array([3.0, 0.9])]
    assert [part.tolist() for part in most_urgent(overdue, 2)] == [
        [False, False, True],
        [],
        [True, False],
    ]
    assert [part.tolist() for part in most_urgent(overdue, 9)] == [
        [False, True, True],
        [],
        [True, False],
    ]
    assert most_urgent([], 4) == []
