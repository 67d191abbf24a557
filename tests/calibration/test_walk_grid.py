from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely import LineString, box

from calibration.connectors import plan_connectors
from calibration.floor_plan import Entrance, Fixture, FloorPlan, Space, Wall
from calibration.walk_grid import WALK_MPS, WalkGrid
from calibration.walk_steps import EXIT, HEADINGS, LOCKED, NO_CELL, OUTSIDE

from .search_plans import LEVEL, UPPER, door, ground, random_plans, room, two_rooms, two_storeys


def parts(grid: WalkGrid) -> tuple[int, np.ndarray]:
    """How many unconnected parts the grid has, and which each cell belongs to."""
    heading, cell = np.nonzero(grid.neighbour >= 0)
    target = grid.neighbour[heading, cell]
    graph = coo_array((np.ones(len(cell)), (cell, target)), shape=(len(grid), len(grid)))
    return connected_components(graph.tocsr(), directed=False)


def ways(grid: WalkGrid) -> np.ndarray:
    """All steps between cells of the floor as lines."""
    heading, cell = np.nonzero(grid.neighbour >= 0)
    target = grid.neighbour[heading, cell]
    floor = (cell < grid.floor_cells) & (target < grid.floor_cells)
    ends_m = np.stack([grid.xy_m[cell[floor]], grid.xy_m[target[floor]]], axis=1)
    return np.asarray(shapely.linestrings(ends_m))


def test_a_room_is_cells_with_eight_steps_each() -> None:
    grid = WalkGrid.of(FloorPlan([ground()], [room("hall", (0, 0, 4, 3))]), 0.5)
    assert len(grid) == 8 * 6
    assert grid.area_m2.sum() == pytest.approx(12.0)
    middle = int(grid.cells_at(LEVEL, np.array([[2.1, 1.6]]))[0])
    offsets_m = grid.xy_m[grid.neighbour[:, middle]] - grid.xy_m[middle]
    np.testing.assert_allclose(offsets_m, 0.5 * HEADINGS)
    assert grid.rasters[0].index.shape == (6, 8)
    assert grid.rasters[0].index[3, 4] == middle
    assert set(grid.space.tolist()) == {0}


def test_the_plan_decides_the_size_of_cells() -> None:
    assert WalkGrid.of(two_rooms()).cell_m == 0.5
    large = FloorPlan([ground()], [room("field", (0, 0, 200, 120))])
    assert WalkGrid.of(large).cell_m == pytest.approx(np.sqrt(24_000 / 40_000), abs=1e-3)
    assert len(WalkGrid.of(large)) == pytest.approx(40_000, rel=0.02)
    assert WalkGrid.of(large) is WalkGrid.of(large)


@pytest.mark.parametrize("cell_m", [0.1, 1.5])
def test_cells_that_are_too_small_or_too_large(cell_m: float) -> None:
    with pytest.raises(ValueError, match=r"cell_m is .*; give 0.3 to 1.0 metres"):
        WalkGrid.of(two_rooms(), cell_m)


@pytest.mark.parametrize("cell_m", [0.3, 0.5, 0.8, 1.0])
@pytest.mark.parametrize(
    ("from_m", "to_m"),
    [(2.0, 3.0), (2.4, 2.9), (2.51, 2.95), (0.05, 0.45), (5.6, 5.99)],
    ids=["usual", "off the cells", "between two rows", "in a corner", "in the other corner"],
)
def test_no_door_is_too_narrow(cell_m: float, from_m: float, to_m: float) -> None:
    grid = WalkGrid.of(two_rooms(door("d", (6, from_m), (6, to_m))), cell_m)
    count, _ = parts(grid)
    assert count == 1


def test_no_step_without_a_door() -> None:
    count, label = parts(WalkGrid.of(two_rooms()))
    assert count == 2
    assert len(set(label)) == 2


def test_a_room_too_thin_for_a_cell_has_one_all_the_same() -> None:
    spaces = [room("hall", (0, 0, 4, 4)), room("closet", (4.0, 1.0, 4.2, 1.2))]
    plan = FloorPlan([ground()], spaces, [door("d", (4, 1.02), (4, 1.18))])
    grid = WalkGrid.of(plan, 1.0)
    assert 1 in grid.space
    assert parts(grid)[0] == 1


def test_a_bent_thin_corridor_stays_in_one_piece() -> None:
    bend = [(0, 0), (0.7, 0), (0.7, 8.4), (8.45, 8.4), (8.45, 0), (9, 0), (9, 9), (0, 9)]
    around = shapely.Polygon(bend)
    space = Space("bend", "Bend", "walkway", LEVEL, around)
    grid = WalkGrid.of(FloorPlan([ground()], [space]), 1.0)
    assert parts(grid)[0] == 1
    assert grid.area_m2.sum() == pytest.approx(around.area, rel=0.4)


def test_locked_doors_are_marked_on_all_their_steps() -> None:
    grid = WalkGrid.of(two_rooms(door("d", (6, 2), (6, 3), locked=True)))
    heading, cell = np.nonzero((grid.neighbour >= 0) & (grid.passes == LOCKED))
    target = grid.neighbour[heading, cell]
    assert len(cell) > 0
    assert (grid.space[cell] != grid.space[target]).all()
    crossing = grid.space[grid.neighbour] != grid.space
    assert (grid.passes[crossing & (grid.neighbour >= 0)] == LOCKED).all()


@pytest.mark.parametrize(("usable", "exits"), [(True, True), (False, False)])
def test_entrances_lead_outside(usable: bool, exits: bool) -> None:
    entrance = Entrance("e", "1", "", LEVEL, LineString([(0, 1), (0, 2)]), usable=usable)
    grid = WalkGrid.of(two_rooms(entrances=[entrance]))
    heading, cell = np.nonzero(grid.neighbour == OUTSIDE)
    assert (len(cell) > 0) == exits
    assert (grid.passes[heading, cell] == EXIT).all()
    assert (grid.xy_m[cell, 0] < 1.0).all()
    assert np.isin(heading, (3, 4, 5)).all()


def test_an_entrance_between_a_room_and_a_yard_is_a_way_between_them() -> None:
    entrance = Entrance("e", "1", "", LEVEL, LineString([(6, 1), (6, 2)]))
    grid = WalkGrid.of(two_rooms(entrances=[entrance]))
    assert not (grid.neighbour == OUTSIDE).any()
    assert parts(grid)[0] == 1


def test_fixtures_are_walked_around() -> None:
    table = box(1.0, 1.0, 3.0, 3.0)
    plan = FloorPlan(
        [ground()], [room("hall", (0, 0, 6, 6))], (), (), [Fixture("t", "table", LEVEL, table, 0.7)]
    )
    grid = WalkGrid.of(plan)
    assert not shapely.contains_xy(table, grid.xy_m).any()
    assert not shapely.crosses(ways(grid), table).any()


def test_places_are_taken_to_cells_on_their_side_of_the_wall() -> None:
    grid = WalkGrid.of(two_rooms(), 1.0)
    near_the_wall = np.array([[5.95, 3.0], [6.05, 3.0], [-4.0, 3.0]])
    cells = grid.cells_at(LEVEL, near_the_wall)
    assert grid.space[cells[:2]].tolist() == [0, 1]
    assert cells[2] == NO_CELL


@pytest.mark.parametrize(("category", "is_lift"), [("stairs", False), ("elevator", True)])
def test_levels_are_joined_by_chains_as_long_as_they_take(category: str, is_lift: bool) -> None:
    plan = two_storeys(category)
    grid = WalkGrid.of(plan)
    (connector,) = plan_connectors(plan)
    (flight,) = grid.flights
    assert flight.is_lift == is_lift
    assert flight.count == round(connector.seconds * WALK_MPS / grid.cell_m)
    chain = np.arange(flight.first, flight.first + flight.count)
    up, down = grid.neighbour[0, chain], grid.neighbour[4, chain]
    np.testing.assert_array_equal(up[:-1], chain[1:])
    np.testing.assert_array_equal(down[1:], chain[:-1])
    assert plan.spaces[grid.space[up[-1]]].id == f"stair-{UPPER}"
    assert plan.spaces[grid.space[down[0]]].id == f"stair-{LEVEL}"
    assert grid.area_m2[chain].sum() == 0.0


def test_a_level_without_floor() -> None:
    plan = FloorPlan([ground(), ground(3.5, UPPER)], [room("hall", (0, 0, 4, 3))])
    grid = WalkGrid.of(plan)
    assert grid.cells_at(UPPER, np.array([[1.0, 1.0]])).tolist() == [NO_CELL]
    assert grid.rasters[1].index.shape == (0, 0)


def test_a_nook_between_a_table_and_a_wall_is_reached_around_the_table() -> None:
    table = Fixture("table", "table", LEVEL, shapely.box(3.85, 0.6, 4.65, 1.4), 0.75)
    wall = Wall("wall", LEVEL, shapely.LineString([(5.05, 0.75), (5.05, 1.5)]))
    plan = FloorPlan([ground()], [room("hall", (2.75, 0, 7.75, 1.5))], (), (), [table], [wall])
    grid = WalkGrid.of(plan, 1.0)
    assert parts(grid)[0] == 1
    assert not shapely.crosses(ways(grid), plan.walls(LEVEL)).any()


@settings(max_examples=40, deadline=None)
@given(plan=random_plans())
def test_every_door_has_a_step_and_no_wall_has(plan: FloorPlan) -> None:
    for cell_m in (0.4, 1.0):
        grid = WalkGrid.of(plan, cell_m)
        assert parts(grid)[0] == 1
        bends = shapely.union_all([opening.line.buffer(0.5) for opening in plan.openings])
        straight = ways(grid)[~shapely.intersects(ways(grid), bends)]
        assert not shapely.crosses(straight, plan.walls(LEVEL)).any()


@settings(max_examples=30, deadline=None)
@given(plan=random_plans(closed=True))
def test_steps_have_a_way_back(plan: FloorPlan) -> None:
    grid = WalkGrid.of(plan)
    heading, cell = np.nonzero(grid.neighbour >= 0)
    target = grid.neighbour[heading, cell]
    back = {(int(a), int(b)) for a, b in zip(target, cell, strict=True)}
    assert all((int(a), int(b)) in back for a, b in zip(cell, target, strict=True))
    closed = grid.space == len(plan.spaces) - 1
    assert not (closed[cell] != closed[target]).any()
