from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from calibration.camera import CameraModel, Pose
from calibration.errors import DegeneratePoints, UnknownLevel
from calibration.floor_plan import Entrance, Fixture, FloorPlan, Level, Opening, Space, Wall
from calibration.homography import camera_from_homography
from calibration.lens import Lens

from .small_site import BARREL, LENS, camera, looking

PINHOLE = Lens(640, 360, 320.0, 320.0, 319.5, 179.5)
SKEWED = Lens(640, 360, 300.0, 310.0, 330.0, 170.0, k1=-0.2, k2=0.05, p1=0.002, p2=-0.001)
OVER_FLOOR = camera((0.0, 0.0, 3.0), (4.0, 0.0, 0.0), PINHOLE)
ALONG_FLOOR = camera((0.0, 0.0, 3.0), (8.0, 0.0, 1.0), PINHOLE)
"""It looks down by atan(2 / 8): the horizon lies 320 * 2 / 8 = 80 px above the principal point."""


def straight_down() -> CameraModel:
    """A camera 2 m above the origin whose picture's x is the site's x."""
    rotation = np.diag([1.0, -1.0, -1.0])
    return CameraModel.from_pose(PINHOLE, Pose(rotation, np.array([0.0, 0.0, 2.0])))


@pytest.mark.parametrize(
    ("px", "xy_m"),
    [
        pytest.param((319.5, 179.5), (0.0, 0.0), id="the principal point looks at the foot point"),
        pytest.param(
            (319.5 + 160, 179.5), (1.0, 0.0), id="half a focal length right is 1 m at 2 m"
        ),
        pytest.param((319.5, 179.5 - 160), (0.0, 1.0), id="up in the picture is y on the plan"),
    ],
)
def test_straight_down_by_hand(px: tuple[float, float], xy_m: tuple[float, float]) -> None:
    found_m, valid = straight_down().to_floor(np.array([px]))

    assert valid.tolist() == [True]
    assert found_m[0] == pytest.approx(xy_m, abs=1e-9)


@pytest.mark.parametrize(
    ("px", "seen"),
    [
        pytest.param((319.5, 300.0), True, id="floor"),
        pytest.param((319.5, 0.0), False, id="above the horizon"),
        pytest.param((319.5, 360.0), True, id="a box may end on the picture's edge"),
        pytest.param((319.5, 361.0), False, id="below the picture"),
        pytest.param((-2.0, 300.0), False, id="left of the picture"),
        pytest.param((math.nan, 300.0), False, id="not a number"),
        pytest.param((math.inf, 300.0), False, id="infinite"),
    ],
)
def test_where_the_floor_is_seen(px: tuple[float, float], seen: bool) -> None:
    xy_m, valid = ALONG_FLOOR.to_floor(np.array([px]))

    assert valid.tolist() == [seen]
    assert np.isfinite(xy_m).all()
    assert np.isfinite(ALONG_FLOOR.floor_jacobian(np.array([px]))).all()


def test_horizon_parts_floor_from_wall() -> None:
    rows = np.arange(360.0)

    _, valid = ALONG_FLOOR.to_floor(np.column_stack([np.full(360, 319.5), rows]))

    assert not valid[rows <= 99.5].any()
    assert valid[rows > 101].all()


@pytest.mark.parametrize(
    ("xyz_m", "seen"),
    [
        pytest.param((4.0, 0.0, 0.0), True, id="where it looks"),
        pytest.param((-4.0, 0.0, 0.0), False, id="behind it"),
        pytest.param((4.0, 30.0, 0.0), False, id="beside the picture"),
        pytest.param((0.0, 0.0, 3.0), False, id="at the camera itself"),
        pytest.param((math.nan, 0.0, 0.0), False, id="nowhere"),
    ],
)
def test_what_the_picture_shows(xyz_m: tuple[float, ...], seen: bool) -> None:
    px, valid = OVER_FLOOR.to_image(np.array([xyz_m]))

    assert valid.tolist() == [seen]
    assert np.isfinite(px).all()


def test_a_head_above_a_low_camera_is_placed() -> None:
    low = camera((0.0, 0.0, 1.0), (5.0, 0.0, 1.2), PINHOLE)
    head_px, seen = low.to_image(np.array([[5.0, 0.5, 1.7]]))

    xy_m, valid = low.to_height(head_px, 1.7)

    assert seen.all()
    assert valid.all()
    assert xy_m[0] == pytest.approx([5.0, 0.5])
    assert not low.to_floor(head_px)[1].any()


def test_the_plane_of_the_camera_itself_is_nowhere() -> None:
    _, valid = OVER_FLOOR.to_height(np.array([[319.5, 100.0], [319.5, 300.0]]), 3.0)

    assert not valid.any()


lenses = st.sampled_from([PINHOLE, LENS, SKEWED, BARREL])
places = st.tuples(st.floats(0.5, 15), st.floats(-8, 8))


@settings(max_examples=200)
@given(lens=lenses, place=places, height=st.floats(2.2, 5.0), ahead=st.floats(2.0, 12.0))
def test_floor_to_picture_and_back(
    lens: Lens, place: tuple[float, float], height: float, ahead: float
) -> None:
    model = camera((0.0, 0.0, height), (ahead, 0.3, 0.0), lens)
    px, seen = model.to_image(np.array([[*place, 0.0]]))
    assume(seen[0])

    xy_m, valid = model.to_floor(px)

    assert valid[0]
    assert xy_m[0] == pytest.approx(place, abs=1e-3)


@settings(max_examples=200)
@given(lens=lenses, u=st.floats(0, 639), v=st.floats(0, 359), height=st.floats(0.0, 2.0))
def test_picture_to_plane_and_back(lens: Lens, u: float, v: float, height: float) -> None:
    model = camera((1.0, 2.0, 2.7), (7.0, 3.0, 0.0), lens)

    xy_m, valid = model.to_height(np.array([[u, v]]), height)
    assume(valid[0])
    px, seen = model.to_image(np.array([[*xy_m[0], height]]))

    assert seen[0]
    assert px[0] == pytest.approx([u, v], abs=0.02)


@pytest.mark.parametrize("height_m", [0.0, 1.7])
@pytest.mark.parametrize("lens", [PINHOLE, LENS, SKEWED], ids=["pinhole", "barrel", "skewed"])
def test_jacobian_is_the_derivative(lens: Lens, height_m: float) -> None:
    model = camera((1.0, 2.0, 3.0), (7.0, 3.0, 0.0), lens)
    px = np.array([[320.0, 200.0], [100.0, 300.0], [600.0, 350.0], [50.0, 120.0]])
    step = 1e-3

    by_difference = np.stack(
        [
            (
                model.to_height(px + step * axis, height_m)[0]
                - model.to_height(px - step * axis, height_m)[0]
            )
            / (2 * step)
            for axis in np.eye(2)
        ],
        axis=2,
    )

    assert model.to_height(px, height_m)[1].all()
    assert model.floor_jacobian(px, height_m) == pytest.approx(by_difference, rel=1e-4, abs=1e-7)


def test_beyond_the_fold_nothing_is_seen() -> None:
    strong = Lens(640, 360, 250.0, 250.0, 319.5, 179.5, k1=-0.4)
    fold = 1 / math.sqrt(3 * 0.4)  # where 1 - 3 * 0.4 r^2 = 0
    edge_px = 250.0 * fold * (1 - 0.4 * fold**2)

    assert strong.fold_radius == pytest.approx(fold)
    rays, valid = strong.to_rays(
        np.array([[319.5 + edge_px * 0.98, 179.5], [319.5 + edge_px * 1.02, 179.5]])
    )
    assert valid.tolist() == [True, False]
    assert rays[0, 0] < fold
    # A point far to the side would be folded back into the picture.
    model = camera((0.0, 0.0, 3.0), (4.0, 0.0, 0.0), strong)
    _, shown = model.to_image(np.array([[1.0, 8.0, 0.0]]))
    assert not shown[0]


def test_a_lens_without_distortion_never_folds() -> None:
    assert math.isinf(PINHOLE.fold_radius)
    assert math.isinf(Lens(640, 360, 320, 320, 320, 180, k1=0.2).fold_radius)


def homography_of(model: CameraModel, factor: float = 1.0) -> np.ndarray:
    """The homography from undistorted pixels to the floor of a camera with a pose."""
    assert model.pose is not None
    to_floor = np.linalg.inv(model.lens.matrix @ model.pose.plane_to_camera(0.0))
    return to_floor * factor


@pytest.mark.parametrize("factor", [1.0, -7.0, 1e-6], ids=["as is", "negated", "tiny"])
def test_homography_is_the_camera_it_came_from(factor: float) -> None:
    model = camera((1.0, 2.0, 2.7), (7.0, 3.0, 0.0))
    px = np.array([[320.0, 200.0], [100.0, 300.0], [600.0, 350.0], [320.0, 0.0]])

    same = camera_from_homography(LENS, homography_of(model, factor), 0.2)

    assert same.floor_error_m == 0.2
    assert same.to_floor(px)[1].tolist() == model.to_floor(px)[1].tolist()
    assert same.to_floor(px)[0] == pytest.approx(model.to_floor(px)[0], abs=1e-6)
    assert same.centre_m == pytest.approx([1.0, 2.0, 2.7], abs=1e-6)
    assert same.to_height(px, 1.7)[0] == pytest.approx(model.to_height(px, 1.7)[0], abs=1e-6)


def test_homography_that_belies_its_lens_knows_only_the_floor() -> None:
    model = camera((1.0, 2.0, 2.7), (7.0, 3.0, 0.0))
    other = Lens(640, 360, 640.0, 200.0, 319.5, 179.5)
    stretched = homography_of(model) @ model.lens.matrix @ np.linalg.inv(other.matrix)
    stretched = np.diag([1.0, 2.0, 1.0]) @ stretched
    px = np.array([[320.0, 200.0]])

    found = camera_from_homography(other, stretched)

    assert found.centre_m is None
    assert found.to_floor(px)[1].all()
    assert not found.to_height(px, 1.7)[1].any()
    xy_m, _ = found.to_floor(px)
    on_floor = np.array([[*xy_m[0], 0.0], [*xy_m[0], 1.0]])
    back_px, valid = found.to_image(on_floor)
    assert valid.tolist() == [True, False]
    assert back_px[0] == pytest.approx(px[0])


def test_singular_homography_is_refused() -> None:
    with pytest.raises(DegeneratePoints, match="cannot be inverted"):
        camera_from_homography(PINHOLE, np.ones((3, 3)))


def test_a_substream_sees_the_same_floor() -> None:
    model = camera((1.0, 2.0, 2.7), (7.0, 3.0, 0.0))
    half = model.for_picture(320, 180)
    # Pixel (0, 0) is a centre, so pixel x of the full picture is (x + 0.5) / 2 - 0.5 of the half.
    px = np.array([[321.0, 201.0], [101.0, 301.0]])

    assert half.size_px == (320, 180)
    assert half.to_floor((px + 0.5) / 2 - 0.5)[0] == pytest.approx(model.to_floor(px)[0], abs=1e-6)
    assert model.for_picture(640, 360) is model


def test_no_pixels() -> None:
    nothing = np.zeros((0, 2))

    assert OVER_FLOOR.to_floor(nothing)[0].shape == (0, 2)
    assert OVER_FLOOR.floor_jacobian(nothing).shape == (0, 2, 2)
    assert OVER_FLOOR.to_image(np.zeros((0, 3)))[0].shape == (0, 2)


def rectangle(left: float, bottom: float, right: float, top: float) -> shapely.Polygon:
    return shapely.box(left, bottom, right, top)


def segment(*points: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString(points)


def two_rooms(category: str = "pedestrian", **more: object) -> FloorPlan:
    """Rooms 0..8 and 8..16, 6 deep, with a gap in the wall between them at y 2..4."""
    opening = Opening("o", "", "L1", segment((8, 2), (8, 4)), category)  # type: ignore[arg-type]
    return FloorPlan(
        [Level("L1", "Ground", 0, 0.0, shapely.Polygon())],
        [
            Space("west", "West", "room", "L1", rectangle(0, 0, 8, 6)),
            Space("east", "East", "room", "L1", rectangle(8, 0, 16, 6)),
        ],
        [opening],
        [Entrance("d1", "1", "", "L1", segment((0, 2), (0, 4)))],
        **more,  # type: ignore[arg-type]
    )


ACROSS = camera((0.05, 3.0, 2.6), (8.0, 3.0, 0.0), PINHOLE)


@pytest.mark.parametrize(
    ("plan", "place", "seen"),
    [
        pytest.param(two_rooms("open"), (6.0, 3.0), True, id="its own room"),
        pytest.param(two_rooms("open"), (12.0, 3.0), True, id="through an open passage"),
        pytest.param(two_rooms("open"), (12.0, 5.9), False, id="not behind the wall beside it"),
        pytest.param(two_rooms("pedestrian"), (12.0, 3.0), False, id="not through a closed door"),
        pytest.param(two_rooms("open"), (0.5, 3.0), False, id="not below itself"),
        pytest.param(
            two_rooms("open", walls=[Wall("w", "L1", segment((5, 2), (5, 4)))]),
            (7.0, 3.0),
            False,
            id="not behind an interior wall",
        ),
        pytest.param(
            two_rooms("open", fixtures=[Fixture("f", "shelf", "L1", rectangle(5, 2, 6, 4), 2.0)]),
            (7.0, 3.0),
            False,
            id="not behind a tall shelf",
        ),
        pytest.param(
            two_rooms("open", fixtures=[Fixture("f", "desk", "L1", rectangle(5, 2, 6, 4), 0.7)]),
            (7.0, 3.0),
            True,
            id="but over a desk",
        ),
        pytest.param(
            two_rooms("open", fixtures=[Fixture("f", "desk", "L1", rectangle(5, 2, 6, 4), 0.7)]),
            (5.5, 3.0),
            False,
            id="nobody stands in a desk",
        ),
    ],
)
def test_visible_floor(plan: FloorPlan, place: tuple[float, float], seen: bool) -> None:
    assert ACROSS.visible_floor(plan).covers(shapely.Point(place)) is seen


def test_visible_floor_is_what_the_picture_shows() -> None:
    hall = FloorPlan(
        [Level("L1", "Ground", 0, 0.0, shapely.Polygon())],
        [Space("hall", "Hall", "room", "L1", rectangle(-20, -20, 20, 20))],
    )
    model = camera((1.0, 2.0, 2.7), (7.0, 3.0, 0.0), SKEWED)
    xy_m = np.random.default_rng(7).uniform(-19, 19, (4000, 2))
    _, shown = model.to_image(np.column_stack([xy_m, np.zeros(len(xy_m))]))
    within = np.linalg.norm(xy_m - (1.0, 2.0), axis=1) <= 12.0

    area = model.visible_floor(hall, range_m=12.0)
    inside = np.asarray(shapely.contains_xy(area, *xy_m.T))

    away = np.asarray(shapely.distance(area.boundary, shapely.points(xy_m))) > 0.05
    assert 100 < np.count_nonzero(inside) < 3000
    assert (inside[away] == (shown & within)[away]).all()


def test_visible_floor_needs_a_level_where_there_are_several() -> None:
    plan = FloorPlan(
        [Level(name, name, i, 0.0, shapely.Polygon()) for i, name in enumerate(("L1", "L2"))],
        [Space("hall", "Hall", "room", "L2", rectangle(-20, -20, 20, 20))],
    )

    with pytest.raises(ValueError, match="several"):
        OVER_FLOOR.visible_floor(plan)
    with pytest.raises(UnknownLevel, match="unknown level 'L3'; the plan has L1, L2"):
        OVER_FLOOR.visible_floor(plan, "L3")
    assert OVER_FLOOR.visible_floor(plan, "L1").is_empty
    assert not OVER_FLOOR.visible_floor(plan, "L2").is_empty


def test_pose_that_looks_is_upright() -> None:
    pose = looking((0.0, 0.0, 3.0), (4.0, 0.0, 0.0))

    assert pose.rotation @ pose.rotation.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(pose.rotation) == pytest.approx(1.0)
    assert pose.centre_m == pytest.approx([0.0, 0.0, 3.0])
