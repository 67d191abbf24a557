"""A small site that tests write to disk, whole or spoilt in one place.

```
      y
    6 +--------------------+-----------+
      |  hall (lobby)      D  room     |
 door 1                    |           | door 2
    0 +--------------------+-----------+  x
      0                   10          16
```
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import tomli_w

from calibration.camera import CameraModel, Pose
from calibration.lens import Lens

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

Tables = dict[str, Any]

LENS = Lens(640, 360, 320.0, 320.0, 319.5, 179.5, k1=-0.1)
BARREL = Lens(640, 360, 320.0, 320.0, 319.5, 179.5, k1=-0.3)


def looking(centre_m: Sequence[float], target_m: Sequence[float]) -> Pose:
    """The upright pose of a camera at one point that looks at another."""
    centre = np.array(centre_m, dtype=np.float64)
    ahead = np.array(target_m, dtype=np.float64) - centre
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    rotation: NDArray[np.float64] = np.stack([right, np.cross(ahead, right), ahead])
    return Pose(rotation=rotation, translation=-rotation @ centre)


def camera(centre_m: Sequence[float], target_m: Sequence[float], lens: Lens = LENS) -> CameraModel:
    """A camera at one point that looks at another."""
    return CameraModel.from_pose(lens, looking(centre_m, target_m))


def box(left: float, bottom: float, right: float, top: float) -> Tables:
    """A GeoJSON rectangle."""
    ring = [[left, bottom], [right, bottom], [right, top], [left, top], [left, bottom]]
    return {"type": "Polygon", "coordinates": [ring]}


def line(*points: tuple[float, float]) -> Tables:
    """A GeoJSON line."""
    return {"type": "LineString", "coordinates": [list(point) for point in points]}


def feature(feature_id: str, kind: str, geometry: Tables, **properties: object) -> Tables:
    """A feature on level L1 (a level itself has no level_id)."""
    if kind != "level":
        properties = {"level_id": "L1", **properties}
    return {
        "type": "Feature",
        "id": feature_id,
        "feature_type": kind,
        "geometry": geometry,
        "properties": properties,
    }


def plan_of(*features: Tables, coordinates: str = "site-metres") -> Tables:
    """A floor plan file."""
    return {
        "type": "FeatureCollection",
        "lastseen": {"schema": 1, "coordinates": coordinates},
        "features": list(features),
    }


class SmallSite:
    """The files of the small site as tables, to be spoilt and written."""

    def __init__(self) -> None:
        self.site: Tables = {
            "schema": 1,
            "name": "Small School",
            "address": "1 Test Lane",
            "floor_plan": "floor_plan.geojson",
            "anchor": {
                "longitude_deg": -85.52,
                "latitude_deg": 39.05,
                "x_axis_bearing_deg": 90.0,
            },
            "levels": [{"id": "L1", "name": "Ground floor", "ordinal": 0, "elevation_m": 0.0}],
        }
        self.plan = plan_of(
            feature("L1", "level", box(0, 0, 16, 6), name="Ground floor", ordinal=0),
            feature("hall", "unit", box(0, 0, 10, 6), category="lobby", name={"en": "Hall"}),
            feature("room", "unit", box(10, 0, 16, 6), category="classroom", name="Room 1"),
            feature("door", "opening", line((10, 2), (10, 3)), category="pedestrian"),
            feature("d1", "entrance", line((0, 2), (0, 4)), door_number="1", name="West"),
            feature("d2", "entrance", line((16, 4), (16, 5)), door_number=2, name="East"),
            feature("desk", "fixture", box(12, 4.5, 14, 5.5), category="desk", height_m=0.75),
        )
        pose = looking((9.8, 0.2, 2.6), (3.0, 4.0, 0.0))
        self.cameras: dict[str, Tables] = {
            "cam-01": {
                "schema": 1,
                "id": "cam-01",
                "name": "Hall",
                "address": "rtsp://user:secret-word@10.0.0.5/stream1",
                "placement": "interior",
                "level": "L1",
                "lens": {
                    "width_px": 640,
                    "height_px": 360,
                    "fx": 320.0,
                    "fy": 320.0,
                    "cx": 319.5,
                    "cy": 179.5,
                    "k1": -0.1,
                },
                "pose": {"R": pose.rotation.tolist(), "t": pose.translation.tolist()},
            }
        }

    def feature(self, feature_id: str) -> Tables:
        """The plan's feature of that id."""
        found: Tables = next(f for f in self.plan["features"] if f["id"] == feature_id)
        return found

    def add(self, *features: Tables) -> None:
        """Add features to the plan."""
        self.plan["features"].extend(features)

    def write(self, folder: Path) -> Path:
        """Write the site; returns the folder."""
        (folder / "cameras").mkdir(parents=True, exist_ok=True)
        (folder / "site.toml").write_text(tomli_w.dumps(self.site))
        (folder / "floor_plan.geojson").write_text(json.dumps(self.plan))
        for name, table in self.cameras.items():
            (folder / "cameras" / f"{name}.toml").write_text(tomli_w.dumps(table))
        return folder
