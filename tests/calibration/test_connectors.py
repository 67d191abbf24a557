"""Which units of neighbouring levels stairs and lifts join, and how far and how long they are."""

from __future__ import annotations

import math

import pytest
from shapely import LineString, Point, Polygon, box

from calibration.connectors import (
    LIFT_DOORS_S,
    LIFT_WAIT_S,
    STAIRS_MPS,
    Connector,
    plan_connectors,
)
from calibration.floor_plan import FloorPlan, Level, Space, Wall
from calibration.plan_rules import check_plan

STAIR = box(10, 0, 13, 6)
RISE_M = 3.5


def unit(
    name: str, level: str, area: Polygon = STAIR, category: str = "stairs", *connects: str
) -> Space:
    return Space(name, name, category, level, area, connects)


def storeys(*units: Space, walls: tuple[Wall, ...] = ()) -> FloorPlan:
    """Levels G, 1 and 2, each with a hall beside what is given."""
    halls = [unit(f"hall-{level}", level, box(0, 0, 10, 6), "lobby") for level in ("G", "1", "2")]
    levels = [
        Level("G", "Ground floor", 0, 0.0, Polygon()),
        Level("1", "First floor", 1, RISE_M, Polygon()),
        Level("2", "Second floor", 2, 2 * RISE_M, Polygon()),
    ]
    return FloorPlan(levels, [*halls, *units], walls=walls)


def joined(plan: FloorPlan) -> list[tuple[str, str, str]]:
    return [(c.lower.id, c.upper.id, c.kind) for c in plan_connectors(plan)]


@pytest.mark.parametrize(
    ("units", "ways"),
    [
        pytest.param([unit("a", "G"), unit("b", "1")], [("a", "b", "stairs")], id="one flight"),
        pytest.param(
            [unit("a", "G"), unit("b", "1"), unit("c", "2")],
            [("a", "b", "stairs"), ("b", "c", "stairs")],
            id="stairs lead one storey at a time",
        ),
        pytest.param(
            [unit(name, name[-1], category="elevator") for name in ("lift-G", "lift-1", "lift-2")],
            [
                ("lift-G", "lift-1", "lift"),
                ("lift-G", "lift-2", "lift"),
                ("lift-1", "lift-2", "lift"),
            ],
            id="a lift joins all its levels directly",
        ),
        pytest.param(
            [unit("a", "G", category="elevator"), unit("b", "2", category="elevator")],
            [("a", "b", "lift")],
            id="a lift that does not stop between",
        ),
        pytest.param([unit("a", "G"), unit("b", "2")], [], id="stairs jump no storey"),
        pytest.param(
            [unit("a", "G"), unit("b", "1", category="elevator")], [], id="a lift over a stair"
        ),
        pytest.param(
            [unit("a", "G"), unit("b", "1", box(12.8, 0, 16, 6))],
            [],
            id="neighbours drawn a hand too wide are not over each other",
        ),
        pytest.param(
            [unit("a", "G", STAIR, "stairs", "b"), unit("b", "1", box(20, 0, 23, 6))],
            [("a", "b", "stairs")],
            id="joined by name, beside each other",
        ),
        pytest.param(
            [unit("a", "G"), unit("b", "1", box(20, 0, 23, 6), "stairs", "a")],
            [("a", "b", "stairs")],
            id="named from above",
        ),
        pytest.param(
            [unit("a", "G", STAIR, "stairs", "b"), unit("b", "1", STAIR, "stairs", "a")],
            [("a", "b", "stairs")],
            id="named and over each other: once",
        ),
        pytest.param(
            [unit("a", "G", box(20, 0, 22, 2), "elevator", "hall-2")],
            [("a", "hall-2", "lift")],
            id="a lift that opens into a hall",
        ),
        pytest.param([unit("a", "G", STAIR, "stairs", "nowhere")], [], id="an unknown name"),
        pytest.param([unit("a", "G"), unit("b", "G", box(10, 0, 13, 6))], [], id="same level"),
    ],
)
def test_what_joins_what(units: list[Space], ways: list[tuple[str, str, str]]) -> None:
    assert joined(storeys(*units)) == ways


def only(plan: FloorPlan) -> Connector:
    (found,) = plan_connectors(plan)
    return found


def test_a_flight_is_as_long_as_its_slope() -> None:
    stairs = only(storeys(unit("a", "G"), unit("b", "1")))

    assert stairs.rise_m == RISE_M
    assert stairs.length_m == pytest.approx(RISE_M * math.hypot(11, 7) / 7)
    assert stairs.seconds == pytest.approx(stairs.length_m / STAIRS_MPS)
    assert stairs.lower_xy_m == stairs.upper_xy_m == (11.5, 3.0)


def test_a_ramp_is_twelve_times_as_long_as_it_is_high() -> None:
    ramp = only(storeys(unit("a", "G", category="ramp"), unit("b", "1", category="ramp")))

    assert ramp.length_m == pytest.approx(RISE_M * math.hypot(12, 1))


def test_a_lift_is_short_in_metres_and_long_in_seconds() -> None:
    lift = only(storeys(unit("a", "G", category="elevator"), unit("b", "2", category="elevator")))

    assert lift.length_m < 3
    assert lift.seconds == LIFT_WAIT_S + LIFT_DOORS_S + 2 * RISE_M
    assert lift.least_seconds(5.0) == LIFT_DOORS_S / 2 + 2 * RISE_M
    assert lift.least_seconds(1.0) == lift.least_seconds(5.0)


def test_running_makes_stairs_quicker_not_quicker_than_the_level() -> None:
    stairs = only(storeys(unit("a", "G"), unit("b", "1")))

    assert stairs.least_seconds(2.0) == pytest.approx(2.5 * stairs.least_seconds(5.0))
    assert stairs.least_seconds(5.0) > stairs.length_m / 5.0


def test_named_stairs_are_at_least_as_long_as_they_reach() -> None:
    far = storeys(unit("a", "G", STAIR, "stairs", "b"), unit("b", "1", box(40, 0, 43, 6)))

    assert only(far).length_m == pytest.approx(math.hypot(30, RISE_M))


def test_the_middle_lies_on_floor_that_can_be_walked_on() -> None:
    handrail = Wall("rail", "G", LineString([(11.5, 1), (11.5, 5)]))
    plan = storeys(unit("a", "G"), unit("b", "1"), walls=(handrail,))

    found = only(plan)

    assert Point(found.lower_xy_m).distance(handrail.line) >= 0.09
    assert STAIR.covers(Point(found.lower_xy_m))
    assert found.upper_xy_m == (11.5, 3.0)


def test_levels_without_elevations_are_a_storey_apart() -> None:
    levels = [Level("G", "G", 0, 0.0, Polygon()), Level("1", "1", 1, 0.0, Polygon())]

    assert only(FloorPlan(levels, [unit("a", "G"), unit("b", "1")])).rise_m == RISE_M


@pytest.mark.parametrize(
    ("units", "severity", "field", "words"),
    [
        pytest.param(
            [unit("a", "G", STAIR, "stairs", "attic"), unit("b", "1")],
            "error",
            "feature 'a'.properties.connects",
            "'attic' is no unit of this plan",
            id="unknown unit",
        ),
        pytest.param(
            [unit("a", "G", STAIR, "stairs", "hall-G"), unit("b", "1")],
            "error",
            "feature 'a'.properties.connects",
            "lies on the same storey",
            id="same storey",
        ),
        pytest.param(
            [unit("a", "G", STAIR, "office", "hall-1")],
            "error",
            "feature 'a'.properties.connects",
            "only stairs and lifts lead to other levels, not 'office'",
            id="a room leads nowhere",
        ),
        pytest.param(
            [unit("a", "G")], "warning", "feature 'a'", "leads to no other level", id="dead end"
        ),
    ],
)
def test_what_is_wrong_is_told(units: list[Space], severity: str, field: str, words: str) -> None:
    problems = check_plan(storeys(*units), "plan")
    told = [p for p in problems if p.field == field]

    assert [p.severity for p in told] == [severity]
    assert words in told[0].message


def test_sound_stairs_are_no_problem() -> None:
    problems = check_plan(storeys(unit("a", "G"), unit("b", "1")), "plan")

    assert not [p for p in problems if "'a'" in p.field or "'b'" in p.field]
