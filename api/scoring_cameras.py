"""What each camera gave to a run: how much, how exactly, how soon, and when it gave nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from .scoring_figures import NOT_MEASURED, Percentiles, Spread
from .scoring_gaps import with_moves
from .scoring_latency import percentiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .input_log import Observation
    from .run_record import RunRecord
    from .truth import Truth

LEAST_OUTAGE_S: Final = 1.0
"""A camera of which no frame was used for so long was out: whoever walks by is not seen."""
USUAL_GAPS: Final = 5.0
"""A slow camera is out after this many of its usual intervals."""
SAME_BODY_M: Final = 2.0
"""A position farther than this from everybody is of nobody, and says nothing of exactness."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which a camera saw nothing that could be relied on.

    Attributes:
        from_t_s: begin, seconds from the start of the drill.
        until_t_s: end.
        why: what was wrong.
    """

    from_t_s: float
    until_t_s: float
    why: str


@dataclass(frozen=True, slots=True)
class CameraFigures:
    """One camera.

    Attributes:
        used_per_s: frames used a second, over the run.
        positions: how many floor positions it gave.
        unplaced: how many tracked persons had none.
        off_m: distance of its positions from the nearest person of the truth, where that is within
            `SAME_BODY_M`.
        latency_ms: from capture to the published answer; None at full speed.
        outages: by time.
    """

    used_per_s: float
    positions: int
    unplaced: int
    off_m: Spread
    latency_ms: Percentiles
    outages: tuple[Outage, ...]


def cameras_of(
    record: RunRecord, truth: Truth | None, ends_s: NDArray[np.float64]
) -> dict[str, CameraFigures]:
    """Return the figures of every camera that was to be watched.

    Args:
        record: the run.
        truth: all persons; None where it is not known.
        ends_s: `(F, 5)` what `scoring_latency.stage_ends_s` says of its frames.
    """
    observations = record.observations
    names = np.array([seen.positions.camera for seen in observations], dtype=object)
    made = {}
    outages = with_moves(
        {
            camera: outages_of(
                [seen for seen in observations if seen.positions.camera == camera],
                record.start_s,
                record.duration_s,
            )
            for camera in record.frames
        },
        record.moves,
        record.start_s,
    )
    for camera in record.frames:
        rows = np.flatnonzero(names == camera)
        own = [observations[row] for row in rows.tolist()]
        spans_ms = (ends_s[rows, -1] - ends_s[rows, 0]) * 1e3
        made[camera] = CameraFigures(
            used_per_s=len(own) / record.duration_s if record.duration_s > 0 else 0.0,
            positions=sum(len(seen.positions.xy_m) for seen in own),
            unplaced=sum(seen.positions.unplaced + seen.positions.withheld for seen in own),
            off_m=NOT_MEASURED if truth is None else _off_m(own, truth, record.start_s),
            latency_ms=percentiles(spans_ms[np.isfinite(spans_ms)]),
            outages=outages[camera],
        )
    return made


def outages_of(
    frames: Sequence[Observation], start_s: float, duration_s: float
) -> tuple[Outage, ...]:
    """Return when a camera gave no frames, or none that could be relied on.

    Args:
        frames: its used frames.
        start_s: Unix seconds of t = 0 of the drill.
        duration_s: how long was played, seconds.
    """
    ordered = sorted(frames, key=lambda seen: seen.positions.captured_at_s)
    t_s = np.array([seen.positions.captured_at_s - start_s for seen in ordered], np.float64)
    usual_s = float(np.median(np.diff(t_s))) if len(t_s) > 1 else 0.0
    longest_s = max(LEAST_OUTAGE_S, USUAL_GAPS * usual_s)
    edges_s = np.concatenate([[0.0], t_s, [duration_s]])
    gaps = np.flatnonzero(np.diff(edges_s) > longest_s)
    found = [
        Outage(float(edges_s[gap]), float(edges_s[gap + 1]), "no frames were used")
        for gap in gaps.tolist()
    ]
    blind = np.array([not seen.positions.tells_absence for seen in ordered], np.bool_)
    changes = np.flatnonzero(np.diff(blind.astype(np.int8), prepend=0, append=0))
    for begin, end in zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True):
        until_s = float(t_s[end]) if end < len(t_s) else duration_s
        found.append(Outage(float(t_s[begin]), until_s, "moved, covered or out of focus"))
    return tuple(sorted(found, key=lambda outage: outage.from_t_s))


def _off_m(frames: Sequence[Observation], truth: Truth, start_s: float) -> Spread:
    """Distance of all positions from the nearest person on their level."""
    counts = [len(seen.positions.xy_m) for seen in frames]
    if not sum(counts):
        return NOT_MEASURED
    t_s = np.repeat([seen.positions.captured_at_s - start_s for seen in frames], counts)
    level = np.repeat(np.array([seen.positions.level for seen in frames], dtype=object), counts)
    xy_m = np.concatenate([seen.positions.xy_m for seen in frames])
    nearest_m = np.full(len(xy_m), np.inf)
    for path in truth.people:
        there = path.at(t_s)
        away_m = np.linalg.norm(there.xy_m - xy_m, axis=1)
        here = there.present & (there.level == level)
        nearest_m = np.minimum(nearest_m, np.where(here, away_m, np.inf))
    near_m = nearest_m[nearest_m <= SAME_BODY_M]
    if not len(near_m):
        return NOT_MEASURED
    median_m, p95_m = np.percentile(near_m, [50, 95]).tolist()
    return Spread(median_m, p95_m)
