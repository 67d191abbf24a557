"""What a camera's picture shows of the building, reduced to points that can be found again.

Nothing of a picture can be seen in it: up to some hundred corners with a code of 256 comparisons
each (ORB: Rublee et al., "ORB: an efficient alternative to SIFT or SURF", ICCV 2011). The codes
compare brightness with brightness, so that a lamp switched on or off leaves most of them as they
were.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from .columns import require_column
from .errors import VisionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WORK_WIDTH_PX: Final = 640
"""Wider pictures are looked at in this width."""

_SCHEMA: Final = 1
_MOST_CORNERS: Final = 1500
_CELLS: Final = (8, 6)
_PER_CELL: Final = 14
_FAST_THRESHOLD: Final = 12
_CODE_BYTES: Final = 32
_LETTERING: Final = 0.07
"""Share of the height, above and below, where cameras print their name and the time: letters stay
where they are however the camera turns."""

_PADDED: Final = 0.15
"""A person's surroundings, as a share of the box's size, that are left out with the person."""


class ReferenceFileError(VisionError):
    """A file of reference points that is not one; the message says why and how to make it anew."""


@dataclass(frozen=True, slots=True, eq=False)
class ViewFeatures:
    """Corners of one picture.

    Attributes:
        size_px: (width, height) of the picture.
        xy_px: `(N, 2)` float32, pixels of that picture, (0, 0) the centre of the first.
        codes: `(N, 32)` uint8, ORB descriptors.
        brightness: median grey level, 0..255.
        contrast: grey levels between its 2nd and its 98th percentile.
        sharpness: standard deviation of the Laplacian as a share of `contrast`.
    """

    size_px: tuple[int, int]
    xy_px: NDArray[np.float32]
    codes: NDArray[np.uint8]
    brightness: float
    contrast: float
    sharpness: float

    def __post_init__(self) -> None:
        require_column("xy_px", self.xy_px, shape=(None, 2), dtype=np.float32)
        require_column("codes", self.codes, shape=(len(self.xy_px), _CODE_BYTES), dtype=np.uint8)

    def __len__(self) -> int:
        return len(self.xy_px)

    def only(self, kept: NDArray[np.bool_]) -> ViewFeatures:
        """The corners for which `kept`, `(N,)`, is True."""
        return replace(self, xy_px=self.xy_px[kept], codes=self.codes[kept])

    def for_picture(self, size_px: tuple[int, int]) -> ViewFeatures:
        """The same corners in the same picture scaled to another size."""
        scale = np.array(size_px, np.float32) / np.array(self.size_px, np.float32)
        half = np.float32(0.5)
        xy_px = ((self.xy_px + half) * scale - half).astype(np.float32)
        return replace(self, size_px=size_px, xy_px=xy_px)


def view_features(image: NDArray[np.uint8], people_px: NDArray[np.float32]) -> ViewFeatures:
    """Corners of the picture's background, spread over it.

    Args:
        image: `(H, W, 3)` uint8 BGR.
        people_px: `(N, 4)` boxes to leave out: left, top, right, bottom.
    """
    height_px, width_px = image.shape[:2]
    shrink = min(1.0, WORK_WIDTH_PX / width_px)
    small = image
    if shrink < 1.0:
        small_px = (WORK_WIDTH_PX, max(1, round(height_px * shrink)))
        small = cv2.resize(image, small_px, interpolation=cv2.INTER_AREA).astype(np.uint8)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    low, middle, high = np.percentile(grey[::4, ::4], (2, 50, 98))
    contrast = float(high - low)
    laplacian = float(cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))[1][0, 0])
    levels = np.clip((np.arange(256) - low) * 255.0 / max(contrast, 16.0), 0, 255)
    grey = cv2.LUT(grey, levels.astype(np.uint8))
    orb = cv2.ORB.create(nfeatures=_MOST_CORNERS, fastThreshold=_FAST_THRESHOLD, nlevels=4)
    corners = orb.detect(grey, _background(grey.shape, people_px * shrink))
    corners = _spread_over(corners, grey.shape)
    corners, codes = orb.compute(grey, corners)
    xy_px = np.array([corner.pt for corner in corners], np.float32).reshape(-1, 2)
    scale = np.array([width_px / grey.shape[1], height_px / grey.shape[0]], np.float32)
    return ViewFeatures(
        size_px=(width_px, height_px),
        xy_px=(xy_px + np.float32(0.5)) * scale - np.float32(0.5),
        codes=np.zeros((0, _CODE_BYTES), np.uint8) if codes is None else codes.astype(np.uint8),
        brightness=float(middle),
        contrast=contrast,
        sharpness=laplacian / max(contrast, 1.0),
    )


def to_bytes(features: ViewFeatures) -> bytes:
    """The content of a reference file; `from_bytes` reads it."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        schema=np.int64(_SCHEMA),
        size_px=np.array(features.size_px, np.int64),
        xy_px=features.xy_px,
        codes=features.codes,
        look=np.array([features.brightness, features.contrast, features.sharpness]),
    )
    return buffer.getvalue()


def from_bytes(content: bytes, name: str) -> ViewFeatures:
    """The corners that a reference file holds.

    Args:
        content: of the file.
        name: how an error names it.

    Raises:
        ReferenceFileError: the content is damaged or of another version.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as table:
            if int(table["schema"]) != _SCHEMA:
                raise ReferenceFileError(
                    f"{name}: is of version {int(table['schema'])}, this program reads {_SCHEMA}; "
                    "make it again with lastseen calibrate --still"
                )
            width_px, height_px = (int(side) for side in table["size_px"])
            brightness, contrast, sharpness = (float(value) for value in table["look"])
            return ViewFeatures(
                size_px=(width_px, height_px),
                xy_px=table["xy_px"],
                codes=table["codes"],
                brightness=brightness,
                contrast=contrast,
                sharpness=sharpness,
            )
    except (KeyError, OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ReferenceFileError(
            f"{name}: is no reference file ({type(error).__name__}); make it again with "
            "lastseen calibrate --still"
        ) from error


def _background(shape: tuple[int, ...], people_px: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Mask of a picture of `shape`: 255 where it is neither a person nor lettering."""
    height_px, width_px = shape[:2]
    mask = np.full((height_px, width_px), 255, np.uint8)
    band_px = round(height_px * _LETTERING)
    mask[:band_px] = 0
    mask[height_px - band_px :] = 0
    for left, top, right, bottom in people_px.tolist():
        pad_x, pad_y = _PADDED * (right - left), _PADDED * (bottom - top)
        rows = slice(max(0, int(top - pad_y)), max(0, int(bottom + pad_y) + 1))
        mask[rows, max(0, int(left - pad_x)) : max(0, int(right + pad_x) + 1)] = 0
    return mask


def _spread_over(corners: Sequence[cv2.KeyPoint], shape: tuple[int, ...]) -> list[cv2.KeyPoint]:
    """The strongest corners of each cell, so that one poster does not speak for the picture."""
    columns, rows = _CELLS
    taken: dict[tuple[int, int], int] = {}
    kept = []
    for corner in sorted(corners, key=lambda corner: -corner.response):
        x, y = corner.pt
        cell = int(x * columns / shape[1]), int(y * rows / shape[0])
        if taken.get(cell, 0) < _PER_CELL:
            taken[cell] = taken.get(cell, 0) + 1
            kept.append(corner)
    return kept
