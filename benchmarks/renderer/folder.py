"""Writes the folder of a drill: site, plan, cameras, feeds and the truth on the floor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from shapely import Point

from .building import LEVEL, write_plan

if TYPE_CHECKING:
    from pathlib import Path

    from .exercise import Exercise, Performance

TRUTH_HZ = 10.0


def truth_rows(exercise: Exercise, performances: tuple[Performance, ...]) -> list[str]:
    """Lines of `truth.csv`: everybody inside the building, ten times a second.

    `x,y` is the point on the floor below the middle of the body, in site metres.
    """
    outline = exercise.building.outline()
    rows: list[str] = []
    times = np.arange(round(exercise.duration_s * TRUTH_HZ)) / TRUTH_HZ
    tracks = [performance.track_m(times) for performance in performances]
    for index, t_s in enumerate(times):
        for performance, track in zip(performances, tracks, strict=True):
            x, y = track[index]
            part = performance.part
            if np.isnan(x) or not outline.covers(Point(x, y)):
                continue
            rows.append(
                f"{t_s:.1f},{part.person},{LEVEL},{x:.3f},{y:.3f},{part.role},{int(part.armed)}"
            )
    return rows


def site_toml(exercise: Exercise) -> str:
    """The text of `site.toml`."""
    return (
        f'schema = 1\nname = "Cedar Hollow School, east wing ({exercise.name} drill)"\n'
        'address = "1200 Orchard Road, Cedar Hollow (invented)"\n'
        'floor_plan = "floor_plan.geojson"\n\n'
        "[anchor]\nlongitude_deg = -85.5230\nlatitude_deg = 39.0510\n"
        "x_axis_bearing_deg = 78.0\n\n"
        f'[[levels]]\nid = "{LEVEL}"\nname = "Ground floor"\nordinal = 0\nelevation_m = 0.0\n'
    )


def drill_toml(exercise: Exercise) -> str:
    """The text of `drill.toml`."""
    start = exercise.start.strftime("%Y-%m-%dT%H:%M:%SZ")
    head = (
        f'schema = 1\nname = "{exercise.title}"\ndescription = "{exercise.description}"\n'
        f"exercise = true\nstart = {start}\nduration_s = {exercise.duration_s}\n"
    )
    feeds = "".join(
        f'\n[[feeds]]\ncamera = "{camera.id}"\nvideo = "video/{camera.id}.mp4"\n'
        for camera in exercise.cameras
    )
    events = "".join(
        f'\n[[events]]\nt = {event.t_s}\ntext = "{event.text}"\n' for event in exercise.events
    )
    return head + feeds + events


def write_folder(exercise: Exercise, performances: tuple[Performance, ...], folder: Path) -> None:
    """Write everything of the drill folder that is not a picture."""
    (folder / "cameras").mkdir(parents=True, exist_ok=True)
    (folder / "site.toml").write_text(site_toml(exercise))
    (folder / "drill.toml").write_text(drill_toml(exercise))
    write_plan(exercise.building, folder / "floor_plan.geojson")
    for camera in exercise.cameras:
        (folder / "cameras" / f"{camera.id}.toml").write_text(camera.toml())
    header = "t,person,level,x,y,role,armed"
    rows = [header, *truth_rows(exercise, performances)]
    (folder / "truth.csv").write_text("\n".join(rows) + "\n")
