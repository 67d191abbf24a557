"""Writing files so that a reader, a crash or a full disk never meets half of one."""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` to `path`: afterwards the file is all of it, or as it was before.

    The bytes go to a temporary file in the same folder (a rename is atomic only within a file
    system), reach the disk, and only then take the name. A file that is there keeps its mode: one
    that holds a camera's password does not become readable by others.

    Raises:
        OSError: where any of it fails; the temporary file is gone.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with part.open("xb") as file:
            with contextlib.suppress(FileNotFoundError):
                os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
