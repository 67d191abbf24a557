"""`lastseen drill`: replay recorded drills and bring public data sets into drill folders."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vision.detect import Device

from .drill_import import import_drill

app = typer.Typer(
    help="Replay recorded drills through the live path; import public data sets.",
    no_args_is_help=True,
)
app.command("import")(import_drill)


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
    from api.run_record import save_run
    from api.truth import load_truth

    console = Console(stderr=True, quiet=quiet)
    drill = load_drill(folder)
    truth = load_truth(folder, drill.site)
    if report is not None:
        report.mkdir(parents=True, exist_ok=True)
    with opened_record() as kept, LiveDisplay(console, exercise=drill.exercise) as display:
        gate = Gate(kept.audit, holder="command line")
        if speed is Speed.MAX:
            with exercise_permit(drill, gate, time.time) as permit:
                record = play_at_full_speed(drill, permit, display.show, device=device)
        else:
            record = play_realtime(drill, gate, display.show, device=device)
    if report is not None:
        save_run(record, report / "run.jsonl")
        write_report(record, drill.site, truth, report)
        console.print(f"report: {report / 'report.html'}", highlight=False)
    for problem in record.problems:
        console.print(Text(f"! {problem}", style="red"))
    typer.echo(record.answers[-1].text if record.answers else "nothing was published")
