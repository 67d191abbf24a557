"""Incidents: opened through the gate, played, closed by hand, by time, by the end."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from api.actors import MACHINE, Actor
from api.asking import Asking
from api.errors import AuditError, ForbiddenError, NotPermittedError, ProblemError, RunError
from api.gate import Activation, Gate
from api.incident import CAMERAS_EVERY_S
from api.incidents import Incidents
from api.locations import NOBODY_YET
from api.pending import LAPSES_S, Pending
from api.targets import load_target
from api.viewing import Viewers
from tests.api.agreed import AGREEMENT
from tests.api.replayed import START_S, Clock, ReplayedRuns, answer, evidence, subject, write_site

if TYPE_CHECKING:
    from pathlib import Path

    from api.audit import Audit
    from api.incident import Incident
    from api.record import Record
    from api.targets import Target
    from api.viewing import Viewing

DANA = Actor("dana", "dispatcher", "dispatcher", full_name="Dana")
KIM = Actor("kim", "dispatcher", "dispatcher", full_name="Kim")


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return load_target(write_site(tmp_path / "small"))


@pytest.fixture
def runs() -> ReplayedRuns:
    return ReplayedRuns()


class Kept(list[Any]):
    """What keeps an incident's record, in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def answer(self, text: str, at_s: float) -> None:
        self.append((json.loads(text)["sequence"], at_s))

    def picture(self, *picture: object) -> None:
        self.append(picture)

    def problems(self) -> tuple[str, ...]:
        return ("the disk is slow",)

    def close(self) -> None:
        self.closed = True


def incidents_of(
    audit: Audit, targets: dict[str, Target], runs: ReplayedRuns, clock: Clock, **more: Any
) -> Incidents:
    gate = Gate(audit, longest_s=600.0)
    return Incidents(
        targets, gate=gate, run_factory=runs, clock=clock, **{"monotonic": clock, **more}
    )


def asking_of(incidents: Incidents, clock: Clock, **more: Any) -> Asking:
    return Asking(incidents, incidents._gate, clock, **more)


@pytest.fixture
def audit(record: Record) -> Audit:
    return record.audit


@pytest.fixture
def incidents(audit: Audit, target: Target, runs: ReplayedRuns, clock: Clock) -> Incidents:
    return incidents_of(audit, {target.id: target}, runs, clock)


def exercise(target: Target) -> Activation:
    return Activation("exercise", target.id, "me", "drill")


@pytest.fixture
def incident(incidents: Incidents, target: Target) -> Incident:
    return incidents.open(exercise(target), target, DANA)


@pytest.fixture
def viewing(incident: Incident, incidents: Incidents, audit: Audit) -> Viewing:
    return Viewers(incidents._gate, audit).admit(incident.grant, actor=DANA, now_s=START_S)


def told(incident: Incident, cursor: int = 0) -> list[str]:
    return [event.name for event in incident.events.since(cursor, live=False)]


def actions(audit: Audit) -> list[str]:
    return [entry["action"] for entry in audit.entries() if entry["action"] != "viewer-admitted"]


def test_opening_grants_then_plays(
    incident: Incident, runs: ReplayedRuns, target: Target, viewing: Viewing, audit: Audit
) -> None:
    (run,) = runs.made
    assert run.started
    assert run.permit.cameras == set(target.site.cameras)
    assert incident.grant.until_s == START_S + 600.0
    assert actions(audit) == ["grant-opened"]
    assert told(incident) == ["incident", "cameras"]
    assert incident.last_seen(viewing).text == NOBODY_YET


def test_answers_become_numbered_messages(
    incident: Incident, runs: ReplayedRuns, viewing: Viewing
) -> None:
    for step in range(3):
        at_s = START_S + step
        runs.made[0].say(answer(at_s, subject(at_s=at_s, xy_m=(4.0, 6.0 + step))))
    events = incident.events.since(2, live=False)
    messages = [json.loads(event.data) for event in events]
    assert [event.name for event in events] == ["last-seen"] * 3
    assert [message["sequence"] for message in messages] == [event.id for event in events]
    assert [m["subjects"][0]["position"]["site_m"]["coordinates"][1] for m in messages] == [6, 7, 8]
    assert incident.last_seen(viewing).sequence == events[-1].id
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
    incident: Incident, incidents: Incidents, runs: ReplayedRuns, clock: Clock, viewing: Viewing
) -> None:
    (run,) = runs.made
    begin = incident.events.last_id

    incidents.tick(clock() + 0.1)
    assert told(incident, begin) == []  # nothing new, and not due
    run.phase, run.trouble = "stalled", ("camera cam-01: stalled",)
    incidents.tick(clock() + 0.2)
    assert told(incident, begin) == ["cameras", "timeline"]  # at once
    assert incident.cameras(viewing).problems == ("camera cam-01: stalled",)
    incidents.tick(clock() + 0.3)
    assert told(incident, begin) == ["cameras", "timeline"]
    incidents.tick(clock() + 0.2 + CAMERAS_EVERY_S)
    assert told(incident, begin) == ["cameras", "timeline", "cameras"]  # due


def test_closing_stops_the_run_ends_the_grant_and_keeps_the_answer(
    incident: Incident,
    incidents: Incidents,
    runs: ReplayedRuns,
    clock: Clock,
    viewing: Viewing,
    audit: Audit,
) -> None:
    (run,) = runs.made
    run.say(answer(START_S, subject(at_s=START_S)))
    clock.now_s += 30
    incidents.close(incident, DANA, reason="over")
    incidents.close(incident, DANA, reason="again")

    assert run.stopped
    assert actions(audit) == ["grant-opened", "grant-closed"]
    assert told(incident)[-2:] == ["cameras", "closed"]
    assert {camera.phase for camera in incident.cameras(viewing).cameras} == {"stopped"}
    message = incident.message()
    assert (message.state, message.closed_by, message.closing_reason) == ("closed", "Dana", "over")
    assert message.closed_at is not None
    assert message.closed_at.timestamp() == START_S + 30
    assert incident.last_seen(viewing).subjects[0].id == "S1"


def test_what_comes_after_closing_is_not_heard(
    incident: Incident, incidents: Incidents, runs: ReplayedRuns, viewing: Viewing
) -> None:
    (run,) = runs.made
    incidents.close(incident, DANA, reason="over")
    last = incident.events.last_id
    run.publish(answer(START_S, subject(at_s=START_S)))
    incidents.tick(START_S + 5)
    assert incident.events.last_id == last
    assert incident.last_seen(viewing).subjects == ()


def test_a_run_that_ends_closes_its_incident_at_the_next_tick(
    incident: Incident, incidents: Incidents, runs: ReplayedRuns, clock: Clock
) -> None:
    runs.made[0].on_end("the recordings have played to their end")
    assert incident.open  # the run's own thread must not be made to wait for itself
    incidents.tick(clock())
    assert runs.made[0].stopped
    message = incident.message()
    assert (message.state, message.closed_by) == ("closed", MACHINE.full_name)
    assert message.closing_reason == "the recordings have played to their end"


def test_a_grant_that_is_over_closes_its_incident(
    incident: Incident, incidents: Incidents, runs: ReplayedRuns, clock: Clock
) -> None:
    for now_s, still_open in ((START_S + 599.9, True), (START_S + 600.0, False)):
        clock.now_s = now_s
        incidents.tick(now_s)
        assert incident.open is still_open
    assert runs.made[0].stopped
    assert incident.message().closed_by == MACHINE.full_name


def test_one_open_incident_for_a_target(
    incident: Incident, incidents: Incidents, target: Target
) -> None:
    asked = exercise(target)
    with pytest.raises(ProblemError, match=incident.id) as refused:
        incidents.open(asked, target, DANA)
    assert refused.value.status == 409
    incidents.close(incident, DANA, reason="over")
    second = incidents.open(asked, target, DANA)
    assert [each.id for each in incidents] == [second.id, incident.id]


def test_a_refused_incident_plays_nothing(
    incidents: Incidents, runs: ReplayedRuns, target: Target
) -> None:
    with pytest.raises(NotPermittedError):
        incidents.open(Activation("real", target.id, "me", "shots"), target, DANA)
    assert runs.made == []
    assert list(incidents) == []


def test_without_an_audit_nothing_is_played(
    record: Record, incidents: Incidents, target: Target, runs: ReplayedRuns
) -> None:
    with record.store.writing() as connection:
        connection.exec_driver_sql("DROP TABLE audit")
    with pytest.raises(AuditError):
        incidents.open(exercise(target), target, DANA)
    assert runs.made == []


def test_a_run_that_cannot_start_leaves_no_grant(
    incidents: Incidents, runs: ReplayedRuns, target: Target, audit: Audit
) -> None:
    runs.refuse = "no camera has an address"
    asked = exercise(target)
    with pytest.raises(RunError, match="no camera has an address"):
        incidents.open(asked, target, DANA)
    assert actions(audit) == ["grant-opened", "grant-closed"]
    assert runs.made[0].stopped
    assert list(incidents) == []
    runs.refuse = ""
    assert incidents.open(asked, target, DANA).open


def test_a_broken_answer_degrades_the_incident_and_the_next_is_heard(
    incident: Incident, incidents: Incidents, runs: ReplayedRuns, clock: Clock, viewing: Viewing
) -> None:
    (run,) = runs.made
    begin = incident.events.last_id
    run.say(answer(START_S, subject(at_s=START_S, probability=2.0)))
    assert incident.events.last_id == begin
    incidents.tick(clock())
    assert any("could not be published" in text for text in incident.cameras(viewing).problems)
    run.say(answer(START_S, subject(at_s=START_S)))
    assert incident.last_seen(viewing).subjects[0].id == "S1"
    incidents.tick(clock())
    assert incident.cameras(viewing).problems == ()


def test_closed_incidents_are_forgotten_after_the_twentieth(
    incidents: Incidents, target: Target
) -> None:
    made = []
    for _ in range(23):
        one = incidents.open(exercise(target), target, DANA)
        made.append(one.id)
        incidents.close(one, DANA, reason="over")
    assert len(list(incidents)) <= 21
    assert incidents.get(made[0]) is None
    assert incidents.get(made[-1]) is not None


def test_an_open_incident_goes_on_in_the_next_process(
    incident: Incident, target: Target, runs: ReplayedRuns, clock: Clock, audit: Audit
) -> None:
    runs.made[0].say(answer(START_S, subject(at_s=START_S)))
    said = incident.events.last_id
    clock.now_s += 30.0
    reborn = incidents_of(audit, {target.id: target}, runs, clock)
    [again] = reborn.resume()
    assert again.id == incident.id
    assert reborn.get(incident.id) is again
    assert again.message().state == "open"
    assert again.message().opened_at == incident.message().opened_at
    assert again.message().until == incident.message().until
    assert again.events.last_id > said  # numbers never go back
    assert runs.made[-1].started
    clock.now_s = again.grant.until_s
    reborn.tick(clock())
    assert again.message().state == "closed"
    assert runs.made[-1].stopped


def test_what_cannot_go_on_is_closed(
    incident: Incident, target: Target, runs: ReplayedRuns, clock: Clock, audit: Audit
) -> None:
    def reborn(targets: dict[str, Target]) -> Incidents:
        return incidents_of(audit, targets, runs, clock)

    runs.refuse = "no camera has an address"
    assert reborn({target.id: target}).resume() == ()
    runs.refuse = ""
    assert reborn({target.id: target}).resume() == ()
    assert actions(audit)[-1] == "grant-closed"
    others = reborn({})
    asked = Activation("exercise", "gone", "me", "drill")
    others._gate.open(asked, target.terms, actor=DANA, incident="i9", now_s=clock())
    assert reborn({}).resume() == ()
    assert actions(audit)[-1] == "grant-closed"


def test_a_drill_is_not_gone_on_with_in_its_middle(
    incident: Incident, target: Target, runs: ReplayedRuns, clock: Clock, audit: Audit
) -> None:
    drill = replace(target, kind="drill")
    reborn = incidents_of(audit, {drill.id: drill}, runs, clock)
    assert reborn.resume() == ()
    assert len(runs.made) == 1
    assert actions(audit)[-1] == "grant-closed"


def test_stopping_the_server_closes_drills_and_leaves_open_what_is_live(
    audit: Audit, target: Target, runs: ReplayedRuns, clock: Clock
) -> None:
    drill = replace(target, id="drill", kind="drill")
    incidents = incidents_of(audit, {target.id: target, drill.id: drill}, runs, clock)
    played = incidents.open(exercise(drill), drill, DANA)
    live = incidents.open(exercise(target), target, DANA)
    assert incidents.stop_all(reason="the server was stopped") == (live,)
    assert [run.stopped for run in runs.made] == [True, True]
    assert (played.message().state, live.message().state) == ("closed", "open")
    assert live.events.closed  # its streams end, and come back to the next process
    assert told(live)[-1] == "incident"
    assert actions(audit)[-1] == "grant-closed"

    clock.now_s += 20
    [again] = incidents_of(audit, {target.id: target}, runs, clock).resume()
    assert (again.id, again.grant.until_s) == (live.id, live.grant.until_s)


def test_a_clock_that_is_set_back_makes_no_grant_longer(
    audit: Audit, target: Target, runs: ReplayedRuns, clock: Clock
) -> None:
    steady = Clock(1000.0)
    incidents = incidents_of(audit, {target.id: target}, runs, clock, monotonic=steady)
    incident = incidents.open(exercise(target), target, DANA)
    for passed_s, still_open in ((599.0, True), (600.0, False)):
        steady.now_s = 1000.0 + passed_s
        incidents.tick(START_S - 7200.0)
        assert incident.open is still_open


@pytest.fixture
def bound_target(tmp_path: Path) -> Target:
    return load_target(write_site(tmp_path / "bound", agreement=AGREEMENT))


def emergency(target: Target, channel: Any = "911") -> Activation:
    return Activation("real", target.id, "Dana", "shots", channel, "dispatcher", "active-shooter")


def test_an_exercise_gives_way_to_an_emergency_and_to_nothing_else(
    audit: Audit, bound_target: Target, runs: ReplayedRuns, clock: Clock
) -> None:
    incidents = incidents_of(audit, {bound_target.id: bound_target}, runs, clock)
    drill = Activation("exercise", bound_target.id, "Dana", "drill", role="dispatcher")
    first = incidents.open(drill, bound_target, DANA)
    with pytest.raises(ProblemError):
        incidents.open(drill, bound_target, DANA)
    with pytest.raises(NotPermittedError):  # a refused request ends nothing
        incidents.open(replace(emergency(bound_target), emergency="x"), bound_target, DANA)
    assert first.open
    real = incidents.open(emergency(bound_target), bound_target, DANA)
    assert (first.open, real.open) == (False, True)
    assert first.message().closing_reason == "a real emergency was opened here"
    assert real.message().exercise is False
    with pytest.raises(ProblemError):
        incidents.open(emergency(bound_target), bound_target, DANA)


def test_two_people_open_what_one_may_not(
    audit: Audit, bound_target: Target, runs: ReplayedRuns, clock: Clock
) -> None:
    incidents = incidents_of(audit, {bound_target.id: bound_target}, runs, clock)
    asking = asking_of(incidents, clock)
    asked = emergency(bound_target, "break-glass")
    with pytest.raises(NotPermittedError, match="second person"):
        incidents.open(asked, bound_target, DANA)
    pending = asking.ask(asked, bound_target, DANA)
    assert isinstance(pending, Pending)
    assert asking.waiting() == (pending,)
    with pytest.raises(ProblemError, match="second person"):
        asking.confirm(pending.id, DANA)
    assert runs.made == []
    incident = asking.confirm(pending.id, KIM)
    assert incident.message().confirmed_by == "Kim (kim)"
    assert incident.message().clause is not None
    waits, confirmed = audit.entries(actions=["request-waits", "request-confirmed"])
    assert (waits["actor"], confirmed["actor"], confirmed["asked_by"]) == ("dana", "kim", "dana")
    assert pending.because.startswith("clause 3 (")
    with pytest.raises(ProblemError, match="waits for"):
        asking.confirm(pending.id, KIM)  # once only
    assert len(runs.made) == 1
    incidents.close(incident, DANA, reason="over")
    late = asking.ask(asked, bound_target, DANA)
    assert isinstance(late, Pending)
    clock.now_s += LAPSES_S
    with pytest.raises(ProblemError, match="lapsed"):
        asking.confirm(late.id, KIM)


def test_it_closes_when_all_agencies_have_left(
    audit: Audit, bound_target: Target, runs: ReplayedRuns, clock: Clock
) -> None:
    incidents = incidents_of(audit, {bound_target.id: bound_target}, runs, clock)
    incident = incidents.open(emergency(bound_target), bound_target, DANA)
    for agency in ("Town Police", "Fire"):
        incidents.respond(incident, agency, left=False, actor=DANA)
    incidents.respond(incident, "Town Police", left=True, actor=DANA)
    assert incident.open
    assert [(a.name, a.left_at is None) for a in incident.message().agencies] == [
        ("Fire", True),
        ("Town Police", False),
    ]
    incidents.respond(incident, "Fire", left=True, actor=DANA)
    assert runs.made[0].stopped
    assert incident.message().closing_reason == "all responding agencies have left"


def test_what_is_said_and_shown_is_kept_until_it_closes(
    audit: Audit, bound_target: Target, runs: ReplayedRuns, clock: Clock
) -> None:
    kept = Kept()
    incidents = incidents_of(
        audit, {bound_target.id: bound_target}, runs, clock, keeper_of=lambda _: kept
    )
    incident = incidents.open(emergency(bound_target), bound_target, DANA)
    run = runs.made[0]
    run.pictures = {("cam-01", 4): evidence("cam-01", 4, START_S - 2, 0.6)}
    run.say(answer(START_S, subject(at_s=START_S)))
    picture, said = kept
    assert picture[:4] == ("cam-01", 4, START_S - 2, 0.6)
    assert said == (incident.events.last_id, START_S)
    incidents.tick(clock() + 2)
    viewing = Viewers(incidents._gate, audit).admit(incident.grant, actor=DANA, now_s=clock())
    assert "the disk is slow" in incident.cameras(viewing).problems
    incidents.close(incident, DANA, reason="over")
    assert kept.closed


def test_a_database_that_hangs_keeps_no_camera_open(
    record: Record, incidents: Incidents, target: Target, runs: ReplayedRuns, clock: Clock
) -> None:
    incident = incidents.open(exercise(target), target, DANA)
    with record.store.writing():  # nobody else can write until this ends
        began_s = time.monotonic()
        closing = threading.Thread(
            target=incidents.close, args=(incident, DANA), kwargs={"reason": "over"}
        )
        closing.start()
        while not runs.made[0].stopped:
            assert time.monotonic() - began_s < 1.0, "the run goes on"
            time.sleep(0.005)
        assert not incidents._gate.allows(incident.grant.permit, "cam-01", clock())
        assert closing.is_alive()  # whoever closes is told once it is on record
    closing.join(15)
    assert actions(record.audit) == ["grant-opened", "grant-closed"]


def test_a_closing_that_cannot_be_recorded_is_recorded_later(
    record: Record,
    incidents: Incidents,
    incident: Incident,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(record.audit, "append", _full)
        incidents.close(incident, DANA, reason="over")
        assert not incident.open
        assert "not on record yet" in caplog.text
    incidents.settle()
    incidents.settle()
    assert actions(record.audit) == ["grant-opened", "grant-closed"]


def _full(*_: object, **__: object) -> None:
    raise AuditError("no space left")


def test_a_second_person_is_one_who_could_have_asked(
    audit: Audit, bound_target: Target, runs: ReplayedRuns, clock: Clock
) -> None:
    gone: set[str] = set()
    incidents = incidents_of(audit, {bound_target.id: bound_target}, runs, clock)
    asking = asking_of(incidents, clock, still=lambda actor: actor.name not in gone)
    pending = asking.ask(emergency(bound_target, "break-glass"), bound_target, DANA)
    assert isinstance(pending, Pending)
    for other in (
        Actor("pat", "school-administrator", "principal"),  # clause 3 is the dispatchers'
        Actor("eve", "dispatcher", "nobody-known"),
        Actor("cad", "system", "dispatcher"),
    ):
        with pytest.raises((NotPermittedError, ForbiddenError)):
            asking.confirm(pending.id, other)
    gone.add("dana")
    with pytest.raises(NotPermittedError, match="could not ask any more"):
        asking.confirm(pending.id, KIM)
    gone.clear()
    assert runs.made == []
    assert asking.confirm(pending.id, KIM).open  # it waited on meanwhile


def test_nobodys_request_is_forgotten_for_another_ones(
    audit: Audit, bound_target: Target, runs: ReplayedRuns, clock: Clock
) -> None:
    incidents = incidents_of(audit, {bound_target.id: bound_target}, runs, clock)
    asking = asking_of(incidents, clock)
    asked = emergency(bound_target, "break-glass")
    first = asking.ask(asked, bound_target, DANA)
    mal = Actor("mal", "dispatcher", "dispatcher")
    theirs = [asking.ask(asked, bound_target, mal) for _ in range(20)]
    waiting = asking.waiting()
    assert waiting == (first, *theirs[-3:])
