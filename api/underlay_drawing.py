"""Draws a picture of the plan under it."""

from __future__ import annotations

import base64
import re
import warnings
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.patches import Polygon
from matplotlib.transforms import Affine2D
from PIL import Image

from calibration.safe_svg import SvgError

from .errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from calibration.underlay import Underlay

UNDERLAY_ORDER: Final = 0.5
_LARGEST_PX: Final = 3000
_OPACITY: Final = 0.75
_INCH_PT: Final = 72.0
_CLIP: Final = re.compile(r'clip-path="(url\(#\w+\))"')


def draw_underlay(ax: Axes, underlay: Underlay) -> None:
    """Draw a PNG or JPEG where it lies; of an SVG only leave the place, see `with_drawings`.

    Raises:
        ReportError: the picture cannot be read any more.
    """
    if underlay.is_drawing:
        place = Polygon(underlay.corners_m(), facecolor="none", edgecolor="none")
        place.set(zorder=UNDERLAY_ORDER, gid=_mark(underlay))
        ax.add_patch(place)
        return
    width, height = underlay.size_px
    matrix = np.vstack([underlay.placement.matrix(), [0.0, 0.0, 1.0]])
    ax.imshow(
        _pixels(underlay),
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
        transform=Affine2D(matrix) + ax.transData,
        zorder=UNDERLAY_ORDER,
        alpha=_OPACITY,
        cmap="gray",
        vmin=0,
        vmax=255,
        interpolation="bilinear",
    )


def with_drawings(figure: Figure, markup: str, underlays: Iterable[tuple[Axes, Underlay]]) -> str:
    """The SVG of a figure with the SVG underlays put where `draw_underlay` left their places.

    The drawings are pictures within the picture: browsers run nothing in them and load nothing.

    Args:
        figure: the figure, as saved.
        markup: its SVG.
        underlays: which picture lies on which axes.

    Raises:
        ReportError: a picture cannot be read any more.
    """
    tall_pt = figure.get_figheight() * _INCH_PT
    to_points = _INCH_PT / figure.dpi
    for ax, underlay in underlays:
        if not underlay.is_drawing:
            continue
        try:
            content = base64.b64encode(underlay.content()).decode()
        except (OSError, SvgError) as error:
            raise ReportError(f"{underlay.path}: {error}") from error
        matrix = ax.transData.get_matrix() @ np.vstack([underlay.placement.matrix(), [0, 0, 1]])
        a, c, e = matrix[0] * to_points
        b, d, f = matrix[1] * to_points
        width, height = underlay.size_px
        image = (
            f'<image width="{width:g}" height="{height:g}" opacity="{_OPACITY}" '
            f'preserveAspectRatio="none" transform="matrix({a:.8g} {-b:.8g} {c:.8g} {-d:.8g} '
            f'{e:.6f} {tall_pt - f:.6f})" href="data:image/svg+xml;base64,{content}"/>'
        )
        before, place, after = markup.partition(f'<g id="{_mark(underlay)}">')
        frame = _CLIP.search(after)  # the edge of the axes
        clipped = f'<g clip-path="{frame[1]}">{image}</g>' if frame else image
        markup = before + place + (clipped if place else "") + after
    return markup


def _mark(underlay: Underlay) -> str:
    return "underlay-" + "".join(c if c.isalnum() else "-" for c in underlay.level)


def _pixels(underlay: Underlay) -> NDArray[np.uint8]:
    """The picture, no larger than a drawing shows, `(H, W)` or `(H, W, 4)` uint8."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # its size was checked
            with Image.open(underlay.path) as picture:
                picture.draft("L", (_LARGEST_PX, _LARGEST_PX))
                picture.thumbnail((_LARGEST_PX, _LARGEST_PX))
                plain = picture.convert("L" if picture.mode in {"1", "L"} else "RGBA")
                return np.asarray(plain, dtype=np.uint8)
    except OSError as error:
        raise ReportError(f"{underlay.path}: cannot be read: {error}") from error
