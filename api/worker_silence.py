"""What is made of a worker that runs and says nothing."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .runs import CameraStatus

QUIET_S = 5.0
"""A worker tells twice a second how its cameras are. Once it has said nothing for so long, nobody
looks at what they show, whatever it said of them last."""

HANGS_S = 30.0
"""A worker that has said nothing for so long hangs: it is ended, and started again."""


class Silence:
    """For how long a worker has said nothing; nothing is expected before it is first heard."""

    def __init__(self) -> None:
        self._heard_s: float | None = None

    def heard(self) -> None:
        """Note that it has said something."""
        self._heard_s = time.monotonic()

    @property
    def seconds(self) -> float:
        """For how long it has said nothing; 0 where nothing was expected."""
        return 0.0 if self._heard_s is None else time.monotonic() - self._heard_s

    def lasts(self, longer_than_s: float) -> bool:
        """Whether it has said nothing for longer than that, seconds."""
        return self.seconds > longer_than_s


def not_live(camera: CameraStatus, reason: str) -> CameraStatus:
    """Return the state of a camera that no worker looks at now: it is not live."""
    if camera.phase != "live":
        return camera
    return replace(camera, phase="stalled", reason=reason)
