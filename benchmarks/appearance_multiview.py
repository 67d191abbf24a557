"""The same question on pictures of MultiviewX, which come without identities.

What stands at one place of the floor in two pictures of one moment is one body, what stands metres
apart is two: the calibrated cameras give the truth, not the clothes. Cameras 4 and 5 are left out;
their pictures do not fit their calibration (no more places agree than between pictures of different
moments).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from api.errors import DrillError
from calibration.appearance import distances, known, same_body_llr
from calibration.import_multiview import MULTIVIEWX, read_camera
from vision.appearance import (
    EMBEDDING_LENGTH,
    body_below_head,
    embed,
    hidden_share,
    light_gains,
    look_weight,
)
from vision.yolo import load_detector

from .appearance import pairs

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from vision.detect import Detector, Device

VIEWS = {"C1": "Camera1", "C2": "Camera2", "C3": "Camera3", "C6": "Camera6"}
FRAMES = 10
INPUT_PX = 1280
"""The pictures are 1920 pixels wide."""

ONE_PLACE_M, NOBODY_ELSE_M, APART_M = 0.3, 1.0, 1.8
"""Two feet nearer than the first, nobody else of either camera nearer than the second: one body.
Farther than the third: two."""


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """The persons of one picture: `(N, 2)` places in metres and `(N, D)` embeddings."""

    xy_m: NDArray[np.float64]
    embedding: NDArray[np.float32]


def measure_multiview(folder: Path, device: Device = "auto") -> dict[str, Any]:
    """Figures of pairs of persons in pictures of one moment, of two cameras.

    Args:
        folder: the sample of MultiviewX, with `Image_subsets` and `calibrations`.
        device: "auto", "cpu" or "cuda".

    Raises:
        DrillError: a picture is missing.
    """
    detector = load_detector(device, input_px=INPUT_PX)
    apart, llr, same, first = [], [], [], []
    for frame in range(FRAMES):
        seen = [_see(folder, view, frame, detector) for view in VIEWS]
        crowd = max((one.embedding for one in seen), key=len)
        for one, other in combinations(seen, 2):
            rows, columns, is_same = _pairs(one, other)
            far = distances(one.embedding, other.embedding)
            apart.append(far[rows, columns])
            llr.append(same_body_llr(one.embedding, other.embedding, crowd)[rows, columns])
            same.append(is_same)
            first += _first(far, rows, columns, is_same)
            first += _first(far.T, columns, rows, is_same)
    everything = np.concatenate(same)
    return pairs(
        np.concatenate(apart),
        np.concatenate(llr),
        everything,
        np.ones(len(everything), np.bool_),
        first,
    )


def _see(folder: Path, view: str, frame: int, detector: Detector) -> _Seen:
    path = folder / "Image_subsets" / view / f"{frame:04d}.jpg"
    read = cv2.imread(str(path))
    if read is None:
        raise DrillError(f"{path}: is no picture; MultiviewX's sample has {FRAMES} a camera")
    image = np.asarray(read, np.uint8)
    boxes = detector.detect([image])[0].persons().xyxy_px
    worth = look_weight(boxes, hidden_share(boxes), (image.shape[1], image.shape[0]))
    camera = read_camera(folder, VIEWS[view], MULTIVIEWX)
    feet_px = np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]], axis=1).astype(np.float64)
    xy_m, on_floor = camera.to_floor(feet_px - 0.5)
    whole = np.flatnonzero((worth > 0) & on_floor)
    # Who is not whole is nobody to compare, but does stand beside others.
    xy_m[~on_floor] = np.inf
    embedding = np.zeros((len(boxes), EMBEDDING_LENGTH), np.float32)
    if len(whole):
        bodies = np.stack([body_below_head(image, boxes[row]) for row in whole])
        embedding[whole] = embed(bodies, light_gains(image))
    return _Seen(xy_m, embedding)


def _pairs(
    one: _Seen, other: _Seen
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Rows and columns of the pairs that are certain, and whether each is one body."""
    with np.errstate(invalid="ignore"):
        apart_m = np.linalg.norm(one.xy_m[:, None] - other.xy_m[None], axis=2)
    apart_m = np.nan_to_num(apart_m, nan=np.inf)
    near = apart_m < NOBODY_ELSE_M
    alone = (near.sum(axis=1, keepdims=True) == 1) & (near.sum(axis=0, keepdims=True) == 1)
    comparable = known(one.embedding)[:, None] & known(other.embedding)[None]
    one_body = comparable & alone & (apart_m < ONE_PLACE_M)
    two_bodies = comparable & np.isfinite(apart_m) & (apart_m > APART_M)
    rows, columns = np.nonzero(one_body | two_bodies)
    return rows, columns, one_body[rows, columns]


def _first(
    far: NDArray[np.float64],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    same: NDArray[np.bool_],
) -> list[bool]:
    """For each person who is surely in the other picture: whether the nearest there is they."""
    right = []
    for row, column in zip(rows[same], columns[same], strict=True):
        others = columns[(rows == row) & ~same]
        if len(others):
            right.append(bool(far[row, column] < far[row, others].min()))
    return right
