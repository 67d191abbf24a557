"""The same question on footage of one camera with true boxes, as the MOT challenge has them.

Each person is compared with how they, and how others, looked five seconds and more before: another
pose, another place, another light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from api.errors import DrillError
from calibration.appearance import distances, middle, same_body_llr
from calibration.import_mot import boxes_of, read_table
from vision.appearance import body_below_head, embed, hidden_share, light_gains, look_weight

from .appearance import pairs
from .pair_figures import first_is_right

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LATER_S = 5.0
LEAST_LOOKS = 6
"""Who was in full view less often has no two halves to compare."""


def measure_mot(folder: Path, fps: float = 7.0) -> dict[str, Any]:
    """Figures of single looks some time apart, and of the first half of a stay against the second.

    Args:
        folder: has `gt.txt` and the pictures `img1/000001.jpg` and so on.
        fps: frames a second; two looks a second are taken.

    Raises:
        DrillError: a picture is missing.
        SourceError: the boxes are missing or damaged.
    """
    body, at_s, embedding = _looks(folder, fps)
    people = sorted(set(body.tolist()))
    crowd = np.stack([middle(embedding[body == one]) for one in people])
    apart = distances(embedding, embedding)
    llr = same_body_llr(embedding, embedding, crowd)
    later = at_s[None] - at_s[:, None] >= LATER_S
    same = body[:, None] == body[None]
    stays = [(one, np.flatnonzero(body == one)) for one in people]
    stays = [(one, rows) for one, rows in stays if len(rows) >= LEAST_LOOKS]
    first = np.stack([middle(embedding[rows[: len(rows) // 2]]) for _, rows in stays])
    second = np.stack([middle(embedding[rows[len(rows) // 2 :]]) for _, rows in stays])
    who = [one for one, _ in stays]
    between = distances(first, second)
    every = np.ones(between.shape, np.bool_)
    return {
        "people": len(people),
        "looks": pairs(apart, llr, same, later, []),
        "halves_of_stays": pairs(
            between,
            same_body_llr(first, second, crowd),
            np.eye(len(who), dtype=np.bool_),
            every,
            first_is_right(-between, who, who),
        ),
    }


def _looks(
    folder: Path, fps: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float32]]:
    """Person, time and embedding of every look at somebody in full view, in order of time."""
    boxes = boxes_of(read_table(folder / "gt.txt"))
    bodies, times, embeddings = [], [], []
    for frame in range(0, int(boxes.frame.max()) + 1, max(1, round(fps / 2))):
        path = folder / "img1" / f"{frame + 1:06d}.jpg"
        rows = np.flatnonzero(boxes.frame == frame)
        if not len(rows):
            continue
        read = cv2.imread(str(path))
        if read is None:
            raise DrillError(f"{path}: is no picture, but gt.txt has boxes in it")
        image = np.asarray(read, np.uint8)
        xyxy_px = boxes.xyxy_px[rows]
        worth = look_weight(xyxy_px, hidden_share(xyxy_px), (image.shape[1], image.shape[0]))
        whole = np.flatnonzero(worth > 0)
        if len(whole):
            cuts = np.stack([body_below_head(image, xyxy_px[row]) for row in whole])
            embeddings.append(embed(cuts, light_gains(image)))
            bodies.append(boxes.person[rows[whole]])
            times.append(np.full(len(whole), frame / fps))
    if not embeddings:
        raise DrillError(f"{folder}: nobody is in full view in any of its pictures")
    return np.concatenate(bodies), np.concatenate(times), np.concatenate(embeddings)
