"""`/v1/sign-in`, `/v1/session`, `/v1/me`: how a program or a phone signs in, and who it is then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from . import examples
from .access import DEVICE_COOKIE, address_of, bearer_of, cookie_name
from .actors import ABILITIES
from .device_cookies import DEVICE_S
from .errors import ProblemError
from .locations import utc
from .services import DOCUMENTED_BEARER, ActorHere, ServicesHere
from .sign_in import WRONG, Asked
from .sign_in_schemas import Me, SignedOut, SignInRequest, Token

if TYPE_CHECKING:
    from .actors import Actor
    from .services import Services
    from .sessions import SessionKind
    from .sign_in import SignedIn

router = APIRouter(prefix="/v1", tags=["sign-in"])

_AT_S = 1772442015.0
_ME = Me(
    name="ivy",
    full_name="Ivy Doe",
    role="dispatcher",
    acts_as="dispatcher",
    agency="County dispatch",
    sites=None,
    abilities=tuple(sorted(ABILITIES["dispatcher"])),
    recognised_by="token",
)
_TOKEN = Token(token="3p7…", expires_at=utc(_AT_S + 900.0), actor=_ME)  # noqa: S106 - an example
_NO_AUDIT = examples.problem_example(
    503, "audit-unavailable", "The audit cannot be written", "nobody was signed in or out"
)
_NO_SESSION = examples.problem_example(
    409, "no-session", "There is no session to renew or end", "keys hold until their date"
)
_RECOGNISED: dict[str, Any] = {"dependencies": [DOCUMENTED_BEARER]}


@router.post(
    "/sign-in",
    responses={
        200: examples.json_example(_TOKEN, "Signed in"),
        401: examples.problem_example(401, "sign-in-refused", "Nobody was signed in", WRONG),
        422: examples.INVALID,
        429: examples.problem_example(
            429, "too-many-attempts", "Too many attempts", "try again in 15 min"
        ),
        503: _NO_AUDIT,
    },
)
def sign_in(
    shown: SignInRequest, request: Request, services: ServicesHere, response: Response
) -> Token:
    """Exchange a name, a password and a code for a token that holds 15 minutes.

    Renew it before it ends, for at most 12 hours. The answer sets a cookie that lets nobody in; a
    client that keeps it can go on signing in while others guess at the account's password.
    """
    signed_in = attempt(
        services,
        request,
        name=shown.name,
        password=shown.password.get_secret_value(),
        code=shown.code.get_secret_value(),
        kind="token",
    )
    set_device_cookie(response, request, signed_in)
    return Token(
        token=signed_in.session.secret,
        expires_at=utc(signed_in.session.until_s),
        actor=_me(signed_in.account.actor("token")),
    )


@router.post(
    "/session/renew",
    responses={
        200: examples.json_example(_TOKEN, "The new token"),
        401: examples.UNAUTHORIZED,
        409: _NO_SESSION,
    },
    **_RECOGNISED,
)
def renew_session(request: Request, services: ServicesHere, actor: ActorHere) -> Token:
    """Exchange a token that still holds for a new one; the old one ends.

    Event streams that were opened with the old token end within half a minute: open them again
    with the new one and `Last-Event-ID`.
    """
    token = bearer_of(request)
    new = None if token is None else services.sessions.renew(token, services.clock())
    if new is None:
        raise _no_session("only a token of POST /v1/sign-in can be renewed")
    return Token(token=new.secret, expires_at=utc(new.until_s), actor=_me(actor))


@router.delete(
    "/session",
    responses={
        200: examples.json_example(SignedOut(ended_at=utc(_AT_S)), "Signed out"),
        401: examples.UNAUTHORIZED,
        409: _NO_SESSION,
        503: _NO_AUDIT,
    },
    **_RECOGNISED,
)
def end_session(request: Request, services: ServicesHere, actor: ActorHere) -> SignedOut:
    """Sign out: the token that this request was made with holds no more."""
    token = bearer_of(request)
    if token is None or actor.by != "token":
        raise _no_session("only a token of POST /v1/sign-in can be ended here")
    now_s = services.clock()
    services.sign_in.sign_out(actor.name, token, now_s)
    return SignedOut(ended_at=utc(now_s))


@router.get(
    "/me",
    responses={
        200: examples.json_example(_ME, "Who you are"),
        401: examples.UNAUTHORIZED,
    },
    **_RECOGNISED,
)
def get_me(actor: ActorHere) -> Me:
    """Say who is asking, and what their role may ask for at all."""
    return _me(actor)


def attempt(
    services: Services, request: Request, *, name: str, password: str, code: str, kind: SessionKind
) -> SignedIn:
    """Return the session of whoever showed all that it takes.

    Raises:
        ProblemError: 401 where something is wrong, 429 where it was tried too often.
        AuditError: nobody is let in without an entry of the audit.
    """
    device = request.cookies.get(cookie_name(DEVICE_COOKIE, request))
    asked = Asked(name, password, code, address_of(request), device)
    return services.sign_in.attempt(asked, kind, services.clock())


def set_device_cookie(response: Response, request: Request, signed_in: SignedIn) -> None:
    """Let the browser show next time that it has signed in to this account before."""
    set_cookie(response, request, DEVICE_COOKIE, signed_in.device, lasts_s=DEVICE_S)


def set_cookie(
    response: Response, request: Request, name: str, value: str, *, lasts_s: float
) -> None:
    """Set a cookie of ours: no script reads it, no other site sends it along."""
    response.set_cookie(
        cookie_name(name, request),
        value,
        max_age=int(lasts_s),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def _me(actor: Actor) -> Me:
    return Me(
        name=actor.name,
        full_name=actor.full_name,
        role=actor.role,
        acts_as=actor.acts_as,
        agency=actor.agency,
        sites=None if actor.sites is None else tuple(sorted(actor.sites)),
        abilities=tuple(sorted(ABILITIES[actor.role])),
        recognised_by=actor.by,
    )


def _no_session(detail: str) -> ProblemError:
    return ProblemError(409, "no-session", "There is no session to renew or end", detail)
