"""`lastseen drill compare`: two runs of one drill side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

_RUN = "Folder of a run's report, or its report.json."


def compare(
    run_a: Annotated[Path, typer.Argument(metavar="RUN_A", help=f"{_RUN} Measured by.")],
    run_b: Annotated[Path, typer.Argument(metavar="RUN_B", help=_RUN)],
    report: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write compare.json and compare.html here."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Compare runs of different drills too; nothing is judged."),
    ] = False,
) -> None:
    """Compare two runs of one drill, and say which differences are more than luck.

    Shares and errors are judged by drawing the drill's moments anew in blocks, the same for both
    runs; counts by an exact test. A page of one file shows both timelines and latencies.

    Examples:

      lastseen drill compare out/monday out/tuesday

      lastseen drill compare out/monday out/tuesday --report out/compared

      lastseen drill compare out/monday out/tuesday --json
    """
    import json

    from rich.console import Console

    from api.compare import COMPARE_HTML, compared, write_comparison
    from api.compare_runs import load_compared

    a, b = load_compared(run_a), load_compared(run_b)
    told = compared(a, b, force=force)
    if report is not None:
        write_comparison(a, b, told, report)
        Console(stderr=True).print(f"page: {report / COMPARE_HTML}", highlight=False)
    if as_json:
        typer.echo(json.dumps(told, indent=2, allow_nan=False))
    else:
        _print(told)


def _print(told: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if told["not_one_drill"]:
        console.print(f"not of one drill: {told['not_one_drill']}", highlight=False)
    table = Table(title=f"{told['drill']}: A {told['a']['name']}, B {told['b']['name']}")
    table.add_column("Figure")
    for heading in ("A", "B", "B - A", "95 % interval"):
        table.add_column(heading, justify="right")
    table.add_column("B is")
    for row in told["figures"]:
        unit = row["unit"]
        interval = "-" if row["p"] is None else f"p = {row['p']:.2f}"
        if row["low"] is not None:
            interval = f"{_signed(row['low'], unit)} to {_signed(row['high'], unit)}"
        table.add_row(
            row["label"],
            _shown(row["a"], unit),
            _shown(row["b"], unit),
            _signed(row["difference"], unit),
            interval,
            row["verdict"],
        )
    console.print(table)
    for one in (*told["machine"], *told["versions"]):
        if not one["same"]:
            console.print(
                f"{one['name']}: A {one['a'] or '-'}, B {one['b'] or '-'}", highlight=False
            )


def _shown(value: float | None, unit: str) -> str:
    from api.report_terms import in_words

    if value is None:
        return "-"
    return f"{value:.1f} ms" if unit == "ms" else in_words(value, unit)


def _signed(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    sign = "+" if value > 0 else ""
    if unit == "share":
        return f"{sign}{value * 100:.1f} points"
    return sign + _shown(value, unit)
