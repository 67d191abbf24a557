"""`/v1/incidents/{incident_id}/subjects/{subject}/cameras`: where to look for a chosen subject."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from . import examples, schemas
from .errors import ProblemError
from .locations import camera_now_message, utc
from .services import DOCUMENTED_BEARER, ServicesHere, WatchedHere

router = APIRouter(
    prefix="/v1/incidents/{incident_id}",
    tags=["incidents"],
    dependencies=[DOCUMENTED_BEARER],
    responses={401: examples.UNAUTHORIZED, 403: examples.FORBIDDEN},
)


class SubjectCameras(schemas.IncidentMessage):
    """The cameras to look at for one subject."""

    subject: str = Field(description="Id of the subject.")
    cameras: tuple[schemas.CameraNow, ...] = Field(
        description="As `cameras_now` of an answer; empty for who may not be told cameras."
    )


_EXAMPLE = SubjectCameras(
    sequence=examples.LAST_SEEN.sequence,
    incident=examples.LAST_SEEN.incident,
    exercise=True,
    published_at=examples.LAST_SEEN.published_at,
    subject="S3",
    cameras=examples.LAST_SEEN.cameras_now,
)


@router.get(
    "/subjects/{subject}/cameras",
    responses={
        200: examples.json_example(_EXAMPLE, "Where to look"),
        404: examples.problem_example(
            404, "subject-not-found", "No such subject", "S9 is not in the newest answer"
        ),
    },
)
def get_subject_cameras(
    watched: WatchedHere,
    services: ServicesHere,
    subject: Annotated[str, Path(description="Id of the subject.", max_length=32)],
) -> SubjectCameras:
    """Return the cameras to look at for any subject, as answers do for the first."""
    incident = watched.incident
    found = incident.cameras_now.of(subject)
    if found is None:
        raise ProblemError(
            404, "subject-not-found", "No such subject", f"{subject!r} is not in the newest answer"
        )
    about = incident.message()
    names = {camera.id: camera.name for camera in incident.target.site.cameras.values()}
    told = found if watched.viewing.cameras_told else ()
    return SubjectCameras(
        sequence=about.sequence,
        incident=incident.id,
        exercise=about.exercise,
        published_at=utc(services.clock()),
        subject=subject,
        cameras=tuple(camera_now_message(one, names) for one in told),
    )
