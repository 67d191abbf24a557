"""Doors are numbered as they are met around the building."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, Polygon, box

from calibration.door_numbers import main_entrance_of, numbered_clockwise
from calibration.floor_plan import Entrance, FloorPlan, Level, Space

# an L: the doors south, west, north, inner (in the notch), east
L_SHAPE = Polygon([(0, 0), (20, 0), (20, 8), (8, 8), (8, 20), (0, 20)])
DOORS = {
    "south": [(10, 0), (11, 0)],
    "west": [(0, 10), (0, 12)],
    "north": [(4, 20), (5, 20)],
    "inner": [(12, 8), (13, 8)],
    "east": [(20, 3), (20, 4)],
}
CLOCKWISE = ("south", "west", "north", "inner", "east")


def plan_of(*entrances: Entrance) -> FloorPlan:
    return FloorPlan(
        [Level("L1", "Ground", 0, 0.0, Polygon()), Level("L2", "Up", 1, 3.0, Polygon())],
        [Space("a", "A", "room", "L1", L_SHAPE), Space("b", "B", "room", "L2", box(0, 0, 8, 8))],
        (),
        entrances,
    )


def door(name: str, number: str = "") -> Entrance:
    return Entrance(name, number, name, "L1", LineString(DOORS[name]))


def numbers(plan: FloorPlan) -> dict[str, str]:
    return {entrance.id: entrance.door_number for entrance in plan.entrances}


@given(
    order=st.permutations(list(DOORS)),
    main=st.sampled_from(list(DOORS)),
    backwards=st.lists(st.booleans(), min_size=5, max_size=5),
)
def test_the_order_is_that_around_the_building(
    order: list[str], main: str, backwards: list[bool]
) -> None:
    doors = [
        replace(door(name), line=door(name).line.reverse()) if turn else door(name)
        for name, turn in zip(order, backwards, strict=True)
    ]

    plan, given = numbered_clockwise(plan_of(*doors), door(main))

    first = CLOCKWISE.index(main)
    expected = CLOCKWISE[first:] + CLOCKWISE[:first]
    assert given == 5
    assert sorted(DOORS, key=lambda name: int(numbers(plan)[name])) == list(expected)
    assert sorted(numbers(plan).values()) == ["1", "2", "3", "4", "5"]


def test_numbers_that_doors_have_stay_and_are_not_given_twice() -> None:
    plan, given = numbered_clockwise(
        plan_of(door("south"), door("west", "2"), door("north"), door("east", "7B")), door("south")
    )

    assert given == 2
    assert numbers(plan) == {"south": "1", "west": "2", "north": "3", "east": "7B"}


def test_doors_that_nobody_uses_and_other_floors_get_none() -> None:
    upstairs = Entrance("balcony", "", "", "L2", LineString([(0, 1), (0, 2)]))
    plan, given = numbered_clockwise(
        plan_of(door("south"), replace(door("west"), usable=False), upstairs), door("south")
    )

    assert given == 1
    assert numbers(plan) == {"south": "1", "west": "", "balcony": ""}


@pytest.mark.parametrize(
    ("doors", "main"),
    [
        ((), None),
        ((door("south"), door("west")), "west"),  # the widest
        ((door("south"), replace(door("west"), usable=False)), "south"),
        ((door("south"), door("north")), "south"),  # the first of equals
    ],
)
def test_which_entrance_is_the_main_one(doors: tuple[Entrance, ...], main: str | None) -> None:
    found = main_entrance_of(plan_of(*doors), "L1")

    assert (found.id if found else None) == main
