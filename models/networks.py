"""The one door to ultralytics: every import of it outside the trainer happens here.

Its types are loose, so what comes out is `Any`; the modules around this one state what they need.
"""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

from .offline import keep_offline

if TYPE_CHECKING:
    from pathlib import Path


_BITS = {"fp32": 32, "fp16": 16, "int8": 8}


def load_network(path: Path, *, fuse: bool = False) -> Any:  # noqa: ANN401 - see the module
    """Return the network of an ultralytics checkpoint: a torch module in float32, not training.

    Only classes on the library's list of layers are unpickled.

    Args:
        path: a `.pt` file.
        fuse: fold batch norms into the convolutions before them, for inference.
    """
    keep_offline()
    from ultralytics.nn import tasks  # noqa: PLC0415 - seconds to import, few commands need it

    library: Any = tasks
    network, _ = library.load_checkpoint(str(path), fuse=fuse)
    return network


def load_training_state(path: Path) -> tuple[Any, dict[str, Any]]:
    """Return the network of a checkpoint, and all else that a run needs to go on from it.

    Args:
        path: a `.pt` file; the `last.pt` of an interrupted run holds its optimizer and epoch.
    """
    keep_offline()
    from ultralytics.nn import tasks  # noqa: PLC0415 - seconds to import, few commands need it

    library: Any = tasks
    network, state = library.load_checkpoint(str(path))
    return network, state


def load_predictor(path: Path) -> Any:  # noqa: ANN401 - see the module
    """Return ultralytics' own `YOLO` object for a checkpoint, which predicts and exports."""
    keep_offline()
    import ultralytics  # noqa: PLC0415 - seconds to import, few commands need it

    library: Any = ultralytics
    return library.YOLO(str(path))


def has_cuda() -> bool:
    """Whether torch finds a CUDA device."""
    import torch  # noqa: PLC0415 - seconds to import

    return bool(torch.cuda.is_available())


def load_exported(path: Path) -> Any:  # noqa: ANN401 - see the module
    """Return a callable for an ONNX file or a TensorRT engine: planes in, raw outputs out."""
    keep_offline()
    import torch  # noqa: PLC0415 - seconds to import
    from ultralytics.nn import autobackend  # noqa: PLC0415 - seconds to import

    library: Any = autobackend
    where = torch.device("cuda" if path.suffix == ".engine" else "cpu")
    return library.AutoBackend(str(path), device=where, fp16=False, verbose=False)


def export_openvino(path: Path) -> Path:
    """Write `path` as an OpenVINO model folder beside it and return that folder.

    Weights in half precision; batch, height and width left open.
    """
    return export_network(path, "openvino", "fp16")


def export_network(
    path: Path, form: str, precision: str, side_px: int = 640, data: Path | None = None
) -> Path:
    """Write `path` in another form beside it and return the file or folder.

    Batch, height and width are left open, except in a TensorRT engine.

    Args:
        path: a `.pt` file.
        form: ultralytics' name of the format.
        precision: "fp32", "fp16" or "int8".
        side_px: side of the pictures with which the network is traced and calibrated.
        data: data file of the pictures that 8-bit scales are found with.
    """
    predictor = load_predictor(path)
    # The exporter reports what it does through its logger; its errors come as exceptions.
    logging.getLogger("ultralytics").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # torch deprecates the tracer that OpenVINO's converter still uses.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)
        written: str = predictor.export(
            format=form,
            dynamic=form != "engine",
            quantize=_BITS[precision],
            batch=1,
            imgsz=side_px,
            **({} if data is None else {"data": str(data)}),
            verbose=False,
        )
    return path.parent / written
