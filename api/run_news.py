"""What a run tells whoever looks after the server: where time goes, and how its workers fare.

Frames and answers are told as they go into the log of the run (`api.input_log`), in its order: the
frames between two answers are those that the second one rests on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .input_log import Logged


@dataclass(frozen=True, slots=True)
class WorkersFared:
    """How the workers of a run have fared since it began; told when it has changed.

    Attributes:
        backend: what their detectors run on; "" until the first is ready.
        lost: workers that died or hung so far.
        moved: cameras that went from one worker to another so far.
        bound_s: the longest that any camera goes without a look, seconds; None while all their
            frames fit.
    """

    backend: str
    lost: int
    moved: int
    bound_s: float | None = None


@dataclass(frozen=True, slots=True)
class BatchesTaken:
    """A worker's detector took so many frames at once, so often, since this was told last.

    Attributes:
        sizes: pairs of a size in frames and how many batches were of it.
    """

    sizes: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class CamerasMoved:
    """Cameras have another worker than before.

    Attributes:
        at_s: when, Unix seconds.
        cameras: which, by id.
        before: who had them.
        now: who has them.
        why: what was wrong with whoever had them; "" where nothing was, and they were shared out
            anew.
        after_s: for how long nothing had been heard of that one, seconds; None where nothing was
            wrong.
    """

    at_s: float
    cameras: tuple[str, ...]
    before: str
    now: str
    why: str = ""
    after_s: float | None = None

    @property
    def text(self) -> str:
        """It in a sentence."""
        count = len(self.cameras)
        what = self.cameras[0] if count == 1 else f"{count} cameras"
        if self.after_s is None:
            return f"{what} went from {self.before} to {self.now}"
        return f"{self.before} {self.why}; {what} went to {self.now} after {self.after_s:.1f} s"


RunNews = Logged | WorkersFared | BatchesTaken | CamerasMoved

RunWatch = Callable[[RunNews], None]
"""Takes each in the moment of its turn, one at a time; it is quick and never raises."""


def unwatched(_: RunNews) -> None:
    """Take what a run tells that nobody looks after."""
