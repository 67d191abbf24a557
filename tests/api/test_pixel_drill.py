"""A drill with videos, one of them cut off: the run goes on and says what is missing."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import pytest

from api.drill_files import load_drill
from api.drill_play import Progress, exercise_permit, play_at_full_speed, play_realtime
from api.gate import Gate

if TYPE_CHECKING:
    from pathlib import Path

    from api.drill_files import Drill
    from api.record import Record

WATCHED = ("cam-01", "cam-02")
SECONDS = 4.0


@pytest.fixture
def drill(wing_dir: Path, tmp_path: Path) -> Drill:
    """The first seconds of two cameras of the built-in drill; cam-02's video is cut in half."""
    folder = tmp_path / "wing"
    shutil.copytree(wing_dir, folder, ignore=shutil.ignore_patterns("video", "truth*"))
    (folder / "video").mkdir()
    for name in WATCHED:
        data = (wing_dir / "video" / f"{name}.mp4").read_bytes()
        kept = data[: len(data) // 2] if name == "cam-02" else data
        (folder / "video" / f"{name}.mp4").write_bytes(kept)
    feeds = "\n".join(f'[[feeds]]\ncamera = "{n}"\nvideo = "video/{n}.mp4"\n' for n in WATCHED)
    (folder / "drill.toml").write_text(
        'schema = 1\nname = "Half a recording"\nexercise = true\n'
        f"start = 2026-03-02T09:00:00Z\nduration_s = {SECONDS}\n\n{feeds}",
        encoding="utf-8",
    )
    return load_drill(folder)


def test_at_full_speed_the_other_camera_plays_to_its_end(drill: Drill, record: Record) -> None:
    gate = Gate(record.audit)
    with exercise_permit(drill, gate, time.time) as permit:
        played = play_at_full_speed(drill, permit, lambda _: None, device="cpu")
    assert played.frames["cam-01"].used >= SECONDS * 10
    assert played.frames["cam-02"].used < SECONDS * 10
    [problem] = played.problems
    assert "cam-02.mp4" in problem
    assert any(observation.positions.camera == "cam-01" for observation in played.observations)


def test_in_real_time_the_broken_camera_is_stopped_and_named(drill: Drill, record: Record) -> None:
    shown: list[Progress] = []
    with exercise_permit(drill, Gate(record.audit), time.time) as permit:
        played = play_realtime(drill, permit, shown.append, device="cpu")
    counts = played.frames["cam-01"]
    assert counts.received >= SECONDS * 10
    assert counts.received == counts.used + counts.dropped
    assert any("cam-02.mp4" in problem for problem in played.problems)
    assert played.answers
    last = {camera.id: camera.phase for camera in shown[-1].cameras}
    assert last["cam-02"] == "stopped"
