"""Who walks in a building goes where it leads: left to chance, hardly anybody would find a door.

In rooms some of those who move turn towards the nearest door that is not locked, and keep to the
shortest way there until they turn elsewhere. In corridors, lobbies and stairwells, where people
pass by doors, some of those who pass one go in, and some of those who come to a corridor at their
side turn into it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import KDTree

from .connectors import LIFT_CATEGORIES, STAIR_CATEGORIES
from .walk_steps import FREE, LOCKED, NO_CELL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .walk_grid import WalkGrid

BARE_CATEGORIES: Final = STAIR_CATEGORIES | LIFT_CATEGORIES | {"lobby", "walkway"}
"""Where people pass through, and where there is little to hide behind."""

AIM_HZ: Final = 0.1
"""How often, a second, somebody who moves in a room makes for its door. Judgement."""

ENTER_HZ: Final = 0.1
"""How often, a second, somebody who walks by a door within `BY_THE_DOOR_M` goes in: one of five who
pass it. Judgement. Nobody does at a run."""

BY_THE_DOOR_M: Final = 1.5

THROUGH_HZ: Final = 1.0
"""How often, a second, somebody in a corridor who walks towards a way out of it, at most
`AHEAD_M` away and 45 degrees aside, makes for it: who walks to a corridor's end goes on. Judgement:
two of three who come from there, the others turn back or stay."""

AHEAD_M: Final = 3.0

TURN_OFF_HZ: Final = 0.4
"""How often, a second, somebody within `AT_THE_CORNER_M` past a corner turns into the corridor at
that side: one of three who walk by. Judgement: all ways on are alike."""

AT_THE_CORNER_M: Final = 1.5
_LONGER_M: Final = 2.5
_SEEN_M: Final = 5.0


def aiming(grid: WalkGrid, gaits: int, tick_s: float) -> csr_array:
    """`(8 gaits (C + 1),) * 2` float32, share of each moving state (column) that goes on in each.

    Columns sum to 1; states are those of `search_transport.transport`.

    Args:
        grid: the grid.
        gaits: how many gaits there are; the last is a run.
        tick_s: during which they may turn.
    """
    rows = len(grid) + 1
    state = np.arange(8 * gaits * rows)
    gait, heading, cell = state // (8 * rows), state // rows % 8, state % rows
    goals = [(np.append(door_headings(grid), NO_CELL)[cell], cell, AIM_HZ)]
    at_door, inwards = by_doors(grid)
    walks = gait < gaits - 1
    goals.append((np.where(walks, inwards[cell], NO_CELL), at_door[cell], ENTER_HZ))
    goals += [
        (np.where(opens[heading, cell], (heading + turn) % 8, NO_CELL), cell, TURN_OFF_HZ)
        for turn, opens in side_corridors(grid).items()
    ]
    stays = np.ones(len(state))
    arrives, leaves, shares = [state], [state], [stays]
    onward = ways_ahead(grid)
    goals.append((np.where(walks, onward[heading, cell], NO_CELL), cell, THROUGH_HZ))
    for towards, goal, hz in goals:
        turns = np.flatnonzero(towards >= 0)
        share = -np.expm1(-hz * tick_s)
        stays[turns] -= share
        arrives.append((gait[turns] * 8 + towards[turns]) * rows + goal[turns])
        leaves.append(turns)
        shares.append(np.full(len(turns), share))
    return coo_array(
        (
            np.concatenate(shares).astype(np.float32),
            (np.concatenate(arrives), np.concatenate(leaves)),
        ),
        shape=(len(state), len(state)),
    ).tocsr()


def door_headings(grid: WalkGrid) -> NDArray[np.int64]:
    """`(C,)` the heading of the first step to the nearest door of the cell's room, -1 without."""
    cells = len(grid)
    in_room = in_rooms(grid) & (np.arange(cells) < grid.floor_cells)
    same, leads_out = _steps(grid)
    leads_out &= in_room
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


def by_doors(grid: WalkGrid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """`(C + 1,)` for cells of corridors by a room's door: the cell at it and the heading in, or -1.

    Doors are looked for in the cell's own space; locked ones are none.
    """
    at_door = np.full(len(grid) + 1, NO_CELL, dtype=np.int64)
    inwards = at_door.copy()
    bare = ~in_rooms(grid)
    _, leads_out = _steps(grid)
    inside = grid.neighbour >= 0
    through = leads_out & inside & ~bare[np.where(inside, grid.neighbour, 0)] & bare
    doors = np.flatnonzero(through.any(axis=0))
    floor = np.flatnonzero(bare[: grid.floor_cells])
    if len(doors) and len(floor):
        # Spaces are kept apart by distances that nobody is "by the door" at.
        apart_m = 1e4
        places_m = np.column_stack([grid.xy_m, apart_m * grid.space])
        away_m, nearest = KDTree(places_m[doors]).query(places_m[floor])
        near = np.asarray(away_m) <= BY_THE_DOOR_M
        at_door[floor[near]] = doors[np.asarray(nearest)[near]]
        inwards[floor[near]] = np.argmax(through[:, at_door[floor[near]]], axis=0)
    return at_door, inwards


def ways_ahead(grid: WalkGrid) -> NDArray[np.int64]:
    """`(8, C + 1)` for who walks in each heading: that of the first step to a way out ahead, or -1.

    Ways out of a corridor, lobby or stairwell are doors and passages into any other space, and
    entrances; locked ones are none. Ahead is what lies within `AHEAD_M` on the shortest way, and
    within 45 degrees of the heading as the crow flies.
    """
    cells = len(grid)
    bare = ~in_rooms(grid) & (np.arange(cells) < grid.floor_cells)
    same, leads_out = _steps(grid)
    ahead = np.full((8, cells + 1), NO_CELL, dtype=np.int64)
    step, cell = np.nonzero(same & bare)
    doors = np.flatnonzero((leads_out & bare).any(axis=0))
    if not len(doors) or not len(cell):
        return ahead
    beyond = grid.neighbour[step, cell]
    length_m = np.linalg.norm(grid.xy_m[beyond] - grid.xy_m[cell], axis=1)
    graph = csr_array((length_m, (beyond, cell)), shape=(cells, cells))
    away_m, before, nearest = dijkstra(
        graph, indices=doors, min_only=True, return_predecessors=True, limit=AHEAD_M
    )
    first = np.full(cells, NO_CELL, dtype=np.int64)
    nearer = before[cell] == beyond
    first[cell[nearer]] = step[nearer]
    first[doors] = np.argmax((leads_out & bare)[:, doors], axis=0)
    near = np.flatnonzero(np.isfinite(away_m) & (first != NO_CELL))
    offset_m = grid.xy_m[nearest[near]] - grid.xy_m[near]
    eighth = np.arctan2(offset_m[:, 1], offset_m[:, 0]) / (np.pi / 4)
    # At the door itself there is no direction to it but its own.
    eighth = np.where(np.hypot(*offset_m.T) < grid.cell_m / 2, first[near], eighth)
    for heading in range(8):
        aside = np.abs((eighth - heading + 4) % 8 - 4)
        here = near[aside <= 1.0]
        ahead[heading, here] = first[here]
    return ahead


def side_corridors(grid: WalkGrid) -> dict[int, NDArray[np.bool_]]:
    """By turn (2 to the left, 6 to the right), `(8, C + 1)` whether a corridor opens at that side.

    There the way to that side is longer by `_LONGER_M` than it was `AT_THE_CORNER_M` before.
    """
    free = (grid.neighbour >= 0) & (grid.passes == FREE) & ~in_rooms(grid)
    free &= ~in_rooms(grid)[np.where(free, grid.neighbour, 0)]
    free[1::2] = False
    to = np.where(free, grid.neighbour, np.arange(len(grid)))
    longer, back = (round(m / grid.cell_m) for m in (_LONGER_M, AT_THE_CORNER_M))
    run = np.zeros(free.shape, dtype=np.int64)
    at = np.broadcast_to(np.arange(len(grid)), free.shape)
    heading = np.arange(8)[:, None]
    for _ in range(round(_SEEN_M / grid.cell_m)):
        run += free[heading, at]
        at = to[heading, at]
    behind, known = np.broadcast_to(np.arange(len(grid)), free.shape), np.ones_like(free)
    for _ in range(max(back, 1)):
        known = known & free[(heading + 4) % 8, behind]
        behind = to[(heading + 4) % 8, behind]
    opens = {}
    for turn in (2, 6):
        side = (heading + turn) % 8
        gained = run[side, np.arange(len(grid))] - run[side, behind]
        opens[turn] = np.hstack([known & (gained >= longer), np.zeros((8, 1), dtype=np.bool_)])
        opens[turn][1::2] = False
    return opens


def in_rooms(grid: WalkGrid) -> NDArray[np.bool_]:
    """`(C,)` whether a cell is in a room, and not in a corridor, lobby, stairwell or no space."""
    bare = np.array([space.category in BARE_CATEGORIES for space in grid.plan.spaces] + [True])
    return np.asarray(~bare[grid.space])


def _steps(grid: WalkGrid) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """`(8, C)` whether a step stays in its space, and whether it leaves it by no locked door."""
    inside = grid.neighbour >= 0
    same = inside & (grid.space[np.where(inside, grid.neighbour, 0)] == grid.space)
    return same, (grid.neighbour != NO_CELL) & ~same & (grid.passes != LOCKED)
