"""Tracks of single cameras and the subjects that they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .answer import TrackKey
    from .subject import Subject

_HOPELESSLY_LATE_S: Final = 30.0


@dataclass(slots=True, eq=False)
class CameraTrack:
    """One track of one camera: whose it is and how much of its evidence has been handed on."""

    key: TrackKey
    owner: Subject | None = None
    handed_on_llr: float = 0.0
    strikes: int = 0

    def take(self, subject: Subject, at_s: float, llr: float, confidence: float) -> None:
        """Give the subject this track's frame and the evidence gathered since the one before."""
        self.owner = subject
        self.strikes = 0
        subject.look(self.key, at_s, llr - self.handed_on_llr, confidence)
        self.handed_on_llr = llr

    def owner_at(self, at_s: float, level: str) -> Subject | None:
        """The subject that a frame of that time and level shows as this track; None if unknown."""
        owner = self.owner
        if owner is None or owner.level != level or owner.seen_at_s - at_s > _HOPELESSLY_LATE_S:
            return None
        return owner


def by_level(
    subjects: Sequence[Subject],
) -> dict[str, tuple[list[Subject], NDArray[np.float64]]]:
    """The subjects of each level and their places, `(S, 2)` site metres."""
    found: dict[str, list[Subject]] = {}
    for subject in subjects:
        found.setdefault(subject.level, []).append(subject)
    return {level: (here, np.array([s.mean[:2] for s in here])) for level, here in found.items()}
