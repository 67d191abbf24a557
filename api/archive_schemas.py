"""What the location API says of what is kept of incidents. Names are stable, see `api.schemas`."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotation
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue

from .kept_records import RecordKind  # noqa: TC001 - pydantic reads the annotation
from .schemas import SCHEMA_VERSION, Message

Count = Annotated[int, Field(ge=0)]
Reason = Annotated[
    # Of one line, and without what a database cannot hold.
    str,
    Field(max_length=200, pattern=r"^[^\x00-\x1f]*[^\x00-\x1f\s][^\x00-\x1f]*$"),
]


class KeptIncident(Message):
    """What is, or was, kept of one incident."""

    incident: str = Field(description="Incident id.")
    target: str = Field(description="Id of its site or drill.")
    kind: str = Field(description='"exercise" or "real".')
    opened_at: datetime
    closed_at: datetime | None = Field(description="Null while it is open.")
    retention_days: float | None = Field(
        description="How long its agreement keeps it; null where nothing is kept."
    )
    purge_at: datetime | None = Field(
        description="When it is purged; null while it is open or held, and once it was."
    )
    hold: str | None = Field(description="Why it is kept longer; null where it is not.")
    records: Count
    bytes: Count = Field(description="Size of the records, encrypted.")
    purged_at: datetime | None = Field(description="When it was purged; null where it was not.")


class KeptIncidentList(Message):
    """All incidents that anything is or was kept of, newest first."""

    schema_version: Literal[1] = SCHEMA_VERSION
    incidents: tuple[KeptIncident, ...]


class KeptPictureAbout(Message):
    """What a kept picture is of; GET the record for the picture itself."""

    camera: str = Field(description="Camera id.")
    track: Count = Field(description="The person's track in that camera.")
    captured_at: datetime
    score: float = Field(description="Of the weapon's box. A score, not a probability.")


class KeptRecord(Message):
    """One record; of a sighting and a confirmation all of it, of a picture what it is of.

    Of a part of the journal only that it is there: GET the record for its lines.
    """

    number: Annotated[int, Field(ge=1)]
    kind: RecordKind
    at: datetime = Field(description="The moment it speaks of.")
    said: JsonValue = Field(
        default=None, description="The message; null for a picture or a journal."
    )
    picture: KeptPictureAbout | None = Field(default=None, description="Null for all else.")


class LostRecords(Message):
    """Records that should be there and cannot be read."""

    first: Annotated[int, Field(ge=1)] = Field(description="Number of the first.")
    last: Annotated[int, Field(ge=1)] = Field(description="Number of the last.")
    why: str


class KeptRecords(Message):
    """The records of one incident in order, a page of them."""

    schema_version: Literal[1] = SCHEMA_VERSION
    about: KeptIncident
    records: tuple[KeptRecord, ...]
    lost: tuple[LostRecords, ...] = Field(
        description="What is missing between them, or does not open."
    )
    next_after: int | None = Field(description="Ask again with this `after`; null at the end.")


class Hold(Message):
    """The request to keep what is kept of an incident, whatever its agreement says."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "Case 26-1187 of the county court"}]}
    )

    reason: Reason = Field(description="Why.")
