"""Connections: silent ones end, and one can always be had."""

from __future__ import annotations

import contextlib
import resource
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
import uvicorn

from api import server as serving_module
from api.connections import PING_S, Connections
from api.server import Server, listen, serve_on
from vision.stream_parts import Still

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.incident import Incident
    from tests.api.replayed import Console

SILENT_S = 0.5
ASKS = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
EXERCISE = b'{"site": "small", "kind": "exercise", "opened_by": "me", "reason": "drill"}'


class Place:
    """A server whose connections are bounded, and those who connect to it."""

    def __init__(self, console: Console, connections: Connections) -> None:
        self.console, self.connections = console, connections
        self._listener = listen("127.0.0.1", 0)
        self.config = uvicorn.Config(console.app, log_level="error", timeout_graceful_shutdown=3)
        self._server = Server(self.config, console.app, connections)
        sockets = {"sockets": [self._listener]}
        self._thread = threading.Thread(target=self._server.run, kwargs=sockets)
        self._made: list[socket.socket] = []
        self._thread.start()

    def connect(self, says: bytes = b"") -> socket.socket:
        made = socket.create_connection(self._listener.getsockname(), 10)
        self._made.append(made)
        made.sendall(says)
        return made

    def open(self) -> tuple[Incident, bytes]:
        """An exercise, and the headers of somebody who was recognised."""
        bearer = f"Host: here\r\nAuthorization: {self.console.bearer['Authorization']}\r\n".encode()
        opens = b"POST /v1/incidents HTTP/1.1\r\nContent-Type: application/json\r\n" + bearer
        with self.connect(opens + b"Content-Length: %d\r\n\r\n" % len(EXERCISE) + EXERCISE) as one:
            assert b" 201 " in one.recv(4096)
        (incident,) = self.console.services.incidents
        return incident, bearer

    def follow(self) -> socket.socket:
        """A connection on which somebody who was recognised follows an exercise."""
        incident, bearer = self.open()
        path = f"/v1/incidents/{incident.id}/events".encode()
        followed = self.connect(b"GET " + path + b" HTTP/1.1\r\n" + bearer + b"\r\n")
        assert b" 200 " in followed.recv(4096)
        return followed

    def watch(self) -> tuple[Incident, socket.socket]:
        """An incident, and a WebSocket on which somebody watches a camera of it."""
        incident, bearer = self.open()
        path = f"/v1/incidents/{incident.id}/streams/cam-01/live".encode()
        watching = self.connect(b"GET " + path + b" HTTP/1.1\r\n" + bearer + UPGRADE)
        assert b" 101 " in watching.recv(4096)
        until_s = time.monotonic() + 5.0
        while (
            len(self.connections) != 1 or not incident.streams.watchers("cam-01")
        ) and time.monotonic() < until_s:
            time.sleep(0.02)
        return incident, watching

    def stop(self) -> None:
        for made in self._made:
            made.close()
        self._server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()


@contextlib.contextmanager
def bounded(console: Console, **bounds: float) -> Iterator[Place]:
    place = Place(console, Connections(**bounds))  # type: ignore[arg-type]
    try:
        yield place
    finally:
        place.stop()


def ended(connection: socket.socket, within_s: float = 0.0) -> bool:
    """Whether the server ends a connection; what it says before does not count."""
    until_s = time.monotonic() + max(within_s, 0.01)
    while (left_s := until_s - time.monotonic()) > 0.0:
        connection.settimeout(left_s)
        try:
            if not connection.recv(65_536):
                return True
        except TimeoutError:
            break
        except ConnectionError:
            return True
    return False


@pytest.mark.parametrize(
    "says",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: he",
        b"POST /session HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\nhalf",
        ASKS + b"GET",
    ],
)
def test_who_does_not_ask_is_disconnected(console: Console, says: bytes) -> None:
    with bounded(console, silent_s=SILENT_S) as place:
        connection = place.connect(says)
        assert ended(connection, 4.0)  # before uvicorn's own 5 s between two requests


def test_who_goes_on_asking_may_stay(console: Console) -> None:
    with bounded(console, silent_s=SILENT_S) as place:
        connection = place.connect()
        for _ in range(12):
            connection.sendall(ASKS)
            said = b""
            while b"</html>" not in said:
                part = connection.recv(65_536)
                assert part, said
                said += part
            time.sleep(0.2)


def test_a_word_now_and_then_is_no_request(console: Console) -> None:
    with bounded(console, silent_s=SILENT_S) as place:
        connection = place.connect(b"GET / HTTP/1.1\r\n")
        until_s = time.monotonic() + 4.0
        while time.monotonic() < until_s and not ended(connection, 0.1):
            with contextlib.suppress(ConnectionError):
                connection.sendall(b"X-Still: here\r\n")
        assert time.monotonic() < until_s


def test_who_follows_an_incident_may_stay(console: Console) -> None:
    with bounded(console, silent_s=SILENT_S, most=2) as place:
        follower = place.follow()
        strangers = [place.connect() for _ in range(6)]
        assert not ended(follower, 3.0)
        assert all(ended(stranger) for stranger in strangers)


def test_silent_strangers_make_room_for_whoever_asks(console: Console) -> None:
    with bounded(console, most=10) as place:
        silent = [place.connect() for _ in range(40)]
        asking = place.connect(ASKS)
        assert b" 200 " in asking.recv(4096)
        assert len(place.connections) <= 10
        assert [ended(one) for one in silent] == [True] * 31 + [False] * 9
        assert b" 200 " in place.connect(ASKS).recv(4096)


def test_a_request_that_is_never_finished_makes_room_too(console: Console) -> None:
    half = b"POST /session HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\nhalf"
    with bounded(console, most=10) as place:
        for _ in range(30):
            place.connect(half)
        assert b" 200 " in place.connect(ASKS).recv(4096)


@pytest.mark.parametrize(("local", "stay"), [(True, 9), (False, 3)])
def test_another_machine_has_few_and_a_proxy_on_this_one_many(
    console: Console, monkeypatch: pytest.MonkeyPatch, local: bool, stay: int
) -> None:
    monkeypatch.setattr("api.connections._is_loopback", lambda _host: local)
    with bounded(console, most_of_an_address=3) as place:
        silent = [place.connect() for _ in range(9)]
        until_s = time.monotonic() + 5.0
        while len(place.connections) != stay and time.monotonic() < until_s:
            time.sleep(0.02)
        assert [ended(one) for one in silent] == [True] * (9 - stay) + [False] * stay
        assert b" 200 " in place.connect(ASKS).recv(4096)


def test_what_has_ended_is_forgotten(console: Console) -> None:
    with bounded(console) as place:
        for _ in range(5):
            with place.connect(ASKS) as connection:
                assert b" 200 " in connection.recv(4096)
        until_s = time.monotonic() + 5.0
        while len(place.connections) and time.monotonic() < until_s:
            time.sleep(0.02)
        assert len(place.connections) == 0
        assert place.connections._by_address == {}


UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def test_a_stranger_gets_no_websocket_and_is_not_counted_for_ever(console: Console) -> None:
    with bounded(console, silent_s=SILENT_S) as place:
        connection = place.connect(ASKS.rstrip() + b"\r\n" + UPGRADE)
        assert b" 403 " in connection.recv(4096)
        assert ended(connection, 4.0)
        until_s = time.monotonic() + 5.0
        while len(place.connections) and time.monotonic() < until_s:
            time.sleep(0.02)
        assert len(place.connections) == 0
        assert place.connections._by_address == {}


def test_a_websocket_is_counted_and_stays_where_silent_ones_make_room(console: Console) -> None:
    with bounded(console, silent_s=SILENT_S, most=3) as place:
        (incident, watching) = place.watch()
        assert len(place.connections) == 1
        strangers = [place.connect() for _ in range(6)]
        assert not ended(watching, 3.0)
        assert all(ended(stranger) for stranger in strangers)
        assert len(place.connections) == 1
        assert incident.streams.watchers("cam-01") == 1
        assert place.config.ws_ping_interval == PING_S
        assert not place.config.ws_per_message_deflate


def test_who_pings_and_reads_nothing_is_disconnected(console: Console) -> None:
    ping = b"\x89\xfd" + bytes(4) + bytes(125)
    with bounded(console) as place:
        (incident, watching) = place.watch()
        watching.settimeout(20.0)
        with contextlib.suppress(OSError):
            while True:
                watching.sendall(ping * 1000)
        until_s = time.monotonic() + 5.0
        while incident.streams.watchers("cam-01") and time.monotonic() < until_s:
            time.sleep(0.02)
        assert incident.streams.watchers("cam-01") == 0


def test_who_reads_no_picture_is_gone_soon_after_the_close(console: Console) -> None:
    console.runs.films = False
    with bounded(console, silent_s=SILENT_S) as place:
        incident, bearer = place.open()
        path = f"/v1/incidents/{incident.id}/streams/cam-01/mjpeg".encode()
        stuck = place.connect()
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.sendall(b"GET " + path + b" HTTP/1.1\r\n" + bearer + b"\r\n")
        (run,) = console.runs.made
        until_s = time.monotonic() + 5.0
        while not incident.streams.watchers("cam-01") and time.monotonic() < until_s:
            time.sleep(0.02)
        for number in range(5):
            assert run.take is not None
            run.take(Still("cam-01", float(number), (2, 2), bytes(1_000_000)))
            time.sleep(0.1)
        assert len(place.connections) == 1
        console.services.incidents.stop_all(reason="over")
        until_s = time.monotonic() + 10.0
        while len(place.connections) and time.monotonic() < until_s:
            time.sleep(0.02)
        assert len(place.connections) == 0
        assert incident.streams.watchers("cam-01") == 0


def test_a_server_may_hold_as_many_files_as_the_machine_lets_it(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    seen: list[int] = []

    class Looks(Server):
        def run(self, sockets: object = None) -> None:  # noqa: ARG002
            seen.append(resource.getrlimit(resource.RLIMIT_NOFILE)[0])

    monkeypatch.setattr(serving_module, "Server", Looks)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
    try:
        with listen("127.0.0.1", 0) as listener:
            serve_on(console.app, listener)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert seen == [65_536 if hard == resource.RLIM_INFINITY else hard]
