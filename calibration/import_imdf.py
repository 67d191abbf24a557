"""A floor plan of IMDF, or of GeoJSON in its manner, as a site.

IMDF 1.0.0: Apple 2021, OGC community standard 20-094.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapely import LineString, Polygon

from .floor_plan import Fixture, FloorPlan, Level, Wall
from .geodesy import Anchor, SiteFrame
from .imdf_features import (
    EXTENSION,
    MANIFEST_FILE,
    ImdfFeature,
    ImdfSource,
    is_identifier,
    own_id,
    read_features,
)
from .imdf_units import spaces_of
from .imdf_ways import PRINCIPAL, ways_of
from .imported_plan import ImportedSite, PlanSourceError
from .plan_archive import read_json
from .plan_placement import frame_along_walls, in_site_metres

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .floor_plan import Entrance, Opening, Space

__all__ = ["MANIFEST_FILE", "import_imdf"]

_USED: Final = frozenset(
    {
        "address",
        "anchor",
        "building",
        "detail",
        "entrance",
        "fixture",
        "footprint",
        "kiosk",
        "level",
        "occupant",
        "opening",
        "relationship",
        "unit",
        "venue",
        "wall",
    }
)


def import_imdf(
    files: Mapping[str, bytes],
    *,
    storey_m: float,
    archive: bool,
    progress: Callable[[str], None] = lambda _: None,
) -> ImportedSite:
    """The site that an IMDF archive, or GeoJSON with features like it, describes.

    Args:
        files: the files of the archive.
        storey_m: height of a storey where levels tell no elevation.
        archive: whether a manifest must be among the files.
        progress: receives what is being done.

    Raises:
        PlanSourceError: naming the file, the feature and the field.
    """
    source = _read(files, archive=archive)
    units = source.of("unit")
    if not units:
        raise PlanSourceError("there is no feature of type unit; a plan is made of units")
    progress(f"{len(units)} units")
    frame = _frame(source)
    levels, ids = _levels(source, frame, storey_m)
    spaces = spaces_of(source, frame, ids)
    openings: list[Opening] = []
    entrances: list[Entrance] = []
    placed: list[Space] = []
    for level in levels:
        progress(level.name)
        own = [space for space in spaces if space.level == level.id]
        ways = ways_of(source, frame, ids, level, own)
        placed += ways.spaces
        openings += ways.openings
        entrances += ways.entrances
    fixtures, walls = _furniture(source, frame, ids)
    plan = FloorPlan(levels, placed, openings, entrances, fixtures, walls)
    name, address = _venue(source)
    principal = {
        own_id(f) for f in source.of("opening") if f.properties.get("category") == PRINCIPAL
    }
    main = next((e.id for e in entrances if e.id in principal and e.usable), None)
    return ImportedSite(
        name=name,
        address=address,
        anchor=frame.anchor,
        plan=plan,
        notes=tuple(source.notes),
        main_entrance=main,
        ground_level=_ground(levels, entrances).id,
    )


def _read(files: Mapping[str, bytes], *, archive: bool) -> ImdfSource:
    language, ours = "en", False
    if archive:
        manifest = read_json(files, MANIFEST_FILE)
        if not isinstance(manifest, dict) or not isinstance(manifest.get("version"), str):
            raise PlanSourceError(f"{MANIFEST_FILE}: version: is missing; IMDF names its version")
        if not manifest["version"].startswith("1."):
            raise PlanSourceError(
                f"{MANIFEST_FILE}: version: is {manifest['version']!r}; this reads IMDF 1.0.0"
            )
        language = str(manifest.get("language") or "en")
        ours = EXTENSION in (manifest.get("extensions") or [])
    by_kind: dict[str, list[ImdfFeature]] = {}
    seen: dict[str, str] = {}
    for feature in read_features(files):
        if feature.id in seen:
            raise PlanSourceError(f"{feature.where}: the id is also that of {seen[feature.id]}")
        seen[feature.id] = feature.where
        by_kind.setdefault(feature.kind, []).append(feature)
    notes = [
        f"{len(found)} features of type {kind!r} are not used"
        for kind, found in sorted(by_kind.items())
        if kind not in _USED
    ]
    return ImdfSource(by_kind, language, ours, notes)


def _frame(source: ImdfSource) -> SiteFrame:
    for venue in source.of("venue"):
        own = venue.own.get("anchor")
        if isinstance(own, dict):
            try:
                return SiteFrame(Anchor(*(float(own[k]) for k in Anchor.__slots__)))
            except (KeyError, TypeError, ValueError) as error:
                raise PlanSourceError(
                    f"{venue.where}: properties.lastseen.anchor: {error}"
                ) from error
    return frame_along_walls([p for unit in source.of("unit") for p in unit.polygons()])


def _levels(
    source: ImdfSource, frame: SiteFrame, storey_m: float
) -> tuple[list[Level], dict[str, str]]:
    """The levels that have units, from the lowest up, and the id of each by its IMDF id."""
    wanted = {unit.text("level_id") for unit in source.of("unit")}
    features = {f.id: f for f in source.of("level")}
    for unit in source.of("unit"):
        if unit.text("level_id") not in features:
            raise PlanSourceError(
                f"{unit.where}: properties.level_id: there is no level {unit.text('level_id')!r}"
            )
    empty = [f.id for f in features.values() if f.id not in wanted]
    if empty:
        source.notes.append(
            f"{len(empty)} levels have no unit and are left out: {', '.join(empty)}"
        )
    found: list[tuple[ImdfFeature, int]] = []
    for feature in features.values():
        ordinal = feature.properties.get("ordinal")
        if isinstance(ordinal, float) and ordinal.is_integer():
            ordinal = int(ordinal)
        if not isinstance(ordinal, int) or isinstance(ordinal, bool):
            raise PlanSourceError(
                f"{feature.where}: properties.ordinal: is {ordinal!r}; it must be a whole number, "
                "0 for the ground floor"
            )
        if feature.id in wanted:
            found.append((feature, ordinal))
    found.sort(key=lambda pair: pair[1])
    ids = _level_ids([feature for feature, _ in found], source.language)
    levels, assumed = [], False
    for feature, ordinal in found:
        own_m = feature.own.get("elevation_m")
        elevation_m = float(own_m) if isinstance(own_m, (int, float)) else ordinal * storey_m
        assumed |= own_m is None
        levels.append(
            Level(
                ids[feature.id],
                feature.label("name", source.language) or ids[feature.id],
                ordinal,
                elevation_m,
                _outline(feature, frame),
            )
        )
    if assumed and len(levels) > 1:
        source.notes.append(f"IMDF tells no heights: every storey is taken to be {storey_m:g} m")
    return levels, ids


def _outline(feature: ImdfFeature, frame: SiteFrame) -> Polygon:
    if feature.geometry is None:
        return Polygon()
    if feature.own.get("outline") is False:
        return Polygon()
    return max(
        (
            p
            for p in (in_site_metres(part, frame) for part in feature.polygons())
            if isinstance(p, Polygon)
        ),
        key=lambda polygon: polygon.area,
        default=Polygon(),
    )


def _level_ids(features: Sequence[ImdfFeature], language: str) -> dict[str, str]:
    """Ids that people can type: the file's own of this project, else "L" and the short name."""
    own = {f.id: str(f.own.get("id") or "") for f in features}
    named = {f.id: f.label("short_name", language) for f in features}
    short = {i: text if text.startswith("L") else f"L{text}" for i, text in named.items()}
    ordinal = {f.id: f"L{f.properties.get('ordinal')}" for f in features}
    for ids in (own, short, ordinal):
        fit = all(len(text) > 1 and is_identifier(text) for text in ids.values())
        if fit and len(set(ids.values())) == len(ids):
            return ids
    return {f.id: f.id for f in features}


def _furniture(
    source: ImdfSource, frame: SiteFrame, ids: Mapping[str, str]
) -> tuple[list[Fixture], list[Wall]]:
    """Fixtures and kiosks as obstacles, and the walls that this project or GeoJSON draws."""
    fixtures: list[Fixture] = []
    walls: list[Wall] = []
    for feature in (*source.of("fixture"), *source.of("kiosk")):
        level = ids.get(feature.text("level_id"))
        height_m = feature.own.get("height_m", feature.properties.get("height_m"))
        known = isinstance(height_m, (int, float)) and height_m > 0
        tall_m = float(height_m) if known and height_m else None
        category = str(
            feature.own.get("category") or feature.properties.get("category") or feature.kind
        )
        for number, part in enumerate(feature.polygons(), start=1):
            placed = in_site_metres(part, frame)
            if level is None or not isinstance(placed, Polygon):
                continue
            fixture_id = own_id(feature) if number == 1 else f"{own_id(feature)}-{number}"
            fixtures.append(Fixture(fixture_id, category, level, placed, tall_m))
    for feature in (*source.of("wall"), *source.of("detail")):
        level = ids.get(feature.text("level_id"))
        if level is None or (feature.kind == "detail" and feature.own.get("kind") != "wall"):
            continue
        line = in_site_metres(feature.line(), frame)
        assert isinstance(line, LineString)  # noqa: S101 - moving keeps the kind
        walls.append(Wall(own_id(feature), level, line))
    drawn = sum(1 for f in source.of("detail") if f.own.get("kind") != "wall")
    if drawn:
        source.notes.append(f"{drawn} features of type 'detail' are not used: lines to look at")
    return fixtures, walls


def _venue(source: ImdfSource) -> tuple[str, str]:
    """Name and address of the site."""
    named = [*source.of("venue"), *source.of("building")]
    name = next((n for f in named if (n := f.label("name", source.language))), "")
    addresses = {f.id: f for f in source.of("address")}
    for feature in named:
        found = addresses.get(str(feature.properties.get("address_id")))
        if found is not None and isinstance(found.own.get("address"), str):
            return name or "Unnamed site", found.own["address"]
        if found is not None:
            parts = (found.properties.get(key) for key in ("address", "locality", "province"))
            return name or "Unnamed site", ", ".join(str(part) for part in parts if part)
    return name or "Unnamed site", ""


def _ground(levels: Sequence[Level], entrances: Sequence[Entrance]) -> Level:
    """The level on which officers arrive: that of ordinal 0, the first with a usable entrance."""
    usable = {e.level for e in entrances if e.usable}
    return min(levels, key=lambda level: (level.id not in usable, abs(level.ordinal)))
