from __future__ import annotations

import numpy as np
import pytest
from shapely import LineString, box

from calibration.floor_plan import Entrance, FloorPlan, Opening, Space
from calibration.search_aim import ways_ahead
from calibration.walk_grid import WalkGrid
from calibration.walk_steps import NO_CELL

from .search_plans import LEVEL, ground, long_corridor, two_rooms

EAST, NORTH, WEST, SOUTH = 0, 2, 4, 6


def corridor(*, locked: bool = False, entrance: bool = False) -> WalkGrid:
    """A corridor of 20 m with a room at its east end, and perhaps an entrance in the west."""
    spaces = [
        Space("corridor", "Corridor", "walkway", LEVEL, box(0, 0, 20, 3)),
        Space("room", "Room", "classroom", LEVEL, box(20, 0, 26, 3)),
    ]
    door = Opening("door", "", LEVEL, LineString([(20, 1), (20, 2)]), locked=locked)
    way_out = Entrance("west", "1", "West", LEVEL, LineString([(0, 1), (0, 2)]))
    return WalkGrid.of(FloorPlan([ground()], spaces, [door], [way_out] if entrance else []))


def onward(grid: WalkGrid, at_m: tuple[float, float], heading: int) -> int:
    """Where somebody who walks in a heading at a place goes on, or -1."""
    cell = int(grid.cells_at(LEVEL, np.array([at_m]))[0])
    return int(ways_ahead(grid)[heading, cell])


@pytest.mark.parametrize(
    ("at_m", "heading", "goes_on", "what"),
    [
        ((18.25, 1.25), EAST, EAST, "who walks towards a corridor's end goes through its door"),
        ((19.75, 1.25), EAST, EAST, "at the door, too"),
        ((18.25, 1.25), WEST, NO_CELL, "who walks away from it does not"),
        ((18.25, 1.25), NORTH, NO_CELL, "nor does who walks across"),
        ((19.75, 1.25), WEST, NO_CELL, "nor who turns round at the door"),
        ((16.25, 1.25), EAST, NO_CELL, "who is farther away is not yet there"),
        ((10.25, 1.25), EAST, NO_CELL, "in the middle of a corridor there is no way out"),
        ((22.25, 1.25), WEST, NO_CELL, "in rooms `door_headings` has its own rule"),
    ],
)  # fmt: skip
def test_who_walks_towards_a_way_out(
    at_m: tuple[float, float], heading: int, goes_on: int, what: str
) -> None:
    assert onward(corridor(), at_m, heading) == goes_on, what


def test_a_door_aside_leads_there_by_its_own_way() -> None:
    """Half a metre north of the door's axis, 45 degrees aside is still ahead."""
    grid = corridor()
    towards = onward(grid, (18.75, 2.75), 7)
    assert towards in {EAST, 7, SOUTH}
    assert onward(grid, (18.75, 2.75), NORTH) == NO_CELL


def test_locked_doors_are_no_way_out_and_entrances_are_one() -> None:
    assert onward(corridor(locked=True), (18.25, 1.25), EAST) == NO_CELL
    assert onward(corridor(), (1.75, 1.25), WEST) == NO_CELL
    assert onward(corridor(entrance=True), (1.75, 1.25), WEST) == WEST


@pytest.mark.parametrize("plan", [long_corridor(10.0), two_rooms()], ids=["closed", "rooms only"])
def test_where_nothing_leads_out(plan: FloorPlan) -> None:
    grid = WalkGrid.of(plan)
    ahead = ways_ahead(grid)
    assert ahead.shape == (8, len(grid) + 1)
    assert (ahead == NO_CELL).all()


def test_every_way_on_is_a_step_that_exists() -> None:
    grid = corridor(entrance=True)
    heading, cell = np.nonzero(ways_ahead(grid) != NO_CELL)
    step = ways_ahead(grid)[heading, cell]
    assert len(cell)
    assert (grid.neighbour[step, cell] != NO_CELL).all()
