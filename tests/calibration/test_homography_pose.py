"""A pose comes back out of the homography of the floor that it makes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.errors import DegeneratePoints
from calibration.homography_pose import camera_with_pose
from calibration.synthetic import mounted_camera


@given(
    x_m=st.floats(-5, 5),
    y_m=st.floats(-5, 5),
    height_m=st.floats(1.5, 6),
    away_m=st.floats(2, 9),
    turn=st.floats(0, 6.28),
    hfov_deg=st.floats(40, 100),
    scale=st.sampled_from([-3.0, 0.01, 1.0]),
)
def test_the_pose_of_a_level_camera_comes_back(
    x_m: float,
    y_m: float,
    height_m: float,
    away_m: float,
    turn: float,
    hfov_deg: float,
    scale: float,
) -> None:
    target = (x_m + away_m * np.cos(turn), y_m + away_m * np.sin(turn), 0.0)
    camera = mounted_camera((x_m, y_m, height_m), target, hfov_deg=hfov_deg)
    assert camera.pose is not None
    to_image = camera.lens.matrix @ camera.pose.plane_to_camera(0.0)
    image_to_floor = np.asarray(scale * np.linalg.inv(to_image), np.float64)
    found = camera_with_pose(image_to_floor, camera.size_px, 0.1)
    assert found.pose is not None
    assert found.lens.fx == pytest.approx(camera.lens.fx, rel=1e-4)
    assert found.centre_m == pytest.approx(camera.centre_m, abs=1e-3)
    assert found.pose.rotation == pytest.approx(camera.pose.rotation, abs=1e-4)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.zeros((3, 3)), "has no inverse"),
        (np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), "no camera with square"),
    ],
)
def test_what_no_camera_makes_is_refused(matrix: np.ndarray, message: str) -> None:
    with pytest.raises(DegeneratePoints, match=message):
        camera_with_pose(matrix, (640, 480), 0.1)
