"""Video over a WebSocket, on a real server: who gets it, what comes, and when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.stream_schemas import StreamHead, StreamOver, StreamWaiting
from api.viewing import MOST_STREAMS
from tests.api.agreed import AGREEMENT
from tests.api.replayed import Console, build_console, opened_by, serving
from vision.stream_parts import Fragment
from vision.stream_parts import StreamHead as Head

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from pathlib import Path

    from websockets.asyncio.client import ClientConnection

EXERCISE = {"site": "small", "kind": "exercise", "opened_by": "me", "reason": "drill"}
REAL = {
    "site": "small", "kind": "real", "emergency": "active-shooter", "channel": "911",
    "reason": "Shots heard",
}  # fmt: skip


class Place:
    """A server with an open incident."""

    def __init__(self, console: Console, url: str, opening: dict[str, str]) -> None:
        self.console, self.url = console, url
        self.client = httpx2.Client(base_url=url, headers=console.bearer)
        self.incident = opened_by(self.client, opening)  # type: ignore[arg-type]
        self.host = url.removeprefix("http://")

    def path(self, camera: str = "cam-01", incident: str | None = None) -> str:
        return f"/v1/incidents/{incident or self.incident}/streams/{camera}/live"

    @contextlib.asynccontextmanager
    async def watch(
        self, headers: Mapping[str, str] | None = None, path: str | None = None
    ) -> AsyncIterator[ClientConnection]:
        address = f"ws://{self.host}{path or self.path()}"
        headers = self.console.bearer if headers is None else headers
        async with connect(address, additional_headers=headers) as connection:
            yield connection

    def close(self) -> None:
        assert self.client.delete(f"/v1/incidents/{self.incident}").status_code == 200


@contextlib.contextmanager
def place_in(folder: Path, opening: dict[str, str], **more: Any) -> Iterator[Place]:
    console = build_console(folder, time.time, **more)
    with serving(console.app) as url:
        place = Place(console, url, opening)
        yield place
        place.client.close()
    console.record.store.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with place_in(tmp_path, EXERCISE) as made:
        yield made


@pytest.fixture
def bound_place(tmp_path: Path) -> Iterator[Place]:
    with place_in(tmp_path, REAL, agreement=AGREEMENT) as made:
        yield made


async def heard(connection: ClientConnection, until: str = "end") -> list[Any]:
    """What is said until a text of that type, JSON read and pictures by their length."""
    said: list[Any] = []
    async with asyncio.timeout(10):
        async for message in connection:
            said.append(json.loads(message) if isinstance(message, str) else len(message))
            if isinstance(said[-1], dict) and said[-1]["type"] in {until, "end"}:
                break
    return said


def boxes(data: bytes) -> list[str]:
    """Types of the boxes of a piece of an MP4 file."""
    types, place = [], 0
    while place < len(data):
        types.append(data[place + 4 : place + 8].decode())
        place += int.from_bytes(data[place : place + 4])
    return types


async def ended_at(connection: ClientConnection) -> float:
    """The moment at which a connection ends."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await connection.recv()
    return time.monotonic()


def test_a_viewer_gets_a_film_that_a_player_can_show(place: Place) -> None:
    async def watch() -> list[str | bytes]:
        async with place.watch() as connection, asyncio.timeout(10):
            return [await connection.recv() for _ in range(6)]

    said = asyncio.run(watch())
    assert isinstance(said[0], str)
    head = StreamHead.model_validate_json(said[0])
    assert (head.width, head.height, head.exercise) == (320, 180, True)
    assert head.codec.startswith("avc1.")
    binary = [message for message in said[1:] if isinstance(message, bytes)]
    assert boxes(binary[0]) == ["ftyp", "moov"]
    assert [boxes(one) for one in binary[1:]] == [["prft", "moof", "mdat"]] * 4
    (started,) = place.console.audited("stream-started")
    assert (started["camera"], started["how"], started["actor"]) == ("cam-01", "live", "dana")


def test_a_browser_watches_from_our_own_page_only(place: Place) -> None:
    browser = place.console.browser_of("uma")
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}

    async def heads(origin: dict[str, str]) -> list[Any]:
        async with place.watch(cookie | origin) as connection:
            return await heard(connection, "head")

    assert asyncio.run(heads({"Origin": f"http://{place.host}"}))
    for origin in ({}, {"Origin": "https://evil.test"}, {"Origin": "null"}):
        with pytest.raises(InvalidStatus) as refused:
            asyncio.run(heads(origin))
        assert refused.value.response.status_code == 403
    assert [entry["actor"] for entry in place.console.audited("stream-started")] == ["uma"]


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer nonsense"}, {"Cookie": "lastseen_session=nonsense"}]
)
def test_a_stranger_learns_nothing(place: Place, headers: dict[str, str]) -> None:
    headers = {"Origin": f"http://{place.host}", **headers}

    async def ask(path: str) -> tuple[int, bytes]:
        with pytest.raises(InvalidStatus) as refused:
            async with place.watch(headers, path):
                pass
        return refused.value.response.status_code, bytes(refused.value.response.body)

    for path in (place.path(), place.path("no-camera"), place.path(incident="none"), "/x"):
        assert asyncio.run(ask(path)) == (403, b"")
    assert place.console.audited("stream-started") == []
    assert place.console.runs.made[0].wanted == frozenset()


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("cam-99", "cam-99 is not open"),
        ("x" * 500, "is not open"),
        ("", "there is no incident 'none'"),
    ],
)
def test_who_asks_for_what_is_not_there_is_told_so(place: Place, path: str, detail: str) -> None:
    asked = place.path(path) if path else place.path(incident="none")

    async def ask() -> tuple[list[Any], int | None]:
        async with place.watch(path=asked) as connection:
            said = await heard(connection)
            await connection.wait_closed()
            return said, connection.close_code

    (said,), code = asyncio.run(ask())
    assert code == 1008
    over = StreamOver.model_validate(said)
    assert (over.reason, over.again) == ("not-permitted", False)
    assert detail in over.detail


def test_who_may_not_be_told_cameras_may_not_watch_them(bound_place: Place) -> None:
    place = bound_place
    officer = place.console.key_of("tom", "tactical", acts_as="officer", agency="Town Police")

    async def ask() -> list[Any]:
        async with place.watch(officer) as connection:
            return await heard(connection)

    (said,) = asyncio.run(ask())
    assert "does not tell officer" in said["detail"]
    assert place.console.audited("stream-started") == []
    assert [e["actor"] for e in place.console.audited("viewer-refused")] == ["tom"]


def test_all_end_within_a_second_of_the_close_also_who_reads_nothing(place: Place) -> None:
    async def watch() -> tuple[float, list[Any]]:
        async with place.watch() as reading, place.watch() as other, place.watch() as dull:
            await heard(reading, "head")
            ends = asyncio.gather(ended_at(reading), ended_at(other))
            stuck = dull.transport
            stuck.pause_reading()
            await asyncio.sleep(0.5)
            began_s = time.monotonic()
            await asyncio.to_thread(place.close)
            last_s = max(await ends) - began_s
            stuck.resume_reading()
            return last_s, await heard(dull)

    last_s, said = asyncio.run(watch())
    assert last_s < 1.0
    assert said[-1] == {
        "type": "end", "reason": "closed", "detail": "the incident is closed", "again": False,
    }  # fmt: skip
    until_s = time.monotonic() + 5.0
    while len(place.console.audited("stream-ended")) < 3 and time.monotonic() < until_s:
        time.sleep(0.02)
    ended = place.console.audited("stream-ended")
    assert [entry["why"] for entry in ended] == ["the incident is closed"] * 3
    assert all(0.4 < entry["seconds"] < 5.0 for entry in ended)
    assert len(place.console.services.viewers._watching) == 0


def test_a_closed_incident_is_not_watched(place: Place) -> None:
    place.close()

    async def ask() -> list[Any]:
        async with place.watch() as connection:
            return await heard(connection)

    (said,) = asyncio.run(ask())
    assert said["reason"] == "not-permitted"
    assert "is over" in said["detail"]


def test_a_camera_that_gives_no_picture_is_waited_for(place: Place) -> None:
    run = place.console.runs.made[0]

    async def watch() -> tuple[Any, Any]:
        async with place.watch() as connection:
            await heard(connection, "head")
            run.phase = "stalled"
            waiting = (await heard(connection, "waiting"))[-1]
            run.phase = "live"
            return waiting, (await heard(connection, "live"))[-1]

    waiting, live = asyncio.run(watch())
    assert StreamWaiting.model_validate(waiting).phase == "stalled"
    assert live == {"type": "live"}


@pytest.mark.parametrize("says", ["more, please", "x" * 5000, b"\x00" * 5000])
def test_who_says_something_is_disconnected(place: Place, says: str | bytes) -> None:
    async def talk() -> tuple[int | None, str]:
        async with place.watch() as connection:
            await heard(connection, "head")
            await connection.send(says)
            await ended_at(connection)
            return connection.close_code, connection.close_reason or ""

    code, _ = asyncio.run(talk())
    assert code == (1008 if len(says) < 1000 else 1009)
    until_s = time.monotonic() + 5.0
    while not place.console.audited("stream-ended") and time.monotonic() < until_s:
        time.sleep(0.02)
    assert len(place.console.audited("stream-ended")) == 1


def test_a_slow_socket_goes_on_with_the_newest_keyframe(tmp_path: Path) -> None:
    """It holds up nobody, and what it did not read in time it never gets."""
    with place_in(tmp_path, EXERCISE) as place:
        run = place.console.runs.made[0]
        run.films = False

        def film(numbers: range) -> None:
            assert run.take is not None
            for number in numbers:
                now_s = time.time()
                run.take(
                    Fragment("cam-01", 1, number, number % 10 == 0, number / 10, 0.1, now_s,
                             number / 10, b"%6d" % number + bytes(60_000))
                )  # fmt: skip

        async def watch() -> list[Any]:
            async with place.watch() as slow:
                await asyncio.sleep(0.3)
                assert run.take is not None
                run.take(Head("cam-01", 1, "avc1.42C014", (320, 180), b"init"))
                slow.transport.pause_reading()
                for number in range(200):
                    await asyncio.to_thread(film, range(number, number + 1))
                slow.transport.resume_reading()
                await asyncio.sleep(0.3)
                await asyncio.to_thread(film, range(200, 201))
                got: list[Any] = []
                async with asyncio.timeout(10):
                    async for message in slow:
                        if isinstance(message, bytes):
                            got.append(int(message[:6]) if len(message) > 6 else "init")
                            if got[-1] == 200:
                                return got
                        else:
                            got.append(json.loads(message)["type"])
                return got

        got = asyncio.run(watch())
    told = [one for one in got if one not in {"waiting", "live"}]
    skipped = told.index("skipped")
    assert told[skipped + 1] % 10 == 0
    assert told[-1] == 200
    assert len(told) < 60  # of 200: most was left out


def test_who_leaves_is_noted_and_the_camera_rests_a_while_later(place: Place) -> None:
    async def watch() -> None:
        async with place.watch() as connection:
            await heard(connection, "head")

    asyncio.run(watch())
    run = place.console.runs.made[0]
    until_s = time.monotonic() + 8.0
    while run.wanted and time.monotonic() < until_s:
        time.sleep(0.05)
    assert run.wanted == frozenset()
    (ended,) = place.console.audited("stream-ended")
    assert ended["why"] == "the viewer left"


def test_one_viewer_has_so_many_streams_and_no_more(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_STREAMS > 2
    monkeypatch.setattr("api.viewing.MOST_STREAMS", 2)

    async def watch() -> Any:
        async with place.watch() as one, place.watch() as two:
            await heard(one, "head")
            await heard(two, "head")
            async with place.watch() as third:
                return (await heard(third))[-1]

    said = asyncio.run(watch())
    assert (said["reason"], said["again"]) == ("too-many-streams", True)


def test_a_server_that_is_stopped_says_so(tmp_path: Path) -> None:
    async def watch(place: Place) -> Any:
        async with place.watch() as connection:
            await heard(connection, "head")
            stopping = asyncio.to_thread(
                place.console.services.incidents.stop_all, reason="stopped"
            )
            task = asyncio.create_task(stopping)
            said = (await heard(connection))[-1]
            await task
            return said

    with place_in(tmp_path, REAL, agreement=AGREEMENT) as place:
        said = asyncio.run(watch(place))
    assert (said["reason"], said["again"]) == ("stopping", True)


def test_the_policy_of_the_agreement_is_what_is_drawn_by(tmp_path: Path) -> None:
    policy = AGREEMENT + '\n[streams]\nheads = "pixelate-all"\nroles = ["principal"]\n'

    async def watch(place: Place, headers: dict[str, str]) -> Any:
        async with place.watch(headers) as connection:
            return (await heard(connection, "head"))[-1]

    with place_in(tmp_path, REAL, agreement=policy) as place:
        pat = place.console.key_of("pat", "school-administrator", acts_as="principal")
        assert asyncio.run(watch(place, pat))["type"] == "head"
        drawing = place.console.runs.made[0].drawing
        assert drawing is not None
        assert (drawing.heads, drawing.exercise) == ("pixelate-all", False)
        said = asyncio.run(watch(place, place.console.bearer))
        assert "shows streams to principal only" in said["detail"]


def test_a_socket_that_is_stuck_is_gone_soon_after_the_close(place: Place) -> None:
    """Its client reads nothing at all, so that nothing can be told to it."""
    key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    host, port = place.host.split(":")
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with made:
        made.connect((host, int(port)))
        asks = (
            f"GET {place.path()} HTTP/1.1\r\nHost: {place.host}\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\n{key}Authorization: Bearer {place.console.token}\r\n\r\n"
        )
        made.sendall(asks.encode())
        time.sleep(0.5)
        run = place.console.runs.made[0]
        assert run.take is not None
        streams = place.console.services.incidents.get(place.incident)
        assert streams is not None
        assert streams.streams.watchers("cam-01") == 1
        place.close()
        until_s = time.monotonic() + 3.0
        while streams.streams.watchers("cam-01") and time.monotonic() < until_s:
            time.sleep(0.02)
        assert streams.streams.watchers("cam-01") == 0
