"""Posts, door frames and counters put before the persons of training pictures.

A person behind a column is still a person, and whole: the box that positions are computed from
ends at the feet, hidden or not. Pictures in which something stands in the way are rare, so things
are drawn in the way, and the labels stay as they were (Zhong et al., "Random Erasing Data
Augmentation", AAAI 2020, with the shapes that stand about in buildings).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .labels import Labels

    Picture = NDArray[np.uint8]

SHARE_OF_PERSONS = 0.5
"""Share of a picture's persons that something is put before."""

POST_WIDTHS = (0.25, 0.8)
"""Width of an upright thing, as a share of the person's."""

COUNTER_HEIGHTS = (0.2, 0.5)
"""Height of a thing that hides the legs, as a share of the person's."""

MOST_COVERED = 0.6
"""Another object of which more than this share is hidden is no longer labelled."""

_POST_SHARE = 0.6
_LEAST_PX = 2


def stand_before(
    image: Picture, labels: Labels, person: int, rng: np.random.Generator
) -> tuple[Picture, Labels]:
    """Return the picture with things before some of its persons, and what is still labelled.

    Args:
        image: `(H, W, 3)` uint8 BGR; not changed.
        labels: its objects.
        person: class number of persons; they keep their whole boxes.
        rng: decides whom, what, where and its look.
    """
    persons = labels.xyxy_px[labels.class_id == person]
    chosen = persons[rng.random(len(persons)) < SHARE_OF_PERSONS]
    if not len(chosen):
        return image, labels
    seen = image.copy()
    hidden = np.zeros(image.shape[:2], bool)
    for box in chosen:
        left, top, right, bottom = _thing(box, image.shape[:2], rng)
        if right - left < _LEAST_PX or bottom - top < _LEAST_PX:
            continue
        seen[top:bottom, left:right] = _surface(image, bottom - top, right - left, rng)
        hidden[top:bottom, left:right] = True
    return seen, labels.where((labels.class_id == person) | _still_seen(labels, hidden))


def _thing(
    box: NDArray[np.float64], size: tuple[int, ...], rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """Edges of an upright post or of something low before one person, within the picture."""
    left, top, right, bottom = box.tolist()
    width, height = right - left, bottom - top
    if rng.random() < _POST_SHARE:
        wide = width * rng.uniform(*POST_WIDTHS)
        x0 = left + width * rng.uniform(0, 1) - wide / 2
        x1 = x0 + wide
        y0 = top - height * rng.uniform(0, 1)
        y1 = bottom + height * rng.uniform(-0.1, 0.3)
    else:
        tall = height * rng.uniform(*COUNTER_HEIGHTS)
        y1 = bottom + height * rng.uniform(0, 0.1)
        y0 = y1 - tall
        x0 = left - width * rng.uniform(0.1, 1.5)
        x1 = right + width * rng.uniform(0.1, 1.5)
    rows, columns = size[:2]
    return (
        int(np.clip(x0, 0, columns)),
        int(np.clip(y0, 0, rows)),
        int(np.clip(x1, 0, columns)),
        int(np.clip(y1, 0, rows)),
    )


def _surface(image: Picture, rows: int, columns: int, rng: np.random.Generator) -> Picture:
    """A plain surface in a colour of the picture, lit from one side, or a piece of the picture."""
    height, width = image.shape[:2]
    if rng.random() < 0.5:  # noqa: PLR2004 - as often one as the other
        y, x = int(rng.integers(height)), int(rng.integers(width))
        piece = image[y : y + max(_LEAST_PX, rows // 2), x : x + max(_LEAST_PX, columns // 2)]
        return np.asarray(cv2.resize(piece, (columns, rows)), np.uint8)
    colour = image[int(rng.integers(height)), int(rng.integers(width))].astype(np.float32)
    light = np.linspace(rng.uniform(0.7, 1.1), rng.uniform(0.7, 1.1), columns, dtype=np.float32)
    plain = colour * light[None, :, None] + rng.normal(0, 3, (rows, columns, 3))
    return np.asarray(np.clip(plain, 0, 255), np.uint8)


def _still_seen(labels: Labels, hidden: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which objects are still to be seen well enough, `(N,)`."""
    left_over = np.ones(len(labels), bool)
    for row, (left, top, right, bottom) in enumerate(np.rint(labels.xyxy_px).astype(int)):
        part = hidden[top:bottom, left:right]
        left_over[row] = not part.size or float(part.mean()) <= MOST_COVERED
    return left_over
