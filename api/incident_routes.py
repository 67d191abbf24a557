"""`/v1/incidents`: open, follow and close."""
# ruff: noqa: FAST003 - `IncidentHere` reads the incident's id from the path

from __future__ import annotations

from collections.abc import AsyncIterator  # noqa: TC003 - FastAPI reads the annotation
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from . import examples, schemas
from .errors import ProblemError
from .events import event_cursor
from .gate import Activation
from .locations import entrances_message, utc
from .services import DOCUMENTED_BEARER, IncidentHere, ServicesHere, target_or_404

router = APIRouter(
    prefix="/v1/incidents",
    tags=["incidents"],
    dependencies=[DOCUMENTED_BEARER],
    responses={401: examples.UNAUTHORIZED, 422: examples.INVALID},
)

_NO_INCIDENT: dict[int | str, dict[str, Any]] = {404: examples.NO_INCIDENT}
_AFTER_CLOSED_RETRY_MS = 3_600_000


@router.post(
    "",
    status_code=201,
    responses={
        201: examples.json_example(examples.INCIDENT, "The incident is open and playing"),
        403: examples.problem_example(
            403,
            "not-permitted",
            "The gate does not permit this",
            "real incidents need an agreement between the district and the agency",
        ),
        404: examples.NO_SITE,
        409: examples.problem_example(
            409, "incident-already-open", "An incident is open here already", "follow or close it"
        ),
        503: examples.problem_example(
            503, "audit-unavailable", "The audit cannot be written", "nothing was opened"
        ),
    },
)
def open_incident(
    request: schemas.OpenIncident, services: ServicesHere, response: Response
) -> schemas.Incident:
    """Open an exercise on a site or drill that this server was started with."""
    wanted = request.drill if request.drill is not None else request.site
    target = target_or_404(services, wanted or "")
    named_kind = "drill" if request.drill is not None else "site"
    if target.kind != named_kind:
        raise ProblemError(
            404,
            "site-not-found",
            "No such site or drill",
            f'{target.id!r} is a {target.kind}: ask for it as {{"{target.kind}": "{target.id}"}}',
        )
    activation = Activation(request.kind, target.id, request.opened_by, request.reason)
    incident = services.incidents.open(activation, target)
    response.headers["Location"] = f"/v1/incidents/{incident.id}"
    return incident.message()


@router.get(
    "",
    responses={
        200: examples.json_example(
            schemas.IncidentList(incidents=(examples.INCIDENT,)), "All incidents, newest first"
        )
    },
)
def list_incidents(services: ServicesHere) -> schemas.IncidentList:
    """List all incidents of this server, newest first."""
    return schemas.IncidentList(
        incidents=tuple(incident.message() for incident in services.incidents)
    )


@router.get(
    "/{incident_id}",
    responses={200: examples.json_example(examples.INCIDENT, "The incident"), **_NO_INCIDENT},
)
def get_incident(incident: IncidentHere) -> schemas.Incident:
    """Return one incident and its grant."""
    return incident.message()


@router.delete(
    "/{incident_id}",
    responses={
        200: examples.json_example(examples.CLOSED_INCIDENT, "The incident is closed"),
        **_NO_INCIDENT,
    },
)
def close_incident(
    incident: IncidentHere,
    services: ServicesHere,
    closed_by: Annotated[
        str, Query(description="Who closes it.", min_length=1, max_length=200)
    ] = "location API",
) -> schemas.Incident:
    """Close the incident: its feeds and workers are gone when this returns. May be repeated.

    What was published stays readable.
    """
    services.incidents.close(incident, closed_by=closed_by, reason="closed by request")
    return incident.message()


@router.get(
    "/{incident_id}/last-seen",
    responses={200: examples.json_example(examples.LAST_SEEN, "The answer"), **_NO_INCIDENT},
)
def get_last_seen(incident: IncidentHere) -> schemas.LastSeen:
    """Return where the intruder was last seen, ranked, and through which door."""
    return incident.last_seen()


@router.get(
    "/{incident_id}/entrances",
    responses={200: examples.json_example(examples.ENTRANCES, "The doors"), **_NO_INCIDENT},
)
def get_entrances(incident: IncidentHere) -> schemas.Entrances:
    """Return the doors for the first subject, best first."""
    return entrances_message(incident.last_seen())


@router.get(
    "/{incident_id}/cameras",
    responses={200: examples.json_example(examples.CAMERAS, "The cameras"), **_NO_INCIDENT},
)
def get_cameras(incident: IncidentHere) -> schemas.Cameras:
    """Return the state of every camera and what is degraded."""
    return incident.cameras()


@router.get(
    "/{incident_id}/evidence/{camera}/{track}",
    response_class=Response,
    responses={
        200: {
            "description": "The picture as it was filmed, nothing drawn on it.",
            "content": {
                "image/jpeg": {
                    "schema": {"type": "string", "format": "binary"},
                    "example": "the bytes of a JPEG file",
                }
            },
        },
        404: examples.problem_example(
            404, "no-picture", "No such picture", "there is no clear look at a weapon of this track"
        ),
        503: examples.problem_example(
            503, "audit-unavailable", "The audit cannot be written", "nothing is shown"
        ),
    },
)
def get_evidence(
    incident: IncidentHere,
    services: ServicesHere,
    camera: Annotated[str, Path(description="Camera id.", max_length=64)],
    track: Annotated[int, Path(description="Track of that camera.", ge=0)],
) -> Response:
    """Return the clearest picture of the weapon of one track, as `evidence.picture` names it.

    That it was shown is in the audit. It is there while the incident is open, and not after.
    """
    picture = services.incidents.show_picture(incident, (camera, track))
    if picture is None:
        raise ProblemError(
            404,
            "no-picture",
            "No such picture",
            f"there is no clear look at a weapon of track {track} of {camera}, or not any more",
        )
    return Response(picture.jpeg, media_type="image/jpeg")


def _cursor(
    incident: IncidentHere,
    last_event_id: Annotated[
        str | None, Header(description="Number of the last message you have.")
    ] = None,
) -> int | None:
    cursor = event_cursor(last_event_id)
    if incident.events.closed and cursor == incident.events.last_id:
        # 204 tells an EventSource that there is nothing to come back for.
        raise HTTPException(204)
    return cursor


@router.get(
    "/{incident_id}/events",
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
    incident: IncidentHere,
    services: ServicesHere,
    cursor: Annotated[int | None, Depends(_cursor)],
) -> AsyncIterator[ServerSentEvent]:
    """Follow an incident. Send `Last-Event-ID` to go on where you were."""

    def heartbeat() -> str:
        return schemas.Heartbeat(
            incident=incident.id, published_at=utc(services.clock())
        ).model_dump_json()

    async for event in incident.events.follow(
        cursor, heartbeat_s=services.heartbeat_s, heartbeat=heartbeat
    ):
        yield ServerSentEvent(
            raw_data=event.data,
            event=event.name,
            id=None if event.id is None else str(event.id),
            retry=_AFTER_CLOSED_RETRY_MS if event.name == "closed" else None,
        )
