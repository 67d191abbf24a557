"""`lastseen bench`: the benchmarks of the source checkout, one file a question."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from api.errors import ApiError
from vision.detect import Device

app = typer.Typer(help="Measure speed: ratios within one run, median and spread.")
CHECKOUT = Path(__file__).parents[2]
WING = CHECKOUT / "benchmarks" / "drills" / "wing"


@app.command("pipeline")
def pipeline(
    drill: Annotated[Path, typer.Option(metavar="DIR", help="Drill with videos.")] = WING,
    device: Annotated[Device, typer.Option(help="Where the detector runs.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What share of the bare detector's speed does the whole way to an answer keep?

    Examples:
      lastseen bench pipeline

      lastseen bench pipeline --json > pipeline.json
    """
    if not WING.is_dir():
        raise ApiError(f"{CHECKOUT}: no benchmarks here; they are part of the source checkout")
    sys.path.insert(0, str(CHECKOUT))
    figures = import_module("benchmarks.pipeline").measure(drill, device)
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
        return
    typer.echo(f"machine: {figures['machine']}")
    for name in ("detector_frames_per_s", "whole_way_frames_per_s", "efficiency"):
        spread = figures[name]
        typer.echo(
            f"{name}: median {spread['median']} ({spread['low']} to {spread['high']}, "
            f"{spread['rounds']} rounds)"
        )
