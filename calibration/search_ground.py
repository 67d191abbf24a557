"""What the search maps of a site stand on: its cells, the movement on them, and what cameras show.

It depends on the plan and the cameras only and holds nothing of people, so one is made for a site
and used for all incidents on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .search_evidence import CameraView, WellWithin
from .search_motion import Motion, motion_on
from .walk_grid import WalkGrid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .camera_loading import Camera
    from .floor_plan import FloorPlan


@dataclass(frozen=True, slots=True, eq=False)
class SearchGround:
    """Cells, movement and views of one site.

    Attributes:
        grid: the cells.
        motion: one tick of movement on them.
        views: what each camera shows, by camera id.
        shown: the same by cell.
    """

    grid: WalkGrid
    motion: Motion
    views: Mapping[str, CameraView]
    shown: WellWithin

    @classmethod
    def of(
        cls, plan: FloorPlan, cameras: Iterable[Camera], cell_m: float | None = None
    ) -> SearchGround:
        """The ground of a plan and its cameras: seconds on large sites.

        Args:
            plan: the plan.
            cameras: the cameras whose looks count.
            cell_m: edge of a cell, see `WalkGrid.of`.
        """
        grid = WalkGrid.of(plan, cell_m)
        views = {camera.id: CameraView.of(camera, grid) for camera in cameras}
        return cls(grid, motion_on(grid), views, WellWithin(views, len(grid)))
