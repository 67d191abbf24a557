"""That a camera's clock is off is told where all problems are told."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from api.drill_files import load_drill
from api.drill_play import exercise_permit, play_at_full_speed
from api.gate import Gate
from api.incident_run import IncidentRun
from api.run_jobs import drill_jobs
from calibration.clock_offsets import ClockOffset
from calibration.fusion import Fusion
from tests.api.box_drill import make_box_drill

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from api.drill_play import Progress
    from api.record import Record

FOUND = (
    ClockOffset("cam-01", -0.42, 0.04, applied=True, is_sure=True),
    ClockOffset("cam-02", 0.05, 0.04, applied=False, is_sure=False),
)


def test_an_offset_is_among_the_problems(
    tmp_path: Path, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fusion, "clock_offsets", FOUND)
    drill = load_drill(make_box_drill(tmp_path / "walker"))
    name = drill.site.cameras["cam-01"].name
    said = (f"camera {name}: its clock is 0.4 s behind the others; corrected",)
    told: list[tuple[str, ...]] = []

    def look(progress: Progress) -> None:
        told.append(progress.problems)

    with exercise_permit(drill, Gate(record.audit), time.time) as permit:
        played = play_at_full_speed(drill, permit, look)
        run = IncidentRun(permit, drill.site, drill_jobs(drill), lambda _: None, lambda _: None)
        assert run.problems() == said
    assert played.problems == said
    assert told[-1] == said
