"""`lastseen bench`: the benchmarks of the source checkout, one file a question."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from vision.detect import Device

from .bench_attention import attention
from .bench_checkout import (
    DATA_HELP,
    WING,
    benchmark,
    data_folder,
    known_names,
    save_figures,
    say_playing,
    show,
    three,
)
from .bench_coldstart import coldstart
from .bench_decoding import decode
from .bench_inference import detect
from .bench_keep import keep
from .bench_peers import peers
from .bench_pipeline import pipeline
from .bench_scale import scale

app = typer.Typer(help="Measure speed, accuracy, and what each part is worth.")
app.command("attention")(attention)
app.command("coldstart")(coldstart)
app.command("decode")(decode)
app.command("detect")(detect)
app.command("peers")(peers)
app.command("pipeline")(pipeline)
app.command("scale")(scale)
app.command("keep")(keep)


@app.command("gate")
def gate(
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="An empty PostgreSQL database; SQLite where none is named.",
            envvar="LASTSEEN_BENCH_DATABASE",
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where the SQLite file goes: the disk to be measured."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """How many decisions a second does the gate make, each durably in the audit?

    Beside the bare insert of a row into the same database, in the same run. Takes a minute.

    Examples:
      lastseen bench gate

      lastseen bench gate --database postgresql+psycopg://me@localhost/empty --json
    """
    figures = benchmark("gate").measure(database, folder)
    typer.echo(f"database: {figures['database']}", err=as_json)
    names = [name for name in figures if "_caller" in name]
    show(figures, names, as_json=as_json)


@app.command("locate")
def locate(
    growth: Annotated[
        bool,
        typer.Option(help="Measure other numbers of people, cameras and levels, too: minutes."),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """How long do the frames and the answers of a whole school take the locator?

    50 people under 400 cameras on three levels: subjects, search map, ranking and entrances, on a
    synthetic school, in processor time.

    Examples:
      lastseen bench locate --no-growth

      lastseen bench locate --json > locate.json
    """
    figures = benchmark("locate").measure(
        growth=growth, on_progress=lambda size: typer.echo(f"measuring {size} …", err=True)
    )
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
        return
    typer.echo(f"machine: {figures['machine']}")
    sizes = [(figures["base"], figures)]
    for part, rows in figures.get("growth", {}).items():
        sizes += [(f"{row[part]} {part}", row) for row in rows]
    for name, row in sizes:
        update, answer = row["update_ms"], row["answer_ms"]
        typer.echo(
            f"{name}: busy {row['busy']['median']} of a core ({row['busy']['low']} to "
            f"{row['busy']['high']}); update {three(update)} ms; answer {three(answer)} ms; "
            f"{row['memory_mib']} MiB"
        )


@app.command("fanout")
def fanout(
    subscribers: Annotated[int, typer.Option(min=2, help="Consoles at once.")] = 500,
    seconds: Annotated[
        float,
        typer.Option(min=1.0, help="How long all of them read while memory is watched."),
    ] = 600.0,
    rounds: Annotated[
        int, typer.Option(min=1, help="Rounds of the phases that are compared, 50 s each.")
    ] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What do five hundred consoles on one machine cost, and how late do they hear?

    A real server on loopback says the answers of the wing drill ten times a second; some of the
    readers are too slow. Full messages and what changed, one reader and all of them, in turn. Some
    thirteen minutes; leave the machine alone meanwhile.

    Examples:
      lastseen bench fanout --seconds 60 --rounds 1

      lastseen bench fanout --json > fanout.json
    """
    figures = benchmark("fanout").measure(
        subscribers=subscribers, seconds=seconds, rounds=rounds, on_progress=say_playing
    )
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
        return
    typer.echo(f"machine: {figures['machine']}")
    for name, row in figures["phases"].items():
        typer.echo(
            f"{name}: p50 {row['p50_ms']['median']} ms, p99 {row['p99_ms']['median']} ms "
            f"({row['p99_ms']['low']} to {row['p99_ms']['high']}); "
            f"{row['cpu_share']['median']} of a core; "
            f"{row['bytes_a_message']['median']:.0f} bytes a message"
        )
    long, memory = figures["long"], figures["long"]["memory"]
    typer.echo(
        f"{long['seconds']:.0f} s with {long['slow_readers']} slow: "
        f"p99 {long['latency_ms']['p99']} ms, snapshots to the slow {long['snapshots_of_slow']}, "
        f"to others {long['snapshots_of_quick']}; memory {memory['first_mib']} to "
        f"{memory['last_mib']} MiB, {memory['slope_mib_a_minute']} MiB a minute in the end"
    )


@app.command("streams")
def streams(
    seconds: Annotated[
        float, typer.Option(min=5.0, help="How long the delay is measured, seconds.")
    ] = 30.0,
    rounds: Annotated[
        int, typer.Option(min=1, help="How often nobody, one and many viewers are compared.")
    ] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """How old is what people see of a camera, and what does each more of them cost?

    Two test cameras that draw the time, two viewers in a real Chromium, then fifty sockets: some
    three minutes on two cores. Needs Chromium and GStreamer's RTSP server
    (bash scripts/system-packages.sh browser rtsp). Nothing else should use the machine meanwhile.

    Examples:
      lastseen bench streams

      lastseen bench streams --seconds 10 --rounds 1 --json
    """
    figures = benchmark("streams").measure(delay_s=seconds, rounds=rounds)
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
        return
    delay, cost = figures["delay"], figures["cost"]
    glass, capture = delay["glass_to_glass_ms"], delay["capture_to_glass_ms"]
    typer.echo(
        f"glass to glass: p50 {glass['p50']:.0f} ms, p95 {glass['p95']:.0f} ms (goal "
        f"{delay['goal_p95_ms']:.0f}); capture to glass: p95 {capture['p95']:.0f} ms; "
        f"{delay['viewers']} viewers of {delay['cameras']} cameras"
    )
    many = cost["many_to_one"]
    typer.echo(
        f"{cost['many']} viewers of one camera cost {many['median']:.2f} times one "
        f"({many['least']:.2f} to {many['most']:.2f}; goal {cost['goal_ratio']}); each more "
        f"{1000.0 * cost['one_more_viewer_cores']['median']:.2f} thousandths of a core"
    )


@app.command("appearance")
def appearance(
    drill: Annotated[
        Path, typer.Option(metavar="DIR", help="Drill with videos and truth/boxes.")
    ] = WING,
    multiviewx: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="MultiviewX's sample with pictures, measured as well."),
    ] = None,
    pets: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="PETS 2009 S2L1 in the form of MOT15, measured as well."),
    ] = None,
    device: Annotated[Device, typer.Option(help="Where the detector runs.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Do clothes tell whether two tracks are one body, and do they say how sure that is?

    Plays the drill through detector and tracker: some two minutes on two cores.

    Examples:
      lastseen bench appearance

      lastseen bench appearance --multiviewx data/multiviewx-sample --json
    """
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("following", total=1.0)
        figures = benchmark("appearance").measure(
            drill, device, lambda share: progress.update(bar, completed=share)
        )
    if multiviewx is not None:
        multiview = benchmark("appearance_multiview")
        figures["multiviewx"] = multiview.measure_multiview(multiviewx, device)
    if pets is not None:
        one_camera = benchmark("appearance_mot").measure_mot(pets)
        figures["pets_looks"] = one_camera["looks"]
        figures["pets_halves_of_stays"] = one_camera["halves_of_stays"]
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
        return
    typer.echo(f"machine: {figures['machine']}")
    for name, found in figures.items():
        if isinstance(found, dict) and "auc" in found:
            told = ", ".join(f"{key} {value}" for key, value in found.items())
            typer.echo(f"{name}: {told}")
    cost = figures["cost"]
    typer.echo(
        f"cost: {cost['ms_a_frame']} ms a frame, "
        f"{cost['share_of_the_pipeline']:.1%} of the pipeline"
    )


@app.command("accuracy")
def accuracy(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...", help="citic, cmc, meva, multiviewx, pets, wildtrack; else all."
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help=DATA_HELP, envvar="LASTSEEN_DATA")
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the figures there, one file a recording."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """How right is the whole way on public recordings?

    Imports each, plays it at full speed and scores it: some five minutes on two cores.

    Examples:
      lastseen bench accuracy citic cmc

      lastseen bench accuracy --data ~/recordings --save benchmarks/figures
    """
    module = benchmark("accuracy")
    known = (*benchmark("recordings").RECORDINGS, "meva")
    figures = module.measure(data_folder(data), known_names(names, known), say_playing)
    if save is not None:
        save_figures(figures, save)
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
        return
    for name, found in figures.items():
        told = ", ".join(f"{key} {value}" for key, value in found.items() if value is not None)
        typer.echo(f"{name}: {told}")


@app.command("ablations")
def ablations(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="citic, cmc, wildtrack, wing; else all."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help=DATA_HELP, envvar="LASTSEEN_DATA")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What is each part of the locator worth? The same runs with one part taken away.

    Plays each recording once and locates it again without covariance, witnesses, handover, looks,
    walls, frame rates and clothes: some fifteen minutes on two cores. Prints tables in Markdown.

    Examples:
      lastseen bench ablations wing

      lastseen bench ablations --data ~/recordings --json > ablations.json
    """
    module = benchmark("ablations")
    figures = module.measure(data_folder(data), known_names(names, module.RUNS), say_playing)
    typer.echo(json.dumps(figures, indent=2) if as_json else module.as_markdown(figures))
