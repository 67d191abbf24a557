"""A whole recipe, tiny: every stage runs for real, ends in a checkpoint, and is not repeated."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from models.errors import RecipeError
from models.networks import load_network
from models.recipe import Recipe
from models.registry import checkpoint_in_file, find_checkpoint, sha256_of
from models.training import mix, train

if TYPE_CHECKING:
    from pathlib import Path

START = find_checkpoint("person-firearm")


def recipe(**change: Any) -> Recipe:
    whole = {
        "schema": 1,
        "name": "tiny",
        "summary": "",
        "start": START.path.name,
        "start_sha256": START.sha256,
        "start_origin": "the shipped weights",
        "mixture": {"start": 0.5, "one": 0.5},
        "head": {"person": ["person"], "tool": ["firearm", "person"]},
        "sources": [
            {
                "name": "set",
                "folder": "set",
                "licence": "CC0",
                "origin": "made here",
                "classes": {0: "tool"},
                "taught": ["person"],
            }
        ],
        "stages": [
            {"name": "one", "sources": ["set"], "epochs": 1, "batch": 4, "image_px": 64},
        ],
    }
    return Recipe.model_validate({**whole, **change})


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Where the eight pictures of the source and the start lie."""
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for kind in ("images", "labels"):
        (root / "set" / kind).mkdir(parents=True)
    for number in range(8):
        picture = rng.integers(0, 256, (64, 64, 3), np.uint8)
        cv2.imwrite(str(root / "set" / "images" / f"{number}.png"), picture)
        text = "0 0.5 0.5 0.4 0.4\n"
        (root / "set" / "labels" / f"{number}.txt").write_text(text, encoding="utf-8")
    return root, START.path.parent


@pytest.fixture(scope="module")
def unmixed(roots: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A start with its new output rows, and what training made of it."""
    out = tmp_path_factory.mktemp("run")
    run = train(recipe(mixture={}), roots, out)
    return out / "start.pt", out / run.checkpoint


def test_a_recipe_runs_to_a_small_checkpoint_and_its_record(
    roots: tuple[Path, ...], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    run = train(recipe(), roots, out)
    checkpoint = checkpoint_in_file(out / run.checkpoint)
    assert checkpoint.classes == ("person", "tool")
    assert checkpoint.sha256 == run.sha256
    assert checkpoint.path.stat().st_size < 6_000_000
    [stage] = run.stages
    assert stage.sources[0].pictures == 8
    assert json.loads((out / "run.json").read_text(encoding="utf-8"))["sha256"] == run.sha256

    done = out / "one" / "done.pt"
    before = done.stat().st_mtime_ns
    again = train(recipe(), roots, out)
    assert done.stat().st_mtime_ns == before
    assert asdict(again) == asdict(run)


def test_training_changes_what_is_not_frozen_and_nothing_else(
    unmixed: tuple[Path, Path],
) -> None:
    start, tuned = (load_network(path).state_dict() for path in unmixed)
    changed = {
        int(key.split(".")[1])
        for key, value in tuned.items()
        if value.is_floating_point() and not np.array_equal(value.numpy(), start[key].numpy())
    }
    assert changed
    assert min(changed) >= 10
    statistics = [key for key in tuned if "running_" in key]
    assert all(np.array_equal(tuned[key].numpy(), start[key].numpy()) for key in statistics)


def test_output_rows_begin_as_the_mean_of_the_starts_rows(unmixed: tuple[Path, Path]) -> None:
    old, new = load_network(START.path), load_network(unmixed[0])
    for before, after in zip(old.model[-1].cv3, new.model[-1].cv3, strict=True):
        rows = before[-1].bias.detach().numpy()
        expected = [rows[0], rows[:2].mean()]
        np.testing.assert_allclose(after[-1].bias.detach().numpy(), expected, rtol=2e-3)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_mixture_is_the_weighted_mean(
    unmixed: tuple[Path, Path], tmp_path: Path, share: float
) -> None:
    mixed = tmp_path / "mixed.pt"
    start, tuned = unmixed
    mix([(start, share), (tuned, 1 - share)], mixed)
    key = "model.23.cv3.0.2.weight"
    a, b, c = (load_network(path).state_dict()[key].numpy() for path in (*unmixed, mixed))
    np.testing.assert_allclose(c, share * a + (1 - share) * b, atol=2e-3)


def test_another_start_is_refused(roots: tuple[Path, ...], tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=rf"not the recipe's start.*got {START.sha256}"):
        train(recipe(start_sha256="0" * 64), roots, tmp_path / "run")


def test_a_class_that_the_start_does_not_know_is_named(
    roots: tuple[Path, ...], tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=r"head\.tool: the start has no classes \['hammer'\]"):
        train(recipe(head={"person": ["person"], "tool": ["hammer"]}), roots, tmp_path / "run")


def test_the_shipped_file_is_what_the_registry_says() -> None:
    assert sha256_of(START.path) == START.sha256
