"""The keys that an identity provider publishes: fetched, kept, and fetched anew when they change.

Strangers choose the key id of a token they made up, so what they send cannot make this ask the
provider more than once in ten seconds, and no request waits while another one asks. Where the
provider does not answer, the keys that are there go on for an hour.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2
import jwt

from .errors import ProblemError, ServeError

if TYPE_CHECKING:
    from jwt import PyJWK

FRESH_S = 300.0
"""Keys are fetched anew after so long."""

STALE_S = 3600.0
"""Keys that could not be fetched anew hold for so long after they were fetched."""

ASK_AGAIN_S = 10.0
"""The provider is asked once in so long at most."""

_TIMEOUT_S = 3.0
_MOST_BYTES = 1_000_000
_DISCOVERY = "/.well-known/openid-configuration"

_log = logging.getLogger(__name__)


class ProviderKeys:
    """The published keys of one provider. Safe to use from any thread.

    Args:
        issuer: its address, https, or http on loopback.

    Raises:
        ServeError: it is none.
    """

    def __init__(self, issuer: str) -> None:
        if not _may_be_asked(issuer):
            raise ServeError(
                f"identity provider {issuer}: give its https address (http is for loopback only)"
            )
        self._issuer = issuer
        self._keys: dict[str, PyJWK] = {}
        self._fetched_s = float("-inf")
        self._asked_s = float("-inf")
        self._asking = threading.Lock()

    def find(self, kid: str, now_s: float) -> PyJWK | None:
        """Return the key of that id; None where the provider publishes none.

        Args:
            kid: id of the key, as a token names it.
            now_s: Unix seconds.

        Raises:
            ProblemError: 503, the provider does not say which keys it has now.
        """
        if kid not in self._keys or not _within(FRESH_S, self._fetched_s, now_s):
            self._ask(now_s)
        if now_s >= self._fetched_s + STALE_S:
            raise _unavailable()
        key = self._keys.get(kid)
        if key is None and self._fetched_s < self._asked_s:
            raise _unavailable()  # it may be a new key, and whoever holds it is in a hurry
        return key

    def prefetch(self, now_s: float) -> None:
        """Fetch the keys now; where the provider does not answer, the log says so."""
        self._ask(now_s)

    def _ask(self, now_s: float) -> None:
        """Fetch the keys, unless they were just asked for or somebody else is asking."""
        just_asked = _within(ASK_AGAIN_S, self._asked_s, now_s)
        if just_asked or not self._asking.acquire(blocking=False):
            return
        try:
            self._asked_s = now_s
            self._keys = self._fetch()
            self._fetched_s = now_s
        except (httpx2.HTTPError, httpx2.InvalidURL, jwt.PyJWTError, ValueError) as error:
            _log.warning("identity provider %s: no keys: %s", self._issuer, error)
        finally:
            self._asking.release()

    def _fetch(self) -> dict[str, PyJWK]:
        said = _get(self._issuer.rstrip("/") + _DISCOVERY)
        if said.get("issuer") != self._issuer:
            raise ValueError("its discovery document is of another issuer")
        where = said.get("jwks_uri")
        if not isinstance(where, str) or not _may_be_asked(where):
            raise ValueError("its discovery document names no https address of its keys")
        published = jwt.PyJWKSet.from_dict(_get(where)).keys
        return {
            key.key_id: key
            for key in published
            if isinstance(key.key_id, str) and key.public_key_use in {"sig", None}
        }


def _within(lasts_s: float, since_s: float, now_s: float) -> bool:
    """Whether it is so long ago at most; a clock that was set back makes nothing last longer."""
    return since_s <= now_s < since_s + lasts_s


def _get(address: str) -> dict[str, Any]:
    """The JSON object at an address.

    Raises:
        HTTPError, ValueError: there is none.
    """
    with httpx2.stream("GET", address, timeout=_TIMEOUT_S, follow_redirects=False) as response:
        if response.status_code != httpx2.codes.OK:
            raise ValueError(f"{address} answered {response.status_code}")
        content = b""
        for part in response.iter_bytes():
            content += part
            if len(content) > _MOST_BYTES:
                raise ValueError(f"{address} answered more than {_MOST_BYTES} bytes")
    said = json.loads(content)
    if not isinstance(said, dict):
        raise ValueError(f"{address} answered no JSON object")  # noqa: TRY004 - a wrong value
    return said


def _may_be_asked(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.username or parts.fragment or parts.query or not host:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _unavailable() -> ProblemError:
    return ProblemError(
        503,
        "identity-provider-unavailable",
        "The identity provider does not answer",
        "tokens of the identity provider cannot be checked now; sign in with an account of this "
        "server, or try again",
        {"Retry-After": str(int(ASK_AGAIN_S))},
    )
