"""What is asked of the location API about incidents, and what is answered before one is open."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotation
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from .grant_rules import IncidentKind  # noqa: TC001 - the same
from .lines import Line  # noqa: TC001 - read when the model is made
from .schemas import SCHEMA_VERSION, Message


class OnBehalfOf(Message):
    """Whoever telephoned, where a dispatcher relays their request."""

    role: Annotated[str, Field(max_length=60)] = Field(description="Their role in the agreement.")
    name: Line = Field(description="Who they are.")


class OpenIncident(Message):
    """The request to open an incident on a site or a drill, exactly one of the two."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "site": "north",
                    "kind": "real",
                    "emergency": "active-shooter",
                    "channel": "911",
                    "reason": "Shots heard in the east wing",
                },
                {"drill": "wing", "kind": "exercise", "reason": "Monthly drill"},
            ]
        }
    )

    site: Line | None = Field(default=None, description="Id of a site, from GET /v1/sites.")
    drill: Line | None = Field(default=None, description="Id of a drill, from GET /v1/sites.")
    kind: IncidentKind = Field(
        description='"real" for an emergency, "standing" for what may be seen without one.'
    )
    emergency: Annotated[str, Field(min_length=1, max_length=60)] | None = Field(
        default=None, description="Class of the emergency, as the agreement names it."
    )
    channel: Literal["911", "hotline", "administrator", "break-glass", "console"] = Field(
        default="console", description="How the request came in."
    )
    on_behalf_of: OnBehalfOf | None = Field(
        default=None, description="Whose request is relayed; for dispatchers."
    )
    handled_by_staff: bool = Field(
        default=False, description="Whether they say that staff are handling it."
    )
    opened_by: Line | None = Field(
        default=None,
        description="How whoever asks is called; the account's name where it is not said. Who "
        "sent the request is recorded beside it.",
    )
    reason: Line = Field(description="Why: the threat, in words.")

    @model_validator(mode="after")
    def _one_target(self) -> OpenIncident:
        if (self.site is None) == (self.drill is None):
            raise ValueError('name exactly one of "site" and "drill"')
        return self


class PendingRequest(Message):
    """A request that a second person must confirm before anything is opened."""

    schema_version: Literal[1] = SCHEMA_VERSION
    request: str = Field(description="Its id, for POST /v1/requests/{request}/confirmation.")
    target: str
    kind: IncidentKind
    emergency: str | None
    opened_by: str
    asked_by: str = Field(description="The account that asked; another one confirms.")
    reason: str
    because: str = Field(description="Why a second person is needed, in words.")
    until: datetime = Field(description="When it lapses.")


class PendingList(Message):
    """Requests that wait for a second person."""

    schema_version: Literal[1] = SCHEMA_VERSION
    requests: tuple[PendingRequest, ...]


class AnswerMessage(Message):
    """What an agreement answers, without anything being opened."""

    schema_version: Literal[1] = SCHEMA_VERSION
    allowed: bool
    clause: str = Field(description='Id of the clause that decides; "" for default deny.')
    because: str = Field(description="The answer in words.")
    lacks: tuple[str, ...] = Field(description="What the closest clause lacks, a phrase each.")
    needs_second_person: bool = Field(
        description="Whether it would be opened if another account confirmed it."
    )
    longest_min: float | None = Field(description="Longest grant, minutes.")
