"""Runs the application on a socket, and stops its incidents before it goes."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import gc
import ipaddress
import signal
import socket
import threading
from typing import TYPE_CHECKING, cast

import uvicorn
from uvicorn.config import LOGGING_CONFIG

from .app import stop_all
from .connections import (
    MOST_MESSAGE_BYTES,
    PING_S,
    BoundedProtocol,
    BoundedWebSocket,
    Connections,
    raise_file_limit,
)
from .errors import ServeError
from .logs import current

if TYPE_CHECKING:
    from collections.abc import Generator

    from fastapi import FastAPI

_SEND_BUFFER_BYTES = 65_536
_LAST_WORDS_S = 3
_BACKLOG = 128
_TICKS_A_SECOND = 10
_COLLECT_AFTER = (20_000, 20, 20)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> socket.socket:
    """Return a listening TCP socket; port 0 takes a free one.

    Raises:
        ServeError: the port is in use or forbidden, or the host is not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ServeError(
            f"host {host!r}: {error.strerror}; give an address of this machine"
        ) from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit this. What lies in the kernel's buffer cannot be taken back, so a
        # small one keeps a slow reader of events from being shown what is long past.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ServeError(_why_not(error, host, port)) from error
    return listener


def serve_on(app: FastAPI, listener: socket.socket, *, log_level: str = "warning") -> None:
    """Serve `app` until SIGINT or SIGTERM, then stop its incidents and return."""
    raise_file_limit()
    config = uvicorn.Config(
        app,
        log_config=None if current() else LOGGING_CONFIG,
        log_level=log_level,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_LAST_WORDS_S,
    )
    with rarely_collecting():
        Server(config, app).run(sockets=[listener])


@contextlib.contextmanager
def rarely_collecting() -> Generator[None]:
    """Keep Python's garbage collector from holding up every stream while the server runs.

    A full collection looks at all there is, a quarter of a second, and with five hundred readers
    it came every five seconds. What the process begins with stays until its end, so it is left out
    from now on, and the rest is looked at less often.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


class Server(uvicorn.Server):
    """A server that stops its incidents first, and bounds connections that are silent.

    Event streams end only when their incident does; uvicorn would wait for them in vain.

    Args:
        config: uvicorn's; how HTTP and WebSockets are spoken is set here.
        app: the application, as in `config`.
        connections: bounds them; made where not given.
    """

    def __init__(
        self, config: uvicorn.Config, app: FastAPI, connections: Connections | None = None
    ) -> None:
        super().__init__(config)
        self._lastseen = app
        self._connections = Connections() if connections is None else connections
        counted = functools.partial(BoundedProtocol, self._connections)
        config.http = cast("type[asyncio.Protocol]", counted)
        upgraded = functools.partial(BoundedWebSocket, self._connections)
        config.ws = cast("type[asyncio.Protocol]", upgraded)
        config.ws_max_size = MOST_MESSAGE_BYTES
        config.ws_ping_interval = config.ws_ping_timeout = PING_S
        config.ws_per_message_deflate = False  # video is compressed already

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Stop at SIGINT and SIGTERM; being told to stop is no failure of the process.

        uvicorn raises the signal again when it has stopped, which would kill the process.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        told = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in told}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def on_tick(self, counter: int) -> bool:
        """Close what is silent too long; whether to stop."""
        if counter % _TICKS_A_SECOND == 0:
            self._connections.close_silent(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop the incidents, then end the connections."""
        await stop_all(self._lastseen)
        await super().shutdown(sockets)


def _why_not(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} on {host} is in use; choose another with --port"
        case errno.EACCES:
            return f"port {port} needs more rights than this user has; choose one above 1023"
        case errno.EADDRNOTAVAIL:
            return f"{host} is no address of this machine; choose one with --host"
        case _:
            return f"cannot listen on {host} port {port}: {error.strerror}"
