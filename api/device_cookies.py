"""Device cookies: by them a browser shows that its owner has signed in to an account before.

They let nobody in. They only keep strangers who try passwords from shutting the owner out: such a
browser's own attempts are counted apart (OWASP, "Slow Down Online Guessing Attacks with Device
Cookies"). One browser may be known to several accounts, as at a desk that is shared by shifts.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import jwt

DEVICE_S = 90 * 86_400.0
"""How long a device is known after it signed in."""

_MOST_ACCOUNTS = 12
_ALGORITHM = "HS256"
_AUDIENCE = "lastseen device"


@dataclass(frozen=True, slots=True)
class Device:
    """A browser or another program that signed in before.

    Attributes:
        id: random, its own.
        signed_in_s: when it last signed in to each account, Unix seconds.
    """

    id: str
    signed_in_s: dict[str, float]

    def knows(self, account: str, now_s: float) -> bool:
        """Whether it signed in to the account lately."""
        at_s = self.signed_in_s.get(account)
        return at_s is not None and at_s <= now_s < at_s + DEVICE_S


class DeviceCookies:
    """Makes and reads device cookies. Safe to use from any thread.

    Args:
        key: signs them; 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def read(self, cookie: str | None) -> Device | None:
        """Return the device that a cookie is of; None where it is none that was made here."""
        if cookie is None:
            return None
        try:
            # How old it is, is asked for each account; see `Device.knows`.
            said = jwt.decode(
                cookie,
                self._key,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                options={"require": ["jti", "aud"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError:
            return None
        return Device(said["jti"], {name: float(at_s) for name, at_s in said["in"].items()})

    def write(self, device: Device | None, account: str, now_s: float) -> str:
        """Return the cookie of a device that has signed in to an account just now.

        Args:
            device: what it was before; None where it was not known.
            account: name of the account.
            now_s: Unix seconds.
        """
        before = {} if device is None else device.signed_in_s
        newest = sorted({**before, account: now_s}.items(), key=lambda item: -item[1])
        said: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16) if device is None else device.id,
            "aud": _AUDIENCE,
            "in": dict(newest[:_MOST_ACCOUNTS]),
        }
        return jwt.encode(said, self._key, algorithm=_ALGORITHM)
