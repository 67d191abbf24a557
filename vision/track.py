"""Identity of persons within one camera, by a tracker of the `trackers` package."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import supervision as sv
from trackers import BIoU, ByteTrackTracker

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .detections import Detections

NOT_TRACKED = -1
"""Identity of a box that no track has taken up yet (its first frame, or low confidence)."""

LOST_TRACK_S = 1.0
"""A track that matches no box for this long ends; long enough for a passer-by to hide one."""

BOX_BUFFER = 0.3
"""Boxes grow by this share of their size before overlap is computed (buffered IoU, Yang et al.,
WACV 2023), so that a runner seen at 4-5 frames a second still overlaps the box before."""


class CameraTracker:
    """Tracks the persons of one camera; frames must be given in order of time.

    Args:
        track_confidence: boxes at least this sure may begin a track; weaker ones only continue one.
        nominal_fps: frames a second expected; real times are given with each frame.
    """

    def __init__(self, *, track_confidence: float = 0.4, nominal_fps: float = 10.0) -> None:
        self._tracker = ByteTrackTracker(
            # The package counts its buffer in frames at 30 a second.
            lost_track_buffer=round(LOST_TRACK_S * 30),
            frame_rate=nominal_fps,
            track_activation_threshold=track_confidence,
            high_conf_det_threshold=track_confidence,
            minimum_consecutive_frames=2,
            minimum_iou_threshold=0.1,
            iou=BIoU(buffer_ratio=BOX_BUFFER),
        )

    def identify(self, persons: Detections, captured_at_s: float) -> NDArray[np.int64]:
        """Return the identity of each person box, `(N,)` int64, `NOT_TRACKED` where there is none.

        Args:
            persons: the person boxes of one frame.
            captured_at_s: the frame's capture time, Unix seconds, later than the last one's.
        """
        identities = np.full(len(persons), NOT_TRACKED, np.int64)
        if not len(persons) and not self._tracker.tracks:
            return identities  # nothing to predict, and time passes with the next call
        # The tracker has no use for the class: it carries the row, at less cost than data would.
        boxes = sv.Detections(
            xyxy=persons.xyxy_px.astype(np.float64),
            confidence=persons.confidence.astype(np.float64),
            class_id=np.arange(len(persons)),
        )
        tracked = self._tracker.update(boxes, timestamp=captured_at_s)
        if tracked.class_id is not None and tracked.tracker_id is not None:
            identities[tracked.class_id] = tracked.tracker_id
        return identities

    def reset(self) -> None:
        """Forget all tracks, as after a gap in the feed."""
        self._tracker.reset()
