"""From frames to tracks: one detector for all cameras, one tracker and armed evidence each."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .armed import ArmedEvidence
from .frames import BoxFrame, Frame
from .track import NOT_TRACKED, CameraTracker
from .tracks import Tracks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.looks import LookRates

    from .detect import Detector
    from .detections import Detections


@dataclass(frozen=True, slots=True, eq=False)
class TrackedFrame:
    """What one frame showed.

    Attributes:
        frame: the frame (or recorded boxes) itself.
        detections: all boxes that the detector found.
        tracks: the persons with an identity.
        detected_at_s: when detection and tracking of the frame ended, Unix seconds.
    """

    frame: Frame | BoxFrame
    detections: Detections
    tracks: Tracks
    detected_at_s: float


class CameraTracks:
    """Tracker and armed evidence of one camera."""

    def __init__(self, tracker: CameraTracker, armed: ArmedEvidence) -> None:
        self._tracker = tracker
        self._armed = armed
        self._last_captured_at_s = -np.inf

    def update(self, frame: Frame | BoxFrame, detections: Detections) -> Tracks:
        """The tracked persons of the frame; a frame older than the last one has none."""
        persons = detections.persons()
        if frame.captured_at_s <= self._last_captured_at_s:
            identity = np.full(len(persons), NOT_TRACKED, np.int64)
        else:
            self._last_captured_at_s = frame.captured_at_s
            identity = self._tracker.identify(persons, frame.captured_at_s)
        known = identity != NOT_TRACKED
        boxes, identity = persons.xyxy_px[known], identity[known]
        return Tracks(
            camera=frame.camera,
            frame_index=frame.index,
            captured_at_s=frame.captured_at_s,
            size_px=frame.size_px,
            xyxy_px=boxes,
            confidence=persons.confidence[known],
            track_id=identity,
            armed_llr=self._armed.look(identity, boxes, detections.weapons(), frame.captured_at_s),
        )


class Pipeline:
    """Detects in frames of many cameras as one batch and tracks in each camera by itself.

    Args:
        detector: finds the boxes; may be None where all feeds replay recorded boxes.
        look_rates: how much one look tells about a weapon, for this detector.
        now: the clock that `detected_at_s` is read from, Unix seconds.
    """

    def __init__(
        self,
        detector: Detector | None,
        look_rates: LookRates,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.detector = detector
        self.look_rates = look_rates
        self._now = now
        self._cameras: dict[str, CameraTracks] = {}

    def process(self, frames: Sequence[Frame | BoxFrame]) -> list[TrackedFrame]:
        """The tracks of each frame, in the order given.

        Args:
            frames: frames of any cameras; those of one camera in order of time.

        Raises:
            ValueError: if a frame has pixels and there is no detector.
        """
        tracked = []
        for frame, detections in zip(frames, self._detect(frames), strict=True):
            camera = self._cameras.get(frame.camera)
            if camera is None:
                camera = CameraTracks(CameraTracker(), ArmedEvidence(self.look_rates))
                self._cameras[frame.camera] = camera
            tracks = camera.update(frame, detections)
            tracked.append(TrackedFrame(frame, detections, tracks, self._now()))
        return tracked

    def _detect(self, frames: Sequence[Frame | BoxFrame]) -> list[Detections]:
        pictures = [frame.image for frame in frames if isinstance(frame, Frame)]
        if pictures and self.detector is None:
            raise ValueError("frames with pixels need a detector")
        found = iter(self.detector.detect(pictures) if self.detector and pictures else ())
        return [
            frame.detections if isinstance(frame, BoxFrame) else next(found) for frame in frames
        ]
