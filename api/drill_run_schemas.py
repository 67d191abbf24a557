"""What the API says of drills and of their runs. Names are stable, see `api.schemas`."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotation
from typing import Annotated, Literal

from pydantic import Field

from .schemas import SCHEMA_VERSION, Message

RunSpeed = Literal["realtime", "max"]
_Seconds = Annotated[float, Field(ge=0)]


class StartRun(Message):
    """How a drill is to be played."""

    speed: RunSpeed = Field(
        default="max",
        description="`realtime` as if live, latency is measured; `max` every frame, no waiting.",
    )


class RunFigures(Message):
    """The main figures of a run, by the names of `report.json`; null as there."""

    room_correct: float | None
    entrance_correct: float | None
    position_error_median_m: float | None
    position_error_p95_m: float | None
    time_to_first_armed_alert_s: float | None
    armed_alerts: int | None
    false_armed_alerts: int | None
    identity_switches: int | None
    moda: float | None
    capture_to_published_p95_ms: float | None


class DrillRun(Message):
    """One run of a drill that is over and kept."""

    run: str = Field(description="Id of the run.")
    drill: str = Field(description="Id of the drill.")
    began_at: datetime
    ended_at: datetime
    purge_at: datetime = Field(description="When it is deleted.")
    by: str = Field(description='Who ran it; "" for a report of the command line.')
    speed: str
    duration_s: _Seconds
    processor: str
    detector: str
    version: str = Field(description="Version of lastseen.")
    text: str = Field(description="Its last answer.")
    figures: RunFigures


class PlayingRun(Message):
    """The run that is being played, or the last one of a drill that came to nothing."""

    run: str
    drill: str
    state: Literal["playing", "writing", "failed"] = Field(
        description="`writing`: all is played and the report is being written."
    )
    by: str
    speed: RunSpeed
    began_at: datetime
    t_s: _Seconds = Field(description="How far it has come, seconds from the drill's start.")
    duration_s: _Seconds
    text: str = Field(description='The newest answer; "" before the first.')
    problems: tuple[str, ...]
    why: str = Field(description='Why it came to nothing; "" while it plays.')


class Drill(Message):
    """One drill that this server was started with."""

    id: str
    name: str
    description: str
    site: str = Field(description="Name of its site.")
    duration_s: _Seconds
    cameras: int = Field(description="How many recordings it has.", ge=0)
    truth: bool = Field(description="Whether it knows what really happened.")
    runs: int = Field(description="How many runs of it are kept.", ge=0)
    last: DrillRun | None = Field(description="The newest of them.")
    playing: PlayingRun | None
    failed: PlayingRun | None = Field(description="Its last run, where that came to nothing.")


class DrillList(Message):
    """All drills that this server was started with."""

    schema_version: Literal[1] = SCHEMA_VERSION
    drills: tuple[Drill, ...]
    playing: PlayingRun | None = Field(description="The run that is being played, of any drill.")


class DrillRunList(Message):
    """The runs of one drill, newest first."""

    schema_version: Literal[1] = SCHEMA_VERSION
    drill: Drill
    runs: tuple[DrillRun, ...]
