"""What a peer's program says and writes: a job in, JSON lines out, results as columns in a file.

Each system that `benchmarks.peers` compares runs in a process of its own, some of them under
another Python with other packages, so this module needs numpy alone. The program is given its job
as one JSON line; it says `ready` with what it runs on once its network is warm, waits for `go`,
says `begun` when it opens the feeds, `measured` once it has enough, and `done` when its results
lie in the file that the job names.

A result is: which camera, the number that the picture itself carries (`vision.clock_strip`, read
from the very picture that was detected on), the moment at which its tracks were there, and the
boxes found before tracking.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from vision.clock_strip import read_strip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

UNREADABLE = -1
"""Stamp of a picture whose number could not be read."""

PERSON, WEAPON = 0, 1
"""Classes of a result's boxes, in the order of the weights."""

LOW_LATENCY = {
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "rtsp_transport;tcp|fflags;nobuffer|flags;low_delay"
    "|analyzeduration;0|probesize;32"
}
"""What is recommended to keep FFmpeg below OpenCV from buffering a live stream, and from studying
it for seconds before the first picture; read at every opening. Files would lose frames by it."""

READY, BEGIN, FRAME, OTHER, ENDED, STOP = b"ready", b"begin", b"F", b"O", b"ended", b"stop"
"""How messages between `peers_ours` and its worker begin."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a peer's program is to do.

    Attributes:
        sources: a file or an RTSP address for each camera.
        live: True for RTSP: newest frames count; False for files: every frame counts.
        weights: path of the `.pt` file, or of what it was exported to.
        confidence: lowest score of each class, by its index.
        same_object_iou: boxes of one class that overlap more are one object.
        input_px: (width, height) of the network's input.
        fps: frames a second of each source.
        most_results: enough once so many frames have their tracks; None for no such limit.
        limit_s: enough so long after the first result.
        results: where the results are written (`.npz`).
        options: what else this program understands.
    """

    sources: tuple[str, ...]
    live: bool
    weights: str
    confidence: tuple[float, ...]
    same_object_iou: float
    input_px: tuple[int, int]
    fps: float
    most_results: int | None
    limit_s: float
    results: str
    options: dict[str, Any]

    @classmethod
    def parse(cls, line: str) -> Job:
        """The job written as one line of JSON."""
        told = json.loads(line)
        for name in ("sources", "confidence", "input_px"):
            told[name] = tuple(told[name])
        return cls(**told)


def stamp_of(picture: NDArray[np.uint8]) -> int:
    """The number that a picture carries, `UNREADABLE` where it carries none."""
    seconds = read_strip(picture, 0.0)
    return UNREADABLE if seconds is None else round(seconds * 1000.0)


class Results:
    """The results of one run, kept until it is over so that nothing is written meanwhile."""

    def __init__(self, most: int | None, limit_s: float) -> None:
        self._most = most
        self._limit_s = limit_s
        self._camera: list[int] = []
        self._stamp: list[int] = []
        self._moment_s: list[float] = []
        self._boxes: list[NDArray[np.float32]] = []

    def add(
        self, camera: int, stamp: int, boxes: NDArray[np.float32], moment_s: float | None = None
    ) -> None:
        """Keep a result.

        Args:
            camera: index into the job's sources.
            stamp: the picture's number.
            boxes: `(N, 6)` left, top, right, bottom (pixels of the picture), score, class.
            moment_s: when its tracks were there, Unix seconds; now if None.
        """
        self._moment_s.append(time.time() if moment_s is None else moment_s)
        self._camera.append(camera)
        self._stamp.append(stamp)
        self._boxes.append(boxes)

    @property
    def enough(self) -> bool:
        """Whether the job is done."""
        if not self._moment_s:
            return False
        many = self._most is not None and len(self._moment_s) >= self._most
        return many or time.time() - self._moment_s[0] >= self._limit_s

    def write(self, path: str, moments_s: Sequence[float] | None = None) -> None:
        """Write all results as columns.

        Args:
            path: an `.npz` file.
            moments_s: one for each result, in place of those it was added with.
        """
        boxes = [np.asarray(found, np.float32).reshape(-1, 6) for found in self._boxes]
        np.savez(
            path,
            camera=np.array(self._camera, np.int64),
            stamp=np.array(self._stamp, np.int64),
            moment_s=np.array(moments_s or self._moment_s, np.float64),
            box_result=np.repeat(np.arange(len(boxes)), [len(found) for found in boxes]),
            boxes=np.concatenate([np.zeros((0, 6), np.float32), *boxes]),
        )


class Talk:
    """The conversation with the benchmark over standard input and output.

    Libraries that print to standard output write to standard error instead from here on.
    """

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._in = sys.stdin

    def job(self) -> Job:
        """Wait for the job."""
        return Job.parse(self._in.readline())

    def ready(self, backend: str, packages: Sequence[str], settings: str) -> None:
        """Say that the network is warm and wait for the order to begin.

        Args:
            backend: what the network runs on.
            packages: whose versions count for this system.
            settings: how it was set up, in words.
        """
        versions = {name: metadata.version(name) for name in packages}
        self._say(ready=True, backend=backend, versions=versions, settings=settings)
        if self._in.readline().strip() != "go":
            raise SystemExit("the benchmark has gone away")
        threading.Thread(target=self._end_with_it, daemon=True).start()
        self._say(begun_s=time.time())

    def _end_with_it(self) -> None:
        """End when the benchmark does, however it ended."""
        self._in.read()
        os._exit(1)

    def measured(self) -> None:
        """Say that there are enough results: what follows is not measured."""
        self._say(measured_s=time.time())

    def done(self) -> None:
        """Say that the results are written."""
        self._say(done=True)

    def _say(self, **what: object) -> None:
        self._out.write(json.dumps(what) + "\n")
        self._out.flush()
