"""Writes the model card of a training run: what it was made of and what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .additions import CardHeader, card_with_header
from .person_crops import LOOK_SIDE_PX
from .registry import UNREGISTERED_CONFIDENCE, UNREGISTERED_INPUT_PX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .evaluation import Figures, SizeRecall
    from .recipe import Recipe
    from .training import TrainingRun


def card(
    run: TrainingRun,
    recipe: Recipe,
    figures: Mapping[str, Figures],
    start_figures: Mapping[str, Figures],
    backend: str,
) -> str:
    """Return the model card, in Markdown, with the header that `models.additions` reads.

    Args:
        run: the finished run.
        recipe: what it was made by.
        figures: evaluation name → figures of the new checkpoint.
        start_figures: the same for the start checkpoint, of the classes that it knows.
        backend: what the figures were measured on.
    """
    text = "\n".join(
        [
            f"# {run.recipe}",
            "",
            recipe.summary,
            "",
            *_made_of(run, recipe),
            *_trained_on(run),
            *_measured(recipe, figures, start_figures, backend),
            *(["## Notes", "", "\n\n".join(recipe.notes), ""] if recipe.notes else []),
        ]
    )
    header = CardHeader(
        name=run.recipe,
        sha256=run.sha256,
        classes=recipe.classes,
        confidence=recipe.confidence or dict.fromkeys(recipe.classes, UNREGISTERED_CONFIDENCE),
        input_px=LOOK_SIDE_PX if recipe.role == "second look" else UNREGISTERED_INPUT_PX,
        licence="AGPL-3.0-or-later",
    )
    return card_with_header(header, text)


def _made_of(run: TrainingRun, recipe: Recipe) -> list[str]:
    versions = ", ".join(f"{name} {number}" for name, number in run.versions.items())
    minutes = sum(stage.minutes for stage in run.stages)
    heads = "; ".join(f"{ours} from {', '.join(rows)}" for ours, rows in recipe.head.items())
    shares = ", ".join(f"{name} ({share:.0%})" for name, share in run.mixture.items())
    return [
        "| | |",
        "|---|---|",
        f"| classes | {', '.join(recipe.classes)} |",
        f"| sha256 | `{run.sha256}` |",
        "| licence | AGPL-3.0-or-later |",
        f"| start | {recipe.start_origin}, sha256 `{run.start_sha256}` |",
        f"| output rows begin as the mean of | {heads} |",
        f"| final weights are the mean of | {shares} |",
        f"| seed | {run.seed} |",
        f"| trained on | {run.machine}; {versions}; {minutes:.0f} minutes |",
        "",
        "## Stages",
        "",
        "| stage | sources | epochs | batch | picture | learning rate | frozen layers | degraded |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {s.name} | {', '.join(s.sources)} | {s.epochs} | {s.batch} | {s.image_px} px "
            f"| {s.learning_rate:g} | {s.freeze} | {s.degrade:.0%} |"
            for s in recipe.stages
        ),
        "",
    ]


def _trained_on(run: TrainingRun) -> list[str]:
    sources = {source.name: source for stage in run.stages for source in stage.sources}
    return [
        "## Data",
        "",
        (
            "Objects include those that the start checkpoint added where labels were missing. The"
            " hash covers names and bytes of all pictures and labels used."
        ),
        "",
        "| source | origin | licence | pictures | objects | added | content sha256 |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {s.name} | {s.origin} | {s.licence} | {s.pictures} "
            f"| {', '.join(f'{count} {name}' for name, count in s.objects.items())} "
            f"| {s.added_by_teacher} | `{s.sha256[:16]}` |"
            for s in sources.values()
        ),
        "",
    ]


def _measured(
    recipe: Recipe,
    figures: Mapping[str, Figures],
    start_figures: Mapping[str, Figures],
    backend: str,
) -> list[str]:
    lines = [
        "## Figures",
        "",
        (
            f"On {backend}, IoU 0.5, on pictures that were never trained on. Precision, recall and"
            " false alarms hold at the operating point."
        ),
        "",
        (
            "| pictures | class | objects | AP50 (start) | AP50 | AP50-95 | at | precision "
            "| recall | false alarms a picture |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    by_size = ["", "Recall by the long side of the object's box, in pixels:", ""]
    for part in recipe.evaluations:
        told = figures[part.name]
        for name in part.counts:
            ours = told.classes[name]
            old = start_figures[part.name].classes.get(name)
            lines.append(
                f"| {part.name} ({told.pictures}) | {name} | {ours.objects} "
                f"| {_number(old.ap50 if old else None)} | {_number(ours.ap50)} "
                f"| {_number(ours.ap50_95)} | {ours.confidence:g} | {_number(ours.precision)} "
                f"| {_number(ours.recall)} | {ours.false_alarms_per_image:.3f} |"
            )
            if ours.objects:
                sizes = "; ".join(_size(row) for row in ours.recall_by_long_side if row.objects)
                by_size.append(f"- {part.name}, {name}: {sizes}")
    return [*lines, *by_size, ""]


def _size(row: SizeRecall) -> str:
    span = f"{row.from_px}-{row.to_px}" if row.to_px else f"{row.from_px} and more"
    return f"{span}: {_number(row.recall)} of {row.objects}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
