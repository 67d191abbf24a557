"""`lastseen drill`: replay recorded drills and bring public data sets into drill folders."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vision.detect import Device

from .drill_compare import compare
from .drill_import import import_drill

if TYPE_CHECKING:
    from api.replay import Replayed

app = typer.Typer(
    help="Replay recorded drills through the live path, compare runs, import public data sets.",
    no_args_is_help=True,
)
app.command("import")(import_drill)
app.command("compare")(compare)


class Speed(StrEnum):
    """The pace of a replay."""

    REALTIME = "realtime"
    MAX = "max"


@app.command("run")
def run(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Drill folder (holds drill.toml).")],
    speed: Annotated[
        Speed,
        typer.Option(help="realtime: as if live, frames may drop; max: every frame, no waiting."),
    ] = Speed.REALTIME,
    report: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write report.json, report.html and run.jsonl here."),
    ] = None,
    device: Annotated[Device, typer.Option(help="Where the detector runs.")] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", help="No live table.")] = False,
) -> None:
    """Replay a drill and score what was published against its truth.

    Examples:

      lastseen drill run benchmarks/drills/wing

      lastseen drill run benchmarks/drills/wing --speed max --report out/wing
    """
    import time

    from rich.console import Console
    from rich.text import Text

    from api.drill_files import load_drill
    from api.drill_play import exercise_permit, play_at_full_speed, play_realtime
    from api.gate import Gate
    from api.live_table import LiveDisplay
    from api.record import opened_record
    from api.report import write_report
    from api.run_record import RUN_FILE, save_run
    from api.truth import load_truth

    console = Console(stderr=True, quiet=quiet)
    drill = load_drill(folder)
    truth = load_truth(folder, drill.site)
    if report is not None:
        report.mkdir(parents=True, exist_ok=True)
    with opened_record() as kept, LiveDisplay(console, exercise=drill.exercise) as display:
        gate = Gate(kept.audit, holder="command line")
        play = play_at_full_speed if speed is Speed.MAX else play_realtime
        with exercise_permit(drill, gate, time.time) as permit:
            record = play(drill, permit, display.show, device=device)
    if report is not None:
        save_run(record, report / RUN_FILE)
        write_report(record, drill.site, truth, report)
        console.print(f"report: {report / 'report.html'}", highlight=False)
    for problem in record.problems:
        console.print(Text(f"! {problem}", style="red"))
    typer.echo(record.answers[-1].text if record.answers else "nothing was published")


@app.command("replay")
def replay_run(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A saved run, run.jsonl, or the folder it is in.")
    ],
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The drill or site folder that it was played on.")
    ],
) -> None:
    """Play a saved run again and compare every answer with the one that was published.

    The frames' floor positions and the words of operators go through a fresh locator in their
    order; no video is needed. Exit status 1 with the first answer that differs: the site was
    changed, or the code, or the machine computes otherwise.

    Examples:

      lastseen drill replay out/wing benchmarks/drills/wing

      lastseen drill replay out/wing/run.jsonl benchmarks/drills/wing
    """
    from rich.console import Console
    from rich.progress import track

    from api.machine import machine_facts, package_versions
    from api.replay import computed_otherwise, replay
    from api.run_record import RUN_FILE, load_run
    from calibration.entrances import EntranceRoutes
    from calibration.locator import Locator
    from calibration.site import load_site

    record = load_run(run / RUN_FILE if run.is_dir() else run)
    site = load_site(folder)
    routes = EntranceRoutes(site.plan)
    shown = track(
        list(record.replayable()),
        "replaying",
        console=Console(stderr=True),
        transient=True,
    )
    told = replay(lambda: Locator.for_site(site, routes), shown)
    then = {**record.machine, **record.versions}
    say_replayed(told, computed_otherwise(then, {**machine_facts(), **package_versions()}))


def say_replayed(told: Replayed, otherwise: Sequence[str]) -> None:
    """Print what came of a replay; leave with status 1 unless every answer could be compared.

    Args:
        told: what came of it.
        otherwise: what computed otherwise when the log was recorded.
    """
    if told.difference is not None:
        typer.echo(str(told.difference))
        for sentence in otherwise:
            typer.echo(sentence, err=True)
    else:
        typer.echo(f"{told.answers} answers, all equal ({told.frames} frames, {told.said} inputs)")
    for gap in told.gaps:
        typer.echo(str(gap), err=True)
    if told.not_compared:
        typer.echo(f"{told.not_compared} answers after that cannot be made again", err=True)
    if not told.answers:
        typer.echo("there is nothing to compare", err=True)
    if told.difference is not None or told.gaps or not told.answers:
        raise typer.Exit(1)
