"""Charts as SVG elements inside a page, the same on every machine."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK: Final = "#1d2733"
QUIET: Final = "#8a94a0"
PUBLISHED: Final = "#d1462f"

SVG_STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "path",
    "svg.hashsalt": "lastseen",
    "font.family": "DejaVu Sans",
    "text.parse_math": False,
}
"""Glyphs as outlines, so that the page looks the same without our font; names of a site are text,
never formulas; the salt makes the same run give the same file."""


def svg(figure: Figure) -> Markup:
    """The figure as an SVG element, without the XML head, which HTML does not want."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    markup = text.getvalue()
    # matplotlib has escaped every text in it
    return Markup(markup[markup.index("<svg") :])  # noqa: S704
