"""`/v1/requests`: what waits for a second person; and what an agreement would answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from . import examples, request_schemas, schemas
from .grant_rules import needs_second_person
from .incident_routes import activation_of, pending_message, wanted_target
from .services import DOCUMENTED_BEARER, ActorHere, ServicesHere

router = APIRouter(
    prefix="/v1",
    tags=["requests"],
    dependencies=[DOCUMENTED_BEARER],
    responses={401: examples.UNAUTHORIZED, 403: examples.FORBIDDEN},
)

_ANSWER = request_schemas.AnswerMessage(
    allowed=False,
    clause="incidents.never",
    because="refused: food-fight never counts: a food fight is no life-safety emergency",
    lacks=(),
    needs_second_person=False,
    longest_min=None,
)


@router.get(
    "/requests",
    responses={
        200: examples.json_example(
            request_schemas.PendingList(requests=(examples.PENDING,)), "What waits"
        )
    },
)
def list_requests(services: ServicesHere, actor: ActorHere) -> request_schemas.PendingList:
    """List the requests that wait for a second person and are this account's to confirm."""
    return request_schemas.PendingList(
        requests=tuple(
            pending_message(one)
            for one in services.asking.waiting()
            if actor.may("open", one.activation.target)
        )
    )


@router.post(
    "/requests/{request}/confirmation",
    status_code=201,
    responses={
        201: examples.json_example(examples.INCIDENT, "Confirmed: the incident is open"),
        404: examples.problem_example(
            404, "request-not-found", "No such request", "it was confirmed, or it lapsed"
        ),
        409: examples.problem_example(
            409, "incident-already-open", "An incident is open here already", "follow or close it"
        ),
    },
)
def confirm_request(
    request: Annotated[str, Path(description="Id of the request.", max_length=64)],
    services: ServicesHere,
    actor: ActorHere,
    response: Response,
) -> schemas.Incident:
    """Confirm what another person asked for; it is opened now."""
    incident = services.asking.confirm(request, actor)
    response.headers["Location"] = f"/v1/incidents/{incident.id}"
    return incident.message()


@router.post(
    "/explanations",
    responses={
        200: examples.json_example(_ANSWER, "The answer; nothing was opened"),
        404: examples.NO_SITE,
        422: examples.INVALID,
    },
)
def explain_request(
    request: request_schemas.OpenIncident, services: ServicesHere, actor: ActorHere
) -> request_schemas.AnswerMessage:
    """Say what would be answered to a request, and because of which clause. Nothing is opened."""
    target = wanted_target(request, services, actor)
    asked = activation_of(request, target, actor)
    decision = services.gate.decide(asked, target.terms, services.clock())
    return request_schemas.AnswerMessage(
        allowed=decision.allowed,
        clause=decision.clause,
        because=decision.because,
        lacks=decision.lacks,
        needs_second_person=needs_second_person(decision),
        longest_min=None if decision.longest_s is None else decision.longest_s / 60.0,
    )
