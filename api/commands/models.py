"""`lastseen models`: list, train and measure the weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.errors import ApiError
from vision.detect import Device

if TYPE_CHECKING:
    from rich.table import Table

    from models.evaluation import Figures

app = typer.Typer(help="List, train and measure weights.", no_args_is_help=True)

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
    as_json: _Json = False,
    device: _DeviceOption = "auto",
) -> None:
    """Measure weights on labelled pictures, through the very detector that runs live.

    Examples:
      lastseen models evaluate person-firearm data.yaml

      lastseen models evaluate mine.pt data.yaml --json
    """
    from rich.console import Console

    from api.model_figures import figures_as_json, figures_of
    from models.evaluation import labelled_pictures, read_data_file

    read = read_data_file(data)
    names = tuple(read.names[number] for number in sorted(read.names))
    figures, backend = figures_of(weights, labelled_pictures(read, names), names, device)
    if as_json:
        told = {"weights": weights, "data": str(data), "backend": backend}
        typer.echo(json.dumps({**told, **figures_as_json(figures)}, indent=2))
    else:
        Console().print(_figures_table(figures, f"{weights} on {data} ({backend})"))


@app.command()
def looks(
    data: _DataFile,
    weights: Annotated[str | None, typer.Option(help="Registered name; the default if none.")] = (
        None
    ),
    source: Annotated[str, typer.Option(help="What the pictures are, in words; kept.")] = "",
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write here, not beside the weights.")
    ] = None,
    device: _DeviceOption = "auto",
) -> None:
    """Measure what one look at a person tells about a weapon, for the armed evidence.

    All persons and weapons in the pictures must be labelled. Run it again for new weights.

    Examples:
      lastseen models looks data.yaml --source "held-out frames of the renderer"
    """
    from api.model_figures import labelled_looks
    from models.looks import LOOKS_FOLDER, write_look_rates
    from vision.look_measurement import CONFIDENCE_EDGES, measure_looks
    from vision.yolo import load_detector

    detector = load_detector(device, weights)
    detector.hear_weapons_from(CONFIDENCE_EDGES[0])
    rates = measure_looks(labelled_looks(data), detector, source or str(data))
    path = write_look_rates(rates, detector.checkpoint.name, folder or LOOKS_FOLDER)
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

    Finished stages of an interrupted run in the same folder are kept.

    Examples:
      lastseen models train models/recipes/person-firearm.toml --data ~/sets --out runs/pf
    """
    from rich.console import Console

    from api.model_figures import figures_of
    from models.cards import card
    from models.evaluation_sets import evaluation_pictures
    from models.recipe import find_folder, load_recipe
    from models.training import train as run_training

    notes = Console(stderr=True)
    read, roots = load_recipe(recipe), tuple(data)
    with notes.status(f"training {read.name}: {len(read.stages)} stages"):
        run = run_training(read, roots, out)
    ours: dict[str, Figures] = {}
    starts: dict[str, Figures] = {}
    backend = ""
    for part in read.evaluations:
        with notes.status(f"measuring on {part.name}"):
            for weights, told in (
                (str(out / run.checkpoint), ours),
                (str(find_folder(read.start, roots)), starts),
            ):
                pictures = evaluation_pictures(part, read, roots)
                told[part.name], backend = figures_of(
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
