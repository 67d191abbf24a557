from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from calibration.camera import CameraModel, Pose
from calibration.camera_loading import Camera
from calibration.camera_views import CameraViews
from calibration.duplicates import SAME_PLACE_S
from calibration.frame_times import UNSEEN_S
from calibration.fusion import FORGET_BRIEF_S, FORGET_S, Fusion
from calibration.last_seen import ce95_m
from calibration.projection import to_floor_positions
from calibration.search import SearchMaps
from calibration.stakes import Stakes
from calibration.subject import STRONGEST_LLR, WEAKEST_LLR
from calibration.synthetic import Imperfection, Scene, Walker

from .corridor import (
    LEVEL,
    by_id,
    corridor_plan,
    east_camera,
    seen,
    side_camera,
    ticks,
    walk,
    west_camera,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from calibration.positions import FloorPositions

PLAN = corridor_plan()


def fused(frames: Sequence[FloorPositions]) -> Fusion:
    fusion = Fusion()
    for frame in frames:
        fusion.update(frame)
    return fusion


def projected(scene: Scene, duration_s: float) -> list[FloorPositions]:
    """The scene's frames on the floor."""
    return [
        to_floor_positions(frame, scene.cameras[frame.camera], frame.camera, LEVEL, PLAN)
        for frame in scene.frames(duration_s)
    ]


@pytest.mark.parametrize(
    ("times_s", "confirmed", "what"),
    [
        ([0.0], 0, "one sighting is nothing"),
        ([0.0, 0.1], 0, "two in a tenth of a second are a flicker"),
        ([0.0, 0.1, 0.2], 1, "three are somebody"),
        ([0.0, 0.5], 1, "two of a slow camera are somebody"),
        ([0.0, 0.1, 5.0, 5.1], 0, "flickers seconds apart do not add up"),
    ],
)
def test_birth(times_s: list[float], confirmed: int, what: str) -> None:
    frames = [
        seen("cam", t, *([(round(t), 5.0, 1.0)] if t in times_s else []))
        for t in sorted({*times_s, *ticks(0.0, times_s[-1], 0.1)})
    ]
    slow = len(times_s) == 2 and times_s[1] == 0.5
    if slow:
        frames = [frame for frame in frames if len(frame)]
    assert len(fused(frames).subjects(times_s[-1])) == confirmed, what


def test_two_cameras_one_person_one_subject() -> None:
    fusion = Fusion()
    for t in ticks(0, 3):
        fusion.update(seen("a", t, (1, 5 + t, 1.0)))
        fusion.update(seen("b", t + 0.03, (7, 5.1 + t, 1.1)))
    (subject,) = fusion.subjects(3.0)
    assert subject.cameras == ("a", "b")


def test_two_people_side_by_side_in_one_camera_are_two() -> None:
    fusion = Fusion()
    for t in ticks(0, 5):
        fusion.update(seen("a", t, (1, 5 + t, 1.0), (2, 5 + t, 1.3)))
        fusion.update(seen("b", t + 0.05, (4, 5 + t, 1.3), (9, 5 + t, 1.0)))
    subjects = fusion.subjects(5.0)
    assert len(subjects) == 2
    assert {s.cameras for s in subjects} == {("a", "b")}


def test_crossing_people_keep_their_ids() -> None:
    fusion = Fusion()
    for t in ticks(0, 8):
        # Both cameras lose one of the two while they pass each other.
        rows = [(1, 4 + 1.2 * t, 1.2), (2, 14 - 1.2 * t, 1.8)]
        passing = abs(rows[0][1] - rows[1][1]) < 0.8
        fusion.update(seen("a", t, *(rows[:1] if passing else rows)))
    subjects = by_id(fusion.subjects(8.0))
    assert subjects["S1"].xy_m[0] == pytest.approx(13.6, abs=0.4)
    assert subjects["S2"].xy_m[0] == pytest.approx(4.4, abs=0.4)
    assert len(subjects) == 2


def test_a_tracker_that_swaps_two_people_does_not_swap_the_subjects() -> None:
    fusion = Fusion()
    for t in ticks(0, 4):
        left, right = (1, 2) if t < 2 else (2, 1)
        fusion.update(seen("a", t, (left, 4.0, 1.0), (right, 8.0, 1.0)))
    subjects = by_id(fusion.subjects(4.0))
    assert subjects["S1"].seen_xy_m[0] == pytest.approx(4.0, abs=0.1)
    assert subjects["S2"].seen_xy_m[0] == pytest.approx(8.0, abs=0.1)
    assert len(subjects) == 2


def test_false_boxes_do_not_become_subjects() -> None:
    scene = Scene(
        {"w": west_camera(), "e": east_camera()},
        [Walker("p", ((4.0, 1.5), (20.0, 1.5)))],
        plan=PLAN,
        errors=Imperfection(false_rate=0.1, false_frames=2),
        seed=3,
    )
    frames = projected(scene, 10.0)
    assert len({(f.camera, int(i)) for f in frames for i in f.track_id}) > 12
    assert len(fused(frames).subjects(10.0)) == 1


def test_somebody_who_runs_and_turns_stays_one_subject() -> None:
    scene = Scene(
        {"w": west_camera(), "e": east_camera()},
        [Walker("p", ((4.0, 1.0), (16.0, 1.0), (16.0, 2.5), (6.0, 2.0)), speed_mps=4.5)],
        plan=PLAN,
    )
    (subject,) = fused(projected(scene, 5.0)).subjects(5.0)
    assert np.linalg.norm(subject.seen_xy_m - scene.truth_m(subject.seen_at_s)["p"]) < 0.8


def test_one_wild_observation_does_not_move_a_known_track() -> None:
    fusion = Fusion()
    for t in ticks(0, 2):
        x = 12.0 if t == 1.5 else 5.0
        fusion.update(seen("a", t, (1, x, 1.0)))
    (subject,) = fusion.subjects(2.0)
    assert subject.seen_xy_m[0] == pytest.approx(5.0, abs=0.05)


def test_a_track_that_stays_elsewhere_becomes_somebody_else() -> None:
    fusion = Fusion()
    walk(fusion, "a", 1, start_s=0, stop_s=2, at_m=(5, 1))
    walk(fusion, "a", 1, start_s=2, stop_s=4, at_m=(15, 1))
    subjects = by_id(fusion.subjects(4.0))
    assert subjects["S1"].seen_xy_m[0] == pytest.approx(5.0, abs=0.05)
    assert not subjects["S1"].in_view
    assert subjects["S2"].in_view


def test_a_misplaced_subject_moves_to_its_track_and_keeps_its_evidence() -> None:
    fusion = Fusion()
    # In the doorway the feet are hidden and the foot point is two metres off.
    walk(fusion, "a", 1, start_s=0, stop_s=2, at_m=(5, 3), llr=4.5)
    walk(fusion, "a", 1, start_s=2, stop_s=4, at_m=(5, 1), llr=4.5)
    (subject,) = fusion.subjects(4.0)
    assert subject.seen_xy_m.tolist() == pytest.approx([5.0, 1.0], abs=0.1)
    assert subject.armed_llr == pytest.approx(4.5)


def test_a_subject_that_another_camera_sees_is_not_moved_by_one_track() -> None:
    fusion = Fusion()
    for t in ticks(0, 4):
        fusion.update(seen("a", t, (1, 5.0, 3.0 if t < 2 else 1.0)))
        fusion.update(seen("b", t + 0.02, (9, 5.0, 3.0)))
    places = sorted(s.seen_xy_m[1] for s in fusion.subjects(4.0) if s.in_view)
    assert places == pytest.approx([1.0, 3.0], abs=0.1)


def test_an_armed_one_whom_a_second_camera_sees_is_not_an_old_one_come_back() -> None:
    fusion = Fusion()
    # Somebody called armed long ago and far away, by mistake.
    walk(fusion, "c", 1, start_s=0, stop_s=1, at_m=(2, 1), llr=3.0)
    walk(fusion, "a", 1, start_s=1, stop_s=21, at_m=(18, 1), llr=5.0)
    for t in ticks(21, 21.6):
        # The second camera sees the same body, a metre beside.
        fusion.update(seen("a", t, (1, 18.0, 1.0, 5.0)))
        fusion.update(seen("b", t + 0.02, (4, 18.7, 1.4, 4.0)))
    for t in ticks(21.6, 25):
        fusion.update(seen("a", t))
        fusion.update(seen("b", t + 0.02, (4, 18.7, 1.4, 4.0)))
    states = by_id(fusion.subjects(25.0))
    assert states["S2"].in_view
    assert not states["S1"].in_view
    assert states["S1"].seen_xy_m[0] == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
    ("step_s", "later_s", "in_view"),
    [(0.1, UNSEEN_S - 0.1, True), (0.1, UNSEEN_S + 0.2, False), (0.5, 1.0, True)],
)
def test_out_of_view(step_s: float, later_s: float, in_view: bool) -> None:
    fusion = Fusion()
    for t in ticks(0, 5, step_s):
        fusion.update(seen("a", t, (1, 5.0, 1.0)))
    last_s = ticks(0, 5, step_s)[-1]
    for t in ticks(last_s + step_s, last_s + later_s + step_s / 2, step_s):
        fusion.update(seen("a", t))
    (subject,) = fusion.subjects(last_s + later_s)
    assert subject.in_view is in_view
    assert subject.seen_at_s == last_s


def test_a_camera_that_dies_leaves_its_subject_out_of_view() -> None:
    fusion = Fusion()
    walk(fusion, "a", 1, start_s=0, stop_s=2, at_m=(5, 1))
    assert fusion.subjects(2.2)[0].in_view
    assert not fusion.subjects(6.0)[0].in_view


def test_a_track_back_from_a_gap_keeps_its_subject_if_it_can_have_run_there() -> None:
    near, far = Fusion(), Fusion()
    for fusion, x in ((near, 9.0), (far, 22.0)):
        walk(fusion, "a", 1, start_s=0, stop_s=2, at_m=(5, 1))
        walk(fusion, "b", 5, start_s=2, stop_s=4, at_m=(1, 8))
        walk(fusion, "a", 1, start_s=4, stop_s=5, at_m=(x, 1))
    assert len(near.subjects(5.0)) == 2
    assert len(far.subjects(5.0)) == 3


def test_an_armed_subject_reappears_after_a_blind_walk() -> None:
    fusion = Fusion()
    walk(fusion, "a", 1, start_s=0, stop_s=4, at_m=(2, 1), velocity_mps=(1.2, 0), llr=5.0)
    for t in ticks(4, 14):
        fusion.update(seen("a", t))
    walk(fusion, "b", 1, start_s=14, stop_s=15, at_m=(14, 6))
    assert set(by_id(fusion.subjects(15.0))) == {"S1", "S2"}
    walk(fusion, "b", 1, start_s=15, stop_s=16, at_m=(14, 6), llr=4.0)
    (subject,) = fusion.subjects(16.0)
    assert subject.id == "S1"
    assert subject.in_view
    assert subject.seen_xy_m.tolist() == pytest.approx([14.0, 6.0], abs=0.1)


def test_a_bystander_near_the_gap_does_not_inherit() -> None:
    fusion = Fusion()
    walk(fusion, "a", 1, start_s=0, stop_s=4, at_m=(2, 1), velocity_mps=(1.2, 0), llr=5.0)
    for t in ticks(4, 9):
        fusion.update(seen("a", t))
    walk(fusion, "b", 1, start_s=9, stop_s=20, at_m=(12, 1))
    subjects = by_id(fusion.subjects(20.0))
    assert subjects["S1"].armed_llr == 5.0
    assert not subjects["S1"].in_view
    assert subjects["S2"].armed_llr == 0.0


def test_a_lost_track_with_a_new_number_is_the_same_subject() -> None:
    fusion = Fusion()
    walk(fusion, "a", 1, start_s=0, stop_s=3, at_m=(2, 1), velocity_mps=(1.2, 0))
    for t in ticks(3, 4.2):
        fusion.update(seen("a", t))
    walk(fusion, "a", 2, start_s=4.2, stop_s=6, at_m=(7.04, 1), velocity_mps=(1.2, 0))
    assert [s.id for s in fusion.subjects(6.0)] == ["S1"]


def test_duplicates_merge_into_the_older_after_a_while() -> None:
    fusion = Fusion()
    # The cameras disagree by 0.9 m at first, so the second one's view is taken for another body.
    walk(fusion, "a", 1, start_s=0, stop_s=1, at_m=(5, 1))
    for t in ticks(1, 4):
        fusion.update(seen("a", t, (1, 5.0, 1.0)))
        fusion.update(seen("b", t + 0.02, (1, 5.9 if t < 2 else 5.2, 1.0)))
        if t < 2 + SAME_PLACE_S / 2:
            assert len(fusion.subjects(t)) == (2 if t > 1.25 else 1)
    assert [s.id for s in fusion.subjects(4.0)] == ["S1"]


def test_two_bodies_that_one_camera_saw_at_once_never_merge() -> None:
    fusion = Fusion()
    for t in ticks(0, 6):
        fusion.update(seen("a", t, (1, 5.0, 1.0), (2, 5.2, 1.0)))
    assert len(fusion.subjects(6.0)) == 2


def test_levels_are_kept_apart() -> None:
    fusion = Fusion()
    for t in ticks(0, 2):
        fusion.update(seen("a", t, (1, 5.0, 1.0)))
        fusion.update(seen("b", t + 0.01, (1, 5.0, 1.0), level="L2"))
    assert {s.level for s in fusion.subjects(2.0)} == {"L1", "L2"}


def test_evidence_of_several_cameras_adds_up_to_a_limit() -> None:
    fusion = Fusion()
    for t in ticks(0, 2):
        fusion.update(seen("a", t, (1, 5.0, 1.0, 2.0)))
        fusion.update(seen("b", t + 0.01, (1, 5.0, 1.0, 1.5)))
    assert fusion.subjects(2.0)[0].armed_llr == pytest.approx(3.5)
    for t in ticks(2, 3):
        fusion.update(seen("a", t, (1, 5.0, 1.0, 6.0)))
        fusion.update(seen("b", t + 0.01, (1, 5.0, 1.0, 6.0)))
    assert fusion.subjects(3.0)[0].armed_llr == pytest.approx(STRONGEST_LLR)


def test_broken_tracks_of_one_camera_are_one_witness() -> None:
    fusion = Fusion()
    for number in range(4):
        start_s = 1.5 * number
        walk(fusion, "a", number, start_s=start_s, stop_s=start_s + 1.4, at_m=(5, 1), llr=3.0)
    (subject,) = fusion.subjects(5.9)
    assert subject.armed_llr == pytest.approx(3.0)
    walk(fusion, "b", 1, start_s=5.9, stop_s=7, at_m=(5, 1), llr=3.0)
    (subject,) = fusion.subjects(7.0)
    assert subject.armed_llr == pytest.approx(6.0)


def test_many_tracks_without_a_weapon_do_not_wash_out_one_with() -> None:
    fusion = Fusion()
    for t in ticks(0, 8):
        row = (round(t), 5.0, 1.0, 6.0 if t < 0.5 else -3.0)
        fusion.update(seen("a", t, row if row[0] else (0, 5.0, 1.0, 6.0)))
    assert fusion.subjects(8.0)[0].armed_llr == pytest.approx(6.0 + WEAKEST_LLR)


def test_evidence_stays_with_the_body_when_a_track_moves_to_another() -> None:
    fusion = Fusion()
    for t in ticks(0, 2):
        fusion.update(seen("a", t, (1, 4.0, 1.0, 5.0), (2, 12.0, 1.0, 0.0)))
    for t in ticks(2, 4):
        fusion.update(seen("a", t, (1, 12.0, 1.0, 5.5)))
    subjects = by_id(fusion.subjects(4.0))
    assert subjects["S1"].armed_llr == pytest.approx(5.0)
    assert subjects["S2"].armed_llr == pytest.approx(0.5)


def test_looks_are_counted_and_credited_to_the_strongest_camera() -> None:
    fusion = Fusion()
    for index, t in enumerate(ticks(0, 2)):
        fusion.update(seen("a", t, (1, 5.0, 1.0, 0.1 * index)))
        fusion.update(seen("b", t + 0.01, (1, 5.0, 1.0, 0.5 if t > 1 else 0.0)))
    (subject,) = fusion.subjects(2.0)
    assert subject.armed_looks == 20
    assert subject.armed_tracks == (("a", 1), ("b", 1))
    assert subject.armed_looks_span_s == pytest.approx(1.8)


def test_a_late_frame_corrects_the_state_it_belongs_to() -> None:
    fusion = Fusion()
    walk(fusion, "a", 1, start_s=0, stop_s=3, at_m=(2, 1), velocity_mps=(1.0, 0))
    before = fusion.subjects(2.9)[0]
    fusion.update(seen("b", 2.4, (1, 4.4, 1.3)))
    (after,) = fusion.subjects(2.9)
    assert after.seen_at_s == before.seen_at_s
    assert 1.02 < after.seen_xy_m[1] < 1.3
    assert after.seen_xy_m[0] == pytest.approx(before.seen_xy_m[0], abs=0.05)
    assert np.trace(after.cov_m2) < np.trace(before.cov_m2)


def test_a_frame_too_late_moves_nobody_but_its_evidence_counts() -> None:
    fusion = Fusion()
    for t in ticks(0, 3):
        fusion.update(seen("b", t, (1, 5.0, 1.0)))
    for t in ticks(3, 6):
        fusion.update(seen("a", t, (1, 5.0, 1.0)))
    (before,) = fusion.subjects(6.0)
    fusion.update(seen("b", 3.0, (1, 5.3, 1.0, 2.0)))
    (after,) = fusion.subjects(6.0)
    np.testing.assert_array_equal(after.seen_xy_m, before.seen_xy_m)
    assert after.armed_llr - before.armed_llr == pytest.approx(2.0)


@pytest.mark.parametrize("speed_mps", [1.0, 3.0])
def test_cameras_with_different_delays_still_see_one_person(speed_mps: float) -> None:
    delay_s = {"a": 0.0, "b": 0.8}
    frames = [
        seen(camera, t, (1, 3 + speed_mps * t, 1.0))
        for t in ticks(0, 6)
        for camera in delay_s
        if camera == "a" or t > 2
    ]
    frames.sort(key=lambda frame: frame.captured_at_s + delay_s[frame.camera])
    (subject,) = fused(frames).subjects(5.9)
    assert subject.seen_xy_m[0] == pytest.approx(3 + speed_mps * 5.9, abs=0.15)


@pytest.mark.parametrize(
    ("seen_s", "llr", "unseen_s", "remembered"),
    [
        (5.0, 0.0, FORGET_S - 1, True),
        (5.0, 0.0, FORGET_S + 5, False),
        (1.0, 0.0, FORGET_BRIEF_S + 5, False),
        (1.0, 5.0, 10 * FORGET_S, True),
    ],
)
def test_who_is_remembered(seen_s: float, llr: float, unseen_s: float, remembered: bool) -> None:
    fusion = Fusion()
    walk(fusion, "a", 1, start_s=0, stop_s=seen_s, at_m=(5, 1), llr=llr)
    for t in ticks(seen_s, seen_s + unseen_s, 1.0):
        fusion.update(seen("b", t, (1, 20.0, 1.0)))
    assert ("S1" in by_id(fusion.subjects(seen_s + unseen_s))) is remembered


def test_the_newest_is_remembered_even_alone() -> None:
    fusion = Fusion()
    walk(fusion, "a", 1, start_s=0, stop_s=1, at_m=(5, 1))
    for t in ticks(1, 600, 5.0):
        fusion.update(seen("a", t))
    assert len(fusion.subjects(600.0)) == 1


# What other cameras see there


def watched_corridor() -> Fusion:
    """Three cameras over the corridor, named "w", "e" and "s"."""
    models = {"w": west_camera(), "e": east_camera(), "s": side_camera()}
    cameras = [Camera(c, c, LEVEL, "interior", None, model, "pose") for c, model in models.items()]
    return Fusion(views=CameraViews(cameras, SearchMaps(PLAN, cameras)))


COAT, WALKER = (9.0, 1.5), (11.0, 2.3)


def watch(
    fusion: Fusion, start_s: float, stop_s: float, *, llr: float = 0.0, **shows: str
) -> set[str]:
    """Feed frames of all three cameras; ids of those told in view at any time.

    Args:
        fusion: the fusion.
        start_s: capture time of the first frames.
        stop_s: and after the last.
        llr: what each look says of a weapon.
        shows: which cameras show somebody at `COAT` and somebody at `WALKER`.
    """
    told: set[str] = set()
    for t in ticks(start_s, stop_s):
        for k, camera in enumerate("wes"):
            rows = [
                (track, *at_m, llr)
                for track, (who, at_m) in enumerate((("coat", COAT), ("walker", WALKER)))
                if camera in shows.get(who, "")
            ]
            fusion.update(seen(camera, t + 0.01 * k, *rows))
        told |= {state.id for state in fusion.subjects(t) if state.in_view}
    return told


@pytest.mark.parametrize(
    ("coat", "walker", "told", "what"),
    [
        ("w", "", 0, "a false box of one of three cameras is never told"),
        ("w", "wes", 1, "nor is it while somebody real walks by"),
        ("we", "", 1, "a shelf that the plan does not know hides somebody from one other"),
        ("wes", "", 1, "all see somebody"),
    ],
)
def test_a_body_is_what_the_cameras_agree_about(
    coat: str, walker: str, told: int, what: str
) -> None:
    assert len(watch(watched_corridor(), 0, 20, coat=coat, walker=walker)) == told, what


def test_one_of_two_cameras_may_be_blind_where_the_other_sees_somebody() -> None:
    for at_m in ((6.0, 1.5), (12.0, 1.0), (19.0, 2.0)):
        fusion = watched_corridor()
        for t in ticks(0, 20):
            fusion.update(seen("w", t, (1, *at_m)))
            fusion.update(seen("e", t + 0.01))
            if t > 1:
                assert len(fusion.subjects(t)) == 1, (at_m, t)


def test_a_false_box_is_told_no_more_once_others_look() -> None:
    fusion = watched_corridor()
    walk(fusion, "w", 0, start_s=0, stop_s=5, at_m=COAT)
    assert len(fusion.subjects(5.0)) == 1
    watch(fusion, 5, 9, coat="w")
    assert not fusion.subjects(9.0)


def test_an_armed_subject_is_told_even_if_doubted() -> None:
    fusion = watched_corridor()
    walk(fusion, "w", 0, start_s=0, stop_s=5, at_m=COAT, llr=5.0)
    assert watch(fusion, 5, 30, llr=5.0, coat="w") == {"S1"}
    assert len(fusion.subjects(30.0)) == 1


def test_who_was_pointed_out_is_told_even_if_doubted() -> None:
    fusion = watched_corridor()
    walk(fusion, "w", 0, start_s=0, stop_s=5, at_m=COAT)
    fusion.heed(Stakes(followed=frozenset({"S1"})))
    watch(fusion, 5, 30, coat="w")
    assert [state.id for state in fusion.subjects(30.0)] == ["S1"]


def test_a_camera_that_cannot_tell_absence_is_no_witness() -> None:
    for tells, told in ((True, 0), (False, 1)):
        fusion = watched_corridor()
        for t in ticks(0, 5):
            fusion.update(seen("w", t, (1, *COAT)))
            for camera in "es":
                blind = dataclasses.replace(seen(camera, t + 0.01), tells_absence=tells)
                fusion.update(blind)
        assert len(fusion.subjects(5.0)) == told


@lru_cache
def busy_frames(seed: int) -> list[FloorPositions]:
    """Three seconds of three cameras and three people."""
    scene = Scene(
        {"w": west_camera(), "e": east_camera(), "s": side_camera()},
        [
            Walker("p", ((4.0, 1.0), (20.0, 1.0)), armed=True),
            Walker("q", ((19.0, 2.0), (5.0, 2.0)), start_s=0.5),
            Walker("r", ((10.0, 2.4),), stature_m=1.6),
        ],
        plan=PLAN,
        errors=Imperfection(false_rate=0.02),
        seed=seed,
    )
    return projected(scene, 3.0)


def places(fusion: Fusion, now_s: float) -> list[tuple[str, list[float], float]]:
    return [(s.id, s.seen_xy_m.tolist(), s.armed_llr) for s in fusion.subjects(now_s)]


@settings(max_examples=8)
@given(names=st.permutations(["x", "a", "zz"]), seed=st.integers(0, 2))
def test_names_of_cameras_do_not_matter(names: list[str], seed: int) -> None:
    frames = busy_frames(seed)
    new = dict(zip("wes", names, strict=True))
    renamed = [dataclasses.replace(frame, camera=new[frame.camera]) for frame in frames]
    assert places(fused(frames), 3.0) == places(fused(renamed), 3.0)


@settings(max_examples=8)
@given(shift_s=st.floats(-1e6, 2e9), seed=st.integers(0, 2))
def test_only_differences_of_time_matter(shift_s: float, seed: int) -> None:
    frames = busy_frames(seed)
    moved = [
        dataclasses.replace(frame, captured_at_s=frame.captured_at_s + shift_s) for frame in frames
    ]
    here, there = places(fused(frames), 3.0), places(fused(moved), 3.0 + shift_s)
    assert [row[0] for row in here] == [row[0] for row in there]
    np.testing.assert_allclose([row[1] for row in here], [row[1] for row in there], atol=1e-4)


def test_the_same_frames_give_the_same_subjects() -> None:
    frames = busy_frames(1)
    assert places(fused(frames), 3.0) == places(fused(frames), 3.0)


def miscalibrated(model: CameraModel, rng: np.random.Generator) -> CameraModel:
    """The camera as it would be surveyed: turned by some tenths of a degree."""
    assert model.pose is not None
    a, b, c = np.radians(rng.normal(scale=0.25, size=3))
    turn = np.array([[1.0, -c, b], [c, 1.0, -a], [-b, a, 1.0]])
    orthogonal = np.linalg.qr(turn)[0]
    orthogonal *= np.sign(np.diag(orthogonal))
    rotation = orthogonal @ model.pose.rotation
    return CameraModel.from_pose(model.lens, Pose(rotation, -rotation @ model.pose.centre_m))


def test_accuracy_and_honesty_with_three_imperfect_cameras() -> None:
    """Median error at most 0.2 m; the 95 % figures hold 90-98 % of the time.

    Errors of one survey last, so each draw of cameras is one sample: ten draws, 3 s each.
    """
    errors_m, squared, in_circle = [], [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        scene = Scene(
            {"w": west_camera(), "e": east_camera(), "s": side_camera()},
            [
                Walker("p", ((4.0, 1.0), (20.0, 1.0), (4.0, 1.2)), speed_mps=1.4),
                Walker("q", ((19.0, 2.2), (9.0, 2.0), (9.0, 1.0), (15.0, 1.4)), stature_m=1.62),
                Walker("r", ((10.0, 2.6), (16.0, 0.6)), speed_mps=0.9, stature_m=1.8),
            ],
            plan=PLAN,
            seed=seed,
        )
        surveyed = {name: miscalibrated(model, rng) for name, model in scene.cameras.items()}
        fusion = Fusion()
        for frame in scene.frames(seed + 4.0, from_s=seed + 1.0):
            fusion.update(
                to_floor_positions(frame, surveyed[frame.camera], frame.camera, LEVEL, PLAN)
            )
            now_s = frame.captured_at_s
            subjects = [s for s in fusion.subjects(now_s) if s.in_view]
            if now_s < seed + 1.5 or not subjects:
                continue
            truth_m = np.array(list(scene.truth_m(now_s).values()))
            placed_m = np.array([s.xy_m for s in subjects])
            apart_m = np.linalg.norm(truth_m[:, None] - placed_m[None], axis=2)
            for person, column in zip(*linear_sum_assignment(apart_m), strict=True):
                error_m = placed_m[column] - truth_m[person]
                cov_m2 = subjects[column].cov_m2
                errors_m.append(np.hypot(*error_m))
                squared.append(error_m @ np.linalg.solve(cov_m2, error_m))
                in_circle.append(errors_m[-1] <= ce95_m(cov_m2[None])[0])
    assert np.median(errors_m) <= 0.20
    assert 0.90 <= np.mean(np.array(squared) < 5.99) <= 0.98
    assert 0.90 <= np.mean(in_circle) <= 0.98


@pytest.mark.parametrize(("apart_m", "sigma_m"), [(0.4, 0.15), (1.0, 0.3)])
def test_a_wrong_merge_that_parts_leaves_no_bystander_with_the_weapon(
    apart_m: float, sigma_m: float
) -> None:
    """Two cameras see one of two people each, close together: they are taken for one body."""
    fusion = Fusion()
    for t in ticks(0, 3):
        fusion.update(seen("west", t, (1, 5.0, 1.0), sigma_m=sigma_m))
        armed = (1, 5.0 + apart_m, 1.0, min(7.0, 3 * t))
        fusion.update(seen("east", t + 0.02, armed, sigma_m=sigma_m))
    assert len(fusion.subjects(3.0)) == 1
    for t in ticks(3, 6):
        away_m = 1.5 * (t - 3)
        fusion.update(seen("west", t, (1, 5.0, 1.0), sigma_m=sigma_m))
        fusion.update(
            seen("east", t + 0.02, (1, 5.0 + apart_m + away_m, 1.0, 7.0), sigma_m=sigma_m)
        )
    stayed, left = sorted(fusion.subjects(6.0), key=lambda s: float(s.xy_m[0]))
    assert left.armed_llr == pytest.approx(7.0)
    assert stayed.armed_llr <= 0.0


def test_an_armed_one_beside_somebody_ruled_out_does_not_vanish_into_them() -> None:
    fusion = Fusion()
    walk(fusion, "west", 1, start_s=0, stop_s=1, at_m=(5, 1))
    fusion.heed(Stakes(aside=frozenset({"S1"})))
    for t in ticks(1, 5):
        fusion.update(seen("west", t, (1, 5.0, 1.0)))
        away_m = 1.2 if t < 2 else 0.3
        fusion.update(seen("east", t + 0.02, (1, 5.0 + away_m, 1.0, min(7.0, 7 * (t - 1)))))
    told = by_id(fusion.subjects(5.0))
    assert told["S1"].armed_llr < 1.0
    assert max(s.armed_llr for s in told.values()) >= 6.0
