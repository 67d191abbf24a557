"""What `draft.json` of a floor plan's draft holds."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from calibration.geodesy import Anchor
from calibration.site_files import AnchorTable, LevelTable  # noqa: TC001 - pydantic reads them
from calibration.underlay import Placement
from calibration.validation import FileModel


class PlacementTable(FileModel):
    """A `calibration.underlay.Placement` as text."""

    metres_per_pixel: float = Field(gt=0)
    rotation_deg: float
    origin_px: tuple[float, float]
    origin_m: tuple[float, float]

    def placement(self) -> Placement:
        """The placement itself."""
        return Placement(self.metres_per_pixel, self.rotation_deg, self.origin_px, self.origin_m)

    @classmethod
    def of(cls, placement: Placement) -> PlacementTable:
        """The table of a placement."""
        return cls(
            metres_per_pixel=placement.metres_per_pixel,
            rotation_deg=placement.rotation_deg,
            origin_px=placement.origin_px,
            origin_m=placement.origin_m,
        )


class PictureTable(FileModel):
    """The picture under a level; `file` lies beside the draft."""

    file: str
    media_type: str
    size_px: tuple[float, float]
    page: int = 1
    pages: int = 1
    placement: PlacementTable
    measured: bool


class DraftFile(FileModel):
    """All of `draft.json`.

    Attributes:
        draft: id.
        site: id of the site.
        version: goes up with every change.
        created_at_s: Unix seconds.
        created_by: who began it.
        saved_at_s: when this version was made, Unix seconds.
        saved_by: who made it.
        base: what the site's plan was when it was begun or last published, see `fingerprint`.
        published_at_s: when it was last published, Unix seconds.
        anchor: where the plan's origin lies on earth.
        levels: as `site.toml` has them.
        features: as `floor_plan.geojson` has them, site metres.
        pictures: by level id.
        notes: what an import assumed.
    """

    draft: str
    site: str
    version: int
    created_at_s: float
    created_by: str
    saved_at_s: float
    saved_by: str
    base: str
    published_at_s: float | None = None
    anchor: AnchorTable
    levels: tuple[LevelTable, ...]
    features: tuple[dict[str, Any], ...]
    pictures: dict[str, PictureTable] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def where(self) -> Anchor:
        """Where the plan's origin lies on earth."""
        table = self.anchor
        return Anchor(table.longitude_deg, table.latitude_deg, table.x_axis_bearing_deg)
