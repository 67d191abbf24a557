"""How much of the floor is watched, and which rooms no entrance leads to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely import Polygon

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapely.geometry.base import BaseGeometry

    from .entrances import EntranceRoutes
    from .floor_plan import Level, Space
    from .site import Site


@dataclass(frozen=True, slots=True)
class SpaceCoverage:
    """One walkable space.

    Attributes:
        space: the space.
        area_m2: its walkable area.
        watched: share of it that some camera shows, 0..1.
        reachable: whether a way leads to it from a usable entrance of its level.
        needs_key: whether every such way passes a locked door inside.
    """

    space: Space
    area_m2: float
    watched: float
    reachable: bool
    needs_key: bool


@dataclass(frozen=True, slots=True)
class LevelCoverage:
    """One level.

    Attributes:
        level: the level.
        walkable_m2: its walkable area.
        watched_m2: the part of it that some camera shows.
        seen: the watched floor of each camera on it, by camera id, site metres.
        spaces: its walkable spaces.
    """

    level: Level
    walkable_m2: float
    watched_m2: float
    seen: Mapping[str, BaseGeometry]
    spaces: tuple[SpaceCoverage, ...]

    @property
    def watched(self) -> float:
        """Share of the walkable floor that some camera shows, 0..1."""
        return self.watched_m2 / self.walkable_m2 if self.walkable_m2 else 0.0


def coverage(site: Site, routes: EntranceRoutes) -> tuple[LevelCoverage, ...]:
    """What the site's cameras show of each level, and which of its spaces can be reached.

    Args:
        site: the site.
        routes: the routes of its plan.
    """
    return tuple(_level_coverage(site, routes, level) for level in site.levels)


def _level_coverage(site: Site, routes: EntranceRoutes, level: Level) -> LevelCoverage:
    seen = {
        camera.id: camera.visible_floor(site.plan)
        for camera in site.cameras.values()
        if camera.level == level.id
    }
    watched = shapely.union_all(list(seen.values())) if seen else Polygon()
    walkable = site.plan.walkable(level.id)
    spaces = [space for space in site.plan.spaces_on(level.id) if space.walkable]
    return LevelCoverage(
        level=level,
        walkable_m2=walkable.area,
        watched_m2=watched.area,
        seen=seen,
        spaces=tuple(
            _space_coverage(space, walkable, watched, reach)
            for space, reach in zip(spaces, _reach(spaces, routes, level.id), strict=True)
        ),
    )


def _space_coverage(
    space: Space, walkable: BaseGeometry, watched: BaseGeometry, reach: tuple[bool, bool]
) -> SpaceCoverage:
    floor = shapely.intersection(space.polygon, walkable)
    share = shapely.intersection(floor, watched).area / floor.area if floor.area else 0.0
    reachable, needs_key = reach
    return SpaceCoverage(space, floor.area, share, reachable, needs_key)


def _reach(spaces: list[Space], routes: EntranceRoutes, level: str) -> list[tuple[bool, bool]]:
    """Per space, whether it can be reached, and whether only by passing locked doors."""
    usable = np.array([entrance.usable for entrance in routes.entrances], dtype=np.bool_)
    places = [space.polygon.representative_point() for space in spaces]
    xy_m = np.array([(place.x, place.y) for place in places], dtype=np.float64).reshape(-1, 2)
    distance_m, locked = routes.reach(level, xy_m)
    open_way = np.isfinite(distance_m) & usable
    return [
        (bool(ways.any()), bool(ways.any() and keys[ways].all()))
        for ways, keys in zip(open_way, locked, strict=True)
    ]
