"""The calibrations that a camera had, each with who saved it, when and why.

They lie beside the camera's file in `cameras/versions/<id>/<number>.toml`, without the camera's
address: a calibration is kept, no password is. Whoever edits the camera's file by hand, or with
`lastseen calibrate`, writes no version; the next save finds that and keeps what it replaces.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import tomli_w
from pydantic import AwareDatetime, Field

from calibration.camera_loading import CAMERA_FOLDER, model_of
from calibration.site_files import CameraFile
from calibration.validation import ADDRESS_FIELDS, FileModel, check, read_toml

from .calibration_result import Way  # noqa: TC001 - pydantic reads the annotation
from .errors import CalibrateError
from .whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from calibration.camera import CameraModel
    from calibration.errors import Problem

VERSIONS: Final = "versions"
"""Folder of the versions, inside that of the cameras."""

PART: Final = ("lens", "pose", "homography", "landmarks", "calibration", "floor_error_m")
"""What of a camera's file is its calibration."""

_FOUND: Final = "as it was found"


class PointTable(FileModel):
    """One `[[points]]` of a version: a place that was clicked in the picture and on the plan."""

    pixel: tuple[float, float]
    metres: Annotated[tuple[float, ...], Field(min_length=2, max_length=3)]
    name: str = ""
    used: bool = True


class VersionFile(FileModel):
    """All of `cameras/versions/<id>/<number>.toml`."""

    schema_version: Literal[1] = Field(alias="schema")
    number: Annotated[int, Field(ge=1)]
    saved_at: AwareDatetime
    saved_by: str
    note: str = ""
    restored_from: int | None = None
    way: Way = "pose"
    camera: dict[str, Any]
    points: tuple[PointTable, ...] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """A calibration that a camera had, or has.

    Attributes:
        number: from 1 up.
        saved_at_s: when, Unix seconds.
        saved_by: name of the account; "" for one that was not saved by the server.
        note: why, in words.
        restored_from: the older version that it is again; None for a new one.
        way: what was fitted.
        part: the tables and keys of the camera's file that are its calibration.
        points: what was clicked; none for one that was not saved by the server.
    """

    number: int
    saved_at_s: float
    saved_by: str
    note: str
    restored_from: int | None
    way: Way
    part: dict[str, Any]
    points: tuple[PointTable, ...]


def part_of(table: Mapping[str, Any]) -> dict[str, Any]:
    """The calibration in the content of a camera's file."""
    return {key: table[key] for key in PART if key in table}


def way_of(part: Mapping[str, Any]) -> Way:
    """What a calibration consists of."""
    return "homography" if "homography" in part else "pose"


def points_of(part: Mapping[str, Any]) -> tuple[PointTable, ...]:
    """The landmarks in a camera's file as points."""
    return tuple(PointTable.model_validate(one) for one in part.get("landmarks", ()))


def versions_folder(site: Path, camera_id: str) -> Path:
    """Where the versions of a camera lie."""
    return site / CAMERA_FOLDER / VERSIONS / camera_id


def versions_of(site: Path, camera_id: str) -> tuple[Version, ...]:
    """The versions of a camera, the newest first.

    Raises:
        CalibrateError: one cannot be read; it names the file.
    """
    files = versions_folder(site, camera_id).glob("*.toml")
    numbered = sorted((int(path.stem), path) for path in files if path.stem.isdecimal())
    return tuple(_read(path) for _, path in reversed(numbered))


def current_of(versions: tuple[Version, ...], part: Mapping[str, Any]) -> Version | None:
    """The newest version that says what the camera's file says; None where the file is another."""
    return next((version for version in versions if version.part == part), None)


def write_version(site: Path, camera_id: str, version: Version, camera: Mapping[str, Any]) -> Path:
    """Write a version and return its file.

    Args:
        site: the site folder.
        camera_id: the camera.
        version: what to write.
        camera: the content of the camera's file with this calibration.

    Raises:
        OSError: it cannot be written.
    """
    folder = versions_folder(site, camera_id)
    folder.mkdir(parents=True, exist_ok=True)
    table: dict[str, Any] = {
        "schema": 1,
        "number": version.number,
        "saved_at": dt.datetime.fromtimestamp(round(version.saved_at_s, 3), tz=dt.UTC),
        "saved_by": version.saved_by,
        "note": version.note,
        "way": version.way,
        "camera": {key: value for key, value in camera.items() if key not in ADDRESS_FIELDS},
        "points": [point.model_dump() for point in version.points],
    }
    if version.restored_from is not None:
        table["restored_from"] = version.restored_from
    path = folder / f"{version.number}.toml"
    write_whole(path, tomli_w.dumps(table).encode())
    return path


def found(number: int, part: dict[str, Any], at_s: float) -> Version:
    """The version that keeps what a camera's file says before it is replaced."""
    points = points_of(part)
    return Version(number, at_s, "", _FOUND, None, way_of(part), part, points)


def model_of_version(site: Path, camera_id: str, number: int) -> CameraModel:
    """The camera as a version has it.

    Raises:
        CalibrateError: there is no such version, or it cannot be read.
    """
    path = versions_folder(site, camera_id) / f"{number}.toml"
    problems: list[Problem] = []
    file = check(CameraFile, _table(path).camera, path.name, problems)
    model = None if file is None else model_of(file, path.name, problems)
    if model is None:
        raise CalibrateError(f"{path}: {problems[0]}")
    return model


def _read(path: Path) -> Version:
    table = _table(path)
    return Version(
        number=table.number,
        saved_at_s=table.saved_at.timestamp(),
        saved_by=table.saved_by,
        note=table.note,
        restored_from=table.restored_from,
        way=table.way,
        part=part_of(table.camera),
        points=table.points,
    )


def _table(path: Path) -> VersionFile:
    problems: list[Problem] = []
    read = read_toml(path, path.name, problems)
    table = None if read is None else check(VersionFile, read, path.name, problems)
    if table is None:
        raise CalibrateError(f"{path}: {problems[0]}")
    return table


def read_part(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of a camera's file, and its calibration.

    Raises:
        CalibrateError: it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return text, part_of(tomllib.loads(text))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CalibrateError(f"{path}: cannot be read: {error}") from error
