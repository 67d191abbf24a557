"""`/healthz`, `/readyz` and `/metrics`: for what watches the server, not for people.

The first two answer anybody, because what asks them (a load balancer, a service manager) has no
account, and say nothing that a stranger may not know. Metrics name cameras and tell whether an
emergency is open, so they need the token of `LASTSEEN_METRICS_TOKEN`. There is no exception for
this machine: behind a TLS proxy that runs beside the server every stranger comes from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from pydantic import Field

from . import examples
from .access import bearer_of
from .errors import ProblemError
from .schemas import Message
from .services import ServicesHere  # noqa: TC001 - FastAPI reads the annotation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .readiness import Check

router = APIRouter(tags=["operations"], responses={401: examples.UNAUTHORIZED})


class Alive(Message):
    """The process answers."""

    status: str = Field(default="alive", description="Always `alive`.")


class ReadyCheck(Message):
    """One thing that was looked at."""

    name: str = Field(description="`server`, `storage`, `audit`, `sites` or `engine`.")
    ok: bool
    needed: bool = Field(description="Whether nothing can be opened without it.")
    detail: str = Field(description="What is wrong; empty when all is well.")


class Ready(Message):
    """An incident can be opened here."""

    status: str = Field(default="ready", description="Always `ready`.")
    checks: tuple[ReadyCheck, ...] = Field(
        default=(), description="What was looked at; empty without the token of the metrics."
    )


async def _let_in(request: Request, services: ServicesHere) -> bool:
    """Whether the request shows the token of those who run the server."""
    return services.operations.lets_in(bearer_of(request))


LetIn = Annotated[bool, Depends(_let_in)]


@router.get(
    "/healthz",
    responses={200: examples.json_example(Alive(), "The process answers")},
)
async def get_health() -> Alive:
    """Answer at once: the process lives. Nothing is looked at, nothing is told."""
    return Alive()


@router.get(
    "/readyz",
    responses={
        200: examples.json_example(Ready(), "An incident can be opened here"),
        503: examples.problem_example(
            503, "not-ready", "No incident can be opened here now", "the record cannot be written"
        ),
    },
)
async def get_readiness(services: ServicesHere, let_in: LetIn) -> Ready:
    """Tell whether an incident can be opened here now.

    With the token of the metrics it says what was looked at and what is wrong with it. What is
    found holds for two seconds.
    """
    checks = await to_thread.run_sync(
        services.readiness.checks, limiter=services.operations.threads
    )
    return _ready(checks, let_in=let_in)


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {
            "description": "All metrics, in Prometheus' text format",
            "content": {
                "text/plain": {
                    "schema": {"type": "string"},
                    "example": 'lastseen_incidents_open{kind="real"} 0.0\n',
                }
            },
        }
    },
)
async def get_metrics(services: ServicesHere, let_in: LetIn) -> Response:
    """Return the metrics to whoever shows their token."""
    if not let_in:
        raise ProblemError(
            401,
            "unauthorized",
            "A valid token is needed",
            "send 'Authorization: Bearer <token>' with the token of LASTSEEN_METRICS_TOKEN",
            {"WWW-Authenticate": 'Bearer realm="lastseen metrics"'},
        )
    text = await to_thread.run_sync(
        services.operations.telemetry.metrics.text, limiter=services.operations.threads
    )
    return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _ready(checks: Sequence[Check], *, let_in: bool) -> Ready:
    """What is told of the checks, and to whom.

    Raises:
        ProblemError: something that is needed is not well.
    """
    missing = [check for check in checks if check.needed and not check.ok]
    if missing:
        told = [
            f"{check.told} ({check.detail})" if let_in and check.detail else check.told
            for check in missing
        ]
        raise ProblemError(
            503,
            "not-ready",
            "No incident can be opened here now",
            "; ".join(told),
            {"Retry-After": "5"},
        )
    if not let_in:
        return Ready()
    return Ready(
        checks=tuple(
            ReadyCheck(
                name=check.name,
                ok=check.ok,
                needed=check.needed,
                detail="" if check.ok else check.detail or check.told,
            )
            for check in checks
        )
    )
