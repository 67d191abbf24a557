"""Renders an exercise: videos of all cameras with the truth of every picture."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2

from .boxes import Truth, truth_of
from .building import read_building
from .cast import DRILL_CAST
from .develop import Sensor
from .folder import TRUTH_HZ
from .gl import Studio
from .lens import Camera, read_camera
from .pose import Actor
from .props import FIREARMS, make
from .scene import build_scene, open_doors
from .shapes import load_shapes
from .video import VideoWriter
from .wardrobe import dress

import numpy as np  # isort: skip

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .exercise import Exercise, Performance
    from .style import Style

BOX_HEADER = "frame,id,left,top,width,height,visible"
WEAPON_HEADER = f"{BOX_HEADER},kind"


@dataclass(slots=True)
class _Tape:
    """What is written for one camera."""

    camera: Camera
    sensor: Sensor
    video: VideoWriter
    boxes: list[str]
    weapons: list[str]

    def note(self, frame: int, truths: list[Truth]) -> None:
        """Add the truth of one picture; what nobody can see any of is left out."""
        for truth in truths:
            if truth.seen_px is None:
                continue
            left, top, right, bottom = truth.box_px
            row = (
                f"{frame},{truth.person},{left:.1f},{top:.1f},{right - left:.1f},"
                f"{bottom - top:.1f},{truth.visible:.3f}"
            )
            if truth.kind == "person":
                self.boxes.append(row)
            elif truth.kind in FIREARMS:
                self.weapons.append(f"{row},{truth.kind}")


def cast_actors(performances: tuple[Performance, ...]) -> list[Actor]:
    """The drill's characters, dressed, with what they carry."""
    looks = {look.name: look for look in DRILL_CAST}
    wanted = [looks[performance.part.look] for performance in performances]
    rig, shapes = load_shapes([look.phenotype for look in wanted])
    actors: list[Actor] = []
    for performance, look, shape in zip(performances, wanted, shapes, strict=True):
        carries = performance.part.carries
        prop = make(carries, performance.part.person) if carries else None
        actors.append(Actor(dress(rig, shape, look), performance, prop))
    return actors


def render(
    exercise: Exercise,
    performances: tuple[Performance, ...],
    style: Style,
    folder: Path,
    camera_ids: list[str],
    span_s: tuple[float, float],
    advance: Callable[[], None],
) -> None:
    """Render cameras of a drill folder that `write_folder` made; `advance` is called per picture.

    The scene is built from the folder's own floor plan and camera files.
    """
    cv2.setNumThreads(1)
    building = read_building(folder / "floor_plan.geojson")
    cameras = [read_camera(folder / "cameras" / f"{id_}.toml") for id_ in camera_ids]
    times = np.arange(-5.0, exercise.duration_s, 1 / TRUTH_HZ)
    opened = open_doors(building, [p.track_m(times) for p in performances])
    actors = cast_actors(performances)
    studio = Studio(building, build_scene(building, style, opened), style)
    for name in ("video", "truth/boxes", "truth/weapons"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    order = [camera.id for camera in exercise.cameras]
    with ExitStack() as stack:
        tapes = [
            _Tape(
                camera,
                Sensor(studio.plate(camera).view, style, exercise.seed + order.index(camera.id)),
                stack.enter_context(
                    VideoWriter(
                        folder / "video" / f"{camera.id}.mp4",
                        (camera.width_px, camera.height_px), exercise.fps, exercise.crf,
                    )
                ),
                [BOX_HEADER],
                [WEAPON_HEADER],
            )
            for camera in cameras
        ]  # fmt: skip
        first, last = (round(t_s * exercise.fps) for t_s in span_s)
        for number in range(first, last):
            _frame(studio, tapes, actors, number / exercise.fps, number - first + 1, advance)
    for tape in tapes:
        for name, rows in (("boxes", tape.boxes), ("weapons", tape.weapons)):
            path = folder / "truth" / name / f"{tape.camera.id}.csv"
            path.write_text("\n".join(rows) + "\n")
    studio.close()


def _frame(
    studio: Studio,
    tapes: list[_Tape],
    actors: list[Actor],
    t_s: float,
    number: int,
    advance: Callable[[], None],
) -> None:
    """One moment, all cameras."""
    here = [actor for actor in actors if actor.performance.present(t_s)]
    spots = [actor.performance.motion.at(t_s)[0] for actor in here]
    seen = [
        [k for k, spot in enumerate(spots) if studio.in_view(tape.camera, spot)] for tape in tapes
    ]
    posed = {k: (here[k], here[k].pose(t_s)) for k in sorted({k for row in seen for k in row})}
    studio.upload(list(posed.values()))
    for tape, row in zip(tapes, seen, strict=True):
        shot = [posed[k] for k in row]
        plate = studio.plate(tape.camera)
        picture, box, mask, silhouettes = studio.frame(tape.camera, shot)
        tape.video.write(tape.sensor.develop(picture, box, plate.picture, t_s))
        if box is not None:
            tape.note(number, truth_of(plate.view, shot, mask, silhouettes))
        advance()
