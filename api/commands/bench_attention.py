"""`lastseen bench attention`: who chooses the frames, and what it is worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from api.errors import ApiError
from api.whole_files import write_whole

from .bench_checkout import DATA_HELP, WING, benchmark, say_playing


def attention(
    seeds: Annotated[int, typer.Option(min=1, help="Plays of each way to choose.")] = 6,
    processes: Annotated[int, typer.Option(min=1, help="Plays at once.")] = 2,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help=DATA_HELP, envvar="LASTSEEN_DATA")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the figures there, as SVG.")
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Show or draw these figures; play nothing."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Is a gunman found sooner, and kept better, where attention chooses the frames?

    400 simulated cameras of which only a part can be looked at; attention beside the cameras in
    turn and beside a choice by the truth, at the same number of detections a second. The cue that
    something moves is measured first, on the drills and on public recordings where they are there.
    Half an hour on two cores.

    Examples:
      lastseen bench attention --seeds 2

      lastseen bench attention --json > attention.json

      lastseen bench attention --figures attention.json --plot attention.svg
    """
    module = benchmark("attention")
    if figures is None:
        known = data or benchmark("recordings").data_folder()
        found = module.measure(
            module.Setting(seeds=seeds, parts_seeds=min(seeds, module.Setting().parts_seeds)),
            drills=[WING.parent / "quiet", WING],
            data=known if known.is_dir() else None,
            workers=processes,
            on_progress=say_playing,
        )
    else:
        try:
            found = json.loads(figures.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ApiError(f"{figures}: no figures of this benchmark: {error}") from error
    if plot is not None:
        try:
            write_whole(plot, benchmark("attention_drawing").draw(found))
        except OSError as error:
            message = f"{plot}: cannot be written: {error.strerror or error}"
            raise ApiError(message) from error
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    typer.echo(f"machine: {found['machine']}")
    for line in module.in_words(found):
        typer.echo(line)
