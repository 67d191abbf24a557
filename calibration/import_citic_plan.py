"""A floor plan out of the rectangles and door points of a CITIC-MTMC map.

- A room that the map gives no door is left out, as nobody can go there, unless its name continues
  another's (HA2 beside HA): the map cuts one space into rectangles, which are open to each other.
- A room that has no door but where people come in or go out (the stairs) is left out, too; its
  door is an entrance.
- A door through which the data set says that a camera sees is open, the others are doors.
- Where it says that a camera sees out of the building, there is the main door.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import shapely
from shapely import LineString, Point, Polygon
from shapely.ops import split

from .floor_plan import Entrance, FloorPlan, Level, Opening, Space, footprint
from .import_citic import OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .import_citic import CiticCamera, CiticMap, Room

LEVEL: Final = "L1"
DOOR_WIDTH_M: Final = 0.85
"""Between the jambs of the doors as the published drawing shows them."""

SIDE_DOOR: Final = ("PF", (0.35, 1.50))
"""Room and extent along x of the one door to the outside that no camera sees through: the drawing
shows its swing at the end of the passage PF, towards the outside."""

_CATEGORIES: Final = {"PF": "walkway", "PC": "walkway", "HA": "lobby"}
_STEM: Final = re.compile(r"\d+$")
_TOUCHING_M: Final = 0.01
_SEEN_THROUGH_M: Final = 0.3
"""So wide a part of a door has to be in a camera's view for the door to be open."""
_POLYGONS_AT_LEAST_M: Final = 0.05


def plan_of(citic: CiticMap, cameras: Iterable[CiticCamera]) -> FloorPlan:
    """Return the plan of the map's rooms."""
    views = [camera.view for camera in cameras if camera.view is not None]
    rooms = _rooms_inside(citic)
    outline = footprint(room.polygon for room in rooms)
    return FloorPlan(
        [Level(LEVEL, "Floor", 0, 0.0, outline if isinstance(outline, Polygon) else Polygon())],
        [
            Space(room.name, room.name, _CATEGORIES.get(_stem(room), "room"), LEVEL, room.polygon)
            for room in rooms
        ],
        [*_passages(rooms), *_doors(rooms, views)],
        list(_entrances(citic, rooms, views)),
    )


def left_out(citic: CiticMap, plan: FloorPlan) -> list[str]:
    """Return the names of the map's rooms that the plan does not have, the outside aside."""
    there = {space.id for space in plan.spaces}
    return [room.name for room in citic.rooms if room.name not in {*there, OUTSIDE}]


def _stem(room: Room) -> str:
    return _STEM.sub("", room.name)


def _rooms_inside(citic: CiticMap) -> list[Room]:
    entered = {
        room.name
        for room in citic.rooms
        if room.doors_m and set(room.doors_m) <= {*citic.entries_m}
    }
    with_doors = [r for r in citic.rooms if r.doors_m and r.name not in entered]
    stems = {_stem(room) for room in with_doors}
    return [
        room
        for room in citic.rooms
        if room.name != OUTSIDE
        and room.name not in entered
        and (room.doors_m or _stem(room) in stems)
    ]


def _shared_edge(first: Polygon, second: Polygon) -> LineString | None:
    """The edge that two rectangles share; None where there is none."""
    shared = shapely.line_merge(shapely.intersection(first.boundary, second.boundary))
    if not isinstance(shared, LineString) or shared.length < _POLYGONS_AT_LEAST_M:
        return None
    return shared


def _passages(rooms: list[Room]) -> Iterator[Opening]:
    """Openings between rectangles of one space."""
    for i, room in enumerate(rooms):
        for other in rooms[i + 1 :]:
            edge = _shared_edge(room.polygon, other.polygon)
            if _stem(room) == _stem(other) and edge is not None:
                yield Opening(f"{room.name}-{other.name}", "", LEVEL, edge, "open")


def _doors(rooms: list[Room], views: list[Polygon]) -> Iterator[Opening]:
    """Doors between rooms: a door of both, at the same point."""
    for i, room in enumerate(rooms):
        for other in rooms[i + 1 :]:
            edge = _shared_edge(room.polygon, other.polygon)
            if _stem(room) == _stem(other) or edge is None:
                continue
            for at_m in room.doors_m:
                if at_m in other.doors_m and edge.distance(Point(at_m)) <= _TOUCHING_M:
                    line = _around(edge, at_m)
                    category: Literal["open", "pedestrian"] = (
                        "open" if _seen_through(line, views) else "pedestrian"
                    )
                    yield Opening(f"{room.name}-{other.name}", "", LEVEL, line, category)


def _entrances(citic: CiticMap, rooms: list[Room], views: list[Polygon]) -> Iterator[Entrance]:
    """Ways into the building, numbered: main door, side door, then where people come in."""
    lines = [
        *(("Main door", line) for line in _main_doors(citic, rooms, views)),
        *(("Side door", line) for line in _side_doors(rooms)),
        *(
            ("Stairs", _around(edge, at_m))
            for at_m in citic.entries_m
            for edge in _outer_edges_at(rooms, at_m)
        ),
    ]
    for number, (name, line) in enumerate(lines, start=1):
        yield Entrance(f"door-{number}", str(number), name, LEVEL, line)


def _main_doors(citic: CiticMap, rooms: list[Room], views: list[Polygon]) -> Iterator[LineString]:
    for outside in (room for room in citic.rooms if room.name == OUTSIDE):
        for room in rooms:
            edge = _shared_edge(room.polygon, outside.polygon)
            if edge is None:
                continue
            seen = shapely.union_all([view.intersection(edge) for view in views])
            for part in shapely.get_parts(seen):
                beyond = any(
                    view.intersection(outside.polygon).area > 0 and view.intersects(part)
                    for view in views
                )
                if part.length >= _SEEN_THROUGH_M and beyond:
                    yield _straight(part)


def _side_doors(rooms: list[Room]) -> Iterator[LineString]:
    name, (x0_m, x1_m) = SIDE_DOOR
    for room in rooms:
        low_x, low_y, high_x, _ = room.polygon.bounds
        if room.name == name and low_x <= x0_m < x1_m <= high_x:
            yield LineString([(x0_m, low_y), (x1_m, low_y)])


def _outer_edges_at(rooms: list[Room], at_m: tuple[float, float]) -> Iterator[LineString]:
    """The edge of each room at a point."""
    for room in rooms:
        corners = list(room.polygon.exterior.coords)
        for begin, end in pairwise(corners):
            edge = LineString([begin, end])
            if edge.distance(Point(at_m)) <= _TOUCHING_M:
                yield edge


def _seen_through(line: LineString, views: list[Polygon]) -> bool:
    """Whether some view goes on beyond the door on both sides."""
    both = line.buffer(DOOR_WIDTH_M / 2, cap_style="flat")
    sides = list(shapely.get_parts(split(both, _extended(line))))
    return any(
        view.intersection(line).length >= _SEEN_THROUGH_M
        and all(view.intersection(side).area > 0 for side in sides)
        for view in views
    )


def _extended(line: LineString) -> LineString:
    (x0, y0), (x1, y1) = line.coords
    return LineString([(2 * x0 - x1, 2 * y0 - y1), (2 * x1 - x0, 2 * y1 - y0)])


def _around(edge: LineString, at_m: tuple[float, float]) -> LineString:
    """A door of the usual width around a point of an edge, within the edge."""
    (x0, y0), (x1, y1) = edge.coords[0], edge.coords[-1]
    along = np.array([x1 - x0, y1 - y0]) / edge.length
    middle_m = float(
        np.clip(edge.project(Point(at_m)), DOOR_WIDTH_M / 2, edge.length - DOOR_WIDTH_M / 2)
    )
    ends = [np.array([x0, y0]) + along * (middle_m + side * DOOR_WIDTH_M / 2) for side in (-1, 1)]
    return LineString([tuple(np.round(end, 4).tolist()) for end in ends])


def _straight(line: LineString) -> LineString:
    """The line's ends, to a tenth of a millimetre."""
    ends = [tuple(round(value, 4) for value in line.coords[i]) for i in (0, -1)]
    return LineString(ends)
