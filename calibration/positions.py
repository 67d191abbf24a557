"""Tracks of one frame as points on the floor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from vision.columns import no_appearance, require_appearance, require_column

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class FloorPositions:
    """Persons of one frame on the floor of one level.

    Attributes:
        camera: camera id.
        level: level id.
        frame_index: the frame's ordinal in its feed.
        captured_at_s: capture time, Unix seconds.
        xy_m: `(N, 2)` float64, site metres (x right, y up on the plan).
        cov_m2: `(N, 2, 2)` float64, covariance of `xy_m`, square metres.
        from_head: `(N,)` bool, True where the feet were hidden and the head was used.
        confidence: `(N,)` float32, the detector's, 0..1.
        track_id: `(N,)` int64, identity within `camera`.
        armed_llr: `(N,)` float64, as in `vision.tracks.Tracks`.
        unplaced: how many tracks of the frame have no floor position (above the horizon,
            outside the calibrated floor).
        appearance: `(N, D)` float32, as in `vision.tracks.Tracks`; may be left out, then D is 0.
        shift_px: how far the camera's picture has moved since it was calibrated, pixels of the
            calibrated picture; `cov_m2` is widened by it.
        withheld: how many tracks have no position because the picture has moved too far.
        tells_absence: whether nobody seen means that nobody was there. False where the camera has
            been moved, is covered or out of focus.
    """

    camera: str
    level: str
    frame_index: int
    captured_at_s: float
    xy_m: NDArray[np.float64]
    cov_m2: NDArray[np.float64]
    from_head: NDArray[np.bool_]
    confidence: NDArray[np.float32]
    track_id: NDArray[np.int64]
    armed_llr: NDArray[np.float64]
    unplaced: int = 0
    appearance: NDArray[np.float32] = field(default_factory=no_appearance)
    shift_px: float = 0.0
    withheld: int = 0
    tells_absence: bool = True

    def __post_init__(self) -> None:
        require_column("xy_m", self.xy_m, shape=(None, 2), dtype=np.float64)
        n = len(self.xy_m)
        require_column("cov_m2", self.cov_m2, shape=(n, 2, 2), dtype=np.float64)
        require_column("from_head", self.from_head, shape=(n,), dtype=np.bool_)
        require_column("confidence", self.confidence, shape=(n,), dtype=np.float32)
        require_column("track_id", self.track_id, shape=(n,), dtype=np.int64)
        require_column("armed_llr", self.armed_llr, shape=(n,), dtype=np.float64)
        object.__setattr__(self, "appearance", require_appearance(self.appearance, n))

    def __len__(self) -> int:
        return len(self.track_id)
