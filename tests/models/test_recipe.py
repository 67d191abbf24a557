"""Recipes say what is wrong with them, and the shipped ones are right."""

from __future__ import annotations

from pathlib import Path

import pytest

import models
from models.errors import RecipeError
from models.recipe import load_recipe

SHIPPED = sorted((Path(models.__file__).parent / "recipes").glob("*.toml"))

WHOLE = """
schema = 1
name = "some"
summary = ""
start = "start.pt"
start_sha256 = "{zeros}"
start_origin = ""
{top}
[head]
person = ["person"]
[[sources]]
name = "set"
folder = "set"
licence = "CC0"
origin = "made here"
classes = {{ 0 = "person" }}
{source}
[[stages]]
name = "one"
sources = ["set"]
epochs = 1
{stage}
"""


def write(folder: Path, source: str = "", stage: str = "", top: str = "") -> Path:
    path = folder / "some.toml"
    text = WHOLE.format(zeros="0" * 64, source=source, stage=stage, top=top)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_shipped_recipes_are_right_and_never_train_on_what_is_measured(path: Path) -> None:
    recipe = load_recipe(path)
    trained = {recipe.source(name).folder for stage in recipe.stages for name in stage.sources}
    measured = {part.folder for part in recipe.evaluations if part.layout != "held"}
    assert not trained & measured
    for part in recipe.evaluations:
        if part.layout == "held":
            assert recipe.source(part.folder).hold_out


def test_there_is_a_shipped_recipe() -> None:
    assert SHIPPED


def test_a_whole_recipe_is_read(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path))
    assert recipe.classes == ("person",)
    assert recipe.source("set").classes == {0: "person"}


@pytest.mark.parametrize(
    ("source", "stage", "said"),
    [
        pytest.param("hold_out = 1", "", r"sources\.0\.hold_out", id="everything-held-out"),
        pytest.param("group = 'x'", "", r"needs one group in parentheses", id="no-group"),
        pytest.param("taught = ['dog']", "", r"\['dog'\] are not in \[head\]", id="unknown-class"),
        pytest.param("", "image_px = 100", r"stages\.0\.image_px", id="not-a-multiple-of-32"),
        pytest.param("", "speed = 1", r"stages\.0\.speed", id="unknown-key"),
        pytest.param("", "]", r"not valid TOML", id="not-toml"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, source: str, stage: str, said: str) -> None:
    with pytest.raises(RecipeError, match=rf"(?s)some\.toml: .*{said}"):
        load_recipe(write(tmp_path, source, stage))


@pytest.mark.parametrize(
    ("top", "said"),
    [
        pytest.param("mixture = { two = 1.0 }", r"no stages called \['two'\]", id="unknown-stage"),
        pytest.param("mixture = { start = 0.5, one = 0.4 }", r"add up to 0.9, not to 1", id="sum"),
        pytest.param("confidence = { dog = 0.4 }", r"unknown classes \['dog'\]", id="class"),
    ],
)
def test_wrong_shares_and_points_are_named(tmp_path: Path, top: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        load_recipe(write(tmp_path, top=top))


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"none\.toml: cannot be read"):
        load_recipe(tmp_path / "none.toml")
