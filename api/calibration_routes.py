"""`/v1/sites/{site_id}/cameras/…`: calibrating cameras, for those who install them."""
# ruff: noqa: FAST003 - `CameraHere` reads ids from the path

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from calibration.errors import DegeneratePoints

from . import calibration_examples, calibration_schemas, examples
from .calibration_fitting import answer_of, fit_points, lens_numbers, moved, overlay_of
from .calibration_saving import no_version
from .calibration_versions import PointTable, model_of_version, points_of
from .drill_files import load_drill
from .errors import CalibrateError, NotPermittedError, ProblemError
from .locations import utc
from .services import DOCUMENTED_BEARER, ActorHere, ServicesHere, target_or_404
from .surveying import LONGEST_S, may_calibrate, refusal_to_survey

if TYPE_CHECKING:
    from calibration.camera import CameraModel
    from calibration.camera_loading import Calibration
    from calibration.site import Camera

    from .actors import Actor
    from .calibration_saving import Saved
    from .calibration_service import CameraFiles
    from .calibration_versions import Version
    from .services import Services
    from .targets import Target

router = APIRouter(
    prefix="/v1/sites/{site_id}/cameras",
    tags=["calibration"],
    dependencies=[DOCUMENTED_BEARER],
    responses={
        401: examples.UNAUTHORIZED,
        403: examples.FORBIDDEN,
        404: calibration_examples.NO_CAMERA,
    },
)
_SITE = Path(description="Site or drill id.", max_length=200)
_CAMERA = Path(description="Camera id.", max_length=200)
_NUMBER = Path(description="Number of a version.", ge=1, le=1_000_000)
_UNREADABLE = calibration_examples.UNREADABLE
_CHANGED = calibration_examples.CHANGED


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A camera, and that whoever asks may calibrate it.

    Attributes:
        target: its site or drill, as it is in use.
        camera: the camera, as it is in use.
        actor: who asks.
        services: the server's parts.
    """

    target: Target
    camera: Camera
    actor: Actor
    services: Services


def surveyed_site(services: Services, actor: Actor, site_id: str) -> Target:
    """Return the site or drill whose cameras somebody may calibrate.

    Raises:
        ForbiddenError: it is not for their role.
        NotPermittedError: the agreement keeps from them which cameras there are.
        ProblemError: there is none, or it is not theirs to know of.
    """
    actor.need("survey")
    target = target_or_404(services, site_id, actor)
    if not may_calibrate(target.terms, actor):
        raise NotPermittedError(
            f"the agreement keeps from {actor.acts_as!r} which cameras there are; it may name that "
            "role in its section [survey]"
        )
    return target


def _camera_of(
    services: ServicesHere,
    actor: ActorHere,
    site_id: Annotated[str, _SITE],
    camera_id: Annotated[str, _CAMERA],
) -> Surveyed:
    target = surveyed_site(services, actor, site_id)
    camera = target.site.cameras.get(camera_id)
    if camera is None:
        raise ProblemError(
            404,
            "camera-not-found",
            "No such camera",
            f"the site has no camera {camera_id!r}; GET /v1/sites/{target.id}/cameras lists what "
            "it has",
        )
    return Surveyed(target, camera, actor, services)


CameraHere = Annotated[Surveyed, Depends(_camera_of)]


@router.get("", responses={200: calibration_examples.CAMERAS, 404: examples.NO_SITE})
def list_cameras(
    services: ServicesHere, actor: ActorHere, site_id: Annotated[str, _SITE]
) -> calibration_schemas.CamerasToCalibrate:
    """List the cameras of a site, and how well each is calibrated."""
    target = surveyed_site(services, actor, site_id)
    return calibration_schemas.CamerasToCalibrate(
        cameras=tuple(
            calibration_schemas.CameraToCalibrate(
                id=camera.id,
                name=camera.name,
                level=camera.level,
                placement=camera.placement,
                floor_error_m=round(camera.model.floor_error_m, 4),
                calibrated_by=camera.calibrated_by,
            )
            for camera in target.site.cameras.values()
        )
    )


@router.get("/{camera_id}", responses={200: calibration_examples.CAMERA, 409: _UNREADABLE})
def get_camera(here: CameraHere) -> calibration_schemas.CalibratedCamera:
    """Return a camera and the calibration in its file."""
    files = here.services.calibrating.files_of(here.target, here.camera.id)
    survey = here.target.terms.agreement and here.target.terms.agreement.survey
    refusal = refusal_to_survey(
        here.target.terms,
        here.target.facts_of(here.camera.id),
        here.actor,
        1.0,
        here.services.clock(),
    )
    return calibration_schemas.CalibratedCamera(
        site=here.target.id,
        id=here.camera.id,
        name=files.file.name,
        level=here.camera.level,
        placement=here.camera.placement,
        size_px=files.model.size_px,
        lens=lens_numbers(files.lens),
        lens_model=files.file.lens.model,
        calibrated_by=_calibrated_by(files),
        floor_error_m=round(files.model.floor_error_m, 4),
        version=None if files.current is None else files.current.number,
        points=_clicked(files),
        way="homography" if files.file.homography is not None else "pose",
        put_off=here.services.reloads.is_put_off(here.target.id),
        recording=_recording(here.target, here.camera),
        refusal=refusal or "",
        longest_s=survey.longest_s if survey else LONGEST_S,
        overlay=overlay_of(files.model, plan=here.target.site.plan, level=here.camera.level),
    )


@router.post(
    "/{camera_id}/still",
    response_class=Response,
    responses={
        200: calibration_examples.JPEG,
        409: calibration_examples.NO_PICTURE,
        422: examples.INVALID,
        503: calibration_examples.NO_AUDIT,
    },
)
def take_still(here: CameraHere, asked: calibration_schemas.StillRequest) -> Response:
    """Return one picture of a camera to calibrate it by: of a drill, that of a moment.

    The agreement decides, and that it is looked at is in the audit before the camera is
    connected to. Nothing of it is kept on the server's disk.
    """
    still = here.services.calibrating.still(here.target, here.camera, here.actor, asked.at_s)
    headers = {"Captured-At": f"{still.captured_at_s:.3f}"}
    return Response(still.jpeg, media_type="image/jpeg", headers=headers)


@router.post(
    "/{camera_id}/fit",
    responses={200: calibration_examples.FIT, 409: _UNREADABLE, 422: examples.INVALID},
)
def fit(
    here: CameraHere, asked: calibration_schemas.ClickedPoints
) -> calibration_schemas.FitAnswer:
    """Fit the camera to points that were clicked; nothing is changed."""
    files = here.services.calibrating.files_of(here.target, here.camera.id)
    return answer_of(here.camera, here.target.site.plan, files.lens, asked)


@router.get(
    "/{camera_id}/versions",
    responses={200: calibration_examples.VERSIONS, 409: _UNREADABLE},
)
def list_versions(here: CameraHere) -> calibration_schemas.CalibrationVersions:
    """List the calibrations that the camera had, the newest first."""
    files = here.services.calibrating.files_of(here.target, here.camera.id)
    return calibration_schemas.CalibrationVersions(
        versions=tuple(_told(version, files.current) for version in files.versions)
    )


@router.post(
    "/{camera_id}/versions",
    status_code=201,
    responses={
        201: calibration_examples.SAVED,
        409: _CHANGED,
        422: calibration_examples.DEGENERATE,
        503: calibration_examples.NO_AUDIT,
    },
)
def save_version(
    here: CameraHere, asked: calibration_schemas.NewVersion
) -> calibration_schemas.SavedCalibration:
    """Fit the camera, write that into its file and use it from the next incident on.

    What it replaces is kept as a version. While an incident is open on the site, the new
    calibration waits for its end.
    """
    services, target = here.services, here.target
    files = services.calibrating.files_of(target, here.camera.id)
    try:
        done = fit_points(here.camera, target.site.plan, files.lens, asked)
    except DegeneratePoints as error:
        said = str(error).replace("landmark", "point")
        raise ProblemError(422, "points-fix-nothing", "The points fix no camera", said) from error
    saved = services.calibrating.saving.save(
        target,
        done,
        points=tuple(PointTable.model_validate(one.model_dump()) for one in asked.points),
        note=asked.note.strip(),
        reference=services.calibrating.shown_by(target, here.camera) if asked.recognise else None,
        based_on=asked.based_on,
        actor=here.actor,
        now_s=services.clock(),
    )
    return _saved(saved)


@router.post(
    "/{camera_id}/versions/{number}/restoration",
    status_code=201,
    responses={
        201: calibration_examples.SAVED,
        404: calibration_examples.NO_VERSION,
        409: _CHANGED,
        422: examples.INVALID,
        503: calibration_examples.NO_AUDIT,
    },
)
def restore_version(
    here: CameraHere,
    number: Annotated[int, _NUMBER],
    asked: calibration_schemas.Restoration,
) -> calibration_schemas.SavedCalibration:
    """Make an older version the calibration again, as a new version."""
    saved = here.services.calibrating.saving.restore(
        here.target,
        here.camera.id,
        number,
        based_on=asked.based_on,
        actor=here.actor,
        now_s=here.services.clock(),
    )
    return _saved(saved)


@router.get(
    "/{camera_id}/versions/{number}/comparison",
    responses={
        200: calibration_examples.COMPARISON,
        404: calibration_examples.NO_VERSION,
        409: _UNREADABLE,
        422: examples.INVALID,
    },
)
def compare_versions(
    here: CameraHere,
    number: Annotated[int, _NUMBER],
    other: Annotated[
        int, Query(alias="with", ge=1, le=1_000_000, description="Number of another version.")
    ],
) -> calibration_schemas.Comparison:
    """Say how two versions differ over the floor that they show."""
    plan, level = here.target.site.plan, here.camera.level
    files = here.services.calibrating.files_of(here.target, here.camera.id)
    first, second = (_model(here, files, one) for one in (number, other))
    return calibration_schemas.Comparison(
        first=number,
        second=other,
        moved=moved(first, second, first.visible_floor(plan, level)),
        first_overlay=overlay_of(first, plan=plan, level=level),
        second_overlay=overlay_of(second, plan=plan, level=level),
    )


def _model(here: Surveyed, files: CameraFiles, number: int) -> CameraModel:
    if number not in {version.number for version in files.versions}:
        raise no_version(number)
    try:
        return model_of_version(here.target.folder, here.camera.id, number)
    except CalibrateError as error:
        raise ProblemError(
            409,
            "calibration-unreadable",
            "The camera's files cannot be read",
            f"version {number} cannot be read; see the server's files",
        ) from error


def _clicked(files: CameraFiles) -> tuple[calibration_schemas.ClickedPoint, ...]:
    points = (
        files.current.points
        if files.current is not None
        else points_of({"landmarks": [one.model_dump() for one in files.file.landmarks]})
    )
    return tuple(
        calibration_schemas.ClickedPoint(
            pixel=point.pixel, metres=point.metres, name=point.name[:80], used=point.used
        )
        for point in points[: calibration_schemas.MOST_POINTS]
    )


def _calibrated_by(files: CameraFiles) -> Calibration:
    if files.file.pose is not None:
        return "pose"
    return "landmarks" if files.file.homography is None else "homography"


def _recording(target: Target, camera: Camera) -> calibration_schemas.Recording | None:
    if target.kind != "drill":
        return None
    drill = load_drill(target.folder)
    pictures = any(feed.camera == camera.id and feed.has_pixels for feed in drill.feeds)
    return calibration_schemas.Recording(duration_s=drill.duration_s, pictures=pictures)


def _told(version: Version, current: Version | None) -> calibration_schemas.CalibrationVersion:
    error_m = version.part.get("floor_error_m")
    return calibration_schemas.CalibrationVersion(
        number=version.number,
        saved_at=utc(version.saved_at_s),
        saved_by=version.saved_by,
        note=version.note,
        restored_from=version.restored_from,
        way=version.way,
        points=sum(point.used for point in version.points),
        floor_error_m=None if error_m is None else round(float(error_m), 4),
        current=current is not None and current.number == version.number,
    )


def _saved(saved: Saved) -> calibration_schemas.SavedCalibration:
    return calibration_schemas.SavedCalibration(
        version=_told(saved.version, saved.version),
        use=saved.reloaded,
        comments_kept=saved.comments_kept,
    )
