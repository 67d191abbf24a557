"""A run in a real worker process, watched: frames and answers counted, deaths too, and its log."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from api import logs
from api.drill_files import load_drill
from api.gate import Gate
from api.incident_run import IncidentRun
from api.run_jobs import drill_jobs
from api.telemetry import Telemetry
from tests.api.box_drill import make_box_drill
from tests.api.test_incident_run import permit_for, wait_for, worker_pids

if TYPE_CHECKING:
    from pathlib import Path

    from api.record import Record
    from calibration.answer import Answer


def test_what_a_run_tells_is_counted_and_a_killed_worker_too(
    tmp_path: Path, record: Record
) -> None:
    drill = load_drill(make_box_drill(tmp_path / "walker", duration_s=60.0))
    before = worker_pids()
    telemetry = Telemetry()
    watched = telemetry.of("i-1", "walker")
    said: list[Answer] = []

    def publish(answer: Answer) -> None:
        said.append(answer)
        watched.published(len(said), answer)

    run = IncidentRun(
        permit_for(Gate(record.audit), frozenset({"cam-01", "cam-02"})),
        drill.site,
        drill_jobs(drill),
        publish,
        lambda _: None,
        duration_s=60.0,
        watch=watched.take,
    )

    def value(name: str, **labels: str) -> float:
        labels["site"] = "walker"
        return telemetry.metrics.registry.get_sample_value(name, labels) or 0.0

    def aged(camera: str) -> float:
        return value("lastseen_frame_age_seconds_count", camera=camera)

    run.start()
    try:
        wait_for(lambda: aged("cam-01") > 5 and aged("cam-02") > 5)
        for stage in ("decode", "detect", "place", "publish"):
            count = value("lastseen_frame_stage_seconds_count", camera="cam-01", stage=stage)
            assert count >= aged("cam-01")
        assert value("lastseen_answers_published_total") == pytest.approx(len(said), abs=1)
        newest_s = value("lastseen_answer_newest_capture_timestamp_seconds")
        assert 0.0 <= time.time() - newest_s < 10.0
        assert value("lastseen_workers_lost_total") == 0.0
        [victim] = worker_pids() - before
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: value("lastseen_workers_lost_total") == 1.0)
    finally:
        run.stop()
    assert value("lastseen_backend_info", backend="recorded boxes") == 1.0


def test_a_workers_lines_are_of_the_form_of_its_servers(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from api.worker_messages import Engine
    from api.worker_process import WorkerProcess
    from tests.api.a_worker_that_logs import log_and_end

    monkeypatch.setattr(logs, "_current", logs.LogSettings("json", "info"))
    worker = WorkerProcess(Engine(pixels=False), log_and_end)
    worker.start()
    wait_for(lambda: not worker.is_alive())
    worker.stop()
    line = json.loads(capfd.readouterr().err)
    assert (line["worker"], line["level"]) == (worker.name, "info")
    assert line["message"] == "camera at rtsp://10.0.0.7/live"
