"""The network in torch: batches of a few fixed sizes, on a CPU without OpenVINO or on CUDA."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from models.networks import load_network

from .backend_cuda import CudaLane, planes_of, raw_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from models.registry import Checkpoint

    from .backend import Answers, Fitted, Read
    from .letterbox import Letterbox

BATCHES: dict[str, tuple[int, ...]] = {"cuda": (1, 2, 4, 8, 16, 32, 64), "cpu": (1, 2, 4, 8)}
"""Sizes a batch is filled up to, so that each is captured once and never again."""

SLOTS = 3
"""Batches of one size and shape under way at once: one is filled, one computed, one read."""


class Slot(Protocol):
    """Room for one batch on its way through the device."""

    inputs: NDArray[np.uint8]
    """`(B, H, W, 3)` uint8 BGR, for the host to fill."""

    def start(self) -> None:
        """Begin with what `inputs` holds."""
        ...

    def outputs(self) -> NDArray[np.float32]:
        """Wait, and return `(B, 4 + classes, anchors)`, valid until the next `start`."""
        ...


class TorchBackend:
    """The network in torch: half precision on CUDA, single on a CPU without OpenVINO.

    A batch is filled up to the next of a few fixed sizes and runs in a slot of its own, with
    buffers that stay; larger ones are cut up.

    Args:
        checkpoint: the weights.
        device: "cuda" or "cpu".
        half: whether CUDA computes in half precision.
        make_slots: given a batch's size, height and width, makes room for such batches.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        device: Literal["cuda", "cpu"],
        *,
        half: bool = True,
        make_slots: Callable[[int, int, int], Sequence[Slot]] | None = None,
    ) -> None:
        self.batches = BATCHES[device]
        half = half and device == "cuda"
        self.name = f"torch-{device}-{'fp16' if half else 'fp32'}"
        self._make_slots = make_slots or _slots_of(checkpoint, device, half=half)
        self._lanes: dict[tuple[int, int, int], _Lane] = {}
        self._making = threading.Lock()

    def start(self, pictures: Sequence[Fitted]) -> Answers:
        """Begin with the pictures; see `vision.backend.FlowingBackend`."""
        across, down = pictures[0].fit.input_px
        parts = []
        at = 0
        for size in cut(len(pictures), self.batches):
            some = pictures[at : at + size]
            at += size
            lane = self._lane(fitting(len(some), self.batches), down, across)
            parts.append(lane.start(some))
        return _Underway(parts)

    def scores(self, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the network's raw outputs; see `vision.backend.Backend`."""
        outputs: list[NDArray[np.float32]] = []
        at = 0
        for size in cut(len(inputs), self.batches):
            some = inputs[at : at + size]
            at += size
            lane = self._lane(fitting(len(some), self.batches), *inputs.shape[1:3])
            lane.start_inputs(some).read(lambda _, output: outputs.append(output.copy()))
        return np.stack(outputs)

    def _lane(self, batch: int, height_px: int, width_px: int) -> _Lane:
        with self._making:
            shape = (batch, height_px, width_px)
            if shape not in self._lanes:
                self._lanes[shape] = _Lane(self._make_slots(*shape))
            return self._lanes[shape]


def fitting(pictures: int, batches: Sequence[int]) -> int:
    """Return the smallest batch that holds so many pictures, else the largest there is."""
    return next((size for size in batches if size >= pictures), batches[-1])


def cut(pictures: int, batches: Sequence[int]) -> list[int]:
    """Return how many pictures go into each batch: full ones of the largest size, then the rest."""
    whole, rest = divmod(pictures, batches[-1])
    return [batches[-1]] * whole + [rest] * (rest > 0)


class _Lane:
    """The slots of one batch size and shape, and which of them are in use."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self._idle = [(slot, _Frames(slot)) for slot in slots]
        self._busy: deque[_Job] = deque()
        self._changed = threading.Condition()

    def start(self, pictures: Sequence[Fitted]) -> _Job:
        return self._started(lambda frames: frames.fill(pictures), len(pictures))

    def start_inputs(self, inputs: NDArray[np.uint8]) -> _Job:
        return self._started(lambda frames: frames.put(inputs), len(inputs))

    def give_back(self, job: _Job, slot: tuple[Slot, _Frames]) -> None:
        with self._changed:
            if job in self._busy:
                self._busy.remove(job)
            self._idle.append(slot)
            self._changed.notify()

    def _started(self, write: Callable[[_Frames], None], pictures: int) -> _Job:
        slot = self._take()
        job = _Job(self, slot, pictures)
        try:
            write(slot[1])
            slot[0].start()
        except BaseException:
            self.give_back(job, slot)
            raise
        with self._changed:
            self._busy.append(job)
            self._changed.notify()
        return job

    def _take(self) -> tuple[Slot, _Frames]:
        while True:
            with self._changed:
                if self._idle:
                    return self._idle.pop(0)
                if not self._busy:  # other threads are filling all slots there are
                    self._changed.wait()
                    continue
                oldest = self._busy.popleft()
            oldest.keep()


class _Frames:
    """Writes pictures into a slot's inputs, whose grey frames stay from use to use."""

    def __init__(self, slot: Slot) -> None:
        self._inputs = slot.inputs
        self._framed_for: list[Letterbox | None] = [None] * len(slot.inputs)

    def fill(self, pictures: Sequence[Fitted]) -> None:
        for row, picture in enumerate(pictures):
            framed = picture.fit == self._framed_for[row]
            picture.fit.fill_into(self._inputs[row], picture.image, framed=framed)
            self._framed_for[row] = picture.fit

    def put(self, inputs: NDArray[np.uint8]) -> None:
        self._inputs[: len(inputs)] = inputs
        self._framed_for = [None] * len(self._framed_for)


class _Job:
    """A batch under way, or its kept outputs."""

    def __init__(self, lane: _Lane, slot: tuple[Slot, _Frames], pictures: int) -> None:
        self._lane = lane
        self._slot: tuple[Slot, _Frames] | None = slot
        self._pictures = pictures
        self._kept: NDArray[np.float32] | None = None
        self._turn = threading.Lock()

    def read(self, take: Read) -> None:
        with self._turn:
            if self._slot is None:
                if self._kept is None:
                    raise ValueError("these outputs were read before")
                kept, self._kept = self._kept, None
                _hand_over(kept, take)
                return
            try:
                _hand_over(self._slot[0].outputs()[: self._pictures], take)
            finally:
                self._release()

    def keep(self) -> None:
        """Copy the outputs, so that the slot can serve others before anybody reads them."""
        with self._turn:
            if self._slot is not None:
                self._kept = self._slot[0].outputs()[: self._pictures].copy()
                self._release()

    @property
    def pictures(self) -> int:
        return self._pictures

    def _release(self) -> None:
        slot, self._slot = self._slot, None
        if slot is not None:
            self._lane.give_back(self, slot)


class _Underway:
    """The batches that one call was cut into."""

    def __init__(self, jobs: Sequence[_Job]) -> None:
        self._jobs = jobs

    def read(self, take: Read) -> None:
        begin = 0
        for job in self._jobs:

            def shifted(row: int, output: NDArray[np.float32], begin: int = begin) -> None:
                take(begin + row, output)

            job.read(shifted)
            begin += job.pictures


def _hand_over(outputs: NDArray[np.float32], take: Read) -> None:
    for row, output in enumerate(outputs):
        take(row, output)


def _slots_of(
    checkpoint: Checkpoint, device: Literal["cuda", "cpu"], *, half: bool
) -> Callable[[int, int, int], Sequence[Slot]]:
    network = load_network(checkpoint.path, fuse=True).eval()
    if device == "cpu":
        return lambda *shape: [_CpuSlot(network, *shape)]
    lane = CudaLane(network, half=half)
    return lambda *shape: lane.slots(*shape, count=SLOTS)


class _CpuSlot:
    """Computes when it is started: torch on a CPU has no queue of its own."""

    def __init__(self, network: Any, batch: int, height_px: int, width_px: int) -> None:  # noqa: ANN401 - torch's network
        self.inputs = np.full((batch, height_px, width_px, 3), 114, np.uint8)
        self._network = network
        self._outputs = np.zeros((0, 0, 0), np.float32)

    def start(self) -> None:
        self._outputs = raw_of(self._network, planes_of(self.inputs)).numpy()

    def outputs(self) -> NDArray[np.float32]:
        return self._outputs
