"""Which cameras connect first when all start at once, and how many at a time."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

AT_ONCE: Final = 32
"""Connections that begin together. Opening one costs this machine some milliseconds of work in a
row, and the switch and the cameras behind it a burst of first pictures."""

GRACE_S: Final = 1.0
"""A camera that has not answered after this long goes on trying, and no longer counts: those that
are switched off must not hold up the others."""


@dataclass(slots=True)
class _Waiting:
    place: tuple[bool, int, int]
    admitted: threading.Event = field(default_factory=threading.Event)
    withdrawn: bool = False


class ConnectGate:
    """Lets cameras connect in the order of their importance, a few at a time.

    Safe to use from any thread.

    Args:
        order: ids, the most important first; cameras that are not named come after all of them.
        at_once: how many may be connecting.
        grace_s: how long a camera counts as connecting, at most.
        now: seconds on a clock that only goes forward.
    """

    def __init__(
        self,
        order: Sequence[str] = (),
        at_once: int = AT_ONCE,
        grace_s: float = GRACE_S,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._at_once = at_once
        self._grace_s = grace_s
        self._now = now
        self._lock = threading.Lock()
        self._rank: dict[str, int] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._since_s: dict[str, float] = {}
        self._come = 0
        self.prefer(order)

    def prefer(self, order: Sequence[str]) -> None:
        """From now on these cameras come first, in this order, among those that still wait."""
        with self._lock:
            self._rank = {camera: place for place, camera in enumerate(order)}
            for camera, one in self._waiting.items():
                one.place = self._place(camera, again=one.place[0], come=one.place[2])

    def enter(
        self, camera: str, *, again: bool = False, stopped: Callable[[], bool] = lambda: False
    ) -> bool:
        """Wait for this camera's turn to connect.

        Args:
            camera: its id.
            again: whether it has failed before; it then comes after those that have not.
            stopped: whether it is not to connect any more; true before `withdraw` is called.

        Returns:
            Whether it may connect; not after `withdraw`.
        """
        with self._lock:
            if stopped():
                return False
            self._come += 1
            one = _Waiting(self._place(camera, again=again, come=self._come))
            self._waiting[camera] = one
            self._admit()
        while not one.admitted.wait(self._grace_s):
            with self._lock:
                self._admit()
        return not one.withdrawn

    def leave(self, camera: str) -> None:
        """The camera is connected, or has failed: the next one may try. May be repeated."""
        with self._lock:
            if self._since_s.pop(camera, None) is not None:
                self._admit()

    def withdraw(self, camera: str) -> None:
        """The camera will not connect any more; if it waits in `enter`, that returns at once."""
        with self._lock:
            one = self._waiting.pop(camera, None)
            if one is not None:
                one.withdrawn = True
                one.admitted.set()
            self._since_s.pop(camera, None)
            self._admit()

    def _place(self, camera: str, *, again: bool, come: int) -> tuple[bool, int, int]:
        return again, self._rank.get(camera, len(self._rank)), come

    def _admit(self) -> None:
        """Let in whoever is next, while there is room."""
        oldest_s = self._now() - self._grace_s
        busy = sum(since_s > oldest_s for since_s in self._since_s.values())
        while busy < self._at_once and self._waiting:
            camera = min(self._waiting, key=lambda name: self._waiting[name].place)
            self._since_s[camera] = self._now()
            self._waiting.pop(camera).admitted.set()
            busy += 1
