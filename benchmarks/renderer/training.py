"""Single pictures with exact labels for training detectors: python -m benchmarks.renderer.training.

Buildings, people, cameras and lights are random and none of them is in a drill. Half of the
pictures hold armed people, the others people with empty hands or with what is mistaken for a
firearm. Labels are YOLO text files of visible boxes: class 0 person, class 1 firearm.
"""

# ruff: noqa: PLR2004 - the numbers are shares and sizes of random scenes
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - typer reads the annotation at run time
from typing import TYPE_CHECKING, Annotated

import cv2
import numpy as np
import shapely
import typer
from rich.progress import Progress

from .boxes import Truth, truth_of
from .building import Building, Entrance, Fixture, Opening, furniture, line, room
from .cast import strangers
from .develop import Sensor
from .exercise import Part, Performance
from .gl import Studio
from .lens import Camera, mount, unfolded
from .motion import Motion
from .pose import Actor, Stride, measure_strides
from .props import FIREARMS, make
from .scene import bays, build_scene
from .shapes import load_shapes
from .style import random_style
from .video import through_h264
from .wardrobe import Character, dress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

FRAMES_PER_CAMERA = 15
PEOPLE_PER_SCENE = 9
ARMED_HOLDS: dict[str, tuple[str, ...]] = {
    "rifle": ("low-ready", "low-ready", "port", "shouldered", "side", "swing"),
    "handgun": ("aim", "one-hand", "low-aim", "side", "swing", "bent"),
}
HARMLESS_HOLDS: dict[str, tuple[str, ...]] = {
    "phone": ("look", "ear", "swing", "one-hand"),
    "umbrella": ("swing", "side", "bent", "one-hand"),
    "umbrella-open": ("over",),
    "drill": ("aim", "bent", "side", "low-aim"),
    "book": ("hug", "side", "look"),
    "radio": ("mouth", "side", "bent"),
}
LEAST_PERSON_SHARE, LEAST_PERSON_PX, LEAST_FIREARM_PX = 0.25, 16.0, 6.0


@dataclass(frozen=True, slots=True)
class Player:
    """A dressed stranger and the strides measured for the body."""

    character: Character
    strides: list[Stride]


def training_building(seed: int) -> Building:
    """A hall, a corridor and rooms on both sides, sizes and furniture random."""
    rng = np.random.default_rng([seed, 21])
    hall_x, hall_y = rng.uniform(7, 12), rng.uniform(8, 12)
    wide = float(rng.uniform(2.4, 4.2))
    y0 = float(rng.uniform(2.0, max(2.0, hall_y - wide - 2.0)))
    rooms = int(rng.integers(2, 4))
    room_x = float(rng.uniform(6, 8.5))
    end_x = float(hall_x + rooms * room_x)
    y1 = y0 + wide
    depth = float(rng.uniform(6, 8))
    units = [
        room(
            "hall", "Hall", rng.choice(["lobby", "cafeteria"]), 0, 0, float(hall_x), float(hall_y)
        ),
        room("corridor", "Corridor", "walkway", float(hall_x), y0, end_x, y1),
    ]
    openings = [Opening("hall-corridor", "open", line(float(hall_x), y0, float(hall_x), y1))]
    fixtures: list[Fixture] = []
    for k in range(rooms):
        a, b = float(hall_x + k * room_x), float(hall_x + (k + 1) * room_x)
        for side, low, high, y in (("n", y1, y1 + depth, y1), ("s", y0 - depth, y0, y0)):
            kind = str(rng.choice(["classroom", "library", "office"]))
            units.append(room(f"{side}{k}", f"Room {side}{k}", kind, a, low, b, high))
            door = float(rng.uniform(a + 0.8, b - 2.0))
            openings.append(Opening(f"door-{side}{k}", "pedestrian", line(door, y, door + 1.05, y)))
            for _ in range(int(rng.integers(1, 5))):
                tx, ty = rng.uniform(a + 1, b - 2), rng.uniform(low + 1.5, high - 2.2)
                box = (float(tx), float(ty), float(tx + 1.2), float(ty + 0.7))
                fixtures += furniture("table", 0.75, box)
            if rng.random() < 0.6:
                back = high - 0.4 if side == "n" else low
                fixtures += furniture("shelf", 1.8, (a + 0.6, back, b - 0.6, back + 0.4))
            if rng.random() < 0.7 and door - a > 2.0:
                inner = y - 0.4 if side == "n" else y
                fixtures += furniture("lockers", 1.8, (a + 0.2, inner, door - 0.4, inner + 0.4))
    hx, hy = float(hall_x), float(hall_y)
    fixtures += furniture("bench", 0.45, (hx * 0.35, 0.1, hx * 0.6, 0.55))
    fixtures += furniture("bin", 0.8, (0.2, hy - 0.7, 0.6, hy - 0.3))
    if rng.random() < 0.6:
        fixtures += furniture("desk", 1.05, (hx * 0.5, hy - 1.9, hx * 0.78, hy - 1.2))
    for _ in range(int(rng.integers(0, 4))):
        tx, ty = rng.uniform(1.5, hx - 3), rng.uniform(1.5, hy - 3.5)
        fixtures += furniture(
            "table", 0.75, (float(tx), float(ty), float(tx) + 1.5, float(ty) + 0.8)
        )
    middle = float(rng.uniform(hy * 0.3, hy * 0.6))
    entrances = (
        Entrance("e1", "1", "Front", line(0, middle, 0, middle + 2.8)),
        Entrance("e2", "2", "End", line(end_x, y0 + wide / 2 - 0.8, end_x, y0 + wide / 2 + 0.8)),
    )
    return Building(tuple(units), tuple(openings), entrances, tuple(fixtures))


def training_cameras(building: Building, seed: int) -> list[Camera]:
    """Four cameras: two in the hall, one along the corridor, one in a room."""
    rng = np.random.default_rng([seed, 22])
    by_id = {unit.id: unit.polygon.bounds for unit in building.units}
    out: list[Camera] = []
    chosen = ["hall", "corridor", "hall", str(rng.choice([i for i in by_id if i[0] in "ns"]))]
    for number, name in enumerate(chosen):
        x0, y0, x1, y1 = by_id[name]
        corner = number % 4 if name != "corridor" else int(rng.choice([0, 1]))
        x = x0 + 0.35 if corner in (0, 3) else x1 - 0.35
        y = y0 + 0.35 if corner in (0, 1) else y1 - 0.35
        look = (
            float(np.clip(x0 + x1 - x + rng.normal(0, 1), x0 + 0.5, x1 - 0.5)),
            float(np.clip(y0 + y1 - y + rng.normal(0, 0.7), y0 + 0.5, y1 - 0.5)),
        )
        share = float(rng.uniform(0.45, 0.9))
        target = (
            x + (look[0] - x) * share,
            y + (look[1] - y) * share,
            float(rng.uniform(0.2, 1.0)),
        )
        hfov_deg, k1 = float(rng.uniform(72, 100)), float(rng.uniform(-0.14, -0.04))
        while not unfolded(hfov_deg, k1):
            k1 *= 0.85
        out.append(
            mount(
                f"c{number}", name, (x, y, float(rng.uniform(2.3, 2.95))), target,
                hfov_deg=hfov_deg, k1=k1,
                roll_deg=float(rng.normal(0, 1.2)),
            )
        )  # fmt: skip
    return out


def _free_spot(
    studio: Studio,
    camera: Camera,
    taken: list[Array],
    reach_m: tuple[float, float],
    rng: np.random.Generator,
) -> Array | None:
    """A point on the floor that the camera sees, clear of walls, furniture and other people."""
    for _ in range(60):
        px = rng.uniform((15, 90), (625, 352), 2)
        floor, valid = camera.to_floor(px[None])
        spot = floor[0]
        away = float(np.linalg.norm(spot - camera.centre_m[:2]))
        if not valid[0] or not reach_m[0] <= away <= reach_m[1]:
            continue
        if studio.building.unit_at(spot) is None or not studio.in_view(camera, spot):
            continue
        if shapely.distance(studio.building.barriers(), shapely.Point(spot)) < 0.33:
            continue
        if all(float(np.linalg.norm(spot - other)) > 0.6 for other in taken):
            return np.asarray(spot, dtype=float)
    return None


def _statue(
    number: int,
    player: Player,
    spot: Array,
    carries: str | None,
    hold: str,
    rng: np.random.Generator,
) -> Actor:
    """Somebody caught in the middle of a step."""
    speed = float(rng.choice([0.0, 0.0, 1.0, 1.3, 1.4, 3.0], p=[0.2, 0.15, 0.2, 0.2, 0.15, 0.1]))
    heading = float(rng.uniform(0, 2 * np.pi))
    walked = np.array([0.0, float(rng.uniform(0, 2.5))])
    motion = Motion(0.0, np.stack([spot, spot]), np.full(2, heading), np.full(2, speed), walked)
    x, y = float(spot[0]), float(spot[1])
    part = Part(
        number, "student", player.character.look.name, 0.0, (x, y), (x, y), (), carries, hold
    )
    prop = make(carries, int(rng.integers(1_000_000))) if carries else None
    return Actor(player.character, Performance(part, motion), prop, player.strides)


def _cast_frame(
    studio: Studio, camera: Camera, players: list[Player], armed: bool, rng: np.random.Generator
) -> list[Actor]:
    """Two to seven people in a camera's view, one to four of them armed where asked for."""
    count = int(rng.integers(2, 8))
    order = rng.permutation(len(players))[:count]
    gunmen = int(rng.integers(1, 5)) if armed else 0
    taken: list[Array] = []
    actors: list[Actor] = []
    for index, which in enumerate(order):
        holds: dict[str, tuple[str, ...]] = {}
        if index < gunmen:
            holds = ARMED_HOLDS
        elif rng.random() < (0.4 if armed else 0.6):
            holds = HARMLESS_HOLDS
        carries = str(rng.choice(list(holds))) if holds else None
        hold = str(rng.choice(holds[carries])) if carries else "swing"
        spot = _free_spot(
            studio, camera, taken, (1.6, 12.0) if index < gunmen else (1.4, 15.0), rng
        )
        if spot is None:
            continue
        taken.append(spot)
        actors.append(_statue(index + 1, players[int(which)], spot, carries, hold, rng))
    return actors


def label_lines(truths: list[Truth], size_px: tuple[int, int]) -> list[str]:
    """YOLO lines (class, centre x, centre y, width, height; fractions) of what can be seen."""
    lines: list[str] = []
    for truth in truths:
        if truth.seen_px is None:
            continue
        left, top, right, bottom = truth.seen_px
        if truth.kind == "person":
            if truth.visible < LEAST_PERSON_SHARE or bottom - top < LEAST_PERSON_PX:
                continue
            number = 0
        elif truth.kind in FIREARMS:
            if max(right - left, bottom - top) < LEAST_FIREARM_PX:
                continue
            number = 1
        else:
            continue
        width, height = size_px
        lines.append(
            f"{number} {(left + right) / 2 / width:.6f} {(top + bottom) / 2 / height:.6f} "
            f"{(right - left) / width:.6f} {(bottom - top) / height:.6f}"
        )
    return lines


def _shoot(
    studio: Studio, sensor: Sensor, camera: Camera, actors: list[Actor], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], list[str]]:
    posed = [(actor, actor.pose(0.02)) for actor in actors]
    studio.upload(posed)
    picture, box, mask, silhouettes = studio.frame(camera, posed)
    plate = studio.plate(camera)
    image = sensor.develop(picture, box, plate.picture, float(rng.uniform(0, 100)))
    if rng.random() < 0.5:
        image = through_h264(image, crf=int(rng.integers(23, 33)))
    truths = truth_of(plate.view, posed, mask, silhouettes)
    studio.forget()
    return image, label_lines(truths, (camera.width_px, camera.height_px))


def render_scene(seed: int, frames: int, folder: Path, tick: Progress, bar: object) -> int:
    """Write up to `frames` pictures of one random scene; returns how many."""
    building, style = training_building(seed), random_style(seed)
    rng = np.random.default_rng([seed, 23])
    looks = strangers(PEOPLE_PER_SCENE, seed)
    rig, shapes = load_shapes([look.phenotype for look in looks])
    players: list[Player] = []
    for look, shape in zip(looks, shapes, strict=True):
        character = dress(rig, shape, look)
        players.append(Player(character, measure_strides(character)))
    opened = {o.id for o in building.openings if rng.random() < 0.5}
    opened |= {
        f"{e.id}/{k}"
        for e in building.entrances
        for k in range(len(bays(e.line)))
        if rng.random() < 0.2
    }
    studio = Studio(building, build_scene(building, style, opened), style)
    cameras = training_cameras(building, seed)
    sensors = {camera.id: Sensor(studio.plate(camera).view, style, seed) for camera in cameras}
    for number in range(frames):
        camera = cameras[number % len(cameras)]
        actors = _cast_frame(studio, camera, players, (number // len(cameras)) % 2 == 0, rng)
        image, labels = _shoot(studio, sensors[camera.id], camera, actors, rng)
        stem = f"scene{seed:05d}-{camera.id}-{number:03d}"
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(80, 93))]
        cv2.imwrite(str(folder / "images" / f"{stem}.jpg"), image[..., ::-1], quality)
        (folder / "labels" / f"{stem}.txt").write_text("".join(f"{text}\n" for text in labels))
        tick.advance(bar)  # type: ignore[arg-type]  # rich's TaskID is a NewType of int
    studio.close()
    return frames


def main(
    out: Annotated[Path, typer.Option(help="Folder for images/ and labels/.")],
    frames: Annotated[int, typer.Option(help="How many pictures.", min=1)] = 900,
    seed: Annotated[int, typer.Option(help="Scenes are numbered from seed * 1000.")] = 1,
) -> None:
    """Render labelled training pictures of random scenes.

    Example: python -m benchmarks.renderer.training --out /tmp/synth --frames 900 --seed 1
    """
    for name in ("images", "labels"):
        (out / name).mkdir(parents=True, exist_ok=True)
    per_scene = 4 * FRAMES_PER_CAMERA
    with Progress() as progress:
        bar = progress.add_task("pictures", total=frames)
        done, scene = 0, seed * 1000
        while done < frames:
            done += render_scene(scene, min(per_scene, frames - done), out, progress, bar)
            scene += 1


if __name__ == "__main__":
    typer.run(main)
