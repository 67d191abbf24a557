"""What the answer makes of marks, doors and units; and that nobody is mixed up by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from calibration.answer import StageTimes
from calibration.continuity import HARMLESS_S
from calibration.door_events import DoorEvidence
from calibration.entrances import EntranceRoutes
from calibration.friendly import Friendly
from calibration.fusion import FORGET_S, Fusion
from calibration.inputs import Mark, Unmark
from calibration.last_seen import rank_subjects
from calibration.locator import Locator
from calibration.marks import Standing
from calibration.search import MOST_SUBJECTS, SearchMaps
from calibration.stakes import Stakes
from calibration.suspicion import Known

from .corridor import by_id, corridor_plan, seen, ticks, walk
from .test_last_seen import NOW_S, PLAN, state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calibration.answer import Answer
    from calibration.inputs import MarkKind

ROUTES = EntranceRoutes(corridor_plan())


def mark(kind: MarkKind, of: str = "S1", at_s: float = 90.0, number: int = 1) -> Mark:
    return Mark(kind, of, at_s, number, "dispatcher")


def said(kind: MarkKind) -> Known:
    given = mark(kind)
    return Known(Standing(designated=given) if kind == "designate" else Standing(given))


UNIT = Known(friendly=Friendly("Unit 12", 80.0, sure=True))
DOOR = Known(door=DoorEvidence(3.0, "first seen 4 s after Door 3 was forced open (20 : 1)"))


def test_order_pointed_out_confirmed_ranked_ruled_out_responders() -> None:
    subjects = [state(f"S{i}", llr=7.0 - i, looks=3) for i in range(1, 8)]
    known = {
        "S1": said("responder"), "S2": UNIT, "S3": said("reject"), "S5": DOOR,
        "S6": said("confirm"), "S7": said("designate"),
    }  # fmt: skip
    ranked = rank_subjects(subjects, PLAN, NOW_S, known=known)
    assert [s.subject for s in ranked] == ["S7", "S6", "S5", "S4", "S3", "S1", "S2"]
    assert [s.rank for s in ranked] == [1, 2, 3, 4, 5, 6, 7]
    assert [s.status for s in ranked] == ["ranked"] * 4 + ["rejected"] + ["responder"] * 2
    by_name = {s.subject: s.probability for s in ranked}
    assert by_name["S6"] > 0.99
    assert max(by_name[s] for s in ("S1", "S2", "S3")) < 0.01


@pytest.mark.parametrize(
    ("kind", "llr", "least", "most"),
    [
        ("confirm", -2.0, 0.99, 1.0),
        ("reject", 7.0, 0.0, 0.01),
        ("responder", 7.0, 0.0, 0.01),
        ("designate", 0.0, 0.05, 0.0500001),  # says whom to follow, not that it is the intruder
    ],
)
def test_a_persons_word_in_figures(kind: MarkKind, llr: float, least: float, most: float) -> None:
    (one,) = rank_subjects([state(llr=llr)], PLAN, NOW_S, known={"S1": said(kind)})
    assert least - 1e-9 <= one.probability <= most


def test_confirmed_in_a_crowd_of_a_thousand_is_still_near_certain() -> None:
    crowd = [state(f"S{i}") for i in range(1, 1001)]
    first = rank_subjects(crowd, PLAN, NOW_S, known={"S500": said("confirm")})[0]
    assert first.subject == "S500"
    assert first.probability > 0.99


def test_several_intruders_may_be_confirmed() -> None:
    known = {"S1": said("confirm"), "S2": said("confirm")}
    ranked = rank_subjects([state("S1"), state("S2"), state("S3")], PLAN, NOW_S, known=known)
    assert [s.probability > 0.99 for s in ranked] == [True, True, False]


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (said("confirm"), "confirmed as the intruder by a dispatcher 10 s ago"),
        (said("reject"), "ruled out by a dispatcher 10 s ago"),
        (said("responder"), "marked as a responder by a dispatcher 10 s ago"),
        (said("designate"), "pointed out, to be followed by a dispatcher 10 s ago"),
        (UNIT, "is where Unit 12 reports to be, for 20 s"),
        (DOOR, "first seen 4 s after Door 3 was forced open (20 : 1)"),
        (Known(friendly=Friendly("Unit 12", 80.0, sure=False)),
         "may be Unit 12, but so may others beside: not decided"),
    ],
)  # fmt: skip
def test_reasons_say_it_and_name_no_camera(known: Known, reason: str) -> None:
    (one,) = rank_subjects([state()], PLAN, NOW_S, {"cam-01": "Lobby"}, known={"S1": known})
    assert one.reasons[0] == one.plain_reasons[0] == reason
    assert not any("Lobby" in line or "cam-" in line for line in one.plain_reasons)


def play(until_s: float, *told: Mark | Unmark, armed_from_s: float = 0.0) -> Iterator[Answer]:
    """Two people in view, the first armed; what is told is told at its time."""
    here = Locator(corridor_plan(), ROUTES)
    waiting = sorted(told, key=lambda one: one.at_s)
    for t in ticks(0, until_s):
        llr = 6.0 if t >= armed_from_s else 0.0
        here.consume(seen("a", t, (1, 5.0, 1.5, llr), (2, 9.0, 1.5, 0.0)), StageTimes(t))
        while waiting and waiting[0].at_s <= t:
            here.tell(waiting.pop(0))
        yield here.answer(t)


def last(until_s: float, *told: Mark | Unmark, armed_from_s: float = 0.0) -> Answer:
    return list(play(until_s, *told, armed_from_s=armed_from_s))[-1]


def test_a_mark_changes_the_very_next_answer_and_so_does_taking_it_back() -> None:
    firsts = {
        round(answer.at_s, 1): answer.subjects[0].subject
        for answer in play(6.0, mark("confirm", "S2", 2.0), Unmark(1, 4.0))
        if answer.subjects
    }
    assert (firsts[1.9], firsts[2.0], firsts[3.9], firsts[4.0]) == ("S1", "S2", "S2", "S1")


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ([mark("confirm", "S1", 2.0)], "Confirmed intruder: in view now in Corridor"),
        ([mark("designate", "S2", 2.0)], "Pointed out: S2, in view now in Corridor"),
        ([mark("designate", "S2", 2.0), mark("confirm", "S2", 2.5, 2)],
         "Pointed out, confirmed: S2, in view now in Corridor"),
        ([mark("designate", "S2", 2.0), mark("designate", "S1", 2.5, 2)],
         "Pointed out: S1 and 1 more, in view now in Corridor"),
        ([mark("confirm", "S2", 2.0), mark("confirm", "S1", 2.5, 2)],
         "2 confirmed intruders; first: S1, in view now in Corridor"),
        ([mark("reject", "S1", 2.0)], "No armed person seen yet; 2 people in view. First: S2, in"),
        ([mark("responder", "S1", 2.0)], "No armed person seen yet; 1 person in view. First: S2,"),
        ([mark("responder", "S1", 2.0), mark("reject", "S2", 2.0, 2)],
         "Nobody else has been seen: 1 responder and 1 ruled out."),
    ],
)  # fmt: skip
def test_the_line_says_whom_people_pointed_out(told: list[Mark], text: str) -> None:
    assert last(4.0, *told).text.startswith(text)


def test_who_was_ruled_out_and_then_seen_armed_is_to_be_looked_at_again() -> None:
    calm = last(4.0, mark("reject", "S1", 2.0))
    assert not any(s.look_again for s in calm.subjects)  # had been seen armed before
    answer = last(6.0, mark("reject", "S1", 2.0), armed_from_s=4.0)
    (again,) = [s for s in answer.subjects if s.look_again]
    assert (again.subject, again.status) == ("S1", "rejected")
    assert again.reasons[0].startswith("look again: what looks like a weapon was seen since")
    assert answer.text.startswith("Look again at S1: ruled out, but seen armed since. ")
    officer = last(6.0, mark("responder", "S1", 2.0), armed_from_s=4.0)
    assert not any(s.look_again for s in officer.subjects)  # officers are armed


def test_a_mark_of_an_unknown_subject_changes_nothing() -> None:
    assert last(4.0, mark("confirm", "S77", 2.0)) == last(4.0)


# Fusion heeds it


def test_who_is_followed_is_never_forgotten() -> None:
    for followed, remembered in ((frozenset({"S1"}), True), (frozenset[str](), False)):
        fusion = Fusion()
        walk(fusion, "a", 1, start_s=0, stop_s=5, at_m=(5, 1.5))
        fusion.heed(Stakes(followed=followed))
        walk(fusion, "b", 2, start_s=5, stop_s=5 + FORGET_S + 10, at_m=(20, 1.5))
        assert ("S1" in by_id(fusion.subjects(FORGET_S + 15))) is remembered


def rejoined(first_llr: float, second_llr: float, stakes: Stakes, gap_s: float = 4.0) -> bool:
    """Whether somebody who appears 3 m on after a gap is taken for somebody who was seen before."""
    fusion = Fusion()
    walk(fusion, "a", 1, start_s=0, stop_s=5, at_m=(5, 1.5), llr=first_llr)
    fusion.heed(stakes)
    for t in ticks(5, 5 + gap_s):
        fusion.update(seen("a", t))
    start_s = 5 + gap_s
    for t in ticks(start_s, start_s + 3):
        fusion.update(seen("a", t))
        fusion.update(seen("b", t, (9, 8.0, 1.5, second_llr)))
    return len(fusion.subjects(start_s + 3)) == 1


FOLLOWED, ASIDE = Stakes(followed=frozenset({"S1"})), Stakes(aside=frozenset({"S1"}))


@pytest.mark.parametrize(
    ("first_llr", "second_llr", "stakes", "joined", "what"),
    [
        (0.0, 0.0, Stakes(), True, "two harmless sightings are one body"),
        (0.0, 0.0, FOLLOWED, False, "whoever comes along is not whom somebody pointed out"),
        (6.0, 6.0, Stakes(), True, "one armed person walked on"),
        (6.0, 6.0, ASIDE, False, "an armed stranger is not the officer who went out of view"),
        (0.0, 6.0, ASIDE, False, "an armed stranger is not whom somebody ruled out"),
        (0.0, 0.0, ASIDE, True, "a harmless one may be"),
    ],
)
def test_identity_is_not_handed_on_where_it_would_hide_somebody(
    first_llr: float, second_llr: float, stakes: Stakes, joined: bool, what: str
) -> None:
    assert HARMLESS_S > 4.0
    assert rejoined(first_llr, second_llr, stakes) is joined, what


def test_a_camera_that_loses_an_officer_for_a_moment_does_not_make_a_new_suspect() -> None:
    assert rejoined(6.0, 6.0, ASIDE, gap_s=1.2)


def test_followed_and_set_aside_at_one_place_stay_two() -> None:
    for stakes, count in (
        (Stakes(), 1),
        (Stakes(frozenset({"S1"}), frozenset({"S2"})), 2),
    ):
        fusion = Fusion()
        for t in ticks(0, 6.0):
            fusion.update(seen("a", t, (1, 5.0, 1.5)))
            apart = max(3.0 - 0.8 * t, 0.3)
            fusion.update(seen("b", t, (7, 5.0 + apart, 1.5)))
            if t == 1.0:
                fusion.heed(stakes)
        assert len(fusion.subjects(6.0)) == count


def test_marks_follow_a_subject_that_is_joined_with_an_older_one() -> None:
    here = Locator(corridor_plan(), ROUTES)
    for t in ticks(0, 8.0):
        apart = max(3.0 - 0.8 * t, 0.3)
        here.consume(seen("a", t, (1, 5.0, 1.5)), StageTimes(t))
        here.consume(seen("b", t, (7, 5.0 + apart, 1.5)), StageTimes(t))
        if t == 2.0:
            here.tell(mark("confirm", "S2", t))
    (one,) = here.answer(8.0).subjects
    assert (one.subject, [m.kind for m in one.marks]) == ("S1", ["confirm"])
    here.tell(Unmark(1, 8.0))
    assert here.answer(8.0).subjects[0].marks == ()


def test_who_was_pointed_out_has_a_search_map_before_all_others() -> None:
    maps = SearchMaps(PLAN, ())
    crowd = [state(f"S{i}", llr=1.0, age_s=2.0, in_view=False) for i in range(1, MOST_SUBJECTS + 2)]
    lost = state("S99", age_s=9.0, in_view=False)
    maps.follow([*crowd, lost], NOW_S)
    assert maps.area("S99") is None
    maps.follow([*crowd, lost], NOW_S, wanted={"S99"})
    assert maps.area("S99") is not None
