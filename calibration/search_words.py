"""Where an unseen subject can be, in a few words fit to be read out by voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .answer import SearchArea, SpaceShare

NAMED = 0.10
"""Places that are less likely than this are not worth a name in a spoken line."""

MOST_NAMED = 3
MOSTLY = 0.5
"""Named places must hold this much together; else the levels say more than the places."""

LEFT = 0.05
_REST = 0.15
_SURE = 0.95


def search_words(search: SearchArea, level_names: Mapping[str, str]) -> str:
    """Where the subject can be: the likeliest places, or levels where it can be in many places.

    For instance "62 % East wing, 21 % Stair 2, 17 % in 4 other places; 9 % may have left the
    building". All shares are of the whole, what has left the building included, rounded so that
    they never claim to be certain.

    Args:
        search: where it can be.
        level_names: names of the levels, by id.
    """
    named = [s for s in search.spaces if s.probability >= NAMED][:MOST_NAMED]
    held = sum(space.probability for space in named)
    parts = [f"{_percent(s.probability)} {_called(s)}" for s in named]
    if held >= MOSTLY * (1.0 - search.left_building):
        others = len([s for s in search.spaces if s.in_area95]) - len(named)
        rest = 1.0 - held - search.left_building
        if rest >= _REST and others > 0:
            places = "another place" if others == 1 else f"{others} other places"
            parts.append(f"{_percent(rest)} in {places}")
    else:
        parts = _by_level(search, level_names)
    line = ", ".join(parts)
    if search.left_building >= LEFT:
        left = f"{_percent(search.left_building)} may have left the building"
        line = f"{line}; {left}" if line else left
    return line


def _by_level(search: SearchArea, level_names: Mapping[str, str]) -> list[str]:
    levels = [level for level in search.levels if level.probability >= NAMED][:MOST_NAMED]
    parts = []
    for level in levels:
        inside = [s for s in search.spaces if s.level == level.level and s.in_area95]
        name = level_names.get(level.level, level.level)
        many = f" ({len(inside)} places)" if len(inside) > 1 else ""
        parts.append(f"{_percent(level.probability)} {name}{many}")
    if parts and search.spaces:
        likeliest = search.spaces[0]
        parts[-1] += f", likeliest {_called(likeliest)} with {_percent(likeliest.probability)}"
    return parts


def _called(space: SpaceShare) -> str:
    return space.name or space.space or "floor outside all rooms"


def _percent(probability: float) -> str:
    if probability > _SURE:
        return "over 95 %"
    return f"{max(round(100 * probability), 1)} %"
