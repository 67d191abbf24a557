"""What panic buttons and dispatch systems send, and what they are answered.

An event is one JSON object; its `type` says which keys it has. Unknown keys are refused: a key
that is misspelt in an emergency must not be a key that is quietly ignored.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotation
from typing import Annotated, Literal

from fastapi.exceptions import RequestValidationError
from pydantic import Field, TypeAdapter, ValidationError

from .agreements import Slug  # noqa: TC001 - the same
from .lines import Line, Reason  # noqa: TC001 - read when the model is made
from .schemas import SCHEMA_VERSION, Message

EventType = Literal["emergency", "exercise", "agency-responding", "agency-left", "closed"]


class Emergency(Message):
    """Somebody pressed the button, or a call was taken: open the cameras of the site."""

    type: Literal["emergency"]
    emergency: Slug = Field(description="Class of the emergency, as the agreement names it.")
    by: Line = Field(description="Who pressed or called, as the sender knows them.")
    reason: Reason = Field(description="The threat, in words.")
    handled_by_staff: bool = Field(
        default=False, strict=True, description="Whether they say that staff are handling it."
    )


class Exercise(Message):
    """Open an exercise on the site."""

    type: Literal["exercise"]
    by: Line = Field(description="Who holds it.")
    reason: Reason = Field(description="Why.")


class AgencyResponding(Message):
    """An agency responds to what is open on the site."""

    type: Literal["agency-responding"]
    agency: Line = Field(description="Its name, the same when it leaves.")


class AgencyLeft(Message):
    """An agency has left."""

    type: Literal["agency-left"]
    agency: Line = Field(description="Its name, as it was when it responded.")


class Closed(Message):
    """The emergency is over: close what is open on the site."""

    type: Literal["closed"]
    by: Line = Field(description="Who says so.")
    reason: Reason = Field(description="Why.")


Event = Emergency | Exercise | AgencyResponding | AgencyLeft | Closed
EVENTS: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])


class ActivationOpened(Message):
    """The incident that is open because of the event, or was open before it."""

    schema_version: Literal[1] = SCHEMA_VERSION
    incident: str = Field(description="Incident id.")
    until: datetime = Field(description="When the grant ends by itself.")
    already_open: bool = Field(description="Whether it was open before this event.")


class ActivationNoted(Message):
    """The event was carried out."""

    schema_version: Literal[1] = SCHEMA_VERSION
    type: EventType
    site: str = Field(description="Where.")


def read_event(body: bytes) -> Event:
    """Return the event that a body is.

    Raises:
        RequestValidationError: it is none; tells which keys are wrong.
    """
    try:
        return EVENTS.validate_json(body)
    except ValidationError as error:
        told = error.errors(include_url=False, include_context=False, include_input=False)
        # The branch of the union that was tried is no part of the body.
        raise RequestValidationError(
            [{**one, "loc": ("body", *one["loc"][1:])} for one in told]
        ) from error


def event_schemas() -> list[dict[str, object]]:
    """Return the JSON Schema of each kind of event, each complete in itself."""
    kinds = (Emergency, Exercise, AgencyResponding, AgencyLeft, Closed)
    return [kind.model_json_schema() for kind in kinds]
