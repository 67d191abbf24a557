"""Puts the repository root on the path: `benchmarks` is not an installed package."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks.renderer.cast import DRILL_CAST  # noqa: E402 - after the path is set
from benchmarks.renderer.meshes import ellipsoid  # noqa: E402 - as above
from benchmarks.renderer.shapes import Rig  # noqa: E402 - as above
from benchmarks.renderer.wardrobe import Character  # noqa: E402 - as above

# Joints of a grown body at rest: name, parent, x, y, z in metres; the right side mirrors the left.
MIDDLE = (
    ("root", "", 0.0, -0.01, 0.90),
    ("spine05", "root", 0.0, -0.01, 0.90),
    ("spine03", "spine05", 0.0, 0.01, 1.03),
    ("spine01", "spine03", 0.0, 0.03, 1.24),
    ("neck01", "spine01", 0.0, -0.01, 1.41),
    ("head", "neck01", 0.0, -0.04, 1.50),
)
LEFT = (
    ("upperleg01", "root", 0.10, -0.01, 0.88),
    ("lowerleg01", "upperleg01", 0.13, -0.04, 0.49),
    ("foot", "lowerleg01", 0.17, 0.0, 0.09),
    ("toe3-1", "foot", 0.19, -0.14, 0.05),
    ("upperarm01", "spine01", 0.16, -0.02, 1.31),
    ("lowerarm01", "upperarm01", 0.33, -0.02, 1.12),
    ("wrist", "lowerarm01", 0.45, -0.18, 1.01),
    ("finger3-1", "wrist", 0.49, -0.26, 0.96),
    ("finger2-1", "wrist", 0.48, -0.27, 0.97),
    ("finger5-1", "wrist", 0.50, -0.24, 0.94),
)


@pytest.fixture(scope="session")
def stick_figure() -> Character:
    """A character of plain numbers: joints like a grown body's, an egg for a mesh."""
    rows = list(MIDDLE)
    for sign, side in ((1.0, "L"), (-1.0, "R")):
        for name, parent, x, y, z in LEFT:
            above = parent if parent in {row[0] for row in MIDDLE} else f"{parent}.{side}"
            rows.append((f"{name}.{side}", above, sign * x, y, z))
    names = tuple(row[0] for row in rows)
    parents = np.array([names.index(row[1]) if row[1] else -1 for row in rows])
    mesh = ellipsoid((0, 0, 0.9), (0.25, 0.2, 0.9), (0.5, 0.5, 0.5))
    count = len(mesh.vertices_m)
    weights = np.tile([1.0, 0.0, 0.0, 0.0], (count, 1))
    bones = np.full((count, 4), names.index("spine03"))
    rig = Rig(weights, bones, parents, names, {})
    joints = np.array([row[2:] for row in rows], dtype=float)
    return Character(DRILL_CAST[0], rig, mesh, weights, bones, joints, 1.75)
