"""What the location API says of one subject's search map: rasters and areas."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotation
from typing import Annotated, Literal

from pydantic import Field

from .schemas import SCHEMA_VERSION, Message, Metres, Named, Point, Position, Probability

SHARE_UNIT = 1e-5


class MultiPolygon(Message):
    """A GeoJSON MultiPolygon geometry."""

    type: Literal["MultiPolygon"] = "MultiPolygon"
    coordinates: tuple[tuple[tuple[Position, ...], ...], ...]


class AreaProperties(Message):
    """Which area it is."""

    level: str = Field(description="Level id of the site's plan.")
    holds: Probability = Field(description="Part of what is inside the building that it holds.")


class AreaFeature(Message):
    """An area to search, as a GeoJSON Feature."""

    type: Literal["Feature"] = "Feature"
    geometry: MultiPolygon = Field(description="WGS84, [longitude, latitude] in degrees.")
    site_m: MultiPolygon = Field(description="The same in site metres.")
    properties: AreaProperties


class SearchRaster(Message):
    """One level of a search map."""

    level: Named
    origin_m: Point = Field(description="Lower left corner of the first row's first cell, metres.")
    corners: tuple[Position, Position, Position, Position] = Field(
        description="Of the raster, WGS84: lower left, lower right, upper right, upper left."
    )
    rows: tuple[tuple[Annotated[int, Field(ge=0)], ...], ...] = Field(
        description="Probability of each cell in units of `unit`; the first row is the lowest on "
        "the plan."
    )
    areas: tuple[AreaFeature, ...] = Field(
        description="The parts on this level of the smallest areas that hold 50 and 95 %."
    )


class SearchMap(Message):
    """Where one subject that no camera sees can be now."""

    schema_version: Literal[1] = SCHEMA_VERSION
    incident: str
    exercise: bool
    subject: str
    at: datetime = Field(description="The moment it speaks of.")
    left_building: Probability = Field(description="That the subject has left the building.")
    cell_m: Metres = Field(description="Edge of a cell, metres.")
    unit: float = Field(default=SHARE_UNIT, description="What 1 in `rows` stands for.")
    levels: tuple[SearchRaster, ...] = Field(description="Levels that hold any of it.")
