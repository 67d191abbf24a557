"""A worker in a process of its own, as seen from the API's process."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
from typing import TYPE_CHECKING

from .worker import run_worker
from .worker_messages import Begin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vision.stream_parts import StreamPart

    from .worker_messages import FromWorker, ToWorker, WorkerJob

STOP_PATIENCE_S = 0.7
"""A worker asked to stop that is still there after this is killed, so that a grant that closes
leaves no decoder and no socket behind for longer than a second."""

MOST_AT_ONCE = 256


class WorkerProcess:
    """Starts, feeds and ends one worker process.

    The process is spawned, not forked: a fork would copy threads' locks and a CUDA context.
    """

    def __init__(self, job: WorkerJob) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, self._workers_end = context.Pipe(duplex=True)
        self._pictures, self._workers_pictures = context.Pipe(duplex=False)
        self._process = context.Process(
            target=run_worker,
            args=(job, self._workers_end, self._workers_pictures),
            name="lastseen-worker",
            daemon=True,
        )
        self._taking: threading.Thread | None = None
        self._telling = threading.Lock()

    def start(self) -> None:
        """Start the process; it loads its engine and then says `Ready`."""
        self._process.start()
        # Without this copy closed, the death of the worker would never end the pipe.
        self._workers_end.close()
        self._workers_pictures.close()

    def take_pictures(self, take: Callable[[StreamPart], None]) -> None:
        """Hand on the parts of streams, from a thread of their own, until it has ended."""

        def hand_on() -> None:
            with contextlib.suppress(EOFError, OSError):
                while True:
                    take(self._pictures.recv())

        self._taking = threading.Thread(target=hand_on, name="pictures", daemon=True)
        self._taking.start()

    def tell(self, message: ToWorker) -> None:
        """Send the worker a message; nothing where it has died, which `is_alive` says."""
        with self._telling, contextlib.suppress(OSError, ValueError):
            self._connection.send(message)

    def begin(self, started_at_s: float) -> None:
        """Let it open the feeds; recordings start at this Unix time."""
        self.tell(Begin(started_at_s))

    def receive(self, timeout_s: float) -> Iterator[FromWorker]:
        """All messages that are there, after at most `timeout_s` of waiting for the first."""
        try:
            for _ in range(MOST_AT_ONCE):
                if not self._connection.poll(timeout_s):
                    return
                timeout_s = 0.0
                yield self._connection.recv()
        except (EOFError, OSError):
            return  # it has died; `is_alive` says so

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.is_alive()

    @property
    def exit_code(self) -> int | None:
        """Exit code of the process, negative for a signal; None while it runs."""
        return self._process.exitcode

    def stop(self) -> None:
        """End the process: asked first, killed after `STOP_PATIENCE_S`. May be repeated.

        No part of a stream is handed on any more when this returns.
        """
        with self._telling:
            self._connection.close()  # the worker takes the end of the pipe as the order to stop
        if self._process.pid is None:
            return
        self._process.join(STOP_PATIENCE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        if self._taking is not None:
            self._taking.join()  # the pipe has ended with the process
        self._pictures.close()
