"""A small house in the WRLD indoor map format, in metres on a plane, turned and put on earth.

Two floors. Walls are 0.2 m thick, doors fill gaps of 1 m in them. Below the ground floor; upstairs
is the same without the door to the outside, and its room is called by a label.

```
 y
 6 +---------------------+--------+
   |  hall               D stairs |   D doors, E the way out; the cupboard (2 x 1.6 m, in the
 E |                     |        |   hall's lower right corner) has no door
   |               +-----+        |
 0 +---------------+-----+--------+ x
   0                     8        12
```
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from calibration.geodesy import Anchor, SiteFrame

if TYPE_CHECKING:
    from pathlib import Path

Rect = tuple[float, float, float, float]

FRAME = SiteFrame(Anchor(-2.9787, 56.4598, 78.0))
"""Where the house stands: its walls run 12 degrees off east."""

OUTLINE: Rect = (0, 0, 12, 6)
WALLS: tuple[Rect, ...] = (
    (0, 0, 12, 0.2),
    (0, 5.8, 12, 6),
    (11.8, 0, 12, 6),
    (8, 0, 8.2, 3),
    (8, 4, 8.2, 6),
    (6, 0, 6.2, 2),
    (6, 1.8, 8, 2),
)
WEST_WALL: tuple[Rect, ...] = ((0, 0, 0.2, 2), (0, 3, 0.2, 6))
DOOR: Rect = (8, 3, 8.2, 4)
WAY_OUT: Rect = (0, 2, 0.2, 3)
STAIRS: Rect = (8.2, 0.2, 11.8, 5.8)


def ring(rect: Rect, frame: SiteFrame = FRAME) -> list[list[float]]:
    """A rectangle (left, bottom, right, top; metres) as a ring of longitudes and latitudes."""
    left, bottom, right, top = rect
    corners = [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)]
    lonlat: list[list[float]] = frame.to_wgs84(np.array(corners, dtype=np.float64)).tolist()
    return lonlat


def drawn(kind: str, number: int, rect: Rect, name: str | None = None) -> dict[str, Any]:
    """One feature of the format."""
    return {
        "type": "Feature",
        "properties": {"id": number, "type": kind, "name": name},
        "geometry": {"type": "Polygon", "coordinates": [ring(rect)]},
    }


def floor(first: int, *, ground: bool) -> list[dict[str, Any]]:
    """The features of one floor, with ids from `first` on."""
    walls = WALLS + WEST_WALL + (() if ground else (WAY_OUT,))
    shapes: list[tuple[str, Rect, str | None]] = [
        ("building_outline", OUTLINE, None),
        *(("wall", rect, None) for rect in walls),
        ("door", DOOR, None),
        ("stairs", STAIRS, None),
        *([("door", WAY_OUT, "Front")] if ground else [("no_geometry", (0, 0, 8, 6), "Loft")]),
    ]
    return [drawn(k, i, rect, name) for i, (k, rect, name) in enumerate(shapes, start=first)]


class DrawnHouse:
    """The files of the house as tables, to be spoilt and written."""

    def __init__(self) -> None:
        self.main: dict[str, Any] = {
            "id": "house",
            "name": "House",
            "owner": "nobody",
            "levels": [
                {"id": "h-g", "name": "G", "readable_name": "Ground floor", "z_order": 0,
                 "filename": "g.geojson"},
                {"id": "h-1", "name": "1", "readable_name": "First floor", "z_order": 1,
                 "filename": "1.geojson"},
            ],
        }  # fmt: skip
        self.floors = {"g.geojson": floor(1, ground=True), "1.geojson": floor(101, ground=False)}

    def files(self) -> dict[str, bytes]:
        """The archive's files."""
        files = {
            name: json.dumps({"type": "FeatureCollection", "features": features}).encode()
            for name, features in self.floors.items()
        }
        return {"main.json": json.dumps(self.main).encode(), **files}

    def write(self, folder: Path) -> Path:
        """Write the archive as a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.files().items():
            (folder / name).write_bytes(content)
        return folder


def turned(bearing_deg: float) -> float:
    """A bearing as its difference from the house's, in (-45, 45] degrees, right angles aside."""
    return math.remainder(bearing_deg - FRAME.anchor.x_axis_bearing_deg, 90.0)
