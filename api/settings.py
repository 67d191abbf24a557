"""What the environment may set, read in this one place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from .errors import ServeError
from .logs import LogFormat, LogLevel

if TYPE_CHECKING:
    from .oidc import OidcVerifier
    from .store import Store
    from .telemetry import Telemetry


class Settings(BaseSettings):
    """Settings of the server, each from an environment variable `LASTSEEN_…`.

    Attributes:
        state: folder of keys and, unless `database` says otherwise, of the database
            (`LASTSEEN_STATE`).
        server: name of this server among those that share a database (`LASTSEEN_SERVER`).
        database: address of a PostgreSQL database (`LASTSEEN_DATABASE`).
        drill_run_days: for how many days runs of drills are kept where no agreement says less
            (`LASTSEEN_DRILL_RUN_DAYS`).
        metrics_token: opens `/metrics` and the details of `/readyz` (`LASTSEEN_METRICS_TOKEN`).
        trace_ratio: share of frames that are traced (`LASTSEEN_TRACE_RATIO`).
        log_format: how the log is written (`LASTSEEN_LOG_FORMAT`).
        log_level: the least that is written into it (`LASTSEEN_LOG_LEVEL`).
        oidc_issuer: address of an identity provider (`LASTSEEN_OIDC_ISSUER`).
        oidc_audience: what its tokens must be meant for (`LASTSEEN_OIDC_AUDIENCE`).
    """

    model_config = SettingsConfigDict(
        env_prefix="LASTSEEN_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    state: Path = Field(
        default_factory=lambda: Path.home() / ".local" / "state" / "lastseen",
        title="State folder",
        description="Where the server keeps its keys and its database.",
    )
    server: str = Field(
        default="server",
        min_length=1,
        max_length=60,
        title="Name of this server",
        description="Among those that share a database: grants are taken up again by the server "
        "that made them.",
    )
    database: SecretStr | None = Field(
        default=None,
        title="Database",
        description="postgresql+psycopg://USER:PASSWORD@HOST/NAME; SQLite in the state folder "
        "where it is not set.",
    )
    drill_run_days: float = Field(
        default=90.0,
        ge=0.0,
        title="Days that runs of drills are kept",
        description="After that they are deleted; sooner where the agreement's retention is less.",
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        min_length=20,
        title="Token of the metrics",
        description="Whoever shows it may read /metrics; nobody may where it is not set.",
    )
    trace_ratio: float = Field(
        default=0.01,
        ge=0.0,
        le=1.0,
        title="Share of frames that are traced",
        description="Only where OTEL_EXPORTER_OTLP_ENDPOINT names a collector.",
    )
    log_format: LogFormat = Field(
        default="text",
        title="Form of the log",
        description="text for people, json for programs.",
    )
    log_level: LogLevel = Field(
        default="warning",
        title="Level of the log",
        description="debug, info, warning or error: the least that is written.",
    )
    oidc_issuer: str | None = Field(
        default=None,
        title="Identity provider",
        description="Its address, as it stands in its tokens; none where it is not set.",
    )
    oidc_audience: str | None = Field(
        default=None,
        title="Audience",
        description="What tokens of the identity provider must be meant for.",
    )

    def oidc_verifier(self) -> OidcVerifier | None:
        """Return what checks tokens of the identity provider; None where none is set.

        Raises:
            ServeError: only one of issuer and audience is set, or the issuer is no https address.
        """
        from .oidc import OidcVerifier  # noqa: PLC0415 - the client of HTTP is slow to import

        if not self.oidc_issuer and not self.oidc_audience:
            return None
        if not self.oidc_issuer or not self.oidc_audience:
            raise ServeError(
                "LASTSEEN_OIDC_ISSUER and LASTSEEN_OIDC_AUDIENCE belong together; set both or none"
            )
        return OidcVerifier(self.oidc_issuer, self.oidc_audience)

    def telemetry(self) -> Telemetry:
        """Return what metrics and traces of the server go to."""
        from .telemetry import Telemetry  # noqa: PLC0415 - OpenTelemetry is slow to import
        from .tracing import Traces, exporter_of_environment  # noqa: PLC0415 - the same

        exporter = exporter_of_environment() if self.trace_ratio > 0.0 else None
        if exporter is None:
            return Telemetry()
        return Telemetry(traces=Traces(exporter, ratio=self.trace_ratio, server=self.server))

    def metrics_secret(self) -> str:
        """Return the token of the metrics; "" where none is set."""
        return "" if self.metrics_token is None else self.metrics_token.get_secret_value()

    def open_store(self, state: Path | None = None) -> Store:
        """Return the database of these settings.

        Args:
            state: the state folder, where the command line names another.

        Raises:
            StoreError: it cannot be opened.
        """
        from .store import open_store  # noqa: PLC0415 - SQLAlchemy is slow to import

        url = None if self.database is None else self.database.get_secret_value()
        return open_store(state or self.state, url)


def read_settings() -> Settings:
    """Return the settings of the environment.

    Raises:
        ServeError: some are wrong; all are named, and none is repeated.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(
            f"LASTSEEN_{'.'.join(str(part) for part in one['loc']).upper()}: {one['msg']}"
            for one in error.errors(include_input=False, include_url=False)
        )
        raise ServeError(f"the environment: {faults}") from None
