"""A small school of three storeys with two stairs and a lift, as features of a floor plan.

Every storey is the same; the ground floor has the doors to the outside.

```
 y
20 +--------+----------+----------+--------+
   | stairs | 101      | 102      | stairs |
12 +---D----+----D-----+----D-----+---D----+
   E                corridor                E     D doors, E doors 1 (left) and 2 (right)
 8 +---D----+----D-----+----D-----+---D----+
   | lift   | 103      | 104      | store  |     the store's door is locked
 0 +--------+----------+----------+--------+ x
   0        8         20         32        40
```
"""

from __future__ import annotations

from shapely import LineString, box

from calibration.floor_plan import Entrance, Fixture, FloorPlan, Level, Opening, Space, Wall

STOREY_M = 4.0
STOREYS = 3

_ROOMS: tuple[tuple[str, str, str, tuple[float, float, float, float]], ...] = (
    ("corridor", "Corridor", "walkway", (0, 8, 40, 12)),
    ("west-stairs", "West stairs", "stairs", (0, 12, 8, 20)),
    ("r01", "Room 01", "classroom", (8, 12, 20, 20)),
    ("r02", "Room 02", "classroom", (20, 12, 32, 20)),
    ("east-stairs", "East stairs", "stairs", (32, 12, 40, 20)),
    ("lift", "Lift", "elevator", (0, 0, 8, 8)),
    ("r03", "Room 03", "classroom", (8, 0, 20, 8)),
    ("r04", "Room 04", "classroom", (20, 0, 32, 8)),
    ("store", "Store", "storage", (32, 0, 40, 8)),
)
_DOORS: tuple[tuple[str, float, float], ...] = (
    ("west-stairs", 3, 12),
    ("r01", 13, 12),
    ("r02", 25, 12),
    ("east-stairs", 35, 12),
    ("lift", 3, 8),
    ("r03", 13, 8),
    ("r04", 25, 8),
    ("store", 35, 8),
)


def three_storeys(storeys: int = STOREYS) -> FloorPlan:
    """The plan; levels are L0, L1, L2, ids of spaces end in the number of the storey."""
    numbers = range(storeys)
    return FloorPlan(
        [Level(f"L{n}", f"Floor {n}", n, n * STOREY_M, box(0, 0, 40, 20)) for n in numbers],
        [
            Space(f"{room}-{n}", name, category, f"L{n}", box(*area))
            for n in numbers
            for room, name, category, area in _ROOMS
        ],
        [
            Opening(f"{room}-door-{n}", "", f"L{n}", LineString([(x, y), (x + 1, y)]),
                    locked=room == "store")
            for n in numbers
            for room, x, y in _DOORS
        ],
        [
            Entrance("west", "1", "West", "L0", LineString([(0, 9), (0, 11)])),
            Entrance("east", "2", "East", "L0", LineString([(40, 9), (40, 11)]), usable=False),
        ],
        [Fixture("desk", "desk", "L0", box(10, 2, 12, 3), 0.75)],
        [Wall("screen", "L0", LineString([(22, 2), (26, 2)]))],
    )  # fmt: skip
