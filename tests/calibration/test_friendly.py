"""Officers by their devices' reports: matched where nothing else is possible, never in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from calibration.answer import StageTimes
from calibration.entrances import EntranceRoutes
from calibration.friendly import EXPIRES_S, Friendlies
from calibration.inputs import FriendlyReport, Mark
from calibration.locator import Locator
from calibration.subject import SubjectState

from .corridor import LEVEL, corridor_plan, seen, ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from calibration.answer import Answer, RankedSubject

    Way = Callable[[float], tuple[float, float] | None]
    """Where somebody is at a time, site metres; None where no camera sees them."""

PLAN = corridor_plan()
ROUTES = EntranceRoutes(PLAN)
ARMED = 6.0


def east(x_m: float = 1.0, y_m: float = 1.5, mps: float = 1.2) -> Way:
    return lambda t: (x_m + mps * t, y_m)


def still(x_m: float, y_m: float = 1.5) -> Way:
    return lambda _: (x_m, y_m)


def until(way: Way, end_s: float, then: Way) -> Way:
    return lambda t: way(t) if t < end_s else then(t)


def play(
    people: Sequence[Way],
    units: dict[str, Way],
    duration_s: float,
    *,
    llr: float = ARMED,
    accuracy_m: float = 2.0,
    delay_s: float = 0.5,
    noise_m: float = 0.0,
    marks: Sequence[Mark] = (),
    level: str | None = LEVEL,
    look: Callable[[Answer], None] | None = None,
) -> Locator:
    """Play people under one camera and units that report once a second, `delay_s` late."""
    rng = np.random.default_rng(0)
    here = Locator(PLAN, ROUTES)
    waiting: list[FriendlyReport] = []
    to_mark = list(marks)
    for t in ticks(0, duration_s):
        places = [(i, way(t)) for i, way in enumerate(people, 1)]
        rows = [(i, *place, llr) for i, place in places if place is not None]
        here.consume(seen("a", t, *rows), StageTimes(t))
        if round(t * 10) % 10 == 0:
            for unit, way in units.items():
                at_m = way(t)
                assert at_m is not None
                x_m, y_m = (np.array(at_m) + rng.normal(0.0, noise_m or 1e-9, 2)).tolist()
                waiting.append(FriendlyReport(unit, level, (x_m, y_m), accuracy_m, t))
        while waiting and waiting[0].at_s + delay_s <= t:
            here.tell(waiting.pop(0))
        while to_mark and to_mark[0].at_s <= t:
            here.tell(to_mark.pop(0))
        if look is not None:
            look(here.answer(t))
    return here


def status(here: Locator, now_s: float) -> dict[str, str]:
    return {s.subject: s.status for s in here.answer(now_s).subjects}


def never_hidden(name: str = "S1") -> Callable[[Answer], None]:
    """A look at each answer: the subject is ranked in all of them."""

    def look(answer: Answer) -> None:
        assert all(s.status == "ranked" for s in answer.subjects if s.subject == name), answer.at_s

    return look


@pytest.mark.parametrize("noise_m", [0.0, 0.8])
@pytest.mark.parametrize("delay_s", [0.0, 0.5, 2.0])
def test_an_officer_who_walks_as_reported_is_a_responder_however_armed(
    delay_s: float, noise_m: float
) -> None:
    here = play([east()], {"Unit 12": east()}, 12.0, delay_s=delay_s, noise_m=noise_m)
    (officer,) = here.answer(12.0).subjects
    assert (officer.status, officer.unit) == ("responder", "Unit 12")
    assert officer.probability < 0.01
    assert officer.armed_probability > 0.9
    assert officer.reasons[0].startswith("is where Unit 12 reports to be, for ")
    assert here.answer(12.0).entrances == ()
    assert here.answer(12.0).text == "Nobody else has been seen: 1 responder."


def test_it_takes_some_seconds() -> None:
    first: list[float] = []

    def look(answer: Answer) -> None:
        if answer.subjects and answer.subjects[0].status == "responder":
            first.append(answer.at_s)

    play([east()], {"Unit 12": east()}, 12.0, look=look)
    assert 5.0 <= first[0] <= 8.0


UNSEEN_OFFICERS = {
    "passes by": (east(1.0, mps=1.5), still(8.0, 2.5)),
    "stands where an officer stands": (still(8.0), still(8.5)),
    "stands behind a wall from an officer": (still(8.0, 2.8), still(8.0, 3.4)),
    "runs four metres ahead of an officer": (east(5.0, mps=2.0), east(1.0, mps=2.0)),
    "walks three metres ahead of an officer": (east(4.0), east(1.0)),
    "meets an officer and walks back with them": (
        until(east(1.0), 6.0, lambda t: (8.2 - 1.2 * (t - 6.0), 1.5)),
        until(lambda t: (15.4 - 1.2 * t, 1.9), 6.0, lambda t: (8.2 - 1.2 * (t - 6.0), 1.9)),
    ),
}


@pytest.mark.parametrize(("intruder", "officer"), UNSEEN_OFFICERS.values(), ids=UNSEEN_OFFICERS)
def test_an_intruder_is_never_taken_for_an_officer_whom_no_camera_sees(
    intruder: Way, officer: Way
) -> None:
    play([intruder], {"Unit 12": officer}, 12.0, look=never_hidden())


def test_an_intruder_who_was_seen_elsewhere_walks_with_an_officer_and_stays_ranked() -> None:
    """Led away, or holding the officer: for half a minute both walk side by side, one unseen."""
    intruder = until(still(20.0), 10.0, lambda t: (20.0 - 0.6 * (t - 10.0), 1.5))
    officer = until(still(8.0), 10.0, lambda t: (20.0 - 0.6 * (t - 10.0), 1.9))
    play([intruder], {"Unit 12": officer}, 35.0, look=never_hidden())


def test_two_who_walk_together_with_one_unit_are_not_told_apart() -> None:
    here = play([east(1.0, 1.0), east(1.0, 2.0)], {"Unit 12": east(1.0, 1.4)}, 12.0,
                look=never_hidden("S1"))  # fmt: skip
    subjects = here.answer(12.0).subjects
    assert [s.status for s in subjects] == ["ranked", "ranked"]
    assert any("may be Unit 12" in s.reasons[0] for s in subjects)
    assert all("Unit 12" in s.plain_reasons[0] for s in subjects if "Unit" in s.reasons[0])


def test_two_officers_abreast_are_both_responders() -> None:
    units = {"Unit 1": east(1.0, 0.8), "Unit 2": east(1.0, 2.2)}
    here = play([east(1.0, 0.8), east(1.0, 2.2)], units, 12.0)
    assert {s.unit for s in here.answer(12.0).subjects} == {"Unit 1", "Unit 2"}
    assert set(status(here, 12.0).values()) == {"responder"}


def test_an_intruder_who_joins_a_known_officer_stays_ranked_and_the_officer_stays_known() -> None:
    officer = until(east(1.0, 1.0), 10.0, lambda t: (13.0 + 0.4 * (t - 10.0), 1.0))
    intruder = until(still(14.0, 2.0), 10.0, lambda t: (14.0 + 0.4 * (t - 10.0), 2.0))

    def look(answer: Answer) -> None:
        armed: dict[str, RankedSubject] = {s.subject: s for s in answer.subjects}
        assert all(s.status == "ranked" for name, s in armed.items() if s.level and name == other)

    other = "S2"
    here = play([officer, intruder], {"Unit 12": officer}, 25.0, look=look)
    assert status(here, 25.0) == {"S2": "ranked", "S1": "responder"}


@pytest.mark.parametrize("kind", ["confirm", "designate"])
@pytest.mark.parametrize("at_s", [4.0, 10.0])
def test_who_was_pointed_out_is_never_hidden_by_a_report(kind: str, at_s: float) -> None:
    mark = Mark(kind, "S1", at_s, 1)  # type: ignore[arg-type]
    here = play([east()], {"Unit 12": east()}, 12.0, marks=[mark])
    (subject,) = here.answer(12.0).subjects
    assert subject.status == "ranked"
    assert any("a person's word goes first" in reason for reason in subject.reasons)
    assert here.answer(12.0).entrances


@pytest.mark.parametrize(("accuracy_m", "status_then"), [(5.0, "ranked"), (30.0, "ranked")])
def test_vague_devices_decide_nothing(accuracy_m: float, status_then: str) -> None:
    here = play([east(mps=0.5)], {"Unit 12": east(mps=0.5)}, 14.0, accuracy_m=accuracy_m)
    assert status(here, 14.0) == {"S1": status_then}


def test_reports_expire() -> None:
    here = play([east()], {"Unit 12": east()}, 10.0)
    assert status(here, 10.0) == {"S1": "responder"}
    assert status(here, 9.0 + EXPIRES_S - 1.0) == {"S1": "responder"}
    assert status(here, 9.0 + EXPIRES_S + 1.0) == {"S1": "ranked"}


def test_a_device_that_goes_another_way_ends_the_match_at_once() -> None:
    person = until(east(), 10.0, still(13.0))
    device = until(east(), 10.0, lambda t: (13.0 - 3.0 * (t - 10.0), 1.5))
    ranked: list[float] = []

    def look(answer: Answer) -> None:
        if answer.at_s > 10.0 and answer.subjects[0].status == "ranked":
            ranked.append(answer.at_s)

    play([person], {"Unit 12": device}, 18.0, accuracy_m=1.0, look=look)
    assert ranked[0] <= 13.7  # 3 m apart after a second, over the gate after two, twice in a row


def walking(name: str, level: str, seconds: float) -> SubjectState:
    """Somebody who has walked east for some seconds, as fusion tells of them."""
    times = np.arange(0.0, seconds, 0.5)
    trail = tuple((1.0 + 1.2 * t, 1.5) for t in times.tolist())
    last = np.array(trail[-1])
    return SubjectState(
        id=name, level=level, xy_m=last, velocity_mps=np.array([1.2, 0.0]),
        cov_m2=np.eye(2) * 0.04, at_s=float(times[-1]), born_s=0.0, seen_at_s=float(times[-1]),
        seen_xy_m=last, anchor_xy_m=last, in_view=True, cameras=("a",), armed_llr=ARMED,
        armed_looks=3, armed_looks_span_s=2.0, armed_tracks=(("a", 1),), trail_m=trail,
        trail_s=tuple(times.tolist()), born_level=level, born_xy_m=np.array(trail[0]),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("several_levels", "reported", "sure"),
    [(False, None, True), (True, None, False), (True, "L1", True), (True, "L2", False)],
)
def test_a_device_that_does_not_know_its_level_decides_nothing_where_there_are_several(
    several_levels: bool, reported: str | None, sure: bool
) -> None:
    units = Friendlies(several_levels=several_levels)
    for t in range(10):
        units.take(FriendlyReport("Unit 12", reported, (1.0 + 1.2 * t, 1.5), 2.0, float(t)))
    units.look([walking("S1", "L1", 11.0)], 10.5, {})
    assert [one.sure for one in units.known(10.5).values()] == [True] * sure


def test_what_speaks_against_a_pair_is_kept_when_a_subject_is_joined_with_an_older_one() -> None:
    units = Friendlies(several_levels=False)
    for t in range(5):
        units.take(FriendlyReport("Unit 12", "L1", (23.0, 1.5), 2.0, float(t)))
    units.look([walking("S2", "L1", 5.0)], 5.0, {})
    for t in range(5, 14):
        units.take(FriendlyReport("Unit 12", "L1", (1.0 + 1.2 * t, 1.5), 2.0, float(t)))
    units.look([walking("S1", "L1", 15.0)], 14.0, {"S2": "S1"})
    assert units.known(14.0) == {}


def test_reports_of_one_unit_out_of_order_or_twice_count_once() -> None:
    units = Friendlies(several_levels=False)
    for _ in range(6):
        units.take(FriendlyReport("Unit 12", "L1", (1.0 + 1.2 * 9, 1.5), 2.0, 9.0))
        units.take(FriendlyReport("Unit 12", "L1", (1.0, 1.5), 2.0, 0.0))
    units.look([walking("S1", "L1", 11.0)], 10.5, {})
    assert units.known(10.5) == {}
