"""Figures of runs that can be scored by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from shapely import box

from api.scoring import score
from api.scoring_latency import CAPTURE_TO_PUBLISHED
from api.scoring_people import poisson_rate
from api.scoring_timeline import timeline_of
from api.truth import Truth
from calibration.answer import SearchArea, SpaceShare
from tests.api.scored_drill import (
    START_S,
    Says,
    answer,
    observation,
    path,
    perfect,
    record,
    seen_boxes,
    site,
    truth,
)

if TYPE_CHECKING:
    from api.run_record import Speed
    from api.scoring_figures import Figures
    from calibration.answer import Answer

SITE = site()


def figures(
    answers: list[Answer], drill: Truth | None = None, speed: Speed = "realtime"
) -> Figures:
    return score(record(answers, speed=speed), SITE, drill or truth()).figures


def moved(answers: list[Answer], t_from_s: float, **changes: Any) -> list[Answer]:
    """`answers` with the top subject changed from a moment on."""
    return [
        replace(a, subjects=(replace(a.subjects[0], **changes), *a.subjects[1:]))
        if a.at_s - START_S >= t_from_s - 1e-6
        else a
        for a in answers
    ]


def test_a_perfect_run_scores_perfectly() -> None:
    f = figures(perfect())
    assert f.position_error_m.median == pytest.approx(0, abs=1e-9)
    assert f.position_error_m.p95 == pytest.approx(0, abs=1e-6)
    assert (f.room_correct, f.room_correct_at_capture, f.level_correct) == (1.0, 1.0, 1.0)
    assert f.entrance_correct == 1.0
    assert f.entrance_regret_m == pytest.approx(0, abs=1e-9)
    assert (f.moda, f.idf1, f.identity_switches) == (1.0, 1.0, 0)
    assert (f.false_armed_alerts, f.armed_alerts) == (0, 1)
    assert f.ce95_coverage == 1.0
    assert f.visible_s == pytest.approx(10.0)
    assert f.time_to_first_position_s == f.time_to_first_correct_room_s == 0.0
    assert f.time_to_first_armed_alert_s == 0.0
    assert set(f.nulls) == {"search_area_coverage", "latency_ms"}


@pytest.mark.parametrize(
    ("armed", "harmless", "error", "shows"),
    [
        (1.0, 0.0, 0.0, "certain and right"),
        (0.75, 0.15, (0.25 + 0.15) / 2, "each claim as far off as it says"),
        (0.45, 0.45, 0.05, "one of two, both at 0.45"),
        (0.0, 1.0, 1.0, "certain and wrong"),
    ],
)
def test_probabilities_of_being_armed_are_held_against_who_was(
    armed: float, harmless: float, error: float, shows: str
) -> None:
    answers = [
        replace(
            a,
            subjects=(
                replace(a.subjects[0], armed_probability=armed),
                *(replace(s, armed_probability=harmless) for s in a.subjects[1:]),
            ),
        )
        for a in perfect()
    ]
    assert figures(answers).armed_calibration_error == pytest.approx(error), shows


@pytest.mark.parametrize(
    ("shift_m", "within_gate"),
    [(0.4, True), (0.6, True), (0.99, True), (1.01, False)],
)
def test_a_shift_is_the_error_and_counts_as_a_miss_beyond_the_gate(
    shift_m: float, within_gate: bool
) -> None:
    f = figures(perfect(shift_m))
    assert f.position_error_m.median == pytest.approx(shift_m)
    assert f.position_error_m.p95 == pytest.approx(shift_m)
    assert f.ce95_coverage == (1.0 if shift_m <= 0.5 else 0.0)
    # all found, or every person missed and every subject a false one: (0 - 2) / 2
    assert f.moda == (1.0 if shift_m < 0.5 else -1.0)
    assert f.idf1 == (1.0 if within_gate else 0.0)
    assert f.false_armed_alerts == (0 if within_gate else 1)
    assert f.time_to_first_position_s == (0.0 if within_gate else None)
    assert f.room_correct == 1.0


def test_a_wrong_room_and_a_wrong_door_count_by_time() -> None:
    # for the last 2 of 10 s it says room A, door 1, while he is in B
    answers = moved(perfect(), 8.0, space="A")
    answers = [
        a if a.at_s - START_S < 8 - 1e-6 else replace(a, entrances=perfect()[0].entrances)
        for a in answers
    ]
    f = figures(answers)
    assert f.room_correct == pytest.approx(0.8)
    assert f.room_correct_at_capture == pytest.approx(0.8)
    assert f.entrance_correct == pytest.approx(0.8)
    # from (8, 2.5) door 1 is 8 m away and door 2 is 2 m: 6 m lost in a fifth of the time
    assert f.entrance_regret_m == pytest.approx(0.2 * 6, abs=0.05)


def test_lateness_counts_at_the_moment_and_not_at_capture() -> None:
    # every answer tells of a sighting 1 s before, so for 1 s after the change it is out of date
    late = []
    for a in perfect():
        t_s = a.at_s - START_S
        late.append(
            answer(
                t_s + 1.0,
                [Says(s.xy_m, s.subject, s.armed_probability, seen_t_s=t_s) for s in a.subjects],
                door=a.entrances[0].door_number,
            )
        )
    f = figures(late)
    assert f.time_to_first_position_s == pytest.approx(1.0)
    assert f.position_error_m.p95 == pytest.approx(0, abs=1e-6)
    assert f.position_error_now_m.p95 == pytest.approx(6.0)
    # 1 s without any answer and 1 s in the wrong room, of 10; the walk between rooms shifts a few
    assert f.room_correct == pytest.approx(0.8, abs=0.02)
    assert f.room_correct_at_capture == pytest.approx(0.9, abs=0.02)


def test_publishing_late_in_real_time_delays_the_answer_but_not_at_full_speed() -> None:
    said = [answer(0.0, [Says((2.0, 2.5))], "1", late_s=2.0)]
    assert figures(said).since_start_s["first_subject"] == pytest.approx(2.0)
    assert figures(said, speed="max").since_start_s["first_subject"] == 0.0


def test_a_moment_without_answer_is_a_wrong_room_but_no_error_in_metres() -> None:
    f = figures([a for a in perfect() if a.at_s - START_S >= 4.0 - 1e-6])
    assert f.room_correct == pytest.approx(0.6)
    assert f.position_error_m.p95 == pytest.approx(0, abs=1e-6)
    assert f.time_to_first_correct_room_s == pytest.approx(4.0)
    assert f.entrance_correct == 1.0  # counted from the first position on


def test_only_visible_moments_count_for_rooms_and_positions() -> None:
    # nothing of him shows in the second half, where the answer is wrong
    drill = truth()
    boxes = seen_boxes({"9": 1.0, "4": 1.0})
    hidden = (boxes.person == "9") & (boxes.frame > 50)
    shown = replace(boxes, visible=np.where(hidden, 0.49, boxes.visible))
    f = figures(
        moved(perfect(), 5.0, xy_m=(2.0, 2.5), space="A"),
        replace(drill, boxes={"cam": shown}),
    )
    assert f.visible_s == pytest.approx(5.0)
    assert f.room_correct == pytest.approx(1.0, abs=0.06)
    assert f.position_error_m.median == pytest.approx(0, abs=1e-9)
    assert f.ce95_coverage == pytest.approx(0.5, abs=0.06)  # speaks of unseen moments too


def test_without_boxes_the_visible_floor_decides() -> None:
    # the camera shows x 0.5..4.5; he passes x = 4.5 after 4.7 s, the 48th moment
    f = figures(perfect(), truth(boxes=False))
    assert f.visible_s == pytest.approx(4.8)


def test_an_identity_that_changes_is_one_switch() -> None:
    f = figures(moved(perfect(), 7.0, subject="S7"))
    assert f.identity_switches == 1
    assert f.moda == 1.0
    # 200 person-moments, of which the 30 of S7 belong to nobody: F1 = 170 / 200
    assert f.idf1 == pytest.approx(170 / 200)


def test_armed_alerts_on_unarmed_people_are_false_once_each() -> None:
    answers = [
        replace(a, subjects=tuple(replace(s, armed_probability=0.95) for s in a.subjects))
        for a in perfect()
    ]
    f = figures(answers)
    assert (f.armed_alerts, f.false_armed_alerts) == (2, 1)
    hours = 10 / 3600
    assert f.camera_hours == pytest.approx(hours)
    assert f.false_armed_alerts_per_camera_hour is not None
    assert f.false_armed_alerts_per_camera_hour.rate == pytest.approx(1 / hours)
    assert (
        figures(moved(perfect(), 0.0, armed_probability=0.89)).time_to_first_armed_alert_s is None
    )


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.39)],  # Garwood 1936, per hour
)
def test_the_interval_of_a_poisson_rate_is_exact(count: int, low: float, high: float) -> None:
    rate = poisson_rate(count, 2.0)
    assert rate.rate == count / 2
    assert rate.low == pytest.approx(low / 2, rel=2e-3)
    assert rate.high == pytest.approx(high / 2, rel=2e-3)


def test_latency_runs_from_capture_to_the_first_answer_that_can_hold_the_frame() -> None:
    frames = [observation(t_s, (0.01, 0.11, 0.12, None)) for t_s in (1.0, 1.1, 1.2)]
    answers = [answer(1.15, [], None, late_s=0.05), answer(1.4, [], None, late_s=0.1)]
    latency = score(record(answers, frames), SITE, None).figures.latency_ms
    assert latency["captured_to_decoded"].p50 == pytest.approx(10, abs=0.01)
    assert latency["decoded_to_detected"].p50 == pytest.approx(100, abs=0.01)
    assert latency["detected_to_placed"].p50 == pytest.approx(10, abs=0.01)
    # placed at 1.12: the answer of 1.15, out at 1.2; placed at 1.22 and 1.32: that of 1.4, at 1.5
    assert latency[CAPTURE_TO_PUBLISHED].p50 == pytest.approx(300, abs=0.01)
    assert latency[CAPTURE_TO_PUBLISHED].p95 == pytest.approx(390, abs=0.01)


def test_full_speed_has_no_latency_to_measure() -> None:
    frames = [observation(1.0, (0.0, 0.11, 0.12, 0.2))]
    f = score(record(perfect(), frames, speed="max"), SITE, truth()).figures
    assert f.latency_ms[CAPTURE_TO_PUBLISHED].p95 is None
    assert f.latency_ms["decoded_to_detected"].p50 == pytest.approx(110, abs=0.01)


def test_without_truth_all_that_needs_it_is_null_and_says_so() -> None:
    f = score(record(perfect(), [observation(0.0)]), SITE, None).figures
    values = f.as_json()
    for key in (
        "time_to_first_position_s",
        "time_to_first_correct_room_s",
        "time_to_first_armed_alert_s",
        "ce95_coverage",
        "room_correct",
        "level_correct",
        "entrance_correct",
        "entrance_regret_m",
        "moda",
        "idf1",
        "identity_switches",
        "false_armed_alerts",
        "armed_calibration_error",
        "search_area_coverage",
    ):
        assert values[key] is None, key
        assert f.nulls[key]
    assert values["position_error_m"] == {"median": None, "p95": None}
    assert f.armed_alerts == 1
    assert f.since_start_s["first_subject"] == 0.0
    assert f.answer.subject == "S1"
    assert f.answer.entrance == "2"


def test_a_truth_without_intruder_still_scores_people_and_alerts() -> None:
    seconds = np.arange(0, 10.01, 0.5).tolist()
    quiet = Truth(
        (path("4", "student", [(t, 1.0, 4.0) for t in seconds]),), {"cam": seen_boxes({"4": 1.0})}
    )
    f = figures(perfect(), quiet)
    assert f.false_armed_alerts == 1
    assert f.moda == 0.0  # one found, one false, of one
    # without an intruder, places and rooms are those of all persons
    assert (f.room_correct, f.position_error_m.median) == (1.0, 0.0)
    assert f.time_to_first_position_s is None
    reason = "there is no intruder in the truth of this drill"
    assert f.nulls["time_to_first_position_s"] == reason


def test_a_subject_that_stands_for_somebody_hidden_is_neither_right_nor_wrong() -> None:
    hidden = replace(truth(), boxes={"cam": seen_boxes({"9": 1.0, "4": 0.2})})
    assert figures(perfect(), hidden).moda == 1.0


def test_who_is_told_of_outside_the_area_of_the_truth_is_not_scored() -> None:
    west_half = Truth((truth().people[0],), {"cam": seen_boxes({"9": 1.0})}, area=box(0, 0, 5, 2))
    # the subject at (1, 4) stands for nobody whom this truth knows, and outside its area
    assert figures(perfect(), west_half).moda == 1.0
    assert figures(perfect(), replace(west_half, area=None)).moda == 0.0


def search(space: str, *, in_area95: bool) -> SearchArea:
    share = SpaceShare(space, space, "L1", 0.9, in_area95)
    return SearchArea(0.0, (share,), (), 0.0, 1.0, 2.0)


@pytest.mark.parametrize(
    ("area", "held", "what"),
    [
        (None, 0.0, "no area: where it was last seen, which is the wrong room"),
        (search("A", in_area95=True), 0.0, "an area that does not reach into his room"),
        (search("B", in_area95=True), 1.0, "one that does"),
        (search("B", in_area95=False), 0.0, "a room outside the 95 % area"),
    ],
)
def test_who_is_out_of_view_is_within_the_search_area(
    area: SearchArea | None, held: float, what: str
) -> None:
    boxes = seen_boxes({"9": 1.0, "4": 1.0})
    hidden = (boxes.person == "9") & (boxes.frame > 55)
    shown = {"cam": replace(boxes, visible=np.where(hidden, 0.0, boxes.visible))}
    lost = moved(perfect(), 5.5, xy_m=(2.0, 2.5), space="A", visibility="out of view", search=area)
    f = figures(lost, replace(truth(), boxes=shown))
    assert f.search_area_coverage == held, what
    assert f.people.unseen_s == pytest.approx(4.4, abs=0.11)


@pytest.mark.parametrize(("pause_s", "rate"), [(0.05, 10.0), (0.5, 2.0), (0.25, 4.0)])
def test_a_run_at_full_speed_is_compared_when_the_truth_was_written(
    pause_s: float, rate: float
) -> None:
    moments = np.arange(0, 10.01, pause_s).tolist()
    sparse = Truth((path("4", "student", [(t, 1.0, 4.0) for t in moments]),))
    fast = timeline_of(record(perfect(), speed="max"), sparse)
    assert len(fast.t_s) == 10 * rate
    assert len(timeline_of(record(perfect()), sparse).t_s) == 100


def test_a_run_that_published_nothing_is_all_wrong_not_an_error() -> None:
    f = figures([])
    assert (f.room_correct, f.level_correct, f.moda) == (0.0, 0.0, 0.0)
    assert f.position_error_m.median is None
    assert f.nulls["position_error_m"] == "no subject was ranked while the intruder was visible"
    assert f.answer.text == "No answer was published."


def test_the_keys_of_the_report_are_all_there() -> None:
    values = score(record(perfect()), SITE, truth()).figures.as_json()
    promised = {
        "drill",
        "exercise",
        "machine",
        "versions",
        "duration_s",
        "answer",
        "time_to_first_position_s",
        "time_to_first_correct_room_s",
        "time_to_first_armed_alert_s",
        "position_error_m",
        "ce95_coverage",
        "room_correct",
        "level_correct",
        "entrance_correct",
        "entrance_regret_m",
        "search_area_coverage",
        "moda",
        "idf1",
        "identity_switches",
        "false_armed_alerts",
        "camera_hours",
        "latency_ms",
        "frames",
    }
    assert promised <= set(values)
    assert {"subject", "space", "level", "xy_m", "age_s", "ce95_m", "entrance", "text"} <= set(
        values["answer"]
    )
    assert values["frames"] == {"cam": {"in": 100, "used": 90, "dropped": 10}}
    assert set(values["latency_ms"][CAPTURE_TO_PUBLISHED]) == {"p50", "p95", "p99"}
