"""Where on the floor a calibration is sure, and where its error grows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from .camera import CameraModel

CELL_M: Final = 0.5
BAND_M: Final = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class ErrorMap:
    """The expected error of a calibration on a grid over the floor.

    Attributes:
        xy_m: `(N, 2)` middles of the cells that the camera shows, site metres.
        error_m: `(N,)` root mean square distance between a place and where the calibration puts
            it. Of the calibration alone: boxes and gait come on top.
        away_m: `(N,)` distance from the camera, along the floor.
        cell_m: side of a cell.
    """

    xy_m: NDArray[np.float64]
    error_m: NDArray[np.float64]
    away_m: NDArray[np.float64]
    cell_m: float

    def __len__(self) -> int:
        return len(self.error_m)


@dataclass(frozen=True, slots=True)
class ErrorBand:
    """The floor between two distances from the camera.

    Attributes:
        from_m: its near end.
        to_m: its far end.
        area_m2: floor in it that the camera shows.
        median_m: expected error, median over that floor.
        worst_m: its largest.
    """

    from_m: float
    to_m: float
    area_m2: float
    median_m: float
    worst_m: float


def error_map(camera: CameraModel, floor: BaseGeometry, cell_m: float = CELL_M) -> ErrorMap:
    """The expected error on the floor that a camera shows.

    Args:
        camera: its pose must be known.
        floor: `CameraModel.visible_floor`.
        cell_m: side of a cell.

    Raises:
        ValueError: the camera has no pose.
    """
    if camera.centre_m is None:
        raise ValueError("only a camera with a pose has an error map")
    xy_m = cells(floor, cell_m)
    px, shown = camera.to_image(np.column_stack([xy_m, np.zeros(len(xy_m))]))
    xy_m, px = xy_m[shown], px[shown]
    cov_m2 = camera.calibration_cov_m2(px)
    return ErrorMap(
        xy_m=xy_m,
        error_m=np.sqrt(np.trace(cov_m2, axis1=1, axis2=2)),
        away_m=np.asarray(np.linalg.norm(xy_m - camera.centre_m[:2], axis=1)),
        cell_m=cell_m,
    )


def by_distance(errors: ErrorMap, band_m: float = BAND_M) -> tuple[ErrorBand, ...]:
    """The map by distance from the camera, nearest first; bands without floor are left out."""
    band = np.floor(errors.away_m / band_m).astype(np.int64)
    return tuple(
        ErrorBand(
            from_m=float(k * band_m),
            to_m=float((k + 1) * band_m),
            area_m2=float(np.count_nonzero(band == k)) * errors.cell_m**2,
            median_m=float(np.median(errors.error_m[band == k])),
            worst_m=float(errors.error_m[band == k].max()),
        )
        for k in np.unique(band).tolist()
    )


def trusted_up_to_m(errors: ErrorMap, limit_m: float) -> float:
    """Distance from the camera up to which no cell's expected error exceeds `limit_m`.

    Infinite where none does.
    """
    beyond = errors.away_m[errors.error_m > limit_m]
    return float(beyond.min()) if len(beyond) else math.inf


def cells(floor: BaseGeometry, cell_m: float) -> NDArray[np.float64]:
    """`(N, 2)` middles of the cells of a grid that lie on `floor`."""
    if floor.is_empty:
        return np.zeros((0, 2))
    left, bottom, right, top = floor.bounds
    x_m = np.arange(math.floor(left / cell_m), math.ceil(right / cell_m)) * cell_m + cell_m / 2
    y_m = np.arange(math.floor(bottom / cell_m), math.ceil(top / cell_m)) * cell_m + cell_m / 2
    grid_m = np.stack(np.meshgrid(x_m, y_m), axis=-1).reshape(-1, 2).astype(np.float64)
    return grid_m[np.asarray(shapely.contains_xy(floor, grid_m[:, 0], grid_m[:, 1]))]
