"""A site read from a floor plan in somebody else's format, ready to be written as a site folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import SourceError

if TYPE_CHECKING:
    from .floor_plan import FloorPlan
    from .geodesy import Anchor


class PlanSourceError(SourceError):
    """A floor plan that cannot be imported; the message names the file, the feature, the field."""


@dataclass(frozen=True, slots=True, eq=False)
class ImportedSite:
    """What an importer made of a floor plan.

    Attributes:
        name: name of the site.
        address: its postal address, or "".
        anchor: where the plan's origin lies on earth.
        plan: the plan, site metres.
        notes: what was assumed, repaired or not used, in words, with counts.
        main_entrance: id of the entrance that the source calls the main one; None where none is.
        ground_level: id of the level on which officers arrive.
    """

    name: str
    address: str
    anchor: Anchor
    plan: FloorPlan
    notes: tuple[str, ...]
    main_entrance: str | None
    ground_level: str
