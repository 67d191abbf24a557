"""The network on the CPU: pictures flow through OpenVINO's streams, one picture a request."""

from __future__ import annotations

import os
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from models.offline import cache_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from .backend import Answers, Fitted, Read
    from .letterbox import Letterbox

FEWEST_REQUESTS = 32
"""Requests that one shape may have under way: four batches of eight. They are made when they are
needed; each holds an input and an output, 0.9 MiB at 640x384."""

REQUESTS_A_STREAM = 4
"""The same on machines with many cores."""


class OpenVinoBackend:
    """The network on the CPU, pictures of a batch spread over the cores.

    Args:
        model_file: an OpenVINO model (`.xml`) with open height and width.
        precision: of what the model does not compute in 8 bits: "f32" or "bf16"; bfloat16 where
            the CPU has it if None.
        eight_bits: whether the model is one that computes in 8 bits, for its name.
    """

    def __init__(
        self, model_file: Path, precision: str | None = None, *, eight_bits: bool = False
    ) -> None:
        import openvino  # noqa: PLC0415 - only this backend needs it

        self._openvino = openvino
        self._core = openvino.Core()
        if os.access(cache_dir(), os.W_OK):
            self._core.set_property({"CACHE_DIR": str(cache_dir() / "openvino-compiled")})
        self._model_file = model_file
        # bfloat16 halves the time where the CPU has it and moved no figure of the model card by
        # more than 0.002.
        self._precision = precision or ("bf16" if "BF16" in cpu_abilities() else "f32")
        self._lanes: dict[tuple[int, int], _Lane] = {}
        self._making = threading.Lock()
        self.name = f"openvino-cpu-{'int8-' if eight_bits else ''}{self._precision}"
        # Each stream computes one picture at a time, and there are as many streams as cores.
        cores = len(os.sched_getaffinity(0))
        self.batches = tuple(range(cores, 8 * cores + 1, cores))

    def start(self, pictures: Sequence[Fitted]) -> Answers:
        """Give the pictures to the streams; see `vision.backend.FlowingBackend`."""
        across, down = pictures[0].fit.input_px
        lane = self._lane(down, across)
        return _Underway([lane.start(partial(_Request.fill, picture=one)) for one in pictures])

    def scores(self, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the network's raw outputs; see `vision.backend.Backend`."""
        lane = self._lane(inputs.shape[1], inputs.shape[2])
        outputs: list[NDArray[np.float32]] = []
        jobs = [lane.start(partial(_Request.put, picture=picture)) for picture in inputs]
        _Underway(jobs).read(lambda _, output: outputs.append(output.copy()))
        return np.stack(outputs)

    def _lane(self, height_px: int, width_px: int) -> _Lane:
        with self._making:
            shape = (height_px, width_px)
            if shape not in self._lanes:
                self._lanes[shape] = _Lane(self._compiled(height_px, width_px))
            return self._lanes[shape]

    def _compiled(self, height_px: int, width_px: int) -> Any:  # noqa: ANN401 - untyped library
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
        return self._core.compile_model(
            steps.build(),
            "CPU",
            {
                "PERFORMANCE_HINT": "THROUGHPUT",
                "INFERENCE_PRECISION_HINT": self._precision,
                # Threads that decode and track need cores, too: pinned ones would wait for theirs
                # while another is idle. Alone it makes no difference, beside such a thread 2 %.
                "ENABLE_CPU_PINNING": False,
            },
        )


def cpu_abilities() -> frozenset[str]:
    """Return the names of what OpenVINO computes in on this CPU, "BF16" among them or not.

    Raises:
        ImportError: if OpenVINO is not installed.
    """
    import openvino  # noqa: PLC0415 - only this backend needs it

    return frozenset(openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))


class _Underway:
    """Pictures that were given to the streams."""

    def __init__(self, jobs: Sequence[_Job]) -> None:
        self._jobs = jobs

    def read(self, take: Read) -> None:
        for row, job in enumerate(self._jobs):
            job.read(row, take)


class _Lane:
    """The network at one input shape, with as many requests as were ever under way at once."""

    def __init__(self, compiled: Any) -> None:  # noqa: ANN401 - untyped library
        self._compiled = compiled
        streams = int(compiled.get_property("NUM_STREAMS"))
        self._may_make = max(FEWEST_REQUESTS, REQUESTS_A_STREAM * streams)
        self._idle: list[_Request] = []
        self._busy: dict[_Job, None] = {}  # in the order in which they were started
        self._changed = threading.Condition()

    def start(self, write: Callable[[_Request], None]) -> _Job:
        """Begin with the input that `write` writes into the request it is given."""
        request = self._take()
        job = _Job(self, request)
        try:
            write(request)
            request.start()
        except BaseException:
            self.give_back(job, request)
            raise
        with self._changed:
            self._busy[job] = None
            self._changed.notify()
        return job

    def give_back(self, job: _Job, request: _Request) -> None:
        with self._changed:
            self._busy.pop(job, None)
            self._idle.append(request)
            self._changed.notify()

    def _take(self) -> _Request:
        while True:
            with self._changed:
                if self._idle:
                    return self._idle.pop()
                if self._may_make:
                    self._may_make -= 1
                    return _Request(self._compiled.create_infer_request())
                oldest = next(iter(self._busy), None)
                if oldest is None:  # other threads are filling all requests there are
                    self._changed.wait()
                    continue
                del self._busy[oldest]
            oldest.keep()


class _Request:
    """A request of OpenVINO's with its input, which keeps its grey frame from use to use."""

    def __init__(self, request: Any) -> None:  # noqa: ANN401 - untyped library
        self._request = request
        self._canvas: NDArray[np.uint8] = request.get_input_tensor(0).data[0]
        self._framed_for: Letterbox | None = None

    def fill(self, picture: Fitted) -> None:
        picture.fit.fill_into(self._canvas, picture.image, framed=picture.fit == self._framed_for)
        self._framed_for = picture.fit

    def put(self, picture: NDArray[np.uint8]) -> None:
        self._canvas[:] = picture
        self._framed_for = None

    def start(self) -> None:
        self._request.start_async()

    def output(self) -> NDArray[np.float32]:
        """The output, once it is there: OpenVINO's own memory."""
        self._request.wait()
        output: NDArray[np.float32] = self._request.get_output_tensor(0).data[0]
        return output


class _Job:
    """One picture under way, or its kept output."""

    def __init__(self, lane: _Lane, request: _Request) -> None:
        self._lane = lane
        self._request: _Request | None = request
        self._kept: NDArray[np.float32] | None = None
        self._turn = threading.Lock()

    def read(self, row: int, take: Read) -> None:
        with self._turn:
            if self._request is None:
                if self._kept is None:
                    raise ValueError("this output was read before")
                take(row, self._kept)
                self._kept = None
                return
            try:
                take(row, self._request.output())
            finally:
                self._release()

    def keep(self) -> None:
        """Copy the output, so that the request can serve others before anybody reads it."""
        with self._turn:
            if self._request is not None:
                self._kept = self._request.output().copy()
                self._release()

    def _release(self) -> None:
        request, self._request = self._request, None
        if request is not None:
            self._lane.give_back(self, request)
