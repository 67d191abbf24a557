"""What is said of streams: which cameras can be watched, and the words between their pictures."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field

from vision.stream_parts import HeadPolicy  # noqa: TC001 - pydantic reads the annotation

from .runs import CameraPhase  # noqa: TC001 - as above
from .schemas import SCHEMA_VERSION, Message

StreamEnd = Literal[
    "closed",
    "stopping",
    "not-permitted",
    "too-many-streams",
    "nothing-is-taken",
    "unavailable",
]
"""Why a stream is over: the incident was closed; the server is being stopped; it may not be shown,
or not any more; this viewer watches too many; the viewer sent something; something is broken."""


class CameraStreams(Message):
    """One camera that can be watched, and where."""

    camera: str = Field(description="Camera id.")
    name: str
    phase: CameraPhase = Field(description="State of its feed.")
    reason: str = Field(description="Why it is in this phase; empty when all is well.")
    watchers: Annotated[int, Field(ge=0)] = Field(description="How many watch it now.")
    live: str = Field(description="Path of the WebSocket: fragmented MP4, for browsers.")
    hls: str = Field(description="Path of the playlist of low-latency HLS.")
    still: str = Field(description="Path of one JPEG picture, the newest.")
    mjpeg: str = Field(description="Path of JPEG pictures that follow each other, one a second.")


class Streams(Message):
    """The cameras of an incident that the viewer may watch now."""

    schema_version: Literal[1] = SCHEMA_VERSION
    incident: str
    exercise: bool
    published_at: datetime
    until: datetime = Field(description="When the grant ends; streams end with it, or before.")
    heads: HeadPolicy = Field(description="Whose heads cannot be made out in the pictures.")
    cameras: tuple[CameraStreams, ...]


class StreamHead(Message):
    """What follows is of a new encoding: the next binary message is its init segment."""

    type: Literal["head"] = "head"
    epoch: int = Field(description="Grows each time that encoding begins anew.")
    codec: str = Field(description='As in RFC 6381, e.g. "avc1.42C01F".')
    width: int
    height: int
    exercise: bool


class StreamSkipped(Message):
    """Pictures were left out because the reader is slow; the next one is a keyframe."""

    type: Literal["skipped"] = "skipped"
    start_s: float = Field(description="When that one is shown, seconds since the head.")


class StreamWaiting(Message):
    """There is no picture that is newer than 2 s; said again every second until there is."""

    type: Literal["waiting"] = "waiting"
    phase: CameraPhase
    reason: str


class StreamLive(Message):
    """Pictures are new again, after `waiting`."""

    type: Literal["live"] = "live"


class StreamOver(Message):
    """The stream is over; the connection is closed after it."""

    type: Literal["end"] = "end"
    reason: StreamEnd
    detail: str = Field(description="In words.")
    again: bool = Field(description="Whether it is worth connecting again in a while.")


EXAMPLE = Streams(
    incident="20260302-090000-9f3a61c2",
    exercise=False,
    published_at=datetime(2026, 3, 2, 9, 0, 15, tzinfo=UTC),
    until=datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
    heads="pixelate-others",
    cameras=(
        CameraStreams(
            camera="cam-02",
            name="Corridor west",
            phase="live",
            reason="",
            watchers=1,
            live="/v1/incidents/20260302-090000-9f3a61c2/streams/cam-02/live",
            hls="/v1/incidents/20260302-090000-9f3a61c2/streams/cam-02/hls/index.m3u8",
            still="/v1/incidents/20260302-090000-9f3a61c2/streams/cam-02/still.jpg",
            mjpeg="/v1/incidents/20260302-090000-9f3a61c2/streams/cam-02/mjpeg",
        ),
    ),
)
"""For the OpenAPI document."""
