"""`lastseen audit`: whether the record was bent."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Verify the record of grants.", no_args_is_help=True)


@app.callback()
def _audit() -> None:
    """Keep `verify` a subcommand while it is the only one."""


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

      lastseen audit verify copies/audit.jsonl --noted 3f9a…
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
