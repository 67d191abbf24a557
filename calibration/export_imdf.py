"""A site as an archive of IMDF 1.0.0 (Apple 2021; OGC community standard 20-094).

What IMDF has no word for stands in a member `lastseen` of the properties, an extension that the
manifest names, so that a site comes back as it went. Ids are UUIDs of version 5: the same site
gives the same ids.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

from . import imdf_categories
from .connectors import plan_connectors
from .imdf_features import EXTENSION, MANIFEST_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from shapely.geometry.base import BaseGeometry

    from .floor_plan import Entrance, Level, Opening
    from .site import Site

_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, EXTENSION)
_DIGITS: Final = 9
"""Of degrees: a tenth of a millimetre."""

_KEYED: Final = "keyaccess"
_SHUT: Final = "outofservice"
_Feature = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """What IMDF wants to know beyond the address of `site.toml`.

    Attributes:
        locality: city or town; "" takes it from the end of the site's address.
        country: ISO 3166 code, e.g. "US".
        province: ISO 3166-2 code, e.g. "US-IN"; "" where unknown.
        postal_code: "" where unknown.
    """

    locality: str = ""
    country: str = "US"
    province: str = ""
    postal_code: str = ""


def imdf_files(
    site: Site, postal: PostalAddress, created: datetime, generated_by: str
) -> dict[str, bytes]:
    """The files of the archive, by name.

    Args:
        site: the site.
        postal: the parts of its address.
        created: when the archive is made, with a time zone.
        generated_by: name and version of the program, for the manifest.
    """
    by_kind: dict[str, list[_Feature]] = {}
    for feature in _Archive(site).features(postal):
        by_kind.setdefault(feature["feature_type"], []).append(feature)
    manifest = {
        "version": "1.0.0",
        "created": created.isoformat(timespec="seconds"),
        "generated_by": generated_by,
        "language": "en",
        "extensions": [EXTENSION],
    }
    files = {MANIFEST_FILE: json.dumps(manifest, indent=1).encode()}
    for kind, features in by_kind.items():
        collection = {"type": "FeatureCollection", "name": kind, "features": features}
        files[f"{kind}.geojson"] = json.dumps(collection, ensure_ascii=False).encode()
    return files


class _Archive:
    """The features of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._plan = site.plan

    def features(self, postal: PostalAddress) -> Iterator[_Feature]:
        """All features, each after those that it refers to."""
        yield self._address(postal)
        yield self._venue()
        yield self._building()
        yield from self._footprints()
        for level in self._site.levels:
            yield self._level(level)
        yield from self._units()
        for opening in self._plan.openings:
            yield self._opening(opening)
        for entrance in self._plan.entrances:
            yield self._entrance(entrance)
        yield from self._furniture()
        yield from self._relationships()

    def _id(self, kind: str, name: str) -> str:
        return str(uuid.uuid5(_NAMESPACE, f"{self._site.name}\n{kind}\n{name}"))

    def _feature(
        self, kind: str, own_id: str, shape: BaseGeometry | None, /, **properties: object
    ) -> _Feature:
        return {
            "id": self._id(kind, own_id),
            "type": "Feature",
            "feature_type": kind,
            "geometry": None if shape is None else self._on_earth(shape),
            "properties": properties,
        }

    def _on_earth(self, shape: BaseGeometry) -> dict[str, Any]:
        def move(xy_m: np.ndarray[Any, np.dtype[np.float64]]) -> Any:  # noqa: ANN401 - shapely's
            lonlat_deg = self._site.frame.to_wgs84(np.ascontiguousarray(xy_m, dtype=np.float64))
            return np.round(lonlat_deg, _DIGITS)

        upright = shapely.orient_polygons(shape) if "Polygon" in shape.geom_type else shape
        geometry: dict[str, Any] = shapely.geometry.mapping(shapely.transform(upright, move))
        return geometry

    def _display_point(self, shape: BaseGeometry) -> dict[str, Any]:
        return self._on_earth(shapely.point_on_surface(shape))

    def _address(self, postal: PostalAddress) -> _Feature:
        parts = [part.strip() for part in self._site.address.split(",") if part.strip()]
        return self._feature(
            "address",
            "",
            None,
            address=parts[0] if parts else self._site.name,
            unit=None,
            locality=postal.locality or (parts[-1] if len(parts) > 1 else "unknown"),
            province=postal.province or None,
            country=postal.country,
            postal_code=postal.postal_code or None,
            postal_code_ext=None,
            postal_code_vanity=None,
            lastseen={"address": self._site.address},
        )

    def _venue(self) -> _Feature:
        ground = self._outlined({level.ordinal for level in self._site.levels})
        return self._feature(
            "venue",
            "",
            ground,
            category=imdf_categories.VENUE,
            restriction=None,
            name=_label(self._site.name),
            alt_name=None,
            hours=None,
            phone=None,
            website=None,
            address_id=self._id("address", ""),
            display_point=self._display_point(ground),
            lastseen={"anchor": asdict(self._site.anchor)},
        )

    def _building(self) -> _Feature:
        return self._feature(
            "building",
            "",
            None,
            category="unspecified",
            restriction=None,
            name=_label(self._site.name),
            alt_name=None,
            display_point=None,
            address_id=self._id("address", ""),
        )

    def _footprints(self) -> Iterator[_Feature]:
        """The outline of the ground floor, and those of what lies over and under it."""
        ordinals = {level.ordinal for level in self._site.levels}
        nearest = min(ordinals, key=abs)
        for category, wanted in (
            ("ground", {nearest}),
            ("aerial", {number for number in ordinals if number > nearest}),
            ("subterranean", {number for number in ordinals if number < nearest}),
        ):
            outline = self._outlined(wanted)
            if not outline.is_empty:
                yield self._feature(
                    "footprint",
                    category,
                    outline,
                    category=category,
                    name=None,
                    building_ids=[self._id("building", "")],
                )

    def _outlined(self, ordinals: set[int]) -> BaseGeometry:
        """The area of some levels together, walls included."""
        shapes = [
            self._plan.footprint(level.id) if level.outline.is_empty else level.outline
            for level in self._site.levels
            if level.ordinal in ordinals
        ]
        return shapely.union_all(shapes)

    def _level(self, level: Level) -> _Feature:
        drawn = not level.outline.is_empty
        return self._feature(
            "level",
            level.id,
            level.outline if drawn else self._plan.footprint(level.id),
            category="unspecified",
            restriction=None,
            outdoor=False,
            ordinal=level.ordinal,
            name=_label(level.name),
            short_name=_label(level.id),
            display_point=None,
            address_id=None,
            building_ids=[self._id("building", "")],
            lastseen={"id": level.id, "elevation_m": level.elevation_m, "outline": drawn},
        )

    def _units(self) -> Iterator[_Feature]:
        for space in self._plan.spaces:
            known = space.category in imdf_categories.UNIT
            own: dict[str, Any] = {"id": space.id}
            if not known:
                own["category"] = space.category
            if space.connects:
                own["connects"] = list(space.connects)
            yield self._feature(
                "unit",
                space.id,
                space.polygon,
                category=space.category if known else imdf_categories.OTHER_UNIT,
                restriction=None,
                accessibility=None,
                name=_label(space.name) if space.name != space.id else None,
                alt_name=None,
                level_id=self._id("level", space.level),
                display_point=self._display_point(space.polygon),
                lastseen=own,
            )

    def _opening(self, opening: Opening) -> _Feature:
        door = None
        if opening.category == "open":
            door = {"type": "open", "automatic": False, "material": None}
        return self._way(
            opening, [_KEYED] if opening.locked else None, door, None, {"id": opening.id}
        )

    def _entrance(self, entrance: Entrance) -> _Feature:
        control = ([] if entrance.usable else [_SHUT]) + ([_KEYED] if entrance.locked else [])
        number = f"Door {entrance.door_number}" if entrance.door_number else ""
        own = {"id": entrance.id, "kind": "entrance", "door_number": entrance.door_number}
        return self._way(entrance, control or None, None, number, own)

    def _way(
        self,
        way: Opening | Entrance,
        control: list[str] | None,
        door: dict[str, Any] | None,
        alt_name: str | None,
        own: dict[str, Any],
    ) -> _Feature:
        return self._feature(
            "opening",
            way.id,
            way.line,
            category="pedestrian",
            accessibility=None,
            access_control=control,
            door=door,
            name=_label(way.name),
            alt_name=_label(alt_name or ""),
            display_point=None,
            level_id=self._id("level", way.level),
            lastseen=own,
        )

    def _furniture(self) -> Iterator[_Feature]:
        for fixture in self._plan.fixtures:
            known = fixture.category in imdf_categories.FIXTURE
            yield self._feature(
                "fixture",
                fixture.id,
                fixture.polygon,
                category=fixture.category if known else imdf_categories.OTHER_FIXTURE,
                name=None,
                alt_name=None,
                anchor_id=None,
                level_id=self._id("level", fixture.level),
                display_point=None,
                lastseen={
                    "id": fixture.id,
                    "category": fixture.category,
                    "height_m": fixture.height_m,
                },
            )
        for wall in self._plan.interior_walls:
            yield self._feature(
                "detail",
                wall.id,
                wall.line,
                level_id=self._id("level", wall.level),
                lastseen={"id": wall.id, "kind": "wall"},
            )

    def _relationships(self) -> Iterator[_Feature]:
        """Which units of stairs and lifts lead to which."""
        for found in plan_connectors(self._plan):
            category = found.lower.category
            yield self._feature(
                "relationship",
                f"{found.lower.id}\n{found.upper.id}",
                None,
                category=category if category in imdf_categories.RELATIONSHIP else "traversal",
                direction="undirected",
                origin={"id": self._id("unit", found.lower.id), "feature_type": "unit"},
                intermediary=None,
                destination={"id": self._id("unit", found.upper.id), "feature_type": "unit"},
                hours=None,
            )


def _label(text: str) -> dict[str, str] | None:
    """An IMDF label; None for no text, which IMDF does not allow in one."""
    return {"en": text} if text else None
