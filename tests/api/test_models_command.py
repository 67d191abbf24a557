"""`lastseen models`: what it prints, and the figures that a release must not fall below."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

import models
from api.commands.models import app
from api.model_figures import figures_of
from models.evaluation_sets import evaluation_pictures
from models.recipe import load_recipe
from models.registry import default_name, find_checkpoint

RECIPE = Path(models.__file__).parent / "recipes" / "person-firearm.toml"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def data_file(tmp_path: Path) -> Path:
    """Two grey pictures; a person is claimed to be in the first."""
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    for name in ("a", "b"):
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), np.full((90, 160, 3), 90, np.uint8))
    (tmp_path / "labels" / "a.txt").write_text("0 .5 .5 .2 .9\n", encoding="utf-8")
    path = tmp_path / "data.yaml"
    path.write_text("val: images\nnames: [person, firearm]\n", encoding="utf-8")
    return path


def test_the_list_names_the_default_and_its_checksum() -> None:
    [shown] = [row for row in json.loads(run("list", "--json").stdout) if row["default"]]
    checkpoint = find_checkpoint()
    assert (shown["name"], shown["sha256"]) == (default_name(), checkpoint.sha256)
    assert shown["classes"] == list(checkpoint.classes)
    assert default_name()[:6] in run("list").stdout


def test_figures_of_pictures_in_which_nothing_can_be_found(data_file: Path) -> None:
    result = run("evaluate", default_name(), data_file, "--json", "--device", "cpu")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["pictures"] == 2
    assert told["classes"]["person"]["objects"] == 1
    assert told["classes"]["person"]["recall"] == 0.0
    assert told["classes"]["person"]["ap50"] == pytest.approx(0.0)
    assert told["classes"]["firearm"]["ap50"] is None


def test_looks_are_written_where_they_are_wanted(data_file: Path, tmp_path: Path) -> None:
    result = run("looks", data_file, "--folder", tmp_path / "looks", "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "looks" / f"{default_name()}.toml").exists()
    assert "0 looks at armed and 0 at unarmed" in result.stdout


def test_a_wrong_data_file_is_one_error(tmp_path: Path) -> None:
    result = run("evaluate", default_name(), tmp_path / "none.yaml")
    assert "none.yaml: cannot be read" in str(result.exception)


@pytest.mark.data
@pytest.mark.accuracy
@pytest.mark.parametrize(
    ("part", "name", "least"),
    [
        # Measured 0.909; the start that it was trained from has 0.912.
        pytest.param("PETS 2009 S2.L1, every 3rd frame", "person", 0.895, id="pets-persons"),
        # Measured 0.772 and 0.583; the start has 0.720 and 0.
        pytest.param("roboflow-weapon-cctv, valid part", "person", 0.75, id="cctv-persons"),
        pytest.param("roboflow-weapon-cctv, valid part", "firearm", 0.56, id="cctv-firearms"),
    ],
)
def test_average_precision_holds(data_dir: Path, part: str, name: str, least: float) -> None:
    recipe = load_recipe(RECIPE)
    [wanted] = [evaluation for evaluation in recipe.evaluations if evaluation.name == part]
    pictures = evaluation_pictures(wanted, recipe, (data_dir,))
    figures, _ = figures_of(default_name(), pictures, recipe.classes, "cpu")
    ap50 = figures.classes[name].ap50
    assert ap50 is not None
    assert ap50 >= least
