"""A worker's end of what it talks to its run through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from .worker_messages import FromWorker, ToWorker


class ToRun(Protocol):
    """The run, as its worker sees it. Every method raises `EOFError` or `OSError` once it is gone.

    `send` may be called from any thread, one at a time; the others from one thread.
    """

    def send(self, message: FromWorker) -> None:
        """Say something; waits while the run does not listen."""

    def receive(self) -> ToWorker:
        """The next message, waited for."""
        ...

    def waiting(self) -> Iterator[ToWorker]:
        """All messages that are there; waits for none."""
        ...


class PipeToRun:
    """The run at the other end of a pipe between two processes; see `ToRun`.

    Attributes:
        connection: the pipe.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def send(self, message: FromWorker) -> None:
        """Say something."""
        self.connection.send(message)

    def receive(self) -> ToWorker:
        """The next message, waited for."""
        return cast("ToWorker", self.connection.recv())

    def waiting(self) -> Iterator[ToWorker]:
        """All messages that are there."""
        while self.connection.poll(0.0):
            yield cast("ToWorker", self.connection.recv())
