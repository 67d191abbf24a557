"""What one walking body tells of the clocks of two cameras that both show it.

A camera whose times are `d` seconds late shows at time t what was there at t - d: a body that walks
with velocity v lies `v d` behind where the others show it. Samples are taken from what the cameras
saw and not from a filter's state, which would hold the very camera that is to be judged, and at the
times that the cameras gave, whatever correction is in force: so the estimate cannot feed on itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from .answer import TrackKey
    from .positions import FloorPositions

STRIDE_S: Final = 1.6
"""Bodies are taken to walk straight for so long; who does not is left out."""

WALKING_MPS: Final = 0.7
"""Slower ones tell more of places than of times."""

FARTHEST_S: Final = 2.5
"""Offsets beyond this are not looked for: the next walker in a corridor is not farther behind."""

_LEAST_FRAMES, _LEAST_SPAN_S = 3, 0.8
_CROOKED_M: Final = 0.35
_SAME_WAY_COS: Final = 0.85
_SAME_SPEED_MPS: Final = 0.4
_BESIDE_M: Final = 1.0
_BESIDE_SIGMA: Final = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Strides:
    """Tracks that walked straight through a stretch of time, as columns.

    Attributes:
        keys: camera and number of each track, N of them.
        xy_m: `(N, 2)` float64, place in the middle of the stretch, site metres.
        velocity_mps: `(N, 2)` float64.
        cov_m2: `(N, 2, 2)` float64, covariance of the place; it is not less for many frames, whose
            errors are nearly the same.
    """

    keys: tuple[TrackKey, ...]
    xy_m: NDArray[np.float64]
    velocity_mps: NDArray[np.float64]
    cov_m2: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ClockSample:
    """One body as two cameras show it at one time by their clocks.

    Attributes:
        first: the track of the camera whose id comes first.
        second: the track of the other.
        apart_m: `(2,)` place by the first less place by the second, site metres.
        velocity_mps: `(2,)` how the body walked.
        cov_m2: `(2, 2)` covariance of `apart_m`.
    """

    first: TrackKey
    second: TrackKey
    apart_m: NDArray[np.float64]
    velocity_mps: NDArray[np.float64]
    cov_m2: NDArray[np.float64]


def strides(frames: Sequence[FloorPositions], middle_s: float) -> Strides:
    """Return the tracks that walked straight in the frames of one level.

    Args:
        frames: frames within half of `STRIDE_S` of the middle, by the cameras' own times.
        middle_s: Unix seconds.
    """
    seen = [frame for frame in frames if len(frame)]
    keys = [(frame.camera, track) for frame in seen for track in frame.track_id.tolist()]
    number = {key: k for k, key in enumerate(dict.fromkeys(keys))}
    if not number:
        return Strides((), np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((0, 2, 2)))
    of = np.array([number[key] for key in keys])
    t_s = np.repeat([frame.captured_at_s - middle_s for frame in seen], [len(f) for f in seen])
    xy_m = np.concatenate([frame.xy_m for frame in seen])
    cov_m2 = np.concatenate([frame.cov_m2 for frame in seen])
    frames_of = np.bincount(of).astype(np.float64)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(of, values) / frames_of)

    t_mean_s = mean(t_s)
    t_var = mean((t_s - t_mean_s[of]) ** 2)
    place_m = np.stack([mean(xy_m[:, k]) for k in (0, 1)], axis=1)
    moved = np.stack(
        [mean((t_s - t_mean_s[of]) * (xy_m[:, k] - place_m[of, k])) for k in (0, 1)], axis=1
    )
    velocity_mps = moved / np.maximum(t_var, 1e-6)[:, None]
    left_m = xy_m - place_m[of] - velocity_mps[of] * (t_s - t_mean_s[of])[:, None]
    crooked_m = np.sqrt(mean((left_m**2).sum(axis=1)))
    first_s, last_s = np.full(len(number), np.inf), np.full(len(number), -np.inf)
    np.minimum.at(first_s, of, t_s)
    np.maximum.at(last_s, of, t_s)
    kept = np.flatnonzero(
        (frames_of >= _LEAST_FRAMES)
        & (last_s - first_s >= _LEAST_SPAN_S)
        & (np.hypot(velocity_mps[:, 0], velocity_mps[:, 1]) > WALKING_MPS)
        & (crooked_m <= _CROOKED_M)
    )
    spread = [mean(cov_m2[:, i, j])[kept] for i in (0, 1) for j in (0, 1)]
    names = tuple(number)
    return Strides(
        tuple(names[k] for k in kept.tolist()),
        (place_m - velocity_mps * t_mean_s[:, None])[kept],
        velocity_mps[kept],
        np.stack(spread, axis=1).reshape(-1, 2, 2),
    )


def clock_samples(
    walked: Strides, owner_of: Callable[[TrackKey], int | None]
) -> tuple[ClockSample, ...]:
    """Return the pairs of tracks of two cameras that are surely one body.

    Two tracks are that if they walk on one line, equally fast, and neither camera shows another who
    could be meant; of several, the two that are one subject already.

    Args:
        walked: the tracks of one level.
        owner_of: the subject of a track, by serial; None without one.
    """
    n = len(walked.keys)
    cameras = sorted({camera for camera, _ in walked.keys})
    if len(cameras) < 2:  # noqa: PLR2004 - two clocks
        return ()
    place = {camera: k for k, camera in enumerate(cameras)}
    at = np.array([place[camera] for camera, _ in walked.keys])
    speed_mps = np.hypot(walked.velocity_mps[:, 0], walked.velocity_mps[:, 1])
    ahead = walked.velocity_mps / speed_mps[:, None]
    apart_m = walked.xy_m[:, None] - walked.xy_m[None]
    way = ahead[:, None] + ahead[None]
    way /= np.maximum(np.linalg.norm(way, axis=2, keepdims=True), 1e-6)
    along_m = (apart_m * way).sum(axis=2)
    beside = np.stack([-way[..., 1], way[..., 0]], axis=2)
    beside_m = np.abs((apart_m * beside).sum(axis=2))
    cov_m2 = walked.cov_m2[:, None] + walked.cov_m2[None]
    sigma_m = np.sqrt(np.einsum("nmi,nmij,nmj->nm", beside, cov_m2, beside))
    mean_mps = (speed_mps[:, None] + speed_mps[None]) / 2
    may_be = (
        (at[:, None] != at[None])
        & (ahead @ ahead.T >= _SAME_WAY_COS)
        & (np.abs(speed_mps[:, None] - speed_mps[None]) <= _SAME_SPEED_MPS)
        & (np.abs(along_m) <= FARTHEST_S * mean_mps)
        & (beside_m <= np.minimum(_BESIDE_SIGMA * sigma_m, _BESIDE_M))
    )
    rivals = np.zeros((n, len(cameras)), np.intp)
    for k in range(len(cameras)):
        rivals[:, k] = may_be[:, at == k].sum(axis=1)
    found = []
    for i, j in np.argwhere(may_be & (at[:, None] < at[None])).tolist():
        first, second = walked.keys[i], walked.keys[j]
        if rivals[i, at[j]] > 1 or rivals[j, at[i]] > 1:
            owner = owner_of(first)
            if owner is None or owner != owner_of(second):
                continue
        velocity_mps = (walked.velocity_mps[i] + walked.velocity_mps[j]) / 2
        found.append(ClockSample(first, second, apart_m[i, j], velocity_mps, cov_m2[i, j]))
    return tuple(found)
