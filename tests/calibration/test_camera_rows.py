"""Points of many cameras at once are placed as each camera places them by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.body import standing_boxes
from calibration.camera import CameraModel
from calibration.camera_loading import Camera
from calibration.camera_rows import CameraRows, has_rows
from calibration.fisheye import FisheyeLens
from calibration.homography import camera_from_homography
from calibration.lens import Lens
from calibration.lens_rows import LensRows
from calibration.projection import batch_to_floor_positions, to_floor_positions
from vision.tracks import Tracks
from vision.view import View

from .corridor import LEVEL, corridor_plan, east_camera, side_camera, west_camera

PLAN = corridor_plan()
FOLDING = Lens(640, 360, 300.0, 310.0, 330.0, 170.0, k1=-0.35, k2=0.05, p1=0.002, p2=-0.001)
LENSES = [
    Lens(640, 360, 320.0, 320.0, 319.5, 179.5),
    Lens(640, 360, 300.0, 310.0, 330.0, 170.0, k1=-0.2, k2=0.05, p1=0.002, p2=-0.001),
    Lens(1280, 720, 700.0, 690.0, 640.0, 355.0, k1=0.15, k3=0.02),
    FOLDING,
]
FITTED = np.diag([1e-4, 2e-4, 1e-4, 1e-3, 1e-3, 2e-3])


def fitted(camera: CameraModel, numbers: int) -> CameraModel:
    assert camera.pose is not None
    cov = np.diag([*np.diag(FITTED), 1e-4, 1e-5][:numbers])
    return CameraModel.from_pose(camera.lens, camera.pose, calibration_cov=cov)


CAMERAS = [west_camera(), side_camera(), fitted(east_camera(), 6), fitted(side_camera(), 8)]


def spread(count: int, far: float = 1.0) -> np.ndarray:
    return np.random.default_rng(7).uniform((-20, -20), (660 * far, 380 * far), (count, 2))


def test_a_row_of_a_lens_has_the_ray_that_the_lens_itself_has() -> None:
    px = spread(400, far=1.5)
    lens_of = np.arange(len(px)) % len(LENSES)
    rows = LensRows.of(LENSES, lens_of)

    rays, valid = rows.to_rays(px)
    back_px, _ = rows.to_pixels(rays[:, None])
    jacobian = rows.pixel_jacobian(rays)

    assert 0 < valid.sum() < len(px), "some pixels must lie beyond a fold"
    np.testing.assert_allclose(back_px[valid, 0], px[valid], atol=1e-7)
    for number, lens in enumerate(LENSES):
        own = lens_of == number
        own_rays, own_valid = lens.to_rays(px[own])
        np.testing.assert_array_equal(valid[own], own_valid)
        np.testing.assert_allclose(rays[own], own_rays, atol=1e-9)
        np.testing.assert_allclose(
            jacobian[own], lens.pixel_jacobian(own_rays), rtol=1e-6, atol=1e-6
        )


def test_a_ray_does_not_depend_on_the_rows_beside_it() -> None:
    px = spread(50)
    together, _ = LensRows.of([FOLDING], np.zeros(len(px), np.intp)).to_rays(px)
    alone = [LensRows.of([FOLDING], np.zeros(1, np.intp)).to_rays(one[None])[0][0] for one in px]
    np.testing.assert_array_equal(together, alone)


def test_a_row_of_a_camera_sees_what_the_camera_sees() -> None:
    px = np.concatenate([spread(400), [[np.nan, 3.0], [5.0, np.inf]]])
    height_m = np.where(np.arange(len(px)) % 3 == 0, 1.7, 0.0)
    camera_of = np.arange(len(px)) % len(CAMERAS)
    sight = CameraRows.of(CAMERAS, camera_of).sight(px, height_m)
    jacobian = sight.jacobian()
    cov_m2 = sight.calibration_cov_m2(jacobian)
    taller = sight.raised(height_m + 0.1)

    assert 0 < sight.valid.sum() < len(px), "some pixels must lie above the horizon"
    for number, camera in enumerate(CAMERAS):
        own = camera_of == number
        alone = camera.sight(px[own], height_m[own])
        valid = alone.valid
        floor = np.flatnonzero(height_m[own] == 0.0)
        np.testing.assert_array_equal(alone.xy_m[floor], camera.to_floor(px[own][floor])[0])
        np.testing.assert_array_equal(sight.valid[own], valid)
        np.testing.assert_allclose(sight.xy_m[own], alone.xy_m, rtol=1e-7, atol=1e-8)
        np.testing.assert_allclose(jacobian[own], alone.jacobian(), rtol=1e-6, atol=1e-9)
        own_cov_m2 = alone.calibration_cov_m2(alone.jacobian())
        np.testing.assert_allclose(cov_m2[own][valid], own_cov_m2[valid], rtol=1e-6, atol=1e-9)
        own_taller = alone.raised(height_m[own] + 0.1)
        np.testing.assert_array_equal(taller.valid[own], own_taller.valid)
        np.testing.assert_allclose(taller.xy_m[own], own_taller.xy_m, rtol=1e-6, atol=1e-8)


def test_standing_bodies_of_many_cameras_have_the_boxes_that_each_camera_shows() -> None:
    xy_m = np.array([(3.0, 1.5), (9.0, 2.0), (12.0, 1.0), (30.0, 1.0), (0.2, 1.5), (-5.0, 1.0)])
    camera_of = np.arange(len(xy_m)) % 3
    rows = standing_boxes(CameraRows.of(CAMERAS[:3], camera_of), xy_m)
    for number, camera in enumerate(CAMERAS[:3]):
        own = camera_of == number
        alone = standing_boxes(camera, xy_m[own])
        np.testing.assert_array_equal(rows.valid[own], alone.valid)
        np.testing.assert_array_equal(rows.whole[own], alone.whole)
        np.testing.assert_allclose(rows.xyxy_px[own], alone.xyxy_px, atol=1e-8)


def test_only_pinholes_with_a_pose_have_rows() -> None:
    flat = camera_from_homography(LENSES[1], np.diag([0.02, 0.01, 1.0]))
    assert not has_rows(flat)
    with pytest.raises(ValueError, match="pinholes with a pose"):
        CameraRows.of([west_camera(), flat], np.array([0, 1]))


def hung(name: str, model: CameraModel) -> Camera:
    return Camera(name, name, LEVEL, "interior", None, model, "pose")


def crowd(camera: str, count: int, view: View | None = None) -> Tracks:
    """Boxes all over the picture, some cut by its borders, some above the horizon."""
    rng = np.random.default_rng(sum(map(ord, camera)) + count)
    left_top = rng.uniform((0, 0), (560, 250), (count, 2))
    size = rng.uniform((20, 60), (70, 220), (count, 2))
    boxes = np.concatenate([left_top, np.minimum(left_top + size, (640, 360))], axis=1)
    return Tracks(
        camera=camera,
        frame_index=0,
        captured_at_s=0.0,
        size_px=(640, 360),
        xyxy_px=boxes.astype(np.float32),
        confidence=np.full(count, 0.9, np.float32),
        track_id=np.arange(count, dtype=np.int64),
        armed_llr=np.zeros(count),
        view=view or View(),
    )


def test_a_batch_is_placed_as_its_frames_are_one_by_one() -> None:
    fisheye = FisheyeLens(640, 360, 250.0, 255.0, 320.0, 180.0, 0.04, -0.012, 0.004, -0.0008)
    pose = west_camera().pose
    assert pose is not None
    models = {
        "west": west_camera(),
        "east": fitted(east_camera(), 6),
        "side": fitted(side_camera(), 8),
        "round": CameraModel.from_pose(fisheye, pose),
        "flat": camera_from_homography(LENSES[1], np.diag([0.02, 0.01, 1.0])),
    }
    site = {name: hung(name, model) for name, model in models.items()}
    batch = [
        (crowd("west", 9), site["west"]),
        (crowd("side", 0), site["side"]),
        (crowd("round", 6), site["round"]),
        (crowd("east", 7, View("shifted", 2.5)), site["east"]),
        (crowd("flat", 4), site["flat"]),
        (crowd("side", 8), site["side"]),
        (crowd("west", 5, View("moved", 40.0)), site["west"]),
    ]

    together = batch_to_floor_positions(batch, PLAN)
    alone = [
        to_floor_positions(tracks, camera.model, camera.id, camera.level, PLAN)
        for tracks, camera in batch
    ]

    assert sum(len(one.xy_m) for one in together) >= 15
    assert any(one.from_head.any() for one in together)
    assert together[1].xy_m.shape == (0, 2)
    assert together[-1].withheld == 5
    for one, other in zip(together, alone, strict=True):
        assert (one.camera, one.unplaced, one.withheld) == (
            other.camera,
            other.unplaced,
            other.withheld,
        )
        assert one.shift_px == other.shift_px
        np.testing.assert_array_equal(one.track_id, other.track_id)
        np.testing.assert_array_equal(one.from_head, other.from_head)
        np.testing.assert_allclose(one.xy_m, other.xy_m, rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(one.cov_m2, other.cov_m2, rtol=1e-6, atol=1e-8)


def test_who_stands_in_front_of_whom_is_asked_within_one_picture() -> None:
    """A box of another camera's picture hides nobody's feet."""
    far, near = (300.0, 100.0, 330.0, 180.0), (290.0, 110.0, 350.0, 340.0)
    one = replace(crowd("west", 1), xyxy_px=np.array([far], np.float32))
    two = replace(crowd("east", 1), xyxy_px=np.array([near], np.float32))
    site = {name: hung(name, west_camera()) for name in ("west", "east")}
    both = batch_to_floor_positions([(one, site["west"]), (two, site["east"])], PLAN)
    [alone] = batch_to_floor_positions([(one, site["west"])], PLAN)
    np.testing.assert_allclose(both[0].cov_m2, alone.cov_m2, rtol=1e-9)
