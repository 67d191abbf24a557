"""Many feeds: a site whose recordings loop, a GPU in mind, and what is told of a run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from api.input_log import Observation
from benchmarks.looped_site import looped_site
from benchmarks.run_meter import RunMeter
from benchmarks.scale import of_files, of_simulated
from benchmarks.school import make_school
from benchmarks.simulated_feeds import GpuInMind, Shown, boxes_of
from calibration.answer import Answer, StageTimes
from calibration.positions import FloorPositions
from calibration.site import load_site
from vision.detections import Detections

if TYPE_CHECKING:
    from pathlib import Path


def test_a_looped_site_plays_for_as_long_as_asked_at_its_frame_rate(tmp_path: Path) -> None:
    site = load_site(looped_site(tmp_path / "site", 8, 15.0, 100.0))
    assert len(site.cameras) == 8
    address = site.cameras["feed-07"].address
    assert address is not None
    assert address.path == tmp_path / "site" / "cam-01.mp4"  # six films, then again
    with av.open(address.path) as film:
        times_s = [
            float(packet.pts * packet.time_base)
            for packet in film.demux(video=0)
            if packet.pts is not None and packet.time_base is not None
        ]
    steps_s = np.diff(sorted(times_s))
    assert times_s[-1] >= 100.0
    assert steps_s == pytest.approx(1 / 15.0, abs=1e-3)


def test_a_gpu_in_mind_does_one_batch_after_the_other_and_finds_what_is_shown() -> None:
    shown = np.zeros((36, 64, 3), np.uint8).view(Shown)
    shown.boxes = Detections(
        np.array([[1, 2, 3, 4]], np.float32),
        np.ones(1, np.float32),
        np.zeros(1, np.int16),
        ("person", "firearm"),
    )
    gpu = GpuInMind(0.01)
    began_s = time.perf_counter()
    first, second = gpu.submit([shown] * 2), gpu.submit([shown])
    assert second.done_at_s - first.done_at_s == pytest.approx(0.01, abs=1e-6)
    assert [len(boxes) for boxes in second.result()] == [1]
    assert time.perf_counter() - began_s >= 0.03
    assert [len(boxes) for boxes in GpuInMind(0.0, empty=True).detect([shown])] == [0]


def test_people_are_shown_to_the_cameras_that_see_them_and_stand_upright() -> None:
    from benchmarks.crowd import walk_about

    school = make_school(levels=1, cameras=40)
    boxes = boxes_of(school, walk_about(school, 20, 4.0), np.random.default_rng(0))
    assert set(boxes) == set(school.site.cameras)
    found = np.concatenate([tick.xyxy_px for ticks in boxes.values() for tick in ticks])
    assert len(found) > 20
    wide, tall = found[:, 2] - found[:, 0], found[:, 3] - found[:, 1]
    assert (tall > 20.0).all()
    assert np.median(tall / wide) > 1.5


def seen(camera: str, captured_s: float) -> Observation:
    positions = FloorPositions(
        camera=camera,
        level="L1",
        frame_index=0,
        captured_at_s=captured_s,
        xy_m=np.zeros((0, 2)),
        cov_m2=np.zeros((0, 2, 2)),
        from_head=np.zeros(0, np.bool_),
        confidence=np.zeros(0, np.float32),
        track_id=np.zeros(0, np.int64),
        armed_llr=np.zeros(0),
    )
    return Observation(positions, StageTimes(captured_s, captured_s + 0.01, captured_s + 0.1))


def test_the_meter_tells_ages_and_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    meter = RunMeter()
    meter.from_s = 100.0
    answer = object.__new__(Answer)
    for captured_s, published_s in ((99.0, 99.5), (100.0, 100.2), (101.0, 101.4), (104.0, 104.1)):
        meter.log(seen("a", captured_s))
        monkeypatch.setattr("benchmarks.run_meter.time.time", lambda at=published_s: at)
        meter.log(answer)
    assert meter.frames == 3  # what came before does not count
    assert meter.ages_ms()["capture_to_published"]["p50"] == pytest.approx(200.0, abs=0.01)
    assert meter.ages_ms()["capture_to_detected"]["p50"] == pytest.approx(100.0, abs=0.01)
    told = meter.staleness_s(["a", "b"], 105.0)
    assert told["between_looks_s"]["most"] == pytest.approx(3.0)
    assert told["age_of_newest_look_s"]["most"] == pytest.approx(3.1, abs=0.06)  # just before 104.1
    assert told["cameras_hardly_looked_at"] == 1
    assert meter.looks_a_second(3.0) == {"fewest": 1.0, "median": 1.0, "most": 1.0}


@pytest.mark.slow
def test_files_and_simulated_feeds_run_end_to_end() -> None:
    files = of_files(4, 6.0)
    assert files["frames_used_a_second"] > 0
    assert files["frames_sent_a_second"] == pytest.approx(4 * 15.0, rel=0.2)
    assert files["cameras_hardly_looked_at"] == 0
    simulated = of_simulated(30, 6.0)
    assert simulated["cameras_hardly_looked_at"] == 0
    assert simulated["age_ms"]["capture_to_published"]["p50"] > 0
