"""What must hold of the locator whatever is seen: names, clocks and order say nothing of people.

One scene is watched by three cameras: an armed walker goes from one end of the corridor into a room
that nobody watches and back, a bystander stands, another walks. What the cameras report is drawn
once and fed to locators with something changed that must not matter.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.answer import Answer, RankedSubject, StageTimes
from calibration.camera_loading import Camera
from calibration.entrances import EntranceRoutes
from calibration.inputs import Mark
from calibration.locator import Locator
from calibration.positions import FloorPositions
from calibration.projection import to_floor_positions
from calibration.synthetic import Imperfection, Scene, Walker

from .corridor import LEVEL, corridor_plan, east_camera, side_camera, west_camera

if TYPE_CHECKING:
    from random import Random

PLAN = corridor_plan()
ROUTES = EntranceRoutes(PLAN)
MODELS = {"a-west": west_camera(), "b-east": east_camera(), "c-side": side_camera()}
FPS = 8.0
DURATION_S = 14.0
SHARES_S = {"a-west": 0.0, "b-east": 1 / 32, "c-side": 2 / 32}
"""Cameras begin one after the other, by fractions of a second that a double holds exactly."""

Frames = tuple[FloorPositions, ...]


@cache
def frames() -> Frames:
    """What the cameras report, 8 times a second each, in order of time."""
    walkers = [
        Walker("intruder", ((6.0, 1.5), (17.5, 1.5), (17.5, 6.0), (17.5, 1.5), (8.0, 1.5)),
               speed_mps=1.6, armed=True),
        Walker("student", ((20.0, 2.3), (20.0, 2.4))),
        Walker("teacher", ((3.0, 1.0), (12.0, 1.0)), speed_mps=1.1),
    ]  # fmt: skip
    scene = Scene(MODELS, walkers, plan=PLAN, fps=FPS, errors=Imperfection(look_gain=1.0), seed=3)
    told = []
    for frame in scene.frames(DURATION_S):
        model = MODELS[frame.camera]
        placed = to_floor_positions(frame, model, frame.camera, LEVEL, PLAN)
        at_s = frame.frame_index / FPS + SHARES_S[frame.camera]
        told.append(replace(placed, captured_at_s=at_s))
    return tuple(told)


def locator(names: dict[str, str] | None = None) -> Locator:
    """A locator of the corridor; cameras have other ids where names are given."""
    ids = names or {name: name for name in MODELS}
    cameras = [
        Camera(ids[name], f"Camera {name}", LEVEL, "interior", None, model, "pose")
        for name, model in MODELS.items()
    ]
    return Locator(
        PLAN,
        ROUTES,
        camera_names={camera.id: camera.name for camera in cameras},
        cameras=sorted(cameras, key=lambda camera: camera.id),
    )


def answers(told: Frames, here: Locator | None = None, every_s: float = 0.5) -> list[Answer]:
    """The answers twice a second while the frames are fed."""
    here = here or locator()
    given: list[Answer] = []
    due_s = told[0].captured_at_s + every_s
    for positions in told:
        if positions.captured_at_s >= due_s:
            given.append(here.answer(due_s))
            due_s += every_s
        here.consume(positions, StageTimes(positions.captured_at_s))
    return [*given, here.answer(due_s)]


@cache
def plain_answers() -> tuple[Answer, ...]:
    return tuple(answers(frames()))


def test_the_scene_is_worth_asking_about() -> None:
    """Somebody is armed, somebody goes out of view and is searched for, and comes back."""
    told = plain_answers()
    assert told[-1].subjects[0].probability > 0.9
    assert any(one.search is not None for answer in told for one in answer.subjects)
    assert len(told[-1].subjects) == 3


def unnamed(answer: Answer, names: dict[str, str]) -> Answer:
    """The answer with cameras by their first names, in an order that names do not decide."""

    def plain(one: RankedSubject) -> RankedSubject:
        return replace(
            one,
            cameras=tuple(sorted(names[camera] for camera in one.cameras)),
            armed_tracks=tuple(
                sorted((names[camera], track) for camera, track in one.armed_tracks)
            ),
            reasons=one.plain_reasons,
            search=None,
        )

    return replace(answer, subjects=tuple(plain(one) for one in answer.subjects))


@pytest.mark.parametrize("order", ["cba", "bca", "zyx"])
def test_what_cameras_are_called_does_not_matter(order: str) -> None:
    ids = {name: f"{letter}{name[1:]}" for name, letter in zip(MODELS, order, strict=True)}
    renamed = tuple(replace(one, camera=ids[one.camera]) for one in frames())
    back = {new: old for old, new in ids.items()}
    same = {name: name for name in MODELS}
    for plain, other in zip(plain_answers(), answers(renamed, locator(ids)), strict=True):
        assert unnamed(other, back) == unnamed(plain, same)
        for one, two in zip(plain.subjects, other.subjects, strict=True):
            # Cameras' looks are multiplied in the order of their names.
            assert (one.search is None) is (two.search is None)
            if one.search is not None and two.search is not None:
                assert two.search.left_building == pytest.approx(one.search.left_building, abs=1e-5)
                assert two.search.area95_m2 == pytest.approx(one.search.area95_m2, rel=0.02)


@settings(max_examples=5)
@given(st.integers(-(2**20), 2**31))
def test_what_the_clock_shows_does_not_matter(half_seconds: int) -> None:
    shift_s = half_seconds / 2
    later = tuple(replace(one, captured_at_s=one.captured_at_s + shift_s) for one in frames())
    for plain, other in zip(plain_answers(), answers(later), strict=True):
        back = replace(
            other,
            at_s=other.at_s - shift_s,
            times=other.times and StageTimes(other.times.captured_s - shift_s),
            subjects=tuple(shifted(one, -shift_s) for one in other.subjects),
        )
        assert back == plain


def shifted(one: RankedSubject, by_s: float) -> RankedSubject:
    search = one.search and replace(one.search, at_s=one.search.at_s + by_s)
    return replace(one, seen_at_s=one.seen_at_s + by_s, search=search)


def test_an_answer_that_is_asked_twice_is_the_same() -> None:
    here = locator()
    for positions in frames()[:200]:
        here.consume(positions, StageTimes(positions.captured_at_s))
        at_s = positions.captured_at_s + 0.25
        assert here.answer(at_s) == here.answer(at_s)


def test_preparing_the_search_beforehand_changes_no_answer() -> None:
    here = locator()
    here.prepare()
    assert tuple(answers(frames(), here)) == plain_answers()


def places(answer: Answer) -> list[tuple[float, ...]]:
    return sorted((*one.xy_m, one.probability, one.ce95_m) for one in answer.subjects)


@settings(max_examples=5)
@given(st.randoms(use_true_random=False))
def test_the_order_of_people_in_a_frame_does_not_matter(random: Random) -> None:
    def stirred(one: FloorPositions) -> FloorPositions:
        order = list(range(len(one)))
        random.shuffle(order)
        rows = np.array(order, np.intp)
        columns = ("xy_m", "cov_m2", "from_head", "confidence", "track_id", "armed_llr")
        more = {name: getattr(one, name)[rows] for name in (*columns, "appearance")}
        return replace(one, **more)

    for plain, other in zip(
        plain_answers(), answers(tuple(stirred(one) for one in frames())), strict=True
    ):
        assert places(other) == pytest.approx(np.array(places(plain)), abs=1e-9)


def test_the_order_of_frames_of_one_moment_matters_to_nobody_s_rank() -> None:
    def at_once(told: Frames) -> Frames:
        return tuple(replace(one, captured_at_s=one.frame_index / FPS) for one in told)

    groups = [frames()[k : k + 3] for k in range(0, len(frames()), 3)]
    forward = at_once(tuple(one for group in groups for one in group))
    backward = at_once(tuple(one for group in groups for one in reversed(group)))
    for plain, other in zip(answers(forward), answers(backward), strict=True):
        assert len(other.subjects) == len(plain.subjects)
        for one, two in zip(plain.subjects[:1], other.subjects[:1], strict=True):
            assert np.hypot(*np.subtract(one.xy_m, two.xy_m)) < 0.1
            assert two.probability == pytest.approx(one.probability, abs=0.02)


@settings(max_examples=20)
@given(
    st.integers(0, len(MODELS) * int(DURATION_S * FPS) - 1),
    st.floats(0.5, 23.5),
    st.floats(0.2, 2.8),
    st.floats(-3.0, 7.0),
)
def test_one_false_box_is_nobody(which: int, x_m: float, y_m: float, llr: float) -> None:
    def with_box(one: FloorPositions) -> FloorPositions:
        return replace(
            one,
            xy_m=np.concatenate([one.xy_m, [[x_m, y_m]]]),
            cov_m2=np.concatenate([one.cov_m2, [np.eye(2) * 0.04]]),
            from_head=np.append(one.from_head, False),
            confidence=np.append(one.confidence, np.float32(0.9)),
            track_id=np.append(one.track_id, 10_000),
            armed_llr=np.append(one.armed_llr, llr),
            appearance=np.zeros((len(one) + 1, 0), np.float32),
        )

    told = tuple(with_box(one) if k == which else one for k, one in enumerate(frames()))
    for plain, other in zip(plain_answers(), answers(told), strict=True):
        assert names_of(other) == names_of(plain)


def names_of(answer: Answer) -> set[str]:
    return {one.subject for one in answer.subjects}


def test_a_false_box_where_nobody_is_is_never_told() -> None:
    here = locator()
    empty = tuple(replace(one, **no_rows(one)) for one in frames()[:48])  # type: ignore[arg-type]
    for k, one in enumerate(empty):
        if k == 20:
            here.consume(
                replace(
                    one,
                    xy_m=np.array([[9.0, 1.5]]),
                    cov_m2=np.eye(2)[None] * 0.04,
                    from_head=np.array([False]),
                    confidence=np.array([0.9], np.float32),
                    track_id=np.array([1], np.int64),
                    armed_llr=np.array([7.0]),
                    appearance=np.zeros((1, 0), np.float32),
                ),
                StageTimes(one.captured_at_s),
            )
        else:
            here.consume(one, StageTimes(one.captured_at_s))
        assert here.answer(one.captured_at_s).subjects == ()


def no_rows(one: FloorPositions) -> dict[str, object]:
    names = ("xy_m", "cov_m2", "from_head", "confidence", "track_id", "armed_llr", "appearance")
    return {name: getattr(one, name)[:0] for name in names}


def test_a_word_of_an_operator_counts_in_the_order_of_the_frames() -> None:
    """The same word between the same frames gives the same answers; later it gives others."""

    def with_word(after: int) -> list[Answer]:
        here = locator()
        answers(frames()[:after], here)
        here.tell(Mark("confirm", "S2", frames()[after].captured_at_s, 1, "dispatcher"))
        return answers(frames()[after:], here)

    assert with_word(150) == with_word(150)
    assert with_word(150)[0] != answers(frames()[150:], locator())[0]


PRINT = """
import hashlib
from tests.calibration.test_properties import plain_answers
print(hashlib.sha256(repr(plain_answers()).encode()).hexdigest())
"""


def test_the_seed_of_hashes_and_the_number_of_threads_do_not_matter() -> None:
    told = set()
    for seed, threads in (("0", "1"), ("1", "2"), ("4242", "1")):
        environment = {"PYTHONHASHSEED": seed, "OPENBLAS_NUM_THREADS": threads}
        run = subprocess.run(
            [sys.executable, "-c", PRINT],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, **environment},
        )
        told.add(run.stdout)
    assert len(told) == 1
