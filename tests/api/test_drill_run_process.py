"""A run of a drill in a process of its own: it writes a report, and leaves nothing when stopped."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.drill_files import load_drill
from api.drill_play import exercise_permit
from api.drill_run_process import DrillJob, Played, process_player
from api.gate import Gate
from tests.api.box_drill import make_box_drill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.record import Record
    from api.run_record import Speed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_box_drill(tmp_path_factory.mktemp("drills") / "walker")


@pytest.fixture
def job(folder: Path, record: Record, tmp_path: Path) -> Iterator[DrillJob]:
    out = tmp_path / "out"
    out.mkdir()
    with exercise_permit(load_drill(folder), Gate(record.audit), time.time) as permit:
        yield DrillJob(folder, permit, "max", out)


def of(job: DrillJob, speed: Speed) -> DrillJob:
    return DrillJob(job.folder, job.permit, speed, job.out)


@pytest.mark.parametrize("speed", ["max", "realtime"])
def test_it_plays_tells_and_writes_the_report(job: DrillJob, speed: Speed) -> None:
    told: list[Played] = []
    assert process_player("cpu")(of(job, speed), told.append, lambda: False) == ""
    assert told[-1].writing
    assert told[-1].t_s == 3.0
    assert any(played.text for played in told)
    figures = json.loads((job.out / "report.json").read_text())
    assert (figures["drill"], figures["speed"]) == ("One walker", speed)
    assert sorted(path.name for path in job.out.iterdir()) == [
        "report.html", "report.json", "run.jsonl",
    ]  # fmt: skip
    assert not multiprocessing.active_children()


def below(process: int) -> list[int]:
    """Ids of all processes that come of one."""
    found = []
    for thread in Path(f"/proc/{process}/task").iterdir():
        for child in (thread / "children").read_text().split():
            found += [int(child), *below(int(child))]
    return found


def runs(process: int) -> bool:
    """Whether a process is there and no mere entry that nobody has asked for."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def said_of(process: int) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes()


@pytest.mark.parametrize("speed", ["max", "realtime"])
def test_stopped_it_is_gone_within_a_second(job: DrillJob, speed: Speed) -> None:
    begun: list[Played] = []
    asked_s: list[float] = []
    before = below(os.getpid())
    there: list[int] = []

    def stopped() -> bool:
        if begun and not asked_s:
            there.extend(set(below(os.getpid())) - set(before))
            asked_s.append(time.monotonic())
        return bool(begun)

    why = process_player("cpu")(of(job, speed), begun.append, stopped)
    assert why == "it was stopped"
    assert time.monotonic() - asked_s[0] < 1.0
    assert not multiprocessing.active_children()
    # the one that Python itself keeps for as long as this process lives is no player
    left = [one for one in there if runs(one) and b"resource_tracker" not in said_of(one)]
    assert left == []
    assert list(job.out.iterdir()) == []


def test_what_is_no_drill_says_why(job: DrillJob, tmp_path: Path) -> None:
    broken = DrillJob(tmp_path / "nothing", job.permit, "max", job.out)
    why = process_player("cpu")(broken, lambda _: None, lambda: False)
    assert "drill.toml: not found" in why
