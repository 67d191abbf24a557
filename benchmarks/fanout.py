"""What do five hundred consoles on one machine cost the server, and how late do they hear?

A real server process on loopback plays the answers of the wing drill, ten a second, with an audit,
a database and accounts as always; a second process reads as so many consoles. In turn, round by
round: one reader and all readers of full messages, one and all of what changed. Then, for the time
that is asked for, all readers of what changed, some of whom read too slowly.

Publish-to-receive is from `published_at` in a message to when its last byte is there, by the one
clock of the machine. Processor seconds are those of the server process, of which one reader's phase
has what the answers themselves cost.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from api.errors import ServeError
from api.machine import machine_facts, package_versions

from . import wing_answers
from .fanout_readers import Phase, line_of
from .locate import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS = 3
PHASE_S = 10.0
ACCOUNTS = 25
SLOW = 5
GOAL_P99_MS = 250.0
_SAMPLE_EVERY_S = 1.0
_CHECKOUT = Path(__file__).parents[1]
_MIB = 2.0**20


@dataclass(frozen=True, slots=True)
class Sample:
    """What the server had used at a moment.

    Attributes:
        at_s: monotonic seconds.
        rss_mib: memory of the process.
        cpu_s: processor seconds of it.
    """

    at_s: float
    rss_mib: float
    cpu_s: float


def measure(
    *,
    subscribers: int = 500,
    seconds: float = 600.0,
    rounds: int = ROUNDS,
    phase_s: float = PHASE_S,
    slow: int = SLOW,
    on_progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Latency, processor time and memory of the fan-out.

    Args:
        subscribers: consoles at once.
        seconds: how long they are watched for memory, some of them slow.
        rounds: rounds of the four phases that are compared.
        phase_s: length of each.
        slow: how many of all read too slowly in the long phase.
        on_progress: takes what is being measured, in words.

    Raises:
        ServeError: server or readers did not start, or ended.
    """
    with _Place(ACCOUNTS) as place:
        compared: dict[str, list[dict[str, Any]]] = {}
        for turn in range(rounds):
            for deltas in (False, True):
                for count in (1, subscribers):
                    name = f"{'deltas' if deltas else 'full'}_{count}"
                    on_progress(f"round {turn + 1}: {name}")
                    found = place.phase(count, phase_s, deltas=deltas)
                    compared.setdefault(name, []).append(found)
        on_progress(f"{subscribers} readers of what changed, {slow} of them slow, {seconds:.0f} s")
        long = place.phase(subscribers, seconds, deltas=True, slow=slow)
    alone = f"deltas_{subscribers}"
    return {
        "benchmark": "fanout",
        "machine": machine_facts(),
        "load_average": round(os.getloadavg()[0], 2),
        "versions": package_versions(),
        "seed": wing_answers.SEED,
        "subscribers": subscribers,
        "messages_a_second": wing_answers.ANSWERS_A_SECOND,
        "phase_s": phase_s,
        "phases": {name: of_rounds(found) for name, found in compared.items()},
        "cpu_s_per_1000_more": {
            kind: marginal_cpu(compared[f"{kind}_1"], compared[f"{kind}_{subscribers}"])
            for kind in ("full", "deltas")
        },
        "long": {
            "seconds": seconds,
            "slow_readers": slow,
            **{name: value for name, value in long.items() if name != "samples"},
            "memory": memory(long["samples"]),
            "p99_without_slow_readers_ms": of_rounds(compared[alone])["p99_ms"],
            "p99_within_goal": long["latency_ms"]["p99"] <= GOAL_P99_MS,
        },
    }


def of_rounds(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return median, least and most over the rounds of one phase."""
    told = {f"{at}_ms": spread([one["latency_ms"][at] for one in rounds]) for at in _LATENCIES}
    told["cpu_share"] = spread([one["cpu_share"] for one in rounds])
    told["cpu_s_per_1000"] = spread([one["cpu_s"] / one["events"] * 1e3 for one in rounds])
    told["bytes_a_message"] = spread([one["received_bytes"] / one["events"] for one in rounds])
    told["snapshots"] = sum(one["snapshots_of_quick"] for one in rounds)
    told["lost"] = sum(one["lost"] for one in rounds)
    return told


_LATENCIES = ("p50", "p95", "p99", "most")


def marginal_cpu(one: list[dict[str, Any]], many: list[dict[str, Any]]) -> dict[str, float]:
    """Return the processor seconds that a thousand further messages cost, round by round.

    Args:
        one: rounds of the phase with one reader, which has what publishing costs.
        many: rounds of the same with all.
    """
    return spread(
        [
            (b["cpu_s"] / b["seconds"] - a["cpu_s"] / a["seconds"])
            / (b["events"] / b["seconds"] - a["events"] / a["seconds"])
            * 1e3
            for a, b in zip(one, many, strict=True)
        ]
    )


def memory(samples: list[Sample]) -> dict[str, float]:
    """Return how the memory of the server went, and how fast it grows.

    The slope is a straight line through the second half: caches fill in the first.
    """
    at_s = np.array([one.at_s for one in samples])
    rss_mib = np.array([one.rss_mib for one in samples])
    later = at_s >= (at_s[0] + at_s[-1]) / 2.0
    slope = np.polyfit(at_s[later] - at_s[0], rss_mib[later], 1)[0] if later.sum() > 1 else 0.0
    return {
        "first_mib": round(float(rss_mib[0]), 1),
        "last_mib": round(float(rss_mib[-1]), 1),
        "most_mib": round(float(rss_mib.max()), 1),
        "slope_mib_a_minute": round(float(slope) * 60.0, 3),
    }


class _Place:
    """A server with an open exercise, and the process that reads; a context manager.

    Args:
        accounts: how many the readers have among them.
    """

    def __init__(self, accounts: int) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._server = _started("benchmarks.fanout_server", self._folder.name, str(accounts))
        try:
            self._readers = _started("benchmarks.fanout_readers")
            said = _line_from(self._server, "the server")
            self._port, self._keys = int(said["port"]), tuple(said["keys"])
            self._incident = self._open(str(said["drill"]))
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in (getattr(self, "_readers", None), self._server):
            if process is not None:
                process.terminate()
                with process:  # closes its pipes, and waits
                    pass
        self._folder.cleanup()

    def phase(
        self, subscribers: int, seconds: float, *, deltas: bool, slow: int = 0
    ) -> dict[str, Any]:
        """Return what readers and server measured in one phase."""
        asked = Phase(self._port, self._incident, self._keys, subscribers, deltas, slow, seconds)
        assert self._readers.stdin is not None  # noqa: S101 - a pipe, as it was started
        self._readers.stdin.write(line_of(asked).encode())
        self._readers.stdin.flush()
        _line_from(self._readers, "the readers")
        with _sampled(self._server.pid) as samples:
            found = _line_from(self._readers, "the readers")
        if "latency_ms" not in found:
            raise ServeError("the readers heard nothing")
        took_s = samples[-1].at_s - samples[0].at_s
        cpu_s = samples[-1].cpu_s - samples[0].cpu_s
        return {
            **found,
            "seconds": round(took_s, 2),
            "cpu_s": round(cpu_s, 2),
            "cpu_share": round(cpu_s / took_s, 3),
            "samples": samples,
        }

    def _open(self, drill: str) -> str:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/v1/incidents",
            json.dumps({"drill": drill, "kind": "exercise", "reason": "benchmark"}).encode(),
            {"Authorization": f"Bearer {self._keys[0]}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - as above
            return str(json.load(response)["incident"])


@contextmanager
def _sampled(pid: int) -> Iterator[list[Sample]]:
    """Samples of a process, once a second; the first and the last are when this begins and ends."""
    samples = [_sample(pid)]
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(_SAMPLE_EVERY_S):
            samples.append(_sample(pid))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()
        samples.append(_sample(pid))


def _sample(pid: int) -> Sample:
    """What a process has used, as Linux tells it (proc(5))."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    # The name of the program may hold blanks; what is behind its bracket does not.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return Sample(
        time.monotonic(),
        pages * os.sysconf("SC_PAGE_SIZE") / _MIB,
        ticks / os.sysconf("SC_CLK_TCK"),
    )


def _started(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=_CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def _line_from(process: subprocess.Popen[bytes], who: str) -> dict[str, Any]:
    assert process.stdout is not None  # noqa: S101 - a pipe, as it was started
    line = process.stdout.readline()
    if not line:
        raise ServeError(f"{who} of the benchmark ended: what they said is above")
    said: dict[str, Any] = json.loads(line)
    return said
