"""Lenses of both kinds: pixels to rays and back, derivatives, and where a model says nothing."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.camera import CameraModel
from calibration.fisheye import WIDEST_RAD, AnyLens, FisheyeLens
from calibration.homography import camera_from_homography
from calibration.landmarks import fit_camera
from calibration.lens import Lens
from calibration.site import load_site
from calibration.site_files import CameraFile
from calibration.validation import check

from .small_site import SmallSite, looking

PINHOLE = Lens(640, 360, 320.0, 320.0, 319.5, 179.5)
SKEWED = Lens(640, 360, 300.0, 310.0, 330.0, 170.0, k1=-0.2, k2=0.05, p1=0.002, p2=-0.001)
FISHEYE = FisheyeLens(800, 800, 250.0, 255.0, 402.0, 395.0, 0.04, -0.012, 0.004, -0.0008)
WIDE = FisheyeLens(640, 480, 190.0, 190.0, 319.5, 239.5)
LENSES: list[Any] = [PINHOLE, SKEWED, FISHEYE, WIDE]
NAMES = ["pinhole", "brown", "fisheye", "equidistant"]


def picture(lens: AnyLens, count: int = 400) -> np.ndarray:
    """Pixels all over the picture."""
    rng = np.random.default_rng(3)
    return rng.uniform((0, 0), (lens.width_px - 1, lens.height_px - 1), (count, 2))


@pytest.mark.parametrize("lens", LENSES, ids=NAMES)
def test_pixels_to_rays_and_back(lens: AnyLens) -> None:
    px = picture(lens)

    rays, valid = lens.to_rays(px)
    back_px, seen = lens.to_pixels(rays[valid])

    assert valid.sum() > len(px) / 2
    assert seen.all()
    np.testing.assert_allclose(back_px, px[valid], atol=1e-4)


@pytest.mark.parametrize("lens", LENSES, ids=NAMES)
def test_pixel_jacobian_is_the_derivative(lens: AnyLens) -> None:
    rays = np.array([[0.0, 0.0], [1e-7, 0.0], [0.3, -0.2], [-0.6, 0.4], [0.05, 0.9]])
    step = 1e-6

    by_difference = np.stack(
        [
            (lens.to_pixels(rays + step * axis)[0] - lens.to_pixels(rays - step * axis)[0])
            / (2 * step)
            for axis in np.eye(2)
        ],
        axis=2,
    )

    np.testing.assert_allclose(lens.pixel_jacobian(rays), by_difference, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("lens", [FISHEYE, WIDE], ids=["fisheye", "equidistant"])
def test_fisheye_is_that_of_opencv(lens: FisheyeLens) -> None:
    rays = np.random.default_rng(1).uniform(-3, 3, (50, 2))
    theirs = cv2.fisheye.distortPoints(
        rays[:, None], lens.matrix, np.array([lens.k1, lens.k2, lens.k3, lens.k4])
    )

    ours, valid = lens.to_pixels(rays)

    assert valid.all()
    np.testing.assert_allclose(ours, theirs[:, 0], atol=1e-6)


def test_equidistant_by_hand() -> None:
    """45 degrees off the axis lie 190 px * pi / 4 from the principal point."""
    px, valid = WIDE.to_pixels(np.array([[1.0, 0.0]]))

    assert valid.all()
    assert px[0] == pytest.approx([319.5 + 190 * math.pi / 4, 239.5])


def test_beyond_the_image_circle_there_is_nothing() -> None:
    edge_px = 190 * WIDEST_RAD
    px = np.array([[319.5 + edge_px - 0.5, 239.5], [319.5 + edge_px + 0.5, 239.5], [0.0, 0.0]])

    rays, valid = WIDE.to_rays(px)

    assert valid.tolist() == [True, False, False]
    assert rays[0, 0] == pytest.approx(math.tan(WIDEST_RAD - 0.5 / 190))
    assert (rays[1:] == 0).all()


def test_a_fisheye_that_folds_is_used_up_to_its_fold() -> None:
    folding = FisheyeLens(640, 480, 190.0, 190.0, 319.5, 239.5, k1=-0.2)
    fold_rad = 1 / math.sqrt(3 * 0.2)  # where 1 - 3 * 0.2 theta^2 = 0

    assert folding.widest_rad == pytest.approx(fold_rad)
    _, valid = folding.to_pixels(np.array([[math.tan(fold_rad) * s, 0.0] for s in (0.99, 1.01)]))
    assert valid.tolist() == [True, False]


@pytest.mark.parametrize("lens", LENSES, ids=NAMES)
def test_a_scaled_lens_sees_the_same_rays(lens: AnyLens) -> None:
    px = picture(lens, 30)
    half = lens.scaled(lens.width_px // 2, lens.height_px // 2)

    rays, valid = lens.to_rays(px)
    half_rays, half_valid = half.to_rays((px + 0.5) / 2 - 0.5)

    assert half_valid.tolist() == valid.tolist()
    np.testing.assert_allclose(half_rays, rays, atol=1e-6, rtol=1e-6)


def test_not_a_number_is_no_ray() -> None:
    rays, valid = FISHEYE.to_rays(np.array([[np.nan, 3.0], [np.inf, 3.0], [402.0, 395.0]]))

    assert valid.tolist() == [False, False, True]
    assert (rays == 0).all()
    assert FISHEYE.to_rays(np.zeros((0, 2)))[0].shape == (0, 2)


@settings(max_examples=150, deadline=None)
@given(
    lens=st.sampled_from(LENSES),
    u=st.floats(0, 1),
    v=st.floats(0, 1),
    height=st.floats(2.2, 5.0),
    ahead=st.floats(0.5, 12.0),
    plane=st.sampled_from([0.0, 1.7]),
)
def test_picture_to_floor_to_picture(
    lens: AnyLens, u: float, v: float, height: float, ahead: float, plane: float
) -> None:
    model = CameraModel.from_pose(lens, looking((1.0, 2.0, height), (1.0 + ahead, 2.4, 0.0)))
    px = np.array([[u * (lens.width_px - 1), v * (lens.height_px - 1)]])

    xy_m, valid = model.to_height(px, plane)
    if not valid[0]:
        return
    back_px, seen = model.to_image(np.array([[*xy_m[0], plane]]))

    assert seen[0]
    np.testing.assert_allclose(back_px, px, atol=1e-3)


@settings(max_examples=60, deadline=None)
@given(
    lens=st.sampled_from(LENSES),
    x=st.floats(0.5, 9.0),
    y=st.floats(-6.0, 6.0),
    plane=st.sampled_from([0.0, 1.7]),
)
def test_floor_jacobian_is_the_derivative(lens: AnyLens, x: float, y: float, plane: float) -> None:
    model = CameraModel.from_pose(lens, looking((0.0, 0.0, 3.0), (4.0, 0.3, 0.0)))
    px, seen = model.to_image(np.array([[x, y, plane]]))
    if not seen[0] or not lens.in_picture(px, -1.0)[0]:
        return
    step = 1e-3

    by_difference = np.stack(
        [
            (model.to_height(px + step * a, plane)[0] - model.to_height(px - step * a, plane)[0])
            / (2 * step)
            for a in np.eye(2)
        ],
        axis=2,
    )

    scale = float(np.abs(by_difference).max())
    np.testing.assert_allclose(
        model.floor_jacobian(px, plane), by_difference, rtol=1e-3, atol=1e-4 * scale
    )


CEILING = CameraModel.from_pose(FISHEYE, looking((5.0, 5.0, 3.0), (5.01, 5.0, 0.0)))
SLANTED = CameraModel.from_pose(WIDE, looking((0.2, 3.0, 2.8), (3.0, 3.0, 1.0)))


def test_a_ceiling_fisheye_sees_all_round_and_no_horizon() -> None:
    around = 4.0 * np.array([[1, 0], [0, 1], [-1, 0], [0, -1.0]]) + 5.0
    px, seen = CEILING.to_image(np.column_stack([around, np.zeros(4)]))

    xy_m, valid = CEILING.to_floor(px)

    assert seen.all()
    assert valid.all()
    np.testing.assert_allclose(xy_m, around, atol=1e-6)
    assert len(CEILING.horizon_px()) == 0


def test_rays_at_right_angles_and_beyond_have_no_floor() -> None:
    """The floor behind a slanted fisheye is in its picture, more than 90 degrees off its axis."""
    beyond_px = np.array([[319.5, 479.0]])
    assert WIDEST_RAD > (479.0 - 239.5) / 190
    wider = FisheyeLens(640, 480, 140.0, 140.0, 319.5, 239.5)
    assert SLANTED.pose is not None
    model = CameraModel.from_pose(wider, SLANTED.pose)

    assert model.to_floor(beyond_px)[1].tolist() == [False]
    assert SLANTED.to_floor(beyond_px)[1].tolist() == [True]


@pytest.mark.parametrize("lens", [PINHOLE, SKEWED, WIDE], ids=["pinhole", "brown", "fisheye"])
def test_the_horizon_parts_floor_from_sky(lens: AnyLens) -> None:
    model = CameraModel.from_pose(lens, looking((0.0, 0.0, 2.8), (6.0, 1.0, 1.0)))

    horizon_px = model.horizon_px()
    inside = horizon_px[lens.in_picture(horizon_px, -8.0)]
    aside_px = np.array([0.0, 6.0])
    below, above = inside + aside_px, inside - aside_px

    assert len(inside) > 20
    assert model.to_floor(below)[1].all()
    assert not model.to_floor(above)[1].any()


@pytest.mark.parametrize("lens", [SKEWED, WIDE], ids=["brown", "fisheye"])
def test_the_floor_mask_is_where_pixels_have_a_place(lens: AnyLens) -> None:
    model = CameraModel.from_pose(lens, looking((0.0, 0.0, 2.8), (6.0, 1.0, 1.0)))

    mask = model.floor_mask(step_px=8)
    near = model.floor_mask(step_px=8, range_m=6.0)

    assert mask.shape == (math.ceil(lens.height_px / 8), math.ceil(lens.width_px / 8))
    rows, columns = np.mgrid[: mask.shape[0], : mask.shape[1]]
    px = np.column_stack([columns.ravel(), rows.ravel()]) * 8 + 3.5
    xy_m, valid = model.to_floor(px)
    assert mask.ravel().tolist() == valid.tolist()
    away_m = np.hypot(np.linalg.norm(xy_m, axis=1), 2.8)
    assert near.ravel().tolist() == (valid & (away_m <= 6.0)).tolist()


def test_a_homography_of_a_fisheye_is_the_camera_it_came_from() -> None:
    assert SLANTED.pose is not None
    to_floor = np.linalg.inv(WIDE.matrix @ SLANTED.pose.plane_to_camera(0.0)).astype(np.float64)
    px = np.array([[320.0, 300.0], [100.0, 330.0]])

    same = camera_from_homography(WIDE, to_floor)

    np.testing.assert_allclose(same.to_floor(px)[0], SLANTED.to_floor(px)[0], atol=1e-6)


def test_landmarks_find_a_fisheye() -> None:
    xyz_m = np.array([(x, y, 0.0) for x in (1.0, 3.0, 6.0) for y in (0.5, 3.0, 5.5)])
    xyz_m[::4, 2] = 2.0
    px, seen = SLANTED.to_image(xyz_m)
    assert seen.all()

    fit = fit_camera(WIDE, px, xyz_m)

    assert fit.camera.centre_m == pytest.approx([0.2, 3.0, 2.8], abs=1e-4)


def fisheye_site() -> SmallSite:
    site = SmallSite()
    pose = looking((5.0, 3.0, 2.8), (5.3, 3.0, 0.0))
    site.cameras["cam-01"]["lens"] = {
        "model": "fisheye", "width_px": 640, "height_px": 480,
        "fx": 150.0, "fy": 150.0, "cx": 319.5, "cy": 239.5, "k1": 0.01,
    }  # fmt: skip
    site.cameras["cam-01"]["pose"] = {
        "R": pose.rotation.tolist(), "t": pose.translation.tolist()
    }  # fmt: skip
    return site


def test_a_fisheye_in_a_camera_file(tmp_path: Any) -> None:
    site = load_site(fisheye_site().write(tmp_path))

    camera = site.cameras["cam-01"]
    assert isinstance(camera.model.lens, FisheyeLens)
    assert camera.model.lens.k1 == 0.01
    # On the hall's ceiling it sees nearly all of the hall, and nothing of the room next door.
    seen = camera.visible_floor(site.plan)
    assert seen.area > 0.9 * 60.0
    assert seen.bounds[2] <= 10.0 + 1e-6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"p1": 0.1}, "a fisheye has no p1", id="tangential"),
        pytest.param({"model": "pinhole", "k4": 0.1}, "a pinhole has no k4", id="k4"),
        pytest.param({"model": "fish-eye"}, "'pinhole' or 'fisheye'", id="unknown"),
    ],
)
def test_coefficients_of_the_other_model_are_refused(change: dict[str, Any], message: str) -> None:
    table = fisheye_site().cameras["cam-01"]
    table["lens"] |= change
    problems: list[Any] = []

    assert check(CameraFile, table, "cameras/cam-01.toml", problems) is None
    assert message in str(problems[0])
