"""What is told of an incident beside its pictures: marks, units, doors, officers' arrival."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotation
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from calibration.inputs import DoorEventKind, MarkKind  # noqa: TC001 - the same

from .lines import Line  # noqa: TC001 - the same
from .schemas import SCHEMA_VERSION, Message, Point

FARTHEST_M = 100_000.0
"""A place farther from the plan's origin than this is a mistake, not a place."""

MOST_POSITIONS = 64

_WGS84_POINT: dict[str, Any] = {"type": "Point", "coordinates": [-85.5199, 39.0501]}
_SITE_POINT: dict[str, Any] = {"type": "Point", "coordinates": [12.5, 4.0]}


class MarkWanted(Message):
    """What somebody says of a subject."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"mark": "confirm"}]})

    mark: MarkKind = Field(
        description='"confirm": it is the intruder; "reject": it is not; "responder": it is an '
        'officer; "designate": follow this one now.'
    )


class Mark(Message):
    """A mark that was not taken back."""

    number: Annotated[int, Field(ge=1)] = Field(description="Number of the mark in its incident.")
    mark: MarkKind
    subject: str = Field(description="Id that the subject had when it was said.")
    subject_now: str | None = Field(
        description="Id of the subject that it holds for in the newest answer; null where a later "
        "mark replaced it, or the answer with it is not out yet."
    )
    at: datetime = Field(description="When it was said.")
    role: str = Field(description="Role of whoever said it.")
    by: str = Field(description="Who said it; empty for those who may not mark themselves.")


class MarkList(Message):
    """The marks of an incident that were not taken back, in the order in which they were given."""

    schema_version: Literal[1] = SCHEMA_VERSION
    incident: str
    marks: tuple[Mark, ...]


class Place(Message):
    """A place: in WGS84 (`geometry`) or in metres on the plan (`site_m`), exactly one of them."""

    geometry: Point | None = Field(
        default=None, description="GeoJSON point: [longitude, latitude] in degrees."
    )
    site_m: Point | None = Field(
        default=None, description="GeoJSON point: [x right, y up] in metres on the plan."
    )

    @model_validator(mode="after")
    def _is_one_place(self) -> Place:
        if (self.geometry is None) == (self.site_m is None):
            raise ValueError("say either geometry or site_m")
        if self.geometry is not None:
            longitude_deg, latitude_deg = self.geometry.coordinates
            if not (abs(longitude_deg) <= 180.0 and abs(latitude_deg) <= 90.0):  # noqa: PLR2004
                raise ValueError("geometry has a longitude of at most 180 and a latitude of 90")
        for metres in () if self.site_m is None else self.site_m.coordinates:
            if not abs(metres) <= FARTHEST_M:
                raise ValueError(f"site_m lies within {FARTHEST_M:.0f} m of the plan's origin")
        return self


class UnitPosition(Place):
    """Where a unit is, as its own device reports."""

    unit: Line = Field(description="Id of the unit, the same in each report.")
    level: Annotated[str, Field(max_length=64)] | None = Field(
        default=None,
        description="Level id of the plan; null where the device cannot tell. On a site of several "
        "levels, reports without a level never make a subject a responder.",
    )
    accuracy_m: Annotated[float, Field(gt=0.0, le=10_000.0)] = Field(
        description="Radius that holds the device with 68 %, metres."
    )
    at: AwareDatetime | None = Field(
        default=None, description="When the device was there, with a time zone; now if left out."
    )


class UnitPositions(Message):
    """Positions of units."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "positions": [
                        {
                            "unit": "Unit 12",
                            "level": "L1",
                            "geometry": _WGS84_POINT,
                            "accuracy_m": 2.5,
                            "at": "2026-03-02T09:00:14Z",
                        }
                    ]
                }
            ]
        }
    )

    positions: Annotated[
        tuple[UnitPosition, ...], Field(min_length=1, max_length=MOST_POSITIONS)
    ] = Field(description="One report each; several of one unit in the order of their times.")


class DoorOpened(Message):
    """A door was opened as it should not be."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"door": "3", "event": "forced", "at": "2026-03-02T09:00:05Z"}]
        }
    )

    door: Line = Field(description="Number on the door, or id of a door in the plan.")
    event: DoorEventKind = Field(
        description='"forced" open, "propped" (held open), or opened "unauthorised".'
    )
    at: AwareDatetime | None = Field(
        default=None, description="When it happened, with a time zone; now if left out."
    )


class Arrival(Place):
    """From where officers come to the building."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"site_m": _SITE_POINT}]})


class ArrivalTold(Message):
    """Where officers come from, as it was taken."""

    schema_version: Literal[1] = SCHEMA_VERSION
    incident: str
    geometry: Point = Field(description="WGS84, [longitude, latitude] in degrees.")
    site_m: Point = Field(description="The same in metres on the plan.")


class Taken(Message):
    """How many words were taken in."""

    schema_version: Literal[1] = SCHEMA_VERSION
    incident: str
    taken: Annotated[int, Field(ge=0)]
