from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.search_area import search_area, smallest_area
from calibration.walk_grid import WalkGrid

from .search_plans import LEVEL, UPPER, door, two_rooms, two_storeys

SHARES = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=30)


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ("share", "area_m2", "part", "chosen"),
    [
        ((0.6, 0.3, 0.1), (1, 1, 1), 0.5, (True, False, False)),
        ((0.6, 0.3, 0.1), (1, 1, 1), 0.9, (True, True, False)),
        ((0.6, 0.3, 0.1), (1, 1, 1), 0.95, (True, True, True)),
        ((0.6, 0.4), (10, 1), 0.39, (False, True)),
        ((0.0, 0.0), (1, 1), 0.95, (False, False)),
        ((0.05, 0.15), (1, 1), 0.5, (False, True)),
    ],
    ids=["one cell", "two", "all", "the denser first", "nothing", "need not sum to one"],
)
def test_the_smallest_area(
    share: tuple[float, ...],
    area_m2: tuple[float, ...],
    part: float,
    chosen: tuple[bool, ...],
) -> None:
    assert smallest_area(column(*share), column(*area_m2), part).tolist() == list(chosen)


@given(SHARES, st.sampled_from([0.5, 0.95]))
def test_no_smaller_area_holds_as_much(values: list[float], part: float) -> None:
    share = column(*values)
    chosen = smallest_area(share, np.ones(len(share), np.float32), part)
    total = share.sum(dtype=np.float64)
    assert share[chosen].sum(dtype=np.float64) >= part * total - 1e-6
    if chosen.sum() > 1:
        smallest = share[chosen].min()
        assert share[chosen].sum(dtype=np.float64) - smallest < part * total + 1e-6


def test_spaces_and_levels_in_words() -> None:
    grid = WalkGrid.of(two_rooms(door("d", (6, 2), (6, 3))))
    share = np.zeros(len(grid) + 1, np.float32)
    west = np.flatnonzero(grid.space == 0)
    east = np.flatnonzero(grid.space == 1)
    share[west] = 0.6 / len(west)
    share[east[:4]] = 0.3 / 4
    share[-1] = 0.1
    area = search_area(grid, share, 7.5)
    assert area.at_s == 7.5
    assert [(s.space, s.name, s.level) for s in area.spaces] == [
        ("west", "West", LEVEL),
        ("east", "East", LEVEL),
    ]
    assert [s.probability for s in area.spaces] == pytest.approx([0.6, 0.3], abs=1e-5)
    assert all(s.in_area95 for s in area.spaces)
    assert area.left_building == pytest.approx(0.1)
    # Half of the 0.9 inside: the four dense cells hold 0.3, a quarter of the west room the rest.
    assert area.area50_m2 == pytest.approx(1.0 + 36.0 / 4, abs=0.3)
    assert area.area95_m2 == pytest.approx(1.0 + 36.0 * (0.95 * 0.9 - 0.3) / 0.6, abs=0.5)
    (level,) = area.levels
    assert (level.level, level.area95_m2) == (LEVEL, area.area95_m2)
    assert level.probability == pytest.approx(0.9, abs=1e-5)


def test_unlikely_spaces_are_left_out_and_likelier_ones_told() -> None:
    grid = WalkGrid.of(two_rooms(door("d", (6, 2), (6, 3))))
    for east, told in ((0.005, 1), (0.02, 2)):
        share = np.zeros(len(grid) + 1, np.float32)
        share[np.flatnonzero(grid.space == 0)[0]] = 1 - east
        share[np.flatnonzero(grid.space == 1)[0]] = east
        area = search_area(grid, share, 0.0)
        assert len(area.spaces) == told
        assert [s.in_area95 for s in area.spaces] == [True, False][:told]


def test_levels_are_told_with_their_areas_and_stairs_have_none() -> None:
    grid = WalkGrid.of(two_storeys())
    (flight,) = grid.flights
    share = np.zeros(len(grid) + 1, np.float32)
    share[np.flatnonzero(grid.level == 1)[0]] = 0.7
    share[flight.first] = 0.3
    area = search_area(grid, share, 0.0)
    assert [level.level for level in area.levels] == [UPPER, LEVEL]
    assert [level.area95_m2 for level in area.levels] == pytest.approx([0.25, 0.0], abs=0.01)
    assert {s.space for s in area.spaces} == {f"hall-{UPPER}", f"stair-{LEVEL}"}


def test_who_has_surely_left() -> None:
    grid = WalkGrid.of(two_rooms())
    share = np.zeros(len(grid) + 1, np.float32)
    share[-1] = 1.0
    area = search_area(grid, share, 0.0)
    assert area.spaces == ()
    assert (area.left_building, area.area50_m2, area.area95_m2) == (1.0, 0.0, 0.0)
