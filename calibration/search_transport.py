"""Where those who move are one tick later: along their heading, past doors, turned by walls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.sparse import block_diag, coo_array, csr_array

from .search_aim import door_headings, in_rooms
from .walk_grid import WALK_MPS
from .walk_steps import EXIT, FREE, LOCKED, NO_CELL, OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .walk_grid import WalkGrid

LOCKED_PASSES: Final = 0.02
"""Share of the attempts at a locked door that get through (a key, a held door, force). Judgement:
who keeps trying is through after half a minute."""

LEAVES: Final = 0.25
"""Share of those who walk up to an entrance from inside that go out. Judgement: the doors of a
school open from inside, and most people whose way leads there mean to leave, but an intruder has a
reason to stay. Nobody comes back in, except past a camera."""

CLIMBS: Final = 0.2
"""Share of those about the foot or the head of a stair, or before a lift, that take it, a tick.
Judgement: who walks through a stairwell is two or three ticks about it, so two in five do."""

VEERS_OFF: Final = 0.3
"""Share of those who walk along a wall, with room on their other side, that step away from it, a
tick. Without it all who ever touched a wall would keep to it; people rather walk off walls."""

FANS_OUT: Final = {0: 0.3, 1: 0.2, 7: 0.2, 2: 0.15, 6: 0.15}
"""Who comes in by a door goes on straight, half aside or aside, in these shares. Judgement."""

_TURNS_BACK: Final = 0.5
_ROUNDS: Final = 16
_NEGLIGIBLE: Final = 1e-4
_ONE: Final = np.float32(1)
_UP, _DOWN = 0, 4


class _Flow(NamedTuple):
    """Shares of mass under way, as columns: whence, where, heading, metres left, how much."""

    source: NDArray[np.int32]
    cell: NDArray[np.int32]
    heading: NDArray[np.int8]
    left_m: NDArray[np.float32]
    share: NDArray[np.float32]

    def rows(self, chosen: NDArray[np.bool_], share: NDArray[np.float32]) -> _Flow:
        """Some rows, with other shares (given for all rows); negligible ones are dropped."""
        kept = chosen & (share > _NEGLIGIBLE)
        return _Flow(
            self.source[kept], self.cell[kept], self.heading[kept], self.left_m[kept], share[kept]
        )

    def turned(self, eighths: int) -> _Flow:
        """The same, with other headings."""
        return self._replace(heading=((self.heading + eighths) % 8).astype(np.int8))


def transport(grid: WalkGrid, paces_mps: Sequence[float], tick_s: float) -> csr_array:
    """`(8 G (C + 1),) * 2` float32: share of each moving state (column) that arrives in each.

    States are eight headings by C + 1 cells of the first of G gaits, then those of the next; cell C
    is outside, where all stay. Columns sum to 1.

    Args:
        grid: the grid.
        paces_mps: pace of each gait.
        tick_s: for how long they move.
    """
    ways = _Ways(grid, lift_m=WALK_MPS * tick_s)
    blocks = [ways.carried(pace_mps * tick_s) for pace_mps in paces_mps]
    return csr_array(block_diag(blocks, format="csr").astype(np.float32))


class _Ways:
    """The steps of a grid and how the mass that takes them goes on."""

    def __init__(self, grid: WalkGrid, lift_m: float) -> None:
        cells = len(grid)
        self._grid = grid
        self._outside = cells
        self._to_door = np.append(door_headings(grid), NO_CELL).astype(np.int8)
        self._space = np.append(grid.space, NO_CELL)
        self._in_room = np.append(in_rooms(grid), False)
        self._floor = grid.floor_cells
        to = grid.neighbour
        self._target = np.where(to == OUTSIDE, cells, to)
        beyond_m = grid.xy_m[np.where(to >= 0, to, 0)]
        step_m = np.linalg.norm(beyond_m - grid.xy_m, axis=2)
        on_floor = (to >= 0) & (to < self._floor)
        on_floor[:, self._floor :] = False
        self._step_m: NDArray[np.float32] = np.where(
            on_floor, np.maximum(step_m, 0.1), grid.cell_m
        ).astype(np.float32)
        chance = np.zeros(3, dtype=np.float32)
        chance[[FREE, LOCKED, EXIT]] = 1.0, LOCKED_PASSES, LEAVES
        self._passes: NDArray[np.float32] = chance[grid.passes] * (to != NO_CELL)
        self._most_m = np.full(cells, np.inf, dtype=np.float32)
        for flight in grid.flights:
            if flight.is_lift:
                self._most_m[flight.first : flight.first + flight.count] = lift_m

    def carried(self, reach_m: float) -> coo_array:
        """Moves of one gait, `(8 (C + 1), 8 (C + 1))`, by bodies that cover `reach_m` in a tick."""
        cells = self._outside
        heading, cell = (axis.ravel() for axis in np.mgrid[0:8, 0:cells])
        flow = _Flow(
            (heading * (cells + 1) + cell).astype(np.int32),
            cell.astype(np.int32),
            heading.astype(np.int8),
            np.full(8 * cells, reach_m, dtype=np.float32),
            np.ones(8 * cells, dtype=np.float32),
        )
        under_way = [self._veered(self._climbing(flow))]
        arrived: list[_Flow] = []
        for _ in range(_ROUNDS):
            under_way, resting = self._step(_joined(under_way))
            arrived += resting
            if not any(len(part.cell) for part in under_way):
                break
        return self._matrix(self._on_stairs(_joined(arrived + under_way)))

    def _climbing(self, flow: _Flow) -> _Flow:
        """The flow with those who take a stair or a lift at its end."""
        ends = [
            (cell, flight.first + (0 if heading == _UP else flight.count - 1), heading)
            for flight in self._grid.flights
            for cells, heading in ((flight.lower, _UP), (flight.upper, _DOWN))
            for cell in cells.tolist()
        ]
        if not ends:
            return flow
        mouth, entered, heading = np.array(ends).T
        ways = np.bincount(mouth, minlength=self._outside)
        climbing = [
            _Flow(
                source=source.astype(np.int32),
                cell=entered.astype(np.int32),
                heading=heading.astype(np.int8),
                left_m=np.full(len(mouth), flow.left_m[0], dtype=np.float32),
                share=(CLIMBS / ways[mouth]).astype(np.float32),
            )
            for source in (start * (self._outside + 1) + mouth for start in range(8))
        ]
        stay = np.where(ways[flow.cell] > 0, 1.0 - CLIMBS, 1.0).astype(np.float32)
        return _joined([flow._replace(share=flow.share * stay), *climbing])

    def _veered(self, flow: _Flow) -> _Flow:
        """The flow after those along walls have stepped aside, off the wall."""
        straight = flow.heading % 2 == 0
        parts, kept = [], flow.share.copy()
        for side in (2, 6):
            wall = self._target[(flow.heading + 8 - side) % 8, flow.cell] == NO_CELL
            aside = (flow.heading + side) % 8
            off = straight & wall & (self._passes[aside, flow.cell] == _ONE)
            target = self._target[aside, flow.cell].astype(np.int32)
            off &= self._space[target] == self._space[flow.cell]
            share = np.where(off, flow.share * np.float32(VEERS_OFF), np.float32(0))
            kept -= share
            parts.append(flow._replace(cell=target).rows(off, share))
        return _joined([flow._replace(share=kept), *parts])

    def _step(self, flow: _Flow) -> tuple[list[_Flow], list[_Flow]]:
        """Those still under way and those that have arrived after one more step of all."""
        at = (flow.heading, flow.cell)
        step_m: NDArray[np.float32] = self._step_m[at]
        passes: NDArray[np.float32] = self._passes[at]
        left_m = np.minimum(flow.left_m, self._most_m[flow.cell])
        chance: NDArray[np.float32] = np.minimum(left_m / step_m, _ONE)
        target = self._target[at].astype(np.int32)
        onward = flow._replace(
            cell=target,
            heading=self._kept_to_the_way(flow, target),
            left_m=np.maximum(left_m - step_m, np.float32(0)),
        )
        moves = flow.share * chance * passes
        out = onward.cell == self._outside
        off = (flow.cell >= self._floor) & (onward.cell < self._floor)
        goes_on = (onward.left_m > 0) & ~out & ~off
        enters = ~out & self._in_room[target] & (self._space[flow.cell] != self._space[target])
        moved = _fanned(onward, enters, goes_on, moves)
        resting = [
            flow.rows(chance < 1.0, flow.share * (1 - chance)),
            *_fanned(onward, enters, (onward.left_m <= 0) & ~out & ~off, moves),
            onward.rows(out, moves),
            *_scattered(onward.rows(off & (passes > 0), moves)),
        ]
        barred = flow._replace(left_m=left_m).rows(passes < 1.0, flow.share * chance * (1 - passes))
        slid, turned = self._turned(barred)
        return moved + slid, resting + turned

    def _kept_to_the_way(self, flow: _Flow, target: NDArray[np.int32]) -> NDArray[np.int8]:
        """Headings after a step: who is on the way to a room's door goes on along it."""
        on_it = flow.heading == self._to_door[flow.cell]
        inside = self._space[flow.cell] == self._space[target]
        return np.where(on_it & inside, self._to_door[target], flow.heading)

    def _on_stairs(self, flow: _Flow) -> _Flow:
        """On stairs there are two headings: on, or back."""
        stairs = flow.cell >= self._floor
        up = np.isin(flow.heading, (7, 0, 1, 2))
        heading = np.where(stairs, np.where(up, _UP, _DOWN), flow.heading).astype(np.int8)
        return flow._replace(heading=heading)

    def _turned(self, flow: _Flow) -> tuple[list[_Flow], list[_Flow]]:
        """Those that slide along what bars their way, and those that turn away from it."""
        free = np.stack([self._passes[(flow.heading + k) % 8, flow.cell] == 1.0 for k in range(8)])
        slides = free[[1, 7]].sum(axis=0, dtype=np.float32)
        sideways = free[[2, 6]].sum(axis=0, dtype=np.float32)
        slid = [flow.rows(free[k], flow.share / np.maximum(slides, _ONE)).turned(k) for k in (1, 7)]
        stuck = slides == 0
        aside = stuck & (sideways > 0)
        back = np.where(free[4], np.float32(_TURNS_BACK), np.float32(0))
        turned = [
            flow.rows(aside & free[k], flow.share * (1 - back) / np.maximum(sideways, _ONE)).turned(
                k
            )
            for k in (2, 6)
        ]
        turned.append(flow.rows(aside & free[4], flow.share * back).turned(4))
        turned.append(flow.rows(stuck & ~aside, flow.share).turned(4))
        return slid, turned

    def _matrix(self, flow: _Flow) -> coo_array:
        rows, size = self._outside + 1, 8 * (self._outside + 1)
        arrives = flow.heading.astype(np.int32) * rows + flow.cell
        outside = np.arange(8, dtype=np.int32) * rows + self._outside
        total = np.bincount(flow.source, weights=flow.share, minlength=size)
        share = np.asarray(flow.share / total[flow.source], dtype=np.float32)
        moves = coo_array(
            (
                np.append(share, np.ones(8, dtype=np.float32)),
                (np.append(arrives, outside), np.append(flow.source, outside)),
            ),
            shape=(size, size),
        )
        moves.sum_duplicates()
        return moves


def _fanned(
    flow: _Flow, enters: NDArray[np.bool_], chosen: NDArray[np.bool_], share: NDArray[np.float32]
) -> list[_Flow]:
    """Chosen rows of the flow; those that enter a room spread over the headings into it."""
    into_room = [
        flow.rows(chosen & enters, share * np.float32(part)).turned(eighths)
        for eighths, part in FANS_OUT.items()
    ]
    return [flow.rows(chosen & ~enters, share), *into_room]


def _scattered(flow: _Flow) -> list[_Flow]:
    """The flow in all headings alike: who comes off a stair may go anywhere."""
    share = flow.share / np.float32(8)
    return [flow._replace(share=share).turned(k) for k in range(8)]


def _joined(flows: list[_Flow]) -> _Flow:
    return _Flow(
        np.concatenate([flow.source for flow in flows]),
        np.concatenate([flow.cell for flow in flows]),
        np.concatenate([flow.heading for flow in flows]),
        np.concatenate([flow.left_m for flow in flows]),
        np.concatenate([flow.share for flow in flows]),
    )
