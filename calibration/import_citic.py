"""Rooms, cameras and truth of the CITIC-MTMC recordings in this project's terms.

CITIC-MTMC (Carro-Lagoa et al., "Multicamera edge-computing system for persons indoor location and
tracking", Internet of Things 24, 2023) was filmed in one storey of a research centre. Its map has
x to the right and y down (`normal_y_axis` is false), in metres; a camera that is "left-handed" in
these axes was calibrated with z pointing into the floor, which makes them right-handed again. Here
y and z are turned round: y' = Y - y with Y the map's height, z' = -z.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
from shapely import Polygon

from .camera import CameraModel, Pose
from .errors import DegeneratePoints, SourceError
from .homography_pose import camera_with_pose
from .import_mot import places_of, read_table
from .lens import Lens
from .recorded import RecordedPlaces

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

TRUTH_FPS: Final = 25.0
"""Frames a second of the truth, whatever a camera's rate."""
FPS: Final = {"PF": 12.5, "PC": 12.5, "Showroom": 10.0, "HallWide": 10.0, "HallSeg": 25.0}
"""Frames a second of the cameras, from the data set's description."""
OTHER_FPS: Final = 12.5
POSE_ERROR_M: Final = 0.10
"""Calibration error, one standard deviation per axis, assumed: nothing measures it."""
OUTSIDE: Final = "OUT"

_TRUTH_NAME: Final = re.compile(r"(?P<recording>.+)_gt\.mot\.txt")
_GT_COLUMNS: Final = 9
_PLANE, _SPACE = 2, 3

Parsed = TypeVar("Parsed")


@dataclass(frozen=True, slots=True)
class Room:
    """A rectangle of the map, site metres.

    Attributes:
        name: as in the file.
        polygon: its floor.
        doors_m: points on its edge where doors are.
    """

    name: str
    polygon: Polygon
    doors_m: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class CiticMap:
    """The rooms of the map.

    Attributes:
        rooms: all rectangles, in the order of the file.
        entries_m: points where people come in or go out, site metres.
        height_m: Y of the module docstring; None where the map's y points up already.
    """

    rooms: tuple[Room, ...]
    entries_m: tuple[tuple[float, float], ...]
    height_m: float | None

    def to_site(self, xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(N, 2)` points of the map in site metres."""
        if self.height_m is None:
            return xy_m
        # to the micrometre, so that edges that were the same still are
        turned = np.column_stack([xy_m[:, 0], self.height_m - xy_m[:, 1]])
        return np.asarray(np.round(turned, 6), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class CiticCamera:
    """One camera.

    Attributes:
        name: e.g. "HallWide".
        model: its calibration.
        view: the floor it shows according to the data set, site metres; None where not said.
        from_homography: whether the pose was worked out from a homography of the floor.
    """

    name: str
    model: CameraModel
    view: Polygon | None
    from_homography: bool


def read_map(path: Path) -> CiticMap:
    """Return the map of a `room_map.json`.

    Raises:
        SourceError: where the file is missing or damaged.
    """
    table = _read(path)

    def parse() -> CiticMap:
        rooms = [entry for entry in table["room_map"] if "rect" in entry]
        points = [entry for entry in table["room_map"] if "rect" not in entry]
        corners = [_numbers(room["rect"], _PLANE) for room in rooms]
        height_m = None
        if not table["image"]["normal_y_axis"]:
            height_m = float(max(rect[:, 1].max() for rect in corners))
        flat = CiticMap((), (), height_m)
        return CiticMap(
            rooms=tuple(
                Room(
                    str(room["name"]),
                    _rectangle(flat.to_site(rect)),
                    _points(flat.to_site(_numbers(room["doors"], _PLANE))),
                )
                for room, rect in zip(rooms, corners, strict=True)
            ),
            entries_m=_points(
                flat.to_site(
                    _numbers(
                        [
                            point
                            for entry in points
                            for kind in ("entry_points", "exit_points")
                            for point in entry.get(kind, [])
                        ],
                        _PLANE,
                    )
                )
            ),
            height_m=height_m,
        )

    return _checked(path, parse)


def read_camera(path: Path, plan: CiticMap) -> CiticCamera:
    """Return the camera of a `Node<name>.json`.

    Raises:
        SourceError: where the file is missing or damaged, or puts the camera into the floor.
    """
    table = _read(path)

    def parse() -> CiticCamera:
        size_px = int(table["image"]["width"]), int(table["image"]["height"])
        calibration = table["calibration"]
        view = None
        if "visibility_polygon" in table:
            view = Polygon(plan.to_site(_numbers(table["visibility_polygon"], _PLANE))).buffer(0)
        by_homography = "homography" in calibration
        model = (
            _from_homography(_numbers(calibration["homography"], _SPACE), size_px, plan)
            if by_homography
            else _from_pose(calibration, size_px, plan)
        )
        return CiticCamera(
            str(table["name"]), model, view if isinstance(view, Polygon) else None, by_homography
        )

    camera = _checked(path, parse)
    centre_m = camera.model.centre_m
    if centre_m is None or centre_m[2] <= 0:
        raise SourceError(f"{path}: calibration: puts the camera below the floor")
    return camera


def read_places(path: Path, plan: CiticMap) -> RecordedPlaces:
    """Return where people stood, from a `*_gt.mot.txt`.

    Raises:
        SourceError: where the file is missing or damaged.
    """
    table = read_table(path, _GT_COLUMNS, first_frame=0)
    if (table[:, 0] == 0).any():
        # counted from 0 and not, as in the other tables of the format, from 1
        table[:, 0] += 1
    places = places_of(table)
    return RecordedPlaces(places.frame, places.person, plan.to_site(places.xy_m))


def find_recordings(folder: Path) -> dict[str, Path]:
    """Return the truth files in a folder and the folders below it, by recording."""
    return {
        found["recording"]: path
        for path in sorted(folder.rglob("*_gt.mot.txt"))
        if (found := _TRUTH_NAME.fullmatch(path.name)) is not None
    }


def _from_pose(
    calibration: dict[str, Any], size_px: tuple[int, int], plan: CiticMap
) -> CameraModel:
    matrix = _numbers(calibration["intr_mtx"], _SPACE)
    pose = _numbers(calibration["R_t_mat"], _SPACE + 1)
    rotation, translation_m = pose[:, :_SPACE], pose[:, _SPACE]
    if plan.height_m is not None:
        shift_m = rotation @ np.array([0.0, plan.height_m, 0.0])
        rotation, translation_m = rotation * np.array([1.0, -1.0, -1.0]), shift_m + translation_m
    u, _, vt = np.linalg.svd(rotation)
    lens = Lens(
        *size_px,
        fx=float(matrix[0, 0]),
        fy=float(matrix[1, 1]),
        cx=float(matrix[0, 2]),
        cy=float(matrix[1, 2]),
    )
    return CameraModel.from_pose(
        lens, Pose(u @ vt, np.ascontiguousarray(translation_m)), POSE_ERROR_M
    )


def _from_homography(
    image_to_map: NDArray[np.float64], size_px: tuple[int, int], plan: CiticMap
) -> CameraModel:
    to_site = np.eye(_SPACE)
    if plan.height_m is not None:
        to_site = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, plan.height_m], [0.0, 0.0, 1.0]])
    return camera_with_pose(to_site @ image_to_map, size_px, POSE_ERROR_M)


def _rectangle(corners_m: NDArray[np.float64]) -> Polygon:
    (x0, y0), (x1, y1) = corners_m.min(axis=0).tolist(), corners_m.max(axis=0).tolist()
    return Polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def _points(xy_m: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    """The points, each once, to the millimetre."""
    return tuple(dict.fromkeys((x, y) for x, y in np.round(xy_m, 3).tolist()))


def _numbers(rows: Any, columns: int) -> NDArray[np.float64]:  # noqa: ANN401 - text not yet checked
    table = np.array(rows, np.float64)
    if not table.size:
        return np.zeros((0, columns))
    if table.shape != (len(table), columns) or not np.isfinite(table).all():
        raise ValueError(f"rows of {columns} numbers are expected, found {rows!r}")
    return table


def _read(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_bytes())
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise SourceError(f"{path}: is not JSON: {error}") from error
    if not isinstance(table, dict):
        raise SourceError(f"{path}: is not what the data set publishes: an object is expected")
    return table


def _checked(path: Path, parse: Callable[[], Parsed]) -> Parsed:
    """What `parse` returns; what it stumbles over is told with the file's name."""
    try:
        return parse()
    except KeyError as error:
        raise SourceError(f"{path}: {error.args[0]}: is missing") from error
    except (TypeError, ValueError, AttributeError, DegeneratePoints) as error:
        raise SourceError(f"{path}: is not what the data set publishes: {error}") from error
