"""What watches the server: whether it lives, whether it can open an incident, its metrics."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from api.access import PROBES
from api.audit_chain import Broken, Head
from api.operations import Operations
from api.readiness import Readiness
from api.record_state import LEAST_FREE_BYTES, RecordWatch
from api.telemetry import Telemetry
from tests.api.replayed import START_S, Clock, Console, answer, build_console, subject

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "a token of those who run the server"  # noqa: S105 - of these tests
HEADER = {"Authorization": f"Bearer {TOKEN}"}
OPEN = {"site": "small", "kind": "exercise", "opened_by": "Dispatcher 7", "reason": "drill"}


@pytest.fixture
def run_by(tmp_path: Path, clock: Clock) -> Iterator[Console]:
    """A server whose operator has set a token."""
    operations = Operations(Telemetry(clock=clock), TOKEN)
    console = build_console(tmp_path, clock, operations=operations)
    yield console
    console.record.store.close()


@pytest.fixture
def anybody(run_by: Console) -> TestClient:
    return TestClient(run_by.app, raise_server_exceptions=False)


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of a scrape by its name and labels; no series comes twice."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, family.name
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, key
            found[key] = sample.value
    return found


def value(text: str, name: str, **labels: str) -> float | None:
    return samples(text).get((name, tuple(sorted(labels.items()))))


def test_anybody_is_told_that_it_lives_and_that_it_is_ready_and_no_more(
    anybody: TestClient, run_by: Console
) -> None:
    bearer = run_by.bearer
    run_by.app.state.services.incidents.tick(START_S)
    TestClient(run_by.app).post("/v1/incidents", json=OPEN, headers=bearer)
    assert anybody.get("/healthz").json() == {"status": "alive"}
    assert anybody.get("/readyz").json() == {"status": "ready", "checks": []}
    assert {path for _, path in PROBES} == {"/healthz", "/readyz"}


def test_probes_are_answered_whoever_asks_how_often_and_with_what(anybody: TestClient) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Cookie": "lastseen_session=x"}):
        assert anybody.get("/healthz", headers=headers).status_code == 200
    for _ in range(150):  # more than a stranger's other requests would be answered
        assert anybody.get("/healthz").status_code == 200
    assert anybody.get("/readyz").status_code == 200


def test_the_token_shows_what_was_looked_at(anybody: TestClient) -> None:
    checks = anybody.get("/readyz", headers=HEADER).json()["checks"]
    assert [check["name"] for check in checks] == ["server", "storage", "audit", "sites"]
    assert all(check["ok"] for check in checks if check["needed"])
    assert [check["name"] for check in checks if not check["needed"]] == ["audit"]


def test_a_record_that_cannot_be_written_is_not_ready_and_strangers_learn_no_path(
    anybody: TestClient, run_by: Console
) -> None:
    with run_by.record.store.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE audit RENAME TO gone")
    told = anybody.get("/readyz")
    assert (told.status_code, told.json()["type"]) == (503, "urn:lastseen:problem:not-ready")
    assert told.json()["detail"] == "the record cannot be written"
    assert "no such table" in anybody.get("/readyz", headers=HEADER).json()["detail"]
    assert value(anybody.get("/metrics", headers=HEADER).text, "lastseen_ready") == 0.0


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer x"}, {"Authorization": TOKEN}])
def test_metrics_are_for_those_who_have_the_token(
    anybody: TestClient, header: dict[str, str]
) -> None:
    told = anybody.get("/metrics", headers=header)
    assert told.status_code == 401
    assert "lastseen_" not in told.text.replace("LASTSEEN_", "")


def test_not_even_accounts_see_metrics_where_no_token_is_set(
    client: TestClient, stranger: TestClient
) -> None:
    assert client.get("/metrics").status_code == 401
    for nothing in ("Bearer ", "Bearer", ""):
        assert stranger.get("/metrics", headers={"Authorization": nothing}).status_code == 401


def test_metrics_tell_of_an_incident(anybody: TestClient, run_by: Console, clock: Clock) -> None:
    with TestClient(run_by.app) as console:
        before = anybody.get("/metrics", headers=HEADER).text
        assert value(before, "lastseen_incidents_open", kind="exercise") == 0.0
        assert value(before, "lastseen_camera_starved", site="small", camera="cam-01") is None
        made = console.post("/v1/incidents", json=OPEN, headers=run_by.bearer)
        assert made.status_code == 201, made.text
        # There from the beginning: what is old is noticed also where no frame ever comes.
        waiting = anybody.get("/metrics", headers=HEADER).text
        captured = "lastseen_answer_newest_capture_timestamp_seconds"
        assert value(waiting, captured, site="small") == 0.0
        run = run_by.runs.made[0]
        run.say(answer(START_S, subject(at_s=START_S)))
        run.say(answer(START_S, subject(at_s=START_S)))
        clock.now_s += 3.0
        text = anybody.get("/metrics", headers=HEADER).text
    assert value(text, "lastseen_incidents_open", kind="exercise") == 1.0
    assert value(text, "lastseen_answers_published_total", site="small") == 2.0
    assert value(text, "lastseen_frames_received_total", site="small", camera="cam-01") == 2.0
    assert value(text, "lastseen_camera_phase", site="small", camera="cam-01", phase="live") == 1.0
    assert value(text, "lastseen_camera_starved", site="small", camera="cam-01") == 0.0
    assert value(text, "lastseen_audit_actions_total", action="grant-opened") == 1.0
    assert value(text, "lastseen_subscribers", site="small") == 0.0
    newest = value(text, "lastseen_answer_newest_capture_timestamp_seconds", site="small")
    assert newest == pytest.approx(START_S - 0.4)


def test_every_metric_is_documented_and_named_as_prometheus_asks(
    anybody: TestClient, run_by: Console
) -> None:
    with TestClient(run_by.app) as console:
        console.post("/v1/incidents", json=OPEN, headers=run_by.bearer)
        text = anybody.get("/metrics", headers=HEADER).text
    reference = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
    written = set(re.findall(r"`(lastseen_\w+)`", reference.read_text()))
    made = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in text_string_to_metric_families(text)
        if family.name.startswith("lastseen_")
    }
    assert len(made) > 25
    assert made == written
    for name in made:
        assert re.fullmatch(r"lastseen_[a-z]+(_[a-z]+)*", name)


def test_metrics_name_no_person_no_subject_no_incident_and_no_address(
    anybody: TestClient, run_by: Console
) -> None:
    with TestClient(run_by.app) as console:
        made = console.post("/v1/incidents", json=OPEN, headers=run_by.bearer).json()
        run_by.runs.made[0].say(answer(START_S, subject(at_s=START_S)))
        text = anybody.get("/metrics", headers=HEADER).text
    for word in (made["incident"], "dana", "Dispatcher", "S1", "West room", "rtsp", "127.0.0.1"):
        assert word not in text
    allowed = {
        "site", "camera", "stage", "le", "kind", "phase", "action", "backend", "version",
        "generation",
    }  # fmt: skip
    assert {label for _, labels in samples(text) for label, _ in labels} <= allowed


def test_frames_go_on_being_counted_over_runs_and_restarts(
    anybody: TestClient, run_by: Console
) -> None:
    def received() -> float | None:
        text = anybody.get("/metrics", headers=HEADER).text
        return value(text, "lastseen_frames_received_total", site="small", camera="cam-01")

    services = run_by.services
    with TestClient(run_by.app) as console:
        for frames, total in ((5, 5.0), (7, 12.0)):
            made = console.post("/v1/incidents", json=OPEN, headers=run_by.bearer).json()
            run_by.runs.made[-1].frames = frames
            assert received() == total
            assert received() == total
            incident = services.incidents.get(made["incident"])
            assert incident is not None
            console.delete(f"/v1/incidents/{incident.id}", headers=run_by.bearer)
            assert received() == total


def test_two_servers_share_no_metrics(tmp_path: Path, clock: Clock) -> None:
    first, second = (build_console(tmp_path / name, clock) for name in ("a", "b"))
    one, other = (each.services.operations.telemetry.metrics for each in (first, second))
    one.answers.labels("small").inc()
    assert b'lastseen_answers_published_total{site="small"} 1.0' in one.text()
    assert b"lastseen_answers_published_total{" not in other.text()
    for console in (first, second):
        console.record.store.close()


# What is ready


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({}, []),
        ({"stopping": lambda: True}, ["server"]),
        ({"preparing": lambda: True}, ["sites"]),
        ({"warm": lambda: ""}, []),
        ({"warm": lambda: "openvino: out of memory"}, ["engine"]),
    ],
)
def test_what_keeps_a_server_from_being_ready(
    console: Console, changed: dict[str, Any], missing: list[str]
) -> None:
    watch = RecordWatch(console.record, monotonic=lambda: 0.0)
    readiness = Readiness(watch, **{"stopping": lambda: False, **changed})
    checks = readiness.checks()
    assert [check.name for check in checks if check.needed and not check.ok] == missing
    assert all(check.told for check in checks if not check.ok)


def test_a_bent_audit_is_told_and_keeps_nothing_closed(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        type(console.record),
        "whole",
        lambda _: Broken(7, "its hash does not fit", Head()),
    )
    watch = RecordWatch(console.record, monotonic=lambda: 0.0)
    readiness = Readiness(watch, stopping=lambda: False)
    until(lambda: watch.bent() is not None)
    (audit,) = [check for check in readiness.checks() if check.name == "audit"]
    assert (audit.ok, audit.needed) == (False, False)
    assert audit.detail == "entry 7: its hash does not fit"


def test_a_full_disk_is_not_ready(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.record_state._free_bytes", lambda _: LEAST_FREE_BYTES - 1)
    state = RecordWatch(console.record, monotonic=lambda: 0.0).state(wait_s=5.0)
    assert state is not None
    assert "free space" in state.trouble


def test_a_database_that_hangs_is_not_ready_and_holds_one_thread(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    hanging, looks = threading.Event(), []

    def hang(_watch: RecordWatch) -> None:
        looks.append(threading.current_thread())
        hanging.wait(10.0)

    monkeypatch.setattr(RecordWatch, "_try_to_write", hang)
    watch = RecordWatch(console.record, monotonic=lambda: 0.0)
    readiness = Readiness(watch, stopping=lambda: False)
    for _ in range(5):
        storage = readiness.checks(wait_s=0.02)[1]
        assert (storage.name, storage.ok) == ("storage", False)
        assert "did not answer" in storage.detail
    assert len(looks) == 1
    hanging.set()
    looks[0].join()
    assert readiness.checks()[1].ok


def until(true: Any) -> None:
    import time

    for _ in range(500):
        if true():
            return
        time.sleep(0.01)
    pytest.fail("waited in vain")
