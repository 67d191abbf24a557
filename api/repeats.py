"""What is written down once a minute, however often it happens, so that it fills no disk."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

AGAIN_S = 60.0


class Repeats:
    """Tells what is new within a while from what is said again. Safe to use from any thread.

    Args:
        again_s: after this long it is new again, seconds.
    """

    def __init__(self, again_s: float = AGAIN_S) -> None:
        self._again_s = again_s
        self._told_s: dict[Hashable, float] = {}
        self._lock = threading.Lock()

    def is_new(self, what: Hashable, now_s: float) -> bool:
        """Whether `what` was not told within the while before `now_s`; it is told by this."""
        with self._lock:
            recent = {
                one: at_s for one, at_s in self._told_s.items() if now_s < at_s + self._again_s
            }
            known = what in recent
            self._told_s = recent if known else {**recent, what: now_s}
        return not known

    def forget(self, what: Hashable) -> None:
        """Let it be new again: it could not be written down."""
        with self._lock:
            self._told_s = {one: at_s for one, at_s in self._told_s.items() if one != what}
