"""A floor plan as the text of `floor_plan.geojson`, and its levels as those of `site.toml`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapely.geometry.base import BaseGeometry

    from .floor_plan import FloorPlan
    from .geodesy import Anchor

_DIGITS: Final = 4
"""Coordinates are written to a tenth of a millimetre, so that neighbours still share edges."""


def plan_text(plan: FloorPlan) -> str:
    """The plan as GeoJSON in site metres, one feature a line; `build_plan` reads it back."""
    head = (
        '{"type": "FeatureCollection",\n "lastseen": {"schema": 1, "coordinates": "site-metres"},\n'
    )
    lines = ",\n".join(json.dumps(f, ensure_ascii=False) for f in plan_features(plan))
    return f'{head} "features": [\n{lines}\n]}}\n'


def site_table(
    name: str, address: str, anchor: Anchor, plan: FloorPlan, plan_file: str
) -> dict[str, Any]:
    """The table of `site.toml`."""
    return {
        "schema": 1,
        "name": name,
        **({"address": address} if address else {}),
        "floor_plan": plan_file,
        "anchor": {
            "longitude_deg": anchor.longitude_deg,
            "latitude_deg": anchor.latitude_deg,
            "x_axis_bearing_deg": anchor.x_axis_bearing_deg,
        },
        "levels": [
            {
                "id": level.id,
                "name": level.name,
                "ordinal": level.ordinal,
                "elevation_m": level.elevation_m,
            }
            for level in plan.levels
        ],
    }


def plan_features(plan: FloorPlan) -> Iterator[dict[str, Any]]:
    """All features as `floor_plan.geojson` has them; what is at its default is left out."""
    for level in plan.levels:
        if not level.outline.is_empty:
            yield _feature(level.id, "level", level.outline, name=level.name, ordinal=level.ordinal)
    for space in plan.spaces:
        yield _feature(
            space.id,
            "unit",
            space.polygon,
            category=space.category,
            level_id=space.level,
            name=space.name if space.name != space.id else None,
            connects=list(space.connects) or None,
        )
    for opening in plan.openings:
        yield _feature(
            opening.id,
            "opening",
            opening.line,
            category=opening.category,
            level_id=opening.level,
            name=opening.name or None,
            locked=opening.locked or None,
        )
    for entrance in plan.entrances:
        yield _feature(
            entrance.id,
            "entrance",
            entrance.line,
            door_number=entrance.door_number or None,
            level_id=entrance.level,
            name=entrance.name or None,
            usable=None if entrance.usable else False,
            locked=entrance.locked or None,
        )
    for fixture in plan.fixtures:
        yield _feature(
            fixture.id,
            "fixture",
            fixture.polygon,
            category=fixture.category,
            level_id=fixture.level,
            height_m=fixture.height_m,
        )
    for wall in plan.interior_walls:
        yield _feature(wall.id, "wall", wall.line, level_id=wall.level)


def _feature(
    feature_id: str, kind: str, shape: BaseGeometry, **properties: object
) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": feature_id,
        "feature_type": kind,
        "geometry": {"type": shape.geom_type, "coordinates": _coordinates(shape)},
        "properties": {key: value for key, value in properties.items() if value is not None},
    }


def _coordinates(shape: BaseGeometry) -> list[Any]:
    if shape.geom_type == "LineString":
        return _positions(shape)
    return [_positions(ring) for ring in shapely.get_rings(shape)]


def _positions(shape: BaseGeometry) -> list[list[float]]:
    rounded = np.round(shapely.get_coordinates(shape), _DIGITS) + 0.0  # no negative zero
    positions: list[list[float]] = rounded.tolist()
    return positions
