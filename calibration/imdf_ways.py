"""Openings and entrances from the openings of an IMDF archive."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import shapely
from shapely import LineString

from .connectors import STAIR_CATEGORIES
from .floor_plan import Entrance, Opening
from .imdf_doors import DoorPlacer
from .imdf_features import own_id
from .plan_faces import shared_lines
from .plan_placement import in_site_metres

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .floor_plan import Level, Space
    from .geodesy import SiteFrame
    from .imdf_doors import PlacedDoor
    from .imdf_features import ImdfFeature, ImdfSource

PRINCIPAL: Final = "pedestrian.principal"
"""IMDF opening category of the main doors of a building."""

_EXIT: Final = "emergencyexit"
_CIRCULATION: Final = frozenset({"lobby", "walkway"}) | STAIR_CATEGORIES
"""Categories of units that go over into each other where no door is drawn between them."""

_LEAST_WAY_M: Final = 0.6


@dataclass(frozen=True, slots=True)
class LevelWays:
    """The ways of one level, and its spaces as opened for them."""

    spaces: tuple[Space, ...]
    openings: tuple[Opening, ...]
    entrances: tuple[Entrance, ...]


def ways_of(
    source: ImdfSource,
    frame: SiteFrame,
    ids: Mapping[str, str],
    level: Level,
    spaces: Sequence[Space],
) -> LevelWays:
    """Every opening of a level on the edge of what it joins.

    An opening to the outside is an entrance: usable on the ground floor, and elsewhere where the
    archive calls it a main door.

    Args:
        source: the archive; receives notes.
        frame: where the site's metres lie on earth.
        ids: the level's id by that of the archive.
        level: the level.
        spaces: its spaces.

    Raises:
        PlanSourceError: naming the opening and what is wrong with it.
    """
    placer = DoorPlacer(spaces)
    openings: list[Opening] = []
    entrances: list[Entrance] = []
    lost: list[str] = []
    moved = aloft = exits = 0
    for feature in (*source.of("opening"), *source.of("entrance")):
        if ids.get(feature.text("level_id")) != level.id:
            continue
        line = in_site_metres(feature.line(), frame)
        placed = placer.place(line) if isinstance(line, LineString) and line.length > 0 else None
        if placed is None:
            lost.append(feature.id)
            continue
        moved += placed.moved
        if len(placed.joins) > 1:
            openings.append(_opening(feature, source, level, placed))
            continue
        entrance = _entrance(feature, source, level, placed)
        aloft += not (entrance.usable or source.ours or level.ordinal == 0)
        exits += _is_exit(feature) and not source.ours
        entrances.append(entrance)
    if moved:
        source.notes.append(
            f"{level.id}: {moved} openings lay beside the edges of units; they were "
            "moved onto them, and the wall between was opened"
        )
    if lost:
        source.notes.append(
            f"{level.id}: {len(lost)} openings join nothing and are not used: " + ", ".join(lost)
        )
    if exits:
        source.notes.append(
            f"{level.id}: {exits} emergency exits are taken to be locked from outside"
        )
    if aloft:
        source.notes.append(
            f"{level.id}: {aloft} doors to the outside are not on the ground floor; "
            'they are kept with "usable": false'
        )
    polygons = placer.polygons()
    opened = [replace(space, polygon=polygons[space.id]) for space in spaces]
    if not source.ours:
        openings += _undrawn(level, opened, openings, source.notes)
    return LevelWays(tuple(opened), tuple(openings), tuple(entrances))


def _opening(feature: ImdfFeature, source: ImdfSource, level: Level, placed: PlacedDoor) -> Opening:
    door = feature.properties.get("door")
    leafless = isinstance(door, dict) and door.get("type") == "open"
    leafless |= feature.properties.get("category") == "open"
    name = feature.label("name", source.language)
    shut = "outofservice" in feature.access()
    return Opening(
        own_id(feature),
        name,
        level.id,
        placed.line,
        "open" if leafless else "pedestrian",
        feature.locked or shut,
    )


def _entrance(
    feature: ImdfFeature, source: ImdfSource, level: Level, placed: PlacedDoor
) -> Entrance:
    number = feature.own.get("door_number")
    number = number if isinstance(number, str) else feature.door_number(source.language)
    name = feature.label("name", source.language)
    principal = feature.properties.get("category") == PRINCIPAL
    usable = level.ordinal == 0 or principal or feature.kind == "entrance" or source.ours
    usable &= "outofservice" not in feature.access()
    usable &= feature.properties.get("usable") is not False
    return Entrance(
        id=own_id(feature),
        door_number=number,
        name="" if name == number else name,
        level=level.id,
        line=placed.line,
        usable=usable,
        locked=feature.locked or (_is_exit(feature) and not source.ours),
    )


def _is_exit(feature: ImdfFeature) -> bool:
    return feature.properties.get("category") == _EXIT


def _undrawn(
    level: Level, spaces: Sequence[Space], openings: Sequence[Opening], notes: list[str]
) -> list[Opening]:
    """Where corridors and stairs go over into each other and no door is drawn between them."""
    open_units = [space for space in spaces if space.category in _CIRCULATION]
    if not open_units:
        return []
    tree = shapely.STRtree([space.polygon for space in open_units])
    doors = shapely.union_all([opening.line for opening in openings])
    found: list[Opening] = []
    pairs = tree.query([space.polygon for space in open_units], predicate="intersects").T.tolist()
    for i, j in pairs:
        if i >= j:
            continue
        for line in shared_lines(open_units[i].polygon, open_units[j].polygon, _LEAST_WAY_M):
            if not shapely.dwithin(doors, line, _LEAST_WAY_M):
                way_id = f"{level.id}-way-{len(found) + 1}"
                found.append(Opening(way_id, "", level.id, line, "open"))
    if found:
        notes.append(
            f"{level.id}: {len(found)} places where corridors or stairs meet and no door is "
            "drawn are taken to be open"
        )
    return found
