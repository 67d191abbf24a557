"""The PETS 2009 sequence S2.L1 as a drill: a real campus under one camera, with pictures.

The source folder holds `View_001.xml` (the camera), `img1/` (a picture a frame) and `gt.txt` or
`gt/gt.txt` (boxes and places, MOT15).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from calibration.import_pets import FPS, read_camera
from calibration.recorded import floor_extent

from .drill_import import ImportedDrill, chosen
from .drill_import_folder import (
    FLOOR_PLAN,
    new_drill_folder,
    only_one,
    write_camera,
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

    from calibration.import_pets import TsaiCamera
    from calibration.recorded import RecordedPlaces

    from .drill_import import ImportRequest

LEVEL: Final = "L1"
SOURCE: Final = (
    "Source: PETS 2009 data set (Ferryman and Shahrokni), University of Reading; for research."
)
NOTES: Final = (
    "The floor is a rectangle around the people and the camera; it has no walls and no doors.",
    "Where on earth and when it was filmed is not stated: anchor and start are placeholders.",
)


def import_drill(request: ImportRequest, say: Callable[[str], None]) -> ImportedDrill:
    """Make a drill folder of the sequence, as `drill_import.Importer` says.

    Pictures are played where there are any, else boxes ("det" or "gt").

    Raises:
        DrillImportError: where the source lacks something or the target is in use.
        calibration.errors.SourceError: where a file of the source is not what it should be.
    """
    source = request.source
    if not source.is_dir():
        raise DrillImportError(f"{source}: is no folder; give the data set's folder")
    sequence = read_sequence(source, None if (source / SEQUENCE_FILE).is_file() else FPS)
    kind, picked = chosen("--boxes", request.boxes, sequence.kinds)
    with new_drill_folder(request.target) as folder:
        say("reading the camera")
        path = only_one(sorted(source.glob("View_*.xml")), "View_*.xml", source)
        camera = read_camera(path)
        if camera.model.size_px != sequence.size_px:
            raise DrillImportError(
                f"{path}: is for pictures of {camera.model.size_px[0]}x{camera.model.size_px[1]}, "
                f"these are {sequence.size_px[0]}x{sequence.size_px[1]}"
            )
        name = path.stem
        write_camera(folder, name, name, LEVEL, camera.model, SOURCE, "exterior")
        feed = write_feed(folder, name, sequence, kind, say)
        say("writing truth")
        notes = [
            *NOTES,
            f"Tsai's lens as a polynomial is off by {camera.lens_error_px:.4f} px at most.",
            *_truth(folder, name, camera, sequence),
            *([picked] if picked is not None else []),
        ]
        _write_site(folder, camera, sequence, kind)
        drill = f"PETS 2009 S2.L1, {kind if kind == 'pictures' else f'{kind} boxes'}"
        write_drill(
            folder,
            name=drill,
            description=f"People on a campus under one camera. {SOURCE}",
            duration_s=sequence.frames / sequence.fps,
            feeds=[feed],
            comment="\n".join(notes),
        )
    return ImportedDrill(request.target, drill, tuple(notes))


def _truth(folder: Path, name: str, camera: TsaiCamera, sequence: Sequence) -> list[str]:
    """Write the truth and return what to know about it."""
    table = true_table(sequence.truth) if sequence.truth is not None else None
    places: RecordedPlaces | None = None if table is None else true_places(table)
    if places is None:
        return ["There are no true places, hence no truth."]
    boxes = played_boxes(sequence, "gt")
    doubled = write_truth(folder / "truth.csv", places, sequence.fps, LEVEL)
    write_true_boxes(folder, name, camera.model, boxes, places)
    return [
        feet_note(name, camera.model, boxes, places)[0],
        "A true place was worked out from the true box: it tests the mapping, not accuracy.",
        *doubled,
    ]


def _write_site(folder: Path, camera: TsaiCamera, sequence: Sequence, kind: str) -> None:
    boxes = played_boxes(sequence, kind)
    feet_m, valid = camera.model.to_floor(boxes.foot_px)
    centre_m = camera.model.centre_m
    around = np.zeros((0, 2)) if centre_m is None else centre_m[None, :2]
    write_site(
        folder,
        name="PETS 2009 campus",
        level=LEVEL,
        level_name="Ground",
        comment="\n".join(NOTES),
    )
    write_one_space_plan(
        folder / FLOOR_PLAN,
        level=LEVEL,
        level_name="Ground",
        space="Campus",
        category="walkway",
        floor=floor_extent(feet_m[valid], around),
    )
