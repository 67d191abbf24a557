"""The figures of `report.json`, and why one may be null."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from calibration.answer import XY

    from .scoring_alarms import Alarm
    from .scoring_cameras import CameraFigures
    from .scoring_faults import FalsePosition, Switch
    from .scoring_gaps import Gap


@dataclass(frozen=True, slots=True)
class FinalAnswer:
    """The answer that stood at the end of the run; None where it named no subject or door."""

    subject: str | None
    space: str | None
    space_name: str | None
    level: str | None
    xy_m: XY | None
    age_s: float | None
    ce95_m: float | None
    probability: float | None
    armed_probability: float | None
    entrance: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and 95th percentile, metres; None where nothing was measured."""

    median: float | None = None
    p95: float | None = None


NOT_MEASURED: Final = Spread()


@dataclass(frozen=True, slots=True)
class EverybodyFigures:
    """Figures over all persons and moments; None where nothing was to be measured.

    Attributes:
        position_error_m: of paired subjects, at the time of their sightings.
        ce95_coverage: share of paired moments at which the person was within the published 95 %
            radius, at the moment the answer speaks of.
        room_correct: share of visible moments inside a space at which the paired subject's space
            was the person's; without a subject it is wrong.
        level_correct: the same for the level.
        entrance_correct: share of visible moments at which the door nearest on foot to the paired
            subject's place is the nearest to the person.
        entrance_regret_m: how much farther the former is, on average over paired moments.
        search_area_coverage: share of moments out of view, after a first pairing, at which the
            95 % area of the subject last paired with the person reached into the person's space.
        unseen_s: how many person-seconds that was measured over.
    """

    position_error_m: Spread = NOT_MEASURED
    ce95_coverage: float | None = None
    room_correct: float | None = None
    level_correct: float | None = None
    entrance_correct: float | None = None
    entrance_regret_m: float | None = None
    search_area_coverage: float | None = None
    unseen_s: float | None = None


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of one span over all used frames, milliseconds; None where it was not measured."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """Events per hour and the exact 95 % interval of that rate, were they a Poisson process."""

    rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Figures:
    """All keys of `report.json`, in its order; rates are fractions of 1.

    None where the drill has no truth for a figure, or where what it measures never happened;
    `nulls` says which. What each figure means is written in `report_terms.DEFINITIONS`.
    """

    drill: str
    exercise: bool
    speed: str
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    duration_s: float
    answer: FinalAnswer
    time_to_first_position_s: float | None
    time_to_first_correct_room_s: float | None
    time_to_first_armed_alert_s: float | None
    since_start_s: Mapping[str, float | None]
    visible_s: float | None
    position_error_m: Spread
    position_error_now_m: Spread
    ce95_coverage: float | None
    room_correct: float | None
    room_correct_at_capture: float | None
    level_correct: float | None
    entrance_correct: float | None
    entrance_regret_m: float | None
    search_area_coverage: float | None
    people: EverybodyFigures
    moda: float | None
    idf1: float | None
    identity_switches: int | None
    subjects: int
    most_in_view: int
    armed_alerts: int
    false_armed_alerts: int | None
    false_armed_alerts_per_camera_hour: Rate | None
    armed_calibration_error: float | None
    camera_hours: float
    latency_ms: Mapping[str, Percentiles]
    latency_histograms: Mapping[str, Any]
    frames: Mapping[str, Mapping[str, int]]
    cameras: Mapping[str, CameraFigures]
    gaps: tuple[Gap, ...]
    alarms: tuple[Alarm, ...]
    false_positions: tuple[FalsePosition, ...] | None
    switches: tuple[Switch, ...] | None
    timeline: Mapping[str, Any]
    drill_sha256: str | None
    problems: tuple[str, ...]
    nulls: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Plain dictionaries, lists, numbers and texts."""
        return asdict(self)


_OF_PEOPLE: Final = (
    "search_area_coverage",
    "moda",
    "idf1",
    "identity_switches",
    "false_positions",
    "switches",
    "false_armed_alerts",
    "false_armed_alerts_per_camera_hour",
    "armed_calibration_error",
)
_OF_INTRUDER_ALONE: Final = (
    "time_to_first_position_s",
    "time_to_first_correct_room_s",
    "time_to_first_armed_alert_s",
    "visible_s",
    "position_error_now_m",
    "room_correct_at_capture",
)
_OF_INTRUDER_OR_ALL: Final = (
    "position_error_m",
    "ce95_coverage",
    "room_correct",
    "level_correct",
    "entrance_correct",
    "entrance_regret_m",
)
_NEVER: Final = {
    "time_to_first_position_s": "no subject was ever placed on the intruder",
    "time_to_first_correct_room_s": "the top-ranked subject was never in the intruder's space",
    "time_to_first_armed_alert_s": "nobody within a metre of the intruder was ever called armed",
    "position_error_m": "no subject was ranked while the intruder was visible",
    "position_error_now_m": "no subject was ranked while the intruder was visible",
    "ce95_coverage": "no subject was ranked while the intruder was there",
    "room_correct": "no camera could see the intruder inside a space of the plan",
    "room_correct_at_capture": "no camera could see the intruder inside a space of the plan",
    "level_correct": "no camera could see the intruder",
    "entrance_correct": "no door to compare, or the intruder was never placed",
    "entrance_regret_m": "no reachable door was ever recommended",
    "search_area_coverage": "nobody who had been seen was ever out of view inside a space",
    "moda": "no camera could see anybody",
    "idf1": "no camera could see anybody",
    "identity_switches": "no camera could see anybody",
    "false_armed_alerts_per_camera_hour": "no camera was watched",
    "armed_calibration_error": "no subject was ever in view",
}


def null_reasons(
    values: Mapping[str, Any], *, truth: bool, intruder: bool, entrances: bool
) -> dict[str, str]:
    """Return why each null figure of `values` is null, by key.

    Args:
        values: figures by key, as plain values.
        truth: whether the drill has a truth.
        intruder: whether there is an intruder in it.
        entrances: whether the plan has an entrance that can be used.
    """
    reasons: dict[str, str] = {}
    for key in (*_OF_PEOPLE, *_OF_INTRUDER_ALONE, *_OF_INTRUDER_OR_ALL):
        value = values[key]
        empty = isinstance(value, dict) and all(part is None for part in value.values())
        if value is not None and not empty:
            continue
        if not truth:
            reasons[key] = "the drill has no truth.csv"
        elif key in _OF_INTRUDER_ALONE and not intruder:
            reasons[key] = "there is no intruder in the truth of this drill"
        elif key.startswith("entrance_") and not entrances:
            reasons[key] = "the plan has no entrance in use"
        elif not intruder and key in _OF_INTRUDER_OR_ALL:
            reasons[key] = "no camera could see anybody"
        else:
            reasons[key] = _NEVER[key]
    if all(part["p50"] is None for part in values["latency_ms"].values()):
        reasons["latency_ms"] = (
            "the drill was played as fast as the machine could, which has no waiting to measure"
            if values["speed"] == "max"
            else "no frame was used"
        )
    return reasons
