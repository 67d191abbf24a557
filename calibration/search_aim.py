"""Who walks in a room goes for its door: left to chance, hardly anybody would find it.

In rooms (not in corridors, lobbies and stairwells, where people pass by doors) some of those who
move turn towards the nearest door that is not locked, and keep to the shortest way there until they
turn elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from .connectors import LIFT_CATEGORIES, STAIR_CATEGORIES
from .walk_steps import LOCKED, NO_CELL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .walk_grid import WalkGrid

BARE_CATEGORIES: Final = STAIR_CATEGORIES | LIFT_CATEGORIES | {"lobby", "walkway"}
"""Where people pass through, and where there is little to hide behind."""

AIM_HZ: Final = 0.1
"""How often, a second, somebody who moves in a room makes for its door. Judgement."""


def aiming(grid: WalkGrid, tick_s: float) -> csr_array:
    """`(16 (C + 1), 16 (C + 1))` float32, share of each moving state that goes on in each.

    Columns sum to 1; states are those of `search_transport.transport`.

    Args:
        grid: the grid.
        tick_s: during which they may turn.
    """
    rows = len(grid) + 1
    state = np.arange(16 * rows)
    gait, cell = state // (8 * rows), state % rows
    heading = np.append(door_headings(grid), NO_CELL)[cell]
    turns = np.where(heading >= 0, -np.expm1(-AIM_HZ * tick_s), 0.0)
    turned = (gait * 8 + np.maximum(heading, 0)) * rows + cell
    aims = turns > 0
    share = np.concatenate([1.0 - turns, turns[aims]]).astype(np.float32)
    arrives = np.concatenate([state, turned[aims]])
    return coo_array((share, (arrives, np.concatenate([state, state[aims]])))).tocsr()


def door_headings(grid: WalkGrid) -> NDArray[np.int64]:
    """`(C,)` the heading of the first step to the nearest door of the cell's room, -1 without."""
    cells = len(grid)
    bare = np.array([space.category in BARE_CATEGORIES for space in grid.plan.spaces] + [True])
    in_room = ~bare[grid.space] & (np.arange(cells) < grid.floor_cells)
    inside = grid.neighbour >= 0
    target = np.where(inside, grid.neighbour, 0)
    same = inside & (grid.space[target] == grid.space)
    leads_out = (grid.neighbour != NO_CELL) & ~same & (grid.passes != LOCKED) & in_room
    heading = np.full(cells, NO_CELL, dtype=np.int64)
    doors = np.flatnonzero(leads_out.any(axis=0))
    if not len(doors):
        return heading
    step, cell = np.nonzero(same & in_room)
    beyond = grid.neighbour[step, cell]
    length_m = np.linalg.norm(grid.xy_m[beyond] - grid.xy_m[cell], axis=1)
    graph = csr_array((length_m, (beyond, cell)), shape=(cells, cells))
    _, before, _ = dijkstra(graph, indices=doors, min_only=True, return_predecessors=True)
    nearer = before[cell] == beyond
    heading[cell[nearer]] = step[nearer]
    heading[doors] = np.argmax(leads_out[:, doors], axis=0)
    return heading
