"""What cameras say by seeing nobody: who looked when, where, and how likely each look misses.

Every frame that a camera delivers is a look, an empty one too. Frames a tenth of a second apart
miss the same body for the same reason, so a camera's frames of one tick count as one look. A camera
that is down delivers no frame and says nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from vision.columns import require_column

from .detection_rates import DetectionRates, expected_rates
from .search_motion import MOVING, STILL, TICK_S
from .walk_steps import NO_CELL

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from .camera_loading import Camera
    from .floor_plan import FloorPlan
    from .subject import SubjectState
    from .walk_grid import WalkGrid

REMEMBERED_TICKS: Final = 20
"""Looks of the last 10 s are kept: for a subject that is known to be out of view only later."""

LATE_TICKS: Final = 3
"""A frame that comes after its tick counts in the next one, unless it is later than this."""

TRIAL_WEIGHT: Final = 0.25
"""Trials with one body come every tick and repeat each other: two seconds make one."""

BORDER_M: Final = 0.25
"""Half a body's width: nearer to the border of what a camera shows, it may show half a body."""

TRIAL_SIGMA_M: Final = 0.5
"""Bodies that others place less exactly are no trial."""

_LEVELS_REMEMBERED: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class CameraView:
    """The cells that one camera shows.

    Attributes:
        camera: camera id.
        cells: `(N,)` int32, sorted.
        expected: `(N,)` float32, probability that a look finds a body there, before any trial.
        well_within: `(N,)` bool, whether all cells around are shown too.
        sure: `(N,)` bool, whether the cell's place is no nearer than `BORDER_M` to a border of what
            is shown that is no wall.
    """

    camera: str
    cells: NDArray[np.int32]
    expected: NDArray[np.float32]
    well_within: NDArray[np.bool_]
    sure: NDArray[np.bool_]

    def __post_init__(self) -> None:
        n = len(self.cells)
        require_column("cells", self.cells, shape=(n,), dtype=np.int32)
        require_column("expected", self.expected, shape=(n,), dtype=np.float32)
        require_column("well_within", self.well_within, shape=(n,), dtype=np.bool_)
        require_column("sure", self.sure, shape=(n,), dtype=np.bool_)

    @classmethod
    def of(cls, camera: Camera, grid: WalkGrid) -> CameraView:
        """What a camera shows of the floor.

        Args:
            camera: the camera.
            grid: the grid of its plan.
        """
        floor = camera.visible_floor(grid.plan)
        shapely.prepare(floor)
        here = grid.numbers[grid.level_index(camera.level)]
        cells = here[shapely.contains_xy(floor, grid.xy_m[here])]
        expected = expected_rates(camera.model, grid.xy_m[cells])
        cells, expected = cells[expected > 0], expected[expected > 0]
        shown = np.zeros(len(grid) + 1, dtype=np.bool_)
        shown[cells] = True
        around = grid.neighbour[:, cells]
        border = shapely.difference(shapely.boundary(floor), _thick_walls(grid.plan, camera.level))
        border_m = shapely.distance(border, shapely.points(grid.xy_m[cells]))
        return cls(
            camera=camera.id,
            cells=cells,
            expected=expected.astype(np.float32),
            well_within=np.all(shown[around] | (around < 0), axis=0),
            sure=np.asarray(~(border_m < BORDER_M), np.bool_),
        )

    def row(self, cell: int) -> int | None:
        """The row of a cell, None where the camera does not show it."""
        row = int(np.searchsorted(self.cells, cell))
        return row if row < len(self.cells) and self.cells[row] == cell else None


@lru_cache(_LEVELS_REMEMBERED)
def _thick_walls(plan: FloorPlan, level: str) -> BaseGeometry:
    return shapely.buffer(plan.walls(level), BORDER_M / 2)


class WellWithin:
    """Which cameras show each cell well within their picture: the views, turned about.

    Args:
        views: what each camera shows.
        cells: how many cells there are.
    """

    def __init__(self, views: Mapping[str, CameraView], cells: int) -> None:
        within = {camera: view.well_within for camera, view in sorted(views.items())}
        cell = np.concatenate(
            [np.zeros(0, np.int32), *(views[one].cells[rows] for one, rows in within.items())]
        )
        expected = np.concatenate(
            [np.zeros(0, np.float32), *(views[one].expected[rows] for one, rows in within.items())]
        )
        order = np.argsort(cell, kind="stable")
        camera = np.repeat(np.arange(len(within)), [rows.sum() for rows in within.values()])
        self._cameras = list(within)
        self._first = np.searchsorted(cell[order], np.arange(cells + 1)).tolist()
        self._camera: list[int] = camera[order].tolist()
        self._expected: list[float] = expected[order].tolist()

    def of(self, cell: int) -> Iterator[tuple[str, float]]:
        """The cameras that show a cell, and how likely a look of each finds a body there."""
        if cell >= 0:
            for k in range(self._first[cell], self._first[cell + 1]):
                yield self._cameras[self._camera[k]], self._expected[k]


class Looks:
    """Which cameras looked in which tick."""

    def __init__(self) -> None:
        self._taken: dict[int, set[str]] = {}
        self._late: set[str] = set()

    def note(self, camera: str, at_s: float, done_tick: float) -> None:
        """Take in a frame.

        Args:
            camera: the camera that delivered it.
            at_s: its capture time, Unix seconds.
            done_tick: the last tick for which the looks have been used.
        """
        tick = math.ceil(at_s / TICK_S)
        self._taken.setdefault(tick, set()).add(camera)
        if done_tick - LATE_TICKS < tick <= done_tick:
            self._late.add(camera)

    def during(self, tick: int) -> frozenset[str]:
        """The cameras that looked in the half second up to a tick."""
        return frozenset(self._taken.get(tick, ()))

    def take_late(self) -> frozenset[str]:
        """The cameras whose looks came after their tick; each is told once."""
        late, self._late = frozenset(self._late), set()
        return late

    def forget_before(self, tick: int) -> None:
        """Drop what is older than `REMEMBERED_TICKS` at a tick."""
        for old in [known for known in self._taken if known < tick - REMEMBERED_TICKS]:
            del self._taken[old]


def missed(
    views: Mapping[str, CameraView], cameras: Iterable[str], rates: DetectionRates, cells: int
) -> NDArray[np.float32] | None:
    """`(cells,)` float32, probability that all the looks miss a body that can be seen, by cell.

    None where no look shows any floor. At the border of what a camera shows, a door's frame, the
    picture's edge or a hand's breadth of calibration decides whether a body is seen: looks say
    nothing there.

    Args:
        views: what each camera shows.
        cameras: the cameras that looked; each once.
        rates: how well they find people.
        cells: how many there are, outside the building included.
    """
    known = [views[camera] for camera in sorted(cameras) if camera in views]
    if not any(len(view.cells) for view in known):
        return None
    probability = np.ones(cells, dtype=np.float32)
    for view in known:
        sure = view.sure
        probability[view.cells[sure]] *= 1 - rates.corrected(view.camera, view.expected[sure])
    return probability


def spare(
    mass: NDArray[np.float32],
    missed_by_cell: NDArray[np.float32],
    cells: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> None:
    """Undo what the looks of a tick took from some cells of some subjects.

    Args:
        mass: `(MODES, C + 1, S)` float32, changed in place.
        missed_by_cell: `(C + 1,)` float32, by which it was multiplied.
        cells: `(N,)` cells.
        columns: `(N,)` column of the subject to which each of them is given back.
    """
    # Two bodies side by side spare the same cell once.
    cells, columns = np.unique(np.stack([cells, columns]), axis=1)
    mass[STILL, cells, columns] /= missed_by_cell[cells]
    mass[MOVING, cells, columns] /= missed_by_cell[cells]


def learn_from(
    states: Iterable[SubjectState],
    shown: WellWithin,
    cameras: Collection[str],
    rates: DetectionRates,
    grid: WalkGrid,
) -> None:
    """Take in whether cameras see the subjects that other cameras place in their view.

    Args:
        states: subjects that are seen in the tick.
        shown: which cameras show each cell of the grid.
        cameras: the cameras that looked in the tick.
        rates: receives the trials.
        grid: the grid.
    """
    seen = list(states)
    if not seen or not cameras:
        return
    widest_m2 = np.linalg.eigvalsh(np.stack([state.cov_m2 for state in seen]))[:, -1]
    exact = [state for state, m2 in zip(seen, widest_m2, strict=True) if m2 <= TRIAL_SIGMA_M**2]
    for state, cell in zip(exact, _cells_of(exact, grid), strict=True):
        for camera, expected in shown.of(cell):
            if camera in cameras and set(state.cameras) - {camera}:
                hit = camera in state.cameras
                rates.learn(camera, expected, hit=hit, weight=TRIAL_WEIGHT)


def _cells_of(states: list[SubjectState], grid: WalkGrid) -> list[int]:
    """The cell of each subject; all of a level are asked for at once, which takes a fraction."""
    cells = np.full(len(states), NO_CELL)
    for level in {state.level for state in states}:
        rows = [row for row, state in enumerate(states) if state.level == level]
        cells[rows] = grid.cells_at(level, np.stack([states[row].seen_xy_m for row in rows]))
    return cells.tolist()
