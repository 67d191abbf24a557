"""`lastseen bench scale`: many feeds at once."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import typer

from api.errors import ApiError
from vision.detect import Device

from .bench_checkout import benchmark, say_playing

Part = Literal["both", "files", "simulated"]


def scale(
    *,
    part: Annotated[Part, typer.Option(help="Which of the two questions to ask.")] = "both",
    feeds: Annotated[int, typer.Option(min=1, help="Recordings that play at once.")] = 16,
    minutes: Annotated[float, typer.Option(min=0.2, help="For how long.")] = 10.0,
    cameras: Annotated[int, typer.Option(min=1, help="Cameras that are simulated.")] = 400,
    seconds: Annotated[float, typer.Option(min=5.0, help="For how long.")] = 60.0,
    gpu: Annotated[
        str, typer.Option(help="Whose measured time the simulated detector takes.")
    ] = "A100",
    device: Annotated[Device, typer.Option(help="Where the real detector runs.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Do many feeds stay fresh, and does memory stay flat?

    Sixteen recordings at fifteen frames a second with the real detector, ten minutes; then 400
    cameras whose pictures are decoded already, with a detector that takes the time that a GPU was
    measured to take. Both with worker process and locator, as an incident. Leave the machine alone
    meanwhile.

    Examples:
      lastseen bench scale --part files --minutes 1

      lastseen bench scale --json > scale.json
    """
    module = benchmark("scale")
    if gpu not in module.GPUS:
        raise ApiError(f"--gpu: no figures of {gpu!r}; there are {', '.join(module.GPUS)}")
    figures = module.measure(
        parts=("files", "simulated") if part == "both" else (part,),
        feeds=feeds,
        minutes=minutes,
        cameras=cameras,
        seconds=seconds,
        gpu=gpu,
        device=device,
        on_progress=say_playing,
    )
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
        return
    typer.echo(f"machine: {figures['machine']}")
    for name in ("files", "simulated"):
        if name in figures:
            typer.echo(f"{name}: {_told(figures[name])}")


def _told(row: dict[str, Any]) -> str:
    published = row["age_ms"]["capture_to_published"]
    looks, bound = row["between_looks_s"], row["stated_bound_s"]
    within = "all frames fit" if bound is None else f"bound {bound['least']} to {bound['most']} s"
    return (
        f"{row['frames_used_a_second']} of {row['frames_sent_a_second']} frames/s detected "
        f"({row['detector']}); capture to published p50 {published['p50']:.0f}, "
        f"p95 {published['p95']:.0f} ms; between two looks at a camera p95 {looks['p95']:.2f}, "
        f"most {looks['most']:.2f} s ({within}); {row['answers_a_second']} answers/s; "
        f"{row['cores']} cores; memory {row['memory_last_mib']:.0f} MiB, "
        f"{row['memory_growth_mib_a_minute']} MiB a minute in the second half"
    )
