"""Fits pictures of any size into the few fixed shapes a network runs at, and boxes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRIDE_PX = 32
"""Network inputs are multiples of this: the coarsest grid of the YOLO family."""

_GREY = 114


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A picture scaled into a network input and centred there, grey around it.

    Attributes:
        source_px: (width, height) of the picture.
        input_px: (width, height) of the network input.
        scaled_px: (width, height) of the picture inside the input.
    """

    source_px: tuple[int, int]
    input_px: tuple[int, int]
    scaled_px: tuple[int, int]

    @classmethod
    def of(cls, source_px: tuple[int, int], long_side_px: int) -> Letterbox:
        """Return the fit of a picture into an input whose long side is `long_side_px`."""
        width, height = source_px
        factor = long_side_px / max(width, height)
        scaled = (max(1, round(width * factor)), max(1, round(height * factor)))
        across, down = (-(-side // STRIDE_PX) * STRIDE_PX for side in scaled)
        return cls(source_px, (across, down), scaled)

    @property
    def left_top_px(self) -> tuple[int, int]:
        """Where the scaled picture begins in the input."""
        return (
            (self.input_px[0] - self.scaled_px[0]) // 2,
            (self.input_px[1] - self.scaled_px[1]) // 2,
        )

    def fill(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the network input, `(H, W, 3)` uint8 BGR, for an image of `source_px`."""
        canvas = np.empty((self.input_px[1], self.input_px[0], 3), np.uint8)
        self.fill_into(canvas, image)
        return canvas

    def fill_into(
        self, canvas: NDArray[np.uint8], image: NDArray[np.uint8], *, framed: bool = False
    ) -> None:
        """Write the network input for an image of `source_px` into `canvas`, `(H, W, 3)`.

        Args:
            canvas: where the input goes.
            image: `(H, W, 3)` uint8 BGR.
            framed: whether the canvas holds an input of this very fit, so that only the picture
                inside has to be written.
        """
        left, top = self.left_top_px
        width, height = self.scaled_px
        if not framed:
            canvas[:top] = _GREY
            canvas[top + height :] = _GREY
            canvas[:, :left] = _GREY
            canvas[:, left + width :] = _GREY
        inside = canvas[top : top + height, left : left + width]
        if self.scaled_px == self.source_px:
            inside[:] = image
        else:
            cv2.resize(image, self.scaled_px, dst=inside, interpolation=cv2.INTER_LINEAR)

    def to_source(self, xyxy_px: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return `(N, 4)` boxes of the input as boxes of the picture, cut at its edges."""
        left, top = self.left_top_px
        across = self.source_px[0] / self.scaled_px[0]
        down = self.source_px[1] / self.scaled_px[1]
        shift = np.array([left, top, left, top], np.float32)
        factor = np.array([across, down, across, down], np.float32)
        limit = np.array([*self.source_px, *self.source_px], np.float32)
        boxes: NDArray[np.float32] = np.clip((xyxy_px - shift) * factor, 0, limit)
        return boxes
