"""Answers as the wing drill gives them, made without its videos: for what comes after the locator.

Each camera reports whoever the drill's truth has on the floor that it shows, with jitter and missed
people; the locator does the rest. Size and changes of the answers are those of the drill played
through the detector; what they say is a little better.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import shapely

from calibration.answer import StageTimes
from calibration.positions import FloorPositions

if TYPE_CHECKING:
    from api.targets import Target
    from calibration.answer import Answer

ANSWERS_A_SECOND = 10
SEED = 0
_JITTER_M = 0.15
_MISS_RATE = 0.08
_LOOK_LLR, _MOST_LLR = 0.6, 7.0

_Person = tuple[int, float, float, bool]


def wing_answers(target: Target, duration_s: float = 60.0) -> list[Answer]:
    """Return the answers of the first seconds of a drill with a truth file, ten a second.

    Args:
        target: the drill; its truth has ten moments a second.
        duration_s: how much of it.
    """
    moments = _moments(target, duration_s)
    shown = {
        camera.id: (camera.level, camera.visible_floor(target.site.plan))
        for camera in target.site.cameras.values()
    }
    rng = np.random.default_rng(SEED)
    locator = target.prepared.locator()
    llr: dict[int, float] = defaultdict(float)
    answers = []
    for tick, people in enumerate(moments):
        at_s = tick / ANSWERS_A_SECOND
        times = StageTimes(at_s, at_s + 0.02, at_s + 0.09, at_s + 0.1)
        for camera, (level, floor) in shown.items():
            points = shapely.points([(x, y) for _, x, y, _ in people])
            inside = shapely.contains(floor, points) & (rng.random(len(people)) >= _MISS_RATE)
            seen = [one for one, shows in zip(people, inside, strict=True) if shows]
            for number, _, _, armed in seen:
                if armed:
                    llr[number] = min(llr[number] + _LOOK_LLR, _MOST_LLR)
            locator.consume(_frame(camera, level, tick, seen, llr, rng), times)
        answers.append(locator.answer(at_s))
    return answers


def _moments(target: Target, duration_s: float) -> list[list[_Person]]:
    found: dict[int, list[_Person]] = defaultdict(list)
    with (target.folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            tick = round(float(row["t"]) * ANSWERS_A_SECOND)
            if tick < duration_s * ANSWERS_A_SECOND:
                place = float(row["x"]), float(row["y"])
                found[tick].append((int(row["person"]), *place, row["armed"] == "1"))
    return [found[tick] for tick in range(max(found) + 1)]


def _frame(
    camera: str,
    level: str,
    tick: int,
    seen: list[_Person],
    llr: dict[int, float],
    rng: np.random.Generator,
) -> FloorPositions:
    n = len(seen)
    xy_m = np.array([(x, y) for _, x, y, _ in seen], np.float64).reshape(-1, 2)
    return FloorPositions(
        camera=camera,
        level=level,
        frame_index=tick,
        captured_at_s=tick / ANSWERS_A_SECOND,
        xy_m=xy_m + rng.normal(0.0, _JITTER_M, (n, 2)),
        cov_m2=np.broadcast_to(np.eye(2) * _JITTER_M**2, (n, 2, 2)).copy(),
        from_head=np.zeros(n, np.bool_),
        confidence=np.full(n, 0.8, np.float32),
        track_id=np.array([number for number, *_ in seen], np.int64),
        armed_llr=np.array([llr[number] for number, *_ in seen], np.float64),
    )
