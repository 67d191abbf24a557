"""Cameras and annotations of the Wildtrack and MultiviewX data sets in this project's terms.

Both use one layout (Chavdarova et al., "WILDTRACK: A multi-camera HD dataset for dense unscripted
pedestrian detection", CVPR 2018; Hou et al., "Multiview detection with feature perspective
transformation", ECCV 2020): OpenCV files under `calibrations/`, and one JSON file a frame under
`annotations_positions/` that gives each person a cell of a grid on the ground and a box in each
view. The ground is z = 0 and z points up. They differ in units, grid and names, see `Layout`.

MultiviewX comes out of a game engine, whose world is left-handed: its published pose is a rotation,
but puts all that a camera shows behind it. Turning y round, y' = Y - y, with the camera's three
axes turned round, too, gives the same pixels in a right-handed world: R' = -R diag(1, -1, 1),
t' = -(R (0, Y, 0) + t).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

import cv2
import numpy as np
from shapely import Polygon

from .camera import CameraModel, Pose
from .errors import SourceError
from .lens import Lens
from .recorded import RecordedBoxes, RecordedPlaces

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SIZE_PX: Final = (1920, 1080)
FPS: Final = 2.0
"""Annotated frames a second in both."""

_FRAME_NAME = re.compile(r"\d+")
_VIEW_FIELDS: Final = ("xmin", "ymin", "xmax", "ymax")
_NUMBERS: Final = {"camera_matrix": 9, "distortion_coefficients": 5, "rvec": 3, "tvec": 3}


@dataclass(frozen=True, slots=True)
class Layout:
    """What one of the two data sets has of its own.

    Attributes:
        cameras: names of the cameras, in the order of `viewNum`.
        intrinsic: folder of the lens files of the published (undistorted) pictures.
        unit_m: metres to a unit of `tvec`.
        columns: cells of the grid along x, the fast axis of `positionID`.
        rows: cells of the grid along y.
        cell_m: side of a cell.
        origin_m: place of cell 0, in the published frame.
        picture_shift: number of a picture's file minus that of its annotation's.
        left_handed: whether the published frame is; site metres then have y turned round within
            the grid.
        floor_error_m: calibration error, one standard deviation per axis, assumed.
    """

    cameras: tuple[str, ...]
    intrinsic: str
    unit_m: float
    columns: int
    rows: int
    cell_m: float
    origin_m: tuple[float, float]
    floor_error_m: float
    picture_shift: int = 0
    left_handed: bool = False

    @property
    def annotated(self) -> Polygon:
        """The ground that the grid covers, on which everybody is annotated, site metres."""
        x_m, y_m = self.origin_m
        return Polygon.from_bounds(
            x_m, y_m, x_m + self.columns * self.cell_m, y_m + self.rows * self.cell_m
        )

    def floor(self, cameras_m: NDArray[np.float64]) -> Polygon:
        """The rectangle that holds the grid and all cameras, `(C, 2)`, with a metre to spare.

        The edge of a plan's floor hides what lies behind it, so cameras must be within.
        """
        x0_m, y0_m, x1_m, y1_m = self.annotated.bounds
        low = np.minimum((x0_m, y0_m), np.floor(cameras_m.min(axis=0)) - 1.0)
        high = np.maximum((x1_m, y1_m), np.ceil(cameras_m.max(axis=0)) + 1.0)
        return Polygon.from_bounds(*low.tolist(), *high.tolist())

    def place_m(self, cell: NDArray[np.int64]) -> NDArray[np.float64]:
        """`(N, 2)` places of `(N,)` cells, site metres."""
        grid = np.column_stack([cell % self.columns, cell // self.columns])
        xy_m = np.asarray(self.origin_m + self.cell_m * grid, np.float64)
        if self.left_handed:
            xy_m[:, 1] = self._turning_m - xy_m[:, 1]
        return xy_m

    def pose(self, rotation: NDArray[np.float64], translation_m: NDArray[np.float64]) -> Pose:
        """The pose in site metres of a published one."""
        if not self.left_handed:
            return Pose(rotation, translation_m)
        shift_m = rotation @ np.array([0.0, self._turning_m, 0.0])
        return Pose(-rotation * np.array([1.0, -1.0, 1.0]), -(shift_m + translation_m))

    @property
    def _turning_m(self) -> float:
        """Y of the module docstring: the grid keeps its place."""
        return 2 * self.origin_m[1] + self.rows * self.cell_m


WILDTRACK: Final = Layout(
    cameras=("CVLab1", "CVLab2", "CVLab3", "CVLab4", "IDIAP1", "IDIAP2", "IDIAP3"),
    intrinsic="intrinsic_zero",
    unit_m=0.01,
    columns=480,
    rows=1440,
    cell_m=0.025,
    origin_m=(-3.0, -9.0),
    floor_error_m=0.08,
)
"""The error follows from feet of true boxes, which fall 0.07-0.12 m from the true place (median):
for two equal normal errors the median distance is 1.18 standard deviations of each."""

MULTIVIEWX: Final = Layout(
    cameras=("Camera1", "Camera2", "Camera3", "Camera4", "Camera5", "Camera6"),
    intrinsic="intrinsic",
    unit_m=1.0,
    columns=1000,
    rows=640,
    cell_m=0.025,
    origin_m=(0.0, 0.0),
    floor_error_m=0.08,
    picture_shift=-1,
    left_handed=True,
)


@dataclass(frozen=True, slots=True, eq=False)
class Annotations:
    """What was drawn into the frames of a recording.

    Attributes:
        places: where people stood.
        views: boxes by number of the view; those of people it does not show are left out.
        pictures: numbers of the pictures that belong to the frames, from first to last.
    """

    places: RecordedPlaces
    views: tuple[RecordedBoxes, ...]
    pictures: range

    @property
    def frames(self) -> int:
        """From the first to the last annotated frame, how many there are."""
        return len(self.pictures)


def read_camera(folder: Path, name: str, layout: Layout) -> CameraModel:
    """Return a camera of the data set in `folder`.

    Raises:
        SourceError: where a calibration file is missing or damaged.
    """
    lens_file = folder / "calibrations" / layout.intrinsic / f"intr_{name}.xml"
    pose_file = folder / "calibrations" / "extrinsic" / f"extr_{name}.xml"
    matrix = _numbers(lens_file, "camera_matrix").reshape(3, 3)
    k1, k2, p1, p2, k3 = _numbers(lens_file, "distortion_coefficients").tolist()
    lens = Lens(
        *SIZE_PX,
        fx=float(matrix[0, 0]),
        fy=float(matrix[1, 1]),
        cx=float(matrix[0, 2]),
        cy=float(matrix[1, 2]),
        k1=k1,
        k2=k2,
        p1=p1,
        p2=p2,
        k3=k3,
    )
    rotation = np.asarray(cv2.Rodrigues(_numbers(pose_file, "rvec"))[0], np.float64)
    translation_m = _numbers(pose_file, "tvec") * layout.unit_m
    return CameraModel.from_pose(lens, layout.pose(rotation, translation_m), layout.floor_error_m)


def _numbers(path: Path, element: str) -> NDArray[np.float64]:
    """The numbers of an element of an OpenCV file, as `<data>` below it or as its own text."""
    try:
        root = ET.fromstring(path.read_bytes())  # noqa: S314 - a file of the user's own
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ET.ParseError as error:
        raise SourceError(f"{path}: is not XML: {error}") from error
    found = root.find(element)
    if found is None:
        raise SourceError(f"{path}: {element}: is missing")
    data = found.find("data")
    text = (found if data is None else data).text or ""
    try:
        numbers = np.array(text.split(), np.float64)
    except ValueError as error:
        raise SourceError(f"{path}: {element}: {error}") from error
    if len(numbers) != _NUMBERS[element]:
        raise SourceError(
            f"{path}: {element}: {_NUMBERS[element]} numbers are expected, found {len(numbers)}"
        )
    return numbers


def read_annotations(folder: Path, layout: Layout) -> Annotations:
    """Return the annotations of the data set in `folder`; its first file is frame 0.

    Raises:
        SourceError: where a file is missing or damaged, or the files' numbers do not rise evenly.
    """
    paths = sorted((folder / "annotations_positions").glob("*.json"))
    if not paths:
        raise SourceError(f"{folder / 'annotations_positions'}: holds no *.json, one a frame")
    step = _step(paths)
    first = int(paths[0].stem)
    people: list[tuple[int, int, int]] = []
    boxes: list[list[tuple[int, int, list[float]]]] = [[] for _ in layout.cameras]
    for path in paths:
        frame = (int(path.stem) - first) // step
        for person, cell, views in _people(path, layout):
            people.append((frame, person, cell))
            for view, sides in views:
                boxes[view].append((frame, person, sides))
    table = np.array(people, np.int64).reshape(-1, 3)
    return Annotations(
        places=RecordedPlaces(
            np.ascontiguousarray(table[:, 0]),
            np.ascontiguousarray(table[:, 1]),
            layout.place_m(table[:, 2]),
        ),
        views=tuple(_columns(rows) for rows in boxes),
        pictures=range(
            first + layout.picture_shift, int(paths[-1].stem) + layout.picture_shift + 1, step
        ),
    )


def _step(paths: list[Path]) -> int:
    strange = [path for path in paths if not _FRAME_NAME.fullmatch(path.stem)]
    if strange:
        raise SourceError(f"{strange[0]}: is not named by the number of its frame")
    steps = np.diff([int(path.stem) for path in paths])
    step = int(steps.min(initial=1 << 30)) if len(steps) else 1
    uneven = np.flatnonzero(steps % step)
    if len(uneven):
        raise SourceError(
            f"{paths[int(uneven[0]) + 1]}: frames are numbered in steps of {step}; this is between"
        )
    return step


def _people(path: Path, layout: Layout) -> list[tuple[int, int, list[tuple[int, list[float]]]]]:
    """Identity, cell and (view, sides) of each person of one frame."""
    try:
        entries = json.loads(path.read_bytes())
        found = [
            (int(entry["personID"]), int(entry["positionID"]), _views(entry)) for entry in entries
        ]
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError) as error:
        raise SourceError(f"{path}: is not a list of annotated people: {error}") from error
    except KeyError as error:
        raise SourceError(f"{path}: {error.args[0]}: is missing for a person") from error
    cells = layout.columns * layout.rows
    for person, cell, views in found:
        if not 0 <= cell < cells:
            raise SourceError(f"{path}: positionID: must be from 0 to {cells - 1}, found {cell}")
        for view, _ in views:
            if not 0 <= view < len(layout.cameras):
                raise SourceError(
                    f"{path}: viewNum: must be from 0 to {len(layout.cameras) - 1}, found {view} "
                    f"for person {person}"
                )
    return found


def _views(entry: dict[str, Any]) -> list[tuple[int, list[float]]]:
    """Boxes of one person; sides of -1 say that a view does not show them."""
    rows = [
        (int(view["viewNum"]), [float(view[field]) for field in _VIEW_FIELDS])
        for view in entry["views"]
    ]
    return [
        (view, sides)
        for view, sides in rows
        if sides != [-1.0] * 4 and sides[0] < sides[2] and sides[1] < sides[3]
    ]


def _columns(rows: list[tuple[int, int, list[float]]]) -> RecordedBoxes:
    return RecordedBoxes(
        frame=np.array([frame for frame, _, _ in rows], np.int64),
        person=np.array([person for _, person, _ in rows], np.int64),
        xyxy_px=np.array([sides for _, _, sides in rows], np.float64).reshape(-1, 4),
        confidence=np.ones(len(rows)),
    )
