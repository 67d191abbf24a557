"""Where the processor's time goes, stage by stage."""

from __future__ import annotations

import time
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from vision.armed import ArmedEvidence
from vision.detect import batches_of, submit
from vision.evidence import BestPictures
from vision.pipeline import Begun, Pipeline
from vision.track import CameraTracker
from vision.view_watch import ViewWatch
from vision.weapons import PendingLooks, SecondLook

from . import pipeline_work as work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from api.drill_files import Drill
    from vision.detect import Detector, Pending
    from vision.detections import Detections

STAGES: tuple[tuple[Any, str, str], ...] = (
    (Pipeline, "begin", "letterbox"),
    (Begun, "detections", "boxes_of_the_detector"),
    (CameraTracker, "identify", "tracks"),
    (Pipeline, "_choose", "choice_of_looks"),
    (SecondLook, "submit", "cuts_for_looks"),
    (PendingLooks, "result", "boxes_of_looks"),
    (ViewWatch, "check", "view_watch"),
    (ArmedEvidence, "look", "armed_evidence"),
    (Pipeline, "_clothes", "appearance"),
    (BestPictures, "better", "evidence_pictures"),
    (work, "batch_to_floor_positions", "floor_positions"),
    (work, "pack", "messages"),
    (work, "consume", "subjects"),
    (work, "answer", "ranking"),
)
"""What is timed, and how it is called. None of them calls another."""


@contextmanager
def stage_times() -> Iterator[dict[str, float]]:
    """Within it, the stages are timed: processor seconds of the thread that works on them, by name.

    The networks run on threads of their own and are not among them. Watching costs some
    microseconds a call, so nothing else is to be timed meanwhile.
    """
    spent: dict[str, float] = defaultdict(float)

    def timed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: object, **more: object) -> object:
            began_s = time.thread_time()
            try:
                return call(*args, **more)
            finally:
                spent[name] += time.thread_time() - began_s

        return run

    with ExitStack() as stack:
        for owner, attribute, name in STAGES:
            call = timed(name, getattr(owner, attribute))
            stack.enter_context(patch.object(owner, attribute, call))
        yield spent


class _KeepingCuts:
    """Stands before the second look's network and keeps what it is given.

    Attributes:
        given: squares since it was emptied last.
        batches: as the network's.
    """

    def __init__(self, network: Detector) -> None:
        self._network = network
        self.given: list[NDArray[np.uint8]] = []
        self.batches = batches_of(network)

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """See `vision.detect.Detector`."""
        return self.submit(images).result()

    def submit(self, images: Sequence[NDArray[np.uint8]]) -> Pending:
        """See `vision.detect.SubmittingDetector`."""
        self.given += [image.copy() for image in images]
        return submit(self._network, images)


def cuts_of(
    drill: Drill, pipeline: Pipeline, batches: Iterable[work.Batch]
) -> tuple[list[list[NDArray[np.uint8]]], list[work.Floor]]:
    """The squares that the second look's network is given of each batch, and what is told of it."""
    second_look = pipeline.second_look
    if second_look is None:
        told = list(work.worker(drill, pipeline, batches))
        return [[] for _ in told], told
    keeping = _KeepingCuts(second_look.detector)
    cuts, told = [], []
    with patch.object(second_look, "detector", keeping):
        for floor in work.worker(drill, pipeline, batches):
            told.append(floor)
            cuts.append(keeping.given)
            keeping.given = []
    return cuts, told
