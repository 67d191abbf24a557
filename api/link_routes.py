"""Links: short-lived addresses of pictures and streams, for programs that can send no header."""
# ruff: noqa: FAST003 - `WatchedHere` reads the incident's id from the path

from __future__ import annotations

from typing import Annotated, Any, Self

from anyio import to_thread
from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from . import examples, schemas
from .errors import ApiError, NotPermittedError, ProblemError, StoreError
from .links import PictureLink, StreamLink, StreamMeans, still_good_for
from .locations import utc
from .services import DOCUMENTED_BEARER, Services, ServicesHere, Watched, WatchedHere
from .stream_answers import media_answer, mjpeg_answer, playlist_answer, still_answer
from .stream_docs import (
    MEDIA_ANSWERS,
    MJPEG_ANSWERS,
    PLAYLIST_ANSWERS,
    STILL_ANSWERS,
    Msn,
    PartIndex,
    SegmentName,
)
from .viewing import refusal_to_be_shown

router = APIRouter(
    prefix="/v1",
    tags=["incidents"],
    responses={401: examples.UNAUTHORIZED, 403: examples.FORBIDDEN},
)

LinkText = Annotated[str, Path(description="What was made for this viewer.", max_length=2000)]

JPEG: dict[str, Any] = {
    "description": "The picture as it was filmed, nothing drawn on it.",
    "content": {
        "image/jpeg": {
            "schema": {"type": "string", "format": "binary"},
            "example": "the bytes of a JPEG file",
        }
    },
}
NO_PICTURE = examples.problem_example(
    404, "no-picture", "No such picture", "there is no clear look at a weapon of this track"
)
NOT_RECORDED = examples.problem_example(
    503, "audit-unavailable", "The audit cannot be written", "nothing is shown"
)


class WantedLink(BaseModel):
    """Which picture, or which stream, a link is wanted to."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [{"camera": "c2", "track": 7}, {"camera": "c2", "stream": "hls"}]
        },
    )

    camera: Annotated[str, Field(min_length=1, max_length=64)] = Field(description="Camera id.")
    track: Annotated[int, Field(ge=0, le=2**53)] | None = Field(
        None, description="Track of that camera: its evidence picture."
    )
    stream: StreamMeans | None = Field(
        None, description="In place of a track: the camera's stream, by which means."
    )

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if (self.track is None) is (self.stream is None):
            raise ValueError("name a track or a stream, and not both")
        return self

    def thing(self, incident: str) -> PictureLink | StreamLink:
        """Return what the link leads to."""
        if self.stream is not None:
            return StreamLink(incident, self.camera, self.stream)
        return PictureLink(incident, self.camera, self.track or 0)


class Link(schemas.Message):
    """A short-lived address, good for one viewer, one incident and one thing."""

    path: str
    expires_at: str = Field(
        description="When it lapses at the latest. A stream ends with the grant, which is before."
    )


_PATHS: dict[StreamMeans, str] = {
    "hls": "index.m3u8",
    "still": "still.jpg",
    "mjpeg": "mjpeg",
}


@router.post(
    "/incidents/{incident_id}/links",
    dependencies=[DOCUMENTED_BEARER],
    status_code=201,
    responses={
        201: examples.json_example(
            Link(path="/v1/links/eyJhbGciOi…", expires_at="2026-03-02T09:16:15+00:00"),
            "An address that needs no token",
        ),
        404: examples.NO_INCIDENT,
        422: examples.INVALID,
    },
)
def make_link(watched: WatchedHere, services: ServicesHere, wanted: WantedLink) -> Link:
    """Make a short-lived address of a picture or a stream, for programs that can send no header.

    It is this viewer's, for this incident: whatever is shown by it is recorded as shown to them.
    That of a picture lasts a minute. That of a stream (`hls` for VLC, TAK and phones, `mjpeg` or
    `still` for what plays no video) is good until the grant ends.
    """
    if wanted.stream is not None:
        refusal = refusal_to_be_shown(watched.incident.grant, watched.viewing)
        if refusal is not None:
            raise NotPermittedError(refusal)
    thing = wanted.thing(watched.incident.id)
    until_s, link = services.links.make(thing, watched.viewing.actor, services.clock())
    path = f"/v1/links/{link}"
    if isinstance(thing, StreamLink):
        path = f"{path}/{_PATHS[thing.stream]}"
    return Link(path=path, expires_at=utc(until_s).isoformat())


@router.get(
    "/links/{link}",
    response_class=Response,
    responses={200: JPEG, 404: NO_PICTURE, 503: NOT_RECORDED},
)
def follow_link(services: ServicesHere, link: LinkText) -> Response:
    """Return the picture a link leads to; without a token, until it lapses or the incident closes.

    Where the account that it was made for is disabled or was changed since, it is good no more.
    """
    what, watched = _followed(services, link)
    if not isinstance(what, PictureLink):
        raise _leads_elsewhere()
    return picture_answer(services, watched, what.camera, what.track)


@router.get("/links/{link}/index.m3u8", response_class=Response, responses=PLAYLIST_ANSWERS)
async def follow_link_to_playlist(
    services: ServicesHere, link: LinkText, msn: Msn = None, part: PartIndex = None
) -> Response:
    """Return the playlist of a stream, as the one below `hls/`; without a token."""
    what, watched = await to_thread.run_sync(_followed_to, services, link, "hls")
    return await playlist_answer(services, watched, what.camera, msn, part)


@router.get("/links/{link}/still.jpg", response_class=Response, responses=STILL_ANSWERS)
async def follow_link_to_still(services: ServicesHere, link: LinkText) -> Response:
    """Return the newest picture of a camera; without a token."""
    what, watched = await to_thread.run_sync(_followed_to, services, link, "still")
    return await still_answer(services, watched, what.camera)


@router.get("/links/{link}/mjpeg", response_class=Response, responses=MJPEG_ANSWERS)
async def follow_link_to_mjpeg(services: ServicesHere, link: LinkText) -> Response:
    """Return pictures of a camera that replace each other; without a token."""
    what, watched = await to_thread.run_sync(_followed_to, services, link, "mjpeg")

    def look() -> bool:
        try:
            _followed_to(services, link, "mjpeg")
        except StoreError:
            return True  # a database that is down ends nobody's sight of an incident
        except ApiError:
            return False
        return True

    async def still_good() -> bool:
        return await to_thread.run_sync(look)

    return await mjpeg_answer(services, watched, what.camera, still_good)


@router.get("/links/{link}/{name}", response_class=Response, responses=MEDIA_ANSWERS)
async def follow_link_to_segment(
    services: ServicesHere, link: LinkText, name: SegmentName
) -> Response:
    """Return what the playlist of a stream names; without a token."""
    what, watched = await to_thread.run_sync(_followed_to, services, link, "hls")
    return await media_answer(services, watched, what.camera, name)


def picture_answer(services: Services, watched: Watched, camera: str, track: int) -> Response:
    """Return the evidence picture of one track, once the audit has that it is shown.

    Raises:
        ProblemError: there is none.
        NotPermittedError: it may not be shown.
        AuditError: it could not be written down.
    """
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


def _followed(services: Services, link: str) -> tuple[PictureLink | StreamLink, Watched]:
    """What a link leads to, and the proof that its viewer may see it."""
    now_s = services.clock()
    what, named = services.links.read(link, now_s)
    actor = still_good_for(named, services.accounts)
    incident = services.incidents.get(what.incident)
    if incident is None:
        raise ProblemError(404, "no-picture", "No such picture", "its incident is not here")
    viewing = services.viewers.admit(incident.grant, actor=actor, now_s=now_s)
    return what, Watched(incident, viewing)


def _followed_to(services: Services, link: str, means: StreamMeans) -> tuple[StreamLink, Watched]:
    what, watched = _followed(services, link)
    if not isinstance(what, StreamLink) or what.stream != means:
        raise _leads_elsewhere()
    return what, watched


def _leads_elsewhere() -> ProblemError:
    return ProblemError(
        401,
        "link-invalid",
        "This link is not good any more",
        "it leads to something else; follow it as it was given, or ask for another",
    )
