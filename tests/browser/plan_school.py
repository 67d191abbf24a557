"""A school of several levels, its people and their search maps, to look at on the plan.

Each level is 60 x 36 m: a corridor along the middle, rooms of 10 m on both sides of it, stairs at
its east end. Doors 1 (west), 2 (east) and 12 (south) lead outside. The plan's x axis points 60
degrees east of north.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import shapely
from PIL import Image, ImageDraw

from calibration.answer import LevelShare, SearchArea, SpaceShare
from calibration.search_picture import LevelPicture, SearchPicture

if TYPE_CHECKING:
    from pathlib import Path

BEARING_DEG = 60.0
WIDTH_M, HEIGHT_M = 60.0, 36.0
NAMES = ("Library", "Art", "Science", "Office", "Music", "Stairs")

_SITE = """
schema = 1
name = "Plan school"
address = "1 Test Road"
floor_plan = "floor_plan.geojson"
[anchor]
longitude_deg = -85.5
latitude_deg = 39.0
x_axis_bearing_deg = {bearing_deg}
"""

# Looks straight down from `t` above (x, y): image right is +x, image down is -y.
_CAMERA = """
schema = 1
id = "{id}"
name = "{name}"
placement = "interior"
level = "{level}"
[lens]
width_px = 640
height_px = 360
fx = 300.0
fy = 300.0
cx = 319.5
cy = 179.5
[pose]
R = [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]]
t = [-{x}, {y}, 8.0]
"""


def write_school(folder: Path, *, levels: int = 2, cameras: int = 8, picture: bool = True) -> Path:
    """Write the school; `cameras` in all, in the middle of rooms and corridors in turn."""
    (folder / "cameras").mkdir(parents=True)
    table = [_SITE.format(bearing_deg=BEARING_DEG)]
    features: list[object] = []
    for n in range(levels):
        level, name = f"L{n + 1}", "Ground floor" if n == 0 else f"Upper floor {n}"
        table.append(
            f'[[levels]]\nid = "{level}"\nname = "{name}"\nordinal = {n}\nelevation_m = {4.0 * n}\n'
        )
        features += _level(level, n)
    if picture:
        table.append(
            '[[underlays]]\nlevel = "L1"\nfile = "ground.png"\nmetres_per_pixel = 0.05\n'
            "rotation_deg = 0.0\norigin_m = [0.0, 0.0]\n"
        )
        drawn = Image.new("L", (1200, 720), 255)
        ImageDraw.Draw(drawn).line([(0, 0), (1199, 719)], fill=0, width=6)
        drawn.save(folder / "ground.png")
    (folder / "site.toml").write_text("".join(table))
    plan = {
        "type": "FeatureCollection",
        "lastseen": {"schema": 1, "coordinates": "site-metres"},
        "features": features,
    }
    (folder / "floor_plan.geojson").write_text(json.dumps(plan))
    places = [(x, y) for x in (5, 15, 25, 35, 45) for y in (28, 18, 8)]
    for i in range(cameras):
        x, y = places[(i // levels) % len(places)]
        text = _CAMERA.format(
            id=f"cam-{i + 1:03}", name=f"Camera {i + 1}", level=f"L{i % levels + 1}",
            x=x + 0.05 * (i // (levels * len(places))), y=y,
        )  # fmt: skip
        (folder / "cameras" / f"cam-{i + 1:03}.toml").write_text(text)
    return folder


def _level(level: str, n: int) -> list[object]:
    def feature(key: str, kind: str, geometry: dict[str, object], **more: object) -> object:
        return {
            "type": "Feature", "id": f"{key}-{level}", "feature_type": kind, "geometry": geometry,
            "properties": {"level_id": level, **more},
        }  # fmt: skip

    def room(key: str, title: str, category: str, box: tuple[float, ...]) -> object:
        x0, y0, x1, y1 = box
        ring = [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]
        geometry: dict[str, object] = {"type": "Polygon", "coordinates": [ring]}
        return feature(key, "unit", geometry, name=title, category=category)

    def line(key: str, kind: str, ends: list[list[float]], **more: object) -> object:
        return feature(key, kind, {"type": "LineString", "coordinates": ends}, **more)

    made = [room("hall", "Main corridor", "walkway", (0, 16, WIDTH_M, 20))]
    for i, title in enumerate(NAMES):
        x = 10.0 * i
        kind = "stairs" if title == "Stairs" else "classroom"
        made.append(room(f"n{i}", title, kind, (x, 20, x + 10, HEIGHT_M)))
        made.append(line(f"dn{i}", "opening", [[x + 4, 20], [x + 5, 20]], category="pedestrian"))
        made.append(room(f"s{i}", f"Room {n + 1}0{i}", "classroom", (x, 0, x + 10, 16)))
        made.append(line(f"ds{i}", "opening", [[x + 4, 16], [x + 5, 16]], category="pedestrian"))
    if n == 0:
        for number, name, ends in (
            ("1", "West", [[0.0, 17.0], [0.0, 19.0]]), ("2", "East", [[60.0, 17.0], [60.0, 19.0]]),
            ("12", "South", [[24.0, 0.0], [26.0, 0.0]]),
        ):  # fmt: skip
            made.append(line(f"e{number}", "entrance", ends, door_number=number, name=name))
    return made


def search_area(at_s: float) -> SearchArea:
    """Where somebody can be: most likely in the library, perhaps on the floor above."""
    return SearchArea(
        at_s=at_s,
        spaces=(
            SpaceShare("n0-L1", "Library", "L1", 0.42, in_area95=True),
            SpaceShare("hall-L1", "Main corridor", "L1", 0.31, in_area95=True),
            SpaceShare("s0-L1", "Room 100", "L1", 0.12, in_area95=True),
            SpaceShare("hall-L2", "Main corridor", "L2", 0.10, in_area95=True),
        ),
        levels=(LevelShare("L1", 0.85, 90.0, 320.0), LevelShare("L2", 0.1, 0.0, 40.0)),
        left_building=0.05,
        area50_m2=90.0,
        area95_m2=360.0,
    )


def search_picture(subject: str, at_s: float, cell_m: float = 0.5) -> SearchPicture:
    """The map of the same, its peak in the library's door."""
    y, x = np.mgrid[0:36:cell_m, 0:60:cell_m]
    spread = np.exp(-((x - 5) ** 2 + (y - 22) ** 2) / 90.0)
    spread[(y > 20) & (x > 10)] = 0
    spread[(y < 16) & (x > 10)] = 0
    ground = (0.85 * spread / spread.sum()).astype(np.float32)
    upper = np.zeros_like(ground)
    upper[int(16 / cell_m) : int(20 / cell_m), int(50 / cell_m) :] = 1
    upper = (0.1 * upper / upper.sum()).astype(np.float32)
    half = shapely.MultiPolygon([shapely.box(1, 17, 9.5, 27)])
    corner = [(0, 16), (20, 16), (20, 20), (10, 20), (10, 36), (0, 36)]
    most = shapely.MultiPolygon([shapely.Polygon(corner)])
    stairs = shapely.MultiPolygon([shapely.box(50, 16, 60, 20)])
    return SearchPicture(
        subject, at_s, cell_m, 0.05,
        (
            LevelPicture("L1", (0.0, 0.0), ground, half, most),
            LevelPicture("L2", (0.0, 0.0), upper, shapely.MultiPolygon(), stairs),
        ),
    )  # fmt: skip
