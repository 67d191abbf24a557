"""The plan in a report: where people were, where the answers put them, and how far off that was.

Drawn as SVG in site metres (y down, so minus y of the plan) with classes instead of colours: the
page's style sheet has those of day, night and paper, and its policy allows no style in markup.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from markupsafe import Markup

from calibration.connectors import LIFT_CATEGORIES, STAIR_CATEGORIES

from .report_plan_layers import false_marks, heat, now_marks, paths, vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry.base import BaseGeometry

    from calibration.answer import Answer
    from calibration.floor_plan import FloorPlan
    from calibration.site import Camera, Site

    from .run_record import RunRecord
    from .scoring import Score

_MARGIN_M: Final = 2.5
_LETTERS_ACROSS: Final = 75
"""Letters of the plan's width: what is written on it is as large on every plan."""
_HALLS: Final = frozenset({"walkway", "lobby", "corridor", "hallway"})
_SHAFTS: Final = STAIR_CATEGORIES | LIFT_CATEGORIES


def plan_pictures(record: RunRecord, site: Site, scored: Score) -> list[dict[str, object]]:
    """Return for each level its id, its name and its drawing with all layers.

    Args:
        record: the run.
        site: the site it played in.
        scored: its figures and series.
    """
    cameras = [camera for camera in site.cameras.values() if camera.id in record.frames]
    final = max(record.answers, key=lambda answer: answer.at_s, default=None)
    return [
        {
            "id": level.id,
            "name": level.name,
            "svg": _level(site, scored, level.id, cameras, final),
        }
        for level in site.plan.levels
    ]


def _level(
    site: Site,
    scored: Score,
    level: str,
    cameras: Sequence[Camera],
    final: Answer | None,
) -> Markup:
    plan = site.plan
    left, bottom, right, top = _bounds(plan, level)
    wide_m, high_m = right - left + 2 * _MARGIN_M, top - bottom + 2 * _MARGIN_M
    letter_m = max(wide_m / _LETTERS_ACROSS, 0.25)
    own = [camera for camera in cameras if camera.level == level]
    layers = [
        *_floor(plan, level),
        _group("views", (_area(camera.visible_floor(plan), "view") for camera in own)),
        _group("heat", heat(scored.series, level)),
        *_walls(plan, level),
        *_names(plan, level, letter_m),
        *_doors(plan, level, letter_m),
        _group("cameras", (_camera(camera, letter_m) for camera in own)),
        *paths(scored.series, level),
        _group("vectors", vectors(scored.series, level)),
        *_final(final, plan, level),
        _group("faults", false_marks(scored.figures, level, letter_m)),
        *now_marks(letter_m),
    ]
    name = escape(plan.level(level).name)
    return Markup(  # noqa: S704 - every text in it was escaped above
        f'<svg class="plan" data-level="{escape(level)}" role="img" aria-label="Plan of {name}: '
        'where the intruder was and where the answers said so" '
        f'viewBox="{left - _MARGIN_M:.2f} {-top - _MARGIN_M:.2f} {wide_m:.2f} {high_m:.2f}" '
        f'font-size="{letter_m:.2f}">{"".join(layers)}</svg>'
    )


def _bounds(plan: FloorPlan, level: str) -> tuple[float, float, float, float]:
    """Left, bottom, right, top of a level, site metres."""
    shapes = [plan.footprint(level), plan.level(level).outline]
    drawn = shapely.union_all([shape for shape in shapes if not shape.is_empty])
    if drawn.is_empty:
        return 0.0, 0.0, 1.0, 1.0
    left, bottom, right, top = drawn.bounds
    return left, bottom, right, top


def _group(name: str, parts: object) -> str:
    return f'<g class="layer-{name}">{"".join(parts)}</g>'  # type: ignore[arg-type]


def _path(shape: BaseGeometry) -> str:
    """The `d` of areas and lines, to the centimetre."""
    made = []
    for part in shapely.get_parts(shape):
        if part.is_empty or part.geom_type not in {"Polygon", "LineString", "LinearRing"}:
            continue
        closed = part.geom_type == "Polygon"
        rings = (part.exterior, *part.interiors) if closed else (part,)
        for ring in rings:
            points = shapely.get_coordinates(ring)
            points = points[:-1] if closed else points
            made.append("M" + "L".join(f"{x:.2f} {-y:.2f}" for x, y in points.tolist()))
            made.append("Z" if closed else "")
    return "".join(made)


def _area(shape: BaseGeometry, kind: str, title: str = "") -> str:
    d = _path(shape)
    told = f"<title>{escape(title)}</title>" if title else ""
    return f'<path class="{kind}" fill-rule="evenodd" d="{d}">{told}</path>' if d else ""


def _floor(plan: FloorPlan, level: str) -> list[str]:
    made = []
    for space in plan.spaces_on(level):
        kind = "hall" if space.category in _HALLS else "room"
        if space.category in _SHAFTS:
            kind = "shaft"
        if not space.walkable:
            kind = "solid"
        made.append(_area(space.polygon, kind, space.name))
    made += [_area(one.polygon, "fixture") for one in plan.fixtures if one.level == level]
    return made


def _walls(plan: FloorPlan, level: str) -> list[str]:
    made = [f'<path class="wall" d="{_path(plan.walls(level))}"/>']
    made += [
        f'<path class="opening" d="{_path(opening.line)}"/>'
        for opening in plan.openings
        if opening.level == level and opening.category != "open"
    ]
    return made


def _names(plan: FloorPlan, level: str, letter_m: float) -> list[str]:
    made = []
    for space in plan.spaces_on(level):
        left, bottom, right, top = space.polygon.bounds
        if not space.name or len(space.name) * letter_m * 0.55 > right - left:
            continue
        if top - bottom < 1.3 * letter_m:
            continue
        centre = space.polygon.centroid
        if not space.polygon.contains(centre):
            centre = space.polygon.representative_point()
        made.append(
            f'<text class="name" x="{centre.x:.2f}" y="{-centre.y:.2f}">{escape(space.name)}</text>'
        )
    return made


def _doors(plan: FloorPlan, level: str, letter_m: float) -> list[str]:
    made = []
    footprint = plan.footprint(level)
    for entrance in plan.entrances:
        if entrance.level != level:
            continue
        points = shapely.get_coordinates(entrance.line)
        along = points[-1] - points[0]
        outward = np.array([along[1], -along[0]]) / max(float(np.linalg.norm(along)), 1e-9)
        middle = np.array(entrance.middle_m)
        if footprint.covers(shapely.Point(middle + 0.2 * outward)):
            outward = -outward
        x, y = (middle + 1.3 * letter_m * outward).tolist()
        kind = "entrance" if entrance.usable else "entrance out"
        number = escape(entrance.door_number or "?")
        half = (0.45 + 0.35 * len(number)) * letter_m
        made.append(
            f'<g class="{kind}"><path d="{_path(entrance.line)}"/>'
            f'<rect x="{x - half:.2f}" y="{-y - 0.75 * letter_m:.2f}" width="{2 * half:.2f}" '
            f'height="{1.5 * letter_m:.2f}" rx="{0.3 * letter_m:.2f}"/>'
            f'<text x="{x:.2f}" y="{-y:.2f}">{number}</text></g>'
        )
    return made


def _camera(camera: Camera, letter_m: float) -> str:
    centre_m = camera.model.centre_m
    if centre_m is None:
        return ""
    x, y = float(centre_m[0]), float(centre_m[1])
    return (
        f'<g class="camera"><circle cx="{x:.2f}" cy="{-y:.2f}" r="{0.3 * letter_m:.2f}"/>'
        f'<text x="{x:.2f}" y="{-y - 0.9 * letter_m:.2f}">{escape(camera.id)}</text></g>'
    )


def _final(final: Answer | None, plan: FloorPlan, level: str) -> list[str]:
    """The last answer: where, with its 95 % radius, and the way from the door."""
    if final is None or not final.subjects or final.subjects[0].level != level:
        return []
    subject = final.subjects[0]
    made = []
    if subject.visibility == "in view":  # of who is not, it holds half the building
        inside = shapely.intersection(
            shapely.Point(subject.xy_m).buffer(subject.ce95_m), plan.footprint(level)
        )
        made.append(_area(inside, "radius", "95 % radius of the last answer"))
    if final.entrances and len(final.entrances[0].route_m) > 1:
        route = shapely.LineString(final.entrances[0].route_m)
        made.append(f'<path class="route" d="{_path(route)}"/>')
    return [_group("final", made)]
