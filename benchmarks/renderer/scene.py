"""The building as triangles, made from its plan: floors, walls with gaps, doors, furniture, lamps.

Doors that somebody walks through stand open, all others are shut. Every surface and lamp carries
the number of its light group: units joined by open edges share one, so light does not go through
walls.
"""

# ruff: noqa: PLR2004 - the numbers are sizes of building parts
from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely

from .furnish import Canvas, furnish, hang_pictures

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from shapely import LineString

    from .building import Building, Entrance, Opening, Unit
    from .style import Style

    Array = NDArray[np.float64]

TILE, WALL, CEILING, LAMP, WOOD, METAL, PLAIN, GLASS, BOARD, CARPET, GROUND = range(10, 21)

DOOR_M = 2.12
HALF_WALL_M = 0.05
LAMP_SPACING_M = 2.8
OUTDOORS = 63
CARPETED = {"office", "library", "classroom"}


@dataclass(frozen=True, slots=True)
class StaticScene:
    """`vertices` (N, 11) float32, three per triangle: position, normal, sRGB, material, group.

    `lamps` (L, 5): x, y, z, group, power. `groups`: unit id to light group.
    """

    vertices: NDArray[np.float32]
    lamps: Array
    groups: dict[str, int]


def light_groups(building: Building) -> dict[str, int]:
    """Unit id to light group; units joined by an open edge share one."""
    group = {unit.id: index for index, unit in enumerate(building.units)}
    for opening in building.openings:
        if opening.category != "open":
            continue
        near = [u.id for u in building.units if u.polygon.distance(opening.line.centroid) < 1e-6]
        target = min(group[id_] for id_ in near)
        joined = {group[id_] for id_ in near}
        group = {id_: target if number in joined else number for id_, number in group.items()}
    return group


def open_doors(building: Building, tracks: Iterable[Array]) -> set[str]:
    """Ids of doors, and "entrance/bay" of entrance bays, that a track (N, 2) passes."""
    lines = [
        shapely.LineString(t[np.isfinite(t).all(axis=1)])
        for t in tracks
        if np.isfinite(t).all(axis=1).sum() > 1
    ]
    found: set[str] = set()
    for opening in building.openings:
        if any(line.crosses(opening.line) for line in lines):
            found.add(opening.id)
    for entrance in building.entrances:
        for number, bay in enumerate(bays(entrance.line)):
            if any(line.intersects(bay) for line in lines):
                found.add(f"{entrance.id}/{number}")
    return found


def bays(line: LineString) -> list[LineString]:
    """The leaves of an entrance, each about 0.95 m wide."""
    count = max(1, round(line.length / 0.95))
    ends = [line.interpolate(k / count, normalized=True) for k in range(count + 1)]
    return [shapely.LineString([a, b]) for a, b in pairwise(ends)]


def build_scene(building: Building, style: Style, opened: set[str]) -> StaticScene:
    """Triangles and lamps of a building; `opened` comes from `open_doors`."""
    rng = np.random.default_rng([style.seed, 11])
    canvas = Canvas(style.print_strength)
    groups = light_groups(building)
    lamps: list[list[float]] = []
    outline = building.outline()
    for unit in building.units:
        canvas.group = groups[unit.id]
        _floor_and_ceiling(canvas, unit, style)
        lamps += _lamps(canvas, unit, style, groups[unit.id], rng)
        for start, end, gaps in _edges(unit, building):
            outside = not outline.buffer(-0.2).covers(
                shapely.Point(_beside((start + end) / 2, start, end, -0.3))
            )
            _wall(canvas, start, end, gaps, style)
            windows = outside and unit.category in CARPETED | {"cafeteria", "laboratory"}
            hang_pictures(canvas, start, end, [(a, b) for a, b, _ in gaps], building, windows, rng)
    for opening in building.openings:
        _opening(canvas, opening, building, style, opened, groups)
    for entrance in building.entrances:
        _entrance(canvas, entrance, building, opened, groups)
    for fixture in building.fixtures:
        unit_at = building.unit_at(np.array(fixture.polygon.centroid.coords[0]))
        canvas.group = groups[unit_at.id] if unit_at else OUTDOORS
        furnish(canvas, fixture, style, rng)
    canvas.group = OUTDOORS
    canvas.quad((-60, -60, -0.03), (160, 0, 0), (0, 160, 0), (0.62, 0.62, 0.60), GROUND)
    return StaticScene(canvas.array(), np.array(lamps), groups)


def _beside(point: Array, start: Array, end: Array, distance: float) -> Array:
    """A point moved to the left of the direction start -> end (inwards for a unit's edge)."""
    along = (end - start) / np.linalg.norm(end - start)
    return np.asarray(point + np.array([-along[1], along[0]]) * distance, dtype=float)


def _edges(
    unit: Unit, building: Building
) -> list[tuple[Array, Array, list[tuple[float, float, str]]]]:
    """Edges of a unit, counter-clockwise, with gaps (from, to in metres along it, kind)."""
    ring = np.array(shapely.geometry.polygon.orient(unit.polygon).exterior.coords)
    out: list[tuple[Array, Array, list[tuple[float, float, str]]]] = []
    for start, end in pairwise(ring):
        edge = shapely.LineString([start, end])
        gaps: list[tuple[float, float, str]] = []
        passages: list[Opening | Entrance] = [*building.openings, *building.entrances]
        for passage in passages:
            if edge.buffer(1e-4).covers(passage.line):
                ends = sorted(edge.project(shapely.Point(p)) for p in passage.line.coords)
                kind = getattr(passage, "category", "entrance")
                gaps.append((ends[0], ends[1], kind))
        out.append((start, end, sorted(gaps)))
    return out


def _floor_and_ceiling(canvas: Canvas, unit: Unit, style: Style) -> None:
    x0, y0, x1, y1 = unit.polygon.bounds
    if unit.category in CARPETED:
        colour, material = style.carpet, CARPET
    elif unit.category == "gymnasium":
        colour, material = (0.62, 0.46, 0.28), WOOD
    else:
        colour, material = style.tiles, TILE
    canvas.quad((x0, y0, 0), (x1 - x0, 0, 0), (0, y1 - y0, 0), colour, material)
    canvas.quad(
        (x0, y0, style.ceiling_m), (0, y1 - y0, 0), (x1 - x0, 0, 0), (0.82, 0.82, 0.80), CEILING
    )


def _lamps(
    canvas: Canvas, unit: Unit, style: Style, group: int, rng: np.random.Generator
) -> list[list[float]]:
    x0, y0, x1, y1 = unit.polygon.bounds
    columns = max(1, round((x1 - x0) / LAMP_SPACING_M))
    rows = max(1, round((y1 - y0) / LAMP_SPACING_M))
    z = style.ceiling_m - 0.012
    out: list[list[float]] = []
    for i in range(columns):
        for j in range(rows):
            x = x0 + (i + 0.5) * (x1 - x0) / columns
            y = y0 + (j + 0.5) * (y1 - y0) / rows
            on = rng.random() >= style.dead_lamps
            colour = (1.0, 1.0, 1.0) if on else (0.5, 0.5, 0.5)
            canvas.quad(
                (x - 0.6, y - 0.3, z), (0, 0.6, 0), (1.2, 0, 0), colour, LAMP if on else PLAIN
            )
            if on:
                out.append(
                    [x, y, z - 0.02, group, style.lamp_power * float(rng.uniform(0.85, 1.1))]
                )
    return out


def _wall(
    canvas: Canvas, start: Array, end: Array, gaps: list[tuple[float, float, str]], style: Style
) -> None:
    """One edge of a unit, seen from inside: wall between gaps, jambs and lintels at gaps."""
    along = (end - start) / np.linalg.norm(end - start)
    inwards = np.array([-along[1], along[0]])
    base = start + inwards * HALF_WALL_M
    top, length = style.ceiling_m, float(np.linalg.norm(end - start))

    def strip(a: float, b: float, z0: float, z1: float) -> None:
        if b - a > 1e-4 and z1 - z0 > 1e-4:
            p, q = base + along * b, along * (a - b)
            canvas.quad((*p, z0), (*q, 0), (0, 0, z1 - z0), style.wall, WALL)

    position = 0.0
    for a, b, kind in gaps:
        strip(position, a, 0, top)
        head = top - 0.25 if kind == "open" else DOOR_M
        strip(a, b, head, top)
        depth = -inwards * HALF_WALL_M
        for s, flip in ((a, 1.0), (b, -1.0)):
            p = base + along * s
            if flip > 0:
                canvas.quad((*p, 0), (*depth, 0), (0, 0, head), style.wall, WALL)
            else:
                canvas.quad((*(p + depth), 0), (*-depth, 0), (0, 0, head), style.wall, WALL)
        under = base + along * a
        canvas.quad((*under, head), (*depth, 0), (*(along * (b - a)), 0), style.wall, PLAIN)
        position = b
    strip(position, length, 0, top)


def _frame_of(line: LineString) -> tuple[Array, Array, float]:
    a, b = np.array(line.coords[0]), np.array(line.coords[-1])
    width = float(np.linalg.norm(b - a))
    return a, (b - a) / width, width


def _opening(
    canvas: Canvas,
    opening: Opening,
    building: Building,
    style: Style,
    opened: set[str],
    groups: dict[str, int],
) -> None:
    if opening.category == "open":
        return
    start, along, width = _frame_of(opening.line)
    near = [u for u in building.units if u.polygon.distance(opening.line.centroid) < 1e-6]
    room = max(near, key=lambda u: (u.category not in {"walkway", "lobby"}, u.id))
    hall = min(near, key=lambda u: (u.category not in {"walkway", "lobby"}, u.id))
    centre = np.array(room.polygon.centroid.coords[0])
    side = np.array([-along[1], along[0]])
    if float(side @ (centre - start)) < 0:
        side = -side
    canvas.group = groups[hall.id]
    steel = (0.33, 0.34, 0.36)
    for s in (0.0, width):
        canvas.beam(
            start + along * s,
            along,
            side,
            (-0.04, 0.04),
            (-0.08, 0.08),
            (0, DOOR_M + 0.04),
            steel,
            PLAIN,
        )
    canvas.beam(
        start, along, side, (0, width), (-0.08, 0.08), (DOOR_M - 0.03, DOOR_M + 0.04), steel, PLAIN
    )
    leaves = 1 if width < 1.35 else 2
    leaf = width / leaves - 0.04
    for number in range(leaves):
        hinge = start + along * (0.03 if number == 0 else width - 0.03)
        direction = along if number == 0 else -along
        face = side
        if opening.id in opened:
            direction, face = side, -direction
        _leaf(canvas, hinge, direction, face, leaf, style)


def _leaf(
    canvas: Canvas, hinge: Array, direction: Array, face: Array, width: float, style: Style
) -> None:
    canvas.beam(
        hinge,
        direction,
        face,
        (0, width),
        (-0.022, 0.022),
        (0.01, DOOR_M - 0.03),
        style.doors,
        WOOD,
    )
    canvas.beam(
        hinge,
        direction,
        face,
        (width * 0.62, width * 0.84),
        (-0.026, 0.026),
        (1.15, 1.85),
        (0.25, 0.31, 0.36),
        PLAIN,
    )
    canvas.beam(
        hinge,
        direction,
        face,
        (width * 0.86, width * 0.94),
        (-0.07, 0.07),
        (1.0, 1.04),
        (0.65, 0.65, 0.65),
        METAL,
    )


def _entrance(
    canvas: Canvas,
    entrance: Entrance,
    building: Building,
    opened: set[str],
    groups: dict[str, int],
) -> None:
    start, along, width = _frame_of(entrance.line)
    unit = next(u for u in building.units if u.polygon.distance(entrance.line.centroid) < 1e-6)
    inwards = np.array(unit.polygon.centroid.coords[0]) - start
    side = np.array([-along[1], along[0]])
    side = side if float(side @ inwards) > 0 else -side
    canvas.group = groups[unit.id]
    dark = (0.20, 0.21, 0.23)
    leaves = bays(entrance.line)
    step = width / len(leaves)
    for number in range(len(leaves) + 1):
        canvas.beam(
            start + along * step * number,
            along,
            side,
            (-0.035, 0.035),
            (-0.06, 0.06),
            (0, DOOR_M),
            dark,
            PLAIN,
        )
    canvas.beam(
        start, along, side, (0, width), (-0.06, 0.06), (DOOR_M - 0.08, DOOR_M + 0.02), dark, PLAIN
    )
    mat = start + along * 0.1 + side * 0.15
    canvas.quad(
        (*mat, 0.008), (*(along * (width - 0.2)), 0), (*(side * 1.5), 0), (0.13, 0.14, 0.15), CARPET
    )
    canvas.beam(
        start + along * (width / 2 - 0.22),
        along,
        side,
        (0, 0.44),
        (0.02, 0.09),
        (2.32, 2.52),
        (0.10, 0.42, 0.20),
        PLAIN,
    )
    for number in range(len(leaves)):
        hinge = start + along * (step * number + 0.035)
        direction, face = along, side
        if f"{entrance.id}/{number}" in opened:
            direction, face = -side, along
        canvas.beam(
            hinge, direction, face, (0, step - 0.07), (-0.02, 0.02), (0.02, 0.28), dark, PLAIN
        )
        canvas.beam(
            hinge,
            direction,
            face,
            (0, step - 0.07),
            (-0.03, 0.03),
            (0.98, 1.05),
            (0.55, 0.55, 0.55),
            METAL,
        )
        canvas.beam(
            hinge,
            direction,
            face,
            (0, step - 0.07),
            (-0.006, 0.006),
            (0.28, DOOR_M - 0.08),
            (0.75, 0.83, 0.90),
            GLASS,
        )
