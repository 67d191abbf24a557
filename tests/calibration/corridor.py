"""A corridor with two rooms, cameras over it, and observations written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from shapely import LineString, box

from calibration.floor_plan import Entrance, FloorPlan, Level, Opening, Space
from calibration.positions import FloorPositions
from calibration.synthetic import mounted_camera

if TYPE_CHECKING:
    from calibration.camera import CameraModel
    from calibration.fusion import Fusion
    from calibration.subject import SubjectState

LEVEL = "L1"


def corridor_plan() -> FloorPlan:
    """A corridor of 24 m by 3 m, rooms A and B north of it, Door 1 in the west, Door 2 east."""
    rooms = [
        Space("corridor", "Corridor", "walkway", LEVEL, box(0, 0, 24, 3)),
        Space("room-a", "Room A", "classroom", LEVEL, box(0, 3, 12, 9)),
        Space("room-b", "Room B", "classroom", LEVEL, box(12, 3, 24, 9)),
    ]
    doors = [
        Opening("door-a", "", LEVEL, LineString([(5, 3), (6, 3)])),
        Opening("door-b", "", LEVEL, LineString([(17, 3), (18, 3)])),
    ]
    entrances = [
        Entrance("west", "1", "West", LEVEL, LineString([(0, 1), (0, 2)])),
        Entrance("east", "2", "East", LEVEL, LineString([(24, 1), (24, 2)])),
    ]
    return FloorPlan([Level(LEVEL, "Ground", 0, 0.0, box(0, 0, 24, 9))], rooms, doors, entrances)


def west_camera(k1: float = 0.0) -> CameraModel:
    """At the corridor's west end under the ceiling, looking east."""
    return mounted_camera((0.2, 1.5, 2.8), (8.0, 1.5, 1.0), k1=k1)


def east_camera() -> CameraModel:
    """At the corridor's east end under the ceiling, looking west."""
    return mounted_camera((23.8, 1.5, 2.8), (16.0, 1.5, 1.0))


def side_camera() -> CameraModel:
    """In the middle of the corridor's south wall, looking north-west."""
    return mounted_camera((14.0, 0.2, 2.8), (8.0, 2.0, 0.6), k1=-0.1)


def seen(
    camera: str,
    at_s: float,
    *rows: tuple[int, float, float] | tuple[int, float, float, float],
    sigma_m: float = 0.15,
    level: str = LEVEL,
) -> FloorPositions:
    """One frame: rows of (track, x, y) or (track, x, y, armed evidence)."""
    n = len(rows)
    return FloorPositions(
        camera=camera,
        level=level,
        frame_index=round(at_s * 10),
        captured_at_s=at_s,
        xy_m=np.array([row[1:3] for row in rows], np.float64).reshape(n, 2),
        cov_m2=np.tile(np.eye(2) * sigma_m**2, (n, 1, 1)),
        from_head=np.zeros(n, np.bool_),
        confidence=np.full(n, 0.8, np.float32),
        track_id=np.array([row[0] for row in rows], np.int64),
        armed_llr=np.array([row[3] if len(row) > 3 else 0.0 for row in rows], np.float64),
    )


def ticks(start_s: float, stop_s: float, step_s: float = 0.1) -> list[float]:
    """Times from start (included) to stop (excluded)."""
    count = round((stop_s - start_s) / step_s)
    return [round(start_s + step_s * k, 6) for k in range(count)]


def walk(
    fusion: Fusion,
    camera: str,
    track: int,
    *,
    start_s: float,
    stop_s: float,
    at_m: tuple[float, float],
    velocity_mps: tuple[float, float] = (0.0, 0.0),
    llr: float = 0.0,
) -> None:
    """Feed one track that moves evenly from `at_m`, ten frames a second."""
    for t in ticks(start_s, stop_s):
        x = at_m[0] + velocity_mps[0] * (t - start_s)
        y = at_m[1] + velocity_mps[1] * (t - start_s)
        fusion.update(seen(camera, t, (track, x, y, llr)))


def by_id(states: tuple[SubjectState, ...]) -> dict[str, SubjectState]:
    """Subjects by id."""
    return {state.id: state for state in states}
