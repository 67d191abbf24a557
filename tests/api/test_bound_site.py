"""A site that an agreement binds, from outside: who may ask, who may see, who may end."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from calibration.wording import reasons
from tests.api.replayed import (
    START_S,
    Clock,
    Console,
    answer,
    evidence,
    opened_by,
    slug_of,
    subject,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.actors import Role

REAL = {
    "site": "small",
    "kind": "real",
    "emergency": "active-shooter",
    "channel": "911",
    "reason": "shots heard in the west room",
}
CAMERA_WORDS = ("cam-01", "cam-02", "strongest at", "seen by")
SEEN: Any = SimpleNamespace(
    armed_llr=5.0,
    armed_looks=8,
    armed_looks_span_s=4.0,
    armed_tracks=(("cam-01", 4), ("cam-02", 9)),
    cameras=("cam-01", "cam-02"),
    in_view=True,
)
"""Of a subject, what its reasons are made from."""


@pytest.fixture
def client(bound: Console) -> Iterator[TestClient]:
    with TestClient(bound.app, headers=bound.bearer, raise_server_exceptions=False) as made:
        yield made


def opened(client: TestClient, **changed: object) -> str:
    return opened_by(client, {**REAL, **changed})


def test_a_real_emergency_is_opened_by_its_clause(client: TestClient, bound: Console) -> None:
    incident = client.get(f"/v1/incidents/{opened(client)}").json()
    assert (incident["kind"], incident["exercise"], incident["emergency"]) == (
        "real", False, "active-shooter",
    )  # fmt: skip
    assert incident["clause"]["id"] == "2"
    assert incident["clause"]["sha256"] == bound.target.terms.agreement.sha256  # type: ignore[union-attr]
    assert incident["until"] == "2026-03-02T09:10:00Z"
    (entry,) = bound.audited("grant-opened")
    assert (entry["actor"], entry["actor_role"], entry["role"], entry["clause"]) == (
        "dana", "dispatcher", "dispatcher", "2",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"emergency": "food-fight"}, "no life-safety emergency"),
        ({"emergency": "flood"}, "not among what counts"),
        ({"emergency": None}, "which class"),
        ({"channel": "hotline"}, "no clause allows it"),
        ({"channel": "console"}, "no clause allows it"),
    ],
)
def test_a_refusal_names_its_reason_and_is_on_record(
    client: TestClient, bound: Console, changed: dict[str, object], said: str
) -> None:
    explained = client.post("/v1/explanations", json={**REAL, **changed}).json()
    assert explained["allowed"] is False
    assert bound.audited("grant-refused") == []
    response = client.post("/v1/incidents", json={**REAL, **changed})
    assert (response.status_code, slug_of(response)) == (403, "not-permitted")
    assert said in response.json()["detail"] == explained["because"]
    (entry,) = bound.audited("grant-refused")
    assert said in entry["refusal"]
    assert bound.runs.made == []


@pytest.mark.parametrize("channel", ["panic-app", "cad", "carrier pigeon"])
def test_channels_of_machines_are_not_for_people(client: TestClient, channel: str) -> None:
    response = client.post("/v1/incidents", json={**REAL, "channel": channel})
    assert slug_of(response) == "invalid-request"


def test_a_dispatcher_relays_and_both_are_on_record(client: TestClient, bound: Console) -> None:
    caller = {"role": "principal", "name": "P. Smith"}
    opened(client, channel="administrator", on_behalf_of=caller)
    (entry,) = bound.audited("grant-opened")
    assert (entry["opened_by"], entry["role"], entry["actor"]) == ("P. Smith", "principal", "dana")
    pat = bound.key_of("pat", "school-administrator", acts_as="principal")
    refused = client.post("/v1/incidents", json={**REAL, "on_behalf_of": caller}, headers=pat)
    assert slug_of(refused) == "forbidden"


# (role, acts as, agency) → what each may do; 2 is success.
MAY: dict[tuple[Role, str, str], dict[str, int]] = {
    ("dispatcher", "dispatcher", ""): {"open": 2, "see": 2, "extend": 2, "end": 2, "record": 4},
    ("school-administrator", "principal", ""): {
        "open": 2, "see": 2, "extend": 4, "end": 2, "record": 2,
    },
    ("school-administrator", "custodian", ""): {
        "open": 4, "see": 4, "extend": 4, "end": 4, "record": 2,
    },
    ("tactical", "officer", ""): {"open": 4, "see": 2, "extend": 4, "end": 4, "record": 4},
    ("tactical", "firefighter", "Fire"): {"open": 4, "see": 2, "extend": 4, "end": 4, "record": 4},
    ("tactical", "trooper", "State"): {"open": 4, "see": 4, "extend": 4, "end": 4, "record": 4},
    ("analyst", "officer", ""): {"open": 4, "see": 4, "extend": 4, "end": 4, "record": 4},
    ("auditor", "auditor", ""): {"open": 4, "see": 4, "extend": 4, "end": 4, "record": 2},
    ("installer", "dispatcher", ""): {"open": 4, "see": 4, "extend": 4, "end": 4, "record": 4},
    ("system", "dispatcher", ""): {"open": 2, "see": 4, "extend": 2, "end": 2, "record": 4},
}  # fmt: skip


@pytest.mark.parametrize(("who", "may"), MAY.items(), ids=lambda value: "-".join(value)[:40])
def test_what_each_role_may(
    client: TestClient, bound: Console, who: tuple[Role, str, str], may: dict[str, int]
) -> None:
    role, acts_as, agency = who
    key = bound.key_of("ivy", role, acts_as=acts_as, agency=agency)
    found = {"open": client.post("/v1/incidents", json=REAL, headers=key).status_code // 100}
    if found["open"] == 2:
        found_id = client.get("/v1/incidents").json()["incidents"][0]["incident"]
        client.delete(f"/v1/incidents/{found_id}")
    path = f"/v1/incidents/{opened(client)}"
    seen = {
        client.get(f"{path}/{what}", headers=key).status_code // 100
        for what in ("last-seen", "entrances", "cameras")
    }
    assert len(seen) == 1
    found["see"] = seen.pop()
    found["record"] = client.get(f"{path}/disclosure", headers=key).status_code // 100
    found["extend"] = client.post(f"{path}/extension", headers=key).status_code // 100
    found["end"] = client.delete(path, headers=key).status_code // 100
    assert found == may


def test_sites_of_others_are_not_there(client: TestClient, bound: Console) -> None:
    path = f"/v1/incidents/{opened(client)}"
    key = bound.key_of("eve", "dispatcher", sites=("north",))
    assert client.get("/v1/sites", headers=key).json()["sites"] == []
    assert client.get("/v1/incidents", headers=key).json()["incidents"] == []
    for there in (path, f"{path}/last-seen", f"{path}/events", "/v1/sites/small/plan"):
        assert client.get(there, headers=key).status_code == 404, there
    assert client.delete(path, headers=key).status_code == 404
    assert client.post("/v1/incidents", json=REAL, headers=key).status_code == 404


def test_confidential_facts_are_told_to_the_roles_that_the_agreement_names(
    client: TestClient, bound: Console
) -> None:
    incident = opened(client)
    path = f"/v1/incidents/{incident}"
    run = bound.runs.made[0]
    run.pictures = {("cam-01", 4): evidence("cam-01", 4, START_S, 0.8)}
    run.trouble = ("camera cam-01: stalled",)
    names = {camera.id: camera.name for camera in bound.target.site.cameras.values()}
    named, plain = (reasons(SEEN, 0.3, known) for known in (names, None))
    assert any("West room" in reason for reason in named)
    run.say(answer(START_S, subject(at_s=START_S, reasons=named, plain_reasons=plain)))
    places = ["/v1/sites", "/v1/sites/small/plan", f"{path}/last-seen", f"{path}/cameras", path]
    officer = bound.key_of("ola", "tactical", acts_as="officer")
    for place in places:
        told = client.get(place).text
        less = client.get(place, headers=officer)
        assert less.status_code == 200, place
        assert any(word in told for word in CAMERA_WORDS) or place == path
        assert not any(word in less.text for word in CAMERA_WORDS), place
    assert client.get("/v1/sites").json()["sites"][0]["agreement"]["retention_days"] == 30
    site = client.get("/v1/sites", headers=officer).json()["sites"][0]
    assert (site["cameras"], site["agreement"]["retention_days"]) == (None, None)
    answered = client.get(f"{path}/last-seen", headers=officer).json()
    assert answered["subjects"][0]["space"]["name"] == "West room"  # the answer is theirs
    assert answered["subjects"][0]["reasons"] == [
        "carries what looks like a weapon: 8 looks over 4 s", "in view now",
    ]  # fmt: skip
    assert client.get(f"{path}/evidence/cam-01/4", headers=officer).status_code == 404
    client.delete(path)
    for last in ({}, {"Last-Event-ID": "0"}):  # a snapshot, and all messages one by one
        heard = client.get(f"{path}/events", headers={**officer, **last})
        assert not any(word in heard.text for word in CAMERA_WORDS)
        assert "West room" in heard.text


def test_who_may_not_see_is_told_that_it_is_open_and_no_more(
    client: TestClient, bound: Console
) -> None:
    path = f"/v1/incidents/{opened(client)}"
    trooper = bound.key_of("tom", "tactical", acts_as="trooper")
    listed = client.get("/v1/incidents", headers=trooper).json()["incidents"]
    for told in (client.get(path, headers=trooper).json(), *listed):
        assert (told["state"], told["kind"], told["emergency"]) == (
            "open", "real", "active-shooter",
        )  # fmt: skip
        assert {told[name] for name in ("opened_by", "reason", "because", "role")} == {""}
    client.delete(path, params={"reason": "all clear"})
    assert client.get(path, headers=trooper).json()["closing_reason"] == ""
    officer = bound.key_of("ola", "tactical", acts_as="officer")
    assert client.get(path, headers=officer).json()["closing_reason"] == "all clear"


def test_refused_looks_fill_no_disk(client: TestClient, bound: Console, clock: Clock) -> None:
    path = f"/v1/incidents/{opened(client)}/last-seen"
    trooper = bound.key_of("tom", "tactical", acts_as="trooper")
    for _ in range(2):
        for _ in range(20):
            assert client.get(path, headers=trooper).status_code == 403
        clock.now_s += 60
    assert len(bound.audited("viewer-refused")) == 2


def test_line_breaks_do_not_get_into_the_record(client: TestClient, bound: Console) -> None:
    path = f"/v1/incidents/{opened(client, reason='shots' + chr(10) + '2026 faked')}"
    client.delete(path, params={"reason": "over\r\nfaked"})
    first, last = bound.audited("grant-opened", "grant-closed")
    assert (first["reason"], last["reason"]) == ("shots 2026 faked", "over faked")


def test_who_saw_what_is_on_record(client: TestClient, bound: Console) -> None:
    path = f"/v1/incidents/{opened(client)}"
    bound.runs.made[0].pictures = {("cam-01", 4): evidence("cam-01", 4, START_S, 0.8)}
    for _ in range(3):
        client.get(f"{path}/last-seen")
    trooper = bound.key_of("tom", "tactical", acts_as="trooper")
    client.get(f"{path}/last-seen", headers=trooper)
    client.get(f"{path}/evidence/cam-01/4")
    seen = [
        (entry["action"], entry["actor"])
        for entry in bound.audited("viewer-admitted", "viewer-refused", "picture-shown")
    ]
    assert seen == [
        ("viewer-admitted", "dana"), ("viewer-refused", "tom"), ("picture-shown", "dana"),
    ]  # fmt: skip
    pat = bound.key_of("pat", "school-administrator", acts_as="principal")
    told = client.get(f"{path}/disclosure", headers=pat).json()
    assert told["whole"] is True
    assert any("dana" in json.dumps(viewer) for viewer in told["viewers"])


def test_two_people_open_what_one_may_not(client: TestClient, bound: Console) -> None:
    asked = {**REAL, "channel": "break-glass"}
    response = client.post("/v1/incidents", json=asked)
    assert response.status_code == 202
    waiting = response.json()
    assert client.get("/v1/requests").json()["requests"] == [waiting]
    path = f"/v1/requests/{waiting['request']}/confirmation"
    own = client.post(path)
    assert (own.status_code, slug_of(own)) == (403, "own-request")
    officer = bound.key_of("ola", "tactical", acts_as="officer")
    assert slug_of(client.post(path, headers=officer)) == "forbidden"
    assert bound.runs.made == []
    kim = bound.key_of("kim", "dispatcher")
    confirmed = client.post(path, headers=kim)
    assert confirmed.status_code == 201
    assert (confirmed.json()["confirmed_by"], confirmed.json()["opened_by"]) == (
        "Kim (kim)", "Dana",
    )  # fmt: skip
    assert slug_of(client.post(path, headers=kim)) == "request-not-found"
    assert client.get("/v1/requests").json()["requests"] == []


def test_a_link_is_good_for_a_minute_one_viewer_and_one_picture(
    client: TestClient, bound: Console, clock: Clock
) -> None:
    path = f"/v1/incidents/{opened(client)}"
    picture = evidence("cam-01", 4, START_S, 0.8)
    bound.runs.made[0].pictures = {("cam-01", 4): picture}
    stranger = TestClient(bound.app, raise_server_exceptions=False)
    wanted = {"camera": "cam-01", "track": 4}
    assert stranger.post(f"{path}/links", json=wanted).status_code == 401
    link = client.post(f"{path}/links", json=wanted).json()["path"]
    shown = stranger.get(link)
    assert (shown.status_code, shown.content) == (200, picture.jpeg)
    assert bound.audited("picture-shown")[-1]["actor"] == "dana"
    for bent in (link[:-2], f"{link}x", "/v1/links/x", link.replace("/links/", "/links/a.b.")):
        assert stranger.get(bent).status_code == 401, bent
    assert stranger.get("/v1/sites", headers=as_token(link)).status_code == 401
    clock.now_s += 60
    assert slug_of(stranger.get(link)) == "link-invalid"
    again = client.post(f"{path}/links", json=wanted).json()["path"]
    client.delete(path)
    assert slug_of(stranger.get(again)) == "no-picture"


def as_token(link: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {link.rpartition('/')[2]}"}


def test_standing_access_is_exterior_cameras_only(client: TestClient, bound: Console) -> None:
    standing = {"site": "small", "kind": "standing", "reason": "a look at the yard"}
    refused = client.post("/v1/incidents", json=standing)
    assert "no cameras that may be opened" in refused.json()["detail"]  # all are interior here


def test_what_is_kept_can_be_read_held_and_purged(
    client: TestClient, bound: Console, clock: Clock
) -> None:
    incident = opened(client)
    run = bound.runs.made[0]
    run.pictures = {("cam-01", 4): evidence("cam-01", 4, START_S, 0.8)}
    run.say(answer(START_S, subject(at_s=START_S)))
    client.delete(f"/v1/incidents/{incident}")
    auditor = bound.key_of("aud", "auditor")
    path = f"/v1/archive/{incident}"
    assert client.get(path).status_code == 403
    records = client.get(path, headers=auditor).json()["records"]
    assert sorted(record["kind"] for record in records) == ["evidence", "sighting"]
    house = bound.services.housekeeping
    clock.now_s += 29 * 86_400
    house.tick(clock())
    pat = bound.key_of("pat", "school-administrator", acts_as="principal")
    assert client.put(f"{path}/hold", json={"reason": "court"}, headers=pat).status_code == 204
    clock.now_s += 10 * 86_400
    house.tick(clock())
    late = bound.key_of("late", "auditor")
    assert client.get(path, headers=late).status_code == 200
    principal = bound.key_of("prue", "school-administrator", acts_as="principal")
    assert client.delete(f"{path}/hold", headers=principal).status_code == 204
    house.tick(clock())
    gone = client.get(path, headers=late)
    assert (gone.status_code, slug_of(gone)) == (410, "purged")
    (receipt,) = bound.audited("purged")
    assert (receipt["incident"], receipt["records"]) == (incident, 2)


def test_the_whole_audit_is_for_who_may_see_all_sites(client: TestClient, bound: Console) -> None:
    opened(client)
    auditor = bound.key_of("aud", "auditor")
    first: dict[str, Any] = client.get("/v1/audit?most=2", headers=auditor).json()
    assert [entry["seq"] for entry in first["entries"]] == [1, 2]
    rest = client.get(f"/v1/audit?after={first['next_after']}", headers=auditor).json()
    assert rest["entries"][0]["seq"] == 3
    assert rest["next_after"] is None
    verdict = client.get("/v1/audit/verdict", headers=auditor).json()
    assert verdict["whole"] is True
    some = bound.key_of("sam", "auditor", sites=("small",))
    assert slug_of(client.get("/v1/audit", headers=some)) == "forbidden"
    assert slug_of(client.get("/v1/audit")) == "forbidden"
