"""How arms and hands are held: swinging, or around a prop.

A hold looks at the posed trunk and answers where the wrists go, where the elbows point and how the
prop lies. All in the body frame: faces -y, left hand at +x, z up; lengths scale with body height.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .meshes import turn_x, turn_z

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .wardrobe import Character

    Array = NDArray[np.float64]

DEGREE = np.pi / 180
NORMAL_HEIGHT_M = 1.75


@dataclass(frozen=True, slots=True)
class Grip:
    """Targets of one pose.

    `axes` (3, 3): columns are the prop's +x, +y, +z. With `origin_m` None the prop sits in the
    right hand wherever that comes to rest.
    """

    wrists_m: dict[str, Array]
    elbows: dict[str, Array]
    axes: Array = field(default_factory=lambda: frame((0, -1, 0)))
    origin_m: Array | None = None
    both: bool = False
    head: Array | None = None


Hold = Callable[["Character", "Array", float, float, float], Grip]
"""(character, bones, phase, amount, run) -> Grip."""


def frame(forward: tuple[float, float, float], up: tuple[float, float, float] = (0, 0, 1)) -> Array:
    """Axes (3, 3) of a prop that points `forward` with its top towards `up`."""
    x: Array = np.array(forward, dtype=float)
    x /= np.linalg.norm(x)
    y = np.cross(np.array(up, dtype=float), x)
    y /= np.linalg.norm(y)
    return np.asarray(np.stack([x, y, np.cross(x, y)], axis=1), dtype=float)


def _place(character: Character, bones: Array, name: str) -> Array:
    index = character.rig.bone(name)
    out: Array = bones[index, :3, :3] @ character.joints_m[index] + bones[index, :3, 3]
    return out


def _align(a: Array, b: Array) -> Array:
    """The smallest rotation (3, 3) that turns direction a into b (Rodrigues)."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    x, y, z = np.cross(a, b)
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn: Array = np.eye(3) + skew + skew @ skew / (1 + float(a @ b) + 1e-9)
    return turn


def reach(
    character: Character,
    bones: Array,
    turns: dict[str, Array],
    side: str,
    wrist_m: Array,
    elbow: Array,
) -> None:
    """Set the rotations of one arm so that its wrist comes to a point.

    Two-bone inverse kinematics by the law of cosines. `bones` must be the transforms with both
    arms at rest.
    """
    names = (f"upperarm01.{side}", f"lowerarm01.{side}", f"wrist.{side}")
    shoulder, bend, wrist = (_place(character, bones, name) for name in names)
    upper = float(np.linalg.norm(bend - shoulder))
    fore = float(np.linalg.norm(wrist - bend))
    way = wrist_m - shoulder
    length = float(np.clip(np.linalg.norm(way), abs(upper - fore) * 1.05, (upper + fore) * 0.995))
    unit = way / np.linalg.norm(way)
    along = (upper**2 - fore**2 + length**2) / (2 * length)
    aside = elbow - unit * float(elbow @ unit)
    aside /= np.linalg.norm(aside)
    new_bend = shoulder + unit * along + aside * np.sqrt(max(upper**2 - along**2, 0.0))
    first = _align(bend - shoulder, new_bend - shoulder)
    swung = shoulder + first @ (wrist - shoulder)
    second = _align(swung - new_bend, shoulder + unit * length - new_bend)
    rig = character.rig
    parent = bones[rig.parents[rig.bone(names[0])], :3, :3]
    turns[names[0]] = parent.T @ first @ parent
    inner = first @ bones[rig.parents[rig.bone(names[1])], :3, :3]
    turns[names[1]] = inner.T @ second @ inner


OUT = {"L": np.array([1.0, 0, 0]), "R": np.array([-1.0, 0, 0])}


def _hanging(
    character: Character, bones: Array, side: str, phase: float, amount: float, run: float
) -> tuple[Array, Array]:
    """Wrist and elbow direction of an arm that hangs or swings against the leg."""
    k = character.height_m / NORMAL_HEIGHT_M
    shoulder = _place(character, bones, f"upperarm01.{side}")
    shifted = phase + (0.5 if side == "L" else 0.0)
    swing = np.cos(2 * np.pi * (shifted - 0.95)) * amount
    angle = (4 + 19 * swing + run * 12 * swing) * DEGREE
    length = (0.485 - 0.02 * abs(swing) - 0.15 * run) * k
    down = np.array([0.0, -np.sin(angle), -np.cos(angle)]) * length
    out = OUT[side] * (0.085 - 0.05 * run) * k
    forward = np.array([0, -1.0, 0]) * (0.03 + 0.19 * run + 0.05 * max(swing, 0)) * k
    lift = np.array([0, 0, 1.0]) * (0.06 * run + 0.02 * max(swing, 0)) * k
    return shoulder + down + out + forward + lift, OUT[side] * 0.35 + np.array([0, 1.0, -0.1])


def swing(character: Character, bones: Array, phase: float, amount: float, run: float) -> Grip:
    """Both arms swing; what is in the right hand points forward and down."""
    held = {s: _hanging(character, bones, s, phase, amount, run) for s in "LR"}
    return Grip(
        {side: value[0] for side, value in held.items()},
        {side: value[1] for side, value in held.items()},
        frame((0.05, -0.75, -0.65)),
    )


def side(character: Character, bones: Array, phase: float, amount: float, run: float) -> Grip:
    """The right arm hangs almost still, the thing in it points to the floor, a little forward."""
    left = _hanging(character, bones, "L", phase, amount, run)
    right = _hanging(character, bones, "R", phase, amount * 0.3, run * 0.3)
    return Grip(
        {"L": left[0], "R": right[0] + np.array([-0.03, 0, 0])},
        {"L": left[1], "R": right[1]},
        frame((-0.05, -0.35, -0.94), (0.0, -1.0, 0.35)),
    )


def _two_handed(
    character: Character,
    bones: Array,
    origin: tuple[float, float, float],
    forward: tuple[float, float, float],
    right: tuple[float, float, float],
    left: tuple[float, float, float],
    head: Array | None = None,
) -> Grip:
    """Both hands on the prop: `right` and `left` are the wrists in the prop's frame."""
    k = character.height_m / NORMAL_HEIGHT_M
    axes = frame(forward)
    centre = _place(character, bones, "spine01") + np.array(origin) * k
    return Grip(
        {"R": centre + axes @ np.array(right), "L": centre + axes @ np.array(left)},
        {"R": np.array([-0.8, 0.3, -0.7]), "L": np.array([0.6, 0.1, -0.9])},
        axes,
        centre,
        both=True,
        head=head,
    )


def low_ready(character: Character, bones: Array, phase: float, amount: float, run: float) -> Grip:
    """A rifle across the chest, muzzle to the left front and somewhat down."""
    bob = 0.012 * np.sin(4 * np.pi * phase) * amount + 0.0 * run
    return _two_handed(
        character, bones, (-0.12, -0.26, -0.10 + bob), (0.58, -0.72, -0.30),
        (-0.07, -0.02, -0.01), (0.25, 0.03, 0.02), turn_x(5 * DEGREE),
    )  # fmt: skip


def port(character: Character, bones: Array, phase: float, amount: float, run: float) -> Grip:
    """A rifle diagonally before the body, muzzle up to the left."""
    bob = 0.012 * np.sin(4 * np.pi * phase) * amount + 0.0 * run
    return _two_handed(
        character, bones, (-0.13, -0.24, -0.18 + bob), (0.70, -0.38, 0.60),
        (-0.07, -0.02, -0.02), (0.25, 0.03, 0.0),
    )  # fmt: skip


def shouldered(character: Character, bones: Array, phase: float, amount: float, run: float) -> Grip:
    """A rifle at the shoulder, aimed level ahead."""
    bob = 0.006 * np.sin(4 * np.pi * phase) * amount + 0.0 * run
    return _two_handed(
        character, bones, (-0.10, -0.36, 0.08 + bob), (0.04, -1.0, -0.03),
        (-0.06, -0.02, -0.02), (0.24, 0.03, 0.02), turn_z(6 * DEGREE) @ turn_x(8 * DEGREE),
    )  # fmt: skip


def aim(character: Character, bones: Array, phase: float, amount: float, run: float) -> Grip:
    """A short thing in both hands, arms stretched forward at chest height."""
    bob = 0.008 * np.sin(4 * np.pi * phase) * amount + 0.0 * run
    return _two_handed(
        character, bones, (-0.02, -0.54, 0.02 + bob), (0.0, -1.0, -0.04),
        (-0.09, -0.012, -0.03), (-0.065, 0.05, -0.045),
    )  # fmt: skip


def low_aim(character: Character, bones: Array, phase: float, amount: float, run: float) -> Grip:
    """A short thing in both hands before the belly, pointing forward and down."""
    bob = 0.008 * np.sin(4 * np.pi * phase) * amount + 0.0 * run
    return _two_handed(
        character, bones, (-0.02, -0.42, -0.22 + bob), (0.02, -0.80, -0.55),
        (-0.09, -0.012, -0.03), (-0.065, 0.05, -0.045),
    )  # fmt: skip


def _right_hand(
    character: Character,
    bones: Array,
    moving: tuple[float, float, float],
    wrist: tuple[float, float, float],
    axes: Array,
    elbow: tuple[float, float, float] = (-0.5, 0.5, -0.8),
    head: Array | None = None,
) -> Grip:
    """The right wrist at a point relative to the upper chest; the left arm swings."""
    k = character.height_m / NORMAL_HEIGHT_M
    left = _hanging(character, bones, "L", *moving)
    target = _place(character, bones, "spine01") + np.array(wrist) * k
    return Grip({"L": left[0], "R": target}, {"L": left[1], "R": np.array(elbow)}, axes, head=head)


def one_hand(character: Character, bones: Array, phase: float, amount: float, run: float) -> Grip:
    """The right arm stretched forward, the thing in it aimed level."""
    return _right_hand(
        character, bones, (phase, amount, run), (-0.14, -0.50, 0.02), frame((0.03, -1, -0.03))
    )


def bent(character: Character, bones: Array, phase: float, amount: float, run: float) -> Grip:
    """The right forearm level at the waist, the thing in it points ahead."""
    return _right_hand(
        character, bones, (phase, amount, run), (-0.20, -0.24, -0.24), frame((0.1, -1, -0.1))
    )


def look(character: Character, bones: Array, phase: float, amount: float, run: float) -> Grip:
    """Something small before the chest, the head bent over it."""
    return _right_hand(
        character, bones, (phase, amount, run), (-0.07, -0.26, -0.08),
        frame((0.0, -0.75, -0.66), (0, -0.6, 0.8)), head=turn_x(20 * DEGREE),
    )  # fmt: skip


def ear(character: Character, bones: Array, phase: float, amount: float, run: float) -> Grip:
    """A telephone at the right ear."""
    return _right_hand(
        character, bones, (phase, amount, run), (-0.15, -0.13, 0.20),
        frame((-1.0, -0.1, 0.0), (0, -0.25, 1)), elbow=(-0.7, -0.3, -0.9),
    )  # fmt: skip


def mouth(character: Character, bones: Array, phase: float, amount: float, run: float) -> Grip:
    """A radio before the mouth."""
    return _right_hand(
        character,
        bones,
        (phase, amount, run),
        (-0.07, -0.20, 0.11),
        frame((0, -1, 0.1), (0, 0.2, 1)),
    )


def over(character: Character, bones: Array, phase: float, amount: float, run: float) -> Grip:
    """An open umbrella: the hand before the chest, the shaft up."""
    return _right_hand(
        character,
        bones,
        (phase, amount, run),
        (-0.11, -0.24, -0.10),
        frame((0.03, 0.06, 1.0), (0, 1, 0)),
    )


def hug(character: Character, bones: Array, phase: float, amount: float, run: float) -> Grip:
    """A book held to the chest with both arms."""
    breath = 0.004 * np.sin(2 * np.pi * phase) * amount + 0.0 * run
    return _two_handed(
        character, bones, (-0.01, -0.15, -0.17 + breath), (0.0, -1.0, 0.05),
        (0.05, -0.11, -0.06), (0.05, 0.11, 0.02),
    )  # fmt: skip


HOLDS: dict[str, Hold] = {
    "swing": swing, "side": side, "low-ready": low_ready, "port": port, "shouldered": shouldered,
    "aim": aim, "low-aim": low_aim, "one-hand": one_hand, "bent": bent, "look": look, "ear": ear,
    "mouth": mouth, "over": over, "hug": hug,
}  # fmt: skip
