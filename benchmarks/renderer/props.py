"""What people carry: firearms, and what is mistaken for one.

Every prop stands in its own frame: origin where the right hand grips, +x forward (muzzle), +z up.
"""

# ruff: noqa: PLR2004 - the numbers are the objects
from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from .meshes import CLOTH, Mesh, block, merge, tube

if TYPE_CHECKING:
    from collections.abc import Callable

BLACK = (0.035, 0.035, 0.038)
GREY = (0.10, 0.10, 0.105)


def rifle(rng: np.random.Generator) -> Mesh:
    """A carbine, 0.85-1.0 m long; stock, optic, magazine and colour vary."""
    body = BLACK if rng.random() < 0.7 else (0.20, 0.17, 0.11)
    wood = (0.30, 0.18, 0.09) if rng.random() < 0.25 else body
    barrel = float(rng.uniform(0.55, 0.70))
    parts = [
        block((0.22, 0.045, 0.060), (0.06, 0, 0.075), BLACK),
        block((0.20, 0.040, 0.030), (0.05, 0, 0.115), GREY),
        tube((0.17, 0, 0.095), (0.44, 0, 0.095), (0.027, 0.024), wood),
        tube((0.44, 0, 0.095), (barrel, 0, 0.095), (0.009, 0.009), BLACK),
        tube((barrel - 0.05, 0, 0.095), (barrel, 0, 0.095), (0.013, 0.013), BLACK),
        block((0.035, 0.035, 0.12), (-0.01, 0, 0), body, tilt_y_rad=-0.3),
        block((0.06, 0.026, 0.19), (0.115, 0, -0.035), GREY, tilt_y_rad=0.22),
        tube((-0.24, 0, 0.085), (-0.05, 0, 0.085), (0.015, 0.015), BLACK),
        block((0.17, 0.04, 0.055), (-0.25, 0, 0.075), wood),
        block((0.025, 0.04, 0.13), (-0.335, 0, 0.045), wood),
        block((0.012, 0.012, 0.05), (0.43, 0, 0.14), BLACK),
        block((0.25, 0.012, 0.012), (0.31, 0, 0.128), GREY),
    ]
    if rng.random() < 0.6:
        parts += [tube((-0.01, 0, 0.16), (0.09, 0, 0.16), (0.02, 0.022), BLACK)]
        parts += [block((0.05, 0.02, 0.02), (0.04, 0, 0.14), BLACK)]
    return merge(parts)


def handgun(rng: np.random.Generator) -> Mesh:
    """A pistol, 0.18-0.22 m long, black or with a bright slide."""
    slide = (0.45, 0.46, 0.48) if rng.random() < 0.3 else BLACK
    k = float(rng.uniform(0.95, 1.12))
    return merge(
        [
            block((0.19 * k, 0.028, 0.035), (0.065, 0, 0.05), slide),
            block((0.15 * k, 0.025, 0.022), (0.055, 0, 0.023), GREY),
            block((0.048, 0.031, 0.115), (-0.008, 0, -0.03), GREY, tilt_y_rad=-0.25),
            block((0.05, 0.008, 0.006), (0.055, 0, -0.015), BLACK),
            block((0.006, 0.008, 0.03), (0.08, 0, 0), BLACK),
        ]
    )


def phone(rng: np.random.Generator) -> Mesh:
    """A telephone held upright, its screen towards -x."""
    case = rng.choice([[0.05, 0.05, 0.06], [0.75, 0.75, 0.78], [0.5, 0.15, 0.2], [0.15, 0.25, 0.5]])
    return merge(
        [
            block((0.010, 0.075, 0.155), (0.03, 0, 0.03), case),
            block((0.002, 0.066, 0.140), (0.0238, 0, 0.03), (0.35, 0.42, 0.5)),
        ]
    )


def umbrella(rng: np.random.Generator) -> Mesh:
    """A closed umbrella, 0.85 m: crook at the hand, cloth wound round the shaft along +x."""
    cloth = rng.choice(
        [[0.05, 0.05, 0.06], [0.12, 0.15, 0.3], [0.45, 0.08, 0.1], [0.1, 0.25, 0.18]]
    )
    return merge(
        [
            tube((-0.06, 0, 0), (0.10, 0, 0), (0.013, 0.013), (0.25, 0.15, 0.08)),
            tube((-0.06, 0, 0), (-0.09, 0, -0.05), (0.013, 0.012), (0.25, 0.15, 0.08)),
            tube((-0.09, 0, -0.05), (-0.05, 0, -0.09), (0.012, 0.011), (0.25, 0.15, 0.08)),
            tube((0.10, 0, 0), (0.22, 0, 0), (0.018, 0.034), cloth, material=CLOTH),
            tube((0.22, 0, 0), (0.66, 0, 0), (0.034, 0.014), cloth, material=CLOTH),
            tube((0.66, 0, 0), (0.76, 0, 0), (0.006, 0.005), GREY),
        ]
    )


def umbrella_open(rng: np.random.Generator) -> Mesh:
    """An open umbrella: shaft along +x, canopy 1.0 m wide."""
    cloth = rng.choice(
        [[0.05, 0.05, 0.06], [0.12, 0.15, 0.3], [0.45, 0.08, 0.1], [0.55, 0.45, 0.1]]
    )
    cloth = np.array(cloth)
    rings = [(0.62, 0.50), (0.74, 0.36), (0.80, 0.19), (0.83, 0.01)]
    canopy = [
        tube((x0, 0, 0), (x1, 0, 0), (r0, r1), cloth, sides=16, material=CLOTH)
        for (x0, r0), (x1, r1) in pairwise(rings)
    ]
    shaft = tube((-0.1, 0, 0), (0.90, 0, 0), (0.008, 0.006), GREY)
    grip = tube((-0.12, 0, 0), (0.02, 0, 0), (0.015, 0.015), (0.25, 0.15, 0.08))
    return merge([shaft, grip, *canopy])


def drill(rng: np.random.Generator) -> Mesh:
    """A cordless drill: the nearest cousin of a handgun."""
    shells = [[0.75, 0.55, 0.05], [0.05, 0.30, 0.35], [0.60, 0.08, 0.08], [0.10, 0.35, 0.12]]
    shell = rng.choice(shells)
    return merge(
        [
            tube((-0.06, 0, 0.065), (0.11, 0, 0.065), (0.034, 0.032), shell),
            tube((0.11, 0, 0.065), (0.16, 0, 0.065), (0.026, 0.014), BLACK),
            tube((0.16, 0, 0.065), (0.24, 0, 0.065), (0.004, 0.004), (0.5, 0.5, 0.5)),
            block((0.045, 0.036, 0.12), (-0.005, 0, -0.005), BLACK, tilt_y_rad=-0.15),
            block((0.11, 0.070, 0.055), (0.01, 0, -0.085), shell),
            block((0.012, 0.012, 0.03), (0.03, 0, 0.02), BLACK),
        ]
    )


def book(rng: np.random.Generator) -> Mesh:
    """A textbook held flat against the body."""
    cover = rng.uniform(0.08, 0.65, 3)
    return merge(
        [
            block((0.032, 0.20, 0.27), (0.03, 0, 0.05), cover),
            block((0.026, 0.192, 0.272), (0.03, 0.004, 0.05), (0.85, 0.83, 0.76)),
        ]
    )


def radio(rng: np.random.Generator) -> Mesh:
    """A hand-held two-way radio with its aerial up."""
    shell = BLACK if rng.random() < 0.7 else (0.55, 0.45, 0.08)
    return merge(
        [
            block((0.036, 0.058, 0.125), (0.02, 0, 0.03), shell),
            tube((0.02, 0.018, 0.09), (0.02, 0.018, 0.23), (0.007, 0.005), BLACK),
            block((0.002, 0.040, 0.03), (0.001, 0, 0.06), (0.4, 0.45, 0.4)),
        ]
    )


MAKERS: dict[str, Callable[[np.random.Generator], Mesh]] = {
    "rifle": rifle,
    "handgun": handgun,
    "phone": phone,
    "umbrella": umbrella,
    "umbrella-open": umbrella_open,
    "drill": drill,
    "book": book,
    "radio": radio,
}
FIREARMS = frozenset({"rifle", "handgun"})


def make(kind: str, seed: int) -> Mesh:
    """The prop of a kind in the variant of a seed."""
    return MAKERS[kind](np.random.default_rng([seed, 7]))
