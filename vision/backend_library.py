"""An ONNX file or TensorRT engine, run by the library that wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.networks import load_exported

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


class LibraryBackend:
    """An ONNX file or TensorRT engine, run by the library that wrote it."""

    def __init__(self, exported: Path) -> None:
        import torch  # noqa: PLC0415 - seconds to import, only this backend needs it

        self._torch = torch
        self.name = exported.suffix.removeprefix(".")
        self._network = load_exported(exported)
        self._device = "cuda" if exported.suffix == ".engine" else "cpu"

    def scores(self, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the network's raw outputs; see `vision.backend.Backend`."""
        pictures = self._torch.from_numpy(inputs).to(self._device)
        planes = pictures.flip(-1).permute(0, 3, 1, 2).float().div_(255)
        outputs = self._network(planes)
        raw = outputs[0] if isinstance(outputs, (tuple, list)) else outputs
        values: NDArray[np.float32] = raw.float().cpu().numpy()
        return values
