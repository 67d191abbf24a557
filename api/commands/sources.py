"""`lastseen sources`: panic buttons and dispatch systems that may ask for cameras."""

from __future__ import annotations

import json
import os
import time
import uuid
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx2

    from api.sources import Sources

app = typer.Typer(
    help="Panic buttons and dispatch systems that may ask for cameras.", no_args_is_help=True
)

SECRET_VARIABLE = "LASTSEEN_SOURCE_SECRET"  # noqa: S105 - the name of a variable
TIMEOUT_S = 10.0
PAUSES_S = (1.0, 2.0, 4.0)
"""Waits before an event is sent again; as many as there are, so often."""

_REFUSED = 3
_BAD_REQUEST = 400
_SERVER_FAULT = 500

_Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the source.")]
_State = Annotated[
    Path | None,
    typer.Option(
        help="State folder of the server [LASTSEEN_STATE or ~/.local/state/lastseen].",
        show_default=False,
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def add(
    name: _Name,
    site: Annotated[str, typer.Option(metavar="S", help="Id of the site it may ask for.")],
    acts_as: Annotated[
        str, typer.Option("--acts-as", metavar="ROLE", help="Its role in the agreement.")
    ],
    channel: Annotated[
        str, typer.Option(help="How its requests come in, e.g. panic-app, cad or 911.")
    ],
    state: _State = None,
    as_json: _Json = False,
) -> None:
    """Make a source known, and print its secret: once, it cannot be shown again.

    It sends its events to /v1/activations/NAME, signed as the Standard Webhooks specification says.

    Examples:

      lastseen sources add north-panic --site north --acts-as principal --channel panic-app
    """
    from api.audit import machine_user

    with _sources(state) as sources:
        secret = sources.add(
            name, site=site, acts_as=acts_as, channel=channel, by=machine_user(), now_s=time.time()
        )
    _print_secret(name, secret, as_json=as_json)


@app.command("list")
def list_sources(state: _State = None, as_json: _Json = False) -> None:
    """List all sources, without their secrets.

    Examples:

      lastseen sources list --json
    """
    with _sources(state) as sources:
        found = sources.list()
    if as_json:
        typer.echo(json.dumps([asdict(source) for source in found], indent=2))
        return
    for source in found:
        disabled = "  (disabled)" if source.disabled else ""
        typer.echo(
            f"{source.name}  {source.site}  as {source.acts_as}  by {source.channel}{disabled}"
        )
    if not found:
        typer.echo("There are none; 'lastseen sources add' makes one known.", err=True)


@app.command()
def secret(name: _Name, state: _State = None, as_json: _Json = False) -> None:
    """Make a new secret for a source, and print it; the old one is void at once.

    Examples:

      lastseen sources secret north-panic
    """
    from api.audit import machine_user

    with _sources(state) as sources:
        made = sources.renew_secret(name, by=machine_user(), now_s=time.time())
    _print_secret(name, made, as_json=as_json)


@app.command()
def disable(name: _Name, state: _State = None) -> None:
    """Listen to nothing of a source any more; what it opened stays open.

    Examples:

      lastseen sources disable north-panic
    """
    from api.audit import machine_user

    with _sources(state) as sources:
        sources.disable(name, by=machine_user(), now_s=time.time())
    typer.echo(f"{name} is disabled.")


@app.command()
def enable(name: _Name, state: _State = None) -> None:
    """Listen to a source again, with the secret it had.

    Examples:

      lastseen sources enable north-panic
    """
    from api.audit import machine_user

    with _sources(state) as sources:
        sources.enable(name, by=machine_user(), now_s=time.time())
    typer.echo(f"{name} is enabled.")


@app.command()
def send(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="Of the source: https://HOST/v1/activations/NAME.")
    ],
    kind: Annotated[
        str,
        typer.Option(
            "--type", help="emergency, exercise, agency-responding, agency-left or closed."
        ),
    ],
    secret_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help=f"File that holds the secret; {SECRET_VARIABLE} if none."
        ),
    ] = None,
    emergency: Annotated[
        str | None, typer.Option(help="Class of the emergency, as the agreement names it.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who pressed or called.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, in words.")] = None,
    agency: Annotated[str | None, typer.Option(help="The agency that responds or left.")] = None,
    handled_by_staff: Annotated[
        bool, typer.Option("--handled-by-staff", help="Say that staff are handling it.")
    ] = False,
    event_id: Annotated[
        str | None,
        typer.Option("--id", help="Id of the event; a new one if not given.", show_default=False),
    ] = None,
) -> None:
    """Sign one event, send it and print the answer: to try a panic button by hand.

    Emergencies are real: use an exercise to try the way. Exit status 0 where the server did it, 3
    where it refused, 1 where it could not be reached or failed, after three more tries.

    Examples:

      lastseen sources send https://lastseen.example/v1/activations/north-panic
      --secret-file north.secret --type exercise --by "Installer" --reason "Test of the button"
    """
    import httpx2

    _check_address(url, event_id)
    body = _event(
        {
            "type": kind,
            "emergency": emergency,
            "by": by,
            "reason": reason,
            "agency": agency,
            "handled_by_staff": handled_by_staff or None,
        }
    )
    key = _read_secret(secret_file)
    with httpx2.Client(timeout=TIMEOUT_S) as client:
        answer = deliver(client, url, body, secret=key, event_id=event_id or f"try-{uuid.uuid4()}")
    if answer is None:
        raise typer.Exit(1)
    typer.echo(answer.text)
    if not answer.is_success:
        raise typer.Exit(_REFUSED if answer.status_code < _SERVER_FAULT else 1)


def deliver(
    client: httpx2.Client,
    url: str,
    body: bytes,
    *,
    secret: str,
    event_id: str,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> httpx2.Response | None:
    """Return the last answer to an event, sent again under the same id while that may help.

    Args:
        client: sends it.
        url: address of the source.
        body: the event.
        secret: of the source.
        event_id: id of the event.
        clock: Unix seconds now; each try is signed anew.
        sleep: waits so many seconds.

    Returns:
        None where the server could not be reached.
    """
    import httpx2

    from api.signed_messages import sign

    typer.echo(f"Sending event {event_id} to {url}", err=True)
    answer = None
    for pause_s in (*PAUSES_S, None):
        sent_s = int(clock())
        headers = {
            "content-type": "application/json",
            "webhook-id": event_id,
            "webhook-timestamp": str(sent_s),
            "webhook-signature": sign(secret, event_id, sent_s, body),
        }
        try:
            answer = client.post(url, content=body, headers=headers)
        except httpx2.TransportError as error:
            answer, what = None, str(error) or type(error).__name__
        else:
            what = f"{answer.status_code} {answer.reason_phrase}"
            if answer.status_code < _SERVER_FAULT and "retry-after" not in answer.headers:
                typer.echo(f"Answered {what}", err=True)
                return answer
        again = "giving up" if pause_s is None else f"again in {pause_s:g} s, under the same id"
        typer.echo(f"{what}: {again}", err=True)
        if pause_s is not None:
            sleep(pause_s)
    return answer


@contextmanager
def _sources(state: Path | None) -> Iterator[Sources]:
    from api.audit import Audit
    from api.keys import Keys
    from api.settings import read_settings
    from api.sources import Sources

    settings = read_settings()
    store = settings.open_store(state)
    try:
        yield Sources(store, Keys(state or settings.state), Audit(store))
    finally:
        store.close()


def _print_secret(name: str, made: str, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"source": name, "secret": made}))
    else:
        typer.echo(f"Secret of {name} (shown only now):", err=True)
        typer.echo(made)


def _event(given: dict[str, Any]) -> bytes:
    """The event that the options describe."""
    from fastapi.exceptions import RequestValidationError

    from api.activation_schemas import read_event

    body = json.dumps(
        {key: value for key, value in given.items() if value is not None}, ensure_ascii=False
    ).encode()
    try:
        read_event(body)
    except RequestValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in one['loc'][1:]) or 'type'}: {one['msg']}"
            for one in error.errors()
        )
        raise typer.BadParameter(wrong) from error
    return body


def _check_address(url: str, event_id: str | None) -> None:
    import httpx2

    from api.signed_messages import MESSAGE_ID

    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise typer.BadParameter(f"URL {url!r}: {error}") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise typer.BadParameter(f"URL {url!r}: expected https://HOST/v1/activations/NAME")
    if event_id is not None and not MESSAGE_ID.fullmatch(event_id):
        raise typer.BadParameter("--id: expected 1 to 128 characters of ASCII without blanks")


def _read_secret(file: Path | None) -> str:
    from api.errors import StateError
    from api.signed_messages import is_secret

    if file is None:
        found = os.environ.get(SECRET_VARIABLE, "").strip()
        where = SECRET_VARIABLE
        if not found:
            raise typer.BadParameter(f"give --secret-file FILE, or set {SECRET_VARIABLE}")
    else:
        where = str(file)
        try:
            found = file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise StateError(f"{file}: cannot be read: {error}") from error
    if not is_secret(found):
        raise StateError(f"{where}: holds no secret as 'lastseen sources add' prints it")
    return found
