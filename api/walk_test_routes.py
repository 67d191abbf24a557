"""`/v1/sites/{site_id}/cameras/{camera_id}/walk-tests`: a calibration tried out by walking."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from calibration.errors import DegeneratePoints

from . import calibration_examples, calibration_schemas, examples
from .calibration_fitting import fit_points
from .calibration_routes import CameraHere  # noqa: TC001 - FastAPI reads the annotation
from .errors import ProblemError
from .services import DOCUMENTED_BEARER

router = APIRouter(
    prefix="/v1/sites/{site_id}/cameras/{camera_id}/walk-tests",
    tags=["calibration"],
    dependencies=[DOCUMENTED_BEARER],
    responses={401: examples.UNAUTHORIZED, 403: examples.FORBIDDEN},
)
_TEST = Path(description="Id of a walk test.", max_length=64)


@router.post(
    "",
    status_code=201,
    responses={
        201: calibration_examples.WALK,
        404: calibration_examples.NO_CAMERA,
        409: calibration_examples.RUNNING,
        422: calibration_examples.DEGENERATE,
        503: calibration_examples.NO_AUDIT,
    },
)
def begin_walk_test(
    here: CameraHere, asked: calibration_schemas.WalkRequest
) -> calibration_schemas.WalkTest:
    """Begin to watch somebody walk between marked places, and return at once.

    The agreement decides as for a still. Pictures are looked at as they come and are not kept.
    """
    calibrating, now_s = here.services.calibrating, here.services.clock()
    files = calibrating.files_of(here.target, here.camera.id)
    model = files.model
    if asked.by is not None:
        try:
            plan = here.target.site.plan
            model = fit_points(here.camera, plan, files.lens, asked.by).fit.camera
        except DegeneratePoints as error:
            said = str(error).replace("landmark", "point")
            raise ProblemError(
                422, "points-fix-nothing", "The points fix no camera", said
            ) from error
    permit = calibrating.surveys.permit(
        here.target.id,
        here.target.terms,
        here.target.facts_of(here.camera.id),
        actor=here.actor,
        purpose="walk test",
        lasts_s=asked.seconds,
        now_s=now_s,
    )
    return calibrating.walks.begin(
        permit,
        here.target,
        here.camera,
        model,
        asked.places,
        from_s=asked.from_s,
        seconds=asked.seconds,
    )


@router.get(
    "/{test_id}",
    responses={200: calibration_examples.WALK, 404: calibration_examples.NO_WALK},
)
def get_walk_test(here: CameraHere, test_id: Annotated[str, _TEST]) -> calibration_schemas.WalkTest:
    """Return how a walk test stands, and once it is over how far off the walker was placed."""
    return here.services.calibrating.walks.get(here.target.id, here.camera.id, test_id)


@router.delete(
    "/{test_id}",
    responses={200: calibration_examples.WALK, 404: calibration_examples.NO_WALK},
)
def stop_walk_test(
    here: CameraHere, test_id: Annotated[str, _TEST]
) -> calibration_schemas.WalkTest:
    """End a walk test early; what was seen until then is judged."""
    return here.services.calibrating.walks.stop(here.target.id, here.camera.id, test_id)
