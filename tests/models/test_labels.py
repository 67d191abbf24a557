"""Labels survive a round trip, malformed ones are named, teachers only add what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.errors import DatasetError
from models.labels import Labels, content_hash, picture_files, read_labels, taught, write_labels

if TYPE_CHECKING:
    from pathlib import Path


def labels(*rows: tuple[int, float, float, float, float]) -> Labels:
    return Labels(
        np.array([row[1:] for row in rows], float).reshape(-1, 4),
        np.array([row[0] for row in rows], np.int64),
    )


def test_written_labels_are_read_back(tmp_path: Path) -> None:
    some = labels((0, 10, 20, 30, 60), (1, 0, 0, 100, 50))
    write_labels(tmp_path / "a.txt", some, (100, 80))
    again = read_labels(tmp_path / "a.txt", (100, 80), {0: 0, 1: 1})
    np.testing.assert_allclose(again.xyxy_px, some.xyxy_px, atol=1e-3)
    assert again.class_id.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("0 .5 .5 .2 .4\n", [[40, 30, 60, 70]], id="box"),
        pytest.param("0 .1 .2 .3 .2 .3 .6\n", [[10, 20, 30, 60]], id="polygon-becomes-its-box"),
        pytest.param("0 .0 .5 .2 1.0\n", [[0, 0, 10, 100]], id="cut-at-the-edge"),
        pytest.param("\n\n", [], id="blank-lines"),
    ],
)
def test_reading(tmp_path: Path, text: str, expected: list[list[float]]) -> None:
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    found = read_labels(tmp_path / "a.txt", (100, 100), {0: 0})
    np.testing.assert_allclose(found.xyxy_px, np.reshape(expected, (-1, 4)), atol=1e-9)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("0 .5 .5 .2 .2\n0 .5 .5 .2\n", r"a\.txt, line 2: expected", id="short"),
        pytest.param("person .5 .5 .2 .2\n", r"a\.txt, line 1: expected", id="name-not-number"),
        pytest.param("7 .5 .5 .2 .2\n", r"class 7 is not one of \[0\]", id="unknown-class"),
    ],
)
def test_malformed_labels_are_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=said):
        read_labels(tmp_path / "a.txt", (100, 100), {0: 0})


def test_classes_are_renumbered(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("3 .5 .5 .2 .2\n", encoding="utf-8")
    assert read_labels(tmp_path / "a.txt", (10, 10), {3: 1}).class_id.tolist() == [1]


@pytest.mark.parametrize(
    ("given", "teacher", "count"),
    [
        pytest.param([(0, 0, 0, 10, 10)], [(0, 1, 0, 11, 10)], 1, id="same-person-not-twice"),
        pytest.param([(0, 0, 0, 10, 10)], [(0, 50, 50, 60, 60)], 2, id="missing-person-added"),
        pytest.param([(1, 0, 0, 10, 10)], [(0, 0, 0, 10, 10)], 2, id="other-class-is-another"),
        pytest.param([(0, 0, 0, 10, 40)], [(0, 1, 1, 9, 12)], 1, id="part-of-a-given-box"),
        pytest.param([], [(0, 0, 0, 10, 10)], 1, id="nothing-given"),
        pytest.param([(0, 0, 0, 10, 10)], [], 1, id="nothing-taught"),
    ],
)
def test_teaching(
    given: list[tuple[int, float, float, float, float]],
    teacher: list[tuple[int, float, float, float, float]],
    count: int,
) -> None:
    assert len(taught(labels(*given), labels(*teacher))) == count


def test_the_content_hash_sees_bytes_and_names_but_not_the_folder(tmp_path: Path) -> None:
    for folder, name, text in (("x", "a", "1"), ("y", "a", "1"), ("z", "a", "2"), ("w", "b", "1")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text, encoding="utf-8")
    x, y, z, w = (content_hash((tmp_path / folder).iterdir()) for folder in "xyzw")
    assert x == y
    assert len({x, z, w}) == 3


def test_a_folder_without_pictures_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DatasetError, match="no pictures here"):
        picture_files(tmp_path)
