"""`lastseen serve`: the location API and the console page."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.logs import LogFormat, LogLevel
from vision.detect import Device

if TYPE_CHECKING:
    from api.workers import WorkerMaker

_LONGEST_EXERCISE_MIN = 60.0


def serve(
    folders: Annotated[
        list[Path],
        typer.Argument(help="Site or drill folders that can be opened.", metavar="PATH…"),
    ],
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = 8000,
    state: Annotated[
        Path | None,
        typer.Option(
            help="Folder of keys and database [LASTSEEN_STATE or ~/.local/state/lastseen].",
            show_default=False,
        ),
    ] = None,
    allow_remote: Annotated[
        bool,
        typer.Option("--allow-remote", help="Allow an address that other machines can reach."),
    ] = False,
    device: Annotated[Device, typer.Option(help="Where the detector runs.")] = "auto",
    max_minutes: Annotated[
        float, typer.Option(help="Longest exercise, minutes.", min=0.1, max=24 * 60)
    ] = _LONGEST_EXERCISE_MIN,
    standby: Annotated[
        int,
        typer.Option(
            help="Workers whose engine is loaded before anybody asks; 0 for none.", min=0, max=64
        ),
    ] = 1,
    ray: Annotated[
        str | None,
        typer.Option(
            help="Let a Ray cluster work: host:port of its head.",
            metavar="ADDRESS",
            show_default=False,
        ),
    ] = None,
    ray_workers: Annotated[
        int | None,
        typer.Option(
            help="Workers of an incident in the cluster [as many as it has GPUs, or machines].",
            min=1,
            max=256,
            show_default=False,
        ),
    ] = None,
    log_format: Annotated[
        LogFormat | None,
        typer.Option(help="Form of the log [LASTSEEN_LOG_FORMAT or text].", show_default=False),
    ] = None,
    log_level: Annotated[
        LogLevel | None,
        typer.Option(
            help="The least that is logged [LASTSEEN_LOG_LEVEL or warning].", show_default=False
        ),
    ] = None,
) -> None:
    """Serve the location API and the console page until Ctrl-C.

    Who may sign in is said by 'lastseen users add', or by the identity provider that
    LASTSEEN_OIDC_ISSUER and LASTSEEN_OIDC_AUDIENCE name. Real incidents need an agreement, which
    the site's site.toml names. What is open when the server stops stays open until its time: the
    next start goes on with it.

    Examples:
      lastseen serve benchmarks/drills/wing

      lastseen serve sites/north sites/south --port 9000

      lastseen serve sites/north --ray 10.0.0.5:6379
    """
    from api import logs
    from api.app import create_app
    from api.drill_run_process import process_player
    from api.errors import ServeError
    from api.holders import only_holder
    from api.operations import Operations
    from api.record import opened_record
    from api.run_factory import needs_detector, run_factory
    from api.server import is_loopback, listen, serve_on
    from api.settings import read_settings
    from api.standby import Standby
    from api.targets import load_targets, prepare_ahead
    from api.walk_tests import people_detector
    from api.worker_messages import Engine

    if not is_loopback(host) and not allow_remote:
        raise ServeError(
            f"{host} can be reached by other machines and the connection is not encrypted; put a "
            "TLS proxy in front, or say --allow-remote"
        )
    settings = read_settings()
    logs.configure(
        logs.LogSettings(log_format or settings.log_format, log_level or settings.log_level)
    )
    targets = load_targets(folders)
    verifier = settings.oidc_verifier()
    waiting = standby if any(needs_detector(target) for target in targets.values()) else 0
    make_worker, size = _workers(ray, ray_workers, device)
    with (
        listen(host, port) as listener,
        opened_record(state) as record,
        only_holder(record.store, state or settings.state, settings.server),
        closing(Standby(make_worker, Engine(device), waiting * size)) as workers,
        closing(settings.telemetry()) as telemetry,
    ):
        workers.start()
        preparing = prepare_ahead(targets.values())
        app = create_app(
            targets,
            record=record,
            run_factory=run_factory(
                device,
                make_worker=workers,
                workers=size,
                watch=lambda incident, site: telemetry.of(incident, site).take,
            ),
            operations=Operations(
                telemetry,
                settings.metrics_secret(),
                preparing=preparing.is_alive,
                warm=workers.why_cold if waiting else None,
            ),
            verifier=verifier,
            holder=settings.server,
            longest_s=max_minutes * 60.0,
            drill_player=process_player(device),
            drill_run_days=settings.drill_run_days,
            detector=partial(people_detector, device),
        )
        shown_host = f"[{host}]" if ":" in host else host
        typer.echo(
            f"Serving {', '.join(targets)} on http://{shown_host}:{listener.getsockname()[1]}/"
        )
        for target in targets.values():
            if target.kind == "site" and target.terms.agreement is None:
                typer.echo(f"{target.id}: no agreement binds it, so it opens for exercises only.")
        if verifier is None and not app.state.services.accounts.list():
            typer.echo(
                "Nobody can sign in yet. Make the first account with:\n"
                f"  lastseen users add NAME --role dispatcher{_state_option(state)}"
            )
        if not is_loopback(host):
            typer.echo(
                "WARNING: other machines can reach this server, and without a TLS proxy passwords "
                "travel readable.",
                err=True,
            )
        serve_on(app, listener)
        live = [incident for incident in app.state.services.incidents if incident.open]
    if live:
        named = ", ".join(incident.id for incident in live)
        typer.echo(f"Stopped. Still granted until their time, for the next start: {named}")
    else:
        typer.echo("All incidents are closed.")


def _workers(ray: str | None, count: int | None, device: Device) -> tuple[WorkerMaker, int]:
    """What makes workers, and how many of them an incident has."""
    from api.errors import ServeError
    from api.worker_process import WorkerProcess

    if ray is None:
        if count is not None:
            raise ServeError("--ray-workers says how many work in a cluster; name it with --ray")
        return WorkerProcess, 1
    from api.ray_worker import workers_in

    cluster = workers_in(ray, count, device)
    typer.echo(f"Working in the cluster at {ray}: {', '.join(map(str, cluster.places))}")
    return cluster, cluster.count


def _state_option(state: Path | None) -> str:
    return "" if state is None else f" --state {state}"
