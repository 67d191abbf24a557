from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.camera_loading import Camera
from calibration.search import LATE_TICKS, LEAST_SUBJECTS, MOST_SUBJECTS, SearchMaps
from calibration.search_motion import TICK_S
from calibration.synthetic import mounted_camera
from calibration.walk_grid import WalkGrid

from .search_plans import LEVEL, UPPER, door, long_corridor, lost, two_rooms, two_storeys

if TYPE_CHECKING:
    from calibration.subject import SubjectState

PLAN = two_rooms(door("d", (6, 2), (6, 3)))
WEST = Camera(
    "west", "West", LEVEL, "interior", None, mounted_camera((0.2, 3, 2.8), (5, 3, 0.5)), "pose"
)
"""Shows most of the west room."""

START_S = 1_700_000_000.0


def watched(
    maps: SearchMaps,
    state: SubjectState,
    seconds: float,
    *,
    camera: str | None,
    dark_s: float = 6.0,
    lag_s: float = 0.0,
) -> None:
    """Follow one subject for some time; after a while a camera delivers ten frames a second."""
    for k in range(1, round(seconds * 10) + 1):
        at_s = state.seen_at_s + k / 10
        if camera is not None and k / 10 > dark_s:
            maps.look(camera, at_s - lag_s)
        maps.follow([state], at_s)


def held(maps: SearchMaps, name: str, space: str) -> float:
    """Probability of a space."""
    area = maps.area(name)
    assert area is not None
    return sum(share.probability for share in area.spaces if share.space == space)


def test_without_subjects_there_is_no_work_and_in_view_there_is_no_map() -> None:
    maps = SearchMaps(PLAN, [WEST])
    maps.look("west", START_S)
    maps.follow([], START_S)
    assert maps._made_ground is None
    maps.follow([lost((3, 3), seen_at_s=START_S, in_view=True)], START_S + 1.0)
    assert maps.area("S1") is None
    assert maps.weights("S1") is None
    assert maps.cells("S1") is None


def test_a_map_begins_with_the_loss_and_ends_with_the_next_sighting() -> None:
    maps = SearchMaps(PLAN)
    state = lost((3, 3), (0.0, 0.0), seen_at_s=START_S)
    maps.follow([state], START_S + 0.2)
    first = maps.area("S1")
    assert first is not None
    assert first.area95_m2 < 6.0
    maps.follow([state], START_S + 20.0)
    later = maps.area("S1")
    assert later is not None
    assert later.area95_m2 > 4 * first.area95_m2
    assert later.at_s == START_S + 20.0
    seen = lost((9, 3), seen_at_s=START_S + 20.4, in_view=True)
    maps.follow([seen], START_S + 20.5)
    assert maps.area("S1") is None
    again = replace(seen, in_view=False)
    maps.follow([again], START_S + 22.0)
    assert held(maps, "S1", "east") > 0.9


def test_who_was_seen_between_two_questions_begins_anew() -> None:
    maps = SearchMaps(PLAN)
    maps.follow([lost((3, 3), seen_at_s=START_S)], START_S + 10.0)
    maps.follow([lost((9, 3), seen_at_s=START_S + 9.5)], START_S + 10.5)
    assert held(maps, "S1", "east") > 0.95


def test_who_is_gone_has_no_map() -> None:
    maps = SearchMaps(PLAN)
    maps.follow([lost((3, 3), seen_at_s=START_S)], START_S + 5.0)
    maps.follow([], START_S + 5.5)
    assert maps.area("S1") is None


def test_an_empty_view_drives_the_mass_into_the_blind_room() -> None:
    state = lost((3, 3), seen_at_s=START_S)
    dark, bright, other = (SearchMaps(PLAN, [WEST]) for _ in range(3))
    watched(dark, state, 20.0, camera=None)
    watched(bright, state, 20.0, camera="west")
    watched(other, state, 20.0, camera="unknown")
    assert held(dark, "S1", "west") > 0.5
    assert held(bright, "S1", "east") > held(dark, "S1", "east") + 0.2
    np.testing.assert_array_equal(weights(other), weights(dark))


def weights(maps: SearchMaps, name: str = "S1") -> np.ndarray:
    share = maps.weights(name)
    assert share is not None
    return share


def test_the_blind_corner_of_a_watched_room_keeps_its_mass() -> None:
    maps = SearchMaps(PLAN, [WEST])
    state = lost((3, 3), seen_at_s=START_S)
    watched(maps, state, 15.0, camera="west")
    maps.prepare()
    shown = maps.views["west"].cells
    west = np.flatnonzero(maps.grid.space == 0)
    blind = np.setdiff1d(west, shown)
    share = weights(maps)
    assert len(blind) > 3
    assert share[blind].mean() > 3 * share[shown].mean()


def test_who_is_not_found_anywhere_still_is_somewhere() -> None:
    everywhere = mounted_camera((3, 3, 30.0), (3, 3.1, 0.0), hfov_deg=60)
    camera = Camera("top", "Top", LEVEL, "interior", None, everywhere, "pose")
    plan = two_rooms()
    maps = SearchMaps(plan, [camera])
    state = lost((3, 3), seen_at_s=START_S)
    watched(maps, state, 120.0, camera="top")
    share = weights(maps)
    assert np.isfinite(share).all()
    assert share.sum() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("lag_s", [0.0, 0.9])
def test_frames_that_come_late_count_all_the_same(lag_s: float) -> None:
    state = lost((3, 3), seen_at_s=START_S)
    maps, dark = SearchMaps(PLAN, [WEST]), SearchMaps(PLAN, [WEST])
    watched(maps, state, 20.0, camera="west", lag_s=lag_s)
    watched(dark, state, 20.0, camera=None)
    assert held(maps, "S1", "east") > held(dark, "S1", "east") + 0.2


def test_what_was_looked_at_before_the_loss_was_known_counts() -> None:
    state = lost((5.0, 2.5), (1.3, 0.0), seen_at_s=START_S)
    shares = []
    for looks in (False, True):
        maps = SearchMaps(PLAN, [WEST])
        for k in range(1, 30):
            if looks:
                maps.look("west", START_S + k / 10)
        maps.follow([replace(state, in_view=True)], START_S + 2.0)
        maps.follow([state], START_S + 3.0)
        shares.append(held(maps, "S1", "west"))
    assert shares[1] < shares[0]


def test_somebody_who_may_be_the_searched_one_keeps_the_mass_about_himself() -> None:
    state = lost((3.0, 4.5), (0.0, -0.6), seen_at_s=START_S)
    alone, beside = SearchMaps(PLAN, [WEST]), SearchMaps(PLAN, [WEST])
    for k in range(1, 100):
        at_s = START_S + k / 10
        y_m = max(4.5 - 0.06 * k, 1.5)
        body = lost((3.0, y_m), seen_at_s=at_s, born_s=START_S + 0.05, in_view=True, name="S2")
        for maps, subjects in ((alone, [state]), (beside, [state, body])):
            maps.look("west", at_s)
            maps.follow(subjects, at_s)
    near = np.linalg.norm(alone.grid.xy_m - [3.0, 1.5], axis=1) < 1.0
    assert weights(beside)[near].sum() > 3 * weights(alone)[near].sum()


@settings(max_examples=15, deadline=None)
@given(
    questions_s=st.lists(st.floats(0.1, 12.0), min_size=1, max_size=8),
    looked=st.lists(st.integers(1, 24), max_size=10),
)
def test_when_questions_are_asked_changes_nothing(
    questions_s: list[float], looked: list[int]
) -> None:
    """As long as the looks of a tick have come before it is asked for."""
    state = lost((3, 3), (1.0, 0.0), seen_at_s=START_S)
    often, once = SearchMaps(PLAN, [WEST]), SearchMaps(PLAN, [WEST])
    moments = sorted({*questions_s, 12.0})
    looks = sorted(tick * TICK_S - 0.1 for tick in looked)
    for at_s in moments:
        for look_s in [t for t in looks if t <= at_s]:
            often.look("west", START_S + look_s)
            looks.remove(look_s)
        often.follow([state], START_S + at_s)
    for tick in looked:
        once.look("west", START_S + tick * TICK_S - 0.1)
    once.follow([state], START_S + 1.0)
    once.follow([state], START_S + 12.0)
    np.testing.assert_allclose(weights(often), weights(once), atol=1e-6)


def test_the_same_calls_give_the_same_map() -> None:
    runs = []
    for _ in range(2):
        maps = SearchMaps(PLAN, [WEST])
        watched(maps, lost((3, 3), (1.0, 0.4), seen_at_s=START_S), 8.0, camera="west")
        runs.append(weights(maps))
    np.testing.assert_array_equal(runs[0], runs[1])


def test_each_subject_has_a_map_of_its_own() -> None:
    alone = SearchMaps(PLAN)
    together = SearchMaps(PLAN)
    states = [
        lost((1 + 0.2 * k, 3.0), seen_at_s=START_S + 0.5 * k, name=f"S{k}") for k in range(20)
    ]
    for at_s in np.arange(START_S, START_S + 20.0, 0.5):
        known = [state for state in states if state.seen_at_s <= at_s]
        together.follow(known, at_s)
        alone.follow([s for s in known if s.id == "S7"], at_s)
    together.follow(states[5:], START_S + 20.0)
    alone.follow(states[7:8], START_S + 20.0)
    np.testing.assert_allclose(weights(together, "S7"), weights(alone, "S7"), atol=1e-6)
    assert together.area("S3") is None


def test_only_the_most_wanted_have_maps() -> None:
    states = [
        replace(lost((3, 3), seen_at_s=START_S, name=f"S{k}"), armed_llr=float(k))
        for k in range(MOST_SUBJECTS + 5)
    ]
    maps = SearchMaps(PLAN)
    maps.follow(states, START_S + 0.5)
    assert [maps.area(state.id) is None for state in states] == [True] * 5 + [False] * MOST_SUBJECTS


def test_where_there_is_not_room_for_all_maps_begin_one_a_tick_and_late_ones_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("calibration.search.MOST_CELLS", 1)  # as of an enormous site
    crowd = [lost((3, 3), seen_at_s=START_S, name=f"S{k}") for k in range(LEAST_SUBJECTS + 3)]
    maps = SearchMaps(PLAN)

    def mapped() -> set[str]:
        return {state.id for state in crowd if maps.area(state.id) is not None}

    for tick in range(1, 4):
        maps.follow(crowd, START_S + tick * TICK_S)
        maps.follow(crowd, START_S + tick * TICK_S + 0.01)  # an answer more in the same tick
        assert len(mapped()) == tick
    late = START_S + (LATE_TICKS + 2) * TICK_S
    maps.follow(crowd, late)
    assert len(mapped()) == 3
    pointed_out = crowd[-1].id
    assert pointed_out not in mapped()
    maps.follow(crowd, late + TICK_S, {pointed_out})
    assert pointed_out in mapped()


def test_rasters_sum_to_what_is_inside() -> None:
    plan = two_storeys()
    maps = SearchMaps(plan)
    state = lost((9.0, 2.0), (2.0, 0.0), seen_at_s=START_S)
    maps.follow([state], START_S + 25.0)
    rasters = maps.cells("S1")
    assert rasters is not None
    assert list(rasters) == [LEVEL, UPPER]
    assert rasters[LEVEL].dtype == np.float32
    assert rasters[LEVEL].shape == maps.grid.rasters[0].index.shape
    assert sum(raster.sum() for raster in rasters.values()) == pytest.approx(1.0, abs=1e-4)
    assert rasters[UPPER].sum() > 0


def test_a_long_silence_is_not_computed_tick_by_tick() -> None:
    maps = SearchMaps(PLAN)
    state = lost((3, 3), seen_at_s=START_S)
    maps.follow([state], START_S + 1.0)
    maps.follow([state], START_S + 86_400.0)
    area = maps.area("S1")
    assert area is not None
    assert area.at_s == START_S + 86_400.0
    assert held(maps, "S1", "east") > 0.2


def test_an_earlier_moment_leaves_the_maps_where_they_are() -> None:
    maps = SearchMaps(PLAN)
    state = lost((3, 3), seen_at_s=START_S)
    maps.follow([state], START_S + 5.0)
    before = weights(maps)
    maps.follow([state], START_S + 3.0)
    np.testing.assert_array_equal(weights(maps), before)
    assert maps.at_s == START_S + 5.0


def test_the_grid_is_that_of_the_plan() -> None:
    maps = SearchMaps(PLAN)
    assert maps.grid is WalkGrid.of(PLAN)
    assert SearchMaps(long_corridor(), cell_m=1.0).grid.cell_m == 1.0
