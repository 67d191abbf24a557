"""The ranked answer: who is the intruder, how likely, where last seen and how exactly.

Probability: see `suspicion`.

Order: first whom somebody pointed out ("follow this one"), then whom somebody confirmed, then all
others by what speaks against them; then those that somebody ruled out, and the responders last.
Nobody is left out: who is not ranked is still seen, with the reason.

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

from .answer import RankedSubject
from .suspicion import ARMED_PRIOR, NOTHING_KNOWN, Known, suspicion
from .wording import reasons

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from .answer import SearchArea, SubjectStatus
    from .floor_plan import FloorPlan, Space
    from .subject import SubjectState

__all__ = ["ARMED_PRIOR", "ce95_m", "rank_subjects"]

LEAVES_MPS = 2.0
"""Growth of the 95 % radius of somebody unseen: people walk at 1.2-1.5 m/s and 95 % of adults at
ease slower than 2.0 m/s (Bohannon, Age and Ageing 26, 1997). Who runs is outside this radius."""

INDISTINCT_LLR = 1.0
"""Subjects whose log-odds lie within this of the highest are equally likely for all that the
evidence can tell (its rates are measured to about a factor of e); whoever is in view goes first."""

_ORDER: dict[SubjectStatus, int] = {"ranked": 0, "rejected": 1, "responder": 2}
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
    *,
    known: Mapping[str, Known] | None = None,
    searches: Mapping[str, SearchArea] | None = None,
) -> tuple[RankedSubject, ...]:
    """The subjects, the one to go for first; see the module for the order.

    Subjects that the evidence cannot tell from the likeliest (`INDISTINCT_LLR`) are ranked in view
    first. Equal probabilities (to a hundredth) are ranked in view first, then last seen first, then
    oldest first, so that the order does not flicker with the last digit.

    Args:
        subjects: from `Fusion.subjects(now_s)`.
        plan: floor plan, for the names of spaces.
        now_s: the moment the answer speaks of, Unix seconds.
        camera_names: names to call cameras by in the reasons; ids where missing.
        known: what is known of subjects beside what cameras see, by id.
        searches: where subjects that no camera sees can be, by id.
    """
    if not subjects:
        return ()
    known, searches = known or {}, searches or {}
    of = [known.get(subject.id, NOTHING_KNOWN) for subject in subjects]
    status: list[SubjectStatus] = [one.status for one in of]
    suspected = suspicion(subjects, known, now_s)

    age_s = np.maximum(now_s - np.array([s.seen_at_s for s in subjects]), 0.0)
    in_view = np.array([s.in_view for s in subjects])
    cov_m2, radius_m = _uncertainty(subjects, age_s, in_view)
    spaces = _spaces(subjects, _places_m(subjects, plan), plan)

    ranked_llr = np.where([one == "ranked" for one in status], suspected.llr, -np.inf)
    likeliest = suspected.llr >= ranked_llr.max() - INDISTINCT_LLR
    order = sorted(
        range(len(subjects)),
        key=lambda i: (
            _ORDER[status[i]],
            of[i].standing.designated is None,
            not of[i].standing.is_confirmed,
            not likeliest[i],
            likeliest[i] and not in_view[i],
            -round(float(suspected.probability[i]), 2),
            not in_view[i],
            0.0 if in_view[i] else float(age_s[i]),
            subjects[i].born_s,
            subjects[i].id,
        ),
    )
    return tuple(
        _ranked(
            subjects[i],
            of[i],
            rank=rank,
            probability=float(suspected.probability[i]),
            armed=float(suspected.armed[i]),
            cov_m2=cov_m2[i],
            ce95=float(radius_m[i]),
            space=spaces[i],
            age_s=float(age_s[i]),
            camera_names=camera_names or {},
            search=searches.get(subjects[i].id),
        )
        for rank, i in enumerate(order, start=1)
    )


def _uncertainty(
    subjects: Sequence[SubjectState], age_s: NDArray[np.float64], in_view: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Covariances `(N, 2, 2)` about the last seen places, and 95 % radii `(N,)`, both of now."""
    seen_m = np.array([s.seen_xy_m for s in subjects])
    walked_m = np.array([s.xy_m for s in subjects]) - seen_m
    cov_m2 = np.array([s.cov_m2 for s in subjects])
    radius_m = ce95_m(cov_m2)
    cov_m2 = cov_m2 + walked_m[:, :, None] * walked_m[:, None, :]
    grown_m = radius_m + np.where(in_view, np.linalg.norm(walked_m, axis=1), LEAVES_MPS * age_s)
    cov_m2 *= np.where(in_view, 1.0, (grown_m / radius_m) ** 2)[:, None, None]
    return cov_m2, grown_m


def _ranked(
    subject: SubjectState,
    known: Known,
    *,
    rank: int,
    probability: float,
    armed: float,
    cov_m2: NDArray[np.float64],
    ce95: float,
    space: Space | None,
    age_s: float,
    camera_names: Mapping[str, str],
    search: SearchArea | None,
) -> RankedSubject:
    cov = cov_m2.tolist()
    friendly = known.friendly
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
        reasons=reasons(subject, age_s, camera_names, known),
        trail_m=subject.trail_m,
        armed_tracks=subject.armed_tracks,
        plain_reasons=reasons(subject, age_s, None, known),
        search=search,
        status=known.status,
        marks=known.standing.marks,
        unit=friendly.unit if friendly is not None and friendly.sure else "",
        look_again=known.deserves_another_look(subject),
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
