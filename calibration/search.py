"""The search map: where the subjects that no camera sees can be now.

While a subject is out of view, its probability moves over the floor at human speed, through doors
and over stairs, and out of the entrances; every look of a camera that finds nobody takes some of it
away where the camera shows the floor. Blind spots keep theirs, and so does the floor of cameras
that are down. See `search_motion` for the movement and `search_evidence` for the looks.

Time runs in ticks, whole multiples of half a second since 1970, so that an answer does not depend
on when the questions before it were asked, except that a look counts in the first tick after it
has come.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from .detection_rates import DetectionRates
from .search_area import search_area
from .search_evidence import Looks, learn_from, missed, spare
from .search_ground import SearchGround
from .search_lookalikes import lookalike_cells
from .search_motion import TICK_S
from .search_start import starting_mass

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from .answer import SearchArea
    from .camera_loading import Camera
    from .floor_plan import FloorPlan
    from .search_evidence import CameraView
    from .search_motion import Motion
    from .subject import SubjectState
    from .walk_grid import WalkGrid

MOST_SUBJECTS: Final = 50
"""Maps are kept for so many subjects at the most: those that people pointed out, then those with
the most evidence of a weapon, then those last seen."""

MOST_CELLS: Final = 200_000
"""No more maps than this over the cells of the site: to move one takes some 0.2 us a cell and tick,
and an answer must not wait long for it. On three levels of 6,000 square metres that is five
subjects and a tenth of a core."""

LEAST_SUBJECTS: Final = 4
"""However large the site is."""

LATE_TICKS: Final = 10
"""Where there is not room for all, who was lost longer ago than this gets no map any more."""

MOST_TICKS: Final = 240
"""After a pause of more than two minutes without a question, movement before it is left out."""

BLOCK: Final = 16
"""Subjects that are moved together: what this takes in memory besides the maps is three blocks."""

AROUND_M: Final = 1.0
"""Densities are averaged over a circle of this radius: the error of a place and of a front."""

_FAINT: Final = np.float32(1e-6)


@dataclass(slots=True, eq=False)
class _Block:
    """Some subjects' maps.

    Attributes:
        ids: the subjects, S of them.
        seen_at_s: when each was last seen.
        mass: `(MODES, C + 1, S)` float32, not normalised.
        share: `(C + 1, S)` float32, each column sums to 1.
    """

    ids: list[str]
    seen_at_s: list[float]
    mass: NDArray[np.float32]
    share: NDArray[np.float32]

    @classmethod
    def of(cls, ids: list[str], seen_at_s: list[float], mass: NDArray[np.float32]) -> _Block:
        """A block with its shares; faint columns are made to sum to 1 again."""
        share = mass.sum(axis=0)
        total = share.sum(axis=0, dtype=np.float64).astype(np.float32)
        if (total < _FAINT).any():
            mass = mass / total
        return cls(ids, seen_at_s, mass, share / total)

    def only(self, rows: list[int]) -> _Block:
        """The block with some of its subjects."""
        return _Block(
            [self.ids[row] for row in rows],
            [self.seen_at_s[row] for row in rows],
            np.ascontiguousarray(self.mass[:, :, rows]),
            np.ascontiguousarray(self.share[:, rows]),
        )

    def joined(self, other: _Block) -> _Block:
        """Both blocks in one."""
        return _Block(
            self.ids + other.ids,
            self.seen_at_s + other.seen_at_s,
            np.concatenate([self.mass, other.mass], axis=2),
            np.concatenate([self.share, other.share], axis=1),
        )


class SearchMaps:
    """Maps of all subjects out of view.

    A deterministic function of the calls in their order. Costs nothing until there is a
    subject; then the ground is made, unless `prepare` has done so before.

    Args:
        plan: the plan.
        cameras: the cameras whose looks count.
        cell_m: edge of a cell, see `WalkGrid.of`.
        ground: gives the ground of the same plan and cameras, where it is made elsewhere.
    """

    def __init__(
        self,
        plan: FloorPlan,
        cameras: Iterable[Camera] = (),
        *,
        cell_m: float | None = None,
        ground: Callable[[], SearchGround] | None = None,
    ) -> None:
        self._plan = plan
        known = tuple(cameras)
        self._make_ground = ground or (lambda: SearchGround.of(plan, known, cell_m))
        self._made_ground: SearchGround | None = None
        self._rates = DetectionRates()
        self._looks = Looks()
        self._blocks: list[_Block] = []
        self._tick: float = -math.inf
        self._areas: dict[str, SearchArea] = {}
        self._begun_tick: float = -math.inf
        self._begun_here = 0

    @property
    def grid(self) -> WalkGrid:
        """The cells that `weights` speaks of."""
        return self._ground.grid

    @property
    def rates(self) -> DetectionRates:
        """How well the cameras find people, as learnt so far."""
        return self._rates

    @property
    def views(self) -> Mapping[str, CameraView]:
        """What each camera shows, by camera id."""
        return self._ground.views

    @property
    def at_s(self) -> float:
        """The moment that the maps speak of, Unix seconds; minus infinity before the first."""
        return self._tick * TICK_S

    def prepare(self) -> None:
        """Make the ground now: seconds on large sites."""
        self._made_ground = self._ground

    @property
    def _ground(self) -> SearchGround:
        if self._made_ground is None:
            self._made_ground = self._make_ground()
        return self._made_ground

    def look(self, camera: str, at_s: float) -> None:
        """Take in that a camera delivered a frame that would show who is there.

        Frames of a camera that has been moved, or whose lens is covered, are no looks.

        Args:
            camera: camera id.
            at_s: capture time, Unix seconds.
        """
        self._looks.note(camera, at_s, self._tick)

    def follow(
        self,
        subjects: Sequence[SubjectState],
        now_s: float,
        wanted: Collection[str] = frozenset(),
    ) -> None:
        """Bring the maps to the last tick up to `now_s`.

        Subjects that are seen again or gone lose their map; those that went out of view get one,
        which begins where and when they were last seen.

        Args:
            subjects: all subjects at `now_s`.
            now_s: the moment, Unix seconds; an earlier one than before changes nothing but whom
                maps are kept for.
            wanted: ids of those that people pointed out: they have a map before all others.
        """
        tick = math.floor(now_s / TICK_S)
        unseen = _most_wanted([state for state in subjects if not state.in_view], wanted)
        most = self._most_subjects() if unseen else 0
        unseen = unseen[:most]
        self._drop_all_but(unseen)
        if tick > self._tick:
            self._advance(tick, subjects)
        mapped = {name for block in self._blocks for name in block.ids}
        new = [s for s in unseen if s.id not in mapped and _first_tick(s) <= self._tick]
        # Where many are lost and found all the time, beginning maps would take longer than moving
        # them: those that people pointed out come at once, of the others one a tick, and none that
        # would have to be moved over many ticks first.
        if tick > self._begun_tick:
            self._begun_tick, self._begun_here = tick, 0
        rest = [s for s in new if s.id not in wanted]
        if most < MOST_SUBJECTS:
            rest = [s for s in rest if tick - _first_tick(s) < LATE_TICKS]
            rest = rest[: max(1 - self._begun_here, 0)]
        self._begun_here += len(rest)
        new = [s for s in new if s.id in wanted] + rest
        new.sort(key=lambda state: (state.seen_at_s, state.id))
        for k in range(0, len(new), BLOCK):
            self._blocks.append(self._begun(new[k : k + BLOCK], subjects))
        self._blocks = _packed(self._blocks)
        self._looks.forget_before(tick)

    def area(self, subject_id: str) -> SearchArea | None:
        """Where a subject can be, None for one that has no map."""
        if subject_id not in self._areas:
            share = self._share(subject_id)
            if share is None:
                return None
            self._areas[subject_id] = search_area(self.grid, share, self.at_s)
        return self._areas[subject_id]

    def weights(self, subject_id: str) -> NDArray[np.float32] | None:
        """`(C,)` float32 probability of each cell of `grid`, None for one that has no map.

        They sum to 1 less the probability of having left the building.
        """
        share = self._share(subject_id)
        return None if share is None else share[:-1]

    def densities_m2(self, level: str, xy_m: NDArray[np.float64]) -> dict[str, float]:
        """Probability per square metre of each mapped subject, by id, around a place.

        Args:
            level: level id.
            xy_m: `(2,)` site metres; a circle of `AROUND_M` about it is averaged over.
        """
        if not self._blocks:
            return {}
        here = self.grid.numbers[self.grid.level_index(level)]
        near = here[np.hypot(*(self.grid.xy_m[here] - xy_m).T) <= AROUND_M]
        floor_m2 = float(self.grid.area_m2[near].sum())
        if floor_m2 <= 0:
            return {}
        return {
            name: float(mass) / floor_m2
            for block in self._blocks
            for name, mass in zip(block.ids, block.share[near].sum(axis=0), strict=True)
        }

    def cells(self, subject_id: str) -> dict[str, NDArray[np.float32]] | None:
        """By level, `(H, W)` float32 probability by cell of its raster, row 0 in the south.

        Who is on a stair is shown at its nearer end. None for a subject that has no map.
        """
        share = self._share(subject_id)
        if share is None:
            return None
        floor = share[: self.grid.floor_cells].copy()
        for flight in self.grid.flights:
            on_it = share[flight.first : flight.first + flight.count]
            half = flight.count // 2
            floor[flight.lower[0]] += on_it[:half].sum()
            floor[flight.upper[0]] += on_it[half:].sum()
        return {
            level.id: np.where(raster.index >= 0, floor[raster.index], np.float32(0))
            for level, raster in zip(self._plan.levels, self.grid.rasters, strict=True)
        }

    def _most_subjects(self) -> int:
        cells = len(self.grid) + 1
        return min(MOST_SUBJECTS, max(LEAST_SUBJECTS, MOST_CELLS // cells))

    def _share(self, subject_id: str) -> NDArray[np.float32] | None:
        for block in self._blocks:
            if subject_id in block.ids:
                return np.ascontiguousarray(block.share[:, block.ids.index(subject_id)])
        return None

    def _drop_all_but(self, unseen: list[SubjectState]) -> None:
        wanted = {(state.id, state.seen_at_s) for state in unseen}
        kept = []
        for block in self._blocks:
            rows = [
                row
                for row, key in enumerate(zip(block.ids, block.seen_at_s, strict=True))
                if key in wanted
            ]
            if rows:
                kept.append(block if len(rows) == len(block.ids) else block.only(rows))
        self._blocks = _packed(kept)
        ids = {name for block in kept for name in block.ids}
        self._areas = {name: area for name, area in self._areas.items() if name in ids}

    def _advance(self, tick: int, subjects: Sequence[SubjectState]) -> None:
        """Move all maps to a tick, one tick after the other."""
        if subjects:
            self._learn(tick, subjects)
        late = self._looks.take_late()
        if self._blocks:
            first = int(max(self._tick + 1, tick - MOST_TICKS + 1))
            for step in range(first, tick + 1):
                motion = self._motion_of(step, late)
                self._blocks = [
                    self._moved(block, motion, step, subjects) for block in self._blocks
                ]
                late = frozenset()
            self._areas = {}
        self._tick = tick

    def _learn(self, tick: int, subjects: Sequence[SubjectState]) -> None:
        seen = [s for s in subjects if s.in_view and s.seen_at_s > (tick - 1) * TICK_S]
        looked = self._looks.during(tick)
        learn_from(seen, self._ground.shown, looked, self._rates, self.grid)

    def _motion_of(self, tick: int, late: frozenset[str] = frozenset()) -> Motion:
        """The movement of one tick, with the looks in it."""
        ground = self._ground
        looked = self._looks.during(tick) | late
        unseen = missed(ground.views, looked, self._rates, len(ground.grid) + 1)
        return ground.motion if unseen is None else ground.motion.looked_at(unseen)

    def _moved(
        self, block: _Block, motion: Motion, tick: int, subjects: Sequence[SubjectState]
    ) -> _Block:
        """A block after the movement and the looks of a tick."""
        mass = motion.advance(block.mass)
        if motion.missed is not None:
            cells, columns = lookalike_cells(self.grid, block.seen_at_s, subjects, tick * TICK_S)
            spare(mass, motion.missed, cells, columns)
        return _Block.of(block.ids, block.seen_at_s, mass)

    def _begun(self, states: list[SubjectState], subjects: Sequence[SubjectState]) -> _Block:
        """New maps of some subjects, brought to where the others are."""
        now = int(self._tick)
        block: _Block | None = None
        for tick in range(max(_first_tick(states[0]), now - MOST_TICKS), now + 1):
            if block is not None:
                block = self._moved(block, self._motion_of(tick), tick, subjects)
            for state in states:
                if max(_first_tick(state), now - MOST_TICKS) == tick:
                    at_s = _first_tick(state) * TICK_S
                    mass = starting_mass(self.grid, state, at_s)[:, :, None]
                    own = _Block.of([state.id], [state.seen_at_s], mass)
                    block = own if block is None else block.joined(own)
        assert block is not None  # noqa: S101 - each state begins at one of the ticks
        return block


def _packed(blocks: list[_Block]) -> list[_Block]:
    """The blocks with small ones joined: many small ones take longer than a few."""
    packed: list[_Block] = []
    for block in sorted(blocks, key=lambda block: -len(block.ids)):
        fits = [i for i, other in enumerate(packed) if len(other.ids) + len(block.ids) <= BLOCK]
        if fits:
            packed[fits[0]] = packed[fits[0]].joined(block)
        else:
            packed.append(block)
    return packed


def _first_tick(state: SubjectState) -> int:
    """The tick at which a subject's map begins: the first after its last sighting."""
    return math.ceil(state.seen_at_s / TICK_S)


def _most_wanted(unseen: list[SubjectState], wanted: Collection[str]) -> list[SubjectState]:
    order = sorted(unseen, key=lambda s: (s.id not in wanted, -s.armed_llr, -s.seen_at_s, s.id))
    return order[:MOST_SUBJECTS]
