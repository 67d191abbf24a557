"""`lastseen detect`: persons, tracks and weapons in recordings and pictures."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from api.errors import ApiError
from vision.detect import Device

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from api.detect_lines import FrameLine


def detect(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="Videos, pictures, folders of them.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON line a frame instead of a table.")
    ] = False,
    weights: Annotated[
        str | None, typer.Option(help="Registered name, or the path of a .pt file.")
    ] = None,
    device: Annotated[Device, typer.Option(help="Where the detector runs.")] = "auto",
    every: Annotated[int, typer.Option(min=1, metavar="N", help="Take every N-th frame.")] = 1,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the JSON lines to this file.")
    ] = None,
) -> None:
    """Find persons and weapons in videos and pictures.

    Every line tells one frame: source, frame, t (seconds from the first frame), width, height,
    persons (xyxy, confidence, track, armed) and weapons (xyxy, confidence, label).

    Examples:

      lastseen detect corridor.mp4

      lastseen detect corridor.mp4 --json | jq '.persons | length'

      lastseen detect stills/ --every 5 --output boxes.jsonl
    """
    from rich.console import Console

    from api.detect_lines import find_sources, lines_of
    from vision.errors import VisionError
    from vision.pipeline import load_pipeline

    notes = Console(stderr=True)
    sources, problems = find_sources(paths)
    tally = Tally()
    if sources:
        models, detector = load_pipeline(device, weights)
        shown = detector.checkpoint.confidence
        with ExitStack() as stack:
            lines = _lines_file(stack, output, as_json=as_json)
            for source in sources:
                try:
                    with _progress(notes, source.name, source.frames(every)) as step:
                        for line in lines_of(source, models, shown, every):
                            tally.count(line)
                            if lines is not None:
                                _write(lines, json.dumps(line.as_json()), output)
                            step()
                except VisionError as error:
                    problems.append(str(error))
    if not as_json:
        tally.show(notes)
    for problem in problems:
        notes.print(f"[bold red]error:[/] {problem}", highlight=False)
    if problems:
        raise typer.Exit(1)


class Tally:
    """What was seen, source by source, for people to read."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}

    def count(self, line: FrameLine) -> None:
        """Add one frame."""
        row = self._rows.setdefault(line.source, _Row())
        row.frames += 1
        row.occupied += bool(line.persons)
        row.most = max(row.most, len(line.persons))
        row.tracks |= {person.track for person in line.persons if person.track is not None}
        row.weapons += bool(line.weapons)

    def show(self, console: Console) -> None:
        """Print the table."""
        from rich.table import Table

        table = Table("source", "frames", "with persons", "most at once", "tracks", "with weapons")
        for source, row in self._rows.items():
            numbers = (row.frames, row.occupied, row.most, len(row.tracks), row.weapons)
            table.add_row(source, *map(str, numbers))
        if self._rows:
            console.print(table)


class _Row:
    def __init__(self) -> None:
        self.frames = self.occupied = self.most = self.weapons = 0
        self.tracks: set[int] = set()


def _lines_file(stack: ExitStack, output: Path | None, *, as_json: bool) -> TextIO | None:
    if output is None:
        return sys.stdout if as_json else None
    try:
        return stack.enter_context(output.open("w", encoding="utf-8"))
    except OSError as error:
        raise ApiError(f"{output}: cannot be written: {error.strerror}") from error


def _write(lines: TextIO, text: str, output: Path | None) -> None:
    try:
        lines.write(text + "\n")
        lines.flush()
    except BrokenPipeError:
        # The reader (head, jq) has enough. Python would complain again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except OSError as error:
        raise ApiError(f"{output or 'output'}: writing failed: {error.strerror}") from error


@contextmanager
def _progress(console: Console, name: str, total: int | None) -> Iterator[Callable[[], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(name, total=total)
        yield lambda: progress.advance(task)
