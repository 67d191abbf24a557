"""A synthetic school of any size: plan, cameras, people who walk about, and what cameras see.

Every level is the same: four corridors with classrooms on both sides, joined by a hall at either
end, three stairwells above each other. Six numbered entrances on the ground floor. Cameras hang
along the corridors, looking one way or the other, and in the corners of some classrooms.

```
      y
   68 +---+------------------------------------+---+
      |   | rooms 8 x 7 m, a door each         |   |
      | h +------------------------------------+ h |
      | a   corridor                             a |
      | l +------------------------------------+ l |
      | l | rooms                              | l |
    0 +---+------------------------------------+---+  x
      0   3                                   83  86
```
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from shapely import LineString, box

from calibration.camera_loading import Camera
from calibration.connectors import STAIRS_MPS
from calibration.floor_plan import Entrance, FloorPlan, Level, Opening, Space
from calibration.geodesy import Anchor, SiteFrame
from calibration.site import Site
from calibration.synthetic import mounted_camera

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from calibration.camera import CameraModel

    Seconds = csr_array[np.float64, tuple[int, int]]

CORRIDORS = 4
ROOMS_A_SIDE = 10
ROOM_M = (8.0, 7.0)
CORRIDOR_M = 3.0
HALL_M = 3.0
DOOR_M = 1.0
STOREY_M = 3.6
STAIR_WALK_M = 7.0
"""Along a flight of stairs from one level to the next."""

IN_ROOMS = 0.3
"""Share of the cameras that hang in classrooms; the others in corridors and halls."""

_PITCH_M = 2 * ROOM_M[1] + CORRIDOR_M
_EAST_M = HALL_M + ROOMS_A_SIDE * ROOM_M[0]
_WIDTH_M = _EAST_M + HALL_M
_HEIGHT_M = CORRIDORS * _PITCH_M
_STAIRS = ((0, 0, 0), (1, 1, 5), (3, 1, 9))  # corridor, side, room: stairwells in their place
_CAMERA_HEIGHT_M = 2.8


@dataclass(frozen=True, slots=True)
class Node:
    """A point of the graph on which people walk."""

    level: int
    x_m: float
    y_m: float
    goal: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class School:
    """The school.

    Attributes:
        site: plan and cameras as the locator takes them.
        levels: ids of the levels, from the ground up.
        nodes: points on which people walk; goals are the middles of classrooms.
        seconds: `(N, N)` seconds of the steps between neighbouring nodes at 1 m/s; 0 where none is.
        seen: the floor that each camera shows, by camera id.
    """

    site: Site
    levels: tuple[str, ...]
    nodes: tuple[Node, ...]
    seconds: Seconds
    seen: Mapping[str, shapely.geometry.base.BaseGeometry]

    @property
    def watched(self) -> float:
        """Share of the walkable floor that some camera shows, 0..1."""
        watched_m2 = walkable_m2 = 0.0
        for level in self.levels:
            here = [
                floor
                for camera, floor in self.seen.items()
                if self.site.cameras[camera].level == level
            ]
            watched_m2 += shapely.union_all(here).area
            walkable_m2 += self.site.plan.walkable(level).area
        return watched_m2 / walkable_m2


def make_school(levels: int = 3, cameras: int = 400) -> School:
    """A school of so many levels and cameras, the same each time."""
    names = tuple(f"L{n + 1}" for n in range(levels))
    plan = _plan(names)
    placed = _cameras(names, cameras)
    nodes, seconds = _ways(levels)
    anchor = Anchor(-85.52, 39.05, 90.0)
    site = Site(
        name="Synthetic school",
        address="",
        folder=Path(),
        anchor=anchor,
        frame=SiteFrame(anchor),
        levels=plan.levels,
        plan_file="floor_plan.geojson",
        plan=plan,
        agreement_file=None,
        cameras=MappingProxyType({camera.id: camera for camera in placed}),
        warnings=(),
    )
    seen = {camera.id: camera.visible_floor(plan) for camera in placed}
    return School(site, names, nodes, seconds, seen)


def _rooms() -> Iterator[tuple[int, int, int]]:
    """(corridor, side, number) of every room of a level; side 0 is south of its corridor."""
    return itertools.product(range(CORRIDORS), range(2), range(ROOMS_A_SIDE))


def _room_box(corridor: int, side: int, number: int) -> tuple[float, float, float, float]:
    west_m = HALL_M + number * ROOM_M[0]
    south_m = corridor * _PITCH_M + side * (ROOM_M[1] + CORRIDOR_M)
    return west_m, south_m, west_m + ROOM_M[0], south_m + ROOM_M[1]


def _door_m(corridor: int, side: int, number: int) -> tuple[float, float]:
    """Where a room's door begins, on the wall between it and the corridor."""
    west_m, south_m, _, north_m = _room_box(corridor, side, number)
    return west_m + 1.0, north_m if side == 0 else south_m


def _corridor_y_m(corridor: int) -> float:
    """The south wall of a corridor."""
    return corridor * _PITCH_M + ROOM_M[1]


def _plan(names: tuple[str, ...]) -> FloorPlan:
    spaces: list[Space] = []
    openings: list[Opening] = []
    for floor, level in enumerate(names, start=1):
        halls = {"west": (0.0, HALL_M), "east": (_EAST_M, _WIDTH_M)}
        spaces += [
            Space(f"{level}-{side}", f"{side.title()} hall {floor}", "lobby", level, shape)
            for side, (from_m, to_m) in halls.items()
            for shape in [box(from_m, 0.0, to_m, _HEIGHT_M)]
        ]
        for corridor in range(CORRIDORS):
            low_m = _corridor_y_m(corridor)
            name = f"{level}-corridor-{corridor}"
            shape = box(HALL_M, low_m, _EAST_M, low_m + CORRIDOR_M)
            spaces.append(Space(name, f"Corridor {floor}{corridor}", "walkway", level, shape))
            openings += [
                Opening(
                    f"{name}-{x_m:.0f}",
                    "",
                    level,
                    LineString([(x_m, low_m), (x_m, low_m + CORRIDOR_M)]),
                    "open",
                )
                for x_m in (HALL_M, _EAST_M)
            ]
        for corridor, side, number in _rooms():
            stairs = (corridor, side, number) in _STAIRS
            category = "stairs" if stairs else "classroom"
            called = f"{'Stairs' if stairs else 'Room'} {floor}{corridor}{side}{number}"
            place = f"{level}-{corridor}-{side}-{number}"
            shape = box(*_room_box(corridor, side, number))
            spaces.append(Space(place, called, category, level, shape))
            x_m, y_m = _door_m(corridor, side, number)
            gap = LineString([(x_m, y_m), (x_m + DOOR_M, y_m)])
            openings.append(Opening(f"{place}-door", "", level, gap))
    doors = [
        ((0.0, 12.0), (0.0, 14.0)),
        ((0.0, 46.0), (0.0, 48.0)),
        ((1.0, _HEIGHT_M), (2.0, _HEIGHT_M)),
        ((_WIDTH_M - 2.0, _HEIGHT_M), (_WIDTH_M - 1.0, _HEIGHT_M)),
        ((_WIDTH_M, 24.0), (_WIDTH_M, 26.0)),
        ((_WIDTH_M - 2.0, 0.0), (_WIDTH_M - 1.0, 0.0)),
    ]
    entrances = [
        Entrance(f"entrance-{n}", str(n), "", names[0], LineString(line))
        for n, line in enumerate(doors, start=1)
    ]
    outline = box(0.0, 0.0, _WIDTH_M, _HEIGHT_M)
    storeys = [
        Level(name, f"Level {i + 1}", i, i * STOREY_M, outline) for i, name in enumerate(names)
    ]
    return FloorPlan(storeys, spaces, openings, entrances)


def _evenly(count: int, of: int) -> list[int]:
    """`count` indices spread evenly over `of`, at most all of them."""
    return sorted({int((k + 0.5) * of / count) for k in range(min(count, of))})


def _cameras(names: tuple[str, ...], count: int) -> list[Camera]:
    """Cameras in corridors and rooms, spread evenly; a place may take several that look about."""
    in_rooms = min(round(count * IN_ROOMS), len(names) * len(list(_rooms())))
    corners = [(level, *room) for level in names for room in _rooms()]
    cameras = []
    for index in _evenly(in_rooms, len(corners)):
        level, corridor, side, number = corners[index]
        west_m, south_m, east_m, north_m = _room_box(corridor, side, number)
        at_m = (west_m + 0.2, (south_m if side == 0 else north_m) + (0.2 if side == 0 else -0.2))
        look_m = ((west_m + east_m) / 2 + 1.0, (south_m + north_m) / 2)
        cameras.append((level, at_m, look_m, 95.0))
    ways = [(level, *way) for level in names for way in _sight_lines()]
    length_m = sum(np.hypot(b[0] - a[0], b[1] - a[1]) for _, a, b in ways)
    step_m = length_m / (count - in_rooms)
    due_m, looks_back = step_m / 2, False
    for level, a, b in ways:
        along_m = float(np.hypot(b[0] - a[0], b[1] - a[1]))
        ahead = ((b[0] - a[0]) / along_m, (b[1] - a[1]) / along_m)
        while due_m < along_m:
            at_m = (a[0] + ahead[0] * due_m, a[1] + ahead[1] * due_m)
            turn = -1.0 if looks_back else 1.0
            look_m = (at_m[0] + 8.0 * turn * ahead[0], at_m[1] + 8.0 * turn * ahead[1])
            cameras.append((level, at_m, look_m, 85.0))
            due_m, looks_back = due_m + step_m, not looks_back
        due_m -= along_m
    return [
        _camera(f"cam-{number:03d}", level, at_m, look_m, hfov_deg)
        for number, (level, at_m, look_m, hfov_deg) in enumerate(sorted(cameras), start=1)
    ]


def _sight_lines() -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """The lines along which cameras hang: corridors under one wall, halls under the outer one."""
    for corridor in range(CORRIDORS):
        y_m = _corridor_y_m(corridor) + 0.3
        yield (HALL_M + 0.5, y_m), (_EAST_M - 0.5, y_m)
    for x_m in (0.3, _WIDTH_M - 0.3):
        yield (x_m, 0.5), (x_m, _HEIGHT_M - 0.5)


def _camera(
    name: str,
    level: str,
    at_m: tuple[float, float],
    look_m: tuple[float, float],
    hfov_deg: float,
) -> Camera:
    model: CameraModel = mounted_camera(
        (*at_m, _CAMERA_HEIGHT_M), (*look_m, 0.8), hfov_deg=hfov_deg
    )
    return Camera(name, f"Camera {name[4:]}", level, "interior", None, model, "pose")


class _Graph:
    """Nodes and the seconds between them, as they are added."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._steps: list[tuple[int, int, float]] = []

    def add(self, level: int, x_m: float, y_m: float, *, goal: bool = False) -> int:
        """The index of a new node."""
        self.nodes.append(Node(level, x_m, y_m, goal))
        return len(self.nodes) - 1

    def join(self, a: int, b: int, seconds: float | None = None) -> None:
        """A step between two nodes: along the straight line, or of so many seconds."""
        one, other = self.nodes[a], self.nodes[b]
        if seconds is None:
            seconds = float(np.hypot(one.x_m - other.x_m, one.y_m - other.y_m))
        # Never zero, which would be no step: the doors of two rooms lie opposite each other.
        self._steps.append((a, b, max(seconds, 1e-3)))

    def seconds(self) -> Seconds:
        """`(N, N)` seconds of all steps, both ways."""
        a, b, seconds = (np.array(column) for column in zip(*self._steps, strict=True))
        size = (len(self.nodes), len(self.nodes))
        one_way = csr_array((seconds, (a.astype(np.int64), b.astype(np.int64))), shape=size)
        return csr_array(one_way + one_way.T)


def _ways(levels: int) -> tuple[tuple[Node, ...], Seconds]:
    """Nodes and steps: out of rooms through their doors, along corridors and halls, up stairs."""
    graph = _Graph()
    flights: dict[tuple[int, int, int], list[int]] = {}
    for level in range(levels):
        halls = []
        for x_m in (HALL_M / 2, _EAST_M + HALL_M / 2):
            crossings = [
                graph.add(level, x_m, _corridor_y_m(corridor) + CORRIDOR_M / 2)
                for corridor in range(CORRIDORS)
            ]
            halls.append(crossings)
            for one, other in itertools.pairwise(crossings):
                graph.join(one, other)
        for corridor in range(CORRIDORS):
            before_doors = _rooms_of(graph, level, corridor, flights)
            way_along = [halls[0][corridor], *before_doors, halls[1][corridor]]
            for one, other in itertools.pairwise(way_along):
                graph.join(one, other)
    for flight in flights.values():
        for lower, upper in itertools.pairwise(flight):
            graph.join(lower, upper, STAIR_WALK_M / STAIRS_MPS)
    return tuple(graph.nodes), graph.seconds()


def _rooms_of(
    graph: _Graph, level: int, corridor: int, flights: dict[tuple[int, int, int], list[int]]
) -> list[int]:
    """Add the rooms of a corridor; the nodes before their doors, from west to east."""
    outside = []
    for side, number in itertools.product(range(2), range(ROOMS_A_SIDE)):
        key = (corridor, side, number)
        west_m, south_m, east_m, north_m = _room_box(*key)
        door_x_m, door_y_m = _door_m(*key)
        middle_m = ((west_m + east_m) / 2, (south_m + north_m) / 2)
        room = graph.add(level, *middle_m, goal=key not in _STAIRS)
        door = graph.add(level, door_x_m + DOOR_M / 2, door_y_m)
        before = graph.add(level, door_x_m + DOOR_M / 2, _corridor_y_m(corridor) + CORRIDOR_M / 2)
        graph.join(room, door)
        graph.join(door, before)
        outside.append(before)
        if key in _STAIRS:
            flights.setdefault(key, []).append(room)
    return sorted(outside, key=lambda node: graph.nodes[node].x_m)


def way(school: School, start: int, goal: int) -> list[int]:
    """The nodes of the quickest way from one node to another."""
    _, before = dijkstra(
        school.seconds, directed=True, indices=np.array([goal]), return_predecessors=True
    )
    nodes = [start]
    while nodes[-1] != goal:
        nodes.append(int(before[0, nodes[-1]]))
    return nodes


def goals(school: School) -> NDArray[np.int64]:
    """Indices of the nodes in which walks begin and end."""
    return np.array([i for i, node in enumerate(school.nodes) if node.goal], np.int64)
