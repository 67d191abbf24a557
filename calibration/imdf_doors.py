"""Puts doors that were drawn by hand onto the edges of the spaces that they join.

A plan by the book has every opening on the shared edge of two units. Real ones draw it in the
middle of a wall, a hand beside it, or on one of two units between which the wall is left out.
Where a door is not on the edge of two spaces, the spaces to either side of it are found by
looking across it, and the wall between them is opened as wide as the door.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from shapely import LineString, Point, Polygon

from .plan_faces import lines_of
from .plan_rules import spaces_beside

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from .floor_plan import Space

ACROSS_M: Final = 0.75
"""So far from a door the spaces that it joins are looked for: no school has thicker walls."""

_STEP_M: Final = 0.05
_GRID_M: Final = 0.0001
"""As plans are written: what is cut and joined here meets exactly in the file."""

_JAMB_M: Final = 0.002
_LEAST_SHARE: Final = 0.5
"""Part of a door's width that must open into the space beyond."""


@dataclass(frozen=True, slots=True)
class PlacedDoor:
    """A door on the edge of what it joins.

    Attributes:
        line: the door, site metres.
        joins: ids of the spaces; one alone is a door to the outside.
        moved: whether the line was moved or a wall was opened for it.
    """

    line: LineString
    joins: tuple[str, ...]
    moved: bool


class DoorPlacer:
    """Places the doors of one level; its spaces grow where a wall is opened."""

    def __init__(self, spaces: Iterable[Space]) -> None:
        self._spaces = {space.id: space for space in spaces}
        self._polygons = {space.id: space.polygon for space in self._spaces.values()}
        self._order = list(self._spaces)
        self._tree = shapely.STRtree([self._polygons[i] for i in self._order])
        grown = shapely.buffer(shapely.union_all(list(self._polygons.values())), ACROSS_M)
        closed = shapely.buffer(grown, -ACROSS_M)
        self._building = shapely.union_all([Polygon(p.exterior) for p in shapely.get_parts(closed)])

    def polygons(self) -> dict[str, Polygon]:
        """The spaces as they are now, by id."""
        return dict(self._polygons)

    def place(self, line: LineString) -> PlacedDoor | None:
        """The door on the edge of what it joins; None where it joins nothing."""
        on_edge = [
            space
            for space in spaces_beside(line, [self._spaces[i] for i in self._order], self._tree)
            if space.walkable
        ]
        if len(on_edge) == 2:  # noqa: PLR2004 - a door has two sides
            return PlacedDoor(line, (on_edge[0].id, on_edge[1].id), moved=False)
        ends = shapely.get_coordinates(line)[[0, -1]]
        along = ends[1] - ends[0]
        width_m = float(np.linalg.norm(along))
        if width_m <= 0 or len(on_edge) > 2:  # noqa: PLR2004
            return None
        normal = np.array([-along[1], along[0]]) / width_m
        middle = ends.mean(axis=0)
        left, right = self._met(middle, normal), self._met(middle, -normal)
        pairs = [(d + e, a, b) for a, d in left.items() for b, e in right.items() if a != b]
        if pairs:
            _, one, other = min(pairs)
            return self._between(ends, normal, (one, left[one]), (other, right[other]))
        for met, away in ((left, -normal), (right, normal)):
            if met and not shapely.covers(self._building, Point(middle + away * ACROSS_M)):
                inside = min(met, key=lambda i: met[i])
                if on_edge and on_edge[0].id == inside and self._on_outer_edge(line):
                    return PlacedDoor(line, (inside,), moved=False)
                return self._to_outside(ends, -away, (inside, met[inside]))
        return None

    def _met(self, middle: NDArray[np.float64], normal: NDArray[np.float64]) -> dict[str, float]:
        """The walkable spaces on one side of a door and how far away each begins, metres."""
        steps_m = np.arange(_STEP_M, ACROSS_M + _STEP_M / 2, _STEP_M)
        points = shapely.points(middle + steps_m[:, None] * normal)
        found: dict[str, float] = {}
        for i, j in self._tree.query(points, predicate="intersects").T.tolist():
            space = self._order[j]
            if self._spaces[space].walkable:
                found[space] = min(found.get(space, ACROSS_M), float(steps_m[i]))
        return found

    def _between(
        self,
        ends: NDArray[np.float64],
        normal: NDArray[np.float64],
        left: tuple[str, float],
        right: tuple[str, float],
    ) -> PlacedDoor | None:
        """Open the wall between two spaces; the smaller gets the piece of wall."""
        (one, one_m), (other, other_m) = left, right
        quad = _swept(ends, normal, one_m + _STEP_M, -other_m - _STEP_M)
        within, beyond = sorted((one, other), key=lambda i: self._polygons[i].area)
        gap = self._open(quad, within)
        if gap is None:
            return None
        edge = shapely.boundary(self._polygons[beyond])
        return self._placed(edge, quad, ends, (within, beyond))

    def _to_outside(
        self, ends: NDArray[np.float64], inward: NDArray[np.float64], inside: tuple[str, float]
    ) -> PlacedDoor | None:
        """Open the outer wall where it is a unit, else move the door onto the space's edge."""
        quad = _swept(ends, inward, inside[1] + _STEP_M, -ACROSS_M)
        if self._open(quad, inside[0], solid_only=True) is None:
            return None
        outer = shapely.boundary(shapely.union_all(list(self._polygons.values())))
        return self._placed(outer, quad, ends, (inside[0],))

    def _open(self, quad: Polygon, within: str, *, solid_only: bool = False) -> BaseGeometry | None:
        """Give `within` the part of `quad` that is no walkable space; None where that cannot be."""
        solids = {i: p for i, p in self._polygons.items() if not self._spaces[i].walkable}
        floors = [p for i, p in self._polygons.items() if i not in solids]
        near = [p for p in floors if shapely.intersects(p, quad)]
        gap = shapely.difference(quad, shapely.union_all(near), grid_size=_GRID_M)
        if solid_only:
            walls = shapely.union_all(list(solids.values()))
            gap = shapely.intersection(gap, walls, grid_size=_GRID_M)
        touching = [
            part
            for part in shapely.get_parts(gap)
            if isinstance(part, Polygon)
            and shapely.dwithin(part, self._polygons[within], 2 * _GRID_M)
        ]
        gap = shapely.union_all(touching)
        grown = shapely.union(self._polygons[within], gap, grid_size=_GRID_M)
        if not isinstance(grown, Polygon):
            return None
        self._polygons[within] = grown
        for i, solid in solids.items():
            if shapely.intersects(solid, gap):
                rest = shapely.difference(solid, gap, grid_size=_GRID_M)
                parts = [p for p in shapely.get_parts(rest) if isinstance(p, Polygon)]
                if parts:
                    self._polygons[i] = max(parts, key=lambda part: part.area)
        return gap

    def _placed(
        self,
        edge: BaseGeometry,
        quad: Polygon,
        ends: NDArray[np.float64],
        joins: tuple[str, ...],
    ) -> PlacedDoor | None:
        """The door where an edge passes through the opened wall, without the wall's jambs."""
        width_m = float(np.linalg.norm(ends[1] - ends[0]))
        across = shapely.intersection(edge, shapely.buffer(quad, -_JAMB_M, join_style="mitre"))
        lines = lines_of(across, _LEAST_SHARE * width_m)
        if not lines:
            return None
        middle = Point(ends.mean(axis=0))
        return PlacedDoor(min(lines, key=lambda line: line.distance(middle)), joins, moved=True)

    def _on_outer_edge(self, line: LineString) -> bool:
        outer = shapely.boundary(shapely.union_all(list(self._polygons.values())))
        along = shapely.intersection(line, shapely.buffer(outer, _STEP_M))
        return bool(along.length >= 0.98 * line.length)


def _swept(
    ends: NDArray[np.float64], normal: NDArray[np.float64], from_m: float, to_m: float
) -> Polygon:
    """The rectangle that a door's line sweeps along its normal."""
    near, far = ends + from_m * normal, ends + to_m * normal
    return Polygon(np.vstack([near, far[::-1]]))
