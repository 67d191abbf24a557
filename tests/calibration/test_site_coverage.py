from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from calibration.coverage import LevelCoverage, coverage
from calibration.site import load_site

from .small_site import SmallSite, box, feature, line

if TYPE_CHECKING:
    from pathlib import Path


def covered(site: SmallSite, folder: Path) -> LevelCoverage:
    loaded = load_site(site.write(folder))
    (level,) = coverage(loaded)
    return level


def test_shares_of_the_floor(tmp_path: Path) -> None:
    level = covered(SmallSite(), tmp_path)
    hall, room = level.spaces

    assert level.walkable_m2 == pytest.approx(16 * 6 - 2)
    assert room.area_m2 == pytest.approx(6 * 6 - 2)
    assert room.watched == 0.0
    assert 0.3 < hall.watched < 1.0
    assert level.watched_m2 == pytest.approx(hall.watched * hall.area_m2)
    assert level.watched == pytest.approx(level.watched_m2 / level.walkable_m2)
    assert level.twice_m2 == 0.0
    assert level.blind.area == pytest.approx(level.walkable_m2 - level.watched_m2)


def test_two_cameras_on_one_floor_count_once(tmp_path: Path) -> None:
    site = SmallSite()
    once = covered(site, tmp_path / "one").watched_m2
    site.cameras["cam-02"] = {**site.cameras["cam-01"], "id": "cam-02"}

    twice = covered(site, tmp_path / "two")

    assert set(twice.seen) == {"cam-01", "cam-02"}
    assert twice.watched_m2 == pytest.approx(once)
    assert twice.twice_m2 == pytest.approx(once)


def test_rooms_that_no_door_leads_to(tmp_path: Path) -> None:
    site = SmallSite()
    site.add(
        feature("vault", "unit", box(16, 0, 20, 6), category="storage"),
        feature("cell", "unit", box(20, 0, 24, 6), category="storage"),
        feature("vault-door", "opening", line((16, 1), (16, 2)), locked=True),
    )
    site.plan["features"].remove(site.feature("d2"))

    reach = {s.space.id: (s.reachable, s.needs_key) for s in covered(site, tmp_path).spaces}

    assert reach == {
        "hall": (True, False),
        "room": (True, False),
        "vault": (True, True),
        "cell": (False, False),
    }


def test_doors_out_of_service_lead_nowhere(tmp_path: Path) -> None:
    site = SmallSite()
    site.feature("d1")["properties"]["usable"] = False
    site.plan["features"].remove(site.feature("door"))

    reach = {s.space.id: s.reachable for s in covered(site, tmp_path).spaces}

    assert reach == {"hall": False, "room": True}


def test_floor_behind_furniture_from_wall_to_wall_is_cut_off(tmp_path: Path) -> None:
    site = SmallSite()
    site.feature("desk")["geometry"] = box(13, 0, 14, 6)
    site.plan["features"].remove(site.feature("d2"))

    _, room = covered(site, tmp_path).spaces

    assert room.reachable
    assert room.cut_off.area == pytest.approx(2 * 6, abs=0.6)
    assert room.cut_off.centroid.x == pytest.approx(15.0, abs=0.05)
