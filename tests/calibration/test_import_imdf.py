"""IMDF archives come in, whatever their doors look like, and sites go out and come back."""

from __future__ import annotations

import copy
import json
import re
import uuid
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from calibration.export_imdf import PostalAddress, imdf_files
from calibration.geodesy import Anchor, SiteFrame
from calibration.import_imdf import import_imdf
from calibration.imported_plan import PlanSourceError
from calibration.plan_archive import read_archive
from calibration.plan_rules import check_plan
from calibration.plan_writing import plan_text, site_table
from calibration.reachability import reach_of
from calibration.site import Site, load_site

from .three_storeys import three_storeys

if TYPE_CHECKING:
    from collections.abc import Callable

    from calibration.floor_plan import FloorPlan
    from calibration.imported_plan import ImportedSite

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WING = Path(__file__).resolve().parents[2] / "benchmarks" / "drills" / "wing"
FRAME = SiteFrame(Anchor(-85.52, 39.05, 71.0))


def site_of(plan: FloorPlan, folder: Path, anchor: Anchor = FRAME.anchor) -> Site:
    """The plan as a site that was written and read."""
    folder.mkdir(parents=True, exist_ok=True)
    table = site_table("Test School", "12 School Road, Springfield", anchor, plan, "plan.geojson")
    (folder / "site.toml").write_text(tomli_w.dumps(table))
    (folder / "plan.geojson").write_text(plan_text(plan))
    return load_site(folder)


def archive_of(site: Site) -> dict[str, bytes]:
    return imdf_files(site, PostalAddress(), NOW, "test")


def back(files: dict[str, bytes]) -> ImportedSite:
    return import_imdf(files, storey_m=3.5, archive=True)


def foreign(files: dict[str, bytes]) -> dict[str, bytes]:
    """The archive as another program would have written it: without this project's extension."""
    others = {}
    for name, content in files.items():
        table = json.loads(content)
        table["extensions"] = None
        for feature in table.get("features", []):
            feature["properties"].pop("lastseen", None)
        others[name] = json.dumps(table).encode()
    return others


def assert_same(plan: FloorPlan, other: FloorPlan, within_m: float = 0.001) -> None:
    """Every feature is there, says the same and lies within a millimetre."""
    for kind in ("levels", "spaces", "openings", "entrances", "fixtures", "interior_walls"):
        ours = {item.id: item for item in getattr(plan, kind)}
        theirs = {item.id: item for item in getattr(other, kind)}
        assert list(ours) == list(theirs)
        for item_id, item in ours.items():
            for name in item.__slots__:
                one, two = getattr(item, name), getattr(theirs[item_id], name)
                if isinstance(one, BaseGeometry):
                    assert one.is_empty is two.is_empty
                    if not one.is_empty:
                        assert shapely.hausdorff_distance(one, two) < within_m
                else:
                    assert one == two, (item_id, name)


def test_the_wing_goes_out_and_comes_back() -> None:
    site = load_site(WING)

    found = back(archive_of(site))

    assert_same(site.plan, found.plan)
    assert (found.name, found.address, found.anchor) == (site.name, site.address, site.anchor)
    assert found.notes == ()


def test_three_storeys_go_out_and_come_back(tmp_path: Path) -> None:
    site = site_of(three_storeys(), tmp_path)

    found = back(archive_of(site))

    assert_same(site.plan, found.plan)
    assert found.notes == ()


@settings(max_examples=25, deadline=None)
@given(
    longitude_deg=st.floats(-179.0, 179.0),
    latitude_deg=st.floats(-75.0, 75.0),
    bearing_deg=st.floats(-180.0, 180.0),
)
def test_wherever_a_site_stands_it_comes_back_within_a_millimetre(
    tmp_path_factory: pytest.TempPathFactory,
    longitude_deg: float,
    latitude_deg: float,
    bearing_deg: float,
) -> None:
    folder = tmp_path_factory.mktemp("site")
    anchor = Anchor(longitude_deg, latitude_deg, bearing_deg)
    site = site_of(three_storeys(1), folder, anchor)

    assert_same(site.plan, back(archive_of(site)).plan)


def test_the_archive_is_what_imdf_asks_for(tmp_path: Path) -> None:
    site = site_of(three_storeys(), tmp_path)
    files = {name: json.loads(content) for name, content in archive_of(site).items()}
    manifest = files.pop("manifest.json")

    assert manifest["version"] == "1.0.0"
    assert manifest["created"] == "2026-03-02T09:00:00+00:00"
    assert manifest["language"] == "en"
    assert all(re.fullmatch(r"imdf:extension:[\w-]+:[\w-]+#.+", e) for e in manifest["extensions"])
    ids: dict[str, str] = {}
    for name, collection in files.items():
        assert collection["type"] == "FeatureCollection"
        for feature in collection["features"]:
            assert feature["type"] == "Feature"
            assert f"{feature['feature_type']}.geojson" == name
            assert str(uuid.UUID(feature["id"])) == feature["id"]
            assert feature["id"] not in ids
            ids[feature["id"]] = feature["feature_type"]
    assert {"address", "venue", "building", "footprint", "level", "unit", "opening"} <= set(
        ids.values()
    )
    references = {"address_id": "address", "level_id": "level", "anchor_id": "anchor"}
    for collection in files.values():
        for feature in collection["features"]:
            for key, kind in references.items():
                value = feature["properties"].get(key)
                assert value is None or ids[value] == kind
            for building in feature["properties"].get("building_ids", []):
                assert ids[building] == "building"
            for key in ("origin", "destination"):
                if key in feature["properties"]:
                    reference = feature["properties"][key]
                    assert ids[reference["id"]] == reference["feature_type"] == "unit"
    west, east = (
        next(f for f in files["opening.geojson"]["features"] if f["properties"]["name"] == name)
        for name in ({"en": "West"}, {"en": "East"})
    )
    assert west["properties"]["alt_name"] == {"en": "Door 1"}
    assert west["properties"]["access_control"] is None
    assert east["properties"]["access_control"] == ["outofservice"]
    # two stairs and a lift over three storeys; the lift goes from each floor to each
    assert len(files["relationship.geojson"]["features"]) == 2 * 2 + 3


def test_the_same_site_gives_the_same_archive(tmp_path: Path) -> None:
    site = site_of(three_storeys(), tmp_path)

    assert archive_of(site) == archive_of(site)


def test_an_archive_of_another_program_gives_the_same_plan(tmp_path: Path) -> None:
    site = site_of(three_storeys(), tmp_path)

    found = back(foreign(archive_of(site)))

    assert found.name == "Test School"
    assert [level.id for level in found.plan.levels] == ["L0", "L1", "L2"]
    assert [level.elevation_m for level in found.plan.levels] == [0.0, 3.5, 7.0]
    assert [e.label for e in found.plan.entrances] == ["Door 1 (West)", "Door 2 (East)"]
    assert [e.usable for e in found.plan.entrances] == [True, False]
    assert [o.locked for o in found.plan.openings].count(True) == 3
    assert {s.name for s in found.plan.spaces} == {s.name for s in site.plan.spaces}
    areas = [[s.polygon.area for s in plan.spaces] for plan in (site.plan, found.plan)]
    assert areas[1] == pytest.approx(areas[0], abs=0.01)
    assert check_plan(found.plan, "") == []
    assert all(reach.reachable for reach in reach_of(found.plan))
    # the walls run along the axes again, and the origin is the lower left corner
    left, bottom, right, top = found.plan.footprint("L0").bounds
    assert (left, bottom) == pytest.approx((0, 0), abs=0.002)
    assert sorted((right, top)) == pytest.approx([20, 40], abs=0.002)


class Archive:
    """A hand-made archive of two rooms, in metres on a plane; to be spoilt."""

    def __init__(self) -> None:
        self.manifest: dict[str, Any] = {"version": "1.0.0", "language": "de-DE"}
        self.features: dict[str, dict[str, Any]] = {}
        self.add("venue", "v", None, name={"de-DE": "Schule", "en": "School"}, address_id="a")
        self.add("address", "a", None, address="Am Markt 1", locality="Jena", country="DE")
        self.add("level", "g", self.box(0, 0, 12, 6), ordinal=0, short_name={"de-DE": "EG"},
                 name={"de-DE": "Erdgeschoss"})  # fmt: skip
        self.add("unit", "hall", self.box(0, 0, 8, 6), category="lobby", level_id="g",
                 name={"de-DE": "Halle"})  # fmt: skip
        self.add("unit", "room", self.box(8.3, 0, 12, 6), category="classroom", level_id="g")
        self.add("anchor", "spot", {"type": "Point", "coordinates": [0, 0]}, unit_id="room")
        self.add("occupant", "who", None, anchor_id="spot", name={"de-DE": "Klasse 5b"})
        self.way("inside", (8.1, 2), (8.1, 3))
        self.way("front", (0, 2), (0, 3), category="pedestrian.principal", alt_name={"en": "Tor 7"},
                 door_number=7)  # fmt: skip

    @staticmethod
    def box(left: float, bottom: float, right: float, top: float) -> dict[str, Any]:
        corners = [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)]
        ring = FRAME.to_wgs84(np.array(corners, dtype=np.float64)).tolist()
        return {"type": "Polygon", "coordinates": [ring]}

    def add(self, kind: str, own_id: str, geometry: Any, **properties: Any) -> None:
        self.features[own_id] = {
            "type": "Feature", "id": own_id, "feature_type": kind, "geometry": geometry,
            "properties": properties,
        }  # fmt: skip

    def way(self, own_id: str, *points: tuple[float, float], **properties: Any) -> None:
        line = FRAME.to_wgs84(np.array(points, dtype=np.float64)).tolist()
        self.add("opening", own_id, {"type": "LineString", "coordinates": line},
                 **{"category": "pedestrian", "level_id": "g", **properties})  # fmt: skip

    def files(self) -> dict[str, bytes]:
        kinds: dict[str, list[Any]] = {}
        for feature in self.features.values():
            kinds.setdefault(str(feature["feature_type"]), []).append(feature)
        return {
            "manifest.json": json.dumps(self.manifest).encode(),
            **{
                f"{kind}.geojson": json.dumps({"features": listed}).encode()
                for kind, listed in kinds.items()
            },
        }


def test_doors_in_the_middle_of_a_wall_are_opened_to_both_sides() -> None:
    found = back(Archive().files())
    plan = found.plan

    assert (found.name, found.address) == ("Schule", "Am Markt 1, Jena")
    assert [(level.id, level.name) for level in plan.levels] == [("LEG", "Erdgeschoss")]
    assert [space.name for space in plan.spaces] == ["Halle", "Klasse 5b"]
    (opening,) = plan.openings
    assert opening.line.length == pytest.approx(1.0, abs=0.01)
    assert plan.space("room").polygon.area == pytest.approx(3.7 * 6 + 0.3 * 1.0, abs=0.01)
    assert plan.space("hall").polygon.area == pytest.approx(48.0, abs=0.01)
    (entrance,) = plan.entrances
    assert (entrance.door_number, entrance.usable) == ("7", True)
    assert found.main_entrance == "front"
    assert check_plan(plan, "") == []
    assert all(reach.reachable for reach in reach_of(plan))
    assert "LEG: 1 openings lay beside the edges of units" in " ".join(found.notes)


@pytest.mark.parametrize(
    ("points", "joins"),
    [
        pytest.param([(8.0, 2), (8.0, 3)], 2, id="on one edge, the wall left out"),
        pytest.param([(8.3, 2), (8.3, 3)], 2, id="on the other edge"),
        pytest.param([(7.9, 2), (7.9, 3)], 2, id="a hand inside the hall"),
        pytest.param([(8.15, 3), (8.15, 2)], 2, id="backwards"),
        pytest.param([(0.2, 4), (0.2, 5)], 1, id="outer door, inside the room"),
        pytest.param([(-0.3, 4), (-0.3, 5)], 1, id="outer door, outside"),
        pytest.param([(4, 2), (4, 3)], 0, id="in the middle of a room"),
        pytest.param([(30, 2), (30, 3)], 0, id="far away"),
    ],
)
def test_where_doors_are_drawn(points: list[tuple[float, float]], joins: int) -> None:
    archive = Archive()
    archive.features.pop("inside")
    archive.way("door", *points)

    found = back(archive.files())
    openings = [o.id for o in found.plan.openings]
    entrances = [e.id for e in found.plan.entrances]

    assert openings == (["door"] if joins == 2 else [])
    assert entrances == (["front", "door"] if joins == 1 else ["front"])
    assert ("1 openings join nothing and are not used: door" in " ".join(found.notes)) is (
        joins == 0
    )
    assert [p for p in check_plan(found.plan, "") if p.severity == "error"] == []


def test_walls_that_are_units_are_opened() -> None:
    archive = Archive()
    archive.add("unit", "wall", Archive.box(8, 0, 8.3, 6), category="structure", level_id="g")
    archive.add("unit", "outer", Archive.box(-0.4, 0, 0, 6), category="brick", level_id="g")
    archive.features["level"] = archive.features.pop("g")
    archive.features["level"]["id"] = "g"

    plan = back(archive.files()).plan

    assert check_plan(plan, "") == []
    assert all(reach.reachable for reach in reach_of(plan))
    assert plan.entrances[0].line.distance(shapely.Point(0, 2.5)) < 0.01
    assert plan.space("wall").polygon.area < 0.3 * 6


def test_units_over_each_other_are_cut_back() -> None:
    archive = Archive()
    archive.add("unit", "booth", Archive.box(2, 2, 4, 4), category="office", level_id="g")

    found = back(archive.files())

    assert check_plan(found.plan, "") == []
    assert found.plan.space("hall").polygon.area == pytest.approx(44.0, abs=0.01)
    assert "1 units lay over others and were cut back: hall" in found.notes


def test_corridors_go_over_into_each_other() -> None:
    archive = Archive()
    archive.features["room"]["geometry"] = Archive.box(8, 0, 12, 6)
    archive.features["room"]["properties"]["category"] = "walkway"
    archive.features.pop("inside")

    plan = back(archive.files()).plan

    (way,) = plan.openings
    assert way.category == "open"
    assert way.line.length == pytest.approx(6.0, abs=0.01)


def test_what_is_not_used_is_counted() -> None:
    archive = Archive()
    archive.add("amenity", "tap", {"type": "Point", "coordinates": [0, 0]}, category="phone")
    archive.add("level", "roof", Archive.box(0, 0, 1, 1), ordinal=1)
    archive.add("detail", "line", None, level_id="g")

    notes = " ".join(back(archive.files()).notes)

    assert "1 features of type 'amenity' are not used" in notes
    assert "1 levels have no unit and are left out: roof" in notes
    assert "1 features of type 'detail' are not used" in notes


def test_stairs_that_lie_apart_are_joined_by_a_relationship() -> None:
    archive = Archive()
    archive.add("level", "one", Archive.box(0, 0, 12, 6), ordinal=1, short_name={"en": "1"})
    archive.add("unit", "up", Archive.box(0, 0, 4, 6), category="stairs", level_id="one")
    archive.features["room"]["properties"]["category"] = "stairs"
    archive.add("relationship", "r", None, category="stairs", direction="undirected",
                origin={"id": "room", "feature_type": "unit"},
                destination={"id": "up", "feature_type": "unit"})  # fmt: skip

    plan = back(archive.files()).plan

    assert plan.space("room").connects == ("up",)
    assert all(reach.reachable for reach in reach_of(plan))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ({"alt_name": {"en": "Door 12"}}, "12"),
        ({"name": {"en": "Entrance B"}}, "B"),
        ({"name": {"en": "4A"}}, "4A"),
        ({"name": "Exit 9"}, "9"),
        ({"ref": "N-3"}, "N-3"),
        ({"name": {"en": "Door to the garden"}}, ""),
        ({"name": {"en": "North"}}, ""),
        ({}, ""),
    ],
)
def test_door_numbers_are_found(text: dict[str, Any], number: str) -> None:
    archive = Archive()
    archive.features["front"]["properties"].pop("door_number")
    archive.features["front"]["properties"].pop("alt_name")
    archive.features["front"]["properties"].update(text)

    (entrance,) = back(archive.files()).plan.entrances

    assert entrance.door_number == number


def spoilt(archive: Archive, own_id: str, **properties: Any) -> None:
    archive.features[own_id]["properties"].update(properties)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda a: a.manifest.update(version="2.0.0"), "version: is '2.0.0'; this reads IMDF 1.0"),
        (lambda a: a.manifest.clear(), "manifest.json: version: is missing"),
        (
            lambda a: spoilt(a, "room", level_id="x"),
            "unit.geojson: unit 'room': properties.level_i",
        ),
        (lambda a: spoilt(a, "g", ordinal="0"), "level 'g': properties.ordinal: is '0'; it must b"),
        (
            lambda a: spoilt(a, "room", category=None),
            "unit 'room': properties.category: is missing",
        ),
        (lambda a: a.features["hall"].update(geometry=None), "unit 'hall': geometry: is None; it"),
        (lambda a: a.features["hall"].update(id="room"), "the id is also that of unit.geojson"),
        (lambda a: a.features["hall"].pop("id"), "unit.geojson: features[0].id: is missing"),
        (
            lambda a: a.features["hall"]["geometry"].update(
                coordinates=[[[500, 1], [501, 1], [5, 2]]]
            ),
            "unit 'hall': geometry.coordinates:",
        ),
        (lambda a: [a.features.pop(i) for i in ("hall", "room")], "no feature of type unit"),
    ],
)
def test_what_is_wrong_is_named(spoil: Callable[[Archive], Any], said: str) -> None:
    archive = Archive()
    spoil(archive)

    with pytest.raises(PlanSourceError) as error:
        back(archive.files())

    assert said in str(error.value)


def test_geojson_in_the_manner_of_imdf_needs_no_manifest() -> None:
    archive = Archive()
    features = list(copy.deepcopy(archive.features).values())
    files = {"plan.geojson": json.dumps({"features": features}).encode()}

    found = import_imdf(files, storey_m=3.0, archive=False)

    assert len(found.plan.spaces) == 2
    assert found.plan.entrances[0].door_number == "7"


def test_a_plan_without_corridors_and_doors() -> None:
    ring = [[-85.5, 39.0], [-85.4999, 39.0], [-85.4999, 39.0001], [-85.5, 39.0]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    features = [
        {"type": "Feature", "id": "L1", "feature_type": "level", "geometry": shape,
         "properties": {"ordinal": 0}},
        {"type": "Feature", "id": "r1", "feature_type": "unit", "geometry": shape,
         "properties": {"level_id": "L1", "category": "room"}},
    ]  # fmt: skip
    text = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    plan = import_imdf({"plan.geojson": text}, storey_m=3.5, archive=False).plan
    assert [space.id for space in plan.spaces] == ["r1"]
    assert plan.openings == ()


def test_a_plan_in_site_metres_is_not_read_as_degrees() -> None:
    header = {"schema": 1, "coordinates": "site-metres"}
    files = {"floor_plan.geojson": json.dumps({"lastseen": header, "features": []}).encode()}

    with pytest.raises(PlanSourceError, match="this is a plan of a site folder already"):
        import_imdf(files, storey_m=3.0, archive=False)


def test_archives_are_read_from_folders_and_zips(tmp_path: Path) -> None:
    files = Archive().files()
    folder = tmp_path / "imdf"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "readme.txt").write_text("not read")
    with zipfile.ZipFile(tmp_path / "imdf.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(f"venue/{name}", content)
        archive.writestr("__MACOSX/venue/._unit.geojson", b"\0")

    assert read_archive(folder) == read_archive(tmp_path / "imdf.zip") == files


def test_archives_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    (tmp_path / "empty").mkdir()
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("unit.geojson", b"0" * (257 * 2**20))
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive:
        archive.writestr("a/unit.geojson", b"{}")
        archive.writestr("b/unit.geojson", b"{}")

    for name, said in (
        ("nowhere", "is not there"),
        ("bad.zip", "is no zip archive"),
        ("empty", "holds no .json and no .geojson file"),
        ("bomb.zip", "holds 257 MiB; a plan has 256 at most"),
        ("twice.zip", "holds unit.geojson twice"),
    ):
        with pytest.raises(PlanSourceError, match=re.escape(said)):
            read_archive(tmp_path / name)
