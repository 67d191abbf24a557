"""Sources are split by name, taught, laid out as sheets, and recorded with a content hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from models.datasets import (
    SHEET_PX,
    WEAPON_SHARE,
    build_stage,
    degrade,
    sheets,
    source_pictures,
    split_of,
    squares,
    window,
)
from models.errors import DatasetError, RecipeError
from models.labels import Labels, picture_files, read_labels, read_picture
from models.pasting import Cutout
from models.recipe import Crop, Recipe, Source

if TYPE_CHECKING:
    from pathlib import Path


def source(**change: Any) -> Source:
    whole: dict[str, Any] = {
        "name": "set",
        "folder": "set",
        "licence": "CC0",
        "origin": "made here",
        "classes": {0: "firearm"},
    }
    return Source.model_validate({**whole, **change})


def recipe(some: Source, **stage: Any) -> Recipe:
    return Recipe.model_validate(
        {
            "schema": 1,
            "name": "some",
            "summary": "",
            "start": "start.pt",
            "start_sha256": "0" * 64,
            "start_origin": "",
            "head": {"person": ["person"], "firearm": ["knife"]},
            "sources": [some.model_dump()],
            "stages": [{"name": "one", "sources": ["set"], "epochs": 1, "degrade": 0, **stage}],
        }
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Twenty grey pictures, each with one firearm in the middle."""
    for kind in ("images", "labels"):
        (tmp_path / "set" / kind).mkdir(parents=True)
    for number in range(20):
        picture = np.full((60, 80, 3), number * 10, np.uint8)
        cv2.imwrite(str(tmp_path / "set" / "images" / f"p{number:02d}.png"), picture)
        text = "0 0.5 0.5 0.5 0.5\n"
        (tmp_path / "set" / "labels" / f"p{number:02d}.txt").write_text(text, encoding="utf-8")
    return tmp_path


def test_splits_share_no_picture_and_miss_none(root: Path) -> None:
    some = source(hold_out=3)
    parts = [
        {path.name for path, _, _ in source_pictures(some, ("person", "firearm"), root / "set", p)}
        for p in ("train", "held")
    ]
    assert parts[0] | parts[1] == {f"p{number:02d}.png" for number in range(20)}
    assert not parts[0] & parts[1]
    assert parts[1]


def test_a_group_is_never_divided() -> None:
    some = source(hold_out=2, group=r"(scene-\d+)-.*")
    for scene in range(30):
        assert len({split_of(f"scene-{scene}-{k}", some) for k in range(20)}) == 1


@pytest.mark.parametrize(("take", "low", "high"), [(0.25, 150, 350), (1.0, 1000, 1000)])
def test_take_keeps_a_share(take: float, low: int, high: int) -> None:
    some = source(take=take)
    assert low <= sum(split_of(f"p{n}", some) == "train" for n in range(1000)) <= high


def test_classes_are_those_of_the_recipe(root: Path) -> None:
    for _, _, labels in source_pictures(source(), ("person", "firearm"), root / "set", "train"):
        assert labels.class_id.tolist() == [1]


def test_a_stage_is_built_once_with_its_record(root: Path, tmp_path: Path) -> None:
    some = source(taught=["person"], repeat=2)
    whole = recipe(some)
    asked: list[tuple[str, ...]] = []

    def teacher(image: Any, names: tuple[str, ...], numbered: tuple[str, ...]) -> Labels:
        assert numbered == ("person", "firearm")
        asked.append(names)
        return Labels(np.array([[0.0, 0.0, 10.0, 30.0]]), np.zeros(1, np.int64))

    out = tmp_path / "built"
    _, [record] = build_stage(whole.stages[0], whole, (root,), out, teacher)
    assert (record.pictures, record.added_by_teacher) == (20, 20)
    assert record.objects == {"person": 20, "firearm": 20}
    assert asked == [("person",)] * 20
    pictures = picture_files(out / "images" / "train")
    assert len(pictures) == 40
    labels = read_labels(
        out / "labels" / "train" / f"{pictures[0].stem}.txt", (80, 60), {0: 0, 1: 1}
    )
    assert sorted(labels.class_id.tolist()) == [0, 1]

    assert build_stage(whole.stages[0], whole, (root,), out, None)[1] == (record,)


def test_the_record_changes_with_the_data(root: Path, tmp_path: Path) -> None:
    whole = recipe(source())
    _, [before] = build_stage(whole.stages[0], whole, (root,), tmp_path / "a", None)
    (root / "set" / "labels" / "p00.txt").write_text("0 .5 .5 .5 .4\n", encoding="utf-8")
    _, [after] = build_stage(whole.stages[0], whole, (root,), tmp_path / "b", None)
    assert before.sha256 != after.sha256


def test_the_same_seed_builds_the_same_pictures(root: Path, tmp_path: Path) -> None:
    whole = recipe(source(sheet={"columns": [2]}), degrade=1.0)
    for name in ("a", "b"):
        build_stage(whole.stages[0], whole, (root,), tmp_path / name, None)
    for first in picture_files(tmp_path / "a" / "images" / "train"):
        second = tmp_path / "b" / "images" / "train" / first.name
        assert first.read_bytes() == second.read_bytes()


def test_a_sheet_carries_its_labels_along() -> None:
    rng = np.random.default_rng(1)
    pictures = []
    for shade in (0, 255, 0, 255):
        picture = np.full((50, 100, 3), 128, np.uint8)
        picture[10:40, 20:60] = shade
        boxes = np.array([[20.0, 10.0, 60.0, 40.0]])
        pictures.append((picture, Labels(boxes, np.ones(1, np.int64))))
    [(sheet, labels)] = list(sheets(pictures, (2,), rng))
    assert sheet.shape == (SHEET_PX, SHEET_PX, 3)
    shades = []
    for left, top, right, bottom in labels.xyxy_px.round().astype(int):
        inside = sheet[top + 3 : bottom - 3, left + 3 : right - 3]
        assert inside.min() == inside.max()
        shades.append(int(inside.min()))
    assert sorted(shades) == [0, 0, 255, 255]


def test_degraded_pictures_keep_size_and_type_and_vary() -> None:
    rng = np.random.default_rng(0)
    image = np.tile(np.arange(0, 200, 2, dtype=np.uint8)[None, :, None], (60, 1, 3))
    many = [degrade(image, rng) for _ in range(20)]
    assert {(m.shape, m.dtype) for m in many} == {((60, 100, 3), np.dtype(np.uint8))}
    assert len({m.tobytes() for m in many}) > 15


def test_a_source_that_must_be_taught_needs_a_teacher(root: Path, tmp_path: Path) -> None:
    whole = recipe(source(taught=["person"]))
    with pytest.raises(DatasetError, match="needs a teacher"):
        build_stage(whole.stages[0], whole, (root,), tmp_path / "a", None)


def test_a_source_that_is_nowhere_is_named(tmp_path: Path) -> None:
    whole = recipe(source(folder="elsewhere"))
    with pytest.raises(RecipeError, match="elsewhere: not found in"):
        build_stage(whole.stages[0], whole, (tmp_path,), tmp_path / "a", None)


def test_a_window_keeps_pixels_and_drops_what_it_does_not_show() -> None:
    image = np.zeros((360, 640, 3), np.uint8)
    image[100:200, 50:90] = 255
    boxes = np.array([[50.0, 100.0, 90.0, 200.0], [600.0, 0.0, 640.0, 20.0]])
    whole = Labels(boxes, np.array([0, 1]))
    seen = set()
    for seed in range(30):
        cut, labels = window(image, whole, 200, np.random.default_rng(seed))
        assert cut.shape == (200, 200, 3)
        seen |= set(labels.class_id.tolist())
        for (left, top, right, bottom), number in zip(labels.xyxy_px, labels.class_id, strict=True):
            if number == 0:
                assert cut[int(top) : int(bottom), int(left) : int(right)].min() == 255
    assert seen == {0, 1}


def test_a_window_larger_than_the_picture_is_the_picture() -> None:
    image = np.zeros((100, 80, 3), np.uint8)
    cut, labels = window(image, Labels.none(), 416, np.random.default_rng(0))
    assert cut.shape == image.shape
    assert len(labels) == 0


def scene() -> tuple[np.ndarray[Any, np.dtype[np.uint8]], Labels]:
    """Two persons 100 px tall, the left one with a firearm of 30 px in the hands."""
    image = np.zeros((360, 640, 3), np.uint8)
    boxes = np.array([[100, 100, 140, 200], [400, 100, 440, 200], [110, 140, 140, 150]], float)
    return image, Labels(boxes, np.array([1, 1, 0]))


def test_squares_are_cut_around_persons_with_what_is_in_their_hands() -> None:
    image, labels = scene()
    crop = Crop(around="person")
    cuts = list(squares(image, labels, crop, ("firearm", "person"), np.random.default_rng(1)))
    assert len(cuts) == 2
    armed, empty = cuts
    assert len(empty[1]) == 0
    assert armed[1].class_id.tolist() == [0]
    left, top, right, bottom = armed[1].xyxy_px[0]
    assert (right - left, bottom - top) == (30, 10)
    side = armed[0].shape[0]
    assert 70 <= side <= 130
    assert 0.1 * side < left < 0.5 * side


def test_only_a_share_of_the_empty_squares_is_kept() -> None:
    image, labels = scene()
    crop = Crop(around="person", empty=0.0)
    cuts = list(squares(image, labels, crop, ("firearm", "person"), np.random.default_rng(1)))
    assert [len(objects) for _, objects in cuts] == [1]


def test_squares_around_weapons_show_them_at_a_persons_scale() -> None:
    image, labels = scene()
    crop = Crop(around="firearm")
    for seed in range(20):
        rng = np.random.default_rng(seed)
        [(cut, inside)] = squares(image, labels, crop, ("firearm", "person"), rng)
        [gun] = inside.xyxy_px[inside.class_id == 0]
        share = (gun[2] - gun[0]) / cut.shape[1]
        assert WEAPON_SHARE[0] * 0.9 < share < WEAPON_SHARE[1] * 1.1


def test_a_class_that_is_only_cut_around_is_not_trained(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for kind in ("images", "labels"):
        (root / kind).mkdir(parents=True)
    cv2.imwrite(str(root / "images" / "p.png"), scene()[0])
    rows = "0 0.1875 0.4167 0.0625 0.2778\n1 0.1953 0.4028 0.0469 0.0278\n"
    (root / "labels" / "p.txt").write_text(rows, encoding="utf-8")
    some = source(classes={0: "person", 1: "firearm"}, crop={"around": "person"})
    whole = Recipe.model_validate(
        {**recipe(source()).model_dump(by_alias=True), "head": {"firearm": ["knife"]},
         "sources": [some.model_dump()]}
    )  # fmt: skip
    _, [record] = build_stage(whole.stages[0], whole, (tmp_path,), tmp_path / "out", None)
    assert record.objects == {"firearm": 1, "person": 1}
    [path] = picture_files(tmp_path / "out" / "images" / "train")
    assert read_picture(path).shape == (160, 160, 3)
    labels = read_labels(
        tmp_path / "out" / "labels" / "train" / f"{path.stem}.txt", (160, 160), {0: 0}
    )
    assert labels.class_id.tolist() == [0]


def test_a_share_of_the_empty_squares_gets_a_pasted_weapon() -> None:
    image, labels = scene()
    persons = labels.where(labels.class_id == 1)
    crop = Crop.model_validate(
        {"around": "person", "empty": 0.0, "paste": {"source": "photos", "share": 1.0}}
    )
    weapon = Cutout(np.full((20, 40, 3), 200, np.uint8), np.ones((20, 40), np.float32))
    rng = np.random.default_rng(1)
    cuts = list(squares(image, persons, crop, ("firearm", "person"), rng, [weapon]))
    assert [objects.class_id.tolist() for _, objects in cuts] == [[0], [0]]
    assert list(squares(image, persons, crop, ("firearm", "person"), rng)) == []


def test_weapons_are_pasted_from_a_source_that_there_is() -> None:
    some = source(crop={"around": "firearm", "paste": {"source": "photos", "share": 0.5}})
    with pytest.raises(ValueError, match="no source 'photos'"):
        recipe(some)
