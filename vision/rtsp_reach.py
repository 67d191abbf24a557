"""Whether an RTSP server answers at an address, asked in a way that can be broken off at once.

FFmpeg cannot be interrupted from outside while it connects, and a camera without power leaves it
waiting. So this asks first, with a socket of our own: a wait for a camera that is not there ends
as soon as it is told to, and the reason given is a clear one.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from .errors import FeedLostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .address import CameraAddress

_POLL_S: Final = 0.1
_ANSWER: Final = b"RTSP/"


class _StoppedError(Exception):
    """Told to break off."""


def reach(address: CameraAddress, stopped: Callable[[], bool], timeout_s: float) -> None:
    """Return once a server answers an RTSP `OPTIONS` request (RFC 2326 section 10.1).

    For `rtsps` only the TCP connection is tried. Returns early, without a result, when stopped.

    Args:
        address: an RTSP address.
        stopped: whether to break off; asked every 0.1 s.
        timeout_s: for connecting and answering together, for each address the host name has.

    Raises:
        FeedLostError: the host is unknown, nothing listens, or what answers is not RTSP.
    """
    where = f"{address.host}:{address.port}"
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError:
        raise FeedLostError(f"the host name {address.host} is not known") from None
    problem = "nothing to connect to"
    for family, kind, protocol, _, peer in found:
        with socket.socket(family, kind, protocol) as connection:
            wait = _Wait(connection, stopped, timeout_s)
            try:
                wait.connect(peer)
                if address.scheme == "rtsp":
                    _ask(wait, address)
            except _StoppedError:
                return
            except TimeoutError:
                problem = f"no answer within {timeout_s:g} s"
            except OSError as error:
                problem = error.strerror or str(error)
            else:
                return
    raise FeedLostError(f"cannot connect to {where}: {problem}")


def _ask(wait: _Wait, address: CameraAddress) -> None:
    target = urlsplit(address.reveal())
    url = target._replace(netloc=target.netloc.rpartition("@")[2], fragment="").geturl()
    wait.send(f"OPTIONS {url} RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: lastseen\r\n\r\n".encode())
    answer = b""
    while len(answer) < len(_ANSWER):
        part = wait.receive()
        if not part:
            raise OSError("it hung up without an answer")
        answer += part
    if not answer.startswith(_ANSWER):
        raise OSError("what answers there does not speak RTSP")


class _Wait:
    """A socket whose every wait is short enough to be broken off."""

    def __init__(
        self, connection: socket.socket, stopped: Callable[[], bool], timeout_s: float
    ) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._stopped = stopped
        self._deadline_s = time.monotonic() + timeout_s

    def connect(self, peer: Any) -> None:  # noqa: ANN401 - its form depends on the family
        code = self._connection.connect_ex(peer)
        if code == errno.EINPROGRESS:
            self._until(select.POLLOUT)
            code = self._connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))

    def send(self, request: bytes) -> None:
        self._until(select.POLLOUT)
        self._connection.sendall(request)

    def receive(self) -> bytes:
        self._until(select.POLLIN)
        return self._connection.recv(4096)

    def _until(self, event: int) -> None:
        poll = select.poll()
        poll.register(self._connection, event)
        while not poll.poll(_POLL_S * 1e3):
            if self._stopped():
                raise _StoppedError
            if time.monotonic() > self._deadline_s:
                raise TimeoutError
        if self._stopped():
            raise _StoppedError
