"""`lastseen bench peers`: this worker beside what people use today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from api.errors import ApiError

from .bench_checkout import benchmark, save_figures, say_playing


def peers(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="ultralytics, ultralytics-openvino, ultralytics-int8, inference, opencv; else all."
            " Ours is always measured.",
        ),
    ] = None,
    cameras: Annotated[int, typer.Option(min=1, help="Files at once.")] = 16,
    frames: Annotated[int, typer.Option(min=8, max=500, help="Frames of each file.")] = 44,
    rounds: Annotated[int, typer.Option(min=1, help="How often all have their turn.")] = 3,
    seconds: Annotated[
        float,
        typer.Option(min=0.0, max=45.0, help="How long ages are measured; 0 leaves them out."),
    ] = 30.0,
    most_cameras: Annotated[
        int, typer.Option(min=2, help="Never more cameras than this over RTSP.")
    ] = 64,
    ultralytics_python: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Python with ultralytics, openvino, lap, nncf and tabulate; else this one.",
            envvar="LASTSEEN_BENCH_ULTRALYTICS_PYTHON",
        ),
    ] = None,
    inference_python: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Python with Roboflow's inference, ultralytics and openvino.",
            envvar="LASTSEEN_BENCH_INFERENCE_PYTHON",
        ),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the figures there: peers.json.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print tables.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """How does the worker compare with ultralytics, Roboflow's inference and an OpenCV loop?

    Same clips, same weights, same machine, in turn: frames a second at equal detections, CPU time,
    memory, and how old answers are with twice as many cameras as fit. Some twelve minutes on two
    cores. Systems that are not installed are left out, with a word how to install them.

    Examples:
      lastseen bench peers --inference-python ~/inference/bin/python --save benchmarks/figures

      lastseen bench peers opencv --rounds 1 --seconds 10
    """
    module, process = benchmark("peers"), benchmark("peers_process")
    sizes = module.Sizes(
        cameras=cameras,
        frames=frames,
        rounds=rounds,
        seconds=seconds,
        most_cameras=most_cameras,
    )
    try:
        figures = module.measure(
            sizes,
            names=names or (),
            ultralytics_python=ultralytics_python,
            inference_python=inference_python,
            on_progress=say_playing,
        )
    except (process.NotHereError, process.PeerFailedError, ValueError) as error:
        raise ApiError(str(error)) from error
    if save is not None:
        save_figures({"peers": figures}, save)
    report = benchmark("peers_report")
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
    else:
        typer.echo(report.as_markdown(figures) if markdown else report.as_text(figures))
