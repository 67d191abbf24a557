"""What a floor plan must keep to make sense, beyond the form of each feature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import shapely

from .connectors import LIFT_CATEGORIES, STAIR_CATEGORIES, plan_connectors
from .errors import Problem
from .floor_plan import ON_WALL_M

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shapely import LineString
    from shapely.geometry.base import BaseGeometry

    from .floor_plan import Entrance, FloorPlan, Opening, Space

OVERLAP_M2: Final = 0.01
"""Two units may overlap by no more: about a hand's breadth along a door."""

_COVERED: Final = 0.98
"""Share of a door that must lie on its wall."""

VERTICAL_CATEGORIES: Final = STAIR_CATEGORIES | LIFT_CATEGORIES
"""Unit categories that lead to other levels."""


def check_plan(plan: FloorPlan, file: str) -> list[Problem]:
    """Everything that is wrong between the features of a plan whose geometries are sound."""
    problems: list[Problem] = []
    for level in plan.levels:
        spaces = plan.spaces_on(level.id)
        if not spaces:
            problems.append(
                Problem(file, "features", f"level {level.id!r} has no unit", severity="warning")
            )
            continue
        problems.extend(_overlaps(spaces, file))
        index = shapely.STRtree([space.polygon for space in spaces])
        outside = plan.footprint(level.id).boundary
        for opening in plan.openings:
            if opening.level == level.id:
                problems.extend(_check_opening(opening, spaces, index, file))
        for entrance in plan.entrances:
            if entrance.level == level.id:
                problems.extend(_check_entrance(entrance, outside, file))
    problems.extend(_check_numbers(plan, file))
    problems.extend(_check_connects(plan, file))
    return problems


def spaces_beside(line: LineString, spaces: Sequence[Space], index: shapely.STRtree) -> list[Space]:
    """The spaces on whose boundary nearly all of a door's line lies, in their order.

    Args:
        line: the door, site metres.
        spaces: spaces of its level.
        index: a tree of their polygons, in the same order.
    """
    near = sorted(index.query(line, predicate="dwithin", distance=ON_WALL_M).tolist())
    return [spaces[i] for i in near if _on(line, spaces[i].polygon.boundary)]


def _overlaps(spaces: tuple[Space, ...], file: str) -> Iterator[Problem]:
    polygons = [space.polygon for space in spaces]
    tree = shapely.STRtree(polygons)
    for i, j in tree.query(polygons, predicate="intersects").T.tolist():
        if i >= j:
            continue
        shared_m2 = shapely.intersection(polygons[i], polygons[j]).area
        if shared_m2 > OVERLAP_M2:
            yield Problem(
                file,
                f"feature {spaces[i].id!r}.geometry",
                f"overlaps {spaces[j].id!r} by {shared_m2:.2f} m2; units may only share edges",
            )


def _check_opening(
    opening: Opening, spaces: tuple[Space, ...], index: shapely.STRtree, file: str
) -> Iterator[Problem]:
    beside = spaces_beside(opening.line, spaces, index)
    if len(beside) == 2:  # noqa: PLR2004 - a door has two sides
        return
    field = f"feature {opening.id!r}.geometry"
    if len(beside) == 1:
        yield Problem(
            file,
            field,
            f"lies on the boundary of {beside[0].id!r} alone; an opening joins two units, a door "
            "to the outside is an entrance",
        )
    elif not beside:
        yield Problem(
            file, field, "lies on no boundary shared by two units; draw it along their shared edge"
        )
    else:
        names = ", ".join(repr(space.id) for space in beside)
        yield Problem(file, field, f"lies on the boundaries of more than two units: {names}")


def _check_entrance(entrance: Entrance, outside: BaseGeometry, file: str) -> Iterator[Problem]:
    if not _on(entrance.line, outside):
        nearest_m = outside.distance(entrance.line.interpolate(0.5, normalized=True))
        yield Problem(
            file,
            f"feature {entrance.id!r}.geometry",
            f"the entrance lies on no outer wall (the nearest is {nearest_m:.2f} m from its "
            "middle); draw it along the building's outer edge",
        )


def _check_numbers(plan: FloorPlan, file: str) -> Iterator[Problem]:
    first_use: dict[str, Entrance] = {}
    for entrance in plan.entrances:
        field = f"feature {entrance.id!r}.properties.door_number"
        if not entrance.door_number:
            if not entrance.usable:  # nobody is ever sent to it
                continue
            yield Problem(
                file,
                field,
                f"{entrance.label!r} has no door number; officers look for the number on the door",
                "warning",
            )
        elif entrance.door_number in first_use:
            other = first_use[entrance.door_number]
            yield Problem(
                file,
                field,
                f"{entrance.door_number!r} is also the number of {other.id!r}; each door has its "
                "own",
            )
        first_use.setdefault(entrance.door_number, entrance)
    if not plan.entrances:
        yield Problem(file, "features", "the plan has no entrance; routes start there", "warning")


def _check_connects(plan: FloorPlan, file: str) -> Iterator[Problem]:
    units = {space.id: space for space in plan.spaces}
    ordinal = {level.id: level.ordinal for level in plan.levels}
    for space in plan.spaces:
        field = f"feature {space.id!r}.properties.connects"
        if space.connects and space.category not in VERTICAL_CATEGORIES:
            yield Problem(
                file,
                field,
                f"only stairs and lifts lead to other levels, not {space.category!r}; use a "
                f"category of {', '.join(sorted(VERTICAL_CATEGORIES))}, or name it there",
            )
        for other in space.connects:
            if other not in units:
                yield Problem(file, field, f"{other!r} is no unit of this plan; name unit ids")
            elif ordinal[units[other].level] == ordinal[space.level]:
                yield Problem(
                    file,
                    field,
                    f"{other!r} lies on the same storey; units of one storey are joined by an "
                    "opening",
                )
    yield from _dead_ends(plan, file)


def _dead_ends(plan: FloorPlan, file: str) -> Iterator[Problem]:
    """Stairs and lifts that lead nowhere, on sites of several storeys."""
    if len({level.ordinal for level in plan.levels}) == 1:
        return
    joined = {space.id for found in plan_connectors(plan) for space in (found.lower, found.upper)}
    for space in plan.spaces:
        if space.category in {"elevator", "escalator", "stairs"} and space.id not in joined:
            yield Problem(
                file,
                f"feature {space.id!r}",
                f"{space.name!r} leads to no other level: no unit of its kind lies over or under "
                "it; draw it on both levels, or name the other unit in properties.connects",
                "warning",
            )


def _on(line: LineString, boundary: BaseGeometry) -> bool:
    """Whether nearly all of `line` lies along `boundary`."""
    along = shapely.intersection(line, boundary.buffer(ON_WALL_M))
    return bool(along.length >= _COVERED * line.length)
