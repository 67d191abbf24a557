"""Which cameras are worth how many looks a second, on a corridor with two rooms."""

from __future__ import annotations

import pytest
from shapely.geometry import LineString

from calibration.answer import RankedSubject  # noqa: TC001 - read by pytest's parameters
from calibration.camera_reach import CameraReach
from calibration.floor_plan import Entrance, FloorPlan
from calibration.inputs import Mark, MarkKind
from calibration.patch_shares import patch_shares
from calibration.suspicion import ARMED_PRIOR
from calibration.wanted_rates import (
    ENTRANCE_FPS,
    HINT_FPS,
    MOST_FPS,
    SEEN_FPS,
    AttentionGround,
    wanted_rates,
)

from .search_plans import LEVEL, door, ground, room
from .test_next_cameras import ALL, SHOWN, answer, ground_of, searched, subject

PLAN = FloorPlan(
    [ground()],
    [room("hall", (0, 0, 60, 3)), room("mid", (25, 3, 35, 10)), room("end", (60, 0, 70, 10))],
    [door("mid-door", (29, 3), (31, 3)), door("end-door", (60, 1), (60, 2))],
    [Entrance("west-door", "1", "", LEVEL, LineString([(0, 1), (0, 2)]))],
)
GROUND = AttentionGround.of(CameraReach.of(ground_of(PLAN, SHOWN)))


def rates(*subjects: RankedSubject, **more: object) -> dict[str, float]:
    given: dict[str, object] = {"allowed": ALL, **more}
    return wanted_rates(answer(*subjects), GROUND, **given)  # type: ignore[arg-type]


def marked(kind: MarkKind) -> tuple[Mark, ...]:
    return (Mark(kind, "S1", 0.0, 1),)


def test_who_sees_a_suspect_is_wanted_most_and_views_farther_off_less() -> None:
    found = rates(subject((27, 1.5), cameras=("half",)))
    assert found == {"half": MOST_FPS}
    found = rates(subject((17, 1.5), cameras=("gone",)))
    assert 0 < found["half"] < MOST_FPS  # 3 m ahead
    assert 0 < found["west"] < MOST_FPS  # 5 m back
    assert found["west"] < found["half"]
    assert set(found) == {"half", "west"}


def test_a_view_behind_is_wanted_less_than_one_ahead() -> None:
    still = rates(subject((16, 1.5), cameras=("gone",)))
    east = rates(subject((16, 1.5), cameras=("gone",), trail_m=((13, 1.5), (14.5, 1.5))))
    west = rates(subject((16, 1.5), cameras=("gone",), trail_m=((19, 1.5), (17.5, 1.5))))
    assert east["half"] == still["half"] > west["half"]
    assert west["west"] == still["west"] > east["west"]


def test_many_cameras_of_one_place_share_its_looks() -> None:
    crowded = {**SHOWN, **{f"too-{n}": (20, 0, 28, 3) for n in range(5)}}
    many = AttentionGround.of(CameraReach.of(ground_of(PLAN, crowded)))
    found = wanted_rates(
        answer(subject((24, 1.5), cameras=("half", "too-1"))), many, allowed=set(crowded)
    )
    here = [found[name] for name in ("half", "too-0", "too-1", "too-2", "too-3", "too-4")]
    assert here == [pytest.approx(SEEN_FPS / 6, abs=0.01)] * 6


@pytest.mark.parametrize(
    ("held", "most"),
    [
        pytest.param({"end": 1.0}, "room", id="in the room at the end"),
        pytest.param({"hall": 1.0}, "east", id="in the hall, where it was lost"),
    ],
)
def test_out_of_view_the_search_map_says_where(held: dict[str, float], most: str) -> None:
    lost = subject((52, 1.5), age_s=3.0, search=searched(**held))
    found = rates(lost)
    assert max(found, key=lambda camera: found[camera]) == most
    assert "west" not in found  # nobody runs there in three seconds


def test_shares_of_patches_add_up_to_those_of_the_spaces() -> None:
    lost = subject((52, 1.5), age_s=300.0, search=(area := searched(hall=0.6, mid=0.3, end=0.1)))
    share = patch_shares(lost, area, GROUND.reach)
    names = [space.id for space in PLAN.spaces]
    for name, expected in (("hall", 0.6), ("mid", 0.3), ("end", 0.1)):
        assert share[GROUND.reach.patch_space == names.index(name)].sum() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("who", "counts"),
    [
        pytest.param({"probability": 0.9}, True, id="likely"),
        pytest.param({"probability": ARMED_PRIOR}, False, id="nothing speaks against them"),
        pytest.param({"probability": 0.9, "status": "responder"}, False, id="a responder"),
        pytest.param({"probability": 0.9, "status": "rejected"}, False, id="ruled out"),
        pytest.param({"probability": 0.01, "marks": marked("designate")}, True, id="followed"),
        pytest.param({"probability": 0.9, "level": "L9"}, False, id="on a level that is not there"),
    ],
)
def test_who_counts(who: dict[str, object], counts: bool) -> None:
    found = rates(subject((50, 1.5), cameras=("east",), **who))
    assert (found.get("east", 0.0) == MOST_FPS) is counts


def test_a_suspect_is_not_drowned_by_the_many_against_whom_nothing_speaks() -> None:
    crowd = [subject((24, 1.5), cameras=("half",), probability=0.02) for _ in range(40)]
    assert rates(*crowd) == rates()
    somebody = subject((50, 1.5), cameras=("east",), probability=0.04)
    assert rates(*crowd, somebody)["east"] == MOST_FPS
    known = subject((50, 1.5), cameras=("east",), probability=0.95)
    second = subject((5, 1.5), cameras=("west",), probability=0.4)
    found = rates(*crowd, known, second)
    assert MOST_FPS * 0.8 < found["east"] <= MOST_FPS
    assert 0 < found["west"] < found["east"]
    assert "half" not in found


def test_before_anybody_is_suspected_entrances_and_named_places_are_watched() -> None:
    assert wanted_rates(None, GROUND, allowed=ALL) == {"west": ENTRANCE_FPS}
    assert rates() == {"west": ENTRANCE_FPS}
    found = rates(hints=[(LEVEL, (50.0, 1.5)), ("L9", (0.0, 0.0))])
    assert found["east"] == HINT_FPS
    assert 0 < found["room"] < HINT_FPS
    assert found["west"] == ENTRANCE_FPS
    suspect = subject((27, 1.5), cameras=("half",))
    assert rates(suspect, hints=[(LEVEL, (50.0, 1.5))]) == rates(suspect)


def test_no_camera_is_named_that_may_not_be_looked_at() -> None:
    assert rates(subject((27, 1.5), cameras=("half",)), allowed={"west"}) == {}
