"""`lastseen agreement`: what a memorandum allows, and because of which clause."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from api.agreements import Agreement
    from api.decisions import Decision
    from api.request_tables import Answered

app = typer.Typer(help="Ask an agreement what it allows; nothing is opened.", no_args_is_help=True)

_Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder with agreement.toml, or the file itself.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def explain(
    folder: _Folder,
    request: Annotated[
        str,
        typer.Option(
            metavar="'KEY=VALUE …'",
            help="role, channel, and where they apply incident, by, reason, confirmed_by,"
            " handled_by_staff=yes, exercise=yes. Quote values with blanks.",
        ),
    ],
    at: Annotated[
        datetime | None, typer.Option(help="Moment of the request; now if not given.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Say whether a request would be allowed or refused, and because of which clause.

    Nothing is opened and nothing is recorded. Exit status 0 if it would be allowed, 3 if refused.

    Examples:

      lastseen agreement explain my-school --request 'role=principal channel=911 incident=fire'

      lastseen agreement explain docs/agreements/county --request
      'role=headquarters channel=break-glass incident=armed-person by="Watch 1"
      confirmed_by="Watch 2" reason="shots heard"'
    """
    from rich.console import Console

    from api.agreements import load_agreement
    from api.decisions import decide
    from api.request_words import read_request

    agreement = load_agreement(folder)
    moment = at if at is not None else datetime.now(UTC)
    moment = moment if moment.tzinfo is not None else moment.astimezone()
    decision = decide(agreement, read_request(request), moment)
    if as_json:
        typer.echo(json.dumps(_as_json(agreement, decision), indent=2, ensure_ascii=False))
    else:
        console = Console()
        console.print(decision.because, style="green" if decision.allowed else "red", markup=False)
        for line in _terms(decision):
            console.print(f"  {line}", markup=False, highlight=False)
        about = f"{agreement.title}, version {agreement.version}, sha256 {agreement.sha256[:16]}"
        console.print(about, style="dim", markup=False, highlight=False)
    if not decision.allowed:
        raise typer.Exit(3)


@app.command()
def check(
    folder: _Folder,
    requests: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Table of requests; requests.toml beside it if none."),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Check an agreement, and that it answers a table of requests as it must.

    Exit status 1 where one is answered otherwise than the table says.

    Examples:

      lastseen agreement check docs/agreements/one-town
    """
    from rich.console import Console

    from api.agreements import load_agreement
    from api.request_tables import REQUESTS_FILE, answer_all, load_requests

    agreement = load_agreement(folder)
    beside = (folder if folder.is_dir() else folder.parent) / REQUESTS_FILE
    answered = answer_all(agreement, load_requests(requests or beside), datetime.now(UTC))
    if as_json:
        rows = [
            {
                "says": one.expected.says,
                "allowed": one.decision.allowed,
                "clause": one.decision.clause,
                "because": one.decision.because,
                "differences": list(one.differences),
            }
            for one in answered
        ]
        typer.echo(json.dumps({"sha256": agreement.sha256, "requests": rows}, indent=2))
    else:
        _show(Console(), agreement, answered)
    if any(one.differences for one in answered):
        raise typer.Exit(1)


def _show(console: Any, agreement: Agreement, answered: tuple[Answered, ...]) -> None:  # noqa: ANN401 - rich is imported late
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "request", "answer", "clause", title=escape(agreement.title))
    for one in answered:
        as_expected = not one.differences
        said = "allowed" if one.decision.allowed else "refused"
        wrong = "" if as_expected else f" [red]but {escape('; '.join(one.differences))}[/red]"
        table.add_row(
            "[green]✓[/green]" if as_expected else "[red]✗[/red]",
            escape(one.expected.says),
            said + wrong,
            escape(one.decision.clause or "-"),
        )
    console.print(table)
    wrong_count = sum(bool(one.differences) for one in answered)
    console.print(
        f"{len(answered)} requests, {wrong_count} answered otherwise; sha256 {agreement.sha256}",
        highlight=False,
    )


def _terms(decision: Decision) -> list[str]:
    lines = []
    if decision.placements:
        lines.append(f"cameras: {', '.join(sorted(decision.placements))}")
    if decision.longest_s is not None:
        lines.append(f"for at most {decision.longest_s / 60:g} min")
    return lines


def _as_json(agreement: Agreement, decision: Decision) -> dict[str, Any]:
    told = asdict(decision)
    told["placements"] = sorted(decision.placements)
    told["agreement"] = {
        "title": agreement.title,
        "version": agreement.version,
        "sha256": agreement.sha256,
    }
    return told
