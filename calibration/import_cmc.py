"""Cameras, detections and truth of the CMC recordings in this project's terms.

CMC (Ong et al., "A Bayesian filter for multi-view 3D multi-object tracking with occlusion
handling", IEEE TPAMI 44(5), 2022) filmed one room of 7.67 x 3.41 x 2.7 m with four cameras at
4 frames a second. A camera is a 3x4 matrix P in a MATLAB file, with pixels counted from 1; the
room's frame is in metres, origin in a corner, z up. Boxes are MOT text, places are text whose
columns 8-13 are the centre and the half axes of an ellipsoid around each person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from shapely import box

from .camera import CameraModel, Pose
from .errors import SourceError
from .import_mot import places_of, read_table
from .lens import Lens
from .matlab_file import read_matrix

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .recorded import RecordedPlaces

FPS: Final = 4.0
SIZE_PX: Final = (1920, 1024)
ROOM: Final = box(0.0, 0.0, 7.67, 3.41)
TOLD_OF: Final = box(2.03, 0.0, 6.3, 3.41)
"""The part of the room in which the authors' filter looks for people (their model's limits, as
published with the code) and their truth tells of them; others wait at its edge, in the pictures."""
FLOOR_ERROR_M: Final = 0.10
"""Calibration error, one standard deviation per axis, assumed: feet of boxes that belong to
somebody fall 0.2 m from the true place (median), of which a shoe's reach is the greater part."""

_LARGEST_SKEW: Final = 1e-3
_SINGULAR: Final = 1e12
_GT_COLUMNS: Final = 10
_DETECTIONS = re.compile(r"DET_(?P<recording>.+)_Cam_?(?P<camera>\d+)\.txt", re.IGNORECASE)
_BOXES = re.compile(r"GT_(?P<recording>.+)_Cam_?(?P<camera>\d+)\.txt", re.IGNORECASE)
# the authors' own description spells it WOLD
_CENTROIDS = re.compile(r"GT_(?P<recording>.+)_WOR?LD_CENTROID\.txt", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CmcRecording:
    """The files of one recording.

    Attributes:
        name: e.g. "CMC1" or "J_1_1", as in the names of its files.
        detections: a detector's boxes by camera number.
        boxes: true boxes by camera number; empty where they are not there.
        centroids: true places; None where they are not there.
    """

    name: str
    detections: Mapping[int, Path]
    boxes: Mapping[int, Path]
    centroids: Path | None


def find_recordings(folder: Path) -> tuple[CmcRecording, ...]:
    """Return the recordings in a folder and the folders below it, by name."""
    paths = sorted(folder.rglob("*.txt"))
    detections, boxes = _by_camera(paths, _DETECTIONS), _by_camera(paths, _BOXES)
    centroids = {
        found["recording"]: path
        for path in paths
        if (found := _CENTROIDS.fullmatch(path.name)) is not None
    }
    return tuple(
        CmcRecording(name, detections.get(name, {}), boxes.get(name, {}), centroids.get(name))
        for name in sorted(detections.keys() | boxes.keys())
    )


def _by_camera(paths: list[Path], pattern: re.Pattern[str]) -> dict[str, dict[int, Path]]:
    found: dict[str, dict[int, Path]] = {}
    for path in paths:
        name = pattern.fullmatch(path.name)
        if name is not None:
            found.setdefault(name["recording"], {})[int(name["camera"])] = path
    return found


def read_camera(path: Path) -> CameraModel:
    """Return the camera of a `cam<n>_cam_mat.mat`.

    P is taken apart as K [R t] (Hartley and Zisserman, "Multiple view geometry", 2nd edition,
    section 6.2.4); its scale means nothing, but the sign is chosen so that R is a rotation.

    Raises:
        SourceError: where the file holds no camera matrix, or one with a skew, which the lens
            model here does not have.
    """
    matrix = read_matrix(path, (3, 4))
    handedness = np.sign(np.linalg.det(matrix[:, :3]))
    if not np.linalg.cond(matrix[:, :3]) < _SINGULAR:
        raise SourceError(f"{path}: is no camera matrix: its left 3x3 part has no inverse")
    pinhole, rotation, centre = (
        np.array(part, np.float64)
        for part in cv2.decomposeProjectionMatrix(handedness * matrix)[:3]
    )
    pinhole /= pinhole[2, 2]
    if abs(pinhole[0, 1]) > _LARGEST_SKEW * pinhole[0, 0]:
        raise SourceError(f"{path}: has a skew of {pinhole[0, 1]:.2f} px; 0 is expected")
    centre_m = (centre[:3] / centre[3]).ravel()
    lens = Lens(
        *SIZE_PX,
        fx=float(pinhole[0, 0]),
        fy=float(pinhole[1, 1]),
        cx=float(pinhole[0, 2]) - 1.0,
        cy=float(pinhole[1, 2]) - 1.0,
    )
    return CameraModel.from_pose(lens, Pose(rotation, -rotation @ centre_m), FLOOR_ERROR_M)


def read_places(path: Path) -> RecordedPlaces:
    """Return where each person stood, the floor point below the centre.

    Raises:
        SourceError: where the file is not such a table.
    """
    return places_of(read_table(path, _GT_COLUMNS))
