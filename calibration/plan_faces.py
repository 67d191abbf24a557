"""Cuts the floor of a drawn level into faces that share their edges exactly.

All lines of the drawing are noded together on a grid of a millimetre and polygonised, so that two
neighbours have the very same points along their common edge; what a face is follows from what is
drawn over its inside. Cracks narrower than a hand between pieces of wall are closed first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import shapely
from shapely import LineString, Polygon

from .imported_plan import PlanSourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry.base import BaseGeometry

    from .drawn_level import DrawnLevel

GRID_M: Final = 0.001
_CRACK_M: Final = 0.05
"""Half the width of cracks in walls that are closed: nobody fits through 10 cm."""

_THIN_M: Final = 0.15
"""Half the width of strips of floor that are no room of their own."""

_SMALL_M2: Final = 0.25

Kind = Literal["floor", "area", "hole", "door", "wall"]


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A connected part of a level.

    Attributes:
        kind: what it is.
        index: which area, hole or door of the drawing; -1 for floor and walls.
        polygon: site metres.
    """

    kind: Kind
    index: int
    polygon: Polygon


def faces_of(level: DrawnLevel) -> list[Face]:
    """All faces within the outline of a level, in reading order (from the top, from the left).

    Raises:
        PlanSourceError: the outline has no floor within it.
    """
    walls = shapely.union_all(level.walls, grid_size=GRID_M) if level.walls else Polygon()
    doors = [door.polygon for door in level.doors]
    barrier = shapely.union_all([walls, *doors], grid_size=GRID_M)
    cracks = shapely.difference(_closed(barrier), barrier, grid_size=GRID_M)
    lines = [level.outline, walls, cracks, *doors]
    lines += [area.polygon for area in (*level.areas, *level.holes)]
    noded = shapely.union_all([shapely.boundary(shape) for shape in lines], grid_size=GRID_M)
    pieces = [p for p in shapely.get_parts(shapely.polygonize([noded])) if p.area > 0]
    solid = shapely.union_all([walls, cracks], grid_size=GRID_M)
    kinds = _kinds(level, pieces, solid)
    together: dict[tuple[Kind, int], list[Polygon]] = {}
    for piece, kind in zip(pieces, kinds, strict=True):
        if kind is not None:
            together.setdefault(kind, []).append(piece)
    faces = [
        Face(kind, index, part)
        for (kind, index), group in together.items()
        for part in shapely.get_parts(shapely.coverage_union_all(group))
    ]
    if not any(face.kind in {"floor", "area"} for face in faces):
        raise PlanSourceError(f"level {level.id!r}: its outline has no floor within the walls")
    faces.sort(key=_reading_order)
    return _without_strips(faces)


def shared_lines(one: BaseGeometry, other: BaseGeometry, least_m: float) -> list[LineString]:
    """The stretches of at least `least_m` along which two faces touch, the longest first."""
    return lines_of(shapely.intersection(shapely.boundary(one), shapely.boundary(other)), least_m)


def lines_of(touching: BaseGeometry, least_m: float) -> list[LineString]:
    """The connected lines of at least `least_m` in what two shapes share, the longest first."""
    parts = [p for p in shapely.get_parts(touching) if p.geom_type == "LineString" and p.length]
    merged = shapely.get_parts(shapely.line_merge(shapely.MultiLineString(parts)))
    return sorted((p for p in merged if p.length >= least_m), key=lambda line: -line.length)


def joined(one: BaseGeometry, other: BaseGeometry) -> BaseGeometry:
    """Two faces that share an edge as one, their points kept."""
    return shapely.coverage_union_all([one, other])


def _closed(barrier: BaseGeometry) -> BaseGeometry:
    grown = shapely.buffer(barrier, _CRACK_M, join_style="mitre")
    return shapely.buffer(grown, -_CRACK_M, join_style="mitre")


def _kinds(
    level: DrawnLevel, pieces: Sequence[Polygon], solid: BaseGeometry
) -> list[tuple[Kind, int] | None]:
    """What each piece is: doors before walls before areas; None outside the building."""
    inside = [piece.representative_point() for piece in pieces]
    found: list[tuple[Kind, int] | None] = [None] * len(pieces)
    layers: list[tuple[Kind, list[BaseGeometry]]] = [
        ("area", [area.polygon for area in level.areas]),
        ("hole", [hole.polygon for hole in level.holes]),
        ("wall", [solid]),
        ("door", [door.polygon for door in level.doors]),
    ]
    for i in _within(inside, [level.outline]):
        found[i] = ("floor", -1)
    for kind, shapes in layers:
        for i, index in _within(inside, shapes).items():
            if found[i] is not None:
                found[i] = (kind, -1 if kind == "wall" else index)
    return found


def _within(points: Sequence[BaseGeometry], shapes: Sequence[BaseGeometry]) -> dict[int, int]:
    """For each point that lies within a shape the first such shape."""
    first: dict[int, int] = {}
    if not shapes:
        return first
    for i, j in shapely.STRtree(points).query(list(shapes), predicate="contains").T.tolist():
        first[j] = min(i, first.get(j, i))
    return first


def _without_strips(faces: list[Face]) -> list[Face]:
    """Strips of floor that nobody stands on joined to the neighbour that they lie along."""
    kept = [face for face in faces if face.kind == "door" or not _is_strip(face)]
    for strip in (face for face in faces if face.kind != "door" and _is_strip(face)):
        if strip.kind == "wall":
            kept.append(strip)
            continue
        near = [
            (lines[0].length, i)
            for i, face in enumerate(kept)
            if face.kind in {"floor", "area"}
            and (lines := shared_lines(strip.polygon, face.polygon, _CRACK_M))
        ]
        if near:
            i = max(near)[1]
            whole = joined(kept[i].polygon, strip.polygon)
            if isinstance(whole, Polygon):
                kept[i] = Face(kept[i].kind, kept[i].index, whole)
    return kept


def _is_strip(face: Face) -> bool:
    thin = shapely.buffer(face.polygon, -_THIN_M).is_empty
    return bool(thin or face.polygon.area < _SMALL_M2)


def _reading_order(face: Face) -> tuple[float, float]:
    place = face.polygon.representative_point()
    return (-round(place.y), place.x)
