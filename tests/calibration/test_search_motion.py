from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from shapely import LineString, box

from calibration.connectors import plan_connectors
from calibration.floor_plan import Entrance, FloorPlan, Space
from calibration.search_aim import aiming, door_headings, side_corridors
from calibration.search_motion import (
    HIDDEN,
    MODES,
    MOVING,
    RUN,
    STILL,
    STROLL,
    STROLL_MPS,
    TICK_S,
    WALK,
    Motion,
    mode_mixing,
)
from calibration.search_start import mode_shares, starting_mass
from calibration.walk_grid import WALK_MPS, WalkGrid
from calibration.walk_steps import LOCKED, NO_CELL

from .search_plans import (
    LEVEL,
    UPPER,
    door,
    long_corridor,
    lost,
    random_plans,
    room,
    two_rooms,
    two_storeys,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

FASTEST_MPS = 5.8
"""A run of 4 m/s and what a tick's whole steps add to it."""


def placed(grid: WalkGrid, at_m: tuple[float, float], *, mode: int = STILL) -> NDArray[np.float32]:
    """All mass of one subject in the cell at a place, in one mode."""
    mass = np.zeros((MODES, len(grid) + 1, 1), np.float32)
    mass[mode, grid.cells_at(LEVEL, np.array([at_m]))[0]] = 1.0
    return mass


def after(motion: Motion, mass: NDArray[np.float32], seconds: float) -> NDArray[np.float32]:
    for _ in range(round(seconds / TICK_S)):
        mass = motion.advance(mass)
    return mass


def shares(mass: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probability by cell of the first subject, the last is outside."""
    return np.asarray(mass[:, :, 0].sum(axis=0))


def in_space(grid: WalkGrid, mass: NDArray[np.float32], name: str) -> float:
    number = [space.id for space in grid.plan.spaces].index(name)
    return float(shares(mass)[:-1][grid.space == number].sum())


def test_modes_exchange_without_loss() -> None:
    mixing = mode_mixing()
    np.testing.assert_allclose(mixing.sum(axis=0), 1.0, atol=1e-6)
    assert (mixing >= 0).all()
    east, north_east, south_east, west = WALK.start, WALK.start + 1, WALK.start + 7, WALK.start + 4
    assert mixing[north_east, east] == pytest.approx(mixing[south_east, east])
    assert mixing[north_east, east] > mixing[west, east] > 0


@settings(max_examples=25, deadline=None)
@given(plan=random_plans(), seed=st.integers(0, 2**16))
def test_movement_keeps_all_mass(plan: FloorPlan, seed: int) -> None:
    grid = WalkGrid.of(plan)
    motion = Motion.on(grid)
    np.testing.assert_allclose(motion.transport.sum(axis=0), 1.0, atol=1e-5)
    mass = np.random.default_rng(seed).random((MODES, len(grid) + 1, 3)).astype(np.float32)
    before = mass.sum(axis=(0, 1))
    moved = after(motion, mass, 10.0)
    np.testing.assert_allclose(moved.sum(axis=(0, 1)), before, rtol=1e-4)
    assert (moved >= 0).all()


@settings(max_examples=25, deadline=None)
@given(plan=random_plans(closed=True), cell_m=st.sampled_from([0.3, 0.5, 1.0]))
def test_no_mass_passes_a_wall(plan: FloorPlan, cell_m: float) -> None:
    grid = WalkGrid.of(plan, cell_m)
    motion = Motion.on(grid)
    last = len(plan.spaces) - 1
    mass = np.zeros((MODES, len(grid) + 1, 1), np.float32)
    mass[:, np.flatnonzero(grid.space == last), 0] = 1.0
    moved = after(motion, mass / mass.sum(), 30.0)
    assert in_space(grid, moved, plan.spaces[-1].id) == pytest.approx(1.0, abs=1e-4)
    assert shares(moved)[:-1][grid.space != last].sum() == 0.0


@settings(max_examples=25, deadline=None)
@given(plan=random_plans(), cell_m=st.sampled_from([0.3, 0.5, 1.0]), ticks=st.integers(1, 8))
def test_no_front_is_faster_than_a_run(plan: FloorPlan, cell_m: float, ticks: int) -> None:
    grid = WalkGrid.of(plan, cell_m)
    start = int(np.flatnonzero(grid.space == 0)[0])
    mass = np.zeros((MODES, len(grid) + 1, 1), np.float32)
    mass[:, start] = 1.0 / MODES
    reached = shares(after(Motion.on(grid), mass, ticks * TICK_S))[:-1] > 0
    away_m = geodesic_m(grid, start)
    assert away_m[reached].max() <= FASTEST_MPS * ticks * TICK_S + 2 * cell_m


def geodesic_m(grid: WalkGrid, start: int) -> NDArray[np.float64]:
    """Walking metres from a cell to all others along the steps of the grid."""
    heading, cell = np.nonzero(grid.neighbour >= 0)
    target = grid.neighbour[heading, cell]
    length_m = np.linalg.norm(grid.xy_m[target] - grid.xy_m[cell], axis=1)
    graph = csr_array((length_m, (cell, target)), shape=(len(grid), len(grid)))
    return np.asarray(dijkstra(graph, indices=np.array([start]))[0])


@pytest.mark.parametrize("cell_m", [0.3, 0.5, 0.7, 1.0])
@pytest.mark.parametrize("seconds", [4.0, 10.0])
def test_who_walks_gets_on_at_walking_pace(cell_m: float, seconds: float) -> None:
    grid = WalkGrid.of(long_corridor(), cell_m)
    start_m = (30.0, 1.4)
    moved = after(Motion.on(grid), placed(grid, start_m, mode=WALK.start), seconds)
    order = np.argsort(grid.xy_m[:, 0], kind="stable")
    held = np.cumsum(shares(moved)[:-1][order])
    median_m, far_m = (grid.xy_m[order[np.searchsorted(held, q)], 0] for q in (0.5, 0.97))
    walked_m = median_m - start_m[0]
    assert STROLL_MPS * seconds < walked_m < WALK_MPS * seconds + cell_m
    assert far_m - start_m[0] > WALK_MPS * seconds


def test_a_front_does_not_slow_down() -> None:
    grid = WalkGrid.of(long_corridor(240.0))
    motion = Motion.on(grid)
    reach_m = []
    mass = placed(grid, (20.0, 1.4), mode=WALK.start)
    for _ in range(4):
        mass = after(motion, mass, 10.0)
        held = np.cumsum(shares(mass)[:-1][np.argsort(grid.xy_m[:, 0], kind="stable")])
        place = np.sort(grid.xy_m[:, 0])[np.searchsorted(held, 0.9)]
        reach_m.append(place - 20.0)
    gained_m = np.diff([0.0, *reach_m])
    assert (gained_m > 0.6 * gained_m[0]).all(), gained_m


def test_diagonal_ways_are_as_fast_as_straight_ones() -> None:
    plan = FloorPlan(long_corridor().levels, [room("field", (0, 0, 60, 60))])
    grid = WalkGrid.of(plan)
    motion = Motion.on(grid)
    pace = []
    for mode in (WALK.start, WALK.start + 1):
        moved = shares(after(motion, placed(grid, (20.0, 20.0), mode=mode), 8.0))[:-1]
        pace.append(np.linalg.norm(np.average(grid.xy_m, axis=0, weights=moved) - 20.0) / 8.0)
    assert pace[0] == pytest.approx(pace[1], rel=0.1)


def test_walls_turn_and_do_not_stop() -> None:
    grid = WalkGrid.of(long_corridor(20.0))
    moved = after(Motion.on(grid), placed(grid, (18.0, 1.4), mode=WALK.start), 8.0)
    assert moved[MOVING].sum() > 0.65
    assert (shares(moved)[:-1] @ grid.xy_m[:, 0]) < 18.0


def test_an_oblique_walker_slides_along_the_wall() -> None:
    grid = WalkGrid.of(long_corridor(60.0))
    moved = after(Motion.on(grid), placed(grid, (10.0, 2.8), mode=WALK.start + 1), 4.0)
    assert shares(moved)[:-1] @ grid.xy_m[:, 0] > 10.0 + 0.7 * WALK_MPS * 4.0


def test_nobody_keeps_to_the_walls_of_a_corridor() -> None:
    grid = WalkGrid.of(long_corridor(60.0))
    mass = placed(grid, (30.0, 2.8), mode=WALK.start + 1)
    held = shares(after(Motion.on(grid), mass, 20.0))[:-1]
    beside = (grid.xy_m[:, 1] < 0.5) | (grid.xy_m[:, 1] > 2.5)
    assert 0.1 < held[beside].sum() < 1.1 * beside.mean()


def test_some_turn_into_the_corridor_at_their_side() -> None:
    arms = [(0, 0), (40, 0), (40, 3), (22, 3), (22, 30), (19, 30), (19, 3), (0, 3)]
    crossing = Space("arms", "Arms", "walkway", LEVEL, shapely.Polygon(arms))
    grid = WalkGrid.of(FloorPlan(long_corridor().levels, [crossing]))
    opens = side_corridors(grid)
    at_corner, before = grid.cells_at(LEVEL, np.array([[19.3, 1.3], [16.0, 1.3]]))
    east, west, north = 0, 4, 2
    assert opens[2][east, at_corner]
    assert not opens[2][east, before]
    assert not opens[6][:, at_corner].any()
    assert not opens[2][north].any()
    assert opens[6][west, grid.cells_at(LEVEL, np.array([[21.7, 1.3]]))[0]]
    moved = shares(after(Motion.on(grid), placed(grid, (12.0, 1.3), mode=WALK.start), 12.0))[:-1]
    assert 0.15 < moved[grid.xy_m[:, 1] > 3].sum() < 0.5


@pytest.mark.parametrize("locked", [False, True])
def test_some_who_pass_a_door_go_in(locked: bool) -> None:
    corridor = Space("corridor", "Corridor", "walkway", LEVEL, box(0, 0, 40, 3))
    way_in = door("d", (19, 3), (20, 3), locked=locked)
    plan = FloorPlan(long_corridor().levels, [corridor, room("side", (15, 3, 25, 9))], [way_in])
    grid = WalkGrid.of(plan)
    moved = after(Motion.on(grid), placed(grid, (12.0, 1.3), mode=WALK.start), 10.0)
    went_in = in_space(grid, moved, "side")
    assert went_in < 0.01 if locked else 0.04 < went_in < 0.3


def test_a_locked_door_is_slower_than_an_open_one() -> None:
    held = []
    for locked in (False, True):
        grid = WalkGrid.of(two_rooms(door("d", (6, 2), (6, 3), locked=locked)))
        moved = after(Motion.on(grid), placed(grid, (3.0, 3.0), mode=WALK.start), 20.0)
        held.append(in_space(grid, moved, "east"))
    assert 0 < held[1] < held[0] / 4


def test_out_of_an_entrance_and_not_back() -> None:
    entrance = Entrance("e", "1", "", LEVEL, LineString([(0, 2), (0, 4)]))
    grid = WalkGrid.of(two_rooms(entrances=[entrance]))
    motion = Motion.on(grid)
    mass = placed(grid, (3.0, 3.0), mode=WALK.start + 4)
    left = []
    for _ in range(6):
        mass = after(motion, mass, 10.0)
        left.append(float(shares(mass)[-1]))
    assert 0.05 < left[0] < left[-1] < 1.0
    assert np.all(np.diff(left) > 0)
    assert mass.sum() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("category", ["stairs", "elevator"])
def test_only_stairs_and_lifts_lead_to_another_level(category: str) -> None:
    plan = two_storeys(category)
    grid = WalkGrid.of(plan)
    motion = Motion.on(grid)
    (connector,) = plan_connectors(plan)
    upper = np.append((grid.level == 1) & (np.arange(len(grid)) < grid.floor_cells), [False])
    mass = placed(grid, (9.0, 2.0), mode=RUN.start)
    least_s = connector.seconds * WALK_MPS / FASTEST_MPS
    early = after(motion, mass, TICK_S * np.floor(least_s / TICK_S))
    assert shares(early)[upper].sum() < 1e-6
    late = after(motion, mass, 3 * connector.seconds)
    assert shares(late)[upper].sum() > 0.05
    without = WalkGrid.of(plan, 0.5, connectors=())
    stays = after(Motion.on(without), placed(without, (9.0, 2.0), mode=RUN.start), 120.0)
    assert shares(stays)[:-1][without.level == 1].sum() == 0.0


def test_who_comes_up_the_stairs_has_all_modes_of_the_hall() -> None:
    grid = WalkGrid.of(two_storeys())
    (flight,) = grid.flights
    mass = np.zeros((MODES, len(grid) + 1, 1), np.float32)
    mass[WALK.start, flight.first + flight.count - 1] = 1.0
    moved = after(Motion.on(grid), mass, 6.0)
    hall = in_space(grid, moved, f"hall-{UPPER}") + in_space(grid, moved, f"stair-{UPPER}")
    assert hall > 0.6


def test_rooms_hide_more_than_corridors() -> None:
    hidden = []
    for plan in (two_rooms(), long_corridor(12.0)):
        grid = WalkGrid.of(plan)
        moved = after(Motion.on(grid), placed(grid, (3.0, 1.4)), 30.0)
        hidden.append(float(moved[HIDDEN].sum()))
    assert hidden[0] > 5 * hidden[1] > 0


@pytest.mark.parametrize(
    ("velocity_mps", "still", "walks", "runs", "heading"),
    [
        ((0.0, 0.0), (0.5, 1.0), (0.0, 0.5), (0.0, 0.01), None),
        ((0.8, 0.0), (0.1, 0.35), (0.1, 0.35), (0.0, 0.01), 0),
        ((1.5, 0.0), (0.0, 0.05), (0.85, 1.0), (0.0, 0.01), 0),
        ((-1.1, 1.1), (0.0, 0.05), (0.85, 1.0), (0.0, 0.01), 3),
        ((0.0, -4.0), (0.0, 0.01), (0.0, 0.01), (0.99, 1.0), 6),
    ],
    ids=["stands", "strolls east", "walks east", "walks north-west", "runs south"],
)
def test_a_measured_velocity_as_modes(
    velocity_mps: tuple[float, float],
    still: tuple[float, float],
    walks: tuple[float, float],
    runs: tuple[float, float],
    heading: int | None,
) -> None:
    share = mode_shares(np.array(velocity_mps))
    assert share.sum() == pytest.approx(1.0)
    for value, (low, high) in (
        (share[STILL], still),
        (share[WALK].sum(), walks),
        (share[RUN].sum(), runs),
    ):
        assert low - 1e-9 <= value <= high + 1e-9
    if heading is not None:
        assert int(np.argmax(share[STROLL] + share[WALK] + share[RUN])) == heading


def test_a_map_begins_on_this_side_of_the_wall() -> None:
    grid = WalkGrid.of(two_rooms())
    mass = starting_mass(grid, lost((5.8, 3.0), (1.4, 0.0), sigma_m=0.8), 0.4)[:, :, None]
    assert mass.sum() == pytest.approx(1.0, abs=1e-5)
    assert in_space(grid, mass, "west") == pytest.approx(1.0, abs=1e-5)


def test_a_map_begins_in_the_middle_of_what_was_measured() -> None:
    grid = WalkGrid.of(long_corridor())
    mass = starting_mass(grid, lost((30.2, 1.4), (1.4, 0.0), sigma_m=1.0), 0.4)[:, :, None]
    held = shares(mass)[:-1]
    mean_m = held @ grid.xy_m[:, 0]
    assert mean_m == pytest.approx(30.2 + 0.56, abs=0.1)
    assert np.sqrt(held @ (grid.xy_m[:, 0] - mean_m) ** 2) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(
    ("at_m", "outside"), [((-0.6, 3.0), 0.0), ((3.0, 40.0), 1.0)], ids=["beside", "far away"]
)
def test_a_map_that_begins_off_the_floor(at_m: tuple[float, float], outside: float) -> None:
    entrance = Entrance("e", "1", "", LEVEL, LineString([(0, 2), (0, 4)]))
    grid = WalkGrid.of(two_rooms(entrances=[entrance]))
    mass = starting_mass(grid, lost(at_m, sigma_m=0.05), 0.0)[:, :, None]
    assert shares(mass)[-1] == pytest.approx(outside)


def test_who_walks_in_a_room_finds_its_door_and_keeps_off_locked_ones() -> None:
    grid = WalkGrid.of(
        two_rooms(door("open", (6, 1), (6, 2)), door("shut", (6, 4.5), (6, 5.5), locked=True))
    )
    headings = door_headings(grid)
    west = np.flatnonzero(grid.space == 0)
    at = west
    for _ in range(40):
        inside = at[grid.space[at] == 0]
        assert (grid.passes[headings[inside], inside] != LOCKED).all()
        at = np.where(grid.space[at] == 0, grid.neighbour[headings[at], at], at)
    assert (grid.space[at] == 1).all()
    moved = after(Motion.on(grid), placed(grid, (3.0, 3.0), mode=WALK.start), 10.0)
    assert in_space(grid, moved, "east") > 0.3


def test_nobody_aims_where_no_door_is_open_or_in_a_corridor() -> None:
    shut = WalkGrid.of(two_rooms(door("d", (6, 2), (6, 3), locked=True)))
    assert (door_headings(shut) == NO_CELL).all()
    plan = FloorPlan(
        long_corridor().levels,
        [long_corridor(12.0).spaces[0], room("side", (0, 3, 12, 8))],
        [door("d", (5, 3), (6, 3))],
    )
    grid = WalkGrid.of(plan)
    assert (door_headings(grid)[grid.space == 0] == NO_CELL).all()
    assert (door_headings(grid)[grid.space == 1] != NO_CELL).all()
    np.testing.assert_allclose(aiming(grid, 3, TICK_S).sum(axis=0), 1.0, atol=1e-6)
