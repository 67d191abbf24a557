"""`/v1/incidents/{incident_id}/…`: what an incident says and shows, to whom it may be shown."""
# ruff: noqa: FAST003 - `WatchedHere` reads the incident's id from the path

from __future__ import annotations

from typing import Annotated, Any, Union

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query, Response
from fastapi.responses import StreamingResponse

from . import examples, schemas
from .brief import brief
from .delta_schemas import CamerasDelta, LastSeenDelta
from .events import event_cursor
from .link_routes import JPEG, NO_PICTURE, NOT_RECORDED, picture_answer
from .locations import entrances_message
from .services import DOCUMENTED_BEARER, ServicesHere, WatchedHere
from .timeline_schemas import Timeline

router = APIRouter(
    prefix="/v1",
    tags=["incidents"],
    responses={401: examples.UNAUTHORIZED, 403: examples.FORBIDDEN},
)
_SIGNED_IN = [DOCUMENTED_BEARER]

_NO_INCIDENT: dict[int | str, dict[str, Any]] = {404: examples.NO_INCIDENT}


class EventStream(StreamingResponse):
    """Server-sent events that are bytes already, as they come."""

    media_type = "text/event-stream"


@router.get(
    "/incidents/{incident_id}/last-seen",
    dependencies=_SIGNED_IN,
    responses={200: examples.json_example(examples.LAST_SEEN, "The answer"), **_NO_INCIDENT},
)
def get_last_seen(
    watched: WatchedHere,
    short: Annotated[
        bool, Query(alias="brief", description="Only the first subject and the best door.")
    ] = False,
) -> schemas.LastSeen:
    """Return where the intruder was last seen, ranked, and through which door.

    With `brief=true` it is some 2 kB: the first ranked subject without its trail, reasons and
    search area, and the best door.
    """
    said = watched.incident.last_seen(watched.viewing)
    return brief(said) if short else said


@router.get(
    "/incidents/{incident_id}/entrances",
    dependencies=_SIGNED_IN,
    responses={200: examples.json_example(examples.ENTRANCES, "The doors"), **_NO_INCIDENT},
)
def get_entrances(watched: WatchedHere) -> schemas.Entrances:
    """Return the doors for the first subject, best first."""
    return entrances_message(watched.incident.last_seen(watched.viewing))


@router.get(
    "/incidents/{incident_id}/cameras",
    dependencies=_SIGNED_IN,
    responses={200: examples.json_example(examples.CAMERAS, "The cameras"), **_NO_INCIDENT},
)
def get_cameras(watched: WatchedHere) -> schemas.Cameras:
    """Return the state of every camera and what is degraded.

    Who may not be told the cameras is told whether something is degraded, and no more.
    """
    return watched.incident.cameras(watched.viewing)


@router.get(
    "/incidents/{incident_id}/evidence/{camera}/{track}",
    dependencies=_SIGNED_IN,
    response_class=Response,
    responses={200: JPEG, 404: NO_PICTURE, 503: NOT_RECORDED},
)
def get_evidence(
    watched: WatchedHere,
    services: ServicesHere,
    camera: Annotated[str, Path(description="Camera id.", max_length=64)],
    track: Annotated[int, Path(description="Track of that camera.", ge=0, le=2**53)],
) -> Response:
    """Return the clearest picture of the weapon of one track, as `evidence.picture` names it.

    That it was shown, and to whom, is in the audit. It is there while the incident is open.
    """
    return picture_answer(services, watched, camera, track)


def _cursor(
    watched: WatchedHere,
    last_event_id: Annotated[
        str | None, Header(description="Number of the last message you have.")
    ] = None,
) -> int | None:
    cursor = event_cursor(last_event_id)
    if not watched.incident.open and cursor == watched.incident.events.last_id:
        # 204 tells an EventSource that there is nothing to come back for.
        raise HTTPException(204)
    return cursor


_EVENTS = Union[  # noqa: UP007 - FastAPI makes a schema of it when it runs
    schemas.Snapshot,
    schemas.LastSeen,
    LastSeenDelta,
    schemas.Cameras,
    CamerasDelta,
    schemas.Incident,
    Timeline,
    schemas.Heartbeat,
]


@router.get(
    "/incidents/{incident_id}/events",
    dependencies=_SIGNED_IN,
    response_class=EventStream,
    responses={
        200: {
            "model": _EVENTS,
            "description": (
                "Server-sent events; `data` of each is one of the messages in the schema: "
                "`snapshot` (Snapshot; the first to a new reader, and to one that missed more than "
                "the server keeps), `last-seen` (LastSeen), `cameras` (Cameras), `incident` "
                "(Incident), `timeline` (Timeline), `closed` (Incident; the last, the stream ends "
                "after it) and, without an id, `heartbeat` (Heartbeat). With `deltas=true` also "
                "`last-seen-delta` (LastSeenDelta) and `cameras-delta` (CamerasDelta), which hold "
                "what changed against the message before."
            ),
            "content": {
                "text/event-stream": {
                    # Text is what is sent; the schema tells of what can be read in it.
                    "schema": {"type": "object", "title": "The `data` of an event"},
                    "itemSchema": examples.EVENT_SCHEMA,
                    "example": examples.EVENTS + examples.DELTA_EVENTS,
                }
            },
        },
        204: {"description": "The incident is closed and you have its last message."},
        **_NO_INCIDENT,
    },
)
async def follow_events(
    watched: WatchedHere,
    services: ServicesHere,
    cursor: Annotated[int | None, Depends(_cursor)],
    deltas: Annotated[
        bool, Query(description="Send what changed in place of full messages, where it can be.")
    ] = False,
) -> EventStream:
    """Follow an incident. Send `Last-Event-ID` to go on where you were.

    The stream ends with the session or token that it was opened by.
    """
    return EventStream(
        watched.incident.follow(
            watched.viewing, cursor, deltas=deltas, heartbeat_s=services.heartbeat_s
        ),
        # So that proxies pass on each event at once.
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )
