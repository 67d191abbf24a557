"""`lastseen drill import`: a public data set as a drill folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def import_drill(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Data set: meva.")],
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Folder of the data set.")],
    target: Annotated[
        Path, typer.Argument(metavar="DST", help="Drill folder to make; absent or empty.")
    ],
    video: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Play this video of the data set; copied into DST."),
    ] = None,
    boxes: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Play the boxes of this day in place of a video."),
    ] = None,
) -> None:
    """Make a drill folder from a public data set.

    Examples:

      lastseen drill import meva data/meva-school gym-video

      lastseen drill import meva data/meva-school gym-boxes --boxes 2018-03-15

      lastseen drill run gym-boxes --report out/gym
    """
    from rich.console import Console

    from api.drill_import import ImportRequest, importer

    console = Console(stderr=True)
    run = importer(name)
    with console.status("importing") as status:
        made = run(ImportRequest(source, target, video, boxes), status.update)
    for note in made.notes:
        console.print(f"note: {note}", highlight=False, markup=False)
    typer.echo(f"{made.folder}: {made.name}")
