"""Exercises as data: who walks where with what in hand, filmed by which cameras.

`perform` turns the written parts into motions that touch no wall, no fixture and no other body. It
tries each part as written first and then with small random changes (later start, shifted points),
from the exercise's seed, until nothing is closer than the limits below.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from .motion import RATE_HZ, Act, Motion, Stand, Walk, plan_motion

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from .building import Building
    from .lens import Camera

    Array = NDArray[np.float64]

BODY_GAP_M = 0.55
WALL_GAP_M = 0.24
TRIES = 600
CHECK_HZ = 10.0


@dataclass(frozen=True, slots=True)
class Part:
    """One person's part. `look` names a character of `cast`, `carries` a prop of `props`.

    With `leaves` the person is gone once the last act is over, otherwise stands on.
    """

    person: int
    role: str
    look: str
    start_s: float
    at_m: tuple[float, float]
    facing_m: tuple[float, float]
    acts: tuple[Act, ...]
    carries: str | None = None
    hold: str = "swing"
    leaves: bool = False

    @property
    def armed(self) -> bool:
        """Whether the person carries a firearm."""
        return self.carries in {"rifle", "handgun"}


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the script that consoles may show."""

    t_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Exercise:
    """A written exercise on a building; `crf` is the videos' x264 quality (lower is better)."""

    name: str
    title: str
    description: str
    start: datetime
    duration_s: float
    fps: int
    crf: int
    seed: int
    building: Building
    cameras: tuple[Camera, ...]
    parts: tuple[Part, ...]
    events: tuple[Event, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Performance:
    """A part and the motion that was found for it."""

    part: Part
    motion: Motion

    def present(self, t_s: float) -> bool:
        """Whether the person exists at a time."""
        return self.motion.start_s <= t_s and not (self.part.leaves and t_s > self.motion.end_s)

    def track_m(self, times_s: Array) -> Array:
        """Positions (N, 2) at times (N,); NaN while the person does not exist."""
        position = (times_s - self.motion.start_s) * RATE_HZ
        index = np.arange(len(self.motion.xy_m))
        xy = np.stack([np.interp(position, index, self.motion.xy_m[:, k]) for k in (0, 1)], axis=1)
        xy[[not self.present(float(t)) for t in times_s]] = np.nan
        return xy


def _varied(part: Part, amount: float, rng: np.random.Generator) -> Part:
    """The part with its start delayed and the inner points of its walks moved a little."""
    if amount == 0.0:
        return part
    acts: list[Act] = [Stand(float(rng.uniform(0.0, 4.0 * amount)))]
    for act in part.acts:
        if isinstance(act, Walk):
            moved = tuple(
                (x + float(dx), y + float(dy))
                for (x, y), (dx, dy) in zip(
                    act.points, rng.uniform(-amount, amount, (len(act.points), 2)), strict=True
                )
            )
            speed = act.speed_mps * float(rng.uniform(1 - 0.25 * amount, 1 + 0.25 * amount))
            acts.append(Walk(moved, speed))
        else:
            acts.append(Stand(act.seconds * float(rng.uniform(1.0, 1.0 + amount)), act.facing))
    return replace(part, acts=tuple(acts))


def closest_bodies_m(track: Array, others: list[Array]) -> float:
    """The smallest distance in metres between one track (N, 2) and all others at the same times."""
    gaps = [np.linalg.norm(track - other, axis=1) for other in others]
    finite = [gap[np.isfinite(gap)] for gap in gaps]
    return min((float(gap.min()) for gap in finite if len(gap)), default=float("inf"))


def closest_barrier_m(track: Array, building: Building) -> float:
    """The smallest distance in metres between a track (N, 2) and any wall, shut door or fixture."""
    inside = track[np.isfinite(track).all(axis=1)]
    if not len(inside):
        return float("inf")
    barriers = building.barriers()
    shapely.prepare(barriers)
    steps = shapely.linestrings(np.stack([inside[:-1], inside[1:]], axis=1))
    if bool(np.any(shapely.intersects(barriers, steps))):
        return 0.0
    return float(np.min(shapely.distance(barriers, shapely.points(inside))))


def perform(exercise: Exercise) -> tuple[Performance, ...]:
    """A motion for every part, in the order of the parts.

    Raises:
        ValueError: no collision-free motion was found for a part; the message names the person.
    """
    rng = np.random.default_rng(exercise.seed)
    times = np.arange(-5.0, exercise.duration_s + 0.05, 1 / CHECK_HZ)
    found: list[Performance] = []
    tracks: list[Array] = []
    for part in exercise.parts:
        complaint = ""
        for attempt in range(TRIES):
            varied = _varied(part, min(0.6, 0.004 * attempt), rng)
            motion = plan_motion(varied.start_s, varied.at_m, varied.facing_m, varied.acts)
            candidate = Performance(part, motion)
            track = candidate.track_m(times)
            body = closest_bodies_m(track, tracks)
            wall = WALL_GAP_M
            if body >= BODY_GAP_M or attempt == 0:
                wall = closest_barrier_m(track, exercise.building)
            if wall >= WALL_GAP_M and body >= BODY_GAP_M:
                found.append(candidate)
                tracks.append(track)
                break
            if attempt == 0:
                gaps = [closest_bodies_m(track, [other]) for other in tracks]
                near = f" ({found[int(np.argmin(gaps))].part.person})" if gaps else ""
                complaint = (
                    f"as written {wall:.2f} m from a barrier, {body:.2f} m from a body{near}"
                )
        else:
            raise ValueError(
                f"{exercise.name}: no free way found for person {part.person} ({complaint})"
            )
    return tuple(found)
