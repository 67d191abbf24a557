"""`/v1/incidents/{incident_id}/timeline`: what happened in an incident so far."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from . import examples, timeline_schemas
from .events import MAX_EVENT_ID
from .services import DOCUMENTED_BEARER, WatchedHere

router = APIRouter(
    prefix="/v1/incidents/{incident_id}",
    tags=["incidents"],
    dependencies=[DOCUMENTED_BEARER],
    responses={401: examples.UNAUTHORIZED, 403: examples.FORBIDDEN, 422: examples.INVALID},
)

_OPENED_AT = examples.INCIDENT.opened_at
_EXAMPLE = timeline_schemas.Timeline(
    sequence=examples.LAST_SEEN.sequence,
    incident=examples.INCIDENT.incident,
    exercise=True,
    published_at=examples.LAST_SEEN.published_at,
    entries=(
        timeline_schemas.TimelineEntry(
            number=1,
            at=_OPENED_AT,
            kind="opened",
            text="exercise opened by Dispatcher 7: Drill",
            role="dispatcher",
        ),
        timeline_schemas.TimelineEntry(
            number=2,
            at=examples.LAST_SEEN.published_at,
            kind="armed",
            text="S3 is probably armed, Room 104, Ground floor",
            subject="S3",
        ),
    ),
)


@router.get(
    "/timeline",
    responses={
        200: examples.json_example(_EXAMPLE, "What happened"),
        404: examples.NO_INCIDENT,
    },
)
def get_timeline(
    watched: WatchedHere,
    after: Annotated[
        int, Query(description="Only entries above this number.", ge=0, le=MAX_EVENT_ID)
    ] = 0,
) -> timeline_schemas.Timeline:
    """Return what happened so far, oldest first; stays readable after the incident is closed.

    The event stream tells each new entry as `timeline`; this is for whoever joins late. Who may
    not be told the cameras gets no entry about cameras.
    """
    return watched.incident.timeline(watched.viewing, after)
