"""The one door to ultralytics: every import of it outside the trainer happens here.

Its types are loose, so what comes out is `Any`; the modules around this one state what they need.
"""

from __future__ import annotations

import logging
import re
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from .offline import keep_offline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


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
    return export_network(path, "openvino", half=True)


def export_network(path: Path, form: str, *, half: bool, side_px: int = 640) -> Path:
    """Write `path` in another form beside it and return the file or folder.

    Batch, height and width are left open, except in a TensorRT engine.

    Args:
        path: a `.pt` file.
        form: ultralytics' name of the format.
        half: whether weights are stored in half precision.
        side_px: side of the pictures with which the network is traced.
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
            half=half,
            batch=1,
            imgsz=side_px,
            verbose=False,
        )
    return path.parent / written


def quantize_openvino(
    folder: Path, checkpoint: Path, pictures: Sequence[NDArray[np.uint8]]
) -> None:
    """Turn an exported OpenVINO model into one that computes in 8 bits, in its folder.

    The detection head and the three blocks that feed it stay in floating point: with them in 8 bits
    scores were twice as far from the checkpoint's.

    Args:
        folder: an exported model.
        checkpoint: the `.pt` file that it was exported from.
        pictures: `(H, W, 3)` uint8 BGR pictures as the network sees them.
    """
    import openvino  # noqa: PLC0415 - seconds to import, few commands need it

    library: Any = import_module("nncf")  # an optional package, which type checkers may not find
    logging.getLogger("nncf").setLevel(logging.ERROR)
    file = folder / "model.xml"
    model = openvino.Core().read_model(file)
    layers = load_network(checkpoint).model
    exact = "|".join(str(number) for number in (*layers[-1].f, len(layers) - 1))
    names = [operation.get_friendly_name() for operation in model.get_ordered_ops()]
    kept = [name for name in names if re.search(rf"\bmodel\.({exact})\b", name)]
    planes = [
        np.ascontiguousarray(picture[..., ::-1].transpose(2, 0, 1)[None], np.float32) / 255
        for picture in pictures
    ]
    quantized = library.quantize(
        model,
        library.Dataset(planes),
        preset=library.QuantizationPreset.MIXED,
        subset_size=len(planes),
        ignored_scope=library.IgnoredScope(names=kept, validate=False),
    )
    partial = folder / "quantized.xml"
    openvino.save_model(quantized, partial)
    for suffix in (".bin", ".xml"):
        partial.with_suffix(suffix).replace(file.with_suffix(suffix))
