"""Plans become site folders that load, or nothing at all; sites go out as IMDF and come back."""

from __future__ import annotations

import json
import os
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.commands.site import app
from api.errors import SiteWriteError
from calibration.errors import SiteError
from calibration.imported_plan import PlanSourceError
from calibration.site import load_site
from tests.calibration.drawn_house import DrawnHouse, drawn
from tests.calibration.small_site import SmallSite

WING = Path(__file__).resolve().parents[2] / "benchmarks" / "drills" / "wing"


def site(*arguments: str | Path) -> Any:
    return CliRunner().invoke(
        app, [str(a) for a in arguments], env={"COLUMNS": "200", "TERM": "dumb"}
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def house(tmp_path: Path) -> Path:
    return DrawnHouse().write(tmp_path / "house")


def test_a_folder_that_loads(house: Path, tmp_path: Path) -> None:
    result = site("import", house, tmp_path / "made", "--storey-height", "4", "--name", "My house")

    assert result.exit_code == 0, result.output
    assert (
        "My house; 2 levels, 4 spaces, 2 openings, 1 usable entrance; 4 of 4 walkable spaces "
        in result.stdout
    )
    assert names(tmp_path / "made") == ["floor_plan.geojson", "import-notes.txt", "site.toml"]
    loaded = load_site(tmp_path / "made")
    assert [level.elevation_m for level in loaded.levels] == [0.0, 4.0]
    assert "every storey is taken to be 4 m" in (tmp_path / "made" / "import-notes.txt").read_text()
    assert "every storey is taken to be 4 m" in result.stderr
    assert "has no door number" in result.stderr
    assert tomllib.loads((tmp_path / "made" / "site.toml").read_text())["name"] == "My house"
    assert names(tmp_path) == ["house", "made"]


def test_doors_are_numbered_clockwise_from_the_main_one(tmp_path: Path) -> None:
    house = DrawnHouse()
    house.floors["g.geojson"] += [
        drawn("door", 90, (5, 5.8, 6, 6), "North"),
        drawn("door", 91, (11.8, 2, 12, 3), "East"),
        drawn("door", 92, (3, 0, 4, 0.2), "South"),
    ]
    house.write(tmp_path / "house")

    result = site(
        "import", tmp_path / "house", tmp_path / "made", "--main-entrance", "North"
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    numbers = {e.name: e.door_number for e in load_site(tmp_path / "made").plan.entrances}
    assert numbers == {"North": "1", "East": "2", "South": "3", "Front": "4"}
    assert "4 entrances were numbered clockwise from 'North'; these are not the numbers on the" in (
        tmp_path / "made" / "import-notes.txt"
    ).read_text().replace("\n", " ")


def test_an_entrance_that_is_not_there(house: Path, tmp_path: Path) -> None:
    result = site("import", house, tmp_path / "made", "--main-entrance", "Nowhere")

    assert isinstance(result.exception, PlanSourceError)
    assert "no usable entrance is called 'Nowhere'; there are Front" in str(result.exception)
    assert names(tmp_path) == ["house"]


def test_zips_and_geojson(house: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "house.zip", "w") as archive:
        for path in house.iterdir():
            archive.write(path, f"house/{path.name}")

    assert site("import", tmp_path / "house.zip", tmp_path / "zipped").exit_code == 0
    plan = (tmp_path / "zipped" / "floor_plan.geojson").read_text()
    assert len(json.loads(plan)["features"]) > 5


def test_what_cannot_be_used_leaves_nothing(tmp_path: Path) -> None:
    house = DrawnHouse()
    house.floors["g.geojson"][3]["geometry"]["type"] = "Point"
    house.write(tmp_path / "house")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.json").write_text("{}")

    for source, options, said in (
        ("house", (), "g.geojson: feature '4': geometry: is a Point"),
        ("other", (), "x.json: features: is missing"),
        ("other", ("--format", "imdf"), "manifest.json: is missing"),
        ("nowhere", (), "is not there"),
    ):
        result = site("import", tmp_path / source, tmp_path / "made", *options)
        assert isinstance(result.exception, PlanSourceError)
        assert said in str(result.exception)
    assert names(tmp_path) == ["house", "other"]


def test_a_folder_in_use_is_left_alone(house: Path, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "mine.txt").write_text("mine")

    result = site("import", house, tmp_path / "made")

    assert isinstance(result.exception, SiteWriteError)
    assert "is not empty" in str(result.exception)
    assert names(tmp_path / "made") == ["mine.txt"]


def test_a_site_goes_out_and_comes_back(tmp_path: Path) -> None:
    out = site("export", WING, tmp_path / "new" / "wing.zip", "--locality", "Cedar Hollow")

    assert out.exit_code == 0, out.output
    assert "files of IMDF 1.0.0" in out.stdout
    assert names(tmp_path / "new") == ["wing.zip"]
    back = site("import", tmp_path / "new" / "wing.zip", tmp_path / "back")
    assert back.exit_code == 0, back.output
    one, two = load_site(WING), load_site(tmp_path / "back")
    assert [e.label for e in two.plan.entrances] == [e.label for e in one.plan.entrances]
    assert (two.name, two.anchor) == (one.name, one.anchor)


def test_what_is_no_site_or_no_zip_is_not_written(tmp_path: Path) -> None:
    spoilt = SmallSite()
    spoilt.site.pop("anchor")
    folder = spoilt.write(tmp_path / "site")
    good = SmallSite().write(tmp_path / "good")

    assert isinstance(site("export", folder, tmp_path / "a.zip").exception, SiteError)
    refused = site("export", good, tmp_path / "a.imdf").exception
    assert isinstance(refused, SiteWriteError)
    assert "an IMDF archive ends in .zip" in str(refused)
    blocked = site("export", good, tmp_path / "good" / "site.toml" / "a.zip").exception
    assert isinstance(blocked, SiteWriteError)
    assert not list(tmp_path.glob("a.*"))


@pytest.mark.data
def test_westport_house(tmp_path: Path) -> None:
    data = Path(os.environ.get("LASTSEEN_DATA", Path(__file__).parents[3] / "shared" / "data"))
    source = data / "floorplan-westport-house" / "examples"
    if not source.is_dir():
        pytest.skip(f"the data set is not in {source}")

    house = site("import", source / "westport-house", tmp_path / "house", "--number-doors")
    office = site("import", source / "cad-processing" / "floorplan", tmp_path / "office")
    checked = site("check", tmp_path / "house", "--json")

    assert "7 levels, 360 spaces" in house.stdout
    assert "17 usable entrances; 350 of 358 walkable spaces reached" in house.stdout
    assert "1 level, 1 space, 0 openings, 0 usable entrances" in office.stdout
    found = json.loads(checked.stdout)
    assert checked.exit_code == 1
    assert {p["field"] for p in found["problems"] if p["severity"] == "error"} == {
        f"feature 'L3-space-{n}'" for n in (9, 17, 32, 40, 104, 105, 108, 109)
    }
    usable = [e["door_number"] for e in found["entrances"] if e["usable"]]
    assert sorted(usable, key=int) == [str(n) for n in range(1, 18)]
