"""The visibility graph of a floor: its corners and which of them see each other.

A shortest path past walls is straight except where it bends around their corners (Lee and
Preparata 1984). So the corners, kept a hand's breadth away from the walls, are the nodes of a graph
whose edges join corners that see each other. An edge is kept only where it can be part of a
shortest path: where it runs past a corner and not into it (the tangent visibility graph: Liu and
Arimoto, International Journal of Robotics Research 11, 1992), which leaves a fraction of the edges
and loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from scipy.sparse import csr_array
from shapely import Polygon

from .visibility import sector_of, sight_m

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

CLEARANCE_M: Final = 0.05
"""Paths bend this far from walls and furniture. A body keeps off farther, but then all walks grow
alike, and the ranking of doors is what counts."""

SIGHT_CLEARANCE_M: Final = 0.025
"""Gaps narrower than twice this are no way. It is less than `CLEARANCE_M`, so that a corner never
lies on a line that hides others from it."""

_ALONG: Final = 0.02
"""Sine of the angle up to which an edge counts as running along a wall, not into its corner."""


@dataclass(frozen=True, slots=True, eq=False)
class CornerGraph:
    """Corners of a floor and which of them see each other.

    Attributes:
        open_floor: the floor at least `CLEARANCE_M` off walls and furniture.
        opaque_m: `(S, 2, 2)` segments that end sight between nodes, see `sight_m`.
        corner_m: `(M, 2)` corners, site metres.
        beside_m: `(M, 2, 2)` unit vectors from each corner along its two sides.
        edges_m: `(M, M)` sparse, metres between corners that see each other.
    """

    open_floor: BaseGeometry
    opaque_m: NDArray[np.float64]
    corner_m: NDArray[np.float64]
    beside_m: NDArray[np.float64]
    edges_m: csr_array

    def corners_seen(
        self, place_m: NDArray[np.float64], far_m: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """Corners that a place sees and around which ways from it may bend, given its `sight_m`."""
        offset_m = self.corner_m - place_m
        away_m = np.hypot(offset_m[:, 0], offset_m[:, 1])
        seen = np.flatnonzero(away_m <= far_m[sector_of(offset_m)])
        return seen[passes(self.beside_m[seen], offset_m[seen], _ALONG * away_m[seen])]


def corner_graph(
    open_floor: BaseGeometry,
    opaque_m: NDArray[np.float64],
    on_sight: Callable[
        [NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], None
    ] = lambda _place_m, _far_m, _beside_m: None,
) -> CornerGraph:
    """The graph of a floor.

    Args:
        open_floor: the floor at least `CLEARANCE_M` off walls and furniture, site metres.
        opaque_m: `(S, 2, 2)` segments that end sight, less than that off.
        on_sight: is told of each corner its place `(2,)`, its `sight_m` and its sides `(2, 2)`.
    """
    corner_m, beside_m = _corners(open_floor)
    edges: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
    for place_m, sides in zip(corner_m, beside_m, strict=True):
        far_m = sight_m(place_m, opaque_m)
        edges.append(_edges_of(place_m, sides, corner_m, beside_m, far_m))
        on_sight(place_m, far_m, sides)
    return CornerGraph(open_floor, opaque_m, corner_m, beside_m, _sparse(edges))


def pieces(open_floor: BaseGeometry) -> list[Polygon]:
    """The pieces of connected floor, in the order in which cells number them."""
    return [
        part for part in shapely.get_parts(open_floor) if isinstance(part, Polygon) and part.area
    ]


def kept_off(walkable: BaseGeometry, walls: BaseGeometry, distance_m: float) -> BaseGeometry:
    """The floor at least `distance_m` away from walls and furniture."""
    inner = shapely.buffer(walkable, -distance_m, join_style="mitre")
    thick = shapely.buffer(walls, distance_m, cap_style="square", join_style="mitre")
    return shapely.difference(inner, thick)


def _corners(open_floor: BaseGeometry) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners around which paths bend: where the floor's outline turns away from it.

    Returns:
        `(C, 2)` corners and `(C, 2, 2)` unit vectors to the outline's corners before and after.
    """
    corners, sides = [np.zeros((0, 2))], [np.zeros((0, 2, 2))]
    for part in pieces(open_floor):
        outline = shapely.orient_polygons(part.simplify(CLEARANCE_M / 10))
        for ring in shapely.get_rings(outline):
            # The floor lies to the left of an oriented ring: at such a corner it turns right.
            points = shapely.get_coordinates(ring)[:-1]
            before = np.roll(points, 1, axis=0) - points
            after = np.roll(points, -1, axis=0) - points
            bends = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0] > 0
            both = np.stack([before, after], axis=1)[bends]
            corners.append(points[bends])
            sides.append(both / np.linalg.norm(both, axis=2, keepdims=True))
    return np.vstack(corners), np.vstack(sides)


def passes(
    beside_m: NDArray[np.float64],
    offset_m: NDArray[np.float64],
    slack_m: NDArray[np.float64] | float,
) -> NDArray[np.bool_]:
    """Whether lines along `(N, 2)` offsets to or from corners pass them, not into the wall.

    They do where both sides of the corner lie on one side of the line; `slack_m` is how far a
    place may be moved across to make it so.
    """
    x_m, y_m = offset_m[:, 0], offset_m[:, 1]
    before_m = x_m * beside_m[:, 0, 1] - y_m * beside_m[:, 0, 0]
    after_m = x_m * beside_m[:, 1, 1] - y_m * beside_m[:, 1, 0]
    passes: NDArray[np.bool_] = before_m * after_m >= 0
    passes |= np.minimum(np.abs(before_m), np.abs(after_m)) <= slack_m
    return passes


def _edges_of(
    place_m: NDArray[np.float64],
    sides: NDArray[np.float64],
    corner_m: NDArray[np.float64],
    beside_m: NDArray[np.float64],
    far_m: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Corners to which a way may lead on from one corner, and how far they are."""
    offset_m = corner_m - place_m
    away_m = np.hypot(offset_m[:, 0], offset_m[:, 1])
    seen = np.flatnonzero((away_m <= far_m[sector_of(offset_m)]) & (away_m > 0))
    offset_m, slack_m = offset_m[seen], _ALONG * away_m[seen]
    on = passes(sides[None], offset_m, slack_m) & passes(beside_m[seen], offset_m, slack_m)
    return seen[on], away_m[seen[on]]


def _sparse(edges: list[tuple[NDArray[np.int64], NDArray[np.float64]]]) -> csr_array:
    """The edges as a symmetric matrix; what either end sees counts."""
    size = len(edges)
    if not size:
        return csr_array((0, 0))
    starts = np.concatenate([[0], np.cumsum([len(ends) for ends, _ in edges])])
    ends = np.concatenate([ends for ends, _ in edges])
    length_m = np.concatenate([length_m for _, length_m in edges])
    one_way = csr_array((length_m, ends, starts), shape=(size, size))
    return csr_array(one_way.maximum(one_way.T))
