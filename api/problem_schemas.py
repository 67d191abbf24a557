"""The one shape of every error of the API."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class FieldError(BaseModel):
    """One wrong field of a request."""

    where: str = Field(description='Place in the request, e.g. "body.kind".')
    message: str


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it. The one shape of every error."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="Stable URN of the kind of problem.")
    title: str
    status: int
    detail: str
    instance: str = Field(description="Path of the request.")
    errors: list[FieldError] | None = Field(
        default=None, description="Which fields of the request are wrong (422 only)."
    )
