"""The first thing a request meets, and signing in over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import AsyncIterator  # noqa: TC003 - FastAPI reads the annotation
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx2
import jwt
import pyotp
import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pyotp.totp import TOTP
from sqlalchemy import text
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api import page_routes, sign_in_routes
from api.access import COOKIE, DEVICE_COOKIE, PUBLIC, Access, address_of, is_signed
from api.accounts import Accounts
from api.actors import ABILITIES, Actor
from api.audit import Audit
from api.device_cookies import DEVICE_S, DeviceCookies
from api.errors import ProblemError
from api.keys import Keys
from api.passwords import Passwords
from api.problem_schemas import Problem
from api.problems import install_problem_handlers
from api.recognise import Recogniser
from api.request_limits import Limit, RequestLimits
from api.sessions import IDLE_S, SHIFT_S, TOKEN_S, Sessions
from api.sign_in import WRONG, SignIn
from api.store import open_store
from api.watched_streams import LOOK_AGAIN_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx2 import Response

    from api.store import Store

NOW_S = 1_772_442_000.0
WORDS = "umbrella trombone lattice"
SAME_ORIGIN = {"Origin": "http://testserver"}
JWT = "aaaa.bbbb.cccc"


class QuickPasswords(Passwords):
    """Passwords without the work that makes them safe; `test_sign_in` has the real ones."""

    def hash(self, password: str) -> str:
        return f"quick {password}"

    def verify(self, kept: str | None, password: str) -> bool:
        return kept == f"quick {password}"

    def outdated(self, kept: str) -> bool:  # noqa: ARG002
        return False


class FakeVerifier:
    """An identity provider that vouches for one token, or is away."""

    def __init__(self) -> None:
        self.away = False
        self.tokens = [JWT]

    def actor_of(self, token: str, _now_s: float) -> Actor | None:
        if self.away:
            raise ProblemError(503, "identity-provider-unavailable", "It is away", "try again")
        return Actor("oidc:u-17", "tactical", "tactical") if token in self.tokens else None


class Place:
    """A small application behind `Access`: "uma" has a password, "ivy" a second factor, too."""

    def __init__(self, store: Store, folder: Path, limits: RequestLimits | None) -> None:
        self.now_s = NOW_S
        self.store = store
        self.audit = Audit(store)
        keys = Keys(folder)
        passwords = QuickPasswords()
        self.accounts = Accounts(store, keys, self.audit, passwords)
        self.sessions = Sessions(store)
        self.verifier = FakeVerifier()
        uri = self._add("ivy", second_factor=True)
        assert uri is not None
        app = pyotp.parse_uri(uri)
        assert isinstance(app, TOTP)
        self.totp = app
        self._add("uma", second_factor=False)
        sign_in = SignIn(self.accounts, self.sessions, keys, self.audit, passwords)
        self.app = self._app(sign_in, limits)

    def _add(self, name: str, *, second_factor: bool) -> str | None:
        return self.accounts.add(
            name, role="dispatcher", agency="County", full_name=name.title(), sites=["b", "a"],
            password=WORDS, second_factor=second_factor, by="root", now_s=NOW_S,
        )  # fmt: skip

    def _app(self, sign_in: SignIn, limits: RequestLimits | None) -> FastAPI:
        app = FastAPI(responses={"default": {"model": Problem, "description": "Any problem"}})
        recogniser = Recogniser(self.sessions, self.verifier)  # type: ignore[arg-type]
        app.state.services = SimpleNamespace(
            accounts=self.accounts, sessions=self.sessions, sign_in=sign_in,
            recogniser=recogniser, clock=self.clock,
        )  # fmt: skip
        install_problem_handlers(app)

        @app.get("/v1/who")
        @app.post("/v1/who")
        @app.post("/v1/activations/{source}")
        @app.get("/v1/links/{link}")
        async def who(request: Request) -> dict[str, Any]:
            actor = request.state.actor
            await request.body()
            return {"who": actor and actor.name, "signed_in": request.state.signed_in}

        @app.get("/v1/events", response_class=EventSourceResponse)
        async def events() -> AsyncIterator[ServerSentEvent]:
            for number in range(10_000):
                yield ServerSentEvent(raw_data=str(number))
                await asyncio.sleep(0.01)

        app.include_router(sign_in_routes.router)
        app.include_router(page_routes.router)
        app.add_middleware(Access, recogniser=recogniser, clock=self.clock, request_limits=limits)
        return app

    def clock(self) -> float:
        return self.now_s

    def client(self, **more: Any) -> TestClient:
        more = {"raise_server_exceptions": False, "follow_redirects": False, **more}
        return TestClient(self.app, **more)

    def bearer(self, kind: Any = "token") -> dict[str, str]:
        secret = self.sessions.begin("uma", kind, self.now_s, days=1).secret
        return {"Authorization": f"Bearer {secret}"}

    def browser(self, **more: Any) -> TestClient:
        client = self.client(**more)
        form = {"name": "uma", "password": WORDS, "code": ""}
        response = client.post("/session", data=form)
        assert response.status_code == 303, response.text
        return client

    def actions(self) -> list[str]:
        return [entry["action"] for entry in self.audit.entries()]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """SQLite only: what HTTP says does not depend on the database."""
    opened = open_store(tmp_path / "state")
    yield opened
    opened.close()


@pytest.fixture
def place(store: Store, tmp_path: Path) -> Place:
    return Place(store, tmp_path, None)


def assert_problem(response: Response, status: int, slug: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["type"] == f"urn:lastseen:problem:{slug}"
    return problem


# Who gets in


def test_what_answers_strangers_is_a_short_list() -> None:
    assert frozenset({("GET", "/"), ("POST", "/session"), ("POST", "/v1/sign-in")}) == PUBLIC


@pytest.mark.parametrize(
    ("method", "path", "signed"),
    [
        ("POST", "/v1/activations/panic-1", True),
        ("GET", "/v1/links/a.b.c", True),
        ("GET", "/v1/activations/panic-1", False),
        ("POST", "/v1/links/abc", False),
        ("POST", "/v1/activations/", False),
        ("POST", "/v1/activations/a/b", False),
        ("POST", "/v1/activations", False),
        ("GET", "/v1/links/abc\n", True),  # one segment still; its handler refuses it
        ("GET", "/x/v1/links/abc", False),
    ],
)
def test_what_bears_its_own_signature(method: str, path: str, signed: bool) -> None:
    assert is_signed(method, path) is signed


def test_signed_requests_come_through_as_nobody_whatever_they_show(place: Place) -> None:
    for headers in ({}, place.bearer(), {"Authorization": "Basic x"}, {"Origin": "http://a.b"}):
        for method, path in (("POST", "/v1/activations/p"), ("GET", "/v1/links/x")):
            response = place.client().request(method, path, headers=headers)
            assert response.json() == {"who": None, "signed_in": False}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/who"), ("GET", "/v1/me"), ("GET", "/nothing"), ("PUT", "/"), ("HEAD", "/"),
     ("POST", "/session/"), ("GET", "/v1/sign-in"), ("DELETE", "/session"), ("GET", "/docs"),
     ("POST", "/v1/session/renew"), ("DELETE", "/v1/session"), ("OPTIONS", "/v1/who")],
)  # fmt: skip
def test_everything_else_is_401_to_a_stranger(place: Place, method: str, path: str) -> None:
    response = place.client().request(method, path)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="lastseen"'


def test_no_other_site_may_read_or_preflight(place: Place) -> None:
    asked = {
        "Origin": "http://evil.example", "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Headers": "authorization",
    }  # fmt: skip
    for response in (
        place.client().options("/v1/who", headers=asked),
        place.client().get("/", headers=asked),
        place.client().get("/v1/who", headers={**asked, **place.bearer()}),
        place.browser().get("/v1/who", headers=asked),
        place.client().options("/v1/who", headers={**asked, **place.bearer()}),
    ):
        allowed = [name for name in response.headers if name.startswith("access-control")]
        assert allowed == []
    assert place.client().options("/v1/who", headers=asked).status_code == 401


@pytest.mark.parametrize("kind", ["token", "key"])
def test_tokens_and_keys_come_as_bearers(place: Place, kind: str) -> None:
    headers = place.bearer(kind)
    assert place.client().get("/v1/who", headers=headers).json()["who"] == "uma"
    secret = headers["Authorization"].partition(" ")[2]
    cookie = {"Cookie": f"{COOKIE}={secret}"}
    assert place.client().get("/v1/who", headers=cookie).status_code == 401
    lower = {"Authorization": f"bearer  {secret} "}
    assert place.client().get("/v1/who", headers=lower).status_code == 200


def test_a_browsers_session_is_no_bearer(place: Place) -> None:
    secret = place.browser().cookies[COOKIE]
    headers = {"Authorization": f"Bearer {secret}"}
    assert_problem(place.client().get("/v1/who", headers=headers), 401, "unauthorized")


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer wrong", "Basic {}", "{}", "Bearer {}x", "bearer\t{}",
     "Bearer é", "Bearer a.b.c", "Bearer {} {}"],
)  # fmt: skip
def test_wrong_credentials_do_not_get_in_even_with_a_right_cookie(
    place: Place, header: str
) -> None:
    secret = place.bearer()["Authorization"].partition(" ")[2]
    value = header.replace("{}", secret).encode("latin-1")
    client = place.browser()
    response = client.get("/v1/who", headers={b"Authorization": value})
    assert_problem(response, 401, "unauthorized")
    assert secret not in response.text


def test_an_identity_provider_vouches(place: Place) -> None:
    headers = {"Authorization": f"Bearer {JWT}"}
    client = place.client()
    assert client.get("/v1/who", headers=headers).json()["who"] == "oidc:u-17"
    assert_problem(client.post("/v1/session/renew", headers=headers), 409, "no-session")
    assert_problem(client.delete("/v1/session", headers=headers), 409, "no-session")
    place.verifier.away = True
    away = client.get("/v1/who", headers=headers)
    assert_problem(away, 503, "identity-provider-unavailable")
    assert client.get("/v1/who", headers=place.bearer()).status_code == 200


def test_a_database_that_is_away_lets_nobody_in_and_is_told_apart(place: Place) -> None:
    headers = place.bearer()
    with place.store.writing() as connection:
        connection.execute(text("DROP TABLE sessions"))
    response = place.client().get("/v1/who", headers=headers)
    assert_problem(response, 503, "store-unavailable")
    assert "sessions" not in response.text


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://testserver", 200), (None, 403), ("null", 403), ("http://evil.example", 403),
     ("http://testserver.evil.example", 403), ("http://[::1", 403), ("", 403)],
)  # fmt: skip
def test_another_site_cannot_use_the_cookie(place: Place, origin: str | None, status: int) -> None:
    headers = {} if origin is None else {"Origin": origin}
    client = place.browser()
    assert client.post("/v1/who", headers=headers).status_code == status
    assert client.get("/v1/who", headers=headers).status_code == 200
    assert place.client().post("/v1/who", headers={**headers, **place.bearer()}).status_code == 200


@pytest.mark.parametrize("path", ["/session", "/v1/sign-in"])
def test_another_site_cannot_sign_a_browser_in(place: Place, path: str) -> None:
    shown: dict[str, Any] = {"name": "uma", "password": WORDS}
    body: dict[str, Any] = {"json": shown} if path.startswith("/v1") else {"data": shown}
    headers = {"Origin": "http://evil.example"}
    response = place.client().post(path, headers=headers, **body)
    assert_problem(response, 403, "foreign-origin")
    assert "set-cookie" not in response.headers


def test_a_request_that_grows_too_large_is_refused(place: Place) -> None:
    response = place.client().post("/v1/who", content=b"x" * 70_000, headers=place.bearer())
    assert_problem(response, 413, "request-too-large")


def test_every_answer_has_the_security_headers_and_https_is_kept_to(place: Place) -> None:
    for base, strict in (("http://testserver", False), ("https://testserver", True)):
        client = place.client(base_url=base)
        for response in (
            client.get("/"), client.get("/v1/who"), client.get("/v1/who", headers=place.bearer()),
        ):  # fmt: skip
            assert response.headers["content-security-policy"].startswith("default-src 'none'")
            assert response.headers["x-content-type-options"] == "nosniff"
            assert response.headers["cache-control"] == "no-store"
            assert ("strict-transport-security" in response.headers) is strict
    assert "max-age=31536000" in client.get("/").headers["strict-transport-security"]


# How much is answered


def test_strangers_and_actors_are_counted_apart(store: Store, tmp_path: Path) -> None:
    limits = RequestLimits(Limit(5, 60.0), Limit(3, 60.0), per_link=Limit(4, 60.0))
    place = Place(store, tmp_path, limits)
    uma, key = place.bearer(), place.bearer("key")
    client = place.client()

    def statuses(times: int, method: str, path: str, headers: dict[str, str]) -> list[int]:
        answers = [client.request(method, path, headers=headers) for _ in range(times)]
        for answer in answers:
            if answer.status_code == 429:
                assert_problem(answer, 429, "too-many-requests")
                assert answer.headers["retry-after"] == "60"
        return [answer.status_code for answer in answers]

    assert statuses(4, "GET", "/v1/who", {}) == [401] * 3 + [429]
    assert statuses(1, "GET", "/", {}) == [429]
    assert statuses(3, "GET", "/v1/who", uma) == [200] * 3  # from the same address
    assert statuses(3, "GET", "/v1/who", key) == [200] * 2 + [429]  # the same actor
    assert statuses(5, "GET", "/v1/links/a.b.c", {}) == [200] * 4 + [429]
    assert statuses(1, "POST", "/v1/activations/p", {}) == [429]  # it bears no signature
    signed = {"webhook-signature": "v1,any"}
    assert statuses(9, "POST", "/v1/activations/p", signed) == [200] * 9  # counted once checked
    place.now_s += 60
    assert statuses(1, "GET", "/v1/who", uma) == [200]
    other = place.client(client=("192.0.2.7", 1))
    assert other.get("/").status_code == 200


def test_strangers_do_not_keep_a_known_browser_from_signing_in(
    store: Store, tmp_path: Path
) -> None:
    limits = RequestLimits(per_stranger=Limit(3, 60.0), per_device=Limit(4, 60.0))
    place = Place(store, tmp_path, limits)
    browser, program = place.browser(), place.browser()
    browser.cookies.delete(COOKIE)
    program.cookies.delete(COOKIE)
    form = {"name": "uma", "password": WORDS}
    for _ in range(4):
        last = place.client().get("/nothing")
    assert_problem(last, 429, "too-many-requests")
    assert_problem(place.client().post("/session", data=form), 429, "too-many-requests")
    made_up = {"Cookie": f"{DEVICE_COOKIE}={JWT}"}
    assert place.client().get("/", headers=made_up).status_code == 429
    assert browser.get("/nothing").status_code == 429  # the cookie is for signing in
    assert browser.get("/").status_code == 200
    assert program.post("/v1/sign-in", json=form).status_code == 200
    assert browser.post("/session", data=form).status_code == 303
    browser.cookies.delete(COOKIE)
    assert [browser.get("/").status_code for _ in range(3)] == [200, 200, 429]  # it has a limit


def test_the_cookie_of_a_device_that_was_away_too_long_counts_nothing(
    store: Store, tmp_path: Path
) -> None:
    place = Place(store, tmp_path, RequestLimits(per_stranger=Limit(1, DEVICE_S)))
    place.client().get("/")
    device = DeviceCookies(Keys(tmp_path).derived("device cookies")).write(None, "uma", NOW_S)
    headers = {"Cookie": f"{DEVICE_COOKIE}={device}"}
    for after_s, status in ((0.0, 200), (DEVICE_S - 1, 200), (DEVICE_S, 200), (DEVICE_S, 429)):
        place.now_s = NOW_S + after_s
        assert place.client().get("/", headers=headers).status_code == status


@pytest.mark.parametrize("cookie", ["x" * 9000, "W1tb" * 1300 + ".e30.eA", "a.b.c", "é"])
def test_a_device_cookie_may_be_anything(place: Place, cookie: str) -> None:
    headers = {b"Cookie": f"{DEVICE_COOKIE}={cookie}".encode()}
    assert place.client().get("/", headers=headers).status_code == 200
    shown = {"name": "uma", "password": WORDS}
    assert place.client().post("/v1/sign-in", json=shown, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("2001:DB8:0::1", 1), "2001:db8::1"),
        (("fe80::1%any text", 1), "fe80::1"),
        (("203.0.113.9, a line\n", 0), "unknown"),
        (("me", 0), "unknown"),
        (("", 0), "unknown"),
        (None, "unknown"),
    ],
)
def test_an_address_is_one_or_unknown(client: tuple[str, int] | None, address: str) -> None:
    assert address_of(HTTPConnection({"type": "http", "client": client})) == address


def test_invented_addresses_count_as_one(store: Store, tmp_path: Path) -> None:
    place = Place(store, tmp_path, RequestLimits(per_stranger=Limit(3, 60.0)))
    behind: Any = ProxyHeadersMiddleware  # uvicorn and Starlette write the same types differently
    app = behind(place.app, "127.0.0.1")
    client = TestClient(app, client=("127.0.0.1", 1))
    invented = [
        client.get("/", headers={"X-Forwarded-For": f"place {n}"}).status_code for n in range(5)
    ]
    assert invented == [200] * 3 + [429] * 2
    real = client.get("/", headers={"X-Forwarded-For": "spoofed, 198.51.100.7"})
    assert real.status_code == 200


@contextlib.contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.mark.parametrize("ending", ["disabled", "signed out", "expired"])
def test_a_stream_ends_when_its_reader_is_not_recognised_any_more(
    place: Place, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    headers = place.bearer()
    with (
        serving(place.app) as address,
        httpx2.stream("GET", f"{address}/v1/events", headers=headers, timeout=10) as response,
    ):
        lines = response.iter_lines()
        assert next(lines).startswith("data:")
        place.now_s += LOOK_AGAIN_S
        for _ in range(20):
            next(lines)
        if ending == "disabled":
            place.accounts.disable("uma", by="root", now_s=place.now_s)
        elif ending == "signed out":
            place.accounts.sign_out("uma", by="root", now_s=place.now_s)
        place.now_s += TOKEN_S if ending == "expired" else LOOK_AGAIN_S
        assert sum(1 for _ in lines) < 3000  # the rest ends well before the whole
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_stream_goes_on_while_the_database_is_away(place: Place) -> None:
    headers = place.bearer()
    with (
        serving(place.app) as address,
        httpx2.stream("GET", f"{address}/v1/events", headers=headers, timeout=10) as response,
    ):
        lines = response.iter_lines()
        assert next(lines).startswith("data:")
        with place.store.writing() as connection:
            connection.execute(text("DROP TABLE sessions"))
        place.now_s += LOOK_AGAIN_S
        for _ in range(100):
            next(lines)


@pytest.mark.parametrize(("lasts_s", "goes_on"), [(7200.0, True), (7199.0, False)])
def test_a_stream_ends_with_its_token_though_the_provider_is_away(
    place: Place, lasts_s: float, goes_on: bool
) -> None:
    """Also where nobody can say any more whether the token is good."""
    token = jwt.encode({"exp": NOW_S + lasts_s}, "k" * 32)
    place.verifier.tokens = [token]
    headers = {"Authorization": f"Bearer {token}"}
    with (
        serving(place.app) as address,
        httpx2.stream("GET", f"{address}/v1/events", headers=headers, timeout=10) as response,
    ):
        lines = response.iter_lines()
        assert next(lines).startswith("data:")
        place.verifier.away = True
        place.now_s += 7199.0
        read = 0
        for _ in lines:
            read += 1
            if read == 600:
                break
    assert (read == 600) is goes_on


def test_watching_keeps_a_browsers_session_alive(place: Place) -> None:
    browser = place.browser()
    cookie = {"Cookie": f"{COOKIE}={browser.cookies[COOKIE]}"}
    with (
        serving(place.app) as address,
        httpx2.stream("GET", f"{address}/v1/events", headers=cookie, timeout=10) as response,
    ):
        lines = response.iter_lines()
        for _ in range(8):
            place.now_s += IDLE_S / 4
            for _ in range(10):
                next(lines)
    assert browser.get("/v1/who").status_code == 200


# Signing in with the form


def test_signing_in_gives_cookies_that_scripts_cannot_read(place: Place) -> None:
    for base, prefix in (("http://testserver", ""), ("https://testserver", "__Host-")):
        client = place.client(base_url=base)
        response = client.post("/session", data={"name": "uma", "password": WORDS})
        assert response.status_code == 303
        assert response.headers["location"] == "/"
        session, device = response.headers.get_list("set-cookie")
        assert session.startswith(f"{prefix}{COOKIE}=")
        assert device.startswith(f"{prefix}{DEVICE_COOKIE}=")
        for cookie in (session, device):
            for flag in ("HttpOnly", "SameSite=strict", "Path=/"):
                assert flag in cookie
            assert ("Secure" in cookie) is bool(prefix)
            assert "Domain" not in cookie
        assert f"Max-Age={int(SHIFT_S)}" in session


def test_over_https_a_cookie_without_the_prefix_counts_nothing(place: Place) -> None:
    secret = place.browser().cookies[COOKIE]
    secure = place.client(base_url="https://testserver")
    for name, status in ((COOKIE, 401), (f"__Host-{COOKIE}", 200)):
        assert secure.get("/v1/who", headers={"Cookie": f"{name}={secret}"}).status_code == status


def test_a_session_shows_the_page_until_it_is_ended(place: Place) -> None:
    client = place.browser()
    assert 'id="plan"' in client.get("/").text
    stolen = client.cookies[COOKIE]
    response = client.delete("/session", headers=SAME_ORIGIN)
    assert response.status_code == 204
    assert "storage" in response.headers["clear-site-data"]
    assert COOKIE not in client.cookies
    assert DEVICE_COOKIE in client.cookies  # the device stays known
    again = {"Cookie": f"{COOKIE}={stolen}"}
    assert place.client().get("/v1/who", headers=again).status_code == 401
    assert 'name="password"' in place.client().get("/", headers=again).text
    assert place.actions()[-2:] == ["signed-in", "signed-out"]


def test_a_session_ends_by_itself(place: Place) -> None:
    client = place.browser()
    place.now_s += IDLE_S - 1
    assert client.get("/v1/who").status_code == 200
    place.now_s += IDLE_S
    assert client.get("/v1/who").status_code == 401
    assert 'name="password"' in client.get("/").text


def test_signing_in_again_ends_the_session_before(place: Place) -> None:
    client = place.browser()
    first = client.cookies[COOKIE]
    form = {"name": "uma", "password": WORDS}
    assert client.post("/session", data=form, headers=SAME_ORIGIN).status_code == 303
    assert client.cookies[COOKIE] != first
    old = {"Cookie": f"{COOKIE}={first}"}
    assert place.client().get("/v1/who", headers=old).status_code == 401


def test_a_refusal_shows_the_form_again_without_what_was_typed(place: Place) -> None:
    form = {"name": "<b>uma</b>", "password": "<i>wrong</i>", "code": "<u>1</u>"}
    response = place.client().post("/session", data=form, headers={"Accept": "text/html"})
    assert response.status_code == 401
    assert f'role="alert">{WRONG}</p>' in response.text
    for typed in form.values():
        assert typed not in response.text
    assert "set-cookie" not in response.headers
    assert_problem(place.client().post("/session", data=form), 401, "sign-in-refused")


def test_too_many_refusals_show_how_long_to_wait(place: Place) -> None:
    client = place.client()
    form = {"name": "uma", "password": "wrong"}
    for _ in range(5):
        assert client.post("/session", data=form).status_code == 401
    shown = client.post("/session", data=form, headers={"Accept": "text/html"})
    assert shown.status_code == 429
    assert shown.headers["retry-after"] == "900"
    assert "Try again in 15 min." in shown.text
    assert_problem(client.post("/session", data=form), 429, "too-many-attempts")


def test_the_known_browser_gets_in_while_strangers_hammer(place: Place) -> None:
    mine = place.browser()
    mine.delete("/session", headers=SAME_ORIGIN)
    form = {"name": "uma", "password": "wrong"}
    for _ in range(6):
        last = place.client().post("/session", data=form).status_code
    assert last == 429
    assert mine.post("/session", data={**form, "password": WORDS}).status_code == 303


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe", b"name=uma", b"&" * 100, b"name=uma&" * 20, b"name=uma&password=" * 900],
)
def test_what_is_no_form_is_refused_like_a_wrong_one(place: Place, body: bytes) -> None:
    assert_problem(place.client().post("/session", content=body), 401, "sign-in-refused")


def test_the_form_works_on_a_phone_without_a_script(place: Place) -> None:
    page = place.client().get("/").text
    assert "<script" not in page
    for field, hint in [
        ("name", "username"), ("password", "current-password"), ("code", "one-time-code"),
    ]:  # fmt: skip
        (tag,) = re.findall(rf'<input id="{field}"[^>]*>', page)
        assert f'autocomplete="{hint}"' in tag
        assert f'<label for="{field}">' in page
    assert 'inputmode="numeric"' in page
    assert 'action="/session"' in page


# Signing in with JSON


def sign_in(place: Place, **shown: str) -> Response:
    asked = {"name": "ivy", "password": WORDS, "code": place.totp.at(int(place.now_s)), **shown}
    return place.client().post("/v1/sign-in", json=asked)


def test_a_program_signs_in_renews_and_signs_out(place: Place) -> None:
    response = sign_in(place)
    assert response.status_code == 200
    said = response.json()
    assert said["expires_at"] == "2026-03-02T09:15:00Z"
    assert said["actor"]["name"] == "ivy"
    assert DEVICE_COOKIE in response.headers["set-cookie"]
    assert COOKIE + "=" not in response.headers["set-cookie"]
    client = place.client()
    old = {"Authorization": f"Bearer {said['token']}"}
    place.now_s += 600
    renewed = client.post("/v1/session/renew", headers=old).json()
    assert renewed["expires_at"] == "2026-03-02T09:25:00Z"
    assert renewed["token"] != said["token"]
    assert client.get("/v1/me", headers=old).status_code == 401
    new = {"Authorization": f"Bearer {renewed['token']}"}
    assert client.get("/v1/me", headers=new).json() == renewed["actor"]
    assert client.delete("/v1/session", headers=new).json()["ended_at"] == "2026-03-02T09:10:00Z"
    assert client.get("/v1/me", headers=new).status_code == 401
    assert place.actions()[-2:] == ["signed-in", "signed-out"]


def test_keys_and_browsers_are_not_renewed_nor_ended_as_tokens(place: Place) -> None:
    key, client = place.bearer("key"), place.client()
    assert_problem(client.post("/v1/session/renew", headers=key), 409, "no-session")
    assert_problem(client.delete("/v1/session", headers=key), 409, "no-session")
    assert client.get("/v1/me", headers=key).json()["recognised_by"] == "key"
    browser = place.browser()
    assert_problem(browser.post("/v1/session/renew", headers=SAME_ORIGIN), 409, "no-session")
    assert browser.get("/v1/me").json()["recognised_by"] == "session"


def test_who_am_i(place: Place) -> None:
    said = place.client().get("/v1/me", headers=place.bearer()).json()
    assert said == {
        "schema_version": 1, "name": "uma", "full_name": "Uma", "role": "dispatcher",
        "acts_as": "dispatcher", "agency": "County", "sites": ["a", "b"],
        "abilities": sorted(ABILITIES["dispatcher"]), "recognised_by": "token",
    }  # fmt: skip
    other = place.client().get("/v1/me", headers={"Authorization": f"Bearer {JWT}"}).json()
    assert (other["name"], other["sites"]) == ("oidc:u-17", None)


@pytest.mark.parametrize(
    ("shown", "status", "slug"),
    [
        ({"code": ""}, 401, "sign-in-refused"),
        ({"password": "hunter2 hunter2"}, 401, "sign-in-refused"),
        ({"name": "nobody"}, 401, "sign-in-refused"),
        ({"name": "x" * 201}, 422, "invalid-request"),
        ({"password": "hunter2" * 200}, 422, "invalid-request"),
        ({"hunter2": "x"}, 422, "invalid-request"),
    ],
)
def test_a_wrong_sign_in_is_a_problem_that_repeats_nothing(
    place: Place, shown: dict[str, str], status: int, slug: str
) -> None:
    response = sign_in(place, **shown)
    assert_problem(response, status, slug)
    assert "hunter2" not in response.text.replace("body.hunter2", "")
    assert "set-cookie" not in response.headers


def test_nobody_signs_in_without_an_audit(place: Place) -> None:
    with place.store.writing() as connection:
        connection.execute(text("DROP TABLE audit"))
    assert_problem(sign_in(place), 503, "audit-unavailable")
    with place.store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM sessions")).scalar() == 0
        used = connection.execute(text("SELECT max(totp_used) FROM users")).scalar()
    assert used == 0  # the code may be shown again


def test_the_document_shows_how_to_sign_in(place: Place) -> None:
    document = place.client().get("/openapi.json", headers=place.bearer()).json()
    operations = {
        (method, path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "sign-in" in operation.get("tags", ())
    }
    assert set(operations) == {
        ("post", "/v1/sign-in"), ("post", "/v1/session/renew"), ("delete", "/v1/session"),
        ("get", "/v1/me"),
    }  # fmt: skip
    for operation in operations.values():
        assert operation["description"]
        assert "401" in operation["responses"]
        assert "example" in operation["responses"]["200"]["content"]["application/json"]
    assert "security" not in operations["post", "/v1/sign-in"]
    assert operations["get", "/v1/me"]["security"] == [{"token": []}]
