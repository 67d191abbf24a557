"""How often each camera should be looked at now, from the answer and the walk into its view.

A pure function, so that whoever has the answer can say it again. A camera's weight is the chance
that it shows a suspect now or within `SOON_S`, summed over suspects by how much each stands out;
its rate grows with the root of that. (Looks spread by the root of the weight make the weighted sum
of ages least, where ages are the inverse of rates: minimise sum w / r under sum r = C. The same
root law holds for the age of information: Kadota et al., IEEE/ACM Trans. Networking 26(6), 2018.)

Rates are wishes: whether they fit is decided where the frames are (`vision.attention`). Those that
cannot soon come about are left out, so that what is wished is what a suspect needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from vision.columns import require_column

from .patch_shares import RUN_MPS, patch_shares
from .suspicion import ARMED_PRIOR
from .walk_grid import WALK_MPS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from .answer import XY, Answer, RankedSubject
    from .camera_reach import CameraReach

MOST_FPS: Final = 5.0
"""Looks a second at a camera that shows a suspect for certain: a track then holds a runner."""

SEEN_FPS: Final = 12.0
"""Looks a second for one place, shared by all cameras that show it: two of them, whose boxes a
moment apart say the same, need no more than one and a half."""

SOON_S: Final = 2.0
"""So far ahead a suspect is awaited: rates are said anew several times in it."""

BEHIND: Final = 0.4
"""A view that the suspect walks away from counts for so much. Judgement."""

ENTRANCE_FPS: Final = 1.0
"""Looks a second at the views of entrances while there is no suspect."""

HINT_FPS: Final = 3.0
"""The same at the place that somebody named."""

HINT_M: Final = 25.0
"""A view farther on foot than this from a named place is not near it."""

LEAST_WEIGHT: Final = 0.03
"""Weights below are left to the turns that every camera has."""

STANDS_OUT: Final = 1.5
"""Somebody so many times as likely as half of all others stands out, however unlikely."""

MOST_SUSPECTS: Final = 8

_AHEAD_M: Final = 2.0
_MOVED_M: Final = 0.8
_TRAIL_STEPS: Final = 5
_SURE_AWAY_M: Final = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class AttentionGround:
    """What rates are made from, measured ahead for K cameras, P patches and E entrances.

    Attributes:
        reach: walking distances into the views.
        shows: `(P, K)` float64, chance that a camera shows who is in a patch now or within
            `SOON_S` at a walk.
        entrance: `(K,)` float64, 1 where a camera shows a usable entrance, falling to 0 where its
            view is farther from all of them than is walked in `SOON_S`.
    """

    reach: CameraReach
    shows: NDArray[np.float64]
    entrance: NDArray[np.float64]

    def __post_init__(self) -> None:
        cameras = len(self.reach.cameras)
        patches = len(self.reach.patch_space)
        require_column("shows", self.shows, shape=(patches, cameras), dtype=np.float64)
        require_column("entrance", self.entrance, shape=(cameras,), dtype=np.float64)

    @classmethod
    def of(cls, reach: CameraReach) -> AttentionGround:
        """Make it: some milliseconds.

        Args:
            reach: walking distances of the site.
        """
        shows = np.maximum(_nears(reach.patch_away_m, WALK_MPS * SOON_S), reach.patch_in_view)
        entrance = np.zeros(len(reach.cameras))
        for door in reach.grid.plan.entrances:
            if door.usable:
                middle = door.line.interpolate(0.5, normalized=True)
                away_m = reach.from_place(door.level, (middle.x, middle.y))
                entrance = np.maximum(entrance, _nears(away_m - _SURE_AWAY_M, WALK_MPS * SOON_S))
        return cls(reach, shows, entrance)


def wanted_rates(
    answer: Answer | None,
    ground: AttentionGround,
    *,
    allowed: Collection[str],
    hints: Sequence[tuple[str, XY]] = (),
) -> dict[str, float]:
    """Looks a second wanted of each camera, by id; those of which nothing is wanted are left out.

    Args:
        answer: the newest answer; None before the first.
        ground: what the site's cameras see and how far it is into their views.
        allowed: ids of the cameras that may be looked at; no other is named.
        hints: places that somebody named, level id and site metres each, for as long as there is
            no suspect.
    """
    reach = ground.reach
    rates = np.zeros(len(reach.cameras))
    suspects = _suspects(answer)
    levels = {level.id for level in reach.grid.plan.levels}
    weight = np.zeros(len(reach.cameras))
    for subject, standing_out in suspects:
        if subject.level not in levels:
            continue
        if subject.visibility == "in view":
            chance, share = _in_view(subject, reach)
            # The root of the weight is taken below.
            weight = np.maximum(weight, standing_out * chance * share**2)
        elif subject.search is None:
            near_m = WALK_MPS * SOON_S + RUN_MPS * max(subject.age_s, 0.0)
            away_m = reach.from_place(subject.level, subject.xy_m)
            weight = weight + standing_out * _nears(away_m, near_m)
        else:
            weight = weight + standing_out * (
                patch_shares(subject, subject.search, reach) @ ground.shows
            )
    rates = np.where(weight >= LEAST_WEIGHT, MOST_FPS * np.sqrt(np.minimum(weight, 1.0)), 0.0)
    if not suspects:
        rates = np.maximum(rates, ENTRANCE_FPS * ground.entrance)
        for level, xy_m in hints:
            near = _nears(reach.from_place(level, xy_m), HINT_M) if level in levels else 0.0
            rates = np.maximum(rates, HINT_FPS * near)
    return {
        camera: round(rate, 2)
        for camera, rate in zip(reach.cameras, rates.tolist(), strict=True)
        if rate > 0 and camera in allowed
    }


def _suspects(answer: Answer | None) -> list[tuple[RankedSubject, float]]:
    """Those who stand out, and how much, 0..1; most first.

    People follow them, or something speaks against them more than against most. All compete for
    the same frames: each counts by its share of all their probability, or, if that is more, by its
    probability times its share of the likeliest one's. So one suspect has its whole weight from
    the first evidence on, and of many none has much.
    """
    ranked = [] if answer is None else [one for one in answer.subjects if one.status == "ranked"]
    usual = float(np.median([one.probability for one in ranked])) if ranked else 0.0
    found = []
    for subject in ranked:
        followed = any(mark.kind in {"designate", "confirm"} for mark in subject.marks)
        if followed or subject.probability > min(ARMED_PRIOR, STANDS_OUT * usual):
            found.append((subject, 1.0 if followed else subject.probability))
    found.sort(key=lambda one: (-one[1], one[0].rank))
    found = found[:MOST_SUSPECTS]
    total, most = sum(p for _, p in found), max((p for _, p in found), default=1.0)
    return [(subject, max(p / total, p * p / most)) for subject, p in found]


def _in_view(
    subject: RankedSubject, reach: CameraReach
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Chances `(K,)` that cameras show a subject now or soon, and what share of a rate each has."""
    away_m = reach.from_place(subject.level, subject.xy_m)
    here = (away_m <= 0.0) | np.isin(reach.cameras, subject.cameras)
    chance = _nears(away_m - _SURE_AWAY_M, RUN_MPS * SOON_S)
    ahead_m = _place_ahead(subject)
    if ahead_m is not None:
        behind = reach.from_place(subject.level, ahead_m) > away_m
        chance = np.where(behind, BEHIND * chance, chance)
    chance[here] = 1.0
    share = np.ones(len(chance))
    share[here] = min(1.0, SEEN_FPS / MOST_FPS / max(int(here.sum()), 1))
    return chance, share


def _nears(away_m: NDArray[np.float64], far_m: float) -> NDArray[np.float64]:
    """1 in the view, falling evenly to 0 at a distance of `far_m` from it."""
    return np.clip(1.0 - away_m / far_m, 0.0, 1.0)


def _place_ahead(subject: RankedSubject) -> XY | None:
    """Where the subject is soon if it keeps to the way of its last steps; None where it stood."""
    here_m = np.asarray(subject.xy_m, np.float64)
    for before_m in reversed(subject.trail_m[-_TRAIL_STEPS:]):
        step_m = here_m - np.asarray(before_m)
        length_m = float(np.hypot(*step_m))
        if length_m >= _MOVED_M:
            ahead_m = here_m + step_m / length_m * _AHEAD_M
            return float(ahead_m[0]), float(ahead_m[1])
    return None
