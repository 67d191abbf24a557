"""`lastseen incidents`: what the console does, from the command line of any machine."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from calibration.inputs import MARK_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.api_client import ApiClient

app = typer.Typer(
    help="Open, follow, mark, extend and close incidents of a running server.", no_args_is_help=True
)

_REFUSED = 3
_WAITS = 4
_FORBIDDEN = 403
_ACCEPTED = 202
_EVERY_S = 5.0
_UNDO = "undo"

_Server = Annotated[
    str, typer.Option(metavar="URL", envvar="LASTSEEN_URL", help="Address of the server.")
]
_KeyFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="File that holds the account's key; LASTSEEN_KEY if none."),
]
_Key = Annotated[str | None, typer.Option(envvar="LASTSEEN_KEY", hidden=True)]
_Json = Annotated[bool, typer.Option("--json", help="Print the message as JSON.")]
_Incident = Annotated[str, typer.Argument(metavar="INCIDENT", help="Incident id.")]

_HERE = "http://127.0.0.1:8000"


@app.command("open")
def open_(
    site: Annotated[str, typer.Argument(metavar="SITE", help="Id of the site or drill.")],
    reason: Annotated[str, typer.Option(help="Why: the threat, in words.")],
    kind: Annotated[str, typer.Option(help="real, exercise or standing.")] = "real",
    emergency: Annotated[
        str | None, typer.Option(help="Class of the emergency, as the agreement names it.")
    ] = None,
    channel: Annotated[
        str, typer.Option(help="911, hotline, administrator, break-glass or console.")
    ] = "console",
    for_role: Annotated[
        str | None, typer.Option(help="Role of whoever telephoned, where it is relayed.")
    ] = None,
    for_name: Annotated[str | None, typer.Option(help="Who telephoned.")] = None,
    *,
    handled_by_staff: Annotated[
        bool, typer.Option("--handled-by-staff", help="They say that staff are handling it.")
    ] = False,
    drill: Annotated[bool, typer.Option("--drill", help="SITE is a drill.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Only say what would be answered.")
    ] = False,
    server: _Server = _HERE,
    key_file: _KeyFile = None,
    key: _Key = None,
    as_json: _Json = False,
) -> None:
    """Ask for an incident; the agreement of the site decides.

    Exit status 0 where it is open, 3 where it is refused, 4 where it waits for a second person.

    Examples:

      lastseen incidents open north --emergency active-shooter --channel 911 --reason "Shots heard"

      lastseen incidents open wing --drill --kind exercise --reason "Monthly drill"
    """
    if (for_role is None) != (for_name is None):
        raise typer.BadParameter("--for-role and --for-name belong together")
    body: dict[str, Any] = {
        "drill" if drill else "site": site,
        "kind": kind,
        "channel": channel,
        "reason": reason,
        "handled_by_staff": handled_by_staff,
    }
    if emergency is not None:
        body["emergency"] = emergency
    if for_role is not None:
        body["on_behalf_of"] = {"role": for_role, "name": for_name}
    with _client(server, key_file, key) as client:
        path = "/v1/explanations" if explain else "/v1/incidents"
        status, said = client.ask("POST", path, body=body)
    if explain:
        _show(said, said["because"], as_json=as_json)
        allowed = said["allowed"] or said["needs_second_person"]
        raise typer.Exit(0 if allowed else _REFUSED)
    if status == _ACCEPTED:
        _show(said, f"request {said['request']} waits: {said['because']}", as_json=as_json)
        raise typer.Exit(_WAITS)
    _show(said, _line(said), as_json=as_json)


@app.command()
def confirm(
    request: Annotated[str, typer.Argument(metavar="REQUEST", help="Id of the request.")],
    server: _Server = _HERE,
    key_file: _KeyFile = None,
    key: _Key = None,
    as_json: _Json = False,
) -> None:
    """Confirm what another person asked for, as its second person.

    Examples:

      lastseen incidents confirm 3f9a61c25d0e47b1
    """
    with _client(server, key_file, key) as client:
        _, said = client.ask("POST", f"/v1/requests/{quote(request, safe='')}/confirmation")
    _show(said, _line(said), as_json=as_json)


@app.command("list")
def list_(
    server: _Server = _HERE, key_file: _KeyFile = None, key: _Key = None, as_json: _Json = False
) -> None:
    """List the incidents of the server, and what waits for a second person.

    Examples:

      lastseen incidents list --server https://lastseen.example --key-file dispatch.key
    """
    with _client(server, key_file, key) as client:
        _, said = client.ask("GET", "/v1/incidents")
        _, waiting = client.ask("GET", "/v1/requests")
    if as_json:
        typer.echo(json.dumps({**said, "requests": waiting["requests"]}, indent=2))
        return
    for incident in said["incidents"]:
        typer.echo(_line(incident))
    for request in waiting["requests"]:
        typer.echo(
            f"{request['request']}  waits for a second person  {request['target']}  "
            f"{request['opened_by']}: {request['reason']}"
        )
    if not said["incidents"] and not waiting["requests"]:
        typer.echo("There are none.", err=True)


@app.command()
def follow(
    incident: _Incident, server: _Server = _HERE, key_file: _KeyFile = None, key: _Key = None
) -> None:
    """Print the answer until the incident is closed.

    A line each time that more than its figures changes, and every five seconds.

    Examples:

      lastseen incidents follow 20260302-091515-9f3a61c2
    """
    last, last_at = "", datetime.min.replace(tzinfo=UTC)
    with _client(server, key_file, key) as client:
        for name, data in client.events(f"/v1/incidents/{quote(incident, safe='')}/events"):
            said = json.loads(data)
            about = said if name in {"incident", "closed"} else said.get("about")
            answer = said.get("last_seen", said if name == "last-seen" else None)
            at = datetime.fromisoformat(said["published_at"])
            if answer is not None:
                words = re.sub(r"[\d.]+", "#", answer["text"])
                if words != last or (at - last_at).total_seconds() >= _EVERY_S:
                    last, last_at = words, at
                    exercise = "EXERCISE " if said.get("exercise") else ""
                    typer.echo(f"{at:%H:%M:%S} UTC  {exercise}{answer['text']}")
            if about is not None and about["state"] == "closed":
                typer.echo(_line(about))


@app.command()
def extend(
    incident: _Incident,
    server: _Server = _HERE,
    key_file: _KeyFile = None,
    key: _Key = None,
    as_json: _Json = False,
) -> None:
    """Extend an incident's grant once, by what its agreement says.

    Examples:

      lastseen incidents extend 20260302-091515-9f3a61c2
    """
    with _client(server, key_file, key) as client:
        _, said = client.ask("POST", f"/v1/incidents/{quote(incident, safe='')}/extension")
    _show(said, _line(said), as_json=as_json)


@app.command()
def agency(
    incident: _Incident,
    name: Annotated[str, typer.Argument(metavar="AGENCY", help="As the agreement names it.")],
    *,
    left: Annotated[bool, typer.Option("--left", help="It has left; it responds if not.")] = False,
    server: _Server = _HERE,
    key_file: _KeyFile = None,
    key: _Key = None,
    as_json: _Json = False,
) -> None:
    """Say that an agency responds, or has left.

    Examples:

      lastseen incidents agency 20260302-091515-9f3a61c2 "Town Police" --left
    """
    path = f"/v1/incidents/{quote(incident, safe='')}/agencies/{quote(name, safe='')}"
    with _client(server, key_file, key) as client:
        _, said = client.ask("PUT", path, body={"state": "left" if left else "responding"})
    _show(said, _line(said), as_json=as_json)


@app.command()
def mark(
    incident: _Incident,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="Id of the subject, e.g. S3.")],
    word: Annotated[
        str,
        typer.Argument(
            metavar="MARK",
            help="confirm (it is the intruder), reject (it is not), responder, designate (follow "
            "this one now), or undo (take back its newest mark).",
        ),
    ],
    server: _Server = _HERE,
    key_file: _KeyFile = None,
    key: _Key = None,
    as_json: _Json = False,
) -> None:
    """Say what a subject is, or take it back; the answer changes at once.

    Examples:

      lastseen incidents mark 20260302-091515-9f3a61c2 S3 confirm

      lastseen incidents mark 20260302-091515-9f3a61c2 S4 responder

      lastseen incidents mark 20260302-091515-9f3a61c2 S3 undo
    """
    if word not in {*MARK_KINDS, _UNDO}:
        raise typer.BadParameter(f"{word!r} is none of {', '.join((*MARK_KINDS, _UNDO))}")
    at = f"/v1/incidents/{quote(incident, safe='')}/subjects/{quote(subject, safe='')}/marks"
    with _client(server, key_file, key) as client:
        if word == _UNDO:
            _, said = client.ask("DELETE", at)
        else:
            _, said = client.ask("POST", at, body={"mark": word})
    marks = said["marks"] if word == _UNDO else [said]
    stand = ", ".join(f"{one['subject']} {one['mark']}" for one in marks) or "none"
    _show(said, f"marks that stand: {stand}" if word == _UNDO else stand, as_json=as_json)


@app.command()
def close(
    incident: _Incident,
    reason: Annotated[str, typer.Option(help="Why it is closed.")],
    server: _Server = _HERE,
    key_file: _KeyFile = None,
    key: _Key = None,
    as_json: _Json = False,
) -> None:
    """Close an incident: its feeds are gone when this returns.

    Examples:

      lastseen incidents close 20260302-091515-9f3a61c2 --reason "All clear"
    """
    path = f"/v1/incidents/{quote(incident, safe='')}"
    with _client(server, key_file, key) as client:
        _, said = client.ask("DELETE", path, query={"reason": reason})
    _show(said, _line(said), as_json=as_json)


@contextmanager
def _client(server: str, key_file: Path | None, key: str | None) -> Iterator[ApiClient]:
    """A client; what the server refuses ends with status 3 and its words."""
    from api.api_client import ApiClient, read_key
    from api.errors import ProblemError, ServeError

    held = key if key_file is None else read_key(key_file)
    if not held:
        raise ServeError(
            "no key: name its file with --key-file or set LASTSEEN_KEY; "
            "'lastseen users key NAME' makes one"
        )
    with ApiClient(server, held) as client:
        try:
            yield client
        except ProblemError as problem:
            if problem.status != _FORBIDDEN:
                raise
            typer.echo(problem.detail, err=True)
            raise typer.Exit(_REFUSED) from problem


def _show(said: dict[str, Any], line: str, *, as_json: bool) -> None:
    typer.echo(json.dumps(said, indent=2) if as_json else line)


def _line(incident: dict[str, Any]) -> str:
    """One incident in one line."""
    kind = {"real": "REAL", "exercise": "EXERCISE", "standing": "STANDING"}[incident["kind"]]
    if incident["state"] == "open":
        state = f"open until {incident['until'][11:19]} UTC"
    else:
        state = f"closed by {incident['closed_by']}: {incident['closing_reason']}"
    emergency = f" {incident['emergency']}" if incident["emergency"] else ""
    return (
        f"{incident['incident']}  {kind}{emergency}  {incident['target']['id']}  {state}  "
        f"{incident['opened_by']}: {incident['reason']}"
    )
