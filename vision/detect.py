"""The seam behind which any detector can stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from .detections import Detections


Device = Literal["auto", "cpu", "cuda"]
"""Where a detector runs; "auto" takes CUDA where there is one."""


FRAMES_AT_ONCE = (8,)
"""Frames of a batch where nothing is known of the detector, or boxes are replayed without one."""


class Detector(Protocol):
    """Finds persons and weapons in pictures, a batch at a time."""

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Return the boxes of each image, in the order given.

        Args:
            images: `(H, W, 3)` uint8 BGR pictures, sizes may differ; may be empty.
        """
        ...


class Pending(Protocol):
    """Boxes that a detector is looking for."""

    def result(self) -> list[Detections]:
        """Return the boxes of each image, in the order given, as soon as they are known."""
        ...


@runtime_checkable
class SubmittingDetector(Detector, Protocol):
    """A detector that works while its caller does something else.

    Attributes:
        batches: numbers of images that use its device fully, ascending.
    """

    batches: tuple[int, ...]

    def submit(self, images: Sequence[NDArray[np.uint8]]) -> Pending:
        """Begin with images, whose pixels are copied before this returns.

        Args:
            images: see `Detector.detect`.
        """
        ...


class Found:
    """Boxes that are known already."""

    def __init__(self, boxes: list[Detections]) -> None:
        self._boxes = boxes

    def result(self) -> list[Detections]:
        """Return the boxes; see `Pending`."""
        return self._boxes


def submit(detector: Detector, images: Sequence[NDArray[np.uint8]]) -> Pending:
    """Return the boxes that a detector begins to look for; one that cannot begin does it now.

    Args:
        detector: any.
        images: see `Detector.detect`.
    """
    if isinstance(detector, SubmittingDetector):
        return detector.submit(images)
    return Found(detector.detect(images))


def batches_of(detector: Detector | None) -> tuple[int, ...]:
    """Numbers of images worth giving to a detector at once; `FRAMES_AT_ONCE` without one."""
    return detector.batches if isinstance(detector, SubmittingDetector) else FRAMES_AT_ONCE
