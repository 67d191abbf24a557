"""Whether the search area holds people who walked as they pleased: two public recordings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from calibration.camera_loading import Camera
from calibration.detection_rates import DetectionRates
from calibration.floor_plan import FloorPlan
from calibration.import_citic import read_camera, read_map, read_places
from calibration.import_citic_plan import LEVEL as CITIC_LEVEL
from calibration.import_citic_plan import plan_of
from calibration.search_area import smallest_area
from calibration.search_evidence import CameraView, missed
from calibration.search_motion import TICK_S, Motion, motion_on
from calibration.search_start import starting_mass
from calibration.walk_grid import WalkGrid

from .search_plans import lost

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

TOLD_AFTER_S = (2.0, 4.0, 8.0, 12.0, 20.0)


@dataclass
class Building:
    """The building of a recording, and where its people were, by tick."""

    grid: WalkGrid
    motion: Motion
    views: dict[str, CameraView]
    ways_m: list[dict[int, NDArray[np.float64]]]

    def losses(self) -> list[tuple[dict[int, NDArray[np.float64]], int]]:
        """A way and a tick at which its person is taken to be lost, every three seconds."""
        return [
            (way_m, tick)
            for way_m in self.ways_m
            for tick in range(min(way_m) + 2, max(way_m), 6)
            if {tick, tick - 2} <= way_m.keys()
        ]


@pytest.fixture(scope="module")
def citic(data_dir: Path) -> Building:
    folder = data_dir / "citic-mtmc"
    drawn = read_map(folder / "map_config" / "room_map.json")
    cameras = [
        read_camera(path, drawn) for path in sorted((folder / "map_config").glob("Node*.json"))
    ]
    plan = plan_of(drawn, cameras)
    assert isinstance(plan, FloorPlan)
    grid = WalkGrid.of(plan)
    places = read_places(folder / "capture1_gt.mot.txt", drawn)
    ways_m = [
        {
            round(frame * 2 / 25): place_m
            for frame, place_m in zip(places.frame[rows], places.xy_m[rows], strict=True)
        }
        for rows in (places.person == person for person in np.unique(places.person))
    ]
    views = {
        path.stem: CameraView.of(
            Camera(path.stem, path.stem, CITIC_LEVEL, "interior", None, camera.model, "pose"), grid
        )
        for path, camera in zip(
            sorted((folder / "map_config").glob("Node*.json")), cameras, strict=True
        )
    }
    return Building(grid, motion_on(grid), views, ways_m)


def looks_elsewhere(building: Building, cells: list[int]) -> Motion:
    """The movement with the looks of all cameras that show none of the cells; the rest are down."""
    elsewhere = [
        name
        for name, view in building.views.items()
        if not any(view.row(cell) is not None for cell in cells)
    ]
    looks = missed(building.views, elsewhere, DetectionRates(), len(building.grid) + 1)
    return building.motion if looks is None else building.motion.looked_at(looks)


def held(building: Building, part: float, *, looks: bool) -> dict[float, tuple[float, float]]:
    """By seconds since a person was lost: how often the area that holds a part holds it, its size.

    Args:
        building: the building.
        part: 0.5 or 0.95.
        looks: whether the cameras that do not show the person's way look all the time; those that
            do are down.
    """
    inside: dict[float, list[bool]] = {seconds: [] for seconds in TOLD_AFTER_S}
    sizes_m2: dict[float, list[float]] = {seconds: [] for seconds in TOLD_AFTER_S}
    grid = building.grid
    steps = range(1, round(max(TOLD_AFTER_S) / TICK_S) + 1)
    for way_m, tick in building.losses():
        way = {
            step: int(grid.cells_at(CITIC_LEVEL, way_m[tick + step][None])[0])
            for step in steps
            if tick + step in way_m
        }
        motion = looks_elsewhere(building, list(way.values())) if looks else building.motion
        velocity_mps = (way_m[tick] - way_m[tick - 2]) / (2 * TICK_S)
        state = lost(
            (float(way_m[tick][0]), float(way_m[tick][1])),
            (float(velocity_mps[0]), float(velocity_mps[1])),
            sigma_m=0.3,
            level=CITIC_LEVEL,
        )
        mass = starting_mass(grid, state, 0.0)[:, :, None]
        for step, cell in way.items():
            mass = motion.advance(mass)
            if step * TICK_S in inside:
                area = smallest_area(mass[:, :-1, 0].sum(axis=0), grid.area_m2, part)
                inside[step * TICK_S].append(bool(area[cell]))
                sizes_m2[step * TICK_S].append(float(grid.area_m2[area].sum()))
    return {
        seconds: (float(np.mean(found)), float(np.mean(sizes_m2[seconds])))
        for seconds, found in inside.items()
    }


@pytest.mark.data
@pytest.mark.parametrize("looks", [False, True], ids=["all cameras down", "the others look"])
def test_the_area_holds_people_at_work_in_a_real_building(citic: Building, *, looks: bool) -> None:
    """CITIC-MTMC, capture1: two people, 91 losses; one ground floor of 200 m2."""
    of_area = held(citic, 0.95, looks=looks)
    assert min(of_area[seconds][0] for seconds in (2.0, 4.0)) >= 0.97
    assert min(of_area[seconds][0] for seconds in (8.0, 12.0)) >= 0.85
    assert of_area[20.0][0] >= 0.75
    assert of_area[4.0][1] < 30.0
