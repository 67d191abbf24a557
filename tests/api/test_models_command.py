"""`lastseen models`: what it prints, and the figures that a release must not fall below."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

import models
from api.commands.models import app
from api.model_figures import figures_of, second_look_figures
from models.evaluation_sets import evaluation_pictures
from models.recipe import load_recipe
from models.registry import default_name, find_checkpoint, second_look_name

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


def test_nothing_is_proven_by_pictures_without_boxes(data_file: Path) -> None:
    images = data_file.parent / "images"
    result = run("verify", default_name(), "--device", "cpu", "--pictures", images)
    assert "0 boxes in 2 pictures" in result.stdout
    assert "not proven equal to the checkpoint: no boxes to compare" in str(result.exception)
    assert result.exit_code == 1


@pytest.mark.slow
@pytest.mark.parametrize("weights", [default_name(), second_look_name()])
def test_what_runs_live_is_proven_equal(weights: str, wing_dir: Path) -> None:
    result = run("verify", weights, "--pictures", wing_dir / "video")
    assert result.exit_code == 0, (result.output, result.exception)


def test_the_report_shows_curves_and_asks_nothing_of_a_network(
    data_file: Path, tmp_path: Path
) -> None:
    page = tmp_path / "out" / "figures.html"
    result = run("evaluate", default_name(), data_file, "--report", page, "--device", "cpu")
    assert result.exit_code == 0, result.output
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == 3  # of the one class that has labelled objects
    assert "<script" not in text
    assert not re.search(r'(src|href)="(?!#)', text)


def test_a_report_that_cannot_be_written_is_named(data_file: Path) -> None:
    page = data_file / "figures.html"
    result = run("evaluate", default_name(), data_file, "--report", page, "--device", "cpu")
    assert "figures.html: cannot be written" in str(result.exception)


def test_an_input_size_that_no_network_takes_is_refused(data_file: Path) -> None:
    result = run("evaluate", default_name(), data_file, "--input-px", "100")
    assert "--input-px: a multiple of 32" in str(result.exception)


def test_a_second_look_is_measured_in_whole_pictures(data_file: Path) -> None:
    (data_file.parent / "labels" / "a.txt").write_text("1 .5 .5 .2 .1\n", encoding="utf-8")
    result = run(
        "evaluate", second_look_name(), data_file, "--second-look", "--json", "--device", "cpu"
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)["classes"]
    assert told["firearm"]["objects"] == 1
    assert told["firearm"]["recall"] == 0.0  # nobody is found, so nobody is looked at
    [size] = [row for row in told["firearm"]["recall_by_long_side"] if row["objects"]]
    assert size["from_px"] == 32  # of the picture, not of a square


def test_looks_are_written_where_they_are_wanted(data_file: Path, tmp_path: Path) -> None:
    result = run("looks", data_file, "--folder", tmp_path / "looks", "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "looks" / f"{second_look_name()}.toml").exists()
    assert "0 looks at armed and 0 at unarmed" in result.stdout


def test_a_wrong_data_file_is_one_error(tmp_path: Path) -> None:
    result = run("evaluate", default_name(), tmp_path / "none.yaml")
    assert "none.yaml: cannot be read" in str(result.exception)


@pytest.mark.data
@pytest.mark.accuracy
@pytest.mark.parametrize(
    ("part", "name", "least"),
    [
        # Measured 0.924; the network of COCO that it comes from has 0.912.
        pytest.param("PETS 2009 S2.L1, every 3rd frame", "person", 0.912, id="pets-persons"),
        # Measured 0.934: the goal is 0.93, which takes almost twice the live input.
        pytest.param("PETS 2009 S2.L1, at 1152 px", "person", 0.93, id="pets-persons-large"),
        # Measured 0.791 and 0.626; the network of COCO has 0.720 and 0.
        pytest.param("roboflow-weapon-cctv, valid part", "person", 0.77, id="cctv-persons"),
        pytest.param("roboflow-weapon-cctv, valid part", "firearm", 0.60, id="cctv-firearms"),
        # Measured 0.862: the goal is 0.85.
        pytest.param("granada-pistols, held-out fifth", "firearm", 0.85, id="pistols"),
        # Measured 0.663 at the pictures' own size.
        pytest.param(
            "roboflow-weapon-cctv, valid part, at its own 416 px",
            "firearm",
            0.64,
            id="cctv-firearms-native",
        ),
    ],
)
def test_average_precision_holds(data_dir: Path, part: str, name: str, least: float) -> None:
    recipe = load_recipe(RECIPE)
    [wanted] = [evaluation for evaluation in recipe.evaluations if evaluation.name == part]
    pictures = evaluation_pictures(wanted, recipe, (data_dir,))
    figures, _ = figures_of(
        default_name(), pictures, recipe.classes, "cpu", input_px=wanted.input_px
    )
    ap50 = figures.classes[name].ap50
    assert ap50 is not None
    assert ap50 >= least


@pytest.mark.data
@pytest.mark.accuracy
def test_the_second_look_holds_its_average_precision_on_real_pictures(data_dir: Path) -> None:
    recipe = load_recipe(RECIPE.with_name("firearm-close.toml"))
    [part] = [e for e in recipe.evaluations if e.name.startswith("roboflow")]
    pictures = evaluation_pictures(part, recipe, (data_dir,))
    figures, _ = second_look_figures(second_look_name(), pictures, recipe.classes, "cpu")
    ap50 = figures.classes["firearm"].ap50
    assert ap50 is not None
    assert ap50 >= 0.155  # measured 0.172, whole pictures, weapons at persons who are found


@pytest.mark.data
@pytest.mark.accuracy
def test_nobody_is_called_armed_in_real_footage_without_weapons(data_dir: Path) -> None:
    videos = [
        data_dir / "wisenet" / "3.avi",
        *sorted((data_dir / "intel-sample-videos").glob("*.mp4")),
    ]
    result = run("alarms", *videos, "--every", "3", "--json", "--device", "cpu")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)["all"]
    assert told["seconds"] > 100
    assert told["alerts"] == 0
