"""The ranked answer: who is the intruder, how likely, where last seen and how exactly.

Probability: each subject's log-odds are a prior plus its armed evidence. The prior is one intruder
among those who were seen lately, never more than `ARMED_PRIOR`; subjects are judged one by one, not
against each other, because there can be several intruders or none. So as long as nobody was seen to
be armed, every probability is low, and it is right that it is.

Place: `xy_m` is where the subject was at its last sighting. The answer is heard a little later, so
for a subject in view the space is that of the place where it is now, as predicted over that delay
(fractions of a second, never through a wall), and the covariance is that of the place now about
`xy_m`: the filter's, plus the way walked since. Once out of view, the space is that of the last
sighting and the 95 % radius grows by `LEAVES_MPS` for every second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.special import expit

from .answer import RankedSubject
from .wording import reasons

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from .floor_plan import FloorPlan, Space
    from .subject import SubjectState

ARMED_PRIOR = 0.05
"""Probability that somebody on camera during an emergency is armed, before any look. Judgement:
one in twenty on the cameras that watch the place; it decides how many looks it takes to say so."""

LEAVES_MPS = 2.0
"""Growth of the 95 % radius of somebody unseen: people walk at 1.2-1.5 m/s and 95 % of adults at
ease slower than 2.0 m/s (Bohannon, Age and Ageing 26, 1997). Who runs is outside this radius."""

INDISTINCT_LLR = 1.0
"""Subjects whose log-odds lie within this of the highest are equally likely for all that the
evidence can tell (its rates are measured to about a factor of e); whoever is in view goes first."""

RECENT_S = 60.0
_SPACE_REACH_M = 1.0

# 95 % radius of a two-dimensional normal distribution in units of its larger standard deviation, by
# the ratio of smaller to larger 0, 0.1 ... 1: solved numerically from the distribution itself.
_RATIOS = np.linspace(0.0, 1.0, 11)
_RADII = np.array(
    [1.96, 1.9625, 1.9704, 1.9842, 2.0051, 2.0359, 2.0813, 2.146, 2.2303, 2.3318, 2.4477]
)


def ce95_m(cov_m2: NDArray[np.float64]) -> NDArray[np.float64]:
    """Radii `(N,)` around the mean that hold 95 % of normal distributions `(N, 2, 2)`."""
    variances = np.linalg.eigvalsh(cov_m2)
    larger = np.sqrt(np.maximum(variances[:, 1], 1e-12))
    ratio = np.sqrt(np.maximum(variances[:, 0], 0.0)) / larger
    radius: NDArray[np.float64] = larger * np.interp(ratio, _RATIOS, _RADII)
    return radius


def rank_subjects(
    subjects: Sequence[SubjectState],
    plan: FloorPlan,
    now_s: float,
    camera_names: Mapping[str, str] | None = None,
) -> tuple[RankedSubject, ...]:
    """The subjects, most likely intruder first.

    Subjects that the evidence cannot tell from the likeliest (`INDISTINCT_LLR`) are ranked in view
    first. Equal probabilities (to a hundredth) are ranked in view first, then last seen first, then
    oldest first, so that the order does not flicker with the last digit.

    Args:
        subjects: from `Fusion.subjects(now_s)`.
        plan: floor plan, for the names of spaces.
        now_s: the moment the answer speaks of, Unix seconds.
        camera_names: names to call cameras by in the reasons; ids where missing.
    """
    if not subjects:
        return ()
    recent = sum(now_s - s.seen_at_s <= RECENT_S for s in subjects)
    prior = min(ARMED_PRIOR, 1.0 / max(recent, 1))
    llr = np.array([s.armed_llr for s in subjects])
    probability = expit(llr + np.log(prior / (1 - prior)))
    armed = expit(llr + np.log(ARMED_PRIOR / (1 - ARMED_PRIOR)))

    age_s = np.maximum(now_s - np.array([s.seen_at_s for s in subjects]), 0.0)
    in_view = np.array([s.in_view for s in subjects])
    seen_m = np.array([s.seen_xy_m for s in subjects])
    walked_m = np.array([s.xy_m for s in subjects]) - seen_m
    cov_m2 = np.array([s.cov_m2 for s in subjects])
    radius_m = ce95_m(cov_m2)
    cov_m2 = cov_m2 + walked_m[:, :, None] * walked_m[:, None, :]
    grown_m = radius_m + np.where(in_view, np.linalg.norm(walked_m, axis=1), LEAVES_MPS * age_s)
    cov_m2 *= np.where(in_view, 1.0, (grown_m / radius_m) ** 2)[:, None, None]
    spaces = _spaces(subjects, _places_m(subjects, plan), plan)

    likeliest = llr >= llr.max() - INDISTINCT_LLR
    order = sorted(
        range(len(subjects)),
        key=lambda i: (
            not likeliest[i],
            likeliest[i] and not in_view[i],
            -round(float(probability[i]), 2),
            not in_view[i],
            0.0 if in_view[i] else float(age_s[i]),
            subjects[i].born_s,
            subjects[i].id,
        ),
    )
    return tuple(
        _ranked(
            subjects[i],
            rank=rank,
            probability=float(probability[i]),
            armed=float(armed[i]),
            cov_m2=cov_m2[i],
            ce95=float(grown_m[i]),
            space=spaces[i],
            age_s=float(age_s[i]),
            camera_names=camera_names or {},
        )
        for rank, i in enumerate(order, start=1)
    )


def _ranked(
    subject: SubjectState,
    *,
    rank: int,
    probability: float,
    armed: float,
    cov_m2: NDArray[np.float64],
    ce95: float,
    space: Space | None,
    age_s: float,
    camera_names: Mapping[str, str],
) -> RankedSubject:
    cov = cov_m2.tolist()
    return RankedSubject(
        subject=subject.id,
        rank=rank,
        probability=probability,
        armed_probability=armed,
        level=subject.level,
        xy_m=(float(subject.seen_xy_m[0]), float(subject.seen_xy_m[1])),
        cov_m2=((cov[0][0], cov[0][1]), (cov[1][0], cov[1][1])),
        ce95_m=ce95,
        space=None if space is None else space.id,
        space_name="" if space is None else space.name,
        seen_at_s=subject.seen_at_s,
        age_s=age_s,
        visibility="in view" if subject.in_view else "out of view",
        cameras=subject.cameras,
        reasons=reasons(subject, age_s, camera_names),
        trail_m=subject.trail_m,
        armed_tracks=subject.armed_tracks,
        plain_reasons=reasons(subject, age_s, None),
    )


def _places_m(subjects: Sequence[SubjectState], plan: FloorPlan) -> NDArray[np.float64]:
    """Where the subjects are now, `(N, 2)`: as predicted, unless that leads through a wall."""
    predicted_m = np.array([s.xy_m for s in subjects])
    seen_m = np.array([s.seen_xy_m for s in subjects])
    blocked = np.zeros(len(subjects), np.bool_)
    ways = np.asarray(shapely.linestrings(np.stack([seen_m, predicted_m], axis=1)))
    for level in {s.level for s in subjects}:
        walls = plan.walls(level)
        shapely.prepare(walls)
        here = np.array([s.level == level for s in subjects])
        blocked[here] = shapely.intersects(walls, ways[here])
    return np.where(blocked[:, None], seen_m, predicted_m)


def _spaces(
    subjects: Sequence[SubjectState], xy_m: NDArray[np.float64], plan: FloorPlan
) -> list[Space | None]:
    spaces: list[Space | None] = [None] * len(subjects)
    for level in {s.level for s in subjects}:
        rows = [i for i, s in enumerate(subjects) if s.level == level]
        found = plan.space_at(level, xy_m[rows], within_m=_SPACE_REACH_M)
        for i, space in zip(rows, found, strict=True):
            spaces[i] = space
    return spaces
