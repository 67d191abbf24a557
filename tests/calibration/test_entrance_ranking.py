"""Which entrance is first: where the subject can be, where officers arrive, locks and sight."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely import LineString, Polygon, box

from calibration.door_reasons import LOCKED_M
from calibration.entrance_spread import UNREACHED_M, EntranceSpread
from calibration.entrances import EntranceRoutes
from calibration.floor_plan import Entrance, FloorPlan, Level, Opening, Space, Wall
from calibration.outside_ways import OutsideWays
from calibration.walk_grid import WalkGrid

if TYPE_CHECKING:
    from numpy.typing import NDArray

Point = tuple[float, float]
GROUND = Level("G", "Ground floor", 0, 0.0, Polygon())


def entrance(number: str, *ends: Point, level: str = "G", locked: bool = False) -> Entrance:
    return Entrance(f"d{number}", number, "", level, LineString(ends), locked=locked)


def space(name: str, area: Polygon, level: str = "G") -> Space:
    return Space(name, name, "room", level, area)


def hall(*doors: Entrance, walls: tuple[LineString, ...] = ()) -> FloorPlan:
    """One hall of 40 m by 10 m; by default Door 1 at its left and Door 2 at its right end."""
    both = (entrance("1", (0, 4), (0, 6)), entrance("2", (40, 4), (40, 6)))
    return FloorPlan(
        [GROUND],
        [space("Hall", box(0, 0, 40, 10))],
        [],
        doors or both,
        [],
        [Wall(f"w{i}", "G", line) for i, line in enumerate(walls)],
    )


def spread_about(
    grid: WalkGrid, *places: tuple[Point, float], reach_m: float = 2.0
) -> NDArray[np.float32]:
    """Weights that lie within `reach_m` of places, so much at each."""
    weights = np.zeros(len(grid), dtype=np.float32)
    for place_m, share in places:
        near = np.linalg.norm(grid.xy_m - place_m, axis=1) <= reach_m
        weights[near] += np.float32(share / near.sum())
    return weights


def test_the_door_to_where_the_subject_can_be_is_first() -> None:
    """It was last seen near Door 1, but the search map is all at the other end."""
    plan = hall()
    grid = WalkGrid.of(plan)

    first, second = EntranceRoutes(plan).rank_weighted(
        "G", (10.0, 5.0), grid, spread_about(grid, ((32.0, 5.0), 1.0))
    )

    assert first.door_number == "2"
    assert first.walk_m == pytest.approx(30.0, abs=0.1)
    assert first.expected_m == pytest.approx(8.1, abs=0.3)
    assert second.why_not == (
        "20 m nearer to where the subject was last seen, but on average 24 m longer than Door 2 to "
        "where the subject can be now"
    )


def test_expectation_and_bad_luck() -> None:
    """Nineteen in twenty at 5 m from Door 1, one in twenty at 35 m."""
    plan = hall()
    grid = WalkGrid.of(plan)
    weights = spread_about(grid, ((5.0, 5.0), 0.8), ((35.0, 5.0), 0.2), reach_m=1.0)

    first, second = EntranceRoutes(plan).rank_weighted(
        "G", (5.0, 5.0), grid, np.float32(0.3) * weights
    )

    assert [first.door_number, second.door_number] == ["1", "2"]
    assert first.expected_m == pytest.approx(0.8 * 5 + 0.2 * 35, abs=0.3)
    assert first.worst_m == pytest.approx(35.0, abs=1.0)
    assert second.worst_m == pytest.approx(36.0, abs=1.0)
    assert second.why_not.startswith("on average ")


def test_a_subject_in_view_is_where_it_is() -> None:
    for option in EntranceRoutes(hall()).rank("G", (10.0, 5.0)):
        assert option.expected_m == option.worst_m == option.walk_m


def test_weights_nowhere_reached_leave_the_last_place() -> None:
    plan = hall()
    routes, grid = EntranceRoutes(plan), WalkGrid.of(plan)
    nowhere = np.zeros(len(grid), dtype=np.float32)

    assert routes.rank_weighted("G", (10.0, 5.0), grid, nowhere) == routes.rank("G", (10.0, 5.0))


def test_cells_that_only_one_entrance_leads_to_speak_for_it() -> None:
    plan = FloorPlan(
        [GROUND],
        [space("West", box(0, 0, 20, 10)), space("East", box(20, 0, 40, 10))],
        [],
        hall().entrances,
    )
    grid = WalkGrid.of(plan)
    weights = spread_about(grid, ((15.0, 5.0), 0.7), ((25.0, 5.0), 0.3), reach_m=1.0)

    first, second = EntranceRoutes(plan).rank_weighted("G", (15.0, 5.0), grid, weights)

    assert first.door_number == "1"
    assert first.expected_m == pytest.approx(0.7 * 15 + 0.3 * UNREACHED_M, abs=0.5)
    assert second.expected_m is None
    assert second.why_not == "no way on foot from Door 2 to here"


def test_cells_that_nobody_reaches_count_for_nothing() -> None:
    plan = hall()
    grid = WalkGrid.of(plan)
    spread = EntranceSpread(
        grid, lambda _level, xy_m: np.where(xy_m[:, :1] < 20, xy_m[:, :1], np.inf), 1
    )

    found = spread.of(spread_about(grid, ((10.0, 5.0), 0.1), ((30.0, 5.0), 0.9)))

    assert found is not None
    assert found.expected_m[0] == pytest.approx(10.0, abs=0.2)


@pytest.mark.parametrize(
    ("arrival", "order", "why_not"),
    [
        pytest.param(None, ["1", "2"], "16 m longer than Door 1", id="nobody knows"),
        pytest.param(
            (-10.0, 5.0), ["1", "2"], "62 m longer than Door 1, 46 m of it around the outside",
            id="they arrive at the nearer door",
        ),
        pytest.param(
            (50.0, 5.0),
            ["2", "1"],
            "16 m shorter inside, but 46 m farther around the outside than Door 2 from where "
            "officers arrive",
            id="they arrive at the other end",
        ),
    ],
)  # fmt: skip
def test_where_officers_arrive(arrival: Point | None, order: list[str], why_not: str) -> None:
    first, second = EntranceRoutes(hall()).rank("G", (12.0, 5.0), arrival_xy_m=arrival)

    assert [first.door_number, second.door_number] == order
    assert second.why_not == why_not
    if arrival is None:
        assert first.approach_m is None
    else:
        assert first.approach_m == pytest.approx(10.0, abs=0.2)


@pytest.mark.parametrize(
    ("place", "order", "why_not"),
    [
        pytest.param(
            (18.0, 5.0),
            ["2", "1"],
            "locked, and only 4.0 m nearer than Door 2: opening it takes about as long as 20 m on "
            "foot",
            id="a little nearer",
        ),
        pytest.param((5.0, 5.0), ["1", "2"], "30 m longer than Door 1", id="much nearer"),
        pytest.param((30.0, 5.0), ["2", "1"], "20 m longer than Door 2, and locked", id="farther"),
    ],
)
def test_a_locked_entrance(place: Point, order: list[str], why_not: str) -> None:
    plan = hall(entrance("1", (0, 4), (0, 6), locked=True), entrance("2", (40, 4), (40, 6)))

    first, second = EntranceRoutes(plan).rank("G", place)

    assert LOCKED_M == 20
    assert [first.door_number, second.door_number] == order
    assert second.why_not == why_not
    assert {first.door_number: first.locked, second.door_number: second.locked} == {
        "1": True,
        "2": False,
    }


SCREEN = LineString([(12, 0), (12, 9)])


@pytest.mark.parametrize(
    ("walls", "place", "in_sight", "words"),
    [
        pytest.param((), (20.0, 5.0), True, "in view from the door on", id="open hall"),
        pytest.param((SCREEN,), (20.0, 5.0), False, "walks into view at 13 m", id="a screen"),
        pytest.param(
            (LineString([(4, 0), (4, 9)]),),
            (20.0, 5.0),
            True,
            "walks into view at 6 m",
            id="a screen just behind the door",
        ),
    ],
)
def test_who_walks_into_view(
    walls: tuple[LineString, ...], place: Point, in_sight: bool, words: str
) -> None:
    (option,) = EntranceRoutes(hall(entrance("1", (0, 4), (0, 6)), walls=walls)).rank("G", place)

    assert option.in_sight is in_sight
    assert option.steps[-1] == words


def test_how_likely_somebody_unseen_sees_the_door() -> None:
    plan = hall(entrance("1", (0, 4), (0, 6)), walls=(SCREEN,))
    routes, grid = EntranceRoutes(plan), WalkGrid.of(plan)

    def option(before: float) -> tuple[bool, str]:
        weights = spread_about(grid, ((6.0, 5.0), before), ((20.0, 3.0), 1 - before), reach_m=1.0)
        (found,) = routes.rank_weighted("G", (20.0, 3.0), grid, weights)
        return found.in_sight, found.steps[-1]

    assert option(0.7) == (True, "70% in view within 10 m of the door")
    assert option(0.05)[0] is False
    assert "in view" not in option(0.05)[1]


def outside_m(plan: FloorPlan, arrival: Point) -> list[float]:
    return [float(d) for d in OutsideWays(plan).distances_m(np.array(arrival))]


def test_around_the_building() -> None:
    plan = hall()

    left, right = outside_m(plan, (-10.0, 5.0))

    assert left == pytest.approx(10.0, abs=0.1)
    assert right == pytest.approx(math.hypot(10, 5) + 40 + 5, abs=0.3)


def test_a_place_inside_counts_as_the_nearest_outside() -> None:
    assert outside_m(hall(), (1.0, 5.0)) == pytest.approx(outside_m(hall(), (-0.06, 5.0)), abs=0.1)


def test_a_courtyard_is_not_reached_from_outside() -> None:
    ring = [
        space("S", box(0, 0, 30, 10)),
        space("N", box(0, 20, 30, 30)),
        space("W", box(0, 10, 10, 20)),
        space("E", box(20, 10, 30, 20)),
    ]
    plan = FloorPlan(
        [GROUND], ring, [], [entrance("1", (12, 10), (13, 10)), entrance("2", (5, 0), (6, 0))]
    )

    yard, street = outside_m(plan, (5.5, -10.0))

    assert yard == math.inf
    assert street == pytest.approx(10.0, abs=0.1)
    first, second = EntranceRoutes(plan).rank("G", (12.5, 8.0), arrival_xy_m=(5.5, -10.0))
    assert first.door_number == "2"
    assert second.approach_m is None
    assert second.why_not == "no way around the outside from where officers arrive"


def test_buildings_of_one_storey_stand_in_each_others_way() -> None:
    levels = [GROUND, Level("B", "Gym", 0, 0.0, Polygon())]
    spaces = [space("Hall", box(0, 0, 40, 10)), space("Gym", box(0, -30, 40, -20), "B")]
    plan = FloorPlan(levels, spaces, [], [entrance("1", (19, 0), (21, 0))])

    (around_m,) = outside_m(plan, (20.0, -40.0))

    assert around_m == pytest.approx(math.hypot(20, 10) + 10 + math.hypot(20, 20), abs=0.3)


@st.composite
def schools(draw: st.DrawFn) -> FloorPlan:
    """A corridor with rooms on both sides, doors and entrances at random."""
    length = 30.0
    cuts = [0.0, draw(st.floats(6, 12)), draw(st.floats(16, 24)), length]
    spaces, openings = [space("Corridor", box(0, 0, length, 3))], []
    for low, high, side in ((3.0, 9.0, "n"), (-6.0, 0.0, "s")):
        for i, (left, right) in enumerate(itertools.pairwise(cuts)):
            spaces.append(space(f"{side}{i}", box(left, low, right, high)))
            x = draw(st.floats(left + 0.2, right - 1.2))
            y = 3.0 if side == "n" else 0.0
            line = LineString([(x, y), (x + 1, y)])
            openings.append(Opening(f"o{side}{i}", "", "G", line, locked=draw(st.booleans())))
    sides = draw(
        st.permutations(
            [((0, 1), (0, 2)), ((30, 1), (30, 2)), ((3, 9), (4, 9)), ((25, -6), (26, -6))]
        )
    )
    doors = [
        entrance(str(i + 1), *ends, locked=draw(st.booleans()))
        for i, ends in enumerate(sides[: draw(st.integers(2, 4))])
    ]
    return FloorPlan([GROUND], spaces, openings, doors)


@settings(max_examples=25)
@given(
    plan=schools(),
    place=st.tuples(st.floats(0.2, 29.8), st.floats(-5.8, 8.8)),
    arrival=st.none() | st.tuples(st.floats(-20, 50), st.floats(-30, -8)),
)
def test_routes_are_as_long_as_told_and_never_shorter_than_straight(
    plan: FloorPlan, place: Point, arrival: Point | None
) -> None:
    # In a door's gap it is open which side a place is on.
    assume(all(opening.line.distance(shapely.Point(place)) > 0.1 for opening in plan.openings))
    options = EntranceRoutes(plan).rank("G", place, arrival_xy_m=arrival)
    costs = []
    for option in options:
        if option.walk_m is None:
            continue
        assert LineString(option.route_m).length == pytest.approx(option.walk_m, abs=1e-6)
        assert option.walk_m >= option.straight_m - 1e-9
        locked = any("(locked door)" in step for step in option.steps)
        total_m = option.walk_m + (option.approach_m or 0) + LOCKED_M * option.locked
        costs.append((locked, total_m))

    assert costs == sorted(costs)
    assert all(option.why_not for option in options[1:])


@settings(max_examples=15)
@given(
    plan=schools(),
    place=st.tuples(st.floats(0.2, 29.8), st.floats(-5.8, 8.8)),
    seed=st.integers(0, 99),
)
def test_the_order_in_which_a_plan_lists_its_doors_changes_nothing(
    plan: FloorPlan, place: Point, seed: int
) -> None:
    shuffled = [
        plan.entrances[i] for i in np.random.default_rng(seed).permutation(len(plan.entrances))
    ]
    other = FloorPlan(plan.levels, plan.spaces, plan.openings, shuffled)
    grid = WalkGrid.of(plan)
    weights = spread_about(grid, (place, 0.6), ((15.0, 1.5), 0.4), reach_m=3.0)
    a, b = EntranceRoutes(plan), EntranceRoutes(other)

    assert a.rank("G", place) == b.rank("G", place)
    one, two = (routes.rank_weighted("G", place, grid, weights) for routes in (a, b))
    assert [option.door_number for option in one] == [option.door_number for option in two]
    assert [option.expected_m for option in one] == pytest.approx(
        [option.expected_m for option in two]
    )
