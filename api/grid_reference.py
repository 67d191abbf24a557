"""A reference grid over a site's plan: squares with short names, for voice. Pure functions.

The grid lies along the plan's axes and is the same on every level, so that "D7" is above "D7".
Letters run along x from the left; I and O are left out, which are heard and read as digits. Numbers
run down from the top of the plan as drawn. The edge of a square is the smallest of a few round
lengths with which letters and numbers suffice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Final

import shapely

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calibration.answer import XY
    from calibration.floor_plan import FloorPlan

LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"
MOST_ROWS: Final = 30
OUTSIDE_M: Final = 3.0
"""Whoever is at most so far outside, on a doorstep, is told in the nearest square."""

_ROUND_M: Final = (10.0, 20.0, 25.0, 50.0)


@dataclass(frozen=True, slots=True)
class ReferenceGrid:
    """The reference grid of one site.

    Attributes:
        left_top_m: the corner of square A1 that is least in x and greatest in y, site metres.
        edge_m: edge of a square, metres.
        columns: letters, by growing x.
        rows: numbers, by falling y.
    """

    left_top_m: XY
    edge_m: float
    columns: tuple[str, ...]
    rows: tuple[str, ...]

    def square(self, xy_m: XY) -> str | None:
        """Return the name of the square of a place in site metres; None outside the grid.

        A place on the line between two squares is in the right one, or the lower one.
        """
        column = _index(xy_m[0] - self.left_top_m[0], self.edge_m, len(self.columns))
        row = _index(self.left_top_m[1] - xy_m[1], self.edge_m, len(self.rows))
        if column is None or row is None:
            return None
        return f"{self.columns[column]}{self.rows[row]}"


@lru_cache(maxsize=64)
def reference_grid(plan: FloorPlan) -> ReferenceGrid | None:
    """Return the reference grid of a plan, over the spaces of all its levels; None without any.

    Its lines lie on whole multiples of the edge, so that small corrections of the plan rename no
    square.
    """
    if not plan.spaces:
        return None
    left_m, bottom_m, right_m, top_m = shapely.total_bounds(
        [space.polygon for space in plan.spaces]
    ).tolist()
    return grid_over(left_m, bottom_m, right_m, top_m)


def grid_over(left_m: float, bottom_m: float, right_m: float, top_m: float) -> ReferenceGrid:
    """Return the reference grid over a rectangle in site metres."""
    corners = (left_m, bottom_m, right_m, top_m)
    return next(grid for grid in (_with_edge(e, corners) for e in _edges_m()) if grid is not None)


def _with_edge(edge_m: float, corners: tuple[float, float, float, float]) -> ReferenceGrid | None:
    """The grid of that edge; None where letters or numbers do not suffice."""
    left_m, bottom_m, right_m, top_m = corners
    first, last = math.floor(left_m / edge_m), math.ceil(right_m / edge_m)
    lowest, highest = math.floor(bottom_m / edge_m), math.ceil(top_m / edge_m)
    columns, rows = max(last - first, 1), max(highest - lowest, 1)
    if columns > len(LETTERS) or rows > MOST_ROWS:
        return None
    return ReferenceGrid(
        (first * edge_m, highest * edge_m),
        edge_m,
        tuple(LETTERS[:columns]),
        tuple(str(row + 1) for row in range(rows)),
    )


def _edges_m() -> Iterator[float]:
    """Edges of a square to try, smallest first; 10 m is about a classroom."""
    for power in count():
        for edge_m in _ROUND_M:
            yield edge_m * 10.0**power


def _index(away_m: float, edge_m: float, squares: int) -> int | None:
    """Number of the square that lies so far from the grid's first line; None outside."""
    if not -OUTSIDE_M <= away_m <= squares * edge_m + OUTSIDE_M:
        return None
    return min(max(math.floor(away_m / edge_m), 0), squares - 1)
