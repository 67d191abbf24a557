"""Builds the floor plan from the parsed text of `floor_plan.geojson`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from shapely import LineString, Polygon

from .errors import Problem
from .floor_plan import Entrance, Fixture, FloorPlan, Level, Opening, Space, Wall
from .plan_file import (
    FEATURE_TYPES,
    AnyFeature,
    EntranceFeature,
    FixtureFeature,
    LevelFeature,
    LineShape,
    OpeningFeature,
    PlanFile,
    PolygonShape,
    UnitFeature,
    WallFeature,
)
from .plan_rules import check_plan
from .validation import check

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from .geodesy import SiteFrame
    from .site_files import LevelTable

_FARTHEST_M: Final = 10_000.0
"""Nothing on a campus is farther from the plan's origin."""


def build_plan(
    data: object,
    file: str,
    levels: tuple[LevelTable, ...],
    frame: SiteFrame,
    problems: list[Problem],
) -> FloorPlan | None:
    """The floor plan; None after adding to `problems` what keeps it from being built.

    Args:
        data: the parsed GeoJSON.
        file: how problems name the file.
        levels: the levels of `site.toml`.
        frame: converts WGS84 coordinates.
        problems: receives errors and warnings.
    """
    collection = check(PlanFile, data, file, problems)
    if collection is None:
        return None
    before = len(problems)
    features = _features(collection, file, problems)
    known = {level.id for level in levels}
    for feature in features:
        _check_level(feature, known, file, problems)
    to_site = _in_site_metres if collection.lastseen.coordinates == "site-metres" else frame.to_site
    builder = _Builder(file, to_site, problems)
    drawn = [_drawn(feature, builder) for feature in features]
    if any(problem.severity == "error" for problem in problems[before:]):
        return None
    outlines = {
        feature.id: (feature, outline)
        for feature, outline in zip(features, drawn, strict=True)
        if isinstance(feature, LevelFeature) and isinstance(outline, Polygon)
    }
    plan = FloorPlan(
        levels=[_level(table, outlines, file, problems) for table in levels],
        spaces=[item for item in drawn if isinstance(item, Space)],
        openings=[item for item in drawn if isinstance(item, Opening)],
        entrances=[item for item in drawn if isinstance(item, Entrance)],
        fixtures=[item for item in drawn if isinstance(item, Fixture)],
        walls=[item for item in drawn if isinstance(item, Wall)],
    )
    found = check_plan(plan, file)
    problems.extend(found)
    return None if any(problem.severity == "error" for problem in problems[before:]) else plan


def _features(collection: PlanFile, file: str, problems: list[Problem]) -> list[AnyFeature]:
    """The features that can be read, each id once."""
    features: list[AnyFeature] = []
    first_use: dict[str, int] = {}
    for i, raw in enumerate(collection.features):
        feature_id = raw.get("id")
        within = f"feature {feature_id!r}" if isinstance(feature_id, str) else f"features[{i}]"
        kind = raw.get("feature_type")
        model = FEATURE_TYPES.get(kind) if isinstance(kind, str) else None
        if model is None:
            known = ", ".join(FEATURE_TYPES)
            what = "is missing" if kind is None else f"{kind!r} is not known"
            problems.append(Problem(file, f"{within}.feature_type", f"{what}; use one of {known}"))
            continue
        feature = check(model, raw, file, problems, within)
        if feature is None:
            continue
        if feature.id in first_use:
            problems.append(
                Problem(
                    file,
                    within,
                    f"the id is used by features[{first_use[feature.id]}] and features[{i}]; "
                    "ids are unique",
                )
            )
            continue
        first_use[feature.id] = i
        features.append(feature)
    return features


def _check_level(feature: AnyFeature, known: set[str], file: str, problems: list[Problem]) -> None:
    if isinstance(feature, LevelFeature):
        level, key = feature.id, "id"
    else:
        level, key = feature.properties.level_id, "properties.level_id"
    if level not in known:
        field = f"feature {feature.id!r}.{key}"
        listed = ", ".join(sorted(known))
        problems.append(Problem(file, field, f"unknown level {level!r}; site.toml has {listed}"))


def _in_site_metres(xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
    return xy_m


class _Builder:
    """Turns written coordinates into geometry in site metres, or into problems."""

    def __init__(
        self,
        file: str,
        to_site: Callable[[NDArray[np.float64]], NDArray[np.float64]],
        problems: list[Problem],
    ) -> None:
        self._file = file
        self._to_site = to_site
        self._problems = problems

    def line(self, feature_id: str, shape: LineShape) -> LineString:
        """The line; empty after reporting a problem."""
        points = self._points(feature_id, shape.coordinates)
        if points is None:
            return LineString()
        line = LineString(points)
        if line.length < 1e-3:  # noqa: PLR2004 - a millimetre is no door
            self._report(feature_id, "has no length; give two different points")
        return line

    def polygon(self, feature_id: str, shape: PolygonShape) -> Polygon:
        """The polygon; empty after reporting a problem."""
        rings: list[NDArray[np.float64]] = []
        for ring in shape.coordinates:
            if len(ring) < 4 or ring[0] != ring[-1]:  # noqa: PLR2004 - a triangle, closed
                self._report(
                    feature_id,
                    "is not closed: a ring has at least four points and ends at its first point "
                    f"(it starts at {ring[0]} and ends at {ring[-1]})"
                    if ring
                    else "has an empty ring",
                )
                return Polygon()
            points = self._points(feature_id, ring)
            if points is None:
                return Polygon()
            rings.append(points)
        polygon = Polygon(rings[0], rings[1:])
        if not polygon.is_valid:
            reason = shapely.is_valid_reason(polygon)
            self._report(
                feature_id, f"crosses or touches itself ({reason}); draw its outline once around"
            )
            return Polygon()
        if polygon.area < 1e-4:  # noqa: PLR2004 - a square centimetre is no room
            self._report(feature_id, "has no area")
        return polygon

    def _points(
        self, feature_id: str, written: tuple[tuple[float, ...], ...]
    ) -> NDArray[np.float64] | None:
        xy = np.array([position[:2] for position in written], dtype=np.float64)
        points = self._to_site(xy)
        if not np.isfinite(points).all() or np.abs(points).max() > _FARTHEST_M:
            self._report(
                feature_id,
                f"lies more than {_FARTHEST_M / 1000:.0f} km from the plan's origin; check "
                "lastseen.coordinates, the anchor and the order (longitude first, then latitude)",
            )
            return None
        return points

    def _report(self, feature_id: str, message: str) -> None:
        self._problems.append(Problem(self._file, f"feature {feature_id!r}.geometry", message))


def _drawn(
    feature: AnyFeature, builder: _Builder
) -> Polygon | Space | Opening | Entrance | Fixture | Wall:
    """The feature in site metres; of a level only its outline."""
    match feature:
        case LevelFeature():
            return builder.polygon(feature.id, feature.geometry)
        case UnitFeature(properties=p):
            outline = builder.polygon(feature.id, feature.geometry)
            name = p.name or feature.id
            return Space(feature.id, name, p.category, p.level_id, outline, p.connects)
        case OpeningFeature(properties=p):
            line = builder.line(feature.id, feature.geometry)
            return Opening(feature.id, p.name or "", p.level_id, line, p.category, p.locked)
        case EntranceFeature(properties=p):
            line = builder.line(feature.id, feature.geometry)
            number = (p.door_number or "").strip()
            return Entrance(feature.id, number, p.name or "", p.level_id, line, p.usable, p.locked)
        case FixtureFeature(properties=p):
            outline = builder.polygon(feature.id, feature.geometry)
            return Fixture(feature.id, p.category, p.level_id, outline, p.height_m)
        case WallFeature(properties=p):
            return Wall(feature.id, p.level_id, builder.line(feature.id, feature.geometry))


def _level(
    table: LevelTable,
    outlines: dict[str, tuple[LevelFeature, Polygon]],
    file: str,
    problems: list[Problem],
) -> Level:
    feature, outline = outlines.get(table.id, (None, Polygon()))
    if feature is not None and feature.properties.ordinal != table.ordinal:
        problems.append(
            Problem(
                file,
                f"feature {table.id!r}.properties.ordinal",
                f"is {feature.properties.ordinal}, but site.toml says {table.ordinal}; "
                "make them equal",
            )
        )
    return Level(table.id, table.name, table.ordinal, table.elevation_m, outline)
