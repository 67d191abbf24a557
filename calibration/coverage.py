"""How much of the floor is watched, and which rooms no entrance leads to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import shapely
from shapely import Polygon

from .reachability import reach_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shapely.geometry.base import BaseGeometry

    from .floor_plan import Level, Space
    from .reachability import Reach
    from .site import Site


@dataclass(frozen=True, slots=True)
class SpaceCoverage:
    """One walkable space.

    Attributes:
        space: the space.
        area_m2: its walkable area.
        watched: share of it that some camera shows, 0..1.
        reachable: whether a way leads to most of it from a usable entrance, over any floors.
        needs_key: whether every such way passes a locked door inside.
        cut_off: the part of its floor that no way leads to, site metres.
    """

    space: Space
    area_m2: float
    watched: float
    reachable: bool
    needs_key: bool
    cut_off: BaseGeometry


@dataclass(frozen=True, slots=True)
class LevelCoverage:
    """One level.

    Attributes:
        level: the level.
        walkable_m2: its walkable area.
        watched_m2: the part of it that some camera shows.
        twice_m2: the part of it that two cameras or more show.
        seen: the watched floor of each camera on it, by camera id, site metres.
        blind: the walkable floor that no camera shows, site metres.
        spaces: its walkable spaces.
    """

    level: Level
    walkable_m2: float
    watched_m2: float
    twice_m2: float
    seen: Mapping[str, BaseGeometry]
    blind: BaseGeometry
    spaces: tuple[SpaceCoverage, ...]

    @property
    def watched(self) -> float:
        """Share of the walkable floor that some camera shows, 0..1."""
        return self.watched_m2 / self.walkable_m2 if self.walkable_m2 else 0.0

    @property
    def twice(self) -> float:
        """Share of the walkable floor that two cameras or more show, 0..1."""
        return self.twice_m2 / self.walkable_m2 if self.walkable_m2 else 0.0


def coverage(site: Site) -> tuple[LevelCoverage, ...]:
    """What the site's cameras show of each level, and which of its spaces can be reached."""
    reach = {found.space.id: found for found in reach_of(site.plan)}
    return tuple(_level_coverage(site, reach, level) for level in site.levels)


def _level_coverage(site: Site, reach: Mapping[str, Reach], level: Level) -> LevelCoverage:
    seen = {
        camera.id: camera.visible_floor(site.plan)
        for camera in site.cameras.values()
        if camera.level == level.id
    }
    areas = [_areas(area) for area in seen.values()]
    watched = shapely.union_all(areas)
    walkable = _areas(site.plan.walkable(level.id))
    spaces = [space for space in site.plan.spaces_on(level.id) if space.walkable]
    return LevelCoverage(
        level=level,
        walkable_m2=walkable.area,
        watched_m2=watched.area,
        twice_m2=_twice(areas).area,
        seen=seen,
        blind=_areas(shapely.difference(walkable, watched)),
        spaces=tuple(_space_coverage(reach[space.id], walkable, watched) for space in spaces),
    )


def _space_coverage(reach: Reach, walkable: BaseGeometry, watched: BaseGeometry) -> SpaceCoverage:
    floor = _areas(shapely.intersection(reach.space.polygon, walkable))
    share = _areas(shapely.intersection(floor, watched)).area / floor.area if floor.area else 0.0
    return SpaceCoverage(
        reach.space, floor.area, share, reach.reachable, reach.needs_key, reach.cut_off
    )


def _twice(areas: Iterable[BaseGeometry]) -> BaseGeometry:
    """What lies in two areas or more."""
    once: BaseGeometry = Polygon()
    twice: BaseGeometry = Polygon()
    for area in areas:
        twice = shapely.union(twice, _areas(shapely.intersection(once, area)))
        once = shapely.union(once, area)
    return twice


def _areas(shape: BaseGeometry) -> BaseGeometry:
    """Only the parts of a shape that have an area, as a sound polygon or several."""
    parts = [part for whole in shapely.get_parts(shape) for part in shapely.get_parts(whole)]
    return shapely.union_all([part for part in parts if isinstance(part, Polygon)])
