"""An append-only file of what was asked for, allowed and ended: one JSON object a line."""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700


class AuditFile:
    """Appends entries durably.

    Args:
        path: the file; made with mode 0600 (its folder 0700) on the first entry.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def append(self, action: str, at_s: float, facts: Mapping[str, object]) -> None:
        """Write one entry and return only after the disk has it.

        Args:
            action: what happened, e.g. "grant-opened".
            at_s: when, Unix seconds.
            facts: JSON-serialisable details, no secrets.

        Raises:
            AuditError: the entry is not known to be on the disk.
        """
        entry = {"at": datetime.fromtimestamp(at_s, UTC).isoformat(), "action": action, **facts}
        line = (json.dumps(entry, ensure_ascii=False) + "\n").encode()
        try:
            with self._lock:
                self._append_line(line)
        except OSError as error:
            raise AuditError(
                f"{self._path}: cannot write the audit entry ({error.strerror}); "
                "free space or repair the permissions of this folder"
            ) from error

    def _append_line(self, line: bytes) -> None:
        self._path.parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        made = not self._path.exists()
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _PRIVATE_FILE)
        try:
            # One write call: entries of two processes cannot interleave (POSIX O_APPEND). A
            # short write (disk full) is cut off again, so that the file holds whole lines.
            end = os.fstat(file).st_size
            if os.write(file, line) != len(line):
                os.ftruncate(file, end)
                raise OSError(28, "No space left on device")
            os.fsync(file)
        finally:
            os.close(file)
        if made:
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
