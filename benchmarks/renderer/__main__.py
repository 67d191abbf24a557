"""Re-creates a drill: python -m benchmarks.renderer DRILL."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .exercise import perform
from .folder import write_folder
from .quiet import QUIET
from .style import QUIET_STYLE, WING_STYLE
from .wing import WING

DRILLS = {"wing": (WING, WING_STYLE), "quiet": (QUIET, QUIET_STYLE)}
HOME = Path(__file__).resolve().parents[1] / "drills"


class Drill(StrEnum):
    """The drills that can be rendered."""

    WING = "wing"
    QUIET = "quiet"


def _span(text: str, duration_s: float) -> tuple[float, float]:
    try:
        start, _, end = text.partition(":")
        span = float(start or 0), float(end or duration_s)
    except ValueError as error:
        raise typer.BadParameter(
            f"--seconds {text}: write A:B in seconds, such as 10:20"
        ) from error
    if not 0 <= span[0] < span[1] <= duration_s:
        raise typer.BadParameter(f"--seconds {text}: the drill lasts from 0 to {duration_s:g}")
    return span


def main(
    drill: Annotated[Drill, typer.Argument(help="Which drill to render.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder; by default benchmarks/drills/DRILL.")
    ] = None,
    camera: Annotated[list[str] | None, typer.Option(help="Only this camera; repeatable.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed for ways and noise.")] = None,
    seconds: Annotated[str, typer.Option(help="Only A:B of the drill, for a preview.")] = ":",
    truth_only: Annotated[
        bool, typer.Option(help="Site, plan and truth.csv, no pictures.")
    ] = False,
) -> None:
    """Render a drill folder: site, plan, truth, videos and boxes. Offline and seeded.

    Example: python -m benchmarks.renderer wing --out /tmp/wing --camera cam-01 --seconds 0:5
    """
    exercise, style = DRILLS[drill.value]
    if seed is not None:
        exercise = dataclasses.replace(exercise, seed=seed)
    ids = [item.id for item in exercise.cameras]
    chosen = camera or ids
    unknown = sorted(set(chosen) - set(ids))
    if unknown:
        raise typer.BadParameter(f"--camera {unknown[0]}: this drill has {', '.join(ids)}")
    span = _span(seconds, exercise.duration_s)
    folder = out or HOME / exercise.name
    performances = perform(exercise)
    write_folder(exercise, performances, folder)
    if truth_only:
        return
    try:
        from .filming import render  # noqa: PLC0415 - OpenGL is needed only from here on
    except ModuleNotFoundError as error:
        typer.echo(f"error: {error.name} is missing; pip install 'lastseen[render]'", err=True)
        raise typer.Exit(1) from error

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        total = round((span[1] - span[0]) * exercise.fps) * len(chosen)
        bar = progress.add_task(exercise.name, total=total)
        try:
            render(
                exercise, performances, style, folder, chosen, span, lambda: progress.advance(bar)
            )
        except (RuntimeError, ModuleNotFoundError) as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(1) from error


if __name__ == "__main__":
    typer.run(main)
