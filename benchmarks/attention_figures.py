"""What a play of frames was worth: how soon the gunman was found, how well kept, who waited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .attention_world import FPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .attention_loop import Played
    from .attention_world import World

VISIBLE = 0.3
"""A camera shows the gunman where a look at its frame finds them at least so likely."""

LEAST_VISIT_S = 0.5
"""Shorter visits to a picture count as none."""

FRESH_S = 0.5
SETTLES_S = 1.0
"""What the gunman steps into so soon is where they came in, and no hand-over."""


def figures_of(world: World, played: Played) -> dict[str, float | None]:
    """The figures of one play; None where the event never came.

    `first_found_s` and `first_placed_s` count from the grant or, if later, from the gunman's coming
    in, to the end of the detection. Hand-overs are visits of the gunman to a camera's picture that
    begin `SETTLES_S` after that or later; one that no look came to counts with its whole length,
    which is kinder than the truth.
    """
    from_s = max(world.enters_s, 0.0)
    found_s = played.done_s[played.found]
    placed_s = played.done_s[played.placed]
    end_s = float(world.at_s[-1])
    first_s = float(found_s[0]) if len(found_s) else end_s
    shows = world.finds[:, 0] >= VISIBLE
    delays_s, reached = _hand_overs(world, played, shows, from_s + SETTLES_S)
    watched_s = world.at_s[shows.any(axis=1) & (world.at_s >= from_s)]
    seen_s = np.sort(played.captured_s[played.found])
    since_s = _since(watched_s, seen_s)
    gaps_s = np.diff(np.concatenate([[from_s], seen_s[seen_s >= from_s], [end_s]]))
    waits_s = _waits(world, played)
    right = played.answer_s >= from_s
    return {
        "first_found_s": first_s - from_s if len(found_s) else None,
        "first_placed_s": float(placed_s[0]) - from_s if len(placed_s) else None,
        "hand_over_median_s": float(np.median(delays_s)) if len(delays_s) else None,
        "hand_over_p95_s": float(np.percentile(delays_s, 95)) if len(delays_s) else None,
        "hand_overs": float(len(delays_s)),
        "hand_overs_reached": float(np.mean(reached)) if len(reached) else None,
        "seen_within_half_a_second": (
            float(np.mean(since_s <= FRESH_S)) if len(watched_s) else None
        ),
        "longest_gap_s": float(gaps_s.max()) if len(gaps_s) else None,
        "first_subject_right": float(played.right[right].mean()) if right.any() else None,
        "staleness_p95_s": float(np.percentile(waits_s, 95)),
        "staleness_most_s": float(waits_s.max()),
    }


def _hand_overs(
    world: World, played: Played, shows: NDArray[np.bool_], from_s: float
) -> tuple[NDArray[np.float64], list[bool]]:
    """Seconds from each step into a picture to the first look at it, and whether there was one."""
    delays_s, reached = [], []
    for k in np.flatnonzero(shows.any(axis=0)).tolist():
        here = np.concatenate([[False], shows[:, k], [False]]).astype(np.int8)
        edges = np.diff(here)
        looks = played.camera == k
        captured_s, done_s = played.captured_s[looks], played.done_s[looks]
        for begin, end in zip(np.flatnonzero(edges > 0), np.flatnonzero(edges < 0), strict=True):
            came_s = float(begin / FPS + world.phase_s[k])
            left_s = float(end / FPS + world.phase_s[k])
            if came_s < from_s or left_s - came_s < LEAST_VISIT_S:
                continue
            within = (captured_s >= came_s - 1e-6) & (captured_s < left_s)
            reached.append(bool(within.any()))
            delays_s.append(float(done_s[within][0] - came_s) if within.any() else left_s - came_s)
    return np.array(delays_s), reached


def _since(at_s: NDArray[np.float64], seen_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """How long before each moment the last of `seen_s` was; inf where none was."""
    seen_s = np.concatenate([[-np.inf], seen_s])
    return np.asarray(at_s - seen_s[np.searchsorted(seen_s, at_s, side="right") - 1])


def _waits(world: World, played: Played) -> NDArray[np.float64]:
    """Seconds between the looks at each camera, from the start and to the end."""
    end_s = float(played.taken_s[-1])
    waits = []
    for k in range(len(world.phase_s)):
        taken_s = played.taken_s[played.camera == k]
        waits.append(np.diff(np.concatenate([[0.0], taken_s, [end_s]])))
    return np.concatenate(waits)


def summed_up(rows: list[dict[str, float | None]]) -> dict[str, dict[str, Any]]:
    """Median, quarters and how many plays, of each figure over plays with different seeds.

    A figure that never came counts as the worst in the median of `first_…`.
    """
    told: dict[str, dict[str, Any]] = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        there = np.array([np.inf if one is None else one for one in values])
        came = (
            there
            if name.startswith("first_") and name.endswith("_s")
            else (there[np.isfinite(there)])
        )
        if not len(came):
            continue
        low, median, high = np.quantile(came, [0.25, 0.5, 0.75], method="closest_observation")
        told[name] = {
            "median": _number(median),
            "quarter": _number(low),
            "three_quarters": _number(high),
            "plays": len(came),
        }
        if len(came) < len(values) or not np.isfinite(there).all():
            told[name]["never"] = int((~np.isfinite(there)).sum())
    return told


def _number(value: float) -> float | None:
    return round(float(value), 3) if np.isfinite(value) else None
