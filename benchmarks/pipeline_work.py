"""The parts of the pipeline benchmark: frames in memory, and the ways that they are sent."""

from __future__ import annotations

import pickle
import time
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from api.drill_play import batches_of
from api.recorded_frames import recorded_frames
from api.worker_messages import Observed, Pictured
from calibration.answer import StageTimes
from calibration.projection import batch_to_floor_positions
from vision.detect import Pending, submit
from vision.frames import Frame
from vision.overlapped import overlapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from api.drill_files import Drill
    from calibration.locator import Locator
    from calibration.positions import FloorPositions
    from vision.detect import Detector
    from vision.pipeline import Pipeline
    from vision.sources import AnyFrame

    Batch = Sequence[AnyFrame]
    Squares = Sequence[NDArray[np.uint8]]

FRAMES_A_BATCH = 12
"""What a worker takes at once on two cores of twelve cameras and more. The built-in drills have six
and four, so that a batch holds several moments of each."""

GAP_S = 2.0
"""A pause between two rounds of one pipeline: longer than a track lives without a box."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The beginning of a drill, in memory.

    Attributes:
        drill: the drill.
        batches: its frames, those of each camera in order.
        frames: their number.
        decode_s: processor time that it took to read and decode them, seconds.
    """

    drill: Drill
    batches: tuple[Batch, ...]
    frames: int
    decode_s: float


class Rounds:
    """Gives frames the times of later and later rounds, so that a pipeline can go on with them."""

    def __init__(self, recorded: Recorded) -> None:
        first_s = recorded.batches[0][0].captured_at_s
        self._span_s = recorded.batches[-1][-1].captured_at_s - first_s + GAP_S
        self._round = 0

    def next(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The batches as they are in the next round."""
        self._round += 1
        later_s = self._round * self._span_s
        for batch in batches:
            yield [replace(one, captured_at_s=one.captured_at_s + later_s) for one in batch]


def decoded(drill: Drill) -> Iterator[Batch]:
    """The batches of a drill, of `FRAMES_A_BATCH` or a little more, decoded when asked for."""
    feeds = [
        recorded_frames(
            feed, drill.site.cameras[feed.camera].model, drill.start_s, drill.duration_s
        )
        for feed in drill.feeds
    ]
    batch: list[AnyFrame] = []
    for moment in batches_of(feeds):
        batch += moment
        if len(batch) >= FRAMES_A_BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def record(drill: Drill, batches: int) -> Recorded:
    """The first batches of a drill, decoded into memory.

    Raises:
        ValueError: the drill has no videos.
    """
    if not all(feed.has_pixels for feed in drill.feeds):
        raise ValueError(f"{drill.folder}: this benchmark needs a drill with videos")
    began_s = time.process_time()
    kept = tuple(tuple(batch) for batch in islice(decoded(drill), batches))
    decode_s = time.process_time() - began_s
    return Recorded(drill, kept, sum(map(len, kept)), decode_s)


def pictures(batch: Batch) -> list[NDArray[np.uint8]]:
    """The pixels of a batch."""
    return [frame.image for frame in batch if isinstance(frame, Frame)]


def bare(detector: Detector, batches: Iterable[Batch]) -> None:
    """The detector alone, batch after batch."""
    for batch in batches:
        detector.detect(pictures(batch))


def bare_ahead(detector: Detector, batches: Iterable[Batch]) -> None:
    """The detector alone, never without work: each batch is begun before the last one is read."""
    before: Pending | None = None
    for batch in batches:
        pending = submit(detector, pictures(batch))
        if before is not None:
            before.result()
        before = pending
    if before is not None:
        before.result()


def networks(
    detector: Detector, look: Detector | None, batches: Iterable[Batch], cuts: Iterable[Squares]
) -> None:
    """Both networks alone, never without work: each batch, and the squares cut out of it."""
    under_way: list[Pending] = []
    for batch, squares in zip(batches, cuts, strict=True):
        begun = [submit(detector, pictures(batch))]
        if look is not None and squares:
            begun.append(submit(look, squares))
        for pending in under_way:
            pending.result()
        under_way = begun
    for pending in under_way:
        pending.result()


def worker(drill: Drill, pipeline: Pipeline, batches: Iterable[Batch]) -> Iterator[Floor]:
    """All that a worker does with batches: to the bytes that it sends to its run."""
    site = drill.site
    for seen in overlapped(pipeline, batches):
        floor = batch_to_floor_positions(
            [(one.tracks, site.cameras[one.frame.camera]) for one in seen], site.plan
        )
        sent = 0
        for tracked, positions in zip(seen, floor, strict=True):
            times = StageTimes(tracked.frame.captured_at_s, detected_s=tracked.detected_at_s)
            sent += len(pack(Observed(positions, times)))
            if tracked.pictures:
                sent += len(pack(Pictured(tracked.pictures)))
        yield Floor(floor, sent)


@dataclass(frozen=True, slots=True)
class Floor:
    """What a worker tells of one batch.

    Attributes:
        positions: of each frame.
        sent: bytes of the messages.
    """

    positions: list[FloorPositions]
    sent: int


def pack(message: Observed | Pictured) -> bytes:
    """The bytes in which a message travels to another process."""
    return pickle.dumps(message, pickle.HIGHEST_PROTOCOL)


def locate(locator: Locator, told: Floor) -> None:
    """All that the run does with what a worker tells of one batch: subjects, ranking, doors."""
    for positions in told.positions:
        consume(locator, positions)
    answer(locator, told.positions[-1].captured_at_s)


def consume(locator: Locator, positions: FloorPositions) -> None:
    """Take one frame into the locator."""
    locator.consume(positions, StageTimes(positions.captured_at_s))


def answer(locator: Locator, now_s: float) -> None:
    """Rank, as the run does with what came at once."""
    locator.answer(now_s)
