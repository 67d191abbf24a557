from __future__ import annotations

import numpy as np
import pytest
import shapely
from shapely import LineString, MultiLineString, Point, Polygon, box

from calibration.errors import UnknownLevel
from calibration.floor_plan import Entrance, Fixture, FloorPlan, Level, Opening, Space, Wall

GROUND = Level("L1", "Ground", 0, 0.0, Polygon())
UPSTAIRS = Level("L2", "Upstairs", 1, 3.5, Polygon())


def space(name: str, area: Polygon, level: str = "L1", category: str = "room") -> Space:
    return Space(name, name.title(), category, level, area)


PLAN = FloorPlan(
    levels=[GROUND, UPSTAIRS],
    spaces=[
        space("a", box(0, 0, 8, 6)),
        space("b", box(8, 0, 16, 6)),
        space("shaft", box(16, 0, 18, 6), category="opentobelow"),
        space("c", box(0, 0, 8, 6), level="L2"),
    ],
    openings=[Opening("o", "", "L1", LineString([(8, 2), (8, 3)]))],
    entrances=[Entrance("d", "1", "West", "L1", LineString([(0, 2), (0, 4)]))],
    fixtures=[Fixture("f", "desk", "L1", box(10, 1, 12, 2))],
    walls=[Wall("w", "L1", LineString([(4, 0), (4, 3)]))],
)


@pytest.mark.parametrize(
    ("level", "xy_m", "name"),
    [
        pytest.param("L1", (1.0, 1.0), "a", id="inside"),
        pytest.param("L1", (11.0, 1.5), "b", id="furniture belongs to its room"),
        pytest.param("L1", (8.0, 5.0), "a", id="on a shared wall: the first of the file"),
        pytest.param("L1", (0.0, 0.0), "a", id="on a corner"),
        pytest.param("L1", (-0.1, 1.0), None, id="outside"),
        pytest.param("L2", (1.0, 1.0), "c", id="the level counts"),
        pytest.param("L2", (9.0, 1.0), None, id="other levels do not"),
    ],
)
def test_space_at(level: str, xy_m: tuple[float, float], name: str | None) -> None:
    (found,) = PLAN.space_at(level, np.array([xy_m]))

    assert (found.id if found else None) == name


def test_space_at_many_points() -> None:
    xy_m = np.array([[1.0, 1.0], [-5.0, 0.0], [9.0, 1.0], [1.0, 2.0]])

    assert [s.id if s else None for s in PLAN.space_at("L1", xy_m)] == ["a", None, "b", "a"]
    assert PLAN.space_at("L1", np.zeros((0, 2))) == []


@pytest.mark.parametrize(("within_m", "name"), [(0.0, None), (0.2, None), (0.4, "a")])
def test_space_at_takes_the_nearest_within_reach(within_m: float, name: str | None) -> None:
    (found,) = PLAN.space_at("L1", np.array([[-0.3, 1.0]]), within_m=within_m)

    assert (found.id if found else None) == name


@pytest.mark.parametrize(
    ("line", "closed"),
    [
        pytest.param([(7, 1), (9, 1)], True, id="wall between the rooms"),
        pytest.param([(7, 2.5), (9, 2.5)], False, id="through the door"),
        pytest.param([(7, 2.05), (9, 2.05)], False, id="close to the jamb"),
        pytest.param([(7, 1.95), (9, 1.95)], True, id="just beside the door"),
        pytest.param([(-1, 3), (1, 3)], False, id="through the entrance"),
        pytest.param([(-1, 1), (1, 1)], True, id="outer wall"),
        pytest.param([(3, 1), (5, 1)], True, id="interior wall"),
        pytest.param([(3, 4), (5, 4)], False, id="beside the interior wall"),
    ],
)
def test_walls_have_gaps_where_doors_are(line: list[tuple[float, float]], closed: bool) -> None:
    assert PLAN.walls("L1").intersects(LineString(line)) is closed


def test_walls_that_meet_a_jamb_keep_their_end() -> None:
    plan = FloorPlan(
        [GROUND],
        [
            space("hall", box(0, 0, 10, 3)),
            space("a", box(0, 3, 5, 6)),
            space("b", box(5, 3, 10, 6)),
        ],
        [Opening("o", "", "L1", LineString([(5, 3), (8, 3)]))],
    )

    walls = plan.walls("L1")

    assert isinstance(walls, MultiLineString)
    assert walls.intersects(LineString([(4.9, 3.02), (5.1, 3.02)]))
    # Everything but the gap is still there.
    outlines, shared, gap = 26 + 16 + 16, 10 + 3, 3
    assert walls.length == pytest.approx(outlines - shared - gap, abs=0.01)


@pytest.mark.parametrize(
    ("xy_m", "free"),
    [
        pytest.param((1.0, 1.0), True, id="floor"),
        pytest.param((8.0, 1.0), True, id="walls are lines, not areas"),
        pytest.param((11.0, 1.5), False, id="furniture"),
        pytest.param((17.0, 1.0), False, id="open to below"),
        pytest.param((-1.0, 1.0), False, id="outside"),
    ],
)
def test_walkable(xy_m: tuple[float, float], free: bool) -> None:
    assert PLAN.walkable("L1").contains(Point(xy_m)) is free


def test_hairline_gaps_between_units_are_floor() -> None:
    plan = FloorPlan([GROUND], [space("a", box(0, 0, 4, 4)), space("b", box(4.005, 0, 8, 4))])

    assert plan.footprint("L1").geom_type == "Polygon"
    assert plan.footprint("L1").area == pytest.approx(32, abs=0.01)


@pytest.mark.parametrize(
    ("entrance", "label"),
    [
        (Entrance("d", "4", "East", "L1", LineString()), "Door 4 (East)"),
        (Entrance("d", "4", "", "L1", LineString()), "Door 4"),
        (Entrance("d", "", "East", "L1", LineString()), "East"),
        (Entrance("d", "", "", "L1", LineString()), "d"),
    ],
)
def test_how_people_call_an_entrance(entrance: Entrance, label: str) -> None:
    assert entrance.label == label


def test_unknown_level() -> None:
    for ask in (PLAN.walls, PLAN.walkable, PLAN.spaces_on, PLAN.level, PLAN.footprint):
        with pytest.raises(UnknownLevel, match="unknown level 'roof'; the plan has L1, L2"):
            ask("roof")
    with pytest.raises(KeyError):
        PLAN.space_at("roof", np.zeros((1, 2)))


def test_levels_and_spaces_by_id() -> None:
    assert PLAN.level("L2") is UPSTAIRS
    assert PLAN.space("b").name == "B"
    with pytest.raises(KeyError):
        PLAN.space("z")


def test_a_level_without_spaces_is_empty() -> None:
    plan = FloorPlan([GROUND], [])

    assert plan.walls("L1").is_empty
    assert plan.walkable("L1").is_empty
    assert plan.space_at("L1", np.zeros((1, 2)), within_m=5.0) == [None]
    assert shapely.is_empty(plan.footprint("L1"))
