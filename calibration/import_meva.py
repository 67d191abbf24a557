"""Camera models, boxes and floor of the MEVA known-facility data in this project's terms.

MEVA (Corona et al., "MEVA: A large-scale multiview, multimodal video dataset for activity
detection", WACV 2021) gives every camera a KRTD file (K, R, t with x_cam = R x + t, metres, z up;
OpenCV distortion) and boxes in KPF, a YAML format. Its two gym cameras share a frame of their own,
whose zero is on the floor and which is not registered to the earth.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import yaml

from vision.columns import require_column

from .camera import CameraModel, Pose
from .errors import SourceError
from .lens import Lens
from .recorded import RecordedBoxes

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FPS: Final = 30.0
"""Frame rate of MEVA's fixed cameras, which `ts0` of the boxes counts in."""
GYM_CAMERAS: Final = ("G299", "G330")
FLOOR_ERROR_M: Final = 0.15
"""Calibration error of the gym's cameras, one standard deviation per axis: the foot points of
bodies seen by both differ by 0.25 m on average over 2018-03-15 15:00, and each has a share."""

_ROTATION_TOLERANCE: Final = 1e-4

_NAME = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})\.(?P<begin>\d{2}-\d{2}-\d{2})\.(?P<end>\d{2}-\d{2}-\d{2})"
    r"\.(?P<place>[a-z]+)\.(?P<camera>G\d{3})(?=\.|$)"
)


class MevaError(SourceError):
    """A file is not what MEVA publishes; the message names it and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Clip:
    """What the name of a MEVA file says.

    Attributes:
        camera: e.g. "G330".
        place: e.g. "school".
        begin: first moment; the cameras' clock, whose time zone the data does not state, as UTC.
        length_s: nominal length, seconds.
    """

    camera: str
    place: str
    begin: datetime
    length_s: float


@dataclass(frozen=True, slots=True, eq=False)
class PersonBoxes:
    """Annotated persons of one camera, sorted by frame.

    Attributes:
        frame: `(N,)` int64, from 0 at the clip's begin, `FPS` a second.
        person: `(N,)` int64, identity within the clip.
        xyxy_px: `(N, 4)` float64, left, top, right, bottom, pixels of the original picture.
    """

    frame: NDArray[np.int64]
    person: NDArray[np.int64]
    xyxy_px: NDArray[np.float64]

    def __post_init__(self) -> None:
        require_column("frame", self.frame, shape=(None,), dtype=np.int64)
        require_column("person", self.person, shape=(len(self.frame),), dtype=np.int64)
        require_column("xyxy_px", self.xyxy_px, shape=(len(self.frame), 4), dtype=np.float64)

    @property
    def foot_px(self) -> NDArray[np.float64]:
        """`(N, 2)` middle of each bottom edge, pixels."""
        return self.recorded.foot_px

    @property
    def recorded(self) -> RecordedBoxes:
        """The boxes as other importers have them, each with confidence 1."""
        return RecordedBoxes(self.frame, self.person, self.xyxy_px, np.ones(len(self.frame)))


def clip_of(path: Path) -> Clip | None:
    """Return what the file's name says, None where it is no MEVA name."""
    found = _NAME.match(path.name)
    if found is None:
        return None
    begin, end = (
        datetime.strptime(f"{found['day']} {found[which]}", "%Y-%m-%d %H-%M-%S").replace(tzinfo=UTC)
        for which in ("begin", "end")
    )
    length = end - begin
    if length <= timedelta(0):
        length += timedelta(days=1)
    return Clip(found["camera"], found["place"], begin, length.total_seconds())


def read_krtd(path: Path) -> CameraModel:
    """Return the camera of a KRTD file, for pictures of its original size.

    The file does not say the size; its principal point lies in the middle of the picture, which
    does (959.5, 539.5 is the middle of 1920x1080, pixel centres counted from 0).

    Raises:
        MevaError: where the file is no KRTD file.
    """
    try:
        numbers = np.array(path.read_text(encoding="utf-8").split(), np.float64)
    except OSError as error:
        raise MevaError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise MevaError(f"{path}: is not a KRTD file: {error}") from error
    counts = {21: 0, 23: 2, 25: 4, 26: 5}
    if len(numbers) not in counts:
        raise MevaError(
            f"{path}: is not a KRTD file: K, R, t and distortion are 21 numbers and 0, 2, 4 or 5 "
            f"more, found {len(numbers)}"
        )
    matrix, rotation = numbers[:9].reshape(3, 3), numbers[9:18].reshape(3, 3)
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=_ROTATION_TOLERANCE):
        raise MevaError(f"{path}: R: is not a rotation")
    k1, k2, p1, p2, k3 = np.pad(numbers[21:], (0, 5 - counts[len(numbers)])).tolist()
    lens = Lens(
        width_px=round(2 * matrix[0, 2] + 1),
        height_px=round(2 * matrix[1, 2] + 1),
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
    return CameraModel.from_pose(lens, Pose(rotation, numbers[18:21]), FLOOR_ERROR_M)


def read_person_boxes(geom: Path) -> PersonBoxes:
    """Return the boxes of persons in a `*.geom.yml`, whose `*.types.yml` lies beside it.

    Raises:
        MevaError: where either file cannot be read or lacks a field.
    """
    types = geom.with_name(geom.name.replace(".geom.", ".types."))
    persons = {
        _field(entry, "id1", types)
        for entry in _entries(types, "types")
        if "person" in _field(entry, "cset3", types)
    }
    rows = [
        _row(entry, geom)
        for entry in _entries(geom, "geom")
        if _field(entry, "id1", geom) in persons
    ]
    table = np.array(rows, np.float64).reshape(-1, 6)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    return PersonBoxes(
        table[:, 0].astype(np.int64),
        table[:, 1].astype(np.int64),
        np.ascontiguousarray(table[:, 2:]),
    )


def _row(entry: dict[str, Any], path: Path) -> list[float]:
    """Frame, person, left, top, right and bottom of one box."""
    sides = str(_field(entry, "g0", path)).split()
    try:
        row = [float(text) for text in (entry["ts0"], entry["id1"], *sides)]
    except (KeyError, TypeError, ValueError) as error:
        raise MevaError(f"{path}: ts0, id1 and g0 are numbers, found {entry!r}") from error
    if len(sides) != 4:  # noqa: PLR2004 - left, top, right, bottom
        raise MevaError(f"{path}: g0: is left, top, right and bottom, found {entry['g0']!r}")
    return row


def _entries(path: Path, kind: str) -> list[dict[str, Any]]:
    """The mappings of one kind in a KPF file, in order; other packets (meta) are left out."""
    # the loader in C reads a clip's boxes in 2 s, the one in Python in 20 s; both are the safe one
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        packets = yaml.load(path.read_bytes(), Loader=loader)  # noqa: S506 - a safe loader
    except OSError as error:
        raise MevaError(f"{path}: cannot be read: {error.strerror or error}") from error
    except yaml.YAMLError as error:
        raise MevaError(f"{path}: is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(packets, list):
        raise MevaError(f"{path}: is not KPF: a list of packets is expected")
    return [packet[kind] for packet in packets if isinstance(packet, dict) and kind in packet]


def _field(entry: dict[str, Any], key: str, path: Path) -> Any:  # noqa: ANN401 - text not yet checked
    try:
        return entry[key]
    except (KeyError, TypeError):
        raise MevaError(f"{path}: {key}: is missing in {entry!r}") from None
