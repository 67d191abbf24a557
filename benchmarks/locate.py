"""How long do the frames and the answers of a whole school take the locator?

Fusion, search map, ranking and entrances, on the synthetic school: 50 people under 400 cameras on
three levels, then other numbers of one of them at a time. What the cameras report is drawn
beforehand; only `Locator.consume` (an update: one frame of one camera) and `Locator.answer` are
timed, each by the processor time of its thread, so that whoever else uses the machine costs the
figures little. Round by round a fresh locator first gets some seconds that do not count, in which
people are found and lost, then the seconds that do.

`busy` is the figure: processor seconds that a second of the school costs, at five frames a second
and camera and five answers a second. Under 1, one core keeps up. The growth table is relative to
the base of the same run, so it holds on noisy machines; the absolute numbers only on this one.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from api.machine import machine_facts, package_versions
from calibration.prepared import PreparedSite

from .crowd import FPS, observed, walk_about
from .school import make_school

if TYPE_CHECKING:
    from collections.abc import Callable

    from calibration.answer import Answer, StageTimes
    from calibration.positions import FloorPositions

ROUNDS = 3
GROWTH_ROUNDS = 2
WARM_UP_S = 15.0
MEASURED_S = 5.0
SEED = 0


@dataclass(frozen=True, slots=True)
class Size:
    """What is asked of the locator.

    Attributes:
        people: who walk about.
        cameras: that watch, each five frames a second.
        levels: of the building, 5,848 square metres each.
    """

    people: int = 50
    cameras: int = 400
    levels: int = 3

    @property
    def name(self) -> str:
        """The size in words."""
        levels = "level" if self.levels == 1 else "levels"
        return f"{self.people} people, {self.cameras} cameras, {self.levels} {levels}"


BASE = Size()
GROWTH = {
    "people": tuple(replace(BASE, people=n) for n in (10, 25, 50, 100)),
    "cameras": tuple(replace(BASE, cameras=n) for n in (50, 100, 200, 400)),
    "levels": tuple(replace(BASE, levels=n) for n in (1, 2, 3)),
}


@dataclass(slots=True)
class _Measured:
    """Milliseconds of single updates and answers in one round."""

    update_ms: list[float]
    peopled_ms: list[float]
    empty_ms: list[float]
    answer_ms: list[float]
    busy: float
    last: Answer | None = None


def measure(
    *,
    growth: bool = True,
    rounds: int = ROUNDS,
    on_progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Processor time of updates and answers, of the base and as its parts grow.

    Args:
        growth: measure the other sizes, too; minutes.
        rounds: rounds of the base that count; of other sizes no more than `GROWTH_ROUNDS`.
        on_progress: takes what is being measured, in words.
    """
    on_progress(BASE.name)
    figures = {BASE: _of_size(BASE, rounds)}
    told: dict[str, Any] = {
        "benchmark": "locate",
        "machine": machine_facts(),
        "versions": package_versions(),
        "seed": SEED,
        "frames_a_second_and_camera": FPS,
        "warm_up_s": WARM_UP_S,
        "measured_s": MEASURED_S,
        "base": BASE.name,
        **figures[BASE],
    }
    if growth:
        base_busy = figures[BASE]["busy"]["median"]
        table: dict[str, list[dict[str, Any]]] = {}
        for part, sizes in GROWTH.items():
            for size in sizes:
                if size not in figures:
                    on_progress(size.name)
                    figures[size] = _of_size(size, min(rounds, GROWTH_ROUNDS))
                row = {part: getattr(size, part), **figures[size]}
                row["busy_of_base"] = round(row["busy"]["median"] / base_busy, 3)
                table.setdefault(part, []).append(row)
        told["growth"] = table
    return told


def _of_size(size: Size, rounds: int) -> dict[str, Any]:
    school = make_school(size.levels, size.cameras)
    walks = walk_about(school, size.people, WARM_UP_S + MEASURED_S, SEED)
    ticks = observed(school, walks, SEED)
    prepared = PreparedSite(school.site)
    began_s = time.process_time()
    prepared.prepare()
    prepare_s = time.process_time() - began_s
    measured = [_round(prepared, ticks) for _ in range(rounds)]
    last = measured[-1].last
    subjects = () if last is None else last.subjects
    return {
        "watched_share": round(school.watched, 3),
        "subjects": len(subjects),
        "subjects_out_of_view": sum(one.visibility == "out of view" for one in subjects),
        "positions_a_second": round(
            sum(len(frame) for tick in ticks for frame, _ in tick) / len(ticks) * FPS, 1
        ),
        "update_ms": _percentiles([one.update_ms for one in measured]),
        "update_with_people_ms": _percentiles([one.peopled_ms for one in measured]),
        "update_without_people_ms": _percentiles([one.empty_ms for one in measured]),
        "answer_ms": _percentiles([one.answer_ms for one in measured]),
        "busy": spread([one.busy for one in measured]),
        "prepare_s": round(prepare_s, 2),
        "memory_mib": round(_memory_mib(prepared, ticks), 1),
    }


def _round(
    prepared: PreparedSite, ticks: list[list[tuple[FloorPositions, StageTimes]]]
) -> _Measured:
    locator = prepared.locator()
    warm_up = round(WARM_UP_S * FPS)
    for tick in ticks[:warm_up]:
        for positions, times in tick:
            locator.consume(positions, times)
        locator.answer(tick[-1][1].captured_s)
    told = _Measured([], [], [], [], 0.0)
    gc.collect()
    for tick in ticks[warm_up:]:
        for positions, times in tick:
            began_ns = time.thread_time_ns()
            locator.consume(positions, times)
            took_ms = (time.thread_time_ns() - began_ns) / 1e6
            told.update_ms.append(took_ms)
            (told.peopled_ms if len(positions) else told.empty_ms).append(took_ms)
        began_ns = time.thread_time_ns()
        told.last = locator.answer(tick[-1][1].captured_s)
        told.answer_ms.append((time.thread_time_ns() - began_ns) / 1e6)
    told.busy = (sum(told.update_ms) + sum(told.answer_ms)) / 1e3 / MEASURED_S
    return told


def _memory_mib(
    prepared: PreparedSite, ticks: list[list[tuple[FloorPositions, StageTimes]]]
) -> float:
    """The most that a locator takes in its first seconds, what the site shares not counted."""
    tracemalloc.start()
    try:
        locator = prepared.locator()
        # Lost people, and so search maps, are there by then; tracing makes all of it slow.
        for tick in ticks[:: round(FPS)]:
            for positions, times in tick:
                locator.consume(positions, times)
            locator.answer(tick[-1][1].captured_s)
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def _percentiles(rounds: list[list[float]]) -> dict[str, dict[str, float]]:
    """The 50th, 95th and 99th percentile and the most, each with its spread over the rounds."""
    of_rounds = np.array([np.percentile(values, [50, 95, 99, 100]) for values in rounds])
    return {
        name: spread(of_rounds[:, column].tolist())
        for column, name in enumerate(("p50", "p95", "p99", "most"))
    }


def spread(values: list[float]) -> dict[str, float]:
    """Median, least and most of the rounds."""
    return {
        "median": round(float(np.median(values)), 3),
        "low": round(float(np.min(values)), 3),
        "high": round(float(np.max(values)), 3),
        "rounds": len(values),
    }
