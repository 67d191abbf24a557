"""One camera's picture (or, where a drill replays boxes, what a detector saw) at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from .columns import require_column

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .detections import Detections

ClockSource = Literal["stream", "arrival", "drill"]
"""Where `captured_at_s` comes from: the stream's own clock, the time of arrival, or the drill."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded picture.

    Attributes:
        camera: camera id.
        index: ordinal of the frame in its feed, from 0, counting frames later dropped.
        captured_at_s: capture time, Unix seconds.
        clock: where the capture time comes from.
        decoded_at_s: when decoding ended, Unix seconds.
        image: `(H, W, 3)` uint8, BGR.
    """

    camera: str
    index: int
    captured_at_s: float
    clock: ClockSource
    decoded_at_s: float
    image: NDArray[np.uint8]

    def __post_init__(self) -> None:
        require_column("image", self.image, shape=(None, None, 3), dtype=np.uint8)

    @property
    def size_px(self) -> tuple[int, int]:
        """(width, height) of the picture."""
        return int(self.image.shape[1]), int(self.image.shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class BoxFrame:
    """The recorded boxes of one frame, from a drill that has no pixels for this camera.

    The fields are those of `Frame`, with `detections` and `size_px` (width, height) in the
    place of the image.
    """

    camera: str
    index: int
    captured_at_s: float
    clock: ClockSource
    decoded_at_s: float
    size_px: tuple[int, int]
    detections: Detections
