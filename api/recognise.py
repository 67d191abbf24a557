"""Who is asking, by what they show: a bearer token, a key, or a browser's cookie."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .actors import Actor
    from .oidc import OidcVerifier
    from .sessions import SessionKind, Sessions

_BY_BEARER: tuple[SessionKind, ...] = ("token", "key")
_BY_COOKIE: tuple[SessionKind, ...] = ("browser",)
_DOTS_OF_A_JWT = 2
_MOST_CHARACTERS = 16_384


class Recogniser:
    """Turns what somebody shows into an actor. Safe to use from any thread.

    Args:
        sessions: the live sessions.
        verifier: checks tokens of an identity provider; None without one.
    """

    def __init__(self, sessions: Sessions, verifier: OidcVerifier | None = None) -> None:
        self._sessions = sessions
        self._verifier = verifier

    def by_bearer(self, token: str, now_s: float) -> Actor | None:
        """Return whom a bearer token or a key speaks for; a browser's session is none.

        Raises:
            ProblemError: 503, the identity provider cannot be asked.
            StoreError: the database does not answer.
        """
        if len(token) > _MOST_CHARACTERS:
            return None
        if token.count(".") == _DOTS_OF_A_JWT:
            return None if self._verifier is None else self._verifier.actor_of(token, now_s)
        return self._sessions.actor_of(token, now_s, kinds=_BY_BEARER)

    def by_cookie(self, secret: str, now_s: float) -> Actor | None:
        """Return whose browser holds the session.

        Raises:
            StoreError: the database does not answer.
        """
        return self._sessions.actor_of(secret, now_s, kinds=_BY_COOKIE)
