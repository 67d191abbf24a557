"""A real Ray cluster of several nodes on this machine, and work for its workers."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import psutil

from api.worker_messages import Feeds, Ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from api.worker_messages import Engine
    from api.worker_pipes import ToRun
    from vision.stream_parts import StreamPart

SMALL = {"object_store_memory": 90_000_000}


class Nodes:
    """The cluster, whose head works on nothing."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        head = {"num_cpus": 0, "include_dashboard": False, "node_name": "head", **SMALL}
        self._cluster: Any = Cluster(initialize_head=True, head_node_args=head)
        self._nodes: dict[str, Any] = {}
        self._below: list[psutil.Process] = []
        self.address = str(self._cluster.address)

    def add(self, *names: str) -> None:
        """Let nodes join."""
        for name in names:
            self._nodes[name] = self._cluster.add_node(num_cpus=2, node_name=name, **SMALL)

    def actors(self, name: str) -> list[psutil.Process]:
        """The workers on a node."""
        raylet = self._nodes[name].all_processes["raylet"][0].process.pid
        below = psutil.Process(raylet).children(recursive=True)
        return [one for one in below if "CameraActor" in one.name() or "CameraActor" in _said(one)]

    def kill(self, name: str) -> float:
        """Kill everything on a node at one moment; that moment, Unix seconds."""
        node = self._nodes.pop(name)
        pids = [one.process.pid for kind in node.all_processes.values() for one in kind]
        below = [one.pid for pid in pids for one in psutil.Process(pid).children(recursive=True)]
        at_s = time.time()
        for pid in (*below, *pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._cluster.remove_node(node, allow_graceful=False)
        return at_s

    def kill_head_service(self) -> float:
        """Kill what keeps the cluster together; the moment, Unix seconds."""
        self._below = self._descendants()
        (gcs,) = self._cluster.head_node.all_processes["gcs_server"]
        os.kill(gcs.process.pid, signal.SIGKILL)
        return time.time()

    def close(self) -> None:
        """End all of it, and what Ray leaves behind where its head was killed."""
        self._below += self._descendants()
        self._cluster.shutdown()
        for process in self._below:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _descendants(self) -> list[psutil.Process]:
        below: list[psutil.Process] = []
        for node in (self._cluster.head_node, *self._nodes.values()):
            for one in (one for kind in node.all_processes.values() for one in kind):
                with contextlib.suppress(psutil.Error):
                    below += psutil.Process(one.process.pid).children(recursive=True)
        return below


def _said(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


@contextlib.contextmanager
def nodes(*names: str) -> Iterator[Nodes]:
    """A cluster with these nodes beside its head."""
    made = Nodes()
    try:
        made.add(*names)
        yield made
    finally:
        made.close()


def flood(engine: Engine, run: ToRun, hand_on: Callable[[StreamPart], None]) -> None:
    """Say as much as is listened to, each message when it was said and how many were before."""
    run.send(Ready("flood"))
    run.receive()
    number = 0
    while True:
        run.send(Feeds((), ((number, 1),), time.time()))
        number += 1


def drip(engine: Engine, run: ToRun, hand_on: Callable[[StreamPart], None]) -> None:
    """Say 2,000 things a second, forty at a time."""
    run.send(Ready("drip"))
    run.receive()
    number = 0
    next_s = time.monotonic()
    while True:
        for _ in range(40):
            run.send(Feeds((), ((number, 1),), time.time()))
            number += 1
        next_s += 0.02
        time.sleep(max(next_s - time.monotonic(), 0.0))
