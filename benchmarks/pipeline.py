"""What share of the bare detector's speed does the whole way to an answer keep?

The first seconds of a drill are decoded into memory. Then, in turn, round by round, the same
batches go through the bare detector and through the whole way (detector, tracks, armed evidence,
floor positions, subjects, ranking, entrances). The ratio of the two is the figure: it holds on
noisy machines, the absolute numbers only on this one.
"""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from api.drill_files import load_drill
from api.drill_play import batches_of
from api.machine import machine_facts, package_versions
from api.recorded_frames import recorded_frames
from api.worker import build_pipeline
from calibration.answer import StageTimes
from calibration.entrances import EntranceRoutes
from calibration.locator import Locator
from calibration.projection import to_floor_positions
from vision.frames import Frame

if TYPE_CHECKING:
    from pathlib import Path

    from api.drill_files import Drill
    from vision.detect import Device
    from vision.pipeline import Pipeline
    from vision.sources import AnyFrame

ROUNDS = 7
BATCHES = 20
NOMINAL_FPS = 10.0


def measure(drill_folder: Path, device: Device = "auto") -> dict[str, Any]:
    """Camera-frames a second of detector and whole way, and their ratio, per round.

    Args:
        drill_folder: a drill with videos.
        device: "auto", "cpu" or "cuda".
    """
    drill = load_drill(drill_folder)
    pipeline, backend = build_pipeline(device, pixels=True)
    detector = pipeline.detector
    if detector is None:
        raise ValueError(f"{drill_folder}: this benchmark needs a drill with videos")
    batches = _first_batches(drill)
    routes = EntranceRoutes(drill.site.plan)
    frames = sum(len(batch) for batch in batches)
    bare_s, whole_s = [], []
    for round_ in range(ROUNDS + 1):  # the first round warms up and does not count
        began_s = time.perf_counter()
        for batch in batches:
            detector.detect([frame.image for frame in batch if isinstance(frame, Frame)])
        half_s = time.perf_counter()
        # A fresh pipeline each round: tracks of the last one would meet frames from their past.
        _whole_way(drill, pipeline.fresh(NOMINAL_FPS), routes, batches)
        ended_s = time.perf_counter()
        if round_:
            bare_s.append(half_s - began_s)
            whole_s.append(ended_s - half_s)
    ratio = np.array(bare_s) / np.array(whole_s)
    return {
        "benchmark": "pipeline",
        "machine": machine_facts(detector=backend),
        "versions": package_versions(),
        "drill": drill.name,
        "frames_a_round": frames,
        "detector_frames_per_s": _spread(frames / np.array(bare_s)),
        "whole_way_frames_per_s": _spread(frames / np.array(whole_s)),
        "efficiency": _spread(ratio),
    }


def _whole_way(
    drill: Drill, pipeline: Pipeline, routes: EntranceRoutes, batches: list[list[AnyFrame]]
) -> None:
    site = drill.site
    locator = Locator.for_site(site, routes)
    for batch in batches:
        for tracked in pipeline.process(batch):
            camera = site.cameras[tracked.frame.camera]
            positions = to_floor_positions(
                tracked.tracks, camera.model, camera.id, camera.level, site.plan
            )
            locator.consume(positions, StageTimes(tracked.frame.captured_at_s))
        locator.answer(batch[-1].captured_at_s)


def _first_batches(drill: Drill) -> list[list[AnyFrame]]:
    feeds = [
        recorded_frames(
            feed, drill.site.cameras[feed.camera].model, drill.start_s, drill.duration_s
        )
        for feed in drill.feeds
    ]
    return list(islice(batches_of(feeds), BATCHES))


def _spread(values: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float]:
    return {
        "median": round(float(np.median(values)), 4),
        "low": round(float(values.min()), 4),
        "high": round(float(values.max()), 4),
        "rounds": len(values),
    }
