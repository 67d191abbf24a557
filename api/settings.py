"""What the environment may set, read in this one place."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of the server, each from an environment variable `LASTSEEN_…`.

    Attributes:
        state: folder of the token and the audit file (`LASTSEEN_STATE`).
    """

    model_config = SettingsConfigDict(env_prefix="LASTSEEN_", frozen=True, extra="ignore")

    state: Path = Field(
        default_factory=lambda: Path.home() / ".local" / "state" / "lastseen",
        title="State folder",
        description="Where the server keeps its token's hash and the audit file.",
    )
