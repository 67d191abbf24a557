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


def load_predictor(path: Path) -> Any:  # noqa: ANN401 - see the module
    """Return ultralytics' own `YOLO` object for a checkpoint, which predicts and exports."""
    keep_offline()
    import ultralytics  # noqa: PLC0415 - seconds to import, few commands need it

    library: Any = ultralytics
    return library.YOLO(str(path))


def export_openvino(path: Path) -> Path:
    """Write `path` as an OpenVINO model folder beside it and return that folder.

    Weights in half precision; batch, height and width left open.
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
            format="openvino", dynamic=True, half=True, batch=1, verbose=False
        )
    return path.parent / written
