"""Figures of made-up detections whose right values can be counted by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from models.errors import DatasetError
from models.evaluation import (
    Found,
    labelled_pictures,
    matched,
    measure,
    read_data_file,
    run_detector,
)
from models.labels import Labels

if TYPE_CHECKING:
    from pathlib import Path

A, B = (0.0, 0.0, 10.0, 40.0), (50.0, 0.0, 90.0, 10.0)
FAR = (200.0, 200.0, 210.0, 210.0)
CLASSES = ("person", "firearm")
POINTS = {"person": 0.5, "firearm": 0.5}


def found(*rows: tuple[tuple[float, float, float, float], int, float]) -> Found:
    return Found(
        np.array([r[0] for r in rows], float).reshape(-1, 4),
        np.array([r[1] for r in rows], np.int64),
        np.array([r[2] for r in rows], float),
    )


def truth(*rows: tuple[tuple[float, float, float, float], int]) -> Labels:
    return Labels(
        np.array([r[0] for r in rows], float).reshape(-1, 4),
        np.array([r[1] for r in rows], np.int64),
    )


@pytest.mark.parametrize(
    ("rows", "precision", "recall", "false_alarms"),
    [
        pytest.param([(A, 0, 0.9)], 1.0, 1.0, 0.0, id="right"),
        pytest.param([(A, 0, 0.9), (FAR, 0, 0.8)], 0.5, 1.0, 1.0, id="one-false-alarm"),
        pytest.param([(A, 0, 0.9), (A, 0, 0.8)], 0.5, 1.0, 1.0, id="twice-counts-once"),
        pytest.param([(A, 0, 0.4)], None, 0.0, 0.0, id="below-the-operating-point"),
        pytest.param([(A, 1, 0.9)], None, 0.0, 0.0, id="wrong-class"),
        pytest.param([(FAR, 0, 0.9)], 0.0, 0.0, 1.0, id="wrong-place"),
    ],
)
def test_at_the_operating_point(
    rows: list[tuple[tuple[float, float, float, float], int, float]],
    precision: float | None,
    recall: float,
    false_alarms: float,
) -> None:
    told = measure([(found(*rows), truth((A, 0)))], CLASSES, POINTS).classes["person"]
    assert (told.precision, told.recall) == (precision, recall)
    assert told.false_alarms_per_image == false_alarms
    assert told.objects == 1


def test_average_precision_of_a_perfect_and_a_blind_class() -> None:
    pairs = [(found((A, 0, 0.9)), truth((A, 0), (B, 1)))] * 3
    told = measure(pairs, CLASSES, POINTS).classes
    assert told["person"].ap50 == pytest.approx(1.0)
    assert told["firearm"].ap50 == pytest.approx(0.0)


def test_average_precision_counts_false_alarms_that_are_surer() -> None:
    # One of two objects found, after one false alarm: precision 1/2 up to recall 1/2, then 0.
    told = measure([(found((FAR, 0, 0.9), (A, 0, 0.8)), truth((A, 0), (B, 0)))], CLASSES, POINTS)
    assert told.classes["person"].ap50 == pytest.approx(0.25, abs=0.01)


def test_a_class_without_objects_has_no_average_precision() -> None:
    told = measure([(found((A, 1, 0.9)), truth((A, 0)))], CLASSES, POINTS).classes["firearm"]
    assert (told.ap50, told.ap50_95, told.recall) == (None, None, None)
    assert told.false_alarms_per_image == 1.0


def test_recall_by_size_uses_height_and_long_side() -> None:
    told = measure([(found((B, 0, 0.9)), truth((A, 0), (B, 0)))], CLASSES, POINTS).classes["person"]
    by_height = {row.from_px: row.recall for row in told.recall_by_height if row.objects}
    assert by_height == {0: 1.0, 32: 0.0}
    assert {row.from_px: row.recall for row in told.recall_by_long_side if row.objects} == {32: 0.5}


def test_the_surest_box_is_matched_first() -> None:
    near = (1.0, 0.0, 11.0, 40.0)
    right, hit = matched(found((near, 0, 0.5), (A, 0, 0.9)), np.array([A]))
    assert right.tolist() == [False, True]
    assert hit.tolist() == [True]


def test_batches_keep_the_order() -> None:
    pictures = [(np.full((2, 2, 3), n, np.uint8), Labels.none()) for n in range(7)]
    pairs = run_detector(
        lambda images: [found((A, 0, float(image[0, 0, 0]))) for image in images], pictures, batch=3
    )
    assert [float(f.confidence[0]) for f, _ in pairs] == [0, 1, 2, 3, 4, 5, 6]


def test_a_data_file_leads_to_pictures_and_renumbered_labels(tmp_path: Path) -> None:
    for kind in ("images", "labels"):
        (tmp_path / "set" / kind / "val").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "set/images/val/a.png"), np.zeros((10, 20, 3), np.uint8))
    (tmp_path / "set/labels/val/a.txt").write_text("0 .5 .5 .5 .5\n", encoding="utf-8")
    path = tmp_path / "data.yaml"
    path.write_text("path: set\nval: images/val\nnames: {0: firearm}\n", encoding="utf-8")
    [(image, labels)] = list(labelled_pictures(read_data_file(path), CLASSES))
    assert image.shape == (10, 20, 3)
    assert labels.class_id.tolist() == [1]
    assert labels.xyxy_px.tolist() == [[5.0, 2.5, 15.0, 7.5]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("names: [person]\n", r"data\.yaml: val: Field required", id="no-val"),
        pytest.param("val: images\nnames: []\n", r"data\.yaml: names", id="no-names"),
        pytest.param("val: [\n", r"data\.yaml: not valid YAML", id="not-yaml"),
        pytest.param("", r"data\.yaml: ", id="empty"),
    ],
)
def test_a_malformed_data_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "data.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=said):
        read_data_file(path)


def test_the_curve_falls_from_sure_and_right_to_everything() -> None:
    boxes = np.array([[0, 0, 20, 20], [50, 0, 70, 20], [0, 50, 20, 70]], float)
    found = Found(boxes, np.zeros(3, np.int64), np.array([0.9, 0.6, 0.3]))
    truth = Labels(boxes[[0, 2]], np.zeros(2, np.int64))
    told = measure([(found, truth)], ("thing",), {"thing": 0.5}).classes["thing"]
    assert [(p.confidence, p.recall) for p in told.curve] == [(0.9, 0.5), (0.6, 0.5), (0.3, 1.0)]
    assert [p.precision for p in told.curve] == pytest.approx([1.0, 0.5, 2 / 3])


def test_scores_that_mean_what_they_say_have_no_calibration_error() -> None:
    # Of ten boxes at 0.8, eight are right.
    boxes = np.array([[40.0 * i, 0, 40.0 * i + 20, 20] for i in range(10)])
    found = Found(boxes, np.zeros(10, np.int64), np.full(10, 0.8))
    honest = measure([(found, Labels(boxes[:8], np.zeros(8, np.int64)))], ("thing",), {})
    boastful = measure([(found, Labels(boxes[:2], np.zeros(2, np.int64)))], ("thing",), {})
    assert honest.classes["thing"].calibration_error == pytest.approx(0.0)
    assert boastful.classes["thing"].calibration_error == pytest.approx(0.6)
    [used] = [b for b in boastful.classes["thing"].reliability if b.boxes]
    assert (used.from_confidence, used.boxes) == (0.8, 10)
    assert used.right_share == pytest.approx(0.2)


def test_without_labelled_objects_there_is_no_curve() -> None:
    found = Found(np.array([[0.0, 0, 20, 20]]), np.zeros(1, np.int64), np.array([0.8]))
    told = measure([(found, Labels.none())], ("thing",), {}).classes["thing"]
    assert told.curve == ()
    assert told.false_alarms_per_image == 0.0  # an unnamed operating point is 1
