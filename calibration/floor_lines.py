"""Lines of the floor as a camera shows them: a grid of metres, and the foot of the walls."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from .camera import CameraModel

GRID_M: Final = 1.0
_STEP_M: Final = 0.1
_MOST_LINES: Final = 60


def grid_m(floor: BaseGeometry, grid_m: float = GRID_M) -> list[NDArray[np.float64]]:
    """`(N, 2)` lines of a grid over a piece of floor, cut to it, site metres.

    Args:
        floor: `CameraModel.visible_floor`.
        grid_m: from line to line; the grid lies on whole multiples of it.
    """
    if floor.is_empty:
        return []
    left, bottom, right, top = floor.bounds
    lines = [
        *([(x, bottom), (x, top)] for x in _multiples(left, right, grid_m)),
        *([(left, y), (right, y)] for y in _multiples(bottom, top, grid_m)),
    ]
    return [
        line for whole in lines for line in lines_of(floor.intersection(shapely.LineString(whole)))
    ]


def lines_of(shape: BaseGeometry) -> list[NDArray[np.float64]]:
    """`(N, 2)` the lines in a geometry, site metres; areas and points are left out."""
    return [
        np.asarray(part.coords, dtype=np.float64)[:, :2]
        for part in shapely.get_parts(shape)
        if part.geom_type == "LineString"
    ]


def in_picture(
    camera: CameraModel, lines_m: list[NDArray[np.float64]], height_m: float = 0.0
) -> list[NDArray[np.float64]]:
    """`(N, 2)` pixels along lines, each cut where the picture or the lens model ends.

    Args:
        camera: the camera.
        lines_m: `(N, 2)` site metres each.
        height_m: their height above the floor.
    """
    return [run for line_m in lines_m for run in _runs(camera, _dense(line_m), height_m)]


def _runs(
    camera: CameraModel, line_m: NDArray[np.float64], height_m: float
) -> Iterator[NDArray[np.float64]]:
    px, seen = camera.to_image(np.column_stack([line_m, np.full(len(line_m), height_m)]))
    ends = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]]).astype(np.int8)))
    for begin, end in ends.reshape(-1, 2).tolist():
        if end - begin > 1:
            yield px[begin:end]


def _dense(line_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """The line with a point every decimetre or so, so that a lens may bend it."""
    parts = []
    for start_m, end_m in pairwise(line_m):
        steps = max(1, math.ceil(float(np.linalg.norm(end_m - start_m)) / _STEP_M))
        share = np.arange(steps)[:, None] / steps
        parts.append(start_m + share * (end_m - start_m))
    return np.concatenate([*parts, line_m[-1:]])


def _multiples(low_m: float, high_m: float, step_m: float) -> list[float]:
    first, last = math.ceil(low_m / step_m), math.floor(high_m / step_m)
    return [k * step_m for k in range(first, last + 1)][:_MOST_LINES]
