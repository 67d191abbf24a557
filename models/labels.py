"""Labelled pictures: reading and writing YOLO labels, and boxes that a teacher adds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})

SAME_OBJECT_IOU = 0.45
"""A taught box that overlaps a given one of its class by this much is the same object."""

SAME_OBJECT_COVER = 0.8
"""So is one of which this share lies inside a given box, or the other way round."""


LEAST_LEFT = 0.3
"""An object of which a window shows less than this share of its box is not labelled there."""


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Objects of one picture.

    Attributes:
        xyxy_px: `(N, 4)` float64, left, top, right, bottom in pixels of that picture.
        class_id: `(N,)` int64.
    """

    xyxy_px: NDArray[np.float64]
    class_id: NDArray[np.int64]

    @classmethod
    def none(cls) -> Labels:
        """No objects."""
        return cls(np.zeros((0, 4)), np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.class_id)

    def joined(self, other: Labels) -> Labels:
        """The objects of both."""
        return Labels(
            np.concatenate([self.xyxy_px, other.xyxy_px]),
            np.concatenate([self.class_id, other.class_id]),
        )

    def cut(self, left_px: float, top_px: float, right_px: float, bottom_px: float) -> Labels:
        """The objects as seen in a window, without those of which little is left."""
        low = np.array([left_px, top_px, left_px, top_px])
        high = np.array([right_px, bottom_px, right_px, bottom_px])
        inside = np.clip(self.xyxy_px, low, high) - low
        before = (self.xyxy_px[:, 2:] - self.xyxy_px[:, :2]).prod(axis=1)
        after = (inside[:, 2:] - inside[:, :2]).prod(axis=1)
        seen = after >= LEAST_LEFT * np.maximum(before, np.finfo(np.float64).tiny)
        return Labels(inside[seen], self.class_id[seen])

    def where(self, keep: NDArray[np.bool_]) -> Labels:
        """The objects where `keep`, `(N,)` bool, is true."""
        return Labels(self.xyxy_px[keep], self.class_id[keep])

    def moved(self, factor: float, left_px: float, top_px: float) -> Labels:
        """The objects after their picture is scaled by `factor` and laid at (left, top)."""
        shift = np.array([left_px, top_px, left_px, top_px])
        return Labels(self.xyxy_px * factor + shift, self.class_id)


def picture_files(folder: Path) -> list[Path]:
    """Return the pictures in `folder`, sorted by name.

    Raises:
        DatasetError: if the folder holds none.
    """
    found = sorted(p for p in folder.glob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        kinds = ", ".join(sorted(IMAGE_SUFFIXES))
        raise DatasetError(f"{folder}: no pictures here (looked for {kinds})")
    return found


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Return the picture at `path`, `(H, W, 3)` uint8 BGR.

    Raises:
        DatasetError: if it cannot be read as a picture.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise DatasetError(f"{path}: not a readable picture")
    return np.asarray(image, np.uint8)


def read_labels(path: Path, size_px: tuple[int, int], classes: Mapping[int, int]) -> Labels:
    """Return the objects in a YOLO label file; a missing file means none.

    Args:
        path: text file of `class cx cy w h` rows, or `class x y x y x y ...` polygons, whose
            bounding box is taken; fractions of the picture.
        size_px: (width, height) of the picture.
        classes: the file's class numbers → ours; objects of other classes are an error.

    Raises:
        DatasetError: naming the file and line.
    """
    if not path.exists():
        return Labels.none()
    width, height = size_px
    boxes: list[list[float]] = []
    ids: list[int] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        fields = line.split()
        if not fields:
            continue
        try:
            class_number, box = int(fields[0]), _box([float(field) for field in fields[1:]])
        except ValueError as error:
            raise DatasetError(
                f"{path}, line {number}: expected 'class cx cy w h' or a polygon "
                f"'class x y x y x y ...', got {line[:60]!r}"
            ) from error
        if class_number not in classes:
            raise DatasetError(
                f"{path}, line {number}: class {class_number} is not one of {sorted(classes)}"
            )
        boxes.append(box)
        ids.append(classes[class_number])
    if not boxes:
        return Labels.none()
    scale = np.array([width, height, width, height], np.float64)
    return Labels(np.clip(boxes, 0, 1) * scale, np.array(ids, np.int64))


def _box(numbers: list[float]) -> list[float]:
    """Left, top, right, bottom of a `cx cy w h` box or of a polygon."""
    if len(numbers) == 4:  # noqa: PLR2004 - a box
        cx, cy, w, h = numbers
        return [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]
    if len(numbers) < 6 or len(numbers) % 2:  # noqa: PLR2004 - three corners at least
        raise ValueError("neither a box nor a polygon")
    xs, ys = numbers[::2], numbers[1::2]
    return [min(xs), min(ys), max(xs), max(ys)]


def write_labels(path: Path, labels: Labels, size_px: tuple[int, int]) -> None:
    """Write the objects as a YOLO label file for a picture of `size_px` (width, height)."""
    width, height = size_px
    left, top, right, bottom = np.clip(
        labels.xyxy_px / np.array([width, height, width, height]), 0, 1
    ).T
    rows = np.stack(
        [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top], axis=1
    ).tolist()
    path.write_text(
        "".join(
            f"{class_id} {cx:.6f} {cy:.6f} {w:.6f} {h:.6f}\n"
            for class_id, (cx, cy, w, h) in zip(labels.class_id.tolist(), rows, strict=True)
            if w > 0 and h > 0
        ),
        encoding="utf-8",
    )


def taught(given: Labels, teacher: Labels) -> Labels:
    """Return `given` with those of the teacher's objects that it lacks.

    Data sets labelled for weapons leave many persons unlabelled; training on them as they are
    would teach that those persons are background.
    """
    if not len(teacher):
        return given
    if not len(given):
        return teacher
    overlap, cover = _overlaps(teacher.xyxy_px, given.xyxy_px)
    same_class = teacher.class_id[:, None] == given.class_id[None, :]
    same = same_class & ((overlap >= SAME_OBJECT_IOU) | (cover >= SAME_OBJECT_COVER))
    missing = ~same.any(axis=1)
    return given.joined(Labels(teacher.xyxy_px[missing], teacher.class_id[missing]))


def _overlaps(
    a_px: NDArray[np.float64], b_px: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Intersection over union, and over the smaller area; both `(A, B)`."""
    corner = np.maximum(a_px[:, None, :2], b_px[None, :, :2])
    far = np.minimum(a_px[:, None, 2:], b_px[None, :, 2:])
    shared = np.clip(far - corner, 0, None).prod(axis=2)
    area_a = (a_px[:, 2:] - a_px[:, :2]).prod(axis=1)[:, None]
    area_b = (b_px[:, 2:] - b_px[:, :2]).prod(axis=1)[None, :]
    tiny = np.finfo(np.float64).tiny
    union = np.maximum(area_a + area_b - shared, tiny)
    return shared / union, shared / np.maximum(np.minimum(area_a, area_b), tiny)


def content_hash(files: Iterable[Path]) -> str:
    """Return a sha256 over the names and bytes of `files`, in order of name."""
    total = hashlib.sha256()
    for path in sorted(files, key=lambda p: p.name):
        total.update(path.name.encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
