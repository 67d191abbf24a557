"""A site's plan as GeoJSON in site metres, for the console page. A pure function of the site."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import shapely

from calibration.underlay import corners_px

from .grid_reference import reference_grid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapely.geometry.base import BaseGeometry

    from calibration.floor_plan import FloorPlan
    from calibration.site import Camera, Site
    from calibration.underlay import Underlay

    from .targets import Target

_Feature = dict[str, Any]

_GRID_M = 0.001  # coordinates are rounded to the millimetre
_VIEW_DETAIL_M = 0.05


@lru_cache(maxsize=64)
def plan_geojson(target: Target, *, cameras: bool = True) -> str:
    """Return the plan of `target` as the text of a GeoJSON FeatureCollection.

    Coordinates are site metres (x right, y up), which the foreign member `lastseen` says, beside
    the compass bearing of the x axis, the reference grid and the pictures under levels. A
    feature's `feature_type` is one of `level`, `unit`, `wall`, `opening`, `entrance`, `fixture`,
    `camera` (a point; absent for a camera whose place is not known) and `camera-view` (the floor
    that the camera sees). `wall` holds all walls of a level, with the gaps of its doors.

    Args:
        target: the site or drill.
        cameras: whether its cameras are in it.
    """
    features = list(_plan_features(target.site.plan))
    if cameras:
        features += _camera_features(target.site)
    return json.dumps(
        {
            "type": "FeatureCollection",
            "lastseen": {
                "schema": 1,
                "coordinates": "site-metres",
                "bearing_deg": target.site.anchor.x_axis_bearing_deg,
                "grid": _grid(target.site.plan),
                "underlays": [_underlay(underlay, target) for underlay in target.site.underlays],
            },
            "site": target.id,
            "name": target.name,
            "features": features,
        },
        ensure_ascii=False,
    )


def _grid(plan: FloorPlan) -> dict[str, Any] | None:
    grid = reference_grid(plan)
    if grid is None:
        return None
    return {
        "left_top_m": grid.left_top_m,
        "edge_m": grid.edge_m,
        "columns": grid.columns,
        "rows": grid.rows,
    }


def _underlay(underlay: Underlay, target: Target) -> dict[str, Any]:
    """Where to get a picture of the plan and where it lies: its pixels to site metres."""
    (left_px, top_px), _, (right_px, bottom_px), _ = corners_px(
        underlay.size_px, underlay.media_type
    ).tolist()
    level = quote(underlay.level, safe="")
    return {
        "level": underlay.level,
        "picture": f"/v1/sites/{quote(target.id, safe='')}/underlays/{level}",
        "box_px": [left_px, top_px, right_px, bottom_px],
        "to_site": underlay.placement.matrix().round(9).tolist(),
    }


def _plan_features(plan: FloorPlan) -> Iterator[_Feature]:
    for level in plan.levels:
        properties = {"name": level.name, "ordinal": level.ordinal, "level_id": level.id}
        yield _feature(level.id, "level", plan.footprint(level.id), properties)
    for space in plan.spaces:
        centre = space.polygon.centroid
        if not space.polygon.contains(centre):
            centre = space.polygon.representative_point()
        yield _feature(
            space.id,
            "unit",
            space.polygon,
            {
                "name": space.name,
                "category": space.category,
                "level_id": space.level,
                "label_m": [round(centre.x, 3), round(centre.y, 3)],
            },
        )
    for fixture in plan.fixtures:
        properties = {
            "category": fixture.category,
            "height_m": fixture.height_m,
            "level_id": fixture.level,
        }
        yield _feature(fixture.id, "fixture", fixture.polygon, properties)
    for level in plan.levels:
        walls = plan.walls(level.id)
        yield _feature(f"walls-{level.id}", "wall", walls, {"level_id": level.id})
    for opening in plan.openings:
        properties = {
            "name": opening.name,
            "category": opening.category,
            "locked": opening.locked,
            "level_id": opening.level,
        }
        yield _feature(opening.id, "opening", opening.line, properties)
    for entrance in plan.entrances:
        properties = {
            "name": entrance.name,
            "door_number": entrance.door_number,
            "usable": entrance.usable,
            "locked": entrance.locked,
            "level_id": entrance.level,
        }
        yield _feature(entrance.id, "entrance", entrance.line, properties)


def _camera_features(site: Site) -> Iterator[_Feature]:
    for camera in site.cameras.values():
        properties = {"name": camera.name, "level_id": camera.level, "camera": camera.id}
        view = _view(camera, site)
        if not view.is_empty:
            yield _feature(f"view-{camera.id}", "camera-view", view, properties)
        centre_m = camera.model.centre_m
        if centre_m is not None:
            place = shapely.Point(float(centre_m[0]), float(centre_m[1]))
            yield _feature(camera.id, "camera", place, properties)


def _view(camera: Camera, site: Site) -> BaseGeometry:
    """Return the floor that the camera sees, without the stray lines that cutting areas leaves."""
    view = shapely.simplify(camera.visible_floor(site.plan), _VIEW_DETAIL_M)
    areas = [part for part in shapely.get_parts(view) if part.geom_type == "Polygon"]
    return shapely.union_all(areas)


def _feature(
    feature_id: str, feature_type: str, shape: BaseGeometry, properties: dict[str, Any]
) -> _Feature:
    rounded = shapely.set_precision(shape, _GRID_M, mode="pointwise")
    return {
        "type": "Feature",
        "id": feature_id,
        "feature_type": feature_type,
        "geometry": shapely.geometry.mapping(rounded),
        "properties": properties,
    }
