"""No history of requests, crashes, clock jumps and restarts allows a look outside a live grant."""

from __future__ import annotations

import shutil
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from api.actors import MACHINE, Actor
from api.agreements import Agreement
from api.audit import Audit
from api.audit_chain import Head
from api.decisions import CameraFacts
from api.errors import NotPermittedError
from api.gate import Activation, Gate, Permit, Terms
from api.store import open_store
from tests.api.agreed import AGREEMENT
from tests.postgres import drop_database, new_database

if TYPE_CHECKING:
    from api.agreements import Channel
    from api.grant_rules import IncidentKind
    from api.store import Store

CAMERAS = (
    CameraFacts("cam-01", "interior"),
    CameraFacts("cam-02", "exterior"),
    CameraFacts("cam-99", "interior"),  # the agreement excludes it
)
BOUND = Agreement.model_validate(tomllib.loads(AGREEMENT))
UNBOUND_S = 60.0
ROLES = ("dispatcher", "officer", "principal", "journalist")

names = st.sampled_from(["i1", "i2", "i3", "i4"])
actors = st.sampled_from([Actor(role, "dispatcher", role) for role in ROLES])


@dataclass
class Granted:
    """What the model holds as granted."""

    cameras: frozenset[str]
    until_s: float
    kind: IncidentKind
    bound: bool
    opener: str
    extensions: int = 0
    came: frozenset[str] = frozenset()
    there: frozenset[str] = frozenset()


class Histories(RuleBasedStateMachine):
    """The gate beside a model of what may be watched, written without the agreement's code."""

    database_url: str | None = None

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="lastseen-gate-"))
        self.now_s = 1_772_442_000.0
        self.granted: dict[str, Granted] = {}
        self.permits: list[Permit] = []
        self.used: set[str] = set()
        self.store = self.opened()
        self.gate = self.new_gate()

    def opened(self) -> Store:
        return open_store(self.folder, self.database_url)

    def new_gate(self) -> Gate:
        return Gate(Audit(self.store), longest_s=UNBOUND_S)

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    @initialize()
    def first_start(self) -> None:
        assert self.gate.resume(self.now_s) == ()

    def ask(self, incident: str, activation: Activation, actor: Actor, terms: Terms) -> bool:
        """Ask the gate; whether it has opened. Ids are random in the server: none comes twice."""
        if incident in self.used:
            return False
        try:
            grant = self.gate.open(
                activation, terms, actor=actor, incident=incident, now_s=self.now_s
            )
        except NotPermittedError:
            return False
        self.used.add(incident)
        self.permits.append(grant.permit)
        return True

    @rule(
        incident=names,
        actor=actors,
        channel=st.sampled_from(["911", "administrator", "break-glass", "hotline", "console"]),
        emergency=st.sampled_from(["active-shooter", "food-fight", "nothing-known", None]),
        second=st.sampled_from(["", "Kim"]),
        bound=st.booleans(),
    )
    def an_emergency(
        self,
        incident: str,
        actor: Actor,
        channel: Channel,
        emergency: str | None,
        second: str,
        *,
        bound: bool,
    ) -> None:
        asked = Activation(
            "real", "wing", actor.name, "shots", channel, actor.acts_as, emergency,
            confirmed_by=second,
        )  # fmt: skip
        terms = Terms(BOUND if bound else None, CAMERAS)
        told = channel in {"911", "administrator"} and actor.acts_as in {"dispatcher", "principal"}
        alone = channel == "break-glass" and actor.acts_as == "dispatcher" and bool(second)
        may = bound and emergency == "active-shooter" and (told or alone)
        if self.ask(incident, asked, actor, terms):
            assert may
            cameras = frozenset({"cam-01", "cam-02"} if told else {"cam-01"})
            lasts_s = 600.0 if told else 300.0
            self.granted[incident] = Granted(
                cameras, self.now_s + lasts_s, "real", True, actor.name
            )
        else:
            assert not may or incident in self.used

    @rule(incident=names, actor=actors, bound=st.booleans(), reason=st.sampled_from(["why", " "]))
    def an_exercise(self, incident: str, actor: Actor, reason: str, *, bound: bool) -> None:
        asked = Activation("exercise", "wing", actor.name, reason, role=actor.acts_as)
        terms = Terms(BOUND if bound else None, CAMERAS)
        may = reason == "why" and (not bound or actor.acts_as in {"dispatcher", "principal"})
        if self.ask(incident, asked, actor, terms):
            assert may
            cameras = {"cam-01", "cam-02"} | (set() if bound else {"cam-99"})
            until_s = self.now_s + (3600.0 if bound else UNBOUND_S)
            self.granted[incident] = Granted(
                frozenset(cameras), until_s, "exercise", bound, actor.name
            )
        else:
            assert not may or incident in self.used

    @rule(incident=names, actor=actors)
    def standing_access(self, incident: str, actor: Actor) -> None:
        asked = Activation("standing", "wing", actor.name, "a look", role=actor.acts_as)
        may = actor.acts_as in {"dispatcher", "officer"}
        if self.ask(incident, asked, actor, Terms(BOUND, CAMERAS)):
            assert may
            self.granted[incident] = Granted(
                frozenset({"cam-02"}), self.now_s + 12 * 3600, "standing", True, actor.name
            )
        else:
            assert not may or incident in self.used

    @rule(incident=names, actor=actors)
    def extend(self, incident: str, actor: Actor) -> None:
        held = self.granted.get(incident)
        may = (
            held is not None
            and held.bound
            and self.now_s < held.until_s
            and actor.acts_as == "dispatcher"
            and held.extensions < 2
        )
        try:
            self.gate.extend(incident, actor=actor, now_s=self.now_s)
        except NotPermittedError:
            assert not may
            return
        assert may
        assert held is not None
        held.until_s += 300.0
        held.extensions += 1

    @rule(incident=names, actor=st.one_of(actors, st.just(MACHINE)))
    def close(self, incident: str, actor: Actor) -> None:
        held = self.granted.get(incident)
        may = held is None or (
            actor is MACHINE
            or not held.bound
            or (held.kind != "real" and actor.name == held.opener)
            or actor.acts_as in {"dispatcher", "principal"}
        )
        try:
            self.gate.close(incident, actor=actor, reason="over", now_s=self.now_s)
        except NotPermittedError:
            assert not may
            return
        assert may
        self.granted.pop(incident, None)

    @rule(
        incident=names,
        agency=st.sampled_from(["Town Police", "Fire", "Nobody knows"]),
        actor=actors,
        left=st.booleans(),
    )
    def an_agency(self, incident: str, agency: str, actor: Actor, *, left: bool) -> None:
        held = self.granted.get(incident)
        closers = {"dispatcher", "principal"}
        may = (
            held is not None
            and self.now_s < held.until_s
            and (not left or agency in held.came)
            and (
                not held.bound
                or (
                    agency != "Nobody knows"
                    and actor.acts_as in (closers if left else closers | {"officer"})
                )
            )
        )
        try:
            all_left = self.gate.respond(incident, agency, left=left, actor=actor, now_s=self.now_s)
        except NotPermittedError:
            assert not may
            return
        assert may
        assert held is not None
        new = (agency in held.there) is left
        held.came |= {agency}
        held.there = held.there - {agency} if left else held.there | {agency}
        assert all_left == (left and new and not held.there)

    @rule(step_s=st.sampled_from([0.0, 1.0, 59.9, 60.0, 299.9, 600.0, -30.0, -7200.0, 86_400.0]))
    def clock_moves(self, step_s: float) -> None:
        self.now_s += step_s

    @rule()
    def crash_and_restart(self) -> None:
        self.store.close()
        self.store = self.opened()
        self.gate = self.new_gate()
        for permit in self.permits:  # of the dead process: worth nothing any more
            assert not any(self.gate.allows(permit, camera.id, self.now_s) for camera in CAMERAS)
        resumed = self.gate.resume(self.now_s)
        alive = {name for name, one in self.granted.items() if self.now_s < one.until_s}
        assert {grant.permit.incident for grant in resumed} == alive
        # What was over when it was looked at is closed, whatever the clock says later.
        self.granted = {name: self.granted[name] for name in alive}
        self.permits += [grant.permit for grant in resumed]

    @invariant()
    def only_live_grants_allow(self) -> None:
        for permit in self.permits:
            held = self.granted.get(permit.incident)
            for camera in CAMERAS:
                if self.gate.allows(permit, camera.id, self.now_s):
                    assert held is not None
                    assert camera.id in held.cameras
                    assert self.now_s < held.until_s

    @invariant()
    def the_record_is_whole(self) -> None:
        assert isinstance(Audit(self.store).verify(), Head)


Histories.TestCase.settings = settings(max_examples=100, stateful_step_count=30)
TestHistories = Histories.TestCase


@pytest.mark.postgres
def test_histories_on_postgresql(postgres_url: str) -> None:
    number = 0

    class OnPostgres(Histories):
        def __init__(self) -> None:
            nonlocal number
            number += 1
            self.database_url = new_database(postgres_url, f"history_{number}")
            super().__init__()

        def teardown(self) -> None:
            super().teardown()
            drop_database(postgres_url, f"history_{number}")

    run_state_machine_as_test(
        OnPostgres, settings=settings(max_examples=20, stateful_step_count=30)
    )
