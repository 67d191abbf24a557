"""Writes a checkpoint in the forms that other runtimes read."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .errors import ExportError
from .networks import export_network, has_cuda, quantize_openvino

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from .registry import Checkpoint

Form = Literal["onnx", "openvino", "openvino-int8", "tensorrt"]

FEWEST_FOR_INT8 = 32
"""Pictures below which the ranges of activations, and so the 8-bit scales, are a matter of luck."""

_LIBRARY_NAMES: dict[Form, str] = {
    "onnx": "onnx",
    "openvino": "openvino",
    "openvino-int8": "openvino",
    "tensorrt": "engine",
}
_PRECISIONS: dict[Form, str] = {
    "onnx": "fp32",
    "openvino": "fp16",
    "openvino-int8": "int8",
    "tensorrt": "fp16",
}
_NEEDS: dict[Form, tuple[str, ...]] = {
    "onnx": ("onnx",),
    "openvino": ("openvino",),
    "openvino-int8": ("openvino", "nncf"),
    "tensorrt": ("tensorrt",),
}


def export_as(
    form: Form,
    checkpoint: Checkpoint,
    folder: Path,
    pictures: Sequence[NDArray[np.uint8]] = (),
) -> Path:
    """Write the checkpoint in another form below `folder` and return the file or model folder.

    Height, width and batch are left open, except for TensorRT, whose engine is built for squares of
    the checkpoint's input side on the GPU that is there and for no other.

    Args:
        form: what to write; half precision for OpenVINO and TensorRT, single for ONNX.
        checkpoint: whose sha256 the registry has verified.
        folder: created; an older export of the same name is replaced.
        pictures: `(H, W, 3)` uint8 BGR pictures as the network sees them at run time, for 8-bit
            scales; sides are multiples of 32.

    Raises:
        ExportError: if a package or GPU that the form needs is missing, there are too few pictures,
            or the export fails.
    """
    _require(form, len(pictures))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".exporting-") as work:
        source = Path(work) / "model.pt"
        shutil.copyfile(checkpoint.path, source)
        try:
            written = export_network(
                source, _LIBRARY_NAMES[form], half=form != "onnx", side_px=checkpoint.input_px
            )
            if form == "openvino-int8":
                quantize_openvino(written, source, pictures)
        except (RuntimeError, ValueError, TypeError, AssertionError, ImportError) as error:
            raise ExportError(f"{checkpoint.path}: export to {form} failed: {error}") from error
        to = folder / f"{checkpoint.name}-{_PRECISIONS[form]}{_ending(form)}"
        if to.is_dir():
            shutil.rmtree(to)
        elif to.exists():
            to.unlink()
        return written.rename(to)


def _ending(form: Form) -> str:
    return {"onnx": ".onnx", "tensorrt": ".engine"}.get(form, "-openvino")


def _require(form: Form, pictures: int) -> None:
    from importlib.util import find_spec  # noqa: PLC0415 - only exports ask

    missing = [name for name in _NEEDS[form] if find_spec(name) is None]
    if missing:
        raise ExportError(
            f"{form}: needs {', '.join(missing)}; install with 'pip install lastseen[export]'"
            + (" and NVIDIA's 'tensorrt' package" if form == "tensorrt" else "")
        )
    if form == "tensorrt" and not has_cuda():
        raise ExportError("tensorrt: an engine is built on the GPU it runs on; none is here")
    if form == "openvino-int8" and pictures < FEWEST_FOR_INT8:
        raise ExportError(
            f"openvino-int8: needs at least {FEWEST_FOR_INT8} pictures like those at run time to "
            f"find the 8-bit scales, got {pictures}"
        )
