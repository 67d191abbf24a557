"""A small drill without pixels, made from the shipped scene: quick to play, truth known."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

from calibration.site import load_site
from calibration.synthetic import PERFECT, Scene, Walker

WING = Path(__file__).parents[2] / "benchmarks" / "drills" / "wing"
FPS = 10.0
WATCHED = ("cam-01", "cam-02")


def make_box_drill(folder: Path, duration_s: float = 3.0) -> Path:
    """Write a drill in which one person walks from Door 1 through the lobby; return its folder."""
    ignored = shutil.ignore_patterns("video", "truth*", "boxes", "drill.toml")
    shutil.copytree(WING, folder, ignore=ignored)
    site = load_site(folder)
    scene = Scene(
        cameras={camera: site.cameras[camera].model for camera in WATCHED},
        walkers=[Walker("1", ((2.0, 10.5), (9.0, 10.5)))],
        plan=site.plan,
        level=site.levels[0].id,
        fps=FPS,
        errors=PERFECT,
    )
    (folder / "boxes").mkdir()
    rows: dict[str, list[list[float]]] = {camera: [] for camera in WATCHED}
    for tracks in scene.frames(duration_s):
        for left, top, right, bottom in tracks.xyxy_px.tolist():
            frame = tracks.frame_index + 1
            rows[tracks.camera].append([frame, -1, left, top, right - left, bottom - top, 1])
    for camera, boxes in rows.items():
        with (folder / "boxes" / f"{camera}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(boxes)
    with (folder / "truth.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["t", "person", "level", "x", "y", "role", "armed"])
        for tick in range(round(duration_s * FPS) + 1):
            for person, (x, y) in scene.truth_m(tick / FPS).items():
                table.writerow([tick / FPS, person, scene.level, x, y, "intruder", 0])
    feeds = "".join(
        f'[[feeds]]\ncamera = "{camera}"\nboxes = "boxes/{camera}.csv"\nfps = {FPS}\n'
        for camera in WATCHED
    )
    (folder / "drill.toml").write_text(
        'schema = 1\nname = "One walker"\nexercise = true\nstart = 2026-03-02T09:00:00Z\n'
        f"duration_s = {duration_s}\n{feeds}"
    )
    return folder
