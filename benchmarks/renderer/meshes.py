"""Triangle meshes with colours, and the few solids that props and clothes are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Point = Sequence[float] | NDArray[np.float64]
    Indices = NDArray[np.int64]

SKIN, CLOTH, HAIR, SHOE, HARD = 1, 2, 3, 4, 5
"""Materials of everything that moves; those of the building begin at 10 (see `scene`)."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """Triangles: `vertices_m` (V, 3), `faces` (F, 3), sRGB `rgb` (V, 3), `material` (V,)."""

    vertices_m: Array
    faces: Indices
    rgb: Array
    material: Indices

    def moved(self, rotation: Array, shift_m: Array) -> Mesh:
        """The mesh turned, then shifted."""
        return Mesh(self.vertices_m @ rotation.T + shift_m, self.faces, self.rgb, self.material)


def _painted(vertices: Array, faces: Indices, rgb: Point, material: int) -> Mesh:
    count = len(vertices)
    return Mesh(vertices, faces, np.tile(np.array(rgb), (count, 1)), np.full(count, material))


def merge(meshes: Sequence[Mesh]) -> Mesh:
    """All meshes as one."""
    offsets = np.cumsum([0, *(len(mesh.vertices_m) for mesh in meshes[:-1])])
    return Mesh(
        np.concatenate([mesh.vertices_m for mesh in meshes]),
        np.concatenate([m.faces + o for m, o in zip(meshes, offsets, strict=True)]),
        np.concatenate([mesh.rgb for mesh in meshes]),
        np.concatenate([mesh.material for mesh in meshes]),
    )


def turn_x(angle_rad: float) -> Array:
    """Rotation about +x (3, 3)."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def turn_y(angle_rad: float) -> Array:
    """Rotation about +y (3, 3)."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def turn_z(angle_rad: float) -> Array:
    """Rotation about +z (3, 3)."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def block(
    size_m: Point,
    centre_m: Point,
    rgb: Point,
    *,
    tilt_y_rad: float = 0.0,
    material: int = HARD,
) -> Mesh:
    """A box with flat faces (24 vertices)."""
    corners: list[Array] = []
    faces: list[list[int]] = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            u, v = np.eye(3)[(axis + 1) % 3], np.eye(3)[(axis + 2) % 3]
            if sign < 0:
                u, v = v, u
            n = sign * np.eye(3)[axis]
            base = len(corners)
            corners += [n - u - v, n + u - v, n + u + v, n - u + v]
            faces += [[base, base + 1, base + 2], [base, base + 2, base + 3]]
    vertices = np.array(corners) * np.array(size_m) / 2
    vertices = vertices @ turn_y(tilt_y_rad).T + np.array(centre_m)
    return _painted(vertices, np.array(faces), rgb, material)


def tube(
    start_m: Point,
    end_m: Point,
    radii_m: tuple[float, float],
    rgb: Point,
    *,
    sides: int = 10,
    material: int = HARD,
) -> Mesh:
    """A (conical) rod between two points, closed at both ends."""
    a, b = np.array(start_m, dtype=float), np.array(end_m, dtype=float)
    axis = (b - a) / np.linalg.norm(b - a)
    helper = np.eye(3)[int(np.argmin(np.abs(axis)))]
    u = np.cross(axis, helper)
    u /= np.linalg.norm(u)
    v = np.cross(axis, u)
    angles = np.arange(sides) * 2 * np.pi / sides
    ring = np.cos(angles)[:, None] * u + np.sin(angles)[:, None] * v
    vertices = np.concatenate([a + ring * radii_m[0], b + ring * radii_m[1], [a, b]])
    faces: list[list[int]] = []
    for i in range(sides):
        j = (i + 1) % sides
        faces += [[i, j, sides + i], [j, sides + j, sides + i]]
        faces += [[j, i, 2 * sides], [sides + i, sides + j, 2 * sides + 1]]
    return _painted(vertices, np.array(faces), rgb, material)


def ellipsoid(
    centre_m: Point,
    radii_m: Point,
    rgb: Point,
    *,
    squareness: float = 1.0,
    material: int = CLOTH,
) -> Mesh:
    """A ball, egg or, with `squareness` below 1, a pillow (a superellipsoid)."""
    rows, columns = 9, 14
    latitude = np.linspace(-np.pi / 2, np.pi / 2, rows)
    longitude = np.arange(columns) * 2 * np.pi / columns

    def bent(value: Array) -> Array:
        return np.sign(value) * np.abs(value) ** squareness

    lat, lon = np.meshgrid(latitude, longitude, indexing="ij")
    unit = np.stack(
        [
            bent(np.cos(lat)) * bent(np.cos(lon)),
            bent(np.cos(lat)) * bent(np.sin(lon)),
            bent(np.sin(lat)),
        ],
        axis=-1,
    ).reshape(-1, 3)
    faces: list[list[int]] = []
    for i in range(rows - 1):
        for j in range(columns):
            k = (j + 1) % columns
            a, b = i * columns + j, i * columns + k
            c, d = a + columns, b + columns
            faces += [[a, b, d], [a, d, c]]
    return _painted(unit * np.array(radii_m) + np.array(centre_m), np.array(faces), rgb, material)
