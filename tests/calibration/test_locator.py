from __future__ import annotations

import time

import numpy as np
import pytest

from calibration.answer import Answer, StageTimes
from calibration.entrances import EntranceRoutes
from calibration.locator import Locator
from calibration.projection import to_floor_positions
from calibration.synthetic import Imperfection, Scene, Walker

from .corridor import LEVEL, corridor_plan, east_camera, seen, side_camera, ticks, west_camera

PLAN = corridor_plan()
ROUTES = EntranceRoutes(PLAN)


def locator() -> Locator:
    return Locator(PLAN, ROUTES, camera_names={"a": "West end"})


def told(positions_until_s: float, *, llr: float = 0.0, later_s: float = 0.0) -> Answer:
    """The answer after somebody walked east from x = 2 m at 1 m/s."""
    here = locator()
    for t in ticks(0, positions_until_s):
        here.consume(seen("a", t, (1, 2 + t, 1.5, llr)), StageTimes(t, decoded_s=t + 0.1))
    for t in ticks(positions_until_s, positions_until_s + later_s):
        here.consume(seen("a", t), StageTimes(t, decoded_s=t + 0.1))
    return here.answer(positions_until_s + later_s)


def test_nobody_yet() -> None:
    answer = locator().answer(5.0)
    assert answer == Answer(5.0, (), (), "Nobody has been seen yet.", None)


def test_somebody_armed_in_view() -> None:
    answer = told(6.0, llr=6.0)
    (subject,) = answer.subjects
    assert subject.space == "corridor"
    assert subject.xy_m[0] == pytest.approx(7.9, abs=0.1)
    assert subject.visibility == "in view"
    assert answer.entrances[0].door_number == "1"
    assert answer.text.startswith("In view now in Corridor (±0.")
    assert answer.text.endswith("moving east; closest: Door 1, 8 m on foot.")
    assert answer.times == StageTimes(5.9, decoded_s=6.0)


def test_the_nearest_door_changes_with_the_subject() -> None:
    assert told(8.0).entrances[0].door_number == "1"
    assert told(13.0).entrances[0].door_number == "2"


def test_nobody_armed_is_said_and_doors_are_given_all_the_same() -> None:
    answer = told(4.0)
    assert answer.text.startswith("No armed person seen yet; 1 person in view.")
    assert len(answer.entrances) == 2


def test_out_of_view() -> None:
    answer = told(4.0, llr=6.0, later_s=5.0)
    (subject,) = answer.subjects
    assert subject.visibility == "out of view"
    assert subject.age_s == pytest.approx(5.1)
    assert subject.xy_m[0] == pytest.approx(5.9, abs=0.1)
    assert subject.ce95_m > 9
    assert answer.text.startswith("Not seen for 5 s, last in Corridor")


def test_asking_changes_nothing() -> None:
    curious, calm = locator(), locator()
    for t in ticks(0, 8):
        frame = seen("a", t, (1, 2 + t, 1.5, 6.0))
        for here in (curious, calm):
            here.consume(frame, StageTimes(t))
        curious.answer(t)
        curious.answer(t + 3.0)
    assert curious.answer(8.0) == calm.answer(8.0)


def test_the_times_are_those_of_the_newest_frame() -> None:
    here = locator()
    here.consume(seen("a", 5.0), StageTimes(5.0, decoded_s=5.1))
    here.consume(seen("b", 4.5), StageTimes(4.5, decoded_s=5.2))
    assert here.answer(6.0).times == StageTimes(5.0, decoded_s=5.1)


def test_a_blind_gap_from_cameras_to_answer() -> None:
    """The armed walker goes through Room B, which no camera sees, and comes back armed."""
    walker = Walker(
        "intruder", ((10.0, 1.5), (17.5, 1.5), (17.5, 6.0), (17.5, 1.5), (8.0, 1.5)), armed=True
    )
    bystander = Walker("student", ((20.0, 2.3), (20.0, 2.4)))
    scene = Scene(
        {"w": west_camera(), "e": east_camera(), "s": side_camera()},
        [walker, bystander],
        plan=PLAN,
        errors=Imperfection(look_gain=1.0),
    )
    here = locator()
    rooms, hidden_s = [], 0.0
    for frame in scene.frames(18.0):
        model = scene.cameras[frame.camera]
        placed = to_floor_positions(frame, model, frame.camera, LEVEL, PLAN)
        here.consume(placed, StageTimes(frame.captured_at_s))
        if frame.camera != "s" or frame.captured_at_s < 2.0:
            continue
        now_s = frame.captured_at_s
        (truth,) = PLAN.space_at(LEVEL, scene.truth_m(now_s)["intruder"][None])
        assert truth is not None
        first = here.answer(now_s).subjects[0]
        hidden_s += 0.1 * (first.visibility == "out of view")
        if any(walker in scene.visible(model, now_s) for model in scene.cameras.values()):
            rooms.append(first.space == truth.id)
    assert hidden_s > 2.0
    assert np.mean(rooms) >= 0.9
    assert here.answer(18.0).subjects[0].subject == "S1"
    assert here.answer(18.0).subjects[0].probability > 0.9
    assert here.answer(18.0).subjects[1].probability < 0.1


def test_fifteen_people_under_six_cameras_are_followed_within_5_ms_a_frame() -> None:
    rng = np.random.default_rng(0)
    walkers = [
        Walker(f"p{i}", tuple(map(tuple, rng.uniform((1, 0.3), (23, 2.7), (4, 2)).tolist())))
        for i in range(15)
    ]
    cameras = {
        f"{name}{twin}": model
        for twin in (1, 2)
        for name, model in (("w", west_camera()), ("e", east_camera()), ("s", side_camera()))
    }
    scene = Scene(cameras, walkers, plan=PLAN)
    here = locator()
    spent_s = []
    for frame in scene.frames(2.0):
        placed = to_floor_positions(frame, cameras[frame.camera], frame.camera, LEVEL, PLAN)
        begun_s = time.process_time()
        here.consume(placed, StageTimes(frame.captured_at_s))
        spent_s.append(time.process_time() - begun_s)
    assert np.median(spent_s) < 0.005
