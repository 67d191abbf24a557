"""Walls, doors and stairs drawn as areas become spaces and the ways between them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import shapely

from calibration.connectors import plan_connectors
from calibration.import_indoor_map import import_indoor_map
from calibration.imported_plan import PlanSourceError
from calibration.plan_archive import read_archive
from calibration.plan_rules import check_plan
from calibration.reachability import reach_of

from .drawn_house import DrawnHouse, drawn, turned

if TYPE_CHECKING:
    from collections.abc import Callable

    from calibration.imported_plan import ImportedSite

WESTPORT = "floorplan-westport-house/examples/westport-house"


def imported(house: DrawnHouse | None = None) -> ImportedSite:
    return import_indoor_map((house or DrawnHouse()).files(), storey_m=3.0)


def test_spaces_and_ways_are_derived_from_walls_and_doors() -> None:
    site = imported()
    plan = site.plan

    assert [(level.id, level.name, level.ordinal, level.elevation_m) for level in plan.levels] == [
        ("LG", "Ground floor", 0, 0.0),
        ("L1", "First floor", 1, 3.0),
    ]
    named = {(space.level, space.name): space.polygon.area for space in plan.spaces}
    # the hall without its cupboard, with the piece of wall that the front door takes up
    hall_m2 = 7.8 * 5.6 - 2.0 * 1.8 + 0.2
    stairs_m2 = 3.6 * 5.6 + 0.2
    assert set(named) == {
        ("LG", "Room G-1"),
        ("LG", "Stairs A"),
        ("L1", "Loft"),
        ("L1", "Stairs A"),
    }
    assert named["LG", "Room G-1"] == pytest.approx(hall_m2, abs=0.01)
    assert named["LG", "Stairs A"] == pytest.approx(stairs_m2, abs=0.01)
    assert [(o.level, o.category) for o in plan.openings] == [
        ("LG", "pedestrian"),
        ("L1", "pedestrian"),
    ]
    (entrance,) = plan.entrances
    assert (entrance.name, entrance.level, entrance.usable) == ("Front", "LG", True)
    assert entrance.line.length == pytest.approx(1.0, abs=0.002)
    assert check_plan(plan, "plan")[1:] == []  # the first: the entrance has no number
    assert len(plan_connectors(plan)) == 1
    assert all(reach.reachable for reach in reach_of(plan))


def test_axes_run_along_the_walls_and_nothing_lies_left_or_below_of_the_origin() -> None:
    site = imported()

    assert turned(site.anchor.x_axis_bearing_deg) == pytest.approx(0.0, abs=0.01)
    left, bottom, right, top = shapely.union_all(
        [level.outline for level in site.plan.levels]
    ).bounds
    assert (left, bottom) == pytest.approx((0.0, 0.0), abs=0.002)
    assert (right, top) == pytest.approx((12.0, 6.0), abs=0.002)


def test_what_was_assumed_is_told() -> None:
    notes = " | ".join(imported().notes)

    assert "LG: 1 walled-in parts without a door (3 m2 together) are taken as shafts" in notes
    assert "every storey is taken to be 3 m" in notes


def test_doors_to_the_outside_on_upper_floors_are_kept_but_not_usable() -> None:
    house = DrawnHouse()
    house.floors["1.geojson"][-2:-2] = [drawn("door", 150, (0, 2, 0.2, 3), "Balcony")]

    site = imported(house)

    assert [(e.name, e.usable) for e in site.plan.entrances] == [
        ("Front", True),
        ("Balcony", False),
    ]
    assert any("1 doors to the outside lie on other levels than LG" in n for n in site.notes)


def test_cracks_between_pieces_of_wall_are_no_ways() -> None:
    house = DrawnHouse()
    wall = house.floors["g.geojson"][4]  # between hall and stairs, below the door
    whole = drawn("wall", 4, (8, 0, 8.2, 1.5))
    wall["geometry"] = whole["geometry"]
    house.floors["g.geojson"].append(drawn("wall", 60, (8, 1.55, 8.2, 3)))

    plan = imported(house).plan

    assert [o.level for o in plan.openings] == ["LG", "L1"]


def test_rooms_without_a_wall_between_are_joined_by_an_open_way() -> None:
    house = DrawnHouse()
    house.floors["g.geojson"].append(drawn("room", 70, (0.2, 3.5, 4, 5.8), "Corner"))

    plan = imported(house).plan

    (way,) = [o for o in plan.openings if o.category == "open"]
    assert way.line.length == pytest.approx(3.8 + 2.3, abs=0.01)
    assert "Corner" in {space.name for space in plan.spaces}
    assert check_plan(plan, "plan")[1:] == []


def test_inaccessible_space_is_a_room_only_where_a_door_leads_to_it() -> None:
    house = DrawnHouse()
    house.floors["g.geojson"].append(drawn("inaccessible_space", 80, (6.2, 0.2, 8, 1.8), "Riser"))
    shut = imported(house)
    house.floors["g.geojson"].append(drawn("door", 81, (6, 0.5, 6.2, 1.5)))
    opened = imported(house)

    assert "Riser" not in {space.name for space in shut.plan.spaces}
    (riser,) = [space for space in opened.plan.spaces if space.name == "Riser"]
    assert riser.category == "nonpublic"
    assert all(reach.reachable for reach in reach_of(opened.plan))


def test_an_outline_without_walls_is_one_space() -> None:
    house = DrawnHouse()
    house.main["levels"].pop()
    house.floors = {"g.geojson": house.floors["g.geojson"][:1]}

    plan = imported(house).plan

    assert [space.polygon.area for space in plan.spaces] == [pytest.approx(72.0, abs=0.01)]


def spoil_geometry(house: DrawnHouse) -> None:
    house.floors["g.geojson"][3]["geometry"] = {"type": "Polygon", "coordinates": [[1, 2]]}


def spoil_kind(house: DrawnHouse) -> None:
    house.floors["g.geojson"][3]["geometry"] = {"type": "Point", "coordinates": [0, 0]}


def spoil_metres(house: DrawnHouse) -> None:
    shape = house.floors["g.geojson"][3]["geometry"]
    shape["coordinates"] = [[[500.0, 3.0], [501.0, 3.0], [501.0, 4.0], [500.0, 3.0]]]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda h: h.main.pop("name"), "main.json: name: field required"),
        (lambda h: h.main["levels"][0].update(filename="x.geojson"), "x.geojson: is missing; the"),
        (lambda h: h.main.update(entrance_level=7), "entrance_level: is 7, but levels has 2"),
        (lambda h: h.main["levels"][0].update(id="h-1"), "levels: the id 'h-1' is used twice"),
        (lambda h: h.floors["g.geojson"].pop(0), "g.geojson: needs one feature of type building_o"),
        (lambda h: h.floors["g.geojson"][2].pop("geometry"), "features[2]: geometry: field req"),
        (spoil_kind, "g.geojson: feature '4': geometry: is a Point; the format has polygons"),
        (spoil_geometry, "g.geojson: feature '4': geometry: is no list of rings of positions"),
        (spoil_metres, "has positions that are no longitude and latitude"),
    ],
)
def test_what_is_wrong_is_named(spoil: Callable[[DrawnHouse], Any], said: str) -> None:
    house = DrawnHouse()
    spoil(house)

    with pytest.raises(PlanSourceError) as error:
        imported(house)

    assert said in str(error.value)


@pytest.fixture
def westport() -> dict[str, bytes]:
    data = Path(os.environ.get("LASTSEEN_DATA", Path(__file__).parents[3] / "shared" / "data"))
    folder = data / WESTPORT
    if not folder.is_dir():
        pytest.skip(f"the data set is not in {folder}")
    return dict(read_archive(folder))


@pytest.mark.data
def test_a_real_house_of_seven_floors(westport: dict[str, bytes]) -> None:
    site = import_indoor_map(westport, storey_m=3.5)
    plan = site.plan
    reach = reach_of(plan)
    names = {space.name for space in plan.spaces}

    assert [problem for problem in check_plan(plan, "") if problem.severity == "error"] == []
    assert len(plan.levels) == 7
    doors = sum(
        feature["properties"]["type"] == "door"
        for name, content in westport.items()
        if name.endswith(".geojson") and "paths" not in name
        for feature in json.loads(content)["features"]
    )
    drawn_doors = [o for o in plan.openings if "-door-" in o.id]
    assert len(drawn_doors) + len(plan.entrances) == doors == 333
    assert {"Kitchen", "Server room", "Unit 4", "Meeting Room Large", "Stairs A"} <= names
    (main,) = [e for e in plan.entrances if e.id == site.main_entrance]
    assert main.name == "Bash st entrance"
    # eight balconies of the third floor are drawn without a door
    assert [r.space.level for r in reach if not r.reachable] == ["L3"] * 8
    assert len(reach) == 358
