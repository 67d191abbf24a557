"""Requests that must not grow, and answers that end when their reader is recognised no more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import jwt
from anyio import CancelScope
from anyio.lowlevel import checkpoint
from starlette.exceptions import HTTPException

from .errors import ProblemError, StoreError
from .request_sizes import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.types import Message, Receive, Send

    from .actors import Actor

    Recognise = Callable[[], Awaitable[Actor | None]]

LOOK_AGAIN_S = 30.0
"""How often it is looked at again who reads a stream."""

POLICY_VIOLATION = 1008
"""Code with which a WebSocket is closed on whoever may not have it (RFC 6455, 7.4.1)."""


class WatchedSend:
    """An ASGI `send` that ends a stream whose reader is not recognised any more.

    Args:
        send: what is sent by.
        again: looks again who asks; None where nobody was recognised.
        clock: Unix seconds now.
        answering: the scope in which the request is answered; cancelled where the stream ends.
        until_s: when what the reader showed ends in any case, Unix seconds.
    """

    def __init__(
        self,
        send: Send,
        again: Recognise | None,
        clock: Callable[[], float],
        answering: CancelScope,
        until_s: float = math.inf,
    ) -> None:
        self._send = send
        self._again = again
        self._clock = clock
        self._answering = answering
        self._until_s = until_s
        self._looked_s = clock()

    async def __call__(self, message: Message) -> None:
        """Send, unless it is a part of a stream that is over for its reader."""
        if _streams(message) and self._again and self._clock() >= self._looked_s + LOOK_AGAIN_S:
            self._looked_s = self._clock()
            if not await self._still_known(self._again):
                message = _LAST[message["type"]]
                self._answering.cancel()
                with CancelScope(shield=True):
                    await self._send(message)
                await checkpoint()  # does not return: the scope is cancelled
        await self._send(message)

    async def _still_known(self, again: Recognise) -> bool:
        try:
            return await again() is not None
        except (ProblemError, StoreError):
            # A database or a provider that is down ends nobody's sight of an incident, but what
            # has ended by its own word has ended.
            return self._clock() < self._until_s


_LAST: Mapping[str, Message] = {
    "http.response.body": {"type": "http.response.body", "body": b"", "more_body": False},
    "websocket.send": {
        "type": "websocket.close",
        "code": POLICY_VIOLATION,
        "reason": "you are not signed in any more",
    },
}


def _streams(message: Message) -> bool:
    """Whether a message is a part of an answer that goes on."""
    if message["type"] == "http.response.body":
        return bool(message.get("more_body", False))
    return bool(message["type"] == "websocket.send")


def until_of(token: str) -> float:
    """Return when a bearer token that was checked ends by its own word; infinity if it has none."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
        return float(claims["exp"])
    except (jwt.InvalidTokenError, KeyError):  # a token or key of this server
        return math.inf


def bounded(receive: Receive, most_bytes: int = MOST_BYTES) -> Receive:
    """Return `receive`, which refuses a request whose body grows larger than `most_bytes`."""
    seen_bytes = 0

    async def receive_bounded() -> Message:
        nonlocal seen_bytes
        message = await receive()
        seen_bytes += len(message.get("body") or b"")
        if seen_bytes > most_bytes:
            raise HTTPException(413)
        return message

    return receive_bounded
