"""`lastseen bench coldstart`: from a grant to the first position, all cameras cold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from api.errors import ApiError
from api.whole_files import write_whole
from vision.detect import Device

from .bench_checkout import benchmark, say_playing


def coldstart(
    feeds: Annotated[int, typer.Option(min=1, max=64, help="Cameras that start at once.")] = 16,
    trials: Annotated[int, typer.Option(min=1, help="Incidents, with a standby and without.")] = 20,
    growth: Annotated[
        bool, typer.Option(help="Measure 1 to 64 cameras, too: five more minutes.")
    ] = True,
    device: Annotated[Device, typer.Option(help="Where the detector runs.")] = "auto",
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the figures there, as SVG.")
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Show or draw these figures; measure nothing."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """How long is it from a grant to the first published position, all cameras cold?

    A real server, cameras over RTSP, and somebody who opens an incident and follows it: with an
    engine that waits and with none, in turn, and how it grows with the number of cameras. Needs
    GStreamer's RTSP server. Some fifteen minutes; leave the machine alone meanwhile.

    Examples:
      lastseen bench coldstart --trials 5 --no-growth

      lastseen bench coldstart --json > coldstart.json

      lastseen bench coldstart --figures coldstart.json --plot coldstart.svg
    """
    module, cameras = benchmark("coldstart"), benchmark("watched_site")
    try:
        if figures is not None:
            found = json.loads(figures.read_text(encoding="utf-8"))
        else:
            found = module.measure(
                feeds=feeds,
                trials=trials,
                growth=module.GROWTH if growth else (),
                device=device,
                on_progress=say_playing,
            )
        if plot is not None:
            write_whole(plot, benchmark("coldstart_drawing").draw(found))
    except cameras.NotHereError as error:
        raise ApiError(str(error)) from error
    except OSError as error:
        raise ApiError(f"{error.filename}: {error.strerror or error}") from error
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    typer.echo(f"machine: {found['machine']}")
    typer.echo(
        f"{found['feeds']} feeds, a key frame every {found['key_frames_s']:g} s; goal: 95 % of "
        f"first positions within {found['goal_p95_s']:g} s"
    )
    for way in ("standby", "no_standby"):
        typer.echo(f"{way}, {found[way]['trials']} trials, seconds since the request:")
        for stage in module.STAGES:
            if stage in found[way]:
                told = found[way][stage]
                typer.echo(
                    f"  {stage}: median {told['p50']}, 95 % {told['p95']}, most {told['max']}"
                )
    for size, row in found["growth"].items():
        seen = row["seen"]
        typer.echo(f"{size} feeds: first position median {seen['p50']} s, 95 % {seen['p95']} s")
