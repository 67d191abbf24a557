"""Buildings as plain data: units, openings, entrances and fixtures in site metres.

One `Building` is both what `write_site` puts into `floor_plan.geojson` and, read back by
`read_building`, what the scene is modelled from. The plan is the only source, so plan and picture
cannot disagree.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shapely import LineString, MultiLineString, Polygon, box, unary_union
from shapely.geometry import Point, mapping

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

LEVEL = "L1"


@dataclass(frozen=True, slots=True)
class Unit:
    """A room or corridor; `polygon` in site metres, counter-clockwise."""

    id: str
    name: str
    category: str
    polygon: Polygon


@dataclass(frozen=True, slots=True)
class Opening:
    """A passage between two units: a door ("pedestrian") or an edge without a door ("open")."""

    id: str
    category: str
    line: LineString
    name: str | None = None
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Entrance:
    """A numbered door on the outer boundary."""

    id: str
    door_number: str
    name: str
    line: LineString
    usable: bool = True
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Fixture:
    """Something that stands on the floor and cannot be walked through."""

    id: str
    category: str
    polygon: Polygon
    height_m: float


@dataclass(frozen=True, slots=True)
class Building:
    """One level of a building in site metres (x right, y up)."""

    units: tuple[Unit, ...]
    openings: tuple[Opening, ...]
    entrances: tuple[Entrance, ...]
    fixtures: tuple[Fixture, ...]

    def outline(self) -> Polygon:
        """The union of all units."""
        merged = unary_union([unit.polygon for unit in self.units])
        if not isinstance(merged, Polygon):
            raise TypeError("the units of a building must form one connected area")
        return merged

    def passages(self) -> list[Opening | Entrance]:
        """Every line that a body may step over."""
        doors = [o for o in self.openings if not o.locked]
        entrances = [e for e in self.entrances if e.usable and not e.locked]
        return [*doors, *entrances]

    def walls(self) -> MultiLineString:
        """Unit boundaries, less the lines of every door, open edge and entrance."""
        boundaries = unary_union([unit.polygon.exterior for unit in self.units])
        passages: list[Opening | Entrance] = [*self.openings, *self.entrances]
        gaps = unary_union([passage.line.buffer(1e-6) for passage in passages])
        return _lines(boundaries.difference(gaps))

    def barriers(self) -> BaseGeometry:
        """All that stops a body: boundaries without a passable door, and fixtures."""
        boundaries = unary_union([unit.polygon.exterior for unit in self.units])
        gaps = unary_union([p.line.buffer(1e-6) for p in self.passages()])
        return unary_union(
            [boundaries.difference(gaps), *(fixture.polygon for fixture in self.fixtures)]
        )

    def unit_at(self, xy_m: NDArray[np.float64]) -> Unit | None:
        """The unit that holds the point `xy_m` (2,), or None outdoors."""
        point = Point(float(xy_m[0]), float(xy_m[1]))
        return next((unit for unit in self.units if unit.polygon.covers(point)), None)


def _lines(geometry: BaseGeometry) -> MultiLineString:
    if isinstance(geometry, LineString):
        return MultiLineString([geometry])
    if isinstance(geometry, MultiLineString):
        return geometry
    parts = [part for part in getattr(geometry, "geoms", []) if isinstance(part, LineString)]
    return MultiLineString(parts)


def room(id_: str, name: str, category: str, x0: float, y0: float, x1: float, y1: float) -> Unit:
    """A rectangular unit from two corners."""
    return Unit(id_, name, category, box(x0, y0, x1, y1))


def line(x0: float, y0: float, x1: float, y1: float) -> LineString:
    """A segment between two points."""
    return LineString([(x0, y0), (x1, y1)])


def furniture(
    category: str, height_m: float, *rectangles: tuple[float, float, float, float]
) -> tuple[Fixture, ...]:
    """Fixtures of one kind and height, one per rectangle (x0, y0, x1, y1)."""
    return tuple(
        Fixture(f"{category}-{x0:g}-{y0:g}", category, box(x0, y0, x1, y1), height_m)
        for x0, y0, x1, y1 in rectangles
    )


def _feature(
    id_: str, kind: str, geometry: BaseGeometry, properties: dict[str, Any]
) -> dict[str, Any]:
    geometry_json = json.loads(json.dumps(mapping(geometry)))
    return {
        "type": "Feature",
        "id": id_,
        "feature_type": kind,
        "geometry": geometry_json,
        "properties": properties,
    }


def write_plan(building: Building, path: Path) -> None:
    """Write the building as an IMDF-flavoured feature collection in site metres."""
    at = {"level_id": LEVEL}
    features = [
        _feature(LEVEL, "level", building.outline(), {"name": "Ground floor", "ordinal": 0}),
        *(
            _feature(u.id, "unit", u.polygon, {"category": u.category, **at, "name": u.name})
            for u in building.units
        ),
        *(
            _feature(
                o.id,
                "opening",
                o.line,
                {
                    "category": o.category,
                    **at,
                    **({"name": o.name} if o.name else {}),
                    "locked": o.locked,
                },
            )
            for o in building.openings
        ),
        *(
            _feature(
                e.id,
                "entrance",
                e.line,
                {
                    "door_number": e.door_number,
                    **at,
                    "name": e.name,
                    "usable": e.usable,
                    "locked": e.locked,
                },
            )
            for e in building.entrances
        ),
        *(
            _feature(
                f.id, "fixture", f.polygon, {"category": f.category, **at, "height_m": f.height_m}
            )
            for f in building.fixtures
        ),
    ]
    head = {
        "type": "FeatureCollection",
        "lastseen": {"schema": 1, "coordinates": "site-metres"},
    }
    lines = ",\n".join(json.dumps(feature) for feature in features)
    path.write_text(json.dumps(head)[:-1] + ', "features": [\n' + lines + "\n]}\n")


def _polygon(geometry: dict[str, Any]) -> Polygon:
    rings = geometry["coordinates"] if geometry["type"] == "Polygon" else []
    return Polygon(rings[0]) if rings else Polygon()


def _segment(geometry: dict[str, Any]) -> LineString:
    return LineString(geometry["coordinates"] if geometry["type"] == "LineString" else [])


def read_building(path: Path) -> Building:
    """The building that a `floor_plan.geojson` of this package describes."""
    document = json.loads(path.read_text())
    units: list[Unit] = []
    openings: list[Opening] = []
    entrances: list[Entrance] = []
    fixtures: list[Fixture] = []
    for feature in document["features"]:
        id_, about = feature["id"], feature["properties"]
        area, line_ = _polygon(feature["geometry"]), _segment(feature["geometry"])
        match feature["feature_type"]:
            case "unit":
                units.append(Unit(id_, about["name"], about["category"], area))
            case "opening":
                openings.append(
                    Opening(id_, about["category"], line_, about.get("name"), about["locked"])
                )
            case "entrance":
                entrances.append(
                    Entrance(
                        id_,
                        about["door_number"],
                        about["name"],
                        line_,
                        about["usable"],
                        about["locked"],
                    )
                )
            case "fixture":
                fixtures.append(Fixture(id_, about["category"], area, about["height_m"]))
            case _:
                continue
    return Building(tuple(units), tuple(openings), tuple(entrances), tuple(fixtures))
