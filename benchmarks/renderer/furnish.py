"""Furniture, pictures and clutter, placed from the plan's fixtures and walls."""

# ruff: noqa: PLR2004 - the numbers are the furniture
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .building import Building, Fixture
    from .cast import Rgb
    from .style import Style

    Array = NDArray[np.float64]
    Point = Sequence[float] | NDArray[np.float64]

WOOD, METAL, PLAIN, GLASS, BOARD = 14, 15, 16, 17, 18
"""Materials of `scene` that furniture is made of."""


class Canvas:
    """Collects coloured quads; `group` is the light group of whatever is added next.

    `print_strength` is how colourful books and posters are, 0 grey to 1.
    """

    def __init__(self, print_strength: float) -> None:
        self.group, self.print_strength = 0, print_strength
        self._rows: list[Array] = []

    def quad(
        self,
        origin: Point,
        u: Point,
        v: Point,
        rgb: Point,
        material: int,
    ) -> None:
        """A parallelogram; its normal is u x v."""
        o, a, b = (np.array(p, dtype=float) for p in (origin, u, v))
        normal = np.cross(a, b)
        normal /= np.linalg.norm(normal)
        tail = np.concatenate([normal, rgb, [material, self.group]])
        for point in (o, o + a, o + a + b, o, o + a + b, o + b):
            self._rows.append(np.concatenate([point, tail]))

    def beam(
        self,
        at: Array,
        along: Array,
        side: Array,
        span: tuple[float, float],
        depth: tuple[float, float],
        z: tuple[float, float],
        rgb: Point,
        material: int,
    ) -> None:
        """A box given by two horizontal directions at a point, and heights."""
        corner = np.array([*(at + along * span[0] + side * depth[0]), z[0]])
        u = np.array([*(along * (span[1] - span[0])), 0.0])
        v = np.array([*(side * (depth[1] - depth[0])), 0.0])
        w = np.array([0.0, 0.0, z[1] - z[0]])
        if float(np.cross(u, v)[2]) < 0:
            u, v = v, u
        self.quad(corner + w, u, v, rgb, material)
        self.quad(corner, v, u, rgb, material)
        self.quad(corner, u, w, rgb, material)
        self.quad(corner + v, w, u, rgb, material)
        self.quad(corner, w, v, rgb, material)
        self.quad(corner + u, v, w, rgb, material)

    def box(
        self,
        low: tuple[float, float, float],
        high: tuple[float, float, float],
        rgb: Point,
        material: int,
    ) -> None:
        """An axis-parallel box."""
        x, y = np.array([1.0, 0.0]), np.array([0.0, 1.0])
        self.beam(
            np.zeros(2),
            x,
            y,
            (low[0], high[0]),
            (low[1], high[1]),
            (low[2], high[2]),
            rgb,
            material,
        )

    def array(self) -> NDArray[np.float32]:
        """All triangles so far, (N, 11)."""
        return np.array(self._rows, dtype=np.float32)


def _random_rgb(
    canvas: Canvas, rng: np.random.Generator, low: float = 0.1, high: float = 0.8
) -> Rgb:
    """A random colour of print and cloth, as strong as the canvas says."""
    colour = rng.uniform(low, high, 3)
    red, green, blue = colour.mean() + (colour - colour.mean()) * canvas.print_strength
    return float(red), float(green), float(blue)


def furnish(canvas: Canvas, fixture: Fixture, style: Style, rng: np.random.Generator) -> None:
    """Model one fixture within its footprint and height."""
    x0, y0, x1, y1 = fixture.polygon.bounds
    h = fixture.height_m
    match fixture.category:
        case "lockers":
            _lockers(canvas, (x0, y0, x1, y1), h, style)
        case "desk":
            canvas.box(
                (x0 + 0.05, y0 + 0.05, 0), (x1 - 0.05, y1 - 0.05, h - 0.05), style.doors, WOOD
            )
            canvas.box((x0, y0, h - 0.05), (x1, y1, h), (0.72, 0.70, 0.66), PLAIN)
            cx, cy = (x0 + x1) / 2 + 0.2, (y0 + y1) / 2
            canvas.box((cx, cy, h), (cx + 0.45, cy + 0.04, h + 0.34), (0.05, 0.05, 0.06), PLAIN)
            canvas.box(
                (cx - 0.6, cy - 0.1, h), (cx - 0.3, cy + 0.12, h + 0.05), (0.85, 0.84, 0.8), PLAIN
            )
        case "bench" | "table":
            top = (0.60, 0.45, 0.28) if fixture.category == "bench" else (0.70, 0.66, 0.58)
            canvas.box((x0, y0, h - 0.05), (x1, y1, h), top, WOOD)
            for x in (x0 + 0.05, x1 - 0.1):
                for y in (y0 + 0.05, y1 - 0.1):
                    canvas.box((x, y, 0), (x + 0.05, y + 0.05, h - 0.05), (0.25, 0.25, 0.27), METAL)
            if fixture.category == "table":
                for _ in range(3):
                    px, py = rng.uniform(x0 + 0.1, x1 - 0.35), rng.uniform(y0 + 0.1, y1 - 0.3)
                    size = rng.uniform(0.02, 0.12)
                    canvas.box(
                        (px, py, h),
                        (px + 0.22, py + 0.16, h + size),
                        _random_rgb(canvas, rng),
                        PLAIN,
                    )
        case "shelf":
            _shelf(canvas, (x0, y0, x1, y1), h, rng)
        case "cabinet":
            _cabinet(canvas, (x0, y0, x1, y1), h, style, rng)
        case _:
            canvas.box((x0, y0, 0), (x1, y1, h), (0.20, 0.24, 0.22), PLAIN)
            canvas.box(
                (x0 + 0.04, y0 + 0.04, h),
                (x1 - 0.04, y1 - 0.04, h + 0.01),
                (0.05, 0.05, 0.05),
                PLAIN,
            )


def _cabinet(
    canvas: Canvas,
    box: tuple[float, float, float, float],
    h: float,
    style: Style,
    rng: np.random.Generator,
) -> None:
    """A trophy case: wood below, dark glass above, gilt cups."""
    x0, y0, x1, y1 = box
    canvas.box((x0, y0, 0), (x1, y1, 0.8), style.doors, WOOD)
    canvas.box((x0 + 0.02, y0 + 0.02, 0.8), (x1 - 0.02, y1 - 0.02, h), (0.30, 0.36, 0.40), PLAIN)
    canvas.box((x0, y0, h - 0.06), (x1, y1, h), style.doors, WOOD)
    for x in np.arange(x0 + 0.2, x1 - 0.2, 0.35):
        canvas.box(
            (float(x), y0 - 0.01, 0.95),
            (float(x) + 0.12, y0 + 0.02, 1.2 + float(rng.uniform(0, 0.3))),
            (0.75, 0.62, 0.2),
            METAL,
        )


def _lockers(
    canvas: Canvas,
    box: tuple[float, float, float, float],
    height: float,
    style: Style,
) -> None:
    """A row of narrow doors along the longer side of the footprint."""
    x0, y0, x1, y1 = box
    canvas.box((x0, y0, 0), (x1, y1, 0.08), (0.1, 0.1, 0.1), PLAIN)
    horizontal = x1 - x0 > y1 - y0
    long = max(x1 - x0, y1 - y0)
    count = max(1, round(long / 0.33))
    step = long / count
    for k in range(count):
        a = k * step
        shade = 0.94 + 0.12 * ((k * 7919) % 5) / 5
        rgb = [min(1.0, c * shade) for c in style.lockers]
        if horizontal:
            low, high = (x0 + a + 0.008, y0, 0.08), (x0 + a + step - 0.008, y1, height)
        else:
            low, high = (x0, y0 + a + 0.008, 0.08), (x1, y0 + a + step - 0.008, height)
        canvas.box(low, high, rgb, METAL)
    canvas.box(
        (x0 + 0.02, y0 + 0.02, 0.08),
        (x1 - 0.02, y1 - 0.02, height - 0.01),
        (0.08, 0.08, 0.09),
        PLAIN,
    )


def _shelf(
    canvas: Canvas, box: tuple[float, float, float, float], height: float, rng: np.random.Generator
) -> None:
    """Boards with rows of books that show on both long sides."""
    x0, y0, x1, y1 = box
    wood = (0.46, 0.34, 0.22)
    horizontal = x1 - x0 > y1 - y0
    long = max(x1 - x0, y1 - y0)
    boards = int(height / 0.36)
    for k in range(boards + 1):
        z = min(0.08 + k * 0.36, height - 0.03)
        canvas.box((x0, y0, z), (x1, y1, z + 0.025), wood, WOOD)
    for s in np.arange(0, long + 0.01, max(1.0, long / max(1, round(long)))):
        a = min(float(s), long - 0.03)
        low = (x0 + a, y0, 0.0) if horizontal else (x0, y0 + a, 0.0)
        high = (x0 + a + 0.03, y1, height) if horizontal else (x1, y0 + a + 0.03, height)
        canvas.box(low, high, wood, WOOD)
    for k in range(boards):
        z, a = 0.105 + k * 0.36, 0.05
        while a < long - 0.15:
            width = float(rng.uniform(0.06, 0.22))
            tall = float(rng.uniform(0.18, 0.30))
            if rng.random() < 0.88:
                low = (x0 + a, y0 + 0.03, z) if horizontal else (x0 + 0.03, y0 + a, z)
                high = (
                    (x0 + a + width, y1 - 0.03, z + tall)
                    if horizontal
                    else (x1 - 0.03, y0 + a + width, z + tall)
                )
                canvas.box(low, high, _random_rgb(canvas, rng, 0.08, 0.6), PLAIN)
            a += width + 0.004


def hang_pictures(
    canvas: Canvas,
    start: Array,
    end: Array,
    gaps: list[tuple[float, float]],
    building: Building,
    windows: bool,
    rng: np.random.Generator,
) -> None:
    """Posters, notice boards, clocks and windows along one wall, clear of doors and lockers."""
    length = float(np.linalg.norm(end - start))
    along = (end - start) / length
    inwards = np.array([-along[1], along[0]])
    surface = start + inwards * 0.051
    tall = [f.polygon for f in building.fixtures if f.height_m > 1.0]
    position = 0.8
    while position < length - 1.2:
        width = 1.3 if windows else float(rng.choice([0.45, 0.6, 0.6, 1.2, 1.6, 0.3]))
        here = shapely.LineString(
            [surface + along * position, surface + along * (position + width)]
        )
        clear = all(b < position - 0.15 or a > position + width + 0.15 for a, b in gaps)
        clear &= all(polygon.distance(here) > 0.25 for polygon in tall)
        if clear and (windows or rng.random() < 0.62):
            _picture(canvas, surface + along * position, along, inwards, width, windows, rng)
        position += width + (0.5 if windows else float(rng.uniform(0.4, 1.8)))


def _picture(
    canvas: Canvas,
    at: Array,
    along: Array,
    inwards: Array,
    width: float,
    windows: bool,
    rng: np.random.Generator,
) -> None:
    if windows:
        canvas.beam(
            at,
            along,
            inwards,
            (-0.05, width + 0.05),
            (0, 0.05),
            (0.90, 2.35),
            (0.8, 0.8, 0.8),
            PLAIN,
        )
        canvas.beam(
            at,
            along,
            inwards,
            (0, width / 2 - 0.02),
            (0, 0.06),
            (0.96, 2.29),
            (0.75, 0.83, 0.90),
            GLASS,
        )
        canvas.beam(
            at,
            along,
            inwards,
            (width / 2 + 0.02, width),
            (0, 0.06),
            (0.96, 2.29),
            (0.75, 0.83, 0.90),
            GLASS,
        )
    elif width > 1.0:
        frame = (0.45, 0.33, 0.22)
        canvas.beam(at, along, inwards, (-0.04, width + 0.04), (0, 0.02), (1.06, 2.04), frame, WOOD)
        canvas.beam(
            at,
            along,
            inwards,
            (0, width),
            (0, 0.025),
            (1.1, 2.0),
            _random_rgb(canvas, rng, 0.2, 0.6),
            BOARD,
        )
    elif width < 0.4:
        if rng.random() < 0.5:
            canvas.beam(
                at, along, inwards, (0.08, 0.22), (0, 0.14), (0.7, 1.25), (0.65, 0.08, 0.07), METAL
            )
        else:
            canvas.beam(
                at, along, inwards, (0, 0.3), (0, 0.04), (2.2, 2.5), (0.88, 0.88, 0.86), PLAIN
            )
            canvas.beam(
                at,
                along,
                inwards,
                (0.14, 0.16),
                (0, 0.045),
                (2.33, 2.46),
                (0.05, 0.05, 0.05),
                PLAIN,
            )
    else:
        low = 1.25 + float(rng.uniform(-0.15, 0.2))
        tall = width * float(rng.uniform(1.1, 1.5))
        canvas.beam(
            at,
            along,
            inwards,
            (0, width),
            (0, 0.006),
            (low, low + tall),
            _random_rgb(canvas, rng, 0.2, 0.9),
            PLAIN,
        )
        for _ in range(3):
            a, b = sorted(rng.uniform(0.04, width - 0.04, 2))
            c, d = sorted(rng.uniform(low + 0.04, low + tall - 0.04, 2))
            canvas.beam(
                at,
                along,
                inwards,
                (float(a), float(b)),
                (0, 0.008),
                (float(c), float(d)),
                _random_rgb(canvas, rng, 0.1, 0.95),
                PLAIN,
            )
