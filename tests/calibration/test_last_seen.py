from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from calibration.answer import EntranceOption
from calibration.last_seen import ARMED_PRIOR, LEAVES_MPS, ce95_m, rank_subjects
from calibration.mark_words import spoken_duration
from calibration.subject import SubjectState
from calibration.wording import answer_text, compass_point

from .corridor import LEVEL, corridor_plan

PLAN = corridor_plan()
NOW_S = 100.0


def state(
    name: str = "S1",
    *,
    at_m: tuple[float, float] = (5.0, 1.5),
    seen_m: tuple[float, float] | None = None,
    llr: float = 0.0,
    age_s: float = 0.0,
    in_view: bool = True,
    looks: int = 0,
    velocity_mps: tuple[float, float] = (0.0, 0.0),
) -> SubjectState:
    return SubjectState(
        id=name,
        level=LEVEL,
        xy_m=np.array(at_m, np.float64),
        velocity_mps=np.array(velocity_mps),
        cov_m2=np.diag([0.04, 0.04]),
        at_s=NOW_S if in_view else NOW_S - age_s,
        born_s=NOW_S - 50 + int(name[1:]),
        seen_at_s=NOW_S - age_s,
        seen_xy_m=np.array(seen_m or at_m, np.float64),
        anchor_xy_m=np.array(seen_m or at_m, np.float64),
        in_view=in_view,
        cameras=("cam-01", "cam-02"),
        armed_llr=llr,
        armed_looks=looks,
        armed_looks_span_s=6.0,
        armed_tracks=(("cam-01", 1),) if looks else (),
        trail_m=((1.0, 1.0), at_m),
        trail_s=(NOW_S - age_s - 1.0, NOW_S - age_s),
        born_level=LEVEL,
        born_xy_m=np.array(at_m, np.float64),
    )


def ranking(*states: SubjectState) -> list[str]:
    return [subject.subject for subject in rank_subjects(states, PLAN, NOW_S)]


@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.35, 0.7, 1.0])
def test_ce95_holds_95_percent(ratio: float) -> None:
    rng = np.random.default_rng(0)
    angle = 0.6
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    half = turn @ np.diag([2.0, 2.0 * ratio])
    radius_m = ce95_m((half @ half.T)[None])[0]
    drawn_m = rng.normal(size=(200_000, 2)) @ half.T
    assert np.mean(np.hypot(*drawn_m.T) <= radius_m) == pytest.approx(0.95, abs=0.002)


def test_ranks_by_armed_evidence_before_all_else() -> None:
    hidden = state("S2", llr=5.0, age_s=30, in_view=False)
    assert ranking(state("S1"), hidden, state("S3", llr=1.0)) == ["S2", "S3", "S1"]


def test_equals_are_ranked_in_view_then_latest_then_oldest() -> None:
    subjects = [
        state("S1", age_s=9, in_view=False),
        state("S2", age_s=3, in_view=False),
        state("S3", age_s=0.3),
        state("S4", age_s=0.1, llr=0.01),
    ]
    assert ranking(*subjects) == ["S3", "S4", "S2", "S1"]


def test_without_evidence_every_probability_is_low() -> None:
    ranked = rank_subjects([state(f"S{i}") for i in range(1, 4)], PLAN, NOW_S)
    assert all(subject.probability == pytest.approx(ARMED_PRIOR) for subject in ranked)


def test_in_a_crowd_the_prior_is_one_intruder_among_all() -> None:
    crowd = [state(f"S{i}", llr=5.0 * (i == 1)) for i in range(1, 101)]
    first = rank_subjects(crowd, PLAN, NOW_S)[0]
    assert first.probability == pytest.approx(np.exp(5) / (np.exp(5) + 99), abs=1e-6)
    assert first.armed_probability > first.probability


def test_two_armed_people_are_both_likely() -> None:
    ranked = rank_subjects([state("S1", llr=6), state("S2", llr=7)], PLAN, NOW_S)
    assert [s.subject for s in ranked] == ["S2", "S1"]
    assert all(s.probability > 0.9 for s in ranked)


def test_in_view_the_circle_is_the_filters_and_out_of_view_it_grows_at_walking_pace() -> None:
    (seen,) = rank_subjects([state(age_s=0.4)], PLAN, NOW_S)
    (lost,) = rank_subjects([state(age_s=10.0, in_view=False)], PLAN, NOW_S)
    assert seen.ce95_m == pytest.approx(0.2 * 2.4477, abs=1e-3)
    assert lost.ce95_m == pytest.approx(seen.ce95_m + 10 * LEAVES_MPS)
    assert ce95_m(np.array([lost.cov_m2]))[0] == pytest.approx(lost.ce95_m)


@pytest.mark.parametrize(
    ("at_m", "space"),
    [((5, 1.5), "corridor"), ((5, 6), "room-a"), ((5, -0.4), "corridor"), ((5, -4), None)],
)
def test_space(at_m: tuple[float, float], space: str | None) -> None:
    (ranked,) = rank_subjects([state(at_m=at_m)], PLAN, NOW_S)
    assert ranked.space == space


@pytest.mark.parametrize(
    ("seen_m", "predicted_m", "space", "what"),
    [
        ((11.8, 5.0), (12.3, 5.0), "room-a", "not through the wall"),
        ((5.5, 2.8), (5.5, 3.3), "room-a", "through the door"),
    ],
)
def test_the_space_is_that_of_now_and_the_place_that_of_the_sighting(
    seen_m: tuple[float, float], predicted_m: tuple[float, float], space: str, what: str
) -> None:
    (ranked,) = rank_subjects([state(at_m=predicted_m, seen_m=seen_m, age_s=0.4)], PLAN, NOW_S)
    assert ranked.xy_m == seen_m
    assert ranked.space == space, what


def test_the_circle_around_the_sighting_covers_the_way_walked_since() -> None:
    (still,) = rank_subjects([state(at_m=(5.0, 1.5), age_s=0.4)], PLAN, NOW_S)
    (moving,) = rank_subjects([state(at_m=(5.5, 1.5), seen_m=(5.0, 1.5), age_s=0.4)], PLAN, NOW_S)
    assert moving.ce95_m == pytest.approx(still.ce95_m + 0.5)
    assert moving.cov_m2[0][0] == pytest.approx(still.cov_m2[0][0] + 0.25)
    assert moving.cov_m2[1][1] == pytest.approx(still.cov_m2[1][1])


def test_reasons_in_words() -> None:
    names = {"cam-01": "Lobby"}
    armed = state(llr=4.0, looks=14, age_s=8.0, in_view=False)
    (ranked,) = rank_subjects([armed], PLAN, NOW_S, names)
    assert ranked.reasons == (
        "carries what looks like a weapon: 14 looks over 6 s, strongest at Lobby",
        "last seen by Lobby and cam-02",
        "out of view for 8 s",
    )
    (ranked,) = rank_subjects([state()], PLAN, NOW_S, names)
    assert ranked.reasons == ("no weapon seen in hand", "seen by Lobby and cam-02")


def test_nobody() -> None:
    assert rank_subjects([], PLAN, NOW_S) == ()
    assert answer_text([], None, [], 90.0) == "Nobody has been seen yet."


def door(number: str = "4", *, usable: bool = True, walk_m: float | None = 18.2) -> EntranceOption:
    return EntranceOption(number, "North", usable, walk_m, 11.0, (), (), "")


ARMED = state(llr=6.0, looks=3, velocity_mps=(0.0, 1.2))
LOST = state("S2", llr=6.0, looks=3, age_s=3.2, in_view=False, velocity_mps=(0.0, 1.2))


@pytest.mark.parametrize(
    ("states", "doors", "text"),
    [
        ([ARMED], [door()],
         "In view now in Corridor (±0.5 m), moving north; closest: Door 4, 18 m on foot."),
        ([LOST], [door()],
         "Last seen 3 s ago in Corridor (±6.9 m), moving north; closest: Door 4, 18 m on foot."),
        ([LOST, ARMED], [door()],
         ("2 people may be armed; most likely: in view now in Corridor (±0.5 m), moving north; "
          "closest: Door 4, 18 m on foot.")),
        ([state(), state("S2")], [door("1", usable=False), door("2", walk_m=None), door("3")],
         ("No armed person seen yet; 2 people in view. First: S1, in Corridor (±0.5 m); "
          "closest: Door 3, 18 m on foot.")),
        ([state(age_s=65, in_view=False)], [],
         ("No armed person seen yet; nobody in view. First: S1, last seen 1 min 5 s ago in "
          "Corridor (±130 m); no entrance is known.")),
        ([dataclasses.replace(ARMED, velocity_mps=np.zeros(2))], [door("")],
         "In view now in Corridor (±0.5 m); closest: North, 18 m on foot."),
    ],
)  # fmt: skip
def test_text(states: list[SubjectState], doors: list[EntranceOption], text: str) -> None:
    ranked = rank_subjects(states, PLAN, NOW_S)
    first = next(s for s in states if s.id == ranked[0].subject)
    assert answer_text(ranked, first, doors, 90.0) == text


@pytest.mark.parametrize(
    ("velocity_mps", "bearing_deg", "point"),
    [
        ((0, 1), 90, "north"),
        ((1, 0), 90, "east"),
        ((-1, -1), 90, "south-west"),
        ((1, 0), 0, "north"),
        ((0, 1), 78, "north"),
        ((0, 1), 45, "north-west"),
        ((0.05, -1), 90, "south"),
    ],
)
def test_compass(velocity_mps: tuple[float, float], bearing_deg: float, point: str) -> None:
    assert compass_point(velocity_mps, bearing_deg) == point


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "0 s"), (59.4, "59 s"), (60, "1 min"), (125, "2 min 5 s"), (3780, "1 h 3 min")],
)
def test_durations(seconds: float, said: str) -> None:
    assert spoken_duration(seconds) == said
