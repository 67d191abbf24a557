"""What the handlers of a running server share, and how they get at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, Path, Request
from fastapi.security import HTTPBearer

from .errors import ProblemError
from .incidents import Incident

if TYPE_CHECKING:
    from collections.abc import Callable

    from .incidents import Incidents
    from .sessions import Sessions
    from .targets import Target
    from .tokens import TokenCheck


@dataclass(frozen=True, slots=True)
class Services:
    """What the handlers share.

    Attributes:
        incidents: all incidents, and the targets they can be opened on.
        token: checks a presented token.
        sessions: sessions of the console page.
        clock: Unix seconds now.
        heartbeat_s: silence on an event stream is broken after so long.
    """

    incidents: Incidents
    token: TokenCheck
    sessions: Sessions
    clock: Callable[[], float]
    heartbeat_s: float


def services_of(request: Request) -> Services:
    """Return the services of the application that serves `request`."""
    return cast("Services", request.app.state.services)


def target_or_404(services: Services, target_id: str) -> Target:
    """Return the site or drill of that id.

    Raises:
        ProblemError: the server was not started with it.
    """
    target = services.incidents.targets.get(target_id)
    if target is None:
        raise ProblemError(
            404,
            "site-not-found",
            "No such site or drill",
            f"this server was not started with {target_id!r}; GET /v1/sites lists what it has",
        )
    return target


def _incident_of(
    request: Request,
    incident_id: Annotated[str, Path(description="Incident id.", max_length=64)],
) -> Incident:
    incident = services_of(request).incidents.get(incident_id)
    if incident is None:
        raise ProblemError(
            404,
            "incident-not-found",
            "No such incident",
            f"there is no incident {incident_id!r} here; GET /v1/incidents lists all",
        )
    return incident


ServicesHere = Annotated[Services, Depends(services_of)]
IncidentHere = Annotated[Incident, Depends(_incident_of)]

DOCUMENTED_BEARER = Depends(
    # Names the scheme in the OpenAPI document. The check is `api.access`, before any handler.
    HTTPBearer(auto_error=False, scheme_name="token", description="The token of this server.")
)
