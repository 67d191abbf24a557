"""`lastseen drill import`: a public data set as a drill folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def import_drill(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="Data set: citic, cmc, meva, mot, multiviewx, pets, wildtrack."
        ),
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
    camera: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Camera file for data without calibration (mot)."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Seed of simulated boxes (citic).")
    ] = None,
    jitter: Annotated[
        float | None,
        typer.Option(
            min=0, max=0.5, metavar="SHARE", help="Jitter of simulated edges, share of height."
        ),
    ] = None,
    miss_rate: Annotated[
        float | None,
        typer.Option(min=0, max=0.95, metavar="SHARE", help="Share of simulated boxes missed."),
    ] = None,
    false_per_min: Annotated[
        float | None,
        typer.Option(min=0, max=600, metavar="N", help="Simulated false boxes a minute, camera."),
    ] = None,
) -> None:
    """Make a drill folder from a public data set.

    Examples:

      lastseen drill import meva data/meva-school gym-video

      lastseen drill import meva data/meva-school gym-boxes --boxes 2018-03-15

      lastseen drill import cmc data/cmc room --recording CMC2

      lastseen drill import citic data/citic floor --recording capture2 --miss-rate 0.2

      lastseen drill import wildtrack data/wildtrack square

      lastseen drill import mot data/MOT17-09-SDP street --camera cameras/street.toml

      lastseen drill run gym-boxes --report out/gym
    """
    from rich.console import Console

    from api.drill_import import ImportRequest, check_options, importer
    from calibration.box_noise import BoxNoise

    console = Console(stderr=True)
    run = importer(name)
    options = {
        "recording": recording,
        "video": video,
        "boxes": boxes,
        "camera": camera,
        "seed": seed,
        "jitter": jitter,
        "miss_rate": miss_rate,
        "false_per_min": false_per_min,
    }
    check_options(name, [option for option, value in options.items() if value is not None])
    usual = BoxNoise()
    noise = BoxNoise(
        seed=usual.seed if seed is None else seed,
        jitter=usual.jitter if jitter is None else jitter,
        miss_rate=usual.miss_rate if miss_rate is None else miss_rate,
        false_per_min=usual.false_per_min if false_per_min is None else false_per_min,
    )
    request = ImportRequest(source, target, recording, video, boxes, camera, noise)
    with console.status("importing") as status:
        made = run(request, status.update)
    for note in made.notes:
        console.print(f"note: {note}", highlight=False, markup=False)
    typer.echo(f"{made.folder}: {made.name}")
