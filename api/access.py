"""The first thing every request meets: who is asking? Default deny.

A request is let through with a bearer token, with a key, or with the cookie of a browser's session.
Without any of them only `PUBLIC` answers: the sign-in form, which holds no data, and what people
sign in by. `SIGNED` is let through as nobody: its handlers check a signature or a token of their
own. So is `PROBES`, which says nothing and is not counted: what asks whether the server lives must
be answered, whoever else asks from the same address. Anything else is 401, also what does not
exist, so nobody learns what is here. No other site may read an answer: there is
no CORS, and a preflight is a stranger's request like any other.

Requests are counted so that nobody uses up what somebody else needs: strangers by address, but not
the browser that signs in where it has signed in before, and not an event that bears a signature;
of those `api.activations` counts the false ones.

`EventSource`, `WebSocket` and plain navigation cannot send a header, therefore the cookie. It is
HttpOnly and SameSite=Strict; a request that changes something by cookie must also come from our own
origin, and so must a WebSocket, which browsers open to any site. One that is not let through is
closed before it is accepted.

A stream is looked at again while it runs: who has signed out, or was locked out, sees no more.
"""

from __future__ import annotations

import ipaddress
import logging
import math
import re
from typing import TYPE_CHECKING, NamedTuple, cast
from urllib.parse import urlsplit

from anyio import CancelScope, CapacityLimiter, to_thread
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse

from .errors import ProblemError, StoreError
from .problems import problem_response
from .request_limits import RequestLimits, address_key, too_many_requests
from .request_sizes import most_bytes
from .watched_streams import POLICY_VIOLATION, WatchedSend, bounded, until_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .actors import Actor
    from .recognise import Recogniser
    from .request_limits import Whose
    from .services import Services
    from .watched_streams import Recognise

PUBLIC = frozenset({("GET", "/"), ("POST", "/session"), ("POST", "/v1/sign-in")})
"""(method, path) of all that answers without being recognised."""

SIGNED = (
    ("POST", "/v1/activations/{source}"),
    ("GET", "/v1/links/{link}"),
    ("GET", "/v1/links/{link}/{name}"),
    ("GET", "/metrics"),
)
"""(method, path) of what checks a signature itself, or the token of those who run the server;
whatever else is sent along counts nothing."""

PROBES = frozenset({("GET", "/healthz"), ("GET", "/readyz")})
"""(method, path) of what load balancers and service managers ask. They have no account, and are
told whether the server can be used, in words that anybody may read."""

PAGES = frozenset({"/tactical", "/calibrate", "/plan-editor", "/drills", "/docs"})
"""Paths of pages: a browser that opens one without a session is led to the sign-in form first."""

NEXT = "next"
"""Name under which the sign-in form keeps the page that was asked for."""

COOKIE = "lastseen_session"
DEVICE_COOKIE = "lastseen_device"

_log = logging.getLogger(__name__)

WEBSOCKET = "WEBSOCKET"
"""Stands for the method of a request that opens a WebSocket; none that is sent is called so."""

_OVER_TLS = frozenset({"https", "wss"})
_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
_RECOGNISING = 32
_NOBODYS_ADDRESS = "unknown"
_LINK = "/v1/links/"
_PIECE = re.compile(r"/v1/incidents/[^/]+/streams/[^/]+/(hls/[^/]+|still\.jpg)")
"""Paths of what players of streams ask for again and again."""

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "media-src 'self' blob:; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # "no-referrer" makes forms say "Origin: null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
_HEADERS_OF_HTTPS = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}


class Verdict(NamedTuple):
    """What was found out about a request.

    Attributes:
        actor: who asks; None where nobody was recognised.
        refusal: why it is not answered; None where it is.
        again: looks again who asks; None where nobody was recognised.
        until_s: when what they showed ends, as it says itself, Unix seconds.
    """

    actor: Actor | None
    refusal: ProblemError | None
    again: Recognise | None = None
    until_s: float = math.inf


class Access:
    """ASGI middleware: recognises, bounds requests, sets every response's security headers.

    Sets `scope["state"]["actor"]`, an `Actor` or None, and `["signed_in"]`, whether it is one.

    Args:
        app: what is protected.
        recogniser: tells who asks.
        clock: Unix seconds now.
        request_limits: how many requests are answered.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        recogniser: Recogniser,
        clock: Callable[[], float],
        request_limits: RequestLimits | None = None,
    ) -> None:
        self._app = app
        self._recogniser = recogniser
        self._clock = clock
        self._limits = request_limits or RequestLimits()
        # Of its own: who closes cameras must be recognised while others wait for a database.
        self._threads = CapacityLimiter(_RECOGNISING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it with a problem document."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        fixed = _HEADERS | (_HEADERS_OF_HTTPS if scope["scheme"] in _OVER_TLS else {})

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in fixed.items():
                    headers.setdefault(name, value)
            await send(message)

        socket = scope["type"] == "websocket"
        method = WEBSOCKET if socket else scope["method"]
        verdict = await self._judge(HTTPConnection(scope), method, scope["path"])
        state = scope.setdefault("state", {})
        state["actor"] = verdict.actor
        state["signed_in"] = verdict.actor is not None
        if socket and verdict.refusal is not None:
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        if verdict.refusal is not None:
            response: Response = problem_response(scope["path"], verdict.refusal)
            if verdict.refusal.status == 401 and _opens_page(HTTPConnection(scope), method):  # noqa: PLR2004
                response = RedirectResponse(f"/?{NEXT}={scope['path']}", 303)
            await response(scope, receive, send_with_headers)
            return
        with CancelScope() as answering:
            watched = WatchedSend(
                send_with_headers, verdict.again, self._clock, answering, verdict.until_s
            )
            await self._app(scope, bounded(receive, most_bytes(method, scope["path"])), watched)

    async def _judge(self, connection: HTTPConnection, method: str, path: str) -> Verdict:
        """Return what is to be done with a request.

        `path` is the one that is routed by. That of `connection.url` is put together with the
        Host header, which is the caller's to choose.
        """
        try:
            verdict = await self._recognise(connection, method, path)
        except ProblemError as problem:
            verdict = Verdict(None, problem)
        except StoreError as error:
            _log.error("nobody can be recognised: %s", error)
            verdict = Verdict(None, _no_store())
        counted = self._counted_by(verdict.actor, connection, method, path)
        wait_s = 0.0 if counted is None else self._limits.wait_s(*counted, self._clock())
        return verdict if wait_s == 0.0 else Verdict(verdict.actor, too_many_requests(wait_s))

    def _counted_by(
        self, actor: Actor | None, connection: HTTPConnection, method: str, path: str
    ) -> tuple[Whose, str] | None:
        """What a request is counted by; None where it is not, or its handler does that."""
        if actor is not None:
            return "player" if _PIECE.fullmatch(path) else "actor", actor.name
        if (method, path) in PROBES:
            return None
        address = address_key(address_of(connection))
        if (method, path) in PUBLIC:
            services = cast("Services", connection.app.state.services)
            cookie = connection.cookies.get(cookie_name(DEVICE_COOKIE, connection))
            device = services.sign_in.device_of(cookie, self._clock())
            return ("stranger", address) if device is None else ("device", device)
        if not is_signed(method, path):
            return "stranger", address
        if path.startswith(_LINK):
            return "link-player" if "/" in path.removeprefix(_LINK) else "link", address
        return None if "webhook-signature" in connection.headers else ("stranger", address)

    async def _recognise(self, connection: HTTPConnection, method: str, path: str) -> Verdict:
        if is_signed(method, path) or (method, path) in PROBES:
            return Verdict(None, None)
        if "authorization" in connection.headers:
            return await self._by_bearer(connection)
        session = connection.cookies.get(cookie_name(COOKIE, connection))
        again = self._again(self._recogniser.by_cookie, session or "")
        actor = None if session is None else await again()
        if actor is None and (method, path) not in PUBLIC:
            return Verdict(None, _unauthorized("send the header 'Authorization: Bearer <token>'"))
        if method not in _HARMLESS and not _own_origin(connection, needed=actor is not None):
            return Verdict(actor, _foreign_origin())
        return Verdict(actor, None, None if actor is None else again)

    async def _by_bearer(self, connection: HTTPConnection) -> Verdict:
        token = bearer_of(connection)
        again = self._again(self._recogniser.by_bearer, token or "")
        actor = None if token is None else await again()
        if actor is None:
            return Verdict(None, _unauthorized("the token is not valid, or not any more"))
        return Verdict(actor, None, again, until_of(token or ""))

    def _again(self, by: Callable[[str, float], Actor | None], shown: str) -> Recognise:
        async def again() -> Actor | None:
            return await to_thread.run_sync(by, shown, self._clock(), limiter=self._threads)

        return again


def is_signed(method: str, path: str) -> bool:
    """Whether a request is let through as nobody because its handler checks a signature."""
    return any(method == of and pattern.fullmatch(path) for of, pattern in _SIGNED)


_SIGNED = tuple((method, re.compile(re.sub(r"\{\w+\}", "[^/]+", path))) for method, path in SIGNED)


def _opens_page(connection: HTTPConnection, method: str) -> bool:
    """Whether a person opens one of the pages, who must sign in first."""
    asks = "text/html" in connection.headers.get("accept", "")
    return method == "GET" and connection.scope["path"] in PAGES and asks


def bearer_of(connection: HTTPConnection) -> str | None:
    """Return the bearer token that was sent; None where none was."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def address_of(connection: HTTPConnection) -> str:
    """Return the address that a request came from; one word for all that is none.

    A proxy hands on what it was sent, so it may be any text.
    """
    try:
        host = "" if connection.client is None else connection.client.host
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return _NOBODYS_ADDRESS


def cookie_name(name: str, connection: HTTPConnection) -> str:
    """Return what a cookie of ours is called.

    Over TLS it has the prefix by which browsers see to it that no other host and no page without
    TLS has set it.
    """
    return f"__Host-{name}" if connection.scope["scheme"] in _OVER_TLS else name


def _own_origin(connection: HTTPConnection, *, needed: bool) -> bool:
    """Whether the request's origin is this server; a missing one passes only if not `needed`.

    Hosts are compared, not schemes: behind a proxy that ends TLS the server does not know its
    own scheme.
    """
    origin = connection.headers.get("origin")
    if origin is None:
        return not needed
    try:
        return urlsplit(origin).netloc == connection.headers.get("host")
    except ValueError:  # e.g. half an IPv6 address
        return False


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


def _no_store() -> ProblemError:
    return ProblemError(
        503,
        "store-unavailable",
        "The server's storage cannot be used",
        "nobody can be recognised now; the server's log says what to repair",
        {"Retry-After": "5"},
    )
