"""What `floor_plan.geojson` may say: IMDF-flavoured features, one model per feature type."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from .site_files import Identifier  # noqa: TC001 - pydantic reads it
from .validation import FileModel

Position = Annotated[tuple[float, ...], Field(min_length=2, max_length=3)]
Ring = tuple[Position, ...]

_IMDF_EXTRAS = frozenset(
    {
        "accessibility",
        "access_control",
        "address_id",
        "alt_name",
        "anchor_id",
        "building_ids",
        "display_point",
        "door",
        "outdoor",
        "restriction",
        "short_name",
    }
)
"""Properties of IMDF 1.0.0 (Apple, 2021; OGC community standard 20-094) that say nothing here."""


def _plain_text(value: object) -> object:
    """The text of an IMDF localised name (`{"en": "Library"}`): English, or the first given."""
    if isinstance(value, dict) and value:
        return value.get("en", next(iter(value.values())))
    return value


Text = Annotated[str, BeforeValidator(_plain_text)]


def _number_as_text(value: object) -> object:
    value = _plain_text(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


DoorNumber = Annotated[str, BeforeValidator(_number_as_text)]


class PolygonShape(FileModel):
    """A GeoJSON Polygon, its rings as written (closed or not)."""

    type: Literal["Polygon"]
    coordinates: Annotated[tuple[Ring, ...], Field(min_length=1)]


class LineShape(FileModel):
    """A GeoJSON LineString."""

    type: Literal["LineString"]
    coordinates: Annotated[Ring, Field(min_length=2)]


class Properties(FileModel):
    """Base of all properties; those of IMDF that say nothing here are dropped."""

    @model_validator(mode="before")
    @classmethod
    def _drop_imdf_extras(cls, data: Any) -> Any:  # noqa: ANN401 - text not yet checked
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if key not in _IMDF_EXTRAS}
        return data


class LevelProperties(Properties):
    """Properties of a `level`."""

    name: Text | None = None
    ordinal: int
    category: str | None = None


class UnitProperties(Properties):
    """Properties of a `unit` (a room, corridor or other space)."""

    category: Annotated[str, Field(min_length=1)]
    level_id: str
    name: Text | None = None
    connects: tuple[str, ...] = ()


class OpeningProperties(Properties):
    """Properties of an `opening` between two units."""

    category: Literal["pedestrian", "open"] = "pedestrian"
    level_id: str
    name: Text | None = None
    locked: bool = False


class EntranceProperties(Properties):
    """Properties of an `entrance`, a door to the outside."""

    door_number: DoorNumber | None = None
    level_id: str
    name: Text | None = None
    usable: bool = True
    locked: bool = False
    category: str | None = None


class FixtureProperties(Properties):
    """Properties of a `fixture`, an obstacle that stands on the floor."""

    category: str = "fixture"
    level_id: str
    height_m: float | None = Field(default=None, gt=0)
    name: Text | None = None


class WallProperties(Properties):
    """Properties of a `wall` inside a unit."""

    level_id: str
    name: Text | None = None


class Feature(FileModel):
    """What all features have."""

    type: Literal["Feature"]
    id: Identifier


class LevelFeature(Feature):
    """Outline of one level."""

    feature_type: Literal["level"]
    geometry: PolygonShape
    properties: LevelProperties


class UnitFeature(Feature):
    """One space."""

    feature_type: Literal["unit"]
    geometry: PolygonShape
    properties: UnitProperties


class OpeningFeature(Feature):
    """One way between two spaces."""

    feature_type: Literal["opening"]
    geometry: LineShape
    properties: OpeningProperties


class EntranceFeature(Feature):
    """One door to the outside."""

    feature_type: Literal["entrance"]
    geometry: LineShape
    properties: EntranceProperties


class FixtureFeature(Feature):
    """One obstacle."""

    feature_type: Literal["fixture"]
    geometry: PolygonShape
    properties: FixtureProperties


class WallFeature(Feature):
    """One wall inside a unit."""

    feature_type: Literal["wall"]
    geometry: LineShape
    properties: WallProperties


AnyFeature = (
    LevelFeature | UnitFeature | OpeningFeature | EntranceFeature | FixtureFeature | WallFeature
)

FEATURE_TYPES: dict[str, type[AnyFeature]] = {
    "level": LevelFeature,
    "unit": UnitFeature,
    "opening": OpeningFeature,
    "entrance": EntranceFeature,
    "fixture": FixtureFeature,
    "wall": WallFeature,
}


class PlanHeader(FileModel):
    """The member `lastseen` of the collection."""

    schema_version: Literal[1] = Field(alias="schema")
    coordinates: Literal["site-metres", "wgs84"]


class PlanFile(FileModel):
    """The collection; its features are checked one by one afterwards, to name each by its id."""

    type: Literal["FeatureCollection"]
    lastseen: PlanHeader
    name: Text | None = None
    features: tuple[dict[str, Any], ...]
