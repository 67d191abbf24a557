"""The boxes that a detector found in one frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .columns import ColumnError, require_column

if TYPE_CHECKING:
    from numpy.typing import NDArray

PERSON = "person"
WEAPON_LABELS = frozenset({"firearm", "knife"})
"""Labels that count as a weapon; any other label that is not a person is ignored."""


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Boxes of one frame, in pixels of that frame (origin top left, x right, y down).

    Attributes:
        xyxy_px: `(N, 4)` float32, left, top, right, bottom.
        confidence: `(N,)` float32 in 0..1.
        class_id: `(N,)` int16, index into `class_names`.
        class_names: names of the classes.
    """

    xyxy_px: NDArray[np.float32]
    confidence: NDArray[np.float32]
    class_id: NDArray[np.int16]
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        require_column("xyxy_px", self.xyxy_px, shape=(None, 4), dtype=np.float32)
        n = len(self.xyxy_px)
        require_column("confidence", self.confidence, shape=(n,), dtype=np.float32)
        require_column("class_id", self.class_id, shape=(n,), dtype=np.int16)
        if n and not 0 <= int(self.class_id.min()) <= int(self.class_id.max()) < len(
            self.class_names
        ):
            raise ColumnError(f"class_id: must index {len(self.class_names)} class names")

    def __len__(self) -> int:
        return len(self.xyxy_px)

    @classmethod
    def empty(cls, class_names: tuple[str, ...] = (PERSON,)) -> Detections:
        """No boxes."""
        return cls(
            np.zeros((0, 4), np.float32),
            np.zeros(0, np.float32),
            np.zeros(0, np.int16),
            class_names,
        )

    def of(self, labels: frozenset[str]) -> Detections:
        """Only the boxes whose class name is in `labels`."""
        if not len(self):
            return self
        wanted = np.array([name in labels for name in self.class_names], np.bool_)
        return self.where(wanted[self.class_id])

    def where(self, keep: NDArray[np.bool_]) -> Detections:
        """Only the boxes where `keep`, `(N,)` bool, is true."""
        return Detections(
            self.xyxy_px[keep], self.confidence[keep], self.class_id[keep], self.class_names
        )

    def persons(self) -> Detections:
        """Only the persons."""
        return self.of(frozenset({PERSON}))

    def weapons(self) -> Detections:
        """Only the weapons."""
        return self.of(WEAPON_LABELS)
