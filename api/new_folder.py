"""Writing a folder: all of it, or nothing."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import SiteWriteError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder beside `target` that takes its name when the block ends well.

    Raises:
        SiteWriteError: where `target` is in use, or the disk is full or not writable.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise SiteWriteError(f"{target}: is not empty; name a folder that is not there yet")
    building: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        yield building
        building.chmod(0o755)
        if target.exists():
            target.rmdir()
        building.rename(target)
    except OSError as error:
        where = error.filename or target
        raise SiteWriteError(f"{where}: cannot be written: {error.strerror or error}") from error
    finally:
        if building is not None and building.exists():
            shutil.rmtree(building, ignore_errors=True)
