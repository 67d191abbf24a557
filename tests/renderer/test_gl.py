"""Pictures for real; skipped where OpenGL over EGL is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.renderer.boxes import truth_of
from benchmarks.renderer.building import Building, Entrance, Opening, line, room
from benchmarks.renderer.exercise import Part, Performance
from benchmarks.renderer.gl import Studio
from benchmarks.renderer.lens import mount
from benchmarks.renderer.meshes import block
from benchmarks.renderer.motion import Stand, plan_motion
from benchmarks.renderer.pose import Actor
from benchmarks.renderer.scene import build_scene
from benchmarks.renderer.style import Style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.renderer.wardrobe import Character

ROOMS = Building(
    (room("a", "A", "lobby", 0, 0, 8, 6), room("b", "B", "classroom", 8, 0, 14, 6)),
    (Opening("door", "pedestrian", line(8, 4, 8, 5)),),
    (Entrance("e", "1", "Front", line(0, 2, 0, 4)),),
    (),
)
CAMERA = mount("c", "C", (0.4, 0.4, 2.6), (5, 3.5, 0.8))


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    style = Style(seed=3)
    try:
        made = Studio(ROOMS, build_scene(ROOMS, style, set()), style)
    except RuntimeError as error:
        pytest.skip(str(error))
    yield made
    made.close()


def statue(character: Character, number: int, at: tuple[float, float]) -> Actor:
    motion = plan_motion(0.0, at, (0, 0), (Stand(1.0),))
    part = Part(number, "student", "gunman", 0.0, at, (0, 0), (), "handgun", "one-hand")
    prop = block((0.2, 0.05, 0.15), (0.1, 0, 0), (0, 0, 0))
    return Actor(character, Performance(part, motion), prop)


def test_boxes_hold_the_visible_pixels_and_the_projected_body(
    studio: Studio, stick_figure: Character
) -> None:
    actor = statue(stick_figure, 7, (4.5, 3.0))
    posed = [(actor, actor.pose(0.5))]
    studio.upload(posed)
    picture, box, mask, whole = studio.frame(CAMERA, posed)
    plate = studio.plate(CAMERA)
    person, weapon = truth_of(plate.view, posed, mask, whole)
    assert (person.person, person.kind, weapon.kind) == (7, "person", "handgun")
    assert box is not None
    assert person.visible > 0.9
    assert person.seen_px == pytest.approx(person.box_px, abs=2.5)
    assert not np.array_equal(picture, plate.picture)
    assert np.isfinite(picture).all()


def test_somebody_behind_a_wall_is_neither_drawn_nor_true(
    studio: Studio, stick_figure: Character
) -> None:
    actor = statue(stick_figure, 1, (11.0, 1.0))
    posed = [(actor, actor.pose(0.5))]
    studio.upload(posed)
    _, _, mask, whole = studio.frame(CAMERA, posed)
    assert not studio.in_view(CAMERA, np.array([11.0, 1.0]))
    truths = truth_of(studio.plate(CAMERA).view, posed, mask, whole)
    assert all(truth.seen_px is None and truth.visible == 0 for truth in truths)


def test_the_one_in_front_hides_the_one_behind(studio: Studio, stick_figure: Character) -> None:
    ahead = np.array([4.6, 3.1]) / np.linalg.norm([4.6, 3.1])
    near = statue(stick_figure, 1, tuple(0.4 + ahead * 3.0))
    far = statue(stick_figure, 2, tuple(0.4 + ahead * 4.0))
    posed = [(near, near.pose(0.5)), (far, far.pose(0.5))]
    studio.upload(posed)
    _, _, mask, whole = studio.frame(CAMERA, posed)
    shares = {
        truth.person: truth.visible
        for truth in truth_of(studio.plate(CAMERA).view, posed, mask, whole)
        if truth.kind == "person"
    }
    assert shares[1] > 0.9
    assert shares[2] < 0.6
