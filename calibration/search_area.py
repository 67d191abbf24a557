"""The search map of one subject in words that can be sent: spaces, levels and areas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .answer import LevelShare, SearchArea, SpaceShare

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .walk_grid import WalkGrid

WORTH_TELLING: Final = 0.01
"""Spaces outside the 95 % area are told from this probability on."""

_LEAST_M2: Final = 1e-3
_LEAST_SHARE: Final = 1e-3


def search_area(grid: WalkGrid, share: NDArray[np.float32], at_s: float) -> SearchArea:
    """The map of one subject as spaces, levels and areas.

    The areas hold 50 % and 95 % of what is inside the building.

    Args:
        grid: the grid.
        share: `(C + 1,)` float32, probability of each cell and of being outside; sums to 1.
        at_s: the moment that it speaks of, Unix seconds.
    """
    inside = share[:-1]
    in50, in95 = (smallest_area(inside, grid.area_m2, part) for part in (0.50, 0.95))
    return SearchArea(
        at_s=at_s,
        spaces=_spaces(grid, inside, in95),
        levels=_levels(grid, inside, in50, in95),
        left_building=float(share[-1]),
        area50_m2=float(grid.area_m2[in50].sum()),
        area95_m2=float(grid.area_m2[in95].sum()),
    )


def smallest_area(
    share: NDArray[np.float32], area_m2: NDArray[np.float32], part: float
) -> NDArray[np.bool_]:
    """`(C,)` the cells of the smallest area that holds a part of all of `share`.

    Args:
        share: `(C,)` probabilities; they need not sum to 1.
        area_m2: `(C,)` floor of each cell.
        part: how much of their sum the cells hold at least.
    """
    chosen = np.zeros(len(share), dtype=np.bool_)
    density = share / np.maximum(area_m2, np.float32(_LEAST_M2))
    order = np.argsort(-density, kind="stable")
    held = np.cumsum(share[order], dtype=np.float64)
    if not len(held) or held[-1] <= 0:
        return chosen
    chosen[order[: int(np.searchsorted(held, part * held[-1])) + 1]] = True
    return chosen


def _spaces(
    grid: WalkGrid, inside: NDArray[np.float32], in95: NDArray[np.bool_]
) -> tuple[SpaceShare, ...]:
    spaces = grid.plan.spaces
    number = np.where(grid.space >= 0, grid.space, len(spaces) + grid.level)
    count = len(spaces) + len(grid.plan.levels)
    held = np.bincount(number, weights=inside, minlength=count)
    searched = np.bincount(number[in95], minlength=count) > 0
    told = np.flatnonzero(searched | (held > WORTH_TELLING))
    shares = []
    for i in told[np.argsort(-held[told], kind="stable")].tolist():
        space = spaces[i] if i < len(spaces) else None
        level = space.level if space else grid.plan.levels[i - len(spaces)].id
        shares.append(
            SpaceShare(
                space=space.id if space else None,
                name=space.name if space else "",
                level=level,
                probability=float(held[i]),
                in_area95=bool(searched[i]),
            )
        )
    return tuple(shares)


def _levels(
    grid: WalkGrid,
    inside: NDArray[np.float32],
    in50: NDArray[np.bool_],
    in95: NDArray[np.bool_],
) -> tuple[LevelShare, ...]:
    levels = grid.plan.levels
    held, area50_m2, area95_m2 = (
        np.bincount(grid.level, weights=weights, minlength=len(levels))
        for weights in (inside, grid.area_m2 * in50, grid.area_m2 * in95)
    )
    told = [i for i in np.argsort(-held, kind="stable").tolist() if held[i] >= _LEAST_SHARE]
    return tuple(
        LevelShare(levels[i].id, float(held[i]), float(area50_m2[i]), float(area95_m2[i]))
        for i in told
    )
