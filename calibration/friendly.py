"""Which subjects are officers, by the positions that their own devices report.

Two mistakes are possible and both can kill: to show an officer as the intruder, and to take the
intruder for an officer, so that nobody looks at them any more. A person's mark settles either. What
is decided here without a person is decided only where nothing else is possible:

1. Each report is compared with every subject that cameras saw at that very moment: a Mahalanobis
   distance, in which the reported accuracy, the camera's error and the way walked in `CLOCKS_S`
   count. Inside the `GATE` it agrees; outside of `APART` it speaks against.
2. A unit *is* a subject after `SURE_REPORTS` agreements over `SURE_S`, nearly all of the reports of
   that time, while both walked the same way for `MOVED_M` and more: an intruder who passes an
   officer agrees once or twice, and one who stands where an officer stands has not walked with
   them. Their places must be the same on average, too (`OFFSET_M`): who runs before an officer
   agrees all the way, some metres ahead.
3. `STRIKES` reports against a pair, if they are more than `STRIKES_SHARE` of those of
   `REMEMBERED_S`, bar it: a body was seen where the unit was not. An intruder whom cameras saw
   elsewhere while the officer came near cannot become one.
4. Units and subjects are matched one to one, at least total distance. Where another subject that is
   not matched agrees with the same unit nearly as well, nothing is decided: all stay ranked.
5. A match ends when `LEAVING_STRIKES` reports in a row speak against it, and `EXPIRES_S` after the
   unit's last report. Somebody who walks beside a matched officer does not end it.

Devices that know their place to worse than `WORST_ACCURACY_M`, or not on which of several levels
they are, decide nothing: with that error any body in the corridor is "there". They still speak
against. Confirmed and designated subjects are never taken for officers; see `last_seen`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

from .marks import subject_now
from .trails import place_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from .inputs import FriendlyReport
    from .subject import SubjectState

GATE, APART = 9.21, 16.0
"""99 % of a two-dimensional normal distribution, in units of its squared distance (chi-square, two
degrees of freedom); and 99.97 %."""

WORST_ACCURACY_M = 5.0
SURE_REPORTS, SURE_S = 5, 5.0
AGREEING = 0.8
"""So much of the reports within `WINDOW_S` must agree: devices err, and so do cameras."""

WINDOW_S = 20.0
MOVED_M, MOVED_SIGMAS = 4.0, 3.0
"""Unit and subject have walked together at least so far, and so many standard deviations."""

OFFSET_M = 1.5
"""Errors of devices persist for seconds, so an average keeps some; more than this is another."""

STRIKES, STRIKES_SHARE, REMEMBERED_S = 3, 0.05, 300.0
LEAVING_STRIKES = 2
EXPIRES_S = 30.0
CLOCKS_S, WALK_MPS = 0.5, 1.4
MOST_WAITING = 256

_SIGHT_SIGMA_M = 0.4
_SIGMA_OF_RADIUS = 1.515
"""Radius that holds 68 % of a two-dimensional normal distribution, in standard deviations."""

_RIVAL = 0.5
_HELD_DISCOUNT = 0.5
_FAR = 1e3
_MOST_COMPARED = 1024
_IMPOSSIBLE = 1e6


@dataclass(frozen=True, slots=True)
class Friendly:
    """What the reports say of one subject.

    Attributes:
        unit: id of the unit.
        since_s: since when they agree, Unix seconds.
        sure: whether the subject is that unit; else it may be, and another may be as well.
    """

    unit: str
    since_s: float
    sure: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """One report compared with where a subject was seen then: `(2,)` places in site metres."""

    at_s: float
    squared: float
    reported_m: NDArray[np.float64]
    seen_m: NDArray[np.float64]


@dataclass(slots=True)
class _Pair:
    """The comparisons of one unit with one subject, of the last `REMEMBERED_S`."""

    compared: deque[_Compared] = field(default_factory=lambda: deque(maxlen=_MOST_COMPARED))
    in_a_row: int = 0
    matched_since_s: float | None = None

    def note(self, one: _Compared) -> None:
        """Take in a comparison, and forget old ones."""
        self.compared.append(one)
        while self.compared[0].at_s < one.at_s - REMEMBERED_S:
            self.compared.popleft()
        self.in_a_row = self.in_a_row + 1 if one.squared > APART else 0

    @property
    def is_barred(self) -> bool:
        """Whether the subject was seen where the unit was not."""
        strikes = sum(one.squared > APART for one in self.compared)
        return strikes >= STRIKES and strikes > STRIKES_SHARE * len(self.compared)

    @property
    def recent(self) -> list[_Compared]:
        """The comparisons within `WINDOW_S` before the newest."""
        newest_s = self.compared[-1].at_s if self.compared else 0.0
        return [one for one in self.compared if one.at_s >= newest_s - WINDOW_S]

    @property
    def agreement(self) -> float:
        """Share of the recent comparisons that agree; 0 where the pair is barred."""
        recent = self.recent
        if not recent or self.is_barred:
            return 0.0
        return sum(one.squared <= GATE for one in recent) / len(recent)

    @property
    def mean_squared(self) -> float:
        """Mean squared distance of the recent comparisons."""
        return float(np.mean([one.squared for one in self.recent]))

    def may_match(self, sigma_m: float) -> bool:
        """Whether unit and subject agree, for long enough and on the move; see the module."""
        if self.matched_since_s is not None:
            return self.in_a_row < LEAVING_STRIKES and not self.is_barred
        agreeing = [one for one in self.recent if one.squared <= GATE]
        if self.agreement < AGREEING or self.in_a_row or len(agreeing) < SURE_REPORTS:
            return False
        if agreeing[-1].at_s - agreeing[0].at_s < SURE_S:
            return False
        reported_m = np.array([one.reported_m for one in agreeing])
        seen_m = np.array([one.seen_m for one in agreeing])
        walked_m = min(_extent_m(reported_m), _extent_m(seen_m))
        offset_m = float(np.hypot(*(reported_m - seen_m).mean(axis=0)))
        return walked_m >= max(MOVED_M, MOVED_SIGMAS * sigma_m) and offset_m <= OFFSET_M


class Friendlies:
    """Compares reports with subjects, in the order in which they come; no clock is read.

    Args:
        several_levels: whether the site has more than one level.
    """

    def __init__(self, *, several_levels: bool) -> None:
        self._several_levels = several_levels
        self._waiting: deque[FriendlyReport] = deque(maxlen=MOST_WAITING)
        self._pairs: dict[tuple[str, str], _Pair] = {}
        self._last: dict[str, FriendlyReport] = {}

    def __bool__(self) -> bool:
        """Whether any unit has reported."""
        return bool(self._last)

    def take(self, report: FriendlyReport) -> None:
        """Take in a report; it is compared once the cameras have come as far."""
        self._waiting.append(report)

    def waits_for(self, newest_s: float) -> bool:
        """Whether cameras have come so far that `look` can compare a report."""
        return any(report.at_s <= newest_s for report in self._waiting)

    def look(
        self,
        subjects: Sequence[SubjectState],
        newest_s: float,
        merged_into: Mapping[str, str],
    ) -> None:
        """Compare what waits and can be compared, and match units to subjects anew.

        Args:
            subjects: the subjects as known at `newest_s`.
            newest_s: capture time of the newest frame.
            merged_into: the subject that each subject was joined with, by id.
        """
        self._join(merged_into)
        due = sorted((r for r in self._waiting if r.at_s <= newest_s), key=lambda r: r.at_s)
        self._waiting = deque((r for r in self._waiting if r.at_s > newest_s), MOST_WAITING)
        for report in due:
            self._compare(report, subjects)
        self._match(subjects, newest_s)

    def known(self, now_s: float) -> dict[str, Friendly]:
        """What the reports say of subjects at `now_s`, by id; nothing of those they fit badly."""
        found: dict[str, Friendly] = {}
        for (unit, subject), pair in sorted(self._pairs.items()):
            report = self._last.get(unit)
            if report is None or now_s - report.at_s > EXPIRES_S:
                continue
            if pair.matched_since_s is not None:
                found[subject] = Friendly(unit, pair.matched_since_s, sure=True)
            elif subject not in found and pair.may_match(_sigma_m(report)):
                found[subject] = Friendly(unit, pair.recent[0].at_s, sure=False)
        return found

    def _join(self, merged_into: Mapping[str, str]) -> None:
        """Hand what speaks against a subject on to the one that it was joined with."""
        for (unit, subject), pair in list(self._pairs.items()):
            body = subject_now(subject, merged_into)
            if body == subject:
                continue
            del self._pairs[unit, subject]
            older = self._pairs.setdefault((unit, body), _Pair())
            both = sorted((*older.compared, *pair.compared), key=lambda one: one.at_s)
            older.compared = deque(both, _MOST_COMPARED)

    def _compare(self, report: FriendlyReport, subjects: Iterable[SubjectState]) -> None:
        newest = self._last.get(report.unit)
        if newest is not None and report.at_s <= newest.at_s:
            return
        if newest is not None and report.at_s - newest.at_s > EXPIRES_S:
            self._end_match(report.unit)
        self._last[report.unit] = report
        lost = report.level is None and self._several_levels
        decides = report.accuracy_m <= WORST_ACCURACY_M and not lost
        reported_m = np.array(report.xy_m, np.float64)
        variance_m2 = _sigma_m(report) ** 2 + _SIGHT_SIGMA_M**2 + (WALK_MPS * CLOCKS_S) ** 2
        for subject in subjects:
            seen_m = place_at(subject, report.at_s)
            if seen_m is None:
                continue
            squared = min(float(np.sum((reported_m - seen_m) ** 2)) / variance_m2, _FAR)
            if report.level is not None and report.level != subject.level:
                squared = _FAR
            if decides or squared > APART:
                pair = self._pairs.setdefault((report.unit, subject.id), _Pair())
                pair.note(_Compared(report.at_s, squared, reported_m, seen_m))

    def _end_match(self, unit: str) -> None:
        for (of, _), pair in self._pairs.items():
            if of == unit:
                pair.matched_since_s = None

    def _match(self, subjects: Sequence[SubjectState], newest_s: float) -> None:
        units = sorted(u for u, r in self._last.items() if newest_s - r.at_s <= EXPIRES_S)
        ids = [subject.id for subject in subjects]
        agreement = np.zeros((len(units), len(ids)))
        cost = np.full((len(units), len(ids)), _IMPOSSIBLE)
        for i, unit in enumerate(units):
            for j, subject in enumerate(ids):
                pair = self._pairs.get((unit, subject))
                if pair is None:
                    continue
                agreement[i, j] = pair.agreement
                if pair.may_match(_sigma_m(self._last[unit])):
                    held = pair.matched_since_s is not None
                    cost[i, j] = pair.mean_squared * (_HELD_DISCOUNT if held else 1.0)
        rows, columns = linear_sum_assignment(cost)
        chosen = {(int(i), int(j)) for i, j in zip(rows, columns, strict=True)}
        chosen = {(i, j) for i, j in chosen if cost[i, j] < _IMPOSSIBLE}
        taken = {j for _, j in chosen}
        matched = {}
        for i, j in sorted(chosen):
            key = (units[i], ids[j])
            since_s = self._pairs[key].matched_since_s
            alone = all(k in taken or agreement[i, k] < _RIVAL for k in range(len(ids)))
            if since_s is not None or alone:
                matched[key] = newest_s if since_s is None else since_s
        for key, pair in self._pairs.items():
            pair.matched_since_s = matched.get(key)


def _sigma_m(report: FriendlyReport) -> float:
    """Standard deviation of a reported place, metres."""
    return report.accuracy_m / _SIGMA_OF_RADIUS


def _extent_m(places_m: NDArray[np.float64]) -> float:
    """How far apart the two ends of a way's longer side lie, metres."""
    return float(np.hypot(*np.ptp(places_m, axis=0)))
