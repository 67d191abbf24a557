"""A recorded run gives the same answers in another process; what was changed is found and named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.drill_files import load_drill
from api.drill_play import exercise_permit, play_at_full_speed, play_realtime
from api.gate import Gate
from api.record import opened_record
from api.replay import computed_otherwise, replay
from api.run_record import RUN_FILE, load_run, save_run
from calibration.locator import Locator
from tests.api.box_drill import make_box_drill

if TYPE_CHECKING:
    from api.run_record import RunRecord


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_box_drill(tmp_path_factory.mktemp("drills") / "walker")


@pytest.fixture(scope="module")
def played(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    """The drill, played live through a worker process."""
    drill = load_drill(folder)
    state = tmp_path_factory.mktemp("state")
    with (
        opened_record(state, own=True) as record,
        exercise_permit(drill, Gate(record.audit), time.time) as permit,
    ):
        return play_realtime(drill, permit, lambda _: None)


def replayed(run: Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`lastseen drill replay` in a process of its own."""
    return subprocess.run(
        [Path(sys.executable).with_name("lastseen"), "drill", "replay", run, folder],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"},
        {"PYTHONHASHSEED": "4242", "OPENBLAS_NUM_THREADS": "2", "TZ": "Asia/Tokyo"},
    ],
    ids=["hash seed 0, one thread", "hash seed 4242, two threads"],
)
def test_a_live_run_replays_equal_in_another_process(
    played: RunRecord, folder: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    save_run(played, tmp_path / RUN_FILE)
    told = replayed(tmp_path, folder, **environment)
    assert told.returncode == 0, told.stderr
    frames, answers = len(played.observations), len(played.answers)
    assert told.stdout == f"{answers} answers, all equal ({frames} frames, 0 inputs)\n"
    assert answers > 20
    assert played.answers[-1].subjects


def test_a_run_at_full_speed_replays_equal(folder: Path, tmp_path: Path) -> None:
    drill = load_drill(folder)
    with (
        opened_record(tmp_path / "state", own=True) as record,
        exercise_permit(drill, Gate(record.audit), time.time) as permit,
    ):
        run = play_at_full_speed(drill, permit, lambda _: None)
    told = replay(lambda: Locator.for_site(drill.site), run.replayable())
    assert (told.answers, told.difference) == (len(run.answers), None)


def test_what_was_saved_is_what_was_played(played: RunRecord, tmp_path: Path) -> None:
    save_run(played, tmp_path / "run.jsonl")
    save_run(load_run(tmp_path / "run.jsonl"), tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "run.jsonl").read_bytes()


def changed(lines: list[str], kind: str, which: int, change: str) -> list[str]:
    """The lines of a run with one place in the which-th line of a kind changed."""
    numbers = [i for i, line in enumerate(lines) if json.loads(line)["kind"] == kind]
    values = json.loads(lines[numbers[which]])
    place = values
    *path, last = [int(key) if key.isdigit() else key for key in change.split(".")]
    for key in path:
        place = place[key]
    place[last] = place[last] * (1 + 1e-12) if isinstance(place[last], float) else "ffff"
    return [*lines[: numbers[which]], json.dumps(values), *lines[numbers[which] + 1 :]]


@pytest.mark.parametrize(
    ("kind", "change", "field"),
    [
        ("observation", "positions.xy_m.values.0", "subjects[0]."),
        ("answer", "answer.subjects.0.xy_m.0", "subjects[0].xy_m[0]"),
        ("answer", "answer.text", "text"),
        ("answer", "answer.at_s", "subjects[0]."),
        ("answer", "digest", "a part that the record has only the digest of"),
    ],
)
def test_a_changed_place_is_found_and_both_values_told(
    played: RunRecord, folder: Path, tmp_path: Path, kind: str, change: str, field: str
) -> None:
    path = tmp_path / "run.jsonl"
    save_run(played, path)
    lines = path.read_text().splitlines()
    which = len([line for line in lines if json.loads(line)["kind"] == kind]) // 2
    path.write_text("\n".join(changed(lines, kind, which, change)) + "\n")
    site = load_drill(folder).site
    told = replay(lambda: Locator.for_site(site), load_run(path).replayable())
    assert told.difference is not None
    assert told.difference.field.startswith(field)


def test_a_difference_ends_the_command_with_both_values(
    played: RunRecord, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "run.jsonl"
    save_run(played, path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(changed(lines, "observation", 9, "positions.xy_m.values.0")) + "\n")
    told = replayed(path, folder)
    assert told.returncode == 1
    assert told.stdout.startswith("answer ")
    assert ": published " in told.stdout
    assert ", replayed " in told.stdout


def test_another_library_is_told() -> None:
    then = {"numpy": "2.4.0", "scipy": "1.17.0", "cores": "2", "shapely": "2.2"}
    now = {"numpy": "2.4.1", "scipy": "1.17.0", "cores": "4"}
    assert computed_otherwise(then, now) == (
        "recorded with numpy 2.4.0; this is 2.4.1",
        "recorded with shapely 2.2; this is without it",
    )
