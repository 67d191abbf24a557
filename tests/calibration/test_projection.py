from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from shapely import box

from calibration.camera import CameraModel
from calibration.floor_plan import Fixture, FloorPlan
from calibration.projection import to_floor_positions
from calibration.synthetic import PERFECT, Imperfection, Scene, Walker
from vision.tracks import Tracks
from vision.view import View

from .corridor import LEVEL, corridor_plan, east_camera, side_camera, west_camera

if TYPE_CHECKING:
    from vision.view import Condition

PLAN = corridor_plan()
WEST = west_camera()


def tracks(*boxes: tuple[float, float, float, float], size: tuple[int, int] = (640, 360)) -> Tracks:
    n = len(boxes)
    return Tracks(
        camera="cam",
        frame_index=0,
        captured_at_s=0.0,
        size_px=size,
        xyxy_px=np.array(boxes, np.float32).reshape(n, 4),
        confidence=np.full(n, 0.9, np.float32),
        track_id=np.arange(n, dtype=np.int64),
        armed_llr=np.zeros(n),
    )


def standing(x: float, y: float, toward: tuple[float, float] = (1.0, 0.0)) -> Walker:
    return Walker("p", ((x, y), (x + toward[0], y + toward[1])), start_s=1e9)


def box_of(walker: Walker, camera: CameraModel = WEST) -> tuple[float, float, float, float]:
    frame = next(Scene({"cam": camera}, [walker], errors=PERFECT).frames(0.1))
    left, top, right, bottom = frame.xyxy_px[0].tolist()
    return left, top, right, bottom


@pytest.mark.parametrize("toward", [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.7, -0.7)])
@pytest.mark.parametrize("x", [4.0, 8.0, 14.0])
def test_a_standing_figure_is_placed_within_20_cm(x: float, toward: tuple[float, float]) -> None:
    placed = to_floor_positions(tracks(box_of(standing(x, 1.2, toward))), WEST, "cam", LEVEL, PLAN)
    assert np.linalg.norm(placed.xy_m[0] - (x, 1.2)) < 0.20
    assert not placed.from_head[0]


def test_the_shoe_bias_is_corrected_on_average_over_headings_and_ranges() -> None:
    raw_m, corrected_m = [], []
    for x in (4.0, 7.0, 11.0):
        for angle in np.arange(8) * np.pi / 4:
            box = box_of(standing(x, 1.5, (np.cos(angle), np.sin(angle))))
            bottom = np.array([[(box[0] + box[2]) / 2, box[3]]]) - 0.5
            raw_m.append(WEST.to_floor(bottom)[0][0, 0] - x)
            placed = to_floor_positions(tracks(box), WEST, "cam", LEVEL, PLAN)
            corrected_m.append(placed.xy_m[0, 0] - x)
    assert np.mean(raw_m) < -0.12
    assert abs(np.mean(corrected_m)) < 0.09


def test_a_body_that_leans_at_the_side_of_the_picture_is_placed_at_its_feet() -> None:
    camera = side_camera()
    for x, y in ((12.0, 2.4), (10.5, 0.7), (9.0, 2.5)):
        box = box_of(standing(x, y), camera)
        placed = to_floor_positions(tracks(box), camera, "cam", LEVEL, PLAN)
        assert np.linalg.norm(placed.xy_m[0] - (x, y)) < 0.22


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_body_half_outside_the_side_of_the_picture_is_placed_within_15_cm(
    side: float,
) -> None:
    bare = FloorPlan(PLAN.levels, [])
    waist_px = np.array([[6.0 if side > 0 else 633.0, 200.0]])
    at_m = WEST.to_height(waist_px, 1.0)[0][0]
    box = box_of(standing(at_m[0], at_m[1], (0.0, 1.0)))
    assert box[0] == 0.0 or box[2] == 640.0
    placed = to_floor_positions(tracks(box), WEST, "cam", LEVEL, bare)
    assert np.linalg.norm(placed.xy_m[0] - at_m) < 0.15


def test_feet_below_the_picture_are_placed_by_the_head() -> None:
    box = box_of(standing(2.9, 1.5))
    assert box[3] == pytest.approx(360.0)
    placed = to_floor_positions(tracks(box), WEST, "cam", LEVEL, PLAN)
    assert placed.from_head[0]
    assert np.linalg.norm(placed.xy_m[0] - (2.9, 1.5)) < 0.3


def test_feet_behind_a_desk_are_placed_by_the_head_with_larger_covariance() -> None:
    left, top, right, bottom = box_of(standing(8.0, 1.5))
    cut = bottom - 0.5 * (bottom - top)
    whole = to_floor_positions(tracks((left, top, right, bottom)), WEST, "cam", LEVEL, PLAN)
    hidden = to_floor_positions(tracks((left, top, right, cut)), WEST, "cam", LEVEL, PLAN)
    assert hidden.from_head[0]
    assert np.linalg.norm(hidden.xy_m[0] - (8.0, 1.5)) < 0.5
    assert np.trace(hidden.cov_m2[0]) > 4 * np.trace(whole.cov_m2[0])


def test_a_child_taken_for_hidden_feet_stays_inside_the_stretched_covariance() -> None:
    child = Walker("c", ((8.0, 1.5), (9.0, 1.5)), start_s=1e9, stature_m=1.15)
    placed = to_floor_positions(tracks(box_of(child)), WEST, "cam", LEVEL, PLAN)
    assert placed.from_head[0]
    error = placed.xy_m[0] - (8.0, 1.5)
    assert error @ np.linalg.solve(placed.cov_m2[0], error) < 5.99


@pytest.mark.parametrize(
    ("box", "why"),
    [
        ((300.0, 0.0, 420.0, 360.0), "cut above and below: neither feet nor head"),
        ((300.0, 20.0, 312.0, 50.0), "above the horizon"),
        ((300.0, 60.0, 304.0, 78.0), "farther than the corridor is long"),
    ],
)
def test_no_floor_position(box: tuple[float, float, float, float], why: str) -> None:
    good = box_of(standing(6.0, 1.5))
    placed = to_floor_positions(tracks(box, good), WEST, "cam", LEVEL, PLAN)
    assert placed.unplaced == 1, why
    assert placed.track_id.tolist() == [1]


def test_a_point_slightly_inside_a_wall_stays_where_it_is() -> None:
    box = box_of(standing(6.0, -0.1))
    placed = to_floor_positions(tracks(box), WEST, "cam", LEVEL, PLAN)
    assert placed.unplaced == 0
    assert placed.xy_m[0, 1] == pytest.approx(-0.1, abs=0.06)


def test_a_plan_without_floor_on_the_level_excludes_nothing() -> None:
    bare = FloorPlan(PLAN.levels, [])
    placed = to_floor_positions(tracks(box_of(standing(6.0, 1.5))), WEST, "cam", LEVEL, bare)
    assert len(placed) == 1


def test_a_substream_of_half_the_size_gives_the_same_places() -> None:
    box = box_of(standing(7.0, 2.0))
    full = to_floor_positions(tracks(box), WEST, "cam", LEVEL, PLAN)
    half_box = (box[0] / 2, box[1] / 2, box[2] / 2, box[3] / 2)
    half = to_floor_positions(tracks(half_box, size=(320, 180)), WEST, "cam", LEVEL, PLAN)
    np.testing.assert_allclose(half.xy_m, full.xy_m, atol=1e-3)


def test_no_tracks_no_positions() -> None:
    placed = to_floor_positions(tracks(), WEST, "cam", LEVEL, PLAN)
    assert len(placed) == 0
    assert placed.unplaced == 0


def test_uncertainty_grows_with_range_and_lies_along_the_sight() -> None:
    placed = to_floor_positions(
        tracks(box_of(standing(5.0, 1.5)), box_of(standing(15.0, 1.5))), WEST, "cam", LEVEL, PLAN
    )
    along, across = placed.cov_m2[:, 0, 0], placed.cov_m2[:, 1, 1]
    assert along[1] > 2 * along[0]
    assert (along > 2 * across).all()


def test_a_camera_known_on_the_floor_only_places_feet_but_no_heads() -> None:
    assert WEST.pose is not None
    flat = CameraModel(
        WEST.lens, pose=None, floor_to_camera=WEST.pose.plane_to_camera(0.0), floor_error_m=0.1
    )
    near, far = box_of(standing(2.9, 1.5)), box_of(standing(8.0, 1.5))
    placed = to_floor_positions(tracks(near, far), flat, "cam", LEVEL, PLAN)
    assert placed.track_id.tolist() == [1]
    assert placed.unplaced == 1
    posed = to_floor_positions(tracks(far), WEST, "cam", LEVEL, PLAN)
    np.testing.assert_allclose(placed.xy_m, posed.xy_m, atol=0.03)


def test_95_percent_ellipses_hold_about_that_many_jittered_walkers() -> None:
    rng = np.random.default_rng(1)
    inside = []
    errors = Imperfection(edge_px=1.0, edge_share=0.02, miss_rate=0.0)
    for camera in (WEST, east_camera(), side_camera()):
        for index in range(60):
            start, end = rng.uniform((3, 0.5), (15, 2.5)), rng.uniform((3, 0.5), (15, 2.5))
            stature_m = rng.normal(1.7, 0.08)
            walker = Walker("p", (tuple(start), tuple(end)), start_s=-0.5, stature_m=stature_m)
            scene = Scene({"cam": camera}, [walker], errors=errors, seed=index)
            frame = next(scene.frames(0.1))
            placed = to_floor_positions(frame, camera, "cam", LEVEL, PLAN)
            if len(placed):
                error = placed.xy_m[0] - walker.place(0.0)[0]
                inside.append(error @ np.linalg.solve(placed.cov_m2[0], error) < 5.99)
    assert len(inside) > 100
    assert 0.90 <= np.mean(inside) <= 0.98


def test_feet_behind_another_person_are_not_taken_from_the_edge_of_their_box() -> None:
    far, near = standing(11.0, 1.5, (0.0, 1.0)), standing(8.0, 1.5, (0.0, 1.0))
    left, top, right, bottom = box_of(far)
    in_front = box_of(near)
    # The detector sees the one behind down to the other's shoulders.
    cut = (left, top, right, in_front[1] + 0.25 * (in_front[3] - in_front[1]))
    assert cut[3] < bottom - 5

    alone = to_floor_positions(tracks(cut), WEST, "cam", LEVEL, PLAN)
    both = to_floor_positions(tracks(cut, in_front), WEST, "cam", LEVEL, PLAN)

    row = both.track_id.tolist().index(0)
    assert both.from_head[row]
    error = both.xy_m[row] - (11.0, 1.5)
    assert error @ np.linalg.solve(both.cov_m2[row], error) < 5.99
    if len(alone) and not alone.from_head[0]:
        assert np.linalg.norm(alone.xy_m[0] - (11.0, 1.5)) > np.linalg.norm(error)
    whole = to_floor_positions(tracks(box_of(far), in_front), WEST, "cam", LEVEL, PLAN)
    assert not whole.from_head.any()


def viewed(condition: Condition, shift_px: float, size: tuple[int, int] = (640, 360)) -> Tracks:
    """Somebody 8 m away, in a picture that has moved."""
    box = np.array(box_of(standing(8.0, 1.5))) * size[0] / 640
    left, top, right, bottom = box.tolist()
    seen = tracks((left, top, right, bottom), size=size)
    return replace(seen, view=View(condition, shift_px))


@pytest.mark.parametrize("size", [(640, 360), (320, 180)], ids=["full", "substream"])
def test_a_picture_that_moved_a_little_widens_positions(size: tuple[int, int]) -> None:
    steady = to_floor_positions(viewed("steady", 0.0, size), WEST, "cam", LEVEL, PLAN)
    moved_px = 4.0 * size[0] / 640
    shifted = to_floor_positions(viewed("shifted", moved_px, size), WEST, "cam", LEVEL, PLAN)

    assert (shifted.shift_px, shifted.withheld, shifted.tells_absence) == (4.0, 0, True)
    np.testing.assert_allclose(shifted.xy_m, steady.xy_m)
    gained = shifted.cov_m2[0] - steady.cov_m2[0]
    at_px, _ = WEST.to_image(np.array([[*steady.xy_m[0], 0.0]]))
    for step_px in (np.array([[4.0, 0.0]]), np.array([[0.0, 4.0]])):
        moved_m = (WEST.to_floor(at_px + step_px)[0] - steady.xy_m)[0]
        assert moved_m @ np.linalg.pinv(gained) @ moved_m == pytest.approx(1.0, rel=0.2)


def test_a_camera_that_was_moved_places_nobody() -> None:
    placed = to_floor_positions(viewed("moved", 40.0), WEST, "cam", LEVEL, PLAN)

    assert (len(placed), placed.withheld, placed.unplaced) == (0, 1, 0)
    assert not placed.tells_absence


@pytest.mark.parametrize("condition", ["covered", "blurred"])
def test_who_is_seen_in_a_poor_picture_is_placed_but_nobody_is_missed(
    condition: Condition,
) -> None:
    placed = to_floor_positions(viewed(condition, 0.0), WEST, "cam", LEVEL, PLAN)

    assert (len(placed), placed.tells_absence) == (1, False)


def desk_plan(height_m: float | None) -> FloorPlan:
    """The corridor with a desk across it, 9 to 9.7 m from its west end."""
    bare = corridor_plan()
    desk = Fixture("desk", "desk", LEVEL, box(9.0, 0.3, 9.7, 2.7), height_m)
    return FloorPlan(bare.levels, bare.spaces, bare.openings, bare.entrances, [desk])


@pytest.mark.parametrize(
    ("x", "height_m", "from_head", "shows"),
    [
        (10.3, 1.05, True, "behind the desk: feet hidden"),
        (8.3, 1.05, False, "before the desk"),
        (14.0, 0.4, False, "far behind a low bench: the feet show above it"),
        (10.3, None, False, "nobody knows how tall the desk is"),
    ],
)
def test_feet_behind_furniture_are_not_taken_from_its_edge(
    x: float, height_m: float | None, from_head: bool, shows: str
) -> None:
    left, top, right, bottom = box_of(standing(x, 1.5))
    if from_head:  # the detector's box ends where the desk's far edge, 1.05 m up, hides the rest
        edge_px, _ = WEST.to_image(np.array([[9.7, 1.5, 1.05]]))
        bottom = float(edge_px[0, 1])
    plan = desk_plan(height_m)
    placed = to_floor_positions(tracks((left, top, right, bottom)), WEST, "cam", LEVEL, plan)
    assert placed.from_head.tolist() == [from_head], shows
    assert np.linalg.norm(placed.xy_m[0] - (x, 1.5)) < (0.6 if from_head else 0.25), shows


def test_behind_a_desk_with_no_head_in_the_picture_there_is_no_place() -> None:
    left, _, right, _ = box_of(standing(10.3, 1.5))
    edge_px, _ = WEST.to_image(np.array([[9.7, 1.5, 0.6]]))
    cut = (left, 0.0, right, float(edge_px[0, 1]))
    placed = to_floor_positions(tracks(cut), WEST, "cam", LEVEL, desk_plan(0.6))
    assert (len(placed), placed.unplaced) == (0, 1)


def test_a_table_hides_shins_and_what_is_left_is_tall_enough_to_stand() -> None:
    left, top, right, _ = box_of(standing(10.3, 1.5))
    edge_px, _ = WEST.to_image(np.array([[9.7, 1.5, 0.6]]))
    cut = (left, top, right, float(edge_px[0, 1]))
    for height_m, from_head in ((None, False), (0.6, True)):
        plan = desk_plan(height_m)
        placed = to_floor_positions(tracks(cut), WEST, "cam", LEVEL, plan)
        assert placed.from_head.tolist() == [from_head]
        error_m = float(np.linalg.norm(placed.xy_m[0] - (10.3, 1.5)))
        assert (error_m < 0.5) == from_head
