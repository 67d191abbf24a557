"""From a search map in site metres to its message. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from .locations import Places, utc
from .schemas import Named, Point
from .search_schemas import (
    SHARE_UNIT,
    AreaFeature,
    AreaProperties,
    MultiPolygon,
    SearchMap,
    SearchRaster,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calibration.search_picture import LevelPicture, SearchPicture

    from .schemas import Position

_DEGREE_DIGITS, _METRE_DIGITS = 8, 3


def search_message(
    picture: SearchPicture, places: Places, *, incident: str, exercise: bool
) -> SearchMap:
    """Return a search map as a message.

    Args:
        picture: the map.
        places: of the same site.
        incident: incident id.
        exercise: whether it is an exercise.
    """
    return SearchMap(
        incident=incident,
        exercise=exercise,
        subject=picture.subject,
        at=utc(picture.at_s),
        left_building=min(picture.left_building, 1.0),
        cell_m=picture.cell_m,
        levels=tuple(_raster(level, picture.cell_m, places) for level in picture.levels),
    )


def _raster(level: LevelPicture, cell_m: float, places: Places) -> SearchRaster:
    height, width = level.probability.shape
    x_m, y_m = level.origin_m
    right_m, top_m = x_m + width * cell_m, y_m + height * cell_m
    corners_m = np.array([(x_m, y_m), (right_m, y_m), (right_m, top_m), (x_m, top_m)])
    a, b, c, d = _positions(places.frame.to_wgs84(corners_m).round(_DEGREE_DIGITS))
    whole = np.rint(level.probability.astype(np.float64) / SHARE_UNIT).astype(np.int64)
    areas = ((0.50, level.area50), (0.95, level.area95))
    return SearchRaster(
        level=Named(id=level.level, name=places.level_names.get(level.level, level.level)),
        origin_m=Point(coordinates=(round(x_m, _METRE_DIGITS), round(y_m, _METRE_DIGITS))),
        corners=(a, b, c, d),
        rows=tuple(tuple(row) for row in whole.tolist()),
        areas=tuple(
            _area(area, level.level, holds, places) for holds, area in areas if not area.is_empty
        ),
    )


def _area(area: shapely.MultiPolygon, level: str, holds: float, places: Places) -> AreaFeature:
    degrees = shapely.transform(area, places.frame.to_wgs84)
    return AreaFeature(
        geometry=MultiPolygon(coordinates=tuple(_polygons(degrees, _DEGREE_DIGITS))),
        site_m=MultiPolygon(coordinates=tuple(_polygons(area, _METRE_DIGITS))),
        properties=AreaProperties(level=level, holds=holds),
    )


def _polygons(
    area: shapely.MultiPolygon, digits: int
) -> Iterator[tuple[tuple[Position, ...], ...]]:
    """Rings of each polygon, the outer one anticlockwise as RFC 7946 asks."""
    for polygon in area.geoms:
        wound = shapely.orient_polygons(polygon)
        rings = (wound.exterior, *wound.interiors)
        yield tuple(_positions(shapely.get_coordinates(ring).round(digits)) for ring in rings)


def _positions(points: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> tuple[Position, ...]:
    return tuple((x, y) for x, y in points.tolist())
