"""What the location API says and takes of drafts of floor plans."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads it
from typing import Annotated, Any, Literal

from pydantic import Field

from calibration.site_files import AnchorTable, LevelTable

from .schemas import SCHEMA_VERSION, Message

Pixel = tuple[
    Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)],
    Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)],
]
Place = tuple[
    Annotated[float, Field(ge=-1e4, le=1e4, allow_inf_nan=False)],
    Annotated[float, Field(ge=-1e4, le=1e4, allow_inf_nan=False)],
]
OnEarth = tuple[
    Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)],
    Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)],
]
Bearing = Annotated[float, Field(ge=-360, le=360, allow_inf_nan=False)]
Version = Annotated[int, Field(ge=1, le=10**9)]
Features = Annotated[tuple[dict[str, Any], ...], Field(max_length=20_000)]
Levels = Annotated[tuple[LevelTable, ...], Field(min_length=1, max_length=60)]


class BeginDraft(Message):
    """How a draft begins."""

    begin: Literal["plan", "empty"] = Field(
        default="plan", description="With the site's present plan, or with one empty level."
    )


class PlacementMessage(Message):
    """Where a picture lies on the plan: turned and scaled, not stretched and not mirrored."""

    metres_per_pixel: float
    rotation_deg: float = Field(
        description="Of the picture's right-hand side, counter-clockwise from the plan's x axis."
    )
    origin_px: Pixel
    origin_m: tuple[float, float]


class LevelPicture(Message):
    """The picture that lies under a level."""

    level: str
    name: str = Field(description="Changes with the picture; its address ends in it.")
    media_type: str
    size_px: tuple[float, float]
    page: int = Field(description="Of a PDF, from 1.")
    pages: int
    placement: PlacementMessage
    measured: bool = Field(
        description="Whether its scale was measured; else it is a guess that lets one begin."
    )
    to_site: tuple[tuple[float, float, float], tuple[float, float, float]] = Field(
        description="From (x, y, 1) in pixels to site metres."
    )


class PlanVersion(Message):
    """One saved state of a draft."""

    version: int
    saved_at: datetime
    saved_by: str


class DraftSummary(Message):
    """A draft without what is drawn in it."""

    draft: str
    site: str
    version: int
    created_at: datetime
    created_by: str
    saved_at: datetime
    saved_by: str
    features: int
    published_at: datetime | None = Field(description="When it was last published, if ever.")


class DraftList(Message):
    """The drafts of a site, the one saved last first."""

    schema_version: Literal[1] = SCHEMA_VERSION
    drafts: tuple[DraftSummary, ...]


class Draft(Message):
    """A floor plan that somebody is working on; the site does not use it until it is published."""

    schema_version: Literal[1] = SCHEMA_VERSION
    draft: str
    site: str
    version: int = Field(description="Goes up with every change; a change names the one it is of.")
    created_at: datetime
    created_by: str
    saved_at: datetime
    saved_by: str
    published_at: datetime | None
    outdated: bool = Field(description="Whether the site's plan was changed since it was begun.")
    cameras: int = Field(description="Cameras of the site, which are calibrated in its axes.")
    anchor: AnchorTable
    levels: tuple[LevelTable, ...]
    features: tuple[dict[str, Any], ...] = Field(
        description="As `floor_plan.geojson` has them, site metres."
    )
    pictures: tuple[LevelPicture, ...]
    notes: tuple[str, ...] = Field(description="What an import assumed, repaired or left out.")
    history: tuple[PlanVersion, ...] = Field(description="Earlier versions that are kept.")


class SaveDraft(Message):
    """What was drawn. Features must have their form; whether the plan makes sense is checked."""

    version: Version
    levels: Levels
    features: Features
    anchor: AnchorTable | None = Field(default=None, description="As it is where left out.")


class ScalePicture(Message):
    """Two points of a picture and what was measured of them: exactly one of the three."""

    version: Version
    points_px: tuple[Pixel, Pixel]
    distance_m: float | None = Field(default=None, gt=0, le=1e5, allow_inf_nan=False)
    places_m: tuple[Place, Place] | None = Field(default=None, description="Site metres.")
    places_deg: tuple[OnEarth, OnEarth] | None = Field(
        default=None, description="WGS84, longitude first."
    )
    bearing_deg: Bearing | None = Field(
        default=None, description="Of the line from the first point to the second, from true north."
    )
    north_px: tuple[Pixel, Pixel] | None = Field(
        default=None, description="Foot and tip of the north arrow, instead of a bearing."
    )
    axes: Literal["site", "picture"] = Field(
        default="site",
        description="Whether the site keeps its axes, or takes those of the picture.",
    )
    carry: bool = Field(
        default=False, description="Whether what is drawn on the level goes with the picture."
    )


class CheckedProblem(Message):
    """One thing that is wrong with a plan."""

    severity: Literal["error", "warning"]
    message: str
    feature: str | None = Field(description="Id of the feature, where it is of one.")
    level: str | None
    at_m: tuple[float, float] | None = Field(description="Where to look, site metres.")
    field: str
    file: str


class DraftCheck(Message):
    """What `lastseen site check` says of the site with this plan, and what would change."""

    schema_version: Literal[1] = SCHEMA_VERSION
    draft: str
    version: int
    ok: bool = Field(description="Whether it may be published: no errors, warnings allowed.")
    problems: tuple[CheckedProblem, ...] = Field(description="Errors first.")
    changes: tuple[str, ...] = Field(description="Against the site's present plan, in words.")
    reached: int = Field(description="Spaces that a way leads to from an entrance in use.")
    spaces: int = Field(description="Spaces that people can walk in.")


class PublishDraft(Message):
    """Which version is published."""

    version: Version
    replace: bool = Field(
        default=False, description="Also where the site's plan was changed since it was begun."
    )


class Publication(Message):
    """A plan that took the place of the one before."""

    schema_version: Literal[1] = SCHEMA_VERSION
    site: str
    draft: str
    version: int
    sha256: str = Field(description="Of the new floor plan's file.")
    kept: str = Field(description="Folder within the site's that holds the one before.")
    in_use: Literal["in-use", "put-off"] = Field(
        description="Whether the next incident uses it, or it waits for the end of an open one."
    )
    changes: tuple[str, ...]
    warnings: int
