"""What stands between the detector and the library that runs its network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from .letterbox import Letterbox

    Read = Callable[[int, NDArray[np.float32]], None]
    """Takes the number of a picture and its raw output, `(4 + classes, anchors)`: cx, cy, w, h in
    pixels of the input, then class scores. The array is valid during the call only."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A picture and how it fits into the network's input.

    Attributes:
        image: `(H, W, 3)` uint8 BGR, of the size that `fit` is for.
        fit: where the picture lies in the input.
    """

    image: NDArray[np.uint8]
    fit: Letterbox


class Answers(Protocol):
    """Outputs of pictures that were given to a network, on their way."""

    def read(self, take: Read) -> None:
        """Wait for each picture's output in turn and hand it to `take`; once only."""
        ...


@runtime_checkable
class FlowingBackend(Protocol):
    """Runs a network on pictures while its caller does something else."""

    name: str
    batches: tuple[int, ...]
    """Numbers of pictures that use the hardware fully, ascending."""

    def start(self, pictures: Sequence[Fitted]) -> Answers:
        """Begin with pictures of one input shape, whose pixels are copied before this returns.

        Safe to call from several threads; what was given first is computed first.
        """
        ...


class Backend(Protocol):
    """Runs a network on a batch and waits for it."""

    name: str

    def scores(self, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return `(N, 4 + classes, anchors)`: cx, cy, w, h in input pixels, then class scores.

        Args:
            inputs: `(N, H, W, 3)` uint8 BGR, H and W multiples of 32.
        """
        ...


class AtOnce:
    """A backend that can only wait, behind the interface of one that flows."""

    batches = (1, 2, 4, 8)

    def __init__(self, backend: Backend) -> None:
        self.name = backend.name
        self._backend = backend

    def start(self, pictures: Sequence[Fitted]) -> Answers:
        """Return the outputs, computed; see `FlowingBackend`."""
        return Done(self._backend.scores(stacked(pictures)))


class Done:
    """Outputs that are there.

    Args:
        outputs: `(N, 4 + classes, anchors)`.
    """

    def __init__(self, outputs: NDArray[np.float32]) -> None:
        self._outputs = outputs

    def read(self, take: Read) -> None:
        """Hand over each output; see `Answers`."""
        for row, output in enumerate(self._outputs):
            take(row, output)


def stacked(pictures: Sequence[Fitted]) -> NDArray[np.uint8]:
    """Return pictures of one input shape as one `(N, H, W, 3)` uint8 BGR array."""
    across, down = pictures[0].fit.input_px
    inputs = np.empty((len(pictures), down, across, 3), np.uint8)
    for row, picture in enumerate(pictures):
        picture.fit.fill_into(inputs[row], picture.image)
    return inputs
