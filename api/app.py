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

from . import (
    activation_routes,
    archive_routes,
    audit_routes,
    calibration_routes,
    cameras_now_routes,
    drill_run_routes,
    health_routes,
    incident_routes,
    link_routes,
    mark_routes,
    page_routes,
    plan_edit_routes,
    plan_upload_routes,
    report_routes,
    request_routes,
    search_routes,
    sign_in_routes,
    site_routes,
    stream_routes,
    stream_socket,
    timeline_routes,
    view_routes,
    walk_test_routes,
)
from .access import Access
from .assembly import assemble
from .drill_run_process import process_player
from .errors import ApiError
from .operations import Operations
from .problem_schemas import Problem
from .problems import install_problem_handlers
from .request_ids import RequestIds
from .telemetry import Telemetry
from .walk_tests import people_detector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from vision.detect import Detector

    from .drill_run_process import DrillPlayer
    from .incidents import Incidents
    from .oidc import OidcVerifier
    from .record import Record
    from .runs import RunFactory
    from .services import Services
    from .targets import Target

_log = logging.getLogger(__name__)

TICK_S = 0.1
"""How often grants are checked and camera states looked at."""

HEARTBEAT_S = 2.0
_HOUSEKEEPING_S = 30.0

DRILL_RUN_DAYS = 90.0
"""Runs of drills are kept so long where neither the agreement nor the settings say less."""
_SETTLE_EVERY_S = 1.0

_DESCRIPTION = """Where was the intruder last seen, and through which door do officers reach them
soonest? Ask for an incident, follow its events, close it. Every request needs the token of an
account; the agreement of the site decides what is opened; every error is a problem document
(RFC 9457). Names are stable: fields may be added, none is renamed; `schema_version` changes where
that cannot be kept."""


def create_app(
    targets: Mapping[str, Target],
    *,
    record: Record,
    run_factory: RunFactory,
    verifier: OidcVerifier | None = None,
    holder: str = "server",
    longest_s: float = 3600.0,
    clock: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
    tick_s: float = TICK_S,
    heartbeat_s: float = HEARTBEAT_S,
    detector: Callable[[], Detector] = people_detector,
    drill_player: DrillPlayer | None = None,
    drill_run_days: float = DRILL_RUN_DAYS,
    operations: Operations | None = None,
) -> FastAPI:
    """Return the application.

    Args:
        targets: sites and drills that incidents can be opened on, by id.
        record: the database, the keys and the audit.
        run_factory: makes the runs that play them.
        verifier: checks tokens of an identity provider; None without one.
        holder: name of this server among those that share a database.
        longest_s: longest exercise where there is no agreement, seconds.
        clock: Unix seconds now.
        monotonic: a clock that nobody can set, seconds.
        tick_s: how often grants are checked and camera states looked at, seconds.
        heartbeat_s: silence on an event stream is broken after so long, seconds.
        detector: loads what finds people in walk tests, when the first one needs it.
        drill_player: plays drills for analysts; None: in a process of its own.
        drill_run_days: for how many days their runs are kept where no agreement says less.
        operations: what those who run the server hand in; metrics that nobody can read where None.
    """
    # Python's own table may be overruled by the machine's; a browser refuses scripts of a wrong
    # type, and nosniff is on.
    mimetypes.add_type("text/javascript", ".js")
    services = assemble(
        targets,
        record=record,
        run_factory=run_factory,
        verifier=verifier,
        holder=holder,
        longest_s=longest_s,
        clock=clock,
        monotonic=monotonic,
        heartbeat_s=heartbeat_s,
        detector=detector,
        drill_player=drill_player or process_player(),
        drill_run_days=drill_run_days,
        operations=operations or Operations(Telemetry(clock=clock)),
    )

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(_resume, services.incidents)
        if verifier is not None:
            await asyncio.to_thread(verifier.prefetch, clock())
        tasks = [
            asyncio.create_task(_tick_on(services, tick_s)),
            asyncio.create_task(_settle_on(services.incidents)),
            asyncio.create_task(_see_off(services)),
            asyncio.create_task(_take_up_changes(services)),
            asyncio.create_task(_keep_house(services)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            await stop_all(app)

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
    for routes in (
        incident_routes,
        view_routes,
        link_routes,
        mark_routes,
        report_routes,
        search_routes,
        cameras_now_routes,
        timeline_routes,
        request_routes,
        site_routes,
        calibration_routes,
        walk_test_routes,
        plan_edit_routes,
        plan_upload_routes,
        stream_routes,
        stream_socket,
        activation_routes,
        archive_routes,
        audit_routes,
        drill_run_routes,
        sign_in_routes,
        health_routes,
        page_routes,
    ):
        app.include_router(routes.router)
    app.mount("/console", StaticFiles(directory=page_routes.CONSOLE), name="console")
    app.add_middleware(Access, recogniser=services.recogniser, clock=clock)
    app.add_middleware(RequestIds)
    return app


async def stop_all(app: FastAPI) -> None:
    """Stop every run of `app`, so that its event streams end. What is live stays granted."""
    services: Services = app.state.services
    live = await asyncio.to_thread(services.incidents.stop_all, reason="the server was stopped")
    for incident in live:
        said = "incident %s stays open until its time: start the server again"
        _log.warning(said, incident.id, extra={"incident": incident.id})
    await asyncio.to_thread(services.visits.sweep)
    await asyncio.to_thread(services.drill_runs.stop)
    await asyncio.to_thread(services.housekeeping.tick, services.clock(), sign=True)


def _resume(all_incidents: Incidents) -> None:
    """Go on with what was open; a bent audit keeps nobody from opening an incident anew."""
    try:
        for incident in all_incidents.resume():
            said = {"incident": incident.id}
            _log.warning("incident %s goes on after an interruption", incident.id, extra=said)
    except ApiError as error:
        _log.error("nothing that was open goes on: %s", error)


async def _tick_on(services: Services, tick_s: float) -> None:
    while True:
        try:
            await asyncio.to_thread(services.incidents.tick, services.clock())
        except Exception:  # noqa: BLE001 - outermost frame of this task, it must tick on
            _log.exception("a tick failed")
        await asyncio.sleep(tick_s)


async def _settle_on(all_incidents: Incidents) -> None:
    """Apart from the ticks, which must not wait for a database."""
    while True:
        await asyncio.sleep(_SETTLE_EVERY_S)
        try:
            await asyncio.to_thread(all_incidents.settle)
        except Exception:  # noqa: BLE001 - outermost frame of this task, as above
            _log.exception("closings cannot be settled")


async def _take_up_changes(services: Services) -> None:
    while True:
        await asyncio.sleep(_SETTLE_EVERY_S)
        try:
            await asyncio.to_thread(services.reloads.tick)
        except Exception:  # noqa: BLE001 - outermost frame of this task, as above
            _log.exception("changed sites cannot be taken up")


async def _see_off(services: Services) -> None:
    """Apart from the ticks, too: it writes down who does not watch any more."""
    while True:
        await asyncio.sleep(_SETTLE_EVERY_S)
        try:
            await asyncio.to_thread(services.visits.sweep)
        except Exception:  # noqa: BLE001 - outermost frame of this task, as above
            _log.exception("visits cannot be ended")


async def _keep_house(services: Services) -> None:
    open_before = 0
    while True:
        open_now = sum(incident.open for incident in services.incidents)
        try:
            await asyncio.to_thread(
                services.housekeeping.tick, services.clock(), sign=open_now < open_before
            )
            targets = services.incidents.targets
            await asyncio.to_thread(services.drill_runs.purge_due, targets, services.clock())
        except Exception:  # noqa: BLE001 - outermost frame of this task, as above
            _log.exception("housekeeping failed")
        open_before = open_now
        await asyncio.sleep(_HOUSEKEEPING_S)
