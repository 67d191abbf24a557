from __future__ import annotations

import numpy as np
import pytest

from calibration.synthetic import PERFECT, Imperfection, Scene, Walker, figure_m

from .corridor import corridor_plan, east_camera, west_camera

PLAN = corridor_plan()
CORNERED = Walker("p", ((0.0, 0.0), (3.0, 0.0), (3.0, 4.0)), speed_mps=1.0, start_s=1.0)


@pytest.mark.parametrize(
    ("t_s", "at_m", "heading"),
    [
        (0.0, (0, 0), 0.0),
        (2.0, (1, 0), 0.0),
        (4.5, (3, 0.5), np.pi / 2),
        (99.0, (3, 4), np.pi / 2),
    ],
)
def test_a_walker_is_where_it_should_be(
    t_s: float, at_m: tuple[float, float], heading: float
) -> None:
    xy_m, angle = CORNERED.place(t_s)
    np.testing.assert_allclose(xy_m, at_m, atol=1e-9)
    assert angle == pytest.approx(heading)


def test_somebody_at_one_point_stands_there() -> None:
    xy_m, _ = Walker("p", ((2.0, 3.0),)).place(7.0)
    np.testing.assert_array_equal(xy_m, [2.0, 3.0])


def test_presence_is_bounded() -> None:
    walker = Walker("p", ((0.0, 0.0),), appears_s=1.0, leaves_s=2.0)
    assert [walker.is_there(t) for t in (0.9, 1.0, 1.9, 2.0)] == [False, True, True, False]


@pytest.mark.parametrize("t_s", np.linspace(1.2, 3.0, 7).tolist())
def test_the_figure_walks_on_the_floor_and_is_as_tall_as_told(t_s: float) -> None:
    points_m = figure_m(CORNERED, t_s)
    assert points_m[:, 2].min() == 0.0
    assert points_m[:, 2].max() == pytest.approx(1.70)
    xy_m, _ = CORNERED.place(t_s)
    assert np.linalg.norm(points_m[:, :2] - xy_m, axis=1).max() < 0.65


def test_the_leading_shoe_reaches_half_a_step_and_a_foot_ahead() -> None:
    reach_m = max(
        (figure_m(CORNERED, t)[:, 0] - CORNERED.place(t)[0][0]).max()
        for t in np.arange(1.2, 3, 0.02)
    )
    assert reach_m == pytest.approx(0.35 + 0.19, abs=0.01)


def test_same_seed_same_tracks() -> None:
    def run(seed: int) -> list[list[list[float]]]:
        scene = Scene({"w": west_camera()}, [Walker("p", ((4.0, 1.0), (9.0, 1.0)))], seed=seed)
        return [frame.xyxy_px.tolist() for frame in scene.frames(1.0)]

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_noise_does_not_depend_on_camera_ids() -> None:
    def run(name: str) -> list[list[list[float]]]:
        scene = Scene({name: west_camera()}, [Walker("p", ((4.0, 1.0), (9.0, 1.0)))])
        return [frame.xyxy_px.tolist() for frame in scene.frames(1.0)]

    assert run("a") == run("b")


def test_walls_hide_people_and_doors_show_them() -> None:
    def sees(at_m: tuple[float, float]) -> bool:
        scene = Scene({}, [Walker("p", (at_m,))], plan=PLAN)
        return bool(scene.visible(east_camera(), 0.0))

    assert sees((10.0, 1.5))
    assert not sees((10.0, 6.0))
    assert sees((15.5, 3.4))


def test_a_body_cut_by_the_picture_has_a_cut_box() -> None:
    scene = Scene({"w": west_camera()}, [Walker("p", ((2.9, 1.5),))], errors=PERFECT)
    frame = next(scene.frames(0.1))
    assert frame.xyxy_px[0, 3] == 360.0


def test_misses_and_false_boxes_come_at_their_rates() -> None:
    errors = Imperfection(miss_rate=0.3, false_rate=0.2, false_frames=1)
    scene = Scene({"w": west_camera()}, [Walker("p", ((8.0, 1.5),))], errors=errors)
    frames = list(scene.frames(40.0))
    true_track = 1
    hits = sum(bool((frame.track_id == true_track).any()) for frame in frames)
    false = sum(int((frame.track_id != true_track).sum()) for frame in frames)
    assert hits / len(frames) == pytest.approx(0.7, abs=0.07)
    assert false / len(frames) == pytest.approx(0.2, abs=0.07)


def test_a_walker_lost_for_long_comes_back_as_a_new_track() -> None:
    walker = Walker("p", ((8.0, 1.5), (8.0, 8.0), (8.0, 1.5)), speed_mps=2.0)
    scene = Scene({"w": west_camera()}, [walker], plan=PLAN, errors=PERFECT)
    ids = [int(i) for frame in scene.frames(7.0) for i in frame.track_id]
    assert sorted(set(ids)) == [1, 2]


def test_looks_gather_evidence_for_the_armed_only() -> None:
    people = [Walker("armed", ((8.0, 1.0),), armed=True), Walker("plain", ((6.0, 2.0),))]
    scene = Scene({"w": west_camera()}, people, errors=Imperfection(miss_rate=0.0))
    *_, last = scene.frames(8.0)
    assert last.armed_llr.tolist()[0] == pytest.approx(7.0, abs=0.5)
    assert last.armed_llr.tolist()[1] == -3.0


def test_cameras_take_turns_and_time_is_absolute() -> None:
    scene = Scene({"w": west_camera(), "e": east_camera()}, [], start_s=1000.0, fps=10.0)
    frames = list(scene.frames(0.2))
    assert [frame.camera for frame in frames] == ["w", "e", "w", "e"]
    assert [frame.captured_at_s for frame in frames] == pytest.approx(
        [1000.0, 1000.05, 1000.1, 1000.15]
    )
