"""`/v1/activations`: what panic buttons and dispatch systems send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

from fastapi import APIRouter, Depends, HTTPException, Path, Request, Response
from starlette.requests import ClientDisconnect

from . import examples
from .access import address_of
from .activation_schemas import ActivationNoted, ActivationOpened, event_schemas
from .activations import PATH
from .problems import MEDIA_TYPE
from .signed_messages import SignedMessage

if TYPE_CHECKING:
    from .activations import Activations

router = APIRouter(prefix=PATH.rstrip("/"), tags=["activations"])

_OPENED = ActivationOpened(
    incident=examples.INCIDENT.incident, until=examples.INCIDENT.until, already_open=False
)
_NOTED = ActivationNoted(type="agency-left", site="north")
_HEADERS = {
    "webhook-id": "Id of the event, the sender's own; the same when it is sent again.",
    "webhook-timestamp": "When it is sent, Unix seconds; at most 5 minutes off.",
    "webhook-signature": "`v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`.",
}
_BUTTON = {
    "type": "emergency",
    "emergency": "active-shooter",
    "by": "Panic button, room 104",
    "reason": "Shots heard in the east wing",
}
_LEFT = {"type": "agency-left", "agency": "Springfield Police"}


def _problem(status: int, slug: str, title: str, detail: str) -> dict[str, Any]:
    shown = examples.problem_example(status, slug, title, detail)
    shown["content"][MEDIA_TYPE]["example"]["instance"] = f"{PATH}north-panic-button"
    return shown


async def _body(request: Request) -> bytes:
    try:
        return await request.body()
    except ClientDisconnect:  # nobody is there to read the answer
        raise HTTPException(400) from None


@router.post(
    "/{source}",
    status_code=201,
    response_model=None,
    responses={
        201: {
            **examples.json_example(_OPENED, "The incident is open and playing"),
            "model": ActivationOpened,
        },
        200: {
            **examples.json_example(_NOTED, "It is done, or was open already"),
            "model": ActivationOpened | ActivationNoted,
        },
        401: _problem(
            401,
            "signature-invalid",
            "The request is not signed as it must be",
            "webhook-timestamp is 3600 s behind this server's clock, and 300 s are accepted",
        ),
        403: _problem(
            403,
            "not-permitted",
            "The gate does not permit this",
            "refused: scuffle never counts: staff handle it",
        ),
        404: _problem(404, "incident-not-found", "No such incident", "nothing is open on north"),
        409: _problem(
            409,
            "event-id-reused",
            "This id belongs to another event",
            "event 7c1e came in before with another body; give each event its own id",
        ),
        422: _problem(
            422, "invalid-request", "The request is not valid", "body.by: Field required"
        ),
        429: _problem(429, "too-many-requests", "Too many requests", "ask again in 20 s"),
        503: _problem(
            503, "audit-unavailable", "The audit cannot be written", "nothing was opened"
        ),
    },
    openapi_extra={
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": said,
                "schema": {"type": "string"},
            }
            for name, said in _HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"oneOf": event_schemas()},
                    "examples": {
                        "panic button": {"value": _BUTTON},
                        "agency has left": {"value": _LEFT},
                    },
                }
            },
        },
    },
)
def receive_event(
    source: Annotated[str, Path(description="Name of the source.")],
    body: Annotated[bytes, Depends(_body)],
    request: Request,
) -> Response:
    """Carry out an event of a panic button or dispatch system: open, note an agency, close.

    No token is needed: the event is signed with the secret of its source, as the Standard Webhooks
    specification says. What is sent again under the same id is answered as the first time and done
    no second time; after a 5xx, send it again.
    """
    services = request.app.state.services
    activations = cast("Activations", services.activations)
    event_id, sent, signatures = (request.headers.get(name, "") for name in _HEADERS)
    message = SignedMessage(event_id, sent, signatures, body)
    answer = activations.receive(
        source, message, address=address_of(request), now_s=services.clock()
    )
    return Response(
        answer.text,
        answer.status,
        headers={"Cache-Control": "no-store"},
        media_type=answer.media_type,
    )
