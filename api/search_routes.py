"""`/v1/incidents/{incident_id}/search/{subject}`: where one subject can be, cell by cell."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import shapely
from fastapi import APIRouter, Path, Response

from calibration.geodesy import Anchor, SiteFrame
from calibration.search_picture import LevelPicture, SearchPicture

from . import examples
from .errors import ProblemError
from .locations import Places
from .search_message import search_message
from .search_schemas import SearchMap
from .services import DOCUMENTED_BEARER, WatchedHere

router = APIRouter(
    prefix="/v1/incidents/{incident_id}",
    tags=["incidents"],
    dependencies=[DOCUMENTED_BEARER],
    responses={401: examples.UNAUTHORIZED, 403: examples.FORBIDDEN},
)

_BOX = shapely.MultiPolygon([shapely.box(20.0, 4.0, 22.0, 5.0)])
_EXAMPLE = search_message(
    SearchPicture(
        "S3",
        examples.INCIDENT.opened_at.timestamp() + 41.0,
        0.5,
        0.09,
        (
            LevelPicture(
                "L1",
                (20.0, 4.0),
                np.array([[0.11, 0.16, 0.2, 0.13], [0.05, 0.1, 0.12, 0.04]], np.float32),
                _BOX,
                _BOX,
            ),
        ),
    ),
    Places(SiteFrame(Anchor(-85.52, 39.05, 90.0)), {"L1": "Ground floor"}),
    incident=examples.INCIDENT.incident,
    exercise=True,
)


@router.get(
    "/search/{subject}",
    response_model=SearchMap,
    responses={
        200: examples.json_example(_EXAMPLE, "Where it can be now"),
        204: {"description": "There is no map of it now: a camera sees it, or the end has come."},
        404: examples.problem_example(
            404, "no-search-map", "No such map", "nobody in the newest answer is called S9"
        ),
    },
)
def get_search_map(
    watched: WatchedHere,
    subject: Annotated[str, Path(description="Id of the subject.", max_length=32)],
) -> SearchMap | Response:
    """Return where a subject that no camera sees can be now, while the incident is open."""
    incident = watched.incident
    found = incident.search_map(watched.viewing, subject)
    if found is not None:
        return found
    if any(one.id == subject for one in incident.last_seen(watched.viewing).subjects):
        return Response(status_code=204)  # daily, and no error: it came into view meanwhile
    raise ProblemError(
        404, "no-search-map", "No such map", f"nobody in the newest answer is called {subject!r}"
    )
