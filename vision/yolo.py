"""The shipped detector: a YOLO network on the best backend this machine has."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from models.errors import CheckpointError
from models.registry import Checkpoint, checkpoint_of

from .backend import AtOnce, Fitted, FlowingBackend
from .backend_choice import load_backend
from .letterbox import Letterbox
from .yolo_boxes import BoxReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from .backend import Answers, Backend
    from .backend_choice import Precision
    from .detect import Device
    from .detections import Detections


class YoloDetector:
    """Finds persons and weapons with a YOLO network, a batch at a time.

    Pictures of one aspect run at one fixed shape (640x360 becomes 640x384), so that nothing is
    compiled again while cameras run. Safe to share between threads.

    Args:
        checkpoint: the weights, verified.
        backend: where the network runs.
        confidence: class name → score from which a box is reported; the checkpoint's own
            operating points if None.

    Attributes:
        class_names: names of the checkpoint's classes.
        backend: what the network runs on, for reports.
        batches: numbers of pictures that use the hardware fully, ascending.
        checkpoint: the weights.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        backend: Backend | FlowingBackend,
        confidence: Mapping[str, float] | None = None,
    ) -> None:
        self.checkpoint = checkpoint
        self.class_names = checkpoint.classes
        points = {**checkpoint.confidence, **(confidence or {})}
        if strangers := sorted(points.keys() - set(self.class_names)):
            raise CheckpointError(
                f"confidence: {checkpoint.name!r} has no classes {strangers}; "
                f"it has {', '.join(self.class_names)}"
            )
        self._reader = BoxReader(self.class_names, points)
        self._backend = backend if isinstance(backend, FlowingBackend) else AtOnce(backend)
        self.backend = backend.name
        self.batches = self._backend.batches

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Return the boxes of each image, in the order given.

        Args:
            images: `(H, W, 3)` uint8 BGR pictures, sizes may differ; may be empty.
        """
        return self.submit(images).result()

    def submit(self, images: Sequence[NDArray[np.uint8]]) -> PendingDetections:
        """Return the boxes that are being looked for; the network works while the caller does.

        Several calls may be under way: what was submitted first is computed first, without a
        pause in between. The images may be changed as soon as this returns.

        Args:
            images: see `detect`.
        """
        fits = [
            Letterbox.of((image.shape[1], image.shape[0]), self.checkpoint.input_px)
            for image in images
        ]
        parts = []
        for shape in dict.fromkeys(fit.input_px for fit in fits):
            rows = [row for row, fit in enumerate(fits) if fit.input_px == shape]
            answers = self._backend.start([Fitted(images[row], fits[row]) for row in rows])
            parts.append((rows, answers))
        return PendingDetections(self._reader, fits, parts)

    def warm_up(self, size_px: tuple[int, int]) -> None:
        """Compile for pictures of `size_px` (width, height) now rather than at the first frame."""
        self.detect([np.zeros((size_px[1], size_px[0], 3), np.uint8)])


class PendingDetections:
    """Boxes that are being looked for.

    The boxes are read from the network's outputs by whoever asks first for the result, in that
    thread.
    """

    def __init__(
        self,
        reader: BoxReader,
        fits: Sequence[Letterbox],
        parts: Sequence[tuple[Sequence[int], Answers]],
    ) -> None:
        self._reader = reader
        self._fits = fits
        self._parts = parts
        self._found: list[Detections] | None = None
        self._turn = threading.Lock()

    def result(self) -> list[Detections]:
        """Return the boxes of each image, in the order given; again if it is asked again."""
        with self._turn:
            if self._found is None:
                self._found = self._read()
                self._parts = ()
            return list(self._found)

    def _read(self) -> list[Detections]:
        found: dict[int, Detections] = {}
        for rows, answers in self._parts:

            def take(at: int, output: NDArray[np.float32], rows: Sequence[int] = rows) -> None:
                row = rows[at]
                found[row] = self._reader.boxes(output, self._fits[row])

            answers.read(take)
        return [found[row] for row in range(len(self._fits))]


def load_detector(
    device: Device = "auto",
    weights: str | Path | None = None,
    confidence: Mapping[str, float] | None = None,
    input_px: int | None = None,
    precision: Precision | None = None,
) -> YoloDetector:
    """Return a detector on CUDA (torch, half precision) or the CPU (OpenVINO, else torch).

    Args:
        device: "auto" takes CUDA where there is one.
        weights: name of registered weights or path of a `.pt` file; the default weights if None.
        confidence: class name → score from which a box is reported, over the weights' own.
        input_px: long side of the network's input; the one registered for the weights if None.
        precision: see `vision.backend_choice.load_backend`.

    Raises:
        CheckpointError: if the weights are unknown, missing or changed, or CUDA is asked for and
            there is none.
        ExportError: if the OpenVINO model cannot be made.
    """
    checkpoint = checkpoint_of(weights)
    if input_px is not None:
        checkpoint = replace(checkpoint, input_px=input_px)
    return YoloDetector(checkpoint, load_backend(checkpoint, device, precision), confidence)
