from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.continuity import OVERLAP_S
from calibration.duplicates import APART_FRAMES
from calibration.handover import (
    LEAST_STRANGERS_M2,
    SURE,
    SURE_ARMED,
    Scene,
    crowd_of,
    reappearances,
    same_bodies,
    strangers_m2,
)
from calibration.stakes import Stakes
from calibration.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

STRANGERS = 1e-3


def joined(
    weight: list[list[float]], stake: list[bool] | None = None, strangers: float = STRANGERS
) -> list[tuple[int, int]]:
    rows = np.array(weight, np.float64)
    at_stake = np.zeros(rows.shape[1], np.bool_) if stake is None else np.array(stake, np.bool_)
    return reappearances(rows, strangers, at_stake)


def weight_for(probability: float) -> float:
    """The weight of an ending that is that probable among strangers alone."""
    return STRANGERS * probability / (1.0 - probability)


@pytest.mark.parametrize(
    ("weight", "stake", "pairs", "what"),
    [
        ([[weight_for(SURE + 0.01)]], [False], [(0, 0)], "likelier than a stranger"),
        ([[weight_for(SURE - 0.01)]], [False], [], "a stranger is likelier"),
        ([[10 * weight_for(SURE_ARMED + 0.01)]], [True], [(0, 0)], "nine to one does for armed"),
        ([[weight_for(SURE_ARMED + 0.01)]], [True], [], "not among the strangers of a full room"),
        ([[10 * weight_for(SURE_ARMED - 0.01)]], [True], [], "less is not"),
        ([[0.0]], [False], [], "impossible"),
        ([[0.01, 0.01]], [False, False], [], "two endings that are as likely: nobody guesses"),
        ([[0.01], [0.01]], [False], [], "one ending cannot come back as two"),
        ([[0.05, 0.01]], [False, False], [(0, 0)], "five times likelier than the other"),
        ([[0.05, 0.01]], [True, False], [], "not enough where the ending is armed"),
        ([[0.05, 0.0], [0.0, 0.05]], [False, False], [(0, 0), (1, 1)], "each the own one"),
        ([[0.05, 0.04], [0.0, 0.05]], [False, False], [(0, 0), (1, 1)],
         "who is taken by nobody else"),
        ([[0.05, 0.05], [0.05, 0.05]], [False, False], [], "two by two stay apart"),
    ],
)  # fmt: skip
def test_who_comes_back(
    weight: list[list[float]], stake: list[bool], pairs: list[tuple[int, int]], what: str
) -> None:
    assert joined(weight, stake) == pairs, what


def test_nobody_comes_back_to_nobody() -> None:
    assert reappearances(np.zeros((0, 3)), STRANGERS, np.zeros(3, np.bool_)) == []
    assert reappearances(np.zeros((3, 0)), STRANGERS, np.zeros(0, np.bool_)) == []


@given(
    seed=st.integers(0, 9999), n=st.integers(1, 5), m=st.integers(1, 5),
    stake=st.lists(st.booleans(), min_size=5, max_size=5),
)  # fmt: skip
def test_each_is_joined_at_most_once_and_more_strangers_join_nobody_more(
    seed: int, n: int, m: int, stake: list[bool]
) -> None:
    weight = 10 ** np.random.default_rng(seed).uniform(-6, 0, (n, m))
    few = reappearances(weight, STRANGERS, np.array(stake[:m]))
    assert len({b for b, _ in few}) == len({e for _, e in few}) == len(few)
    assert set(reappearances(weight, 10 * STRANGERS, np.array(stake[:m]))) <= set(few)


def test_density_of_strangers() -> None:
    assert strangers_m2(0, 500.0) == LEAST_STRANGERS_M2 == 1 / 2000
    # Twenty in view on 1,000 m2: two more go about on as much floor.
    assert strangers_m2(20, 1000.0) == pytest.approx(LEAST_STRANGERS_M2 + 0.002)
    assert strangers_m2(1, 0.0) == pytest.approx(LEAST_STRANGERS_M2 + 0.1)


# Subjects

RED, BLUE = (np.eye(8, dtype=np.float32)[k] for k in (0, 4))
NOBODY_WALKS = 1e9


def body(
    number: int,
    *,
    born_s: float,
    seen_s: float,
    llr: float = 0.0,
    clothes: NDArray[np.float32] | None = None,
) -> Subject:
    """A subject that was plainly seen, in the corridor's middle."""
    subject = Subject.born(number, "L1", born_s, np.array([5.0, 1.0]), np.eye(2) * 0.02)
    subject.number = number
    subject.born_in = "a"
    subject.time_s = seen_s
    for at_s in np.arange(0.0, 3.0, 0.3):
        subject.look(("a", number), born_s + at_s, 0.0, 0.9)
        subject.witness("a", born_s + at_s, hit=True, detection=0.8)
        subject.witness("b", born_s + at_s, hit=True, detection=0.8)
    subject.look(("a", number), born_s + 3.0, llr, 0.9)
    if clothes is not None:
        subject.wear(("a", number), clothes)
    return subject


def far_walk(_a: str, _a_m: np.ndarray, _b: str, _b_m: np.ndarray) -> float:
    """Nobody can have walked, so that only the maps speak."""
    return NOBODY_WALKS


def came_back(
    newer: list[Subject],
    endings: list[Subject],
    near: Mapping[str, float],
    *,
    in_view: bool = True,
    stakes: Stakes = Stakes(),  # noqa: B008 - frozen
    strangers: float = STRANGERS,
    crowd: NDArray[np.float32] | None = None,
) -> list[tuple[int, int]]:
    """Numbers of (newer, ending) that are joined by the maps."""
    scene = Scene(lambda _level, _xy_m: near, strangers, crowd)
    pairs = same_bodies(newer, endings, [in_view] * len(newer), stakes, scene, far_walk)
    return [(b.number or 0, e.number or 0) for b, e in pairs]


NEAR = {"S1": 0.02}  # twenty times as likely there as a stranger


@pytest.mark.parametrize(
    ("ending_llr", "newer_llr", "born_s", "near", "joined", "what"),
    [
        (0.0, 0.0, 30.0, NEAR, True, "a harmless one where it can be"),
        (0.0, 0.0, 30.0, {"S1": 1e-4}, False, "where it can hardly be"),
        (0.0, 0.0, 30.0, {}, False, "where it cannot be"),
        (0.0, 0.0, 30.0, {"S7": 0.02}, False, "where another one can be"),
        (6.0, 0.0, 30.0, {"S1": 0.2}, True, "an armed one where it must be"),
        (6.0, 0.0, 30.0, NEAR, False, "an armed one where a class may be, too"),
        (6.0, 0.0, 30.0, {"S1": 0.005}, False, "an armed one where it likely is, but not surely"),
        (0.0, 0.0, 30.0, {"S1": 0.005}, True, "a harmless one there"),
        (6.0, -1.5, 30.0, NEAR, False, "whose looks speak against a weapon is not the armed one"),
        (0.0, -1.5, 30.0, NEAR, True, "but may be a harmless one"),
        (0.0, 0.0, 10.0 - OVERLAP_S + 0.1, NEAR, True, "born as the other one ended"),
        (0.0, 0.0, 10.0 - OVERLAP_S - 0.1, NEAR, False, "in view while the other one was, too"),
        (6.0, 0.0, 5.0, NEAR, False, "in view while the armed one was, too"),
        (0.0, 6.0, 5.0, NEAR, False, "an armed one in view while the other one was, too"),
    ],
)
def test_who_continues_whom(
    ending_llr: float,
    newer_llr: float,
    born_s: float,
    near: dict[str, float],
    joined: bool,
    what: str,
) -> None:
    ending = body(1, born_s=0.0, seen_s=10.0, llr=ending_llr)
    newer = body(2, born_s=born_s, seen_s=born_s + 1.0, llr=newer_llr)
    assert came_back([newer], [ending], near) == ([(2, 1)] if joined else []), what


@pytest.mark.parametrize(
    ("seen_for_s", "in_view", "joined"),
    [(3.0, True, True), (3.1, True, False), (1.0, False, False)],
    ids=["new", "settled", "gone again"],
)
def test_only_who_has_just_appeared_comes_back(
    seen_for_s: float, in_view: bool, joined: bool
) -> None:
    ending = body(1, born_s=0.0, seen_s=10.0)
    newer = body(2, born_s=30.0, seen_s=30.0 + seen_for_s)
    assert bool(came_back([newer], [ending], NEAR, in_view=in_view)) is joined


def test_who_may_have_been_a_false_box_comes_back_less_surely() -> None:
    ending = body(1, born_s=0.0, seen_s=10.0)
    near = {"S1": 1.3 * STRANGERS}
    assert came_back([body(2, born_s=30.0, seen_s=31.0)], [ending], near) == [(2, 1)]
    for at_s in np.arange(20.0, 26.0, 0.3):
        ending.witness("b", at_s, hit=False, detection=0.8)
        ending.witness("c", at_s, hit=False, detection=0.8)
    assert came_back([body(2, born_s=30.0, seen_s=31.0)], [ending], near) == []


def test_two_who_appear_where_one_can_be_stay_new() -> None:
    ending = body(1, born_s=0.0, seen_s=10.0)
    newer = [body(n, born_s=30.0, seen_s=31.0) for n in (2, 3)]
    assert came_back(newer, [ending], NEAR) == []
    assert came_back(newer[:1], [ending], NEAR) == [(2, 1)]


def test_one_who_appears_where_two_can_be_stays_new_unless_clothes_tell() -> None:
    near = {"S1": 0.02, "S2": 0.02}
    crowd = np.eye(8, dtype=np.float32)[::2]
    for worn, expected in ((None, []), (RED, [(3, 1)]), (BLUE, [(3, 2)])):
        endings = [
            body(1, born_s=0.0, seen_s=10.0, clothes=RED),
            body(2, born_s=0.0, seen_s=10.0, clothes=BLUE),
        ]
        newer = body(3, born_s=30.0, seen_s=31.0, clothes=worn)
        assert came_back([newer], endings, near, crowd=crowd) == expected


def test_strangers_all_around_join_nobody() -> None:
    ending = body(1, born_s=0.0, seen_s=10.0)
    newer = body(2, born_s=30.0, seen_s=31.0)
    assert came_back([newer], [ending], NEAR, strangers=0.019) == [(2, 1)]
    assert came_back([newer], [ending], NEAR, strangers=0.021) == []


def test_who_was_shown_beside_another_is_not_that_one() -> None:
    ending, newer = body(1, born_s=0.0, seen_s=10.0), body(2, born_s=30.0, seen_s=31.0)
    newer.apart[ending.serial] = ending.apart[newer.serial] = APART_FRAMES
    assert came_back([newer], [ending], NEAR) == []


@pytest.mark.parametrize(
    ("stakes", "newer_llr", "near", "joined", "what"),
    [
        (Stakes(followed=frozenset({"S1"})), 0.0, 0.005, False, "who was pointed out needs 0.9"),
        (Stakes(followed=frozenset({"S1"})), 0.0, 0.2, True, "and may come back then"),
        (Stakes(aside=frozenset({"S1"})), 0.0, 0.02, True, "who was set aside comes back"),
        (Stakes(aside=frozenset({"S1"})), 6.0, 0.02, False, "but not as somebody armed"),
    ],
)
def test_what_people_said_is_heeded(
    stakes: Stakes, newer_llr: float, near: float, joined: bool, what: str
) -> None:
    ending = body(1, born_s=0.0, seen_s=10.0)
    newer = body(2, born_s=30.0, seen_s=31.0, llr=newer_llr)
    assert bool(came_back([newer], [ending], {"S1": near}, stakes=stakes)) is joined, what


def test_without_maps_the_old_rules_hold() -> None:
    ending, newer = body(1, born_s=0.0, seen_s=10.0), body(2, born_s=13.0, seen_s=14.0)
    assert same_bodies([newer], [ending], [True], Stakes(), None) == [(newer, ending)]
    assert same_bodies([newer], [ending], [True], Stakes(), None, far_walk) == []
    # Where there are maps, walking distance alone joins nobody harmless after two seconds.
    empty = Scene(lambda _level, _xy_m: {}, STRANGERS, None)
    assert same_bodies([newer], [ending], [True], Stakes(), empty) == []


def test_a_chain_is_resolved_one_link_at_a_time() -> None:
    first = body(1, born_s=0.0, seen_s=10.0, llr=6.0)
    second = body(2, born_s=11.0, seen_s=14.0, llr=6.0)
    third = body(3, born_s=15.0, seen_s=18.0, llr=6.0)
    pairs = same_bodies([second, third], [first, second], [False, True], Stakes(), None)
    assert pairs == [(second, first)]
    assert same_bodies([third], [first], [True], Stakes(), None) == [(third, first)]


def test_the_crowd_is_one_look_a_body() -> None:
    bodies = [
        body(1, born_s=0, seen_s=1, clothes=RED),
        body(2, born_s=0, seen_s=1),
        body(3, born_s=0, seen_s=1, clothes=BLUE),
    ]
    bodies[0].wear(("b", 7), RED)
    crowd = crowd_of(bodies)
    assert crowd is not None
    np.testing.assert_allclose(crowd, [RED, BLUE], atol=1e-6)
    assert crowd_of(bodies[1:2]) is None
