"""A worker in a process of its own, as seen from the API's process."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from vision.stream_parts import StreamPart

from .logs import configure, settings_for
from .worker import run_worker
from .worker_messages import Engine
from .worker_pipes import PipeToRun, ToRun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from .logs import LogSettings
    from .worker_messages import FromWorker, ToWorker

STOP_PATIENCE_S = 0.7
"""A worker asked to stop that is still there after this is killed, so that a grant that closes
leaves no decoder and no socket behind for longer than a second."""

MOST_AT_ONCE = 256

NICER = 5
"""How much lower the priority of a worker is than that of the process that it works for."""

MOST_UNREAD = 4096
"""A worker for which so many messages wait does not read any more: it is killed, as one that hangs,
and whoever looks after it starts another."""


_numbers = itertools.count(1)


Work = Callable[[Engine, ToRun, Callable[[StreamPart], None]], None]
"""What a worker does, as `run_worker`; it must be picklable."""


def work_in_process(
    work: Work,
    engine: Engine,
    connection: Connection,
    pictures: Connection,
    log: LogSettings | None,
) -> None:
    """Work for the process at the other end of the pipes, until it closes them.

    The entry point of a worker process.
    """
    if log is not None:
        configure(log)
    # Where cores are few, whoever asks and whoever locates goes before the next frame.
    os.nice(NICER)
    # Ctrl-C reaches the whole group of processes; the order to stop comes through the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    work(engine, PipeToRun(connection), pictures.send)


class WorkerProcess:
    """Starts, feeds and ends one worker process; see `api.workers.Worker`.

    The process is spawned, not forked: a fork would copy threads' locks and a CUDA context.

    Messages are sent from a thread of their own. The pipe of a worker that hangs fills up, and
    neither whoever tells it something nor whoever stops it may wait for that.

    Args:
        engine: what it loads.
        work: what it does.
    """

    def __init__(self, engine: Engine, work: Work = run_worker) -> None:
        self.name = f"worker {next(_numbers)}"
        context = multiprocessing.get_context("spawn")
        self._connection, self._workers_end = context.Pipe(duplex=True)
        self._pictures, self._workers_pictures = context.Pipe(duplex=False)
        self._process = context.Process(
            target=work_in_process,
            args=(work, engine, self._workers_end, self._workers_pictures, settings_for(self.name)),
            name="lastseen-worker",
            daemon=True,
        )
        self._taking: threading.Thread | None = None
        self._unread: deque[ToWorker] = deque()
        self._told = threading.Condition()
        self._over = False
        self._receiving = threading.Lock()
        self._telling = threading.Thread(target=self._send_on, name="telling", daemon=True)

    def start(self) -> None:
        """Start the process; it loads its engine and then says `Ready`."""
        self._process.start()
        # Without this copy closed, the death of the worker would never end the pipe.
        self._workers_end.close()
        self._workers_pictures.close()
        self._telling.start()

    def take_pictures(self, take: Callable[[StreamPart], None]) -> None:
        """Hand on the parts of streams, from a thread of their own, until it has ended."""

        def hand_on() -> None:
            with contextlib.suppress(EOFError, OSError):
                while True:
                    take(self._pictures.recv())

        self._taking = threading.Thread(target=hand_on, name="pictures", daemon=True)
        self._taking.start()

    def tell(self, message: ToWorker) -> None:
        """Let the worker be sent a message; nothing where it has died, which `is_alive` says.

        Waits for nothing.
        """
        with self._told:
            if self._over:
                return
            self._unread.append(message)
            hangs = len(self._unread) > MOST_UNREAD
            self._told.notify()
        if hangs:
            self._process.kill()

    def receive(self, timeout_s: float) -> Iterator[FromWorker]:
        """All messages that are there, after at most `timeout_s` of waiting for the first."""
        try:
            for _ in range(MOST_AT_ONCE):
                with self._receiving:
                    if not self._connection.poll(timeout_s):
                        return
                    message = self._connection.recv()
                timeout_s = 0.0
                yield message
        except (EOFError, OSError):
            return  # it has died, or was stopped

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.is_alive()

    @property
    def why_ended(self) -> str:
        """Exit code of the process, negative for a signal."""
        return f"exit code {self._process.exitcode}"

    def stop(self) -> None:
        """End the process: asked first, killed after `STOP_PATIENCE_S`. May be repeated.

        No part of a stream is handed on any more when this returns.
        """
        until_s = time.monotonic() + STOP_PATIENCE_S
        self._tell_no_more()
        if self._process.pid is None:
            self._connection.close()
            return
        self._hang_up()
        self._telling.join(STOP_PATIENCE_S)
        if self._telling.is_alive():  # the pipe is full
            self._process.kill()
            self._telling.join()
        with self._receiving:  # whoever listens has heard the end
            self._connection.close()
        self._process.join(max(until_s - time.monotonic(), 0.0))
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        if self._taking is not None:
            self._taking.join()  # the pipe has ended with the process
        self._pictures.close()

    def _hang_up(self) -> None:
        """End the pipe for both sides; the worker takes that as the order to stop.

        It is not closed yet: somebody may be listening to it in another thread.
        """
        with contextlib.suppress(OSError), socket.socket(fileno=self._line()) as line:
            line.shutdown(socket.SHUT_RDWR)

    def _line(self) -> int:
        return os.dup(self._connection.fileno())

    def _tell_no_more(self) -> None:
        with self._told:
            self._over = True
            self._unread.clear()
            self._told.notify()

    def _send_on(self) -> None:
        """Send what is told, in order; the outermost frame of its thread."""
        with contextlib.suppress(OSError, ValueError):
            while (message := self._next()) is not None:
                self._connection.send(message)
        self._tell_no_more()

    def _next(self) -> ToWorker | None:
        """The next message, as soon as there is one; None where there will be none."""
        with self._told:
            self._told.wait_for(lambda: self._unread or self._over)
            return None if self._over else self._unread.popleft()
