"""The benchmarks of the source checkout, and how the commands load and show them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import typer

from api.errors import ApiError
from api.whole_files import write_whole

CHECKOUT = Path(__file__).parents[2]
WING = CHECKOUT / "benchmarks" / "drills" / "wing"
DATA_HELP = "Folder of the public data sets, one folder each; by default shared/data beside."


def save_figures(figures: dict[str, Any], folder: Path) -> None:
    """Write figures below a folder, one file a name.

    Raises:
        ApiError: the folder cannot be written.
    """
    try:
        for name, found in figures.items():
            write_whole(folder / f"{name}.json", (json.dumps(found, indent=2) + "\n").encode())
    except OSError as error:
        raise ApiError(f"{folder}: cannot be written: {error.strerror or error}") from error


def say_playing(what: str) -> None:
    """Say on standard error what is under way."""
    typer.echo(f"{what} …", err=True)


def known_names(names: list[str] | None, known: Iterable[str]) -> list[str]:
    """Return the recordings that are named, or all.

    Raises:
        ApiError: one of them is not among those there are.
    """
    there = tuple(known)
    for name in names or ():
        if name not in there:
            raise ApiError(f"no recording {name!r}; there are {', '.join(there)}")
    return names or list(there)


def data_folder(named: Path | None) -> Path:
    """Return the folder of public recordings: the one that is named, else the one beside.

    Raises:
        ApiError: it is not there.
    """
    folder: Path = named or benchmark("recordings").data_folder()
    if not folder.is_dir():
        raise ApiError(f"{folder}: no folder of public recordings; name it with --data")
    return folder


def three(percentiles: dict[str, Any]) -> str:
    """Return the medians of three percentiles in a row."""
    return " / ".join(str(percentiles[name]["median"]) for name in ("p50", "p95", "p99"))


def benchmark(name: str) -> ModuleType:
    """Return a benchmark's module.

    Raises:
        ApiError: there is no source checkout.
    """
    if not WING.is_dir():
        raise ApiError(f"{CHECKOUT}: no benchmarks here; they are part of the source checkout")
    sys.path.insert(0, str(CHECKOUT))
    return import_module(f"benchmarks.{name}")


def show(figures: dict[str, Any], names: Iterable[str], *, as_json: bool) -> None:
    """Print figures: those that are named, each with its spread, or all of them as JSON."""
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
        return
    typer.echo(f"machine: {figures['machine']}")
    for name in names:
        spread = figures[name]
        typer.echo(
            f"{name}: median {spread['median']} ({spread['low']} to {spread['high']}, "
            f"{spread['rounds']} rounds)"
        )
