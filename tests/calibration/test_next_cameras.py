from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.answer import (
    Answer,
    LevelShare,
    RankedSubject,
    SearchArea,
    SpaceShare,
)
from calibration.camera_reach import FARTHEST_M, CameraReach
from calibration.floor_plan import FloorPlan
from calibration.next_cameras import HORIZON_S, MOST, CameraNow, next_cameras
from calibration.patch_shares import RUN_MPS
from calibration.search_evidence import CameraView, WellWithin
from calibration.search_ground import SearchGround
from calibration.search_motion import motion_on
from calibration.walk_grid import WALK_MPS, WalkGrid
from calibration.walks import Walks

from .search_plans import LEVEL, door, ground, room
from .three_storeys import three_storeys

if TYPE_CHECKING:
    from collections.abc import Mapping

# A corridor of 60 x 3 m, a room north of its middle, and one in the east that only it leads to.
PLAN = FloorPlan(
    [ground()],
    [room("hall", (0, 0, 60, 3)), room("mid", (25, 3, 35, 10)), room("end", (60, 0, 70, 10))],
    [door("mid-door", (29, 3), (31, 3)), door("end-door", (60, 1), (60, 2))],
)
SHOWN = {  # what each camera shows: left, bottom, right, top
    "west": (0, 0, 12, 3),
    "half": (20, 0, 28, 3),
    "east": (45, 0, 60, 3),
    "room": (60, 0, 70, 10),
    "blind": (200, 200, 201, 201),
}


def ground_of(
    plan: FloorPlan, shown: Mapping[str, tuple[float, float, float, float]]
) -> SearchGround:
    """A ground on which cameras show rectangles of the first level."""
    grid = WalkGrid.of(plan, 0.5)
    on_first = (grid.level == 0) & (np.arange(len(grid)) < grid.floor_cells)
    views = {}
    for name, (left, bottom, right, top) in shown.items():
        x_m, y_m = grid.xy_m.T
        inside = (x_m >= left) & (x_m <= right) & (y_m >= bottom) & (y_m <= top) & on_first
        cells = np.flatnonzero(inside).astype(np.int32)
        every = np.ones(len(cells), np.bool_)
        views[name] = CameraView(name, cells, np.ones(len(cells), np.float32), every, every)
    return SearchGround(grid, motion_on(grid), views, WellWithin(views, len(grid)))


REACH = CameraReach.of(ground_of(PLAN, SHOWN))
ALL = frozenset(SHOWN)


def subject(xy_m: tuple[float, float], **changed: object) -> RankedSubject:
    """One body that no camera sees, last seen this moment; where a camera is named, in view."""
    values: dict[str, object] = {
        "probability": 0.9,
        "armed_probability": 0.9,
        "level": LEVEL,
        "cov_m2": ((0.1, 0.0), (0.0, 0.1)),
        "ce95_m": 1.0,
        "space": None,
        "space_name": "",
        "seen_at_s": 0.0,
        "age_s": 0.0,
        "cameras": (),
        "reasons": (),
        "trail_m": (),
        "visibility": "in view" if changed.get("cameras") else "out of view",
    }
    return RankedSubject("S1", 1, xy_m=xy_m, **{**values, **changed})  # type: ignore[arg-type]


def answer(*subjects: RankedSubject) -> Answer:
    return Answer(0.0, subjects, (), "", None)


def searched(**shares: float) -> SearchArea:
    """A search map that holds a subject in spaces of the corridor plan."""
    return SearchArea(
        0.0,
        tuple(SpaceShare(name, name, LEVEL, p, in_area95=True) for name, p in shares.items()),
        (LevelShare(LEVEL, sum(shares.values()), 1.0, 1.0),),
        0.0,
        1.0,
        1.0,
    )


def named(found: tuple[CameraNow, ...]) -> list[str]:
    return [one.camera for one in found]


def test_distances_are_those_on_foot() -> None:
    walks = Walks(PLAN)
    for xy_m in ((15.0, 1.5), (30.0, 8.0), (40.0, 2.0)):
        away_m = dict(zip(REACH.cameras, REACH.from_place(LEVEL, xy_m), strict=True))
        for name, (left, bottom, right, top) in SHOWN.items():
            x_m, y_m = np.meshgrid(np.arange(left, right, 0.5), np.arange(bottom, top, 0.5))
            places_m = np.column_stack([x_m.ravel(), y_m.ravel()]) + 0.25
            nearest_m = walks.between_m(LEVEL, np.array(xy_m), LEVEL, places_m).min()
            if nearest_m < 0.9 * FARTHEST_M:
                # Steps in eight directions are at most 8 % longer than the straight line.
                assert nearest_m - 1.0 <= away_m[name] <= 1.09 * nearest_m + 1.0, name
    assert np.isinf(REACH.from_place(LEVEL, (15.0, 1.5))[REACH.cameras.index("blind")])


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        pytest.param(
            subject((24, 1.5), cameras=("half",)), ["half", "west"], id="sees before who may next"
        ),
        pytest.param(
            subject((24, 1.5), cameras=("half",), trail_m=((28, 1.5), (26, 1.5))),
            ["half", "west"],
            id="walks west",
        ),
        pytest.param(
            subject((50, 1.5), cameras=("east", "room")), ["east", "room"], id="two that see"
        ),
        pytest.param(subject((11, 1.5), cameras=("half",)), ["half", "west"], id="covers"),
        pytest.param(subject((26, 1.5), cameras=("gone",)), ["gone", "half"], id="not on the plan"),
    ],
)
def test_who_sees_comes_first_then_by_the_way(who: RankedSubject, expected: list[str]) -> None:
    found = next_cameras(answer(who), REACH, allowed=ALL | {"gone"})
    assert named(found) == expected
    assert [one.sight for one in found[: len(who.cameras)]] == ["sees"] * len(who.cameras)
    assert found[0].reason == "in its picture now"


def test_a_camera_that_shows_the_place_without_finding_anybody_covers_it() -> None:
    found = next_cameras(answer(subject((11, 1.5), cameras=("half",))), REACH, allowed=ALL)
    assert (found[1].camera, found[1].sight, found[1].soonest_s) == ("west", "covers", 0.0)


def test_the_way_that_somebody_walks_counts() -> None:
    middle = 16.0  # as far from the view in the west as from that in the middle
    from_west = subject((middle, 1.5), cameras=("gone",), trail_m=((14, 1.5), (15, 1.5)))
    from_east = replace(from_west, trail_m=((18, 1.5), (17, 1.5)))
    east, west = (
        named(next_cameras(answer(who), REACH, allowed=ALL))[:2] for who in (from_west, from_east)
    )
    assert (east, west) == (["half", "west"], ["west", "half"])


def test_seconds_are_those_of_the_way() -> None:
    (one,) = (
        one
        for one in next_cameras(
            answer(subject((18, 1.5), cameras=("gone",))), REACH, allowed={"west"}
        )
        if one.camera == "west"
    )
    assert one.walk_s == pytest.approx(6.0 / WALK_MPS, abs=0.4)
    assert one.soonest_s == pytest.approx(6.0 / RUN_MPS, abs=0.3)
    assert one.reason == "can walk in: 5 s at a walk, 2 s at a run"


def test_out_of_view_the_search_map_decides() -> None:
    lost = subject((30, 1.5), age_s=40.0, cameras=(), search=searched(end=0.8, hall=0.2))
    found = next_cameras(answer(lost), REACH, allowed=ALL)
    assert named(found)[0] == "room"
    elsewhere = replace(lost, search=searched(mid=0.95, hall=0.05))
    assert named(next_cameras(answer(elsewhere), REACH, allowed=ALL))[0] == "half"


def test_nobody_is_where_no_run_leads_in_time() -> None:
    lost = subject((2, 1.5), age_s=2.0, search=searched(hall=1.0))
    by_camera = {one.camera: one for one in next_cameras(answer(lost), REACH, allowed=ALL)}
    assert set(by_camera) == {"west", "half"}
    assert by_camera["half"].soonest_s == pytest.approx(18.0 / RUN_MPS - 2.0, abs=0.5)
    later = replace(lost, age_s=30.0)
    assert "east" in named(next_cameras(answer(later), REACH, allowed=ALL))


def test_who_saw_last_says_so() -> None:
    lost = subject((11, 1.5), age_s=3.0, search=searched(hall=1.0), visibility="out of view")
    lost = replace(lost, cameras=("west",))
    (west,) = (
        one for one in next_cameras(answer(lost), REACH, allowed=ALL) if one.camera == "west"
    )
    assert west.reason.startswith("saw the person last, 3 s ago; may come into its picture")


def test_without_a_map_it_is_the_time_to_walk() -> None:
    lost = subject((15, 1.5), age_s=1.0, search=None)
    assert named(next_cameras(answer(lost), REACH, allowed=ALL)) == ["west", "half"]


@pytest.mark.parametrize(
    ("subjects", "chosen", "expected"),
    [
        pytest.param((), None, [], id="nobody"),
        pytest.param((subject((24, 1.5), status="responder"),), None, [], id="none is ranked"),
        pytest.param((subject((24, 1.5), level="roof"),), None, [], id="a level without a plan"),
        pytest.param(
            (subject((24, 1.5), cameras=("half",)),), "S9", [], id="a subject that is not there"
        ),
        pytest.param(
            (
                subject((24, 1.5), cameras=("half",)),
                replace(subject((65, 5.0), cameras=("room",)), subject="S2", rank=2),
            ),
            "S2",
            ["room", "east"],
            id="a chosen one",
        ),
    ],
)
def test_whose_cameras(
    subjects: tuple[RankedSubject, ...], chosen: str | None, expected: list[str]
) -> None:
    found = next_cameras(answer(*subjects), REACH, allowed=ALL, subject=chosen)
    assert named(found) == expected


def test_stairs_lead_into_views_of_other_levels() -> None:
    plan = three_storeys()
    reach = CameraReach.of(ground_of(plan, {"foot": (0, 12, 8, 20)}))  # the west stairs below
    (above_m,) = reach.from_place("L1", (4.0, 16.0))
    (beside_m,) = reach.from_place("L1", (10.0, 10.0))
    assert 3.0 < above_m < beside_m < 30.0


AGES_S = st.floats(0.0, 120.0)
PLACES_M = st.tuples(st.floats(-2.0, 72.0), st.floats(-2.0, 12.0))


@given(
    place_m=PLACES_M,
    age_s=AGES_S,
    shares=st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3),
    seen_by=st.sets(st.sampled_from(sorted(SHOWN)), max_size=2),
    in_view=st.booleans(),
    allowed=st.sets(st.sampled_from(sorted(SHOWN))),
    trail=st.lists(PLACES_M, max_size=4),
)
def test_whatever_is_asked(
    place_m: tuple[float, float],
    age_s: float,
    shares: list[float],
    seen_by: set[str],
    in_view: bool,
    allowed: set[str],
    trail: list[tuple[float, float]],
) -> None:
    total = sum(shares) or 1.0
    spaces = dict(zip(("hall", "mid", "end"), (share / total for share in shares), strict=True))
    who = subject(
        place_m,
        age_s=0.0 if in_view else age_s,
        cameras=tuple(sorted(seen_by)),
        visibility="in view" if in_view else "out of view",
        trail_m=tuple(trail),
        search=None if in_view else searched(**spaces),
    )
    found = next_cameras(answer(who), REACH, allowed=allowed)
    assert found == next_cameras(answer(who), REACH, allowed=allowed)
    assert len(found) <= MOST
    assert len(set(named(found))) == len(found)
    assert set(named(found)) <= allowed
    assert all(0.0 <= one.chance <= 1.0 for one in found)
    assert all(one.walk_s is None or one.soonest_s <= one.walk_s + 0.1 for one in found)
    assert all(one.reason for one in found)
    order = [(("sees", "covers", "next").index(one.sight), -one.chance) for one in found]
    assert order == sorted(order)
    if in_view:
        assert {one.camera for one in found if one.sight == "sees"} == seen_by & allowed
        assert all(one.soonest_s <= HORIZON_S for one in found)
    else:
        assert {one.sight for one in found} <= {"next"}


@given(place_m=st.tuples(st.floats(0.5, 59.5), st.floats(0.5, 2.5)), step_m=st.floats(0.5, 3.0))
def test_nearer_by_foot_is_no_less_likely(place_m: tuple[float, float], step_m: float) -> None:
    """Somebody in the corridor who stands nearer to the west has more of a chance to get there."""
    nearer_m = (max(place_m[0] - step_m, 0.5), place_m[1])
    near, far = (
        {
            one.camera: one.chance
            for one in next_cameras(
                answer(subject(at_m, cameras=("gone",))), REACH, allowed={"west"}
            )
        }.get("west", 0.0)
        for at_m in (nearer_m, place_m)
    )
    assert near >= far - 0.02


@pytest.mark.slow
def test_an_answer_costs_less_than_a_millisecond() -> None:
    lost = subject((30, 1.5), age_s=40.0, search=searched(end=0.8, hall=0.2))
    spent_s = []
    for _ in range(200):
        begun_s = time.perf_counter()
        next_cameras(answer(lost), REACH, allowed=ALL)
        spent_s.append(time.perf_counter() - begun_s)
    assert np.median(spent_s) < 1e-3
