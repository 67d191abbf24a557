"""The seam between a run and those who work on its pixels: here, on another GPU, elsewhere.

A worker is a place where `api.worker.run_worker` runs: a process of this machine
(`api.worker_process`), or an actor on another one. It is started before anybody is watched, loads
its engine, says `Ready`, and is told its cameras with `Begin`. A run has one or more of them, see
`api.fleet`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from .worker_messages import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vision.stream_parts import StreamPart

    from .worker_messages import FromWorker, ToWorker


class Worker(Protocol):
    """One worker, seen from the process that the run is in.

    Only `stop` waits; it may be called from any thread and more than once.

    Attributes:
        name: which one it is, for logs and people: "worker 3", "worker 4 on gpu-2".
    """

    name: str

    def start(self) -> None:
        """Let it load its engine; it then says `Ready`. Returns at once."""

    def take_pictures(self, take: Callable[[StreamPart], None]) -> None:
        """Hand on the parts of streams, from a thread of their own, until it has ended."""

    def tell(self, message: ToWorker) -> None:
        """Let it be sent a message, in order; nothing where it has died."""

    def receive(self, timeout_s: float) -> Iterator[FromWorker]:
        """What it says, in its order, after at most `timeout_s` of waiting for the first.

        Called from one thread. Whoever does not call it holds the worker up (back-pressure).
        """
        ...

    def is_alive(self) -> bool:
        """Whether it runs, or is still being started."""
        ...

    @property
    def why_ended(self) -> str:
        """Why it does not run any more, in a few words without names of files."""
        ...

    def stop(self) -> None:
        """End it: within a second it opens no feed and hands on no picture any more."""


WorkerMaker = Callable[[Engine], Worker]
"""Makes a worker with such an engine; one that was not started yet, or one that is warm already."""
