"""Sessions of the console page: what a browser holds in place of the token."""

from __future__ import annotations

import hashlib
import secrets
import threading

SESSION_S = 12 * 3600.0
"""How long a session lasts: one shift of a dispatcher."""

_MOST_SESSIONS = 256


class Sessions:
    """Live sessions, in memory only: they end with the process. Safe to use from any thread.

    Only hashes of the session ids are kept, so a memory dump holds nothing to present. Looking
    a hash up in a dictionary does leak timing, of a hash, which helps nobody.
    """

    def __init__(self) -> None:
        self._until_s: dict[bytes, float] = {}
        self._lock = threading.Lock()

    def begin(self, now_s: float) -> str:
        """Return the id of a new session; the oldest ends where there are too many."""
        session = secrets.token_urlsafe(32)
        with self._lock:
            live = {key: until for key, until in self._until_s.items() if until > now_s}
            while len(live) >= _MOST_SESSIONS:
                del live[min(live, key=live.__getitem__)]
            live[_digest(session)] = now_s + SESSION_S
            self._until_s = live
        return session

    def accepts(self, session: str, now_s: float) -> bool:
        """Whether `session` is live at `now_s` (Unix seconds)."""
        with self._lock:
            return self._until_s.get(_digest(session), 0.0) > now_s

    def end(self, session: str) -> None:
        """End `session`; one that is not live is left alone."""
        with self._lock:
            self._until_s.pop(_digest(session), None)


def _digest(session: str) -> bytes:
    return hashlib.sha256(session.encode("utf-8", "surrogatepass")).digest()
