"""A school day with a gunman in it, as its cameras could see it, frame by frame, for a simulation.

Everything that does not depend on which frames are looked at is drawn ahead, so that all ways to
choose them are compared on the same frames: who is where, which camera shows whom and how well, and
what the cue that something moves says of each frame.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calibration.prepared import PreparedSite
from vision.stir import QUIET_S

from .crowd import FPS as WALK_FPS
from .crowd import START_S, Walks, walk_about
from .school import goals, make_school, way

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calibration.search import SearchMaps

    from .school import School

FPS = 10.0
"""Frames a second that every camera sends."""

WALKS_MPS = 0.3
"""Who is slower stands, as far as the cue is concerned."""

STANDING_SPELL_S = 2.0
_GUNMAN_MPS = (1.2, 2.2)
_GUNMAN_STAYS_S = (1.0, 6.0)


@dataclass(frozen=True, slots=True)
class CueRates:
    """How the cue errs; measured by `benchmarks.stir_rates`.

    Attributes:
        noticed: share of those who come into a picture that are noticed within half a second.
        onsets_an_hour: false onsets an hour and camera where nobody is.
        standing_moves: share of the time in which people who stand about count as motion.
    """

    noticed: float
    onsets_an_hour: float
    standing_moves: float


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """T frames of each of K cameras, and N people, of whom number 0 is the gunman.

    Attributes:
        school: the school.
        at_s: `(T,)` seconds since the grant at which frame t of the first camera is taken.
        phase_s: `(K,)` by how much later each camera takes it.
        level: `(T, N)` index of the level.
        xy_m: `(T, N, 2)` site metres.
        finds: `(T, N, K)` float16, probability that a look at the frame finds the person; 0 where
            the camera does not show them.
        cue: `(T, K)` uint8, what the cue says: 0 still, 1 moves, 2 stirs.
        enters_s: when the gunman is in the building first, seconds since the grant; at most 0 if
            at the grant.
    """

    school: School
    at_s: NDArray[np.float64]
    phase_s: NDArray[np.float64]
    level: NDArray[np.int64]
    xy_m: NDArray[np.float64]
    finds: NDArray[np.float16]
    cue: NDArray[np.uint8]
    enters_s: float


def make_world(
    school: School,
    search: SearchMaps,
    cue: CueRates,
    *,
    people: int,
    duration_s: float,
    enters_s: float,
    seed: int,
) -> World:
    """Draw a world.

    Args:
        school: the school.
        search: search maps of the school: their cells, and how well each camera finds who is there.
        cue: how the cue errs.
        people: how many walk about besides the gunman.
        duration_s: how long.
        enters_s: when the gunman comes through a door, seconds since the grant; below 0: so long
            before it.
        seed: of everything.
    """
    rng = np.random.default_rng([seed, people, 11])
    others = walk_about(school, people, duration_s + 1.0, seed)
    at_s = np.arange(round(duration_s * FPS)) / FPS
    mine = _gunman(school, at_s, enters_s, rng)
    level = np.empty((len(at_s), people + 1), np.int64)
    xy_m = np.empty((len(at_s), people + 1, 2))
    level[:, 0], xy_m[:, 0] = mine.level, mine.xy_m
    level[:, 1:], xy_m[:, 1:] = _between(others, at_s)
    finds = _finds(school, search, level, xy_m)
    finds[at_s < enters_s, 0] = 0.0
    speed_mps = np.linalg.norm(np.gradient(xy_m, axis=0), axis=2) * FPS
    phase_s = rng.permutation(len(school.seen)) / len(school.seen) / FPS
    return World(
        school, at_s, phase_s, level, xy_m, finds, _cue(finds, speed_mps, cue, rng), enters_s
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    level: NDArray[np.int64]
    xy_m: NDArray[np.float64]


def _gunman(
    school: School, at_s: NDArray[np.float64], enters_s: float, rng: np.random.Generator
) -> _Way:
    """Through an entrance, then from room to room, staying some seconds in each."""
    doors = school.site.plan.entrances
    door = doors[int(rng.integers(len(doors)))].line.interpolate(0.5, normalized=True)
    ground_floor = [i for i, node in enumerate(school.nodes) if node.level == 0 and not node.goal]
    here = min(
        ground_floor,
        key=lambda i: np.hypot(school.nodes[i].x_m - door.x, school.nodes[i].y_m - door.y),
    )
    first = school.nodes[here]
    pace_mps = rng.uniform(*_GUNMAN_MPS)
    times_s = [enters_s]
    points = [(door.x, door.y, 0.0)]
    times_s.append(enters_s + float(np.hypot(first.x_m - door.x, first.y_m - door.y)) / pace_mps)
    points.append((first.x_m, first.y_m, 0.0))
    rooms = goals(school)
    while times_s[-1] < at_s[-1]:
        there = int(rng.choice(rooms))
        steps = way(school, here, there) if there != here else [here]
        for a, b in itertools.pairwise(steps):
            times_s.append(times_s[-1] + float(school.seconds[a, b]) / pace_mps)
            points.append((school.nodes[b].x_m, school.nodes[b].y_m, float(school.nodes[b].level)))
        times_s.append(times_s[-1] + rng.uniform(*_GUNMAN_STAYS_S))
        points.append(points[-1])
        here = there
    columns = np.array(points)
    x_m, y_m, level = (np.interp(at_s, times_s, column) for column in columns.T)
    return _Way(np.round(level).astype(np.int64), np.column_stack([x_m, y_m]))


def _between(
    walks: Walks, at_s: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Levels and places of everybody at other moments than those they were drawn for."""
    exact = at_s * WALK_FPS
    before = np.minimum(exact.astype(np.int64), len(walks.xy_m) - 2)
    share = (exact - before)[:, None, None]
    same = walks.level[before] == walks.level[before + 1]
    xy_m = walks.xy_m[before] * (1 - share) + walks.xy_m[before + 1] * share
    return walks.level[before], np.where(same[:, :, None], xy_m, walks.xy_m[before])


def _finds(
    school: School,
    search: SearchMaps,
    level: NDArray[np.int64],
    xy_m: NDArray[np.float64],
) -> NDArray[np.float16]:
    """`(T, N, K)` how likely each frame finds each person, by what its camera shows."""
    grid, cameras = search.grid, sorted(school.seen)
    by_cell = np.zeros((len(grid) + 1, len(cameras)), np.float16)
    for k, camera in enumerate(cameras):
        view = search.views[camera]
        by_cell[view.cells, k] = view.expected
    cells = np.full(level.shape, len(grid), np.int64)
    for index, name in enumerate(school.levels):
        here = level == index
        tree, numbers = grid.trees[grid.level_index(name)], grid.numbers[grid.level_index(name)]
        if tree is not None and here.any():
            away_m, rows = tree.query(xy_m[here])
            cells[here] = np.where(away_m < 1.0, numbers[rows], len(grid))
    return np.asarray(by_cell[cells], np.float16)


def _cue(
    finds: NDArray[np.float16],
    speed_mps: NDArray[np.float64],
    rates: CueRates,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """`(T, K)` what the cue says of each frame: its misses last as long as a person stays."""
    shown = finds > 0
    moving = np.zeros((shown.shape[0], shown.shape[2]), np.bool_)
    spell = max(round(STANDING_SPELL_S * FPS), 1)
    for person in range(shown.shape[1]):
        here = shown[:, person]
        cameras = np.flatnonzero(here.any(axis=0))
        if not len(cameras):
            continue
        here = here[:, cameras]
        # Each stay in a picture is noticed as a whole or not; two pictures are needed.
        begins = here & ~np.vstack([np.zeros((1, len(cameras)), np.bool_), here[:-1]])
        visit = np.cumsum(begins, axis=0)
        noticed = rng.random((int(visit.max()) + 1, len(cameras))) < rates.noticed
        here = here & noticed[visit, np.arange(len(cameras))]
        here[1:] &= here[:-1].copy()
        walks = speed_mps[:, person] > WALKS_MPS
        fidgets = rng.random(len(walks) // spell + 1) < rates.standing_moves
        stirs = walks | np.repeat(fidgets, spell)[: len(walks)]
        moving[:, cameras] |= here & stirs[:, None]
    false = rng.random(moving.shape) < rates.onsets_an_hour / 3600.0 / FPS
    for later in range(round(FPS / 2)):  # half a second each
        moving[later:] |= false[: len(false) - later]
    return onsets(moving)


def onsets(moving: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """`(T, K)` 1 where something moves, 2 where that is the first after `QUIET_S` of quiet."""
    frames = np.arange(len(moving))[:, None]
    last = np.maximum.accumulate(np.where(moving, frames, -(10**6)), axis=0)
    before = np.vstack([np.full((1, moving.shape[1]), -(10**6)), last[:-1]])
    first = moving & (frames - before > QUIET_S * FPS)
    return np.asarray(moving.astype(np.uint8) + first, np.uint8)


def prepared_school(cameras: int, levels: int = 3) -> tuple[School, PreparedSite]:
    """A school, with everything made that its locators and their searches need."""
    school = make_school(levels, cameras)
    prepared = PreparedSite(school.site)
    prepared.prepare()
    return school, prepared


__all__ = ["FPS", "START_S", "CueRates", "World", "make_world", "onsets", "prepared_school"]
