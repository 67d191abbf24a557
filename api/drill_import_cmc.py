"""One recording of the CMC data set as a drill: a detector's boxes of four cameras in one room.

The source folder holds `cam<n>_cam_mat.mat` and per recording `DET_<recording>_Cam<n>.txt`, or
true boxes `GT_<recording>_Cam<n>.txt`, and `GT_<recording>_WORLD_CENTROID.txt`, in one folder or
in folders below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from calibration.import_cmc import (
    FPS,
    ROOM,
    TOLD_OF,
    find_recordings,
    read_camera,
    read_places,
)
from calibration.import_mot import boxes_of, read_table
from calibration.recorded import nearest_foot_m, template_boxes

from .drill_import import ImportedDrill, chosen
from .drill_import_folder import (
    FLOOR_PLAN,
    new_drill_folder,
    write_camera,
    write_drill,
    write_mot_boxes,
    write_one_space_plan,
    write_site,
)
from .drill_import_truth import write_true_boxes, write_truth
from .errors import DrillImportError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from calibration.camera import CameraModel
    from calibration.import_cmc import CmcRecording
    from calibration.recorded import RecordedBoxes, RecordedPlaces

    from .drill_import import ImportRequest

LEVEL: Final = "L1"
SOURCE: Final = (
    "Source: CMC data set (Ong, Vo, Vo, Kim and Nordholm, IEEE TPAMI 44(5), 2022); no licence is "
    "stated."
)
NOTES: Final = (
    "The room is known as a rectangle of 7.67 x 3.41 m; its doors are not, so none is recommended.",
    "Where on earth and when it was filmed is not stated: anchor and start are placeholders.",
    "The true place of a person is the centre of an ellipsoid drawn around the body.",
    "The truth tells of people between x = 2.03 m and 6.3 m only; who waits beside is not scored.",
)
NO_TRUE_BOXES: Final = (
    "The recording has no true boxes: those in truth/boxes are of a standing body of 1.70 m at the "
    "true place."
)
_NEAR_M: Final = 1.0


def import_drill(request: ImportRequest, say: Callable[[str], None]) -> ImportedDrill:
    """Make a drill folder of one recording, as `drill_import.Importer` says.

    Without `request.boxes` a detector's boxes are played where there are any ("det"), else the
    true ones ("gt").

    Raises:
        DrillImportError: where the source lacks something or the target is in use.
        calibration.errors.SourceError: where a file of the source is not what it should be.
    """
    say("looking for recordings")
    recording, picked = _recording(request)
    kinds = {
        kind: files
        for kind, files in (("det", recording.detections), ("gt", recording.boxes))
        if files
    }
    kind, kind_picked = chosen("--boxes", request.boxes, list(kinds))
    with new_drill_folder(request.target) as folder:
        say("reading cameras and boxes")
        cameras = {number: _camera(request.source, number) for number in sorted(kinds[kind])}
        boxes = {number: boxes_of(read_table(kinds[kind][number])) for number in cameras}
        places = None if recording.centroids is None else read_places(recording.centroids)
        for number, model in cameras.items():
            say(f"writing camera {number}")
            write_camera(folder, f"cam{number}", f"Camera {number}", LEVEL, model, SOURCE)
            write_mot_boxes(folder / "boxes" / f"cam{number}.csv", boxes[number], model.size_px)
        notes = [note for note in (picked, kind_picked) if note is not None]
        if places is None:
            notes.append(f"There is no GT_{recording.name}_WORLD_CENTROID.txt, hence no truth.")
        else:
            say("writing truth")
            notes += write_truth(folder / "truth.csv", places, FPS, LEVEL)
            notes += _write_true_boxes(folder, recording, cameras, places)
            notes += [_agreement(n, model, boxes[n], places) for n, model in cameras.items()]
        notes = [*NOTES, *notes]
        name = _write_site_and_drill(folder, recording, kind, boxes, places, notes)
    return ImportedDrill(request.target, name, tuple(notes))


def _recording(request: ImportRequest) -> tuple[CmcRecording, str | None]:
    if not request.source.is_dir():
        raise DrillImportError(f"{request.source}: is no folder; give the data set's folder")
    found = {recording.name: recording for recording in find_recordings(request.source)}
    if not found:
        raise DrillImportError(
            f"{request.source}: holds no DET_<recording>_Cam<n>.txt or GT_<recording>_Cam<n>.txt"
        )
    name, note = chosen("--recording", request.recording, list(found))
    return found[name], note


def _camera(source: Path, number: int) -> CameraModel:
    found = sorted(source.rglob(f"cam{number}_cam_mat.mat"))
    if not found:
        raise DrillImportError(f"{source}: there is no cam{number}_cam_mat.mat for camera {number}")
    return read_camera(found[0])


def _write_true_boxes(
    folder: Path,
    recording: CmcRecording,
    cameras: Mapping[int, CameraModel],
    places: RecordedPlaces,
) -> list[str]:
    """Write truth/boxes and return how they were had."""
    for number, model in cameras.items():
        if recording.boxes:
            if number not in recording.boxes:
                continue
            true = boxes_of(read_table(recording.boxes[number]))
        else:
            true = template_boxes(model, places)
        write_true_boxes(folder, f"cam{number}", model, true, places)
    if recording.boxes:
        return []
    return [NO_TRUE_BOXES]


def _agreement(
    number: int, model: CameraModel, boxes: RecordedBoxes, places: RecordedPlaces
) -> str:
    """How far the camera's boxes fall from the truth, in words."""
    of_boxes_m, of_people_m = nearest_foot_m(model, boxes, places)
    found_m = of_people_m[of_people_m <= _NEAR_M]
    if not len(of_boxes_m) or not len(found_m):
        return f"cam{number}: no foot of a box falls within {_NEAR_M:g} m of a true place."
    return (
        f"cam{number}: the nearest foot of a box falls {np.median(found_m):.2f} m from the true "
        f"place (median of the {len(found_m) / len(of_people_m):.0%} of people in view who have "
        f"one within {_NEAR_M:g} m); {(of_boxes_m > _NEAR_M).mean():.0%} of boxes stand farther "
        "from everybody."
    )


def _write_site_and_drill(
    folder: Path,
    recording: CmcRecording,
    kind: str,
    boxes: Mapping[int, RecordedBoxes],
    places: RecordedPlaces | None,
    notes: list[str],
) -> str:
    name = f"CMC {recording.name}, {'detected' if kind == 'det' else 'true'} boxes"
    last = [int(found.frame.max(initial=0)) for found in boxes.values()]
    if places is not None:
        last.append(int(places.frame.max(initial=0)))
    write_site(
        folder, name="CMC room", level=LEVEL, level_name="Room", comment="\n".join(NOTES[:2])
    )
    write_one_space_plan(
        folder / FLOOR_PLAN,
        level=LEVEL,
        level_name="Room",
        space="Room",
        category="room",
        floor=ROOM,
    )
    write_drill(
        folder,
        name=name,
        description=f"People in one room under {len(boxes)} cameras. {SOURCE}",
        duration_s=(max(last) + 1) / FPS,
        feeds=[
            {"camera": f"cam{number}", "boxes": f"boxes/cam{number}.csv", "fps": FPS}
            for number in boxes
        ],
        comment="\n".join(notes),
        truth_area=TOLD_OF,
    )
    return name
