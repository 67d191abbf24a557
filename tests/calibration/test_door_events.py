"""Doors that were opened as they should not be: who is likelier by it, by how much, and why."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest

from calibration.answer import StageTimes
from calibration.door_events import EVENT_ODDS, DoorEvents, door_distance
from calibration.entrances import EntranceRoutes
from calibration.inputs import DOOR_EVENT_KINDS, DoorEvent, DoorEventKind
from calibration.locator import Locator

from .corridor import LEVEL, corridor_plan, seen, ticks
from .test_friendly import walking

if TYPE_CHECKING:
    from calibration.door_events import DoorEvidence
    from calibration.subject import SubjectState

PLAN = corridor_plan()
ROUTES = EntranceRoutes(PLAN)
DISTANCE_M = door_distance(PLAN, ROUTES)
EVENT_S = 100.0


def born(name: str, at_m: tuple[float, float], after_s: float) -> SubjectState:
    """Somebody first seen `after_s` after the event."""
    at_s = EVENT_S + after_s
    place = np.array(at_m)
    return dataclasses.replace(
        walking(name, LEVEL, 1.0),
        born_s=at_s, born_xy_m=place, seen_at_s=at_s + 1.0, seen_xy_m=place,
        trail_m=(at_m,), trail_s=(at_s,),
    )  # fmt: skip


def evidence(
    *people: SubjectState, kind: DoorEventKind = "forced", door: str = "west"
) -> dict[str, DoorEvidence]:
    events = DoorEvents(PLAN, DISTANCE_M)
    events.take(DoorEvent(kind, door, EVENT_S, 1))
    events.look(people, EVENT_S + 60.0)
    return events.evidence(people, {})


@pytest.mark.parametrize(
    ("at_m", "after_s", "fits"),
    [
        ((2.0, 1.5), 1.5, "yes"),  # 2 m in 1.5 s
        ((20.0, 1.5), 12.0, "yes"),  # 20 m at a brisk walk
        ((20.0, 1.5), 1.0, "no"),  # too far even at a run
        ((2.0, 1.5), -10.0, "no"),  # was there long before
        ((2.0, 1.5), 20.0, "less"),  # anybody may have come by since
        ((2.0, 1.5), 200.0, "no"),
        ((2.0, 1.5), -1.5, "yes"),  # clocks differ
    ],
)
def test_who_is_first_seen_as_far_as_can_be_walked(
    at_m: tuple[float, float], after_s: float, fits: str
) -> None:
    found = evidence(born("S1", at_m, after_s))
    if fits == "no":
        assert found == {}
        return
    full = np.log(EVENT_ODDS["forced"])
    assert found["S1"].llr == pytest.approx(full, abs=0.01) if fits == "yes" else True
    assert 0.5 < found["S1"].llr < full + 1e-9


@pytest.mark.parametrize("kind", DOOR_EVENT_KINDS)
def test_the_odds_are_those_of_the_event(kind: DoorEventKind) -> None:
    (one,) = evidence(born("S1", (2.0, 1.5), 1.0), kind=kind).values()
    assert np.exp(one.llr) == pytest.approx(EVENT_ODDS[kind], rel=0.01)
    assert one.words.endswith(f"({EVENT_ODDS[kind]:.0f} : 1)")


def test_a_held_door_is_told_after_a_while_and_a_forced_one_at_once() -> None:
    early = born("S1", (2.0, 1.5), -20.0)
    assert evidence(early, kind="propped")
    assert not evidence(early, kind="forced")


def test_the_odds_are_shared_among_all_whom_the_event_fits() -> None:
    crowd = [born(f"S{i}", (2.0, 1.0 + 0.1 * i), 1.5) for i in range(1, 6)]
    found = evidence(*crowd)
    assert len(found) == 5
    assert np.exp(found["S1"].llr) == pytest.approx(1 + 19 / 5, rel=0.01)
    huge = [born(f"S{i}", (2.0, 1.5), 1.5) for i in range(1, 41)]
    assert evidence(*huge) == {}  # one in forty says nothing


def test_who_was_at_the_door_in_that_moment_whenever_first_seen() -> None:
    someone = walking("S1", LEVEL, 10.0)  # walks east from x = 1 m, at the inner door after 3 s
    events = DoorEvents(PLAN, DISTANCE_M)
    events.take(DoorEvent("forced", "door-a", 3.5, 1))
    assert not events.waits_for(3.0)
    assert events.waits_for(4.0)
    events.look([someone], 4.0)
    (one,) = events.evidence([someone], {}).values()
    assert one.words == "at the door when door-a was forced open (20 : 1)"
    (joined,) = events.evidence([dataclasses.replace(someone, id="S0")], {"S1": "S0"}).values()
    assert joined == one


def test_inner_doors_of_other_levels_and_unknown_doors_say_nothing() -> None:
    upstairs = dataclasses.replace(born("S1", (5.5, 3.0), 1.0), level="L2", born_level="L2")
    events = DoorEvents(PLAN, DISTANCE_M)
    events.take(DoorEvent("forced", "no-such-door", EVENT_S, 1))
    assert not events
    assert evidence(upstairs, door="door-a") == {}


def test_one_entry_makes_several_alarms_and_counts_once() -> None:
    person = born("S1", (2.0, 1.5), 1.5)
    events = DoorEvents(PLAN, DISTANCE_M)
    for number, kind in enumerate(("propped", "forced", "unauthorised"), 1):
        events.take(DoorEvent(kind, "west", EVENT_S, number))  # type: ignore[arg-type]
    events.take(DoorEvent("forced", "west", EVENT_S, 2))  # told twice
    events.look([person], EVENT_S + 5.0)
    (one,) = events.evidence([person], {}).values()
    assert one.llr == pytest.approx(np.log(20.0), abs=0.01)


def test_the_answer_ranks_by_it_and_says_why() -> None:
    here = Locator(PLAN, ROUTES)
    for t in ticks(0, 8.0):
        rows = [(1, 20.0, 1.5)] + ([(2, 1.0 + 1.2 * (t - 4.0), 1.5)] if t >= 4.0 else [])
        here.consume(seen("a", t, *rows), StageTimes(t))
        if t == 5.0:
            assert here.answer(t).subjects[0].subject == "S1"
            here.tell(DoorEvent("forced", "west", 3.5, 1))
            assert here.answer(t).subjects[0].subject == "S2"
    first, second = here.answer(8.0).subjects
    assert first.subject == "S2"
    assert first.reasons[0] == "first seen as Door 1 (West) was forced open, 1 m from it (20 : 1)"
    assert first.probability == pytest.approx(0.05 * 20 / (0.05 * 20 + 0.95), abs=0.01)
    assert second.probability == pytest.approx(0.05, abs=0.001)
    assert "Door 1" in first.plain_reasons[0]
