"""What one look at a camera leaves open, so that the next one should come soon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .track import NOT_TRACKED
from .weapons import UNDECIDED_LLR

if TYPE_CHECKING:
    from .pipeline import TrackedFrame

CONFIRM_FROM: Final = 0.4
"""A person found at least so surely begins a track, and a second frame is to confirm it."""


def leaves_question(tracked: TrackedFrame) -> bool:
    """Whether a frame shows somebody who is not confirmed yet, or may be armed and is undecided."""
    low, high = UNDECIDED_LLR
    llr = tracked.tracks.armed_llr
    new = (tracked.track_id == NOT_TRACKED) & (tracked.persons.confidence >= CONFIRM_FROM)
    return bool(new.any() or ((llr > low) & (llr < high)).any())
