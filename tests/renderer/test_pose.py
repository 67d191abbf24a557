from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.renderer.exercise import Part, Performance
from benchmarks.renderer.holds import HOLDS, reach
from benchmarks.renderer.meshes import block
from benchmarks.renderer.motion import Walk, plan_motion
from benchmarks.renderer.pose import Actor, forward_kinematics, joint_m, leg_turns, measure_stride

if TYPE_CHECKING:
    from benchmarks.renderer.wardrobe import Character


@pytest.mark.parametrize("speed_mps", [1.0, 1.35, 1.6])
def test_the_standing_foot_stays_on_its_spot(stick_figure: Character, speed_mps: float) -> None:
    stride = measure_stride(stick_figure, speed_mps)
    phases = np.linspace(0.14, 0.48, 20)
    way = np.interp(phases, stride.phase, stride.way_m)
    foot = []
    for phase in phases:
        turns = leg_turns(float(phase), min(speed_mps / 1.35, 1.2), 0.0)
        bones = forward_kinematics(stick_figure, turns)
        foot.append(joint_m(stick_figure, bones, "toe3-1.L")[1])
    slide = np.ptp(np.array(foot) - way)
    assert np.ptp(way) > 0.25
    assert slide < 0.06


def test_strides_grow_with_speed_and_are_human(stick_figure: Character) -> None:
    lengths = [measure_stride(stick_figure, speed).length_m for speed in (0.7, 1.0, 1.35)]
    assert lengths == sorted(lengths)
    assert 0.9 < lengths[-1] < 1.6


@pytest.mark.parametrize("target", [(0.2, -0.4, 1.2), (0.25, -0.2, 0.95), (0.1, -0.35, 1.45)])
def test_the_wrist_comes_to_its_target(
    stick_figure: Character, target: tuple[float, float, float]
) -> None:
    turns = leg_turns(0.3, 1.0, 0.0)
    bones = forward_kinematics(stick_figure, turns)
    reach(stick_figure, bones, turns, "L", np.array(target), np.array([0.5, 0.5, -0.5]))
    bones = forward_kinematics(stick_figure, turns)
    assert joint_m(stick_figure, bones, "wrist.L") == pytest.approx(target, abs=0.01)


@pytest.mark.parametrize("hold", sorted(HOLDS))
@pytest.mark.parametrize("run", [0.0, 1.0])
def test_every_hold_gives_right_handed_axes_and_reachable_wrists(
    stick_figure: Character, hold: str, run: float
) -> None:
    bones = forward_kinematics(stick_figure, {})
    grip = HOLDS[hold](stick_figure, bones, 0.2, 1.0, run)
    assert grip.axes @ grip.axes.T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(grip.axes) == pytest.approx(1.0)
    for side in "LR":
        shoulder = joint_m(stick_figure, bones, f"upperarm01.{side}")
        assert 0.1 < np.linalg.norm(grip.wrists_m[side] - shoulder) < 0.60


def test_the_pelvis_stands_over_the_motions_point_and_feet_on_the_floor(
    stick_figure: Character,
) -> None:
    motion = plan_motion(0.0, (3, 4), (9, 4), (Walk(((9, 4),), 1.3),))
    part = Part(1, "intruder", "gunman", 0.0, (3, 4), (9, 4), (), "rifle", "low-ready")
    prop = block((0.9, 0.05, 0.1), (0.1, 0, 0), (0, 0, 0))
    actor = Actor(stick_figure, Performance(part, motion), prop)
    for t_s in (0.5, 1.7, 3.1):
        body = actor.pose(t_s)
        assert body.pelvis_xy_m == pytest.approx(motion.at(t_s)[0], abs=1e-6)
        assert body.vertices_m[:, 2].min() == pytest.approx(0.0, abs=1e-6)
        assert body.prop is not None
        ahead = body.prop.vertices_m.mean(axis=0)[0] - body.pelvis_xy_m[0]
        assert 0.1 < ahead < 0.6, "walking along +x, the rifle is before the body"
