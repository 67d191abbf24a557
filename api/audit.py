"""An append-only file of what was asked for, allowed, shown and ended: a chain of hashes.

Every writer holds the file's lock while it reads the last entry and appends the next, so that
neither threads nor processes ever fork the chain. An entry is acknowledged only once the disk has
it; a line that a crash cut off was never acknowledged and is taken away by the next writer.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .audit_chain import Broken, Head, head_of, link, read_entry, verify
from .errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700
AUDIT_FILE = "audit-chain.jsonl"
"""Its name in the state folder."""

_TAIL_BYTES = 65_536
"""How much of the end of the file is read to find the last entry; entries are far smaller."""


class AuditFile:
    """Appends entries durably. Safe to use from any thread and any process.

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
        at = datetime.fromtimestamp(at_s, UTC).isoformat()
        try:
            with self._lock, self._opened() as file:
                head, end = self._end(file)
                line, _ = link(head, at, action, facts)
                _write_whole(file, line, end)
        except OSError as error:
            raise AuditError(
                f"{self._path}: cannot write the audit entry ({error.strerror}); "
                "free space or repair the permissions of this folder"
            ) from error

    def exists(self) -> bool:
        """Whether anything was ever written."""
        return self._path.exists()

    def verify(self, noted: str | None = None) -> Head | Broken:
        """Return the end of the chain, or the first entry that breaks it.

        Args:
            noted: hash of an entry, noted elsewhere, that must be in the chain: whoever made the
                chain anew, or cut off its end, cannot have it in there.

        Raises:
            AuditError: the file cannot be read.
        """
        seen = noted is None
        try:
            with self._path.open("rb") as file:
                # What is whole now is read; writers go on meanwhile.
                fcntl.flock(file, fcntl.LOCK_SH)
                size = os.fstat(file.fileno()).st_size
                fcntl.flock(file, fcntl.LOCK_UN)

                def lines() -> Iterator[bytes]:
                    nonlocal seen
                    while file.tell() < size:
                        line = file.readline()
                        seen = seen or f'"hash":"{noted}"'.encode() in line
                        yield line

                found = verify(lines())
        except OSError as error:
            raise AuditError(f"{self._path}: cannot be read ({error.strerror})") from error
        if isinstance(found, Head) and not seen:
            what = "the entry whose hash was noted is not in it: entries were cut off or made anew"
            return Broken(found.seq + 1, what, found)
        return found

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield the entries that can be read, bent ones too; see `verify`.

        Raises:
            AuditError: the file cannot be read.
        """
        try:
            with self._path.open("rb") as file:
                for line in file:
                    entry = read_entry(line)
                    if entry is not None:
                        yield entry
        except OSError as error:
            raise AuditError(f"{self._path}: cannot be read ({error.strerror})") from error

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """The file, locked against every other writer."""
        self._path.parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        made = not self._path.exists()
        file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, _PRIVATE_FILE)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)
        if made:
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _end(self, file: int) -> tuple[Head, int]:
        """The end of the chain and of its last whole line, in bytes.

        Raises:
            AuditError: what stands there is no entry of the chain.
        """
        size = os.fstat(file).st_size
        start = max(0, size - _TAIL_BYTES)
        tail = os.pread(file, size - start, start)
        end = tail.rfind(b"\n") + 1
        if not end:
            if start:
                raise AuditError(f"{self._path}: the last entry is longer than any can be")
            return Head(), 0
        last = tail[tail.rfind(b"\n", 0, end - 1) + 1 : end]
        try:
            return head_of(last), start + end
        except ValueError as error:
            raise AuditError(
                f"{self._path}: the last entry cannot be built upon ({error}); "
                "keep the file for whoever looks into it, and move it away"
            ) from error


def _write_whole(file: int, line: bytes, end: int) -> None:
    """Append one line after `end`, or nothing."""
    if os.fstat(file).st_size != end:
        os.ftruncate(file, end)  # a line that a crash cut off
    # A short write (disk full) is cut off again, so that the file holds whole lines.
    if os.write(file, line) != len(line):
        os.ftruncate(file, end)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(file)
