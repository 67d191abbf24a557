"""Entrances, stairs and lifts: which way leads up, and how it is told."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from shapely import LineString, Polygon, box

from calibration.connectors import plan_connectors
from calibration.entrances import EntranceRoutes
from calibration.floor_plan import Entrance, FloorPlan, Level, Opening, Space

Point = tuple[float, float]


def space(name: str, level: str, area: Polygon, category: str = "walkway") -> Space:
    return Space(f"{name}-{level}", name, category, level, area)


def opening(name: str, level: str, *ends: Point, locked: bool = False) -> Opening:
    return Opening(f"{name}-{level}", name, level, LineString(ends), locked=locked)


def building(
    *, storeys: int = 2, lift: bool = False, stairs: bool = True, locked: bool = False
) -> FloorPlan:
    """A corridor of 40 m on each storey; Stair 2 at its far end, a lift at its beginning.

    Door 1 is at the beginning of the corridor, Door 2 near the stairs; Room 1xx lies beside the
    corridor of the upper storeys, 10 m before the stairs.
    """
    names = ["Ground floor", "First floor", "Second floor"]
    levels = [Level(str(k), names[k], k, 3.5 * k, Polygon()) for k in range(storeys)]
    spaces, openings = [], []
    for level in levels:
        spaces.append(space("Corridor", level.id, box(0, 0, 40, 3)))
        spaces.append(space(f"Room {level.id}04", level.id, box(26, 3, 34, 9), "classroom"))
        openings.append(opening("room", level.id, (29.5, 3), (30.5, 3)))
        if stairs:
            spaces.append(space("Stair 2", level.id, box(40, -1, 43, 4), "stairs"))
            openings.append(opening("stair", level.id, (40, 1), (40, 2), locked=locked))
        if lift:
            spaces.append(space("Lift", level.id, box(4, 3, 6, 5), "elevator"))
            openings.append(opening("lift", level.id, (4.5, 3), (5.5, 3)))
    doors = [
        Entrance("d1", "1", "Main", "0", LineString([(0, 1), (0, 2)])),
        Entrance("d2", "2", "", "0", LineString([(37, 0), (38, 0)])),
    ]
    return FloorPlan(levels, spaces, openings, doors)


ROOM = (30.0, 7.0)


def test_upstairs_is_reached_by_the_stairs() -> None:
    plan = building()
    (stairs,) = plan_connectors(plan)

    first, second = EntranceRoutes(plan).rank("1", ROOM)

    assert [first.door_number, second.door_number] == ["2", "1"]
    assert second.walk_m == pytest.approx(41.5 + stairs.length_m + 11.5 + 4, abs=1.0)
    assert second.steps == (
        "Enter Door 1 (Main)",
        "straight 40 m through Corridor",
        "into Stair 2",
        "up Stair 2 to First floor",
        "straight into Corridor, 10 m",
        "into Room 104 on the right",
        second.steps[-1],
    )
    assert second.steps[-1].startswith("walks into view at 6")
    assert second.why_not.endswith("m longer than Door 2")


def test_the_parts_of_a_route_are_as_long_as_told() -> None:
    plan = building(storeys=3)
    (lower, _) = plan_connectors(plan)

    for option in EntranceRoutes(plan).rank("2", ROOM):
        levels = [level for level, _ in option.route_by_level_m]
        length_m = sum(LineString(part).length for _, part in option.route_by_level_m)

        assert levels == ["0", "1", "2"]
        assert option.route_m == option.route_by_level_m[-1][1]
        assert length_m + 2 * lower.length_m == pytest.approx(option.walk_m)
        assert option.route_m[-1] == ROOM


def test_a_stairwell_that_goes_on_is_one_step() -> None:
    steps = EntranceRoutes(building(storeys=3)).rank("2", ROOM)[0].steps

    assert "up Stair 2 to Second floor" in steps
    assert sum("Stair 2" in step for step in steps) == 2


def test_downstairs() -> None:
    plan = building()
    up = Entrance("d3", "3", "Hill", "1", LineString([(0, 1), (0, 2)]))
    plan = FloorPlan(plan.levels, plan.spaces, plan.openings, [up])

    (option,) = EntranceRoutes(plan).rank("0", ROOM)

    assert "down Stair 2 to Ground floor" in option.steps


def test_officers_take_the_stairs_even_if_the_lift_is_nearer() -> None:
    plan = building(lift=True)
    place = np.array([[5.0, 1.5]])
    routes = EntranceRoutes(plan)

    assert routes.distances_m("1", place)[0, 0] > 80
    assert routes.walks.between_m("0", np.array([0.2, 1.5]), "1", place)[0] < 20


def test_a_lift_is_the_last_resort() -> None:
    (first, _) = EntranceRoutes(building(lift=True, stairs=False)).rank("1", ROOM)

    assert first.door_number == "1"
    assert "by Lift up to First floor" in first.steps


def test_by_lift_only_is_told() -> None:
    """Door 2 stands where the lift is, Door 1 where the stairs are; no way joins them."""
    levels = [Level(str(k), str(k), k, 3.5 * k, Polygon()) for k in range(2)]
    spaces = [
        space("West", "0", box(0, 0, 10, 3)),
        space("East", "0", box(10, 0, 20, 3)),
        space("Upper", "1", box(0, 0, 20, 3)),
    ]
    openings = []
    for level in levels:
        spaces.append(space("Stair", level.id, box(-3, 0, 0, 3), "stairs"))
        spaces.append(space("Lift", level.id, box(20, 0, 22, 3), "elevator"))
        openings.append(opening("stair", level.id, (0, 1), (0, 2)))
        openings.append(opening("lift", level.id, (20, 1), (20, 2)))
    doors = [
        Entrance("d1", "1", "", "0", LineString([(8, 0), (9, 0)])),
        Entrance("d2", "2", "", "0", LineString([(18, 0), (19, 0)])),
    ]

    first, second = EntranceRoutes(FloorPlan(levels, spaces, openings, doors)).rank(
        "1", (15.0, 1.5)
    )

    assert first.door_number == "1"
    assert second.walk_m is not None
    assert first.walk_m is not None
    assert second.walk_m < first.walk_m
    assert second.why_not.endswith("on foot, and only by lift")


def test_a_locked_stair_needs_a_key() -> None:
    routes = EntranceRoutes(building(locked=True))

    distance_m, locked = routes.reach("1", np.array([ROOM]))

    assert np.isfinite(distance_m).all()
    assert locked.all()
    assert "into Stair 2 (locked door)" in routes.rank("1", ROOM)[1].steps


def test_no_stairs_no_way() -> None:
    routes = EntranceRoutes(building(stairs=False))

    assert np.isinf(routes.distances_m("1", np.array([ROOM]))).all()
    assert {option.why_not for option in routes.rank("1", ROOM)} == {
        "on another level (Ground floor)"
    }


def test_entrances_agree_with_walks() -> None:
    plan = building(storeys=3)
    routes = EntranceRoutes(plan)
    rng = np.random.default_rng(4)

    for level in ("0", "1", "2"):
        places_m = rng.uniform((0.5, 0.5), (39.5, 2.5), (20, 2))
        walked_m = routes.walks.between_m("0", np.array([0.06, 1.5]), level, places_m)
        assert routes.distances_m(level, places_m)[:, 0] == pytest.approx(walked_m + 0.06, abs=0.2)


@pytest.mark.parametrize(
    ("doors_x", "target_x", "words"),
    [
        pytest.param([10.0], 10.0, "into Room 0 on the left", id="the only door"),
        pytest.param([10.0, 20.0], 10.0, "into Room 0, first door on the left", id="first of two"),
        pytest.param(
            [10.0, 20.0], 20.0, "into Room 1, second door on the left", id="second of two"
        ),
        pytest.param(
            [4.0, 8.0, 12.0, 30.0], 12.0, "into Room 2, third door on the left", id="third of four"
        ),
    ],
)
def test_doors_are_counted(doors_x: list[float], target_x: float, words: str) -> None:
    edges = [0.0, *((a + b) / 2 for a, b in itertools.pairwise(doors_x)), 40.0]
    spaces = [space("Corridor", "0", box(0, 0, 40, 3)), space("Across", "0", box(0, -6, 40, 0))]
    openings = [opening(f"a{i}", "0", (x, 0), (x + 1, 0)) for i, x in enumerate((5, 15, 25))]
    for i, x in enumerate(doors_x):
        spaces.append(space(f"Room {i}", "0", box(edges[i], 3, edges[i + 1], 9), "classroom"))
        openings.append(opening(f"r{i}", "0", (x - 0.5, 3), (x + 0.5, 3)))
    door = Entrance("d7", "7", "", "0", LineString([(0, 1), (0, 2)]))
    plan = FloorPlan([Level("0", "0", 0, 0.0, Polygon())], spaces, openings, [door])

    (option,) = EntranceRoutes(plan).rank("0", (target_x, 6.0))

    assert option.steps[2] == words


def test_a_way_along_a_corridor_is_told_to_its_end() -> None:
    plan = building()

    (_, option) = EntranceRoutes(plan).rank("1", (10.0, 1.5))

    assert option.steps[4] == "straight into Corridor, 30 m"
    assert math.isclose(option.walk_m or 0, 41.5 + 31.5 + 6.52, abs_tol=0.5)
