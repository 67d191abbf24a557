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

SURE_FRAMES: Final = 3
STEADY_S: Final = 0.4
SURE_S: Final = 0.2
"""Tentative subjects must have been seen for so long by one track; boxes that the detector doubts
count less, down to a twentieth: a false box of a second must not become a person."""

WALKED_OFF_M: Final = 3.0
"""In the frames that it takes to notice, a body that walks off gets no farther from the one that it
was taken for: the gate at places known to half a metre, and three frames at a walk."""

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

    def part(self, newborn: Subject) -> None:
        """Leave the owner for a subject born of this track; a body that walked off takes its own.

        What a track gathered with a subject stays there when the tracker jumps to another body. But
        where the track goes on from the owner's place, its body was never the owner's: two people
        were taken for one, and the evidence of a weapon must not stay with the bystander.
        """
        owner = self.owner
        if owner is None or self.key not in owner.shares:
            return
        away_m = float(np.hypot(*(newborn.mean[:2] - owner.mean[:2])))
        if away_m <= WALKED_OFF_M:
            newborn.take_over(self.key, owner)

    def owner_at(self, at_s: float, level: str) -> Subject | None:
        """The subject that a frame of that time and level shows as this track; None if unknown."""
        owner = self.owner
        if owner is None or owner.level != level or owner.seen_at_s - at_s > _HOPELESSLY_LATE_S:
            return None
        return owner


def seen_steadily(subject: Subject) -> bool:
    """Whether one track has shown a subject for so long that it is no false box of a moment."""
    return any(
        share.sure_s >= SURE_S
        and (
            share.frames >= SURE_FRAMES
            or (share.frames > 1 and share.last_s - share.first_s >= STEADY_S)
        )
        for share in subject.shares.values()
    )


def by_level(
    subjects: Sequence[Subject],
) -> dict[str, tuple[list[Subject], NDArray[np.float64]]]:
    """The subjects of each level and their places, `(S, 2)` site metres."""
    found: dict[str, list[Subject]] = {}
    for subject in subjects:
        found.setdefault(subject.level, []).append(subject)
    return {level: (here, np.array([s.mean[:2] for s in here])) for level, here in found.items()}
