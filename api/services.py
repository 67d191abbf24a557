"""What the handlers of a running server share, and how they get at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, Path, Request
from fastapi.security import HTTPBearer

from .actors import Actor
from .errors import ProblemError
from .incident import Incident
from .viewing import Viewing  # noqa: TC001 - FastAPI reads the annotation

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyio import CapacityLimiter

    from .accounts import Accounts
    from .activations import Activations
    from .archive import Archive
    from .asking import Asking
    from .audit import Audit
    from .calibration_service import Calibrating
    from .checkpoints import Checkpoints
    from .drill_runs import DrillRuns
    from .gate import Gate
    from .housekeeping import Housekeeping
    from .incidents import Incidents
    from .links import Links
    from .operations import Operations
    from .plan_drafts import PlanDrafts
    from .readiness import Readiness
    from .recognise import Recogniser
    from .record_readers import Readers
    from .reloading import Reloaded, Reloads
    from .retention import Retention
    from .sessions import Sessions
    from .sign_in import SignIn
    from .targets import Target
    from .telling import Tellers
    from .verdicts import Verdicts
    from .viewing import Viewers
    from .visits import Visits


@dataclass(frozen=True, slots=True)
class Services:
    """What the handlers share.

    Attributes:
        incidents: all incidents, and the targets they can be opened on.
        reloads: loads targets again whose files were changed.
        calibrating: shows cameras to those who calibrate them, and keeps what they find.
        drafts: floor plans that somebody is working on.
        asking: takes requests for incidents.
        gate: decides what may be opened.
        viewers: decides who may see.
        visits: who watches by asking again and again.
        tellers: decides who may tell what.
        accounts: who has an account here.
        sessions: who is signed in.
        sign_in: lets people sign in.
        recogniser: tells whose a token or session is.
        activations: events of panic buttons and dispatch systems.
        links: short-lived addresses of pictures.
        archive: what is kept of incidents.
        retention: ends that.
        audit: the record.
        checkpoints: its signed checkpoints.
        verdicts: tells whether it is whole.
        readers: counts who reads it, and what is kept.
        housekeeping: signs and purges beside the incidents.
        drill_runs: runs of drills that analysts start.
        closing: threads of those who close incidents, whom no other request keeps waiting.
        seating: threads of those who begin or end to watch, who keep no other request waiting.
        operations: what those who run the server handed in.
        readiness: whether an incident can be opened now.
        clock: Unix seconds now.
        heartbeat_s: silence on an event stream is broken after so long.
    """

    incidents: Incidents
    reloads: Reloads
    calibrating: Calibrating
    drafts: PlanDrafts
    asking: Asking
    gate: Gate
    viewers: Viewers
    visits: Visits
    tellers: Tellers
    accounts: Accounts
    sessions: Sessions
    sign_in: SignIn
    recogniser: Recogniser
    activations: Activations
    links: Links
    archive: Archive
    retention: Retention
    audit: Audit
    checkpoints: Checkpoints
    verdicts: Verdicts
    readers: Readers
    housekeeping: Housekeeping
    drill_runs: DrillRuns
    closing: CapacityLimiter
    seating: CapacityLimiter
    operations: Operations
    readiness: Readiness
    clock: Callable[[], float]
    heartbeat_s: float

    def reload(self, target_id: str) -> Reloaded:
        """Load a site or drill again whose files were changed; see `Reloads.reload`.

        Raises:
            TargetError: its folder has problems; what was loaded before goes on being used.
        """
        return self.reloads.reload(target_id)


@dataclass(frozen=True, slots=True)
class Watched:
    """An incident, and the proof that whoever asks may see it."""

    incident: Incident
    viewing: Viewing


def services_of(request: Request) -> Services:
    """Return the services of the application that serves `request`."""
    return cast("Services", request.app.state.services)


def actor_of(request: Request) -> Actor:
    """Return who sent `request`.

    Raises:
        ProblemError: nobody was recognised.
    """
    actor = getattr(request.state, "actor", None)
    if not isinstance(actor, Actor):
        raise ProblemError(401, "unauthorized", "A valid token is needed", "sign in first")
    return actor


def target_or_404(services: Services, target_id: str, actor: Actor) -> Target:
    """Return the site or drill of that id.

    Raises:
        ProblemError: the server was not started with it, or it is not theirs to know of.
    """
    target = services.incidents.targets.get(target_id)
    if target is None or not (actor.sites is None or target_id in actor.sites):
        raise ProblemError(
            404,
            "site-not-found",
            "No such site or drill",
            f"this server was not started with {target_id!r}; GET /v1/sites lists what it has",
        )
    return target


def incident_or_404(services: Services, incident_id: str, actor: Actor) -> Incident:
    """Return the incident of that id.

    Raises:
        ProblemError: there is none, or it is not theirs to know of.
    """
    incident = services.incidents.get(incident_id)
    if incident is None or not (actor.sites is None or incident.target.id in actor.sites):
        raise ProblemError(
            404,
            "incident-not-found",
            "No such incident",
            f"there is no incident {incident_id!r} here; GET /v1/incidents lists all",
        )
    return incident


async def _services_here(request: Request) -> Services:
    return services_of(request)


async def _actor_here(request: Request) -> Actor:
    return actor_of(request)


# What waits for nothing is async: it must not queue for a thread behind what waits for a database.
ServicesHere = Annotated[Services, Depends(_services_here)]
ActorHere = Annotated[Actor, Depends(_actor_here)]


async def _incident_of(
    request: Request,
    actor: ActorHere,
    incident_id: Annotated[str, Path(description="Incident id.", max_length=64)],
) -> Incident:
    return incident_or_404(services_of(request), incident_id, actor)


def _watched(
    request: Request,
    actor: ActorHere,
    incident: Annotated[Incident, Depends(_incident_of)],
) -> Watched:
    services = services_of(request)
    viewing = services.viewers.admit(incident.grant, actor=actor, now_s=services.clock())
    return Watched(incident, viewing)


IncidentHere = Annotated[Incident, Depends(_incident_of)]
WatchedHere = Annotated[Watched, Depends(_watched)]

DOCUMENTED_BEARER = Depends(
    # Names the scheme in the OpenAPI document. The check is `api.access`, before any handler.
    HTTPBearer(
        auto_error=False,
        scheme_name="token",
        description="A token of this server, or of the identity provider it trusts.",
    )
)
