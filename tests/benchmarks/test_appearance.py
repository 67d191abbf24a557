"""What clothes are worth on recordings: figures that must not fall."""

from __future__ import annotations

import csv
from collections import defaultdict
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from benchmarks.appearance import pairs
from benchmarks.appearance_mot import measure_mot
from benchmarks.appearance_multiview import measure_multiview
from calibration.appearance import distances, known, same_body_llr
from vision.appearance import RunningAppearance

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

EVERY = 10


def seen_by(drill: Path, camera: str) -> dict[int, NDArray[np.float32]]:
    """What is known of each person's clothes at the end of a camera's video, by true boxes."""
    rows: defaultdict[int, list[tuple[int, list[float]]]] = defaultdict(list)
    with (drill / "truth" / "boxes" / f"{camera}.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if float(row["visible"]) > 0.8:
                left, top = float(row["left"]), float(row["top"])
                box = [left, top, left + float(row["width"]), top + float(row["height"])]
                rows[int(row["frame"])].append((int(row["id"]), box))
    running = RunningAppearance()
    found: dict[int, NDArray[np.float32]] = {}
    video = cv2.VideoCapture(str(drill / "video" / f"{camera}.mp4"))
    for number in range(1, 601):
        assert video.grab()
        if number % EVERY or not rows[number]:
            continue
        image = np.asarray(video.retrieve()[1], np.uint8)
        ids = np.array([one for one, _ in rows[number]], np.int64)
        boxes = np.array([box for _, box in rows[number]], np.float32)
        found |= dict(
            zip(ids.tolist(), running.look(image, ids, boxes, boxes, number / 10), strict=True)
        )
    return found


def test_people_of_the_wing_are_told_apart_under_other_cameras(wing_dir: Path) -> None:
    rows = [
        (camera, one, embedding)
        for camera in (f"cam-{n:02d}" for n in range(1, 7))
        for one, embedding in seen_by(wing_dir, camera).items()
        if known(embedding[None])[0]
    ]
    embedding = np.stack([row[2] for row in rows])
    camera, body = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    crowd = embedding[np.unique(body, return_index=True)[1]]
    told = pairs(
        distances(embedding, embedding),
        same_body_llr(embedding, embedding, crowd),
        body[:, None] == body[None],
        np.triu(camera[:, None] != camera[None]),
        [],
    )
    assert told["same"] is not None
    assert told["same"] >= 15
    assert told["auc"] is not None
    assert told["auc"] > 0.98
    assert told["ratio_cost_bits"] is not None
    assert told["ratio_cost_bits"] < 0.4


@pytest.mark.data
def test_people_of_multiviewx_are_told_apart_under_other_cameras(data_dir: Path) -> None:
    told = measure_multiview(data_dir / "multiviewx-sample", "cpu")
    assert told["same"] > 80
    assert told["auc"] > 0.93
    assert told["rank_1"] > 0.65
    assert told["ratio_cost_bits"] < 0.75


@pytest.mark.data
def test_real_people_are_known_again_later(data_dir: Path) -> None:
    told = measure_mot(data_dir / "pets2009-s2l1")
    assert told["halves_of_stays"]["auc"] > 0.95
    assert told["looks"]["auc"] > 0.83
    # Many of them wear black: the ratio must stay below a bit, or silence would be better.
    assert told["looks"]["ratio_cost_bits"] < 0.9
    assert told["halves_of_stays"]["ratio_cost_bits"] < 0.9
