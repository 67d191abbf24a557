"""The second factor: time-based one-time codes (RFC 6238) as every authenticator app makes them."""

from __future__ import annotations

import hmac

from pyotp import random_base32
from pyotp.totp import TOTP

STEP_S = 30
_ISSUER = "lastseen"
_DIGITS = 6
_WINDOW = (-1, 0, 1)  # steps; a clock may be half a minute off, RFC 6238, 5.2


def new_secret() -> str:
    """Return a new secret in base 32, 160 random bits."""
    return random_base32()


def provisioning_uri(secret: str, account: str) -> str:
    """Return the address that an authenticator app reads, `otpauth://…`. It holds the secret."""
    return TOTP(secret, interval=STEP_S).provisioning_uri(name=account, issuer_name=_ISSUER)


def step_of(secret: str, code: str, now_s: float) -> int | None:
    """Return the time step that a code is of, near `now_s` (Unix seconds); None if of none.

    A step may be used once: whoever calls this refuses one that is not newer than the last.
    """
    code = "".join(code.split())
    if len(code) != _DIGITS or not code.isascii():
        return None
    totp = TOTP(secret, interval=STEP_S)
    found = None
    for offset in _WINDOW:
        step = max(int(now_s // STEP_S) + offset, 0)
        if hmac.compare_digest(totp.generate_otp(step), code):
            found = step
    return found
