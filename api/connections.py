"""How many connections may wait for a request, so that there is one for whoever needs the server.

A connection takes a file descriptor, and whoever says nothing on it is met by no other limit. So
those that are silent too long are closed, and where there are too many the one that was there
longest makes room: somebody who connects and asks at once gets an answer, whoever else is there.
A connection on which a request is being answered, as a stream of events is, stays; so does one that
became a WebSocket, which is counted on.
"""

from __future__ import annotations

import ipaddress
import resource
from typing import TYPE_CHECKING, Any, TypeAlias

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from .request_limits import address_key

if TYPE_CHECKING:
    import asyncio

    import h11

SILENT_S = 15.0
"""A whole request must have come so long after the answer before, or after connecting."""

LEAST_BYTES_A_SECOND = 65_536
"""A request that is larger than what comes in that time at this rate has as much longer."""

MOST_OF_AN_ADDRESS = 64
"""Silent connections from one other machine; a proxy on this one has those of all."""

PING_S = 10.0
"""A WebSocket is asked so often whether anybody is there, and has as long again to answer."""

MOST_MESSAGE_BYTES = 1024
"""Longest message that is taken from a WebSocket: nothing needs to be said on it."""

_LAST_WORDS_S = 1.0
_MOST_WAITING_BYTES = 1_000_000
_MOST = 4096  # or half of the files that this process may hold
_MOST_FILES = 65_536  # where the machine names no most


Counted: TypeAlias = "BoundedProtocol | BoundedWebSocket"


class Connections:
    """All connections of a server; used by its event loop only.

    Args:
        most: how many may be silent.
        most_of_an_address: how many from one address, unless it is this machine's.
        silent_s: how long one may be silent, seconds.
    """

    def __init__(
        self,
        most: int | None = None,
        most_of_an_address: int = MOST_OF_AN_ADDRESS,
        silent_s: float = SILENT_S,
    ) -> None:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._most = min(_MOST, soft // 2) if most is None else most
        self._most_of_an_address = most_of_an_address
        self._silent_s = silent_s
        self._all: dict[Counted, None] = {}  # in the order in which they came
        self._going: dict[Counted, tuple[int, float]] = {}  # bytes left, and since when
        self._by_address: dict[str, dict[Counted, None]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def add(self, connection: Counted) -> None:
        """Note one that was made, and close another where there are too many now."""
        self._all[connection] = None
        of_address = self._by_address.setdefault(connection.place, {})
        of_address[connection] = None
        if not connection.local:
            _make_room(of_address, self._most_of_an_address)
        _make_room(self._all, self._most)

    def remove(self, connection: Counted) -> None:
        """Forget one that has ended."""
        self._all.pop(connection, None)
        self._going.pop(connection, None)
        of_address = self._by_address.get(connection.place, {})
        of_address.pop(connection, None)
        if not of_address:
            self._by_address.pop(connection.place, None)

    def close_silent(self, now_s: float) -> None:
        """Close those that owe a request for too long, and those that do not read their last words.

        Args:
            now_s: time of the event loop.
        """
        for connection in tuple(self._all):
            if connection.transport.is_closing():
                left = connection.transport.get_write_buffer_size()
                before, since_s = self._going.get(connection, (-1, now_s))
                if left != before:  # it is being read, however slowly
                    self._going[connection] = (left, now_s)
                elif now_s >= since_s + self._silent_s:
                    connection.transport.abort()
                continue
            if connection.owes and now_s >= connection.owes_since_s + self._silent_s:
                connection.transport.abort()


class BoundedProtocol(H11Protocol):
    """A connection that is counted.

    Args:
        counted: where.
        more: of uvicorn's protocol.
    """

    def __init__(self, counted: Connections, **more: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(**more)
        self._counted = counted
        self.place = ""
        self.local = False
        self.owes_since_s = self.loop.time()

    @property
    def owes(self) -> bool:
        """Whether it is the other side's turn: to send a request, or the rest of one."""
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Note that it begins."""
        super().connection_made(transport)
        host = self.client[0] if self.client else ""
        self.place, self.local = address_key(host), _is_loopback(host)
        self._counted.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that it has ended."""
        self._counted.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Give a large request more time, by as much as came."""
        bought_s = len(data) / LEAST_BYTES_A_SECOND
        self.owes_since_s = min(self.loop.time(), self.owes_since_s + bought_s)
        super().data_received(data)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection on to a WebSocket, which is counted in its place."""
        self._counted.remove(self)
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        """Note that a request is answered; the next one is awaited from now on."""
        self.owes_since_s = self.loop.time()
        super().on_response_complete()


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket that is counted, and gone soon after it is over.

    Args:
        counted: where.
        more: of uvicorn's protocol.
    """

    owes = False
    """It is never the other side's turn; whether anybody is there is what pings are for."""

    def __init__(self, counted: Connections, **more: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(**more)
        self._counted = counted
        self.place = ""
        self.local = False
        self.owes_since_s = self.loop.time()
        self.close_timeout = _LAST_WORDS_S

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note that it begins."""
        super().connection_made(transport)
        host = self.client[0] if self.client else ""
        self.place, self.local = address_key(host), _is_loopback(host)
        self._counted.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that it has ended."""
        self._counted.remove(self)
        super().connection_lost(exc)

    def handle_ping(self) -> None:
        """Answer; whoever pings on and on and reads no answer is disconnected."""
        super().handle_ping()
        if self.transport.get_write_buffer_size() > _MOST_WAITING_BYTES:
            self.transport.abort()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """Let the last words be read, and end it: whoever reads nothing holds nothing."""
        super().on_task_complete(task)
        self.loop.call_later(_LAST_WORDS_S, self.transport.abort)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def raise_file_limit() -> None:
    """Let this process, and those it starts, hold as many files and connections as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _make_room(among: dict[Counted, None], most: int) -> None:
    """Close the oldest connection that owes a request, where too many do."""
    if len(among) <= most:
        return
    silent = [one for one in among if one.owes and not one.transport.is_closing()]
    if len(silent) > most:
        silent[0].transport.abort()
