"""One level as a drawing has it: walls with a thickness, doors that fill gaps, rooms in part."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shapely import Polygon


@dataclass(frozen=True, slots=True)
class DrawnArea:
    """A part of the floor that the drawing tells apart.

    Attributes:
        id: id that its space gets.
        name: its name, or "".
        category: IMDF unit category.
        polygon: site metres; may reach into walls.
        accessible: False where the drawing says that nobody goes there; it becomes floor only
            where a door leads into it.
    """

    id: str
    name: str
    category: str
    polygon: Polygon
    accessible: bool = True


@dataclass(frozen=True, slots=True)
class DrawnDoor:
    """A door as the piece of wall that it replaces; `polygon` in site metres."""

    id: str
    name: str
    polygon: Polygon


@dataclass(frozen=True, slots=True)
class Label:
    """A name written over a part of the floor that has no walls of its own."""

    name: str
    polygon: Polygon


@dataclass(frozen=True, slots=True)
class DrawnLevel:
    """Everything drawn on one level, site metres.

    Attributes:
        id: level id.
        prefix: short name of the level that generated names begin with, e.g. "3".
        outline: the building's outer edge.
        walls: what nobody walks through: walls, columns, windows.
        doors: the doors.
        areas: parts of the floor that are told apart, the more particular first.
        holes: openings in the floor.
        labels: names of larger parts.
    """

    id: str
    prefix: str
    outline: Polygon
    walls: tuple[Polygon, ...] = ()
    doors: tuple[DrawnDoor, ...] = ()
    areas: tuple[DrawnArea, ...] = ()
    holes: tuple[DrawnArea, ...] = ()
    labels: tuple[Label, ...] = field(default=())
