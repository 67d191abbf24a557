"""Cameras from surveyed landmarks: what is believed, what is refused, how sure it is."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.camera import CameraModel, Pose
from calibration.errors import DegeneratePoints
from calibration.fisheye import AnyLens, FisheyeLens
from calibration.landmarks import UNMEASURED_ERROR_M, fit_camera
from calibration.lens import Lens
from calibration.pose_error import pixel_by_calibration, seen_by
from calibration.pose_fit import stepped
from calibration.site import load_site
from calibration.site_files import CameraFile
from calibration.validation import check

from .small_site import LENS, SmallSite, camera, looking

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PINHOLE = Lens(640, 360, 320.0, 320.0, 319.5, 179.5)
SKEWED = Lens(640, 360, 300.0, 310.0, 330.0, 170.0, k1=-0.2, k2=0.05, p1=0.002, p2=-0.001)
FISHEYE = FisheyeLens(640, 480, 190.0, 190.0, 319.5, 239.5, k1=0.02)
OVER_FLOOR = camera((0.0, 0.0, 3.0), (4.0, 0.0, 0.0), PINHOLE)
GRID = np.array([(x, y, 0.0) for x in (3.0, 5.0, 8.0) for y in (-2.0, 0.0, 2.5)])


@pytest.mark.parametrize("lens", [PINHOLE, LENS, SKEWED], ids=["pinhole", "barrel", "skewed"])
@pytest.mark.parametrize("raised_m", [0.0, 1.2], ids=["floor", "some raised"])
def test_landmarks_find_the_camera(lens: Lens, raised_m: float) -> None:
    model = camera((0.0, 0.5, 2.8), (6.0, 0.0, 0.0), lens)
    xyz_m = GRID.copy()
    xyz_m[::2, 2] = raised_m
    px, seen = model.to_image(xyz_m)
    assert seen.all()

    fit = fit_camera(lens, px, xyz_m)

    assert fit.dropped == ()
    assert fit.camera.centre_m == pytest.approx([0.0, 0.5, 2.8], abs=1e-4)
    assert fit.residual_px.max() < 1e-3


def test_floor_error_is_that_of_the_clicks() -> None:
    """Held-out landmarks tell the error on the floor that jittered clicks really cause."""
    rng = np.random.default_rng(1)
    model = camera((0.0, 0.5, 2.8), (6.0, 0.0, 0.0))
    px, _ = model.to_image(GRID)
    truth_m, told_m = [], []
    for _ in range(20):
        fit = fit_camera(LENS, px + rng.normal(0, 1.5, px.shape), GRID)
        xy_m, valid = fit.camera.to_floor(px)
        assert valid.all()
        truth_m.append(np.sqrt(np.mean(np.sum((xy_m - GRID[:, :2]) ** 2, axis=1)) / 2))
        told_m.append(fit.camera.floor_error_m)

    assert np.median(truth_m) <= np.median(told_m) <= 4 * np.median(truth_m)


def surveyed(
    seed: int, count: int, model: CameraModel, noise_px: float = 0.7, raised: float = 0.3
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixels, read with some noise, and metres of landmarks all over what a camera sees."""
    rng = np.random.default_rng(seed)
    places: list[NDArray[np.float64]] = []
    while len(places) < count:
        z = rng.uniform(0.5, 2.2) if rng.random() < raised else 0.0
        place = np.array([rng.uniform(2.5, 12.0), rng.uniform(-4.0, 4.0), z])
        if model.to_image(place[None])[1][0]:
            places.append(place)
    xyz_m = np.array(places)
    return model.to_image(xyz_m)[0] + rng.normal(0, noise_px, (count, 2)), xyz_m


@pytest.mark.parametrize("wrong", range(3))
def test_one_misread_landmark_is_dropped(wrong: int) -> None:
    model = camera((0.0, 0.5, 2.8), (6.0, 0.0, 0.0))
    px, _ = model.to_image(GRID)
    xyz_m = GRID.copy()
    xyz_m[wrong, 1] += 1.5

    fit = fit_camera(LENS, px, xyz_m)

    assert fit.dropped == (wrong,)
    assert fit.camera.centre_m == pytest.approx([0.0, 0.5, 2.8], abs=1e-3)


def test_four_landmarks_have_no_measured_error() -> None:
    px, _ = OVER_FLOOR.to_image(GRID[[0, 2, 6, 8]])

    fit = fit_camera(PINHOLE, px, GRID[[0, 2, 6, 8]])

    assert not fit.measured
    assert len(fit.held_out_m) == 0
    assert fit.camera.floor_error_m == UNMEASURED_ERROR_M
    assert fit.camera.centre_m == pytest.approx([0.0, 0.0, 3.0], abs=1e-4)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        pytest.param([0, 4, 8], "3 landmarks do not fix a camera", id="three"),
        pytest.param([0, 2, 6, 6], "two landmarks have the same metres", id="one twice"),
    ],
)
def test_too_few_landmarks_are_refused(rows: list[int], reason: str) -> None:
    px, _ = OVER_FLOOR.to_image(GRID[rows])

    with pytest.raises(DegeneratePoints, match=reason):
        fit_camera(PINHOLE, px, GRID[rows])


@pytest.mark.parametrize(
    ("y_m", "reason"),
    [
        pytest.param([0.0, 0.0, 0.0, 0.0, 0.0], "all landmarks lie on one line", id="on a line"),
        pytest.param([0.0, 0.0, 0.0, 0.0, 2.0], "all landmarks but number 5 lie", id="but one"),
    ],
)
def test_landmarks_on_a_line_are_refused(y_m: list[float], reason: str) -> None:
    xyz_m = np.column_stack([[2.5, 4.0, 5.0, 7.0, 6.0], y_m, np.zeros(5)])
    px, seen = OVER_FLOOR.to_image(xyz_m)
    assert seen.all()

    with pytest.raises(DegeneratePoints, match=reason):
        fit_camera(PINHOLE, px, xyz_m)


def test_landmarks_of_a_mirrored_plan_are_refused() -> None:
    px, _ = OVER_FLOOR.to_image(GRID)

    with pytest.raises(DegeneratePoints, match="mirror image of what the picture shows"):
        fit_camera(PINHOLE, px, GRID * (1.0, -1.0, 1.0))


MODEL = camera((0.0, 0.5, 2.8), (6.0, 0.0, 0.0))


@pytest.mark.parametrize(("count", "wrong"), [(6, 1), (8, 2), (10, 3), (14, 5)])
@pytest.mark.parametrize("seed", range(3))
def test_misread_landmarks_are_found(count: int, wrong: int, seed: int) -> None:
    px, xyz_m = surveyed(seed, count, MODEL)
    rng = np.random.default_rng(seed + 100)
    rows = rng.choice(count, wrong, replace=False)
    px[rows] += rng.uniform(20, 60, (wrong, 2)) * rng.choice([-1.0, 1.0], (wrong, 2))

    fit = fit_camera(LENS, px.clip(0, (639, 359)), xyz_m)

    assert set(fit.dropped) == set(rows.tolist())
    assert fit.measured
    assert fit.camera.centre_m == pytest.approx([0.0, 0.5, 2.8], abs=0.25)


def test_two_misread_alike_do_not_outvote_the_rest() -> None:
    px, xyz_m = surveyed(4, 9, MODEL)
    px[[2, 6]] += (30.0, 0.0)

    assert fit_camera(LENS, px, xyz_m).dropped == (2, 6)


def test_well_read_landmarks_are_all_believed() -> None:
    for seed in range(12):
        px, xyz_m = surveyed(seed, 8, MODEL, noise_px=1.0)
        assert fit_camera(LENS, px, xyz_m).dropped == ()


@pytest.mark.parametrize("noise_px", [0.5, 1.5])
@pytest.mark.parametrize("count", [6, 9, 14])
def test_the_told_error_holds_the_true_one(count: int, noise_px: float) -> None:
    """Squared errors in units of the covariance, on floor near and far: 2 on average, or less."""
    floor_m = np.stack(np.meshgrid(np.arange(3.0, 15.0), np.arange(-4.0, 5.0)), axis=-1)
    floor_m = np.column_stack([floor_m.reshape(-1, 2), np.zeros(108)])
    at_px, seen = MODEL.to_image(floor_m)
    inside, shares = [], []
    for seed in range(15):
        px, xyz_m = surveyed(seed, count, MODEL, noise_px)
        model = fit_camera(LENS, px, xyz_m).camera
        told_m, valid = model.to_floor(at_px)
        valid &= seen
        error = (told_m - floor_m[:, :2])[valid]
        cov = model.calibration_cov_m2(at_px)[valid]
        nees = np.einsum("ni,nij,nj->n", error, np.linalg.inv(cov), error)
        inside.append(np.mean(nees < 5.99))
        shares.append(np.mean(nees) / 2)

    assert np.mean(inside) >= 0.92
    assert 0.1 < np.mean(shares) < 1.3


def test_the_error_grows_away_from_what_was_surveyed() -> None:
    near = np.array([(x, y, z) for x in (3.0, 4.0, 5.0) for y in (-1.0, 0.5, 1.5) for z in (0.0,)])
    px, _ = MODEL.to_image(near)
    px = px + np.random.default_rng(0).normal(0, 0.7, px.shape)
    model = fit_camera(LENS, px, near).camera

    at_px, seen = MODEL.to_image(np.array([[4.0, 0.5, 0.0], [8.0, 0.5, 0.0], [16.0, 0.5, 0.0]]))
    assert seen.all()
    sizes_m = np.sqrt(np.trace(model.calibration_cov_m2(at_px), axis1=1, axis2=2))

    assert sizes_m[0] < 0.1
    assert sizes_m[1] > 3 * sizes_m[0]
    assert sizes_m[2] > 3 * sizes_m[1]


def test_a_camera_without_covariance_errs_alike_everywhere() -> None:
    model = CameraModel.from_pose(LENS, looking((0, 0, 3), (4, 0, 0)), 0.2)

    cov = model.calibration_cov_m2(np.array([[320.0, 200.0], [320.0, 350.0]]))

    assert cov == pytest.approx(np.tile(np.eye(2) * 0.04, (2, 1, 1)))


def test_a_substream_keeps_the_covariance() -> None:
    px, xyz_m = surveyed(0, 8, MODEL)
    model = fit_camera(LENS, px, xyz_m).camera
    half = model.for_picture(320, 180)
    at_px = np.array([[321.0, 201.0], [101.0, 301.0]])

    assert half.calibration_cov_m2((at_px + 0.5) / 2 - 0.5) == pytest.approx(
        model.calibration_cov_m2(at_px), rel=1e-6
    )


@settings(max_examples=60)
@given(
    lens=st.sampled_from([PINHOLE, SKEWED, FISHEYE]),
    x=st.floats(1.5, 9.0),
    y=st.floats(-3.0, 3.0),
    z=st.floats(0.0, 2.0),
)
def test_pixels_by_calibration_are_derivatives(lens: AnyLens, x: float, y: float, z: float) -> None:
    pose = looking((0.0, 0.0, 3.0), (4.0, 0.3, 0.0))
    place_m = np.array([[x, y, z]])
    if lens is SKEWED and not CameraModel.from_pose(lens, pose).to_image(place_m)[1][0]:
        return

    def pixel(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        # The derivative of k1 of a pinhole is that of its radial term.
        moved_lens, moved = stepped(lens, pose, numbers)
        seen_m = seen_by(moved, place_m)
        return np.asarray(moved_lens.to_pixels(seen_m[:, :2] / seen_m[:, 2:])[0][0])

    found = pixel_by_calibration(lens, seen_by(pose, place_m), 8)[0]
    step = 1e-6
    for k in range(8):
        one = np.zeros(8)
        one[k] = step
        by_difference = (pixel(one) - pixel(-one)) / (2 * step)
        assert found[:, k] == pytest.approx(by_difference, rel=2e-3, abs=2e-2)


@pytest.mark.parametrize("lens", [LENS, FISHEYE], ids=["pinhole", "fisheye"])
def test_a_lens_told_wrong_is_refined(lens: Any) -> None:
    model = camera((0.0, 0.5, 2.8), (6.0, 0.0, 0.0), lens)
    px, xyz_m = surveyed(3, 16, model, 0.3, raised=0.5)
    told = type(lens)(640, lens.height_px, lens.fx * 1.12, lens.fy * 1.12, lens.cx, lens.cy)

    as_told, better = fit_camera(told, px, xyz_m), fit_camera(told, px, xyz_m, refine_lens=True)

    assert better.camera.lens.fx == pytest.approx(lens.fx, rel=0.02)
    assert better.camera.lens.fy / better.camera.lens.fx == pytest.approx(lens.fy / lens.fx)
    assert better.camera.lens.k1 == pytest.approx(lens.k1, abs=0.03)
    assert better.camera.floor_error_m < 0.5 * as_told.camera.floor_error_m
    assert better.camera.calibration_cov is not None
    assert better.camera.calibration_cov.shape == (8, 8)


def test_too_few_landmarks_for_the_lens() -> None:
    px, xyz_m = surveyed(0, 7, MODEL)
    with pytest.raises(DegeneratePoints, match="7 landmarks that agree are too few to fit"):
        fit_camera(LENS, px, xyz_m, refine_lens=True)


def test_landmarks_that_say_nothing_about_the_lens() -> None:
    """Straight from above, height and focal length are one number."""
    rotation = np.diag([1.0, -1.0, -1.0])
    model = CameraModel.from_pose(PINHOLE, Pose(rotation, np.array([0.0, 0.0, 3.0])))
    xyz_m = np.array([(x, y, 0.0) for x in (-2.0, 0.0, 2.0) for y in (-1.2, 0.1, 1.2)])
    px, seen = model.to_image(xyz_m)
    assert seen.all()
    with pytest.raises(DegeneratePoints, match="leave the focal length uncertain by"):
        fit_camera(PINHOLE, px, xyz_m, refine_lens=True)


def test_landmarks_near_one_point_are_refused() -> None:
    xyz_m = GRID * (0.02, 0.05, 1.0) + (6.0, 0.0, 0.0)
    px, _ = OVER_FLOOR.to_image(xyz_m)
    with pytest.raises(DegeneratePoints, match="near one point of the picture"):
        fit_camera(PINHOLE, px, xyz_m)


def calibrated(tmp_path: Path, **change: object) -> SmallSite:
    """The small site with a pose that was fitted; `change` spoils its `[calibration]`."""
    site = SmallSite()
    table: dict[str, object] = {
        "date": dt.date(2026, 3, 2),
        "landmarks": 8,
        "not_believed": ["door"],
        "sigma_px": 0.8,
        "held_out_m": 0.06,
        "covariance": (np.diag([1, 1, 1, 4, 4, 4]) * 1e-6).tolist(),
    }
    site.cameras["cam-01"]["calibration"] = table | change
    site.cameras["cam-01"]["landmarks"] = [{"pixel": [1.0, 2.0], "metres": [1.0, 2.0]}]
    site.cameras["cam-01"]["floor_error_m"] = 0.06
    site.write(tmp_path)
    return site


def test_a_fitted_pose_with_its_survey_and_covariance(tmp_path: Path) -> None:
    calibrated(tmp_path)

    loaded = load_site(tmp_path).cameras["cam-01"]

    assert loaded.calibrated_by == "pose"
    assert loaded.model.floor_error_m == 0.06
    assert loaded.model.calibration_cov == pytest.approx(np.diag([1, 1, 1, 4, 4, 4]) * 1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"covariance": [[1.0]]}, "6 rows of 6 numbers", id="small"),
        pytest.param({"covariance": (-np.eye(6)).tolist()}, "symmetric and positive", id="sign"),
        pytest.param({"covariance": np.tri(6).tolist()}, "symmetric and positive", id="lopsided"),
        pytest.param({"landmarks": 3}, "greater than or equal to 4", id="landmarks"),
    ],
)
def test_a_spoilt_calibration_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    table = calibrated(tmp_path, **change).cameras["cam-01"]
    problems: list[Any] = []

    assert check(CameraFile, table, "cameras/cam-01.toml", problems) is None
    assert any(message in str(problem) for problem in problems)


def test_a_calibration_without_a_pose_is_refused(tmp_path: Path) -> None:
    table = calibrated(tmp_path).cameras["cam-01"]
    del table["pose"]
    problems: list[Any] = []

    assert check(CameraFile, table, "cameras/cam-01.toml", problems) is None
    assert "there is no [pose]" in str(problems[0])
