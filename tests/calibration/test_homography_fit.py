"""A homography from clicked points: exact where they are, refused where they fix nothing."""

from __future__ import annotations

import numpy as np
import pytest
from shapely import box

from calibration.camera import CameraModel, Pose
from calibration.comparing import floor_shift
from calibration.errors import DegeneratePoints
from calibration.floor_lines import grid_m, in_picture
from calibration.homography_fit import fit_homography
from calibration.lens import Lens

LENS = Lens(640, 360, 350.0, 350.0, 319.5, 179.5, k1=-0.1)
# Hangs 3 m above (0, -2) and looks along +y, 30 degrees down.
_SIN, _COS = 0.5, float(np.sqrt(0.75))
ROTATION = np.array([[1.0, 0.0, 0.0], [0.0, -_SIN, -_COS], [0.0, _COS, -_SIN]])
CAMERA = CameraModel.from_pose(LENS, Pose(ROTATION, -ROTATION @ np.array([0.0, -2.0, 3.0])))
PLACES = np.array(
    [[-1.5, 1.5], [1.5, 1.5], [-2.0, 4.0], [2.5, 4.0], [0.3, 2.6], [-3.0, 7.0], [3.0, 7.0]]
)
XYZ = np.column_stack([PLACES, np.zeros(len(PLACES))])
PX = CAMERA.to_image(XYZ)[0]


def test_exact_points_give_the_floor_back() -> None:
    fit, matrix = fit_homography(LENS, PX, XYZ)
    assert fit.measured
    assert fit.residual_px.max() < 1e-3
    assert np.nanmax(fit.left_out_m) < 1e-4
    assert matrix.shape == (3, 3)
    shift = floor_shift(CAMERA, fit.camera, PLACES)
    assert len(shift.moved_m) == len(PLACES)
    assert shift.moved_m.max() < 1e-4


@pytest.mark.parametrize("row", range(len(PLACES)))
def test_a_misread_point_is_found_and_left_out(row: int) -> None:
    wrong = XYZ.copy()
    wrong[row, 0] += 1.0
    fit, _ = fit_homography(LENS, PX, wrong)
    assert fit.dropped == (row,)
    assert np.isnan(fit.left_out_m[row])
    assert floor_shift(CAMERA, fit.camera, PLACES).moved_m.max() < 1e-4


@pytest.mark.parametrize(
    ("rows", "change", "why"),
    [
        ([0, 1, 2], None, "3 landmarks do not fix"),
        ([0, 2, 5, 5], None, "same metres"),
        ([0, 1, 2, 3], lambda xyz: np.add(xyz, (0, 0, 0.5)), "above the floor"),
        ([0, 1, 2, 3, 4], lambda xyz: xyz * (1, -1, 1), "no view from above"),
        ([0, 1, 2, 3, 4], lambda xyz: xyz * (1, 0, 1), "on one line"),
    ],
    ids=["three", "twice", "not on the floor", "mirrored", "one line"],
)
def test_points_that_fix_nothing_are_refused(rows: list[int], change: object, why: str) -> None:
    xyz = XYZ[rows] if change is None else change(XYZ[rows])  # type: ignore[operator]
    with pytest.raises(DegeneratePoints, match=why):
        fit_homography(LENS, PX[rows], np.asarray(xyz, dtype=np.float64))


def test_four_points_leave_none_to_measure_with() -> None:
    fit, _ = fit_homography(LENS, PX[:4], XYZ[:4])
    assert not fit.measured
    assert np.isnan(fit.left_out_m).all()
    assert fit.camera.floor_error_m == 0.3


def test_the_grid_is_cut_to_the_floor_and_to_the_picture() -> None:
    lines = grid_m(box(-1.4, 1.2, 1.6, 3.3))
    assert sorted({line[0, 0] for line in lines if line[0, 0] == line[-1, 0]}) == [-1.0, 0.0, 1.0]
    assert sorted({line[0, 1] for line in lines if line[0, 1] == line[-1, 1]}) == [2.0, 3.0]
    drawn = in_picture(CAMERA, lines)
    assert all(LENS.in_picture(px).all() for px in drawn)
    assert in_picture(CAMERA, grid_m(box(-1.0, -30.0, 1.0, -20.0))) == []  # behind the camera
    assert grid_m(box(0, 0, 1, 1).difference(box(0, 0, 1, 1))) == []
