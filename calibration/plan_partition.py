"""Turns a drawn level into spaces, openings and doors to the outside.

A drawing has walls with a thickness and doors that fill gaps in them; a floor plan has spaces
whose edges are walls and doors that are lines along an edge that two spaces share. So each door's
piece of wall is given to the smaller of the two spaces that it joins, and the door is the line
where that space now meets the other. Nothing is moved: rooms keep their measures, and walls stay
as thick as they are, floor that belongs to no space.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import shapely
from shapely import LineString, Polygon

from .connectors import LIFT_CATEGORIES
from .floor_plan import Entrance, Opening, Space
from .plan_faces import faces_of, joined, lines_of, shared_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry.base import BaseGeometry

    from .drawn_level import DrawnLevel
    from .plan_faces import Face

UNNAMED: Final = "unspecified"
"""IMDF category of a space of which the drawing says nothing."""

_LEAST_DOOR_M: Final = 0.3
"""A door touches a space along at least so much of its edge."""

_LEAST_WAY_M: Final = 0.6
"""Two parts of the floor that meet without a wall are one way from this width on."""

_OPEN_FRONT_M: Final = 0.8
"""Floor under the outline that meets the outside along so much without a wall lies outdoors."""

_SHAFT_M2: Final = 4.0
"""Walled-in floor without a door and smaller than this is a shaft."""

_OUTSIDE: Final = -1


@dataclass(frozen=True, slots=True)
class LevelParts:
    """What a level is made of, site metres; names are "" where the drawing has none.

    Attributes:
        outline: the outer edge of what lies indoors.
        spaces: the spaces.
        openings: the ways between them.
        entrances: the doors to the outside, all taken to be usable, without numbers.
        notes: what of the drawing was not used, in words.
    """

    outline: Polygon
    spaces: tuple[Space, ...]
    openings: tuple[Opening, ...]
    entrances: tuple[Entrance, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Room:
    """A part of the floor that becomes a space; `area` is its index in the drawing, or -1."""

    polygon: Polygon
    area: int
    category: str
    accessible: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """A way between two rooms, or from one to the outside.

    Attributes:
        door: index of the drawn door; -1 where there is only no wall.
        within: the room that the door's piece of wall goes to.
        beyond: the room on the other side, or `_OUTSIDE`.
        line: where they meet.
    """

    door: int
    within: int
    beyond: int
    line: LineString


def partition(level: DrawnLevel) -> LevelParts:
    """The spaces of a drawn level and the ways between them.

    Raises:
        PlanSourceError: there is no floor within its outline.
    """
    faces = faces_of(level)
    edge = shapely.boundary(shapely.coverage_union_all([face.polygon for face in faces]))
    floors = [face for face in faces if face.kind in {"floor", "area"}]
    open_air = [bool(level.walls) and _is_outdoors(face, edge) for face in floors]
    outdoors = [face.polygon for face, out in zip(floors, open_air, strict=True) if out]
    indoors = [face for face, out in zip(floors, open_air, strict=True) if not out]
    rooms = [_room(level, face) for face in indoors]
    doors: dict[int, list[Polygon]] = {}
    for face in faces:
        if face.kind == "door":
            doors.setdefault(face.index, []).append(face.polygon)
    notes: list[str] = []
    if outdoors:
        outdoors_m2 = sum(polygon.area for polygon in outdoors)
        notes.append(
            f"{level.id}: {outdoors_m2:.0f} m2 under the outline, open to the outside, are taken "
            "as outdoors"
        )
    ways, blind = _door_ways(rooms, doors, edge, outdoors)
    if blind:
        named = ", ".join(level.doors[i].id for i in blind)
        notes.append(f"{level.id}: {len(blind)} doors lead nowhere and stay walls: {named}")
    ways += _wall_less_ways(rooms, {way.within for way in ways} | {way.beyond for way in ways})
    kept, dropped = _kept(rooms, ways)
    if dropped:
        total_m2 = sum(rooms[i].polygon.area for i in dropped)
        notes.append(
            f"{level.id}: {len(dropped)} walled-in parts without a door ({total_m2:.0f} "
            "m2 together) are taken as shafts, no floor"
        )
    ids = _ids(level, rooms, kept)
    grown = _grown(rooms, ways, doors)
    spaces = [
        Space(ids[i], _name(level, rooms[i]), rooms[i].category, level.id, grown[i]) for i in kept
    ]
    spaces += [
        Space(
            f"{level.id}-hole-{i + 1}",
            level.holes[face.index].name,
            "opentobelow",
            level.id,
            face.polygon,
        )
        for i, face in enumerate(f for f in faces if f.kind == "hole")
    ]
    openings, entrances = _as_features(level, rooms, ways)
    return LevelParts(
        _indoors(faces, outdoors), tuple(spaces), tuple(openings), tuple(entrances), tuple(notes)
    )


def _indoors(faces: Sequence[Face], outdoors: Sequence[Polygon]) -> Polygon:
    """The building without what lies open to the outside, as long as that leaves it whole."""
    whole = shapely.coverage_union_all([face.polygon for face in faces])
    for polygon in sorted(outdoors, key=lambda polygon: -polygon.area):
        rest = shapely.difference(whole, polygon)
        if isinstance(rest, Polygon):
            whole = rest
    parts = [part for part in shapely.get_parts(whole) if isinstance(part, Polygon)]
    return max(parts, key=lambda part: part.area)


def _is_outdoors(face: Face, edge: BaseGeometry) -> bool:
    """Whether floor of which the drawing says nothing meets the outside without a wall."""
    if face.kind != "floor":
        return False
    touching = shapely.intersection(shapely.boundary(face.polygon), edge)
    return bool(touching.length >= _OPEN_FRONT_M)


def _room(level: DrawnLevel, face: Face) -> _Room:
    if face.kind == "floor":
        return _Room(face.polygon, -1, UNNAMED, accessible=True)
    area = level.areas[face.index]
    return _Room(face.polygon, face.index, area.category, area.accessible)


def _door_ways(
    rooms: Sequence[_Room],
    doors: dict[int, list[Polygon]],
    edge: BaseGeometry,
    outdoors: Sequence[Polygon],
) -> tuple[list[_Way], list[int]]:
    """The ways through doors, and the doors that have floor on one side at most."""
    tree = shapely.STRtree([room.polygon for room in rooms])
    open_air = shapely.STRtree(list(outdoors))
    ways, blind = [], []
    for index, parts in doors.items():
        door = shapely.coverage_union_all(parts)
        sides = [
            (line.length, i, line)
            for i in tree.query(door, predicate="intersects").tolist()
            for line in shared_lines(door, rooms[i].polygon, _LEAST_DOOR_M)[:1]
        ]
        fronts = [
            shared_lines(door, outdoors[i], _LEAST_DOOR_M)
            for i in open_air.query(door, predicate="intersects").tolist()
        ]
        fronts.append(lines_of(shapely.intersection(shapely.boundary(door), edge), _LEAST_DOOR_M))
        out = max(
            (line for lines in fronts for line in lines), key=lambda line: line.length, default=None
        )
        if out is not None:
            sides.append((out.length, _OUTSIDE, out))
        sides.sort(key=lambda side: (-side[0], side[1]))
        if len(sides) < 2:  # noqa: PLR2004 - a door has two sides
            blind.append(index)
            continue
        ways.append(_way(rooms, index, *sides[:2]))
    return ways, blind


def _way(
    rooms: Sequence[_Room],
    door: int,
    one: tuple[float, int, LineString],
    other: tuple[float, int, LineString],
) -> _Way:
    """The way whose door goes to the smaller room that is no lift."""

    def unfit(side: tuple[float, int, LineString]) -> tuple[bool, bool, float]:
        if side[1] == _OUTSIDE:
            return True, True, 0.0
        room = rooms[side[1]]
        return False, room.category in LIFT_CATEGORIES, room.polygon.area

    within, beyond = sorted((one, other), key=unfit)
    return _Way(door, within[1], beyond[1], beyond[2])


def _wall_less_ways(rooms: Sequence[_Room], with_door: set[int]) -> list[_Way]:
    """Where parts of the floor meet without a wall; a lift has one such way, if it has no door."""
    tree = shapely.STRtree([room.polygon for room in rooms])
    ways: list[_Way] = []
    for i, j in tree.query([room.polygon for room in rooms], predicate="intersects").T.tolist():
        if i >= j or not (rooms[i].accessible and rooms[j].accessible):
            continue
        ways += [
            _Way(-1, i, j, line)
            for line in shared_lines(rooms[i].polygon, rooms[j].polygon, _LEAST_WAY_M)
        ]
    for i, room in enumerate(rooms):
        if room.category in LIFT_CATEGORIES:
            own = sorted(
                (w for w in ways if i in {w.within, w.beyond}), key=lambda w: w.line.length
            )
            for extra in own if i in with_door else own[:-1]:
                ways.remove(extra)
    return ways


def _kept(rooms: Sequence[_Room], ways: Sequence[_Way]) -> tuple[list[int], list[int]]:
    """The rooms that become spaces, and those that are closed off and too small to be rooms."""
    joined_rooms = {way.within for way in ways} | {way.beyond for way in ways}
    kept: list[int] = []
    dropped: list[int] = []
    for i, room in enumerate(rooms):
        closed = i not in joined_rooms
        shaft = closed and (
            not room.accessible or (room.area < 0 and room.polygon.area < _SHAFT_M2)
        )
        (dropped if shaft else kept).append(i)
    return kept, dropped


def _grown(
    rooms: Sequence[_Room], ways: Sequence[_Way], doors: dict[int, list[Polygon]]
) -> list[Polygon]:
    """The rooms with the pieces of wall that their doors take up."""
    grown = [room.polygon for room in rooms]
    for way in ways:
        for part in doors.get(way.door, ()):
            whole = joined(grown[way.within], part)
            if isinstance(whole, Polygon):
                grown[way.within] = whole
    return grown


def _ids(level: DrawnLevel, rooms: Sequence[_Room], kept: Sequence[int]) -> dict[int, str]:
    """Ids of the spaces: the area's own (numbered where walls cut it), else by number."""
    ids: dict[int, str] = {}
    used: dict[str, int] = {}
    for i in kept:
        own = level.areas[rooms[i].area].id if rooms[i].area >= 0 else f"{level.id}-space"
        used[own] = used.get(own, 0) + 1
        first = used[own] == 1 and rooms[i].area >= 0
        ids[i] = own if first else f"{own}-{used[own]}"
    return ids


def _name(level: DrawnLevel, room: _Room) -> str:
    """The name of its area, else of the label that covers most of it, else ""."""
    if room.area >= 0:
        return level.areas[room.area].name
    for label in level.labels:
        if shapely.intersection(label.polygon, room.polygon).area > room.polygon.area / 2:
            return label.name
    return ""


def _as_features(
    level: DrawnLevel, rooms: Sequence[_Room], ways: Sequence[_Way]
) -> tuple[list[Opening], list[Entrance]]:
    openings: list[Opening] = []
    entrances: list[Entrance] = []
    for number, way in enumerate(ways, start=1):
        drawn = level.doors[way.door] if way.door >= 0 else None
        if way.beyond == _OUTSIDE and drawn is not None:
            entrances.append(Entrance(drawn.id, "", drawn.name, level.id, way.line))
        elif drawn is not None:
            openings.append(Opening(drawn.id, drawn.name, level.id, way.line))
        else:
            lift = {rooms[way.within].category, rooms[way.beyond].category} & LIFT_CATEGORIES
            way_id = f"{level.id}-way-{number}"
            openings.append(
                Opening(way_id, "", level.id, way.line, "pedestrian" if lift else "open")
            )
    return openings, entrances
