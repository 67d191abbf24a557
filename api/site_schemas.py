"""What the location API says of sites and drills, and of the agreements that bind them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .agreements import Channel  # noqa: TC001 - pydantic reads the annotation
from .schemas import SCHEMA_VERSION, Message, Named, TargetKind


class AgreementTerms(Message):
    """What of its agreement somebody who opens an incident must know."""

    title: str
    version: str
    sha256: str = Field(description="Hash of its terms.")
    roles: dict[str, str] = Field(description="Roles in the agreement, and who they are.")
    emergencies: dict[str, str] = Field(description="Classes that count, in words.")
    never: dict[str, str] = Field(description="What never counts, and why.")
    channels: tuple[Channel, ...] = Field(description="Channels that some clause names.")
    agencies: tuple[str, ...] = Field(description="The agencies that it is made with.")
    close_when_all_left: bool = Field(
        description="Whether an incident closes when all agencies that came have left."
    )
    retention_days: float | None = Field(
        description="How long what was kept is kept; null for who may not be told."
    )


class Site(Message):
    """A site or drill this server was started with."""

    id: str
    kind: TargetKind
    name: str
    description: str
    address: str
    levels: tuple[Named, ...]
    cameras: tuple[Named, ...] | None = Field(
        description="Null for who may not be told by the agreement."
    )
    agreement: AgreementTerms | None = Field(
        default=None, description="Null where there is none: then exercises only."
    )
    open_incident: str | None = Field(description="Id of its open incident.")


class SiteList(Message):
    """All sites and drills this server was started with."""

    schema_version: Literal[1] = SCHEMA_VERSION
    sites: tuple[Site, ...]
