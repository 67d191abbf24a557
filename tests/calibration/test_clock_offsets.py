"""Clock offsets between cameras: what walkers tell of them, and what they do not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.answer import StageTimes
from calibration.clock_offsets import (
    MOST_S,
    SURE_S,
    WORTH_S,
    ClockOffset,
    ClockOffsets,
    camera_offsets,
)
from calibration.clock_samples import clock_samples, strides
from calibration.entrances import EntranceRoutes
from calibration.fusion import Fusion
from calibration.locator import Locator

from .corridor import corridor_plan, seen, ticks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from calibration.positions import FloorPositions

CAMERAS = {"east": (8.0, 24.0), "side": (4.0, 20.0), "west": (0.0, 16.0)}
"""The stretch of the corridor that each camera shows, metres along x."""

EVERY_S, LENGTH_M = 5.0, 24.0


@dataclass(frozen=True)
class Passing:
    """Somebody who walks through the corridor."""

    number: int
    start_s: float
    speed_mps: float
    eastward: bool

    def x_m(self, t_s: float) -> float:
        walked_m = (t_s - self.start_s) * self.speed_mps
        return walked_m if self.eastward else LENGTH_M - walked_m


def passing(count: int, *, both_ways: bool = True) -> list[Passing]:
    return [
        Passing(k, EVERY_S * k, 1.0 + 0.1 * (k % 5), not (both_ways and k % 2))
        for k in range(count)
    ]


def frames(
    people: Sequence[Passing],
    late_s: Mapping[str, float],
    *,
    shifted_m: Mapping[str, tuple[float, float]] | None = None,
    steps_at_s: float = 0.0,
) -> list[FloorPositions]:
    """Frames of the cameras in order of delivery, stamped `late_s` later than they were taken.

    Args:
        people: who walks.
        late_s: by camera.
        shifted_m: by how much a camera's places are wrong.
        steps_at_s: from when on the clocks are wrong.
    """
    rng = np.random.default_rng(5)
    usual = {(p.number, c): rng.normal(0, 0.06, 2) for p in people for c in CAMERAS}
    made = []
    for t in ticks(0.0, EVERY_S * len(people) + 20.0, 0.2):
        for index, (camera, (low_m, high_m)) in enumerate(CAMERAS.items()):
            at_s = t + 0.03 * index
            dx, dy = (shifted_m or {}).get(camera, (0.0, 0.0))
            rows = []
            for p in people:
                x = p.x_m(at_s)
                ex, ey = usual[p.number, camera] + rng.normal(0, 0.05, 2)
                if max(low_m, 0.0) <= x <= high_m and at_s >= p.start_s:
                    y = 1.0 if p.eastward else 2.2
                    rows.append((p.number, x + ex + dx, y + ey + dy))
            late = late_s.get(camera, 0.0) if at_s >= steps_at_s else 0.0
            made.append(replace(seen(camera, at_s, *rows), captured_at_s=at_s + late))
    return made


def told(given_frames: Sequence[FloorPositions]) -> dict[str, ClockOffset]:
    clocks = ClockOffsets()
    for frame in given_frames:
        clocks.note(frame)
    return {one.camera: one for one in clocks.told}


@pytest.mark.parametrize(
    ("late_s", "applied", "what"),
    [
        ({}, set(), "clocks that agree"),
        ({"west": 0.4}, {"west"}, "one is late"),
        ({"side": -0.6}, {"side"}, "one is early"),
        ({"east": 0.1}, set(), "too little to matter"),
        ({"east": 1.5}, set(), "too much to be corrected"),
        ({"east": 5.0, "side": 5.0, "west": 5.0}, set(), "all are wrong alike: nobody can see it"),
    ],
)
def test_an_offset_is_found(late_s: dict[str, float], applied: set[str], what: str) -> None:
    found = told(frames(passing(10), late_s))
    alike = min((late_s.get(camera, 0.0) for camera in CAMERAS), key=abs)
    for camera in CAMERAS:
        truth_s = late_s.get(camera, 0.0) - alike
        assert found[camera].offset_s == pytest.approx(truth_s, abs=0.08), (what, camera)
        assert found[camera].sigma_s < SURE_S
    assert {c for c, one in found.items() if one.applied} == applied, what


def test_one_that_is_too_far_is_told_and_not_corrected() -> None:
    east = told(frames(passing(10), {"east": 1.5}))["east"]
    assert east.is_sure
    assert abs(east.offset_s) > MOST_S
    assert not east.applied


@pytest.mark.parametrize(
    ("offset_s", "applied", "ends"),
    [
        (0.41, True, "0.4 s ahead of the others; corrected"),
        (-0.62, True, "0.6 s behind the others; corrected"),
        (-0.62, False, "0.6 s behind the others; not corrected"),
        (1.5, False, "1.5 s ahead of the others; too far to be corrected; set the camera's clock"),
    ],
)
def test_what_is_told(offset_s: float, applied: bool, ends: str) -> None:
    told_of = ClockOffset("c", offset_s, 0.05, applied, is_sure=True)
    assert told_of.sentence("Hall 2") == f"camera Hall 2: its clock is {ends}"


@pytest.mark.parametrize("shift_m", [(0.2, 0.0), (0.0, 0.2), (-0.2, 0.1)])
def test_wrong_places_are_not_wrong_times(shift_m: tuple[float, float]) -> None:
    found = told(frames(passing(10), {}, shifted_m={"west": shift_m}))
    assert all(abs(one.offset_s) < 0.1 and not one.is_sure for one in found.values())


@pytest.mark.parametrize("late_s", [0.0, 0.4])
def test_one_way_alone_decides_nothing(late_s: float) -> None:
    """A wrong place in a corridor through which all walk one way looks like a wrong time."""
    people = [replace(p, speed_mps=1.3) for p in passing(10, both_ways=False)]
    found = told(frames(people, {"west": late_s}, shifted_m={"west": (-0.25, 0.0)}))
    assert all(one.sigma_s > SURE_S and not one.applied for one in found.values())


def test_who_stands_tells_nothing() -> None:
    still = [
        seen(camera, t, (1, 10.0, 1.0), (2, 12.0, 2.0))
        for t in ticks(0.0, 30.0)
        for camera in CAMERAS
    ]
    assert told(still) == {}


def test_a_single_walker_decides_nothing() -> None:
    assert not any(one.is_sure for one in told(frames(passing(1), {"west": 0.4})).values())


def test_a_camera_that_shares_no_floor_is_left_alone() -> None:
    alone = [replace(f, camera="yard", level="L2") for f in frames(passing(6), {"west": 0.4})]
    assert told(alone) == {}


def test_a_clock_that_steps_is_followed() -> None:
    found = told(frames(passing(40), {"west": 0.5}, steps_at_s=60.0))
    assert found["west"].applied
    assert found["west"].offset_s > 0.3


def test_frames_of_a_camera_stay_in_order_and_settle() -> None:
    clocks = ClockOffsets()
    came: dict[str, list[tuple[float, float]]] = {}
    for frame in frames(passing(20), {"west": 0.4}):
        clocks.note(frame)
        at_s = clocks.corrected(frame).captured_at_s
        came.setdefault(frame.camera, []).append((frame.captured_at_s, at_s))
    for camera, times in came.items():
        given_s, at_s = np.array(times).T
        assert (np.diff(at_s) > 0.8 * np.diff(given_s)).all(), camera
        settled_s = given_s[-1] - at_s[-1]
        assert settled_s == pytest.approx(0.4 if camera == "west" else 0.0, abs=0.08)


def test_what_is_told_does_not_flicker() -> None:
    """Around the least that is worth telling, a camera is not told and taken back in turn."""
    clocks = ClockOffsets()
    states = []
    for frame in frames(passing(40), {"west": WORTH_S}):
        clocks.note(frame)
        states.append(tuple(one.sentence("x") for one in clocks.told if one.is_sure))
    assert sum(a != b for a, b in pairwise(states)) <= 2


def test_only_telling_corrects_nothing() -> None:
    clocks = ClockOffsets(corrects=False)
    for frame in frames(passing(10), {"west": 0.4}):
        clocks.note(frame)
        assert clocks.corrected(frame) is frame
    west = next(one for one in clocks.told if one.camera == "west")
    assert west.is_sure
    assert not west.applied


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1.0, 1.0), min_size=3, max_size=7),
    st.floats(-5.0, 5.0),
)
def test_only_differences_count(offsets_s: list[float], all_s: float) -> None:
    names = [f"c{k}" for k in range(len(offsets_s))]
    pairs = {
        (names[i], names[j]): (offsets_s[i] + all_s - (offsets_s[j] + all_s), 1e-6)
        for i in range(len(names))
        for j in range(i + 1, len(names))
    }
    found = camera_offsets(pairs)
    truth_s = np.array(offsets_s) - np.median(offsets_s)
    np.testing.assert_allclose([found[name][0] for name in names], truth_s, atol=1e-3)


def test_cameras_that_are_not_tied_are_judged_apart() -> None:
    found = camera_offsets({("a", "b"): (0.4, 1e-6), ("c", "d"): (-0.2, 1e-6)})
    assert found["a"][0] == pytest.approx(0.2, abs=1e-3)
    assert found["d"][0] == pytest.approx(0.1, abs=1e-3)


def test_two_who_could_be_meant_decide_only_as_one_subject() -> None:
    shown = [
        frame
        for t in ticks(0.0, 1.6)
        for frame in (
            seen("a", t, (1, 5.0 + 1.2 * t, 1.0), (2, 6.2 + 1.2 * t, 1.0)),
            seen("b", t, (7, 5.0 + 1.2 * t, 1.0), (8, 6.2 + 1.2 * t, 1.0)),
        )
    ]
    walked = strides(shown, 0.8)
    assert len(walked.keys) == 4
    assert clock_samples(walked, lambda _: None) == ()
    owners = {("a", 1): 0, ("b", 7): 0, ("a", 2): 1, ("b", 8): 1}
    pairs = {(one.first, one.second) for one in clock_samples(walked, owners.get)}
    assert pairs == {(("a", 1), ("b", 7)), (("a", 2), ("b", 8))}


def _away_m(late_s: float, *, corrects: bool) -> tuple[float, int]:
    """Mean distance of subjects in view from whoever is nearest, and how many subjects there were.

    The first half minute, in which the offset is being learnt, is left out of the distance.
    """
    fusion, people = Fusion(corrects_clocks=corrects), passing(16)
    away_m, ids = [], set()
    for frame in frames(people, {"side": late_s}):
        fusion.update(frame)
        now_s = frame.captured_at_s
        if frame.camera != "west" or now_s < 30.0:
            continue
        there = [p.x_m(now_s) for p in people if p.start_s <= now_s]
        for state in fusion.subjects(now_s):
            ids.add(state.id)
            if state.in_view:
                away_m.append(min(abs(x - state.xy_m[0]) for x in there))
    return float(np.mean(away_m)), len(ids)


def test_a_corrected_clock_places_people_where_they_are() -> None:
    right_m, right = _away_m(0.0, corrects=True)
    wrong_m, wrong = _away_m(0.6, corrects=False)
    mended_m, mended = _away_m(0.6, corrects=True)
    assert mended_m < right_m + 0.05
    assert mended_m < 0.7 * wrong_m
    assert mended == right < wrong


def test_the_locator_tells_of_it_by_name() -> None:
    plan = corridor_plan()
    locator = Locator(plan, EntranceRoutes(plan), camera_names={"west": "Hall 2"})
    for frame in frames(passing(10), {"west": -0.4}):
        locator.consume(frame, StageTimes(frame.captured_at_s))
    assert locator.problems() == ("camera Hall 2: its clock is 0.4 s behind the others; corrected",)
    assert {one.camera for one in locator.clock_offsets()} == set(CAMERAS)
