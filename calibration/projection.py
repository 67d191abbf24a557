"""Tracks of one frame as points on the floor, with honest covariance.

Two hypotheses are worked out for every box:

- **foot**: the bottom edge stands on the floor. Precise, but wrong where the feet are hidden;
- **head**: the top edge is the top of a head of mean stature. Its error grows with range and with
  the spread of stature, but it needs no feet.

The foot is used unless (a) the picture's lower border cuts the box, (b) a fixture of the plan
stands between the camera and the place where its bottom edge would stand, so that what is seen
there is the edge of a desk, or (c) its feet are probably hidden by something that nobody drew, or
by another person: `calibration.hidden_feet` tells from the height that the body would have. A child
or somebody who crouches looks the same, so in case (c) the covariance is stretched to reach the
foot hypothesis, by its probability. The other way round it is not: a covariance that reaches
metres behind somebody whose feet most likely show would let fusion take them for anybody there.

A box cut at the top and at the bottom, one behind a fixture whose head gives no place, a point at
or above the horizon, and a point farther outside the walkable floor than its own uncertainty
explains have no floor position: they are counted as unplaced. A point slightly inside a wall stays
where it is; moving it would only hide the error.

Where the camera's picture has moved since it was calibrated, every position is widened by that
shift, and where it has moved far, there are none: they are counted as withheld.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from .body import STATURE_M, STATURE_SIGMA_M, standing_boxes
from .camera_rows import CameraRows, has_rows
from .hidden_feet import behind_somebody, hidden_probability
from .positions import FloorPositions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from vision.tracks import Tracks

    from .camera import CameraModel
    from .camera_loading import Camera
    from .floor_plan import FloorPlan

EDGE_SIGMA_PX = 0.9
"""Jitter of a box edge that does not depend on size (pixel grid, video compression). With the share
below it is that of the shipped detector: 1.0-1.5 px on bodies of 40 to 140 px in rendered video."""

EDGE_SIGMA_SHARE = 0.015
"""Jitter of a box edge as a share of the box's height."""

BODY_SIGMA_M = (0.05, 0.12)
"""Spread of the body's axis around the corrected point, across and along the line of sight: the
nearest shoe reaches from 0.05 m (feet together) to 0.5 m (end of a step towards the camera) around
`SHOE_REACH_M`, while the middle of the box sways little. People stand more than a walking figure
does (0.17 m along): with 0.12 m the ellipses hold what `benchmarks.coverage` says they hold, on
walking figures, rendered people and a real room."""

PART_SIGMA_M = 0.10
"""What is added, per axis, where only a part of the body is in the box: the middle of head,
shoulders and an arm is not the middle of the body (0.12 m measured across the sight on rendered
people cut by the picture, detector boxes)."""

HIDDEN_FEET = 0.4
"""Probability of hidden feet from which the head is used. Under one half, because a foot that is
none lies metres off and often in the next room, while a head that was not needed stays near."""

OUTSIDE_SIGMAS = 3.0
"""Farther outside the walkable floor than this, in standard deviations, is no floor position."""

_BORDER_PX = 2.0
_REFINEMENTS = 2


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """The tracks of one frame and who saw them."""

    tracks: Tracks
    camera: CameraModel
    camera_id: str
    level: str


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The boxes of several frames of one level.

    Attributes:
        boxes_px: `(N, 4)` boxes in pixels of the calibrated pictures.
        picture: `(N,)` which frame each is of.
        size_px: `(N, 2)` width and height of the calibrated picture.
        shift_px: `(N,)` how far the picture has moved since it was calibrated.
        twice: the camera of each row, and then once more; or the one camera of all.
        eye_m: `(N, 3)` optical centres; None where no camera's place is known.
    """

    boxes_px: NDArray[np.float64]
    picture: NDArray[np.intp]
    size_px: NDArray[np.float64]
    shift_px: NDArray[np.float64]
    twice: CameraModel | CameraRows
    eye_m: NDArray[np.float64] | None

    def __len__(self) -> int:
        return len(self.boxes_px)


@dataclass(frozen=True, slots=True, eq=False)
class _Hypothesis:
    """Where boxes stand if one edge of them is what it is taken for.

    `(N, 2)` places, `(N, 2, 2)` covariances and `(N,)` validity.
    """

    xy_m: NDArray[np.float64]
    cov_m2: NDArray[np.float64]
    valid: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    """Where boxes stand: `(N, 2)` places, `(N, 2, 2)` covariances, and `(N,)` flags."""

    xy_m: NDArray[np.float64]
    cov_m2: NDArray[np.float64]
    from_head: NDArray[np.bool_]
    placed: NDArray[np.bool_]

    def only(self, rows: slice) -> _Places:
        return _Places(self.xy_m[rows], self.cov_m2[rows], self.from_head[rows], self.placed[rows])


_NOBODY = _Places(
    np.zeros((0, 2)), np.zeros((0, 2, 2)), np.zeros(0, np.bool_), np.zeros(0, np.bool_)
)


def to_floor_positions(
    tracks: Tracks, camera: CameraModel, camera_id: str, level: str, plan: FloorPlan
) -> FloorPositions:
    """The tracked persons of one frame on the floor of the camera's level.

    Args:
        tracks: persons of one frame; boxes in pixels of the frame.
        camera: model of the camera. A frame of another size than the calibrated picture (a
            sub-stream of the same field of view) is scaled to it.
        camera_id: id of the camera.
        level: level that the camera looks at.
        plan: floor plan, for the walkable floor of that level.
    """
    [positions] = _positions([_Seen(tracks, camera, camera_id, level)], plan)
    return positions


def batch_to_floor_positions(
    batch: Sequence[tuple[Tracks, Camera]], plan: FloorPlan
) -> list[FloorPositions]:
    """The tracked persons of several frames on the floor, in the order given.

    As `to_floor_positions` of each, in a fraction of the time: what costs most of it, calling
    numpy, is done once for all of them.

    Args:
        batch: the tracks of each frame, and the camera that saw them.
        plan: floor plan, for the walkable floors.
    """
    return _positions([_Seen(tracks, one.model, one.id, one.level) for tracks, one in batch], plan)


def _positions(batch: Sequence[_Seen], plan: FloorPlan) -> list[FloorPositions]:
    places = [_NOBODY] * len(batch)
    for level, frames in _together(batch):
        found = _places(_rows([batch[frame] for frame in frames]), level, plan)
        first = 0
        for frame in frames:
            after = first + len(batch[frame].tracks)
            places[frame] = found.only(slice(first, after))
            first = after
    return [_told(seen, place) for seen, place in zip(batch, places, strict=True)]


def _together(batch: Sequence[_Seen]) -> list[tuple[str, list[int]]]:
    """Frames with anybody in them, by level; those of cameras that have no rows each by itself."""
    by_level: dict[str, list[int]] = {}
    alone: list[tuple[str, list[int]]] = []
    for frame, seen in enumerate(batch):
        if not len(seen.tracks):
            continue
        if has_rows(seen.camera):
            by_level.setdefault(seen.level, []).append(frame)
        else:
            alone.append((seen.level, [frame]))
    return [*by_level.items(), *alone]


def _rows(frames: Sequence[_Seen]) -> _Rows:
    """The boxes of frames that go together; see `_together`.

    A box is given in edges between pixels (0 is the left edge of the picture), a camera model in
    pixel centres (0 is the centre of the first pixel): half a pixel lies between the two.
    """
    picture = np.repeat(np.arange(len(frames)), [len(one.tracks) for one in frames])
    size_px = np.array([one.camera.size_px for one in frames], np.float64)
    scale = size_px / np.array([one.tracks.size_px for one in frames], np.float64)
    shift_px = np.array([one.tracks.view.shift_px for one in frames], np.float64) * scale[:, 0]
    boxes_px = np.concatenate([one.tracks.xyxy_px for one in frames]).astype(np.float64)
    boxes_px = boxes_px * np.tile(scale, 2)[picture] - 0.5
    first = frames[0].camera
    centres_m = [one.camera.centre_m for one in frames]
    known_m = [one for one in centres_m if one is not None]
    return _Rows(
        boxes_px,
        picture,
        size_px[picture],
        shift_px[picture],
        CameraRows.of([one.camera for one in frames], np.tile(picture, 2))
        if has_rows(first)
        else first,
        np.array(known_m)[picture] if len(known_m) == len(frames) else None,
    )


def _places(rows: _Rows, level: str, plan: FloorPlan) -> _Places:
    """Where the boxes of one level stand; see the module docstring."""
    boxes_px, walkable = rows.boxes_px, plan.walkable(level)
    feet, heads, standing_m = _hypotheses(rows)
    xy_m, cov_m2, valid = feet.xy_m, feet.cov_m2, feet.valid
    behind = np.zeros(len(rows), np.bool_)
    hidden = np.zeros(len(rows))
    if rows.eye_m is not None:
        behind[valid] = plan.behind_fixtures(level, rows.eye_m[valid], xy_m[valid])
        others = behind_somebody(boxes_px, rows.picture)
        hidden = hidden_probability(standing_m, others, rows.eye_m[:, 2])
    cut_below = boxes_px[:, 3] >= rows.size_px[:, 1] - 1 - _BORDER_PX
    cut_above = boxes_px[:, 1] <= _BORDER_PX
    no_foot = cut_below | behind | ~valid
    placed = ~no_foot & _on_floor(walkable, xy_m, cov_m2)
    from_head = np.zeros(len(rows), np.bool_)
    by_head = np.flatnonzero((no_foot | (hidden > HIDDEN_FEET)) & ~cut_above)
    if len(by_head):
        head_xy_m, head_cov_m2 = heads.xy_m[by_head], heads.cov_m2[by_head]
        # Where the feet may show after all, the covariance reaches them by that probability.
        shown = np.where(no_foot[by_head], 0.0, 1.0 - hidden[by_head])
        between_m = xy_m[by_head] - head_xy_m
        head_cov_m2 += shown[:, None, None] * (between_m[:, :, None] * between_m[:, None, :])
        believed = heads.valid[by_head] & _on_floor(walkable, head_xy_m, head_cov_m2)
        by_head = by_head[believed]
        xy_m[by_head], cov_m2[by_head] = head_xy_m[believed], head_cov_m2[believed]
        placed[by_head] = from_head[by_head] = True
    return _Places(xy_m, cov_m2, from_head, placed)


def _told(seen: _Seen, places: _Places) -> FloorPositions:
    """The positions of one frame, without those that the picture's shift withholds."""
    tracks, view = seen.tracks, seen.tracks.view
    placed = places.placed & view.usable
    return FloorPositions(
        camera=seen.camera_id,
        level=seen.level,
        frame_index=tracks.frame_index,
        captured_at_s=tracks.captured_at_s,
        xy_m=places.xy_m[placed],
        cov_m2=places.cov_m2[placed],
        from_head=places.from_head[placed],
        confidence=tracks.confidence[placed],
        track_id=tracks.track_id[placed],
        armed_llr=tracks.armed_llr[placed],
        unplaced=int((~places.placed).sum()) if view.usable else 0,
        appearance=tracks.appearance[placed],
        shift_px=view.shift_px * seen.camera.size_px[0] / tracks.size_px[0],
        withheld=0 if view.usable else len(placed),
        tells_absence=view.tells_absence,
    )


def _middle_of_edge_px(xyxy_px: NDArray[np.float64], top: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The middle `(N, 2)` of the top edge of boxes, where `top`, or of the bottom edge.

    Observed and template boxes are compared there. Where a side border of the picture cuts the
    observed box, its middle lies inwards of the body's; measured on bodies that are half outside,
    that is 0.08 m on the floor, less than taking the uncut side and an assumed width costs.
    """
    edge_px = np.where(top, xyxy_px[:, 1], xyxy_px[:, 3])
    return np.stack([(xyxy_px[:, 0] + xyxy_px[:, 2]) / 2, edge_px], axis=1)


def _edge_variance_px2(height_px: NDArray[np.float64]) -> NDArray[np.float64]:
    return EDGE_SIGMA_PX**2 + (EDGE_SIGMA_SHARE * height_px) ** 2


def _gait_cov_m2(jacobian: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariance `(N, 2, 2)` of gait; `jacobian` tells the line of sight."""
    downward_m = jacobian[:, :, 1]
    length_m = np.linalg.norm(downward_m, axis=1, keepdims=True)
    sight = downward_m / np.maximum(length_m, 1e-9)
    across, along = BODY_SIGMA_M
    cov_m2: NDArray[np.float64] = np.eye(2) * across**2 + (along**2 - across**2) * (
        sight[:, :, None] * sight[:, None, :]
    )
    return cov_m2


def _hypotheses(rows: _Rows) -> tuple[_Hypothesis, _Hypothesis, NDArray[np.float64]]:
    """Feet at the bottom edges, heads at the top edges, and `(N,)` standing heights, metres.

    The point on the plane is found by fixed-point iteration: the template's box at the current
    guess tells how far the middle of its edge lies from the foot point (or from the head), and that
    offset is taken off the observed one. Both go through the same steps as rows of one table.
    """
    n = len(rows)
    cameras = rows.twice
    boxes_px = np.concatenate([rows.boxes_px, rows.boxes_px])
    shift_px = np.concatenate([rows.shift_px, rows.shift_px])
    by_head = np.arange(2 * n) >= n
    plane_m = np.where(by_head, STATURE_M, 0.0)
    observed_px = _middle_of_edge_px(boxes_px, by_head)
    px = observed_px
    sight = cameras.sight(px, plane_m)
    xy_m, valid = sight.xy_m, sight.valid
    height_px = boxes_px[:, 3] - boxes_px[:, 1]
    seen_px, standing_m = height_px, np.full(n, STATURE_M)
    for _ in range(_REFINEMENTS):
        body = standing_boxes(cameras, xy_m)
        usable = valid & np.where(by_head, body.whole, body.valid)
        point_px = np.where(by_head[:, None], body.head_px, body.foot_px)
        offset_px = point_px - _middle_of_edge_px(body.xyxy_px, by_head)
        # Jitter goes with the size of the body, of which the box may show a small part.
        template_px = body.xyxy_px[:, 3] - body.xyxy_px[:, 1]
        height_px = np.where(by_head & usable, np.maximum(height_px, template_px), height_px)
        px = np.where(usable[:, None], observed_px + offset_px, px)
        sight = cameras.sight(px, plane_m)
        usable &= sight.valid
        xy_m = np.where(usable[:, None], sight.xy_m, xy_m)
        whole = (usable & body.whole)[:n]
        stands_m = STATURE_M * seen_px[:n] / np.maximum(template_px[:n], 1.0)
        standing_m = np.where(whole, stands_m, standing_m)
    jacobian = sight.jacobian()
    edge_px2 = (_edge_variance_px2(height_px) + shift_px**2)[:, None, None]
    cov_m2 = edge_px2 * (jacobian @ jacobian.transpose(0, 2, 1)) + _gait_cov_m2(jacobian)
    cov_m2 += sight.calibration_cov_m2(jacobian)
    # How far the place moves with one standard deviation of stature.
    taller = sight.raised(plane_m + STATURE_SIGMA_M)
    step_m = taller.xy_m[n:] - xy_m[n:]
    cov_m2[n:] += step_m[:, :, None] * step_m[:, None, :] + np.eye(2) * PART_SIGMA_M**2
    feet = _Hypothesis(xy_m[:n], cov_m2[:n], valid[:n])
    heads = _Hypothesis(xy_m[n:], cov_m2[n:], valid[n:] & taller.valid[n:])
    return feet, heads, standing_m


def _on_floor(
    walkable: BaseGeometry, xy_m: NDArray[np.float64], cov_m2: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Where `xy_m` is on the walkable floor or no farther from it than its error explains.

    A plan without any walkable floor on the level (none was drawn) excludes nothing.
    """
    if walkable.is_empty or not len(xy_m):
        return np.ones(len(xy_m), np.bool_)
    outside_m = shapely.distance(walkable, shapely.points(xy_m))
    return np.asarray(
        outside_m <= OUTSIDE_SIGMAS * np.sqrt(np.linalg.eigvalsh(cov_m2)[:, 1]), np.bool_
    )
