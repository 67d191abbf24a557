"""CUDA under the torch backend: graphs of fixed batches, and copies that run beside them."""

from __future__ import annotations

import copy
import logging
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_log = logging.getLogger(__name__)

WARM_UP_RUNS = 3
"""Runs before a graph is captured: torch's own advice, in which libraries choose their kernels."""

SAME_SCORE, SAME_PLACE_PX = 0.005, 0.5
"""How far a captured graph's answer may be from the same network run call by call."""


def planes_of(pictures: Any) -> Any:  # noqa: ANN401 - torch's tensors
    """Return `(B, 3, H, W)` RGB in 0..1, single precision, of `(B, H, W, 3)` uint8 BGR.

    Args:
        pictures: a numpy array or a tensor on any device; its rows stay where they are.
    """
    import torch  # noqa: PLC0415 - seconds to import

    tensor = pictures if isinstance(pictures, torch.Tensor) else torch.from_numpy(pictures)
    return tensor.flip(-1).permute(0, 3, 1, 2).float().div_(255)


def raw_of(network: Any, planes: Any) -> Any:  # noqa: ANN401 - torch's tensors
    """Return the network's raw output in single precision, `(B, 4 + classes, anchors)`."""
    import torch  # noqa: PLC0415 - seconds to import

    with torch.inference_mode():
        outputs = network(planes)
        return (outputs[0] if isinstance(outputs, (tuple, list)) else outputs).float()


class CudaLane:
    """A network on a GPU, with one stream that computes and one that brings pictures.

    Args:
        network: of torch, not training.
        half: whether it computes in half precision.
    """

    def __init__(self, network: Any, *, half: bool) -> None:  # noqa: ANN401 - torch's network
        import torch  # noqa: PLC0415 - seconds to import

        self._torch: Any = torch
        self._dtype = torch.float16 if half else torch.float32
        # Tensor cores read pictures channel by channel of one pixel, not plane by plane.
        self._network = network.to("cuda", self._dtype, memory_format=torch.channels_last)
        self.computing = self._torch.cuda.Stream()
        self.bringing = self._torch.cuda.Stream()
        self.turn = threading.Lock()

    def slots(self, batch: int, height_px: int, width_px: int, *, count: int) -> list[CudaSlot]:
        """Return room for `count` batches under way; they share one captured graph."""
        with self.turn:
            graph = _Graph(self, (batch, height_px, width_px, 3))
            return [CudaSlot(self, graph) for _ in range(count)]

    def network(self) -> Any:  # noqa: ANN401 - torch's network
        """A copy of the network, whose head keeps the grid of one shape for one graph."""
        return copy.deepcopy(self._network)

    def run(self, network: Any, pictures: Any) -> Any:  # noqa: ANN401 - torch's tensors
        """The raw output of `network` for uint8 BGR pictures on the GPU."""
        return raw_of(network, planes_of(pictures).to(self._dtype))

    @property
    def torch(self) -> Any:  # noqa: ANN401 - the library
        """The library, imported."""
        return self._torch


class _Graph:
    """The network captured for one shape, from and into memory that never moves."""

    def __init__(self, lane: CudaLane, shape: tuple[int, int, int, int]) -> None:
        torch = lane.torch
        self._lane = lane
        self._network = lane.network()
        self.inputs = torch.randint(0, 256, shape, dtype=torch.uint8, device="cuda")
        with torch.cuda.stream(lane.computing), torch.backends.cudnn.flags(benchmark=True):
            for _ in range(WARM_UP_RUNS):
                lane.run(self._network, self.inputs)
            wanted = lane.run(self._network, self.inputs).clone()
            lane.computing.synchronize()
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph, stream=lane.computing):
                self.outputs = lane.run(self._network, self.inputs)
            self._graph.replay()
            lane.computing.synchronize()
        if not same_answer(wanted.cpu().numpy(), self.outputs.cpu().numpy()):
            _log.warning(
                "shape %s: the captured graph answers otherwise; running call by call", shape
            )
            self._graph = None

    def replay(self) -> None:
        """Compute on the current stream, from `inputs` into `outputs`."""
        if self._graph is not None:
            self._graph.replay()
        else:
            self.outputs.copy_(self._lane.run(self._network, self.inputs))


class CudaSlot:
    """Room for one batch: page-locked memory on the host, and a place on the GPU to arrive at."""

    def __init__(self, lane: CudaLane, graph: _Graph) -> None:
        torch = lane.torch
        self._lane, self._graph = lane, graph
        self._from = torch.full(graph.inputs.shape, 114, dtype=torch.uint8, pin_memory=True)
        self._arrived_in = torch.empty_like(graph.inputs)
        self._to = torch.empty(graph.outputs.shape, dtype=torch.float32, pin_memory=True)
        self._arrived, self._done = torch.cuda.Event(), torch.cuda.Event()
        self.inputs: NDArray[np.uint8] = self._from.numpy()
        self._values: NDArray[np.float32] = self._to.numpy()

    def start(self) -> None:
        """Queue the copy in, the graph and the copy out; see `vision.backend_torch.Slot`."""
        lane, cuda = self._lane, self._lane.torch.cuda
        # The graph's own memory is shared by all slots: its users must be queued one by one.
        with lane.turn:
            with cuda.stream(lane.bringing):
                self._arrived_in.copy_(self._from, non_blocking=True)
                self._arrived.record(lane.bringing)
            with cuda.stream(lane.computing):
                lane.computing.wait_event(self._arrived)
                self._graph.inputs.copy_(self._arrived_in)
                self._graph.replay()
                self._to.copy_(self._graph.outputs, non_blocking=True)
                self._done.record(lane.computing)

    def outputs(self) -> NDArray[np.float32]:
        """Wait for the copy out; see `vision.backend_torch.Slot`."""
        self._done.synchronize()
        return self._values


def same_answer(wanted: NDArray[np.float32], got: NDArray[np.float32]) -> bool:
    """Whether two raw outputs `(B, 4 + classes, anchors)` say the same where anything is seen."""
    if abs(wanted[:, 4:] - got[:, 4:]).max() > SAME_SCORE:
        return False
    seen = wanted[:, 4:].max(axis=1) >= 0.1  # noqa: PLR2004 - below it boxes mean nothing
    moved_px = abs(wanted[:, :4] - got[:, :4]).max(axis=1)
    return not seen.any() or bool(moved_px[seen].max() <= SAME_PLACE_PX)
