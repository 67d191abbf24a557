"""Appearance: clothes and nothing else, from whole views only, at little cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.appearance import (
    EMBEDDING_LENGTH,
    HEAD_SHARE,
    LEAST_HEIGHT_PX,
    LOOKS_A_FRAME,
    RunningAppearance,
    body_below_head,
    embed,
    hidden_share,
    light_gains,
    look_weight,
    shows_colours,
)
from vision.columns import ColumnError, no_appearance
from vision.tracks import Tracks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

SIZE_PX = (640, 360)
RED, GREEN, BLUE, GREY = (40, 40, 200), (60, 160, 60), (190, 70, 40), (122, 120, 116)
BOX = (100.0, 100.0, 160.0, 260.0)


def scene(*people: tuple[Sequence[float], Sequence[int], Sequence[int]]) -> NDArray[np.uint8]:
    """A grey room with people of one colour above the middle and another below it."""
    image = np.full((SIZE_PX[1], SIZE_PX[0], 3), GREY, np.uint8)
    for (left, top, right, bottom), upper, lower in people:
        x0, y0, x1, y1 = (round(v) for v in (left, top, right, bottom))
        middle = y0 + round(0.55 * (y1 - y0))
        image[y0:middle, x0:x1] = upper
        image[middle:y1, x0:x1] = lower
    return image


def boxes(*xyxy: Sequence[float]) -> NDArray[np.float32]:
    return np.array(xyxy, np.float32).reshape(-1, 4)


def embedding(image: NDArray[np.uint8], box: Sequence[float] = BOX) -> NDArray[np.float32]:
    body = body_below_head(image, np.array(box))
    return np.asarray(embed(body[None], light_gains(image))[0])


def look(
    running: RunningAppearance,
    image: NDArray[np.uint8],
    at_s: float,
    tracks: Mapping[int, Sequence[float]],
    others: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    xyxy = boxes(*tracks.values())
    persons = xyxy if others is None else np.concatenate([xyxy, others])
    return running.look(image, np.array(list(tracks), np.int64), xyxy, persons, at_s)


def test_no_pixel_of_the_head_is_used() -> None:
    image = scene((BOX, RED, BLUE))
    chin = round(BOX[1] + HEAD_SHARE * (BOX[3] - BOX[1]))
    other_head = image.copy()
    # What is beside the person in these rows is not theirs to change: it sets the light.
    head = np.random.default_rng(1).integers(0, 255, (chin - 100, 60, 3), np.uint8)
    other_head[100:chin, 100:160] = head
    same = body_below_head(other_head, np.array(BOX))
    assert (same == body_below_head(image, np.array(BOX))).all()


def test_the_cut_begins_a_quarter_down_whatever_the_box() -> None:
    rows = np.repeat(np.arange(360, dtype=np.uint8)[:, None], 640, axis=1)
    image = np.stack([rows] * 3, axis=2)
    for top, bottom in ((10, 110), (20.5, 61.5), (3, 250)):
        body = body_below_head(image, np.array([50, top, 90, bottom]))
        assert body[0, 0, 0] >= top + HEAD_SHARE * (bottom - top)


@given(
    st.integers(0, 2**32 - 1),
    st.floats(0, 500),
    st.floats(0, 250),
    st.floats(8, 120),
    st.floats(8, 110),
)
def test_any_head_gives_the_same_body(
    seed: int, left: float, top: float, width: float, height: float
) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 255, (360, 640, 3), np.uint8)
    box = np.array([left, top, left + width, top + height])
    body = body_below_head(image, box)
    # The lowest whole row above the cut.
    above = int(np.ceil(top + HEAD_SHARE * height))
    image[:above] = rng.integers(0, 255, (above, 640, 3), np.uint8)
    assert (body_below_head(image, box) == body).all()


def test_clothes_tell_people_apart_and_places_do_not() -> None:
    red_blue, green_grey = embedding(scene((BOX, RED, BLUE))), embedding(scene((BOX, GREEN, GREY)))
    elsewhere = (400.0, 40.0, 430.0, 120.0)
    again = embedding(scene((elsewhere, RED, BLUE)), elsewhere)
    assert np.linalg.norm(red_blue) == pytest.approx(1.0, abs=1e-5)
    assert red_blue @ again > 0.97
    assert red_blue @ green_grey < 0.75
    upside_down = embedding(scene((BOX, BLUE, RED)))
    assert red_blue @ upside_down < 0.75


def test_another_light_changes_little() -> None:
    image = scene((BOX, RED, BLUE))
    warm = np.clip(image * np.array([0.75, 0.9, 1.0]), 0, 255).astype(np.uint8)
    other = embedding(scene((BOX, GREEN, BLUE)))
    assert embedding(image) @ embedding(warm) > embedding(image) @ other + 0.1


@pytest.mark.parametrize(
    ("box", "whole", "what"),
    [
        ((100, 100, 160, 260), True, "a standing person in full view"),
        ((100, 100, 110, 100 + LEAST_HEIGHT_PX - 1), False, "too small"),
        ((100, 100, 220, 240), False, "too wide: crouching, or two people"),
        ((0, 100, 60, 260), False, "cut by the left border"),
        ((590, 100, 640, 260), False, "cut by the right border"),
        ((100, 0, 160, 160), False, "cut by the top: where the head ends is not known"),
        ((100, 200, 160, 360), False, "cut by the bottom"),
    ],
)
def test_only_whole_people_are_looked_at(box: tuple[float, ...], whole: bool, what: str) -> None:
    worth = look_weight(boxes(box), np.zeros(1), SIZE_PX)
    assert (worth[0] > 0) == whole, what


def test_who_stands_behind_somebody_is_not_looked_at() -> None:
    behind, before, beside = (100, 60, 160, 220), (110, 100, 180, 300), (300, 60, 360, 220)
    hidden = hidden_share(boxes(behind, before, beside))
    assert hidden.tolist() == pytest.approx([50 * 120 / (60 * 160), 0.0, 0.0])
    worth = look_weight(boxes(behind, before, beside), hidden, SIZE_PX)
    assert worth[0] == 0.0
    assert (worth[1:] > 0).all()


def test_a_track_is_known_from_its_first_whole_view_on() -> None:
    running = RunningAppearance()
    cut = (0.0, 100.0, 50.0, 260.0)
    unknown = look(running, scene((cut, RED, BLUE)), 1.0, {5: cut})
    assert unknown.shape == (1, EMBEDDING_LENGTH)
    assert not unknown.any()
    seen = look(running, scene((BOX, RED, BLUE)), 1.1, {5: BOX})
    assert np.linalg.norm(seen[0]) == pytest.approx(1.0, abs=5e-3)
    # It stays known while nothing can be seen of it, and another track is not.
    later = look(running, scene((cut, GREEN, GREY)), 3.0, {5: cut, 6: cut})
    assert (later[0] == seen[0]).all()
    assert not later[1].any()


def test_a_track_is_looked_at_twice_a_second_and_one_bad_look_changes_little() -> None:
    running = RunningAppearance()
    truth = embedding(scene((BOX, RED, BLUE)))
    for tick in range(40):
        look(running, scene((BOX, RED, BLUE)), tick / 10, {1: BOX})
    soon = look(running, scene((BOX, GREEN, GREY)), 3.95, {1: BOX})
    assert soon[0] @ truth > 0.995, "within half a second nobody looks again"
    after = look(running, scene((BOX, GREEN, GREY)), 4.5, {1: BOX})
    assert 0.95 < after[0] @ truth < soon[0] @ truth - 0.003
    for tick in range(60):
        after = look(running, scene((BOX, GREEN, GREY)), 5 + tick / 2, {1: BOX})
    assert after[0] @ truth < 0.8, "old looks fade"


def test_a_crowd_is_looked_at_over_several_frames() -> None:
    people = {n: (20.0 + 50 * n, 100.0, 45.0 + 50 * n, 200.0) for n in range(12)}
    image = scene(*((box, RED, BLUE) for box in people.values()))
    running = RunningAppearance()
    known = [int(look(running, image, tick / 10, people).any(axis=1).sum()) for tick in range(3)]
    assert known == [LOOKS_A_FRAME, 12, 12]


def test_tracks_that_are_gone_for_long_are_forgotten() -> None:
    running = RunningAppearance()
    image = scene((BOX, RED, BLUE))
    assert look(running, image, 1.0, {1: BOX}).any()
    look(running, image, 40.0, {2: BOX})
    cut = (0.0, 100.0, 50.0, 260.0)
    assert not look(running, image, 40.1, {1: cut})[0].any()


def test_by_infrared_or_in_the_dark_nobody_is_looked_at() -> None:
    image = scene((BOX, RED, BLUE))
    grey = np.repeat(image.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    for picture, seen in ((image, True), (grey, False), (image // 12, False)):
        assert shows_colours(picture) == seen
        assert look(RunningAppearance(), picture, 1.0, {1: BOX}).any() == seen


def test_nobody_in_view() -> None:
    image = scene()
    none = look(RunningAppearance(), image, 1.0, {})
    assert none.shape == (0, EMBEDDING_LENGTH)
    assert embed(np.zeros((0, 45, 24, 3), np.uint8), light_gains(image)).shape == (0, 64)
    assert hidden_share(boxes()).shape == (0,)


def tracks(n: int, **columns: Any) -> Tracks:
    return Tracks(
        "cam", 0, 1.0, SIZE_PX, np.zeros((n, 4), np.float32), np.zeros(n, np.float32),
        np.arange(n), np.zeros(n), **columns,
    )  # fmt: skip


def test_tracks_without_appearance_have_a_column_of_no_width() -> None:
    assert tracks(3).appearance.shape == (3, 0)
    assert tracks(0).appearance.shape == (0, 0)
    assert tracks(2, appearance=no_appearance()).appearance.shape == (2, 0)
    assert tracks(2, appearance=np.zeros((2, 64), np.float32)).appearance.shape == (2, 64)
    with pytest.raises(ColumnError, match="appearance"):
        tracks(2, appearance=np.zeros((3, 64), np.float32))
    with pytest.raises(ColumnError, match="float32"):
        tracks(2, appearance=np.zeros((2, 64)))
