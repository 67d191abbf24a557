"""Which cameras to look through first when all are opened at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from shapely import Point

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .camera_loading import Camera
    from .floor_plan import FloorPlan


def nearest_to_entrances(cameras: Iterable[Camera], plan: FloorPlan) -> list[str]:
    """Ids of the cameras, those nearest to an entrance of their level first.

    Whoever comes in comes through a door, and so do officers. The distance is a straight line
    from the camera; cameras whose place is not known, and those of levels without an entrance,
    come last, in the order given.

    Args:
        cameras: of the site.
        plan: its plan.
    """
    doors = {
        level.id: [entrance.line for entrance in plan.entrances if entrance.level == level.id]
        for level in plan.levels
    }

    def away_m(camera: Camera) -> float:
        centre_m = camera.model.centre_m
        if centre_m is None:
            return math.inf
        place = Point(float(centre_m[0]), float(centre_m[1]))
        return min((line.distance(place) for line in doors.get(camera.level, ())), default=math.inf)

    return [camera.id for camera in sorted(cameras, key=away_m)]
