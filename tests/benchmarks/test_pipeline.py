"""The pipeline benchmark: what it tells of a drill, not how fast that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.drill_files import load_drill
from benchmarks.pipeline import measure
from benchmarks.pipeline_stages import STAGES
from benchmarks.pipeline_work import GAP_S, Rounds, record

if TYPE_CHECKING:
    from pathlib import Path


def test_it_tells_speed_time_and_stages_of_each_drill(repo_root: Path) -> None:
    drills = repo_root / "benchmarks" / "drills"
    figures = measure([drills / "wing"], "cpu", rounds=1, batches=3)

    row = figures["drills"]["wing"]
    assert row["frames_a_round"] == 36
    assert row["tracks_a_frame"] > 0.3
    assert 0 < row["looks_a_frame"] < row["tracks_a_frame"]
    assert 200 < row["bytes_sent_a_frame"] < 20_000
    assert set(row["stages_s_per_1000_frames"]) == {name for _, _, name in STAGES}
    ways = {"bare", "bare_ahead", "worker", "located", "networks", "decode", "decoding_worker"}
    assert set(row["frames_per_s"]) == set(row["processor_s_per_1000_frames"]) == ways
    assert row["processor_s_per_1000_frames"]["bare"]["median"] > 0
    assert row["efficiency"]["rounds"] == 1


def test_frames_come_later_in_each_round(repo_root: Path) -> None:
    recorded = record(load_drill(repo_root / "benchmarks" / "drills" / "quiet"), 3)
    rounds = Rounds(recorded)
    times = [
        frame.captured_at_s
        for _ in range(2)
        for batch in rounds.next(recorded.batches)
        for frame in batch
    ]
    assert len(times) == 2 * recorded.frames
    half = len(times) // 2
    assert times[half] - times[half - 1] == pytest.approx(GAP_S)
    assert recorded.decode_s > 0
