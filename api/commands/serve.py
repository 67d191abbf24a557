"""`lastseen serve`: the location API and the console page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vision.detect import Device

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
            help="Folder of the token and the audit [LASTSEEN_STATE or ~/.local/state/lastseen].",
            show_default=False,
        ),
    ] = None,
    new_token: Annotated[
        bool, typer.Option("--new-token", help="Make a new token; the old one is void.")
    ] = False,
    allow_remote: Annotated[
        bool,
        typer.Option("--allow-remote", help="Allow an address that other machines can reach."),
    ] = False,
    device: Annotated[Device, typer.Option(help="Where the detector runs.")] = "auto",
    max_minutes: Annotated[
        float, typer.Option(help="Longest exercise, minutes.", min=0.1, max=24 * 60)
    ] = _LONGEST_EXERCISE_MIN,
) -> None:
    """Serve the location API and the console page until Ctrl-C.

    The first start makes the access token and prints it once; only its hash is kept. Sign in on
    the page with it, or send it as 'Authorization: Bearer TOKEN'.

    Examples:
      lastseen serve benchmarks/drills/wing

      lastseen serve sites/north sites/south --port 9000
    """
    from api.app import create_app
    from api.audit import AUDIT_FILE, AuditFile
    from api.errors import ServeError
    from api.gate import Gate
    from api.incident_run import run_factory
    from api.server import is_loopback, listen, serve_on
    from api.settings import Settings
    from api.targets import load_targets
    from api.tokens import ensure_token

    if not is_loopback(host) and not allow_remote:
        raise ServeError(
            f"{host} can be reached by other machines and the connection is not encrypted; put a "
            "TLS proxy in front, or say --allow-remote"
        )
    state = state or Settings().state
    targets = load_targets(folders)
    with listen(host, port) as listener:
        check, token = ensure_token(state, renew=new_token)
        app = create_app(
            targets,
            run_factory=run_factory(device),
            gate=Gate(AuditFile(state / AUDIT_FILE), longest_s=max_minutes * 60.0),
            token=check,
        )
        shown_host = f"[{host}]" if ":" in host else host
        typer.echo(
            f"Serving {', '.join(targets)} on http://{shown_host}:{listener.getsockname()[1]}/"
        )
        if token is not None:
            typer.echo(f"Access token (shown only now): {token}")
        else:
            typer.echo("Sign in with the token of the first start; --new-token makes another.")
        if not is_loopback(host):
            typer.echo(
                "WARNING: other machines can reach this server, and without a TLS proxy the token "
                "travels readable.",
                err=True,
            )
        serve_on(app, listener)
    typer.echo("All incidents are closed.")
