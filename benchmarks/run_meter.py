"""What a run did, second by second: how old its answers were, whom it looked at, what it held."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import psutil

from api.actors import MACHINE
from api.decisions import CameraFacts
from api.gate import Activation, Gate, Terms
from api.input_log import Observation
from api.record import opened_record
from calibration.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from api.gate import Permit
    from api.input_log import Logged

STAGES = ("decoded", "detected", "placed", "published")


class RunMeter:
    """Takes the log of a run, and keeps of it what the figures need.

    Args:
        from_s: what was captured before this Unix time does not count; set it once the run is warm.
    """

    def __init__(self) -> None:
        self.from_s = float("inf")
        self._waiting: list[Observation] = []
        self._ages_s: list[tuple[float, float, float, float]] = []
        self._looks: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.answers = 0

    def log(self, entry: Logged) -> None:
        """Take what went into the run's locator, and what came out."""
        if isinstance(entry, Observation):
            self._waiting.append(entry)
        elif isinstance(entry, Answer):
            published_s = time.time()
            self.answers += 1
            for seen in self._waiting:
                times = seen.times
                if times.captured_s >= self.from_s:
                    later = (times.decoded_s, times.detected_s, times.placed_s, published_s)
                    ages = [(at_s or np.nan) - times.captured_s for at_s in later]
                    self._ages_s.append((ages[0], ages[1], ages[2], ages[3]))
                    self._looks[seen.positions.camera].append((times.captured_s, published_s))
            self._waiting.clear()

    @property
    def frames(self) -> int:
        """Frames that were used and answered."""
        return len(self._ages_s)

    def ages_ms(self) -> dict[str, dict[str, float]]:
        """Percentiles of the time from capture to the end of each stage, milliseconds."""
        ages_s = np.array(self._ages_s, np.float64).reshape(-1, len(STAGES))
        return {
            f"capture_to_{stage}": _percentiles(ages_s[:, column] * 1e3)
            for column, stage in enumerate(STAGES)
        }

    def staleness_s(self, cameras: Iterable[str], until_s: float) -> dict[str, Any]:
        """How long cameras went without a look, and how old the newest look was at any moment.

        Args:
            cameras: all that should have been looked at.
            until_s: the end of what is measured, Unix seconds.
        """
        between, age, unseen = [], [], []
        for camera in cameras:
            looks = np.array(self._looks.get(camera, ()), np.float64).reshape(-1, 2)
            if len(looks) < 2:  # noqa: PLR2004 - between two
                unseen.append(camera)
                continue
            captured_s, published_s = looks[:, 0], looks[:, 1]
            between.append(np.diff(captured_s))
            at_s = np.arange(published_s[0], until_s, 0.05)
            newest = np.searchsorted(published_s, at_s, side="right") - 1
            age.append(at_s - captured_s[newest])
        joined = np.concatenate(between) if between else np.zeros(0)
        ages = np.concatenate(age) if age else np.zeros(0)
        return {
            "between_looks_s": _percentiles(joined),
            "age_of_newest_look_s": _percentiles(ages),
            "cameras_hardly_looked_at": len(unseen),
        }

    def looks_a_second(self, seconds: float) -> dict[str, float]:
        """Looks a second at the cameras: of the one with fewest, the median, the most."""
        rates = np.array([len(looks) / seconds for looks in self._looks.values()] or [0.0])
        return {
            "fewest": round(float(rates.min()), 2),
            "median": round(float(np.median(rates)), 2),
            "most": round(float(rates.max()), 2),
        }


def _percentiles(values: NDArray[np.float64]) -> dict[str, float]:
    if not len(values):
        return {}
    p50, p95, p99, most = np.percentile(values, [50, 95, 99, 100])
    return {
        "p50": round(float(p50), 3),
        "p95": round(float(p95), 3),
        "p99": round(float(p99), 3),
        "most": round(float(most), 3),
    }


class Usage:
    """Memory and processor time of this process and its children, sampled from a thread.

    Memory is the proportional set size: what several processes share is counted once.
    """

    def __init__(self, every_s: float = 2.0) -> None:
        self._every_s = every_s
        self._samples: list[tuple[float, float]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._began_s = 0.0
        self._cpu_began_s = 0.0

    def __enter__(self) -> Self:
        self._began_s, self._cpu_began_s = time.monotonic(), _cpu_s()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(self._every_s):
            self._samples.append((time.monotonic(), _memory_mib()))

    def figures(self) -> dict[str, float]:
        """Cores kept busy, most memory, and how it grew a minute in the second half."""
        took_s = time.monotonic() - self._began_s
        at_s, mib = np.array(self._samples or [(0.0, 0.0)]).T
        late = at_s >= (at_s[0] + at_s[-1]) / 2
        slope = float(np.polyfit(at_s[late] / 60.0, mib[late], 1)[0]) if late.sum() > 2 else np.nan  # noqa: PLR2004
        return {
            "cores": round((_cpu_s() - self._cpu_began_s) / took_s, 2),
            "memory_first_mib": round(float(mib[0]), 1),
            "memory_last_mib": round(float(mib[-1]), 1),
            "memory_most_mib": round(float(mib.max()), 1),
            "memory_growth_mib_a_minute": round(slope, 3),
        }


def _tree() -> list[psutil.Process]:
    here = psutil.Process()
    return [here, *here.children(recursive=True)]


def _memory_mib() -> float:
    total = 0
    for process in _tree():
        with contextlib.suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total / 2**20


def _cpu_s() -> float:
    total = 0.0
    for process in _tree():
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


@contextlib.contextmanager
def exercise_on(cameras: Iterable[str]) -> Iterator[Permit]:
    """A permit of the gate for an exercise on these cameras, closed at the end."""
    with (
        tempfile.TemporaryDirectory() as state,
        opened_record(Path(state), own=True) as record,
    ):
        gate = Gate(record.audit)
        grant = gate.open(
            Activation("exercise", "benchmark", "lastseen bench", "to measure the machine"),
            Terms(None, tuple(CameraFacts(camera, "interior") for camera in cameras)),
            actor=MACHINE,
            incident=f"bench-{os.getpid()}",
            now_s=time.time(),
        )
        try:
            yield grant.permit
        finally:
            gate.close(grant.permit.incident, actor=MACHINE, reason="it is over", now_s=time.time())
