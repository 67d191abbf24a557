"""What the location API says of what happened in an incident: entries and lists of them."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotation
from typing import Annotated, Literal

from pydantic import Field

from .schemas import IncidentMessage, Message

EntryKind = Literal[
    "opened",
    "resumed",
    "extended",
    "agency-responds",
    "agency-left",
    "closed",
    "first-seen",
    "suspect",
    "armed",
    "moved",
    "out-of-view",
    "in-view",
    "door",
    "look-again",
    "marked",
    "mark-taken-back",
    "arrival",
    "door-opened",
    "camera-lost",
    "camera-back",
]
"""What an entry tells of; docs/reference/location-api.md says when each is made."""


class TimelineEntry(Message):
    """One thing that happened."""

    number: Annotated[int, Field(ge=1)] = Field(
        description="Place in the timeline, never given twice."
    )
    at: datetime = Field(description="When it happened.")
    kind: EntryKind
    text: str = Field(description="What happened, in a sentence.")
    subject: str | None = Field(default=None, description="Whom it is about; null for the rest.")
    camera: str | None = Field(default=None, description="Camera it is about; null for the rest.")
    role: str = Field(default="", description="Role of whoever did it; empty where nobody did.")


class Timeline(IncidentMessage):
    """What happened in an incident: all of it, or what is new."""

    entries: tuple[TimelineEntry, ...] = Field(description="Oldest first.")
