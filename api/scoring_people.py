"""All subjects against all persons: who was found, kept apart, and wrongly called armed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from scipy.optimize import linear_sum_assignment
from scipy.stats import chi2

from .scoring_figures import Rate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from calibration.answer import Answer, RankedSubject

    from .scoring_timeline import Timeline
    from .truth import Truth

GATE_M: Final = 1.0
"""A subject and a person farther apart than this are not the same body: the usual gate of tracking
on the ground plane (e.g. Teepe et al., EarlyBird, WACV 2024, section 4.1)."""
FOUND_M: Final = 0.5
"""A person is found by a subject no farther away than this: the radius that detection on the ground
plane is scored with (Chavdarova et al., WILDTRACK, CVPR 2018, section 4)."""
ALERT_PROBABILITY: Final = 0.9
"""A subject this likely to be armed is an armed alert."""

_CALIBRATION_BINS: Final = 10
_NEVER: Final = 1e6


@dataclass(frozen=True, slots=True)
class Following:
    """How well all people were followed; None where nobody was visible.

    Attributes:
        moda: 1 minus misses and false subjects per visible person, at most 1, within `FOUND_M`.
        idf1: F1 of the best one-to-one matching of subjects to persons over the whole run.
        identity_switches: how often a person went on as another subject.
    """

    moda: float | None
    idf1: float | None
    identity_switches: int | None


def follow(seen: Scenes) -> Following:
    """Return MODA (CLEAR), IDF1 and identity switches of all subjects in view.

    At each moment the visible persons are matched with the subjects that the answer in hand calls
    "in view", each placed against where the person was at the time of that sighting, so being late
    does not count here. A subject that stands for somebody who is there but hidden from the cameras
    is neither right nor wrong, and so is one outside the area that the truth tells of.

    Args:
        seen: who was there and who was told.
    """
    from trackers.eval.clear import compute_clear_metrics  # noqa: PLC0415 - imports OpenCV
    from trackers.eval.identity import compute_identity_metrics  # noqa: PLC0415 - the same

    if not sum(len(ids) for ids in seen.persons):
        return Following(None, None, None)
    found = compute_clear_metrics(seen.persons, seen.subjects, seen.closeness(FOUND_M))
    followed = compute_clear_metrics(seen.persons, seen.subjects, seen.closeness(GATE_M))
    identity = compute_identity_metrics(seen.persons, seen.subjects, seen.closeness(GATE_M))
    return Following(float(found["MODA"]), float(identity["IDF1"]), int(followed["IDSW"]))


@dataclass(frozen=True, slots=True, eq=False)
class Scenes:
    """What metrics of tracking take, a list entry for each moment.

    Attributes:
        persons: `(P,)` numbers of the visible persons, their index in the truth.
        subjects: `(S,)` numbers of the subjects in view.
        apart_m: `(P, S)` metres between them, infinite on different levels.
        names: ids of the subjects by their number.
    """

    persons: list[NDArray[np.int64]]
    subjects: list[NDArray[np.int64]]
    apart_m: list[NDArray[np.float64]]
    names: list[str] = field(default_factory=list)

    def closeness(self, gate_m: float) -> list[NDArray[np.float64]]:
        """`(P, S)` similarities: 1 at no distance, 0.5, the metrics' threshold, at `gate_m`."""
        return [np.clip(1 - apart_m / (2 * gate_m), 0, 1) for apart_m in self.apart_m]


def scenes(timeline: Timeline, truth: Truth, visible: Mapping[str, NDArray[np.bool_]]) -> Scenes:
    """Return who was there and who was told, moment by moment; see `follow`.

    Args:
        timeline: the moments and the answers in hand.
        truth: all persons.
        visible: by person, `(M,)` bool.
    """
    numbers: dict[str, int] = {}
    told = Scenes([], [], [])
    for moment, answer in enumerate(timeline.answers):
        subjects = [s for s in answer.subjects if s.visibility == "in view"] if answer else []
        shown = np.array([visible[path.person][moment] for path in truth.people], np.bool_)
        apart_m = distances_m(truth, subjects, timeline.start_s)
        counted = ~_stand_for_hidden(apart_m, shown) & _told_of(truth, subjects, apart_m[shown])
        ids = [numbers.setdefault(s.subject, len(numbers)) for s in subjects]
        told.persons.append(np.flatnonzero(shown))
        told.subjects.append(np.array(ids, np.int64)[counted])
        told.apart_m.append(apart_m[shown][:, counted])
    told.names.extend(numbers)
    return told


def _told_of(
    truth: Truth, subjects: list[RankedSubject], apart_m: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """`(S,)` which subjects are in the area that the truth tells of, or near a person there."""
    if truth.area is None or not subjects:
        return np.ones(len(subjects), np.bool_)
    xy_m = np.array([subject.xy_m for subject in subjects])
    inside = shapely.contains_xy(truth.area, xy_m[:, 0], xy_m[:, 1])
    return inside | (apart_m <= GATE_M).any(axis=0)


def _stand_for_hidden(apart_m: NDArray[np.float64], shown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """`(S,)` which subjects are nearest, one to one, to a person whom no camera can see."""
    hidden = np.zeros(apart_m.shape[1], np.bool_)
    if shown.all() or not apart_m.size:
        return hidden
    # Visible persons come first: a subject that may be one of them is never left out.
    cost = np.where(apart_m <= GATE_M, apart_m + GATE_M * ~shown[:, None], _NEVER)
    rows, columns = linear_sum_assignment(cost)
    hidden[columns[~shown[rows] & (cost[rows, columns] < _NEVER)]] = True
    return hidden


def distances_m(
    truth: Truth, subjects: Iterable[RankedSubject], start_s: float, *, armed_only: bool = False
) -> NDArray[np.float64]:
    """Return `(P, S)` metres from each person to each subject's place, at the time of its sighting.

    Infinite where the person is on another level or not there; with `armed_only` also where the
    person is not armed then.
    """
    listed = list(subjects)
    seen_t_s = np.array([s.seen_at_s - start_s for s in listed], np.float64)
    xy_m = np.array([s.xy_m for s in listed], np.float64).reshape(-1, 2)
    level = np.array([s.level for s in listed], dtype=object)
    rows = []
    for path in truth.people:
        there = path.at(seen_t_s)
        counts = there.present & (there.level == level) & (there.armed | (not armed_only))
        rows.append(np.where(counts, np.linalg.norm(there.xy_m - xy_m, axis=1), np.inf))
    return np.array(rows).reshape(len(truth.people), len(listed))


def alerting(answers: Iterable[Answer]) -> list[RankedSubject]:
    """Return each subject called armed, once for each different sighting of it."""
    found = {
        (subject.subject, subject.seen_at_s): subject
        for answer in answers
        for subject in answer.subjects
        if _is_alert(subject)
    }
    return list(found.values())


def armed_alerts(answers: Iterable[Answer]) -> frozenset[str]:
    """Return the subjects that any answer called armed (`ALERT_PROBABILITY`)."""
    return frozenset(subject.subject for subject in alerting(answers))


def false_armed_alerts(answers: Iterable[Answer], truth: Truth, start_s: float) -> frozenset[str]:
    """Return the subjects that were called armed while no armed person was within `GATE_M`.

    One such moment is enough, and it stays one alert however long it lasts. A subject whose last
    sighting is out of view is compared with where the armed were at that sighting.
    """
    sightings = alerting(answers)
    apart_m = distances_m(truth, sightings, start_s, armed_only=True)
    return frozenset(
        subject.subject
        for subject, to_all_m in zip(sightings, apart_m.T, strict=True)
        if not (to_all_m <= GATE_M).any()
    )


def armed_calibration_error(timeline: Timeline, truth: Truth) -> float | None:
    """Return how far the published probabilities of being armed are from what was right, 0..1.

    Every subject in view at every moment counts: right is an armed person within `GATE_M` of its
    place. The expected calibration error (Guo et al., ICML 2017) over ten bins: the mean distance
    of the claimed from the right share, weighted by how often each was claimed. None where nobody
    was in view.
    """
    claimed, right = [np.zeros(0)], [np.zeros(0, np.bool_)]
    for answer in timeline.answers:
        seen = [s for s in answer.subjects if s.visibility == "in view"] if answer else []
        apart_m = distances_m(truth, seen, timeline.start_s, armed_only=True)
        claimed.append(np.array([s.armed_probability for s in seen], np.float64))
        right.append(np.asarray((apart_m <= GATE_M).any(axis=0), np.bool_))
    claims, truths = np.concatenate(claimed), np.concatenate(right)
    if not len(claims):
        return None
    bins = np.minimum((claims * _CALIBRATION_BINS).astype(np.int64), _CALIBRATION_BINS - 1)
    # The sum over bins of n/N |mean claim - share right| is |sum of claims - number right| / N.
    gaps = np.bincount(bins, weights=claims - truths, minlength=_CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(claims))


def first_moment_near(
    timeline: Timeline,
    person: int,
    truth: Truth,
    *,
    not_before_s: float,
    armed: bool = False,
) -> float | None:
    """Return the first moment at which any subject was placed within `GATE_M` of a person.

    Args:
        timeline: the moments and the answers in hand.
        person: index into `truth.people`.
        truth: all persons.
        not_before_s: moments before this, seconds from the start of the drill, do not count.
        armed: count only subjects called armed.
    """
    for t_s, answer in zip(timeline.t_s, timeline.answers, strict=True):
        if t_s < not_before_s or answer is None:
            continue
        subjects = [s for s in answer.subjects if not armed or _is_alert(s)]
        if (distances_m(truth, subjects, timeline.start_s)[person] <= GATE_M).any():
            return float(t_s)
    return None


def poisson_rate(count: int, hours: float) -> Rate:
    """Return `count` events in `hours` as a rate with its exact 95 % interval.

    Garwood, Biometrika 28 (1936): half the 2.5 % and 97.5 % points of chi-squared with 2n and
    2n + 2 degrees of freedom.
    """
    low = float(chi2.ppf(0.025, 2 * count)) / 2 if count else 0.0
    high = float(chi2.ppf(0.975, 2 * count + 2)) / 2
    return Rate(count / hours, low / hours, high / hours)


def _is_alert(subject: RankedSubject) -> bool:
    return subject.armed_probability >= ALERT_PROBABILITY
