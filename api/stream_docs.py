"""What the OpenAPI document says of streams over HTTP, the same for each way to them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query

from . import examples
from .stream_answers import CAPTURED_AT, MEDIA_TYPE, MJPEG_TYPE, PLAYLIST_TYPE

CameraId = Annotated[str, Path(description="Camera id.", max_length=64)]
Msn = Annotated[
    int | None,
    Query(alias="_HLS_msn", description="Wait for this segment.", ge=0, le=2**53),
]
PartIndex = Annotated[
    int | None,
    Query(alias="_HLS_part", description="Wait for this part of it.", ge=0, le=10_000),
]
SegmentName = Annotated[
    str, Path(description="A name from the playlist, e.g. part-17-2.m4s.", max_length=64)
]

_NO_PICTURE = examples.problem_example(
    503,
    "no-picture-yet",
    "The camera gives no picture yet",
    "nothing of cam-01 has been encoded; GET …/cameras says how its feed is",
)
_NO_SEGMENT = examples.problem_example(
    404, "segment-not-found", "No such segment", "there is no 'part-17-2.m4s', or not any more"
)
_TOO_FAR = examples.problem_example(
    400, "segment-too-far", "That segment is not there soon", "the newest one is 17"
)
_TOO_MANY = examples.problem_example(
    429, "too-many-streams", "Too many streams at once", "dana watches 64 streams"
)
_CLOSED = examples.problem_example(
    403,
    "not-permitted",
    "The gate does not permit this",
    "camera cam-99 is not open in incident 20260302-090000-9f3a61c2",
)
ALWAYS: dict[int | str, dict[str, Any]] = {
    401: examples.UNAUTHORIZED,
    403: _CLOSED,
    404: examples.NO_INCIDENT,
}


def _binary(media_type: str, description: str, example: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    schema = {"type": "string", "format": "binary"}
    content = {media_type: {"schema": schema, "example": example}}
    return {"description": description, "content": content, **more}


PLAYLIST: dict[str, Any] = {
    "description": "The playlist; it ends with EXT-X-ENDLIST once the incident is closed.",
    "content": {
        PLAYLIST_TYPE: {
            "schema": {"type": "string"},
            "example": (
                "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n…\n"
                '#EXT-X-PART:DURATION=0.53333,URI="part-17-0.m4s",INDEPENDENT=YES\n'
                '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part-17-1.m4s"\n'
            ),
        }
    },
}
MEDIA = _binary(MEDIA_TYPE, "Fragmented MP4.", "the bytes of a part")
STILL = _binary(
    "image/jpeg",
    "The newest picture, with what is drawn on it.",
    "the bytes of a JPEG file",
    headers={
        CAPTURED_AT: {
            "description": "When the camera took it.",
            "schema": {"type": "string", "format": "date-time"},
        }
    },
)
MJPEG = _binary(MJPEG_TYPE, "Pictures that replace each other.", "JPEG files, one a part")
PLAYLIST_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: PLAYLIST,
    400: _TOO_FAR,
    429: _TOO_MANY,
    503: _NO_PICTURE,
}
MEDIA_ANSWERS: dict[int | str, dict[str, Any]] = {200: MEDIA, 404: _NO_SEGMENT, 429: _TOO_MANY}
STILL_ANSWERS: dict[int | str, dict[str, Any]] = {200: STILL, 429: _TOO_MANY, 503: _NO_PICTURE}
MJPEG_ANSWERS: dict[int | str, dict[str, Any]] = {200: MJPEG, 429: _TOO_MANY}
