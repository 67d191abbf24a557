"""The first thing every request meets: who is asking? Default deny.

A request is let through with the bearer token, or with a live session's cookie. Without either
exactly two answer, `PUBLIC`: the sign-in form, which holds no data, and the place it is sent
to. Anything else is 401, also what does not exist, so nobody learns what is here.

`EventSource` and plain navigation cannot send a header, therefore the cookie. It is HttpOnly and
SameSite=Strict; a request that changes something by cookie must also come from our own origin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from .errors import ProblemError
from .problems import problem_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .sessions import Sessions
    from .tokens import TokenCheck

PUBLIC = frozenset({("GET", "/"), ("POST", "/session")})
"""(method, path) of all that answers without a token."""

COOKIE = "lastseen_session"
_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
_POLICY_VIOLATION = 1008
_MOST_REQUEST_BYTES = 65_536

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # "no-referrer" makes forms say "Origin: null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


class Access:
    """ASGI middleware: authenticates, bounds requests, sets every response's security headers.

    Sets `scope["state"]["signed_in"]`, which tells the page at `/` what to show.

    Args:
        app: what is protected.
        token: checks a presented token.
        sessions: the live sessions.
        clock: Unix seconds now.
    """

    def __init__(
        self, app: ASGIApp, *, token: TokenCheck, sessions: Sessions, clock: Callable[[], float]
    ) -> None:
        self._app = app
        self._token = token
        self._sessions = sessions
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it with a problem document."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no websockets here
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        connection = HTTPConnection(scope)
        refusal, signed_in = self._judge(connection, scope["method"], scope["path"])
        scope.setdefault("state", {})["signed_in"] = signed_in
        if refusal is None:
            await self._app(scope, _bounded(receive), send_with_headers)
        else:
            response = problem_response(scope["path"], refusal)
            await response(scope, receive, send_with_headers)

    def _judge(
        self, connection: HTTPConnection, method: str, path: str
    ) -> tuple[ProblemError | None, bool]:
        """Return (why the request is refused or None, whether it is authenticated).

        `path` is the one that is routed by. That of `connection.url` is put together with the
        Host header, which is the caller's to choose.
        """
        authorization = connection.headers.get("authorization")
        if authorization is not None:
            scheme, _, token = authorization.partition(" ")
            by_token = scheme.lower() == "bearer" and self._token.accepts(token.strip())
            return (None, True) if by_token else (_unauthorized("the token is not valid"), False)
        session = connection.cookies.get(COOKIE)
        by_cookie = session is not None and self._sessions.accepts(session, self._clock())
        public = (method, path) in PUBLIC
        if not by_cookie and not public:
            return _unauthorized("send the header 'Authorization: Bearer <token>'"), False
        if method not in _HARMLESS and not _own_origin(connection, needed=by_cookie):
            return _foreign_origin(), by_cookie
        return None, by_cookie


def _bounded(receive: Receive) -> Receive:
    """Return `receive`, which refuses a request that grows too large."""
    seen_bytes = 0

    async def bounded() -> Message:
        nonlocal seen_bytes
        message = await receive()
        seen_bytes += len(message.get("body", b""))
        if seen_bytes > _MOST_REQUEST_BYTES:
            raise HTTPException(413)
        return message

    return bounded


def _own_origin(connection: HTTPConnection, *, needed: bool) -> bool:
    """Whether the request's origin is this server; a missing one passes only if not `needed`.

    Hosts are compared, not schemes: behind a proxy that ends TLS the server does not know its
    own scheme.
    """
    origin = connection.headers.get("origin")
    if origin is None:
        return not needed
    return urlsplit(origin).netloc == connection.headers.get("host")


def _unauthorized(detail: str) -> ProblemError:
    headers = {"WWW-Authenticate": 'Bearer realm="lastseen"'}
    return ProblemError(401, "unauthorized", "A valid token is needed", detail, headers)


def _foreign_origin() -> ProblemError:
    return ProblemError(
        403,
        "foreign-origin",
        "The request comes from another site",
        "requests that change something must come from the console's own page",
    )
