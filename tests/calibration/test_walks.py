"""Walks between any two places: never shorter than straight, the same both ways, by stairs too."""

from __future__ import annotations

import itertools
import math
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Polygon, box

from calibration.connectors import plan_connectors
from calibration.errors import UnknownLevel
from calibration.floor_plan import Fixture, FloorPlan, Level, Opening, Space, Wall
from calibration.level_graph import LevelGraphs
from calibration.site import load_site
from calibration.walks import Walks

WING = Path(__file__).resolve().parents[2] / "benchmarks" / "drills" / "wing"
Point = tuple[float, float]
TWO_LEVELS = [
    Level("G", "Ground floor", 0, 0.0, Polygon()),
    Level("1", "First floor", 1, 3.5, Polygon()),
]


def space(name: str, area: Polygon, level: str = "G", category: str = "room") -> Space:
    return Space(name, name, category, level, area)


def opening(name: str, *ends: Point, level: str = "G", locked: bool = False) -> Opening:
    return Opening(name, name, level, LineString(ends), locked=locked)


def rooms(
    door: Point = (5.0, 6.0), *, locked: bool = False, desk: Polygon | None = None
) -> FloorPlan:
    """Two rooms of 10 m by 12 m side by side, with one door between them."""
    return FloorPlan(
        TWO_LEVELS[:1],
        [space("A", box(0, 0, 10, 12)), space("B", box(10, 0, 20, 12))],
        [opening("door", (10, door[0]), (10, door[1]), locked=locked)],
        fixtures=[Fixture("desk", "desk", "G", desk)] if desk else [],
    )


def walk(plan: FloorPlan, a: Point, b: Point) -> float:
    return Walks(plan).walk_m("G", np.array(a), "G", np.array(b))


@pytest.mark.parametrize(
    ("plan", "a", "b", "true_m"),
    [
        pytest.param(rooms(), (1.0, 1.0), (9.0, 7.0), 10.0, id="same room, straight"),
        pytest.param(rooms(), (1.0, 5.5), (19.0, 5.5), 18.0, id="straight through the door"),
        pytest.param(
            rooms(),
            (9.0, 1.0),
            (11.0, 1.0),
            math.hypot(1, 4) * 2,
            id="two metres apart, through the door",
        ),
        pytest.param(
            rooms(desk=box(4, 0, 5, 8)),
            (1.0, 1.0),
            (8.0, 1.0),
            math.hypot(3, 7) + 1 + math.hypot(3, 7),
            id="around a desk",
        ),
        pytest.param(rooms(locked=True), (1.0, 5.5), (19.0, 5.5), 18.0, id="by key"),
        pytest.param(rooms(), (3.0, 3.0), (3.0, 3.0), 0.0, id="nowhere"),
    ],
)
def test_walk_is_the_shortest_way(plan: FloorPlan, a: Point, b: Point, true_m: float) -> None:
    assert true_m - 1e-9 <= walk(plan, a, b) <= 1.01 * true_m + 0.15


@pytest.mark.parametrize(
    ("a", "near"),
    [
        pytest.param((4.5, 4.0), (3.9, 4.0), id="in a desk"),
        pytest.param((0.0, 4.0), (0.1, 4.0), id="in a wall"),
        pytest.param((-0.4, 4.0), (0.1, 4.0), id="outside"),
        pytest.param((9.99, 1.0), (9.9, 1.0), id="this side of a wall"),
        pytest.param((10.01, 1.0), (10.1, 1.0), id="the other side of it"),
    ],
)
def test_places_that_nobody_stands_on_count_as_the_nearest(a: Point, near: Point) -> None:
    plan = rooms(desk=box(4, 0, 5, 8))

    for goal in ((1.0, 1.0), (15.0, 10.0)):
        assert walk(plan, a, goal) == pytest.approx(walk(plan, near, goal), abs=0.9)


def test_no_way() -> None:
    closed = FloorPlan(TWO_LEVELS[:1], [space("A", box(0, 0, 9, 9)), space("B", box(9, 0, 18, 9))])
    walks = Walks(closed)

    assert walks.walk_m("G", np.array([1.0, 1.0]), "G", np.array([17.0, 1.0])) == math.inf
    assert walks.walk_m("G", np.array([1.0, 1.0]), "G", np.array([8.0, 1.0])) == pytest.approx(7.0)


def test_nothing_to_walk_on() -> None:
    walks = Walks(FloorPlan(TWO_LEVELS, [space("A", box(0, 0, 9, 9))]))
    here = np.array([1.0, 1.0])

    assert walks.between_m("1", here, "1", here[None]).tolist() == [math.inf]
    assert walks.between_m("G", here, "1", here[None]).tolist() == [math.inf]
    assert walks.between_m("G", here, "G", np.zeros((0, 2))).shape == (0,)
    with pytest.raises(UnknownLevel):
        walks.between_m("roof", here, "G", here[None])


def test_a_pocket_between_furniture_is_no_island() -> None:
    ring = Polygon(box(3, 3, 7, 7).exterior, [box(4, 4, 6, 6).exterior])

    assert 10 <= walk(rooms(desk=ring), (5.0, 5.0), (15.0, 5.5)) <= 15


def storeys(*, lift: bool = False, stairs: bool = True) -> FloorPlan:
    """Two halls above each other, with stairs at their right end and a lift at their left."""
    spaces, openings = [], []
    for level in ("G", "1"):
        spaces.append(space(f"hall-{level}", box(0, 0, 30, 6), level, "lobby"))
        if stairs:
            spaces.append(space(f"stair-{level}", box(30, 0, 33, 6), level, "stairs"))
            openings.append(opening(f"s{level}", (30, 2.5), (30, 3.5), level=level))
        if lift:
            spaces.append(space(f"lift-{level}", box(-2, 2, 0, 4), level, "elevator"))
            openings.append(opening(f"l{level}", (0, 2.5), (0, 3.5), level=level))
    return FloorPlan(TWO_LEVELS, spaces, openings)


def test_up_the_stairs() -> None:
    plan = storeys()
    (stairs,) = plan_connectors(plan)
    at = np.array([20.0, 3.0])

    up_m = Walks(plan).between_m("G", at, "1", at[None])[0]

    assert up_m == pytest.approx(11.5 + stairs.length_m + 11.5, abs=0.05)


def test_up_two_storeys_by_one_stairwell() -> None:
    levels = [Level(str(k), str(k), k, 3.5 * k, Polygon()) for k in range(3)]
    spaces = [space(f"s{k}", box(0, 0, 3, 6), str(k), "stairs") for k in range(3)]
    plan = FloorPlan(levels, spaces)
    at = np.array([1.5, 3.0])
    flight_m = plan_connectors(plan)[0].length_m

    assert Walks(plan).between_m("0", at, "2", at[None])[0] == pytest.approx(2 * flight_m)


def test_a_lift_is_short_and_slow() -> None:
    walks = Walks(storeys(lift=True))
    at = np.array([8.0, 3.0])
    by_stairs = Walks(storeys())

    metres = walks.between_m("G", at, "1", at[None])[0]
    walking_s = walks.least_seconds("G", at, "1", at[None], 1.3)[0]
    running_s = walks.least_seconds("G", at, "1", at[None], 5.0)[0]

    assert metres == pytest.approx(9 + 9 + 2, abs=0.1)
    assert metres < by_stairs.between_m("G", at, "1", at[None])[0]
    assert walking_s == pytest.approx(18 / 1.3 + 3 + 3.5, abs=0.1)
    assert running_s == pytest.approx(18 / 5 + 3 + 3.5, abs=0.1)


def test_only_a_lift_or_nothing_joins_levels() -> None:
    at = np.array([8.0, 3.0])

    assert np.isinf(Walks(storeys(stairs=False)).between_m("G", at, "1", at[None])).all()
    assert np.isfinite(Walks(storeys(stairs=False, lift=True)).between_m("G", at, "1", at[None]))


def test_parts_of_a_level_may_be_joined_by_another() -> None:
    """A wall cuts the ground floor; the way leads up one stair, along and down the other."""
    spaces = [
        space("left", box(0, 0, 15, 6)),
        space("right", box(15, 0, 30, 6)),
        space("hall", box(0, 0, 30, 6), "1"),
    ]
    openings = []
    for level in ("G", "1"):
        for x, edge in ((-3, 0), (30, 30)):
            spaces.append(space(f"stair-{x}-{level}", box(x, 0, x + 3, 6), level, "stairs"))
            openings.append(opening(f"{x}{level}", (edge, 2.5), (edge, 3.5), level=level))
    walks = Walks(FloorPlan(TWO_LEVELS, spaces, openings))

    across_m = walks.walk_m("G", np.array([14.0, 3.0]), "G", np.array([16.0, 3.0]))

    assert 14 + 30 + 14 + 2 * 6.5 < across_m < 14 + 30 + 14 + 2 * 6.5 + 4 * 1.6


@st.composite
def small_plans(draw: st.DrawFn) -> FloorPlan:
    """Two rows of rooms on two levels with doors and furniture at random, joined by stairs."""
    spaces, openings, walls, fixtures = [], [], [], []
    cuts = [0.0, *sorted(draw(st.lists(st.floats(4, 20), min_size=2, max_size=2))), 24.0]
    cuts = [c for c, before in zip(cuts, [-9.0, *cuts], strict=False) if c - before >= 3.0]
    for level in ("G", "1"):
        for row in (0.0, 8.0):
            for i, (left, right) in enumerate(itertools.pairwise(cuts)):
                stairs = row == 8.0 and i == 0
                category = "stairs" if stairs else "room"
                name = f"{level}{row:.0f}{i}"
                spaces.append(space(name, box(left, row, right, row + 8), level, category))
                if row == 8.0 and (stairs or draw(st.booleans())):
                    x = draw(st.floats(left + 0.3, right - 1.3))
                    openings.append(opening(f"d{name}", (x, 8), (x + 1, 8), level=level))
                if i and draw(st.booleans()):
                    y = row + draw(st.floats(0.3, 6.7))
                    openings.append(opening(f"e{name}", (left, y), (left, y + 1), level=level))
                if draw(st.booleans()):
                    x, y = left + 0.8, row + draw(st.floats(0.6, 5.0))
                    fixtures.append(Fixture(f"f{name}", "desk", level, box(x, y, x + 1.4, y + 0.8)))
                if draw(st.booleans()):
                    x, y = right - 0.7, row + draw(st.floats(2.0, 6.0))
                    walls.append(Wall(f"w{name}", level, LineString([(x, y - 1.5), (x, y + 1.5)])))
    return FloorPlan(TWO_LEVELS, spaces, openings, fixtures=fixtures, walls=walls)


PLACES = st.lists(
    st.tuples(st.sampled_from(["G", "1"]), st.floats(0.1, 23.9), st.floats(0.1, 15.9)),
    min_size=3,
    max_size=3,
)


@settings(max_examples=30)
@given(plan=small_plans(), places=PLACES)
def test_walks_are_a_distance(plan: FloorPlan, places: list[tuple[str, float, float]]) -> None:
    walks = Walks(plan)
    levels = [level for level, _, _ in places]
    xy_m = np.array([place[1:] for place in places])
    far_m = np.array(
        [
            [
                walks.between_m(levels[i], xy_m[i], levels[j], xy_m[j][None])[0]
                for j in range(len(places))
            ]
            for i in range(len(places))
        ]
    )
    straight_m = np.linalg.norm(xy_m[:, None] - xy_m, axis=2)

    assert np.allclose(far_m, far_m.T, atol=1e-3)
    # stairs lead on from the same place of the other floor: no way is shorter than the line
    assert (far_m >= straight_m - 1e-9).all()
    assert (np.diag(far_m) == 0).all()
    for j in range(len(places)):
        # each place may be moved by a cell and out of furniture
        assert (far_m <= far_m[:, [j]] + far_m[[j], :] + 1.0).all()


@settings(max_examples=10)
@given(plan=small_plans(), places=PLACES)
def test_more_pace_is_less_time_and_metres_bound_it(
    plan: FloorPlan, places: list[tuple[str, float, float]]
) -> None:
    walks = Walks(plan)
    (level_a, *a), (level_b, *b), _ = places
    ask = (level_a, np.array(a), level_b, np.array(b)[None])

    metres = walks.between_m(*ask)[0]
    slow_s, fast_s = (walks.least_seconds(*ask, pace)[0] for pace in (1.0, 5.0))

    assert np.isfinite(metres) == np.isfinite(slow_s)
    if np.isfinite(metres):
        assert fast_s == pytest.approx(slow_s / 5)
        assert slow_s >= metres - 1e-6


def test_one_question_costs_about_a_millisecond() -> None:
    plan = load_site(WING).plan
    walks = Walks(plan, LevelGraphs(plan))
    walks.prepare()
    left, bottom, right, top = plan.footprint("L1").bounds
    xy_m = np.random.default_rng(3).uniform((left, bottom), (right, top), (51, 2))
    walks.between_m("L1", xy_m[0], "L1", xy_m[1:])

    took_s = []
    for _ in range(20):
        begin_s = time.process_time()
        walks.between_m("L1", xy_m[0], "L1", xy_m[1:])
        took_s.append(time.process_time() - begin_s)

    assert min(took_s) < 0.005
