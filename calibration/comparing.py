"""How two calibrations of one camera differ over the floor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .camera import CameraModel


@dataclass(frozen=True, slots=True, eq=False)
class FloorShift:
    """Where a second calibration puts what a first one puts elsewhere.

    Attributes:
        from_m: `(N, 2)` places by the first, site metres.
        to_m: `(N, 2)` places by the second of the same pixels.
    """

    from_m: NDArray[np.float64]
    to_m: NDArray[np.float64]

    @property
    def moved_m(self) -> NDArray[np.float64]:
        """`(N,)` how far each place moves."""
        return np.asarray(np.linalg.norm(self.to_m - self.from_m, axis=1))


def floor_shift(first: CameraModel, second: CameraModel, xy_m: NDArray[np.float64]) -> FloorShift:
    """How the floor moves from one calibration to another; only what both know of.

    Args:
        first: places are told by it.
        second: the other, of the same camera.
        xy_m: `(N, 2)` places of the floor, site metres.
    """
    px, seen = first.to_image(np.column_stack([xy_m, np.zeros(len(xy_m))]))
    second = second.for_picture(*first.size_px)
    there_m, valid = second.to_floor(px)
    both = seen & valid
    return FloorShift(from_m=xy_m[both], to_m=there_m[both])
