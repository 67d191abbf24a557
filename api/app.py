"""The application: the location API and the console page, behind one door."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import mimetypes
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from . import incident_routes, page_routes, site_routes
from .access import Access
from .errors import AuditError
from .incidents import Incidents
from .problems import install_problem_handlers
from .schemas import Problem
from .services import Services
from .sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from .gate import Gate
    from .runs import RunFactory
    from .targets import Target
    from .tokens import TokenCheck

_log = logging.getLogger(__name__)

TICK_S = 0.25
"""How often grants are checked and camera states looked at."""

HEARTBEAT_S = 2.0

_DESCRIPTION = """Where was the intruder last seen, and through which door do officers reach them
soonest? Open an exercise, follow its events, close it. Every request needs the token of this
server; every error is a problem document (RFC 9457). Names are stable: fields may be added, none
is renamed; `schema_version` changes where that cannot be kept."""


def create_app(
    targets: Mapping[str, Target],
    *,
    run_factory: RunFactory,
    gate: Gate,
    token: TokenCheck,
    clock: Callable[[], float] = time.time,
    tick_s: float = TICK_S,
    heartbeat_s: float = HEARTBEAT_S,
) -> FastAPI:
    """Return the application.

    Args:
        targets: sites and drills that incidents can be opened on, by id.
        run_factory: makes the runs that play them.
        gate: the door to the cameras.
        token: checks the bearer token.
        clock: Unix seconds now.
        tick_s: how often grants are checked and camera states looked at, seconds.
        heartbeat_s: silence on an event stream is broken after so long, seconds.
    """
    # Python's own table may be overruled by the machine's; a browser refuses scripts of a wrong
    # type, and nosniff is on.
    mimetypes.add_type("text/javascript", ".js")
    all_incidents = Incidents(targets, gate=gate, run_factory=run_factory, clock=clock)
    sessions = Sessions()
    services = Services(all_incidents, token, sessions, clock, heartbeat_s)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(_resume, all_incidents)
        ticking = asyncio.create_task(_tick_on(all_incidents, clock, tick_s))
        try:
            yield
        finally:
            ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticking
            await close_all(app)

    app = FastAPI(
        title="lastseen location API",
        version=version("lastseen"),
        description=_DESCRIPTION,
        docs_url=None,  # ours is built in: FastAPI's loads its scripts from another host
        redoc_url=None,
        lifespan=lifespan,
        responses={"default": {"model": Problem, "description": "Any other problem"}},
    )
    app.state.services = services
    install_problem_handlers(app)
    app.include_router(incident_routes.router)
    app.include_router(site_routes.router)
    app.include_router(page_routes.router)
    app.mount("/console", StaticFiles(directory=page_routes.CONSOLE), name="console")
    app.add_middleware(Access, token=token, sessions=sessions, clock=clock)
    return app


async def close_all(app: FastAPI) -> None:
    """Close every open incident of `app`, so that its event streams end."""
    services: Services = app.state.services
    await asyncio.to_thread(
        services.incidents.close_all, closed_by="server", reason="the server was stopped"
    )


def _resume(all_incidents: Incidents) -> None:
    """Go on with what was open; a bent audit keeps nobody from opening an incident anew."""
    try:
        for incident in all_incidents.resume():
            _log.warning("incident %s goes on after an interruption", incident.id)
    except AuditError as error:
        _log.error("nothing that was open goes on: %s", error)


async def _tick_on(all_incidents: Incidents, clock: Callable[[], float], tick_s: float) -> None:
    while True:
        try:
            await asyncio.to_thread(all_incidents.tick, clock())
        except Exception:  # noqa: BLE001 - outermost frame of this task, it must tick on
            _log.exception("a tick failed")
        await asyncio.sleep(tick_s)
