"""`lastseen models`: list, train and measure the weights."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.errors import ApiError
from models.exports import Form
from vision.detect import Device

from .models_verify import in_words, require_equal, verify

if TYPE_CHECKING:
    from rich.table import Table

    from models.evaluation import Figures

app = typer.Typer(help="List, train and measure weights.", no_args_is_help=True)
app.command("verify")(verify)

_DeviceOption = Annotated[Device, typer.Option(help="Where the detector runs.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_DataFile = Annotated[
    Path, typer.Argument(metavar="DATA.yaml", help="YOLO data file; its 'val' pictures count.")
]


@app.command("list")
def list_weights(as_json: _Json = False) -> None:
    """Show the registered weights, each verified against its checksum.

    Examples:
      lastseen models list
    """
    from rich.console import Console
    from rich.table import Table

    from models.registry import checkpoint_names, default_name, find_checkpoint

    found = [find_checkpoint(name) for name in checkpoint_names()]
    if as_json:
        rows = [
            {
                "name": c.name,
                "default": c.name == default_name(),
                "file": str(c.path),
                "sha256": c.sha256,
                "classes": list(c.classes),
                "confidence": c.confidence,
                "input_px": c.input_px,
                "licence": c.licence,
            }
            for c in found
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table("name", "classes", "input", "licence", "sha256", "card")
    for c in found:
        points = ", ".join(f"{name} ≥ {c.confidence.get(name, 1):g}" for name in c.classes)
        name = f"{c.name} (default)" if c.name == default_name() else c.name
        shown = c.card.name if c.card else "-"
        table.add_row(name, points, f"{c.input_px} px", c.licence, c.sha256[:12], shown)
    Console().print(table)


@app.command()
def evaluate(
    weights: Annotated[str, typer.Argument(help="Registered name, or the path of a .pt file.")],
    data: _DataFile,
    second_look: Annotated[
        bool,
        typer.Option(
            "--second-look", help="Look with these weights at the persons that are found."
        ),
    ] = False,
    as_json: _Json = False,
    input_px: Annotated[
        int | None,
        typer.Option(
            min=32, metavar="PX", help="Long side of the network's input; as live if not given."
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with curves here.")
    ] = None,
    device: _DeviceOption = "auto",
) -> None:
    """Measure weights on labelled pictures, through the very detectors that run live.

    Examples:
      lastseen models evaluate person-firearm data.yaml

      lastseen models evaluate mine.pt data.yaml --json

      lastseen models evaluate firearm-close data.yaml --second-look --report figures.html
    """
    from rich.console import Console

    from api.model_figures import figures_as_json, figures_of, second_look_figures
    from api.model_report import write_model_report
    from models.evaluation import labelled_pictures, read_data_file
    from vision.letterbox import STRIDE_PX

    read = read_data_file(data)
    names = tuple(read.names[number] for number in sorted(read.names))
    if input_px is not None and (second_look or input_px % STRIDE_PX):
        raise ApiError(f"--input-px: a multiple of {STRIDE_PX}, and not with --second-look")
    pictures = labelled_pictures(read, names)
    figures, backend = (
        second_look_figures(weights, pictures, names, device)
        if second_look
        else figures_of(weights, pictures, names, device, input_px=input_px)
    )
    if report is not None:
        write_model_report(figures, f"{weights} on {data}", backend, report)
    if as_json:
        told = {"weights": weights, "data": str(data), "backend": backend}
        typer.echo(json.dumps({**told, **figures_as_json(figures)}, indent=2))
    else:
        Console().print(_figures_table(figures, f"{weights} on {data} ({backend})"))


@app.command()
def alarms(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="Videos of people who are not armed.")
    ],
    every: Annotated[int, typer.Option(min=1, metavar="N", help="Take every N-th frame.")] = 1,
    as_json: _Json = False,
    device: _DeviceOption = "auto",
) -> None:
    """Count armed alerts in videos where nobody is armed: false alarms a camera-hour.

    The 95 % interval says what so much footage can prove: no alarm in ten minutes still allows
    twenty an hour.

    Examples:
      lastseen models alarms monday/ tuesday/

      lastseen models alarms corridor.mp4 --every 5 --json
    """
    from rich.console import Console
    from rich.table import Table

    from api.detect_lines import find_sources
    from api.false_alarms import alarms_in, together
    from vision.pipeline import load_pipeline

    sources, problems = find_sources(paths)
    videos = [source for source in sources if not source.is_picture]
    if problems or not videos:
        raise ApiError("; ".join(problems) or f"{paths[0]}: no videos here")
    models, detector = load_pipeline(device)
    notes = Console(stderr=True)
    found = []
    for source in videos:
        with notes.status(f"looking through {source.name}"):
            found.append(alarms_in(source, models, detector.checkpoint.confidence, every))
    whole = together(found)
    if as_json:
        rows = [{**asdict(one), "rate": one.rate and asdict(one.rate)} for one in (*found, whole)]
        typer.echo(json.dumps({"videos": rows[:-1], "all": rows[-1]}, indent=2))
        return
    table = Table("video", "minutes", "alerts", "highest", "frames with weapons")
    for one in (*found, whole):
        highest = "-" if one.highest is None else f"{one.highest:.3f}"
        cells = (f"{one.seconds / 60:.1f}", str(one.alerts), highest, f"{one.weapon_frames:.1%}")
        table.add_row(one.source or "all", *cells)
    Console().print(table)
    if whole.rate is not None:
        typer.echo(
            f"{whole.alerts} false armed alerts in {whole.seconds / 3600:.3f} camera-hours: "
            f"{whole.rate.rate:.1f} a camera-hour, and by this footage anything from "
            f"{whole.rate.low:.1f} to {whole.rate.high:.1f} (95 %)"
        )


@app.command()
def looks(
    data: _DataFile,
    weights: Annotated[
        str | None,
        typer.Option(help="Of the second look: registered name or path of a .pt file."),
    ] = None,
    source: Annotated[str, typer.Option(help="What the pictures are, in words; kept.")] = "",
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write here, not beside the weights.")
    ] = None,
    device: _DeviceOption = "auto",
) -> None:
    """Measure what one look at a person tells about a weapon, for the armed evidence.

    Persons are found by the registered detector and looked at by the second look, as live. All
    persons and weapons in the pictures must be labelled. Run it again for new weights.

    Examples:
      lastseen models looks data.yaml --source "held-out frames of the renderer"
    """
    from api.model_figures import labelled_looks
    from models.looks import LOOKS_FOLDER, write_look_rates
    from models.registry import second_look_name
    from vision.look_measurement import CONFIDENCE_EDGES, measure_looks
    from vision.weapons import load_second_look
    from vision.yolo import load_detector

    name = weights or second_look_name()
    rates = measure_looks(
        labelled_looks(data),
        load_detector(device),
        load_second_look(device, CONFIDENCE_EDGES[0], name),
        source or str(data),
    )
    path = write_look_rates(rates, Path(name).stem, folder or LOOKS_FOLDER)
    counted = int(rates.armed.sum()), int(rates.unarmed.sum())
    typer.echo(f"{path}: {counted[0]} looks at armed and {counted[1]} at unarmed persons")


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="Recipe (TOML).")],
    data: Annotated[
        list[Path], typer.Option(metavar="DIR", help="Where sources and start lie; repeatable.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the run.")],
    device: _DeviceOption = "auto",
) -> None:
    """Train a recipe, measure the result and write its model card.

    An interrupted run in the same folder goes on from its last whole epoch.

    Examples:
      lastseen models train models/recipes/person-firearm.toml --data ~/sets --out runs/pf
    """
    from rich.console import Console

    from api.model_figures import figures_of
    from api.model_training import measurement_of, training_progress
    from models.cards import card
    from models.evaluation_sets import evaluation_pictures
    from models.recipe import find_folder, load_recipe
    from models.training import train as run_training

    notes = Console(stderr=True)
    read, roots = load_recipe(recipe), tuple(data)
    with training_progress(notes) as watch:
        run = run_training(read, roots, out, watch)
    ours: dict[str, Figures] = {}
    starts: dict[str, Figures] = {}
    backend = ""
    for part in read.evaluations:
        with notes.status(f"measuring on {part.name}"):
            for weights, told, measured in (
                (str(out / run.checkpoint), ours, measurement_of(read, part)),
                (
                    str(find_folder(read.start, roots)),
                    starts,
                    partial(figures_of, input_px=part.input_px),
                ),
            ):
                pictures = evaluation_pictures(part, read, roots)
                told[part.name], backend = measured(
                    weights, pictures, read.classes, device, read.confidence
                )
    written = out / f"{read.name}.md"
    try:
        written.write_text(card(run, read, ours, starts, backend), encoding="utf-8")
    except OSError as error:
        raise ApiError(f"{written}: cannot be written: {error.strerror}") from error
    for name, figures in ours.items():
        Console().print(_figures_table(figures, name))
    typer.echo(f"{out / run.checkpoint}  sha256 {run.sha256}\n{written}")


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Checkpoint (.pt).")],
    card: Annotated[Path, typer.Option(metavar="CARD", help="Its model card, with a header.")],
) -> None:
    """Add a checkpoint of your own, verified against its card; it is then known by its name.

    The card is a Markdown file that begins with a header in TOML between two lines '+++': name,
    sha256, classes, confidence, input_px, licence. 'models train' writes such cards. No code of
    the file is run, and nothing is kept unless everything is right.

    Examples:
      lastseen models add runs/pf/checkpoint.pt --card runs/pf/person-firearm.md

      lastseen detect corridor.mp4 --weights person-firearm-2
    """
    from models.additions import add_checkpoint

    checkpoint = add_checkpoint(file, card)
    typer.echo(f"{checkpoint.name}: {checkpoint.path}  sha256 {checkpoint.sha256}")


@app.command()
def export(
    weights: Annotated[str, typer.Argument(help="Registered name, or the path of a .pt file.")],
    form: Annotated[Form, typer.Option("--as", help="What to write.")],
    to: Annotated[Path, typer.Option(metavar="DIR", help="Write below this folder.")],
    pictures: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="Videos, pictures or folders like those at run time, for 8-bit scales and"
            " --verify; repeatable. The built-in drills if none.",
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare the export's boxes with the checkpoint's.")
    ] = False,
) -> None:
    """Write weights in a form that other runtimes read, and prove that it answers the same.

    With --verify the exit status is 1 if the two differ by more than the tolerance of the form,
    which is printed.

    Examples:
      lastseen models export person-firearm --as onnx --to out --verify

      lastseen models export firearm-close --as openvino-int8 --to out --pictures recordings/
    """
    from rich.console import Console

    from api.model_samples import sample_pictures
    from models.exports import export_as
    from models.registry import checkpoint_of
    from vision.agreement import TOLERANCES, checkpoint_and_export, compare
    from vision.letterbox import Letterbox

    notes = Console(stderr=True)
    checkpoint = checkpoint_of(weights)
    samples = []
    if verify or form == "openvino-int8":
        with notes.status("reading pictures"):
            samples = sample_pictures(checkpoint, pictures or ())
    # The scales are found on one half and judged on the other.
    with notes.status(f"exporting {checkpoint.name}: {form}"):
        fits = (Letterbox.of(p.shape[1::-1], checkpoint.input_px) for p in samples[::2])
        seen = [fit.fill(p) for fit, p in zip(fits, samples[::2], strict=True)]
        written = export_as(form, checkpoint, to, seen)
    typer.echo(str(written))
    if not verify:
        return
    with notes.status("comparing"):
        agreement = compare(*checkpoint_and_export(checkpoint, written), samples[1::2])
    typer.echo(in_words(agreement, TOLERANCES[form]))
    require_equal(agreement, TOLERANCES[form], str(written))


def _figures_table(figures: Figures, title: str) -> Table:
    from rich.table import Table

    table = Table(title=f"{title}, {figures.pictures} pictures")
    for heading in ("class", "objects", "AP50", "AP50-95", "at", "precision", "recall", "false"):
        table.add_column(heading)
    for name, told in figures.classes.items():
        numbers = (told.ap50, told.ap50_95, told.confidence, told.precision, told.recall)
        shown = ("-" if number is None else f"{number:.3f}" for number in numbers)
        table.add_row(name, str(told.objects), *shown, f"{told.false_alarms_per_image:.3f}/picture")
    return table
