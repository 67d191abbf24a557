"""How far off the straight line somebody is placed who walked on it.

A calibration is tried out by walking from one marked place to another. Where the walker is put
beside the line, the calibration errs; how far along they had come at a moment, nobody measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

REACH_M: Final = 2.0
"""Whoever is placed farther from the line than this is taken for somebody else."""

LEAST_COVERED: Final = 0.5
"""Less of the way than this share is no walk between the places."""

_LEAST_SIGHTS: Final = 5
_END: Final = 0.02
"""Share of the way at either end at which people stand and turn, which is left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Where one body was placed.

    Attributes:
        t_s: `(N,)` moments, rising.
        xy_m: `(N, 2)` places, site metres.
    """

    t_s: NDArray[np.float64]
    xy_m: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class WalkCheck:
    """The walk that was found, and its distances from the line.

    Attributes:
        t_s: `(N,)` moments.
        xy_m: `(N, 2)` where the walker was placed, site metres.
        beside_m: `(N, 2)` from the nearest place of the line to there.
        covered: share of the line on which they were seen.
    """

    t_s: NDArray[np.float64]
    xy_m: NDArray[np.float64]
    beside_m: NDArray[np.float64]
    covered: float

    @property
    def off_m(self) -> NDArray[np.float64]:
        """`(N,)` distance from the line."""
        return np.asarray(np.linalg.norm(self.beside_m, axis=1))


def walk_check(tracks: Iterable[Track], places_m: NDArray[np.float64]) -> WalkCheck | None:
    """The track of whoever walked along the places; None where nobody did.

    A walk that was lost and taken up again as another track is put together.

    Args:
        tracks: everybody that was seen.
        places_m: `(K, 2)` the marked places in their order, site metres; K is 2 or more.
    """
    line = shapely.LineString(places_m)
    walks = [walk for track in tracks if (walk := _along(track, line)) is not None]
    walks.sort(key=lambda walk: (-walk.covered, float(np.median(walk.off_m))))
    chosen: list[WalkCheck] = []
    for walk in walks:
        apart = all(walk.t_s[-1] < other.t_s[0] or walk.t_s[0] > other.t_s[-1] for other in chosen)
        if apart:
            chosen.append(walk)
    if not chosen:
        return None
    chosen.sort(key=lambda walk: float(walk.t_s[0]))
    t_s = np.concatenate([walk.t_s for walk in chosen])
    xy_m = np.concatenate([walk.xy_m for walk in chosen])
    beside_m = np.concatenate([walk.beside_m for walk in chosen])
    covered = _covered(xy_m, line)
    return WalkCheck(t_s, xy_m, beside_m, covered) if covered >= LEAST_COVERED else None


def _along(track: Track, line: shapely.LineString) -> WalkCheck | None:
    """The part of a track that goes along the line; None where it does not."""
    if len(track.t_s) < _LEAST_SIGHTS:
        return None
    points = shapely.points(track.xy_m)
    along = np.asarray(shapely.line_locate_point(line, points, normalized=True))
    nearest_m = shapely.get_coordinates(
        shapely.line_interpolate_point(line, along, normalized=True)
    )
    beside_m = track.xy_m - nearest_m
    near = np.linalg.norm(beside_m, axis=1) <= REACH_M
    if near.sum() < _LEAST_SIGHTS:
        return None
    # From the end that was passed first to the one that was passed last, whichever way it went.
    rows = np.flatnonzero(near)
    ends = rows[np.argmin(along[rows])], rows[np.argmax(along[rows])]
    within = np.zeros(len(near), np.bool_)
    within[min(ends) : max(ends) + 1] = True
    kept = near & within & (along > _END) & (along < 1 - _END)
    if kept.sum() < _LEAST_SIGHTS:
        return None
    xy_m = track.xy_m[kept]
    return WalkCheck(track.t_s[kept], xy_m, beside_m[kept], _covered(xy_m, line))


def _covered(xy_m: NDArray[np.float64], line: shapely.LineString) -> float:
    along = np.asarray(shapely.line_locate_point(line, shapely.points(xy_m), normalized=True))
    return float(np.ptp(along)) / (1 - 2 * _END)
