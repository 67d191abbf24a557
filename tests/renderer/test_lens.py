from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from benchmarks.renderer.lens import mount, read_camera
from benchmarks.renderer.school import CAMERAS
from benchmarks.renderer.view import view_of

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.renderer.lens import Camera


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.id)
def test_projection_is_opencvs_with_the_written_matrices(camera: Camera, tmp_path: Path) -> None:
    path = tmp_path / f"{camera.id}.toml"
    path.write_text(camera.toml())
    read = read_camera(path)
    assert np.linalg.det(read.rotation) == pytest.approx(1.0, abs=1e-8)
    ahead = read.centre_m + 5.0 * read.rotation[2]
    points = ahead + np.random.default_rng(1).uniform(-1.2, 1.2, (50, 3))
    px, valid = read.to_image(points)
    matrix = np.array([[read.focal_px, 0, 319.5], [0, read.focal_px, 179.5], [0, 0, 1]])
    turn, _ = cv2.Rodrigues(read.rotation)
    want, _ = cv2.projectPoints(
        points, turn, read.translation_m, matrix, np.array([read.k1, 0, 0, 0])
    )
    assert valid.all()
    assert px == pytest.approx(want[:, 0], abs=1e-4)


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.id)
def test_floor_points_come_back(camera: Camera) -> None:
    px = np.array([[100.0, 300.0], [320.0, 355.0], [600.0, 330.0]])
    floor, valid = camera.to_floor(px)
    again, _ = camera.to_image(np.concatenate([floor, np.zeros((3, 1))], axis=1))
    assert valid.all()
    assert again == pytest.approx(px, abs=1e-5)


def test_points_behind_and_above_the_horizon_are_invalid() -> None:
    camera = mount("c", "c", (0, 0, 2.5), (5, 0, 1.0))
    assert not camera.to_image(np.array([[-1.0, 0.0, 1.0]]))[1].any()
    assert not camera.to_floor(np.array([[320.0, 0.0]]))[1].any()


def test_a_lens_that_folds_inside_the_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="folds the picture's corners"):
        mount("c", "c", (0, 0, 2.5), (5, 0, 1.0), hfov_deg=100, k1=-0.2)


def test_the_drawn_plane_and_the_picture_agree() -> None:
    """A point drawn at its place on the plane is found by the map at its pixel of the picture."""
    camera = CAMERAS[0]
    view = view_of(camera)
    points = (
        camera.centre_m + 4.0 * camera.rotation[2] + np.array([[0.3, 0.2, 0.1], [-0.9, 0.4, -0.6]])
    )
    px, _ = camera.to_image(points)
    clip = np.concatenate([points, np.ones((2, 1))], axis=1) @ view.view.T
    plane = (clip[:, :2] / clip[:, 3:] * [1, -1] * 0.5 + 0.5) * view.size_px - 0.5
    for (u, v), (x, y) in zip(px, plane, strict=True):
        found_x = view.map_x[round(v), round(u)] + (u - round(u))
        found_y = view.map_y[round(v), round(u)] + (v - round(v))
        assert (found_x, found_y) == pytest.approx((x, y), abs=0.5)
