"""The map of `lastseen site check`: every level, its cameras, what they show and what not."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Final

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from .errors import ReportError
from .plan_drawing import BLIND, MARGIN_M, draw_plan, drawn_bounds, hatch
from .report_svg import SVG_STYLE, svg
from .site_page import site_page
from .underlay_drawing import with_drawings
from .whole_files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from calibration.coverage import LevelCoverage
    from calibration.site import Site

    from .site_check import SiteCheck

SUFFIXES: Final = (".png", ".svg", ".html")

_WIDTH_IN: Final = 11.0
_LEAST_HEIGHT_IN: Final = 3.0
_CAPTION_IN: Final = 0.3
_DPI: Final = 150
_INCH_DPI: Final = 72
_INK: Final = "#33312d"


def write_site_map(path: Path, check: SiteCheck) -> None:
    """Write the picture of a checked site, or the page that tells and shows all of the check.

    Args:
        path: ends in one of `SUFFIXES`; .html is the page, which needs no network.
        check: the check of a site that loaded.

    Raises:
        ReportError: another ending, the site did not load, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ReportError(f"{path}: a map ends in {', '.join(SUFFIXES)}, not {suffix or 'nothing'}")
    if check.site is None:
        raise ReportError(f"{path}: there is nothing to draw; the site has errors")
    with mpl.rc_context(SVG_STYLE):
        content = _content(suffix, check.site, check)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        raise ReportError(f"{path}: the map cannot be written: {error.strerror}") from error


def _content(suffix: str, site: Site, check: SiteCheck) -> bytes:
    if suffix == ".html":
        drawings = {
            level.level.id: level_svg(site, level, check.unreachable) for level in check.levels
        }
        return site_page(check, drawings).encode()
    figure, axes = _figure(site, check.levels, check.unreachable)
    if suffix == ".svg":
        figure.set_dpi(_INCH_DPI)
        return _with_underlays(figure, axes, site, check.levels).encode()
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    return drawn.getvalue()


def level_svg(site: Site, level: LevelCoverage, unreachable: frozenset[str]) -> str:
    """One level as an SVG element."""
    figure, axes = _figure(site, (level,), unreachable, titled=False)
    figure.set_dpi(_INCH_DPI)
    return _with_underlays(figure, axes, site, (level,))


def _with_underlays(
    figure: Figure, axes: list[Axes], site: Site, levels: tuple[LevelCoverage, ...]
) -> str:
    markup = str(svg(figure))
    by_level = {underlay.level: underlay for underlay in site.underlays}
    pairs = [
        (ax, by_level[level.level.id])
        for ax, level in zip(axes, levels, strict=True)
        if level.level.id in by_level
    ]
    return with_drawings(figure, markup, pairs)


def _figure(
    site: Site,
    levels: tuple[LevelCoverage, ...],
    unreachable: frozenset[str],
    *,
    titled: bool = True,
) -> tuple[Figure, list[Axes]]:
    heights_in = [_height_in(site, level) for level in levels]
    figure = Figure(figsize=(_WIDTH_IN, sum(heights_in)), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(levels), 1, squeeze=False, gridspec_kw={"height_ratios": heights_in})
    axes: list[Axes] = list(grid[:, 0])
    underlays = {underlay.level: underlay for underlay in site.underlays}
    for ax, level in zip(axes, levels, strict=True):
        draw_plan(
            ax,
            site.plan,
            level.level.id,
            cameras=site.cameras.values(),
            watched=level.seen,
            underlay=underlays.get(level.level.id),
            unreachable=unreachable,
            errors=True,
        )
        if level.seen:
            hatch(ax, level.blind, colour=BLIND)
        _draw_north(figure, ax, site.anchor.x_axis_bearing_deg)
        if titled:
            ax.set_title(
                f"{site.name}: {level.level.name}, {level.watched:.0%} of "
                f"{level.walkable_m2:.0f} m² watched",
                fontsize=9,
            )
    return figure, axes


def _draw_north(figure: Figure, ax: Axes, x_axis_bearing_deg: float) -> None:
    """An arrow to true north in the upper right corner."""
    turn = math.radians(x_axis_bearing_deg)  # north is as far to the left of x as x is of north
    ahead = np.array([math.cos(turn), math.sin(turn)])
    corner = ScaledTranslation(1, 1, ax.transAxes)  # type: ignore[arg-type]  # any transform
    inches = figure.dpi_scale_trans + corner
    middle_in = np.array([-0.32, -0.32])
    ax.annotate(
        "N",
        xy=tuple(middle_in + 0.17 * ahead),
        xytext=tuple(middle_in - 0.17 * ahead),
        xycoords=inches,
        textcoords=inches,
        fontsize=8,
        color=_INK,
        ha="center",
        va="center",
        annotation_clip=False,
        arrowprops={"arrowstyle": "-|>", "color": _INK, "lw": 1.0},
        bbox={"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": "none"},
        zorder=9,
    )


def _height_in(site: Site, level: LevelCoverage) -> float:
    left, bottom, right, top = drawn_bounds(site.plan, level.level.id)
    wide_m, tall_m = right - left + 2 * MARGIN_M, top - bottom + 2 * MARGIN_M
    return max(_LEAST_HEIGHT_IN, _WIDTH_IN * tall_m / wide_m + _CAPTION_IN)
