"""The shipped detector: a YOLO network on the best backend this machine has."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import cv2
import numpy as np

from models.errors import CheckpointError
from models.export import openvino_model
from models.networks import load_exported, load_network
from models.offline import cache_dir
from models.registry import Checkpoint, checkpoint_of

from .detections import Detections
from .letterbox import Letterbox

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from .detect import Device

SAME_OBJECT_IOU = 0.55
"""Boxes of one class that overlap more are one object; chosen where persons walk abreast."""

MOST_BOXES = 300
"""More boxes than this in one picture are noise."""


class _Backend(Protocol):
    """Runs the network."""

    name: str

    def scores(self, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return `(N, 4 + classes, anchors)`: cx, cy, w, h in input pixels, then class scores.

        Args:
            inputs: `(N, H, W, 3)` uint8 BGR, H and W multiples of 32.
        """
        ...


class YoloDetector:
    """Finds persons and weapons with a YOLO network, a batch at a time.

    Pictures of one aspect run at one fixed shape (640x360 becomes 640x384), so that nothing is
    compiled again while cameras run. Safe to share between threads: batches run one after another.

    Args:
        checkpoint: the weights, verified.
        backend: where the network runs.
        confidence: class name → score from which a box is reported; the checkpoint's own
            operating points if None.

    Attributes:
        class_names: names of the checkpoint's classes.
        backend: what the network runs on, for reports.
        checkpoint: the weights.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        backend: _Backend,
        confidence: Mapping[str, float] | None = None,
    ) -> None:
        self.checkpoint = checkpoint
        self.class_names = checkpoint.classes
        self.backend = backend.name
        points = {**checkpoint.confidence, **(confidence or {})}
        if strangers := sorted(points.keys() - set(self.class_names)):
            raise CheckpointError(
                f"confidence: {checkpoint.name!r} has no classes {strangers}; "
                f"it has {', '.join(self.class_names)}"
            )
        # A class without an operating point is never reported.
        self._threshold = np.array([points.get(name, np.inf) for name in self.class_names])
        self._backend = backend
        self._turn = threading.Lock()

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Return the boxes of each image, in the order given.

        Args:
            images: `(H, W, 3)` uint8 BGR pictures, sizes may differ; may be empty.
        """
        fits = [
            Letterbox.of((image.shape[1], image.shape[0]), self.checkpoint.input_px)
            for image in images
        ]
        found: list[Detections | None] = [None] * len(images)
        for shape in dict.fromkeys(fit.input_px for fit in fits):
            rows = [row for row, fit in enumerate(fits) if fit.input_px == shape]
            inputs = np.stack([fits[row].fill(images[row]) for row in rows])
            with self._turn:
                raw = self._backend.scores(inputs)
            for row, output in zip(rows, raw, strict=True):
                found[row] = self._boxes(output, fits[row])
        return [boxes for boxes in found if boxes is not None]

    def warm_up(self, size_px: tuple[int, int]) -> None:
        """Compile for pictures of `size_px` (width, height) now rather than at the first frame."""
        self.detect([np.zeros((size_px[1], size_px[0], 3), np.uint8)])

    def _boxes(self, output: NDArray[np.float32], fit: Letterbox) -> Detections:
        by_class = output[4:]
        class_id = by_class.argmax(axis=0)
        confidence = by_class.max(axis=0)
        sure = np.flatnonzero(confidence >= self._threshold[class_id])
        if not len(sure):
            return Detections.empty(self.class_names)
        centre, size = output[:2, sure].T, output[2:4, sure].T
        left_top = centre - size / 2
        rows = cv2.dnn.NMSBoxesBatched(
            np.hstack([left_top, size]).tolist(),
            confidence[sure].tolist(),
            class_id[sure].tolist(),
            score_threshold=0.0,
            nms_threshold=SAME_OBJECT_IOU,
            top_k=MOST_BOXES,
        )
        kept = np.asarray(rows, np.intp).reshape(-1)
        xyxy_px = np.hstack([left_top[kept], (left_top + size)[kept]]).astype(np.float32)
        return Detections(
            fit.to_source(xyxy_px),
            confidence[sure][kept].astype(np.float32),
            class_id[sure][kept].astype(np.int16),
            self.class_names,
        )


def load_detector(
    device: Device = "auto",
    weights: str | Path | None = None,
    confidence: Mapping[str, float] | None = None,
    input_px: int | None = None,
) -> YoloDetector:
    """Return a detector on CUDA (torch, half precision) or the CPU (OpenVINO, else torch).

    Args:
        device: "auto" takes CUDA where there is one.
        weights: name of registered weights or path of a `.pt` file; the default weights if None.
        confidence: class name → score from which a box is reported, over the weights' own.
        input_px: long side of the network's input; the one registered for the weights if None.

    Raises:
        CheckpointError: if the weights are unknown, missing or changed, or CUDA is asked for and
            there is none.
        ExportError: if the OpenVINO model cannot be made.
    """
    checkpoint = checkpoint_of(weights)
    if input_px is not None:
        checkpoint = replace(checkpoint, input_px=input_px)
    return YoloDetector(checkpoint, _backend(checkpoint, device), confidence)


def _backend(checkpoint: Checkpoint, device: Device) -> _Backend:
    if device != "cpu" and _cuda_is_there():
        return TorchBackend(checkpoint, "cuda")
    if device == "cuda":
        raise CheckpointError("device: CUDA was asked for, but this machine has no CUDA device")
    try:
        return OpenVinoBackend(openvino_model(checkpoint))
    except ImportError:
        return TorchBackend(checkpoint, "cpu")


def _cuda_is_there() -> bool:
    # Importing torch takes seconds and half a gigabyte; a machine without NVIDIA's driver has no
    # use for it.
    if not any(Path("/dev").glob("nvidia[0-9]*")) and not Path("/dev/dxg").exists():
        return False
    import torch  # noqa: PLC0415 - see above

    return bool(torch.cuda.is_available())


class OpenVinoBackend:
    """The network on the CPU, frames of a batch spread over the cores."""

    def __init__(self, model_file: Path, precision: str | None = None) -> None:
        import openvino  # noqa: PLC0415 - only this backend needs it

        self._openvino = openvino
        self._core = openvino.Core()
        if os.access(cache_dir(), os.W_OK):
            self._core.set_property({"CACHE_DIR": str(cache_dir() / "openvino-compiled")})
        self._model_file = model_file
        able = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        # bfloat16 halves the time where the CPU has it and moved no figure of the model card by
        # more than 0.002.
        self._precision = precision or ("bf16" if "BF16" in able else "f32")
        self._queues: dict[tuple[int, int], Any] = {}
        self.name = f"openvino-cpu-{self._precision}"

    def scores(self, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the network's raw outputs; see `_Backend`."""
        queue = self._queue(inputs.shape[1], inputs.shape[2])
        outputs: list[NDArray[np.float32] | None] = [None] * len(inputs)

        def keep(request: Any, row: int) -> None:  # noqa: ANN401 - OpenVINO's request is untyped
            outputs[row] = request.get_output_tensor(0).data[0].copy()

        queue.set_callback(keep)
        for row in range(len(inputs)):
            queue.start_async({0: inputs[row : row + 1]}, row)
        queue.wait_all()
        return np.stack([output for output in outputs if output is not None])

    def _queue(self, height_px: int, width_px: int) -> Any:  # noqa: ANN401 - untyped library
        shape = (height_px, width_px)
        if shape not in self._queues:
            ov = self._openvino
            model = self._core.read_model(self._model_file)
            model.reshape([1, 3, height_px, width_px])
            steps = ov.preprocess.PrePostProcessor(model)
            steps.input().tensor().set_element_type(ov.Type.u8).set_layout(
                ov.Layout("NHWC")
            ).set_color_format(ov.preprocess.ColorFormat.BGR)
            steps.input().preprocess().convert_element_type(ov.Type.f32).convert_color(
                ov.preprocess.ColorFormat.RGB
            ).scale(255.0)
            steps.input().model().set_layout(ov.Layout("NCHW"))
            compiled = self._core.compile_model(
                steps.build(),
                "CPU",
                {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": self._precision},
            )
            self._queues[shape] = ov.AsyncInferQueue(compiled)
        return self._queues[shape]


class TorchBackend:
    """The network in torch: half precision on CUDA, single on a CPU without OpenVINO."""

    def __init__(self, checkpoint: Checkpoint, device: Literal["cuda", "cpu"]) -> None:
        import torch  # noqa: PLC0415 - seconds to import, only this backend needs it

        self._torch = torch
        self._device = torch.device(device)
        network = load_network(checkpoint.path, fuse=True)
        half = device == "cuda"
        self._dtype = torch.float16 if half else torch.float32
        self._network = network.to(self._device, self._dtype).eval()
        self.name = f"torch-{device}-{'fp16' if half else 'fp32'}"

    def scores(self, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the network's raw outputs; see `_Backend`."""
        with self._torch.inference_mode():
            pictures = self._torch.from_numpy(inputs).to(self._device)
            planes = pictures.flip(-1).permute(0, 3, 1, 2).to(self._dtype).div_(255)
            outputs = self._network(planes)
            raw = outputs[0] if isinstance(outputs, tuple) else outputs
            values: NDArray[np.float32] = raw.float().cpu().numpy()
        return values


class LibraryBackend:
    """An ONNX file or TensorRT engine, run by the library that wrote it."""

    def __init__(self, exported: Path) -> None:
        import torch  # noqa: PLC0415 - seconds to import, only this backend needs it

        self._torch = torch
        self.name = exported.suffix.removeprefix(".")
        self._network = load_exported(exported)

    def scores(self, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the network's raw outputs; see `_Backend`."""
        planes = self._torch.from_numpy(inputs).flip(-1).permute(0, 3, 1, 2).float().div_(255)
        outputs = self._network(planes)
        raw = outputs[0] if isinstance(outputs, (tuple, list)) else outputs
        values: NDArray[np.float32] = raw.float().cpu().numpy()
        return values
