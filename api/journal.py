"""The journal of one incident: all that its locator took and gave, in order, exactly.

From it every published answer can be made again, in another process and after a restart, and a
server that was interrupted goes on with the subjects, numbers and marks that there were. It holds
the places of everybody whom the cameras saw, and what their clothes look like where subjects are
told apart by that, but no picture. So it is kept like what was published: sealed with the key of
the incident, under the same agreement, and purged with it; where nothing is kept there is none.

Entries wait in memory for at most `WRITE_EVERY_S` and then go to the disk in one part, so a crash
loses less than the last second.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final, Protocol

from .journal_parts import Head, entry_line, head_line, moment_of, packed, site_hashes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from calibration.site import Site

    from .input_log import Logged, Replayable
    from .journal_parts import Gap

_log = logging.getLogger(__name__)

WRITE_EVERY_S: Final = 0.5
_MOST_CHARACTERS: Final = 1_000_000


class KeepsJournal(Protocol):
    """Where parts go; `Keeper` is one."""

    def journal(self, at_s: float, part: bytes) -> None:
        """Take a part of the journal; return at once and never raise."""
        ...


def _nothing() -> Iterator[Head | Gap | Replayable]:
    return iter(())


class Journal:
    """Writes down what one process's locator takes and gives. Safe to use from any thread.

    Args:
        keeper: where its parts go.
        past: yields what processes before this one wrote of the same incident.
        monotonic: a clock that nobody can set, seconds.
    """

    def __init__(
        self,
        keeper: KeepsJournal,
        *,
        past: Callable[[], Iterator[Head | Gap | Replayable]] = _nothing,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keeper = keeper
        self._past = past
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._lines: list[str] = []
        self._characters = 0
        self._since_s = 0.0
        self._newest_s = 0.0
        self._parts = 0

    def past(self) -> Iterator[Head | Gap | Replayable]:
        """What was written before this process, in order; nothing where the incident is new.

        Raises:
            StoreError: the database cannot be read.
            StateError: the incident's key cannot be read.
        """
        return self._past()

    def begin(self, site: Site, *, resumed: bool, now_s: float) -> None:
        """Write the head; to be called once, before the first entry.

        Args:
            site: the site that the answers speak of.
            resumed: whether the locator was brought to where the process before this one was.
            now_s: Unix seconds.

        Raises:
            JournalError: the site's files cannot be read any more.
        """
        line = head_line(Head(site_hashes(site), resumed=resumed))
        with self._lock:
            self._put(line, now_s)
            self._write()

    def log(self, entry: Logged) -> None:
        """Take what the locator took or gave, in its order; see `api.input_log.Log`."""
        try:
            line = entry_line(entry)
        except (TypeError, ValueError):
            # An incident must go on whatever its journal lacks; who reads it is told of the gap.
            _log.exception("an entry could not be written into the journal")
            with self._lock:
                self._write()
                self._parts += 1
            return
        with self._lock:
            self._put(line, moment_of(entry))
            waited_s = self._monotonic() - self._since_s
            if waited_s >= WRITE_EVERY_S or self._characters >= _MOST_CHARACTERS:
                self._write()

    def flush(self) -> None:
        """Hand on what waits, where nothing more may come soon."""
        with self._lock:
            self._write()

    def _put(self, line: str, at_s: float) -> None:
        if not self._lines:
            self._since_s = self._monotonic()
        self._lines.append(line)
        self._characters += len(line)
        self._newest_s = at_s

    def _write(self) -> None:
        if not self._lines:
            return
        self._parts += 1
        self._keeper.journal(self._newest_s, packed(self._parts, self._lines))
        self._lines, self._characters = [], 0
