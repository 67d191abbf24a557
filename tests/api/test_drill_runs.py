"""Runs of drills on a server: started through the gate, one at a time, kept for a while."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from api.drill_run_files import RunFiles, purge_at_s
from api.report import write_report
from tests.api import scored_drill
from tests.api.agreed import AGREEMENT
from tests.api.drilled import DRILL, HeldPlayer, a_run, build_drills
from tests.api.replayed import Clock, slug_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.api.replayed import Console

RUNS = f"/v1/drills/{DRILL}/runs"
DAY_S = 86_400.0


@pytest.fixture
def player() -> HeldPlayer:
    return HeldPlayer()


@pytest.fixture
def drills(tmp_path: Path, clock: Clock, player: HeldPlayer) -> Iterator[Console]:
    made = build_drills(tmp_path, clock, player)
    yield made
    made.record.store.close()


@pytest.fixture
def analyst(drills: Console, player: HeldPlayer) -> Iterator[TestClient]:
    headers = drills.key_of("ana", "analyst")
    with TestClient(drills.app, headers=headers, raise_server_exceptions=False) as client:
        yield client
        player.go.set()


def wait_for(done: Callable[[], object]) -> None:
    """Wait at most five seconds for something to become true."""
    ends_s = time.monotonic() + 5
    while not done():
        assert time.monotonic() < ends_s, "it did not happen"
        time.sleep(0.02)


def over(console: Console) -> None:
    wait_for(lambda: console.services.drill_runs.playing() is None)


def played(console: Console, client: TestClient, player: HeldPlayer) -> str:
    """The id of a run that is over and kept."""
    player.go.clear()
    started = client.post(RUNS, json={"speed": "max"})
    assert started.status_code == 202, started.text
    player.go.set()
    over(console)
    run: str = started.json()["run"]
    return run


def test_a_drill_is_listed_with_what_it_is(analyst: TestClient) -> None:
    told = analyst.get("/v1/drills").json()
    assert told["playing"] is None
    [drill] = told["drills"]
    assert drill["id"] == DRILL
    assert (drill["duration_s"], drill["cameras"], drill["truth"]) == (10.0, 1, True)
    assert (drill["runs"], drill["last"], drill["failed"]) == (0, None, None)


def test_a_run_is_an_exercise_in_the_audit_and_its_figures_are_kept(
    drills: Console, analyst: TestClient, player: HeldPlayer
) -> None:
    started = analyst.post(RUNS, json={"speed": "realtime"}).json()
    assert started["state"] == "playing"
    wait_for(lambda: analyst.get("/v1/drills").json()["playing"]["t_s"] == 4.0)
    playing = analyst.get("/v1/drills").json()["playing"]
    assert playing["text"] == "In view now in Room A."
    assert playing["problems"] == ["camera cam: stalled"]
    [job] = player.jobs
    assert job.permit.incident == started["run"]
    assert (job.permit.cameras, job.speed) == (frozenset({"cam"}), "realtime")
    [opened] = drills.audited("grant-opened")
    assert opened["incident"] == started["run"]
    assert opened["actor"] == "ana"

    player.go.set()
    over(drills)
    assert drills.audited("grant-closed")[0]["incident"] == started["run"]
    [run] = analyst.get(RUNS).json()["runs"]
    assert (run["run"], run["by"], run["version"]) == (started["run"], "Ana", "0")
    assert run["figures"]["room_correct"] == 1.0
    assert run["figures"]["position_error_median_m"] == pytest.approx(0.1)
    assert analyst.get("/v1/drills").json()["drills"][0]["last"]["run"] == started["run"]


def test_the_report_is_served_in_a_sandbox_with_its_own_hashes_and_told_in_the_audit(
    drills: Console, analyst: TestClient, player: HeldPlayer
) -> None:
    run = played(drills, analyst, player)
    response = analyst.get(f"{RUNS}/{run}/report")
    assert response.status_code == 200
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts allow-modals; default-src 'none'")
    for kind in ("style", "script"):
        [text] = re.findall(rf"<{kind}>(.*?)</{kind}>", response.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}';" in policy
    assert "unsafe" not in policy
    assert "Content-Disposition" not in response.headers
    saved = analyst.get(f"{RUNS}/{run}/report", params={"download": True})
    assert saved.headers["Content-Disposition"] == f'attachment; filename="{DRILL}-{run}.html"'
    figures = analyst.get(f"{RUNS}/{run}/figures")
    assert figures.json()["drill"] == "two rooms"
    shown = [entry["what"] for entry in drills.audited("drill-run-shown")]
    assert shown == ["report", "report", "figures"]


def test_two_runs_are_compared(drills: Console, analyst: TestClient, player: HeldPlayer) -> None:
    a = played(drills, analyst, player)
    player.record = a_run(0.4)
    b = played(drills, analyst, player)
    params = {"a": a, "b": b}
    page = analyst.get(f"/v1/drills/{DRILL}/comparison", params=params)
    assert page.status_code == 200, page.text
    assert page.headers["Content-Security-Policy"].startswith("sandbox")
    assert f"A: {a}, Ana" in page.text
    told = analyst.get(f"/v1/drills/{DRILL}/comparison", params={**params, "form": "json"}).json()
    error = next(row for row in told["figures"] if row["key"] == "position_error_m.median")
    assert error["difference"] == pytest.approx(0.3)
    facts = [entry["run"] for entry in drills.audited("drill-run-shown")]
    assert facts == [a, b, a, b]
    unknown = analyst.get(f"/v1/drills/{DRILL}/comparison", params={"a": a, "b": "none"})
    assert (unknown.status_code, slug_of(unknown)) == (404, "drill-run-not-found")


def test_runs_of_a_drill_that_was_changed_are_not_compared(
    drills: Console, analyst: TestClient, player: HeldPlayer
) -> None:
    a = played(drills, analyst, player)
    b = played(drills, analyst, player)
    report = drills.state / "drill-runs" / DRILL / b / "report.json"
    report.write_text(report.read_text().replace('"two rooms"', '"three rooms"'))
    response = analyst.get(f"/v1/drills/{DRILL}/comparison", params={"a": a, "b": b})
    assert (response.status_code, slug_of(response)) == (409, "runs-not-comparable")
    assert str(drills.state) not in response.text


def test_one_plays_at_a_time(analyst: TestClient) -> None:
    assert analyst.post(RUNS, json={}).status_code == 202
    response = analyst.post(RUNS, json={})
    assert (response.status_code, slug_of(response)) == (409, "drill-run-going-on")


def test_a_run_is_cancelled_and_leaves_nothing(
    drills: Console, analyst: TestClient, player: HeldPlayer
) -> None:
    run = analyst.post(RUNS, json={}).json()["run"]
    assert analyst.delete(f"{RUNS}/{run}").status_code == 204
    over(drills)
    assert player.stops == 1
    assert drills.services.gate.grant_of(run) is None
    [drill] = analyst.get("/v1/drills").json()["drills"]
    assert drill["failed"]["why"] == "cancelled by Ana"
    assert drill["runs"] == 0
    assert list((drills.state / "drill-runs" / DRILL).iterdir()) == []
    # and the next one plays
    assert played(drills, analyst, player)
    assert analyst.get("/v1/drills").json()["drills"][0]["failed"] is None


def test_a_run_that_fails_says_why(
    drills: Console, analyst: TestClient, player: HeldPlayer
) -> None:
    player.why = "camera cam: the recording is damaged"
    player.go.set()
    analyst.post(RUNS, json={})
    over(drills)
    [drill] = analyst.get("/v1/drills").json()["drills"]
    assert drill["failed"]["state"] == "failed"
    assert drill["failed"]["why"] == player.why
    assert list((drills.state / "drill-runs" / DRILL).iterdir()) == []


def test_a_run_ends_with_its_grant(drills: Console, clock: Clock, player: HeldPlayer) -> None:
    client = TestClient(drills.app, headers=drills.key_of("ana", "analyst"))
    client.post(RUNS, json={})
    clock.now_s += 3601.0
    over(drills)
    failed = drills.services.drill_runs.failed(DRILL)
    assert failed is not None
    assert failed.failed == "its grant's time was over before its end"


def test_a_run_gives_way_to_an_emergency(
    drills: Console, analyst: TestClient, player: HeldPlayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = analyst.post(RUNS, json={}).json()["run"]
    monkeypatch.setattr(drills.services.drill_runs, "_emergency", lambda: True)
    over(drills)
    failed = drills.services.drill_runs.failed(DRILL)
    assert failed is not None
    assert (failed.run, failed.failed) == (run, "a real emergency was opened")
    response = analyst.post(RUNS, json={})
    assert (response.status_code, slug_of(response)) == (409, "emergency-first")


def test_a_server_that_stops_ends_the_run(tmp_path: Path, clock: Clock, player: HeldPlayer) -> None:
    console = build_drills(tmp_path, clock, player)
    with TestClient(console.app, headers=console.key_of("ana", "analyst")) as client:
        client.post(RUNS, json={})
    assert console.services.drill_runs.playing() is None
    assert player.stops == 1
    console.record.store.close()


@pytest.mark.parametrize("role", ["tactical", "auditor", "installer", "system"])
def test_who_may_not_ask_for_exercises_sees_no_drills(drills: Console, role: str) -> None:
    client = TestClient(drills.app, headers=drills.key_of("sam", role))  # type: ignore[arg-type]
    for response in (client.get("/v1/drills"), client.get(RUNS), client.post(RUNS, json={})):
        assert response.status_code == 403


def test_drills_of_other_sites_are_not_there(drills: Console) -> None:
    client = TestClient(drills.app, headers=drills.key_of("eve", "analyst", sites=("elsewhere",)))
    assert client.get("/v1/drills").json()["drills"] == []
    response = client.get(RUNS)
    assert (response.status_code, slug_of(response)) == (404, "drill-not-found")


def test_strangers_see_nothing(drills: Console) -> None:
    client = TestClient(drills.app)
    for path in ("/v1/drills", RUNS, f"{RUNS}/x/report", "/drills"):
        assert client.get(path).status_code == 401


def test_the_agreement_decides_who_runs_and_who_sees(
    tmp_path: Path, clock: Clock, player: HeldPlayer
) -> None:
    console = build_drills(tmp_path, clock, player, agreement=AGREEMENT)
    player.go.set()
    dana = TestClient(console.app, headers=console.bearer)
    run = dana.post(RUNS, json={}).json()["run"]
    over(console)
    analyst = TestClient(console.app, headers=console.key_of("ana", "analyst"))
    for response in (analyst.post(RUNS, json={}), analyst.get(f"{RUNS}/{run}/report")):
        assert (response.status_code, slug_of(response)) == (403, "not-permitted")
    assert analyst.get("/v1/drills").json()["drills"] == []
    # the agreement keeps for 30 days, less than this server's 90
    [kept] = console.services.drill_runs.files.runs(DRILL)
    assert console.services.drill_runs.days(console.target) == 30
    console.services.drill_runs.purge_due({DRILL: console.target}, kept.ended_s + 29 * DAY_S)
    assert console.services.drill_runs.files.runs(DRILL)
    console.services.drill_runs.purge_due({DRILL: console.target}, kept.ended_s + 30 * DAY_S)
    assert not console.services.drill_runs.files.runs(DRILL)
    assert console.audited("drill-run-purged")[0]["run"] == run
    console.record.store.close()


def test_runs_are_not_for_those_whom_the_agreement_does_not_tell_the_cameras(
    tmp_path: Path, clock: Clock, player: HeldPlayer
) -> None:
    kept_from_dana = AGREEMENT.replace(
        'told_to = ["dispatcher", "principal"]', 'told_to = ["principal"]'
    )
    assert kept_from_dana != AGREEMENT
    console = build_drills(tmp_path, clock, player, agreement=kept_from_dana)
    write_report(
        a_run(), scored_drill.site(), scored_drill.truth(),
        console.state / "drill-runs" / DRILL / "before",
    )  # fmt: skip
    dana = TestClient(console.app, headers=console.bearer)
    assert dana.get("/v1/sites").json()["sites"][0]["cameras"] is None
    assert dana.get("/v1/drills").json()["drills"] == []
    for path in (RUNS, f"{RUNS}/before/report", f"{RUNS}/before/figures"):
        response = dana.get(path)
        assert (response.status_code, slug_of(response)) == (403, "not-permitted")
        assert "which cameras there are" in response.json()["detail"]
    console.record.store.close()


def test_a_run_is_deleted_after_that_is_in_the_audit(
    drills: Console, analyst: TestClient, player: HeldPlayer
) -> None:
    run = played(drills, analyst, player)
    assert analyst.delete(f"{RUNS}/{run}").status_code == 204
    [told] = drills.audited("drill-run-deleted")
    assert (told["run"], told["target"], told["actor"]) == (run, DRILL, "ana")
    response = analyst.get(f"{RUNS}/{run}/report")
    assert (response.status_code, slug_of(response)) == (404, "drill-run-not-found")
    assert list((drills.state / "drill-runs" / DRILL).iterdir()) == []


@pytest.mark.parametrize("run", ["..", ".hidden", "a%2Fb", "%2e%2e", "x" * 80])
def test_names_of_runs_lead_nowhere_else(analyst: TestClient, run: str) -> None:
    assert analyst.get(f"{RUNS}/{run}/report").status_code in {404, 405}


def test_a_report_of_the_command_line_is_a_run_too(drills: Console, analyst: TestClient) -> None:
    folder = drills.state / "drill-runs" / DRILL / "before-the-update"
    write_report(a_run(), scored_drill.site(), scored_drill.truth(), folder)
    [run] = analyst.get(RUNS).json()["runs"]
    assert (run["run"], run["by"], run["speed"]) == ("before-the-update", "", "realtime")
    assert analyst.get(f"{RUNS}/before-the-update/report").status_code == 200


def test_what_is_no_run_is_left_out(tmp_path: Path) -> None:
    files = RunFiles(tmp_path)
    (tmp_path / DRILL / "empty").mkdir(parents=True)
    (tmp_path / DRILL / "broken").mkdir()
    (tmp_path / DRILL / "broken" / "report.json").write_text("{")
    (tmp_path / DRILL / ".unfinished").mkdir()
    (tmp_path / DRILL / "file").write_text("")
    assert files.runs(DRILL) == ()
    files.drop_unfinished()
    assert not (tmp_path / DRILL / ".unfinished").exists()
    assert (tmp_path / DRILL / "broken").exists()


def test_nobody_else_of_the_machine_may_read_them(
    drills: Console, analyst: TestClient, player: HeldPlayer
) -> None:
    run = played(drills, analyst, player)
    folder = drills.state / "drill-runs"
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / DRILL / run).stat().st_mode & 0o077 == 0


def test_a_run_is_kept_from_its_end_on(tmp_path: Path) -> None:
    write_report(a_run(), scored_drill.site(), None, tmp_path / DRILL / "a")
    kept = RunFiles(tmp_path).run(DRILL, "a")
    assert kept is not None
    assert purge_at_s(kept, 2.0) == kept.ended_s + 2 * DAY_S
