"""What people say of subjects: which mark holds, what is taken back, what happens to joined ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.inputs import MARK_KINDS, Mark, MarkKind, Unmark
from calibration.marks import NOTHING_SAID, Marks, Standing, subject_now

if TYPE_CHECKING:
    from collections.abc import Sequence


def marks(*kinds: MarkKind, subject: str = "S1", first: int = 1) -> tuple[Mark, ...]:
    return tuple(
        Mark(kind, subject, 10.0 * number, number) for number, kind in enumerate(kinds, first)
    )


def standing(*given: Mark, merged_into: dict[str, str] | None = None) -> dict[str, Standing]:
    told = Marks()
    for mark in given:
        told = told.with_mark(mark)
    return told.standing(merged_into)


def held(one: Standing) -> list[MarkKind]:
    return [mark.kind for mark in one.marks]


@pytest.mark.parametrize(
    ("kinds", "holds", "status"),
    [
        (["confirm"], ["confirm"], "followed"),
        (["reject"], ["reject"], "aside"),
        (["responder"], ["responder"], "aside"),
        (["designate"], ["designate"], "followed"),
        (["reject", "confirm"], ["confirm"], "followed"),
        (["confirm", "reject"], ["reject"], "aside"),
        (["reject", "responder"], ["responder"], "aside"),
        (["confirm", "designate"], ["confirm", "designate"], "followed"),
        (["designate", "confirm"], ["designate", "confirm"], "followed"),
        (["designate", "reject"], ["reject"], "aside"),
        (["reject", "designate"], ["designate"], "followed"),
        (["responder", "designate"], ["designate"], "followed"),
        (["designate", "responder", "confirm"], ["confirm"], "followed"),
    ],
)
def test_which_marks_hold(kinds: list[MarkKind], holds: list[MarkKind], status: str) -> None:
    one = standing(*marks(*kinds))["S1"]
    assert held(one) == holds
    assert (one.is_followed, one.is_aside) == (status == "followed", status == "aside")


def test_what_stood_before_a_mark_that_is_taken_back_stands_again() -> None:
    told = Marks(marks("confirm", "designate", "reject"))
    assert held(told.standing()["S1"]) == ["reject"]
    told = told.without(Unmark(3, 50.0))
    assert held(told.standing()["S1"]) == ["confirm", "designate"]
    told = told.without(Unmark(1, 51.0)).without(Unmark(1, 52.0))
    assert held(told.standing()["S1"]) == ["designate"]
    assert told.without(Unmark(2, 53.0)) == Marks()


def test_a_mark_that_is_told_twice_counts_once() -> None:
    (mark,) = marks("confirm")
    assert Marks().with_mark(mark).with_mark(mark) == Marks((mark,))


def test_marks_follow_a_body_through_all_its_ids() -> None:
    merged = {"S7": "S4", "S4": "S1"}
    assert subject_now("S7", merged) == "S1"
    assert held(standing(*marks("confirm", subject="S7"), merged_into=merged)["S1"]) == ["confirm"]


@pytest.mark.parametrize("aside", ["reject", "responder"])
@pytest.mark.parametrize("pointed_out", ["confirm", "designate"])
@pytest.mark.parametrize("first", ["aside", "pointed out"])
def test_who_was_pointed_out_never_vanishes_behind_another_ids_mark(
    aside: MarkKind, pointed_out: MarkKind, first: str
) -> None:
    early, late = (aside, pointed_out) if first == "aside" else (pointed_out, aside)
    one = standing(
        *marks(early, subject="S1"), *marks(late, subject="S2", first=2), merged_into={"S2": "S1"}
    )["S1"]
    assert one.is_followed
    assert one.disputed
    assert held(one) == [pointed_out]


def test_ids_that_were_marked_alike_are_not_disputed() -> None:
    told = (*marks("confirm"), *marks("designate", subject="S2", first=2))
    one = standing(*told, merged_into={"S2": "S1"})["S1"]
    assert held(one) == ["confirm", "designate"]
    assert not one.disputed


def test_the_newest_mark_of_several_ids() -> None:
    told = Marks((*marks("confirm"), *marks("reject", subject="S2", first=2)))
    newest = told.newest_of(["S1", "S2"])
    assert newest is not None
    assert newest.number == 2
    assert told.newest_of(["S9"]) is None


SAID = st.lists(st.tuples(st.sampled_from(MARK_KINDS), st.sampled_from(["S1", "S2", "S3"])))


@given(said=SAID, back=st.lists(st.integers(1, 12)))
def test_taking_back_is_as_if_it_had_never_been_said(
    said: Sequence[tuple[MarkKind, str]], back: list[int]
) -> None:
    given_marks = [Mark(kind, of, float(n), n) for n, (kind, of) in enumerate(said, 1)]
    told = Marks(tuple(given_marks))
    for number in back:
        told = told.without(Unmark(number, 99.0))
    assert told.standing() == standing(*(m for m in given_marks if m.number not in back))


@given(said=SAID)
def test_nobody_is_both_followed_and_aside_and_joining_never_loses_who_is_followed(
    said: Sequence[tuple[MarkKind, str]],
) -> None:
    given_marks = [Mark(kind, of, float(n), n) for n, (kind, of) in enumerate(said, 1)]
    apart = standing(*given_marks)
    joined = standing(*given_marks, merged_into={"S2": "S1", "S3": "S1"}).get("S1", NOTHING_SAID)
    assert not any(one.is_followed and one.is_aside for one in apart.values())
    assert joined.is_followed == any(one.is_followed for one in apart.values())
