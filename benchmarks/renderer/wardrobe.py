"""Characters: a naked shape dressed after a look.

Clothes are pieces of MakeHuman's helper meshes (tights, skirt, hair), pushed outwards along their
normals. Hems are cut straight by clamping the last row of vertices onto the hem.
"""

# ruff: noqa: PLR2004 - the numbers are the cut of the clothes
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .meshes import CLOTH, HAIR, HARD, SHOE, SKIN, Mesh, block, ellipsoid, merge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .cast import Look
    from .shapes import Rig, Shape

    Array = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Indices = NDArray[np.int64]

THICKNESS_M = {"tee": 0.013, "sweater": 0.021, "hoodie": 0.028, "jacket": 0.030}


@dataclass(frozen=True, slots=True)
class Character:
    """A dressed body at rest: triangles, colours and how the bones move them.

    `mesh` at rest; `weights` (V, 4) and `bones` (V, 4) per vertex; `joints_m` (B, 3).
    """

    look: Look
    rig: Rig
    mesh: Mesh
    weights: Array
    bones: Indices
    joints_m: Array
    height_m: float


def _vertex_normals(vertices: Array, quads: Indices) -> Array:
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    normals = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(normals, triangles[:, k], np.cross(b - a, c - a))
    length = np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    return np.asarray(normals / length, dtype=float)


def _folds(vertices: Array, seed: int, per_m: float) -> Array:
    """Smooth noise in -1..1 over space, the folds of cloth."""
    rng = np.random.default_rng(seed)
    waves = rng.normal(size=(6, 3)) * per_m
    wave = np.sin(vertices @ waves.T + rng.uniform(0, 6.28, 6))
    return np.asarray(wave.mean(axis=1), dtype=float)


class _Tailor:
    """Cuts the pieces of one character."""

    def __init__(self, rig: Rig, shape: Shape, look: Look) -> None:
        self.rig, self.shape, self.look = rig, shape, look
        self.v = shape.vertices_m
        self.height = shape.height_m(rig)
        self.pieces: list[tuple[Mesh, Array, Indices]] = []
        self.tights = rig.groups["helper-tights"]
        self.outward = _vertex_normals(self.v, self.tights)

    def share(self, *prefixes: str) -> Array:
        """How much each vertex hangs on the bones whose names begin so, 0..1."""
        wanted = np.array([name.startswith(prefixes) for name in self.rig.names])
        return np.asarray((self.rig.weights * wanted[self.rig.bones]).sum(axis=1), dtype=float)

    def joint(self, name: str) -> Array:
        return np.asarray(self.shape.joints_m[self.rig.bone(name)], dtype=float)

    def piece(self, vertices: Array, quads: Indices, rgb: Array, material: Array | int) -> None:
        used, inverse = np.unique(quads, return_inverse=True)
        local = inverse.reshape(quads.shape)
        faces = np.concatenate([local[:, [0, 1, 2]], local[:, [0, 2, 3]]])
        kinds = np.broadcast_to(np.asarray(material), (len(vertices),))[used]
        mesh = Mesh(vertices[used], faces, rgb[used], kinds.astype(np.int64))
        self.pieces.append((mesh, self.rig.weights[used], self.rig.bones[used]))

    def pinned(self, mesh: Mesh, bone: str) -> None:
        """Add something rigid that hangs on one bone."""
        count = len(mesh.vertices_m)
        weights = np.tile([1.0, 0.0, 0.0, 0.0], (count, 1))
        self.pieces.append((mesh, weights, np.full((count, 4), self.rig.bone(bone))))

    def colour(self, rgb: Sequence[float]) -> Array:
        return np.tile(np.array(rgb, dtype=float), (len(self.v), 1))

    def patterned(self, rgb: Sequence[float]) -> Array:
        """Cloth colours after the look's pattern."""
        out = self.colour(rgb)
        other = np.clip(np.array(rgb) * 0.45 + (0.45 if np.mean(rgb) < 0.4 else 0.0), 0, 1)
        x, z = self.v[:, 0], self.v[:, 2]
        match self.look.pattern:
            case "stripes":
                out[(z / 0.09) % 1 < 0.45] = other
            case "check":
                mix = 0.5 * ((z / 0.11) % 1 < 0.4) + 0.5 * ((x / 0.11) % 1 < 0.4)
                out = out * (1 - 0.55 * mix[:, None]) + other * 0.55 * mix[:, None]
            case "panel":
                chest = self.joint("spine01")[2]
                out[(np.abs(x) < 0.11) & (np.abs(z - chest + 0.04) < 0.07)] = other
            case _:
                pass
        return out

    def head(self) -> None:
        """Skin that shows, face, eyes and hair."""
        look, v = self.look, self.v
        eye, neck = self.joint("eye.L"), self.joint("neck01")
        hands = self.share("wrist", "finger", "metacarpal")
        head = self.share("neck", "head", "eye")
        shown = (hands > 0.35) | (head > 0.3) | (v[:, 2] > neck[2] - 0.02)
        if look.top == "tee":
            shown |= self.share("lowerarm", "upperarm02") > 0.2
        if look.legs != "trousers":
            shown |= (v[:, 2] < self.joint("lowerleg01.L")[2] + 0.14) & (hands < 0.1)
        body = self.rig.groups["body"]
        rgb = self.colour(look.skin)
        for name in ("eye.L", "eye.R"):
            near = np.linalg.norm((v - self.joint(name)) * [1, 0.6, 1.6], axis=1)
            rgb *= (1 - 0.32 * np.exp(-((near / 0.022) ** 2)))[:, None]
        lips = np.array([0.0, eye[1] - 0.02, eye[2] - 0.072])
        near = np.exp(-((np.linalg.norm((v - lips) * [0.5, 0.5, 2.2], axis=1) / 0.02) ** 2))
        rgb = rgb * (1 - 0.35 * near[:, None] * np.array([0.3, 1.0, 1.0]))
        behind = v[:, 1] - eye[1]
        above = v[:, 2] - eye[2]
        uneven = 0.008 * _folds(v, look.seed, 120)
        scalp = (head > 0.5) & (
            (above > 0.055 + uneven)
            | ((behind > 0.095 + uneven) & (above > -0.07))
            | ((behind > 0.07 + uneven) & (above > -0.015) & (np.abs(v[:, 0]) > 0.05))
        )
        if look.hair == "bald":
            scalp &= (above < 0.05) & (behind > 0.09)
        out = v + 0.0
        thick = {"bald": 0.003, "cap": 0.012}.get(look.hair, 0.013)
        normals = _vertex_normals(v, body)
        lift = thick + 0.35 * thick * _folds(v, look.seed + 1, 95)
        out[scalp] += normals[scalp] * lift[scalp, None]
        rgb[scalp] = look.hair_rgb
        if look.hair == "cap":
            cap = scalp & (above > 0.045)
            rgb[cap] = np.array(look.top_rgb) * 0.45 + 0.04
        kinds = np.where(scalp, CLOTH if look.hair == "cap" else HAIR, SKIN)
        self.piece(out, body[shown[body].any(axis=1)], rgb, kinds)
        for name in ("helper-l-eye", "helper-r-eye"):
            ball = self.rig.groups[name]
            centre = v[ball].reshape(-1, 3).mean(axis=0)
            white = self.colour((0.72, 0.70, 0.68))
            white[np.linalg.norm((v - centre)[:, [0, 2]], axis=1) < 0.0065] = (0.1, 0.07, 0.05)
            self.piece(v, ball, white, SKIN)
        self._hair_pieces(eye, neck)

    def _hair_pieces(self, eye: Array, neck: Array) -> None:
        look, v = self.look, self.v
        if look.hair == "long":
            quads = self.rig.groups["helper-hair"]
            keep = (v[:, 2] > neck[2] - 0.11 * self.height) & (
                (v[:, 1] > eye[1] + 0.035) | (v[:, 2] > eye[2] + 0.045)
            )
            bulge = _vertex_normals(v, quads) * (0.006 * _folds(v, look.seed + 4, 60))[:, None]
            self.piece(v + bulge, quads[keep[quads].all(axis=1)], self.colour(look.hair_rgb), HAIR)
        elif look.hair == "bun":
            ball = ellipsoid(
                (0, eye[1] + 0.20, eye[2] + 0.08),
                (0.048, 0.045, 0.045),
                look.hair_rgb,
                material=HAIR,
            )
            self.pinned(ball, "head")
        elif look.hair == "cap":
            dark = np.array(look.top_rgb) * 0.45 + 0.04
            brim = ellipsoid((0, eye[1] - 0.055, eye[2] + 0.062), (0.072, 0.075, 0.008), dark)
            self.pinned(brim, "head")

    def top(self) -> None:
        """Sweater, tee, hoodie or jacket."""
        look, v = self.look, self.v
        neck = self.joint("neck01")
        arm = self.share("upperarm", "lowerarm", "shoulder")
        hands = self.share("wrist", "finger", "metacarpal")
        hem = (
            self.joint("spine05")[2]
            - (0.05 if look.top in {"tee", "sweater"} else 0.075) * self.height
        )
        collar = neck[2] + (0.02 if look.top == "tee" else 0.032) * self.height
        worn = ((v[:, 2] > hem) | (arm > 0.5)) & (hands < 0.5)
        worn &= (v[:, 2] < collar) & (self.share("foot", "toe", "upperleg", "lowerleg") < 0.75)
        if look.top == "tee":
            worn &= self.share("lowerarm", "upperarm02") < 0.55
        folds = 0.010 * _folds(v, look.seed + 2, 26) + 0.004 * _folds(v, look.seed + 3, 66)
        waist = self.joint("spine05")[2] + 0.06 * self.height
        over_trousers = 0.022 * np.clip((waist - v[:, 2]) / 0.06, 0, 1) * (arm < 0.3)
        slack = THICKNESS_M[look.top] + folds + over_trousers
        slack *= np.clip((collar + 0.01 - v[:, 2]) / 0.08, 0.35, 1.0)
        out = v + self.outward * slack[:, None]
        quads = self.tights[worn[self.tights].any(axis=1)]
        torso = arm < 0.5
        low = torso & (v[:, 2] <= hem) & (self.share("upperleg", "pelvis", "spine", "root") > 0.5)
        out[low, 2] = hem
        out[v[:, 2] >= collar, 2] = np.minimum(out[v[:, 2] >= collar, 2], collar)
        rgb = self.patterned(look.top_rgb)
        if look.top == "jacket":
            front = (np.abs(v[:, 0]) < 0.045 + 0.03 * (v[:, 2] - hem)) & (v[:, 1] < neck[1]) & torso
            rgb[front] = np.clip(np.array(look.top_rgb) * 0.3 + 0.42, 0, 1)
        self.piece(out, quads, rgb, CLOTH)
        if look.top == "hoodie":
            hood = ellipsoid(
                (0, neck[1] + 0.085, neck[2] + 0.0), (0.105, 0.06, 0.075), look.top_rgb
            )
            self.pinned(hood, "spine01")

    def below(self) -> None:
        """Trousers, shorts or a skirt, and shoes."""
        look, v = self.look, self.v
        waist = self.joint("spine05")[2] + 0.05 * self.height
        knee = self.joint("lowerleg01.L")[2]
        foot = self.share("foot", "toe")
        arm = self.share("upperarm", "lowerarm", "shoulder", "wrist", "finger", "metacarpal")
        if look.legs == "skirt":
            quads = self.rig.groups["helper-skirt"]
            hem = knee - 0.01
            out = v + _vertex_normals(v, quads) * 0.012
            quads = quads[(v[:, 2] > hem)[quads].any(axis=1)]
            out[:, 2] = np.maximum(out[:, 2], hem)
            self.piece(out, quads, self.colour(look.legs_rgb), CLOTH)
        else:
            hem = knee + 0.05 if look.legs == "shorts" else 0.035
            worn = (v[:, 2] < waist) & (arm < 0.3) & (v[:, 2] > hem)
            calf = np.clip((knee - v[:, 2]) / (0.2 * self.height), 0, 1)
            folds = 0.008 * _folds(v, look.seed + 5, 28) + 0.003 * _folds(v, look.seed + 6, 70)
            slack = 0.014 + folds + 0.020 * calf * (foot < 0.5)
            if look.legs == "shorts":
                slack = slack + 0.02 * np.clip((waist - v[:, 2]) / 0.4, 0, 1)
            out = v + self.outward * slack[:, None]
            quads = self.tights[worn[self.tights].any(axis=1)]
            out[:, 2] = np.maximum(out[:, 2], hem)
            self.piece(out, quads, self.colour(look.legs_rgb), CLOTH)
        out = v + self.outward * 0.009
        out[:, 2] = np.maximum(out[:, 2], 0.0)
        rgb = self.colour(look.shoes_rgb)
        rgb[v[:, 2] < 0.024] = np.clip(np.array(look.shoes_rgb) * 0.4 + 0.25, 0, 1)
        shoe = foot > 0.35
        self.piece(out, self.tights[shoe[self.tights].any(axis=1)], rgb, SHOE)

    def luggage(self) -> None:
        """A backpack with straps, if the look has one."""
        look = self.look
        if look.backpack is None:
            return
        spine, shoulder = self.joint("spine01"), self.joint("upperarm01.L")
        k = self.height / 1.7
        back = float(self.v[self.tights].reshape(-1, 3)[:, 1].max()) * 0.5 + spine[1]
        bag = ellipsoid(
            (0, back + 0.10 * k, spine[2] - 0.07),
            (0.15 * k, 0.085 * k, 0.22 * k),
            look.backpack,
            squareness=0.55,
        )
        pocket = ellipsoid(
            (0, back + 0.175 * k, spine[2] - 0.15), (0.11 * k, 0.045 * k, 0.10 * k),
            np.array(look.backpack) * 0.8, squareness=0.55,
        )  # fmt: skip
        straps = [
            block(
                (0.045, 0.02, 0.26 * k),
                (sign * 0.55 * shoulder[0], spine[1] - 0.125 * k, spine[2] + 0.0),
                np.array(look.backpack) * 0.7,
                material=CLOTH,
            )
            for sign in (-1, 1)
        ]
        self.pinned(merge([bag, pocket, *straps]), "spine02")


def dress(rig: Rig, shape: Shape, look: Look) -> Character:
    """The character that a look and its body shape make."""
    tailor = _Tailor(rig, shape, look)
    tailor.head()
    tailor.top()
    tailor.below()
    tailor.luggage()
    mesh = merge([piece[0] for piece in tailor.pieces])
    return Character(
        look,
        rig,
        mesh,
        np.concatenate([piece[1] for piece in tailor.pieces]),
        np.concatenate([piece[2] for piece in tailor.pieces]),
        shape.joints_m,
        tailor.height,
    )


__all__ = ["HARD", "Character", "dress"]
