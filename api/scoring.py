"""From a recorded run of a drill and its truth to the figures of `report.json`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from .drill_print import drill_sha256
from .scoring_alarms import alarms_of
from .scoring_cameras import cameras_of
from .scoring_everybody import everybody
from .scoring_faults import faults_of
from .scoring_figures import EverybodyFigures, Figures, FinalAnswer, null_reasons
from .scoring_gaps import gaps_of
from .scoring_intruder import IntruderFigures, compare, doors_of, figures_of
from .scoring_latency import (
    histogram_edges_ms,
    histograms,
    percentiles,
    spans_ms,
    stage_ends_s,
)
from .scoring_moments import latency_by_moment, moments_of
from .scoring_people import (
    Following,
    armed_alerts,
    armed_calibration_error,
    false_armed_alerts,
    follow,
    poisson_rate,
    scenes,
)
from .scoring_timeline import timeline_of, top_subject, visible_to_cameras

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from calibration.entrances import EntranceRoutes
    from calibration.site import Site

    from .run_record import RunRecord
    from .scoring_faults import Faults, Placed
    from .scoring_intruder import Comparison, Doors
    from .scoring_timeline import Timeline, TopSubject
    from .truth import TruePath, Truth


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """What lies behind the figures, over time.

    Attributes:
        timeline: the moments and the answers in hand.
        top: the top-ranked subject at each.
        compared: the intruder beside it; None without truth of an intruder.
        spans_ms: measured milliseconds by span, one value a used frame.
        placed: all persons beside the subjects that stand for them; None without truth.
        people: the true paths of all persons.
    """

    timeline: Timeline
    top: TopSubject
    compared: Comparison | None
    spans_ms: Mapping[str, NDArray[np.float64]]
    placed: Placed | None = None
    people: tuple[TruePath, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """The figures of a run and the series behind them."""

    figures: Figures
    series: Series


def score(record: RunRecord, site: Site, truth: Truth | None) -> Score:
    """Return the figures of `record`, those that need a truth null where there is none.

    Args:
        record: the run.
        site: the site it played in.
        truth: what really happened; None where the drill does not know.
    """
    timeline = timeline_of(record, truth)
    top = top_subject(timeline)
    cameras = frozenset(record.frames) & frozenset(site.cameras)
    following = Following(None, None, None)
    of_intruder = IntruderFigures()
    of_all = EverybodyFigures()
    compared: Comparison | None = None
    doors: Doors | None = None
    faults: Faults | None = None
    false_alerts: int | None = None
    routes = _routes(site)
    if truth is not None:
        visible = visible_to_cameras(truth, site, cameras, timeline.t_s)
        seen = scenes(timeline, truth, visible)
        following = follow(seen)
        faults = faults_of(timeline, truth, seen)
        of_all = everybody(timeline, truth, visible, site.plan, routes)
        false_alerts = len(false_armed_alerts(record.answers, truth, record.start_s))
        if truth.intruder is not None:
            compared = compare(
                timeline, top, truth.intruder, visible[truth.intruder.person], site.plan
            )
            of_intruder = figures_of(timeline, top, compared, truth, routes)
            if routes is not None:
                placed_s = _since_start(timeline, of_intruder)["first_position"]
                doors = doors_of(timeline, top, compared, routes, placed_s)
        else:
            of_intruder = _as_of_nobody_special(of_all)
    ends_s = stage_ends_s(record)
    spans = spans_ms(ends_s)
    hours = len(record.frames) * record.duration_s / 3600
    of_cameras = cameras_of(record, truth, ends_s)
    figures = Figures(
        drill=record.drill,
        exercise=record.exercise,
        speed=record.speed,
        machine=dict(record.machine),
        versions=dict(record.versions),
        duration_s=record.duration_s,
        answer=_final_answer(record),
        time_to_first_position_s=of_intruder.first_position_s,
        time_to_first_correct_room_s=of_intruder.first_correct_room_s,
        time_to_first_armed_alert_s=of_intruder.first_armed_alert_s,
        since_start_s=_since_start(timeline, of_intruder),
        visible_s=of_intruder.visible_s,
        position_error_m=of_intruder.position_error_m,
        position_error_now_m=of_intruder.position_error_now_m,
        ce95_coverage=of_intruder.ce95_coverage,
        room_correct=of_intruder.room_correct,
        room_correct_at_capture=of_intruder.room_correct_at_capture,
        level_correct=of_intruder.level_correct,
        entrance_correct=of_intruder.entrance_correct,
        entrance_regret_m=of_intruder.entrance_regret_m,
        search_area_coverage=of_all.search_area_coverage,
        people=of_all,
        moda=following.moda,
        idf1=following.idf1,
        identity_switches=following.identity_switches,
        subjects=len({s.subject for answer in record.answers for s in answer.subjects}),
        most_in_view=max(
            (sum(s.visibility == "in view" for s in answer.subjects) for answer in record.answers),
            default=0,
        ),
        armed_alerts=len(armed_alerts(record.answers)),
        false_armed_alerts=false_alerts,
        false_armed_alerts_per_camera_hour=(
            poisson_rate(false_alerts, hours) if false_alerts is not None and hours > 0 else None
        ),
        armed_calibration_error=(
            armed_calibration_error(timeline, truth) if truth is not None else None
        ),
        camera_hours=hours,
        latency_ms={name: percentiles(values) for name, values in spans.items()},
        latency_histograms={
            "edges_ms": histogram_edges_ms().tolist(),
            "counts": histograms(spans),
        },
        frames={
            camera: {"in": counts.received, "used": counts.used, "dropped": counts.dropped}
            for camera, counts in record.frames.items()
        },
        cameras=of_cameras,
        gaps=gaps_of(record.log, of_cameras, record.start_s, record.duration_s),
        alarms=alarms_of(record.answers, truth, record.start_s, record.stills),
        false_positions=None if faults is None else faults.false_positions,
        switches=None if faults is None else faults.switches,
        timeline=moments_of(
            timeline,
            top,
            compared,
            doors,
            faults,
            latency_by_moment(ends_s, record.start_s, timeline.t_s),
        )
        | {"spaces": {space.id: space.name for space in site.plan.spaces if space.name}},
        drill_sha256=drill_sha256(site.folder),
        problems=record.problems,
        nulls={},
    )
    reasons = null_reasons(
        asdict(figures),
        truth=truth is not None,
        intruder=compared is not None,
        entrances=routes is not None,
    )
    series = Series(
        timeline,
        top,
        compared,
        spans,
        None if faults is None else faults.placed,
        () if truth is None else tuple(truth.people),
    )
    return Score(replace(figures, nulls=reasons), series)


def _as_of_nobody_special(of_all: EverybodyFigures) -> IntruderFigures:
    """The figures of the intruder in a drill that has none: those of all persons."""
    return IntruderFigures(
        position_error_m=of_all.position_error_m,
        ce95_coverage=of_all.ce95_coverage,
        room_correct=of_all.room_correct,
        level_correct=of_all.level_correct,
        entrance_correct=of_all.entrance_correct,
        entrance_regret_m=of_all.entrance_regret_m,
    )


def _routes(site: Site) -> EntranceRoutes | None:
    if not any(entrance.usable for entrance in site.plan.entrances):
        return None
    from calibration.entrances import EntranceRoutes  # noqa: PLC0415 - costly, often not needed

    return EntranceRoutes(site.plan)


def _since_start(timeline: Timeline, of_intruder: IntruderFigures) -> dict[str, float | None]:
    """The times of `Figures`, from the start of the drill; the first subject needs no truth."""
    begin_s = of_intruder.first_visible_s
    times_s = {
        "first_position": of_intruder.first_position_s,
        "first_correct_room": of_intruder.first_correct_room_s,
        "first_armed_alert": of_intruder.first_armed_alert_s,
    }
    first_subject_s = next(
        (
            float(t_s)
            for t_s, subject in zip(timeline.t_s, timeline.top, strict=True)
            if subject is not None
        ),
        None,
    )
    return {
        "first_subject": first_subject_s,
        "intruder_first_visible": begin_s,
        **{
            name: None if begin_s is None or since_s is None else round(begin_s + since_s, 3)
            for name, since_s in times_s.items()
        },
    }


def _final_answer(record: RunRecord) -> FinalAnswer:
    last = max(record.answers, key=lambda answer: answer.at_s, default=None)
    text = last.text if last is not None else "No answer was published."
    if last is None or not last.subjects:
        return FinalAnswer(None, None, None, None, None, None, None, None, None, None, text)
    subject = last.subjects[0]
    return FinalAnswer(
        subject=subject.subject,
        space=subject.space,
        space_name=subject.space_name or None,
        level=subject.level,
        xy_m=subject.xy_m,
        age_s=subject.age_s,
        ce95_m=subject.ce95_m,
        probability=subject.probability,
        armed_probability=subject.armed_probability,
        entrance=last.entrances[0].door_number if last.entrances else None,
        text=text,
    )
