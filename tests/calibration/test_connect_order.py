"""Which cameras connect first."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from calibration.connect_order import nearest_to_entrances
from calibration.site import Site, load_site

if TYPE_CHECKING:
    from calibration.camera_loading import Camera

WING = Path(__file__).parents[2] / "benchmarks/drills/wing"


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(WING)


def distance_m(site: Site, camera: Camera) -> float:
    centre_m = camera.model.centre_m
    assert centre_m is not None
    x, y = centre_m[:2]
    ends = [end for entrance in site.plan.entrances for end in entrance.line.coords]
    return min(float(((x - a) ** 2 + (y - b) ** 2) ** 0.5) for a, b, *_ in ends)


def test_the_nearest_to_a_door_comes_first(site: Site) -> None:
    order = nearest_to_entrances(site.cameras.values(), site.plan)
    assert sorted(order) == sorted(site.cameras)
    away_m = [distance_m(site, site.cameras[camera]) for camera in order]
    # To the ends of a door, which is some 2 m wide, not to all of it.
    assert all(b > a - 1.5 for a, b in itertools.pairwise(away_m))
    assert away_m[0] < 0.5 * away_m[-1]


def test_what_cannot_be_placed_comes_last_in_the_order_given(site: Site) -> None:
    cameras = list(site.cameras.values())
    elsewhere = [replace(camera, level="attic") for camera in cameras[:2]]
    order = nearest_to_entrances([*elsewhere, *cameras[2:]], site.plan)
    assert order[-2:] == [camera.id for camera in elsewhere]
