"""One camera's picture (or, where a drill replays boxes, what a detector saw) at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import cv2
import numpy as np

from .columns import require_column

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .detections import Detections

ClockSource = Literal["stream", "arrival", "drill"]
"""Where `captured_at_s` comes from: the stream's own clock, the time of arrival, or the drill."""


class Undeveloped(Protocol):
    """A picture that is decoded and not yet converted, as `vision.decoded_picture` makes it."""

    @property
    def size_px(self) -> tuple[int, int]:
        """(width, height) of the picture."""
        ...

    def bgr(self) -> NDArray[np.uint8]:
        """The picture as `(H, W, 3)` uint8 BGR, converted at the first call."""
        ...

    def luma(self) -> NDArray[np.uint8]:
        """Its brightness as `(H, W)` uint8, without converting it."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded picture.

    Attributes:
        camera: camera id.
        index: ordinal of the frame in its feed, from 0, counting frames later dropped.
        captured_at_s: capture time, Unix seconds.
        clock: where the capture time comes from.
        decoded_at_s: when decoding ended, Unix seconds.
        picture: `(H, W, 3)` uint8, BGR; or a decoded picture that becomes that when `image` is
            asked for.
    """

    camera: str
    index: int
    captured_at_s: float
    clock: ClockSource
    decoded_at_s: float
    picture: NDArray[np.uint8] | Undeveloped

    def __post_init__(self) -> None:
        if isinstance(self.picture, np.ndarray):
            require_column("image", self.picture, shape=(None, None, 3), dtype=np.uint8)

    @property
    def image(self) -> NDArray[np.uint8]:
        """The picture, `(H, W, 3)` uint8 BGR; converted when it is first asked for."""
        return self.picture if isinstance(self.picture, np.ndarray) else self.picture.bgr()

    def luma(self) -> NDArray[np.uint8]:
        """The brightness of the picture, `(H, W)` uint8, read only.

        Far cheaper than `image` for a picture that nobody has looked at yet. Black and white are
        at 16 and 235 in most streams.
        """
        if not isinstance(self.picture, np.ndarray):
            return self.picture.luma()
        luma = np.asarray(cv2.cvtColor(self.picture, cv2.COLOR_BGR2GRAY), np.uint8)
        luma.flags.writeable = False
        return luma

    @property
    def size_px(self) -> tuple[int, int]:
        """(width, height) of the picture."""
        if isinstance(self.picture, np.ndarray):
            return int(self.picture.shape[1]), int(self.picture.shape[0])
        return self.picture.size_px


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
