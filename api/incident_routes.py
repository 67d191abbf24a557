"""`/v1/incidents`: ask for one, extend it, say who responds, close it."""
# ruff: noqa: FAST003 - `IncidentHere` reads the incident's id from the path

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from . import examples, request_schemas, schemas
from .errors import ForbiddenError, ProblemError
from .grant_rules import Activation
from .lines import Line  # noqa: TC001 - read when the model is made
from .locations import utc
from .pending import Pending
from .services import (
    DOCUMENTED_BEARER,
    ActorHere,
    IncidentHere,
    Services,
    ServicesHere,
    target_or_404,
)

if TYPE_CHECKING:
    from .actors import Actor
    from .incident import Incident
    from .targets import Target

router = APIRouter(
    prefix="/v1/incidents",
    tags=["incidents"],
    dependencies=[DOCUMENTED_BEARER],
    responses={401: examples.UNAUTHORIZED, 403: examples.FORBIDDEN, 422: examples.INVALID},
)

_NO_INCIDENT: dict[int | str, dict[str, Any]] = {404: examples.NO_INCIDENT}
_NO_AUDIT: dict[int | str, dict[str, Any]] = {
    503: examples.problem_example(
        503, "audit-unavailable", "The audit cannot be written", "nothing was opened"
    )
}
_REFUSED = examples.problem_example(
    403,
    "not-permitted",
    "The gate does not permit this",
    "refused: drug-deal never counts: a drug deal is no life-safety emergency",
)


class AgencyState(BaseModel):
    """Whether an agency is there."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"state": "responding"}]}
    )

    state: Literal["responding", "left"] = Field(description="It responds, or it has left.")


@router.post(
    "",
    status_code=201,
    response_model=schemas.Incident,
    responses={
        201: examples.json_example(examples.INCIDENT, "The incident is open and playing"),
        202: {
            **examples.json_example(
                examples.PENDING, "A second person must confirm it; nothing is open yet"
            ),
            "model": request_schemas.PendingRequest,
        },
        403: _REFUSED,
        404: examples.NO_SITE,
        409: examples.problem_example(
            409, "incident-already-open", "An incident is open here already", "follow or close it"
        ),
        **_NO_AUDIT,
    },
)
def open_incident(
    request: request_schemas.OpenIncident,
    services: ServicesHere,
    actor: ActorHere,
    response: Response,
) -> schemas.Incident | Response:
    """Ask for an incident on a site or drill; the agreement decides.

    Where a clause needs a second person, nothing is opened yet: the answer is 202, and another
    account confirms it with POST /v1/requests/{request}/confirmation.
    """
    target = wanted_target(request, services, actor)
    made = services.asking.ask(activation_of(request, target, actor), target, actor)
    if isinstance(made, Pending):
        return Response(pending_message(made).model_dump_json(), 202, media_type="application/json")
    response.headers["Location"] = f"/v1/incidents/{made.id}"
    return made.message()


@router.get(
    "",
    responses={
        200: examples.json_example(
            schemas.IncidentList(incidents=(examples.INCIDENT,)), "All incidents, newest first"
        )
    },
)
def list_incidents(services: ServicesHere, actor: ActorHere) -> schemas.IncidentList:
    """List the incidents of this server, newest first."""
    return schemas.IncidentList(
        incidents=tuple(
            _as_seen_by(actor, incident, services)
            for incident in services.incidents
            if actor.sites is None or incident.target.id in actor.sites
        )
    )


@router.get(
    "/{incident_id}",
    responses={200: examples.json_example(examples.INCIDENT, "The incident"), **_NO_INCIDENT},
)
def get_incident(
    incident: IncidentHere, services: ServicesHere, actor: ActorHere
) -> schemas.Incident:
    """Return one incident and its grant; without words and names to who may not see it."""
    return _as_seen_by(actor, incident, services)


@router.post(
    "/{incident_id}/extension",
    responses={
        200: examples.json_example(examples.INCIDENT, "The incident, with its new end"),
        403: examples.problem_example(
            403,
            "not-permitted",
            "The gate does not permit this",
            "it was extended 4 times, and the agreement allows no more",
        ),
        **_NO_INCIDENT,
        **_NO_AUDIT,
    },
)
def extend_incident(
    incident: IncidentHere, services: ServicesHere, actor: ActorHere
) -> schemas.Incident:
    """Extend the grant once, by what its agreement says."""
    actor.need("end", incident.target.id)
    services.incidents.extend(incident, actor)
    return incident.message()


@router.put(
    "/{incident_id}/agencies/{agency}",
    responses={
        200: examples.json_example(examples.INCIDENT, "The incident; closed where all have left"),
        **_NO_INCIDENT,
        **_NO_AUDIT,
    },
)
def put_agency(
    incident: IncidentHere,
    services: ServicesHere,
    actor: ActorHere,
    agency: Annotated[Line, Path(description="Name of the agency.")],
    state: AgencyState,
) -> schemas.Incident:
    """Say that an agency responds, or has left.

    Where the agreement says so, the incident closes when all that came have left.
    """
    actor.need("end", incident.target.id)
    services.incidents.respond(incident, agency, left=state.state == "left", actor=actor)
    return incident.message()


@router.delete(
    "/{incident_id}",
    responses={
        200: examples.json_example(examples.CLOSED_INCIDENT, "The incident is closed"),
        403: examples.problem_example(
            403,
            "not-permitted",
            "The gate does not permit this",
            "it is closed by dispatcher, superintendent, and dana acts as officer",
        ),
        **_NO_INCIDENT,
    },
)
async def close_incident(
    incident: IncidentHere,
    services: ServicesHere,
    actor: ActorHere,
    reason: Annotated[Line, Query(description="Why.")] = "closed by request",
) -> schemas.Incident:
    """Close the incident: its feeds and workers are gone when this returns. May be repeated.

    What was published stays readable.
    """
    actor.need("end", incident.target.id)
    await to_thread.run_sync(
        partial(services.incidents.close, incident, actor, reason=reason), limiter=services.closing
    )
    return incident.message()


def _as_seen_by(actor: Actor, incident: Incident, services: Services) -> schemas.Incident:
    """The incident as a message; that it is open, and no more, for who may not see it."""
    message = incident.message()
    if services.viewers.may_see(incident.grant, actor, services.clock()):
        return message
    closing_reason = None if incident.open else ""
    return message.model_copy(
        update={
            "opened_by": "",
            "role": "",
            "confirmed_by": "",
            "reason": "",
            "because": "",
            "agencies": (),
            "closed_by": closing_reason,
            "closing_reason": closing_reason,
        }
    )


def wanted_target(
    request: request_schemas.OpenIncident, services: Services, actor: Actor
) -> Target:
    """Return the site or drill that a request names.

    Raises:
        ProblemError: there is none of that name, or it is of the other kind.
    """
    wanted = request.drill if request.drill is not None else request.site
    target = target_or_404(services, wanted or "", actor)
    named_kind = "drill" if request.drill is not None else "site"
    if target.kind != named_kind:
        raise ProblemError(
            404,
            "site-not-found",
            "No such site or drill",
            f'{target.id!r} is a {target.kind}: ask for it as {{"{target.kind}": "{target.id}"}}',
        )
    return target


def activation_of(
    request: request_schemas.OpenIncident, target: Target, actor: Actor
) -> Activation:
    """Return what is asked of the gate by somebody's request.

    Raises:
        ForbiddenError: their role may not ask for this, or not in another's name.
    """
    actor.need("exercise" if request.kind == "exercise" else "open", target.id)
    caller = request.on_behalf_of
    if caller is not None:
        actor.need("relay", target.id)
        if request.kind == "standing":
            raise ForbiddenError(
                "standing access is nobody else's to relay; leave on_behalf_of out"
            )
    return Activation(
        request.kind,
        target.id,
        caller.name if caller is not None else request.opened_by or actor.full_name or actor.name,
        request.reason,
        request.channel,
        caller.role if caller is not None else actor.acts_as,
        request.emergency if request.kind == "real" else None,
        handled_by_staff=request.handled_by_staff,
    )


def pending_message(pending: Pending) -> request_schemas.PendingRequest:
    """Return a request that waits as a message."""
    asked = pending.activation
    return request_schemas.PendingRequest(
        request=pending.id,
        target=asked.target,
        kind=asked.kind,
        emergency=asked.emergency,
        opened_by=asked.opened_by,
        asked_by=pending.actor.name,
        reason=asked.reason,
        because=pending.because,
        until=utc(pending.until_s),
    )
