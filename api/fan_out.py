"""Those who wait for news in one event loop: woken together, by one call from another thread.

A reader that waits is a future in a list, so that a message costs its publisher one call for each
event loop, however many read there, and silence one timer for all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class Waiting:
    """The readers of one log that wait in one event loop.

    All but `wake_soon` is called in that loop.

    Args:
        loop: the loop.
        heartbeat_s: who waits is given a heartbeat after so long without news.
        heartbeat: makes its bytes.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, heartbeat_s: float, heartbeat: Callable[[], bytes]
    ) -> None:
        self.readers = 0
        self._loop = loop
        self._heartbeat_s = heartbeat_s
        self._heartbeat = heartbeat
        self._waiting: list[asyncio.Future[bytes | None]] = []
        self._woken = False
        self._woken_s = loop.time()
        self._timer: asyncio.TimerHandle | None = None

    def wake_soon(self) -> None:
        """Wake all, from any thread. What is new must be readable before this is called.

        Raises:
            RuntimeError: the loop is gone.
        """
        if not self._woken:  # else they are about to look anyway
            self._woken = True
            self._loop.call_soon_threadsafe(self._wake)

    async def news(self) -> bytes | None:
        """Return None when there may be news, or a heartbeat when it was quiet for long."""
        if self._timer is None:
            self._timer = self._loop.call_later(self._heartbeat_s, self._look)
        future: asyncio.Future[bytes | None] = self._loop.create_future()
        self._waiting.append(future)
        return await future

    def _wake(self) -> None:
        self._woken = False  # first: whoever publishes from now on must call again
        self._woken_s = self._loop.time()
        self._release(None)

    def _look(self) -> None:
        """Give a heartbeat if it is time, and come back when the next one may be."""
        self._timer = None
        if not self._waiting:
            return
        left_s = self._woken_s + self._heartbeat_s - self._loop.time()
        if left_s <= 0.0:
            self._woken_s, left_s = self._loop.time(), self._heartbeat_s
            self._release(self._heartbeat())
        self._timer = self._loop.call_later(left_s, self._look)

    def _release(self, given: bytes | None) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(given)
