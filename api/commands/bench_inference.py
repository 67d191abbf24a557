"""`lastseen bench detect`: the networks in each precision that the machine has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .bench_checkout import WING, benchmark, say_playing


def detect(
    drill: Annotated[Path, typer.Option(metavar="DIR", help="Drill with videos.")] = WING,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds that count.")] = 5,
    frames: Annotated[int, typer.Option(min=8, help="Pictures that are timed a round.")] = 64,
    exported: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR", help="OpenVINO model of 'models export' to measure, too; repeatable."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """How fast do the networks run here, in each precision there is, and do all find the same?

    Whole frames and squares of the second look; boxes are compared with those in single precision.
    Takes two minutes on two cores.

    Examples:
      lastseen bench detect

      lastseen bench detect --json > detect.json

      lastseen bench detect --exported out/person-firearm-int8-openvino
    """
    figures = benchmark("detect").measure(
        drill, rounds=rounds, frames=frames, exported=exported or (), on_progress=say_playing
    )
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
        return
    typer.echo(f"machine: {figures['machine']}")
    for network, row in figures["networks"].items():
        across, down = row["input_px"]
        typer.echo(f"{network}, {across}x{down}:")
        for name, one in row["contenders"].items():
            speed, boxes = one["frames_per_s"], one["boxes"]
            batches = ", ".join(f"{n}: {ms['median']:.1f}" for n, ms in one["batch_ms"].items())
            told = ", ".join(f"{count} {label}" for label, count in boxes["reported"].items())
            typer.echo(
                f"  {name} ({one['backend']}): {speed['median']:.1f} frames/s ({speed['low']:.1f} "
                f"to {speed['high']:.1f}), {one['cpu_s_per_1000_frames']['median']:.2f} CPU s per "
                f"1,000; ms a batch {batches}; reports {told}; {boxes['found_by_one_alone']} of "
                f"{boxes['boxes']} boxes found by one alone, scores differ by "
                f"{boxes['score_difference']['median']} (median)"
            )
