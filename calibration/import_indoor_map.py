"""A floor plan of the WRLD indoor map format as a site.

The format (WRLD Indoor Map Format 1.0.0, CC BY 4.0, github.com/wrld3d/wrld-indoor-maps-api) is a
`main.json` and one GeoJSON file in WGS84 a level. It draws what one sees: walls, windows and
doors as areas, stairs, lifts and some rooms; spaces and the ways between them are derived, see
`plan_partition`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final

import numpy as np
import shapely
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from shapely import LineString, Polygon

from .drawn_level import DrawnArea, DrawnDoor, DrawnLevel, Label
from .floor_plan import FloorPlan, Level
from .imported_plan import ImportedSite, PlanSourceError
from .plan_archive import read_json
from .plan_names import named_plan
from .plan_partition import partition
from .plan_placement import frame_along_walls, in_site_metres

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shapely.geometry.base import BaseGeometry

    from .geodesy import SiteFrame
    from .plan_partition import LevelParts

MAIN_FILE: Final = "main.json"
PATHS_FILE: Final = "main-paths.json"

CATEGORIES: Final = {
    "stairs": "stairs",
    "elevator": "elevator",
    "escalator": "escalator",
    "bathroom": "restroom",
    "room": "room",
    "unit": "room",
    "hallway": "walkway",
    "garden": "terrace",
    "inaccessible_space": "nonpublic",
}
"""IMDF unit category of each feature type that is a part of the floor."""

_WALLS: Final = ("wall", "window")
_UNUSED: Final = ("highlight", "placeholder")
_NEAR_DOOR_M: Final = 3.0


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Text = Annotated[str, BeforeValidator(_as_text)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class _LevelEntry(_Part):
    id: Text = Field(min_length=1)
    name: Text
    readable_name: Text | None = None
    z_order: int
    filename: str


class _Main(_Part):
    name: Text = Field(min_length=1)
    levels: tuple[_LevelEntry, ...] = Field(min_length=1)
    entrance_level: int = 0


class _Properties(_Part):
    id: Text = Field(min_length=1)
    type: str
    name: Text | None = None


class _Shape(_Part):
    type: str
    coordinates: tuple[Any, ...]


class _Feature(_Part):
    properties: _Properties
    geometry: _Shape


def import_indoor_map(
    files: Mapping[str, bytes],
    *,
    storey_m: float,
    progress: Callable[[str], None] = lambda _: None,
) -> ImportedSite:
    """The site that an indoor map describes.

    Args:
        files: the archive, `MAIN_FILE` among it.
        storey_m: height of a storey, which the format does not tell.
        progress: receives what is being done.

    Raises:
        PlanSourceError: naming the file, the feature and the field.
    """
    main = _checked(_Main, read_json(files, MAIN_FILE), MAIN_FILE, "")
    if not 0 <= main.entrance_level < len(main.levels):
        raise PlanSourceError(
            f"{MAIN_FILE}: entrance_level: is {main.entrance_level}, but levels has "
            f"{len(main.levels)} entries, counted from 0"
        )
    entries = sorted(main.levels, key=lambda entry: entry.z_order)
    ids = _level_ids(main, entries)
    features = {e.id: _features(files, e.filename) for e in entries}
    ground_z = main.levels[main.entrance_level].z_order
    shapes = [shape for level in features.values() for _, shape in level]
    frame = frame_along_walls(shapes)
    levels, parts, notes = [], [], []
    for entry in entries:
        progress(entry.readable_name or entry.name)
        drawn, unused = _drawn(ids[entry.id], entry, features[entry.id], frame)
        found = partition(drawn)
        parts.append(found)
        notes += [*found.notes, *unused]
        up = entry.z_order - ground_z
        name = (entry.readable_name or entry.name).strip()
        levels.append(Level(ids[entry.id], name, up, up * storey_m, found.outline))
    ground = ids[main.levels[main.entrance_level].id]
    plan, main_entrance, said = _assembled(files, levels, parts, ground, frame)
    prefixes = {ids[entry.id]: entry.name.strip() for entry in entries}
    notes += said
    if len(entries) > 1:
        notes.append(f"the format tells no heights: every storey is taken to be {storey_m:g} m")
    return ImportedSite(
        name=main.name,
        address="",
        anchor=frame.anchor,
        plan=named_plan(plan, prefixes),
        notes=tuple(notes),
        main_entrance=main_entrance,
        ground_level=ground,
    )


def _checked(model: type[Any], value: object, file: str, within: str) -> Any:  # noqa: ANN401
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        place = ": ".join(part for part in (file, within, field) if part)
        raise PlanSourceError(f"{place}: {first['msg'].lower()}") from None


def _level_ids(main: _Main, entries: list[_LevelEntry]) -> dict[str, str]:
    """Short ids, "L" and the level's short name, where those are fit for ids; else its own."""
    short = {entry.id: f"L{entry.name.strip()}" for entry in entries}
    fit = len(set(short.values())) == len(short) and all(
        text[1:] and not any(c.isspace() or c in "/\\" for c in text) for text in short.values()
    )
    if len(short) < len(entries):
        twice = Counter(entry.id for entry in main.levels).most_common(1)[0][0]
        raise PlanSourceError(f"{MAIN_FILE}: levels: the id {twice!r} is used twice")
    return short if fit else {entry.id: entry.id for entry in entries}


def _features(files: Mapping[str, bytes], name: str) -> list[tuple[_Properties, Polygon]]:
    """The features of a level's file with their outlines, WGS84 degrees."""
    collection = read_json(files, name)
    listed = collection.get("features") if isinstance(collection, dict) else None
    if not isinstance(listed, list):
        raise PlanSourceError(f"{name}: features: is missing; a GeoJSON FeatureCollection has it")
    found = []
    for i, raw in enumerate(listed):
        feature = _checked(_Feature, raw, name, f"features[{i}]")
        found += [(feature.properties, p) for p in _polygons(feature, name)]
    return found


def _polygons(feature: _Feature, file: str) -> list[Polygon]:
    where = f"{file}: feature {feature.properties.id!r}: geometry"
    kind, rings = feature.geometry.type, feature.geometry.coordinates
    if kind not in {"Polygon", "MultiPolygon"}:
        raise PlanSourceError(f"{where}: is a {kind}; the format has polygons only")
    try:
        groups = [rings] if kind == "Polygon" else rings
        shapes = [
            Polygon([p[:2] for p in group[0]], [[p[:2] for p in hole] for hole in group[1:]])
            for group in groups
        ]
        points = np.vstack([shapely.get_coordinates(shape) for shape in shapes])
    except (TypeError, ValueError, IndexError) as error:
        raise PlanSourceError(f"{where}: is no list of rings of positions: {error}") from error
    if not np.isfinite(points).all() or (np.abs(points) > (180.0, 90.0)).any():
        raise PlanSourceError(f"{where}: has positions that are no longitude and latitude")
    return [
        part
        for shape in shapes
        for part in shapely.get_parts(shapely.make_valid(shape))
        if part.geom_type == "Polygon" and part.area > 0
    ]


def _drawn(
    level: str, entry: _LevelEntry, features: list[tuple[_Properties, Polygon]], frame: SiteFrame
) -> tuple[DrawnLevel, list[str]]:
    """The level in site metres, and what of it is not used."""
    known = {"building_outline", "door", "floor_opening", "no_geometry", *_WALLS, *CATEGORIES}
    by_type: dict[str, list[tuple[_Properties, Polygon]]] = {}
    for properties, shape in features:
        placed = in_site_metres(shape, frame)
        if isinstance(placed, Polygon):
            by_type.setdefault(properties.type, []).append((properties, placed))
    outline = shapely.union_all([shape for _, shape in by_type.get("building_outline", [])])
    if not isinstance(outline, Polygon) or outline.is_empty:
        raise PlanSourceError(
            f"{entry.filename}: needs one feature of type building_outline (or several that touch)"
        )
    areas = [
        DrawnArea(
            f"{level}-{p.id}",
            (p.name or "").strip(),
            category,
            shape,
            accessible=kind != "inaccessible_space",
        )
        for kind, category in CATEGORIES.items()
        for p, shape in by_type.get(kind, [])
    ]
    holes = [
        DrawnArea(f"{level}-{p.id}", (p.name or "").strip(), "opentobelow", shape)
        for p, shape in by_type.get("floor_opening", [])
    ]
    doors = [
        DrawnDoor(f"{level}-door-{p.id}", (p.name or "").strip(), shape)
        for p, shape in by_type.get("door", [])
    ]
    labels = [Label(p.name.strip(), shape) for p, shape in by_type.get("no_geometry", []) if p.name]
    unused = Counter(p.type for p, _ in features if p.type not in known)
    drawn = DrawnLevel(
        id=level,
        prefix=entry.name.strip(),
        outline=outline,
        walls=tuple(shape for kind in _WALLS for _, shape in by_type.get(kind, [])),
        doors=tuple(doors),
        areas=tuple(areas),
        holes=tuple(holes),
        labels=tuple(labels),
    )
    return drawn, [
        f"{level}: {n} features of type {kind!r} are not used" for kind, n in unused.items()
    ]


def _assembled(
    files: Mapping[str, bytes],
    levels: list[Level],
    parts: list[LevelParts],
    ground: str,
    frame: SiteFrame,
) -> tuple[FloorPlan, str | None, list[str]]:
    """The plan of all levels, the main entrance, and what was assumed about doors."""
    entrances = [entrance for part in parts for entrance in part.entrances]
    main, named = None, {}
    for name, line in _entrance_paths(files, frame):
        near = [e for e in entrances if e.level == ground and e.line.distance(line) <= _NEAR_DOOR_M]
        if near:
            door = min(near, key=lambda e: e.line.distance(line))
            named[door.id] = name
            main = main or door.id
    aloft = [entrance for entrance in entrances if entrance.level != ground]
    entrances = [
        replace(e, name=named.get(e.id, e.name), usable=e.level == ground) for e in entrances
    ]
    notes = []
    if aloft:
        notes.append(
            f"{len(aloft)} doors to the outside lie on other levels than {ground}; they are kept "
            'with "usable": false until somebody says that officers can enter there'
        )
    plan = FloorPlan(
        levels,
        [space for part in parts for space in part.spaces],
        [opening for part in parts for opening in part.openings],
        entrances,
    )
    return plan, main, notes


def _entrance_paths(files: Mapping[str, bytes], frame: SiteFrame) -> list[tuple[str, BaseGeometry]]:
    """Names and ways of the entrances that the optional path files tell, site metres."""
    found: list[tuple[str, BaseGeometry]] = []
    for file in sorted(name for name in files if name.endswith("-paths.geojson")):
        collection = read_json(files, file)
        for raw in collection.get("features", []) if isinstance(collection, dict) else []:
            properties = raw.get("properties") or {}
            if properties.get("type") != "entrance":
                continue
            try:
                line = LineString([p[:2] for p in raw["geometry"]["coordinates"]])
            except (KeyError, TypeError, ValueError) as error:
                raise PlanSourceError(
                    f"{file}: feature {properties.get('id')!r}: geometry: is no line of positions"
                ) from error
            found.append((str(properties.get("name") or ""), in_site_metres(line, frame)))
    return found
