"""Incidents: opened through the gate, played, closed by hand, by time, by the end."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from api.audit import AuditFile
from api.errors import AuditError, NotPermittedError, ProblemError, RunError
from api.gate import Activation, Gate
from api.incidents import CAMERAS_EVERY_S, Incidents
from api.locations import NOBODY_YET
from api.targets import load_target
from tests.api.replayed import START_S, Clock, ReplayedRuns, answer, subject, write_site

if TYPE_CHECKING:
    from pathlib import Path

    from api.incidents import Incident
    from api.targets import Target


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return load_target(write_site(tmp_path / "small"))


@pytest.fixture
def runs() -> ReplayedRuns:
    return ReplayedRuns()


@pytest.fixture
def incidents(tmp_path: Path, target: Target, runs: ReplayedRuns, clock: Clock) -> Incidents:
    gate = Gate(AuditFile(tmp_path / "audit.jsonl"), longest_s=600.0)
    return Incidents({target.id: target}, gate=gate, run_factory=runs, clock=clock)


@pytest.fixture
def incident(incidents: Incidents, target: Target) -> Incident:
    return incidents.open(Activation("exercise", target.id, "me", "drill"), target)


def told(incident: Incident, cursor: int = 0) -> list[str]:
    return [event.name for event in incident.events.since(cursor, live=False)]


def actions(tmp_path: Path) -> list[str]:
    lines = (tmp_path / "audit.jsonl").read_text().splitlines()
    return [json.loads(line)["action"] for line in lines]


def test_opening_grants_then_plays(
    incident: Incident, runs: ReplayedRuns, target: Target, tmp_path: Path
) -> None:
    (run,) = runs.made
    assert run.started
    assert run.permit.cameras == set(target.site.cameras)
    assert run.permit.until_s == START_S + 600.0
    assert actions(tmp_path) == ["grant-opened"]
    assert told(incident) == ["incident", "cameras"]
    assert incident.last_seen().text == NOBODY_YET


def test_answers_become_numbered_messages(incident: Incident, runs: ReplayedRuns) -> None:
    for step in range(3):
        at_s = START_S + step
        runs.made[0].say(answer(at_s, subject(at_s=at_s, xy_m=(4.0, 6.0 + step))))
    events = incident.events.since(2, live=False)
    messages = [json.loads(event.data) for event in events]
    assert [event.name for event in events] == ["last-seen"] * 3
    assert [message["sequence"] for message in messages] == [event.id for event in events]
    assert [m["subjects"][0]["position"]["site_m"]["coordinates"][1] for m in messages] == [6, 7, 8]
    assert incident.last_seen().sequence == events[-1].id
    assert all(message["exercise"] is True for message in messages)


def test_a_snapshot_is_in_step_with_the_messages(incident: Incident, runs: ReplayedRuns) -> None:
    runs.made[0].say(answer(START_S, subject(at_s=START_S)))
    (event,) = incident.events.since(None, live=False)
    message = json.loads(event.data)
    assert event.name == "snapshot"
    assert message["sequence"] == event.id == incident.events.last_id
    assert message["last_seen"]["sequence"] == event.id
    assert message["about"]["state"] == "open"
    assert [camera["phase"] for camera in message["cameras"]["cameras"]] == ["live", "live"]


def test_answers_from_many_threads_keep_their_order(incident: Incident, runs: ReplayedRuns) -> None:
    said = answer(START_S, subject(at_s=START_S))

    def publish_twenty() -> None:
        for _ in range(20):
            runs.made[0].publish(said)

    threads = [threading.Thread(target=publish_twenty) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = incident.events.since(2, live=False)
    assert [event.id for event in events] == list(range(3, 83))
    assert [json.loads(event.data)["sequence"] for event in events] == list(range(3, 83))


def test_camera_states_are_told_when_they_change_and_once_a_second(
    incident: Incident, incidents: Incidents, runs: ReplayedRuns, clock: Clock
) -> None:
    (run,) = runs.made
    begin = incident.events.last_id

    incidents.tick(clock() + 0.1)
    assert told(incident, begin) == []  # nothing new, and not due
    run.phase, run.trouble = "stalled", ("camera cam-01: stalled",)
    incidents.tick(clock() + 0.2)
    assert told(incident, begin) == ["cameras"]  # at once
    assert incident.cameras().problems == ("camera cam-01: stalled",)
    incidents.tick(clock() + 0.3)
    assert told(incident, begin) == ["cameras"]
    incidents.tick(clock() + 0.2 + CAMERAS_EVERY_S)
    assert told(incident, begin) == ["cameras", "cameras"]  # due


def test_closing_stops_the_run_ends_the_grant_and_keeps_the_answer(
    incident: Incident, incidents: Incidents, runs: ReplayedRuns, clock: Clock, tmp_path: Path
) -> None:
    (run,) = runs.made
    run.say(answer(START_S, subject(at_s=START_S)))
    clock.now_s += 30
    incidents.close(incident, closed_by="me", reason="over")
    incidents.close(incident, closed_by="me", reason="again")

    assert run.stopped
    assert actions(tmp_path) == ["grant-opened", "grant-closed"]
    assert told(incident)[-2:] == ["cameras", "closed"]
    assert {camera.phase for camera in incident.cameras().cameras} == {"stopped"}
    message = incident.message()
    assert (message.state, message.closed_by, message.closing_reason) == ("closed", "me", "over")
    assert message.closed_at is not None
    assert message.closed_at.timestamp() == START_S + 30
    assert incident.last_seen().subjects[0].id == "S1"


def test_what_comes_after_closing_is_not_heard(
    incident: Incident, incidents: Incidents, runs: ReplayedRuns
) -> None:
    (run,) = runs.made
    incidents.close(incident, closed_by="me", reason="over")
    last = incident.events.last_id
    run.publish(answer(START_S, subject(at_s=START_S)))
    incidents.tick(START_S + 5)
    assert incident.events.last_id == last
    assert incident.last_seen().subjects == ()


def test_a_run_that_ends_closes_its_incident_at_the_next_tick(
    incident: Incident, incidents: Incidents, runs: ReplayedRuns, clock: Clock
) -> None:
    runs.made[0].on_end("the recordings have played to their end")
    assert incident.open  # the run's own thread must not be made to wait for itself
    incidents.tick(clock())
    assert runs.made[0].stopped
    message = incident.message()
    assert (message.state, message.closed_by) == ("closed", "run")
    assert message.closing_reason == "the recordings have played to their end"


def test_a_grant_that_is_over_closes_its_incident(
    incident: Incident, incidents: Incidents, runs: ReplayedRuns, clock: Clock
) -> None:
    for now_s, still_open in ((START_S + 599.9, True), (START_S + 600.0, False)):
        clock.now_s = now_s
        incidents.tick(now_s)
        assert incident.open is still_open
    assert runs.made[0].stopped
    assert incident.message().closed_by == "gate"


def test_one_open_incident_for_a_target(
    incident: Incident, incidents: Incidents, target: Target
) -> None:
    asked = Activation("exercise", target.id, "me", "drill")
    with pytest.raises(ProblemError, match=incident.id) as refused:
        incidents.open(asked, target)
    assert refused.value.status == 409
    incidents.close(incident, closed_by="me", reason="over")
    second = incidents.open(asked, target)
    assert [each.id for each in incidents] == [second.id, incident.id]


def test_a_refused_incident_plays_nothing(
    incidents: Incidents, runs: ReplayedRuns, target: Target
) -> None:
    with pytest.raises(NotPermittedError):
        incidents.open(Activation("real", target.id, "me", "shots"), target)
    assert runs.made == []
    assert list(incidents) == []


def test_without_an_audit_nothing_is_played(
    tmp_path: Path, target: Target, runs: ReplayedRuns, clock: Clock
) -> None:
    (tmp_path / "file").write_text("")
    gate = Gate(AuditFile(tmp_path / "file" / "audit.jsonl"))
    incidents = Incidents({target.id: target}, gate=gate, run_factory=runs, clock=clock)
    with pytest.raises(AuditError):
        incidents.open(Activation("exercise", target.id, "me", "x"), target)
    assert runs.made == []


def test_a_run_that_cannot_start_leaves_no_grant(
    incidents: Incidents, runs: ReplayedRuns, target: Target, tmp_path: Path
) -> None:
    runs.refuse = "no camera has an address"
    asked = Activation("exercise", target.id, "me", "drill")
    with pytest.raises(RunError, match="no camera has an address"):
        incidents.open(asked, target)
    assert actions(tmp_path) == ["grant-opened", "grant-closed"]
    assert runs.made[0].stopped
    assert list(incidents) == []
    runs.refuse = ""
    assert incidents.open(asked, target).open


def test_a_broken_answer_degrades_the_incident_and_the_next_is_heard(
    incident: Incident, incidents: Incidents, runs: ReplayedRuns, clock: Clock
) -> None:
    (run,) = runs.made
    begin = incident.events.last_id
    run.say(answer(START_S, subject(at_s=START_S, probability=2.0)))
    assert incident.events.last_id == begin
    incidents.tick(clock())
    assert any("could not be published" in text for text in incident.cameras().problems)
    run.say(answer(START_S, subject(at_s=START_S)))
    assert incident.last_seen().subjects[0].id == "S1"
    incidents.tick(clock())
    assert incident.cameras().problems == ()


def test_closed_incidents_are_forgotten_after_the_twentieth(
    incidents: Incidents, target: Target
) -> None:
    made = []
    for _ in range(23):
        one = incidents.open(Activation("exercise", target.id, "me", "x"), target)
        made.append(one.id)
        incidents.close(one, closed_by="me", reason="over")
    assert len(list(incidents)) <= 21
    assert incidents.get(made[0]) is None
    assert incidents.get(made[-1]) is not None


def test_an_open_incident_goes_on_in_the_next_process(
    incident: Incident, target: Target, runs: ReplayedRuns, clock: Clock, tmp_path: Path
) -> None:
    runs.made[0].say(answer(START_S, subject(at_s=START_S)))
    said = incident.events.last_id
    clock.now_s += 30.0
    gate = Gate(AuditFile(tmp_path / "audit.jsonl"), longest_s=600.0)
    reborn = Incidents({target.id: target}, gate=gate, run_factory=runs, clock=clock)
    [again] = reborn.resume()
    assert again.id == incident.id
    assert reborn.get(incident.id) is again
    assert again.message().state == "open"
    assert again.message().opened_at == incident.message().opened_at
    assert again.message().until == incident.message().until
    assert again.events.last_id > said  # numbers never go back
    assert runs.made[-1].started
    clock.now_s = again.permit.until_s
    reborn.tick(clock())
    assert again.message().state == "closed"
    assert runs.made[-1].stopped


def test_what_cannot_go_on_is_closed(
    incident: Incident, target: Target, runs: ReplayedRuns, clock: Clock, tmp_path: Path
) -> None:
    def reborn(targets: dict[str, Target]) -> Incidents:
        gate = Gate(AuditFile(tmp_path / "audit.jsonl"))
        return Incidents(targets, gate=gate, run_factory=runs, clock=clock)

    runs.refuse = "no camera has an address"
    assert reborn({target.id: target}).resume() == ()
    runs.refuse = ""
    assert reborn({target.id: target}).resume() == ()
    assert actions(tmp_path)[-1] == "grant-closed"
    others = reborn({})
    others._gate.open(
        Activation("exercise", "gone", "me", "drill"),
        incident="i9", cameras=frozenset({"cam-01"}), now_s=clock(),
    )  # fmt: skip
    assert reborn({}).resume() == ()
    assert actions(tmp_path)[-1] == "grant-closed"


def test_a_drill_is_not_gone_on_with_in_its_middle(
    incident: Incident, target: Target, runs: ReplayedRuns, clock: Clock, tmp_path: Path
) -> None:
    drill = replace(target, kind="drill")
    gate = Gate(AuditFile(tmp_path / "audit.jsonl"))
    reborn = Incidents({drill.id: drill}, gate=gate, run_factory=runs, clock=clock)
    assert reborn.resume() == ()
    assert len(runs.made) == 1
    assert actions(tmp_path)[-1] == "grant-closed"


def test_stopping_the_server_closes_all(
    incident: Incident, incidents: Incidents, runs: ReplayedRuns
) -> None:
    incidents.close_all(closed_by="server", reason="the server was stopped")
    assert runs.made[0].stopped
    assert incident.message().closed_by == "server"
