"""Sources that know a site and no incident: one is open there, or one is opened."""

from __future__ import annotations

import threading
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from api.actors import Actor
from api.agreements import Agreement
from api.asking import Asking
from api.errors import ForbiddenError, NotPermittedError, ProblemError
from api.gate import Activation, Gate
from api.incidents import Incidents
from api.site_incidents import SiteIncidents
from api.targets import load_target
from tests.api.agreed import AGREEMENT
from tests.api.replayed import Clock, ReplayedRun, ReplayedRuns, write_site

if TYPE_CHECKING:
    from pathlib import Path

    from api.activations import Opened
    from api.audit import Audit
    from api.incident import Incident
    from api.record import Record
    from api.targets import Target

WAIT_S = 5.0
"""A test that waits longer has failed."""

BUTTON = Actor("button", "system", "dispatcher", sites=frozenset({"small"}))
FOREIGN = Actor("foreign", "system", "dispatcher", sites=frozenset({"north"}))
PRESSED = Activation(
    "real", "small", "West wing", "pressed", "panic-app", "dispatcher", "active-shooter"
)
TRIED = Activation("exercise", "small", "West wing", "a test", "panic-app", "dispatcher")


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return load_target(write_site(tmp_path / "small", agreement=AGREEMENT))


@pytest.fixture
def runs() -> ReplayedRuns:
    return ReplayedRuns()


@pytest.fixture
def audit(record: Record) -> Audit:
    return record.audit


@pytest.fixture
def incidents(audit: Audit, target: Target, runs: ReplayedRuns, clock: Clock) -> Incidents:
    return Incidents(
        {target.id: target}, gate=Gate(audit), run_factory=runs, clock=clock, monotonic=clock
    )


@pytest.fixture
def asking(incidents: Incidents, clock: Clock) -> Asking:
    return Asking(incidents, incidents._gate, clock)


@pytest.fixture
def sources(incidents: Incidents, asking: Asking) -> SiteIncidents:
    return SiteIncidents(incidents, asking)


def of(incidents: Incidents, opened: Opened) -> Incident:
    found = incidents.get(opened.incident)
    assert found is not None
    assert found.grant.until_s == opened.until_s
    return found


def test_a_source_of_another_site_moves_nothing_here(
    sources: SiteIncidents, incidents: Incidents, audit: Audit
) -> None:
    def nothing_goes() -> None:
        for asked in (PRESSED, TRIED):
            with pytest.raises(ForbiddenError, match="not among the sites of foreign"):
                sources.open_for(asked, FOREIGN)
        for left in (False, True):
            with pytest.raises(ForbiddenError, match="not among the sites of foreign"):
                sources.agency("small", "Fire", left=left, actor=FOREIGN)
        with pytest.raises(ForbiddenError, match="not among the sites of foreign"):
            sources.close_for("small", reason="over", actor=FOREIGN)

    nothing_goes()
    assert list(audit.entries()) == []
    incident = of(incidents, sources.open_for(PRESSED, BUTTON))
    nothing_goes()  # not even told that one is open
    assert incident.open
    assert incident.message().agencies == ()


def test_a_site_that_is_not_served_here_is_told_so(sources: SiteIncidents) -> None:
    with pytest.raises(ProblemError) as told:
        sources.open_for(replace(PRESSED, target="north"), FOREIGN)
    assert told.value.slug == "site-not-found"


@pytest.mark.parametrize(
    ("first", "second", "already"),
    [
        (TRIED, TRIED, True),
        (PRESSED, TRIED, True),
        (PRESSED, PRESSED, True),
        (TRIED, PRESSED, False),  # gives way to an emergency
    ],
    ids=["two exercises", "exercise while real", "two presses", "real while exercise"],
)
def test_what_a_second_event_finds(
    sources: SiteIncidents,
    incidents: Incidents,
    first: Activation,
    second: Activation,
    already: bool,
) -> None:
    one = sources.open_for(first, BUTTON)
    two = sources.open_for(second, BUTTON)
    assert (one.already_open, two.already_open) == (False, already)
    assert (two.incident == one.incident) is already
    assert of(incidents, one).open is already
    assert of(incidents, two).open
    assert incidents.open_on("small") is of(incidents, two)


def test_what_a_second_person_must_confirm_is_refused_and_waits(
    incidents: Incidents,
    asking: Asking,
    sources: SiteIncidents,
    target: Target,
    runs: ReplayedRuns,
) -> None:
    terms = tomllib.loads(AGREEMENT)
    terms["clauses"][1]["needs"] = ["second-person"]
    agreement = Agreement.model_validate(terms)
    changed = replace(target, terms=replace(target.terms, agreement=agreement))
    incidents.targets = {target.id: changed}
    with pytest.raises(NotPermittedError, match="waits for a person who confirms it") as told:
        sources.open_for(PRESSED, BUTTON)
    (pending,) = asking.waiting()
    assert f"request {pending.id} waits" in str(told.value)
    assert runs.made == []
    kim = Actor("kim", "dispatcher", "dispatcher")
    assert asking.confirm(pending.id, kim) is incidents.open_on("small")


def test_what_is_over_is_not_open_already(
    sources: SiteIncidents, incidents: Incidents, clock: Clock
) -> None:
    one = sources.open_for(PRESSED, BUTTON)
    clock.now_s += 600.0  # its time is over, and no tick has come yet
    with pytest.raises(ProblemError, match="no incident is open"):
        sources.close_for("small", reason="over", actor=BUTTON)
    with pytest.raises(ProblemError, match="no incident is open"):
        sources.agency("small", "Fire", left=False, actor=BUTTON)
    assert of(incidents, one).open
    two = sources.open_for(PRESSED, BUTTON)
    assert (two.already_open, two.incident == one.incident) == (False, False)
    assert (of(incidents, one).open, of(incidents, two).open) == (False, True)
    assert two.until_s == clock() + 600.0


def test_a_button_that_is_pressed_while_one_is_being_closed_opens_another(
    sources: SiteIncidents,
    incidents: Incidents,
    runs: ReplayedRuns,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = sources.open_for(PRESSED, BUTTON)
    really, stopping, release = ReplayedRun.stop, threading.Event(), threading.Event()

    def stop(run: ReplayedRun) -> None:
        if run is runs.made[0]:
            stopping.set()
            release.wait(WAIT_S)
        really(run)

    monkeypatch.setattr(ReplayedRun, "stop", stop)
    found: list[Opened] = []
    asked = threading.Event()
    really_open = incidents.open

    def open_it(*what: Any) -> Incident:
        asked.set()
        return really_open(*what)

    monkeypatch.setattr(incidents, "open", open_it)
    threads = [
        threading.Thread(
            target=sources.close_for,
            args=("small",),
            kwargs={"reason": "over", "actor": BUTTON},
            daemon=True,
        ),
        threading.Thread(
            target=lambda: found.append(sources.open_for(PRESSED, BUTTON)), daemon=True
        ),
    ]
    try:
        threads[0].start()
        assert stopping.wait(WAIT_S)
        threads[1].start()
        assert asked.wait(WAIT_S)  # it was not taken for what is open there
    finally:
        release.set()
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()
    (two,) = found
    assert (two.already_open, two.incident == one.incident) == (False, False)
    assert (of(incidents, one).open, of(incidents, two).open) == (False, True)
    assert [run.stopped for run in runs.made] == [True, False]


@pytest.mark.parametrize("asked", [PRESSED, TRIED], ids=["real", "exercise"])
def test_two_buttons_at_once_open_one_incident(
    sources: SiteIncidents,
    incidents: Incidents,
    runs: ReplayedRuns,
    monkeypatch: pytest.MonkeyPatch,
    asked: Activation,
) -> None:
    both_found_nothing = threading.Barrier(2, timeout=WAIT_S)
    really = incidents.open

    def open_it(*what: Any) -> Incident:
        both_found_nothing.wait()
        return really(*what)

    monkeypatch.setattr(incidents, "open", open_it)
    found: list[Opened] = []
    threads = [
        threading.Thread(target=lambda: found.append(sources.open_for(asked, BUTTON)), daemon=True)
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert sorted(one.already_open for one in found) == [False, True]
    assert len({one.incident for one in found}) == 1
    assert [run.stopped for run in runs.made] == [False]


def test_a_refusal_is_no_incident_that_is_open_already(
    sources: SiteIncidents, incidents: Incidents
) -> None:
    with pytest.raises(NotPermittedError, match="never counts"):
        sources.open_for(replace(PRESSED, emergency="food-fight"), BUTTON)
    sources.open_for(TRIED, BUTTON)
    incidents.stop_all(reason="the server was stopped")
    with pytest.raises(ProblemError) as told:  # though an exercise is open there
        sources.open_for(PRESSED, BUTTON)
    assert told.value.slug == "stopping"


def test_what_the_button_opened_it_may_close_and_nobody_twice(
    sources: SiteIncidents, incidents: Incidents
) -> None:
    incident = of(incidents, sources.open_for(PRESSED, BUTTON))
    sources.agency("small", "Fire", left=False, actor=BUTTON)
    assert [one.name for one in incident.message().agencies] == ["Fire"]
    officer = replace(BUTTON, acts_as="officer")
    with pytest.raises(NotPermittedError, match="is closed by dispatcher"):
        sources.close_for("small", reason="over", actor=officer)
    sources.close_for("small", reason="over", actor=BUTTON)
    assert not incident.open
    with pytest.raises(ProblemError, match="no incident is open"):
        sources.close_for("small", reason="over", actor=BUTTON)
