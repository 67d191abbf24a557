"""When each camera delivered frames, and so whether a subject is in view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .matching import LATE_S

if TYPE_CHECKING:
    from .subject import Subject

UNSEEN_S: Final = 0.7
"""A subject is out of view when no camera has seen it for this long (or for two frames of a slow
camera): detectors miss a visible person for a few frames, hardly ever for longer."""

_LONGEST_BLINK_S: Final = 3.0


class FrameTimes:
    """Remembers the newest frame of each camera and how far apart its frames are."""

    def __init__(self) -> None:
        self._newest_s = -np.inf
        self._last_s: dict[str, float] = {}
        self._interval_s: dict[str, float] = {}

    @property
    def newest_s(self) -> float:
        """Capture time of the newest frame of all; minus infinity before the first."""
        return self._newest_s

    def note(self, camera: str, at_s: float) -> None:
        """Take in the capture time of a frame."""
        last_s = self._last_s.get(camera)
        if last_s is not None and at_s > last_s:
            apart_s = min(at_s - last_s, 1.0)
            self._interval_s[camera] = 0.8 * self._interval_s.get(camera, apart_s) + 0.2 * apart_s
        self._last_s[camera] = max(at_s, last_s if last_s is not None else at_s)
        self._newest_s = max(self._newest_s, at_s)

    def interval_s(self, camera: str) -> float:
        """How far the camera's frames are apart, seconds; 0 before the second."""
        return self._interval_s.get(camera, 0.0)

    def blink_s(self, subject: Subject) -> float:
        """How long the subject may go without a sighting and still count as in view."""
        frame_s = max(self.interval_s(camera) for camera in subject.cameras_s)
        return min(max(UNSEEN_S, 2.2 * frame_s), _LONGEST_BLINK_S)

    def unseen_s(self, subject: Subject) -> float:
        """For how long nobody sees the subject: by the frames of its own cameras since.

        Cameras whose pictures arrive late have not looked yet; a camera that died looks no more,
        so that the frames of the others count after `LATE_S`.
        """
        own_s = max(
            self._last_s[camera]
            for camera, at_s in subject.cameras_s.items()
            if at_s >= subject.seen_at_s - LATE_S
        )
        return max(own_s, self._newest_s - LATE_S) - subject.seen_at_s

    def sees(self, subject: Subject) -> bool:
        """Whether some camera still has the subject in view."""
        return self.unseen_s(subject) <= self.blink_s(subject)

    def sees_at(self, subject: Subject, now_s: float) -> bool:
        """The same, asked at a moment by which frames may have stopped to come."""
        return self.sees(subject) and now_s - subject.seen_at_s <= self.blink_s(subject) + LATE_S

    def is_fresh(self, subject: Subject, at_s: float) -> bool:
        """Whether the subject's state can be compared with a frame of that time."""
        age_s = at_s - subject.seen_at_s
        if age_s <= UNSEEN_S or age_s > _LONGEST_BLINK_S:  # whatever the cameras' frame rates
            return -LATE_S <= age_s <= UNSEEN_S
        return age_s <= self.blink_s(subject)
