"""Turns a checkpoint into an OpenVINO model, once per machine."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from .errors import ExportError
from .networks import export_openvino
from .offline import cache_dir

if TYPE_CHECKING:
    from collections.abc import Callable

    from .registry import Checkpoint

EXPORT_TIMEOUT_S = 300.0
"""An export takes some 10 s on two cores; a process that waits longer than this has a problem."""

_PACKAGES = ("ultralytics", "openvino", "torch")
_MODEL_FILE = "model.xml"


def openvino_model(
    checkpoint: Checkpoint,
    cache: Path | None = None,
    export: Callable[[Path], Path] | None = None,
) -> Path:
    """Return the path of the checkpoint's OpenVINO model (`.xml`), exported unless cached.

    Weights are stored in half precision; batch, height and width are left open, so one export
    serves every picture size. The cached copy is used only for the same checkpoint bytes and the
    same package versions. Several processes may ask at the same time: one exports, the others wait.

    Args:
        checkpoint: whose sha256 the registry has verified.
        cache: folder for the result; `offline.cache_dir()` if None.
        export: writes a model folder beside the `.pt` given to it and returns that folder.

    Raises:
        ExportError: if the export fails, the cache cannot be written or another process holds it.
    """
    folder = (cache or cache_dir()) / "openvino" / export_key(checkpoint.sha256)
    model = folder / _MODEL_FILE
    if model.exists():
        return model
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock", timeout=EXPORT_TIMEOUT_S):
            if not model.exists():
                _export_into(folder, checkpoint, export or export_openvino)
    except Timeout as error:
        raise ExportError(
            f"{folder}.lock: another process has been exporting {checkpoint.name!r} for "
            f"{EXPORT_TIMEOUT_S:.0f} s; end it or remove the lock"
        ) from error
    except OSError as error:
        raise ExportError(
            f"{folder}: the exported model cannot be kept: {error.strerror or error}; "
            f"set LASTSEEN_CACHE to a folder that can be written"
        ) from error
    return model


def export_key(sha256: str) -> str:
    """Return the cache key of a checkpoint's export with the packages installed now."""
    parts = [sha256, *(f"{name}=={version(name)}" for name in _PACKAGES)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def _export_into(folder: Path, checkpoint: Checkpoint, export: Callable[[Path], Path]) -> None:
    """Export in a temporary folder and rename it, so that no half-written model is ever seen."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".exporting-") as work:
        source = Path(work) / "model.pt"
        shutil.copyfile(checkpoint.path, source)
        try:
            written = export(source)
        except (RuntimeError, ValueError, TypeError, AssertionError, ImportError) as error:
            raise ExportError(f"{checkpoint.path}: export to OpenVINO failed: {error}") from error
        if not (written / _MODEL_FILE).exists():
            raise ExportError(f"{checkpoint.path}: the export wrote no {_MODEL_FILE}")
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)
        written.rename(folder)
