"""The map of `lastseen site check`: every level, its cameras and what they show."""

from __future__ import annotations

import html
import io
from typing import TYPE_CHECKING, Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .errors import ReportError
from .plan_drawing import draw_plan
from .whole_files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from calibration.coverage import LevelCoverage
    from calibration.site import Site

SUFFIXES: Final = (".png", ".svg", ".html")

_WIDTH_IN: Final = 11.0
_LEAST_HEIGHT_IN: Final = 3.0
_CAPTION_IN: Final = 0.9
_DPI: Final = 150


def write_site_map(path: Path, site: Site, levels: tuple[LevelCoverage, ...]) -> None:
    """Write the picture of a checked site.

    Args:
        path: ends in one of `SUFFIXES`; an .html file holds the picture as SVG.
        site: the site.
        levels: its coverage.

    Raises:
        ReportError: another ending, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ReportError(f"{path}: a map ends in {', '.join(SUFFIXES)}, not {suffix or 'nothing'}")
    drawn = io.BytesIO()
    _figure(site, levels).savefig(drawn, format="png" if suffix == ".png" else "svg")
    content = drawn.getvalue()
    if suffix == ".html":
        content = _page(site.name, content)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        raise ReportError(f"{path}: the map cannot be written: {error.strerror}") from error


def _figure(site: Site, levels: tuple[LevelCoverage, ...]) -> Figure:
    heights_in = [_height_in(site, level) for level in levels]
    figure = Figure(figsize=(_WIDTH_IN, sum(heights_in)), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(levels), 1, squeeze=False, gridspec_kw={"height_ratios": heights_in})
    for ax, level in zip(axes[:, 0], levels, strict=True):
        draw_plan(ax, site.plan, level.level.id, cameras=site.cameras.values(), watched=level.seen)
        ax.set_title(
            f"{site.name}: {level.level.name}, {level.watched:.0%} of {level.walkable_m2:.0f} m² "
            "watched",
            fontsize=9,
        )
    return figure


def _height_in(site: Site, level: LevelCoverage) -> float:
    left, bottom, right, top = site.plan.footprint(level.level.id).bounds
    wide = right - left
    if not wide > 0:  # also where the level has no spaces, whose bounds are not numbers
        return _LEAST_HEIGHT_IN
    return max(_LEAST_HEIGHT_IN, _WIDTH_IN * (top - bottom) / wide + _CAPTION_IN)


def _page(title: str, svg: bytes) -> bytes:
    picture = svg[svg.index(b"<svg") :]
    head = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
    )
    return head.encode() + b"<body>" + picture + b"</body></html>\n"
