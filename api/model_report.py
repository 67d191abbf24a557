"""The page that shows a detector's figures: curves and calibration, for people to look at."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import jinja2
import matplotlib as mpl
from matplotlib.figure import Figure

from .errors import ReportError
from .report_svg import INK, PUBLISHED, QUIET, SVG_STYLE, svg
from .whole_files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from markupsafe import Markup

    from models.evaluation import ClassFigures, Figures

_SIZE_INCHES = (3.6, 3.2)


def write_model_report(figures: Figures, title: str, backend: str, path: Path) -> None:
    """Write one page with every class's table, precision-recall curve and reliability diagram.

    The page holds its styles and pictures, asks nothing of a network and runs no script.

    Args:
        figures: what was measured.
        title: which weights on which pictures.
        backend: what they ran on.
        path: the file to write, wholly or not at all.

    Raises:
        ReportError: where the file cannot be written.
    """
    template = files(__name__.rpartition(".")[0]).joinpath("report_templates/model.html.j2")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.from_string(template.read_text(encoding="utf-8")).render(
        title=title,
        backend=backend,
        figures=figures,
        pictures={name: _pictures(told) for name, told in figures.classes.items() if told.objects},
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, page.encode())
    except OSError as error:
        raise ReportError(f"{path}: cannot be written: {error.strerror or error}") from error


def _pictures(told: ClassFigures) -> list[Markup]:
    with mpl.rc_context(SVG_STYLE):
        return [svg(_curve(told)), svg(_reliability(told)), svg(_sizes(told))]


def _curve(told: ClassFigures) -> Figure:
    figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
    axes = figure.subplots()
    axes.plot([p.recall for p in told.curve], [p.precision for p in told.curve], color=PUBLISHED)
    if told.precision is not None and told.recall is not None:
        axes.plot(told.recall, told.precision, "o", color=INK)
        axes.annotate(
            f"at {told.confidence:g}",
            (told.recall, told.precision),
            textcoords="offset points",
            xytext=(6, 6),
        )
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    axes.set_title("Precision and recall", loc="left", fontsize=10)
    return figure


def _reliability(told: ClassFigures) -> Figure:
    figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1)
    bins = [b for b in told.reliability if b.mean_confidence is not None]
    most = max((b.boxes for b in bins), default=1)
    axes.scatter(
        [b.mean_confidence or 0.0 for b in bins],
        [b.right_share or 0.0 for b in bins],
        s=[20 + 120 * b.boxes / most for b in bins],
        color=PUBLISHED,
    )
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="confidence", ylabel="share that is right")
    axes.set_title("Does a score mean what it says?", loc="left", fontsize=10)
    return figure


def _sizes(told: ClassFigures) -> Figure:
    figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
    axes = figure.subplots()
    rows = [row for row in told.recall_by_long_side if row.objects]
    names = [
        f"{row.from_px}-{row.to_px}" if row.to_px else f"{row.from_px} and more" for row in rows
    ]
    axes.barh(names, [row.recall or 0.0 for row in rows], color=PUBLISHED)
    for at, row in enumerate(rows):
        axes.text((row.recall or 0.0) + 0.02, at, f"of {row.objects}", va="center", fontsize=8)
    axes.set(xlim=(0, 1.15), xlabel=f"recall at {told.confidence:g}", ylabel="long side, pixels")
    axes.set_title("Recall by size", loc="left", fontsize=10)
    return figure
