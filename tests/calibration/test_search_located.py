"""The whole way: boxes of a scene in, rooms of the unseen out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from calibration.answer import StageTimes
from calibration.camera_loading import Camera
from calibration.entrances import EntranceRoutes
from calibration.locator import Locator
from calibration.projection import to_floor_positions
from calibration.synthetic import Scene, Walker

from .corridor import LEVEL, corridor_plan, east_camera, west_camera

if TYPE_CHECKING:
    from calibration.answer import RankedSubject

PLAN = corridor_plan()
ROUTES = EntranceRoutes(PLAN)
CAMERAS = {
    name: Camera(name, name, LEVEL, "interior", None, model, "pose")
    for name, model in (("a", west_camera()), ("b", east_camera()))
}
INTO_ROOM_A = Walker("armed", ((12, 1.5), (5.5, 1.5), (5.5, 6.0), (3.0, 7.0)), 1.3, armed=True)
HIDES_AT_S = 6.5 / 1.3 + 3.0 / 1.3
"""Through the door by then."""

START_S = 1_700_000_000.0


def after(seconds: float, *, down_from_s: float = np.inf) -> RankedSubject:
    """The walker in the answer so long after the start, with cameras that fail at a moment."""
    locator = Locator(PLAN, ROUTES, cameras=CAMERAS.values())
    models = {name: camera.model for name, camera in CAMERAS.items()}
    scene = Scene(models, [INTO_ROOM_A], PLAN, start_s=START_S, seed=4)
    for tracks in scene.frames(min(seconds, down_from_s)):
        camera = CAMERAS[tracks.camera]
        positions = to_floor_positions(tracks, camera.model, camera.id, LEVEL, PLAN)
        locator.consume(positions, StageTimes(tracks.captured_at_s))
        locator.answer(tracks.captured_at_s)
    answer = locator.answer(START_S + seconds)
    (found,) = answer.subjects
    return found


def probability(subject: RankedSubject, space: str) -> float:
    assert subject.search is not None
    return sum(s.probability for s in subject.search.spaces if s.space == space)


def test_in_view_there_is_no_map() -> None:
    assert after(3.0).search is None


def test_who_went_into_a_room_is_looked_for_there() -> None:
    subject = after(HIDES_AT_S + 20.0)
    assert subject.visibility == "out of view"
    assert probability(subject, "room-a") > 0.9
    assert subject.search is not None
    assert subject.search.spaces[0].name == "Room A"
    assert subject.search.area95_m2 < 72.0
    assert subject.search.left_building < 0.05


def test_when_the_cameras_fail_too_he_may_be_anywhere() -> None:
    subject = after(HIDES_AT_S + 20.0, down_from_s=HIDES_AT_S + 1.0)
    watched = after(HIDES_AT_S + 20.0)
    assert probability(subject, "corridor") > 0.2 > 5 * probability(watched, "corridor")
    assert subject.search is not None
    assert watched.search is not None
    assert subject.search.area95_m2 > 1.3 * watched.search.area95_m2


def test_the_probabilities_of_rooms_and_outside_add_up() -> None:
    search = after(HIDES_AT_S + 10.0, down_from_s=HIDES_AT_S).search
    assert search is not None
    told = sum(share.probability for share in search.spaces)
    assert told + search.left_building == pytest.approx(1.0, abs=0.02)
