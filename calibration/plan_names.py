"""Names for what a drawing leaves without: corridors, rooms, stairs, lifts."""

from __future__ import annotations

from dataclasses import replace
from string import ascii_uppercase
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .connectors import LIFT_CATEGORIES, STAIR_CATEGORIES, plan_connectors
from .floor_plan import FloorPlan
from .plan_partition import UNNAMED
from .plan_rules import spaces_beside

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .floor_plan import Space

_CORRIDOR_WAYS: Final = 3
_CORRIDOR_WIDE_M: Final = 3.0


def named_plan(plan: FloorPlan, prefixes: Mapping[str, str]) -> FloorPlan:
    """The plan with a name for every space.

    Stairs and lifts get letters, the same on all floors of one shaft; narrow spaces with three
    ways or more become corridors; all others are numbered by floor. Names that the plan has stay,
    numbered where one is given to several spaces of a level.

    Args:
        plan: the plan; a space without a name has "".
        prefixes: short name of each level, by level id.
    """
    names = {space.id: space.name for space in plan.spaces}
    names.update(_shaft_names(plan))
    categories = {space.id: space.category for space in plan.spaces}
    for level in plan.levels:
        spaces = plan.spaces_on(level.id)
        ways = _ways(plan, level.id)
        prefix = prefixes.get(level.id, level.id)
        for space in spaces:
            if space.category == UNNAMED and not names[space.id] and _is_corridor(space, ways):
                categories[space.id] = "walkway"
        for kind, title in (("walkway", "Corridor"), ("restroom", "Restroom"), ("", "Room")):
            unnamed = [
                s for s in spaces if not names[s.id] and (not kind or categories[s.id] == kind)
            ]
            for number, space in enumerate(unnamed, start=1):
                names[space.id] = f"{title} {prefix}-{number}"
        _number_twins(spaces, names)
    named = [
        replace(space, name=names[space.id], category=categories[space.id]) for space in plan.spaces
    ]
    return FloorPlan(
        plan.levels, named, plan.openings, plan.entrances, plan.fixtures, plan.interior_walls
    )


def _shaft_names(plan: FloorPlan) -> dict[str, str]:
    """Names of unnamed stairs and lifts: one letter for all units that lead to each other."""
    names: dict[str, str] = {}
    pairs = [(c.lower.id, c.upper.id) for c in plan_connectors(plan)]
    for categories, title in ((STAIR_CATEGORIES, "Stairs"), (LIFT_CATEGORIES, "Lift")):
        units = [space for space in plan.spaces if space.category in categories]
        row = {space.id: i for i, space in enumerate(units)}
        edges = [(row[a], row[b]) for a, b in pairs if a in row and b in row]
        if not units:
            continue
        i, j = np.array(edges, dtype=np.int64).reshape(-1, 2).T
        joined = coo_array((np.ones(len(i)), (i, j)), shape=(len(units), len(units)))
        _, shaft = connected_components(joined, directed=False)
        order = list(dict.fromkeys(shaft.tolist()))
        for space, number in zip(units, shaft.tolist(), strict=True):
            if not space.name:
                names[space.id] = f"{title} {_letter(order.index(number))}"
    return names


def _letter(number: int) -> str:
    """A, B, … Z, AA, AB and so on."""
    first, last = divmod(number, len(ascii_uppercase))
    return (_letter(first - 1) if first else "") + ascii_uppercase[last]


def _ways(plan: FloorPlan, level: str) -> dict[str, int]:
    """How many openings and entrances each space of a level has."""
    spaces = plan.spaces_on(level)
    index = shapely.STRtree([space.polygon for space in spaces])
    ways: dict[str, int] = {}
    lines = [opening.line for opening in plan.openings if opening.level == level]
    lines += [entrance.line for entrance in plan.entrances if entrance.level == level]
    for line in lines:
        for space in spaces_beside(line, spaces, index):
            ways[space.id] = ways.get(space.id, 0) + 1
    return ways


def _is_corridor(space: Space, ways: Mapping[str, int]) -> bool:
    wide_m = 2.0 * space.polygon.area / space.polygon.length
    return ways.get(space.id, 0) >= _CORRIDOR_WAYS and wide_m <= _CORRIDOR_WIDE_M


def _number_twins(spaces: Sequence[Space], names: dict[str, str]) -> None:
    """Number the spaces of a level that share a name, but not the parts of one shaft."""
    shafts = STAIR_CATEGORIES | LIFT_CATEGORIES
    alike: dict[str, list[Space]] = {}
    for space in spaces:
        if space.category not in shafts:
            alike.setdefault(names[space.id], []).append(space)
    for name, twins in alike.items():
        for number, space in enumerate(twins[1:], start=2):
            names[space.id] = f"{name} ({number})"
