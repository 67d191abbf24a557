"""One recording looked at frame by frame: boxes, identities and armed evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import MediaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .frames import Frame
    from .pipeline import Pipeline, TrackedFrame

BATCH = 8
"""Frames detected together; more gains nothing on a few cores and keeps pictures in memory."""


def look_at(frames: Iterable[Frame], pipeline: Pipeline) -> Iterator[TrackedFrame]:
    """Yield what each frame of one camera showed, in order.

    An error that `frames` raises comes out after everything before it was yielded.

    Args:
        frames: frames of one recording, in order of time.
        pipeline: a fresh one, whose tracks are the recording's.
    """
    for batch in _batches(frames):
        yield from pipeline.process(batch)


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
