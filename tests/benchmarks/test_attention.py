"""Who chooses the frames: the world that is played, the figures, and a tiny play of all of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks.attention import Setting, cue_rates, in_words, measure
from benchmarks.attention_drawing import draw
from benchmarks.attention_figures import figures_of, summed_up
from benchmarks.attention_loop import at_key_frames
from benchmarks.attention_world import FPS, onsets
from benchmarks.stir_rates import Counted
from vision.stir import QUIET_S

CUE: dict[str, dict[str, Any]] = {
    "drills": {"noticed_share": 0.9, "peopled_moving_share": 0.4},
    "all": {"false_onsets_an_hour_at_most": 40.0},
}


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    setting = Setting(
        cameras=40,
        levels=1,
        people=2,
        duration_s=10.0,
        seeds=2,
        capacities_fps=(15.0,),
        batch=2,
        parts_seeds=1,
    )
    return measure(setting, cue=CUE)


def test_a_play_has_all_figures_and_no_camera_waits_longer_than_the_bound(
    figures: dict[str, Any],
) -> None:
    [row] = figures["capacities"]
    assert row["offered_fps"] == 400.0
    assert 0 < row["staleness_most_of_all_plays_s"] <= row["bound_s"]
    for policy in ("round_robin", "attention", "oracle"):
        assert row[policy]["first_found_s"]["plays"] == 2
        assert row[policy]["staleness_most_s"]["median"] > 0
    assert set(figures["parts"]) == {"seldom_cue", "no_cue", "no_rates"}
    assert figures["cue_assumed"]["noticed_share"] == 0.9
    assert any("bound" in line for line in in_words(figures))


def test_the_drawing_is_an_svg_and_always_the_same(figures: dict[str, Any]) -> None:
    drawn = draw(figures)
    assert b"<svg" in drawn
    assert b"frames detected a second" in drawn
    assert drawn == draw(figures)


def test_an_onset_is_the_first_motion_after_quiet() -> None:
    moving = np.zeros((60, 2), np.bool_)
    moving[[5, 6, 8, 40], 0] = True
    said = onsets(moving)
    assert np.flatnonzero(said[:, 0] == 2).tolist() == [5, 40]
    assert np.flatnonzero(said[:, 0] == 1).tolist() == [6, 8]
    assert not said[:, 1].any()
    assert QUIET_S * FPS < 32


def world_and_play() -> tuple[Any, Any]:
    """Two cameras; the gunman is before the first for 2 s, then before the second for 2 s."""
    finds = np.zeros((50, 1, 2), np.float16)
    finds[10:30, 0, 0] = finds[30:50, 0, 1] = 0.9
    world = SimpleNamespace(
        at_s=np.arange(50) / FPS, phase_s=np.zeros(2), finds=finds, enters_s=0.0
    )
    looks = [  # camera, captured, found
        (0, 0.5, False),
        (0, 1.5, True),
        (0, 2.0, True),
        (1, 3.4, True),
        (1, 4.8, True),
    ]
    captured_s = np.array([look[1] for look in looks])
    played = SimpleNamespace(
        camera=np.array([look[0] for look in looks]),
        captured_s=captured_s,
        taken_s=captured_s,
        done_s=captured_s + 0.1,
        found=np.array([look[2] for look in looks]),
        placed=np.array([False, False, True, False, False]),
        answer_s=np.array([1.0, 2.0]),
        right=np.array([False, True]),
    )
    return world, played


def test_figures_of_a_play() -> None:
    told = figures_of(*world_and_play())
    assert told["first_found_s"] == pytest.approx(1.6)
    assert told["first_placed_s"] == pytest.approx(2.1)
    assert told["hand_overs"] == 2
    assert told["hand_over_median_s"] == pytest.approx((0.6 + 0.5) / 2)
    assert told["hand_overs_reached"] == 1.0
    # Seen at 1.5 to 2.5, 3.4 to 3.9 and from 4.8: 11 + 6 + 2 of the 40 frames that show them.
    assert told["seen_within_half_a_second"] == pytest.approx(19 / 40, abs=0.051)
    assert told["longest_gap_s"] == pytest.approx(1.5)
    assert told["first_subject_right"] == 0.5
    assert told["staleness_most_s"] == pytest.approx(3.4)


def test_what_never_came_is_the_worst_in_the_median() -> None:
    rows: list[dict[str, float | None]] = [
        {"first_found_s": one, "hand_over_median_s": other}
        for one, other in ((1.0, 0.5), (None, None), (None, 0.7))
    ]
    told = summed_up(rows)
    assert told["first_found_s"]["median"] is None
    assert told["first_found_s"]["never"] == 2
    assert told["hand_over_median_s"]["plays"] == 2


def test_the_cue_is_counted_by_who_is_there() -> None:
    counted = Counted()
    at_s = np.arange(100) / 10.0
    near = (at_s >= 5.0) & (at_s < 8.0)
    cue = ["still"] * 100
    cue[10] = "stirs"  # nobody there
    cue[51], cue[52] = "stirs", "moves"
    counted.add(at_s, cue, near, [5.0])
    told = counted.figures()
    assert told["noticed_share"] == told["quiet_noticed_share"] == 1.0
    assert told["delay_s_median"] == pytest.approx(0.1)
    assert told["false_onsets"] == 1
    assert told["empty_s"] == pytest.approx(3.6 + 0.5, abs=0.21)
    assert told["peopled_moving_share"] == pytest.approx(2 / 30, abs=0.01)
    # One in four seconds: at most 4.74 at 95 %.
    assert told["false_onsets_an_hour_at_most"] == pytest.approx(4.744 / 4.0 * 3600, rel=0.05)


def test_the_cue_errs_in_the_plays_as_it_was_measured() -> None:
    rates = cue_rates(CUE)
    assert (rates.noticed, rates.onsets_an_hour, rates.standing_moves) == (0.9, 40.0, 0.4)


def test_at_key_frames_the_cue_comes_late_or_not_at_all() -> None:
    said = np.zeros((60, 2), np.uint8)
    said[5, 0], said[6:30, 0] = 2, 1  # still moves at the next key frame, 20
    said[21, 1], said[22:30, 1] = 2, 1  # is over at the next one, 30
    seldom = at_key_frames(said)
    assert [(int(at), int(seldom[at, 0])) for at in np.flatnonzero(seldom[:, 0])] == [(20, 2)]
    assert not seldom[:, 1].any()
