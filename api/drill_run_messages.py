"""Runs of drills as the API tells of them, and examples for its document."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

from . import drill_run_schemas as schemas
from .drill_run_files import KeptRun, MainFigures, purge_at_s
from .drill_run_process import Played
from .drill_runs import DrillFacts, PlayingRun
from .locations import utc

if TYPE_CHECKING:
    from .targets import Target

_BEGAN_S = 1772442015.0


def run_message(kept: KeptRun, days: float) -> schemas.DrillRun:
    """Return a run that is over, kept for so many days."""
    return schemas.DrillRun(
        run=kept.run,
        drill=kept.drill,
        began_at=utc(kept.began_s),
        ended_at=utc(kept.ended_s),
        purge_at=utc(purge_at_s(kept, days)),
        by=kept.by,
        speed=kept.speed,
        duration_s=kept.duration_s,
        processor=kept.processor,
        detector=kept.detector,
        version=kept.version,
        text=kept.text,
        figures=schemas.RunFigures(**asdict(kept.figures)),
    )


def playing_message(playing: PlayingRun) -> schemas.PlayingRun:
    """Return a run that plays or came to nothing."""
    state: Literal["playing", "writing", "failed"] = "playing"
    if playing.failed:
        state = "failed"
    elif playing.played.writing:
        state = "writing"
    return schemas.PlayingRun(
        run=playing.run,
        drill=playing.drill,
        state=state,
        by=playing.by,
        speed=playing.speed,
        began_at=utc(playing.began_s),
        t_s=max(playing.played.t_s, 0.0),
        duration_s=playing.duration_s,
        text=playing.played.text,
        problems=playing.played.problems,
        why=playing.failed,
    )


def drill_message(
    target: Target,
    facts: DrillFacts,
    runs: tuple[KeptRun, ...],
    days: float,
    playing: PlayingRun | None,
    failed: PlayingRun | None,
) -> schemas.Drill:
    """Return a drill with what is known of its runs."""
    return schemas.Drill(
        id=target.id,
        name=target.name,
        description=target.description,
        site=target.site.name,
        duration_s=facts.duration_s,
        cameras=facts.cameras,
        truth=facts.truth,
        runs=len(runs),
        last=run_message(runs[0], days) if runs else None,
        playing=None if playing is None else playing_message(playing),
        failed=None if failed is None else playing_message(failed),
    )


_KEPT = KeptRun(
    run="20260302-090015-9f3a61c2",
    drill="wing",
    began_s=_BEGAN_S,
    ended_s=_BEGAN_S + 71.0,
    by="Ana Lyst",
    speed="realtime",
    duration_s=60.0,
    processor="AMD EPYC 7763",
    detector="OpenVINO",
    version="0.1.0",
    text="In view now in North corridor (±0.4 m); closest: Door 4, 19 m on foot.",
    figures=MainFigures(0.942, 0.995, 0.09, 0.25, 0.8, 1, 0, 5, 0.708, 252.0),
)
_PLAYING = PlayingRun(
    run="20260302-091200-77ab01d4",
    drill="wing",
    by="Ana Lyst",
    speed="max",
    began_s=_BEGAN_S + 700.0,
    duration_s=60.0,
    played=Played(22.4, "In view now in Main corridor; closest: Door 1, 28 m on foot."),
)
RUN = run_message(_KEPT, 90.0)
PLAYING = playing_message(_PLAYING)
DRILL = schemas.Drill(
    id="wing",
    name="Rifle in the school wing",
    description="An intruder with a rifle walks through a wing.",
    site="Cedar Hollow School",
    duration_s=60.0,
    cameras=6,
    truth=True,
    runs=1,
    last=RUN,
    playing=PLAYING,
    failed=None,
)
"""Examples."""
