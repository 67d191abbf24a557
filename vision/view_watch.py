"""The steadiness of all cameras of a pipeline, checked in turn so that no batch waits for many."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from .frames import Frame
from .steadiness import Steadiness
from .view import View

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from .frames import BoxFrame
    from .view_features import ViewFeatures

FRAMES_A_CHECK: Final = 4
"""One check for so many frames of a batch at most, so that no batch waits for many."""

CHECKS_A_SECOND: Final = 8.0
"""Most checks in a second of the cameras' time: 5 % of one core, at 6 ms each on 640x360. Enough
for eighty cameras that stand still to be checked every ten seconds; each of four hundred is checked
every fifty, and as soon as it looks otherwise."""


class ViewWatch:
    """Checks the pictures of many cameras against their references; see `vision.steadiness`.

    Args:
        references: corners saved at calibration, by camera id; a camera without is held against
            its first pictures.
    """

    def __init__(self, references: Mapping[str, ViewFeatures] | None = None) -> None:
        self._references = dict(references or {})
        self._cameras: dict[str, Steadiness] = {}
        self._newest_s = -math.inf
        self._may_check = CHECKS_A_SECOND

    def view(self, camera: str, width_px: int | None = None) -> View:
        """How the camera's picture stood when it was last checked.

        Args:
            camera: its id.
            width_px: the shift is told in pixels of pictures that are so wide; None: of the first
                one that was checked.
        """
        steadiness = self._cameras.get(camera)
        if steadiness is None:
            return View()
        view, size_px = steadiness.view, steadiness.size_px
        if width_px is None or size_px is None or width_px == size_px[0]:
            return view
        return replace(view, shift_px=view.shift_px * width_px / size_px[0])

    def check(
        self,
        frames: Sequence[Frame | BoxFrame],
        people_px: Sequence[NDArray[np.float32]],
    ) -> None:
        """Check those of the frames whose camera has waited longest, a few of each batch.

        Args:
            frames: a batch, of any cameras. Recorded boxes show nothing of their surroundings.
            people_px: `(N, 4)` boxes of the persons in each.
        """
        newest: dict[str, tuple[Frame, NDArray[np.float32]]] = {}
        for frame, boxes_px in zip(frames, people_px, strict=True):
            if isinstance(frame, Frame):
                newest[frame.camera] = frame, boxes_px
        overdue_s = {
            camera: self._of(camera).overdue_s(frame.image, boxes_px, frame.captured_at_s)
            for camera, (frame, boxes_px) in newest.items()
        }
        due = sorted(
            (camera for camera, seconds in overdue_s.items() if seconds >= 0.0),
            key=lambda camera: (-overdue_s[camera], self._of(camera).checked_at_s),
        )
        most = min(math.ceil(len(newest) / FRAMES_A_CHECK), self._allowed(newest))
        for camera in due[:most]:
            self._may_check -= 1.0
            frame, boxes_px = newest[camera]
            self._of(camera).look(frame.image, boxes_px, frame.captured_at_s)

    def _allowed(self, newest: Mapping[str, tuple[Frame, NDArray[np.float32]]]) -> int:
        """How many checks the time that has passed allows; what is not used is kept a second."""
        now_s = max((frame.captured_at_s for frame, _ in newest.values()), default=self._newest_s)
        if now_s > self._newest_s:
            earned = (now_s - self._newest_s) * CHECKS_A_SECOND
            self._may_check = min(self._may_check + earned, CHECKS_A_SECOND)
            self._newest_s = now_s
        return int(self._may_check)

    def _of(self, camera: str) -> Steadiness:
        steadiness = self._cameras.get(camera)
        if steadiness is None:
            steadiness = self._cameras[camera] = Steadiness(self._references.get(camera))
        return steadiness
