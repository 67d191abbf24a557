"""`lastseen bench keep`: figures among those in git, by machine and version."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from api.errors import ApiError

from .bench_checkout import CHECKOUT, save_figures

KEPT = CHECKOUT / "benchmarks" / "figures"


def keep(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="What a benchmark printed with --json.")
    ],
    folder: Annotated[
        Path, typer.Option("--into", metavar="DIR", help="Where figures are kept.")
    ] = KEPT,
) -> None:
    """Keep figures, each under its machine and version; those that were there are replaced.

    Examples:
      lastseen bench pipeline --json > pipeline.json && lastseen bench keep pipeline.json
    """
    for file in files:
        figures = _figures(file)
        place = folder / machine_slug(figures["machine"]) / figures["versions"]["lastseen"]
        benchmark: str = figures["benchmark"]
        # One benchmark may have been run on two things: gate-sqlite, gate-postgresql.
        name = file.stem if file.stem.startswith(f"{benchmark}-") else benchmark
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ApiError(f"{place}: cannot be made: {error.strerror or error}") from error
        save_figures({name: figures}, place)
        typer.echo(f"{place / name}.json")


def machine_slug(machine: dict[str, str]) -> str:
    """Return a name of a machine that can be that of a folder: its processor and its cores."""
    words = f"{machine['processor']} {machine['cores']} cores {machine.get('gpu', '')}"
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _figures(file: Path) -> dict[str, Any]:
    try:
        figures: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ApiError(f"{file}: {error.strerror or error}") from error
    except ValueError as error:
        raise ApiError(f"{file}: not JSON ({error}); write it with --json") from error
    for field in ("benchmark", "machine", "versions"):
        if not isinstance(figures, dict) or field not in figures:
            raise ApiError(f"{file}: no {field!r}; expected what 'lastseen bench … --json' prints")
    return figures
