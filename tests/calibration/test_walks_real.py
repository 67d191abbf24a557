"""Walks and entrances in a real building of seven floors (Westport House, WRLD, CC BY 4.0)."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import shapely

from calibration.entrances import EntranceRoutes
from calibration.import_indoor_map import import_indoor_map
from calibration.plan_archive import read_archive

WESTPORT = "floorplan-westport-house/examples/westport-house"


@pytest.fixture(scope="module")
def house() -> EntranceRoutes:
    data = Path(os.environ.get("LASTSEEN_DATA", Path(__file__).parents[3] / "shared" / "data"))
    folder = data / WESTPORT
    if not folder.is_dir():
        pytest.skip(f"the data set is not in {folder}")
    return EntranceRoutes(import_indoor_map(dict(read_archive(folder)), storey_m=3.5).plan)


def places(routes: EntranceRoutes, count: int, seed: int) -> list[tuple[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    spaces = [space for space in routes.plan.spaces if space.walkable]
    chosen = [spaces[i] for i in rng.choice(len(spaces), count, replace=False)]
    points = [(space.level, space.polygon.representative_point()) for space in chosen]
    return [(level, np.array([point.x, point.y])) for level, point in points]


@pytest.mark.data
def test_walks_across_seven_floors_are_a_distance(house: EntranceRoutes) -> None:
    chosen = places(house, 24, seed=1)
    far_m = np.array(
        [[house.walks.between_m(p, a, q, b[None])[0] for q, b in chosen] for p, a in chosen]
    )
    xy_m = np.array([place_m for _, place_m in chosen])
    straight_m = np.linalg.norm(xy_m[:, None] - xy_m, axis=2)

    assert np.isfinite(far_m).mean() > 0.8
    assert np.allclose(far_m, far_m.T, atol=1e-3)
    assert (far_m >= straight_m - 1e-9).all()
    for j in range(len(chosen)):
        assert (far_m <= far_m[:, [j]] + far_m[[j], :] + 0.5).all()


@pytest.mark.data
def test_routes_pass_no_wall_and_are_as_long_as_told(house: EntranceRoutes) -> None:
    told = 0
    for level, place_m in places(house, 8, seed=2):
        for option in house.rank(level, (float(place_m[0]), float(place_m[1])))[:4]:
            if option.walk_m is None:
                continue
            parts = [(at, shapely.LineString(way)) for at, way in option.route_by_level_m]
            walked_m = sum(way.length for _, way in parts)
            climbed_m = option.walk_m - walked_m
            told += len(parts) > 1

            assert climbed_m >= -1e-6
            assert (climbed_m > 1) == (len(parts) > 1)
            for at, way in parts:
                assert way.intersection(house.plan.walls(at)).length < 0.05
    assert told > 5
