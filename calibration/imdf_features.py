"""The features of an IMDF archive, read leniently and named precisely where they are wrong.

IMDF 1.0.0 is the Indoor Mapping Data Format (Apple 2021; OGC community standard 20-094): one
GeoJSON file in WGS84 for each type of feature, and a manifest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely
from shapely import LineString, Polygon

from .imported_plan import PlanSourceError
from .plan_archive import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shapely.geometry.base import BaseGeometry

MANIFEST_FILE: Final = "manifest.json"
EXTENSION: Final = "imdf:extension:lastseen:plan#1"
"""Named in the manifest of archives that this project writes: features have a member `lastseen` in
their properties, which keeps what IMDF has no word for."""

_LOCKS: Final = frozenset(
    {
        "badgereader",
        "fingerprintreader",
        "guard",
        "keyaccess",
        "passwordaccess",
        "retinascanner",
        "voicerecognition",
    }
)
_NUMBER_WORD = re.compile(r"(?:door|entrance|exit|gate|no\.?|nr\.?|#)\s*", re.IGNORECASE)
_NUMBER = re.compile(r"(?=.*\d)[\w.\-/]{1,8}|[A-Z]")


@dataclass(frozen=True, slots=True, eq=False)
class ImdfFeature:
    """One feature as written.

    Attributes:
        file: the file it stands in.
        id: its id.
        kind: its `feature_type`.
        geometry: its GeoJSON geometry; None where it has none.
        properties: its properties.
    """

    file: str
    id: str
    kind: str
    geometry: dict[str, Any] | None
    properties: dict[str, Any]

    @property
    def where(self) -> str:
        """How errors name it."""
        return f"{self.file}: {self.kind} {self.id!r}"

    @property
    def own(self) -> dict[str, Any]:
        """What this project wrote into it; empty in archives of others."""
        own = self.properties.get("lastseen")
        return own if isinstance(own, dict) else {}

    def text(self, key: str) -> str:
        """A property that must be a text.

        Raises:
            PlanSourceError: it is missing or is none.
        """
        value = self.properties.get(key)
        if not isinstance(value, str) or not value:
            raise PlanSourceError(f"{self.where}: properties.{key}: is missing; it must be a text")
        return value

    def label(self, key: str, language: str) -> str:
        """A localised name in `language`, else in English, else the first there is; "" if none."""
        value = self.properties.get(key)
        if isinstance(value, str):
            return value.strip()
        if not isinstance(value, dict):
            return ""
        texts = {k: v.strip() for k, v in value.items() if isinstance(v, str) and v.strip()}
        short = language.split("-", maxsplit=1)[0]
        for tag in (language, short, "en", *(k for k in texts if k.split("-")[0] == short)):
            if tag in texts:
                return texts[tag]
        return next(iter(texts.values()), "")

    def polygons(self) -> list[Polygon]:
        """Its areas, WGS84 degrees, made sound.

        Raises:
            PlanSourceError: its geometry is no Polygon or MultiPolygon of positions on earth.
        """
        shape = self._shape({"Polygon", "MultiPolygon"})
        return [
            part
            for whole in shapely.get_parts(shapely.make_valid(shape))
            for part in shapely.get_parts(whole)
            if isinstance(part, Polygon) and part.area > 0
        ]

    def line(self) -> LineString:
        """Its line, WGS84 degrees.

        Raises:
            PlanSourceError: its geometry is no LineString of positions on earth.
        """
        shape = self._shape({"LineString"})
        assert isinstance(shape, LineString)  # noqa: S101 - checked above
        return shape

    def _shape(self, kinds: set[str]) -> BaseGeometry:
        wanted = " or ".join(sorted(kinds))
        geometry = self.geometry or {}
        kind = geometry.get("type")
        if kind not in kinds:
            raise PlanSourceError(f"{self.where}: geometry: is {kind}; it must be a {wanted}")
        try:
            shape = shapely.force_2d(shapely.geometry.shape(geometry))
            points = shapely.get_coordinates(shape)
        except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
            raise PlanSourceError(f"{self.where}: geometry.coordinates: {error}") from error
        if not len(points):
            raise PlanSourceError(f"{self.where}: geometry.coordinates: is empty")
        if not np.isfinite(points).all() or (np.abs(points) > (180.0, 90.0)).any():
            raise PlanSourceError(
                f"{self.where}: geometry.coordinates: must be WGS84, longitude first, in degrees"
            )
        return shape

    def access(self) -> frozenset[str]:
        """Its categories of access control."""
        value = self.properties.get("access_control")
        return (
            frozenset(v for v in value if isinstance(v, str))
            if isinstance(value, list)
            else frozenset()
        )

    @property
    def locked(self) -> bool:
        """Whether it is passed with a key, badge or code only."""
        return bool(self.properties.get("locked")) or bool(self.access() & _LOCKS)

    def door_number(self, language: str) -> str:
        """The number of a door, from wherever archives keep it; "" where none has it."""
        for key in ("door_number", "number", "ref"):
            value = self.properties.get(key)
            if isinstance(value, int) and not isinstance(value, bool):
                return str(value)
            if isinstance(value, str) and value.strip():
                return value.strip()
        for key in ("alt_name", "name"):
            text = self.label(key, language)
            bare = _NUMBER_WORD.sub("", text, count=1)
            if _NUMBER.fullmatch(bare):
                return bare
        return ""


@dataclass(slots=True)
class ImdfSource:
    """An archive while it is read.

    Attributes:
        by_kind: its features.
        language: the language of its names, e.g. "en-US".
        ours: whether this project wrote it, so that nothing in it has to be guessed.
        notes: what was assumed, repaired or not used so far.
    """

    by_kind: dict[str, list[ImdfFeature]]
    language: str
    ours: bool
    notes: list[str]

    def of(self, kind: str) -> list[ImdfFeature]:
        """Its features of one kind."""
        return self.by_kind.get(kind, [])


def is_identifier(text: str) -> bool:
    """Whether a text can be an id in a site folder."""
    return bool(text) and re.search(r"[\s/\\]", text) is None


def own_id(feature: ImdfFeature) -> str:
    """The id that a feature gets: what this project once called it, else its own."""
    own = feature.own.get("id")
    return (
        own if isinstance(own, str) and is_identifier(own) else re.sub(r"[\s/\\]", "-", feature.id)
    )


def read_features(files: Mapping[str, bytes]) -> Iterator[ImdfFeature]:
    """All features of all files.

    Raises:
        PlanSourceError: naming the file and the feature.
    """
    for name in sorted(files):
        if name == MANIFEST_FILE:
            continue
        collection = read_json(files, name)
        listed = collection.get("features") if isinstance(collection, dict) else None
        if not isinstance(listed, list):
            raise PlanSourceError(f"{name}: features: is missing; it must be a FeatureCollection")
        header = collection.get("lastseen")
        if isinstance(header, dict) and header.get("coordinates") == "site-metres":
            raise PlanSourceError(
                f"{name}: lastseen.coordinates: is 'site-metres': this is a plan of a site folder "
                "already; write its site.toml beside it"
            )
        for i, raw in enumerate(listed):
            yield _feature(raw, name, i)


def _feature(raw: object, file: str, i: int) -> ImdfFeature:
    if not isinstance(raw, dict):
        raise PlanSourceError(f"{file}: features[{i}]: is no feature")
    feature_id, kind = raw.get("id"), raw.get("feature_type")
    properties = raw.get("properties")
    if kind is None and isinstance(properties, dict):
        kind = properties.get("feature_type")
    if isinstance(feature_id, int) and not isinstance(feature_id, bool):
        feature_id = str(feature_id)
    for key, value in (("id", feature_id), ("feature_type", kind)):
        if not isinstance(value, str) or not value:
            raise PlanSourceError(f"{file}: features[{i}].{key}: is missing; it must be a text")
    geometry = raw.get("geometry")
    return ImdfFeature(
        file,
        str(feature_id),
        str(kind),
        geometry if isinstance(geometry, dict) else None,
        properties if isinstance(properties, dict) else {},
    )
