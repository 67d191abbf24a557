"""The application from outside: who gets in, what it answers, how it says no."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts
from starlette.routing import Mount
from starlette.testclient import TestClient

from api.access import COOKIE, PAGES, PROBES, PUBLIC, is_signed
from api.audit import Audit
from api.errors import AuditError
from api.page_routes import CONSOLE
from tests.api.replayed import PASSWORD, START_S, Clock, Console, answer, evidence, subject

if TYPE_CHECKING:
    from httpx2 import Response

SAME_ORIGIN = {"Origin": "http://testserver"}
OPEN = {"site": "small", "kind": "exercise", "opened_by": "Dispatcher 7", "reason": "drill"}


def opened(client: TestClient) -> str:
    response = client.post("/v1/incidents", json=OPEN)
    assert response.status_code == 201, response.text
    incident: str = response.json()["incident"]
    return incident


def assert_problem(response: Response, status: int, slug: str) -> dict[str, Any]:
    """Check that a response is a problem document as RFC 9457 has it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["type"] == f"urn:lastseen:problem:{slug}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"].startswith("/")
    return problem


def every_route(console: Console) -> set[tuple[str, str]]:
    """(method, path) of everything the application can answer."""
    found: set[tuple[str, str]] = set()
    for context in iter_route_contexts(console.app.routes):
        route = context.original_route
        if isinstance(route, APIWebSocketRoute):
            continue  # `test_access_websockets` knocks there
        if isinstance(route, Mount):
            files = [path for path in CONSOLE.rglob("*") if path.is_file()]
            assert files
            found |= {("GET", f"{route.path}/{path.relative_to(CONSOLE)}") for path in files}
        else:
            path = context.path if isinstance(route, APIRoute) else getattr(route, "path", "")
            methods = getattr(route, "methods", None)
            assert path, f"{route!r} has no path to try"
            assert methods, f"{route!r} has no methods to try"
            found |= {(method, path) for method in methods}
    return found


# Who gets in


def test_the_walk_over_the_routes_finds_what_is_there(console: Console) -> None:
    routes = every_route(console)
    assert {
        ("POST", "/v1/incidents"),
        ("GET", "/v1/incidents/{incident_id}/events"),
        ("GET", "/v1/sites/{site_id}/plan"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/console/main.js"),
        ("DELETE", "/session"),
    } <= routes
    assert routes >= PUBLIC | PROBES


def test_no_route_answers_without_a_token(
    console: Console, stranger: TestClient, clock: Clock
) -> None:
    for method, template in sorted(every_route(console) - PUBLIC - PROBES):
        clock.now_s += 1.0  # so many at once would be too many from one address
        path = re.sub(r"\{[^}]*\}", "x", template)
        response = stranger.request(method, path)
        if method == "HEAD":
            assert response.status_code == 401, (method, path)
            continue
        if is_signed(method, path):
            assert response.status_code == 401, (method, path)
            continue
        assert_problem(response, 401, "unauthorized")
        assert response.headers["www-authenticate"].startswith("Bearer"), path
    assert console.runs.made == []


def test_what_does_not_exist_looks_the_same_to_a_stranger(stranger: TestClient) -> None:
    for method, path in [
        ("GET", "/nothing"), ("PUT", "/"), ("HEAD", "/"), ("OPTIONS", "/v1/incidents"),
        ("GET", "/session"), ("GET", "/console/../app.py"), ("GET", "/favicon.ico"),
        ("POST", "/session/"), ("GET", "/docs/"), ("GET", "/v1/incidents/"),
    ]:  # fmt: skip
        assert stranger.request(method, path).status_code == 401, (method, path)


@pytest.mark.parametrize(
    "host", ["a/?", "a/#", "testserver/session?", "testserver#", "/", "[::1", "a b"]
)
def test_the_host_header_cannot_make_a_path_public(stranger: TestClient, host: str) -> None:
    response = stranger.get("/v1/sites", headers={"Host": host})
    assert response.status_code == 401


def test_the_public_places_hold_no_data(console: Console, stranger: TestClient) -> None:
    assert frozenset({("GET", "/"), ("POST", "/session"), ("POST", "/v1/sign-in")}) == PUBLIC
    form = stranger.get("/")
    assert form.status_code == 200
    assert "Password" in form.text
    assert "<script" not in form.text
    for secret in ("small", "Small school", "/v1/", "/console/", console.token):
        assert secret not in form.text
    wrong = {"name": "dana", "password": "wrong"}
    assert_problem(stranger.post("/session", data=wrong), 401, "sign-in-refused")
    assert_problem(stranger.post("/v1/sign-in", json=wrong), 401, "sign-in-refused")


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer wrong", "Basic {token}", "{token}", "Bearer {token}x",
     "bearer\t{token}", "Bearer é"],
)  # fmt: skip
def test_wrong_credentials_do_not_get_in(
    console: Console, stranger: TestClient, header: str
) -> None:
    value = header.format(token=console.token).encode("latin-1")
    response = stranger.get("/v1/sites", headers={b"Authorization": value})
    assert_problem(response, 401, "unauthorized")
    assert console.token not in response.text


def test_the_token_gets_in(console: Console, stranger: TestClient) -> None:
    for scheme in ("Bearer", "bearer"):
        headers = {"Authorization": f"{scheme} {console.token}"}
        assert stranger.get("/v1/sites", headers=headers).status_code == 200


@pytest.mark.parametrize("page", sorted(PAGES))
def test_who_opens_a_page_signs_in_and_comes_back_to_it(console: Console, page: str) -> None:
    console.browser_of("ivy")  # the account is there
    client = TestClient(console.app, follow_redirects=False)
    assert client.get(page).status_code == 401  # a program is told
    sent = client.get(page, headers={"Accept": "text/html,*/*"})
    assert (sent.status_code, sent.headers["location"]) == (303, f"/?next={page}")
    form = client.get(sent.headers["location"])
    assert f'<input type="hidden" name="next" value="{page}">' in form.text
    back = client.post("/session", data={"name": "ivy", "password": PASSWORD, "next": page})
    assert (back.status_code, back.headers["location"]) == (303, page)


@pytest.mark.parametrize(
    "wanted", ["https://elsewhere.example/", "//elsewhere.example", "/docs/../v1", '"><b>', ""]
)
def test_nobody_is_led_elsewhere_by_signing_in(console: Console, wanted: str) -> None:
    console.browser_of("ivy")  # the account is there
    client = TestClient(console.app, follow_redirects=False)
    assert 'type="hidden"' not in client.get("/", params={"next": wanted}).text
    back = client.post("/session", data={"name": "ivy", "password": PASSWORD, "next": wanted})
    assert (back.status_code, back.headers["location"]) == (303, "/")


def test_signing_in_gives_a_cookie_that_scripts_cannot_read(console: Console) -> None:
    console.browser_of("ivy")
    form = {"name": "ivy", "password": PASSWORD}
    client = TestClient(console.app, follow_redirects=False)
    response = client.post("/session", data=form)
    cookies = response.headers.get_list("set-cookie")
    assert any(cookie.startswith(f"{COOKIE}=") for cookie in cookies)
    for cookie in cookies:
        for flag in ("HttpOnly", "SameSite=strict", "Path=/"):
            assert flag in cookie
        assert PASSWORD not in cookie
        assert "Secure" not in cookie  # this request came without TLS

    secure = TestClient(console.app, base_url="https://testserver", follow_redirects=False)
    response = secure.post("/session", data=form)
    assert all("Secure" in cookie for cookie in response.headers.get_list("set-cookie"))


def test_a_session_shows_the_page_until_it_is_ended(console: Console, clock: Clock) -> None:
    client = console.browser_of("ivy")
    assert 'id="plan"' in client.get("/").text
    assert client.get("/v1/sites").status_code == 200
    stolen = client.cookies[COOKIE]
    assert client.delete("/session", headers=SAME_ORIGIN).status_code == 204
    again = TestClient(console.app, cookies={COOKIE: stolen})
    assert again.get("/v1/sites").status_code == 401

    client = console.browser_of("ivy")
    clock.now_s += 13 * 3600
    assert client.get("/v1/sites").status_code == 401
    assert "Password" in client.get("/").text


def test_a_wrong_password_in_a_browser_shows_the_form_again(stranger: TestClient) -> None:
    response = stranger.post(
        "/session",
        data={"name": "<b>dana</b>", "password": "<b>wrong</b>"},
        headers={"Accept": "text/html"},
    )
    assert response.status_code == 401
    assert 'role="alert"' in response.text
    assert "<b>" not in response.text
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://testserver", 201),
        (None, 403),
        ("null", 403),
        ("http://evil.example", 403),
        ("http://testserver.evil.example", 403),
        ("http://testserver:8080", 403),
    ],
)
def test_another_site_cannot_use_the_cookie(
    console: Console, origin: str | None, status: int
) -> None:
    client = console.browser_of("ivy")
    headers = {} if origin is None else {"Origin": origin}
    response = client.post("/v1/incidents", json=OPEN, headers=headers)
    assert response.status_code == status, response.text
    if status == 403:
        assert_problem(response, 403, "foreign-origin")
        assert console.runs.made == []


def test_another_site_cannot_sign_a_browser_in(console: Console, stranger: TestClient) -> None:
    console.browser_of("ivy")
    headers = {"Origin": "http://evil.example"}
    form = {"name": "ivy", "password": PASSWORD}
    response = stranger.post("/session", data=form, headers=headers)
    assert_problem(response, 403, "foreign-origin")
    assert "set-cookie" not in response.headers


def test_a_client_with_the_token_needs_no_origin(client: TestClient) -> None:
    opened(client)


def test_every_response_carries_the_security_headers(
    client: TestClient, stranger: TestClient
) -> None:
    for response in (
        client.get("/"), client.get("/console/main.js"), client.get("/v1/sites"),
        client.get("/nothing"), stranger.get("/"), stranger.get("/v1/sites"),
    ):  # fmt: skip
        policy = response.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-frame-options"] == "DENY"
        assert "no-store" in response.headers["cache-control"]


def test_the_pages_hold_no_inline_script_and_reach_no_other_host() -> None:
    for path in CONSOLE.rglob("*"):
        if path.suffix not in {".html", ".js", ".css", ".svg"}:
            continue
        text = path.read_text(encoding="utf-8")
        hosts = set(re.findall(r"https?://([^/\"' )]+)", text))
        assert hosts <= {"www.w3.org"}, f"{path.name} names {hosts}"  # the SVG name space
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), path.name
        assert not re.search(r"\son\w+=", text) or path.suffix != ".html", path.name
        assert "innerHTML" not in text, path.name


# What it answers


def test_opening_following_and_closing_an_exercise(client: TestClient, console: Console) -> None:
    response = client.post("/v1/incidents", json=OPEN)
    assert response.status_code == 201
    body = response.json()
    incident = body["incident"]
    assert response.headers["location"] == f"/v1/incidents/{incident}"
    assert (body["state"], body["exercise"], body["opened_by"]) == ("open", True, "Dispatcher 7")
    assert body["target"] == {"id": "small", "kind": "site", "name": "Small school"}

    console.runs.made[0].say(answer(START_S, subject(at_s=START_S)))
    last_seen = client.get(f"/v1/incidents/{incident}/last-seen").json()
    assert last_seen["subjects"][0]["space"]["name"] == "West room"
    assert last_seen["times"]["captured"] == "2026-03-02T08:59:59.600000Z"
    doors = client.get(f"/v1/incidents/{incident}/entrances").json()
    assert [door["door_number"] for door in doors["entrances"]] == ["1", "2"]
    cameras = client.get(f"/v1/incidents/{incident}/cameras").json()
    assert [camera["id"] for camera in cameras["cameras"]] == ["cam-01", "cam-02"]
    assert client.get("/v1/sites").json()["sites"][0]["open_incident"] == incident

    closed = client.delete(f"/v1/incidents/{incident}", params={"reason": "all clear"}).json()
    assert (closed["state"], closed["closed_by"], closed["closing_reason"]) == (
        "closed", "Dana", "all clear",
    )  # fmt: skip
    assert console.runs.made[0].stopped
    assert client.delete(f"/v1/incidents/{incident}").json()["closing_reason"] == "all clear"
    kept = client.get(f"/v1/incidents/{incident}/last-seen").json()
    assert kept == last_seen
    assert client.get("/v1/sites").json()["sites"][0]["open_incident"] is None
    assert [each["incident"] for each in client.get("/v1/incidents").json()["incidents"]] == [
        incident
    ]


def test_the_events_of_a_closed_incident_end(client: TestClient, console: Console) -> None:
    incident = opened(client)
    console.runs.made[0].say(answer(START_S, subject(at_s=START_S)))
    last = client.delete(f"/v1/incidents/{incident}").json()["sequence"]
    address = f"/v1/incidents/{incident}/events"

    everything = client.get(address, headers={"Last-Event-ID": "0"})
    assert everything.headers["content-type"].startswith("text/event-stream")
    names = re.findall(r"^event: (.+)$", everything.text, re.MULTILINE)
    assert names[0] == "incident"
    assert names[-1] == "closed"
    assert re.findall(r"^id: (\d+)$", everything.text, re.MULTILINE) == [
        str(number) for number in range(1, last + 1)
    ]
    rest = client.get(address, headers={"Last-Event-ID": str(last - 1)})
    assert re.findall(r"^event: (.+)$", rest.text, re.MULTILINE) == ["closed"]
    nothing = client.get(address, headers={"Last-Event-ID": str(last)})
    assert nothing.status_code == 204  # tells a browser not to come back
    newcomer = client.get(address)
    assert re.findall(r"^event: (.+)$", newcomer.text, re.MULTILINE) == ["snapshot", "closed"]


def test_the_plan_shows_rooms_walls_doors_and_what_cameras_see(client: TestClient) -> None:
    response = client.get("/v1/sites/small/plan")
    assert response.headers["content-type"] == "application/geo+json"
    plan = response.json()
    assert plan["lastseen"] == {
        "schema": 1,
        "coordinates": "site-metres",
        "bearing_deg": 90.0,
        "grid": {
            "left_top_m": [0.0, 20.0], "edge_m": 10.0, "columns": ["A", "B"], "rows": ["1", "2"],
        },
        "underlays": [],
    }  # fmt: skip
    by_type: dict[str, list[dict[str, Any]]] = {}
    for feature in plan["features"]:
        by_type.setdefault(feature["feature_type"], []).append(feature)
    assert {unit["properties"]["name"] for unit in by_type["unit"]} == {
        "Corridor", "West room", "East room",
    }  # fmt: skip
    assert [door["properties"]["door_number"] for door in by_type["entrance"]] == ["1", "2"]
    assert len(by_type["opening"]) == 2
    (walls,) = by_type["wall"]
    assert walls["geometry"]["type"] == "MultiLineString"
    place = {camera["id"]: camera["geometry"]["coordinates"] for camera in by_type["camera"]}
    assert place == {"cam-01": [4.0, 8.0], "cam-02": [10.0, 2.0]}
    views = {
        view["properties"]["camera"]: view["geometry"]["type"] for view in by_type["camera-view"]
    }
    assert set(views) == {"cam-01", "cam-02"}
    assert set(views.values()) <= {"Polygon", "MultiPolygon"}


# How it says no


@pytest.mark.parametrize(
    ("changed", "status", "slug", "said"),
    [
        ({"kind": "real"}, 403, "not-permitted", "agreement"),
        ({"site": "north"}, 404, "site-not-found", "north"),
        ({"site": None, "drill": "small"}, 404, "site-not-found", "is a site"),
        ({"site": None}, 422, "invalid-request", "exactly one"),
        ({"drill": "small"}, 422, "invalid-request", "exactly one"),
        ({"kind": "test"}, 422, "invalid-request", "body.kind"),
        ({"opened_by": " "}, 422, "invalid-request", "body.opened_by"),
        ({"reason": ""}, 422, "invalid-request", "body.reason"),
        ({"surprise": 1}, 422, "invalid-request", "body.surprise"),
    ],
)
def test_requests_that_cannot_be_met(
    client: TestClient,
    console: Console,
    changed: dict[str, object],
    status: int,
    slug: str,
    said: str,
) -> None:
    response = client.post("/v1/incidents", json={**OPEN, **changed})
    problem = assert_problem(response, status, slug)
    assert said in problem["detail"]
    assert console.runs.made == []


def test_what_was_sent_is_not_echoed(client: TestClient) -> None:
    response = client.post("/v1/incidents", json={**OPEN, "kind": "hunter2"})
    assert "hunter2" not in response.text


def test_errors_of_the_protocol_have_the_one_shape(client: TestClient) -> None:
    assert_problem(client.get("/nothing"), 404, "not-found")
    assert_problem(client.get("/console/nothing.js"), 404, "not-found")
    assert_problem(client.put("/v1/incidents"), 405, "method-not-allowed")
    assert_problem(client.get("/v1/incidents/none"), 404, "incident-not-found")
    assert_problem(client.get("/v1/incidents/none/events"), 404, "incident-not-found")
    assert_problem(client.get("/v1/sites/none/plan"), 404, "site-not-found")
    json_type = {"Content-Type": "application/json"}
    response = client.post("/v1/incidents", content=b"{", headers=json_type)
    problem = assert_problem(response, 422, "invalid-request")
    assert problem["errors"]
    response = client.post("/v1/incidents", content=b" " * 70_000, headers=json_type)
    assert_problem(response, 413, "request-too-large")


def test_a_second_incident_on_a_site_is_a_conflict(client: TestClient) -> None:
    incident = opened(client)
    problem = assert_problem(client.post("/v1/incidents", json=OPEN), 409, "incident-already-open")
    assert incident in problem["detail"]


def test_nothing_to_play_is_a_conflict(client: TestClient, console: Console) -> None:
    console.runs.refuse = "no camera has an address"
    problem = assert_problem(client.post("/v1/incidents", json=OPEN), 409, "nothing-to-play")
    assert problem["detail"] == "no camera has an address"


def test_without_an_audit_nothing_opens(client: TestClient, console: Console) -> None:
    with console.record.store.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE audit RENAME TO gone")
    response = client.post("/v1/incidents", json=OPEN)
    assert_problem(response, 503, "audit-unavailable")
    assert str(console.state) not in response.text
    assert "gone" not in response.text
    assert console.runs.made == []
    with console.record.store.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO audit")


def test_an_internal_error_tells_nothing_of_the_inside(
    client: TestClient, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(_target: str) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr(console.app.state.services.incidents, "open_on", explode)
    response = client.get("/v1/sites")
    assert_problem(response, 500, "internal-error")
    assert "secret" not in response.text
    assert "Traceback" not in response.text


# What it says about itself


def test_the_openapi_document_has_examples_and_the_token(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            named = (method.upper(), path)
            public = named in PUBLIC | PROBES or is_signed(*named)
            assert operation.get("security") == (None if public else [{"token": []}]), where
            assert operation["description"], where
            assert "401" in operation["responses"], where
            answers = operation["responses"]
            success = next(answers[one] for one in ("200", "201", "202", "204") if one in answers)
            content = success.get("content", {}).values()
            assert "204" in answers or any("example" in kind for kind in content), where
    assert "Problem" in document["components"]["schemas"]


def test_the_examples_are_what_the_messages_say(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    content = document["paths"]["/v1/incidents/{incident_id}/last-seen"]["get"]["responses"]["200"]
    example = content["content"]["application/json"]["example"]
    assert set(schemas["LastSeen"]["required"]) <= set(example)
    assert set(schemas["Subject"]["required"]) <= set(example["subjects"][0])


def test_names_that_clients_rely_on_are_there(client: TestClient, console: Console) -> None:
    """Names are stable: add to these lists, take nothing away."""
    incident = opened(client)
    console.runs.made[0].say(answer(START_S, subject(at_s=START_S)))
    message = client.get(f"/v1/incidents/{incident}/last-seen").json()
    assert set(message) >= {
        "schema_version", "sequence", "incident", "exercise", "published_at", "at", "times", "text",
        "subjects", "entrances",
    }  # fmt: skip
    assert set(message["times"]) >= {"captured", "decoded", "detected", "placed", "published"}
    assert set(message["subjects"][0]) >= {
        "id", "rank", "probability", "armed_probability", "position", "uncertainty", "space",
        "level", "seen_at", "age_s", "visibility", "cameras", "reasons", "evidence", "trail",
    }  # fmt: skip
    assert set(message["subjects"][0]["position"]) >= {"type", "geometry", "site_m", "properties"}
    assert set(message["entrances"][0]) >= {
        "door_number", "name", "usable", "walk_m", "straight_m", "route", "steps", "why_not",
    }  # fmt: skip


def test_the_clearest_look_can_be_seen_while_the_incident_is_open(
    client: TestClient, console: Console
) -> None:
    incident = opened(client)
    run = console.runs.made[0]
    run.pictures = {
        ("cam-01", 4): evidence("cam-01", 4, START_S - 2, 0.6),
        ("cam-02", 9): evidence("cam-02", 9, START_S - 5, 0.8),
    }
    run.say(answer(START_S, subject(at_s=START_S), subject("S2", at_s=START_S, rank=2)))
    first, second = client.get(f"/v1/incidents/{incident}/last-seen").json()["subjects"]
    assert second["evidence"] is None
    assert (first["evidence"]["camera"], first["evidence"]["score"]) == ("cam-02", 0.8)
    shown = client.get(first["evidence"]["picture"])
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.content == run.pictures["cam-02", 9].jpeg
    (last,) = console.audited("picture-shown")
    assert (last["camera"], last["actor"], last["incident"]) == ("cam-02", "dana", incident)

    unknown = client.get(f"/v1/incidents/{incident}/evidence/cam-02/8")
    assert_problem(unknown, 404, "no-picture")
    client.delete(f"/v1/incidents/{incident}")
    assert_problem(client.get(first["evidence"]["picture"]), 404, "no-picture")


def test_a_picture_that_cannot_be_recorded_is_not_shown(
    client: TestClient, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = opened(client)
    console.runs.made[0].pictures = {("cam-01", 4): evidence("cam-01", 4, START_S, 0.8)}

    assert client.get(f"/v1/incidents/{incident}/last-seen").status_code == 200

    def full(*_: object, **__: object) -> None:
        raise AuditError("no space left")

    monkeypatch.setattr(Audit, "append", full)
    refused = client.get(f"/v1/incidents/{incident}/evidence/cam-01/4")
    assert_problem(refused, 503, "audit-unavailable")


def test_the_audit_says_who_opened_and_who_closed(client: TestClient, console: Console) -> None:
    incident = opened(client)
    kim = console.key_of("kim", "dispatcher")
    client.delete(f"/v1/incidents/{incident}", headers=kim)
    first, last = console.audited("grant-opened", "grant-closed")
    assert (first["actor"], first["opened_by"], first["reason"]) == (
        "dana", "Dispatcher 7", "drill",
    )  # fmt: skip
    assert (last["action"], last["closed_by"]) == ("grant-closed", "kim")
