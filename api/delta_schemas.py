"""What the location API says of what changed: see `api.deltas` for how it is applied."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from .schemas import IncidentMessage

_PATCH = (
    "What changed. An object in place of an object: its members, each patched alike; members that "
    "are not named stay. An object in place of a list: `by` and `changed` patch its things by "
    "that key, and `order` is all keys in their order now, where that changed; `changed` alone "
    "patches things by their place, from 0; `keep` and `add` keep the items from the first number "
    "up to before the second, and put `add` behind. Anything else is the new value."
)


class Delta(IncidentMessage):
    """What changed between two messages of one kind."""

    base: Annotated[int, Field(ge=1)] = Field(
        description="`sequence` of the message that this one changes; have you another, begin anew."
    )
    patch: dict[str, Any] = Field(description=_PATCH)


class LastSeenDelta(Delta):
    """What changed in the answer; makes a LastSeen of the one before."""


class CamerasDelta(Delta):
    """What changed in the camera states; makes a Cameras of the one before."""
