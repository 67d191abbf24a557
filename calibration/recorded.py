"""What public recordings tell of people: boxes in pictures, places on the floor.

Each data set writes them differently; the modules `import_*` bring them into these columns, in
which drill folders are written and checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from shapely import Polygon

from vision.columns import require_column

from .body import standing_boxes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .camera import CameraModel

_LEAST_SIDE_PX: Final = 0.5
_BEYOND_FEET_M: Final = 1.0
"""The floor reaches this far beyond where feet were seen: a body's reach from a wall or stand."""
_GRID_M: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class RecordedBoxes:
    """Boxes of people in the frames of one camera.

    Attributes:
        frame: `(N,)` int64, from 0.
        person: `(N,)` int64, identity; -1 where the recording does not say.
        xyxy_px: `(N, 4)` float64, left, top, right, bottom; may reach beyond the picture.
        confidence: `(N,)` float64, 0..1.
    """

    frame: NDArray[np.int64]
    person: NDArray[np.int64]
    xyxy_px: NDArray[np.float64]
    confidence: NDArray[np.float64]

    def __post_init__(self) -> None:
        n = len(self.frame)
        require_column("frame", self.frame, shape=(None,), dtype=np.int64)
        require_column("person", self.person, shape=(n,), dtype=np.int64)
        require_column("xyxy_px", self.xyxy_px, shape=(n, 4), dtype=np.float64)
        require_column("confidence", self.confidence, shape=(n,), dtype=np.float64)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> RecordedBoxes:
        return RecordedBoxes(
            self.frame[rows], self.person[rows], self.xyxy_px[rows], self.confidence[rows]
        )

    @property
    def foot_px(self) -> NDArray[np.float64]:
        """`(N, 2)` middle of each bottom edge, pixels."""
        return np.column_stack([self.xyxy_px[:, [0, 2]].mean(axis=1), self.xyxy_px[:, 3]])

    def clipped(self, size_px: tuple[int, int]) -> RecordedBoxes:
        """The boxes cut at the borders of a picture; those that lie outside it are left out."""
        cut = clip(self.xyxy_px, size_px)
        sides = cut[:, 2:] - cut[:, :2]
        kept = np.asarray((sides >= _LEAST_SIDE_PX).all(axis=1))
        return RecordedBoxes(self.frame[kept], self.person[kept], cut[kept], self.confidence[kept])


@dataclass(frozen=True, slots=True, eq=False)
class RecordedPlaces:
    """Where people stood.

    Attributes:
        frame: `(N,)` int64, from 0.
        person: `(N,)` int64, identity.
        xy_m: `(N, 2)` float64, site metres.
    """

    frame: NDArray[np.int64]
    person: NDArray[np.int64]
    xy_m: NDArray[np.float64]

    def __post_init__(self) -> None:
        n = len(self.frame)
        require_column("frame", self.frame, shape=(None,), dtype=np.int64)
        require_column("person", self.person, shape=(n,), dtype=np.int64)
        require_column("xy_m", self.xy_m, shape=(n, 2), dtype=np.float64)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> RecordedPlaces:
        return RecordedPlaces(self.frame[rows], self.person[rows], self.xy_m[rows])


def first_told(places: RecordedPlaces) -> tuple[RecordedPlaces, int]:
    """Return the places with each person once a frame, the first one, and how many were more."""
    keys = np.column_stack([places.frame, places.person])
    _, first = np.unique(keys, axis=0, return_index=True)
    return places[np.sort(first)], len(keys) - len(first)


def clip(xyxy_px: NDArray[np.float64], size_px: tuple[int, int]) -> NDArray[np.float64]:
    """Return `(N, 4)` boxes cut at the borders of a picture of (width, height)."""
    return np.clip(xyxy_px, 0.0, np.array([*size_px, *size_px], np.float64))


def template_boxes(camera: CameraModel, places: RecordedPlaces) -> RecordedBoxes:
    """Return the boxes of standing bodies of mean stature at `places`, not cut at the borders.

    Places that the camera does not show are left out.
    """
    standing = standing_boxes(camera, places.xy_m)
    rows = np.flatnonzero(standing.whole)
    xyxy_px = standing.xyxy_px[rows]
    inside = clip(xyxy_px, camera.size_px)
    shown = ((inside[:, 2:] - inside[:, :2]) > 0).all(axis=1)
    rows = rows[shown]
    return RecordedBoxes(
        places.frame[rows], places.person[rows], xyxy_px[shown], np.ones(len(rows))
    )


def foot_offsets_m(
    camera: CameraModel, boxes: RecordedBoxes, places: RecordedPlaces
) -> NDArray[np.float64]:
    """Return how far each box's foot falls from the true place of the same person, metres.

    Boxes without a place, or whose foot lies outside the picture, are left out.
    """
    spots = _by_frame_and_person(places)
    rows = [
        (i, spots[key])
        for i, key in enumerate(zip(boxes.frame.tolist(), boxes.person.tolist(), strict=True))
        if key in spots
    ]
    mine = np.array([i for i, _ in rows], np.int64)
    theirs = np.array([j for _, j in rows], np.int64)
    xy_m, valid = camera.to_floor(boxes.foot_px[mine])
    offset_m = np.linalg.norm(xy_m - places.xy_m[theirs], axis=1)
    return np.asarray(offset_m[valid], np.float64)


def nearest_foot_m(
    camera: CameraModel, boxes: RecordedBoxes, places: RecordedPlaces
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distances between true places and feet of one frame when no identity is known.

    Returns:
        For each of the boxes whose foot is on the floor: metres to the nearest true place of its
        frame, infinite where nobody was there; and for each true place within the picture: metres
        to the nearest foot of its frame, infinite where there is none.
    """
    xy_m, valid = camera.to_floor(boxes.foot_px)
    feet = RecordedPlaces(boxes.frame[valid], boxes.person[valid], xy_m[valid])
    on_floor_m = np.column_stack([places.xy_m, np.zeros(len(places.xy_m))])
    _, shown = camera.to_image(on_floor_m)
    return _nearest_m(feet, places), _nearest_m(places[shown], feet)


def floor_extent(feet_m: NDArray[np.float64], cameras_m: NDArray[np.float64]) -> Polygon:
    """Return the rectangle, along the axes, that holds all feet and cameras with a bit to spare.

    For recordings without a floor plan: where people stood is floor, and cameras hang on its walls
    or beside it, so it reaches at least that far; how much farther is not known.

    Args:
        feet_m: `(N, 2)` float64, N at least 1, site metres.
        cameras_m: `(C, 2)` float64, site metres.
    """
    reach_m = np.concatenate([feet_m - _BEYOND_FEET_M, feet_m + _BEYOND_FEET_M, cameras_m])
    low = np.floor(reach_m.min(axis=0) / _GRID_M) * _GRID_M
    high = np.ceil(reach_m.max(axis=0) / _GRID_M) * _GRID_M
    return Polygon.from_bounds(*low.tolist(), *high.tolist())


def _nearest_m(of: RecordedPlaces, among: RecordedPlaces) -> NDArray[np.float64]:
    found = np.full(len(of.frame), np.inf)
    for frame in np.unique(of.frame).tolist():
        mine, theirs = of.frame == frame, among.frame == frame
        if theirs.any():
            apart_m = np.linalg.norm(of.xy_m[mine, None] - among.xy_m[theirs], axis=2)
            found[mine] = apart_m.min(axis=1)
    return found


def _by_frame_and_person(places: RecordedPlaces) -> dict[tuple[int, int], int]:
    keys = zip(places.frame.tolist(), places.person.tolist(), strict=True)
    return {key: row for row, key in enumerate(keys)}
