from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.body import STATURE_M
from calibration.camera import CameraModel
from calibration.camera_loading import Camera
from calibration.camera_views import CameraViews, hidden_by_others
from calibration.search import SearchMaps
from calibration.synthetic import mounted_camera

from .search_plans import LEVEL, UPPER, long_corridor, two_storeys

PLAN = long_corridor(40.0)


def camera(
    name: str, at_m: tuple[float, float, float], look_at_m: tuple[float, float, float]
) -> Camera:
    """An interior camera of the ground level."""
    model = mounted_camera(at_m, look_at_m)
    return Camera(name, name, LEVEL, "interior", None, model, "pose")


WEST = camera("west", (0.2, 1.5, 2.8), (8.0, 1.5, 1.0))
INTO_THE_WALL = camera("wall", (0.2, 2.8, 2.8), (0.2, 9.0, 2.8))
CAMERAS = (WEST, INTO_THE_WALL)
VIEWS = CameraViews(CAMERAS, SearchMaps(PLAN, CAMERAS))


def expected(name: str, *places_m: tuple[float, float], level: str = LEVEL) -> list[float]:
    """What a camera should find of bodies at these places."""
    xy_m = np.array(places_m, np.float64).reshape(-1, 2)
    return [float(rate) for rate in VIEWS.detection(name, level, xy_m)]


@pytest.mark.parametrize(
    ("name", "at_m", "level", "least", "most", "what"),
    [
        ("west", (8.0, 1.5), LEVEL, 0.7, 1.0, "well within its view"),
        ("west", (22.0, 1.5), LEVEL, 0.02, 0.7, "far away"),
        ("west", (38.0, 1.5), LEVEL, 0.0, 0.0, "beyond what it shows"),
        ("west", (0.3, 0.3), LEVEL, 0.0, 0.0, "below it, outside the picture"),
        ("west", (24.9, 1.5), LEVEL, 0.0, 0.0, "at the border of what it shows"),
        ("west", (8.0, 1.5), "L9", 0.0, 0.0, "on another level"),
        ("nobody", (8.0, 1.5), LEVEL, 0.0, 0.0, "a camera that is not known"),
        ("wall", (8.0, 1.5), LEVEL, 0.0, 0.0, "a camera that shows no floor"),
    ],
)
def test_what_a_camera_should_find(
    name: str, at_m: tuple[float, float], level: str, least: float, most: float, what: str
) -> None:
    (found,) = expected(name, at_m, level=level)
    assert least <= found <= most, what


def test_nobody_to_look_for() -> None:
    assert expected("west") == []


def test_who_stands_behind_somebody_need_not_be_found() -> None:
    near, far = expected("west", (10.0, 1.5), (12.0, 1.55))
    assert near > 0.7
    assert far == 0.0
    aside = expected("west", (10.0, 1.5), (12.0, 2.4))
    assert min(aside) > 0.5


def test_a_camera_of_which_only_the_floor_is_known_knows_nobody_hidden() -> None:
    pose = WEST.model.pose
    assert pose is not None
    to_camera = pose.plane_to_camera(0.0)
    model = CameraModel(WEST.model.lens, pose=None, floor_to_camera=to_camera, floor_error_m=0.1)
    flat = replace(WEST, model=model)
    views = CameraViews([flat], SearchMaps(PLAN, [flat]))
    both = views.detection("west", LEVEL, np.array([[10.0, 1.5], [12.0, 1.5]]))
    assert (both > 0).all()


def test_trials_correct_what_is_expected() -> None:
    maps = SearchMaps(PLAN, CAMERAS)
    views = CameraViews(CAMERAS, maps)
    at_m = np.array([[8.0, 1.5]])
    before = views.detection("west", LEVEL, at_m)
    for _ in range(20):
        maps.rates.learn("west", 0.8, hit=False)
    assert views.detection("west", LEVEL, at_m) < 0.5 * before


@pytest.mark.parametrize(
    ("at_m", "may"),
    [((8.0, 1.5), True), ((8.0, 3.5), True), ((38.0, 1.5), False), ((8.0, 40.0), False)],
    ids=["within", "beside it by less than a metre", "beyond", "outside"],
)
def test_may_show(at_m: tuple[float, float], may: bool) -> None:
    assert VIEWS.may_show("west", np.array([at_m])).tolist() == [may]


@pytest.mark.parametrize("name", ["nobody", "wall"])
def test_who_shows_nothing_may_show_nobody(name: str) -> None:
    assert VIEWS.may_show(name, np.array([[8.0, 1.5], [0.0, 0.0]])).tolist() == [False, False]


def test_may_show_leaves_out_nobody_who_should_be_found() -> None:
    maps = SearchMaps(PLAN, CAMERAS)
    xy_m = maps.grid.xy_m
    alone = [VIEWS.detection("west", LEVEL, place[None])[0] > 0 for place in xy_m]
    assert any(alone)
    assert VIEWS.may_show("west", xy_m)[alone].all()


def test_watched_floor_counts_once() -> None:
    twice = (WEST, replace(WEST, id="twin"))
    one, two = (CameraViews(c, SearchMaps(PLAN, c)) for c in ([WEST], twice))
    assert 30.0 < one.watched_m2 < 40 * 3
    assert two.watched_m2 == one.watched_m2
    assert CameraViews([], SearchMaps(PLAN)).watched_m2 == 0.0


def test_a_level_above_is_not_shown() -> None:
    plan = two_storeys()
    hall = camera("hall", (0.2, 2.0, 2.8), (6.0, 2.0, 0.5))
    views = CameraViews([hall], SearchMaps(plan, [hall]))
    at_m = np.array([[5.0, 2.0]])
    assert views.detection("hall", LEVEL, at_m) > 0.5
    assert views.detection("hall", UPPER, at_m) == 0.0


@pytest.mark.parametrize(
    ("eye_z_m", "places_m", "hidden", "what"),
    [
        (2.8, [(5, 0), (7, 0)], [False, True], "one behind the other"),
        (2.8, [(7, 0), (5, 0)], [True, False], "in whatever order"),
        (2.8, [(5, 0), (7, 1)], [False, False], "side by side"),
        (2.8, [(5, 0), (5.2, 0)], [False, False], "too close to tell who is in front"),
        (2.8, [(5, 0), (-7, 0)], [False, False], "on both sides of the camera"),
        (2.8, [(-5, 0.1), (-7, -0.1)], [False, True], "across the cut of the angle"),
        (8.0, [(5, 0), (7, 0)], [False, False], "a camera hangs high and looks over heads"),
        (8.0, [(5, 0), (5.5, 0)], [False, True], "but not over those close in front"),
        (1.2, [(5, 0), (20, 0)], [False, True], "a camera at the height of the chest"),
        (2.8, [(5, 0), (20, 0)], [False, False], "far behind one sees over the head"),
        (2.8, [(4, 0), (5.5, 0), (7, 0)], [False, True, True], "three in a row"),
        (2.8, [(5, 0)], [False], "alone"),
    ],
)
def test_hidden_by_others(
    eye_z_m: float, places_m: list[tuple[float, float]], hidden: list[bool], what: str
) -> None:
    eye_m = np.array([0.0, 0.0, eye_z_m])
    assert hidden_by_others(eye_m, np.array(places_m, float)).tolist() == hidden, what


def test_half_a_body_hidden_is_the_limit() -> None:
    """The ray over a head of 1.7 m, seen from 2.7 m, falls by a metre in the nearer's distance."""
    limit_m = 5.0 * (1.0 + STATURE_M / 2)
    eye_m = np.array([0.0, 0.0, STATURE_M + 1.0])
    for away_m, hidden in ((limit_m - 0.05, True), (limit_m + 0.05, False)):
        places_m = np.array([(5.0, 0.0), (away_m, 0.0)])
        assert hidden_by_others(eye_m, places_m)[1] == hidden
