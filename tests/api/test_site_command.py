from __future__ import annotations

import base64
import json
import re
import struct
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from PIL import Image
from typer.testing import CliRunner

from api.commands.site import app
from api.errors import ReportError
from calibration.geodesy import Anchor
from calibration.plan_writing import plan_text, site_table
from tests.api.agreed import AGREEMENT
from tests.api.replayed import write_site
from tests.calibration.small_site import SmallSite, box, feature
from tests.calibration.three_storeys import three_storeys

WING = Path(__file__).resolve().parents[2] / "benchmarks" / "drills" / "wing"


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(
        app, ["check", *(str(a) for a in arguments)], env={"COLUMNS": "200", "TERM": "dumb"}
    )


def as_json(folder: Path) -> tuple[int, dict[str, Any]]:
    result = run(folder, "--json")
    return result.exit_code, json.loads(result.stdout)


def test_a_sound_site(tmp_path: Path) -> None:
    code, found = as_json(SmallSite().write(tmp_path))

    assert code == 0
    assert found["ok"] is True
    assert found["problems"] == []
    (camera,) = found["cameras"]
    assert (camera["id"], camera["calibrated_by"], camera["floor_error_m"]) == (
        "cam-01",
        "pose",
        0.05,
    )
    (level,) = found["levels"]
    assert level["watched_m2"] == camera["watched_m2"] > 10
    assert level["watched"] == pytest.approx(level["watched_m2"] / level["walkable_m2"], abs=1e-3)
    assert [space["reachable"] for space in found["spaces"]] == [True, True]
    assert [entrance["door_number"] for entrance in found["entrances"]] == ["1", "2"]


def test_errors_end_with_status_1_and_are_all_listed(tmp_path: Path) -> None:
    site = SmallSite()
    site.feature("room")["geometry"]["coordinates"][0].pop()
    site.cameras["cam-01"].pop("pose")
    folder = site.write(tmp_path)

    code, found = as_json(folder)
    table = run(folder)

    assert code == table.exit_code == 1
    assert found["ok"] is False
    assert [problem["file"] for problem in found["problems"]] == [
        "floor_plan.geojson",
        "cameras/cam-01.toml",
    ]
    assert "is not closed" in table.stdout
    assert "add [pose], [homography]" in table.stdout
    assert "2 errors, 0 warnings" in table.stdout
    assert "secret-word" not in table.stdout + json.dumps(found)


def test_warnings_end_with_status_0_or_are_strict(tmp_path: Path) -> None:
    site = SmallSite()
    site.feature("d2")["properties"].pop("door_number")
    folder = site.write(tmp_path)

    code, found = as_json(folder)
    table = run(folder)

    assert code == table.exit_code == 0
    assert [(p["severity"], p["field"]) for p in found["problems"]] == [
        ("warning", "feature 'd2'.properties.door_number")
    ]
    assert "0 errors, 1 warning." in table.stdout
    assert "1 of 2 usable entrances numbered" in table.stdout
    assert run(folder, "--strict").exit_code == 1


def test_a_room_without_a_way_is_an_error(tmp_path: Path) -> None:
    site = SmallSite()
    site.add(feature("cell", "unit", box(16, 0, 20, 3), category="storage", name="Cell"))
    folder = site.write(tmp_path)

    code, found = as_json(folder)

    assert code == 1
    assert found["ok"] is False
    (problem,) = found["problems"]
    assert (problem["severity"], problem["field"]) == ("error", "feature 'cell'")
    assert "no way leads to Cell (Ground floor, about (18.0, 1.5))" in problem["message"]
    assert "2 of 3 spaces reached" in run(folder).stdout


def test_a_door_that_nobody_uses_needs_no_number(tmp_path: Path) -> None:
    site = SmallSite()
    site.feature("d2")["properties"].pop("door_number")
    site.feature("d2")["properties"]["usable"] = False

    code, found = as_json(site.write(tmp_path))

    assert code == 0
    assert found["problems"] == []


def test_without_a_usable_entrance_there_is_one_error(tmp_path: Path) -> None:
    site = SmallSite()
    site.feature("d1")["properties"]["usable"] = False
    site.feature("d2")["properties"]["usable"] = False

    code, found = as_json(site.write(tmp_path))

    assert code == 1
    assert [p["message"] for p in found["problems"]] == [
        "no entrance is usable, so no way leads into the building"
    ]


def test_furniture_that_closes_off_a_part_of_a_room_is_told(tmp_path: Path) -> None:
    site = SmallSite()
    site.feature("desk")["geometry"] = box(13, 0, 14, 6)
    site.plan["features"].remove(site.feature("d2"))

    code, found = as_json(site.write(tmp_path))

    assert code == 0
    (problem,) = found["problems"]
    assert problem["severity"] == "warning"
    assert "no way leads to 12 m2 of Room 1" in problem["message"]


def test_stairs_lead_to_the_next_level(tmp_path: Path) -> None:
    folder = tmp_path / "school"
    folder.mkdir()
    plan = three_storeys()
    table = site_table("School", "", Anchor(0.0, 50.0, 90.0), plan, "plan.geojson")
    (folder / "site.toml").write_text(tomli_w.dumps(table))
    (folder / "plan.geojson").write_text(plan_text(plan))

    code, found = as_json(folder)

    assert code == 0
    assert [level["reachable"] for level in found["levels"]] == [9, 9, 9]
    assert {(way["kind"], way["name"]) for way in found["connectors"]} == {
        ("stairs", "West stairs"),
        ("stairs", "East stairs"),
        ("lift", "Lift"),
    }
    assert run(folder, "--html", tmp_path / "school.html").exit_code == 0
    page = (tmp_path / "school.html").read_text()
    assert page.count("<svg") == 3
    assert "Ways between floors" in page


def test_a_level_without_a_door_is_told_once(tmp_path: Path) -> None:
    site = SmallSite()
    site.site["levels"].append({"id": "L2", "name": "Upper", "ordinal": 1, "elevation_m": 3.5})
    upper = feature("upper", "unit", box(0, 0, 10, 6), category="room")
    upper["properties"]["level_id"] = "L2"
    site.add(upper)

    _, found = as_json(site.write(tmp_path))

    assert [(p["severity"], p["field"]) for p in found["problems"]] == [("error", "level 'L2'")]


def test_table_of_the_built_in_site() -> None:
    result = run(WING)

    assert result.exit_code == 0
    assert "0 errors, 0 warnings" in result.stdout
    assert "North corridor" in result.stdout
    assert "cam-06" in result.stdout


@pytest.mark.parametrize("name", ["map.png", "new/map.svg", "map.html"])
def test_map_is_drawn(tmp_path: Path, name: str) -> None:
    folder = SmallSite().write(tmp_path / "site")
    target = tmp_path / name

    result = run(folder, "--map", target)

    assert result.exit_code == 0
    content = target.read_bytes()
    if target.suffix == ".png":
        assert content.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", content[16:24])
        assert width == 1650
        assert height > 400
    else:
        assert b"<svg" in content
        assert (b"<!DOCTYPE html>" in content) is (target.suffix == ".html")


def test_the_page_is_one_file_without_scripts_or_links_out(tmp_path: Path) -> None:
    site = SmallSite()
    site.site["name"] = "School <script>alert(1)</script>"
    folder = site.write(tmp_path / "site")

    result = run(folder, "--html", tmp_path / "page.html", "--png", tmp_path / "page.png")

    assert result.exit_code == 0
    page = (tmp_path / "page.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert re.findall(r"(?:src|href)=\"(?!#)[^\"]*\"", page) == []
    assert "prefers-color-scheme: dark" in page
    assert "±0.05" in page
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["plan.png", "plan.svg"])
def test_the_underlay_lies_under_the_plan(tmp_path: Path, name: str) -> None:
    site = SmallSite()
    site.site["underlays"] = [{"level": "L1", "file": name, "metres_per_pixel": 0.05}]
    folder = site.write(tmp_path / "site")
    if name.endswith(".png"):
        Image.new("RGB", (320, 120), (200, 30, 30)).save(folder / name)
    else:
        (folder / name).write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 120">'
            '<script>alert(1)</script><rect width="320" height="120" fill="#c81e1e"/></svg>'
        )

    assert run(folder, "--html", tmp_path / "page.html").exit_code == 0
    drawn = run(folder, "--map", tmp_path / "map.png")
    assert drawn.exit_code == 0
    assert ("a .png cannot show plan.svg" in drawn.stderr) is name.endswith(".svg")

    page = (tmp_path / "page.html").read_text()
    kind = "png" if name.endswith(".png") else "svg+xml"
    pictures = re.findall(rf"data:image/{re.escape(kind)};base64,([A-Za-z0-9+/=\s]+)", page)
    assert len(pictures) == 1
    if kind == "svg+xml":
        assert b"alert" not in base64.b64decode(pictures[0])


def test_map_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    result = run(SmallSite().write(tmp_path), "--map", tmp_path / "map.bmp")

    assert isinstance(result.exception, ReportError)
    assert "a map ends in .png, .svg, .html, not .bmp" in str(result.exception)


def test_map_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    result = run(SmallSite().write(tmp_path / "site"), "--map", tmp_path / "file" / "map.png")

    assert isinstance(result.exception, ReportError)
    assert "the map cannot be written" in str(result.exception)


def test_no_such_folder(tmp_path: Path) -> None:
    code, found = as_json(tmp_path / "nowhere")

    assert code == 1
    assert "is no folder" in found["problems"][0]["message"]


def test_help_shows_how() -> None:
    result = run("--help")

    assert result.exit_code == 0
    assert "lastseen site check my-school --map out/my-school.png" in result.stdout


@pytest.mark.parametrize(
    ("agreement", "said"),
    [
        (None, "agreement.toml"),
        ("schema = 1\n", "title"),
        (AGREEMENT, ""),
    ],
    ids=["missing", "broken", "sound"],
)
def test_the_agreement_is_checked_too(tmp_path: Path, agreement: str | None, said: str) -> None:
    folder = write_site(tmp_path / "small", agreement=AGREEMENT)
    if agreement is None:
        (folder / "agreement.toml").unlink()
    else:
        (folder / "agreement.toml").write_text(agreement)
    code, found = as_json(folder)
    errors = [problem for problem in found["problems"] if problem["severity"] == "error"]
    assert code == (1 if said else 0)
    assert [problem["field"] for problem in errors] == (["agreement"] if said else [])
    assert all(said in problem["message"] for problem in errors)
