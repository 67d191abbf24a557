"""Which cameras to look at now: those that see the subject, and those that it can walk into next.

A pure function of an answer and of the site, so that whoever has the answer can say it again. The
chances rank the cameras; they are judged by walking distance and by the search map's shares of the
spaces, and are not measured probabilities.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from .patch_shares import RUN_MPS, patch_shares
from .walk_grid import WALK_MPS

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from .answer import Answer, RankedSubject
    from .camera_reach import CameraReach

CameraSight = Literal["sees", "covers", "next"]
"""A camera sees the subject; shows the place where it is, without having found it; or may show it
soon."""

HORIZON_S: Final = 10.0
"""So far ahead is looked: long enough to turn to another picture, short enough to be worth it."""

MOST: Final = 8
"""More cameras than these are not named: nobody can look at them."""

LEAST_CHANCE: Final = 0.02

AWAY: Final = 0.5
"""Who walks away from a view turns round and walks into it half as often. Judgement."""

_MOVED_M: Final = 1.0
_TRAIL_STEPS: Final = 7  # of half a second
_AHEAD_M: Final = 2.0
_ORDER: Final = {"sees": 0, "covers": 1, "next": 2}


@dataclass(frozen=True, slots=True)
class CameraNow:
    """One camera that matters now.

    Attributes:
        camera: camera id.
        sight: what it has to do with the subject.
        chance: judged chance that it shows the subject within `HORIZON_S`, 0..1; for ranking.
        soonest_s: seconds until the subject can be in its view at a run; 0 where it can be there.
        walk_s: the same at a walk; None where the view is too far away to say.
        reason: why, in words that name neither the camera nor the subject.
    """

    camera: str
    sight: CameraSight
    chance: float
    soonest_s: float
    walk_s: float | None
    reason: str


def next_cameras(
    answer: Answer,
    reach: CameraReach,
    *,
    allowed: Collection[str],
    subject: str | None = None,
) -> tuple[CameraNow, ...]:
    """The cameras that matter for a subject, the most important first, at most `MOST`.

    Args:
        answer: the answer.
        reach: walking distances of the same site.
        allowed: ids of the cameras that may be looked at; no other is named.
        subject: id of the subject that was chosen; by default the first that is ranked.
    """
    chosen = _chosen(answer, subject)
    if chosen is None or chosen.level not in {level.id for level in reach.grid.plan.levels}:
        return ()
    away_m = reach.from_place(chosen.level, chosen.xy_m)
    if chosen.visibility == "in view":
        found = _in_view(chosen, reach, away_m)
    else:
        found = _out_of_view(chosen, reach, away_m)
    named = [one for one in found if one.camera in allowed]
    named.sort(key=lambda one: (_ORDER[one.sight], -one.chance, one.soonest_s, one.camera))
    return tuple(named[:MOST])


def _chosen(answer: Answer, subject: str | None) -> RankedSubject | None:
    if subject is None:
        return next((one for one in answer.subjects if one.status == "ranked"), None)
    return next((one for one in answer.subjects if one.subject == subject), None)


def _in_view(
    subject: RankedSubject, reach: CameraReach, away_m: NDArray[np.float64]
) -> list[CameraNow]:
    chance = _walks_into(away_m)
    towards = np.zeros(len(away_m), np.bool_)
    ahead_m = _place_ahead(subject)
    if ahead_m is not None:
        then_m = reach.from_place(subject.level, ahead_m)
        towards = then_m < away_m
        chance = np.where(then_m > away_m, AWAY * chance, chance)
    found = []
    for k, camera in enumerate(reach.cameras):
        if camera in subject.cameras:
            found.append(CameraNow(camera, "sees", 1.0, 0.0, 0.0, "in its picture now"))
        elif away_m[k] == 0.0:
            reason = "shows this place, and has not found the person there"
            found.append(CameraNow(camera, "covers", 1.0, 0.0, 0.0, reason))
        elif chance[k] >= LEAST_CHANCE:
            walk_s, run_s = float(away_m[k]) / WALK_MPS, float(away_m[k]) / RUN_MPS
            way = "on the way there" if towards[k] else "can walk in"
            reason = f"{way}: {_whole(walk_s)} s at a walk, {_whole(run_s)} s at a run"
            found.append(
                CameraNow(camera, "next", _share(chance[k]), _tenth(run_s), _tenth(walk_s), reason)
            )
    known = {one.camera for one in found}
    # A camera that is not calibrated any more may still have seen it.
    found += [
        CameraNow(camera, "sees", 1.0, 0.0, 0.0, "in its picture now")
        for camera in subject.cameras
        if camera not in known
    ]
    return found


def _out_of_view(
    subject: RankedSubject, reach: CameraReach, away_m: NDArray[np.float64]
) -> list[CameraNow]:
    age_s = max(subject.age_s, 0.0)
    soonest_s = np.maximum(away_m / RUN_MPS - age_s, 0.0)
    if subject.search is None:
        chance = _walks_into(np.maximum(away_m - WALK_MPS * age_s, 0.0))
    else:
        weight = patch_shares(subject, subject.search, reach)
        shows = np.maximum(_walks_into(reach.patch_away_m), reach.patch_in_view)
        chance = weight @ shows
    # Nobody is where no run leads in time.
    in_time = np.clip(1.0 - soonest_s / HORIZON_S, 0.0, 1.0)
    chance = np.where(np.isfinite(away_m), chance * in_time, chance)
    if math.isfinite(age_s) and age_s <= HORIZON_S:
        chance = np.where(np.isfinite(away_m), chance, 0.0)
    found = []
    for k, camera in enumerate(reach.cameras):
        last = camera in subject.cameras
        if chance[k] < LEAST_CHANCE and not last:
            continue
        sooner_s = float(soonest_s[k]) if math.isfinite(soonest_s[k]) else 0.0
        walk_s = max(float(away_m[k]) / WALK_MPS - age_s, 0.0)
        share = _share(float(chance[k]))
        found.append(
            CameraNow(
                camera,
                "next",
                share,
                _tenth(sooner_s),
                _tenth(walk_s) if math.isfinite(walk_s) else None,
                _unseen_reason(share, sooner_s, walk_s, age_s=age_s, last=last),
            )
        )
    return found


def _unseen_reason(
    share: float, sooner_s: float, walk_s: float, *, age_s: float, last: bool
) -> str:
    saw = f"saw the person last, {_whole(age_s)} s ago; " if last else ""
    if share < LEAST_CHANCE:
        return f"{saw}a return is not likely"
    if walk_s <= 0.0 or not math.isfinite(walk_s):
        when = "any moment"
    elif sooner_s <= 0.0:
        when = f"within {_whole(walk_s)} s at a walk"
    else:
        when = f"in {_whole(sooner_s)} s at a run, {_whole(walk_s)} s at a walk"
    return f"{saw}may come into its picture {when} (about {max(round(100 * share), 1)} %)"


def _walks_into(away_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """The chance that who walks comes into a view so far away within `HORIZON_S`.

    It falls evenly to none at the distance that is walked in that time.
    """
    return np.clip(1.0 - away_m / (WALK_MPS * HORIZON_S), 0.0, 1.0)


def _place_ahead(subject: RankedSubject) -> tuple[float, float] | None:
    """Where the subject is soon if it keeps to the way of its last steps; None where it stood."""
    here_m = np.asarray(subject.xy_m, np.float64)
    for before_m in reversed(subject.trail_m[-_TRAIL_STEPS:]):
        step_m = here_m - np.asarray(before_m)
        length_m = float(np.hypot(*step_m))
        if length_m >= _MOVED_M:
            ahead_m = here_m + step_m / length_m * _AHEAD_M
            return float(ahead_m[0]), float(ahead_m[1])
    return None


def _whole(seconds: float) -> int:
    return max(round(seconds), 1)


def _tenth(seconds: float) -> float:
    return round(seconds, 1)


def _share(chance: float) -> float:
    return round(min(max(float(chance), 0.0), 1.0), 2)
