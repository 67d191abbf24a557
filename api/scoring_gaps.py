"""When a run stood still: a camera without frames, no answer, or answers about nothing new."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from calibration.answer import Answer

from .input_log import Observation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .input_log import Logged
    from .run_news import CamerasMoved
    from .scoring_cameras import CameraFigures, Outage

LEAST_GAP_S: Final = 1.5
"""A worker may pause for a second, and a report that lists each pause hides the one that counts."""

_MOVE_SLACK_S: Final = 1.0
"""Frames are asked for when a camera is moved, and the first comes a moment later."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which something of a run stood still.

    Attributes:
        camera: id of the camera of which no frames were used; None where it is the answers.
        from_t_s: begin, seconds from the start of the drill.
        until_t_s: end.
        why: what was the matter.
    """

    camera: str | None
    from_t_s: float
    until_t_s: float
    why: str


def with_moves(
    outages: Mapping[str, Sequence[Outage]], moves: Iterable[CamerasMoved], start_s: float
) -> dict[str, tuple[Outage, ...]]:
    """Return outages by camera, those in which its worker was lost saying so.

    Args:
        outages: by camera.
        moves: which cameras got another worker.
        start_s: Unix seconds of t = 0 of the drill.
    """
    troubled = [move for move in moves if move.why]
    found = {}
    for camera, listed in outages.items():
        own = [(move.at_s - start_s, move.text) for move in troubled if camera in move.cameras]
        found[camera] = tuple(_explained(outage, own) for outage in listed)
    return found


def _explained(outage: Outage, moves: Sequence[tuple[float, str]]) -> Outage:
    for t_s, text in moves:
        if outage.from_t_s <= t_s <= outage.until_t_s + _MOVE_SLACK_S:
            return replace(outage, why=f"{outage.why}: {text}")
    return outage


def gaps_of(
    log: Sequence[Logged],
    cameras: Mapping[str, CameraFigures],
    start_s: float,
    duration_s: float,
) -> tuple[Gap, ...]:
    """Return all times in which something stood still for longer than `LEAST_GAP_S`, by time.

    Args:
        log: observations and answers in their order.
        cameras: figures of each camera; its outages are taken over.
        start_s: Unix seconds of t = 0 of the drill.
        duration_s: how long was played, seconds.
    """
    found = [
        Gap(camera, outage.from_t_s, outage.until_t_s, outage.why)
        for camera, about in cameras.items()
        for outage in about.outages
    ]
    found += _of_answers(log, start_s, duration_s)
    long = [gap for gap in found if gap.until_t_s - gap.from_t_s > LEAST_GAP_S]
    return tuple(sorted(long, key=lambda gap: (gap.from_t_s, gap.camera or "")))


def _of_answers(log: Sequence[Logged], start_s: float, duration_s: float) -> list[Gap]:
    """Times without an answer, and times whose answers had no frame to rest on but old ones."""
    answered: list[float] = []
    rested: list[float] = []
    newest_s = -np.inf
    for entry in log:
        if isinstance(entry, Observation):
            newest_s = max(newest_s, entry.positions.captured_at_s)
        elif isinstance(entry, Answer):
            times = entry.times
            told_s = None if times is None else times.published_s
            answered.append((entry.at_s if told_s is None else told_s) - start_s)
            rested.append(newest_s - start_s)
    edges_s = np.concatenate([[0.0], np.clip(answered, 0.0, duration_s), [duration_s]])
    found = [
        Gap(None, float(edges_s[at]), float(edges_s[at + 1]), "no answer was published")
        for at in np.flatnonzero(np.diff(edges_s) > LEAST_GAP_S).tolist()
    ]
    begun_s: float | None = None
    for at_s, newest in zip([*answered, duration_s], [*rested, np.inf], strict=True):
        old = at_s - newest > LEAST_GAP_S
        if old and begun_s is None:
            begun_s = max(newest, 0.0)
        elif not old and begun_s is not None:
            found.append(Gap(None, begun_s, min(at_s, duration_s), "no camera gave anything new"))
            begun_s = None
    return found
