"""Any sequence of the MOT challenge as a drill, placed with a camera file of the user's own.

The source folder is a sequence (`seqinfo.ini` with `img1/`, `det/det.txt` or `gt/gt.txt`) or holds
several. These data have no calibration, so the user gives a camera file as a site folder has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from calibration.camera import VIEW_RANGE_M
from calibration.camera_loading import CAMERA_FOLDER, Camera, load_cameras
from calibration.recorded import floor_extent

from .drill_import import ImportedDrill, chosen
from .drill_import_folder import (
    FLOOR_PLAN,
    copy_file,
    new_drill_folder,
    write_drill,
    write_one_space_plan,
    write_site,
)
from .drill_import_sequence import (
    SEQUENCE_FILE,
    Sequence,
    played_boxes,
    read_sequence,
    true_places,
    true_table,
    write_feed,
)
from .drill_import_truth import feet_note, write_true_boxes, write_truth
from .errors import DrillImportError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from calibration.errors import Problem

    from .drill_import import ImportRequest

SOURCE: Final = "Source: a sequence of the MOT challenge (motchallenge.net), CC BY-NC-SA 3.0."
NOTES: Final = (
    "The floor is a rectangle around the feet of the boxes and the camera, without walls or doors.",
    "Positions are as good as the camera file that was given: MOT has no calibration.",
    "Where on earth and when it was filmed is not stated: anchor and start are placeholders.",
)
DISAGREEING: Final = (
    "Truth and camera file do not agree; they must have one origin, one pair of axes and metres."
)
_SAME_FRAME_M: Final = 1.0
_GRID_PX: Final = 16.0


def import_drill(request: ImportRequest, say: Callable[[str], None]) -> ImportedDrill:
    """Make a drill folder of one sequence, as `drill_import.Importer` says.

    Raises:
        DrillImportError: where the source lacks something, no camera file was given or it is
            wrong, or the target is in use.
        calibration.errors.SourceError: where a file of the source is not what it should be.
    """
    where, sequence_picked = _sequence_folder(request)
    sequence = read_sequence(where)
    kind, kind_picked = chosen("--boxes", request.boxes, sequence.kinds)
    if request.camera is None:
        raise DrillImportError(
            "mot: these sequences have no calibration; give --camera FILE, a camera file with "
            f"[lens] for {sequence.size_px[0]}x{sequence.size_px[1]} pictures and [pose], "
            "[homography] or [[landmarks]] (see the how-to on calibrating a camera)"
        )
    with new_drill_folder(request.target) as folder:
        say("reading the camera file")
        camera = _camera(folder, request.camera, sequence)
        feed = write_feed(folder, camera.id, sequence, kind, say)
        feet_m = _feet_m(camera, played_boxes(sequence, kind).foot_px)
        if not len(feet_m):
            raise DrillImportError(
                f"--camera {request.camera}: no foot of a box lies on the floor of this camera; is "
                "it the camera of this sequence?"
            )
        say("writing truth")
        centre_m = camera.model.centre_m
        around = np.zeros((0, 2)) if centre_m is None else centre_m[None, :2]
        notes = [*NOTES, *_truth(folder, camera, sequence)]
        notes += [note for note in (sequence_picked, kind_picked) if note is not None]
        name = f"MOT {sequence.name}, {kind if kind == 'pictures' else f'{kind} boxes'}"
        write_site(
            folder,
            name=f"MOT {sequence.name}",
            level=camera.level,
            level_name="Ground",
            comment="\n".join(NOTES),
        )
        write_one_space_plan(
            folder / FLOOR_PLAN,
            level=camera.level,
            level_name="Ground",
            space="Ground",
            category="walkway",
            floor=floor_extent(feet_m, around),
        )
        write_drill(
            folder,
            name=name,
            description=f"People under one camera. {SOURCE}",
            duration_s=sequence.frames / sequence.fps,
            feeds=[feed],
            comment="\n".join(notes),
        )
    return ImportedDrill(request.target, name, tuple(notes))


def _sequence_folder(request: ImportRequest) -> tuple[Path, str | None]:
    source = request.source
    if not source.is_dir():
        raise DrillImportError(f"{source}: is no folder; give a sequence's folder")
    if (source / SEQUENCE_FILE).is_file() and request.recording is None:
        return source, None
    there = sorted(path.parent for path in source.rglob(SEQUENCE_FILE))
    if not there:
        raise DrillImportError(f"{source}: neither it nor a folder below it holds {SEQUENCE_FILE}")
    names = {path.name: path for path in there}
    name, note = chosen("--recording", request.recording, list(names))
    return names[name], note


def _camera(folder: Path, file: Path, sequence: Sequence) -> Camera:
    """Copy the camera file into the folder and return its camera, fitted to the sequence."""
    if not file.is_file():
        raise DrillImportError(f"--camera {file}: there is no such file")
    copy_file(file, folder / CAMERA_FOLDER / file.name)
    problems: list[Problem] = []
    cameras = load_cameras(folder, None, None, problems)
    errors = [str(problem) for problem in problems if problem.severity == "error"]
    if errors or len(cameras) != 1:
        raise DrillImportError("--camera: " + ("\n".join(errors) or f"{file}: is no camera file"))
    camera = next(iter(cameras.values()))
    if camera.model.size_px != sequence.size_px:
        raise DrillImportError(
            f"--camera {file}: lens: is for pictures of {camera.model.size_px[0]}x"
            f"{camera.model.size_px[1]}; those of {sequence.name} are "
            f"{sequence.size_px[0]}x{sequence.size_px[1]}"
        )
    return camera


def _feet_m(camera: Camera, foot_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where feet stand; where no boxes are known, what the picture shows of the near ground."""
    if len(foot_px):
        xy_m, valid = camera.model.to_floor(foot_px)
        return xy_m[valid]
    width_px, height_px = camera.model.size_px
    across, down = np.meshgrid(
        np.arange(0.0, width_px, _GRID_PX), np.arange(0.0, height_px, _GRID_PX)
    )
    xy_m, valid = camera.model.to_floor(np.column_stack([across.ravel(), down.ravel()]))
    shown_m = xy_m[valid]
    nearest_m = shown_m[-1:] if camera.model.centre_m is None else camera.model.centre_m[None, :2]
    near = np.linalg.norm(shown_m - nearest_m, axis=1) <= VIEW_RANGE_M
    return np.asarray(shown_m[near], np.float64)


def _truth(folder: Path, camera: Camera, sequence: Sequence) -> list[str]:
    """Write the truth, where there is one, and return what to know about it."""
    table = true_table(sequence.truth) if sequence.truth is not None else None
    places = None if table is None else true_places(table)
    if places is None:
        return ["The sequence has no true places on the ground, hence no truth."]
    boxes = played_boxes(sequence, "gt")
    doubled = write_truth(folder / "truth.csv", places, sequence.fps, camera.level)
    if camera.model.pose is not None:
        write_true_boxes(folder, camera.id, camera.model, boxes, places)
    said, apart_m = feet_note(camera.id, camera.model, boxes, places)
    return [said, *doubled] if apart_m <= _SAME_FRAME_M else [said, DISAGREEING, *doubled]
