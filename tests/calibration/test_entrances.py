from __future__ import annotations

import heapq
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Polygon, box

from calibration.entrances import EntranceRoutes
from calibration.errors import UnknownLevel
from calibration.floor_plan import Entrance, Fixture, FloorPlan, Level, Opening, Space, Wall
from calibration.site import load_site

DRILLS = Path(__file__).resolve().parents[2] / "benchmarks" / "drills"
Point = tuple[float, float]


def door(number: str, *ends: Point, name: str = "", **more: bool) -> Entrance:
    return Entrance(f"d{number}", number, name, "L1", LineString(ends), **more)


def opening(name: str, *ends: Point, locked: bool = False) -> Opening:
    return Opening(name, name, "L1", LineString(ends), locked=locked)


def space(name: str, area: Polygon, level: str = "L1") -> Space:
    return Space(name, name, "room", level, area)


def plan_of(
    spaces: list[Space],
    entrances: list[Entrance],
    openings: list[Opening] | None = None,
    fixtures: list[Polygon] | None = None,
    walls: list[tuple[Point, ...]] | None = None,
) -> FloorPlan:
    return FloorPlan(
        [
            Level("L1", "Ground floor", 0, 0.0, Polygon()),
            Level("L2", "Upstairs", 1, 3.5, Polygon()),
        ],
        spaces,
        openings or [],
        entrances,
        [Fixture(f"f{i}", "desk", "L1", area) for i, area in enumerate(fixtures or [])],
        [Wall(f"w{i}", "L1", LineString(points)) for i, points in enumerate(walls or [])],
    )


def hall(**more: object) -> FloorPlan:
    """One room of 30 m by 12 m with Door 1 in the middle of its left wall."""
    return plan_of([space("Hall", box(0, 0, 30, 12))], [door("1", (0, 5), (0, 7))], **more)  # type: ignore[arg-type]


def walk_m(plan: FloorPlan, xy_m: Point, level: str = "L1") -> list[float]:
    routes = EntranceRoutes(plan)
    return [float(d) for d in routes.distances_m(level, np.array([xy_m], dtype=np.float64))[0]]


# Around a wall's free end the true shortest way has a length that can be written down.
AROUND_WALL = math.hypot(15, 10 - 6) + math.hypot(5, 10 - 2)
AROUND_TWO = math.hypot(10, 10 - 6) + math.hypot(10, 8) + math.hypot(5, 4)


@pytest.mark.parametrize(
    ("plan", "xy_m", "true_m"),
    [
        pytest.param(hall(), (20.0, 6.0), 20.0, id="straight ahead"),
        pytest.param(hall(), (20.0, 11.0), math.hypot(20, 5), id="slanted"),
        pytest.param(
            hall(walls=[((15, 0), (15, 10))]), (20.0, 2.0), AROUND_WALL, id="around a wall"
        ),
        pytest.param(
            hall(walls=[((10, 0), (10, 10)), ((20, 2), (20, 12))]),
            (25.0, 6.0),
            AROUND_TWO,
            id="around two walls",
        ),
        pytest.param(
            hall(fixtures=[box(10, 0, 12, 10)]),
            (20.0, 2.0),
            math.hypot(10, 4) + 2 + math.hypot(8, 8),
            id="around furniture",
        ),
        pytest.param(
            plan_of(
                [space("Hall", box(0, 0, 10, 12)), space("Room", box(10, 0, 20, 12))],
                [door("1", (0, 5), (0, 7))],
                [opening("narrow", (10, 1), (10, 1.6))],
            ),
            (20.0, 11.0),
            math.hypot(10, 6 - 1.6) + math.hypot(10, 11 - 1.6),
            id="through a door of 60 cm",
        ),
    ],
)
def test_walk_is_the_shortest_way(plan: FloorPlan, xy_m: Point, true_m: float) -> None:
    (walk,) = walk_m(plan, xy_m)

    assert true_m - 1e-9 <= walk <= 1.02 * true_m


def test_no_way() -> None:
    plan = plan_of(
        [space("Hall", box(0, 0, 10, 12)), space("Closed", box(10, 0, 20, 12))],
        [door("1", (0, 5), (0, 7))],
    )

    assert walk_m(plan, (15.0, 6.0)) == [math.inf]
    (option,) = EntranceRoutes(plan).rank("L1", (15.0, 6.0))
    assert option.walk_m is None
    assert option.route_m == ()
    assert option.steps == ()
    assert option.why_not == "no way on foot from Door 1 to here"


@pytest.mark.parametrize(
    ("xy_m", "near_m"),
    [
        pytest.param((10.5, 1.0), (9.9, 1.0), id="in furniture: its nearest edge"),
        pytest.param((29.99, 6.0), (29.9, 6.0), id="in a wall"),
        pytest.param((30.4, 6.0), (29.9, 6.0), id="outside the building"),
        pytest.param((14.98, 2.0), (14.9, 2.0), id="this side of a wall"),
    ],
)
def test_places_that_nobody_stands_on_count_as_the_nearest(xy_m: Point, near_m: Point) -> None:
    plan = hall(fixtures=[box(10, 0, 12, 2)], walls=[((15, 0), (15, 10))])

    assert walk_m(plan, xy_m)[0] == pytest.approx(walk_m(plan, near_m)[0], abs=0.8)


def test_a_place_near_a_wall_belongs_to_its_own_room() -> None:
    plan = plan_of(
        [space("Hall", box(0, 0, 10, 12)), space("Room", box(10, 0, 20, 12))],
        [door("1", (0, 5), (0, 7))],
        [opening("far", (10, 11), (10, 12))],
    )

    before, behind = walk_m(plan, (9.99, 1.0))[0], walk_m(plan, (10.01, 1.0))[0]

    assert before < 12
    assert behind > 20


def test_a_pocket_between_furniture_counts_as_its_room() -> None:
    ring = box(14, 4, 18, 8).difference(box(15, 5, 17, 7))

    (walk,) = walk_m(hall(fixtures=[ring]), (16.0, 6.0))

    assert 14 <= walk <= 18


def test_entrances_serve_their_own_level() -> None:
    plan = plan_of(
        [space("Hall", box(0, 0, 10, 12)), space("Upper", box(0, 0, 10, 12), level="L2")],
        [door("1", (0, 5), (0, 7))],
    )
    routes = EntranceRoutes(plan)

    assert routes.distances_m("L2", np.array([[5.0, 6.0]])).tolist() == [[math.inf]]
    (option,) = routes.rank("L2", (5.0, 6.0))
    assert option.walk_m is None
    assert option.why_not == "on another level (Ground floor)"
    with pytest.raises(UnknownLevel):
        routes.rank("roof", (5.0, 6.0))
    with pytest.raises(UnknownLevel):
        routes.distances_m("roof", np.zeros((1, 2)))


def test_nothing_to_walk_on_or_from() -> None:
    empty = EntranceRoutes(plan_of([], []))
    no_door = EntranceRoutes(plan_of([space("Hall", box(0, 0, 10, 12))], []))

    assert empty.rank("L1", (0.0, 0.0)) == ()
    assert empty.distances_m("L1", np.zeros((3, 2))).shape == (3, 0)
    assert no_door.distances_m("L1", np.zeros((3, 2))).shape == (3, 0)
    assert EntranceRoutes(hall()).distances_m("L1", np.zeros((0, 2))).shape == (0, 1)


def test_a_gap_too_narrow_for_shoulders_is_no_way() -> None:
    squeeze = [((15, 0), (15, 5.98)), ((15, 6.02), (15, 12))]
    passable = [((15, 0), (15, 5.8)), ((15, 6.2), (15, 12))]

    assert walk_m(hall(walls=squeeze), (20.0, 2.0)) == [math.inf]
    assert walk_m(hall(walls=passable), (20.0, 2.0))[0] == pytest.approx(
        15 + math.hypot(5, 4 - 0.2), abs=0.1
    )


def exact_m(walls: list[LineString], start: Point, goal: Point) -> float:
    """Length of the shortest way past free-standing walls, by a graph of their ends.

    Independent of the code under test: no clearance, no grid, exact segment intersection.
    """
    pairs = [((w.coords[0][0], w.coords[0][1]), (w.coords[1][0], w.coords[1][1])) for w in walls]
    nodes: list[Point] = [start, goal, *(end for pair in pairs for end in pair)]

    def side(a: Point, b: Point, c: Point) -> float:
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    def crosses(a: Point, b: Point) -> bool:
        for c, d in pairs:
            if side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0:
                return True
        return False

    best = {0: 0.0}
    queue = [(0.0, 0)]
    while queue:
        so_far, i = heapq.heappop(queue)
        if i == 1:
            return so_far
        for j in range(len(nodes)):
            if j == i or crosses(nodes[i], nodes[j]):
                continue
            length = so_far + math.dist(nodes[i], nodes[j])
            if length < best.get(j, math.inf):
                best[j] = length
                heapq.heappush(queue, (length, j))
    return math.inf


@st.composite
def free_walls(draw: st.DrawFn) -> list[tuple[Point, Point]]:
    """Walls that stand free in the hall, so far apart that a person fits between any two."""
    walls: list[tuple[Point, Point]] = []
    for left in (4.0, 10.0, 16.0, 22.0):
        x = left + draw(st.floats(0.0, 2.0))
        low = draw(st.floats(0.6, 5.0))
        high = draw(st.floats(low + 1.0, 11.4))
        walls.append(((x, low), (x + draw(st.floats(-1.5, 1.5)), high)))
    return walls


@settings(max_examples=25)
@given(
    walls=free_walls(),
    goals=st.lists(st.tuples(st.floats(0.5, 29.5), st.floats(0.5, 11.5)), min_size=3, max_size=3),
)
def test_walks_among_walls_are_within_two_percent_of_the_truth(
    walls: list[tuple[Point, Point]], goals: list[Point]
) -> None:
    lines = [LineString(wall) for wall in walls]
    clear = [
        goal for goal in goals if all(w.distance(LineString([goal, goal])) > 0.2 for w in lines)
    ]
    routes = EntranceRoutes(hall(walls=walls))
    found_m = routes.distances_m("L1", np.array(clear, dtype=np.float64).reshape(-1, 2))[:, 0]

    for goal, found in zip(clear, found_m.tolist(), strict=True):
        true_m = exact_m(lines, (0.0, 6.0), goal)
        # A way keeps 5 cm off each wall's end; on a short walk that is more than its two percent.
        assert true_m - 0.03 <= found <= 1.02 * true_m + 0.1
        assert found >= math.dist((0.0, 6.0), goal) - 1e-9


@pytest.fixture(scope="module")
def wing() -> tuple[FloorPlan, EntranceRoutes]:
    plan = load_site(DRILLS / "wing").plan
    return plan, EntranceRoutes(plan)


def test_wing_geodesic_is_never_shorter_than_the_straight_line(
    wing: tuple[FloorPlan, EntranceRoutes],
) -> None:
    plan, routes = wing
    left, bottom, right, top = plan.footprint("L1").bounds
    xy_m = np.random.default_rng(5).uniform((left, bottom), (right, top), (3000, 2))

    walked_m = routes.distances_m("L1", xy_m)
    straight_m = np.linalg.norm(
        xy_m[:, None] - np.array([entrance.middle_m for entrance in plan.entrances]), axis=2
    )

    assert (walked_m >= straight_m - 1e-9).all()


def test_wing_routes_pass_no_wall_and_are_as_long_as_told(
    wing: tuple[FloorPlan, EntranceRoutes],
) -> None:
    plan, routes = wing
    walls = plan.walls("L1")
    rooms = [s.polygon.representative_point() for s in plan.spaces if s.walkable]

    for place in rooms:
        for option in routes.rank("L1", (place.x, place.y)):
            assert option.walk_m is not None
            route = LineString(option.route_m)
            assert route.length == pytest.approx(option.walk_m, abs=1e-6)
            assert option.route_m[-1] == pytest.approx((place.x, place.y))
            assert route.intersection(walls).length < 0.02


def test_wing_nearest_as_the_crow_flies_is_not_nearest_on_foot(
    wing: tuple[FloorPlan, EntranceRoutes],
) -> None:
    plan, routes = wing
    fooled = []
    for item in plan.spaces:
        place = item.polygon.representative_point()
        options = routes.rank("L1", (place.x, place.y))
        nearest = min(options, key=lambda option: option.straight_m)
        if nearest is not options[0]:
            fooled.append(nearest.why_not)

    assert fooled
    assert all("in a straight line but" in reason for reason in fooled)


def corridor(mirrored: bool = False) -> FloorPlan:
    """Door 4 into a lobby, a corridor to the left (or, mirrored, the right), a room beside it."""

    def at(x: float, y: float) -> Point:
        return (x, -y) if mirrored else (x, y)

    def area(left: float, bottom: float, right: float, top: float) -> Polygon:
        return box(left, -top, right, -bottom) if mirrored else box(left, bottom, right, top)

    return plan_of(
        [
            space("Lobby", area(0, 0, 6, 4)),
            space("Corridor B", area(6, 0, 8, 24)),
            space("Room 104", area(8, 16, 14, 24)),
        ],
        [door("4", at(0, 1.5), at(0, 2.5), name="East")],
        [opening("a", at(6, 1), at(6, 3)), opening("b", at(8, 20), at(8, 21))],
    )


@pytest.mark.parametrize(
    ("mirrored", "xy_m", "steps"),
    [
        pytest.param(
            False,
            (12.0, 20.5),
            (
                "Enter Door 4 (East)",
                "straight 6 m through Lobby",
                "left into Corridor B, 17 m",
                "into Room 104 on the right",
                "walks into view at 24 m",
            ),
            id="left, then right",
        ),
        pytest.param(
            True,
            (12.0, -20.5),
            (
                "Enter Door 4 (East)",
                "straight 6 m through Lobby",
                "right into Corridor B, 17 m",
                "into Room 104 on the left",
                "walks into view at 24 m",
            ),
            id="mirrored",
        ),
        pytest.param(
            False,
            (4.0, 2.0),
            ("Enter Door 4 (East)", "straight 4 m in Lobby", "in view from the door on"),
            id="first space",
        ),
    ],
)
def test_steps_in_words(mirrored: bool, xy_m: Point, steps: tuple[str, ...]) -> None:
    (option,) = EntranceRoutes(corridor(mirrored)).rank("L1", xy_m)

    assert option.steps == steps


def test_a_bend_within_a_space_is_told() -> None:
    bent = Polygon([(0, 0), (12, 0), (12, 12), (10, 12), (10, 2), (0, 2)])
    plan = plan_of([space("Corridor", bent)], [door("1", (0, 0.5), (0, 1.5))])

    (option,) = EntranceRoutes(plan).rank("L1", (11.0, 11.0))

    assert option.steps == (
        "Enter Door 1",
        "straight 19 m in Corridor",
        "left 9 m",
        "walks into view at 10 m",
    )


TWO_DOORS = [door("1", (0, 5), (0, 7)), door("2", (30, 5), (30, 7), name="Gym")]
WALLED = [((16.0, 0.0), (16.0, 12.0))]


def two_doors(
    *doors: Entrance, walls: list[tuple[Point, ...]] | None = None, locked: bool = False
) -> FloorPlan:
    return plan_of(
        [space("Hall", box(0, 0, 15, 12)), space("Gym", box(15, 0, 30, 12))],
        list(doors),
        [opening("middle", (15, 10), (15, 11), locked=locked)],
        walls=walls,
    )


@pytest.mark.parametrize(
    ("plan", "xy_m", "order", "why_not"),
    [
        pytest.param(
            two_doors(*TWO_DOORS), (5.0, 6.0), ["1", "2"], "21 m longer than Door 1", id="longer"
        ),
        pytest.param(
            two_doors(*TWO_DOORS),
            (14.5, 0.5),
            ["1", "2"],
            "9.6 m longer than Door 1",
            id="both far, the straight line says the same",
        ),
        pytest.param(
            two_doors(
                door("1", (0, 5), (0, 7)), door("2", (30, 5), (30, 7), name="Gym", usable=False)
            ),
            (25.0, 6.0),
            ["1", "2"],
            "out of service",
            id="out of service is last, however near",
        ),
        pytest.param(
            two_doors(*TWO_DOORS, locked=True),
            (20.0, 6.0),
            ["2", "1"],
            "22 m on foot, and only through a locked door",
            id="a locked door inside is the last resort",
        ),
        pytest.param(
            two_doors(door("7", (0, 2), (0, 3)), door("3", (0, 9), (0, 10))),
            (5.0, 6.0),
            ["3", "7"],
            "as far as Door 3",
            id="a tie is settled by number",
        ),
    ],
)
def test_why_not_the_other_door(
    plan: FloorPlan, xy_m: Point, order: list[str], why_not: str
) -> None:
    first, second = EntranceRoutes(plan).rank("L1", xy_m)

    assert [first.door_number, second.door_number] == order
    assert first.why_not == ""
    assert second.why_not == why_not


def test_nearer_in_a_straight_line_but_not_on_foot() -> None:
    plan = plan_of(
        [
            space("Lobby", box(0, 0, 20, 6)),
            space("Room", box(20, 0, 26, 6)),
            space("Gym", box(20, 6, 40, 18)),
            space("Back", box(0, 6, 20, 18)),
        ],
        [door("4", (0, 2), (0, 4), name="Main"), door("2", (40, 8), (40, 10))],
        [
            opening("a", (20, 2), (20, 3)),
            opening("b", (20, 16), (20, 17)),
            opening("c", (1, 6), (2, 6)),
        ],
    )

    first, second = EntranceRoutes(plan).rank("L1", (23.0, 5.0))

    assert first.door_number == "4"
    assert second.straight_m < first.straight_m
    assert second.why_not == (
        "Door 2 is 17 m away in a straight line but 64 m on foot: no way through from Gym"
    )


def test_locked_doors_are_told_on_the_way() -> None:
    plan = two_doors(door("1", (0, 5), (0, 7), locked=True), locked=True)

    (option,) = EntranceRoutes(plan).rank("L1", (25.0, 6.0))

    assert option.walk_m == pytest.approx(math.hypot(15, 4) + math.hypot(10, 4), rel=0.02)
    assert option.steps[0] == "Enter Door 1, locked"
    assert option.steps[2] == "into Gym (locked door)"


def test_the_same_question_has_the_same_answer(wing: tuple[FloorPlan, EntranceRoutes]) -> None:
    plan, routes = wing
    again = EntranceRoutes(plan)

    for xy_m in itertools.product((5.0, 21.3, 35.0), (5.0, 16.4)):
        assert routes.rank("L1", xy_m) == again.rank("L1", xy_m)
