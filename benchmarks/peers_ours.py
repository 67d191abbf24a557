"""This project's own worker, as a peer of the others.

    python peers_ours.py      (`benchmarks.peers` starts it and tells it its job)

The worker (`benchmarks.peers_ours_worker`) is the real one in a process of its own. This program
stands where the API's process stands: it takes the worker's messages from the pipe, and a result
is there when its message has arrived. It does not open them, and nothing is published.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from typing import TYPE_CHECKING

from benchmarks.peers_protocol import BEGIN, ENDED, FRAME, READY, STOP, Results, Talk

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from benchmarks.peers_protocol import Job

FRAME_PATIENCE_S = 30.0
"""The worker says twice a second that it is alive, so that this is noticed."""


def main() -> None:
    """Do the job."""
    talk = Talk()
    job = talk.job()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=True)
    worker = context.Process(target=work, args=(job, there), daemon=True)
    worker.start()
    there.close()
    word, _, backend = here.recv_bytes().partition(b" ")
    if word != READY:
        raise SystemExit(f"the worker cannot begin: {word.decode()} {backend.decode()}")
    talk.ready(
        backend.decode(),
        ("av", "openvino", "trackers", "opencv-python"),
        "the worker's own process and its messages; no API, no network",
    )
    here.send_bytes(BEGIN)
    arrived_s = arrivals(here, job)
    talk.measured()
    here.send_bytes(STOP)
    write_results(here, job, arrived_s)
    worker.join(5.0)
    talk.done()


def arrivals(connection: Connection, job: Job) -> list[float]:
    """When each message about a frame came, Unix seconds, until there are enough.

    Raises:
        EOFError: the worker has died.
    """
    arrived_s: list[float] = []
    heard_s = time.time()
    while True:
        message = connection.recv_bytes()
        now_s = time.time()
        if now_s - heard_s > FRAME_PATIENCE_S:
            raise SystemExit(f"the worker sent no frame for {FRAME_PATIENCE_S:.0f} s")
        if message == ENDED:
            return arrived_s
        if message.startswith(FRAME):
            heard_s = now_s
            arrived_s.append(now_s)
        if arrived_s and now_s - arrived_s[0] >= job.limit_s:
            return arrived_s
        if job.most_results is not None and len(arrived_s) >= job.most_results:
            return arrived_s


def write_results(connection: Connection, job: Job, arrived_s: list[float]) -> None:
    """Join what the worker noted with when its messages came, and write it."""
    while connection.recv_bytes() != STOP:
        pass
    results = Results(None, job.limit_s)
    for moment_s, (camera, stamp, boxes) in zip(arrived_s, connection.recv(), strict=False):
        results.add(camera, stamp, boxes, moment_s)
    results.write(job.results)


def work(job: Job, connection: Connection) -> None:
    """Run the worker; the process that `main` starts."""
    from benchmarks.peers_ours_worker import run  # noqa: PLC0415 - this process stays small

    run(job, connection)


if __name__ == "__main__":
    main()
    os._exit(0)
