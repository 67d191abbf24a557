"""Writing a folder: all of it, or nothing."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ApiError, SiteWriteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def new_folder(
    target: Path,
    *,
    refuses: type[ApiError] = SiteWriteError,
    check: Callable[[Path], None] = lambda _: None,
) -> Iterator[Path]:
    """Give an empty folder beside `target` that takes its name when the block ends well.

    Args:
        target: the folder to be; absent or empty.
        refuses: what is raised where it cannot be.
        check: raises where what was written is not sound; the folder is then never there.

    Raises:
        ApiError: `refuses`, where `target` is in use, or the disk is full or not writable.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise refuses(f"{target}: is not empty; name a folder that is not there yet")
    building: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        yield building
        check(building)
        building.chmod(0o755)
        if target.exists():
            target.rmdir()
        building.rename(target)
    except OSError as error:
        where = error.filename or target
        raise refuses(f"{where}: cannot be written: {error.strerror or error}") from error
    finally:
        if building is not None and building.exists():
            shutil.rmtree(building, ignore_errors=True)
