"""Many recordings played at the pace of cameras, and frames taken at a fixed rate."""

from __future__ import annotations

import multiprocessing
import time
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import psutil

from benchmarks.locate import spread
from vision.decode import decode_file
from vision.feeds import Feed, stop_feeds
from vision.frames import Frame
from vision.latest import LatestFrames
from vision.played_file import play_file
from vision.sources import AnyFrame, played

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

    from vision.sources import Source

How = Literal["all decoded and converted", "as needed"]
HOWS: tuple[How, ...] = ("all decoded and converted", "as needed")
TAKEN_A_SECOND = 30.0
BATCH = 8
WARM_UP_S = 4.0


def feeds_at_once(clip: Path, count: int, seconds: float, rounds: int) -> dict[str, Any]:
    """Figures of both ways, in turn, each time in a process of its own.

    Args:
        clip: what each feed plays.
        count: how many play it.
        seconds: how long is measured, after `WARM_UP_S`.
        rounds: how often.
    """
    found: dict[How, list[dict[str, float]]] = {how: [] for how in HOWS}
    for _ in range(rounds):
        for how in HOWS:
            found[how].append(_in_a_process(clip, how, count, seconds))
    ratio = [
        now["cpu_s_a_1000"] / before["cpu_s_a_1000"]
        for before, now in zip(*found.values(), strict=True)
    ]
    return {
        "taken_a_second": TAKEN_A_SECOND,
        "ways": {
            how: {name: spread([one[name] for one in table]) for name in table[0]}
            for how, table in found.items()
        },
        "cpu_of_all_decoded": spread(ratio),
    }


def _in_a_process(clip: Path, how: How, count: int, seconds: float) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_measured, args=(clip, how, count, seconds, theirs))
    process.start()
    theirs.close()
    try:
        found: dict[str, float] = ours.recv()
    finally:
        process.join()
    return found


def _measured(clip: Path, how: How, count: int, seconds: float, told: Connection) -> None:
    latest: LatestFrames[AnyFrame] = LatestFrames()
    started_at_s = time.time() + 1.0
    feeds = [
        Feed(camera, _source(clip, camera, how, started_at_s), latest)
        for camera in (f"camera {n}" for n in range(count))
    ]
    before = psutil.Process().memory_info().rss
    for feed in feeds:
        feed.start()
    _take(latest, started_at_s + WARM_UP_S)
    cpu_s, counted = time.process_time(), _received(latest)
    ages_s = _take(latest, started_at_s + WARM_UP_S + seconds)
    cpu_s, sent = time.process_time() - cpu_s, _received(latest) - counted
    if not ages_s:
        raise RuntimeError(f"{count} feeds gave no frame in {seconds} s: the machine is too busy")
    told.send(
        {
            "cpu_s_a_1000": 1000.0 * cpu_s / sent,
            "sent_a_second": sent / seconds,
            "taken": float(len(ages_s)),
            "age_p50_ms": 1000.0 * float(np.percentile(ages_s, 50)),
            "age_p95_ms": 1000.0 * float(np.percentile(ages_s, 95)),
            "mib_a_feed": (psutil.Process().memory_info().rss - before) / 2**20 / count,
        }
    )
    latest.close()
    stop_feeds(feeds)


def _source(clip: Path, camera: str, how: How, started_at_s: float) -> Source:
    if how == "as needed":
        return play_file(clip, camera, started_at_s)
    return played(lambda: _converted(clip, camera, started_at_s))


def _converted(clip: Path, camera: str, started_at_s: float) -> Iterator[Frame]:
    for frame in decode_file(clip, camera, started_at_s):
        frame.image  # noqa: B018 - converts it
        yield frame


def _received(latest: LatestFrames[AnyFrame]) -> int:
    return sum(latest.counts(camera).received for camera in latest.cameras)


def _take(latest: LatestFrames[AnyFrame], until_s: float) -> list[float]:
    """Take frames until a moment and return how old they were, seconds."""
    ages_s = []
    due_s = time.time()
    while time.time() < until_s:
        frames = latest.take(BATCH, 0.1)
        for frame in frames:
            ages_s.append(time.time() - frame.captured_at_s)
            if isinstance(frame, Frame):
                frame.image  # noqa: B018 - converts it
        due_s = max(due_s + len(frames) / TAKEN_A_SECOND, time.time() - 1.0)
        time.sleep(max(due_s - time.time(), 0.0))
    return ages_s
