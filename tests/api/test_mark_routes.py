"""Marks, units, doors and arrival over the API: who may, what is recorded, what is handed on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from api.audit import Audit
from api.errors import AuditError
from api.locations import utc
from api.report_routes import AHEAD_S, OLDEST_POSITION_S
from api.telling import Telling
from api.told import Told
from calibration.inputs import Arrival, DoorEvent, FriendlyReport, Mark, Unmark
from tests.api.agreed import AGREEMENT
from tests.api.replayed import (
    START_S,
    Clock,
    Console,
    answer,
    build_console,
    opened_by,
    slug_of,
    subject,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx2 import Response

    from api.actors import Role

EXERCISE = {"site": "small", "kind": "exercise", "reason": "drill"}
REAL = {
    "site": "small",
    "kind": "real",
    "emergency": "active-shooter",
    "channel": "911",
    "reason": "shots",
}
POSITION: dict[str, Any] = {
    "unit": "Unit 12",
    "site_m": {"type": "Point", "coordinates": [4.0, 8.0]},
    "accuracy_m": 2.0,
}


@pytest.fixture
def incident(console: Console, client: TestClient) -> str:
    """An open exercise in which S1 and S2 are seen."""
    made = opened_by(client, EXERCISE)
    see(console)
    return made


def see(console: Console, **marks: tuple[Mark, ...]) -> None:
    """Let the run say that it sees S1 and S2, with these marks."""
    first, second = subject("S1", at_s=START_S), subject("S2", at_s=START_S, rank=2)
    first = replace(first, marks=marks.get("S1", ()))
    console.runs.made[-1].say(answer(START_S, first, replace(second, marks=marks.get("S2", ()))))


def mark(client: TestClient, incident: str, of: str, kind: str) -> Response:
    return client.post(f"/v1/incidents/{incident}/subjects/{of}/marks", json={"mark": kind})


def test_a_mark_is_recorded_then_handed_on_then_listed(
    console: Console, client: TestClient, incident: str
) -> None:
    response = mark(client, incident, "S2", "confirm")
    assert response.status_code == 201
    told = console.runs.made[-1].told
    assert told == [Mark("confirm", "S2", START_S, 1, "dispatcher")]
    (entry,) = console.audited("subject-marked")
    assert (entry["incident"], entry["actor"], entry["subject"], entry["mark"]) == (
        incident, "dana", "S2", "confirm",
    )  # fmt: skip
    see(console, S2=(told[0],))  # type: ignore[arg-type]
    listed = client.get(f"/v1/incidents/{incident}/marks").json()["marks"]
    assert [(m["number"], m["mark"], m["subject"], m["subject_now"], m["by"]) for m in listed] == [
        (1, "confirm", "S2", "S2", "Dana")
    ]
    said = client.get(f"/v1/incidents/{incident}/last-seen").json()
    assert said["subjects"][1]["marks"][0]["role"] == "dispatcher"


def test_taking_back_undoes_the_newest_or_the_one_named(
    console: Console, client: TestClient, incident: str
) -> None:
    for kind in ("designate", "confirm", "reject"):
        mark(client, incident, "S1", kind)
    path = f"/v1/incidents/{incident}/subjects/S1/marks"
    assert [m["mark"] for m in client.delete(path).json()["marks"]] == ["designate", "confirm"]
    assert [m["mark"] for m in client.delete(path, params={"number": 1}).json()["marks"]] == [
        "confirm"
    ]
    assert console.runs.made[-1].told[3:] == [Unmark(3, START_S), Unmark(1, START_S)]
    assert slug_of(client.delete(path, params={"number": 1})) == "mark-not-found"
    client.delete(path)
    assert slug_of(client.delete(path)) == "mark-not-found"
    assert len(console.audited("mark-taken-back")) == 3


def test_the_mark_of_a_body_that_was_joined_is_taken_back_by_its_id_now(
    console: Console, client: TestClient, incident: str
) -> None:
    mark(client, incident, "S2", "reject")
    (given,) = console.runs.made[-1].told
    assert isinstance(given, Mark)
    console.runs.made[-1].say(answer(START_S, replace(subject(at_s=START_S), marks=(given,))))
    assert client.delete(f"/v1/incidents/{incident}/subjects/S1/marks").status_code == 200
    assert console.runs.made[-1].told[-1] == Unmark(1, START_S)


def test_another_subjects_mark_is_not_taken_back(client: TestClient, incident: str) -> None:
    mark(client, incident, "S2", "reject")
    path = f"/v1/incidents/{incident}/subjects/S1/marks"
    assert slug_of(client.delete(path)) == "mark-not-found"
    assert slug_of(client.delete(path, params={"number": 1})) == "mark-not-found"


def test_who_is_not_in_the_answer_cannot_be_marked(
    console: Console, client: TestClient, incident: str
) -> None:
    response = mark(client, incident, "S9", "confirm")
    assert response.status_code == 404
    assert slug_of(response) == "subject-not-found"
    assert "it has S1, S2" in response.json()["detail"]
    assert console.runs.made[-1].told == []
    assert console.audited("subject-marked") == []


@pytest.mark.parametrize("body", [{}, {"mark": "shoot"}, {"mark": "confirm", "more": 1}, []])
def test_a_mark_is_one_of_four(client: TestClient, incident: str, body: Any) -> None:
    path = f"/v1/incidents/{incident}/subjects/S1/marks"
    assert slug_of(client.post(path, json=body)) == "invalid-request"


def test_numbers_are_never_given_twice(console: Console, client: TestClient, incident: str) -> None:
    for kind in ("confirm", "reject"):
        mark(client, incident, "S1", kind)
        client.delete(f"/v1/incidents/{incident}/subjects/S1/marks")
    client.post(f"/v1/incidents/{incident}/door-events", json={"door": "1", "event": "forced"})
    numbers = [t.number for t in console.runs.made[-1].told if isinstance(t, (Mark, DoorEvent))]
    assert numbers == [1, 2, 3]


def test_nothing_is_told_that_could_not_be_recorded(
    console: Console, client: TestClient, incident: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AuditError("the disk is full")

    client.get(f"/v1/incidents/{incident}/marks")  # admitted, which is an entry too
    monkeypatch.setattr(Audit, "append", fail)
    assert slug_of(mark(client, incident, "S1", "confirm")) == "audit-unavailable"
    path = f"/v1/incidents/{incident}/friendly-positions"
    for _ in range(2):  # nor does the second pass as already recorded
        response = client.post(path, json={"positions": [POSITION]})
        assert slug_of(response) == "audit-unavailable"
    assert console.runs.made[-1].told == []
    assert client.get(f"/v1/incidents/{incident}/marks").json()["marks"] == []


def test_nothing_is_told_of_an_incident_that_is_over(
    console: Console, client: TestClient, incident: str
) -> None:
    client.delete(f"/v1/incidents/{incident}")
    assert slug_of(mark(client, incident, "S1", "confirm")) == "not-permitted"
    event = {"door": "1", "event": "forced"}
    response = client.post(f"/v1/incidents/{incident}/door-events", json=event)
    assert slug_of(response) == "not-permitted"
    assert "is over" in response.json()["detail"]
    assert console.runs.made[-1].told == []


def test_marks_of_before_a_restart_are_known_by_the_answer_and_can_be_taken_back(
    console: Console, client: TestClient, clock: Clock, incident: str
) -> None:
    held = console.services.incidents.get(incident)
    assert held is not None
    held.told = Told(after=500)  # as in a process that began five seconds later
    given = Mark("confirm", "S2", START_S - 3.0, 4, "dispatcher")
    see(console, S2=(given,))
    (listed,) = client.get(f"/v1/incidents/{incident}/marks").json()["marks"]
    assert (listed["number"], listed["subject_now"], listed["by"]) == (4, "S2", "")
    assert mark(client, incident, "S1", "reject").json()["number"] == 501
    client.delete(f"/v1/incidents/{incident}/subjects/S2/marks")
    assert console.runs.made[-1].told[-1] == Unmark(4, START_S)
    see(console, S2=(given,))  # an answer that was on its way
    numbers = [m["number"] for m in client.get(f"/v1/incidents/{incident}/marks").json()["marks"]]
    assert numbers == [501]


# Who may


ROUTES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "subjects/S1/marks", {"mark": "confirm"}),
    ("DELETE", "subjects/S1/marks", None),
    ("PUT", "arrival", {"site_m": {"type": "Point", "coordinates": [-9.0, 2.0]}}),
    ("DELETE", "arrival", None),
    ("POST", "friendly-positions", {"positions": [POSITION]}),
    ("POST", "door-events", {"door": "1", "event": "forced"}),
]


@pytest.fixture
def bound(tmp_path: Path, clock: Clock, database_url: str | None) -> Iterator[Console]:
    made = build_console(tmp_path, clock, agreement=AGREEMENT, database_url=database_url)
    with TestClient(made.app):
        yield made
    made.record.store.close()


def allowed(bound: Console, role: Role, acts_as: str) -> list[str]:
    """Which of the routes an account is let through to, in a real emergency with a mark."""
    dana = TestClient(bound.app, headers=bound.bearer)
    incident = opened_by(dana, REAL)
    see(bound)
    theirs = TestClient(bound.app, headers=bound.key_of("them", role, acts_as=acts_as))
    done = []
    for method, path, body in ROUTES:
        mark(dana, incident, "S1", "reject")  # so that there is one to take back
        response = theirs.request(method, f"/v1/incidents/{incident}/{path}", json=body)
        if response.status_code < 300:
            done.append(f"{method} {path}")
        else:
            assert slug_of(response) in {"forbidden", "not-permitted"}, response.text
    return done


MARKS = [f"{method} {path}" for method, path, _ in ROUTES[:4]]
REPORTS = [f"{method} {path}" for method, path, _ in ROUTES[4:]]


@pytest.mark.parametrize(
    ("role", "acts_as", "may"),
    [
        ("dispatcher", "dispatcher", MARKS + REPORTS),
        ("dispatcher", "stranger", []),  # not named by the agreement
        ("tactical", "officer", []),
        ("school-administrator", "principal", []),
        ("analyst", "analyst", []),
        ("auditor", "auditor", []),
        ("system", "dispatcher", REPORTS),
        ("system", "door-controller", []),  # not named by the agreement
    ],
)
def test_who_may_tell_what(bound: Console, role: Role, acts_as: str, may: list[str]) -> None:
    assert allowed(bound, role, acts_as) == may


def test_refusals_are_recorded_once_a_minute(bound: Console, clock: Clock) -> None:
    incident = opened_by(TestClient(bound.app, headers=bound.bearer), REAL)
    cad = TestClient(bound.app, headers=bound.key_of("cad", "system", acts_as="stranger"))
    path = f"/v1/incidents/{incident}/door-events"
    for _ in range(3):
        assert slug_of(cad.post(path, json={"door": "1", "event": "forced"})) == "not-permitted"
    clock.now_s += 61.0
    cad.post(path, json={"door": "1", "event": "forced"})
    assert [e["actor"] for e in bound.audited("telling-refused")] == ["cad", "cad"]


def test_names_are_for_those_who_may_mark_and_roles_for_all(bound: Console) -> None:
    dana = TestClient(bound.app, headers=bound.bearer)
    incident = opened_by(dana, REAL)
    see(bound)
    mark(dana, incident, "S1", "confirm")
    officer = TestClient(bound.app, headers=bound.key_of("lea", "tactical", acts_as="officer"))
    (told,) = officer.get(f"/v1/incidents/{incident}/marks").json()["marks"]
    assert (told["role"], told["by"]) == ("dispatcher", "")


def test_a_telling_is_made_by_its_module_only(console: Console) -> None:
    actor = console.services.recogniser.by_bearer(console.token, START_S)
    assert actor is not None
    with pytest.raises(TypeError):
        Telling("i1", actor, "mark", seal=object())


# What other systems know


def test_positions_are_handed_on_in_site_metres_and_recorded_once_a_minute(
    console: Console, client: TestClient, clock: Clock, incident: str
) -> None:
    frame = console.target.site.frame
    lon, lat = frame.to_wgs84(np.array([[4.0, 8.0]]))[0].tolist()
    by_degrees = {**POSITION, "geometry": {"type": "Point", "coordinates": [lon, lat]}}
    del by_degrees["site_m"]
    path = f"/v1/incidents/{incident}/friendly-positions"
    for _ in range(3):
        response = client.post(path, json={"positions": [POSITION, by_degrees]})
        assert (response.status_code, response.json()["taken"]) == (200, 2)
    told = console.runs.made[-1].told
    assert told[0] == FriendlyReport("Unit 12", "L1", (4.0, 8.0), 2.0, START_S)
    assert isinstance(told[1], FriendlyReport)
    assert told[1].xy_m == pytest.approx((4.0, 8.0), abs=0.01)
    assert len(console.audited("positions-reported")) == 1
    clock.now_s += 61.0
    client.post(path, json={"positions": [POSITION]})
    assert [e["units"] for e in console.audited("positions-reported")] == [["Unit 12"]] * 2


def at(offset_s: float) -> str:
    return utc(START_S + offset_s).isoformat()


@pytest.mark.parametrize(
    ("changed", "status", "slug"),
    [
        ({"at": at(-OLDEST_POSITION_S + 1)}, 200, None),
        ({"at": at(-OLDEST_POSITION_S - 1)}, 422, "invalid-request"),
        ({"at": at(AHEAD_S + 1)}, 422, "invalid-request"),
        ({"at": "2026-03-02T09:00:00"}, 422, "invalid-request"),
        ({"level": "L9"}, 404, "level-not-found"),
        ({"accuracy_m": 0}, 422, "invalid-request"),
        ({"unit": "  "}, 422, "invalid-request"),
        ({"site_m": {"type": "Point", "coordinates": [1e6, 0]}}, 422, "invalid-request"),
        ({"geometry": {"type": "Point", "coordinates": [-85.5, 39.0]}}, 422, "invalid-request"),
        ({"site_m": None}, 422, "invalid-request"),
        (
            {"site_m": None, "geometry": {"type": "Point", "coordinates": [39.0, -85.5]}},
            422,
            "invalid-request",
        ),
        (
            {"site_m": None, "geometry": {"type": "Point", "coordinates": [39.0, 95.0]}},
            422,
            "invalid-request",
        ),
    ],
)
def test_positions_that_cannot_be(
    client: TestClient, incident: str, changed: dict[str, Any], status: int, slug: str | None
) -> None:
    path = f"/v1/incidents/{incident}/friendly-positions"
    response = client.post(path, json={"positions": [{**POSITION, **changed}]})
    assert response.status_code == status, response.text
    if slug is not None:
        assert slug_of(response) == slug


@pytest.mark.parametrize(
    ("door", "feature"), [("1", "entrance-1"), ("entrance-2", "entrance-2"), ("east-door",) * 2]
)
def test_doors_are_known_by_number_or_id(
    console: Console, client: TestClient, incident: str, door: str, feature: str
) -> None:
    event = {"door": door, "event": "forced", "at": at(-12.0)}
    response = client.post(f"/v1/incidents/{incident}/door-events", json=event)
    assert response.status_code == 200, response.text
    assert console.runs.made[-1].told == [DoorEvent("forced", feature, START_S - 12.0, 1)]
    (entry,) = console.audited("door-reported")
    assert (entry["door"], entry["event"], entry["happened_s"]) == (door, "forced", START_S - 12.0)


def test_a_door_that_the_plan_lacks_is_named(client: TestClient, incident: str) -> None:
    event = {"door": "9", "event": "forced"}
    response = client.post(f"/v1/incidents/{incident}/door-events", json=event)
    assert slug_of(response) == "door-not-found"
    assert "it has 1, 2" in response.json()["detail"]


def test_arrival_is_told_in_metres_and_degrees_and_taken_back(
    console: Console, client: TestClient, incident: str
) -> None:
    path = f"/v1/incidents/{incident}/arrival"
    place = {"site_m": {"type": "Point", "coordinates": [-9.0, 2.0]}}
    said = client.put(path, json=place).json()
    again = client.put(path, json={"geometry": said["geometry"]}).json()
    assert again["site_m"]["coordinates"] == pytest.approx([-9.0, 2.0], abs=0.01)
    assert client.delete(path).status_code == 204
    assert client.delete(path).status_code == 204
    told = console.runs.made[-1].told
    assert told[0] == Arrival((-9.0, 2.0), START_S)
    assert told[2:] == [Arrival(None, START_S)] * 2
