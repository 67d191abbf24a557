"""The search map of one subject as pictures: by level a raster, and the areas to search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from shapely import MultiPolygon

from vision.columns import require_column

from .search_area import smallest_area

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .answer import XY
    from .search import SearchMaps
    from .walk_grid import LevelRaster

SHOWN: Final = np.float32(5e-6)
"""Cells that are less likely are not worth a picture's edge: a thousand of them are half a
percent."""


@dataclass(frozen=True, slots=True, eq=False)
class LevelPicture:
    """One level of a search map.

    Attributes:
        level: level id.
        origin_m: lower left corner of row 0, column 0, site metres.
        probability: `(H, W)` float32 by cell, row 0 in the south; cut to where there is any.
        area50: the part of the smallest area that holds 50 %, site metres; may be empty.
        area95: the same of 95 %.
    """

    level: str
    origin_m: XY
    probability: NDArray[np.float32]
    area50: MultiPolygon
    area95: MultiPolygon

    def __post_init__(self) -> None:
        require_column("probability", self.probability, shape=(None, None), dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class SearchPicture:
    """A search map of one subject.

    Attributes:
        subject: the subject's id.
        at_s: the moment that it speaks of, Unix seconds.
        cell_m: edge of a cell, metres.
        left_building: probability that the subject has left the building, 0..1.
        levels: the levels that hold any of it, in the order of the plan.
    """

    subject: str
    at_s: float
    cell_m: float
    left_building: float
    levels: tuple[LevelPicture, ...]


def search_picture(maps: SearchMaps, subject: str) -> SearchPicture | None:
    """The map of a subject; None for one that has none, because a camera sees it.

    Args:
        maps: the maps of all subjects.
        subject: the subject's id.
    """
    cells, weights = maps.cells(subject), maps.weights(subject)
    if cells is None or weights is None:
        return None
    grid = maps.grid
    in50, in95 = (smallest_area(weights, grid.area_m2, part) for part in (0.50, 0.95))
    levels = []
    for level, raster in zip(grid.plan.levels, grid.rasters, strict=True):
        probability = cells[level.id]
        rows, columns = np.nonzero(probability >= SHOWN)
        if not len(rows):
            continue
        bottom, left = int(rows.min()), int(columns.min())
        origin_m = raster.origin_m + np.array([left, bottom]) * grid.cell_m
        levels.append(
            LevelPicture(
                level=level.id,
                origin_m=(float(origin_m[0]), float(origin_m[1])),
                probability=np.ascontiguousarray(
                    probability[bottom : int(rows.max()) + 1, left : int(columns.max()) + 1]
                ),
                area50=_outline(raster, in50, grid.cell_m),
                area95=_outline(raster, in95, grid.cell_m),
            )
        )
    left_building = max(1.0 - float(weights.sum(dtype=np.float64)), 0.0)
    return SearchPicture(subject, maps.at_s, grid.cell_m, left_building, tuple(levels))


def _outline(raster: LevelRaster, chosen: NDArray[np.bool_], cell_m: float) -> MultiPolygon:
    """The outline of chosen cells of one level, site metres."""
    on_level = (raster.index >= 0) & chosen[np.maximum(raster.index, 0)]
    rows, columns = np.nonzero(on_level)
    if not len(rows):
        return MultiPolygon()
    left_m = raster.origin_m[0] + columns * cell_m
    bottom_m = raster.origin_m[1] + rows * cell_m
    squares = shapely.box(left_m, bottom_m, left_m + cell_m, bottom_m + cell_m)
    merged = shapely.coverage_union_all(np.asarray(squares, object)).simplify(0.0)
    return MultiPolygon([part for part in shapely.get_parts(merged) if part.area > 0.0])
