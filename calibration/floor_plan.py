"""The plan of a site: spaces, the ways between them, numbered entrances and obstacles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
import shapely
from shapely import MultiLineString, Polygon
from shapely.ops import substring

from vision.columns import require_column

from .errors import UnknownLevel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from shapely import LineString
    from shapely.geometry.base import BaseGeometry

ON_WALL_M = 0.05
"""How far an opening or entrance may lie off the wall that it opens."""

SOLID_CATEGORIES = frozenset(
    {"brick", "column", "concrete", "drywall", "glass", "opentobelow", "structure", "wood"}
)
"""IMDF unit categories on which nobody can walk."""

LEANING_M = 0.15
"""So far into a fixture a floor point is still taken to be before it, see `behind_fixtures`."""

GRAZING_M = 0.1
"""A line that passes over a fixture by less than this is taken to end at its edge, where the box of
a body behind it ends: detectors' boxes are not exact, nor are heights in plans."""

_JAMB_M = 0.001
_LIFE_LONG = 256


@dataclass(frozen=True, slots=True)
class Level:
    """One storey.

    Attributes:
        id: level id.
        name: e.g. "Ground floor".
        ordinal: 0 is the ground floor, upper floors count up.
        elevation_m: height of its floor above the site's zero, metres.
        outline: footprint in site metres; empty where the plan draws none.
    """

    id: str
    name: str
    ordinal: int
    elevation_m: float
    outline: Polygon


@dataclass(frozen=True, slots=True)
class Space:
    """A room, corridor or other unit; `polygon` in site metres.

    `connects` names units of other levels to which stairs or a lift lead from here though they do
    not lie over this unit, see `connectors.plan_connectors`.
    """

    id: str
    name: str
    category: str
    level: str
    polygon: Polygon
    connects: tuple[str, ...] = ()

    @property
    def walkable(self) -> bool:
        """Whether people can walk there."""
        return self.category not in SOLID_CATEGORIES


@dataclass(frozen=True, slots=True)
class Opening:
    """A way between two spaces of one level: a door or a passage without a door leaf.

    Attributes:
        id: feature id.
        name: name of the door, or "".
        level: level id.
        line: the gap in the wall, site metres.
        category: "pedestrian" is a door, "open" has no door leaf.
        locked: whether the door is kept locked.
    """

    id: str
    name: str
    level: str
    line: LineString
    category: Literal["pedestrian", "open"] = "pedestrian"
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Entrance:
    """A door to the outside.

    Attributes:
        id: feature id.
        door_number: the number painted on the door; "" where it has none.
        name: e.g. "East"; may be "".
        level: level id.
        line: the gap in the outer wall, site metres.
        usable: False where it is blocked or out of service.
        locked: whether the door is kept locked.
    """

    id: str
    door_number: str
    name: str
    level: str
    line: LineString
    usable: bool = True
    locked: bool = False

    @property
    def label(self) -> str:
        """How people call it: "Door 4 (East)", "Door 4", or "East" where it has no number."""
        if not self.door_number:
            return self.name or self.id
        return f"Door {self.door_number}" + (f" ({self.name})" if self.name else "")

    @property
    def middle_m(self) -> tuple[float, float]:
        """The middle of the door, where routes start, site metres."""
        middle = self.line.interpolate(0.5, normalized=True)
        return middle.x, middle.y


@dataclass(frozen=True, slots=True)
class Fixture:
    """An obstacle on the floor; `height_m` is None where unknown."""

    id: str
    category: str
    level: str
    polygon: Polygon
    height_m: float | None = None


@dataclass(frozen=True, slots=True)
class Wall:
    """A wall inside a space, in addition to the boundaries of spaces."""

    id: str
    level: str
    line: LineString


class FloorPlan:
    """All levels of a site and what is on them; all coordinates in site metres.

    Unit boundaries are walls except where an opening or entrance lies. The plan does not change;
    what is derived from it is computed on first use.
    """

    def __init__(
        self,
        levels: Iterable[Level],
        spaces: Iterable[Space],
        openings: Iterable[Opening] = (),
        entrances: Iterable[Entrance] = (),
        fixtures: Iterable[Fixture] = (),
        walls: Iterable[Wall] = (),
    ) -> None:
        self.levels = tuple(levels)
        self.spaces = tuple(spaces)
        self.openings = tuple(openings)
        self.entrances = tuple(entrances)
        self.fixtures = tuple(fixtures)
        self.interior_walls = tuple(walls)
        self._level_ids = frozenset(level.id for level in self.levels)
        self._spaces_by_id = {space.id: space for space in self.spaces}
        self._index = lru_cache(_LIFE_LONG)(self._build_index)
        self._obstacles = lru_cache(_LIFE_LONG)(self._build_obstacles)
        self._walls = lru_cache(_LIFE_LONG)(self._build_walls)
        self._walkable = lru_cache(_LIFE_LONG)(self._build_walkable)
        self._footprint = lru_cache(_LIFE_LONG)(self._build_footprint)

    def __reduce__(
        self,
    ) -> tuple[type[FloorPlan], tuple[tuple[object, ...], ...]]:
        """Travel between processes as what it was made of."""
        parts = (self.levels, self.spaces, self.openings, self.entrances, self.fixtures)
        return FloorPlan, (*parts, self.interior_walls)

    def require_level(self, level: str) -> None:
        """Raise `UnknownLevel` unless the plan has `level`."""
        if level not in self._level_ids:
            raise UnknownLevel(level, self._level_ids)

    def level(self, level: str) -> Level:
        """The level of that id.

        Raises:
            UnknownLevel: the plan has no such level.
        """
        self.require_level(level)
        return next(found for found in self.levels if found.id == level)

    def space(self, space_id: str) -> Space:
        """The space of that id.

        Raises:
            KeyError: the plan has no such space.
        """
        return self._spaces_by_id[space_id]

    def spaces_on(self, level: str) -> tuple[Space, ...]:
        """The spaces of one level, in the order of the file."""
        self.require_level(level)
        return tuple(space for space in self.spaces if space.level == level)

    def space_at(
        self, level: str, xy_m: NDArray[np.float64], within_m: float = 0.0
    ) -> list[Space | None]:
        """The space that holds each of the `(N, 2)` points; None outside all spaces.

        Args:
            level: level id.
            xy_m: `(N, 2)` float64, site metres. A point on a shared wall belongs to the space
                that comes first in the file.
            within_m: a point outside all spaces counts to the nearest space up to this far away.

        Raises:
            UnknownLevel: the plan has no such level.
        """
        require_column("xy_m", xy_m, shape=(None, 2), dtype=np.float64)
        self.require_level(level)
        spaces, tree = self._index(level)
        found: list[Space | None] = [None] * len(xy_m)
        points = shapely.points(xy_m)
        hits = tree.query(points, predicate="intersects")
        for i, j in sorted(zip(*hits.tolist(), strict=True), reverse=True):
            found[i] = spaces[j]
        outside = np.array([space is None for space in found], dtype=np.bool_)
        if within_m > 0 and spaces and outside.any():
            rows = np.flatnonzero(outside)
            near = tree.query_nearest(
                shapely.points(xy_m[rows]), max_distance=within_m, all_matches=False
            )
            for i, j in near.T.tolist():
                found[rows[i]] = spaces[j]
        return found

    def walls(self, level: str) -> MultiLineString:
        """Lines that nobody walks or sees through, without the gaps of openings and entrances."""
        self.require_level(level)
        return self._walls(level)

    def walkable(self, level: str) -> BaseGeometry:
        """The floor area of all spaces, without fixtures; walls are lines, see `walls`."""
        self.require_level(level)
        return self._walkable(level)

    def behind_fixtures(
        self, level: str, eye_m: NDArray[np.float64], xy_m: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Whether a fixture stands between an eye and each floor point, `(N,)` bool.

        Fixtures of unknown height hide nothing. Points up to `LEANING_M` within a fixture's edge
        count as before it: who leans on a desk stands at it.

        Args:
            level: level id.
            eye_m: `(3,)` site metres, z above the floor, or `(N, 3)`, one for each point.
            xy_m: `(N, 2)` float64, site metres.

        Raises:
            UnknownLevel: the plan has no such level.
        """
        require_column("xy_m", xy_m, shape=(None, 2), dtype=np.float64)
        self.require_level(level)
        shapes, heights_m, tree = self._obstacles(level)
        hidden = np.zeros(len(xy_m), np.bool_)
        eyes_m = np.broadcast_to(eye_m, (len(xy_m), 3))
        ends_m = np.stack([eyes_m[:, :2], xy_m], axis=1)
        ways = np.asarray(shapely.linestrings(ends_m), object)
        row, shape = tree.query(ways, predicate="intersects")
        way, within = ways[row], np.asarray(shapes[shape], object)
        # The line sinks from the eye to the floor: it is lowest where it leaves the fixture.
        if not len(row):
            return hidden
        eyes = shapely.points(eyes_m[row, :2])
        last_m = shapely.hausdorff_distance(shapely.intersection(way, within), eyes)
        lowest_m = eyes_m[row, 2] * (1.0 - last_m / np.maximum(shapely.length(way), 1e-9))
        feet = shapely.points(xy_m[row])
        leaning = shapely.intersects(within, feet) & (
            shapely.distance(shapely.boundary(within), feet) <= LEANING_M
        )
        hidden[row[(lowest_m < heights_m[shape] + GRAZING_M) & ~leaning]] = True
        return hidden

    def footprint(self, level: str) -> BaseGeometry:
        """The area of all spaces together; hairline gaps between them are closed."""
        self.require_level(level)
        return self._footprint(level)

    def _build_footprint(self, level: str) -> BaseGeometry:
        return footprint(space.polygon for space in self.spaces_on(level))

    def _build_index(self, level: str) -> tuple[tuple[Space, ...], shapely.STRtree]:
        spaces = self.spaces_on(level)
        return spaces, shapely.STRtree([space.polygon for space in spaces])

    def _build_obstacles(
        self, level: str
    ) -> tuple[NDArray[np.object_], NDArray[np.float64], shapely.STRtree]:
        known = [
            (fixture.polygon, fixture.height_m)
            for fixture in self.fixtures
            if fixture.level == level and fixture.height_m is not None
        ]
        shapes = np.array([shape for shape, _ in known], object)
        return shapes, np.array([height_m for _, height_m in known]), shapely.STRtree(shapes)

    def _build_walls(self, level: str) -> MultiLineString:
        boundaries = [space.polygon.boundary for space in self.spaces_on(level)]
        lines = [wall.line for wall in self.interior_walls if wall.level == level]
        gaps = [opening.line for opening in self.openings if opening.level == level]
        gaps += [entrance.line for entrance in self.entrances if entrance.level == level]
        closed = shapely.union_all([*boundaries, *lines])
        # Flat caps cut the wall at the door's jambs. A millimetre stays, else a wall that meets
        # the jamb at right angles, on the very edge of the cut, would lose its end too.
        sharp = [substring(gap, _JAMB_M, gap.length - _JAMB_M) for gap in gaps]
        cut = shapely.union_all([gap.buffer(ON_WALL_M, cap_style="flat") for gap in sharp])
        remaining = shapely.line_merge(shapely.difference(closed, cut))
        parts = [part for part in shapely.get_parts(remaining) if part.length > 0]
        return MultiLineString(parts)

    def _build_walkable(self, level: str) -> BaseGeometry:
        floor = footprint(space.polygon for space in self.spaces_on(level) if space.walkable)
        fixtures = [fixture.polygon for fixture in self.fixtures if fixture.level == level]
        area = shapely.difference(floor, shapely.union_all(fixtures))
        shapely.prepare(area)
        return area


def footprint(polygons: Iterable[Polygon]) -> BaseGeometry:
    """The union of `polygons`, with hairline gaps (up to 2 cm) between them closed."""
    hairline_m = 0.01
    grown = [p.buffer(hairline_m, join_style="mitre") for p in polygons]
    return shapely.union_all(grown).buffer(-hairline_m, join_style="mitre")
