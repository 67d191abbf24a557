"""`lastseen audit`: whether the record was bent, and what it says of an incident."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Verify the record of grants, and show it.", no_args_is_help=True)

_File = Annotated[
    Path | None,
    typer.Option(
        "--file", metavar="FILE", help="The audit file; that of the state folder if none."
    ),
]


@app.command()
def verify(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="The audit file; that of the state folder if none."),
    ] = None,
    noted: Annotated[
        str | None,
        typer.Option(metavar="HASH", help="Hash of an entry, noted elsewhere, that must be there."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find the first entry that was changed, removed, inserted or moved.

    Note the hash that this prints somewhere else, from time to time: with --noted a later run
    proves that nothing before it was made anew or cut off. Exit status 1 where the chain is broken.

    Examples:

      lastseen audit verify

      lastseen audit verify copies/audit-chain.jsonl --noted 3f9a…
    """
    from rich.console import Console

    from api.audit import AUDIT_FILE, AuditFile
    from api.audit_chain import Broken
    from api.settings import Settings

    path = file if file is not None else Settings().state / AUDIT_FILE
    found = AuditFile(path).verify(noted)
    console = Console()
    if isinstance(found, Broken):
        told = {"ok": False, "line": found.line, "what": found.what, "good": asdict(found.good)}
        said = f"{path}: line {found.line}: {found.what}; {found.good.seq} entries before it fit"
    else:
        told = {"ok": True, **asdict(found)}
        said = f"{path}: {found.seq} entries, none bent; the last has the hash {found.hash}"
    if as_json:
        typer.echo(json.dumps(told))
    else:
        style = "red" if isinstance(found, Broken) else None
        console.print(said, style=style, highlight=False, markup=False, soft_wrap=True)
    if isinstance(found, Broken):
        raise typer.Exit(1)


@app.command()
def report(
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="Incident id.")],
    to: Annotated[Path, typer.Option(metavar="DIR", help="Write the two files here.")],
    file: _File = None,
) -> None:
    """Write the disclosure record of one incident as HTML and JSON.

    It says who asked and why, what was granted, which pictures were shown, when it began and
    ended, and whether the audit is whole. Exit status 1 where the audit was bent.

    Examples:

      lastseen audit report 20260302-090000-9f3a61c2 --to records
    """
    from api.audit import AUDIT_FILE, AuditFile
    from api.disclosure import disclose
    from api.errors import ReportError
    from api.settings import Settings
    from api.whole_files import write_whole

    audit = AuditFile(file if file is not None else Settings().state / AUDIT_FILE)
    told = disclose(audit.entries(), incident, audit.verify())
    for ending, text in (("json", told.as_json()), ("html", told.as_html())):
        path = to / f"disclosure-{incident}.{ending}"
        try:
            to.mkdir(parents=True, exist_ok=True)
            write_whole(path, text.encode())
        except OSError as error:
            raise ReportError(f"{path}: cannot be written: {error.strerror or error}") from error
        typer.echo(str(path))
    if not told.whole:
        typer.echo(told.record, err=True)
        raise typer.Exit(1)
