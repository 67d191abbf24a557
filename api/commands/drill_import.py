"""`lastseen drill import`: a public data set as a drill folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def import_drill(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Data set: cmc, meva or wildtrack."),
    ],
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Folder of the data set.")],
    target: Annotated[
        Path, typer.Argument(metavar="DST", help="Drill folder to make; absent or empty.")
    ],
    recording: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Which of several recordings; default the first."),
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Play this video of the data set; copied into DST."),
    ] = None,
    boxes: Annotated[
        str | None,
        typer.Option(
            metavar="WHICH",
            help="Play boxes in place of pictures: det (detected), gt (true), or a day of meva.",
        ),
    ] = None,
) -> None:
    """Make a drill folder from a public data set.

    Examples:

      lastseen drill import meva data/meva-school gym-video

      lastseen drill import meva data/meva-school gym-boxes --boxes 2018-03-15

      lastseen drill import cmc data/cmc room --recording CMC2

      lastseen drill import wildtrack data/wildtrack square

      lastseen drill run gym-boxes --report out/gym
    """
    from rich.console import Console

    from api.drill_import import ImportRequest, check_options, importer

    console = Console(stderr=True)
    run = importer(name)
    options = {"recording": recording, "video": video, "boxes": boxes}
    check_options(name, [option for option, value in options.items() if value is not None])
    request = ImportRequest(source, target, recording=recording, video=video, boxes=boxes)
    with console.status("importing") as status:
        made = run(request, status.update)
    for note in made.notes:
        console.print(f"note: {note}", highlight=False, markup=False)
    typer.echo(f"{made.folder}: {made.name}")
