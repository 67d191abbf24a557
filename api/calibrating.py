"""What `lastseen calibrate` does: reads a survey, fits the camera, writes its file."""

from __future__ import annotations

import csv
import io
import tomllib
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from calibration.camera import VIEW_RANGE_M
from calibration.camera_loading import CAMERA_FOLDER, lens_of, model_of, reference_file
from calibration.camera_writing import CALIBRATIONS
from calibration.errors import DegeneratePoints, Problem, SiteError
from calibration.geodesy import Anchor, SiteFrame
from calibration.plan_loading import build_plan
from calibration.site import SITE_FILE
from calibration.site_files import CameraFile, SiteFile
from calibration.validation import check, read_json, read_toml
from vision.steadiness import reference_from
from vision.view_features import to_bytes

from .calibration_result import Calibrated, calibrated
from .errors import CalibrateError, SiteWriteError
from .whole_files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from calibration.camera import CameraModel
    from calibration.floor_plan import FloorPlan
    from vision.view_features import ViewFeatures

COLUMNS: Final = ("pixel_x", "pixel_y", "x", "y")
"""Columns that a file of landmarks has at least; `z` and `name` may follow."""


def calibrate_camera(
    folder: Path,
    camera_id: str,
    *,
    landmarks_file: Path | None = None,
    refine_lens: bool = False,
    range_m: float = VIEW_RANGE_M,
) -> Calibrated:
    """Fit a camera of a site to its landmarks.

    Args:
        folder: the site folder.
        camera_id: the camera.
        landmarks_file: CSV with the landmarks, in the place of those of the camera's file.
        refine_lens: fit focal length and k1, too.
        range_m: how far from the camera the error is told.

    Raises:
        SiteError: site, plan or camera file cannot be read.
        CalibrateError: there is no such camera, or the file of landmarks is wrong.
        DegeneratePoints: the landmarks do not fix a camera.
    """
    plan = _plan_of(folder)
    name = f"{CAMERA_FOLDER}/{camera_id}.toml"
    path = camera_path(folder, camera_id)
    problems: list[Problem] = []
    table = read_toml(path, name, problems)
    if table is None:
        raise SiteError(problems)
    before = _camera_before(table, name) if set(CALIBRATIONS) & table.keys() else None
    if landmarks_file is not None:
        table["landmarks"] = read_landmarks(landmarks_file)
    surveyed = {key: value for key, value in table.items() if key not in CALIBRATIONS}
    if not surveyed.get("landmarks"):
        raise CalibrateError(
            f"{name}: has no [[landmarks]]; survey at least four, better eight, or give them with "
            "--landmarks"
        )
    file = check(CameraFile, surveyed, name, problems)
    if file is None:
        raise SiteError(problems)
    if file.level not in {level.id for level in plan.levels}:
        known = ", ".join(level.id for level in plan.levels)
        raise SiteError(
            [Problem(name, "level", f"unknown level {file.level!r}; site.toml has {known}")]
        )
    try:
        return calibrated(
            camera_id,
            file.name,
            file.level,
            plan,
            lens=lens_of(file.lens),
            landmarks=file.landmarks,
            before=before,
            refine_lens=refine_lens,
            range_m=range_m,
        )
    except DegeneratePoints as error:
        raise DegeneratePoints(f"{name}: {error}") from error


def read_landmarks(path: Path) -> list[dict[str, Any]]:
    """The landmarks of a CSV file, as `[[landmarks]]` has them.

    Raises:
        CalibrateError: it cannot be read, or a line of it is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CalibrateError(f"{path}: cannot be read: {error}") from error
    reader = csv.DictReader(io.StringIO(text))
    named = [column.strip() for column in reader.fieldnames or ()]
    reader.fieldnames = named
    wrong = set(COLUMNS) - set(named) or set(named) - {*COLUMNS, "z", "name"}
    if wrong:
        raise CalibrateError(
            f"{path}: line 1 must be pixel_x,pixel_y,x,y and may go on with z and name; it is "
            f"{','.join(named) or 'empty'}"
        )
    return [_landmark(path, reader.line_num, row) for row in reader]


def _landmark(path: Path, line: int, row: dict[str, Any]) -> dict[str, Any]:
    numbers = {}
    for column in (*COLUMNS, "z"):
        written = (row.get(column) or "").strip()
        if column == "z" and not written:
            continue
        try:
            numbers[column] = float(written)
        except ValueError:
            raise CalibrateError(
                f"{path}: line {line}: {column} is {written!r}, not a number"
            ) from None
        if not np.isfinite(numbers[column]):
            raise CalibrateError(f"{path}: line {line}: {column} is {written}, not a finite number")
    metres = [numbers[column] for column in ("x", "y", "z") if column in numbers]
    name = (row.get("name") or "").strip()
    return ({"name": name} if name else {}) | {
        "pixel": [numbers["pixel_x"], numbers["pixel_y"]],
        "metres": metres,
    }


def read_still(path: Path, model: CameraModel) -> NDArray[np.uint8]:
    """The still picture of a camera, BGR.

    Raises:
        CalibrateError: it is no picture, or has other proportions than the lens.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise CalibrateError(f"{path}: cannot be read: {error.strerror}") from error
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if image is None:
        raise CalibrateError(f"{path}: is no picture that can be read; give a PNG or JPEG")
    height_px, width_px = image.shape[:2]
    lens_px = model.size_px
    if abs(width_px * lens_px[1] - height_px * lens_px[0]) > max(lens_px):
        raise CalibrateError(
            f"{path}: is {width_px}x{height_px}, the lens is of a picture of "
            f"{lens_px[0]}x{lens_px[1]}; take the still from the stream that is watched"
        )
    return image.astype(np.uint8)


def reference_of(path: Path, still: NDArray[np.uint8]) -> ViewFeatures:
    """The corners of a still by which a move of the camera will be noticed.

    Raises:
        CalibrateError: it shows too little.
    """
    reference = reference_from(still, np.zeros((0, 4), np.float32))
    if reference is None:
        raise CalibrateError(
            f"{path}: shows too little to recognise it by; take the still with the lights on and "
            "without anybody near the camera"
        )
    return reference


def write_calibration(
    folder: Path, done: Calibrated, content: str, reference: ViewFeatures | None
) -> None:
    """Put the new camera file, and what the camera showed, in the place of the old ones.

    Raises:
        SiteWriteError: the file would not load, or cannot be written; all is as it was.
    """
    path = camera_path(folder, done.camera_id)
    require_loadable(path, content)
    try:
        if reference is not None:
            write_whole(path.with_name(reference_file(done.camera_id)), to_bytes(reference))
        write_whole(path, content.encode())
    except OSError as error:
        raise SiteWriteError(f"{path}: cannot be written: {error.strerror}") from error


def camera_path(folder: Path, camera_id: str) -> Path:
    """The file of a camera.

    Raises:
        CalibrateError: there is no such camera.
    """
    path = folder / CAMERA_FOLDER / f"{camera_id}.toml"
    known = sorted(path.stem for path in (folder / CAMERA_FOLDER).glob("*.toml"))
    if camera_id not in known:
        listed = f"it has {', '.join(known)}" if known else "it has no camera yet"
        raise CalibrateError(f"{folder}: has no camera {camera_id!r}; {listed}")
    return path


def require_loadable(path: Path, content: str) -> None:
    """Return if a camera's file would load with this content.

    Raises:
        SiteWriteError: it would not.
    """
    problems: list[Problem] = []
    file = check(CameraFile, tomllib.loads(content), path.name, problems)
    if file is None or model_of(file, path.name, problems) is None:
        raise SiteWriteError(f"{path}: is left as it is; the new one would be wrong: {problems[0]}")


def _plan_of(folder: Path) -> FloorPlan:
    """The floor plan of a site, whatever state its cameras are in."""
    problems: list[Problem] = []
    table = read_toml(folder / SITE_FILE, SITE_FILE, problems)
    file = None if table is None else check(SiteFile, table, SITE_FILE, problems)
    if file is None:
        raise SiteError(problems)
    frame = SiteFrame(Anchor(**file.anchor.model_dump()))
    data = read_json(folder / file.floor_plan, file.floor_plan, problems)
    plan = None
    if data is not None:
        plan = build_plan(data, file.floor_plan, file.levels, frame, problems)
    if plan is None:
        raise SiteError(problems)
    return plan


def _camera_before(table: dict[str, Any], name: str) -> CameraModel | None:
    """The camera as the file has it, None where that is not known or not right."""
    problems: list[Problem] = []
    file = check(CameraFile, table, name, problems)
    return None if file is None else model_of(file, name, problems)
