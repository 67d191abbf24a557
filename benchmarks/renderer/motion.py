"""Where a person is, which way the body faces and how fast it walks, at any time.

A person is written as a list of acts: walk along points, or stand. `plan_motion` turns them into
columns at a fixed rate, with limited acceleration, rounded corners and limited turning.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

RATE_HZ = 50.0
WALK_ACCELERATION_MPS2 = 1.6
RUN_ACCELERATION_MPS2 = 3.0
RUN_FROM_MPS = 2.2
TURN_RADPS = 3.6
LOOK_AHEAD_M = 0.3


@dataclass(frozen=True, slots=True)
class Walk:
    """Walk (or, above 2.2 m/s, run) through points in site metres."""

    points: tuple[tuple[float, float], ...]
    speed_mps: float = 1.3


@dataclass(frozen=True, slots=True)
class Stand:
    """Stand for a while, facing a point in site metres (or as before)."""

    seconds: float
    facing: tuple[float, float] | None = None


Act = Walk | Stand


@dataclass(frozen=True, slots=True)
class Motion:
    """Columns at `RATE_HZ` from `start_s`: `xy_m` (N, 2), `heading_rad` (N,), `speed_mps` (N,).

    `heading_rad` is the direction of the chest, counter-clockwise from +x, unwrapped. `walked_m`
    (N,) is the way walked so far; the gait's phase hangs on it, so feet do not slide.
    """

    start_s: float
    xy_m: Array
    heading_rad: Array
    speed_mps: Array
    walked_m: Array

    @property
    def end_s(self) -> float:
        """Seconds at which the last act is over."""
        return self.start_s + (len(self.xy_m) - 1) / RATE_HZ

    def _column(self, column: Array, t_s: float) -> float:
        position = (t_s - self.start_s) * RATE_HZ
        return float(np.interp(position, np.arange(len(column)), column))

    def at(self, t_s: float) -> tuple[Array, float, float, float]:
        """(xy_m (2,), heading_rad, speed_mps, walked_m) at a time, held at both ends."""
        xy = np.array([self._column(self.xy_m[:, 0], t_s), self._column(self.xy_m[:, 1], t_s)])
        return (
            xy,
            self._column(self.heading_rad, t_s),
            self._column(self.speed_mps, t_s),
            self._column(self.walked_m, t_s),
        )


def _rounded(points: Array) -> Array:
    """The polyline with corners cut by at most 0.5 m (Chaikin's scheme, bounded)."""
    for _ in range(3):
        out = [points[0]]
        for a, b in pairwise(points):
            length = float(np.linalg.norm(b - a))
            if length == 0.0:
                continue
            cut = min(0.25, 0.35 / length)
            out += [a + (b - a) * cut, b - (b - a) * cut]
        out.append(points[-1])
        points = np.array(out)
    return points


@dataclass(slots=True)
class _Body:
    """The state that acts hand on from one to the next while a motion is planned."""

    xy: Array
    heading: float
    speed: float = 0.0
    walked: float = 0.0

    def turn_to(self, angle: float, dt: float) -> None:
        difference = (angle - self.heading + math.pi) % (2 * math.pi) - math.pi
        self.heading += min(max(difference, -TURN_RADPS * dt), TURN_RADPS * dt)

    def row(self) -> tuple[float, ...]:
        return (*self.xy, self.heading, self.speed, self.walked)


def _walk(body: _Body, act: Walk, *, stop_after: bool) -> list[tuple[float, ...]]:
    dt = 1 / RATE_HZ
    path = _rounded(np.array([body.xy, *act.points], dtype=np.float64))
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    total = float(along[-1])
    acceleration = RUN_ACCELERATION_MPS2 if act.speed_mps > RUN_FROM_MPS else WALK_ACCELERATION_MPS2
    speeds: list[float] = []
    ways: list[float] = []
    done, speed = 0.0, body.speed
    while done < total - 1e-3:
        limit = act.speed_mps
        if stop_after:
            limit = min(limit, math.sqrt(2 * acceleration * (total - done)) + 0.05)
        change = min(max(limit - speed, -1.5 * acceleration * dt), acceleration * dt)
        speed = max(speed + change, 0.05)
        done += min(speed * dt, total - done)
        speeds.append(speed)
        ways.append(done)
    now = np.stack([np.interp(ways, along, path[:, k]) for k in (0, 1)], axis=1)
    ahead_m = np.minimum(np.array(ways) + LOOK_AHEAD_M, total)
    towards = np.stack([np.interp(ahead_m, along, path[:, k]) for k in (0, 1)], axis=1) - now
    angles = np.arctan2(towards[:, 1], towards[:, 0])
    near_end = np.hypot(towards[:, 0], towards[:, 1]) < LOOK_AHEAD_M / 10
    rows: list[tuple[float, ...]] = []
    start = body.walked
    for index, way in enumerate(ways):
        if not near_end[index]:
            body.turn_to(float(angles[index]), dt)
        body.xy, body.speed, body.walked = now[index], speeds[index], start + way
        rows.append(body.row())
    if stop_after:
        body.speed = 0.0
    return rows


def _stand(body: _Body, act: Stand) -> list[tuple[float, ...]]:
    dt = 1 / RATE_HZ
    rows: list[tuple[float, ...]] = []
    body.speed = 0.0
    for _ in range(round(act.seconds * RATE_HZ)):
        if act.facing is not None:
            dx, dy = np.array(act.facing) - body.xy
            body.turn_to(float(np.arctan2(dy, dx)), dt)
        rows.append(body.row())
    return rows


def plan_motion(
    start_s: float, at_m: tuple[float, float], facing: tuple[float, float], acts: Sequence[Act]
) -> Motion:
    """The motion of somebody who stands at `at_m` facing a point and then does the acts in turn."""
    dx, dy = facing[0] - at_m[0], facing[1] - at_m[1]
    body = _Body(np.array(at_m, dtype=np.float64), float(np.arctan2(dy, dx)))
    rows = [body.row()]
    for index, act in enumerate(acts):
        if isinstance(act, Stand):
            rows += _stand(body, act)
        else:
            following = acts[index + 1] if index + 1 < len(acts) else None
            rows += _walk(body, act, stop_after=not isinstance(following, Walk))
    table = np.array(rows)
    return Motion(start_s, table[:, :2], table[:, 2], table[:, 3], table[:, 4])
