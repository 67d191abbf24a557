"""Waking readers from other threads: one call into each event loop, however many read there."""

from __future__ import annotations

import asyncio
import contextlib
import threading


class Wakers:
    """Readers that wait for news. `wake` and `stamp` are safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stamp = 0
        self._waiting: dict[asyncio.AbstractEventLoop, set[asyncio.Future[None]]] = {}

    @property
    def stamp(self) -> int:
        """How often there was news; read it before looking, so that none is missed."""
        return self._stamp

    def __len__(self) -> int:
        with self._lock:
            return sum(len(futures) for futures in self._waiting.values())

    def wake(self) -> None:
        """Say that there is news."""
        with self._lock:
            self._stamp += 1
            waiting, self._waiting = self._waiting, {}
        for loop, futures in waiting.items():
            # The loop may be gone already while a worker's thread still sends.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_set_all, futures)

    async def news(self, stamp: int, timeout_s: float) -> bool:
        """Return whether there was news since `stamp`, at once or within `timeout_s` seconds."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            if self._stamp != stamp:
                return True
            self._waiting.setdefault(loop, set()).add(future)
        try:
            async with asyncio.timeout(timeout_s):
                await future
        except TimeoutError:
            return False
        finally:
            self._forget(loop, future)
        return True

    def _forget(self, loop: asyncio.AbstractEventLoop, future: asyncio.Future[None]) -> None:
        with self._lock:
            futures = self._waiting.get(loop)
            if futures is not None:
                futures.discard(future)
                if not futures:
                    del self._waiting[loop]


def _set_all(futures: set[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
