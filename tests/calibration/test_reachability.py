"""What can be walked to from the doors to the outside, over all floors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from shapely import LineString, box

from calibration.entrances import EntranceRoutes
from calibration.floor_plan import Fixture, FloorPlan, Wall
from calibration.reachability import reach_of

from .three_storeys import three_storeys

if TYPE_CHECKING:
    from collections.abc import Callable

    from calibration.floor_plan import Entrance, Opening, Space


def changed(
    *,
    spaces: Callable[[Space], Space | None] = lambda space: space,
    openings: Callable[[Opening], Opening | None] = lambda opening: opening,
    entrances: Callable[[Entrance], Entrance | None] = lambda entrance: entrance,
    fixtures: tuple[Fixture, ...] = (),
    walls: tuple[Wall, ...] = (),
) -> FloorPlan:
    """The three storeys with some features changed or left out."""
    plan = three_storeys()
    return FloorPlan(
        plan.levels,
        [space for space in map(spaces, plan.spaces) if space is not None],
        [opening for opening in map(openings, plan.openings) if opening is not None],
        [entrance for entrance in map(entrances, plan.entrances) if entrance is not None],
        [*plan.fixtures, *fixtures],
        [*plan.interior_walls, *walls],
    )


def lost(plan: FloorPlan) -> set[str]:
    return {reach.space.id for reach in reach_of(plan) if not reach.reachable}


def without(*ids: str) -> Callable[[Opening], Opening | None]:
    return lambda opening: None if opening.id in ids else opening


def test_every_floor_is_reached_by_stairs_and_only_stores_need_a_key() -> None:
    reach = reach_of(three_storeys())

    assert all(found.reachable for found in reach)
    assert {found.space.id for found in reach if found.needs_key} == {
        "store-0",
        "store-1",
        "store-2",
    }
    assert all(found.cut_off.area == 0 for found in reach)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        pytest.param(changed(openings=without("r01-door-1")), {"r01-1"}, id="no door"),
        pytest.param(
            changed(entrances=lambda e: replace(e, usable=False)),
            {s.id for s in three_storeys().spaces},
            id="no entrance in use",
        ),
        pytest.param(
            changed(openings=without("west-stairs-door-1", "lift-door-1")),
            set(),
            id="the east stairs are enough",
        ),
        pytest.param(
            changed(openings=without("west-stairs-door-1", "east-stairs-door-1", "lift-door-1")),
            {"corridor-1", "r01-1", "r02-1", "r03-1", "r04-1", "store-1"},
            id="one passes by a floor whose doors are missing",
        ),
        pytest.param(
            changed(spaces=lambda s: s if "-1" not in s.id or s.id == "lift-1" else None),
            set(),
            id="the lift passes by a floor that is not drawn",
        ),
        pytest.param(
            changed(
                spaces=lambda s: (
                    s if s.category not in {"stairs", "elevator"} else replace(s, category="room")
                )
            ),
            {s.id for s in three_storeys().spaces if not s.id.endswith("-0")},
            id="rooms over each other are no stairs",
        ),
    ],
)
def test_what_cannot_be_reached(plan: FloorPlan, expected: set[str]) -> None:
    assert lost(plan) == expected


@pytest.mark.parametrize(
    "missing",
    [(), ("r01-door-1",), ("west-stairs-door-1", "east-stairs-door-1", "lift-door-1")],
    ids=["whole", "a room without a door", "a floor without a way"],
)
def test_walking_distances_agree(missing: tuple[str, ...]) -> None:
    plan = changed(openings=without(*missing))
    routes = EntranceRoutes(plan)
    usable = np.array([entrance.usable for entrance in plan.entrances])

    for reach in reach_of(plan):
        place = reach.space.polygon.representative_point()
        distance_m = routes.distances_m(reach.space.level, np.array([[place.x, place.y]]))
        assert bool(np.isfinite(distance_m[0, usable]).any()) is reach.reachable, reach.space.id


def test_walls_and_furniture_cut_off_what_lies_behind() -> None:
    plan = changed(
        walls=(Wall("across", "L0", LineString([(20, 3), (32, 3)])),),
        fixtures=(Fixture("shelf", "shelf", "L0", box(15, 12.5, 16, 20)),),
    )

    cut_off = {r.space.id: r.cut_off.area for r in reach_of(plan) if r.cut_off.area > 1}

    assert lost(plan) == set()
    assert set(cut_off) == {"r04-0"}  # one passes the shelf at its lower end
    assert cut_off["r04-0"] == pytest.approx(12 * 3, abs=1.0)


def test_a_gap_too_narrow_for_anybody_is_no_way() -> None:
    blocked = changed(fixtures=(Fixture("a", "shelf", "L0", box(8.02, 17, 20, 18)),))
    passable = changed(fixtures=(Fixture("a", "shelf", "L0", box(8.6, 17, 20, 18)),))

    cut_off = [
        max(r.cut_off.area for r in reach_of(plan) if r.space.id == "r01-0")
        for plan in (blocked, passable)
    ]

    assert cut_off[0] == pytest.approx(12 * 2, abs=1.0)
    assert cut_off[1] == 0
