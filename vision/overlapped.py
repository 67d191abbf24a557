"""Keeps the detector busy: it works on the next frames while those before are tracked and sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .frames import BoxFrame, Frame
    from .pipeline import Begun, Pipeline, TrackedFrame


class Overlapped:
    """A pipeline in which one batch is detected while the batch before it is worked on.

    What comes out is what `Pipeline.process` gives for the same batches, one step later. There is
    no thread: the detector computes by itself once it was begun with, and whoever steps tracks,
    places and sends meanwhile. Never are more than two batches under way, so that whoever steps
    slower than the detector computes holds it back, and nothing piles up. To stop is not to step
    any more.

    Args:
        pipeline: used by nobody else meanwhile.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._under_way: Begun | None = None

    @property
    def busy(self) -> bool:
        """Whether a batch is under way; then `step` hands it back, with new frames or without."""
        return self._under_way is not None

    def step(self, frames: Sequence[Frame | BoxFrame]) -> list[TrackedFrame]:
        """Begin to detect in frames, and return the tracks of those of the step before.

        While `busy`, do not wait for frames: those that are under way are done as soon without.

        Args:
            frames: of any cameras, those of one camera in order of time over all steps; may be
                empty.

        Raises:
            ValueError: if a frame has pixels and the pipeline has no detector.
        """
        begun = self._pipeline.begin(frames) if frames else None
        before, self._under_way = self._under_way, begun
        return [] if before is None else self._pipeline.finish(before)


def overlapped(
    pipeline: Pipeline, batches: Iterable[Sequence[Frame | BoxFrame]]
) -> Iterator[list[TrackedFrame]]:
    """The tracks of each batch, in order, for batches that are all there, as of recordings.

    Args:
        pipeline: used by nobody else meanwhile.
        batches: frames, as `Pipeline.process` takes them; one batch is taken ahead.
    """
    stage = Overlapped(pipeline)
    for batch in batches:
        if batch:
            ahead = stage.busy
            tracked = stage.step(batch)
            if ahead:
                yield tracked
    if stage.busy:
        yield stage.step(())
