"""What share of the bare detector's speed does the whole way keep?

The first seconds of a drill are decoded into memory. Then, in turn, round by round, the same
batches go

- `bare`: through the detector alone, batch after batch;
- `bare_ahead`: the same, never without work: each batch is begun before the last one is read;
- `worker`: through all that a worker does: detection, tracks, second looks, armed evidence,
  appearance, watched views, floor positions and messages;
- `located`: through that and, in the same thread, what the run does with it: subjects, ranking and
  entrances, an answer for each batch;
- `networks`: through the two networks alone, never without work, the second look's with the
  squares that it was given;
- `decode`: nowhere: they are only decoded;
- `decoding_worker`: through all that a worker does, decoded in the same run by the same cores.

The ratios are the figures: they hold on noisy machines, the absolute numbers only on this one. The
pipeline goes on from round to round, as in an incident that lasts; its first rounds do not count.
"""

from __future__ import annotations

import os
import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from api.drill_files import load_drill
from api.machine import machine_facts, package_versions
from api.worker import build_pipeline
from calibration.prepared import PreparedSite

from .locate import spread
from .pipeline_stages import cuts_of, stage_times
from .pipeline_work import Rounds, bare, bare_ahead, decoded, locate, networks, record, worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from vision.detect import Device
    from vision.pipeline import Pipeline

    from .pipeline_work import Recorded

ROUNDS = 7
BATCHES = 60
"""Twenty-four to thirty-six seconds of the built-in drills."""

NOMINAL_FPS = 10.0


def measure(
    drills: Sequence[Path], device: Device = "auto", *, rounds: int = ROUNDS, batches: int = BATCHES
) -> dict[str, Any]:
    """Camera-frames a second, processor time and ratios, by drill.

    Args:
        drills: folders of drills with videos.
        device: "auto", "cpu" or "cuda".
        rounds: how often each way is measured.
        batches: how much of each drill.

    Raises:
        ValueError: a drill has no videos.
    """
    recordings = [record(load_drill(folder), batches) for folder in drills]
    pipeline, backend = build_pipeline(device, pixels=True)
    _before_the_network()
    return {
        "benchmark": "pipeline",
        "machine": machine_facts(detector=backend),
        "versions": package_versions(),
        "drills": {
            recorded.drill.folder.name: _figures(recorded, pipeline.fresh(NOMINAL_FPS), rounds)
            for recorded in recordings
        },
    }


def _figures(recorded: Recorded, pipeline: Pipeline, rounds: int) -> dict[str, Any]:
    drill, detector, second_look = recorded.drill, pipeline.detector, pipeline.second_look
    assert detector is not None  # noqa: S101 - it was asked for
    look = None if second_look is None else second_look.detector
    prepared, times = PreparedSite(drill.site), Rounds(recorded)
    prepared.prepare()
    # Two rounds, so that what the second one shows is what the rounds that count will show.
    _drain(worker(drill, pipeline, times.next(recorded.batches)))
    cuts, told = cuts_of(drill, pipeline, times.next(recorded.batches))

    def located() -> None:
        locator = prepared.locator()
        for floor in worker(drill, pipeline, times.next(recorded.batches)):
            locate(locator, floor)

    def from_files() -> None:
        files = islice(decoded(drill), len(recorded.batches))
        _drain(worker(drill, pipeline, times.next(files)))

    ways: dict[str, Callable[[], None]] = {
        "bare": lambda: bare(detector, recorded.batches),
        "bare_ahead": lambda: bare_ahead(detector, recorded.batches),
        "worker": lambda: _drain(worker(drill, pipeline, times.next(recorded.batches))),
        "located": located,
        "networks": lambda: networks(detector, look, recorded.batches, cuts),
        "decode": lambda: _drain(islice(decoded(drill), len(recorded.batches))),
        "decoding_worker": from_files,
    }
    wall_s, core_s = _in_turn(ways, rounds)
    with stage_times() as stages:
        located()
    seen = [positions for floor in told for positions in floor.positions]
    return {
        "frames_a_round": recorded.frames,
        "tracks_a_frame": round(
            sum(len(one.xy_m) + one.unplaced + one.withheld for one in seen) / recorded.frames, 2
        ),
        "looks_a_frame": round(sum(map(len, cuts)) / recorded.frames, 2),
        "bytes_sent_a_frame": round(sum(floor.sent for floor in told) / recorded.frames),
        "efficiency": spread(list(_best_bare_s(wall_s) / wall_s["worker"])),
        "ratios": {
            "worker_of_bare_in_turn": spread(list(wall_s["bare"] / wall_s["worker"])),
            "worker_of_bare_ahead": spread(list(wall_s["bare_ahead"] / wall_s["worker"])),
            "worker_of_both_networks": spread(list(wall_s["networks"] / wall_s["worker"])),
            "both_networks_of_bare": spread(list(_best_bare_s(wall_s) / wall_s["networks"])),
            "located_of_bare": spread(list(_best_bare_s(wall_s) / wall_s["located"])),
            "decoding_worker_of_bare": spread(
                list(_best_bare_s(wall_s) / wall_s["decoding_worker"])
            ),
            "decoding_worker_less_decoding_of_bare": spread(
                list(
                    _best_bare_s(wall_s) / (wall_s["decoding_worker"] - core_s["decode"] / _cores())
                )
            ),
        },
        "frames_per_s": {
            name: spread(list(recorded.frames / seconds)) for name, seconds in wall_s.items()
        },
        "processor_s_per_1000_frames": {
            name: spread(list(seconds / recorded.frames * 1000)) for name, seconds in core_s.items()
        },
        "stages_s_per_1000_frames": {
            name: round(spent / recorded.frames * 1000, 3) for name, spent in stages.items()
        },
    }


def _before_the_network() -> None:
    """Let this thread go before the network's where the process is served first (`chrt --rr`).

    Threads of one real-time priority take turns of 100 ms, while whatever waits for boxes is woken
    at once on a machine that nobody else uses. That is restored by one priority more.
    """
    policy = os.sched_getscheduler(0)
    if policy in (os.SCHED_RR, os.SCHED_FIFO):
        more = os.sched_getparam(0).sched_priority + 1
        os.sched_setscheduler(0, policy, os.sched_param(more))


def _best_bare_s(wall_s: dict[str, _Seconds]) -> _Seconds:
    """The bare detector's time in each round, the shorter of both ways."""
    return np.minimum(wall_s["bare"], wall_s["bare_ahead"])


def _in_turn(
    ways: dict[str, Callable[[], None]], rounds: int
) -> tuple[dict[str, _Seconds], dict[str, _Seconds]]:
    """Wall-clock and processor seconds of each way, round by round, one after another."""
    wall_s: dict[str, list[float]] = {name: [] for name in ways}
    core_s: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(rounds + 1):  # the first one warms up
        for name, go in ways.items():
            began_s, core_began_s = time.perf_counter(), time.process_time()
            go()
            if round_:
                wall_s[name].append(time.perf_counter() - began_s)
                core_s[name].append(time.process_time() - core_began_s)
    return (
        {name: np.array(seconds) for name, seconds in wall_s.items()},
        {name: np.array(seconds) for name, seconds in core_s.items()},
    )


def _drain(told: Iterable[object]) -> None:
    for _ in told:
        pass


def _cores() -> int:
    return len(os.sched_getaffinity(0))


if TYPE_CHECKING:
    from numpy.typing import NDArray

    _Seconds = NDArray[np.float64]
