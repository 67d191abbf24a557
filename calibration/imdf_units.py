"""Spaces from the units of an IMDF archive."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import shapely
from shapely import Polygon

from .connectors import LIFT_CATEGORIES, STAIR_CATEGORIES
from .floor_plan import Space
from .imdf_features import own_id
from .plan_placement import in_site_metres
from .plan_rules import OVERLAP_M2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .geodesy import SiteFrame
    from .imdf_features import ImdfSource


def spaces_of(source: ImdfSource, frame: SiteFrame, ids: Mapping[str, str]) -> list[Space]:
    """All units as spaces, site metres; none lies over another.

    A unit of several parts becomes several spaces. Units without a name are called by who is in
    them, or by their id.

    Args:
        source: the archive; receives notes.
        frame: where the site's metres lie on earth.
        ids: the level's id by that of the archive.

    Raises:
        PlanSourceError: naming the unit and what is wrong with it.
    """
    occupants = _occupants(source)
    joins = _traversals(source)
    own = {unit.id: own_id(unit) for unit in source.of("unit")}
    spaces: list[Space] = []
    for unit in source.of("unit"):
        name = unit.label("name", source.language) or unit.label("alt_name", source.language)
        name = name or occupants.get(unit.id, "") or own[unit.id]
        listed = unit.properties.get("connects", unit.own.get("connects")) or []
        connects = [str(other) for other in listed]
        if not source.ours:
            connects += [own[i] for i in joins.get(unit.id, ())]
        parts = unit.polygons()
        for number, part in enumerate(sorted(parts, key=lambda p: -p.area), start=1):
            placed = in_site_metres(part, frame)
            if not isinstance(placed, Polygon):
                continue
            space_id = own[unit.id] if number == 1 else f"{own[unit.id]}-{number}"
            spaces.append(
                Space(
                    space_id,
                    name if number == 1 else f"{name} ({number})",
                    str(unit.own.get("category") or unit.text("category")),
                    ids[unit.text("level_id")],
                    placed,
                    tuple(dict.fromkeys(connects)) if number == 1 else (),
                )
            )
    return _without_overlaps(spaces, source.notes)


def _occupants(source: ImdfSource) -> dict[str, str]:
    """Names of who is in a unit, by the unit's id: schools often name their rooms so."""
    units = {a.id: a.properties.get("unit_id") for a in source.of("anchor")}
    return {
        str(units[anchor]): occupant.label("name", source.language)
        for occupant in source.of("occupant")
        if (anchor := str(occupant.properties.get("anchor_id"))) in units
    }


def _traversals(source: ImdfSource) -> dict[str, list[str]]:
    """Units of stairs and lifts that a relationship leads to, by the unit's id."""
    units = {unit.id: unit for unit in source.of("unit")}
    found: dict[str, list[str]] = {}
    for relation in source.of("relationship"):
        ends = [relation.properties.get(key) for key in ("origin", "destination")]
        named = [str(end.get("id")) for end in ends if isinstance(end, dict)]
        if len(named) != 2 or not set(named) <= units.keys():  # noqa: PLR2004 - both ends
            continue
        one, other = (units[i] for i in named)
        vertical = {one.properties.get("category"), other.properties.get("category")} <= (
            STAIR_CATEGORIES | LIFT_CATEGORIES
        )
        if vertical and one.properties.get("level_id") != other.properties.get("level_id"):
            found.setdefault(one.id, []).append(other.id)
    return found


def _without_overlaps(spaces: list[Space], notes: list[str]) -> list[Space]:
    """Units of a level cut so that none lies over another: the smaller keeps the floor."""
    polygons = [space.polygon for space in spaces]
    tree = shapely.STRtree(polygons)
    cut: set[str] = set()
    pairs = tree.query(polygons, predicate="intersects").T.tolist()
    for i, j in pairs:
        if i >= j or spaces[i].level != spaces[j].level:
            continue
        if shapely.intersection(polygons[i], polygons[j]).area <= OVERLAP_M2:
            continue
        large, small = (i, j) if polygons[i].area >= polygons[j].area else (j, i)
        rest = shapely.get_parts(shapely.difference(polygons[large], polygons[small]))
        parts = [part for part in rest if isinstance(part, Polygon) and part.area > OVERLAP_M2]
        if not parts:
            continue
        polygons[large] = max(parts, key=lambda part: part.area)
        cut.add(spaces[large].id)
    if cut:
        notes.append(
            f"{len(cut)} units lay over others and were cut back: {', '.join(sorted(cut))}"
        )
    return [replace(s, polygon=p) for s, p in zip(spaces, polygons, strict=True)]
