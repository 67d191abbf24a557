"""The seam behind which any detector can stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from .detections import Detections


Device = Literal["auto", "cpu", "cuda"]
"""Where a detector runs; "auto" takes CUDA where there is one."""


class Detector(Protocol):
    """Finds persons and weapons in pictures, a batch at a time."""

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Return the boxes of each image, in the order given.

        Args:
            images: `(H, W, 3)` uint8 BGR pictures, sizes may differ; may be empty.
        """
        ...
