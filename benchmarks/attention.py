"""Is the gunman found sooner, and kept better, where attention chooses the frames than in turns?

A synthetic school whose cameras send far more than can be detected: what is compared is only who
chooses, on the same frames and at the same number of detections a second. The locator is in the
loop: wanted rates come from its answers, never from the truth. Cameras in turn (`round_robin`) are
what the product did before; `oracle` knows in which frames the gunman is, and is the bound that
nobody can reach.

Detection misses with the measured rates of the detector; the cue that something moves errs as it
was measured to (`benchmarks.stir_rates`), false onsets at the upper end of what the measurement
allows.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np

from api.machine import machine_facts, package_versions
from calibration.wanted_rates import AttentionGround
from vision.attention import FLOOR_FPS, FLOOR_SHARE, staleness_bound_s

from .attention_figures import figures_of, summed_up
from .attention_loop import play
from .attention_world import FPS, CueRates, make_world, prepared_school
from .stir_rates import measure as measure_cue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from .attention_loop import Policy

COMPARED: tuple[Policy, ...] = ("round_robin", "attention", "oracle")
PARTS: tuple[Policy, ...] = ("seldom_cue", "no_cue", "no_rates")

RATIOS = {  # figure: whether less is better
    "first_found_s": True,
    "hand_over_median_s": True,
    "hand_over_p95_s": True,
    "seen_within_half_a_second": False,
}


@dataclass(frozen=True, slots=True)
class Setting:
    """What is played.

    Attributes:
        cameras: of the school.
        levels: of the school.
        people: who walk about besides the gunman.
        duration_s: of each play.
        seeds: plays of each way to choose; in every other one the gunman comes in after the grant,
            in the others they walk inside when it is given.
        capacities_fps: frames detected a second.
        batch: frames at once.
        parts_seeds: plays with one part of attention taken away, at the first capacity.
    """

    cameras: int = 400
    levels: int = 3
    people: int = 40
    duration_s: float = 30.0
    seeds: int = 6
    capacities_fps: tuple[float, ...] = (95.0, 190.0)
    batch: int = 8
    parts_seeds: int = 3


ENTERS_S, INSIDE_S = 4.0, -8.0
_Row = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class _Job:
    policy: Policy
    capacity_fps: float
    seed: int


def measure(
    setting: Setting | None = None,
    *,
    drills: Iterable[Path] = (),
    data: Path | None = None,
    cue: dict[str, dict[str, Any]] | None = None,
    workers: int = 1,
    on_progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Figures of all ways to choose, their ratios, and what they rest on.

    Args:
        setting: what is played.
        drills: drills on which the cue is measured; with videos and truth/boxes.
        data: folder of public recordings on which it is measured as well.
        cue: figures of the cue measured before, in the place of measuring it.
        workers: processes that play.
        on_progress: takes what is being done, in words.
    """
    setting = setting or Setting()
    if cue is None:
        on_progress("measuring the cue")
        cue = measure_cue(drills, data)
    rates = cue_rates(cue)
    jobs = [
        _Job(policy, capacity_fps, seed)
        for seed in range(setting.seeds)
        for capacity_fps in setting.capacities_fps
        for policy in COMPARED
    ]
    jobs += [
        _Job(policy, setting.capacities_fps[0], seed)
        for seed in range(setting.parts_seeds)
        for policy in PARTS
    ]
    rows: dict[tuple[str, float], dict[int, _Row]] = {}
    for done, (job, row) in enumerate(_played(setting, rates, jobs, workers), start=1):
        rows.setdefault((job.policy, job.capacity_fps), {})[job.seed] = row
        found, seen = row["first_found_s"], row["seen_within_half_a_second"]
        on_progress(
            f"{done} of {len(jobs)}: seed {job.seed}, {job.capacity_fps:.0f} frames/s, "
            f"{job.policy}: found after {found} s, seen {seen}, hand-over "
            f"{row['hand_over_median_s']} s"
        )
    return {
        "benchmark": "attention",
        "machine": machine_facts(),
        "versions": package_versions(),
        "seeds": setting.seeds,
        "cameras": setting.cameras,
        "people": setting.people,
        "frames_a_second_and_camera": FPS,
        "duration_s": setting.duration_s,
        "batch": setting.batch,
        "cue": cue,
        "cue_assumed": {
            "noticed_share": rates.noticed,
            "false_onsets_an_hour_and_camera": rates.onsets_an_hour,
            "standing_people_move_share": rates.standing_moves,
        },
        "capacities": [_at(setting, capacity, rows) for capacity in setting.capacities_fps],
        "parts": {
            policy: summed_up(list(rows[policy, setting.capacities_fps[0]].values()))
            for policy in PARTS
            if (policy, setting.capacities_fps[0]) in rows
        },
    }


def cue_rates(cue: dict[str, dict[str, Any]]) -> CueRates:
    """How the cue errs in the plays, from its figures.

    False onsets are taken at the upper end of what was measured, on everything that was empty.
    """
    return CueRates(
        noticed=float(cue["drills"]["noticed_share"]),
        onsets_an_hour=float(cue["all"]["false_onsets_an_hour_at_most"]),
        standing_moves=float(cue["drills"]["peopled_moving_share"]),
    )


def _at(
    setting: Setting, capacity_fps: float, rows: dict[tuple[str, float], dict[int, _Row]]
) -> dict[str, Any]:
    """What was found at one capacity."""
    by_policy = {policy: rows[policy, capacity_fps] for policy in COMPARED}
    return {
        "capacity_fps": capacity_fps,
        "offered_fps": setting.cameras * FPS,
        "bound_s": round(
            staleness_bound_s(
                setting.cameras, capacity_fps, max_frames=setting.batch, slowest_fps=FPS
            ),
            2,
        ),
        "floor_fps": FLOOR_FPS,
        "floor_share": FLOOR_SHARE,
        "staleness_most_of_all_plays_s": round(
            max(float(row["staleness_most_s"] or 0.0) for row in by_policy["attention"].values()),
            2,
        ),
        **{policy: summed_up(list(found.values())) for policy, found in by_policy.items()},
        "times_better_than_round_robin": {
            name: _ratio(by_policy["round_robin"], by_policy["attention"], name, less=less)
            for name, less in RATIOS.items()
        },
    }


def _ratio(
    base: dict[int, _Row], better: dict[int, _Row], name: str, *, less: bool
) -> dict[str, Any]:
    """How many times better, in medians over all plays and play by play (median and quarters)."""

    def column(rows: dict[int, _Row]) -> np.ndarray[Any, Any]:
        worst = np.inf if less else 0.0
        return np.array([worst if rows[s][name] is None else rows[s][name] for s in seeds])

    # A play in which it could not come for anybody says nothing.
    seeds = [s for s in sorted(base) if (base[s][name], better[s][name]) != (None, None)]
    if not seeds:
        return {}
    over, under = (column(base), column(better)) if less else (column(better), column(base))
    with np.errstate(divide="ignore", invalid="ignore"):
        pairs = over / under
    pairs = np.nan_to_num(pairs, nan=1.0, posinf=np.inf)
    low, median, high = np.quantile(pairs, [0.25, 0.5, 0.75], method="closest_observation")
    of_medians = float(np.median(over)) / max(float(np.median(under)), 1e-9)
    return {
        "of_medians": _finite(of_medians),
        "pairs_median": _finite(median),
        "pairs_quarter": _finite(low),
        "pairs_three_quarters": _finite(high),
    }


def _finite(value: float) -> float | None:
    return round(float(value), 2) if np.isfinite(value) else None


def _played(
    setting: Setting, rates: CueRates, jobs: list[_Job], workers: int
) -> Iterator[tuple[_Job, _Row]]:
    if workers <= 1:
        _begin(setting, rates)
        yield from ((job, _play(job)) for job in jobs)
        return
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(setting, rates)
    ) as pool:
        yield from zip(jobs, pool.map(_play, jobs), strict=True)


class _Ground:
    """What all plays of a process share."""

    def __init__(self, setting: Setting, rates: CueRates) -> None:
        self.setting, self.rates = setting, rates
        self.school, self.prepared = prepared_school(setting.cameras, setting.levels)
        self.ground = AttentionGround.of(self.prepared.camera_reach())


_grounds: list[_Ground] = []


def _begin(setting: Setting, rates: CueRates) -> None:
    _grounds[:] = [_Ground(setting, rates)]


def _play(job: _Job) -> _Row:
    [ground] = _grounds
    setting = ground.setting
    world = make_world(
        ground.school,
        ground.prepared.locator().search,
        ground.rates,
        people=setting.people,
        duration_s=setting.duration_s,
        enters_s=ENTERS_S if job.seed % 2 == 0 else INSIDE_S,
        seed=job.seed,
    )
    played = play(
        world,
        job.policy,
        capacity_fps=job.capacity_fps,
        batch=setting.batch,
        locator=ground.prepared.locator(),
        ground=ground.ground,
        seed=job.seed,
    )
    return figures_of(world, played)


def in_words(figures: dict[str, Any]) -> list[str]:
    """The figures in lines to read."""
    lines = []
    for row in figures["capacities"]:
        lines.append(
            f"{row['capacity_fps']:.0f} of {row['offered_fps']:.0f} frames/s; longest wait of a "
            f"camera {row['staleness_most_of_all_plays_s']} s, bound {row['bound_s']} s"
        )
        for name in RATIOS:
            told = [f"{policy} {_median(row[policy].get(name))}" for policy in COMPARED]
            times = row["times_better_than_round_robin"].get(name) or {}
            lines.append(
                f"  {name}: {', '.join(told)}; {times.get('of_medians')} times better, "
                f"play by play {times.get('pairs_median')} ({times.get('pairs_quarter')} to "
                f"{times.get('pairs_three_quarters')})"
            )
    for policy, told in figures["parts"].items():
        parts = ", ".join(f"{name} {_median(told.get(name))}" for name in RATIOS)
        lines.append(f"{policy}: {parts}")
    return lines


def _median(told: dict[str, Any] | None) -> str:
    if told is None or told["median"] is None:
        return "never"
    return f"{told['median']} ({told['quarter']} to {told['three_quarters']})"
