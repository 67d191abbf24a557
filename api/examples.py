"""Examples for the OpenAPI document, made by the code that makes the real messages."""

from __future__ import annotations

import json
from typing import Any

from calibration.answer import (
    Answer,
    EntranceOption,
    LevelShare,
    RankedSubject,
    SearchArea,
    SpaceShare,
    StageTimes,
)
from calibration.geodesy import Anchor, SiteFrame
from calibration.inputs import Mark
from calibration.next_cameras import CameraNow
from vision.evidence import EvidencePicture

from . import request_schemas, schemas, site_schemas
from .deltas import delta_message
from .grid_reference import grid_over
from .locations import (
    Envelope,
    Places,
    cameras_message,
    entrances_message,
    last_seen_message,
    utc,
)
from .problem_schemas import Problem
from .runs import CameraStatus

_AT_S = 1772442015.25  # 2026-03-02 09:00:15.25 UTC
_INCIDENT = "20260302-090000-9f3a61c2"
_PLACES = Places(
    SiteFrame(Anchor(-85.52, 39.05, 90.0)),
    {"L1": "Ground floor"},
    grid=grid_over(0.0, 0.0, 32.0, 18.0),
    camera_names={"cam-02": "Corridor east", "cam-03": "Room 104", "cam-04": "Gym"},
)

_ANSWER = Answer(
    at_s=_AT_S,
    subjects=(
        RankedSubject(
            subject="S3",
            rank=1,
            probability=0.94,
            armed_probability=0.97,
            level="L1",
            xy_m=(21.4, 8.2),
            cov_m2=((0.09, 0.01), (0.01, 0.06)),
            ce95_m=0.71,
            space="room-104",
            space_name="Room 104",
            seen_at_s=_AT_S - 0.4,
            age_s=0.4,
            visibility="in view",
            cameras=("cam-02", "cam-03"),
            reasons=("a handgun was seen in 9 of 11 looks", "in view of cam-02 and cam-03"),
            plain_reasons=("carries what looks like a weapon: 9 looks over 4 s", "in view now"),
            trail_m=((18.0, 5.1), (19.6, 6.3), (21.4, 8.2)),
            armed_tracks=(("cam-02", 7),),
            marks=(Mark("confirm", "S3", _AT_S - 12.0, 4, "dispatcher"),),
        ),
        RankedSubject(
            subject="S1",
            rank=2,
            probability=0.03,
            armed_probability=0.05,
            level="L1",
            xy_m=(4.0, 4.2),
            cov_m2=((1720.0, 0.0), (0.0, 1720.0)),
            ce95_m=82.7,
            space="corridor-west",
            space_name="Corridor west",
            seen_at_s=_AT_S - 41.0,
            age_s=41.0,
            visibility="out of view",
            cameras=("cam-01",),
            reasons=("no weapon seen in hand", "last seen by cam-01", "out of view for 41 s"),
            plain_reasons=("no weapon seen in hand", "out of view for 41 s"),
            trail_m=((2.0, 4.0), (4.0, 4.2)),
            search=SearchArea(
                at_s=_AT_S - 0.25,
                spaces=(
                    SpaceShare("corridor-west", "Corridor west", "L1", 0.62, in_area95=True),
                    SpaceShare("room-101", "Room 101", "L1", 0.29, in_area95=True),
                ),
                levels=(LevelShare("L1", 0.91, 34.0, 118.0),),
                left_building=0.09,
                area50_m2=34.0,
                area95_m2=118.0,
            ),
        ),
    ),
    entrances=(
        EntranceOption(
            door_number="3",
            name="East door",
            usable=True,
            walk_m=14.6,
            straight_m=11.2,
            route_m=((32.0, 4.0), (24.0, 4.0), (21.4, 8.2)),
            steps=("enter by door 3", "8 m straight on along the corridor", "right into Room 104"),
            why_not="",
            expected_m=14.6,
            worst_m=15.2,
            approach_m=40.5,
        ),
        EntranceOption(
            door_number="2",
            name="Gym door",
            usable=True,
            walk_m=38.9,
            straight_m=8.7,
            route_m=((20.0, 16.8), (2.0, 16.0), (2.0, 4.0), (21.4, 8.2)),
            steps=("enter by door 2", "through the gym", "left along the corridor"),
            why_not="closer in a straight line, but 24 m longer on foot",
        ),
    ),
    text="Confirmed intruder: in view now in Room 104 (±0.7 m); closest: Door 3, 40 m outside and "
    "15 m inside.",
    times=StageTimes(
        captured_s=_AT_S - 0.4,
        decoded_s=_AT_S - 0.38,
        detected_s=_AT_S - 0.1,
        placed_s=_AT_S - 0.05,
        published_s=_AT_S,
    ),
    arrival_m=(52.0, -6.0),
)


def _envelope(sequence: int) -> Envelope:
    return Envelope(sequence, _INCIDENT, exercise=True, published_s=_AT_S)


_PICTURE = EvidencePicture("cam-02", 7, _AT_S - 3.1, 0.88, (0.41, 0.46, 0.78, 0.58), b"")

_CAMERAS_NOW = (
    CameraNow("cam-02", "sees", 1.0, 0.0, 0.0, "in its picture now"),
    CameraNow("cam-03", "sees", 1.0, 0.0, 0.0, "in its picture now"),
    CameraNow("cam-04", "next", 0.53, 2.2, 4.7, "can walk in: 5 s at a walk, 2 s at a run"),
)

LAST_SEEN = last_seen_message(_ANSWER, _PLACES, _envelope(118), lambda _: _PICTURE, _CAMERAS_NOW)
ENTRANCES = entrances_message(LAST_SEEN)
CAMERAS = cameras_message(
    (
        CameraStatus("cam-02", "Corridor east", "live", "", 10.0, 152, 76, 76, 0.08),
        CameraStatus("cam-04", "Gym", "stalled", "no picture for 3.2 s", 0.0, 88, 44, 44, 3.2),
    ),
    ("camera Gym: stalled: no picture for 3.2 s",),
    _envelope(117),
)
INCIDENT = schemas.Incident(
    sequence=118,
    incident=_INCIDENT,
    exercise=True,
    published_at=utc(_AT_S),
    state="open",
    kind="exercise",
    target=schemas.Target(id="wing", kind="drill", name="School wing"),
    opened_by="Dispatcher 7",
    reason="Monthly drill",
    opened_at=utc(_AT_S - 15.25),
    until=utc(_AT_S - 15.25 + 3600.0),
    closed_at=None,
    closed_by=None,
    closing_reason=None,
)
PENDING = request_schemas.PendingRequest(
    request="3f9a61c25d0e47b1",
    target="north",
    kind="real",
    emergency="armed-person",
    opened_by="Watch 1",
    asked_by="watch-1",
    reason="Shots heard on the radio",
    because="refused: clause II.2 would allow it, but a second person has not confirmed it",
    until=utc(_AT_S + 600.0),
)
CLOSED_INCIDENT = INCIDENT.model_copy(
    update={
        "sequence": 640,
        "state": "closed",
        "closed_at": utc(_AT_S + 45.0),
        "closed_by": "run",
        "closing_reason": "the recordings have played to their end",
    }
)
SITE = site_schemas.Site(
    id="wing",
    kind="drill",
    name="School wing",
    description="An intruder enters by the west door.",
    address="",
    levels=(schemas.Named(id="L1", name="Ground floor"),),
    cameras=(schemas.Named(id="cam-02", name="Corridor east"),),
    open_incident=_INCIDENT,
)
PLAN: dict[str, Any] = {
    "type": "FeatureCollection",
    "lastseen": {
        "schema": 1,
        "coordinates": "site-metres",
        "bearing_deg": 90.0,
        "grid": {
            "left_top_m": [0.0, 20.0],
            "edge_m": 10.0,
            "columns": ["A", "B", "C", "D"],
            "rows": ["1", "2"],
        },
        "underlays": [],
    },
    "site": "wing",
    "features": [
        {
            "type": "Feature",
            "id": "room-104",
            "feature_type": "unit",
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [[18.0, 6.0], [26.0, 6.0], [26.0, 12.0], [18.0, 12.0], [18.0, 6.0]]
                ],
            },
            "properties": {"name": "Room 104", "category": "classroom", "level_id": "L1"},
        }
    ],
}
EVENTS = f"event: last-seen\ndata: {LAST_SEEN.model_dump_json()}\nid: {LAST_SEEN.sequence}\n\n"


def _a_moment_later(said: schemas.LastSeen) -> dict[str, Any]:
    after = said.model_dump(mode="json")
    after["sequence"] += 1
    after["published_at"] = after["at"] = "2026-03-02T09:00:15.450000Z"
    after["text"] = after["text"].replace("0.7 m", "0.6 m")
    first = after["subjects"][0]
    first["uncertainty"]["ce95_m"], first["age_s"] = 0.64, 0.2
    for shape, place in (("geometry", [-85.51975163, 39.05006854]), ("site_m", [21.5, 8.3])):
        first["position"][shape]["coordinates"] = place
        trail = first["trail"][shape]["coordinates"]
        first["trail"][shape]["coordinates"] = [*trail[1:], place]
    return after


_CHANGED = delta_message(LAST_SEEN.model_dump(mode="json"), _a_moment_later(LAST_SEEN)) or {}
DELTA_EVENTS = (
    f"event: last-seen-delta\ndata: {json.dumps(_CHANGED)}\nid: {_CHANGED['sequence']}\n\n"
)
EVENT_SCHEMA = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "id": {"type": "string", "description": "The message's `sequence`."},
        "retry": {"type": "integer", "minimum": 0},
    },
}


def json_example(
    example: schemas.Message | dict[str, Any],
    description: str,
    media_type: str = "application/json",
) -> dict[str, Any]:
    """Return the OpenAPI response object that shows `example`."""
    value = example.model_dump(mode="json") if isinstance(example, schemas.Message) else example
    return {"description": description, "content": {media_type: {"example": value}}}


def problem_example(status: int, slug: str, title: str, detail: str) -> dict[str, Any]:
    """Return the OpenAPI response object of one kind of problem."""
    problem = Problem(
        type=f"urn:lastseen:problem:{slug}",
        title=title,
        status=status,
        detail=detail,
        instance="/v1/incidents",
    )
    value = problem.model_dump(mode="json", exclude_none=True)
    return {
        "description": title,
        "content": {
            "application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": value,
            }
        },
    }


UNAUTHORIZED = problem_example(
    401,
    "unauthorized",
    "A valid token is needed",
    "send the header 'Authorization: Bearer <token>'",
)
FORBIDDEN = problem_example(
    403,
    "forbidden",
    "Your role does not go that far",
    "ivy is tactical, and this is for dispatcher",
)
NO_INCIDENT = problem_example(
    404, "incident-not-found", "No such incident", "there is no incident '2026' here"
)
NO_SITE = problem_example(
    404, "site-not-found", "No such site or drill", "this server was not started with 'north'"
)
INVALID = problem_example(
    422, "invalid-request", "The request is not valid", "body.opened_by: Field required"
)
