"""`/v1/incidents/{incident_id}/…`: what an incident says and shows, to whom it may be shown."""
# ruff: noqa: FAST003 - `WatchedHere` reads the incident's id from the path

from __future__ import annotations

from collections.abc import AsyncIterator  # noqa: TC003 - FastAPI reads the annotation
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field

from . import examples, schemas
from .errors import ProblemError
from .events import event_cursor
from .links import PictureLink, still_good_for
from .locations import entrances_message, utc
from .services import DOCUMENTED_BEARER, Services, ServicesHere, Watched, WatchedHere

router = APIRouter(
    prefix="/v1",
    tags=["incidents"],
    responses={401: examples.UNAUTHORIZED, 403: examples.FORBIDDEN},
)
_SIGNED_IN = [DOCUMENTED_BEARER]

_NO_INCIDENT: dict[int | str, dict[str, Any]] = {404: examples.NO_INCIDENT}
_AFTER_CLOSED_RETRY_MS = 3_600_000
_JPEG: dict[str, Any] = {
    "description": "The picture as it was filmed, nothing drawn on it.",
    "content": {
        "image/jpeg": {
            "schema": {"type": "string", "format": "binary"},
            "example": "the bytes of a JPEG file",
        }
    },
}
_NO_PICTURE = examples.problem_example(
    404, "no-picture", "No such picture", "there is no clear look at a weapon of this track"
)
_NOT_RECORDED = examples.problem_example(
    503, "audit-unavailable", "The audit cannot be written", "nothing is shown"
)


class WantedLink(BaseModel):
    """Which picture a link is wanted to."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"camera": "c2", "track": 7}]}
    )

    camera: Annotated[str, Field(min_length=1, max_length=64)] = Field(description="Camera id.")
    track: Annotated[int, Field(ge=0, le=2**53)] = Field(description="Track of that camera.")


class Link(schemas.Message):
    """A short-lived address, good for one viewer, one incident and one picture."""

    path: str
    expires_at: str


@router.get(
    "/incidents/{incident_id}/last-seen",
    dependencies=_SIGNED_IN,
    responses={200: examples.json_example(examples.LAST_SEEN, "The answer"), **_NO_INCIDENT},
)
def get_last_seen(watched: WatchedHere) -> schemas.LastSeen:
    """Return where the intruder was last seen, ranked, and through which door."""
    return watched.incident.last_seen(watched.viewing)


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
    responses={200: _JPEG, 404: _NO_PICTURE, 503: _NOT_RECORDED},
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
    return _picture(services, watched, camera, track)


@router.post(
    "/incidents/{incident_id}/links",
    dependencies=_SIGNED_IN,
    status_code=201,
    responses={
        201: examples.json_example(
            Link(path="/v1/links/eyJhbGciOi…", expires_at="2026-03-02T09:16:15+00:00"),
            "An address that needs no token, for a minute",
        ),
        **_NO_INCIDENT,
        422: examples.INVALID,
    },
)
def make_link(watched: WatchedHere, services: ServicesHere, wanted: WantedLink) -> Link:
    """Make a short-lived address of one picture, for programs that can send no header.

    It is this viewer's, for this incident: whatever is shown by it is recorded as shown to them.
    """
    until_s, link = services.links.make(
        PictureLink(watched.incident.id, wanted.camera, wanted.track),
        watched.viewing.actor,
        services.clock(),
    )
    return Link(path=f"/v1/links/{link}", expires_at=utc(until_s).isoformat())


@router.get(
    "/links/{link}",
    response_class=Response,
    responses={200: _JPEG, 404: _NO_PICTURE, 503: _NOT_RECORDED},
)
def follow_link(
    services: ServicesHere,
    link: Annotated[str, Path(description="What was made for this viewer.", max_length=2000)],
) -> Response:
    """Return what a link leads to; without a token, until it lapses or the incident closes.

    Where the account that it was made for is disabled or was changed since, it is good no more.
    """
    now_s = services.clock()
    what, named = services.links.read(link, now_s)
    actor = still_good_for(named, services.accounts)
    incident = services.incidents.get(what.incident)
    if incident is None:
        raise ProblemError(404, "no-picture", "No such picture", "its incident is not here")
    viewing = services.viewers.admit(incident.grant, actor=actor, now_s=now_s)
    return _picture(services, Watched(incident, viewing), what.camera, what.track)


def _picture(services: Services, watched: Watched, camera: str, track: int) -> Response:
    picture = watched.incident.picture(watched.viewing, (camera, track))
    if picture is None:
        raise ProblemError(
            404,
            "no-picture",
            "No such picture",
            f"there is no clear look at a weapon of track {track} of {camera}, or not any more",
        )
    services.viewers.show(
        watched.viewing,
        picture.camera,
        f"evidence of track {picture.track_id} at {picture.captured_at_s:.3f}",
        now_s=services.clock(),
    )
    return Response(picture.jpeg, media_type="image/jpeg")


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


@router.get(
    "/incidents/{incident_id}/events",
    dependencies=_SIGNED_IN,
    response_class=EventSourceResponse,
    responses={
        200: {
            "description": (
                "Server-sent events: `snapshot` (Snapshot; the first to a new reader, and to one "
                "that missed more than the server keeps), `last-seen` (LastSeen), `cameras` "
                "(Cameras), `incident` (Incident), `closed` (Incident; the last, the stream ends "
                "after it) and, without an id, `heartbeat` (Heartbeat)."
            ),
            "content": {"text/event-stream": {"example": examples.EVENTS}},
        },
        204: {"description": "The incident is closed and you have its last message."},
        **_NO_INCIDENT,
    },
)
async def follow_events(
    watched: WatchedHere,
    services: ServicesHere,
    cursor: Annotated[int | None, Depends(_cursor)],
) -> AsyncIterator[ServerSentEvent]:
    """Follow an incident. Send `Last-Event-ID` to go on where you were.

    The stream ends with the session or token that it was opened by.
    """
    incident = watched.incident

    def heartbeat() -> str:
        return schemas.Heartbeat(
            incident=incident.id, published_at=utc(services.clock())
        ).model_dump_json()

    async for event in incident.follow(
        watched.viewing, cursor, heartbeat_s=services.heartbeat_s, heartbeat=heartbeat
    ):
        yield ServerSentEvent(
            raw_data=event.data,
            event=event.name,
            id=None if event.id is None else str(event.id),
            retry=_AFTER_CLOSED_RETRY_MS if event.name == "closed" else None,
        )
