"""One recording of the CITIC-MTMC data set as a drill: a real building, simulated boxes.

The source folder holds `map_config/room_map.json`, `map_config/Node*.json` and one
`<recording>_gt.mot.txt` per recording. What a detector would find is simulated from the true places
and the camera models, see `calibration.box_noise`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

from calibration.body_sight import visible_shares
from calibration.box_noise import BoxNoise, detected
from calibration.import_citic import (
    FPS,
    OTHER_FPS,
    TRUTH_FPS,
    find_recordings,
    read_camera,
    read_map,
    read_places,
)
from calibration.import_citic_plan import DOOR_WIDTH_M, LEVEL, left_out, plan_of
from calibration.plan_writing import plan_text
from calibration.recorded import RecordedBoxes, RecordedPlaces, template_boxes

from .drill_import import ImportedDrill, chosen
from .drill_import_folder import (
    FLOOR_PLAN,
    new_drill_folder,
    write_camera,
    write_drill,
    write_mot_boxes,
    write_site,
)
from .drill_import_truth import distances, write_true_boxes, write_truth
from .errors import DrillImportError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

    from calibration.floor_plan import FloorPlan
    from calibration.import_citic import CiticCamera, CiticMap

    from .drill_import import ImportRequest

SOURCE: Final = (
    "Source: CITIC-MTMC data set (Carro-Lagoa et al., Internet of Things 24, 2023), "
    "CC BY-NC-SA 4.0; this folder is adapted from it and falls under the same licence."
)
NOTES: Final = (
    "The recordings' pictures are not used: the boxes come from the true places.",
    "The true places are interpolated between marks on the floor, 25 a second.",
    "Door numbers are the importer's: main door, side door, then where people came in (stairs).",
    f"Doors are taken for {DOOR_WIDTH_M:g} m wide; where a camera sees through one it is open.",
    "Boxes are made with the camera models that place them again, so calibration errs by nothing.",
    "Where on earth and when it was filmed is not stated: anchor and start are placeholders.",
)
_SAMPLE_M: Final = 0.5


def import_drill(request: ImportRequest, say: Callable[[str], None]) -> ImportedDrill:
    """Make a drill folder of one recording, as `drill_import.Importer` says.

    Raises:
        DrillImportError: where the source lacks something or the target is in use.
        calibration.errors.SourceError: where a file of the source is not what it should be.
    """
    noise = request.noise or BoxNoise()
    recordings = _recordings(request.source)
    recording, picked = chosen("--recording", request.recording, list(recordings))
    with new_drill_folder(request.target) as folder:
        say("reading map and cameras")
        citic = read_map(_config(request.source) / "room_map.json")
        cameras = _cameras(request.source, citic)
        plan = plan_of(citic, cameras)
        places = read_places(recordings[recording], citic)
        if not len(places.frame):
            raise DrillImportError(f"{recordings[recording]}: tells of nobody")
        duration_s = (int(places.frame.max(initial=0)) + 1) / TRUTH_FPS
        write_site(
            folder,
            name="CITIC research centre",
            level=LEVEL,
            level_name="Floor",
            comment=f"{SOURCE}\n{NOTES[-1]}",
        )
        (folder / FLOOR_PLAN).write_text(plan_text(plan), encoding="utf-8")
        feeds = []
        for number, camera in enumerate(cameras):
            say(f"simulating camera {camera.name}")
            rng = np.random.default_rng([noise.seed, number])
            feeds.append(_feed(folder, camera, plan, places, duration_s, noise, rng))
        say("writing truth")
        doubled = write_truth(folder / "truth.csv", places, TRUTH_FPS, LEVEL)
        notes = [*NOTES, noise.in_words(), *_about(citic, plan, cameras, places), *doubled]
        notes += [picked] if picked is not None else []
        name = f"CITIC {recording}, simulated boxes"
        write_drill(
            folder,
            name=name,
            description=f"People walk through rooms of which five cameras watch a part. {SOURCE} "
            + noise.in_words(),
            duration_s=duration_s,
            feeds=feeds,
            comment="\n".join(notes),
        )
    return ImportedDrill(request.target, name, tuple(notes))


def _recordings(source: Path) -> dict[str, Path]:
    if not source.is_dir():
        raise DrillImportError(f"{source}: is no folder; give the data set's folder")
    found = find_recordings(source)
    if not found:
        raise DrillImportError(f"{source}: holds no <recording>_gt.mot.txt")
    return found


def _config(source: Path) -> Path:
    return source / "map_config" if (source / "map_config").is_dir() else source


def _cameras(source: Path, citic: CiticMap) -> list[CiticCamera]:
    paths = sorted(_config(source).glob("Node*.json"))
    if not paths:
        raise DrillImportError(f"{_config(source)}: holds no camera file Node*.json")
    return [read_camera(path, citic) for path in paths]


def _feed(
    folder: Path,
    camera: CiticCamera,
    plan: FloorPlan,
    places: RecordedPlaces,
    duration_s: float,
    noise: BoxNoise,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Write a camera with its boxes, simulated and true, and return its feed."""
    fps = FPS.get(camera.name, OTHER_FPS)
    frames = int(duration_s * fps)
    view = camera.view or camera.model.visible_floor(plan, LEVEL)
    seen = _sampled(places, fps, frames)
    seen = seen[shapely.contains_xy(view, seen.xy_m)]
    true = template_boxes(camera.model, seen)
    shares = visible_shares(true, distances(camera.model, true, seen)[1], camera.model.size_px)
    boxes = detected(
        true, shares, _bystanders(camera, view), noise, fps=fps, frames=frames, rng=rng
    )
    path = f"boxes/{camera.name}.csv"
    write_mot_boxes(folder / path, boxes, camera.model.size_px)
    write_true_boxes(folder, camera.name, camera.model, true, seen)
    how = (
        "pose worked out from its homography of the floor (square pixels, centred lens)"
        if camera.from_homography
        else "pose as published"
    )
    write_camera(folder, camera.name, camera.name, LEVEL, camera.model, f"{SOURCE}\n{how}")
    return {"camera": camera.name, "boxes": path, "fps": fps}


def _sampled(places: RecordedPlaces, fps: float, frames: int) -> RecordedPlaces:
    """Where people were at each frame of a camera, from the nearest line of the truth."""
    order = np.argsort(places.frame, kind="stable")
    wanted = np.rint(np.arange(frames) / fps * TRUTH_FPS).astype(np.int64)
    begin = np.searchsorted(places.frame[order], wanted, side="left")
    count = np.searchsorted(places.frame[order], wanted, side="right") - begin
    frame = np.repeat(np.arange(frames), count)
    within = np.arange(len(frame)) - np.repeat(np.cumsum(count) - count, count)
    rows = order[np.repeat(begin, count) + within]
    return RecordedPlaces(frame, places.person[rows], places.xy_m[rows])


def _bystanders(camera: CiticCamera, view: BaseGeometry) -> RecordedBoxes:
    """Boxes of bodies on a grid over the floor that the camera shows."""
    x0, y0, x1, y1 = view.bounds
    across, up = np.meshgrid(np.arange(x0, x1, _SAMPLE_M), np.arange(y0, y1, _SAMPLE_M))
    xy_m = np.column_stack([across.ravel(), up.ravel()])
    xy_m = xy_m[shapely.contains_xy(view, xy_m)]
    numbers = np.arange(len(xy_m), dtype=np.int64)
    return template_boxes(camera.model, RecordedPlaces(np.zeros_like(numbers), numbers, xy_m))


def _about(
    citic: CiticMap, plan: FloorPlan, cameras: list[CiticCamera], places: RecordedPlaces
) -> list[str]:
    """What the plan leaves out and how much of the time people are in view, in words."""
    missing = left_out(citic, plan)
    views = shapely.union_all([camera.view for camera in cameras if camera.view is not None])
    in_view = float(shapely.contains_xy(views, places.xy_m).mean())
    inside = np.array([space is not None for space in plan.space_at(LEVEL, places.xy_m)])
    said = [
        f"{in_view:.0%} of the true places are on floor that a camera shows.",
        f"{inside.mean():.1%} of the true places lie in a room of the plan.",
    ]
    if missing:
        said.append(
            f"Left out of the plan: {', '.join(missing)} (no door on the map, or only the way in)."
        )
    return said
