from __future__ import annotations

import numpy as np
import pytest

from calibration.duplicates import (
    APART_FRAMES,
    Duplicates,
    are_two,
    hand_on_apart,
    note_apart,
)
from calibration.fusion import Fusion
from calibration.subject import Subject

from .corridor import LEVEL, seen, ticks


def body(serial: int, x_m: float, *, sigma_m: float = 0.15, level: str = LEVEL) -> Subject:
    """A subject on the corridor's axis, seen at 0 s."""
    cov_m2 = np.eye(2) * sigma_m**2
    subject = Subject.born(serial, level, 0.0, np.array([x_m, 1.0]), cov_m2)
    subject.number = serial + 1
    return subject


def anyone(_older: Subject, _newer: Subject) -> bool:
    """Nothing is forbidden."""
    return False


def found_after(
    duplicates: Duplicates, pair: list[Subject], steps: int, from_s: float = 0.0
) -> list[tuple[int, int]]:
    """Serials of what is found in the last of some steps of 0.1 s."""
    found: list[tuple[Subject, Subject]] = []
    for k in range(steps + 1):
        found = duplicates.found(pair, 0.0, from_s + 0.1 * k, anyone)
    return [(older.serial, newer.serial) for older, newer in found]


@pytest.mark.parametrize(
    ("apart_m", "sigma_m", "steps", "one", "what"),
    [
        (0.3, 0.15, 10, True, "at one place for a second"),
        (0.3, 0.15, 9, False, "not yet for a second"),
        (1.0, 0.15, 20, False, "outside each other's gate"),
        (1.0, 0.5, 20, True, "within it where both are vague"),
        (1.6, 2.0, 20, False, "one body is not so far apart, however vague"),
    ],
)
def test_two_subjects_at_one_place(
    apart_m: float, sigma_m: float, steps: int, one: bool, what: str
) -> None:
    pair = [body(0, 5.0, sigma_m=sigma_m), body(1, 5.0 + apart_m, sigma_m=sigma_m)]
    assert found_after(Duplicates(), pair, steps) == ([(0, 1)] if one else []), what


def test_the_second_begins_anew_when_they_part() -> None:
    near, far = [body(0, 5.0), body(1, 5.2)], [body(0, 5.0), body(1, 8.0)]
    duplicates = Duplicates()
    assert found_after(duplicates, near, 9) == []
    assert found_after(duplicates, far, 1, from_s=1.0) == []
    assert found_after(duplicates, near, 9, from_s=1.2) == []
    assert found_after(duplicates, near, 1, from_s=2.2) == [(0, 1)]


def test_levels_people_and_pictures_keep_two_apart() -> None:
    above = [body(0, 5.0), body(1, 5.0, level="L2")]
    assert found_after(Duplicates(), above, 20) == []
    told = Duplicates()
    pair = [body(0, 5.0), body(1, 5.0)]
    for k in range(20):
        assert told.found(pair, 0.0, 0.1 * k, lambda a, b: a.serial < b.serial) == []
    pair[0].apart[1] = pair[1].apart[0] = APART_FRAMES
    assert found_after(Duplicates(), pair, 20) == []


def test_of_three_at_one_place_each_is_joined_once() -> None:
    three = [body(serial, 5.0) for serial in range(3)]
    found = found_after(Duplicates(), three, 10)
    assert [newer for _, newer in found] == sorted({newer for _, newer in found})
    assert all(older < newer for older, newer in found)


@pytest.mark.parametrize(
    ("apart_m", "frames", "two", "what"),
    [
        (0.5, APART_FRAMES, True, "so many pictures show two"),
        (0.5, APART_FRAMES - 1, False, "fewer may be an error of the detector"),
        (0.1, 20, False, "boxes at one place may be two boxes of one body"),
    ],
)
def test_what_a_picture_shows_as_two(apart_m: float, frames: int, two: bool, what: str) -> None:
    a, b = body(0, 5.0), body(1, 5.0 + apart_m)
    for _ in range(frames):
        note_apart([a, b], seen("cam", 0.0, (1, 5.0, 1.0), (2, 5.0 + apart_m, 1.0)))
    assert are_two(a, b) is two, what
    assert are_two(b, a) is two, what


def test_boxes_that_say_nothing_about_two() -> None:
    a, b = body(0, 5.0), body(1, 6.0)
    for _ in range(APART_FRAMES):
        note_apart([a, None], seen("cam", 0.0, (1, 5.0, 1.0), (2, 6.0, 1.0)))
        note_apart([a, a], seen("cam", 0.0, (1, 5.0, 1.0), (2, 6.0, 1.0)))
        # The frame is newer than what is known of the two: its boxes were not taken in.
        note_apart([a, b], seen("cam", 1.0, (1, 5.0, 1.0), (2, 6.0, 1.0)))
    assert not a.apart
    assert not b.apart


def test_who_was_shown_beside_the_younger_is_not_the_older_either() -> None:
    older, newer, third, other = (body(serial, 5.0) for serial in range(4))
    newer.apart[2] = third.apart[1] = APART_FRAMES - 1
    older.apart[2] = third.apart[0] = 1
    hand_on_apart(older, newer, [older, third, other])
    assert are_two(older, third)
    assert are_two(third, older)
    assert third.apart.keys() == {0}
    assert not other.apart


def fused(*frames: tuple[str, tuple[tuple[int, float, float], ...]]) -> list[str]:
    """Ids after four seconds of frames by camera, ten a second, one camera after the other."""
    fusion = Fusion()
    for t in ticks(0, 1):
        for k, (camera, rows) in enumerate(frames):
            # Seen too far apart at first, so that two subjects are born.
            moved = [(track, x + 2.0 * k, y) for track, x, y in rows]
            fusion.update(seen(camera, t + 0.02 * k, *moved))
    for t in ticks(1, 6):
        for k, (camera, rows) in enumerate(frames):
            back_m = max(2.0 * k - 2.0 * (t - 1), 0.0)
            moved = [(track, x + back_m, y) for track, x, y in rows]
            fusion.update(seen(camera, t + 0.02 * k, *moved))
    return [state.id for state in fusion.subjects(6.0) if state.in_view]


def test_cameras_that_each_show_one_of_two_views_show_one_body() -> None:
    assert fused(("a", ((1, 5.0, 1.0),)), ("b", ((7, 5.3, 1.0),))) == ["S1"]


def test_two_in_one_picture_stay_two_although_another_camera_shows_one() -> None:
    both = ((1, 5.0, 1.0), (2, 5.4, 1.0))
    assert len(fused(("a", both), ("b", ((7, 5.3, 1.0),)))) == 2
