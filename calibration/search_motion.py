"""How an unseen body moves: a Markov chain over what it does and the cell it is in.

A body stands, hides, strolls, walks or runs, and it moves in one of eight headings (a velocity-jump
process: Othmer, Dunbar and Alt, Journal of Mathematical Biology 26, 1988). So a front moves at
human speed; with plain diffusion it would crawl as the square root of time. One tick is half a
second: bodies change what they do by `mixing`, then those that move are carried by `transport`.

The rates are chosen between two measurements of this project, both at two places a second (see
`docs/why/search-map.md`): people on a square (WILDTRACK: walkers stop 0.044 times a second, set off
again 0.062 times, turn by 22-67 degrees 0.06 times and farther 0.006 times) and two people at work
in a building (CITIC-MTMC: 0.036, 0.35, 0.11 and 0.05, the turns that walls force included; here
walls turn bodies anyway).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from scipy.linalg import expm
from scipy.sparse import csr_array

from .search_aim import BARE_CATEGORIES, aiming
from .search_transport import transport
from .walk_grid import WALK_MPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .walk_grid import WalkGrid

TICK_S: Final = 0.5

STILL: Final = 0
HIDDEN: Final = 1
STROLL: Final = slice(2, 10)
WALK: Final = slice(10, 18)
RUN: Final = slice(18, 26)
MOVING: Final = slice(2, 26)
MODES: Final = 26
"""Still, hidden (still, and where no camera's picture shows it: under a desk, behind a cupboard),
and eight headings each of a stroll, a walk and a run."""

STROLL_MPS: Final = 0.8
"""A slow walk: of the people measured (see above) a third on the square and nearly all in the
building were nearer to this than to `WALK_MPS`."""

RUN_MPS: Final = 4.0
"""A run through rooms and corridors; with the spread of a tick's steps it reaches 5-6 m/s, and
`continuity.RUN_MPS` is 5. Sprinters are faster, but not around corners and through doors."""

STOP_HZ: Final = 0.05
START_HZ: Final = 0.10
PACE_HZ: Final = 0.05
"""Stroll or walk to still, still to stroll and walk in equal parts, stroll to walk and back, a
second."""

SPEED_UP_HZ: Final = 0.02
SLOW_DOWN_HZ: Final = 0.10
RUN_TO_STOP_HZ: Final = 0.03
BOLT_HZ: Final = 0.01
"""Stroll or walk to run, run to walk, run to still, still to run, a second. Nobody ran in the
measurements: judgement."""

TURN_HZ: Final = {1: 0.05, 2: 0.015, 4: 0.01}
"""Turns by so many eighths, to each side (half turns in all), a second, of who walks."""

RUN_TURNS_SHARE: Final = 0.5
"""Who runs turns half as often. Judgement."""

HIDE_HZ: Final = 0.005
COME_OUT_HZ: Final = 0.01
"""Still to hidden in rooms, and back: one in 200 s, for 100 s. Judgement."""

HIDES_WHERE_BARE: Final = 0.1
"""Corridors and stairs have a tenth of a room's places to hide."""

_REMEMBERED: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """One tick of movement, and of looks, on a grid of C cells; row C is outside the building.

    Attributes:
        mixing: `(MODES, MODES)` float32, share of each mode (column) that goes on in each (row).
        transport: `(24 (C + 1), 24 (C + 1))` float32, rows are where the moving modes arrive.
        arriving: `(nnz,)` int32, the cell in which each entry of `transport` arrives.
        hiding: `(C + 1, 1)` float32, share of the still that hide.
        missed: `(C + 1,)` float32, by cell the probability that all cameras that looked in the tick
            miss a body which can be seen; it is in `transport` already. None without looks.
    """

    mixing: NDArray[np.float32]
    transport: csr_array
    arriving: NDArray[np.int32]
    hiding: NDArray[np.float32]
    missed: NDArray[np.float32] | None = None

    @classmethod
    def on(cls, grid: WalkGrid) -> Motion:
        """The motion on a grid; takes a second or two where the grid is large."""
        paces_mps = (STROLL_MPS, WALK_MPS, RUN_MPS)
        moves = csr_array(transport(grid, paces_mps, TICK_S) @ aiming(grid, len(paces_mps), TICK_S))
        moves.sort_indices()
        moves.indices = moves.indices.astype(np.int32)
        moves.indptr = moves.indptr.astype(np.int32)
        arriving = np.arange(moves.shape[0], dtype=np.int32) % (len(grid) + 1)
        return cls(
            mixing=mode_mixing(),
            transport=moves,
            arriving=np.repeat(arriving, np.diff(moves.indptr)),
            hiding=_hiding(grid),
        )

    def looked_at(self, missed: NDArray[np.float32]) -> Motion:
        """The same tick with looks.

        Args:
            missed: `(C + 1,)` float32, see the attribute.
        """
        moves = self.transport
        through = csr_array(
            (moves.data * missed[self.arriving], moves.indices, moves.indptr), shape=moves.shape
        )
        return replace(self, transport=through, missed=missed)

    def advance(self, mass: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mass `(MODES, C + 1, S)` float32 of S subjects one tick later, a new array."""
        modes, cells, subjects = mass.shape
        mixed = _mixed(self.mixing, mass.reshape(modes, -1)).reshape(mass.shape)
        out = np.empty_like(mass)
        hide, come_out = mixed[STILL] * self.hiding, mixed[HIDDEN] * _COME_OUT
        np.add(mixed[HIDDEN], hide - come_out, out=out[HIDDEN])
        np.add(mixed[STILL], come_out - hide, out=out[STILL])
        if self.missed is not None:
            out[STILL] *= self.missed[:, None]
        moved = np.asarray(self.transport @ mixed[MOVING].reshape(-1, subjects))
        out[MOVING] = moved.reshape(modes - MOVING.start, cells, subjects)
        # Numbers too small for float32 make processors crawl; whoever is that unlikely is nowhere.
        for mode in out:
            np.maximum(mode - _NOTHING, 0.0, out=mode)
        return out


def _mixed(mixing: NDArray[np.float32], flat: NDArray[np.float32]) -> NDArray[np.float32]:
    """The product `mixing @ flat`, the same to the last bit on any number of cores.

    BLAS shares a large product out among its threads, and where a share ends decides how its last
    columns are added up. Products of so few columns are not shared out, and are no slower.
    """
    modes, columns = flat.shape
    whole = columns - columns % _TOGETHER
    out = np.empty_like(flat)
    parts, mixed = (
        one[:, :whole].reshape(modes, -1, _TOGETHER).transpose(1, 0, 2) for one in (flat, out)
    )
    np.matmul(mixing, parts, out=mixed)
    out[:, whole:] = mixing @ flat[:, whole:]
    return out


@lru_cache(_REMEMBERED)
def motion_on(grid: WalkGrid) -> Motion:
    """The motion on a grid; remembered for the grids asked for last."""
    return Motion.on(grid)


_TOGETHER: Final = 256
"""Columns of one product. OpenBLAS leaves up to 2^18 multiplications to one thread: 387 columns of
26 modes."""

_NOTHING: Final = np.float32(1e-25)
_COME_OUT: Final = np.float32(-np.expm1(-COME_OUT_HZ * TICK_S))


def mode_mixing() -> NDArray[np.float32]:
    """`(MODES, MODES)` share of each mode (column) that goes on in each mode (row) after a tick.

    Hiding is not in it, because it depends on the place.
    """
    rate = np.zeros((MODES, MODES))
    stroll, walk, run = (np.arange(MODES)[gait] for gait in (STROLL, WALK, RUN))
    rate[STILL, stroll], rate[stroll, STILL] = STOP_HZ, START_HZ / 16
    rate[STILL, walk], rate[walk, STILL] = STOP_HZ, START_HZ / 16
    rate[STILL, run], rate[run, STILL] = RUN_TO_STOP_HZ, BOLT_HZ / 8
    rate[walk, stroll], rate[stroll, walk] = PACE_HZ, PACE_HZ
    rate[run, stroll], rate[run, walk], rate[walk, run] = SPEED_UP_HZ, SPEED_UP_HZ, SLOW_DOWN_HZ
    for eighths, turns_hz in TURN_HZ.items():
        for side in (1,) if eighths == 4 else (1, -1):  # noqa: PLR2004 - half a turn
            turned = np.roll(np.arange(8), side * eighths)
            rate[stroll[turned], stroll] += turns_hz
            rate[walk[turned], walk] += turns_hz
            rate[run[turned], run] += turns_hz * RUN_TURNS_SHARE
    rate -= np.diag(rate.sum(axis=0))
    return np.asarray(expm(rate * TICK_S), dtype=np.float32)


def _hiding(grid: WalkGrid) -> NDArray[np.float32]:
    bare = np.array([space.category in BARE_CATEGORIES for space in grid.plan.spaces] + [True])
    share = np.where(bare[grid.space], HIDES_WHERE_BARE, 1.0)
    furnished = _beside_fixtures(grid)
    share[furnished] = 1.0
    tick = -np.expm1(-HIDE_HZ * TICK_S) * np.append(share, 0.0)
    return np.asarray(tick[:, None], dtype=np.float32)


def _beside_fixtures(grid: WalkGrid) -> NDArray[np.int64]:
    """Cells within a metre of a fixture."""
    found = [np.zeros(0, dtype=np.int64)]
    for index, level in enumerate(grid.plan.levels):
        fixtures = [f.polygon for f in grid.plan.fixtures if f.level == level.id]
        here = np.flatnonzero(grid.level == index)
        if fixtures and len(here):
            points = np.asarray(shapely.points(grid.xy_m[here]), object)
            near = shapely.STRtree(points).query(fixtures, predicate="dwithin", distance=1.0)[1]
            found.append(here[np.unique(near)])
    return np.concatenate(found)
