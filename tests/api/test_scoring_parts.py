"""What lies behind the figures: faults one by one, cameras, latencies, moments."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from api.run_record import Observation
from api.scoring import score
from api.scoring_cameras import outages_of
from api.scoring_latency import histogram_edges_ms, histograms
from tests.api.scored_drill import (
    DURATION_S,
    START_S,
    Says,
    answer,
    observation,
    perfect,
    record,
    site,
    truth,
)

if TYPE_CHECKING:
    from calibration.answer import Answer


def test_faults_one_by_one_add_up_to_the_figures() -> None:
    answers = []
    for t_s in np.arange(0, 4.4, 0.1).tolist():
        said = [Says((2.0, 2.5), subject="S1" if t_s < 2 else "S7")]
        if 1.0 <= t_s < 1.5:
            said.append(Says((4.0, 0.5), subject="S9", armed=0.0))
        answers.append(answer(t_s, said, door="1"))
    figures = score(record(answers, duration_s=4.4), site(), truth()).figures
    assert figures.switches is not None
    assert [(s.person, s.before, s.after) for s in figures.switches] == [("9", "S1", "S7")]
    assert len(figures.switches) == figures.identity_switches
    assert figures.false_positions is not None
    [nobody] = figures.false_positions
    assert (nobody.subject, nobody.t_s) == ("S9", 1.0)
    assert nobody.until_t_s == pytest.approx(1.5)
    assert nobody.nearest_m == pytest.approx(np.hypot(2.0, 2.0))
    people = figures.timeline["people"]
    visible, missed, false = (sum(people[key]) for key in ("visible", "missed", "false"))
    assert figures.moda == pytest.approx(1 - (missed + false) / visible)


def test_moments_add_up_to_the_figures() -> None:
    answers = [a for a in perfect(0.25) if not 2.0 <= a.at_s - START_S < 3.0]
    figures = score(record(answers), site(), truth()).figures
    told = figures.timeline["truth"]
    for key, figure in (
        ("room_right", figures.room_correct),
        ("level_right", figures.level_correct),
        ("door_right", figures.entrance_correct),
        ("radius_holds", figures.ce95_coverage),
    ):
        flags = [flag for flag in told[key] if flag is not None]
        assert np.mean(flags) == pytest.approx(figure), key
    errors_m = [error for error in told["error_m"] if error is not None]
    assert np.median(errors_m) == pytest.approx(figures.position_error_m.median, abs=0.005)
    assert figures.timeline["moments"] == round(DURATION_S / figures.timeline["step_s"])
    assert figures.timeline["spaces"] == {"A": "Room A", "B": "Room B"}


def test_without_truth_there_is_a_timeline_of_what_was_said() -> None:
    figures = score(record(perfect()), site(), None).figures
    assert "truth" not in figures.timeline
    assert "people" not in figures.timeline
    assert figures.timeline["door"][0] == [0, "1"]
    assert figures.false_positions is None
    assert figures.nulls["switches"] == "the drill has no truth.csv"
    assert [alarm.false for alarm in figures.alarms] == [None]


def test_an_alert_that_is_right_first_and_wrong_later_is_shown_where_it_is_wrong() -> None:
    answers: list[Answer] = [
        answer(1.0, [Says((2.0, 2.5))], door="1"),
        answer(3.0, [Says((1.0, 4.0))], door="1"),
    ]
    [alarm] = score(record(answers), site(), truth()).figures.alarms
    assert (alarm.false, alarm.t_s, alarm.until_t_s) == (True, 3.0, 3.0)
    assert alarm.really is not None
    assert alarm.really.person == "4"


@pytest.mark.parametrize(
    ("captured_t_s", "blind", "expected", "why"),
    [
        (np.arange(0, 10, 0.1), (), [], "a camera that gives ten frames a second is never out"),
        ((), (), [(0.0, 10.0)], "without a frame it is out from the start to the end"),
        (np.arange(0, 4, 0.1), (), [(3.9, 10.0)], "what broke stays out"),
        ([*np.arange(0, 2, 0.1), *np.arange(5, 10, 0.1)], (), [(1.9, 5.0)], "a gap in the middle"),
        (np.arange(0, 10, 0.8), (), [], "a slow camera is not out between its frames"),
        (np.arange(0, 10, 0.1), (40, 60), [(4.0, 6.0)], "covered for two seconds"),
    ],
)
def test_outages(
    captured_t_s: list[float],
    blind: tuple[int, int] | tuple[()],
    expected: list[tuple[float, float]],
    why: str,
) -> None:
    frames = [observation(float(t_s)) for t_s in captured_t_s]
    for index in range(*blind) if blind else ():
        one = frames[index]
        frames[index] = Observation(replace(one.positions, tells_absence=False), one.times)
    found = outages_of(frames, START_S, DURATION_S)
    got = [(outage.from_t_s, outage.until_t_s) for outage in found]
    assert np.allclose(got, expected, atol=1e-6), why
    assert len(got) == len(expected), why


def test_histograms_count_every_frame_whatever_it_took() -> None:
    edges_ms = histogram_edges_ms()
    assert (edges_ms[0], edges_ms[-1], len(edges_ms)) == (0.1, 100_000.0, 121)
    counts = histograms({"a": np.array([0.0, 0.05, 1.0, 150.0, 1e9]), "b": np.zeros(0)})
    assert list(counts) == ["a"]
    assert sum(counts["a"]) == 5
    assert (counts["a"][0], counts["a"][-1]) == (2, 1)
    assert counts["a"][20] == 1, "1 ms begins the second decade"
