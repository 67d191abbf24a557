"""A rendered drill, whose true cameras are known, behind a server; and places to calibrate by."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely

from api.app import create_app
from api.record import record_in
from api.store import open_store
from api.targets import load_target
from calibration.comparing import floor_shift
from calibration.error_map import cells
from tests.api.replayed import Console, ReplayedRuns

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from calibration.camera import CameraModel
    from calibration.site import Camera, Site
    from vision.detect import Detector

DRILLS = Path(__file__).parents[2] / "benchmarks" / "drills"
DOOR_TOP_M = 2.1


def no_detector() -> Detector:
    raise AssertionError("recorded boxes need no detector")


def survey_console(
    folder: Path,
    clock: Callable[[], float],
    *,
    drill: str = "quiet",
    boxes: bool = False,
    detector: Callable[[], Detector] = no_detector,
) -> Console:
    """The application over a copy of a drill. Close its store.

    Args:
        folder: an empty folder.
        clock: Unix seconds now.
        drill: which of the shipped ones.
        boxes: play the true boxes in the place of the videos.
        detector: finds people in walk tests.
    """
    site = folder / drill
    shutil.copytree(DRILLS / drill, site)
    if boxes:
        text = (site / "drill.toml").read_text()
        for path in (site / "cameras").glob("*.toml"):
            name = path.stem
            video = f'video = "video/{name}.mp4"'
            text = text.replace(video, f'boxes = "truth/boxes/{name}.csv"\nfps = 8.0')
        (site / "drill.toml").write_text(text)
    target = load_target(site)
    record = record_in(open_store(folder / "state"), folder / "state")
    runs = ReplayedRuns()
    app = create_app(
        {target.id: target},
        record=record,
        run_factory=runs,
        clock=clock,
        monotonic=clock,
        tick_s=0.05,
        heartbeat_s=0.2,
        detector=detector,
    )
    console = Console(app, "", runs, clock, folder / "state", target, record)
    bearer = console.key_of("dana", "dispatcher")
    console.token = bearer["Authorization"].removeprefix("Bearer ")
    return console


def corners_in_view(site: Site, camera: Camera) -> NDArray[np.float64]:
    """`(N, 3)` corners of the plan on the floor that a camera shows, and tops of its doors."""
    plan, level = site.plan, camera.level
    doors = [o.line for o in plan.openings if o.level == level]
    doors += [entrance.line for entrance in plan.entrances if entrance.level == level]
    shapes = [space.polygon.exterior for space in plan.spaces_on(level)]
    shapes += [one.polygon.exterior for one in plan.fixtures if one.level == level]
    on_floor = np.unique(shapely.get_coordinates([*shapes, *doors]).round(3), axis=0)
    tops = np.unique(shapely.get_coordinates(doors).round(3), axis=0)
    seen = camera.visible_floor(plan)
    kept = []
    for xy_m, height_m in ((on_floor, 0.0), (tops, DOOR_TOP_M)):
        near = shapely.distance(seen, shapely.points(xy_m)) < 0.2
        xyz_m = np.column_stack([xy_m, np.full(len(xy_m), height_m)])[near]
        px, shown = camera.model.to_image(xyz_m)
        width_px, height_px = camera.model.size_px
        inside = (px > 8).all(axis=1) & (px < (width_px - 9, height_px - 9)).all(axis=1)
        kept.append(xyz_m[shown & inside])
    return np.concatenate(kept)


def spread_out(xyz_m: NDArray[np.float64], px: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Rows of places that lie far from each other in the picture: what a person would choose."""
    rows = [int(np.argmax(px[:, 1]))]
    while len(rows) < min(count, len(px)):
        away_px = np.linalg.norm(px[:, None] - px[rows], axis=2).min(axis=1)
        away_px[np.linalg.norm(xyz_m[:, None] - xyz_m[rows], axis=2).min(axis=1) < 0.3] = 0.0
        rows.append(int(np.argmax(away_px)))
    return np.array(rows)


def floor_error_m(site: Site, truth: Camera, found: CameraModel) -> NDArray[np.float64]:
    """How far off a calibration puts the floor that its camera truly shows."""
    floor = cells(truth.visible_floor(site.plan), 0.25)
    return floor_shift(truth.model, found, floor).moved_m
