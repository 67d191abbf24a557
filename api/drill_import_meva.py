"""The school gym of the MEVA data set as a drill: its video, or its annotated boxes.

The source folder holds `krtd/*.krtd`, `annotation-*/*.geom.yml` with `*.types.yml`, and, for the
video drill, a clip of one of the gym's cameras. The gym has no floor plan and no truth in metres,
so the drill has one space whose extent comes from where people stood, no entrances and no
`truth.csv`: positions are given, doors and figures of accuracy are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from calibration.import_meva import (
    FPS,
    GYM_CAMERAS,
    clip_of,
    read_krtd,
    read_person_boxes,
)
from calibration.recorded import floor_extent
from vision.video_file import probe_file

from .drill_import import ImportedDrill
from .drill_import_folder import (
    copy_file,
    new_drill_folder,
    only_one,
    write_camera,
    write_drill,
    write_mot_boxes,
    write_one_space_plan,
    write_site,
)
from .errors import DrillImportError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from shapely import Polygon

    from calibration.camera import CameraModel
    from calibration.import_meva import Clip, PersonBoxes

    from .drill_import import ImportRequest

LEVEL: Final = "L1"
SPACE: Final = "Gym (extent estimated from footage)"
ANCHOR: Final = {
    "longitude_deg": -85.52924953,
    "latitude_deg": 39.04977294,
    "x_axis_bearing_deg": 90.0,
}
"""Origin of the data set's outdoor frame. The gym is not registered to it: see the notes."""
NOTES: Final = (
    "The gym's place on earth is not known: the anchor is the data set's own, only metres count.",
    "The floor is a rectangle around the feet and cameras of the footage, not a surveyed plan.",
    "No entrance is known, so no door is recommended.",
    "Identities are known per camera only, so there is no truth to score against.",
    "The clock is the cameras'; its time zone is not stated and is written as UTC.",
)
_SUFFIXES: Final = frozenset({".mp4", ".avi", ".mkv", ".mov"})
_SAME_RATE: Final = 0.02


def import_drill(request: ImportRequest, say: Callable[[str], None]) -> ImportedDrill:
    """Make a drill folder of the gym, as `drill_import.Importer` says.

    With `request.boxes` (a day, e.g. 2018-03-15) the drill plays the annotated boxes of all gym
    cameras, otherwise the video `request.video`, or the only clip in the source folder.

    Raises:
        DrillImportError: where the source lacks something or the target is in use.
        calibration.import_meva.MevaError: where a file of the source is not what it should be.
        vision.errors.MediaError: where the video cannot be read.
    """
    if not request.source.is_dir():
        raise DrillImportError(f"{request.source}: is no folder; give the data set's folder")
    if request.video is not None and request.boxes is not None:
        raise DrillImportError("--video and --boxes: give one of them, a drill plays one recording")
    with new_drill_folder(request.target) as folder:
        say("reading camera models")
        cameras = _cameras(request.source)
        say("reading boxes")
        boxes = _boxes(request.source)
        if request.boxes is not None:
            name, notes = _boxes_drill(folder, request.boxes, boxes, cameras)
            watched: Mapping[str, CameraModel] = cameras
        else:
            video = request.video or _only_clip(request.source)
            say(f"copying {video.name}")
            camera, model, name, notes = _video_drill(folder, video, cameras)
            watched = {camera: model}
        _write_site(folder, watched, _floor(boxes, cameras))
    return ImportedDrill(request.target, name, (*NOTES, *notes))


def _cameras(source: Path) -> dict[str, CameraModel]:
    """Models of the gym's cameras, for the original pictures."""
    return {
        camera: read_krtd(
            only_one(sorted(source.glob(f"krtd/*.{camera}.krtd")), f"krtd/*.{camera}.krtd", source)
        )
        for camera in GYM_CAMERAS
    }


def _boxes(source: Path) -> dict[Clip, PersonBoxes]:
    """Boxes of the gym's cameras by clip."""
    paths = sorted(source.glob("annotation-*/*.geom.yml"))
    clips = {path: clip_of(path) for path in paths}
    boxes = {
        clip: read_person_boxes(path)
        for path, clip in clips.items()
        if clip is not None and clip.camera in GYM_CAMERAS
    }
    if not any(len(found.frame) for found in boxes.values()):
        raise DrillImportError(
            f"{source}: no boxes of {' or '.join(GYM_CAMERAS)} in annotation-*/*.geom.yml; the "
            "gym's floor is estimated from where people stood in them"
        )
    return boxes


def _floor(boxes: Mapping[Clip, PersonBoxes], cameras: Mapping[str, CameraModel]) -> Polygon:
    feet_m = []
    for clip, found in boxes.items():
        xy_m, valid = cameras[clip.camera].to_floor(found.foot_px)
        feet_m.append(xy_m[valid])
    centres_m = [model.centre_m[:2] for model in cameras.values() if model.centre_m is not None]
    return floor_extent(np.concatenate(feet_m), np.array(centres_m).reshape(-1, 2))


def _only_clip(source: Path) -> Path:
    videos = sorted(path for path in source.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not videos:
        raise DrillImportError(
            f"{source}: holds no video; name one with --video, or replay boxes with --boxes DATE"
        )
    return only_one(videos, "video (choose with --video FILE)", source)


def _video_drill(
    folder: Path, video: Path, cameras: Mapping[str, CameraModel]
) -> tuple[str, CameraModel, str, tuple[str, ...]]:
    """Write drill.toml for a clip and return camera id, its model, the drill's name and notes."""
    clip = clip_of(video)
    if clip is None or clip.camera not in cameras:
        raise DrillImportError(
            f"{video}: is not named as a MEVA clip of {' or '.join(cameras)} "
            "(day.begin.end.place.camera, e.g. 2018-03-11.16-20-00.16-25-00.school.G330.mp4)"
        )
    info = probe_file(video)
    if info.size_px is None or info.frames is None or info.fps is None:
        raise DrillImportError(f"{video}: its header does not say size, frame rate and frame count")
    fps, notes = _true_rate(clip, info.frames, info.fps)
    original = cameras[clip.camera]
    model = original.for_picture(*info.size_px)
    if model is not original:
        notes = (
            *notes,
            "The pictures are {}x{}, the camera model's {}x{}: its lens was scaled by width and "
            "by height.".format(*info.size_px, *original.size_px),
        )
    if "annotated" in video.name:
        notes = (*notes, "The source has drawn boxes into the pictures, which a detector sees too.")
    copy_file(video, folder / "video" / f"{clip.camera}{video.suffix}")
    name = f"MEVA school gym {clip.begin:%Y-%m-%d %H:%M}, {clip.camera}"
    feed: dict[str, Any] = {"camera": clip.camera, "video": f"video/{clip.camera}{video.suffix}"}
    if fps is not None:
        feed["fps"] = fps
    duration_s = info.frames / (fps if fps is not None else info.fps)
    _write_drill(folder, name, "One clip of one camera.", clip.begin, duration_s, [feed])
    return clip.camera, model, name, notes


def _true_rate(clip: Clip, frames: int, fps: float) -> tuple[float | None, tuple[str, ...]]:
    """Frames a second that were filmed, None where the file plays at that rate.

    A thinned clip keeps every n-th frame and plays too fast; n follows from the length in its name.
    """
    step = max(1, round(fps * clip.length_s / frames))
    filmed = fps / step
    if abs(filmed * clip.length_s / frames - 1) > _SAME_RATE:
        raise DrillImportError(
            f"{clip.camera}: {frames} frames at {fps:g} a second do not fill the "
            f"{clip.length_s:g} s of the clip's name, nor do they as every n-th; is the file cut?"
        )
    if step == 1:
        return None, ()
    said = f"{frames} frames in the {clip.length_s:g} s of the clip's name"
    return filmed, (f"{said} are taken for one in {step} and played at {filmed:g} a second.",)


def _boxes_drill(
    folder: Path,
    day: str,
    boxes: Mapping[Clip, PersonBoxes],
    cameras: Mapping[str, CameraModel],
) -> tuple[str, tuple[str, ...]]:
    """Write boxes/*.csv and drill.toml for a day and return the drill's name and notes."""
    wanted = {clip: found for clip, found in boxes.items() if f"{clip.begin:%Y-%m-%d}" == day}
    if not wanted:
        days = sorted({f"{clip.begin:%Y-%m-%d}" for clip in boxes})
        raise DrillImportError(f"--boxes {day}: no boxes of that day; there are {', '.join(days)}")
    begin = min(clip.begin for clip in wanted)
    feeds = []
    for clip, found in wanted.items():
        path = f"boxes/{clip.camera}.csv"
        write_mot_boxes(folder / path, found.recorded, cameras[clip.camera].size_px)
        offset_s = (clip.begin - begin).total_seconds()
        feeds.append({"camera": clip.camera, "boxes": path, "fps": FPS, "offset_s": offset_s})
    duration_s = max((clip.begin - begin).total_seconds() + clip.length_s for clip in wanted)
    name = f"MEVA school gym {begin:%Y-%m-%d %H:%M}, boxes"
    _write_drill(folder, name, "Annotated boxes of the gym's cameras.", begin, duration_s, feeds)
    return name, ("Boxes were drawn by people; a detector's are worse.",)


def _write_drill(
    folder: Path,
    name: str,
    what: str,
    begin: datetime,
    duration_s: float,
    feeds: list[dict[str, Any]],
) -> None:
    write_drill(
        folder,
        name=name,
        description=f"{what} Source: MEVA data set (mevadata.org), CC BY 4.0.",
        start=begin,
        duration_s=duration_s,
        feeds=feeds,
        comment="\n".join(NOTES),
    )


def _write_site(folder: Path, cameras: Mapping[str, CameraModel], floor: Polygon) -> None:
    write_site(
        folder,
        name="MEVA school gym",
        level=LEVEL,
        level_name="Gym floor",
        anchor=ANCHOR,
        comment="\n".join(NOTES[:2]),
    )
    write_one_space_plan(
        folder / "floor_plan.geojson",
        level=LEVEL,
        level_name="Gym floor",
        space=SPACE,
        category="gymnasium",
        floor=floor,
    )
    for camera, model in cameras.items():
        write_camera(
            folder,
            camera,
            f"Gym {camera}",
            LEVEL,
            model,
            "From the data set's KRTD file; floor_error_m from how far the gym's two cameras\n"
            "disagree about bodies that both see.",
        )
