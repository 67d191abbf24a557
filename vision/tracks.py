"""Persons of one frame with an identity in that camera and the evidence that each is armed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .columns import no_appearance, require_appearance, require_column
from .view import View

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """Tracked persons of one frame.

    Attributes:
        camera: camera id.
        frame_index: the frame's ordinal in its feed.
        captured_at_s: capture time, Unix seconds.
        size_px: (width, height) of the frame.
        xyxy_px: `(N, 4)` float32, left, top, right, bottom, pixels of the frame.
        confidence: `(N,)` float32 in 0..1.
        track_id: `(N,)` int64, unique within this camera and run.
        armed_llr: `(N,)` float64, natural-log likelihood ratio of armed against unarmed,
            summed over all looks at this track so far (0 = no evidence either way).
        appearance: `(N, D)` float32, what the clothes of each track look like so far
            (`vision.appearance`), rows of length 1, or all 0 where that is not known. May be left
            out: then nothing is known, and D is 0.
        view: how the camera's picture stood against its calibration when it was last checked.
    """

    camera: str
    frame_index: int
    captured_at_s: float
    size_px: tuple[int, int]
    xyxy_px: NDArray[np.float32]
    confidence: NDArray[np.float32]
    track_id: NDArray[np.int64]
    armed_llr: NDArray[np.float64]
    appearance: NDArray[np.float32] = field(default_factory=no_appearance)
    view: View = field(default_factory=View)

    def __post_init__(self) -> None:
        require_column("xyxy_px", self.xyxy_px, shape=(None, 4), dtype=np.float32)
        n = len(self.xyxy_px)
        require_column("confidence", self.confidence, shape=(n,), dtype=np.float32)
        require_column("track_id", self.track_id, shape=(n,), dtype=np.int64)
        require_column("armed_llr", self.armed_llr, shape=(n,), dtype=np.float64)
        object.__setattr__(self, "appearance", require_appearance(self.appearance, n))

    def __len__(self) -> int:
        return len(self.track_id)
