"""Tokens of an identity provider (OpenID Connect): JWT access tokens become actors.

What is checked follows RFC 9068 and RFC 8725: the signature by a key that the provider publishes,
with an algorithm of our list and never the token's choice; who made it, for whom, and when. What
somebody may do comes from claims that the provider's administrator maps. A claim that is absent
gives nothing: no role, no entry; no sites, no site. An ID token is refused: it tells some program
who signed in there, and that program could show it here.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any, cast

import jwt

from .actors import ROLES, Actor, Role
from .provider_keys import ProviderKeys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_AGE_S = 12 * 3600.0
"""A token that was made longer ago is refused, whatever it says itself."""

_ACCESS_TOKENS = frozenset({"at+jwt", "application/at+jwt"})
_ANY_TOKENS = frozenset({"jwt", ""})
"""Types by which many providers call an access token, and an ID token, too."""

_KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_MOST_TEXT = 200
_MOST_SITES = 5000
_ALL_SITES = "*"

_log = logging.getLogger(__name__)


class _RefusedError(Exception):
    """Why a token is not accepted, in words for the log."""


class OidcVerifier:
    """Recognises whoever an identity provider vouches for. Safe to use from any thread.

    Args:
        issuer: address of the provider, as it stands in its tokens.
        audience: what its tokens must be meant for.
        algorithms: signatures that are accepted; none with a shared secret.
        leeway_s: how far its clock and ours may be apart.
        role_claim: names the role, one of this program's.
        acts_as_claim: names the role in agreements; the role where it is absent.
        sites_claim: ids of sites, or "*" for all; no site where it is absent.
        agency_claim: the agency.

    Raises:
        ServeError: the issuer is no https address (http is for loopback).
        ValueError: an algorithm is not one of public keys.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        algorithms: Sequence[str] = ("RS256", "PS256", "ES256", "EdDSA"),
        leeway_s: float = 30.0,
        role_claim: str = "lastseen_role",
        acts_as_claim: str = "lastseen_acts_as",
        sites_claim: str = "lastseen_sites",
        agency_claim: str = "lastseen_agency",
    ) -> None:
        if any(algorithm[:2] not in _KEY_TYPES for algorithm in algorithms):
            raise ValueError(f"algorithms {list(algorithms)}: public-key signatures only")
        self._keys = ProviderKeys(issuer)
        self._issuer = issuer
        self._audience = audience
        self._algorithms = frozenset(algorithms)
        self._leeway_s = leeway_s
        self._role_claim = role_claim
        self._acts_as_claim = acts_as_claim
        self._sites_claim = sites_claim
        self._agency_claim = agency_claim

    def prefetch(self, now_s: float) -> None:
        """Fetch the provider's keys now, so that nobody has to wait for them later."""
        self._keys.prefetch(now_s)

    def actor_of(self, token: str, now_s: float) -> Actor | None:
        """Return whom a token speaks for at `now_s` (Unix seconds); None where it is refused.

        Raises:
            ProblemError: 503, the provider's keys cannot be had, so nobody can tell.
        """
        try:
            claims = self._claims(token, now_s)
        except (_RefusedError, jwt.PyJWTError):
            return None
        try:
            self._check_times(claims, now_s)
            return self._actor(claims)
        except _RefusedError as refused:
            # Signed by the provider, so its administrator should hear why it is of no use.
            _log.warning("a token of %s is refused: %s", self._issuer, refused)
            return None

    def _claims(self, token: str, now_s: float) -> Mapping[str, Any]:
        """The claims of a token that the provider signed for us.

        Raises:
            _RefusedError, PyJWTError: it is none.
        """
        header = jwt.get_unverified_header(token)
        algorithm, kid, kind = (header.get(name) for name in ("alg", "kid", "typ"))
        if algorithm not in self._algorithms or not isinstance(kid, str):
            raise _RefusedError("algorithm or key")
        named = str(kind or "").lower()
        if named not in _ACCESS_TOKENS | _ANY_TOKENS:
            raise _RefusedError("type")
        key = self._keys.find(kid, now_s)
        if key is None or key.key_type != _KEY_TYPES[algorithm[:2]]:
            raise _RefusedError("key")
        # PyJWK guesses an algorithm where the provider names none, so the bare key is handed on,
        # and it alone: of an algorithm of its own type, which was checked above.
        claims: dict[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=[algorithm],
            audience=self._audience,
            issuer=self._issuer,
            options={
                "require": ["exp", "iat", "sub", "aud", "iss"],
                "enforce_minimum_key_length": True,
                "verify_exp": False,  # `_check_times` does, against the time it is given
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        if named not in _ACCESS_TOKENS and "nonce" in claims:
            raise _RefusedError("an ID token, which is for the program that signed somebody in")
        return claims

    def _check_times(self, claims: Mapping[str, Any], now_s: float) -> None:
        until_s, made_s = _time(claims, "exp"), _time(claims, "iat")
        from_s = _time(claims, "nbf") if "nbf" in claims else made_s
        if now_s >= until_s + self._leeway_s:
            raise _RefusedError("it has expired")
        if now_s < max(from_s, made_s) - self._leeway_s:
            raise _RefusedError("it does not hold yet; compare the clocks")
        if now_s > made_s + MAX_AGE_S + self._leeway_s:
            raise _RefusedError(f"it was made more than {MAX_AGE_S / 3600:g} h ago")

    def _actor(self, claims: Mapping[str, Any]) -> Actor:
        role = claims.get(self._role_claim)
        if role not in ROLES:
            raise _RefusedError(f"{self._role_claim} is none of {', '.join(ROLES)}")
        subject = _text(claims, "sub")
        if not subject:
            raise _RefusedError("sub is empty")
        return Actor(
            name=f"oidc:{subject}",
            role=cast("Role", role),
            acts_as=_text(claims, self._acts_as_claim) or str(role),
            agency=_text(claims, self._agency_claim),
            sites=_sites(claims, self._sites_claim),
            full_name=_text(claims, "name"),
            by="identity provider",
        )


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _RefusedError(f"{name} is no number")
    try:
        time_s = float(value)
    except OverflowError:
        time_s = math.inf
    if not math.isfinite(time_s):
        raise _RefusedError(f"{name} is no time")
    return time_s


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str) or len(value) > _MOST_TEXT or not value.isprintable():
        raise _RefusedError(f"{name} is no text of at most {_MOST_TEXT} characters")
    return value


def _sites(claims: Mapping[str, Any], name: str) -> frozenset[str] | None:
    value = claims.get(name, [])
    if value in (_ALL_SITES, [_ALL_SITES]):
        return None
    named = [value] if isinstance(value, str) else value
    if (
        not isinstance(named, list)
        or len(named) > _MOST_SITES
        or not all(isinstance(site, str) for site in named)
    ):
        raise _RefusedError(f'{name} is no list of ids of sites, nor "{_ALL_SITES}"')
    return frozenset(named)
