"""How a training run shows its progress, and how its weights are measured afterwards."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.progress import TimeRemainingColumn as Remaining

from models.person_crops import LOOK_SIDE_PX

from .model_figures import figures_of, second_look_figures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from models.evaluation import Figures
    from models.recipe import Evaluation, Recipe
    from models.training import Watcher


@contextmanager
def training_progress(console: Console) -> Iterator[Watcher]:
    """A bar for each stage, moved by what `models.training.train` tells."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    with Progress(*columns, console=console) as progress:
        tasks = {"": progress.add_task("preparing pictures", total=None)}

        def watch(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(f"stage {stage}, batches", total=total)
            progress.update(tasks[stage], completed=done)

        yield watch


def measurement_of(recipe: Recipe, part: Evaluation) -> Callable[..., tuple[Figures, str]]:
    """How the new weights are measured on some pictures."""
    if recipe.role == "whole frame":
        return partial(figures_of, input_px=part.input_px)
    # Held-out photographs of weapons are looked at as they are, each like one square.
    if part.layout == "held":
        return partial(figures_of, input_px=LOOK_SIDE_PX)
    return second_look_figures
