"""WebSockets at the first thing a request meets: closed on whoever may not have one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.access import COOKIE, WEBSOCKET
from api.request_limits import Limit, RequestLimits
from api.sessions import SHIFT_S, TOKEN_S
from api.store import open_store
from api.watched_streams import LOOK_AGAIN_S
from tests.api.test_access import JWT, Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.store import Store

OURS = {"Origin": "http://testserver"}
EVERY_S = 0.01


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "state")
    yield opened
    opened.close()


@pytest.fixture
def place(store: Store, tmp_path: Path) -> Place:
    return with_socket(Place(store, tmp_path, None))


def with_socket(place: Place) -> Place:
    """A place where whoever is let through is told again and again who they are."""

    @place.app.websocket("/v1/live")
    async def live(websocket: WebSocket) -> None:
        await websocket.accept()
        for _ in range(1000):
            await websocket.send_text(websocket.state.actor.name)
            await asyncio.sleep(EVERY_S)

    return place


def first_word(place: Place, headers: dict[str, str], path: str = "/v1/live") -> str | int:
    """What is said first on a WebSocket, or the code with which it is closed."""
    try:
        with TestClient(place.app).websocket_connect(path, headers=headers) as websocket:
            return websocket.receive_text()
    except WebSocketDisconnect as closed:
        return closed.code


def cookie_of(place: Place) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={place.browser().cookies[COOKIE]}"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param(OURS, "uma", id="our page"),
        pytest.param({}, 1008, id="no origin: no browser"),
        pytest.param({"Origin": "https://evil.test"}, 1008, id="another site"),
        pytest.param({"Origin": "http://testserver.evil.test"}, 1008, id="a like name"),
        pytest.param({"Origin": "http://testserver:81"}, 1008, id="another port"),
        pytest.param({"Origin": "null"}, 1008, id="a sandboxed frame"),
        pytest.param({"Origin": "http://[::1"}, 1008, id="nonsense"),
    ],
)
def test_a_cookie_is_good_on_our_own_page_only(
    place: Place, more: dict[str, str], said: str | int
) -> None:
    assert first_word(place, cookie_of(place) | more) == said


def test_a_bearer_token_needs_no_origin(place: Place) -> None:
    assert first_word(place, place.bearer()) == "uma"
    assert first_word(place, {"Authorization": f"Bearer {JWT}"}) == "oidc:u-17"


@pytest.mark.parametrize(
    "headers",
    [
        {}, OURS, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic dW1hOng="},
        {**OURS, "Cookie": f"{COOKIE}=nonsense"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/live", "/v1/nothing", "/", "/session", "/v1/links/a.b.c"])
def test_a_stranger_is_closed_on_wherever_they_knock(
    place: Place, headers: dict[str, str], path: str
) -> None:
    assert first_word(place, headers, path) == 1008


def test_a_session_that_is_over_opens_nothing(place: Place) -> None:
    cookie = cookie_of(place)
    assert first_word(place, cookie | OURS) == "uma"
    place.now_s += SHIFT_S
    assert first_word(place, cookie | OURS) == 1008
    bearer = place.bearer()
    place.now_s += TOKEN_S * 100
    assert first_word(place, bearer) == 1008


def test_no_request_is_taken_for_a_websocket_by_its_method(place: Place) -> None:
    assert place.client().request(WEBSOCKET, "/v1/who").status_code == 401
    answer = place.client().request(WEBSOCKET, "/v1/who", headers=place.bearer())
    assert answer.status_code == 405


@pytest.mark.parametrize("how", ["disabled", "signed out", "another role", "database away"])
def test_it_is_looked_at_again_who_reads(place: Place, how: str) -> None:
    headers = place.bearer()
    with TestClient(place.app).websocket_connect("/v1/live", headers=headers) as websocket:
        assert websocket.receive_text() == "uma"
        now: dict[str, Any] = {"by": "root", "now_s": place.now_s}
        if how == "disabled":
            place.accounts.disable("uma", **now)
        elif how == "signed out":
            place.accounts.sign_out("uma", **now)
        elif how == "another role":
            place.accounts.change("uma", role="tactical", **now)
        else:
            place.store.close()
        for _ in range(5):  # not before it is time
            assert websocket.receive_text() == "uma"
        place.now_s += LOOK_AGAIN_S
        said = [websocket.receive() for _ in range(20)] if how == "database away" else []
        if said:  # ends nobody's sight of an incident
            assert all(message["type"] == "websocket.send" for message in said)
            return
        last = next(m for m in iter(websocket.receive, None) if m["type"] != "websocket.send")
        assert (last["type"], last["code"]) == ("websocket.close", 1008)


def test_pieces_of_streams_are_counted_beside_all_else(store: Store, tmp_path: Path) -> None:
    limits = RequestLimits(
        per_actor=Limit(1, 60.0), per_player=Limit(3, 60.0), per_link=Limit(1, 60.0),
        per_link_player=Limit(2, 60.0),
    )  # fmt: skip
    place = Place(store, tmp_path, limits)
    headers, client = place.bearer(), place.client()
    stream = "/v1/incidents/i1/streams/c1"

    def answers(path: str, count: int, headers: dict[str, str]) -> list[bool]:
        """Whether each of so many requests is answered otherwise than by 429."""
        return [client.get(path, headers=headers).status_code != 429 for _ in range(count)]

    assert answers(f"{stream}/hls/index.m3u8", 2, headers) == [True, True]
    assert answers(f"{stream}/still.jpg", 2, headers) == [True, False]
    assert answers("/v1/who", 2, headers) == [True, False]
    assert answers(f"{stream}/mjpeg", 1, headers) == [False]
    assert answers("/v1/links/a.b.c/index.m3u8", 3, {}) == [True, True, False]
    assert answers("/v1/links/a.b.c", 2, {}) == [True, False]


def test_they_are_counted_as_requests_are(store: Store, tmp_path: Path) -> None:
    place = with_socket(Place(store, tmp_path, RequestLimits(per_actor=Limit(2, 60.0))))
    headers = place.bearer()
    assert [first_word(place, headers) for _ in range(3)] == ["uma", "uma", 1008]
