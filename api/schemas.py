"""What the location API says, field by field. Names here are stable: add more, rename none.

Every message carries `schema_version`, `sequence` (its number in the incident, the id of its
server-sent event), the incident's id, the exercise flag and, where frames stand behind it, the
times of every stage. Places are given twice: as GeoJSON in WGS84 (RFC 7946: longitude, latitude)
for maps, and in `site_m`, metres on the site's plan (x right, y up), which is what was measured.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from calibration.answer import SubjectStatus, Visibility
from calibration.inputs import MarkKind
from calibration.next_cameras import CameraSight

from .agreements import Channel
from .grant_rules import IncidentKind
from .runs import CameraPhase

SCHEMA_VERSION: Literal[1] = 1

Position = tuple[float, float]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Metres = Annotated[float, Field(ge=0.0)]
IncidentState = Literal["open", "closed"]
TargetKind = Literal["site", "drill"]


class Message(BaseModel):
    """Root of all models here: immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Point(Message):
    """A GeoJSON Point geometry."""

    type: Literal["Point"] = "Point"
    coordinates: Position


class LineString(Message):
    """A GeoJSON LineString geometry."""

    type: Literal["LineString"] = "LineString"
    coordinates: Annotated[tuple[Position, ...], Field(min_length=2)]


class LevelProperties(Message):
    """Which floor a feature lies on."""

    level: str = Field(description="Level id of the site's plan.")


class PointFeature(Message):
    """A place, as a GeoJSON Feature: `geometry` in WGS84, `site_m` in metres on the plan."""

    type: Literal["Feature"] = "Feature"
    geometry: Point = Field(description="WGS84, [longitude, latitude] in degrees.")
    site_m: Point = Field(description="The same in site metres, [x right, y up].")
    properties: LevelProperties


class LineFeature(Message):
    """A way, as a GeoJSON Feature: `geometry` in WGS84, `site_m` in metres on the plan."""

    type: Literal["Feature"] = "Feature"
    geometry: LineString = Field(description="WGS84, [longitude, latitude] in degrees.")
    site_m: LineString = Field(description="The same in site metres, [x right, y up].")
    properties: LevelProperties


class Outdoors(Message):
    """A place outside, on no level."""

    geometry: Point = Field(description="WGS84, [longitude, latitude] in degrees.")
    site_m: Point = Field(description="The same in site metres, [x right, y up].")


class StageTimes(Message):
    """When each stage of the newest frame behind the message ended; null where it has not run."""

    captured: datetime
    decoded: datetime | None
    detected: datetime | None
    placed: datetime | None
    published: datetime


class Named(Message):
    """An id and the name people use for it."""

    id: str
    name: str


class Uncertainty(Message):
    """How far off the place may be, now."""

    ce95_m: Metres = Field(description="Radius that holds the subject with 95 %, metres.")
    cov_m2: tuple[Position, Position] = Field(
        description="Covariance of `site_m`, square metres: [[xx, xy], [yx, yy]]."
    )


class Evidence(Message):
    """The clearest picture of the weapon in a subject's hands, for a person to judge."""

    camera: str = Field(description="Camera id.")
    captured_at: datetime
    score: Probability = Field(description="Of the weapon's box. A score, not a probability.")
    weapon_box: tuple[float, float, float, float] = Field(
        description="Left, top, right, bottom of the weapon, shares of the picture's sides."
    )
    picture: str = Field(description="Path of the JPEG; there until the incident is closed.")


class HeldMark(Message):
    """What a person said of a subject and what holds now."""

    number: Annotated[int, Field(ge=1)] = Field(description="Number of the mark in its incident.")
    mark: MarkKind
    at: datetime = Field(description="When it was said.")
    role: str = Field(description="Role of whoever said it.")


class SpaceShare(Message):
    """How likely an unseen subject is in one space now."""

    space: Named | None = Field(description="Null for floor outside every space.")
    level: str | None = Field(description="Level id.")
    probability: Probability
    in_area95: bool = Field(description="Whether the 95 % area reaches into it.")


class LevelShare(Message):
    """How likely an unseen subject is on one level now."""

    level: Named
    probability: Probability
    area50_m2: Metres = Field(description="Part of the 50 % area on this level, square metres.")
    area95_m2: Metres = Field(description="The same of the 95 % area.")


class SearchArea(Message):
    """Where a subject that no camera sees can be now."""

    at: datetime = Field(description="The moment it speaks of.")
    spaces: tuple[SpaceShare, ...] = Field(description="Most likely first.")
    levels: tuple[LevelShare, ...] = Field(description="Most likely first.")
    left_building: Probability = Field(description="That the subject has left the building.")
    area50_m2: Metres = Field(description="Smallest area that holds it with 50 %, square metres.")
    area95_m2: Metres = Field(description="The same with 95 %.")


class Subject(Message):
    """One body on the floor and how likely it is to be the intruder."""

    id: str = Field(description='Stable for the incident, e.g. "S3".')
    rank: Annotated[int, Field(ge=1)] = Field(
        description="Place in the list; 1 is the one to go for first. See `status`."
    )
    probability: Probability = Field(description="That this subject is the intruder.")
    armed_probability: Probability = Field(description="Of being armed, from the looks so far.")
    position: PointFeature = Field(description="Last seen place.")
    uncertainty: Uncertainty
    space: Named | None = Field(description="Room or corridor; null outside every space.")
    level: Named
    seen_at: datetime = Field(description="Capture time of the last sighting.")
    age_s: float = Field(description="Seconds from the last sighting to `at`.")
    visibility: Visibility
    cameras: tuple[str, ...] = Field(description="Cameras of the last sighting.")
    reasons: tuple[str, ...] = Field(description="The rank in words.")
    plain_reasons: tuple[str, ...] = Field(default=(), description="The same, naming no camera.")
    evidence: Evidence | None = Field(
        default=None, description="Why they may be armed, to look at; null where no look was clear."
    )
    trail: LineFeature | None = Field(description="Recent places, oldest first.")
    status: SubjectStatus = Field(
        default="ranked", description="Those that are not ranked come last, and say why."
    )
    marks: tuple[HeldMark, ...] = Field(default=(), description="What people say of it.")
    unit: str = Field(default="", description="Unit that it is, by its reported positions.")
    look_again: bool = Field(
        default=False, description="It was ruled out, and seen with a weapon since."
    )
    search: SearchArea | None = Field(
        default=None, description="Where it can be now; null while a camera sees it."
    )
    grid: str | None = Field(
        default=None,
        description='Square of the plan\'s reference grid at `position`, e.g. "D7"; null outside.',
    )


class EntranceChoice(Message):
    """One numbered entrance as a way to the first subject."""

    door_number: str = Field(description="The number painted on the door.")
    name: str
    usable: bool = Field(description="False where it is blocked or out of service.")
    walk_m: Metres | None = Field(
        description="Walking distance along the plan, metres; null where it cannot be reached."
    )
    straight_m: Metres = Field(description="Straight-line distance, metres.")
    route: LineFeature | None = Field(description="The way on the first subject's level.")
    steps: tuple[str, ...] = Field(description="The route in words.")
    why_not: str = Field(description="Why a better door was preferred; empty for the first.")
    locked: bool = Field(default=False, description="Whether the door is kept locked.")
    expected_m: Metres | None = Field(
        default=None, description="Walk to be expected to where the subject can be now, metres."
    )
    worst_m: Metres | None = Field(
        default=None, description="Walk that is not exceeded with 90 %, metres."
    )
    approach_m: Metres | None = Field(
        default=None, description="Around the outside from where officers arrive; null if unknown."
    )
    in_sight: bool = Field(
        default=False, description="Whether the subject probably sees the door or the way in."
    )
    route_by_level: tuple[LineFeature, ...] = Field(
        default=(), description="The whole way from the door, a part for each level it is on."
    )


class CameraNow(Message):
    """One camera that matters now: it sees the first subject, or may soon."""

    id: str
    name: str
    sight: CameraSight = Field(
        description="`sees` the subject; `covers` its place without finding it; may be `next`."
    )
    chance: Probability = Field(
        description="Judged chance that it shows the subject within 10 s; it ranks, no more."
    )
    soonest_s: Annotated[float, Field(ge=0.0)] = Field(
        description="Seconds until the subject can be in its view at a run."
    )
    walk_s: Annotated[float, Field(ge=0.0)] | None = Field(
        description="The same at a walk; null where the view is too far away to say."
    )
    reason: str = Field(description="Why, in words.")


class IncidentMessage(Message):
    """Root of all messages of an incident."""

    schema_version: Literal[1] = SCHEMA_VERSION
    sequence: Annotated[int, Field(ge=0)] = Field(description="Number in the incident, from 1.")
    incident: str = Field(description="Incident id.")
    exercise: bool = Field(description="True in every message of an exercise.")
    published_at: datetime


class LastSeen(IncidentMessage):
    """The answer: where the intruder was last seen, ranked, and through which door."""

    at: datetime | None = Field(
        description="The moment the answer speaks of; null before the first frame."
    )
    times: StageTimes | None = Field(description="Of the newest frame in the answer.")
    text: str = Field(description="The answer in one line, fit to be read out by voice.")
    subjects: tuple[Subject, ...] = Field(description="Most likely intruder first.")
    entrances: tuple[EntranceChoice, ...] = Field(
        description="For the first subject, best door first; empty without subjects."
    )
    arrival: Outdoors | None = Field(
        default=None, description="Where officers arrive; null where nobody said."
    )
    cameras_now: tuple[CameraNow, ...] = Field(
        default=(),
        description="Cameras to look at for the first subject, the most important first.",
    )


class Entrances(IncidentMessage):
    """The doors for the first subject, best first."""

    at: datetime | None
    times: StageTimes | None
    subject: str | None = Field(description="Id of the first subject; null without one.")
    entrances: tuple[EntranceChoice, ...]


class Starved(Message):
    """A camera that is looked at less often than wanted: the workers are overloaded."""

    wanted_fps: float = Field(description="Looks a second that were wanted in the last seconds.")
    got_fps: float = Field(description="Looks a second that it got.")


class Camera(Message):
    """State of one camera's feed."""

    id: str
    name: str
    phase: CameraPhase
    reason: str = Field(description="Why it is in this phase; empty when all is well.")
    fps: float | None = Field(description="Pictures per second that arrive.")
    frames_in: Annotated[int, Field(ge=0)]
    frames_used: Annotated[int, Field(ge=0)]
    frames_dropped: Annotated[int, Field(ge=0)] = Field(
        description="Replaced by a newer frame before they were used."
    )
    last_frame_age_s: float | None = Field(description="Seconds; null before the first frame.")
    starved: Starved | None = Field(default=None, description="Null where it gets its looks.")
    stream: Literal["main", "sub"] | None = Field(
        default=None, description="Which of its two streams is read; null where it has one."
    )


class Cameras(IncidentMessage):
    """States of all cameras of an incident, and what is degraded."""

    cameras: tuple[Camera, ...]
    problems: tuple[str, ...] = Field(description="What is degraded now, a sentence each.")


class Target(Message):
    """The site or drill of an incident."""

    id: str
    kind: TargetKind
    name: str


class Clause(Message):
    """The clause of an agreement that a decision rests on."""

    id: str
    agreement: str = Field(description="Title of the agreement.")
    version: str
    sha256: str = Field(description="Hash of its terms.")


class Agency(Message):
    """An agency that responds, or has left."""

    name: str
    left_at: datetime | None = Field(description="Null while it is there.")


class Incident(IncidentMessage):
    """One incident and its grant."""

    state: IncidentState
    kind: IncidentKind
    target: Target
    emergency: str | None = Field(
        default=None, description="Class of the emergency; null without one."
    )
    channel: Channel = Field(default="console", description="How the request came in.")
    opened_by: str
    role: str = Field(default="", description="Role in the agreement of whoever opened it.")
    confirmed_by: str = Field(default="", description="The second person, where one was needed.")
    reason: str
    because: str = Field(default="", description="The decision in words.")
    clause: Clause | None = Field(default=None, description="Null where there is no agreement.")
    opened_at: datetime
    until: datetime = Field(description="When the grant ends by itself.")
    extensions: Annotated[int, Field(ge=0)] = Field(
        default=0, description="How often it was extended."
    )
    agencies: tuple[Agency, ...] = Field(
        default=(), description="Agencies that responded, in the order of their names."
    )
    closed_at: datetime | None
    closed_by: str | None
    closing_reason: str | None


class Snapshot(IncidentMessage):
    """Everything a reader needs to begin, or to begin again after it missed messages."""

    about: Incident
    last_seen: LastSeen
    cameras: Cameras


class Heartbeat(Message):
    """Nothing is new and the connection is alive."""

    schema_version: Literal[1] = SCHEMA_VERSION
    incident: str
    published_at: datetime


class IncidentList(Message):
    """All incidents of this server, newest first."""

    schema_version: Literal[1] = SCHEMA_VERSION
    incidents: tuple[Incident, ...]
