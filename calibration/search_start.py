"""Where the map of a subject begins: about its last seen place, moving as it moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from .search_motion import MODES, RUN, RUN_MPS, STILL, STROLL, STROLL_MPS, WALK
from .walk_grid import WALK_MPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .subject import SubjectState
    from .walk_grid import WalkGrid

VELOCITY_SIGMA_MPS: Final = 0.35
"""Spread of each component of a filtered velocity about the true one, of people who walk."""

STILL_MPS: Final = 0.5
"""Who moves slower than this is taken to stand."""

WALKS_FROM_MPS: Final = (STROLL_MPS + WALK_MPS) / 2
"""Who moves faster than this is taken to walk, who moves slower to stroll."""

RUNS_FROM_MPS: Final = (WALK_MPS + RUN_MPS) / 2
"""Who moves faster than this is taken to run."""

SEARCHED_M: Final = 5.0
"""A place outside all cells counts to the nearest cell up to so far away, if no wall is between."""

_SIGMAS: Final = 4.0
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(9)


def starting_mass(grid: WalkGrid, state: SubjectState, at_s: float) -> NDArray[np.float32]:
    """`(MODES, C + 1)` float32, sums to 1: where a subject is soon after it was last seen, and how.

    The place is spread over the cells that no wall parts from its middle.

    Args:
        grid: the grid.
        state: the subject.
        at_s: the moment, up to a tick after `seen_at_s`; it went on as it moved until then.
    """
    mass = np.zeros((MODES, len(grid) + 1), dtype=np.float32)
    cells, share = _places(grid, state, at_s - state.seen_at_s)
    mass[:, cells] = mode_shares(state.velocity_mps)[:, None] * share
    return mass


def mode_shares(velocity_mps: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(MODES,)` how likely a body with that measured velocity stands, walks and runs where."""
    nodes = np.stack(np.meshgrid(_NODES, _NODES), axis=-1).reshape(-1, 2)
    weight = np.outer(_WEIGHTS, _WEIGHTS).ravel()
    true_mps = velocity_mps + VELOCITY_SIGMA_MPS * nodes
    pace_mps = np.linalg.norm(true_mps, axis=1)
    eighth = np.arctan2(true_mps[:, 1], true_mps[:, 0]) / (np.pi / 4)
    lower = np.floor(eighth)
    moves = np.zeros((3, 8))
    gait = np.digitize(pace_mps, [WALKS_FROM_MPS, RUNS_FROM_MPS])
    moving = np.where(pace_mps >= STILL_MPS, weight, 0.0)
    heading = lower.astype(np.int64) % 8
    np.add.at(moves, (gait, heading), moving * (1.0 - (eighth - lower)))
    np.add.at(moves, (gait, (heading + 1) % 8), moving * (eighth - lower))
    shares = np.zeros(MODES)
    shares[STILL] = weight[pace_mps < STILL_MPS].sum()
    shares[STROLL], shares[WALK], shares[RUN] = moves
    return np.asarray(shares / shares.sum())


def _places(
    grid: WalkGrid, state: SubjectState, since_s: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The cells that the subject may be in, and how likely each is."""
    seen_m = np.asarray(state.seen_xy_m, dtype=np.float64)
    middle_m = seen_m + state.velocity_mps * since_s
    walls = grid.plan.walls(state.level)
    if shapely.intersects(walls, shapely.linestrings([seen_m, middle_m])):
        middle_m = seen_m
    level = grid.level_index(state.level)
    covariance = np.eye(2) * (grid.cell_m**2 / 12 + (VELOCITY_SIGMA_MPS * since_s) ** 2)
    covariance = covariance + state.cov_m2
    reach_m = _SIGMAS * float(np.sqrt(np.linalg.eigvalsh(covariance)[-1]))
    numbers = grid.numbers[level]
    offset_m = grid.xy_m[numbers] - middle_m
    near = np.linalg.norm(offset_m, axis=1) <= max(reach_m, grid.cell_m)
    numbers, offset_m = numbers[near], offset_m[near]
    ways = shapely.linestrings(
        np.stack([np.broadcast_to(middle_m, offset_m.shape), offset_m + middle_m], axis=1)
    )
    seen = ~shapely.crosses(ways, walls)
    numbers, offset_m = numbers[seen], offset_m[seen]
    squared = np.einsum("ni,ni->n", offset_m @ np.linalg.inv(covariance), offset_m)
    density = np.exp(-squared / 2) * grid.area_m2[numbers]
    if density.sum() > 0:
        return numbers.astype(np.int64), density / density.sum()
    nearest = grid.cells_at(state.level, middle_m[None], within_m=SEARCHED_M)
    if nearest[0] >= 0:
        return nearest.astype(np.int64), np.ones(1)
    # Seen where nobody can stand, far from all floor: outside, or the plan is not true there.
    return np.array([len(grid)]), np.ones(1)
