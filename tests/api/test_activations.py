"""Events of panic buttons: who is let in, each carried out once, what is answered."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from starlette.testclient import TestClient

from api.activation_routes import router
from api.activations import Activations, Opened
from api.audit import Audit
from api.errors import (
    AuditError,
    ForbiddenError,
    NotPermittedError,
    ProblemError,
    RunError,
    StoreError,
)
from api.keys import Keys
from api.problem_schemas import Problem
from api.problems import install_problem_handlers
from api.request_limits import Limit
from api.signed_messages import new_secret, sign
from api.sources import Sources
from api.store_tables import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from httpx2 import Response

    from api.actors import Actor
    from api.gate import Activation
    from api.store import Store

NOW_S = 1_795_000_000.0
UNTIL = "2026-11-18T12:06:40Z"
EMERGENCY = {
    "type": "emergency",
    "emergency": "active-shooter",
    "by": "Room 104",
    "reason": "Shots heard",
}


@dataclass
class FakeOpener:
    """Opens one incident a site, as the real one does; fails where a test tells it to."""

    said: list[tuple[Any, ...]] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)
    before: Callable[[], object] = lambda: None
    open: dict[str, str] = field(default_factory=dict)
    actors: list[Actor] = field(default_factory=list)
    activations: list[Activation] = field(default_factory=list)

    def open_for(self, activation: Activation, actor: Actor) -> Opened:
        self._do("open", activation.target, activation.kind, actor=actor)
        self.activations.append(activation)
        already = activation.target in self.open
        incident = self.open.setdefault(activation.target, f"incident-{len(self.said)}")
        return Opened(incident, NOW_S + 3600.0, already)

    def agency(self, site: str, agency: str, *, left: bool, actor: Actor) -> None:
        self._do("agency", site, agency, left, actor=actor)

    def close_for(self, site: str, *, reason: str, actor: Actor) -> None:
        self._do("close", site, reason, actor=actor)
        if self.open.pop(site, None) is None:
            raise ProblemError(404, "incident-not-found", "No such incident", f"none on {site}")

    def _do(self, *what: object, actor: Actor) -> None:
        self.said.append(what)
        self.actors.append(actor)
        self.before()
        if self.fails:
            raise self.fails.pop(0)


class Site:
    """A server with two sources, and whoever sends to it."""

    def __init__(self, store: Store, state: Path) -> None:
        self.store = store
        self.audit = Audit(store)
        self.sources = Sources(store, Keys(state), self.audit)
        self.secret = self.add("button", "north")
        self.opener = FakeOpener()
        self.now_s = NOW_S
        self.per_false_sender, self.per_source = Limit(10_000, 60.0), Limit(10_000, 60.0)
        self.restart()

    def add(self, name: str, site: str) -> str:
        return self.sources.add(
            name, site=site, acts_as="principal", channel="panic-app", by="me", now_s=NOW_S
        )

    def server(self, wait_s: float = 5.0) -> FastAPI:
        app = FastAPI(responses={"default": {"model": Problem, "description": "Any other"}})
        install_problem_handlers(app)
        app.include_router(router)
        app.state.services = SimpleNamespace(
            activations=Activations(
                self.store,
                self.sources,
                self.audit,
                self.opener,
                wait_s=wait_s,
                per_false_sender=self.per_false_sender,
                per_source=self.per_source,
            ),
            clock=lambda: self.now_s,
        )
        return app

    def restart(self, wait_s: float = 5.0) -> None:
        """A new process: it knows what is in the database, and nothing else."""
        self.app = self.server(wait_s)
        self.client = TestClient(
            self.app, raise_server_exceptions=False, client=("192.0.2.9", 50_000)
        )

    def headers(self, body: bytes, event: str, secret: str | None = None) -> dict[str, str]:
        return {
            "webhook-id": event,
            "webhook-timestamp": str(int(self.now_s)),
            "webhook-signature": sign(secret or self.secret, event, self.now_s, body),
        }

    def post(self, headers: Mapping[str, str], body: bytes, source: str = "button") -> Response:
        return self.client.post(f"/v1/activations/{source}", content=body, headers=dict(headers))

    def send(
        self,
        event: Mapping[str, object] | bytes = EMERGENCY,
        *,
        id_: str = "e1",
        source: str = "button",
        secret: str | None = None,
    ) -> Response:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        return self.post(self.headers(body, id_, secret), body, source)

    def actions(self) -> list[str]:
        return [entry["action"] for entry in self.audit.entries() if "added" not in entry["action"]]

    def rows(self) -> list[tuple[str, int | None]]:
        with self.store.reading() as connection:
            found = connection.execute(select(EVENTS.c.event, EVENTS.c.status)).all()
        return sorted((row.event, row.status) for row in found)


@pytest.fixture
def site(store: Store, tmp_path: Path) -> Site:
    return Site(store, tmp_path / "state")


def problem(response: Response, status: int, slug: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = response.json()
    assert told["type"] == f"urn:lastseen:problem:{slug}"
    assert (told["status"], told["instance"]) == (status, "/v1/activations/button")
    return told


# What is asked for


def test_a_button_opens_a_real_incident(site: Site) -> None:
    response = site.send({**EMERGENCY, "handled_by_staff": True})
    assert response.status_code == 201
    assert response.json() == {
        "schema_version": 1,
        "incident": "incident-1",
        "until": UNTIL,
        "already_open": False,
    }
    (asked,) = site.opener.activations
    assert (asked.kind, asked.target, asked.channel) == ("real", "north", "panic-app")
    assert (asked.emergency, asked.handled_by_staff) == ("active-shooter", True)
    assert (asked.opened_by, asked.reason, asked.role) == ("Room 104", "Shots heard", "principal")
    (actor,) = site.opener.actors
    assert (actor.name, actor.role, actor.acts_as) == ("source:button", "system", "principal")
    assert (actor.sites, actor.full_name) == (frozenset({"north"}), "Room 104")


@pytest.mark.parametrize(
    ("event", "status", "done"),
    [
        ({"type": "exercise", "by": "A", "reason": "drill"}, 201, ("open", "north", "exercise")),
        (
            {"type": "agency-responding", "agency": "Police"},
            200,
            ("agency", "north", "Police", False),
        ),
        ({"type": "agency-left", "agency": "Police"}, 200, ("agency", "north", "Police", True)),
    ],
)
def test_each_type_does_one_thing(
    site: Site, event: dict[str, str], status: int, done: tuple[object, ...]
) -> None:
    assert site.send(event).status_code == status
    assert site.opener.said == [done]


def test_closing_asks_to_close(site: Site) -> None:
    site.send()
    response = site.send({"type": "closed", "by": "Chief", "reason": "false alarm"}, id_="e2")
    assert (response.status_code, response.json()["type"]) == (200, "closed")
    assert site.opener.said[-1] == ("close", "north", "false alarm")
    assert site.opener.actors[-1].full_name == "Chief"


def test_a_second_button_finds_it_open(site: Site) -> None:
    site.add("south", "south")
    other = site.add("gym", "north")
    first = site.send().json()
    second = site.send(source="gym", secret=other)
    assert second.status_code == 200
    assert second.json() == {**first, "already_open": True}


def test_narratives_become_one_line(site: Site) -> None:
    site.send({**EMERGENCY, "reason": " Shots\r\n heard\u0000 \u202eby\t caller "})
    assert site.opener.activations[0].reason == "Shots heard by caller"


@pytest.mark.parametrize(
    ("event", "where"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b'"emergency"', "body"),
        ({}, "body"),
        ({"type": "fire"}, "body"),
        ({"type": "emergency"}, "body.emergency"),
        ({**EMERGENCY, "handled_by_staf": True}, "body.handled_by_staf"),
        ({**EMERGENCY, "handled_by_staff": "no"}, "body.handled_by_staff"),
        ({**EMERGENCY, "emergency": "Active Shooter"}, "body.emergency"),
        ({**EMERGENCY, "by": ""}, "body.by"),
        ({**EMERGENCY, "by": "\u0000"}, "body.by"),
        ({**EMERGENCY, "by": "x" * 201}, "body.by"),
        ({**EMERGENCY, "reason": "x" * 1001}, "body.reason"),
        ({"type": "agency-left", "agency": " "}, "body.agency"),
        ({"type": "agency-left", "agency": "A", "by": "B"}, "body.by"),
    ],
)
def test_what_is_no_event_is_named_and_recorded_and_does_nothing(
    site: Site, event: dict[str, object] | bytes, where: str
) -> None:
    told = problem(site.send(event), 422, "invalid-request")
    assert told["errors"][0]["where"] == where
    assert not site.opener.said
    assert not site.rows()
    assert site.actions() == ["activation-refused"]


@pytest.mark.parametrize("event", ["x" * 129, "a b"])
def test_an_id_that_cannot_be_kept_is_refused(site: Site, event: str) -> None:
    problem(site.send(id_=event), 422, "invalid-request")
    assert not site.opener.said


# Who is let in


def _without(name: str) -> Callable[[Site, bytes], tuple[dict[str, str], bytes]]:
    def made(site: Site, body: bytes) -> tuple[dict[str, str], bytes]:
        headers = site.headers(body, "e1")
        del headers[name]
        return headers, body

    return made


def _with(**changed: str) -> Callable[[Site, bytes], tuple[dict[str, str], bytes]]:
    def made(site: Site, body: bytes) -> tuple[dict[str, str], bytes]:
        named = {name.replace("_", "-"): value for name, value in changed.items()}
        return {**site.headers(body, "e1"), **named}, body

    return made


def _version(version: str) -> Callable[[Site, bytes], tuple[dict[str, str], bytes]]:
    def made(site: Site, body: bytes) -> tuple[dict[str, str], bytes]:
        headers = site.headers(body, "e1")
        signature = headers["webhook-signature"].replace("v1,", version)
        return {**headers, "webhook-signature": signature}, body

    return made


BAD: dict[str, Callable[[Site, bytes], tuple[dict[str, str], bytes]]] = {
    "no id": _without("webhook-id"),
    "no timestamp": _without("webhook-timestamp"),
    "no signature": _without("webhook-signature"),
    "wrong secret": lambda site, body: (site.headers(body, "e1", new_secret()), body),
    "a byte of the body": lambda site, body: (site.headers(body, "e1"), body[:-2] + b"x}"),
    "another id": _with(webhook_id="e2"),
    "another second": _with(webhook_timestamp=str(int(NOW_S) + 1)),
    "a timestamp in words": _with(webhook_timestamp="now"),
    "version 2": _version("v2,"),
    "asymmetric": _version("v1a,"),
    "no version": _version(""),
    "empty": _with(webhook_signature=""),
}


@pytest.mark.parametrize("says", BAD)
def test_what_is_not_signed_does_nothing(site: Site, says: str) -> None:
    headers, body = BAD[says](site, json.dumps(EMERGENCY).encode())
    response = site.post(headers, body)
    told = problem(response, 401, "signature-invalid")
    assert response.headers["www-authenticate"]
    assert "Standard Webhooks" in told["detail"]
    assert not site.opener.said
    assert not site.rows()
    assert site.actions() == ["activation-refused"]
    assert site.send().status_code == 201


@pytest.mark.parametrize(
    ("off_s", "said"),
    [
        (-301, "is 301 s behind this server's clock"),
        (301, "is 301 s ahead of this server's clock"),
        (-86_400, "is 86400 s behind"),
    ],
)
def test_a_clock_that_is_off_is_told_so(site: Site, off_s: int, said: str) -> None:
    body = json.dumps(EMERGENCY).encode()
    site.now_s = NOW_S + off_s
    headers = site.headers(body, "e1")
    site.now_s = NOW_S
    told = problem(site.post(headers, body), 401, "signature-invalid")
    assert said in told["detail"]
    # A stranger is told the same, so it tells nothing of sources.
    assert site.post(headers, body, "nobody").json()["detail"] == told["detail"]
    assert not site.opener.said


@pytest.mark.parametrize("off_s", [-300, 300])
def test_a_clock_may_be_off_by_five_minutes(site: Site, off_s: int) -> None:
    body = json.dumps(EMERGENCY).encode()
    site.now_s = NOW_S + off_s
    headers = site.headers(body, "e1")
    site.now_s = NOW_S
    assert site.post(headers, body).status_code == 201


def test_nobody_learns_which_sources_there_are(site: Site) -> None:
    disabled = site.add("disabled", "north")
    site.sources.disable("disabled", by="me", now_s=NOW_S)
    answers = [
        site.send(secret=new_secret()),
        site.send(source="disabled", secret=disabled),
        site.send(source="nobody"),
        site.send(source="%00"),
        site.send(source="x" * 5000),
        site.send(source="NOBODY"),
    ]
    alike = set()
    for answer in answers:
        told = answer.json()
        instance = told.pop("instance")
        assert instance.startswith("/v1/activations/")
        headers = tuple(sorted((k, v) for k, v in answer.headers.items() if k != "content-length"))
        alike.add((answer.status_code, json.dumps(told), headers))
    assert len(alike) == 1
    assert not site.opener.said


def test_a_source_that_is_enabled_again_is_let_in(site: Site) -> None:
    site.sources.disable("button", by="me", now_s=NOW_S)
    assert site.send().status_code == 401
    site.sources.enable("button", by="me", now_s=NOW_S)
    assert site.send().status_code == 201


def test_refusals_are_recorded_once_a_minute(site: Site) -> None:
    for _ in range(5):
        site.send(secret=new_secret())
    for _ in range(3):
        site.send(source="nobody")
    refused = list(site.audit.entries(actions=["activation-refused"]))
    assert [(entry["source"], entry["why"]) for entry in refused] == [
        ("button", "signature"),
        ("nobody", "unknown source"),
    ]
    assert {entry["address"] for entry in refused} == {"192.0.2.9"}


def test_what_is_no_address_is_not_recorded_as_one(site: Site) -> None:
    for invented in ("203.0.113.9\n2026 all is well", "x" * 9000):
        client = TestClient(site.app, client=(invented, 1))
        assert client.post("/v1/activations/button", content=b"").status_code == 401
    (refused,) = site.audit.entries(actions=["activation-refused"])
    assert refused["address"] == "unknown"


def test_a_stranger_at_the_same_address_does_not_silence_a_button(site: Site) -> None:
    site.per_false_sender = Limit(3, 60.0)
    site.restart()
    answers = [site.send(secret=new_secret()) for _ in range(4)]
    answers.append(site.send(source="nobody"))
    site.now_s += 1000
    old = site.headers(b"{}", "e1")
    site.now_s -= 1000
    answers.append(site.post(old, b"{}"))
    assert [answer.status_code for answer in answers] == [401] * 3 + [429] * 3
    assert answers[-1].headers["retry-after"] == "60"
    problem(answers[3], 429, "too-many-requests")
    assert site.send().status_code == 201
    assert site.send({"type": "agency-left", "agency": "A"}, id_="e2").status_code == 200
    site.now_s += 60
    assert site.send(secret=new_secret()).status_code == 401


def test_a_source_has_a_limit_that_holds_no_emergency_up(site: Site) -> None:
    other = site.add("gym", "south")
    site.per_source = Limit(2, 60.0)
    site.restart()
    left = {"type": "agency-left", "agency": "A"}
    statuses = [site.send(left, id_=f"e{n}").status_code for n in range(3)]
    assert statuses == [200, 200, 429]
    problem(site.send(left, id_="e3"), 429, "too-many-requests")
    assert site.send(id_="e4").status_code == 201
    assert site.send(left, id_="e5", source="gym", secret=other).status_code == 200
    site.now_s += 60
    assert site.send(left, id_="e2").status_code == 200  # it was not taken for done


def test_who_invents_names_cannot_fill_the_disk(site: Site) -> None:
    for number in range(40):
        site.send(source=f"{number}-{'x' * 500}")
    refused = list(site.audit.entries(actions=["activation-refused"]))
    assert len(refused) == 10
    assert max(len(entry["source"]) for entry in refused) == 64


@pytest.mark.parametrize(
    ("addresses", "entries"),
    [
        (["192.0.2.1", "192.0.2.2"], 2),
        (["2001:db8::1", "2001:db8::2"], 1),
        (["2001:db8::1", "2001:db8:0:1::1"], 2),
        (["::ffff:192.0.2.1", "192.0.2.1", "::ffff:192.0.2.2"], 2),
        ([f"192.0.2.{n}" for n in range(40)], 30),
    ],
)
def test_refusals_count_for_the_network(site: Site, addresses: list[str], entries: int) -> None:
    for address in addresses:
        client = TestClient(site.app, client=(address, 1))
        assert client.post("/v1/activations/button", content=b"").status_code == 401
    assert len(site.actions()) == entries


def test_no_secret_is_told(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    told = [site.send().text, site.send(b"{").text, site.send(secret=new_secret()).text]
    told += [repr(site.sources), repr(site.app.state.services), caplog.text]
    told += [line.decode() for line in site.audit.lines()]
    for text in told:
        assert site.secret.removeprefix("whsec_") not in text


# Each event once


def test_what_is_sent_again_is_answered_as_the_first_time(site: Site) -> None:
    first = site.send()
    site.now_s += 60  # signed anew, as the specification has it
    again = site.send()
    site.restart()
    after = site.send()
    assert first.status_code == again.status_code == after.status_code == 201
    assert first.content == again.content == after.content
    assert len(site.opener.said) == 1
    assert site.actions() == ["activation-received"]
    assert site.rows() == [("e1", 201)]


def test_an_event_that_is_over_is_not_carried_out_again(site: Site) -> None:
    first = site.send()
    site.send({"type": "closed", "by": "Chief", "reason": "over"}, id_="e2")
    assert site.send().content == first.content
    assert not site.opener.open


def test_ids_are_those_of_a_source(site: Site) -> None:
    other = site.add("gym", "south")
    assert site.send().status_code == 201
    assert site.send(source="gym", secret=other).status_code == 201
    assert len(site.opener.said) == 2


def test_another_event_under_the_same_id_is_refused(site: Site) -> None:
    site.send()
    told = problem(site.send({**EMERGENCY, "by": "Room 105"}), 409, "event-id-reused")
    assert "e1" in told["detail"]
    assert len(site.opener.said) == 1
    assert site.send().status_code == 201


def test_eight_at_the_same_moment_are_one(site: Site) -> None:
    barrier = threading.Barrier(8)
    body = json.dumps(EMERGENCY).encode()
    headers = site.headers(body, "e1")
    slow = threading.Event()
    site.opener.before = lambda: slow.wait(0.2)

    def send() -> Response:
        barrier.wait(10)
        return site.post(headers, body)

    with ThreadPoolExecutor(8) as pool:
        answers = [future.result() for future in [pool.submit(send) for _ in range(8)]]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len(site.opener.said) == 1
    assert site.actions() == ["activation-received"]


def test_one_that_ended_just_before_is_not_done_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = site.app.state.services.activations._answers
    begin = answers._begin

    def after_another(key: object) -> object:
        monkeypatch.undo()
        assert site.send().status_code == 201
        return begin(key)

    monkeypatch.setattr(answers, "_begin", after_another)
    assert site.send().status_code == 201
    assert len(site.opener.said) == 1


def test_who_cannot_wait_any_longer_is_told_to_come_again(site: Site) -> None:
    site.restart(wait_s=0.05)
    inside, go_on = threading.Event(), threading.Event()

    def before() -> None:
        inside.set()
        go_on.wait(10)

    site.opener.before = before
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(site.send)
        assert inside.wait(10)
        second = site.send()
        other = site.send({**EMERGENCY, "by": "Room 105"})
        go_on.set()
        assert first.result().status_code == 201
    problem(second, 409, "event-in-progress")
    assert second.headers["retry-after"] == "1"
    problem(other, 409, "event-id-reused")
    assert site.send().status_code == 201
    assert len(site.opener.said) == 1


def test_who_waited_for_one_that_failed_carries_it_out(site: Site) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def before() -> None:
        inside.set()
        go_on.wait(10)

    site.opener.before = before
    site.opener.fails = [RuntimeError("a fault")]
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(site.send)
        assert inside.wait(10)
        second = pool.submit(site.send)
        go_on.set()
        assert sorted([first.result().status_code, second.result().status_code]) == [201, 500]
    assert len(site.opener.said) == 2


def test_what_a_crash_interrupted_is_carried_out_when_it_is_sent_again(site: Site) -> None:
    site.send()
    with site.store.writing() as connection:  # it was opened, and the answer was never written
        connection.execute(update(EVENTS).values(status=None, answer=None))
    site.restart()
    answer = site.send()
    assert (answer.status_code, answer.json()["already_open"]) == (200, True)
    assert site.opener.open == {"north": "incident-1"}
    assert site.rows() == [("e1", 200)]
    assert site.send().content == answer.content
    assert len(site.opener.said) == 2


def test_another_event_does_not_take_the_place_of_an_interrupted_one(site: Site) -> None:
    site.send()
    with site.store.writing() as connection:
        connection.execute(update(EVENTS).values(status=None, answer=None))
    problem(site.send({**EMERGENCY, "by": "Room 105"}), 409, "event-id-reused")


# Refusals and failures


@pytest.mark.parametrize(
    ("error", "status", "slug", "detail"),
    [
        (NotPermittedError("refused by clause 3: x"), 403, "not-permitted", "by clause 3: x"),
        (ForbiddenError("north is not theirs"), 403, "forbidden", "north is not theirs"),
        (ProblemError(404, "site-not-found", "No such site", "none"), 404, "site-not-found", ""),
        (ProblemError(409, "nothing-open", "Nothing is open", "none"), 409, "nothing-open", ""),
    ],
)
def test_a_refusal_is_an_answer(
    site: Site, error: Exception, status: int, slug: str, detail: str
) -> None:
    site.opener.fails = [error]
    first = site.send()
    assert detail in problem(first, status, slug)["detail"]
    site.restart()
    again = site.send()
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["content-type"] == first.headers["content-type"]
    assert len(site.opener.said) == 1
    assert site.rows() == [("e1", status)]


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (AuditError("/srv/audit: disk full"), 503, "audit-unavailable"),
        (RunError("no camera has an address"), 503, "nothing-to-play"),
        (ProblemError(503, "busy", "Busy", "later"), 503, "busy"),
        (RuntimeError("a fault"), 500, "internal-error"),
    ],
)
def test_a_failure_is_not_remembered(site: Site, error: Exception, status: int, slug: str) -> None:
    site.opener.fails = [error]
    told = problem(site.send(), status, slug)
    assert "/srv" not in told["detail"]
    assert site.rows() == [("e1", None)]
    assert site.send().status_code == 201
    assert site.rows() == [("e1", 201)]
    assert len(site.opener.said) == 2


@pytest.mark.parametrize(
    ("event", "remembered"),
    [
        ({"type": "agency-responding", "agency": "Fire"}, False),  # it overtook the emergency
        ({"type": "agency-left", "agency": "Fire"}, True),  # what ends something is not tried again
        ({"type": "closed", "by": "Kim", "reason": "over"}, True),
    ],
    ids=["responding", "left", "closed"],
)
def test_what_comes_too_early_may_be_sent_again_and_what_ends_something_not(
    site: Site, event: dict[str, Any], remembered: bool
) -> None:
    site.opener.fails = [ProblemError(404, "incident-not-found", "None", "none is open")]
    problem(site.send(event), 404, "incident-not-found")
    assert site.send(event).status_code == (404 if remembered else 200)


def test_nothing_is_done_where_it_cannot_be_recorded(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise AuditError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(site.audit, "append", full)
        problem(site.send(), 503, "audit-unavailable")
        problem(site.send(secret=new_secret()), 401, "signature-invalid")
    assert not site.opener.said
    assert not site.rows()
    assert site.send().status_code == 201


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise StoreError("disk full")

    with monkeypatch.context() as patched:
        site.opener.before = lambda: patched.setattr(site.store, "writing", broken)
        assert site.send().status_code == 201
    assert "is not kept" in caplog.text
    site.opener.before = lambda: None
    assert site.send().json()["already_open"] is True


# Documented


def test_the_document_tells_what_to_send_and_what_is_answered(site: Site) -> None:
    described = site.app.openapi()["paths"]["/v1/activations/{source}"]["post"]
    named = {one["name"]: one["required"] for one in described["parameters"]}
    assert named == {
        "source": True,
        "webhook-id": True,
        "webhook-timestamp": True,
        "webhook-signature": True,
    }
    sent = described["requestBody"]["content"]["application/json"]
    kinds = [one["properties"]["type"]["const"] for one in sent["schema"]["oneOf"]]
    assert kinds == ["emergency", "exercise", "agency-responding", "agency-left", "closed"]
    assert "$ref" not in json.dumps(sent)
    for shown in sent["examples"].values():
        assert site.send(shown["value"], id_=shown["value"]["type"]).status_code in {200, 201}
    documented = {"200", "201", "401", "403", "404", "409", "422", "429", "503", "default"}
    assert set(described["responses"]) == documented
