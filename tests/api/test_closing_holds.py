"""What is over is over: by either clock, beside what hangs, after what fails, over a restart."""

from __future__ import annotations

import contextlib
import threading
import time
import tomllib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from api.actors import Actor
from api.agreements import Agreement
from api.errors import AuditError, ProblemError
from api.gate import Activation, Gate
from api.incidents import Incidents
from api.targets import load_target
from tests.api.agreed import AGREEMENT
from tests.api.replayed import (
    START_S,
    Clock,
    Console,
    ReplayedRun,
    ReplayedRuns,
    build_console,
    write_site,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from api.audit import Audit
    from api.incident import Incident
    from api.record import Record
    from api.targets import Target

DANA = Actor("dana", "dispatcher", "dispatcher", full_name="Dana")
WAIT_S = 5.0
"""A test that waits longer has failed."""


class Trouble:
    """What happens in `start` or `stop` of a run, in place of nothing."""

    def __init__(self, *errors: Exception, until: threading.Event | None = None) -> None:
        self._errors = list(errors)
        self._until = until
        self.reached = threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        if self._errors:
            raise self._errors.pop(0)
        if self._until is not None:
            self._until.wait(WAIT_S)


@dataclass
class TroubledRun(ReplayedRun):
    """A run that meets trouble."""

    starting: Callable[[], None] = lambda: None
    stopping: Callable[[], None] = lambda: None

    def start(self) -> None:
        self.starting()
        super().start()

    def stop(self) -> None:
        self.stopping()
        super().stop()


@dataclass
class TroubledRuns(ReplayedRuns):
    """Makes runs that meet trouble, by the id of their target; `made` is in `of`, too."""

    making: dict[str, Callable[[], None]] = field(default_factory=dict)
    starting: dict[str, Callable[[], None]] = field(default_factory=dict)
    stopping: dict[str, Callable[[], None]] = field(default_factory=dict)
    of: dict[str, ReplayedRun] = field(default_factory=dict)

    def __call__(
        self, permit: Any, target: Target, publish: Any, on_end: Any, journal: Any = None
    ) -> ReplayedRun:
        self.making.get(target.id, lambda: None)()
        made = super().__call__(permit, target, publish, on_end, journal)
        run = TroubledRun(
            made.permit,
            made.publish,
            made.on_end,
            starting=self.starting.get(target.id, lambda: None),
            stopping=self.stopping.get(target.id, lambda: None),
        )
        self.made[-1] = self.of[target.id] = run
        return run


@pytest.fixture
def audit(record: Record) -> Audit:
    return record.audit


@pytest.fixture
def runs() -> TroubledRuns:
    return TroubledRuns()


@pytest.fixture
def site(tmp_path: Path) -> Target:
    return load_target(write_site(tmp_path / "small", agreement=AGREEMENT))


@pytest.fixture
def targets(site: Target) -> dict[str, Target]:
    return {name: replace(site, id=name) for name in ("a", "b")}


@pytest.fixture
def steady() -> Clock:
    """The clock that nobody can set."""
    return Clock(1000.0)


@pytest.fixture
def make(
    audit: Audit, targets: dict[str, Target], runs: TroubledRuns, clock: Clock, steady: Clock
) -> Callable[..., Incidents]:
    """Makes incidents as a process that starts does; the same audit, another gate."""

    def made(**more: Any) -> Incidents:
        return Incidents(
            targets, gate=Gate(audit), run_factory=runs, clock=clock, monotonic=steady, **more
        )

    return made


@pytest.fixture
def incidents(make: Callable[..., Incidents]) -> Incidents:
    return make()


def opened(incidents: Incidents, on: str = "a", **changed: Any) -> Incident:
    """An emergency on a target: ten minutes, which a dispatcher may extend by five."""
    asked = Activation("real", on, "Dana", "shots", "911", "dispatcher", "active-shooter")
    return incidents.open(replace(asked, **changed), incidents.targets[on], DANA)


def actions(audit: Audit) -> list[str]:
    return [entry["action"] for entry in audit.entries()]


def closed_in(audit: Audit) -> set[str]:
    return {entry["incident"] for entry in audit.entries(actions=["grant-closed"])}


def done(act: Callable[..., Any], *arguments: Any, **named: Any) -> bool:
    """Do something beside the test; whether it was done in time."""
    thread = threading.Thread(target=act, args=arguments, kwargs=named, daemon=True)
    thread.start()
    thread.join(WAIT_S)
    return not thread.is_alive()


def comes(true: Callable[[], bool], within_s: float = WAIT_S) -> bool:
    """Whether something comes true within a time."""
    until_s = time.monotonic() + within_s
    while not (came := true()) and time.monotonic() < until_s:
        time.sleep(0.01)
    return came


# By the clocks


@pytest.mark.parametrize("which", ["wall", "steady"])
def test_a_grant_ends_by_either_clock_though_the_other_stands_still(
    incidents: Incidents, clock: Clock, steady: Clock, which: str
) -> None:
    incident = opened(incidents)
    moved = clock if which == "wall" else steady
    began_s = moved.now_s
    for passed_s, still_open in ((599.9, True), (600.0, False)):
        moved.now_s = began_s + passed_s
        assert (incidents.open_on("a") is incident) is still_open
        incidents.tick(clock())
        assert incident.open is still_open


def test_an_extension_counts_by_the_clock_that_nobody_can_set(
    incidents: Incidents, clock: Clock, steady: Clock
) -> None:
    incident = opened(incidents)
    incidents.extend(incident, DANA)
    for passed_s, still_open in ((601.0, True), (899.9, True), (900.0, False)):
        steady.now_s = 1000.0 + passed_s
        incidents.tick(clock())
        assert incident.open is still_open, passed_s


@pytest.mark.parametrize(
    ("clock_s", "left_s"),
    [
        (-7200.0, 600.0),  # set back over the restart: no longer than it was granted for
        (0.0, 600.0),
        (500.0, 100.0),
    ],
)
def test_a_restart_makes_no_grant_longer(
    incidents: Incidents,
    make: Callable[..., Incidents],
    clock: Clock,
    steady: Clock,
    clock_s: float,
    left_s: float,
) -> None:
    opened(incidents)
    clock.now_s, steady.now_s = START_S + clock_s, 20.0  # a machine that was started anew
    reborn = make()
    (again,) = reborn.resume()
    for passed_s, still_open in ((left_s - 0.1, True), (left_s, False)):
        steady.now_s = 20.0 + passed_s
        reborn.tick(clock())
        assert again.open is still_open, passed_s


# Beside what hangs or fails


@pytest.mark.parametrize("hangs", ["a", "b"])
def test_a_run_that_does_not_stop_keeps_no_other_open(
    incidents: Incidents, runs: TroubledRuns, audit: Audit, clock: Clock, hangs: str
) -> None:
    (other,) = {"a", "b"} - {hangs}
    release = threading.Event()
    runs.stopping[hangs] = Trouble(until=release)
    both = {name: opened(incidents, name) for name in ("a", "b")}
    clock.now_s += 600.0
    try:
        began_s = time.monotonic()
        assert done(incidents.tick, clock())
        assert time.monotonic() - began_s < 2.0  # ten seconds are for the end of the server
        assert comes(lambda: not both[other].open)
        assert both[hangs].open
        assert runs.of[other].stopped
        assert comes(lambda: closed_in(audit) == {both["a"].id, both["b"].id})
    finally:
        release.set()
    assert comes(lambda: not both[hangs].open)


def test_a_run_that_fails_to_stop_is_stopped_by_the_next_tick(
    incidents: Incidents, runs: TroubledRuns, clock: Clock
) -> None:
    runs.stopping["a"] = Trouble(OSError("no"), RuntimeError("no again"))
    incident, other = opened(incidents, "a"), opened(incidents, "b")
    clock.now_s += 600.0
    for still_open in (True, True, False):
        incidents.tick(clock())
        assert incident.open is still_open
        assert comes(lambda: not other.open)
    assert runs.of["a"].stopped


def test_whoever_closes_hears_that_a_run_does_not_stop(
    incidents: Incidents, runs: TroubledRuns, audit: Audit, clock: Clock
) -> None:
    runs.stopping["a"] = Trouble(OSError("the worker does not answer"))
    incident = opened(incidents)
    with pytest.raises(OSError, match="does not answer"):
        incidents.close(incident, DANA, reason="over")
    assert incident.open  # it is not said to be closed while it plays
    assert incidents.open_on("a") is None  # but nothing may be watched any more
    assert not incidents._gate.allows(incident.grant.permit, "cam-01", clock())
    assert comes(lambda: closed_in(audit) == {incident.id})
    incidents.tick(clock())  # nobody has to ask again
    assert incident.message().state == "closed"
    assert runs.of["a"].stopped


def no_more_threads(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_a_machine_that_can_start_no_more_threads_closes_all_the_same(
    incidents: Incidents,
    runs: TroubledRuns,
    audit: Audit,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_hand, by_time = opened(incidents, "a"), opened(incidents, "b")
    with monkeypatch.context() as broken:
        broken.setattr(threading.Thread, "start", no_more_threads)
        incidents.close(by_hand, DANA, reason="over")
        assert (by_hand.open, runs.of["a"].stopped) == (False, True)
        assert closed_in(audit) == {by_hand.id}
        clock.now_s += 600.0
        incidents.tick(clock())
        assert (by_time.open, runs.of["b"].stopped) == (False, True)
        assert closed_in(audit) == {by_hand.id, by_time.id}


def test_a_machine_that_can_start_no_more_threads_stops_all_the_same(
    incidents: Incidents, runs: TroubledRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(incidents)
    with monkeypatch.context() as broken:
        broken.setattr(threading.Thread, "start", no_more_threads)
        incidents.stop_all(reason="the server was stopped")
    assert runs.of["a"].stopped


@pytest.mark.parametrize("closes", [True, False])
def test_it_closes_when_all_have_left_only_where_the_agreement_says_so(
    incidents: Incidents, targets: dict[str, Target], closes: bool
) -> None:
    said = tomllib.loads(AGREEMENT)
    said["grant"]["close_when_all_left"] = closes
    terms = replace(targets["a"].terms, agreement=Agreement.model_validate(said))
    targets["a"] = replace(targets["a"], terms=terms)
    incident = opened(incidents)
    for left in (False, True):
        incidents.respond(incident, "Fire", left=left, actor=DANA)
    assert incident.open is not closes


# What cannot be begun


@pytest.mark.parametrize("fails", ["making", "starting", "keeper", "agencies"])
def test_what_fails_at_its_beginning_leaves_no_grant_and_no_incident(
    make: Callable[..., Incidents], runs: TroubledRuns, audit: Audit, clock: Clock, fails: str
) -> None:
    trouble = Trouble(OSError("no such device"))

    def meets(_: object) -> Any:
        trouble()

    def agencies(_: str) -> dict[str, float | None]:
        trouble()
        return {}

    more: dict[str, Any] = {}
    match fails:
        case "making":
            runs.making["a"] = trouble
        case "starting":
            runs.starting["a"] = trouble
        case "keeper":
            more["keeper_of"] = meets
        case "agencies":
            more["agencies_of"] = agencies
    incidents = make(**more)
    with pytest.raises(OSError, match="no such device"):
        opened(incidents)
    assert list(incidents) == []
    assert [run.stopped for run in runs.made] == [True] * len(runs.made)
    assert actions(audit) == ["grant-opened", "grant-closed"]
    (failed,) = closed_in(audit)
    assert incidents._gate.grant_of(failed) is None
    incidents.tick(clock())
    assert opened(incidents).open  # and is in nobody's way


@pytest.mark.parametrize("fails", ["making", "starting"])
def test_what_cannot_go_on_after_a_restart_keeps_no_other_from_it(
    incidents: Incidents,
    make: Callable[..., Incidents],
    runs: TroubledRuns,
    audit: Audit,
    fails: str,
) -> None:
    failing, other = opened(incidents, "a"), opened(incidents, "b")
    getattr(runs, fails)["a"] = Trouble(OSError("no such device"))
    reborn = make()
    (again,) = reborn.resume()
    assert (again.id, again.open) == (other.id, True)
    assert [each.id for each in reborn] == [other.id]
    assert closed_in(audit) == {failing.id}
    assert reborn._gate.grant_of(failing.id) is None
    assert [each.id for each in make().resume()] == [other.id]


# What cannot be recorded


@pytest.mark.parametrize("error", [AuditError("no space left"), RuntimeError("a bug")])
def test_a_closing_that_is_owed_is_on_record_soon_after_the_disk_is_repaired(
    bound: Console, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("api.app._SETTLE_EVERY_S", 0.02)
    audit = bound.record.audit
    really, failed, repaired = audit.append, threading.Semaphore(0), threading.Event()

    def append(action: str, *rest: Any, **more: Any) -> Any:
        if action == "grant-closed" and not repaired.is_set():
            failed.release()
            raise error
        return really(action, *rest, **more)

    monkeypatch.setattr(audit, "append", append)
    asked = {
        "site": "small",
        "kind": "real",
        "emergency": "active-shooter",
        "channel": "911",
        "reason": "shots",
    }
    with TestClient(bound.app, headers=bound.bearer, raise_server_exceptions=False) as client:
        incident = client.post("/v1/incidents", json=asked).json()["incident"]
        closed = client.delete(f"/v1/incidents/{incident}")
        assert (closed.status_code, closed.json()["state"]) == (200, "closed")
        for _ in range(3):  # by whoever closes, then again and again
            assert failed.acquire(timeout=3.0)
        assert bound.audited("grant-closed") == []
        repaired.set()
        assert comes(lambda: len(bound.audited("grant-closed")) == 1, 3.0)
    assert bound.audited("grant-closed")[0]["incident"] == incident


# Over a restart


def test_agencies_are_still_there_after_a_restart(
    bound: Console, tmp_path: Path, clock: Clock, database_url: str | None
) -> None:
    before = bound.services.incidents
    asked = Activation("real", "small", "Dana", "shots", "911", "dispatcher", "active-shooter")
    incident = before.open(asked, bound.target, DANA)
    for agency in ("Town Police", "Fire"):
        before.respond(incident, agency, left=False, actor=DANA)
    other = build_console(tmp_path, clock, database_url=database_url)
    try:
        reborn = other.services.incidents
        (again,) = reborn.resume()
        assert [(one.name, one.left_at) for one in again.message().agencies] == [
            ("Fire", None),
            ("Town Police", None),
        ]
        reborn.respond(again, "Fire", left=True, actor=DANA)
        assert again.open
        reborn.respond(again, "Town Police", left=True, actor=DANA)
        assert not again.open
    finally:
        other.record.store.close()


# When the server is stopped


def test_what_is_live_is_stopped_at_once_whatever_is_being_opened(
    incidents: Incidents, runs: TroubledRuns, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = opened(incidents, "a")
    really, writing, release = audit.append, threading.Event(), threading.Event()

    def append(action: str, *rest: Any, **more: Any) -> Any:
        if action == "grant-opened":
            writing.set()
            release.wait(WAIT_S)
        return really(action, *rest, **more)

    monkeypatch.setattr(audit, "append", append)
    refused: list[ProblemError] = []

    def open_another() -> None:
        with pytest.raises(ProblemError) as caught:
            opened(incidents, "b")
        refused.append(caught.value)

    opening = threading.Thread(target=open_another, daemon=True)
    opening.start()
    try:
        assert writing.wait(WAIT_S)
        assert done(incidents.stop_all, reason="the server was stopped")
        assert (live.stopped, runs.of["a"].stopped, opening.is_alive()) == (True, True, True)
    finally:
        release.set()
    opening.join(WAIT_S)
    assert [(one.status, one.slug) for one in refused] == [(503, "stopping")]
    assert [one.id for one in incidents] == [live.id]
    assert "b" not in runs.of  # nothing was played
    (given_back,) = closed_in(audit)
    assert given_back != live.id
    assert incidents._gate.grant_of(given_back) is None
    with pytest.raises(ProblemError) as late:
        opened(incidents, "b")
    assert late.value.status == 503
    assert actions(audit).count("grant-opened") == 2  # it was not even asked for


def test_what_begins_to_play_while_the_server_is_stopped_is_stopped(
    incidents: Incidents, runs: TroubledRuns
) -> None:
    """It came past the question whether the server is being stopped, and is not in the list."""
    release = threading.Event()
    starting = runs.starting["a"] = Trouble(until=release)

    def open_it() -> None:
        with contextlib.suppress(ProblemError):
            opened(incidents)

    opening = threading.Thread(target=open_it, daemon=True)
    opening.start()
    try:
        assert starting.reached.wait(WAIT_S)
        assert done(incidents.stop_all, reason="the server was stopped")
    finally:
        release.set()
    opening.join(WAIT_S)
    assert not opening.is_alive()
    assert runs.of["a"].stopped
