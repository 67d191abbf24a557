"""`lastseen bench pipeline`: the whole way of a frame beside the bare detector."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from vision.detect import Device

from .bench_checkout import WING, benchmark

QUIET = WING.parent / "quiet"


def pipeline(
    drill: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR", help="Drill with videos; may be repeated. Else wing and quiet."
        ),
    ] = None,
    device: Annotated[Device, typer.Option(help="Where the detector runs.")] = "auto",
    rounds: Annotated[int, typer.Option(min=1, help="Rounds that count.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What share of the bare detector's speed does the whole way of a frame keep?

    And where does the processor's time go? Takes ten minutes on two cores.

    Examples:
      lastseen bench pipeline

      lastseen bench pipeline --json > pipeline.json
    """
    figures = benchmark("pipeline").measure(drill or [WING, QUIET], device, rounds=rounds)
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
        return
    typer.echo(f"machine: {figures['machine']}")
    for name, row in figures["drills"].items():
        typer.echo(
            f"{name}: {row['tracks_a_frame']} tracks, {row['looks_a_frame']} second looks a frame"
        )
        typer.echo(f"  efficiency: {_words(row['efficiency'])}")
        for ratio, values in row["ratios"].items():
            typer.echo(f"  {ratio}: {_words(values)}")
        for way, values in row["frames_per_s"].items():
            spent = row["processor_s_per_1000_frames"][way]["median"]
            typer.echo(f"  {way}: {values['median']:.0f} frames/s, {spent:.2f} CPU s per 1,000")
        for stage, spent in row["stages_s_per_1000_frames"].items():
            typer.echo(f"    {stage}: {spent:.3f} CPU s per 1,000")


def _words(spread: dict[str, Any]) -> str:
    return f"{spread['median']} ({spread['low']} to {spread['high']}, {spread['rounds']} rounds)"
