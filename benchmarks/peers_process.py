"""Runs a peer's program and watches what its processes use, from outside."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from benchmarks.peers_age import Clock, Timed
from benchmarks.peers_clips import FPS, LOOP_FRAMES, as_served, begins_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.peers_clips import Loop
    from benchmarks.peers_protocol import Job

HERE = Path(__file__).parent
DEBIAN_PYTHON = "/usr/bin/python3"
LOOKED_AT_EVERY_S = 0.2
SHARES_EVERY = 5
"""Memory that processes share is counted once a second only: the kernel walks all pages for it."""

START_PATIENCE_S = 300.0
END_PATIENCE_S = 60.0


class PeerFailedError(RuntimeError):
    """A peer's program ended before it was done; the message holds the end of what it wrote."""


class NotHereError(RuntimeError):
    """What the benchmark needs is not on this machine; the message says what to install."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What one run of a peer's program came to.

    Attributes:
        results: its results.
        backend: what its network ran on.
        versions: packages that count for it.
        settings: how it was set up, in words.
        begun_s: when it opened the feeds, Unix seconds.
        looked_s: `(N,)` when its processes were looked at.
        cpu_s: `(N,)` CPU seconds they had used by then.
        memory_mib: most that they held resident, pages that they share counted in each.
        shared_once_mib: most that they held, pages that they share counted once (PSS).
    """

    results: Timed
    backend: str
    versions: dict[str, str]
    settings: str
    begun_s: float
    looked_s: np.ndarray[Any, np.dtype[np.float64]]
    cpu_s: np.ndarray[Any, np.dtype[np.float64]]
    memory_mib: float
    shared_once_mib: float

    def cpu_between_s(self, began_s: float, ended_s: float) -> float:
        """CPU seconds of all its processes between two moments."""
        used = np.interp([began_s, ended_s], self.looked_s, self.cpu_s)
        return float(used[1] - used[0])


def run_peer(program: str, python: str, job: Job, env: dict[str, str] | None = None) -> Run:
    """Run a peer's program to its end.

    Args:
        program: file beside this one.
        python: the interpreter that has its packages.
        job: what it is to do.
        env: added to its environment.

    Raises:
        PeerFailedError: it ended early, or took far too long.
    """
    root = HERE.parent
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(
            [python, "-P", str(HERE / program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root), **(env or {})},
            start_new_session=True,  # so that all it started can be ended with it
        )
        try:
            return _talk(process, job)
        except (EOFError, BrokenPipeError) as error:
            errors.seek(0)
            end = errors.read()[-1500:].strip()
            raise PeerFailedError(f"{program} ended before it was done: {end}") from error
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()


def _talk(process: subprocess.Popen[str], job: Job) -> Run:
    late = threading.Timer(
        START_PATIENCE_S + job.limit_s + END_PATIENCE_S, os.killpg, (process.pid, signal.SIGKILL)
    )
    late.daemon = True
    late.start()
    try:
        _tell(process, json.dumps(asdict(job)))
        ready = _heard(process, "ready")
        with _watched(process.pid) as watch:
            _tell(process, "go")
            begun_s = _heard(process, "begun_s")["begun_s"]
            _heard(process, "measured_s")
        _heard(process, "done")
    finally:
        late.cancel()
    return Run(
        results=Timed.read(Path(job.results)),
        backend=ready["backend"],
        versions=ready["versions"],
        settings=ready["settings"],
        begun_s=begun_s,
        looked_s=np.array([at for at, _ in watch.cpu]),
        cpu_s=np.array([used for _, used in watch.cpu]),
        memory_mib=watch.memory / 2**20,
        shared_once_mib=watch.shared_once / 2**20,
    )


def _tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None  # noqa: S101 - a pipe
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _heard(process: subprocess.Popen[str], key: str) -> dict[str, Any]:
    """The next line, which must hold `key`."""
    assert process.stdout is not None  # noqa: S101 - a pipe
    line = process.stdout.readline()
    if not line:
        raise EOFError
    told: dict[str, Any] = json.loads(line)
    if key not in told:
        raise PeerFailedError(f"expected a line with {key!r}, got {line.strip()[:200]!r}")
    return told


class _Watch:
    """CPU time and memory of a process and all below it."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._used: dict[int, float] = {}
        self.cpu: list[tuple[float, float]] = []
        self.memory = 0
        self.shared_once = 0

    def look(self) -> None:
        """Take a reading."""
        memory = shared_once = 0
        with contextlib.suppress(psutil.NoSuchProcess):
            for one in (self._root, *self._root.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                    times = one.cpu_times()
                    # A process that has ended keeps what it used.
                    self._used[one.pid] = times.user + times.system
                    memory += one.memory_info().rss
                    if len(self.cpu) % SHARES_EVERY == 0:
                        shared_once += one.memory_full_info().pss
        self.cpu.append((time.time(), sum(self._used.values())))
        self.memory = max(self.memory, memory)
        self.shared_once = max(self.shared_once, shared_once)


@contextlib.contextmanager
def _watched(pid: int) -> Iterator[_Watch]:
    watch = _Watch(pid)
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(LOOKED_AT_EVERY_S):
            watch.look()

    watch.look()
    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()
        watch.look()


@dataclass(slots=True)
class Cameras:
    """Cameras that are served over RTSP.

    Attributes:
        addresses: one a camera.
        clock: when they captured which picture.
        cpu_cores: processor cores that serving took, once they have ended.
        late_p99_ms: 99th percentile of how late a picture was sent, once they have ended.
    """

    addresses: tuple[str, ...]
    clock: Clock
    cpu_cores: float = 0.0
    late_p99_ms: float = 0.0


@contextlib.contextmanager
def served(found: Sequence[Loop], cameras: int) -> Iterator[Cameras]:
    """So many cameras over RTSP, for as long as the context lasts.

    Raises:
        NotHereError: GStreamer's RTSP server is not installed.
    """
    missing = "the test cameras need GStreamer's RTSP server: bash scripts/system-packages.sh rtsp"
    try:
        process = subprocess.Popen(
            [DEBIAN_PYTHON, str(HERE / "peers_cameras.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except OSError as error:
        raise NotHereError(f"no {DEBIAN_PYTHON}; {missing}") from error
    began_s = time.monotonic()
    try:
        try:
            _tell(process, json.dumps({"fps": FPS, "loops": as_served(found, cameras)}))
            told = _heard(process, "port")
        except (EOFError, BrokenPipeError) as error:
            raise NotHereError(missing) from error
        start_s = np.array(told["start_s"])
        first = np.array([begins_at(camera, cameras) for camera in range(cameras)])
        live = Cameras(
            tuple(f"rtsp://127.0.0.1:{told['port']}/camera-{one}" for one in range(cameras)),
            Clock(start_s, first, FPS, LOOP_FRAMES),
        )
        yield live
        used = psutil.Process(process.pid).cpu_times()
        live.cpu_cores = (used.user + used.system) / (time.monotonic() - began_s)
        assert process.stdin is not None  # noqa: S101 - a pipe
        process.stdin.close()
        live.late_p99_ms = _heard(process, "late_p99_ms")["late_p99_ms"]
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
