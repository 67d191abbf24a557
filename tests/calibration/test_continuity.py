from __future__ import annotations

import numpy as np
import pytest

from calibration.continuity import Sighted, continuations, straight_line_m

ARMED, PLAIN, CLEARED = 5.0, 0.0, -2.0


def sighted(
    at_s: float,
    x: float,
    y: float = 0.0,
    *,
    vx: float = 0.0,
    llr: float = PLAIN,
    level: str = "L1",
) -> Sighted:
    return Sighted(level, np.array([x, y]), np.array([vx, 0.0]), at_s, llr)


def joined(beginnings: list[Sighted], endings: list[Sighted]) -> list[tuple[int, int]]:
    apart = np.zeros((len(beginnings), len(endings)), np.bool_)
    return continuations(beginnings, endings, apart)


GONE_ARMED = sighted(0.0, 0.0, llr=ARMED)
GONE_ARMED_WALKING = sighted(0.0, 0.0, vx=1.3, llr=ARMED)
GONE = sighted(0.0, 0.0)


@pytest.mark.parametrize(
    ("beginning", "ending", "same", "what"),
    [
        (sighted(10, 12, llr=ARMED), GONE_ARMED, True, "armed reappears after a blind walk"),
        (sighted(300, 12, llr=ARMED), GONE_ARMED, True, "however long it was hidden"),
        (sighted(2, 15, llr=ARMED), GONE_ARMED, False, "nobody runs 15 m in 2 s: a second one"),
        (sighted(-5, 0, llr=ARMED), GONE_ARMED, False, "seen before the other was lost: two"),
        (sighted(-0.5, 0.5, llr=ARMED), GONE_ARMED, True, "a hand-over may overlap in one place"),
        (sighted(-0.5, 5, llr=ARMED), GONE_ARMED, False, "but not in two"),
        (sighted(8, 6), GONE_ARMED, False, "a bystander near the gap does not inherit"),
        (sighted(4, 5), GONE_ARMED, False, "not even when it could have walked there"),
        (sighted(1.5, 1.5), GONE_ARMED, True, "lost for a moment, close by, nobody else"),
        (sighted(1.5, 1.5, llr=CLEARED), GONE_ARMED, False, "but not if its looks say unarmed"),
        (sighted(1.9, 3.5), GONE_ARMED, False, "close in time, too far in space"),
        (sighted(2.5, 2.5), GONE_ARMED, False, "close in space, too long ago"),
        (sighted(4, 5.2, vx=1.2), GONE_ARMED_WALKING, True, "walked on through a blind part"),
        (sighted(4, 5.2, vx=-1.2), GONE_ARMED_WALKING, False, "comes the other way"),
        (sighted(4, 5.2), GONE_ARMED_WALKING, False, "stands there"),
        (sighted(4, 5.2, 4.0, vx=1.2), GONE_ARMED_WALKING, False, "in another corridor"),
        (sighted(9, 11.7, vx=1.3), GONE_ARMED_WALKING, False, "too long for a straight walk"),
        (sighted(5, 6), GONE, True, "harmless joins harmless"),
        (sighted(5, 6, llr=ARMED), GONE, False, "an armed body is nobody's harmless continuation"),
        (sighted(9, 6), GONE, False, "harmless, but too long ago"),
        (sighted(1.5, 1.5, level="L2"), GONE_ARMED, False, "another storey takes the stairs"),
        (sighted(20, 3, level="L2", llr=ARMED), GONE_ARMED, True, "and 20 s are enough for them"),
    ],
)  # fmt: skip
def test_rules(beginning: Sighted, ending: Sighted, same: bool, what: str) -> None:
    assert joined([beginning], [ending]) == ([(0, 0)] if same else []), what


def test_two_newcomers_leave_it_open_who_was_lost() -> None:
    assert joined([sighted(1.5, 1.5), sighted(1.5, -1.5)], [GONE_ARMED]) == []


def test_two_lost_leave_it_open_who_came_back() -> None:
    assert joined([sighted(1.5, 0.5)], [GONE_ARMED, sighted(0.0, 1.0)]) == []


def test_of_two_lost_armed_the_one_seen_last_came_back() -> None:
    endings = [sighted(0, 0, llr=ARMED), sighted(5, 3, llr=ARMED)]
    assert joined([sighted(12, 8, llr=ARMED)], endings) == [(0, 1)]


def test_two_armed_newcomers_cannot_both_be_the_same_lost_one() -> None:
    newcomers = [sighted(10, 5, llr=ARMED), sighted(10, -5, llr=ARMED)]
    assert joined(newcomers, [GONE_ARMED]) == [(0, 0)]


def test_known_to_be_two_bodies() -> None:
    apart = np.ones((1, 1), np.bool_)
    assert continuations([sighted(10, 5, llr=ARMED)], [GONE_ARMED], apart) == []


def test_a_wall_between_can_be_told_by_the_walking_distance() -> None:
    def around_the_block(_a: str, _a_m: np.ndarray, _b: str, _b_m: np.ndarray) -> float:
        return 60.0

    newcomer = sighted(5, 4, llr=ARMED)
    none_apart = np.zeros((1, 1), np.bool_)
    assert continuations([newcomer], [GONE_ARMED], none_apart, straight_line_m) == [(0, 0)]
    assert continuations([newcomer], [GONE_ARMED], none_apart, around_the_block) == []


@pytest.mark.parametrize(("beginnings", "endings"), [([], [GONE]), ([GONE], [])])
def test_nobody_to_join(beginnings: list[Sighted], endings: list[Sighted]) -> None:
    assert joined(beginnings, endings) == []
