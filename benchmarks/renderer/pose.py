"""From a motion to a posed body: gait, arms and what the hands hold.

Gait: angles of hip, knee and foot over one cycle as sums of smooth bumps, shaped after the curves
of normal walking (J. Perry, "Gait Analysis", 1992). The phase follows the way walked, through a
table of how far the standing foot travels backwards, so that it stays on its spot of the floor.

Body frame: faces -y, left hand at +x, z up, pelvis above the origin.
"""

# ruff: noqa: PLR2004 - the numbers are angles of the gait
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .holds import HOLDS, reach
from .meshes import Mesh, turn_x, turn_y, turn_z
from .motion import RATE_HZ, RUN_FROM_MPS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from .exercise import Performance
    from .wardrobe import Character

    Array = NDArray[np.float64]

DEGREE = np.pi / 180
FULL_STEP_MPS = 1.35
RUN_CYCLE_S = 0.72
PHASES = 48
STANCE_FROM = 0.06
EVEN_SHARE = 0.2
SPEEDS_MPS = (0.4, 0.7, 1.0, 1.35, 1.6, 1.9, 2.2)

Rotations = dict[str, "Array"]


def forward_kinematics(character: Character, turns: Rotations) -> Array:
    """World transforms (B, 4, 4) of the bones; `turns` are about rest axes, relative to parents."""
    joints = character.joints_m
    out = np.zeros((len(joints), 4, 4))
    out[:, 3, 3] = 1.0
    for index, name in enumerate(character.rig.names):
        parent = int(character.rig.parents[index])
        turn = turns.get(name)
        if turn is None:
            out[index] = np.eye(4) if parent < 0 else out[parent]
            continue
        local = np.eye(4)
        local[:3, :3] = turn
        local[:3, 3] = joints[index] - turn @ joints[index]
        out[index] = local if parent < 0 else out[parent] @ local
    return out


def joint_m(character: Character, bones: Array, name: str) -> Array:
    """Where a joint is (3,) under bone transforms."""
    index = character.rig.bone(name)
    rotated: Array = bones[index, :3, :3] @ character.joints_m[index] + bones[index, :3, 3]
    return rotated


def _bump(phase: float, centre: float, width: float) -> float:
    distance = (phase - centre + 0.5) % 1 - 0.5
    return float(np.exp(-((distance / width) ** 2)))


def _leg_deg(phase: float, run: float) -> tuple[float, float, float]:
    """Hip flexion, knee flexion and the foot's pitch (toe down positive) in degrees."""
    swing = np.cos(2 * np.pi * (phase - 0.95))
    hip = 10 + 24 * swing
    knee = 5 + 13 * _bump(phase, 0.13, 0.085) + 56 * _bump(phase, 0.72, 0.115)
    grid = [0, 0.06, 0.40, 0.52, 0.62, 0.72, 0.86, 0.95, 1]
    foot = float(np.interp(phase, grid, [-14, 0, 0, 16, 46, 32, 2, -12, -14]))
    if run > 0:
        hip_run = 14 + 32 * np.cos(2 * np.pi * (phase - 0.90))
        knee_run = 18 + 22 * _bump(phase, 0.14, 0.10) + 82 * _bump(phase, 0.62, 0.15)
        pitch = [0, 6, 20, 48, 40, 24, 8, 0, 0]
        foot_run = float(np.interp(phase, [0, 0.15, 0.28, 0.38, 0.5, 0.65, 0.8, 0.95, 1], pitch))
        hip, knee = hip + run * (hip_run - hip), knee + run * (knee_run - knee)
        foot += run * (foot_run - foot)
    return float(hip), float(knee), foot


def leg_turns(phase: float, amount: float, run: float) -> Rotations:
    """Rotations of both legs and the trunk; `amount` 0 stands, 1 walks, `run` 0..1 runs."""
    turns: Rotations = {}
    for side, shifted in (("L", phase % 1), ("R", (phase + 0.5) % 1)):
        hip, knee, foot = _leg_deg(shifted, run)
        k = min(amount, 1.0)
        hip, knee, foot = hip * amount, 2 + knee * (0.15 + 0.85 * k) * k, foot * k
        turns[f"upperleg01.{side}"] = turn_x(-hip * DEGREE)
        turns[f"lowerleg01.{side}"] = turn_x(knee * DEGREE)
        turns[f"foot.{side}"] = turn_x((foot - (knee - hip)) * DEGREE)
        if 0.38 < shifted < 0.66:
            bend = float(np.interp(shifted, [0.38, 0.52, 0.62, 0.66], [0, 16, 32, 0])) * k
            for toe in range(1, 6):
                turns[f"toe{toe}-1.{side}"] = turn_x(-bend * DEGREE)
    yaw = 6 * DEGREE * amount * np.cos(2 * np.pi * phase)
    lean = (1.5 + 1.5 * amount + 8 * run) * DEGREE
    turns["root"] = turn_z(-yaw)
    turns["spine05"] = turn_z(yaw) @ turn_x(lean)
    turns["spine03"] = turn_z(1.5 * yaw)
    turns["neck01"] = turn_z(-1.5 * yaw) @ turn_x(-0.6 * lean)
    return turns


@dataclass(frozen=True, slots=True)
class Stride:
    """One gait cycle at a speed: its length in metres and the phase along it.

    `way_m` (P,) grows from 0 to `length_m` while `phase` (P,) grows from 0 to 1.
    """

    length_m: float
    way_m: Array
    phase: Array


def measure_stride(character: Character, speed_mps: float) -> Stride:
    """The stride that keeps the standing foot on its spot."""
    phases = np.linspace(0, 1, PHASES + 1)
    amount = min(speed_mps / FULL_STEP_MPS, 1.2)
    balls = np.zeros((PHASES + 1, 2, 3))
    for index, phase in enumerate(phases):
        bones = forward_kinematics(character, leg_turns(float(phase), amount, 0.0))
        for side, name in enumerate(("toe3-1.L", "toe3-1.R")):
            balls[index, side] = joint_m(character, bones, name)
    way = [0.0]
    for index in range(PHASES):
        standing = 0 if STANCE_FROM <= (index + 0.5) / PHASES < STANCE_FROM + 0.5 else 1
        step = float(balls[index + 1, standing, 1] - balls[index, standing, 1])
        way.append(way[-1] + max(step, 1e-4))
    even = way[-1] * phases
    return Stride(way[-1], (1 - EVEN_SHARE) * np.array(way) + EVEN_SHARE * even, phases)


def measure_strides(character: Character) -> list[Stride]:
    """One stride per speed of `SPEEDS_MPS`."""
    return [measure_stride(character, speed) for speed in SPEEDS_MPS]


@dataclass(frozen=True, slots=True)
class Posed:
    """A body in the world at one moment, site metres.

    `vertices_m` (V, 3) and `normals` (V, 3) of the character; the prop's likewise, if any.
    `capsules` (C, 8): both ends with radii, for shadows. `pelvis_xy_m` (2,). `soles_m` (2, 3):
    the balls of the feet, left and right.
    """

    person: int
    vertices_m: Array
    normals: Array
    prop: Mesh | None
    capsules: Array
    pelvis_xy_m: Array
    soles_m: Array


class Actor:
    """A character that performs a part: give it a time, get a posed body."""

    def __init__(
        self,
        character: Character,
        performance: Performance,
        prop: Mesh | None,
        strides: list[Stride] | None = None,
    ) -> None:
        self.character, self.performance, self.prop = character, performance, prop
        mesh, count = character.mesh, len(character.mesh.vertices_m)
        self._rest = np.concatenate([mesh.vertices_m, np.ones((count, 1))], axis=1)
        self._slots = [mesh.faces[:, k] for k in range(3)]
        self._walk = strides or measure_strides(character)
        self._phases = self._integrate()

    def _integrate(self) -> Array:
        """Cycles walked so far at every sample of the motion."""
        motion = self.performance.motion
        lengths = np.interp(motion.speed_mps, SPEEDS_MPS, [s.length_m for s in self._walk])
        running = motion.speed_mps > RUN_FROM_MPS
        lengths = np.where(running, np.maximum(motion.speed_mps * RUN_CYCLE_S, lengths), lengths)
        steps = np.diff(motion.walked_m, prepend=motion.walked_m[0])
        return np.asarray(np.cumsum(steps / lengths) + self.character.look.seed * 0.37, dtype=float)

    def _phase(self, t_s: float, speed_mps: float) -> float:
        position = (t_s - self.performance.motion.start_s) * RATE_HZ
        cycles = float(np.interp(position, np.arange(len(self._phases)), self._phases))
        if speed_mps > RUN_FROM_MPS:
            return cycles % 1
        stride = self._walk[int(np.argmin(np.abs(np.array(SPEEDS_MPS) - speed_mps)))]
        return float(np.interp((cycles % 1) * stride.length_m, stride.way_m, stride.phase))

    def _turns(self, t_s: float, speed_mps: float, phase: float) -> Rotations:
        amount = min(speed_mps / FULL_STEP_MPS, 1.2)
        run = float(np.clip((speed_mps - 1.9) / 0.8, 0, 1))
        turns = leg_turns(phase, amount, run)
        seed = self.character.look.seed
        sway = np.sin(0.9 * t_s + seed) * (1 - min(amount, 1.0))
        turns["spine03"] = turns["spine03"] @ turn_y(1.6 * DEGREE * sway)
        glance = 14 * DEGREE * np.sin(0.31 * t_s + 1.7 * seed) * np.sin(0.83 * t_s + seed)
        turns["head"] = turn_z(glance) @ turn_x(4 * DEGREE)
        return turns

    def pose(self, t_s: float) -> Posed:
        """The body at a time in seconds."""
        character, part = self.character, self.performance.part
        xy, heading, speed, _ = self.performance.motion.at(t_s)
        phase = self._phase(t_s, speed)
        turns = self._turns(t_s, speed, phase)
        bones = forward_kinematics(character, turns)
        run = float(np.clip((speed - 1.9) / 0.8, 0, 1))
        grip = HOLDS[part.hold](character, bones, phase, min(speed / FULL_STEP_MPS, 1.2), run)
        if grip.head is not None:
            turns["head"] = grip.head
        for side in ("L", "R"):
            reach(character, bones, turns, side, grip.wrists_m[side], grip.elbows[side])
        _curl_fingers(character, turns, "R", 60 if self.prop is not None else 22)
        _curl_fingers(character, turns, "L", 55 if grip.both else 22)
        bones = forward_kinematics(character, turns)
        world = turn_z(heading + np.pi / 2)
        local = self._skinned(bones)
        pelvis = joint_m(character, bones, "root")
        lift = 0.035 * run * abs(np.sin(2 * np.pi * phase))
        shift = np.array([xy[0], xy[1], lift - local[:, 2].min()])
        shift[:2] -= (world @ pelvis)[:2]
        vertices = local @ world.T + shift
        prop = None
        if self.prop is not None:
            origin = grip.origin_m
            if origin is None:
                origin = joint_m(character, bones, "wrist.R") * 0.45
                origin = origin + 0.55 * joint_m(character, bones, "finger3-1.R")
            prop = self.prop.moved(grip.axes, origin).moved(world, shift)
        feet = [joint_m(character, bones, f"toe3-1.{side}") for side in "LR"]
        ends = _capsules(character, bones)
        ends[:, :3] = ends[:, :3] @ world.T + shift
        ends[:, 4:7] = ends[:, 4:7] @ world.T + shift
        return Posed(
            part.person,
            vertices,
            self._normals(vertices),
            prop,
            ends,
            (world @ pelvis + shift)[:2],
            np.array(feet) @ world.T + shift,
        )

    def _skinned(self, bones: Array) -> Array:
        top = bones[:, :3, :].astype(np.float32)
        character = self.character
        out = np.zeros((len(self._rest), 3), dtype=np.float32)
        rest = self._rest.astype(np.float32)
        for k in range(character.weights.shape[1]):
            share = character.weights[:, k].astype(np.float32)
            used = np.flatnonzero(share > 0.004)
            moved = np.einsum("nij,nj->ni", top[character.bones[used, k]], rest[used])
            out[used] += moved * share[used, None]
        return out.astype(np.float64)

    @cached_property
    def _corner_sum(self) -> csr_matrix:
        from scipy import sparse  # noqa: PLC0415 - heavy, needed once per actor

        faces = self.character.mesh.faces
        index = np.tile(np.arange(len(faces)), 3)
        shape = (len(self._rest), len(faces))
        return sparse.csr_matrix((np.ones(3 * len(faces)), (faces.T.ravel(), index)), shape=shape)

    def _normals(self, vertices: Array) -> Array:
        a, b, c = (vertices[slot] for slot in self._slots)
        total: Array = self._corner_sum @ np.cross(b - a, c - a)
        length = np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
        return np.asarray(total / length, dtype=float)


def _curl_fingers(character: Character, turns: Rotations, side: str, degrees: float) -> None:
    """Bend the four fingers about the line of the knuckles."""
    rig, joints = character.rig, character.joints_m
    axis = joints[rig.bone(f"finger2-1.{side}")] - joints[rig.bone(f"finger5-1.{side}")]
    x, y, z = axis / np.linalg.norm(axis)
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    sign = -1.0 if side == "L" else 1.0
    for link, share in ((1, 1.0), (2, 1.2), (3, 0.8)):
        angle = sign * degrees * share * DEGREE
        turn = np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * skew @ skew
        for finger in range(2, 6):
            turns[f"finger{finger}-{link}.{side}"] = turn


LIMBS = (
    ("upperleg01.L", "lowerleg01.L", 0.085, 0.062), ("upperleg01.R", "lowerleg01.R", 0.085, 0.062),
    ("lowerleg01.L", "foot.L", 0.062, 0.045), ("lowerleg01.R", "foot.R", 0.062, 0.045),
    ("foot.L", "toe3-1.L", 0.045, 0.035), ("foot.R", "toe3-1.R", 0.045, 0.035),
    ("upperarm01.L", "lowerarm01.L", 0.05, 0.042), ("upperarm01.R", "lowerarm01.R", 0.05, 0.042),
    ("lowerarm01.L", "finger3-1.L", 0.042, 0.035), ("lowerarm01.R", "finger3-1.R", 0.042, 0.035),
    ("root", "spine03", 0.14, 0.14), ("spine03", "spine01", 0.14, 0.15),
    ("neck01", "head", 0.07, 0.10),
)  # fmt: skip


def _capsules(character: Character, bones: Array) -> Array:
    rows = [
        [*joint_m(character, bones, a), ra, *joint_m(character, bones, b), rb]
        for a, b, ra, rb in LIMBS
    ]
    return np.array(rows)
