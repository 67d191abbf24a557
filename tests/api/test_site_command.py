from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.commands.site import app
from api.errors import ReportError
from tests.api.replayed import AGREEMENT, write_site
from tests.calibration.small_site import SmallSite, box, feature

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


def test_warnings_end_with_status_0(tmp_path: Path) -> None:
    site = SmallSite()
    site.feature("d2")["properties"].pop("door_number")
    site.add(feature("cell", "unit", box(16, 0, 20, 3), category="storage", name="Cell"))
    folder = site.write(tmp_path)

    code, found = as_json(folder)
    table = run(folder)

    assert code == table.exit_code == 0
    assert {(p["severity"], p["field"]) for p in found["problems"]} == {
        ("warning", "feature 'd2'.properties.door_number"),
        ("warning", "feature 'cell'"),
    }
    assert "no way leads to Cell from any usable entrance" in table.stdout
    assert "0 errors, 2 warnings" in table.stdout


def test_a_level_without_a_door_is_told_once(tmp_path: Path) -> None:
    site = SmallSite()
    site.site["levels"].append({"id": "L2", "name": "Upper", "ordinal": 1, "elevation_m": 3.5})
    upper = feature("upper", "unit", box(0, 0, 10, 6), category="room")
    upper["properties"]["level_id"] = "L2"
    site.add(upper)

    _, found = as_json(site.write(tmp_path))

    assert [(p["severity"], p["field"]) for p in found["problems"]] == [("warning", "level 'L2'")]


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
        assert (b"<!doctype html>" in content) is (target.suffix == ".html")


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
