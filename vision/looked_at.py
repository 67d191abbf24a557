"""One recording looked at frame by frame: boxes, identities and armed evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .armed import ArmedEvidence
from .errors import MediaError
from .track import NOT_TRACKED, CameraTracker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from models.looks import LookRates

    from .detect import Detector
    from .detections import Detections
    from .frames import Frame

BATCH = 8
"""Frames detected together; more gains nothing on a few cores and keeps pictures in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class LookedAt:
    """What one frame showed, every box with the identity it has, if any.

    Attributes:
        frame: the frame.
        persons: all person boxes.
        weapons: all weapon boxes.
        track_id: `(N,)` int64 identity of each person, `NOT_TRACKED` where there is none.
        armed_llr: `(N,)` float64 armed evidence of each person's track so far (see
            `vision.tracks.Tracks`); NaN where there is no track or no look rates.
    """

    frame: Frame
    persons: Detections
    weapons: Detections
    track_id: NDArray[np.int64]
    armed_llr: NDArray[np.float64]


def look_at(
    frames: Iterable[Frame],
    detector: Detector,
    look_rates: LookRates | None,
    *,
    nominal_fps: float,
) -> Iterator[LookedAt]:
    """Yield what each frame of one camera showed, in order.

    An error that `frames` raises comes out after everything before it was yielded.

    Args:
        frames: frames of one recording, in order of time.
        detector: finds the boxes.
        look_rates: how much one look tells about a weapon; None leaves armed evidence out.
        nominal_fps: frames a second expected.
    """
    tracker = CameraTracker(nominal_fps=nominal_fps)
    evidence = None if look_rates is None else ArmedEvidence(look_rates)
    for batch in _batches(frames):
        found = detector.detect([frame.image for frame in batch])
        for frame, boxes in zip(batch, found, strict=True):
            persons, weapons = boxes.persons(), boxes.weapons()
            identity = tracker.identify(persons, frame.captured_at_s)
            known = identity != NOT_TRACKED
            llr = np.full(len(persons), np.nan)
            if evidence is not None:
                llr[known] = evidence.look(
                    identity[known], persons.xyxy_px[known], weapons, frame.captured_at_s
                )
            yield LookedAt(frame, persons, weapons, identity, llr)


def _batches(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    batch: list[Frame] = []
    try:
        for frame in frames:
            batch.append(frame)
            if len(batch) == BATCH:
                yield batch
                batch = []
    except MediaError:
        # A damaged file raises after its last good frame; those before it still count.
        if batch:
            yield batch
        raise
    if batch:
        yield batch
