"""`lastseen audit`: whether the record was bent, and what it says of an incident."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from api.audit_chain import Broken, Head
    from api.checkpoints import Checkpoint
    from api.record import Record

app = typer.Typer(help="Verify the record of grants, and show it.", no_args_is_help=True)

_State = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="State folder [LASTSEEN_STATE or ~/.local/state/lastseen].",
        show_default=False,
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def verify(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="An exported copy; the database if none."),
    ] = None,
    noted: Annotated[
        str | None,
        typer.Option(metavar="HASH", help="Hash of an entry, noted elsewhere, that must be there."),
    ] = None,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A checkpoint that was kept elsewhere; repeatable."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(metavar="BASE64", help="Public key that must have signed every checkpoint."),
    ] = None,
    state: _State = None,
    as_json: _Json = False,
) -> None:
    """Find the first entry that was changed, removed, inserted or moved.

    The chain must fit itself and every checkpoint: those in the database, the last one that was
    signed here, and those given by --checkpoint. Note the last hash, or keep a checkpoint,
    somewhere else from time to time: with it a later run proves that nothing before it was made
    anew or cut off. Whoever has an exported copy and a checkpoint needs no database. Exit status 1
    where anything is bent.

    Examples:

      lastseen audit verify

      lastseen audit verify --noted 3f9a…

      lastseen audit verify copies/audit.jsonl --checkpoint copies/checkpoint.json --key mC0…
    """
    from rich.console import Console

    from api.audit_chain import Broken
    from api.checkpoints import verify_all, verify_copy

    held = _given(checkpoint or [], key)
    ours: str | None = None
    if file is None:
        with _opened(state) as record:
            name = record.audit.name
            if record.keys.has_signing():
                ours = record.checkpoints.public_key()
            found = verify_all(
                record.audit, record.checkpoints, trusted_key=key, noted=noted, others=held
            )
            if not isinstance(found, Broken):
                held = [*record.checkpoints.all(), *held]
    elif key is not None and not held:
        raise typer.BadParameter("--key needs --checkpoint: a copy holds no signatures itself")
    else:
        name = str(file)
        found = verify_copy(_lines_of(file), held, noted)
    if as_json:
        typer.echo(json.dumps(_as_json(found, held)))
    else:
        console = Console()
        style = "red" if isinstance(found, Broken) else None
        for line in _in_words(name, found, held, ours):
            console.print(line, style=style, highlight=False, markup=False, soft_wrap=True)
    if isinstance(found, Broken):
        raise typer.Exit(1)


@app.command()
def export(
    to: Annotated[Path, typer.Option(metavar="FILE", help="Write the copy here.")],
    state: _State = None,
) -> None:
    """Write all entries into a file, one line of JSON each, for others to check.

    That it was exported is the last entry of it. The file is whole, or is not there.

    Examples:

      lastseen audit export --to copies/audit.jsonl
    """
    import time

    from api.audit import machine_user

    with _opened(state) as record:
        facts = {"actor": machine_user(), "to": str(to.absolute())}
        head = record.audit.append("audit-exported", time.time(), facts)
        content = b"".join(record.audit.lines())
        _write(to, content)
    count = content.count(b"\n")
    typer.echo(f"{to}: {count} entries; that of this export, {head.seq}, has the hash {head.hash}")


@app.command()
def checkpoint(
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it here; printed if not given.")
    ] = None,
    state: _State = None,
) -> None:
    """Sign the end of the audit now, as a document to be kept elsewhere.

    Whoever keeps it can show later that nothing before it was changed. A bent audit is not signed.

    Examples:

      lastseen audit checkpoint

      lastseen audit checkpoint --to /media/usb/checkpoint.json
    """
    import time

    with _opened(state) as record:
        signed = record.checkpoints.sign(time.time())
    if to is None:
        typer.echo(signed.as_json(), nl=False)
    else:
        _write(to, signed.as_json().encode())
        typer.echo(f"{to}: entry {signed.seq}, signed by {signed.public_key}")


@app.command()
def key(state: _State = None) -> None:
    """Print the public key that checkpoints of this server are checked with.

    Examples:

      lastseen audit key
    """
    with _opened(state) as record:
        typer.echo(record.checkpoints.public_key())


@app.command()
def report(
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="Incident id.")],
    to: Annotated[Path, typer.Option(metavar="DIR", help="Write the two files here.")],
    hide_cameras: Annotated[
        bool,
        typer.Option("--hide-cameras", help="For somebody who may not be told the cameras."),
    ] = False,
    hide_retention: Annotated[
        bool,
        typer.Option("--hide-retention", help="... nor for how long things are kept."),
    ] = False,
    state: _State = None,
) -> None:
    """Write the disclosure record of one incident as HTML and JSON.

    It says who asked and why, on whose authority, what was granted, who watched and was shown
    what, when it began and ended, what was kept, and whether the audit is whole. Exit status 1
    where the audit was bent.

    Examples:

      lastseen audit report 20260302-090000-9f3a61c2 --to records

      lastseen audit report 20260302-090000-9f3a61c2 --to records --hide-cameras
    """
    import time

    from api.disclosure import disclose, redacted
    from api.errors import AuditError
    from api.verdicts import verify_now

    with _opened(state) as record:
        entries = list(record.audit.entries(incident))
        if not entries:
            latest = ", ".join(record.audit.incidents(5)) or "none at all"
            raise AuditError(f"incident {incident!r}: not in this audit; its latest are: {latest}")
        chain = verify_now(record.audit, record.checkpoints, time.time())
        told = disclose(entries, incident, chain.found, checkpoint=chain.checkpoint)
    told = redacted(told, hide_cameras=hide_cameras, hide_retention=hide_retention)
    for ending, text in (("json", told.as_json()), ("html", told.as_html())):
        path = to / f"disclosure-{incident}.{ending}"
        _write(path, text.encode(errors="replace"))
        typer.echo(str(path))
    if not told.whole:
        typer.echo(told.record, err=True)
        raise typer.Exit(1)


@app.command()
def show(
    incident: Annotated[
        str | None, typer.Option(metavar="ID", help="Only entries of this incident.")
    ] = None,
    last: Annotated[int, typer.Option(metavar="N", min=1, help="The newest so many.")] = 50,
    state: _State = None,
    as_json: _Json = False,
) -> None:
    """Show the newest entries, the oldest of them first.

    Whether they were bent is for `lastseen audit verify` to say.

    Examples:

      lastseen audit show --last 10

      lastseen audit show --incident 20260302-090000-9f3a61c2 --json
    """
    from rich.console import Console

    with _opened(state) as record:
        entries = list(record.audit.entries(incident, last=last))
    if as_json:
        typer.echo(json.dumps(entries, indent=2, ensure_ascii=False))
        return
    width = Console().width
    for entry in entries:
        for line in _lines_about(entry, width):
            typer.echo(line)


@contextmanager
def _opened(state: Path | None) -> Iterator[Record]:
    """The record of a state folder, where there is one: none is made by looking."""
    from api.errors import StateError
    from api.record import opened_record
    from api.settings import read_settings
    from api.store import DATABASE_FILE

    settings = read_settings()
    path = (state or settings.state) / DATABASE_FILE
    if settings.database is None and not path.is_file():
        raise StateError(f"{path}: there is no audit here; name the state folder by --state")
    with opened_record(state) as record:
        yield record


def _given(paths: Iterable[Path], trusted_key: str | None) -> list[Checkpoint]:
    """The checkpoints of files, each with a signature that fits."""
    from api.checkpoints import verify_checkpoint
    from api.errors import AuditError

    found = []
    for path in paths:
        try:
            found.append(verify_checkpoint(path.read_bytes(), trusted_key))
        except OSError as error:
            raise AuditError(f"{path}: cannot be read: {error.strerror or error}") from error
        except AuditError as error:
            raise AuditError(f"{path}: {error}") from error
    return found


def _lines_of(path: Path) -> Iterator[bytes]:
    """The lines of an exported audit, with their ends."""
    from api.errors import AuditError

    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise AuditError(f"{path}: cannot be read: {error.strerror or error}") from error


def _write(path: Path, content: bytes) -> None:
    from api.errors import ReportError
    from api.whole_files import write_whole

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        raise ReportError(f"{path}: cannot be written: {error.strerror or error}") from error


def _as_json(found: Head | Broken, held: list[Checkpoint]) -> dict[str, Any]:
    from api.audit_chain import Broken

    if isinstance(found, Broken):
        return {"ok": False, "line": found.line, "what": found.what, "good": asdict(found.good)}
    return {"ok": True, **asdict(found), "checkpoints": [one.document() for one in held]}


def _in_words(
    name: str, found: Head | Broken, held: list[Checkpoint], ours: str | None
) -> Iterator[str]:
    from api.audit_chain import Broken

    if isinstance(found, Broken):
        yield f"{name}: entry {found.line}: {found.what}; {found.good.seq} entries before it fit"
        return
    yield f"{name}: {found.seq} entries, none bent; the last has the hash {found.hash}"
    for key_ in dict.fromkeys(one.public_key for one in held):
        theirs = [one.seq for one in held if one.public_key == key_]
        whose = " (another key than ours)" if ours not in {None, key_} else ""
        count = f"{len(theirs)} checkpoint{'s fit' if len(theirs) > 1 else ' fits'}"
        yield f"{count}, up to entry {max(theirs)}, signed by {key_}{whose}"
    if not held:
        yield "no checkpoint was held against it: sign one with 'lastseen audit checkpoint'"


def _lines_about(entry: dict[str, Any], width: int) -> Iterator[str]:
    """An entry for people: number, moment and action, and below them all that it says."""
    said_first = {"seq", "at", "action", "incident", "actor", "prev", "hash"}
    said = ", ".join(
        f"{name} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in entry.items()
        if name not in said_first and value not in (None, "")
    )
    at = str(entry["at"])[:19].replace("T", " ")
    who = entry.get("actor") or entry.get("closed_by") or entry.get("by") or ""
    first = (entry["seq"], at, entry["action"], entry.get("incident") or "", who)
    yield from _wrapped("  ".join(str(one) for one in first if one != ""), width, "    ", "")
    if said:
        yield from _wrapped(said, width, "    ", "    ")


def _wrapped(text: str, width: int, indent: str, first: str) -> list[str]:
    """Lines of a text, without what would steer a terminal: a stranger wrote some of it."""
    import textwrap

    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return textwrap.wrap(
        plain,
        max(width, 40),
        initial_indent=first,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )
