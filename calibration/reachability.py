"""Which rooms can be walked to from the doors to the outside, across all floors.

Every space is taken apart into the pieces of its floor between which nothing stands; openings
join pieces of one floor, stairs and lifts pieces of two. What is joined to a usable entrance can
be reached. Walking distances are another question, see `entrances`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .connectors import plan_connectors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from shapely import LineString, Polygon
    from shapely.geometry.base import BaseGeometry

    from .floor_plan import FloorPlan, Space

_CLEARANCE_M: Final = 0.025
"""Gaps narrower than twice this are no way, as for routes."""

_AT_DOOR_M: Final = 0.1
"""So near to a door begins the floor that it leads to."""

_NEAR: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """What can be reached of one walkable space.

    Attributes:
        space: the space.
        share: part of its floor that a way leads to, locked doors inside opened, 0..1.
        without_key: part of its floor that a way without a locked door inside leads to, 0..1.
        cut_off: the floor that no way leads to, site metres; empty where there is none.
    """

    space: Space
    share: float
    without_key: float
    cut_off: BaseGeometry

    @property
    def reachable(self) -> bool:
        """Whether most of its floor can be reached."""
        return self.share > 0.5  # noqa: PLR2004 - most

    @property
    def needs_key(self) -> bool:
        """Whether most of it can be reached, but only by passing a locked door inside."""
        return self.reachable and self.without_key <= 0.5  # noqa: PLR2004 - most


@dataclass(frozen=True, slots=True, eq=False)
class _Pieces:
    """Pieces of floor: of which space each is, its area in site metres, and a tree of them."""

    space: tuple[int, ...]
    floor: tuple[Polygon, ...]
    tree: shapely.STRtree


def reach_of(plan: FloorPlan) -> tuple[Reach, ...]:
    """What can be reached of every walkable space, in the order of the plan.

    Ways begin at entrances in use, whether they are locked or not: officers open them.
    """
    spaces = [space for space in plan.spaces if space.walkable]
    parts = [(i, floor) for i, space in enumerate(spaces) for floor in _floors(plan, space)]
    floors = tuple(floor for _, floor in parts)
    pieces = _Pieces(tuple(i for i, _ in parts), floors, shapely.STRtree(floors))
    links, keyed = _links(plan, spaces, pieces)
    starts = [
        i
        for entrance in plan.entrances
        if entrance.usable
        for i in _at(entrance.line, entrance.level, spaces, pieces)
    ]
    with_key = _joined(len(parts), links + keyed, starts)
    without = _joined(len(parts), links, starts)
    found = []
    of_space = _rows(pieces)
    for i, space in enumerate(spaces):
        rows = of_space.get(i, [])
        areas_m2 = np.array([pieces.floor[j].area for j in rows])
        total_m2 = float(areas_m2.sum())
        cut_off = [pieces.floor[j] for j in rows if not with_key[j]]
        found.append(
            Reach(
                space=space,
                share=float(areas_m2[with_key[rows]].sum()) / total_m2 if total_m2 else 0.0,
                without_key=float(areas_m2[without[rows]].sum()) / total_m2 if total_m2 else 0.0,
                cut_off=shapely.union_all(cut_off),
            )
        )
    return tuple(found)


def _floors(plan: FloorPlan, space: Space) -> list[Polygon]:
    """The pieces of a space's floor between which nobody gets."""
    standing: list[BaseGeometry] = [f.polygon for f in plan.fixtures if f.level == space.level]
    standing += [wall.line for wall in plan.interior_walls if wall.level == space.level]
    tree = shapely.STRtree(standing)
    near = [standing[i] for i in tree.query(space.polygon, predicate="intersects").tolist()]
    blocked = shapely.buffer(shapely.union_all(near), _CLEARANCE_M)
    free = shapely.difference(shapely.buffer(space.polygon, -_CLEARANCE_M), blocked)
    return [part for part in shapely.get_parts(free) if part.area > _CLEARANCE_M**2]


def _rows(pieces: _Pieces) -> dict[int, list[int]]:
    """The pieces of each space."""
    of_space: dict[int, list[int]] = {}
    for j, space in enumerate(pieces.space):
        of_space.setdefault(space, []).append(j)
    return of_space


def _links(
    plan: FloorPlan, spaces: Sequence[Space], pieces: _Pieces
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Pairs of pieces that are joined, without a key and with one."""
    links: list[tuple[int, int]] = []
    keyed: list[tuple[int, int]] = []
    for opening in plan.openings:
        beside = _at(opening.line, opening.level, spaces, pieces)
        pairs = [(beside[0], other) for other in beside[1:]]
        (keyed if opening.locked else links).extend(pairs)
    row = {space.id: i for i, space in enumerate(spaces)}
    of_space = _rows(pieces)
    for connector in plan_connectors(plan):
        ends = [
            _nearest(of_space.get(row.get(space.id, -1), []), pieces, xy_m)
            for space, xy_m in (
                (connector.lower, connector.lower_xy_m),
                (connector.upper, connector.upper_xy_m),
            )
        ]
        if ends[0] is not None and ends[1] is not None:
            links.append((ends[0], ends[1]))
    return links, keyed


def _at(line: LineString, level: str, spaces: Sequence[Space], pieces: _Pieces) -> list[int]:
    """The pieces of floor before a door."""
    near = pieces.tree.query(line, predicate="dwithin", distance=_AT_DOOR_M)
    return [
        j
        for j in sorted(near.tolist())
        if spaces[pieces.space[j]].level == level and _faces(pieces.floor[j], line)
    ]


def _faces(floor: Polygon, line: LineString) -> bool:
    """Whether the floor lies along the door, not only beside its jamb."""
    along = shapely.intersection(line, shapely.buffer(floor, _AT_DOOR_M))
    return bool(along.length > line.length / 2 or along.length > 2 * _AT_DOOR_M + _NEAR)


def _nearest(own: Iterable[int], pieces: _Pieces, xy_m: tuple[float, float]) -> int | None:
    place = shapely.Point(xy_m)
    return min(own, key=lambda j: float(pieces.floor[j].distance(place)), default=None)


def _joined(
    count: int, links: Sequence[tuple[int, int]], starts: Sequence[int]
) -> NDArray[np.bool_]:
    """`(count,)` whether each piece is joined to one of `starts`."""
    i, j = np.array(links, dtype=np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(i)), (i, j)), shape=(count, count))
    _, part = connected_components(graph, directed=False)
    return np.isin(part, part[np.array(starts, dtype=np.int64)])
