"""How far one sees from a point before a wall is in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely import Polygon
    from shapely.geometry.base import BaseGeometry

DIRECTIONS: Final = 4096
"""Directions looked into: 1.5 mrad apart, which is 4.6 cm at 30 m."""

_GROUP: Final = 8
_NEAR_M: Final = 6.0
_SECTOR_RAD: Final = 2 * np.pi / DIRECTIONS
_ANGLES_RAD: Final = (np.arange(DIRECTIONS) + 0.5) * _SECTOR_RAD - np.pi
RAYS: Final = np.column_stack([np.cos(_ANGLES_RAD), np.sin(_ANGLES_RAD)])
"""`(DIRECTIONS, 2)` unit vectors along the middles of the sectors, counted from -pi."""


def segments_of(geometry: BaseGeometry) -> NDArray[np.float64]:
    """`(S, 2, 2)` the straight pieces (start, end; x, y) of lines, or of polygons' boundaries."""
    lines = shapely.get_parts(geometry)
    is_area = shapely.get_dimensions(lines) == 2  # noqa: PLR2004 - areas have two dimensions
    lines = np.where(is_area, shapely.boundary(lines), lines)
    coordinates, line = shapely.get_coordinates(shapely.get_parts(lines), return_index=True)
    same = line[1:] == line[:-1]
    return np.stack([coordinates[:-1][same], coordinates[1:][same]], axis=1)


def sight_m(origin_m: NDArray[np.float64], segments_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far one sees from a point into each of `DIRECTIONS`, metres; infinite where unbounded.

    Args:
        origin_m: `(2,)` the eye.
        segments_m: `(S, 2, 2)` opaque lines.

    Returns:
        `(DIRECTIONS,)` distances along the middle of each sector, counted from -pi.
    """
    start, end = segments_m[:, 0] - origin_m, segments_m[:, 1] - origin_m
    area = start[:, 0] * end[:, 1] - start[:, 1] * end[:, 0]
    seen = np.abs(area) > 1e-12  # noqa: PLR2004 - a line through the eye hides nothing
    start, end, area = start[seen], end[seen], area[seen]
    clockwise = (area < 0)[:, None]
    start, end = np.where(clockwise, end, start), np.where(clockwise, start, end)
    nearest_m = np.full(DIRECTIONS, np.inf)
    away_m = _away_m(start, end)
    near = away_m <= _NEAR_M
    _look_at(start[near], end[near], nearest_m)
    # In a building, near walls hide nearly all others: those need no closer look.
    start, end, away_m = start[~near], end[~near], away_m[~near]
    farthest_m = nearest_m.reshape(-1, _GROUP).max(axis=1)
    group, segment = _sectors_between(start, end, len(farthest_m))
    visible = np.zeros(len(start), dtype=np.bool_)
    visible[segment[farthest_m[group] >= away_m[segment]]] = True
    _look_at(start[visible], end[visible], nearest_m)
    return nearest_m


def _look_at(
    start: NDArray[np.float64], end: NDArray[np.float64], nearest_m: NDArray[np.float64]
) -> None:
    """Lower `nearest_m` to where segments, seen counter-clockwise from the eye, are nearer."""
    area = start[:, 0] * end[:, 1] - start[:, 1] * end[:, 0]
    along = end - start
    sector, segment = _sectors_between(start, end, DIRECTIONS, middles=True)
    rays, along = RAYS[sector], along[segment]
    # Ray and line meet where the ray's distance is (start x along) / (ray x along).
    far_m = area[segment] / (rays[:, 0] * along[:, 1] - rays[:, 1] * along[:, 0])
    np.minimum.at(nearest_m, sector, far_m)


def _sectors_between(
    start: NDArray[np.float64], end: NDArray[np.float64], sectors: int, *, middles: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The sectors that segments, seen counter-clockwise, reach into, and whose each is.

    Args:
        start: `(S, 2)` offset of each segment's clockwise end from the eye.
        end: `(S, 2)` offset of its other end.
        sectors: into how many the full turn is cut.
        middles: only sectors whose middle lies between the ends.
    """
    width_rad = 2 * np.pi / sectors
    from_turn = (np.arctan2(start[:, 1], start[:, 0]) + np.pi) / width_rad
    to_turn = (np.arctan2(end[:, 1], end[:, 0]) + np.pi) / width_rad
    to_turn += np.where(to_turn < from_turn, sectors, 0)
    if middles:
        first, last = np.ceil(from_turn - 0.5), np.floor(to_turn - 0.5)
    else:
        first, last = np.floor(from_turn), np.floor(to_turn)
    count = np.maximum(last - first + 1, 0).astype(np.int64)
    segment = np.repeat(np.arange(len(start)), count)
    step = np.arange(len(segment)) - np.repeat(np.cumsum(count) - count, count)
    sector = (first.astype(np.int64)[segment] + step) % sectors
    return sector, segment


def _away_m(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(S,)` distance of each segment from the eye at the origin."""
    along = end - start
    share = -(start * along).sum(axis=1) / (along * along).sum(axis=1)
    nearest = start + np.clip(share, 0.0, 1.0)[:, None] * along
    return np.asarray(np.hypot(nearest[:, 0], nearest[:, 1]))


def sector_of(offset_m: NDArray[np.float64]) -> NDArray[np.int64]:
    """`(N,)` index into `sight_m` of the sectors in which `(N, 2)` offsets from the eye lie."""
    turn = (np.arctan2(offset_m[:, 1], offset_m[:, 0]) + np.pi) / _SECTOR_RAD
    sector: NDArray[np.int64] = turn.astype(np.int64) % DIRECTIONS
    return sector


def visible_area(
    origin_m: NDArray[np.float64], segments_m: NDArray[np.float64], range_m: float
) -> Polygon:
    """The area that is seen from a point past opaque lines, up to `range_m`, site metres."""
    far_m = np.minimum(sight_m(origin_m, segments_m), range_m)
    return shapely.Polygon(origin_m + far_m[:, None] * RAYS)
