"""`/v1/incidents/{incident_id}/streams/…`: live pictures of cameras over plain HTTP."""

from __future__ import annotations

from fastapi import APIRouter, Response

from . import examples, stream_schemas
from .errors import NotPermittedError
from .locations import utc
from .services import DOCUMENTED_BEARER, ServicesHere, WatchedHere
from .stream_answers import media_answer, mjpeg_answer, playlist_answer, still_answer
from .stream_docs import (
    ALWAYS,
    MEDIA_ANSWERS,
    MJPEG_ANSWERS,
    PLAYLIST_ANSWERS,
    STILL_ANSWERS,
    CameraId,
    Msn,
    PartIndex,
    SegmentName,
)
from .viewing import refusal_to_be_shown
from .watching import drawing_of

router = APIRouter(prefix="/v1/incidents/{incident_id}", tags=["streams"], responses=ALWAYS)
_SIGNED_IN = [DOCUMENTED_BEARER]


@router.get(
    "/streams",
    dependencies=_SIGNED_IN,
    responses={200: examples.json_example(stream_schemas.EXAMPLE, "What can be watched")},
)
def get_streams(watched: WatchedHere, services: ServicesHere) -> stream_schemas.Streams:
    """Return the cameras that can be watched now, and where; none once the incident is closed.

    The path of `live` is a WebSocket; its messages are described in the reference.
    """
    incident, viewing = watched.incident, watched.viewing
    refusal = refusal_to_be_shown(incident.grant, viewing)
    if refusal is not None:
        raise NotPermittedError(refusal)
    now_s = services.clock()
    permit, drawing = incident.grant.permit, drawing_of(incident.grant)
    there = {camera.id: camera for camera in incident.cameras(viewing).cameras}
    cameras = []
    for camera in sorted(permit.cameras):
        state = there.get(camera)
        if state is None or not services.gate.allows(permit, camera, now_s):
            continue
        path = f"/v1/incidents/{incident.id}/streams/{camera}"
        cameras.append(
            stream_schemas.CameraStreams(
                camera=camera,
                name=state.name,
                phase=state.phase,
                reason=state.reason,
                watchers=incident.streams.watchers(camera),
                live=f"{path}/live",
                hls=f"{path}/hls/index.m3u8",
                still=f"{path}/still.jpg",
                mjpeg=f"{path}/mjpeg",
            )
        )
    return stream_schemas.Streams(
        incident=incident.id,
        exercise=drawing.exercise,
        published_at=utc(now_s),
        until=utc(incident.grant.until_s),
        heads=drawing.heads,
        cameras=tuple(cameras),
    )


@router.get(
    "/streams/{camera}/hls/index.m3u8",
    dependencies=_SIGNED_IN,
    response_class=Response,
    responses=PLAYLIST_ANSWERS,
)
async def get_playlist(
    watched: WatchedHere,
    services: ServicesHere,
    camera: CameraId,
    msn: Msn = None,
    part: PartIndex = None,
) -> Response:
    """Return the playlist of low-latency HLS; it is held back until it has what you wait for.

    Whoever asks watches the camera, until they have not asked for 6 s.
    """
    return await playlist_answer(services, watched, camera, msn, part)


@router.get(
    "/streams/{camera}/hls/{name}",
    dependencies=_SIGNED_IN,
    response_class=Response,
    responses=MEDIA_ANSWERS,
)
async def get_segment(
    watched: WatchedHere, services: ServicesHere, camera: CameraId, name: SegmentName
) -> Response:
    """Return what the playlist names: an init section, a segment or a part of one."""
    return await media_answer(services, watched, camera, name)


@router.get(
    "/streams/{camera}/still.jpg",
    dependencies=_SIGNED_IN,
    response_class=Response,
    responses=STILL_ANSWERS,
)
async def get_still(watched: WatchedHere, services: ServicesHere, camera: CameraId) -> Response:
    """Return the newest picture of a camera, as JPEG; there is a new one every second.

    Whoever asks watches the camera, until they have not asked for 6 s.
    """
    return await still_answer(services, watched, camera)


@router.get(
    "/streams/{camera}/mjpeg",
    dependencies=_SIGNED_IN,
    response_class=Response,
    responses=MJPEG_ANSWERS,
)
async def get_mjpeg(watched: WatchedHere, services: ServicesHere, camera: CameraId) -> Response:
    """Return pictures that replace each other, one a second, until the incident is closed."""
    return await mjpeg_answer(services, watched, camera)
