"""People who walk about in the synthetic school, and the floor positions that its cameras report.

What a camera reports is what the worker would send: one frame five times a second, with jitter that
grows with range, missed people, false boxes, tracks that break. It is drawn once and fed to the
locator as often as a benchmark needs.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from calibration.answer import StageTimes
from calibration.positions import FloorPositions

from .school import goals, way

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .school import School

FPS = 5.0
START_S = 1_788_000_000.0  # August 2026
MISS_RATE = 0.08
FALSE_A_FRAME = 0.01
"""Expected false boxes a frame; each lasts two frames."""

BREAK_RATE = 0.01
"""Probability that a track gets a new number with the next frame."""

STAYS_S = (5.0, 60.0)
"""How long people stay in a room before they walk on."""

_ACROSS_M = (0.08, 0.008)
_ALONG_M = (0.18, 0.02)
"""Jitter in metres: at the camera, and what each metre of range adds."""

_LOOK_GAIN, _LOOK_LOSS, _STRONGEST_LLR, _WEAKEST_LLR = 0.6, -0.05, 7.0, -3.0
_LOOK_RATE = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Walks:
    """Where everybody is at each tick of the cameras.

    Attributes:
        level: `(T, N)` int64, index of the level.
        xy_m: `(T, N, 2)` float64, site metres.
    """

    level: NDArray[np.int64]
    xy_m: NDArray[np.float64]


def walk_about(school: School, people: int, duration_s: float, seed: int = 0) -> Walks:
    """People who walk from room to room, stay a while, and walk on."""
    rng = np.random.default_rng([seed, people])
    ticks_s = np.arange(round(duration_s * FPS)) / FPS
    level = np.zeros((len(ticks_s), people), np.int64)
    xy_m = np.zeros((len(ticks_s), people, 2))
    rooms = goals(school)
    for person in range(people):
        pace_mps = rng.uniform(1.1, 1.6)
        here = int(rng.choice(rooms))
        times_s, nodes = [-rng.uniform(*STAYS_S)], [here]
        while times_s[-1] < duration_s:
            times_s.append(times_s[-1] + rng.uniform(*STAYS_S))
            nodes.append(here)
            there = int(rng.choice(rooms))
            for a, b in itertools.pairwise(way(school, here, there) if there != here else [here]):
                times_s.append(times_s[-1] + float(school.seconds[a, b]) / pace_mps)
                nodes.append(b)
            here = there
        points = np.array([(school.nodes[n].x_m, school.nodes[n].y_m) for n in nodes])
        floors = np.array([float(school.nodes[n].level) for n in nodes])
        xy_m[:, person, 0] = np.interp(ticks_s, times_s, points[:, 0])
        xy_m[:, person, 1] = np.interp(ticks_s, times_s, points[:, 1])
        xy_m[:, person] += rng.uniform(-0.8, 0.8, 2)  # nobody walks on the middle line
        level[:, person] = np.round(np.interp(ticks_s, times_s, floors)).astype(np.int64)
    return Walks(level, xy_m)


def observed(
    school: School, walks: Walks, seed: int = 0
) -> list[list[tuple[FloorPositions, StageTimes]]]:
    """The frames of all cameras, tick by tick, in the order of their capture times.

    Person 0 carries a weapon that some of the looks show.
    """
    cameras = [_Eye(school, camera, index, seed) for index, camera in enumerate(school.seen)]
    by_level = [[eye for eye in cameras if eye.level == level_id] for level_id in school.levels]
    trees = [shapely.STRtree([eye.floor for eye in eyes]) for eyes in by_level]
    ticks = []
    for tick in range(len(walks.xy_m)):
        shown: dict[str, list[int]] = {eye.id: [] for eye in cameras}
        for level, (eyes, tree) in enumerate(zip(by_level, trees, strict=True)):
            people = np.flatnonzero(walks.level[tick] == level)
            points = shapely.points(walks.xy_m[tick, people])
            for person, eye in tree.query(points, predicate="intersects").T.tolist():
                shown[eyes[eye].id].append(int(people[person]))
        frames = [
            eye.frame(tick, np.array(sorted(shown[eye.id]), np.int64), walks.xy_m[tick])
            for eye in cameras
        ]
        ticks.append(frames)
    return ticks


def jittered(
    true_m: NDArray[np.float64], camera_m: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places `(N, 2)` as seen and `(N, 2, 2)` their covariances: less sure along the sight.

    Args:
        true_m: `(N, 2)` where people are, site metres.
        camera_m: `(2,)` where the camera hangs.
        rng: draws the errors.
    """
    away_m = true_m - camera_m
    range_m = np.maximum(np.linalg.norm(away_m, axis=1), 0.5)
    along = away_m / range_m[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    along_m = _ALONG_M[0] + _ALONG_M[1] * range_m
    across_m = _ACROSS_M[0] + _ACROSS_M[1] * range_m
    draws = rng.normal(size=(2, len(true_m)))
    seen_m = true_m + along * (draws[0] * along_m)[:, None]
    seen_m = seen_m + across * (draws[1] * across_m)[:, None]
    cov_m2 = (along_m**2)[:, None, None] * along[:, :, None] * along[:, None, :]
    cov_m2 = cov_m2 + (across_m**2)[:, None, None] * across[:, :, None] * across[:, None, :]
    return seen_m, cov_m2


class _Eye:
    """One camera and the tracks that it has."""

    def __init__(self, school: School, camera: str, index: int, seed: int) -> None:
        self.id = camera
        self.level = school.site.cameras[camera].level
        self.floor = school.seen[camera]
        centre_m = school.site.cameras[camera].model.centre_m
        if centre_m is None:
            raise ValueError(f"{camera}: a camera of the synthetic school has a pose")
        self._centre_m = centre_m[:2]
        self._share = index / len(school.seen)
        self._rng = np.random.default_rng([seed, index, 7])
        self._tracks: dict[int, tuple[int, float]] = {}
        self._numbers = itertools.count(1)
        self._false: list[tuple[int, int, NDArray[np.float64]]] = []

    def frame(
        self, tick: int, people: NDArray[np.int64], xy_m: NDArray[np.float64]
    ) -> tuple[FloorPositions, StageTimes]:
        """What the camera reports of the people that it shows."""
        rng = self._rng
        at_s = START_S + (tick + self._share) / FPS
        places, ids, llrs = [], [], []
        for person in people[rng.random(len(people)) >= MISS_RATE].tolist():
            number, llr = self._tracks.get(person, (0, 0.0))
            if number == 0 or rng.random() < BREAK_RATE:
                number, llr = next(self._numbers), 0.0
            looks = person == 0 and rng.random() < _LOOK_RATE
            llr += _LOOK_GAIN if looks else _LOOK_LOSS
            self._tracks[person] = (
                number,
                llr := float(np.clip(llr, _WEAKEST_LLR, _STRONGEST_LLR)),
            )
            places.append(xy_m[person])
            ids.append(number)
            llrs.append(llr)
        self._tracks = {p: t for p, t in self._tracks.items() if p in set(people.tolist())}
        for number, place_m in self._false_boxes(tick):
            places.append(place_m)
            ids.append(number)
            llrs.append(0.0)
        true_m = np.array(places, np.float64).reshape(-1, 2)
        seen_m, cov_m2 = jittered(true_m, self._centre_m, self._rng)
        n = len(ids)
        positions = FloorPositions(
            camera=self.id,
            level=self.level,
            frame_index=tick,
            captured_at_s=at_s,
            xy_m=seen_m,
            cov_m2=cov_m2,
            from_head=np.zeros(n, np.bool_),
            confidence=np.full(n, 0.8, np.float32),
            track_id=np.array(ids, np.int64),
            armed_llr=np.array(llrs, np.float64),
        )
        return positions, StageTimes(at_s, at_s + 0.02, at_s + 0.09, at_s + 0.1)

    def _false_boxes(self, tick: int) -> list[tuple[int, NDArray[np.float64]]]:
        if self._rng.random() < FALSE_A_FRAME and not self.floor.is_empty:
            west, south, east, north = self.floor.bounds
            place_m = self._rng.uniform((west, south), (east, north))
            self._false.append((next(self._numbers), tick + 2, place_m))
        self._false = [false for false in self._false if false[1] > tick]
        return [(number, place_m) for number, _, place_m in self._false]
