"""Small plans for the search map, drawn by hand or at random."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st
from shapely import LineString, box

from calibration.floor_plan import Entrance, Fixture, FloorPlan, Level, Opening, Space, Wall
from calibration.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from calibration.subject import SubjectState

LEVEL = "L1"
UPPER = "L2"


def ground(elevation_m: float = 0.0, name: str = LEVEL) -> Level:
    """A level without an outline."""
    return Level(name, name, round(elevation_m / 3.5), elevation_m, box(0, 0, 1, 1))


def room(name: str, bounds: tuple[float, float, float, float], level: str = LEVEL) -> Space:
    """A rectangular classroom."""
    return Space(name, name.title(), "classroom", level, box(*bounds))


def door(name: str, *ends: tuple[float, float], locked: bool = False) -> Opening:
    """A door of the ground level between two points."""
    return Opening(name, "", LEVEL, LineString(ends), locked=locked)


def long_corridor(length_m: float = 120.0) -> FloorPlan:
    """A closed corridor of 3 m along x."""
    space = Space("corridor", "Corridor", "walkway", LEVEL, box(0, 0, length_m, 3))
    return FloorPlan([ground()], [space])


def two_rooms(*doors: Opening, entrances: Sequence[Entrance] = ()) -> FloorPlan:
    """Rooms of 6 m by 6 m side by side, west and east, joined by the given doors."""
    rooms = [room("west", (0, 0, 6, 6)), room("east", (6, 0, 12, 6))]
    return FloorPlan([ground()], rooms, doors, entrances)


def two_storeys(category: str = "stairs") -> FloorPlan:
    """A hall of 10 m and a stair (or lift) beside it, on two levels 3.5 m apart."""
    spaces, openings = [], []
    for level in (LEVEL, UPPER):
        spaces += [
            room(f"hall-{level}", (0, 0, 10, 4), level),
            Space(f"stair-{level}", "Stair", category, level, box(10, 0, 14, 4)),
        ]
        openings.append(Opening(f"to-{level}", "", level, LineString([(10, 1), (10, 3)]), "open"))
    return FloorPlan([ground(), ground(3.5, UPPER)], spaces, openings)


def lost(
    at_m: tuple[float, float],
    velocity_mps: tuple[float, float] = (0.0, 0.0),
    *,
    seen_at_s: float = 0.0,
    name: str = "S1",
    level: str = LEVEL,
    sigma_m: float = 0.2,
    in_view: bool = False,
    cameras: tuple[str, ...] = (),
    born_s: float | None = None,
) -> SubjectState:
    """A subject that was last seen at a place, first five seconds before."""
    xy_m = np.array(at_m, np.float64)
    subject = Subject.born(0, level, seen_at_s, xy_m, np.eye(2) * sigma_m**2)
    subject.note("x", seen_at_s)
    mean = np.array([*at_m, *velocity_mps], np.float64)
    state = subject.state(in_view=in_view, at_s=seen_at_s, mean=mean, cov=subject.cov)
    born = seen_at_s - 5.0 if born_s is None else born_s
    return replace(state, id=name, cameras=cameras, born_s=born)


@st.composite
def random_plans(draw: st.DrawFn, *, closed: bool = False) -> FloorPlan:
    """A row of rooms of one depth, some joined by doors, some with a table or an inner wall.

    Args:
        draw: given by hypothesis.
        closed: the last room has no door at all.
    """
    widths_m = draw(
        st.lists(st.floats(1.2, 7.0).map(lambda x: round(x, 2)), min_size=2, max_size=4)
    )
    depth_m = round(draw(st.floats(1.5, 8.0)), 2)
    starts_m = [0.0, *np.cumsum(widths_m).round(2).tolist()]
    rooms, doors, fixtures, walls = [], [], [], []
    for i, (left, right) in enumerate(itertools.pairwise(starts_m)):
        rooms.append(room(f"room-{i}", (left, 0, right, depth_m)))
        last = i == len(widths_m) - 1
        if i and not (closed and last):
            at_m, wide_m = draw(st.floats(0.1, depth_m - 1.1)), draw(st.floats(0.6, 1.0))
            locked = draw(st.booleans())
            doors.append(door(f"door-{i}", (left, at_m), (left, at_m + wide_m), locked=locked))
        if right - left > 3 and draw(st.booleans()):
            table = box(left + 1.1, 0.6, left + 1.9, min(1.4, depth_m - 0.1))
            fixtures.append(Fixture(f"table-{i}", "table", LEVEL, table, 0.75))
        if right - left > 4 and draw(st.booleans()):
            line = LineString([(left + 2.3, depth_m / 2), (left + 2.3, depth_m)])
            walls.append(Wall(f"wall-{i}", LEVEL, line))
    return FloorPlan([ground()], rooms, doors, (), fixtures, walls)
