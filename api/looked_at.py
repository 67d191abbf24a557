"""Something that takes a while to find out, for whoever asks often: found out by one at a time."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)

_Found = TypeVar("_Found")


class LookedAt(Generic[_Found]):
    """What was found last, and how old that is. Safe to use from any thread.

    However many ask, and however long it takes, one thread at a time looks, so that a database
    that hangs collects no threads and who asks is never kept waiting longer than they say.

    Args:
        look: finds it out; may take long, and may fail, which is logged.
        fresh_s: what was found is not looked for again for so long, seconds.
        monotonic: a clock that nobody can set, seconds.
    """

    def __init__(
        self,
        look: Callable[[], _Found],
        *,
        fresh_s: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._fresh_s = fresh_s
        self._monotonic = monotonic
        self._found: _Found | None = None
        self._at_s = float("-inf")
        self._running: threading.Thread | None = None
        self._lock = threading.Lock()

    def now(self, *, wait_s: float) -> _Found | None:
        """Return what is found, after at most `wait_s` of waiting; None where that is too short.

        None also where looking failed. Nothing older than `fresh_s` is returned.
        """
        with self._lock:
            if self._monotonic() - self._at_s < self._fresh_s:
                return self._found
            running = self._running
            if running is None:
                running = threading.Thread(target=self._run, name="looking", daemon=True)
                self._running = running
                running.start()
        running.join(wait_s)
        with self._lock:
            return self._found if self._monotonic() - self._at_s < self._fresh_s else None

    def last(self) -> _Found | None:
        """Return what was found last, however old; let somebody look again where it is old."""
        self.now(wait_s=0.0)
        with self._lock:
            return self._found

    def _run(self) -> None:
        """Look; the outermost frame of its thread."""
        found: _Found | None = None
        try:
            found = self._look()
        except Exception:  # noqa: BLE001 - a thread that just ends would never be followed by one
            _log.exception("something that is watched cannot be looked at")
        with self._lock:
            self._found, self._at_s, self._running = found, self._monotonic(), None
