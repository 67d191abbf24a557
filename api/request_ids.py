"""A number for every request, by which its lines in the log and its answer are found together."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders

from .logs import about

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER: Final = "X-Request-ID"

_USABLE: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
"""What a proxy may hand on; anything else, which would be the caller's to forge, is made anew."""


class RequestIds:
    """ASGI middleware: gives every request an id, its log lines and its answer that id.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it be answered, as what it is about."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        shown = Headers(scope=scope).get(HEADER, "")
        request = shown if _USABLE.fullmatch(shown) else secrets.token_hex(8)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request
            await send(message)

        with about(request=request):
            await self._app(scope, receive, send_with_id)
