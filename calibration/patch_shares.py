"""Where a subject out of view is, patch by patch, from the spaces that its search area names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .answer import RankedSubject, SearchArea
    from .camera_reach import CameraReach

RUN_MPS: Final = 3.0
"""Pace of somebody in shoes and with a load who runs through corridors and doors. Judgement."""

_SLACK_M: Final = 4.0


def patch_shares(
    subject: RankedSubject, search: SearchArea, reach: CameraReach
) -> NDArray[np.float64]:
    """`(P,)` the probability of each patch: that of its space, on the floor that can be reached.

    Within a space, floor counts evenly, where the straight line from the last seen place is no
    longer than was run since. Where none of a space's floor is, all of it counts.

    Args:
        subject: who is looked for.
        search: where it can be.
        reach: the patches.
    """
    plan = reach.grid.plan
    spaces = {space.id: i for i, space in enumerate(plan.spaces)}
    levels = {level.id: i for i, level in enumerate(plan.levels)}
    # Spaces first, then the floor outside them, a place for each level.
    place = np.where(
        reach.patch_space >= 0, reach.patch_space, len(spaces) + reach.patch_level
    ).astype(np.int64)
    held = np.zeros(len(spaces) + len(levels))
    for share in search.spaces:
        if share.space in spaces:
            held[spaces[share.space]] += share.probability
        elif share.space is None and share.level in levels:
            held[len(spaces) + levels[share.level]] += share.probability
    run_m = RUN_MPS * max(subject.age_s, 0.0) + _SLACK_M
    straight_m = np.hypot(*(reach.patch_m - np.asarray(subject.xy_m)).T)
    here = reach.patch_level == levels.get(subject.level, -1)
    floor_m2 = np.where(here & (straight_m > run_m), 0.0, reach.patch_weight)
    within_m2 = np.bincount(place, floor_m2, len(held))
    all_m2 = np.bincount(place, reach.patch_weight, len(held))
    some = within_m2 > 0
    counts_m2 = np.where(some[place], floor_m2, reach.patch_weight)
    total_m2 = np.where(some, within_m2, all_m2)[place]
    return np.asarray(held[place] * counts_m2 / np.maximum(total_m2, 1e-9), np.float64)
