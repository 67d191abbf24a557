"""Evaluation pictures come with right labels from every layout, and only from the held-out part."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import models
from models.errors import DatasetError
from models.evaluation_sets import evaluation_files, evaluation_pictures
from models.labels import picture_files
from models.recipe import Recipe, load_recipe

RECIPES = Path(models.__file__).parent / "recipes"


def recipe(part: dict[str, Any], **source: Any) -> Recipe:
    return Recipe.model_validate(
        {
            "schema": 1,
            "name": "some",
            "summary": "",
            "start": "start.pt",
            "start_sha256": "0" * 64,
            "start_origin": "",
            "head": {"person": ["person"], "firearm": ["knife"]},
            "sources": [
                {
                    "name": "set",
                    "folder": "yolo",
                    "licence": "CC0",
                    "origin": "",
                    "classes": {0: "firearm"},
                    "hold_out": 2,
                    **source,
                }
            ],
            "stages": [{"name": "one", "sources": ["set"], "epochs": 1}],
            "evaluations": [{"name": "part", "counts": ["person"], **part}],
        }
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("yolo/images", "yolo/labels", "mot/img1"):
        (tmp_path / folder).mkdir(parents=True)
    for number in range(1, 13):
        picture = np.full((40, 80, 3), number, np.uint8)
        cv2.imwrite(str(tmp_path / f"yolo/images/{number:03d}.png"), picture)
        cv2.imwrite(str(tmp_path / f"mot/img1/{number:06d}.png"), picture)
        label = tmp_path / f"yolo/labels/{number:03d}.txt"
        label.write_text("0 .5 .5 .25 .5\n", encoding="utf-8")
    rows = "1,9,10,5,20,30,1,0,0,0\n3,9,12,5,20,30,1,0,0,0\n3,4,50,5,10,20,1,0,0,0\n"
    (tmp_path / "mot" / "gt.txt").write_text(rows, encoding="utf-8")
    return tmp_path


def test_yolo_folders(root: Path) -> None:
    whole = recipe({"folder": "yolo", "layout": "yolo", "classes": {0: "firearm"}, "every": 5})
    found = list(evaluation_pictures(whole.evaluations[0], whole, (root,)))
    assert [int(image[0, 0, 0]) for image, _ in found] == [1, 6, 11]
    assert found[0][1].class_id.tolist() == [1]
    assert found[0][1].xyxy_px.tolist() == [[30, 10, 50, 30]]


def test_mot_folders(root: Path) -> None:
    whole = recipe({"folder": "mot", "layout": "mot", "every": 2})
    found = list(evaluation_pictures(whole.evaluations[0], whole, (root,)))
    assert [len(labels) for _, labels in found] == [1, 2, 0, 0, 0, 0]
    assert found[1][1].xyxy_px.tolist() == [[12, 5, 32, 35], [50, 5, 60, 25]]


def test_held_out_pictures_only(root: Path) -> None:
    whole = recipe({"folder": "set", "layout": "held"})
    found = list(evaluation_pictures(whole.evaluations[0], whole, (root,)))
    assert 0 < len(found) < 12


def test_held_out_pictures_of_a_sheet_source_come_as_sheets(root: Path) -> None:
    whole = recipe({"folder": "set", "layout": "held"}, sheet={"columns": [4]})
    [(sheet, labels)] = evaluation_pictures(whole.evaluations[0], whole, (root,))
    assert sheet.shape[0] == sheet.shape[1]
    assert len(labels) > 1


def test_no_clip_is_on_both_sides(root: Path) -> None:
    (root / "valid" / "images").mkdir(parents=True)
    for stem in ("001.rf.aa", "clipA_9", "clipB_1", "new"):
        cv2.imwrite(str(root / f"valid/images/{stem}.png"), np.zeros((8, 8, 3), np.uint8))
    for stem in ("001.rf.bb", "clipA_3", "clipA_4"):
        cv2.imwrite(str(root / f"yolo/images/{stem}.png"), np.zeros((8, 8, 3), np.uint8))
    group = r"(clip\w+(?=_)|.*?(?=\.rf)|.*)"
    part = {"folder": "valid", "layout": "yolo", "classes": {0: "firearm"}, "counts": ["firearm"]}
    whole = recipe({**part, "apart_from": "set"}, group=group, hold_out=None)
    assert len(list(evaluation_pictures(whole.evaluations[0], whole, (root,)))) == 2
    whole = recipe(part, group=group, hold_out=None)
    assert len(list(evaluation_pictures(whole.evaluations[0], whole, (root,)))) == 4


@pytest.mark.data
def test_the_strict_part_of_the_public_split_shares_no_clip_with_training(data_dir: Path) -> None:
    shipped = load_recipe(RECIPES / "person-firearm.toml")
    [part] = [part for part in shipped.evaluations if part.apart_from]
    source = shipped.source(part.apart_from)

    def stems(folder: str) -> set[str]:
        return {path.stem for path in picture_files(data_dir / folder / "images")}

    # The family of a picture: its name without numbers of frames, and without its twin's mark.
    def family(stem: str) -> str:
        return re.sub(r"_\d+$", "", stem.split(".rf.", maxsplit=1)[0].removesuffix("_jpg"))

    kept = evaluation_files(part, shipped, (data_dir,))
    trained = {family(stem) for stem in stems(source.folder)}
    clips = {family(path.stem) for path in kept if "_x264" in path.stem or "frame1_" in path.stem}
    assert 200 < len(kept) < len(stems(part.folder))
    assert not clips & trained
    twins = {path.stem.split(".rf.")[0] for path in kept}
    assert not twins & {stem.split(".rf.")[0] for stem in stems(source.folder)}


def test_malformed_truth_is_named(root: Path) -> None:
    (root / "mot" / "gt.txt").write_text("1,2,three\n", encoding="utf-8")
    whole = recipe({"folder": "mot", "layout": "mot"})
    with pytest.raises(DatasetError, match=r"gt\.txt: cannot be read as MOT rows"):
        list(evaluation_pictures(whole.evaluations[0], whole, (root,)))
