"""A recording of the Wildtrack or the MultiviewX data set as a drill.

The source folder holds `calibrations/`, `annotations_positions/*.json` and, where the pictures
were downloaded too, `Image_subsets/C<n>/` with one picture a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from calibration.import_multiview import FPS, SIZE_PX, read_annotations, read_camera

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
from .drill_import_pictures import picture_number, pictures_in, write_video
from .drill_import_truth import feet_note, write_true_boxes, write_truth
from .errors import DrillImportError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from calibration.camera import CameraModel
    from calibration.import_multiview import Annotations, Layout
    from calibration.recorded import RecordedBoxes

    from .drill_import import ImportRequest

LEVEL: Final = "L1"
PICTURES: Final = "pictures"
TRUE_BOXES: Final = "gt"


@dataclass(frozen=True, slots=True)
class MultiviewSet:
    """What one of the data sets has of its own.

    Attributes:
        name: of the drill.
        space: name of its one space.
        source: where the data come from and under which licence.
        layout: cameras, units and grid.
        notes: what a reader of the drill's figures has to know.
        sample_frames: length of a published sample whose pictures show other moments than its
            annotations; 0 where there is none.
        sample_note: what to say of it.
    """

    name: str
    space: str
    source: str
    layout: Layout
    notes: tuple[str, ...]
    sample_frames: int = 0
    sample_note: str = ""


def import_multiview(
    data_set: MultiviewSet, request: ImportRequest, say: Callable[[str], None]
) -> ImportedDrill:
    """Make a drill folder of one of the data sets, as `drill_import.Importer` says.

    Pictures are played where the folder has them, else the true boxes ("gt").

    Raises:
        DrillImportError: where the source lacks something or the target is in use.
        calibration.errors.SourceError: where a file of the source is not what it should be.
        vision.errors.MediaError: where a picture cannot be read.
    """
    source, layout = request.source, data_set.layout
    if not source.is_dir():
        raise DrillImportError(f"{source}: is no folder; give the data set's folder")
    kinds = [PICTURES, TRUE_BOXES] if (source / "Image_subsets").is_dir() else [TRUE_BOXES]
    kind, picked = chosen("--boxes", request.boxes, kinds)
    with new_drill_folder(request.target) as folder:
        say("reading cameras")
        cameras = {name: read_camera(source, name, layout) for name in layout.cameras}
        say("reading annotations")
        found = read_annotations(source, layout)
        untrue = kind == PICTURES and found.frames == data_set.sample_frames
        feeds = []
        for view, (name, model) in enumerate(cameras.items()):
            say(f"writing camera {name}")
            write_camera(folder, name, name, LEVEL, model, data_set.source, "exterior")
            if not untrue:
                write_true_boxes(folder, name, model, found.views[view], found.places)
            if kind == PICTURES:
                feeds.append(_video_feed(folder, source, name, view, found, say))
            else:
                feeds.append(_box_feed(folder, name, found.views[view]))
        doubled = []
        if not untrue:
            doubled = write_truth(folder / "truth.csv", found.places, FPS, LEVEL)
        notes = [
            *data_set.notes,
            *doubled,
            *(
                feet_note(name, model, found.views[view], found.places)[0]
                for view, (name, model) in enumerate(cameras.items())
            ),
        ]
        notes += [note for note in (picked, data_set.sample_note if untrue else None) if note]
        if kind == TRUE_BOXES:
            notes.append("Boxes were drawn by people; a detector's are worse.")
        drill = f"{data_set.name}, {'pictures' if kind == PICTURES else 'true boxes'}"
        _write_site(folder, data_set, cameras)
        write_drill(
            folder,
            name=drill,
            description=f"People on open ground under {len(feeds)} cameras. {data_set.source}",
            duration_s=found.frames / FPS,
            feeds=feeds,
            comment="\n".join(notes),
            truth_area=layout.annotated,
        )
    return ImportedDrill(request.target, drill, tuple(notes))


def _box_feed(folder: Path, name: str, boxes: RecordedBoxes) -> dict[str, Any]:
    path = f"boxes/{name}.csv"
    write_mot_boxes(folder / path, boxes, SIZE_PX)
    return {"camera": name, "boxes": path, "fps": FPS}


def _video_feed(
    folder: Path,
    source: Path,
    name: str,
    view: int,
    found: Annotations,
    say: Callable[[str], None],
) -> dict[str, Any]:
    shown = source / "Image_subsets" / f"C{view + 1}"
    by_number = {picture_number(path): path for path in pictures_in(shown)}
    missing = [number for number in found.pictures if number not in by_number]
    if missing:
        raise DrillImportError(
            f"{shown}: holds no picture {missing[0]}; annotated are {found.pictures[0]} to "
            f"{found.pictures[-1]} in steps of {found.pictures.step}"
        )
    pictures = [by_number[number] for number in found.pictures]
    path = f"video/{name}.mp4"
    size_px = write_video(folder / path, pictures, FPS, lambda text: say(f"{name}: {text}"))
    if size_px != SIZE_PX:
        raise DrillImportError(
            f"{pictures[0]}: is {size_px[0]}x{size_px[1]}; the calibration is for "
            f"{SIZE_PX[0]}x{SIZE_PX[1]}"
        )
    return {"camera": name, "video": path, "fps": FPS}


def _write_site(folder: Path, data_set: MultiviewSet, cameras: Mapping[str, CameraModel]) -> None:
    write_site(
        folder,
        name=data_set.name,
        level=LEVEL,
        level_name="Ground",
        comment="\n".join(data_set.notes),
    )
    centres_m = [model.centre_m[:2] for model in cameras.values() if model.centre_m is not None]
    write_one_space_plan(
        folder / FLOOR_PLAN,
        level=LEVEL,
        level_name="Ground",
        space=data_set.space,
        category="walkway",
        floor=data_set.layout.floor(np.array(centres_m)),
    )
