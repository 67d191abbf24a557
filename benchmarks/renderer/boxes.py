"""Exact truth of pictures: where every person and firearm is, and how much of it can be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .gl import WEAPON_FLAG
from .view import to_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .pose import Actor, Posed
    from .view import View

    Array = NDArray[np.float64]
    Mask = NDArray[np.uint8]

LEAST_PX = 1.0


@dataclass(frozen=True, slots=True)
class Truth:
    """One thing in one picture; boxes are (left, top, right, bottom) in pixel edges.

    `box_px` is amodal (as if nothing stood before it), clipped to the picture. `seen_px` holds
    only its visible pixels, or is None. `visible` is seen pixels over silhouette pixels within
    the picture.
    """

    person: int
    kind: str
    box_px: tuple[float, float, float, float]
    seen_px: tuple[float, float, float, float] | None
    visible: float


def _amodal(view: View, points_m: Array) -> tuple[float, float, float, float] | None:
    """The clipped bounding box of points, or None where they are outside the picture."""
    px, valid = view.camera.to_image(points_m)
    if not valid.any():
        return None
    low, high = px[valid].min(axis=0) + 0.5, px[valid].max(axis=0) + 0.5
    width, height = view.camera.width_px, view.camera.height_px
    left, top = max(float(low[0]), 0.0), max(float(low[1]), 0.0)
    right, bottom = min(float(high[0]), width), min(float(high[1]), height)
    if right - left < LEAST_PX or bottom - top < LEAST_PX:
        return None
    return left, top, right, bottom


def _seen(mask: Mask, number: int) -> tuple[tuple[float, float, float, float] | None, int]:
    rows, columns = np.nonzero(mask == number)
    if not len(rows):
        return None, 0
    box = (float(columns.min()), float(rows.min()), float(columns.max()) + 1, float(rows.max()) + 1)
    return box, len(rows)


def truth_of(
    view: View,
    actors: Sequence[tuple[Actor, Posed]],
    plane_mask: Mask,
    silhouettes: dict[int, int],
) -> list[Truth]:
    """Every person and prop that is inside the picture, hidden ones with `visible` 0."""
    mask = to_picture(view, plane_mask)
    out: list[Truth] = []
    for number, (actor, body) in enumerate(actors, start=1):
        part = actor.performance.part
        items: list[tuple[int, str, Array]] = [(number, "person", body.vertices_m)]
        if body.prop is not None:
            items.append((number + WEAPON_FLAG, part.carries or "", body.prop.vertices_m))
        for key, kind, points in items:
            box = _amodal(view, points)
            if box is None:
                continue
            seen, pixels = _seen(mask, key)
            whole = silhouettes.get(key, 0)
            share = min(1.0, pixels / whole) if whole else 0.0
            out.append(Truth(part.person, kind, box, seen, share))
    return out
